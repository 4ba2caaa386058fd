// The words of scripts in the language of the page. The English text is the key; values are named, `%(count)s`.

export function t(message, values = {}) {
  return fill(message, values);
}

// `count` is the value `num`.
export function tn(one, many, count, values = {}) {
  return fill(count === 1 ? one : many, { num: count, ...values });
}

function fill(message, values) {
  return message.replace(/%\((\w+)\)s/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
