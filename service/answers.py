"""Every failure leaves as the one error shape, whoever raised it."""

from collections.abc import Sequence

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnectionError
from starlette.exceptions import HTTPException

from service.errors.availability import DatabaseUnavailableError, OverloadedError
from service.errors.base import TriageError
from service.errors.requests import InvalidRequestError, MethodNotAllowedError, NotFoundError, UnreadableBodyError
from service.headers import fill_in
from service.pages.rendering import error_page, reading

log = structlog.get_logger()

_BY_STATUS: dict[int, type[TriageError]] = {
    400: UnreadableBodyError,
    404: NotFoundError,
    405: MethodNotAllowedError,
}


def install_error_handlers(app: FastAPI) -> None:
    """Register the handlers of all errors."""
    app.add_exception_handler(TriageError, _triage_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework_error)
    app.add_exception_handler(OperationalError, _database_gone)
    app.add_exception_handler(InterfaceError, _database_gone)
    app.add_exception_handler(NoFreeConnectionError, _no_free_connection)
    app.add_exception_handler(Exception, _unexpected)


def answer(error: TriageError) -> JSONResponse:
    """The one error shape."""
    return JSONResponse(error.shape(), status_code=error.status, headers=error.headers)


async def _triage_error(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, TriageError):
        raise error
    return answer(error)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return answer(UnreadableBodyError(f"the body is not valid JSON: {problems[0].get('ctx', {}).get('error', '')}"))
    if any(problem["loc"] == ("body",) and problem["type"] == "model_attributes_type" for problem in problems):
        return answer(InvalidRequestError("the body must be a JSON object, sent with Content-Type: application/json"))
    # Where and why, but never the value: it may be content.
    details = [f"{_place(one['loc'])}: {one['msg']}" for one in problems]
    return answer(InvalidRequestError("; ".join(details[:20])))


def _place(location: Sequence[str | int]) -> str:
    # The name of an unknown field is the caller's: cut, so that no answer is as large as the body it refuses.
    return ".".join(str(part)[:60] for part in location[1:]) or str(location[0])


async def _framework_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if isinstance(error.__cause__, TriageError):
        # The framework wraps whatever is raised while a body streams in; what we raised there is the better answer.
        return answer(error.__cause__)
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        return JSONResponse({"error": "http_error", "detail": error.detail}, status_code=error.status_code)
    detail = {404: "there is nothing at this address", 405: "this address does not take that method"}
    found = kind(detail.get(error.status_code, str(error.detail)), headers=dict(error.headers or {}))
    return await _for_reader(request, found)


async def _database_gone(request: Request, error: Exception) -> Response:
    log.error("database.unavailable", error=type(error).__name__)
    words = "the database cannot be reached; send it again, reports with the same Idempotency-Key"
    return await _for_reader(request, DatabaseUnavailableError(words, headers={"Retry-After": "2"}))


async def _no_free_connection(request: Request, error: Exception) -> Response:
    log.error("database.no_free_connection", error=type(error).__name__)
    return await _for_reader(request, OverloadedError("every database connection is in use; try again in a moment"))


async def _unexpected(request: Request, error: Exception) -> Response:
    # The template of the address, not the address: that may hold a secret, as those of appeals do.
    route = getattr(request.scope.get("route"), "path", "unmatched")
    log.error("request.failed", route=route, error=type(error).__name__, exc_info=error)
    words = "something went wrong here; nothing was stored, and the failure is in the log"
    response = await _for_reader(request, TriageError(words))
    # Made outside of all middleware.
    fill_in(response.headers)
    return response


async def _for_reader(request: Request, error: TriageError) -> Response:
    """A page for a person who followed a link, the one error shape for everybody else."""
    if not request.url.path.startswith("/v1") and "text/html" in request.headers.get("accept", ""):
        with reading(request):
            return await error_page(request, error)
    return answer(error)
