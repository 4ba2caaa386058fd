"""What is looked at on a page that is open in a browser: accessibility, weight, width, focus."""

from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page

from tests.npm.packages import package_file

# WCAG 2.2 at the levels A and AA; the tags of axe-core.
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MOST_BYTES = 200_000
# Less is a page without its styles.
LEAST_BYTES = 10_000
TAB_STOPS = 10

_AXE = """async (only) => {
    const found = await axe.run(document, { runOnly: only, resultTypes: ["violations"] });
    return found.violations.flatMap((rule) => rule.nodes.map((node) =>
        `${rule.id}: ${node.target.join(" ")}: ${(node.failureSummary ?? "").split("\\n").slice(1).join(" ").trim()}`));
}"""
# Of the page in English: what other languages and the marks of wording.py put on top of it is left out.
_BYTES = """() => performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))
    .filter((one) => one.entryType === "navigation" || (/\\.(css|js)$/.test(one.name) && !one.name.includes("/words/")))
    .reduce((sum, one) => sum + one.decodedBodySize, 0) - 3 * (document.documentElement.outerHTML.match(/[⟦⟧]/g) ?? []).length"""
# Whoever works by keyboard sees where they are: an outline of the element itself, or of what stands for it.
_FOCUS = """() => {
    const one = document.activeElement;
    if (!one || one === document.body) return null;
    const near = [one, one.nextElementSibling, one.closest("label")].filter(Boolean);
    const marked = near.some((place) => {
        const style = getComputedStyle(place);
        return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    });
    const box = (near.find((place) => place.getClientRects().length) ?? one).getBoundingClientRect();
    const seen = box.width > 0 && box.bottom > 0 && box.top < innerHeight;
    const name = `${one.tagName.toLowerCase()}#${one.id} ${one.className} ${(one.textContent ?? "").trim().slice(0, 30)}`;
    return marked && seen ? "" : `${marked ? "out of sight" : "no visible focus"}: ${name}`;
}"""


@dataclass
class Findings:
    """What is wrong, each with the page it is on."""

    found: list[str] = field(default_factory=list)

    def add(self, where: str, *what: str) -> None:
        self.found += [f"{where}: {one}" for one in what]


async def start_axe(page: Page) -> None:
    """Have the checker at hand on the page; pages may run no script but their own, and this is none of theirs."""
    await page.evaluate(package_file("axe-core/axe.min.js").decode())


async def violations(page: Page, **only: Any) -> list[str]:
    """What axe finds: rule, element and why. `only` is how axe-core names what to run."""
    found: list[str] = await page.evaluate(_AXE, only)
    return found


async def look(page: Page, where: str, findings: Findings) -> None:
    """Check the open page at the width of a desk in both colour schemes, by keyboard, and at the width of a phone."""
    assert await page.evaluate("document.documentElement.lang") != "", where
    weight = await page.evaluate(_BYTES)
    assert weight > LEAST_BYTES, "what a page weighs is not known"
    if weight > MOST_BYTES:
        findings.add(where, f"{weight} bytes of HTML, styles and scripts, the limit is {MOST_BYTES}")
    findings.add(where, *await too_wide(page))
    await start_axe(page)
    findings.add(where, *await violations(page, type="tag", values=WCAG))
    await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    dark = await violations(page, type="rule", values=["color-contrast", "link-in-text-block"])
    findings.add(f"{where} (dark)", *dark)
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
    findings.add(where, *await _unseen_focus(page))
    await page.set_viewport_size({"width": 390, "height": 844})
    findings.add(f"{where} (phone)", *await too_wide(page))


async def too_wide(page: Page) -> list[str]:
    """Whether the page has to be moved sideways."""
    wide, window = await page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return [f"{wide} pixels wide in a window of {window}"] if wide > window else []


async def _unseen_focus(page: Page) -> list[str]:
    found = []
    for _ in range(TAB_STOPS):
        await page.keyboard.press("Tab")
        said = await page.evaluate(_FOCUS)
        if said is None:
            break
        found += [said] if said else []
    return found
