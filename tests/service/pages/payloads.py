"""Texts that would do something on a page that did not treat them as text, and callers that write them everywhere."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

# Each would call `pwned()`, change the page or ask another host, by another way into a page. All of them are our own.
FORMS = (
    # Elements and their handlers.
    "<script>pwned()</script>",
    "<ScRiPt>pwned()</sCrIpT >",
    "<script src=//evil.test/a.js></script>",
    "<img src=x onerror=pwned()>",
    "<img/src=x/onerror=pwned()>",
    "<img src=x:x onerror='pwned()'//",
    "<svg onload=pwned()>",
    "<svg><script>pwned()</script></svg>",
    "<svg><animate onbegin=pwned() attributeName=x dur=1s>",
    "<svg><a href='javascript:pwned()'><text y=9>x</text></a></svg>",
    "<svg><set attributeName=onload to=pwned()>",
    "<math><mtext><table><mglyph><style><img src=x onerror=pwned()>",
    "<body onload=pwned()>",
    "<iframe src=javascript:pwned()></iframe>",
    "<iframe srcdoc='<script>parent.pwned()</script>'></iframe>",
    "<object data=javascript:pwned()></object>",
    "<embed src=javascript:pwned()>",
    "<video><source onerror=pwned()></video>",
    "<audio src=x onerror=pwned()>",
    "<details open ontoggle=pwned()>x</details>",
    "<input autofocus onfocus=pwned()>",
    "<select autofocus onfocus=pwned()>",
    "<textarea autofocus onfocus=pwned()>",
    "<marquee onstart=pwned()>x</marquee>",
    "<p tabindex=1 onfocusin=pwned()>x</p>",
    "<link rel=stylesheet href=//evil.test/a.css>",
    "<link rel=prefetch href=//evil.test/a>",
    "<style>@import '//evil.test/a.css'</style>",
    "<style>*{display:none}</style>",
    "<meta http-equiv=refresh content='0;url=javascript:pwned()'>",
    "<base href=//evil.test/>",
    "<form action=//evil.test/><input type=submit autofocus>",
    "<button formaction=javascript:pwned()>x</button>",
    "<a href=javascript:pwned()>x</a>",
    "<template><script>pwned()</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=pwned()>'>",
    "<dialog open>x</dialog>",
    # Out of attributes, of other elements and of comments.
    '"><script>pwned()</script>',
    "'><img src=x onerror=pwned()>",
    '" onmouseover="pwned()" x="',
    "' autofocus onfocus='pwned()' x='",
    "` onerror=`pwned()`",
    "</title><script>pwned()</script>",
    "</textarea><script>pwned()</script>",
    "</option></select><img src=x onerror=pwned()>",
    "</script><script>pwned()</script>",
    "--><script>pwned()</script><!--",
    "]]><script>pwned()</script>",
    # Addresses and scripts without an element.
    "javascript:pwned()",
    "jAvAsCrIpT&colon;pwned()",
    "data:text/html,<script>pwned()</script>",
    "[x](javascript:pwned())",
    "<javascript:pwned()>",
    "';pwned();'",
    "\\u003cscript\\u003epwned()\\u003c/script\\u003e",
    # Templates, translations and what is filled in by name.
    "{{ 7 * 7 }}{% include 'layout.html' %}",
    "{{ self.__init__.__globals__ }}",
    "${pwned()}#{pwned()}<%= pwned() %>",
    "%(count)s %s {0} %d%%",
    # Entities, other ways to write the same, and characters that hide or turn text.
    "&lt;script&gt;pwned()&lt;/script&gt;",
    "&#60;img src=x onerror=pwned()&#62;",
    "\uff1cscript\uff1epwned()\uff1c/script\uff1e",
    "<\u0130mg src=x onerror=pwned()>",
    "\u202eright to left\u202c \u2066isolated\u2069 \u200bzero\u200b",
    "<scr\u00adipt>pwned()</scr\u00adipt>",
    "e\u0301\u0327\u0489\u0489 \U0001f469\u200d\U0001f469\u200d\U0001f467",
    # Spreadsheets.
    '=HYPERLINK("//evil.test",1)',
    "@SUM(1+1)*cmd|'/C x'!A0",
)
VERY_LONG = "W" * 3000
METHODS = ("get", "post", "put", "patch", "delete")
# Free text in a schema; whatever has one of these holds no markup.
CLOSED_FORMATS = frozenset({"uuid", "date", "date-time", "binary"})


@dataclass(frozen=True)
class Api:
    """The description of the API: which fields of which calls take free text."""

    description: Mapping[str, Any]

    def operations(self) -> Iterator[tuple[str, re.Pattern[str], Mapping[str, Any]]]:
        """(`METHOD /path`, what its addresses look like, schema of its JSON body), fixed paths first."""
        paths = self.description["paths"]
        for path in sorted(paths, key=lambda one: (one.count("{"), one)):
            address = re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path)))
            for method in METHODS:
                content = paths[path].get(method, {}).get("requestBody", {}).get("content", {})
                if schema := content.get("application/json", {}).get("schema"):
                    yield f"{method.upper()} {path}", address, schema

    def variants(self, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """What a value may be, references followed."""
        if "$ref" in schema:
            yield from self.variants(self.description["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        for part in ("anyOf", "oneOf", "allOf"):
            for one in schema.get(part, ()):
                yield from self.variants(one)
        yield schema

    def free_text(self, schema: Mapping[str, Any], name: str = "") -> Iterator[str]:
        """Names of the fields that take markup, as `.subject.text` or `.examples[].why`."""
        for one in self.variants(schema):
            if takes_markup(one):
                yield name
            for key, part in one.get("properties", {}).items():
                yield from self.free_text(part, f"{name}.{key}")
            if isinstance(one.get("items"), Mapping):
                yield from self.free_text(one["items"], f"{name}[]")

    def fields(self) -> set[str]:
        """Every field of every JSON body that takes markup, as `POST /v1/reports .note`."""
        return {f"{operation} {name}" for operation, _, schema in self.operations() for name in self.free_text(schema)}


def takes_markup(schema: Mapping[str, Any]) -> bool:
    """Whether a text of this schema could hold an element."""
    if schema.get("type") != "string" or {"enum", "const"} & set(schema) or schema.get("format") in CLOSED_FORMATS:
        return False
    return "pattern" not in schema or re.search(schema["pattern"], FORMS[0]) is not None


@dataclass
class Writer:
    """Writes hostile texts, and remembers where."""

    api: Api
    # Fields whose values have to be known to the service.
    known: frozenset[str]
    written: dict[str, list[str]] = field(default_factory=dict)
    _texts: dict[tuple[str, str], str] = field(default_factory=dict)

    def body(self, request: httpx.Request, given: Any) -> Any:
        """The body with a hostile text in each of its free fields."""
        for operation, address, schema in self.api.operations():
            if operation.startswith(request.method) and address.fullmatch(request.url.path):
                return self._filled(schema, given, operation, "")
        return given

    def _filled(self, schema: Mapping[str, Any], given: Any, operation: str, name: str) -> Any:
        variants = list(self.api.variants(schema))
        if isinstance(given, str):
            place = f"{operation} {name}"
            open_ones = [one for one in variants if takes_markup(one)]
            return self._text(place, name, given, open_ones[0]) if open_ones and place not in self.known else given
        if isinstance(given, list):
            items = [one["items"] for one in variants if isinstance(one.get("items"), Mapping)]
            return [self._filled(items[0], one, operation, f"{name}[]") for one in given] if items else given
        if isinstance(given, dict):
            parts = {key: part for one in variants for key, part in one.get("properties", {}).items()}
            return {
                key: self._filled(parts[key], one, operation, f"{name}.{key}") if key in parts else one
                for key, one in given.items()
            }
        return given

    def _text(self, place: str, name: str, given: str, schema: Mapping[str, Any]) -> str:
        """The same for the same value of a field, so that who wrote twice is still one person."""
        if (name, given) not in self._texts:
            number = len(self._texts)
            self._texts[name, given] = hostile(number, schema.get("maxLength", 200), schema.get("pattern", ""))
        self.written.setdefault(place, []).append(self._texts[name, given])
        return self._texts[name, given]


def hostile(number: int, most: int, pattern: str = "") -> str:
    """As many forms as fit, another one first each time, behind a mark by which the text is found again."""
    turned = [*FORMS[number % len(FORMS) :], *FORMS[: number % len(FORMS)]]
    text = mark(number)
    for form in [*turned, VERY_LONG]:
        longer = f"{text} {form}"
        if len(longer) <= most and re.search(pattern, longer):
            text = longer
    return text


def mark(number: int) -> str:
    """What a text begins with: itself no form, and in no other text."""
    return f"<i>n{number}</i>"


def beginning(text: str) -> str:
    """The mark of a text with what comes first behind it, short enough to survive being cut."""
    return squeezed(text)[:30]


def squeezed(text: str) -> str:
    """A text without what pages may change: spaces, and capitals at the start of a sentence."""
    return re.sub(r"\s+", "", text).lower()


class Hostile(httpx.AsyncBaseTransport):
    """Sends each request with its free texts replaced by hostile ones."""

    def __init__(self, inner: httpx.AsyncBaseTransport, writer: Writer) -> None:
        self._inner = inner
        self._writer = writer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("content-type") == "application/json":
            body = self._writer.body(request, json.loads(await request.aread()))
            headers = {name: one for name, one in request.headers.items() if name != "content-length"}
            request = httpx.Request(request.method, request.url, headers=headers, json=body)
        return await self._inner.handle_async_request(request)
