"""Finds words on a page that are in no catalogue: in a language whose every message stands between ⟦ and ⟧.

`speak_pseudo(monkeypatch)` adds the language, `in_pseudo(context)` has a browser ask for it, `untranslated(page)` reads
the page. What is no word of the interface is marked where it is written: content by `data-content`, `lang` or
`dir="auto"`, names of keys by `kbd`, moments by `time`, code by `code` and the class `mono`.
"""

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from playwright.async_api import BrowserContext, Page

from service.catalogues import TEMPLATE, catalogue, catalogues
from service.people.interface import COOKIE

CODE = "en-XA"

_WALK = """
() => {
  const skipped = "script, style, noscript, textarea, kbd, code, time, .mono, [data-content], [lang]:not(html), [dir=auto]";
  const outside = (text) => {
    let depth = 0, left = "";
    for (const letter of text) {
      if (letter === "⟦") depth += 1;
      else if (letter === "⟧") depth -= 1;
      else left += depth ? " " : letter;
    }
    // Names of days and months are the browser's and Babel's.
    left = left.replace(/\\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)\\b/g, " ");
    return left.match(/\\p{L}{2,}[^⟦]*/u)?.[0].trim() ?? "";
  };
  const found = [];
  const say = (element, words) => words && found.push(`<${element.localName}> ${words.slice(0, 80)}`);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  // A message may go over several elements, so what is open stays open from one text to the next.
  let open = "";
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (node.parentElement.closest(skipped)) continue;
    say(node.parentElement, outside(open + node.data));
    const depth = [...(open + node.data)].reduce((sum, one) => sum + (one === "⟦") - (one === "⟧"), 0);
    open = "⟦".repeat(Math.max(0, depth));
  }
  for (const element of document.querySelectorAll("[title], [aria-label], [placeholder], [alt], [data-label]")) {
    if (element.closest(skipped)) continue;
    for (const name of ["title", "aria-label", "placeholder", "alt", "data-label"]) {
      say(element, outside(element.getAttribute(name) ?? ""));
    }
  }
  const title = document.title.replace(" · content-triage", "");
  // A page about a thing that people named is called by that name.
  const named = [...document.querySelectorAll("h1")].some((one) => one.textContent.includes(title) && one.matches(":is([data-content], [dir=auto]), :has([data-content], [dir=auto])"));
  if (!named) say(document.documentElement, outside(title));
  return found;
}
"""


def speak_pseudo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the language for the time of a test."""
    catalog = Catalog(locale="en")
    with TEMPLATE.open("rb") as file:
        for message in read_po(file):
            if message.id:
                forms = (message.id,) if isinstance(message.id, str) else message.id
                wrapped = tuple(f"⟦{one}⟧" for one in forms)
                catalog.add(message.id, wrapped if len(wrapped) > 1 else wrapped[0], locations=message.locations)
    pseudo = catalogue(catalog, code=CODE, name="Pseudo", locale="en")
    monkeypatch.setitem(catalogues(), CODE, pseudo)


async def in_pseudo(context: BrowserContext, address: str) -> None:
    """Have the pages of this browser in that language."""
    await context.add_cookies([{"name": COOKIE, "value": CODE, "url": address}])


async def untranslated(page: Page) -> list[str]:
    """Words of the page that no catalogue has, each with its element."""
    found: list[str] = await page.evaluate(_WALK)
    return found
