// The one place that talks to the JSON API: same-origin calls with the session cookie, one error shape.

import { serviceLost } from "./lost.js";
import { meaning, t } from "./words.js";

// `message` is for reading. The detail is English: elsewhere it stands behind what the code means.
export class ApiError extends Error {
  constructor(status, code, detail) {
    const means = meaning(code);
    super(means ? t("%(meaning)s (%(detail)s)", { meaning: means, detail }) : detail);
    this.status = status;
    this.code = code;
    // Without what the code means: for forms, which say it field by field.
    this.detail = detail;
  }
}

// `stay` is for the sign-in page, where a 401 is an answer and no reason to leave; `last` for a call made while the
// page is being left, which the browser then finishes on its own; `signal` breaks a call off whose answer nobody wants. A
// file or a form as `body` goes as it is, anything else as JSON. `key` makes sending it twice do it once.
export async function call(method, path, body, { stay = false, last = false, signal, key } = {}) {
  const headers = { Accept: "application/json" };
  const request = { method, credentials: "same-origin", keepalive: last, signal, headers };
  if (key) headers["Idempotency-Key"] = key;
  if (body !== undefined) {
    const file = body instanceof Blob;
    const form = body instanceof FormData;
    // Of a form the browser says the type itself, with the boundary that it chose.
    if (!form) request.headers["Content-Type"] = file ? "application/octet-stream" : "application/json";
    request.body = file || form ? body : JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, request);
  } catch {
    if (!signal?.aborted && !last) serviceLost();
    throw new ApiError(0, "unreachable", t("The service cannot be reached. Check the connection, then try again."));
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  if (response.status === 401 && !stay) signInAnew();
  throw refusal(response.status, answer);
}

// A file, with how much of it has gone: `fetch` does not tell. `progress` is called with a share from 0 to 1.
export function upload(path, file, { signal, progress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const lost = () => reject(new ApiError(0, "unreachable", t("The service cannot be reached. Check the connection, then try again.")));
    request.open("POST", path);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
    request.addEventListener("error", lost);
    request.addEventListener("abort", lost);
    request.addEventListener("load", () => {
      if (request.status < 300) return resolve(request.response);
      if (request.status === 401) signInAnew();
      return reject(refusal(request.status, request.response));
    });
    signal?.addEventListener("abort", () => request.abort());
    const body = new FormData();
    body.append("file", file);
    request.send(body);
  });
}

function signInAnew() {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}&why=ended`);
}

function refusal(status, answer) {
  const detail = typeof answer?.detail === "string" ? answer.detail : t("The service answered %(status)s.", { status });
  return new ApiError(status, answer?.error ?? "unknown", sentence(detail));
}

// The API writes its texts to stand inside a line; on a page they stand alone.
function sentence(text) {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
