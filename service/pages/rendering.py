"""From data to an HTML response: templates, security headers, and pages for errors."""

from collections.abc import Callable, Coroutine, Mapping
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnectionError
from starlette.responses import HTMLResponse, RedirectResponse

from service.errors.access import NotSignedInError
from service.errors.base import TriageError
from service.pages import prose, words
from service.pages.language import gettext
from service.pages.static import static_prefix

TEMPLATES = Path(__file__).resolve().parent / "templates"

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

TITLES = {
    403: "This page is not for your role",
    404: "There is no such page",
    429: "Too much at once",
    503: "The service is not ready",
}


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    # Jinja fills the values of a message in by itself.
    chosen = lambda one, many, count: one if count == 1 else many  # noqa: E731
    environment.install_gettext_callables(gettext, chosen, newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(
        amount=words.amount,
        blocks=prose.blocks,
        chance=words.chance,
        doubt=words.doubt,
        duration=words.duration,
        moment=words.moment,
        sentence=words.sentence,
        spoken=words.spoken,
    )
    environment.globals["hidden_characters"] = words.hidden_characters
    return environment


def render(template: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """Fill a template; every value is escaped."""
    html = _environment().get_template(template).render(static=static_prefix(), **context)
    return HTMLResponse(html, status_code=status, headers=dict(HEADERS))


def error_page(*, status: int, code: str, detail: str) -> HTMLResponse:
    """An error as a page in the style of the others."""
    title = TITLES.get(status, HTTPStatus(status).phrase)
    return render("error.html", {"title": title, "status": status, "code": code, "detail": detail}, status=status)


def redirect(path: str) -> RedirectResponse:
    """Send the browser on with a GET."""
    return RedirectResponse(path, status_code=303, headers=dict(HEADERS))


class PageRoute(APIRoute):
    """A route for people: errors become pages, and who is not signed in is asked to."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def answer_with_page(request: Request) -> Response:
            try:
                return await answer(request)
            except NotSignedInError:
                path = request.url.path
                return redirect("/sign-in" if path == "/" else f"/sign-in?{urlencode({'next': path})}")
            except TriageError as error:
                return error_page(status=error.status, code=error.code, detail=error.detail)
            except (InterfaceError, OperationalError):
                return error_page(status=503, code="database_unavailable", detail="The database cannot be reached.")
            except NoFreeConnectionError:
                detail = "Every database connection is in use; try again in a moment."
                return error_page(status=429, code="overloaded", detail=detail)
            except RequestValidationError:
                # The only input of a page is its address.
                return error_page(status=404, code="not_found", detail="The address is not one that this console has.")

        return answer_with_page
