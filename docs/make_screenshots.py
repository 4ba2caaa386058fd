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
LARGEST_BYTES = 300_000
CLAIMS = 12
WIDE = ViewportSize(width=1440, height=900)
NARROW = ViewportSize(width=390, height=844)


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
        page.wait_for_load_state("networkidle")
        claimed.append(page.url)
        if page.locator("img.preview").count() and not page.locator("[data-testid=unscored]").count():
            break
    return claimed


def save(page: Page, name: str) -> None:
    """Write what the window shows as a PNG with a palette, which halves the size and changes nothing one could see."""
    page.wait_for_load_state("networkidle")
    shot = pyvips.Image.new_from_buffer(page.screenshot(animations="disabled", caret="hide"), "")
    for quality in (100, 80, 60):
        written: bytes = shot.write_to_buffer(".png", palette=True, bitdepth=8, Q=quality, compression=9)
        if len(written) < LARGEST_BYTES:
            (IMAGES / f"{name}.png").write_bytes(written)
            return
    raise PictureTooLargeError(f"{name}: no palette brings it under {LARGEST_BYTES:,} bytes")


if __name__ == "__main__":
    main()
