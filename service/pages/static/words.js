// The words of scripts in the language of the page. The English text is the key; values are named, `%(count)s`.

export const language = document.documentElement.lang;

const ENGLISH = "en-GB";

// English needs none. Every module that speaks imports this one, and so waits for the words.
const { messages, plural, errors } =
  language === "en" ? { messages: {}, plural: (n) => Number(n !== 1), errors: {} } : await import(`./words/${language}.js`);

export function t(message, values = {}) {
  return fill(messages[message] || message, values);
}

// `count` is the value `num`.
export function tn(one, many, count, values = {}) {
  const forms = messages[one] ?? [];
  const form = forms[plural(count)] || (count === 1 ? one : many);
  return fill(form, { num: number(count), ...values });
}

// What an error code means, where the interface is not English: the details of errors are.
export function meaning(code) {
  return errors[code] ?? "";
}

export function number(value, options) {
  return value.toLocaleString(numbers(), options);
}

export function moment(when, options) {
  return when.toLocaleString(numbers(), options);
}

// English has days before months, as the server writes them; so has a language that exists for tests only.
function numbers() {
  if (language === "en") return ENGLISH;
  return Intl.DateTimeFormat.supportedLocalesOf(language)[0] ?? ENGLISH;
}

function fill(message, values) {
  return message.replace(/%\((\w+)\)s/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
