"""A Chromium whose every request, answer and complaint is kept."""

import asyncio
import atexit
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Page, Request, Response, ViewportSize, async_playwright

from tests.chromium import ensure_chromium

# Without these a browser calls home by itself, and a machine that is watched would blame us for it.
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 740}


@cache
def _shared() -> str:
    """The address of a Chromium that all tests of this process share: to start one takes longer than most of them."""
    # Chromium refuses to run as root in its sandbox; containers often have no other user.
    arguments = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    options = {"executablePath": str(ensure_chromium()), "args": arguments, "host": "127.0.0.1", "headless": True}
    with NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(options, file)
        file.flush()
        server = subprocess.Popen(
            [sys.executable, "-m", "playwright", "launch-server", "--browser", "chromium", "--config", file.name],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert server.stdout is not None
        address = server.stdout.readline().strip()
    atexit.register(_end, server)
    assert address.startswith("ws://"), f"Chromium does not start: {address}"
    return address


def _end(server: subprocess.Popen[str]) -> None:
    # The command hands its work to another process, and only that ends the browser with itself.
    os.killpg(server.pid, signal.SIGTERM)
    server.communicate()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A Chromium without pages; whatever is opened in it is closed at the end."""
    address = await asyncio.to_thread(_shared)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect(address)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Log:
    """What a page did: requests in order, answers with bodies of pictures, and everything it complained about."""

    host: str
    requests: list[Request] = field(default_factory=list)
    pictures: list[tuple[str, bytes]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _reading: list[asyncio.Task[None]] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("request", self._asked)
        page.on("response", self._answered)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        page.on("requestfailed", self._failed)

    def asked_for(self, part: str) -> list[Request]:
        """Requests whose address holds that text."""
        return [request for request in self.requests if part in request.url]

    async def served_pictures(self) -> list[tuple[str, bytes]]:
        """Address and bytes of every picture that came so far."""
        await asyncio.gather(*self._reading)
        return self.pictures

    def _asked(self, request: Request) -> None:
        self.requests.append(request)
        if urlsplit(request.url).netloc != self.host:
            self.complaints.append(f"request to another host: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.request.method} {response.url}: {response.status}")
        if response.headers.get("content-type", "").startswith("image/") and "/v1/" in response.url:
            self._reading.append(asyncio.ensure_future(self._read(response)))

    async def _read(self, response: Response) -> None:
        self.pictures.append((response.url, await response.body()))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        # A page that is left gives up what it still waits for.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.method} {request.url}: {request.failure}")


@asynccontextmanager
async def new_page(browser: Browser, address: str, *, viewport: ViewportSize = WIDE) -> AsyncIterator[tuple[Page, Log]]:
    """A page in a profile of its own; the block fails at its end when the page complained about anything."""
    context = await browser.new_context(base_url=address, viewport=viewport)
    context.set_default_timeout(60_000)
    page = await context.new_page()
    log = Log(urlsplit(address).netloc)
    log.watch(page)
    try:
        yield page, log
        assert not log.complaints, "\n".join(log.complaints)
    finally:
        await context.close()


async def sign_in(page: Page, username: str, password: str) -> None:
    """Sign in and wait for the console."""
    await page.goto("/")
    await page.fill("#username", username)
    await page.fill("#password", password)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console")
