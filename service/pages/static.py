"""Static files of the pages, under an address that changes with their content.

The hash stands in the path, not in each name: modules import each other by relative address and so stay on the same
version, and a browser may keep every file for ever.
"""

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from service.catalogues import FOLDER as LOCALES
from service.catalogues import catalogues

FOLDER = Path(__file__).resolve().parent / "static"
_FOR_PEOPLE = {".js": re.compile(r"(?m)^[ \t]*//.*\n"), ".css": re.compile(r"/\*.*?\*/", re.DOTALL)}
_INDENTED = re.compile(r"(?m)^[ \t]+|^\n")
KEEP_FOR_EVER = "public, max-age=31536000, immutable"


class HashedFiles(StaticFiles):
    """Static files that never change at their address, and the words of scripts, made from the catalogues."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        made = _words(path) or lean(path)
        if made:
            response = Response(made, media_type="text/css" if path.endswith(".css") else "text/javascript")
        else:
            response = await super().get_response(path, scope)
        if response.status_code in {200, 304}:
            response.headers["Cache-Control"] = KEEP_FOR_EVER
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


@lru_cache(maxsize=256)
def lean(path: str) -> str:
    """One of our own scripts or styles without what only people read: comments that have lines of their own, and indentation.

    Empty for any other file. No text of a script goes over the end of a line (a test holds it), so nothing else is meant by one.
    """
    file = FOLDER / path
    if file not in _ours():
        return ""
    return _INDENTED.sub("", _FOR_PEOPLE[file.suffix].sub("", file.read_text(encoding="utf-8")))


@lru_cache(maxsize=1)
def _ours() -> frozenset[Path]:
    """Scripts and styles of the pages; what others made lies in folders of its own."""
    return frozenset(file for file in FOLDER.iterdir() if file.suffix in _FOR_PEOPLE)


def _words(path: str) -> str:
    """The module at `words/es.js`; empty for any other address, and for English, which needs none."""
    folder, _slash, name = path.replace("\\", "/").rpartition("/")
    found = catalogues().get(name.removesuffix(".js")) if folder == "words" and name.endswith(".js") else None
    return found.module if found else ""


@lru_cache(maxsize=1)
def static_prefix() -> str:
    """Where the static files live, for example `/static/3f2a91c04d5e`."""
    digest = hashlib.sha256()
    for folder in (FOLDER, LOCALES):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"/static/{digest.hexdigest()[:12]}"


def mount_static(app: FastAPI) -> None:
    """Serve the static files of the pages."""
    # Read now, so that nobody's first page waits for it.
    catalogues()
    # Packed, unlike pages: these hold nothing secret that its length could tell of.
    app.mount(static_prefix(), GZipMiddleware(HashedFiles(directory=FOLDER)), name="static")
