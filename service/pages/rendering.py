"""From data to an HTML response: templates, security headers, and pages for errors."""

import re
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnectionError
from starlette.responses import HTMLResponse, RedirectResponse

from service.catalogues import catalogues
from service.errors.access import NotSignedInError
from service.errors.availability import DatabaseUnavailableError, OverloadedError
from service.errors.base import TriageError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.pages import language, prose, words
from service.pages.bar import bar
from service.pages.failures import failure_of
from service.pages.menu import EVERYWHERE, Menu, Shortcut, menu_of
from service.pages.static import static_prefix
from service.security import find_principal
from service.sessions import session_token

TEMPLATES = Path(__file__).resolve().parent / "templates"
_INDENTED = re.compile(r"(?m)^[ \t]+")

# Nothing inline and nothing from elsewhere: content that slips through as markup could still not run or load anything.
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # A page holds content and a lease token: it is never kept, not even for the back button.
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

# The address of the page that is being made, for the menu.
_path: ContextVar[str] = ContextVar("path", default="")

# With these nobody can be looked up, or a page would wait for what just failed.
_WITHOUT_DATABASE = (429, 500, 503)


class _Lean(Extension):
    """Templates are indented for whoever reads them, pages need not be: what is filled in stays as it is."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - as Jinja calls it
        """The template without the indentation of its lines."""
        return _INDENTED.sub("", source)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        extensions=["jinja2.ext.i18n", _Lean],
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    environment.globals.update(
        {"_": language.template_gettext, "gettext": language.trans, "ngettext": language.trans_plural}
    )
    environment.filters.update(
        amount=words.amount,
        blocks=prose.blocks,
        chance=words.chance,
        day=words.day,
        doubt=words.doubt,
        duration=words.duration,
        moment=words.moment,
        sentence=words.sentence,
        spoken=words.spoken,
        weekday=words.weekday,
    )
    environment.globals["hidden_characters"] = words.hidden_characters
    return environment


def render(template: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """Fill a template; every value is escaped."""
    frame: dict[str, Any] = {
        "static": static_prefix(),
        "language": language.language(),
        "languages": list(catalogues().values()),
    }
    if "me" in context:
        frame["menu"] = menu_of(context["me"], _path.get())
        frame["shortcuts"] = _with_everywhere(context.get("shortcuts", ()), frame["menu"])
    html = _environment().get_template(template).render({**context, **frame})
    return HTMLResponse(html, status_code=status, headers=dict(HEADERS))


def _with_everywhere(shortcuts: Sequence[Shortcut], menu: Menu) -> Sequence[Shortcut]:
    """The commands of a page, then those of every page that it does not name itself."""
    known = {key for keys, _what in shortcuts for key in keys}
    reached = {"?", *(entry.place.key for entry in menu.first)}
    more = (one for one in EVERYWHERE if one[0][0] in reached and one[0][0] not in known)
    return (*shortcuts, *more)


@contextmanager
def reading(request: Request) -> Iterator[None]:
    """Make pages for whoever asks: in their language, with the menu as it looks from this address."""
    here = _path.set(request.url.path)
    try:
        with language.speaking(language.language_of(request)):
            yield
    finally:
        _path.reset(here)


async def error_page(request: Request, error: TriageError) -> HTMLResponse:
    """An error as a page that helps, with the menu where somebody is signed in. For within `reading`."""
    context = {
        **(await _who(request) if error.status not in _WITHOUT_DATABASE else {}),
        "failure": failure_of(error.status),
        "error": error,
        # Where no route is, the title has said it all.
        "told": error.detail if "endpoint" in request.scope else "",
        "meaning": language.meaning(error.code),
        "waits": _seconds(error.headers.get("Retry-After", "")) or failure_of(error.status).retries,
        "moment": datetime.now(UTC),
    }
    page = render("error.html", context, status=error.status)
    page.headers.update({name: value for name, value in error.headers.items() if name.lower() == "retry-after"})
    return page


def _seconds(header: str) -> int:
    return int(header) if header.isdecimal() else 0


async def _who(request: Request) -> dict[str, Any]:
    """The bar for whoever is signed in; nothing when that cannot be told."""
    try:
        async with request.app.state.engine.connect() as connection:
            me = await find_principal(request, connection)
            return await bar(connection, me) if me is not None else {}
    except (InterfaceError, OperationalError, NoFreeConnectionError, TriageError):
        return {}


def redirect(path: str) -> RedirectResponse:
    """Send the browser on with a GET."""
    return RedirectResponse(path, status_code=303, headers=dict(HEADERS))


class PageRoute(APIRoute):
    """A route for people: errors become pages, and who is not signed in is asked to."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def answer_with_page(request: Request) -> Response:
            with reading(request):
                try:
                    return await answer(request)
                except NotSignedInError:
                    return _ask_to_sign_in(request)
                except TriageError as error:
                    return await error_page(request, error)
                except (InterfaceError, OperationalError):
                    gone = DatabaseUnavailableError("the database cannot be reached", headers={"Retry-After": "5"})
                    return await error_page(request, gone)
                except NoFreeConnectionError:
                    busy = OverloadedError("every database connection is in use; try again in a moment")
                    return await error_page(request, busy)
                except RequestValidationError as error:
                    return await error_page(request, _not_understood(error))

        return answer_with_page


def _not_understood(error: RequestValidationError) -> TriageError:
    """The only input of a page is its address: a path that no page has, or a choice that this one does not offer."""
    where = [problem["loc"] for problem in error.errors()]
    if any(place[0] == "path" for place in where):
        return NotFoundError("the address is not one that this console has")
    # Which, never what: it may be content.
    names = ", ".join(sorted({repr(str(place[-1])[:60]) for place in where}))
    return InvalidRequestError(f"the address holds what this page does not take for {names}")


def _ask_to_sign_in(request: Request) -> RedirectResponse:
    path = request.url.path
    asked = {} if path == "/" else {"next": path}
    # A browser with a session that holds no longer is told so; one that has none was never signed in.
    if session_token(request):
        asked["why"] = "ended"
    return redirect(f"/sign-in?{urlencode(asked)}" if asked else "/sign-in")
