"""Take the pictures of the console that the documentation shows.

    python docs/make_screenshots.py http://127.0.0.1:8000 var/data/demo-credentials.json

Starts nothing itself: the address is that of a running console with sample cases, the file holds its log-ins. Cases
that are claimed on the way are given back.
"""  # noqa: INP001 - a script beside the documents, not a package

import argparse
import json
import shutil
from pathlib import Path

import pyvips
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

IMAGES = Path(__file__).resolve().parent / "images"
PAGES = IMAGES / "pages"
GALLERY = Path(__file__).resolve().parent / "pages.md"
LARGEST_BYTES = 300_000
LONGEST = 1600
CLAIMS = 12
WIDE = ViewportSize(width=1440, height=900)
NARROW = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1366, height=768)

# Every page, with whoever it is made for and what it answers; `docs/pages.md` shows them in this order.
PLACES = (
    ("reviewer", "console", "/console", "What waits, what is in one's hands, and the next case at one key"),
    ("reviewer", "work", "/work", "What one person has to do, and what came of what they did"),
    ("specialist", "escalations", "/escalations", "What cannot wait, in the order in which it is to be done"),
    ("specialist", "escalation", "/escalations/{id}", "One escalation: its clocks, and all that was said and done"),
    (
        "specialist",
        "escalation-narrative",
        "/escalations/{id}/narrative",
        "A brief or a report of an escalation, for whom it is written",
    ),
    ("lead", "search", "/search", "Everything reported and decided, by its words"),
    ("reviewer", "exposure", "/exposure", "What somebody has looked at, for themselves alone"),
    ("reviewer", "raise", "/escalations/new", "Who raises what: the forms of escalations"),
    ("reviewer", "raise-form", "/escalations/new/user/blocked_account", "What has to be said for one of them"),
    ("lead", "mail-aside", "/escalations/mail", "Mail that machines wrote about nothing of ours"),
    ("lead", "floor", "/floor", "Whether the queues are kept up with"),
    (
        "lead",
        "statements",
        "/statements",
        "What authors are told of decisions, and what goes to the Transparency Database",
    ),
    ("lead", "policies", "/policies", "The rules in force, each with its versions"),
    ("lead", "policy", "/policies/harassment", "One area's rules"),
    ("lead", "appeals", "/appeals", "Appeals that wait, and what others came to"),
    ("lead", "quality", "/qa", "Checks of what was decided"),
    ("lead", "quality-review", "/qa/review", "A blind check of one decision"),
    ("lead", "quality-disputed", "/qa/disputed", "Decisions on which checks do not agree"),
    ("reviewer", "quality-feedback", "/qa/feedback", "What checks of one's own decisions said"),
    ("lead", "quality-objections", "/qa/objections", "Answers to objections"),
    ("lead", "quality-calibration", "/qa/calibration", "Sessions in which many judge the same cases"),
    ("lead", "quality-suspects", "/qa/suspects", "Labels that the model doubts"),
    ("adviser", "consults", "/consults", "Questions to Legal and other teams, the first due in front"),
    ("lead", "consults-precedents", "/consults/precedents", "Answers of teams that were kept for later cases"),
    ("lead", "consults-teams", "/consults/teams", "Who is asked about escalations"),
    ("lead", "routing", "/routing", "Which case goes to which queue"),
    ("lead", "ranking", "/ranking", "The order, and what another would change"),
    ("lead", "scorecards", "/scorecards", "Quality, deadlines, times and cost of groups"),
    ("lead", "scorecards-trend", "/scorecards/trend", "The same figures over time"),
    ("lead", "banks", "/banks", "Hashes of known pictures"),
    ("lead", "sla", "/sla", "How soon escalations are due, by which law, and how that was kept"),
    ("lead", "replies", "/replies", "What whoever raised an escalation is told, and who approves it"),
    ("lead", "crisis", "/crisis", "Crises and continuity plans"),
    ("lead", "improvements", "/improvements", "What is done so that escalations do not come back"),
    ("lead", "improvements-pareto", "/improvements/pareto", "What escalations have in common"),
    ("lead", "models", "/models", "The model at work and the one in the shadow"),
    ("admin", "admin-people", "/admin/people", "Accounts, roles and what they may do"),
    ("admin", "admin-person", "/admin/people/demo-reviewer", "One account"),
    ("admin", "admin-roles", "/admin/roles", "What each role may do"),
    ("admin", "admin-keys", "/admin/keys", "Keys of machines"),
    ("admin", "admin-queues", "/admin/queues", "Queues, their members and what is hidden in them"),
    ("admin", "admin-taxonomy", "/admin/taxonomy", "Areas, severities and actions at work"),
    ("admin", "admin-webhooks", "/admin/webhooks", "Where effects are delivered to"),
    ("admin", "admin-media", "/admin/media", "How graphic media are shown"),
    ("admin", "restricted", "/restricted", "Who is named for child safety and law enforcement"),
    ("admin", "admin-audit", "/admin/audit", "Everything that anybody did"),
    ("reviewer", "not-found", "/cases/00000000-0000-0000-0000-000000000000", "An address that leads nowhere"),
    ("reviewer", "not-allowed", "/admin/people", "A page for other roles"),
)


# Where an address has an id: the page above it, and the link to the first of them.
FIRST = {"/escalations/{id}": ("/escalations", ".esc-list .esc-link")}


class PictureTooLargeError(RuntimeError):
    """A screenshot that no palette brings under the limit."""


def main() -> None:
    """Drive a Chromium through the console and write docs/images/*.png."""
    parser = argparse.ArgumentParser(description="Take the pictures of the console that the documentation shows.")
    parser.add_argument("address", help="where the console runs, for example http://127.0.0.1:8000")
    parser.add_argument("credentials", type=Path, help="the file of log-ins that the sample cases came with")
    parser.add_argument("--chromium", type=Path, default=shutil.which("chromium"), help="the browser to use")
    options = parser.parse_args()
    people = json.loads(options.credentials.read_text(encoding="utf-8"))
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        take_all(browser, options.address.rstrip("/"), people["reviewer"])
        take_floor(browser, options.address.rstrip("/"), people["lead"])
        take_pages(browser, options.address.rstrip("/"), people)
        browser.close()


def take_all(browser: Browser, address: str, log_in: dict[str, str]) -> None:
    """Sign in once, then one picture after another."""
    context = browser.new_context(viewport=WIDE, device_scale_factor=2, color_scheme="light")
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    save(page, "sign-in")
    sign_in(page, log_in)
    page.wait_for_selector("[data-testid=upcoming]")
    save(page, "console")
    claimed = claim_one_with_pictures(page, address)
    save(page, "case")
    page.click("#hints-toggle")
    page.wait_for_selector("#hints:not([aria-busy])")
    save(page, "case-hints")
    page.click("#hints-toggle")
    page.keyboard.press("x")
    save(page, "case-skip")
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    page.wait_for_selector("img.lens.is-there")
    save(page, "case-lens")
    page.keyboard.press("Escape")
    state = context.storage_state()
    for name, viewport, scheme in (("case-dark", WIDE, "dark"), ("case-mobile", NARROW, "light")):
        other = browser.new_context(
            viewport=viewport,
            device_scale_factor=2,
            color_scheme="dark" if scheme == "dark" else "light",
            has_touch=viewport is NARROW,
            is_mobile=viewport is NARROW,
            storage_state=state,
        )
        shown = other.new_page()
        shown.goto(page.url)
        save(shown, name)
        other.close()
    for case in claimed:
        page.goto(case)
        page.click("#release")
        page.wait_for_url("**/console")
    page.goto(f"{address}/exposure")
    save(page, "exposure")
    context.close()


def take_floor(browser: Browser, address: str, log_in: dict[str, str]) -> None:
    """The page of those who lead."""
    context = browser.new_context(viewport=WIDE, device_scale_factor=2, color_scheme="light")
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    sign_in(page, log_in)
    page.goto(f"{address}/floor")
    save(page, "floor")
    context.close()


def take_pages(browser: Browser, address: str, people: dict[str, dict[str, str]]) -> None:
    """Every page in light and dark, and the document that shows them."""
    PAGES.mkdir(exist_ok=True)
    for old in PAGES.glob("*.webp"):
        old.unlink()
    for role in dict.fromkeys(role for role, *_ in PLACES):
        context = browser.new_context(viewport=DESK, color_scheme="light")
        page = context.new_page()
        page.goto(f"{address}/sign-in")
        sign_in(page, people[role])
        for _, name, path, _ in (place for place in PLACES if place[0] == role):
            page.goto(f"{address}{found(page, address, path)}")
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                save_whole(page, f"{name}-{scheme}")
        context.close()
    GALLERY.write_text(gallery(), encoding="utf-8")


def found(page: Page, address: str, path: str) -> str:
    """The address of a page as it is here: ids differ from one set of samples to the next."""
    for of, (above, link) in FIRST.items():
        if path.startswith(of):
            page.goto(f"{address}{above}")
            return f"{page.locator(link).first.get_attribute('href')}{path.removeprefix(of)}"
    return path


def gallery() -> str:
    """The document with a section a page."""
    lines = [
        "# Pages",
        "",
        "Every page of the console with the sample cases of a fresh start, light and dark, at 1366 pixels;",
        "`make screenshots` draws the pictures and writes this document.",
    ]
    for role, name, path, words in PLACES:
        lines += ["", f"## `{path}`", "", f"{words}; here as a {role} sees it.", ""]
        lines += [f"![{words} ({scheme})](images/pages/{name}-{scheme}.webp)" for scheme in ("light", "dark")]
    return "\n".join(lines) + "\n"


def save_whole(page: Page, name: str) -> None:
    """Write the page, at most `LONGEST` pixels of it, as a lossy WebP: there are many of these."""
    settle(page)
    shot = pyvips.Image.new_from_buffer(page.screenshot(animations="disabled", caret="hide", full_page=True), "")
    shown = shot.crop(0, 0, shot.width, min(shot.height, LONGEST))
    shown.write_to_file(str(PAGES / f"{name}.webp"), Q=82, effort=6)


def sign_in(page: Page, log_in: dict[str, str]) -> None:
    """From the form to the console."""
    page.fill("#username", log_in["username"])
    page.fill("#password", log_in["password"])
    page.press("#password", "Enter")
    page.wait_for_url("**/console")


def claim_one_with_pictures(page: Page, address: str) -> list[str]:
    """Claim until a case has a picture and a score, and stay on it; returns the addresses of all claimed cases."""
    claimed: list[str] = []
    while len(claimed) < CLAIMS:
        # By the API: the console goes on with the case in hand, and here one must be held while the next is looked at.
        answer = page.request.post(f"{address}/v1/queues/default/claim")
        page.goto(f"{address}/cases/{answer.json()['case']['id']}")
        settle(page)
        claimed.append(page.url)
        if page.locator("img.preview").count() and not page.locator("[data-testid=unscored]").count():
            break
    return claimed


def settle(page: Page) -> None:
    """Wait until nothing is loaded any more. A page that listens to news never stops; it says when it has begun to."""
    if page.locator("#live-state").count():
        page.wait_for_selector("#live-state.is-live")
    else:
        page.wait_for_load_state("networkidle")


def save(page: Page, name: str) -> None:
    """Write what the window shows as a PNG with a palette, which halves the size and changes nothing one could see."""
    settle(page)
    shot = pyvips.Image.new_from_buffer(page.screenshot(animations="disabled", caret="hide"), "")
    for quality in (100, 80, 60):
        written: bytes = shot.write_to_buffer(".png", palette=True, bitdepth=8, Q=quality, compression=9)
        if len(written) < LARGEST_BYTES:
            (IMAGES / f"{name}.png").write_bytes(written)
            return
    raise PictureTooLargeError(f"{name}: no palette brings it under {LARGEST_BYTES:,} bytes")


if __name__ == "__main__":
    main()
