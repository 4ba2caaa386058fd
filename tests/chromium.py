"""A Chromium for the browser tests: found on the machine, else installed. `python -m tests.chromium` prints its path."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

# The one without a window does the same with less: browser tests take about a sixth less time in it.
SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),)


class NoChromiumError(RuntimeError):
    """There is no Chromium and none could be installed; the message says what to do."""


def find_chromium() -> Path | None:
    """A Chromium or Chrome that starts, or None: on the path, in its usual place, or Playwright's own."""
    named = [Path(path) for name in NAMES if (path := shutil.which(name))]
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return next((path for path in (*named, *PLACES, own) if path.exists() and _starts(path)), None)


def ensure_chromium() -> Path:
    """A Chromium that starts, installed by the system's packages or by Playwright if need be. Raises NoChromiumError."""
    found = find_chromium()
    for install in (_install_with_apt, _install_with_playwright):
        if found is None:
            install()
            found = find_chromium()
    if found is None:
        raise NoChromiumError("no Chromium found and none could be installed: install chromium or google-chrome")
    return found


def _starts(path: Path) -> bool:
    # Some distributions put a stub there that only says where to get the real one.
    try:
        done = subprocess.run([path, "--version"], capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _install_with_apt() -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ("install", "-y", "-qq", "--no-install-recommends")
    # Not every distribution has the one without a window.
    for arguments in (("update", "-qq"), (*install, SHELL), (*install, "chromium")):
        done = subprocess.run(["apt-get", *arguments], env=environment, stdout=subprocess.DEVNULL, check=False)
        if SHELL in arguments and done.returncode == 0:
            return


def _install_with_playwright() -> None:
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    print(ensure_chromium())
