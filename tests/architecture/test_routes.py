"""Every address names the capability it needs, or is on the short list of those open to everybody."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount

from service.app import create_app
from service.security import Capability, require
from service.settings import Settings
from tests.architecture.tree import join

# Address → why anybody may call it.
OPEN_TO_ALL = {
    "GET /livez": "says no more than that the process runs",
    "GET /readyz": "says no more than what is missing",
    "GET /metrics": "numbers without content or names; keep it off the public network",
    "GET /openapi.json": "the description of the API is no secret",
    "GET /sign-in": "the form",
    "GET /appeal/{token}": "the address is a secret of whoever may appeal, and is paced",
    "POST /appeal/{token}": "the same",
    "POST /v1/session": "how one becomes known",
}


def guarded(dependant: Dependant) -> bool:
    """Whether anything the route depends on asks for a capability."""
    return any(hasattr(one.call, "capability") or guarded(one) for one in dependant.dependencies)


def addresses(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, bool]]:
    """(`METHOD /path`, guarded) of every route; static files are left out."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from addresses(inner.routes)
        elif not isinstance(route, Mount):
            for method in sorted(getattr(route, "methods", None) or {"ANY"}):
                yield (
                    f"{method} {getattr(route, 'path', '?')}",
                    isinstance(route, APIRoute) and guarded(route.dependant),
                )


def findings(app: FastAPI, open_to_all: Iterable[str]) -> list[str]:
    """Addresses that nothing guards although they are not open to all, and entries that are of no use."""
    known = {address: safe for address, safe in addresses(app.routes) if not address.startswith("HEAD ")}
    unguarded = {address for address, safe in known.items() if not safe}
    stale = set(open_to_all) - unguarded
    return [f"{one}: needs no capability" for one in sorted(unguarded - set(open_to_all))] + [
        f"{one}: is guarded or gone; take it off the list" for one in sorted(stale)
    ]


@pytest.fixture
def application(tmp_path: Path) -> FastAPI:
    return create_app(Settings(data_dir=tmp_path), database_url="postgresql://nobody/nothing")


def test_every_address_is_guarded_or_open_on_purpose(application: FastAPI) -> None:
    assert len(list(addresses(application.routes))) > 20
    found = findings(application, OPEN_TO_ALL)
    assert not found, join(found)


def test_unguarded_address_is_found(application: FastAPI) -> None:
    router = APIRouter()
    router.add_api_route("/v1/planted", lambda: None, methods=["POST"])
    router.add_api_route("/v1/safe", lambda: None, dependencies=[Depends(require(Capability.SELF))])
    application.include_router(router)
    assert findings(application, OPEN_TO_ALL) == ["POST /v1/planted: needs no capability"]


def test_stale_entry_is_found(application: FastAPI) -> None:
    found = findings(application, [*OPEN_TO_ALL, "GET /gone"])
    assert found == ["GET /gone: is guarded or gone; take it off the list"]
