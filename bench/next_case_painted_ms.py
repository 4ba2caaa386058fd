"""From the deciding key press to the next case on the screen: a reviewer in Chromium who decides by keyboard alone.

Counted is the time from the `keydown` of Ctrl+Enter, by the browser's own stamp, until the frame after title, content and
form of the next case stand in the page. That holds everything between: the call that records the decision, the way to the
next case and its first picture. The reviewer looks at each case for `READING_SECONDS`, in which the page fetches the next.
"""

import os
import statistics
from typing import Any

import uvloop
from playwright.sync_api import Page, ViewportSize, sync_playwright

from bench.database import empty_database
from bench.filling import fill_cases
from bench.measure import BenchError, Result, hardware, say
from bench.people import add_accounts
from bench.served import served
from service.db import create_engine
from service.people.schemas import AccountIn
from service.people.workflow import create_person
from tests.chromium import ensure_chromium

NAME = "next_case_painted_ms"
PASSWORD = "long enough to be one"  # noqa: S105 - of an account that lasts as long as the run
READING_SECONDS = 1.0
PATIENCE_MS = 15_000
VIEWPORT: ViewportSize = {"width": 1366, "height": 768}

# Runs before every page: keeps when the key came and when the next case was painted, across pages, on one time line.
_WATCH = """
(() => {
  const now = () => performance.timeOrigin + performance.now();
  addEventListener("keydown", (event) => {
    if (!event.ctrlKey || event.key !== "Enter") return;
    sessionStorage.setItem("bench.pressed", performance.timeOrigin + event.timeStamp);
  }, true);
  const shown = () => {
    const lease = document.getElementById("lease");
    const whole = document.querySelector("[data-testid=case-title]") && document.getElementById("decide");
    return lease && whole ? lease.dataset.case : null;
  };
  const look = () => {
    const caseId = shown();
    if (!caseId || caseId === sessionStorage.getItem("bench.case")) return;
    sessionStorage.setItem("bench.case", caseId);
    // A message that is sent from a frame arrives after that frame was painted.
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => sessionStorage.setItem("bench.painted", `${caseId} ${now()}`);
      channel.port2.postMessage(null);
    });
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-case"] });
})();
"""
_PAINTED = "(last) => { const one = sessionStorage.getItem('bench.painted'); return one && one.split(' ')[0] !== last ? one : null; }"


def run(*, quick: bool) -> Result:
    """The median over so many decisions of one reviewer, one after the other."""
    open_cases, decisions = (1_000, 3) if quick else (100_000, 100)
    with empty_database() as url:
        [filler] = add_accounts(url, "lead", 1)
        uvloop.run(_reviewer(url))
        fill_cases(url, open_cases=open_cases, leased=0, holder=filler.id)
        say(f"{NAME}: {decisions} cases decided by keyboard, {open_cases:,} wait")
        with served(url) as port:
            taken = _shift(f"http://127.0.0.1:{port}", decisions)
    ordered = sorted(taken)
    detail = {
        "absolute": "milliseconds on this machine, not a ratio",
        "p95_ms": round(ordered[int(0.95 * (len(ordered) - 1))], 1),
        "slowest_ms": round(ordered[-1], 1),
        "decisions": len(ordered),
        "open_cases": open_cases,
        "reading_seconds": READING_SECONDS,
    }
    return Result(NAME, statistics.median(ordered), "ms", detail | hardware())


def _shift(address: str, decisions: int) -> list[float]:
    executable = ensure_chromium()
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        try:
            page = browser.new_page(base_url=address, viewport=VIEWPORT)
            page.set_default_timeout(PATIENCE_MS)
            page.add_init_script(_WATCH)
            _sign_in(page)
            page.keyboard.press("n")
            last = _painted(page, "")[0]
            taken = []
            for _ in range(decisions):
                last, took = _decide(page, last)
                taken.append(took)
            return taken
        finally:
            browser.close()


def _decide(page: Page, last: str) -> tuple[str, float]:
    """Decide the case in hand; gives the next one and the milliseconds until it was painted."""
    page.wait_for_timeout(READING_SECONDS * 1000)
    for key in ("1", "Shift+Digit2", "Control+Enter"):
        page.keyboard.press(key)
    case_id, painted = _painted(page, last)
    return case_id, painted - float(page.evaluate("sessionStorage.getItem('bench.pressed')"))


def _painted(page: Page, last: str) -> tuple[str, float]:
    said: Any = page.wait_for_function(_PAINTED, arg=last).json_value()
    if not said:
        raise BenchError("the next case did not come")
    case_id, at = str(said).split(" ")
    return case_id, float(at)


def _sign_in(page: Page) -> None:
    page.goto("/")
    page.fill("#username", "bench-desk")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/console")
    page.wait_for_load_state("networkidle")


async def _reviewer(url: str) -> None:
    engine = create_engine(url, pool=1)
    try:
        async with engine.begin() as connection:
            person = AccountIn(username="bench-desk", role="reviewer", password=PASSWORD)
            await create_person(connection, person, actor=None)
    finally:
        await engine.dispose()
