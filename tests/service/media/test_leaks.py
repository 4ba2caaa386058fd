"""No original bytes reach anybody for whom no exposure to them is recorded: every role asks every address there is."""

import base64
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, get_args
from uuid import UUID

import httpx
import pytest
import pyvips
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import text

from service.media.derivatives import Variant
from service.media.levels import STRONG
from service.media.preparing.workflow import Preparing, prepare
from service.security import ROLES
from service.settings import Settings
from service.worker import reranker
from tests.conftest import bearer
from tests.service.media.clips import WEBM
from tests.service.media.console import Console
from tests.service.media.leaks import SHORTEST_FOUND, Originals, Watch, plausible
from tests.service.media.pictures import jpeg, png, scene

EXPOSE = text("""
    INSERT INTO exposures (id, media_id, case_id, principal_id, lease_token, reason, kind, level, expires_at)
    VALUES (gen_random_uuid(), :media, :case, :person, :token, 'late', 'whole', 2, now())
""")
EVERYBODY: tuple[str | None, ...] = (None, *ROLES)
CLAIMING = ("reviewer", "specialist", "lead")
ADDRESS = re.compile(r"/v1/media/[^\s\"'<>\\]+")
METHODS = ("GET", "POST", "PUT", "PATCH")


def noisy(seed: int) -> Any:
    """A picture that no other resembles, byte for byte."""
    noise = pyvips.Image.gaussnoise(120, 90, mean=0, sigma=25, seed=seed)
    return (scene(120, 90) + noise).cast("uchar").copy(interpretation="srgb")


@dataclass
class Crawl:
    """Asks the service everything as everybody, and follows each address of media that it is told."""

    watch: Watch
    keys: dict[str, str]
    app: FastAPI
    media: list[str]
    known: dict[str, Any]
    told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.description = self.app.openapi()
        transport = httpx.ASGITransport(self.watch, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://triage.test")

    async def ask(self, role: str | None, method: str, path: str, **options: Any) -> httpx.Response:
        headers = bearer(self.keys[role]) | {"X-Who": f"test-{role}"} if role else {}
        answer = await self.client.request(method, path, headers=headers | options.pop("headers", {}), **options)
        if answer.headers.get("content-type", "").startswith(("application/json", "text/")):
            self.told |= {one.replace("&amp;", "&") for one in ADDRESS.findall(answer.text)}
        return answer

    def calls(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Every address of the route table with ids of what there is; those that show first, then those that change."""
        paths = self.description["paths"]
        pages = [
            (method, path)
            for route in routes_of(self.app)
            for method in METHODS
            if method in route.methods and (path := route.path) not in paths
        ]
        listed = [(method.upper(), path) for path in paths for method in paths[path] if method.upper() in METHODS]
        for method, path in sorted(set(listed + pages), key=lambda one: METHODS.index(one[0])):
            for media in self.media if "media_id" in path else self.media[:1]:
                yield method, self.filled(path, media), self.options(method, path)

    def filled(self, path: str, media: str) -> str:
        names = self.known | {"media_id": media}
        return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: str(names.get(found[1], self.known["case_id"])), path)

    def options(self, method: str, path: str) -> dict[str, Any]:
        content = (
            self.description["paths"].get(path, {}).get(method.lower(), {}).get("requestBody", {}).get("content", {})
        )
        if "application/json" in content:
            schema = content["application/json"]["schema"]
            return {"json": plausible(schema, self.description, self.known)}
        return {"data": {"lease_token": self.known["lease_token"]}} if method != "GET" else {}

    async def everything(self, role: str | None) -> None:
        for method, path, options in self.calls():
            # Ends the session, the lease or the person that is to go on asking.
            if not path.endswith(("/session", "/release", "/sign-out")):
                await self.ask(role, method, path, **options)
        for media in self.media:
            for variant in get_args(Variant):
                path = f"/v1/media/{media}/preview?variant={variant}&level=0"
                await self.ask(role, "GET", path)
                await self.ask(role, "GET", path, headers={"Range": "bytes=0-"})

    async def follow(self, role: str | None) -> None:
        for path in sorted(self.told):
            await self.ask(role, "GET", path)
            await self.ask(role, "GET", path, headers={"Range": "bytes=100-"})


def routes_of(app: FastAPI) -> list[Any]:
    """The route table, those of its parts included."""
    return [
        route
        for part in app.routes
        for route in getattr(getattr(part, "original_router", None), "routes", [part])
        if getattr(route, "methods", None)
    ]


@pytest.fixture
async def crawl(
    app: FastAPI, console: Console, keys: dict[str, str], database: str, settings: Settings
) -> AsyncIterator[Crawl]:
    """Media of every state and a video, in three cases; the last of these is to be claimed."""
    uploads = [jpeg(noisy(1)), png(noisy(2)), jpeg(noisy(3)), jpeg(noisy(4))[:-900]]
    uploads += [b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + jpeg(noisy(5)), WEBM.data()]
    media = [await console.uploaded(data) for data in uploads]
    tools = Preparing(app.state.engine, app.state.storage, settings, reranker(settings))
    await prepare(UUID(media[5]), tools, attempts=0)
    states = [row.status for row in await console.execute("SELECT status FROM media ORDER BY uploaded_at")]
    assert states == ["ready", "ready", "ready", "failed", "pending", "ready"]
    cases = [await console.report(one) for one in (media[0], media[1])]
    await console.report(media[3], media[4], media[5], media[0])
    originals = Originals()
    for one, data in zip(media, uploads, strict=True):
        originals.add(UUID(one), [data, *await hidden(console, settings, one)], await shown(console, settings, one))
    watch = Watch(app, database, originals)
    known = {"case_id": cases[0], "lease_token": cases[0], "reason": "to see it", "queue": "default", "of": "0" * 16}
    yield Crawl(watch, keys, app, media, known)
    watch.close()


async def hidden(console: Console, settings: Settings, media: str) -> list[bytes]:
    """Clean copy, the file as it came, and pictures less blurred than a case without a score may show them."""
    query = (
        "SELECT unnest(ARRAY[stored_as, uploaded_as]) AS name FROM media WHERE id = :id UNION"
        f" SELECT stored_as FROM media_derivatives WHERE media_id = :id AND level < {STRONG}"
        " AND variant NOT IN ('lines', 'wave')"
    )
    return await files_of(console, settings, query, media)


async def shown(console: Console, settings: Settings, media: str) -> list[bytes]:
    query = (
        "SELECT stored_as AS name FROM media_derivatives"
        f" WHERE media_id = :id AND (level >= {STRONG} OR variant IN ('lines', 'wave'))"
    )
    return await files_of(console, settings, query, media)


async def files_of(console: Console, settings: Settings, query: str, media: str) -> list[bytes]:
    names = [row.name for row in await console.execute(query, id=media) if row.name]
    return [(settings.data_dir / "media" / name).read_bytes() for name in names]


async def test_nobody_without_a_record_gets_original_bytes(crawl: Crawl) -> None:
    for role in EVERYBODY:
        await crawl.everything(role)
        await crawl.follow(role)
    assert crawl.watch.leaks == []
    assert crawl.watch.seen == set()
    assert len(crawl.watch.asked) > 1000


async def test_with_a_lease_there_are_bytes_of_what_is_recorded_and_no_others(crawl: Crawl, console: Console) -> None:
    held = {role: await console.claim(role=role) for role in CLAIMING}
    for holder, claimed in held.items():
        crawl.known |= {"lease_token": claimed["lease"]["token"], "case_id": claimed["case"]["id"]}
        for media in crawl.media:
            for way in ("whole", "lens"):
                body = {"lease_token": claimed["lease"]["token"], "reason": "to see it", "as": way}
                await crawl.ask(holder, "POST", f"/v1/media/{media}/reveal", json=body)
    # Everybody tries the addresses of all while they are good.
    for role in EVERYBODY:
        await crawl.follow(role)
    for holder, claimed in held.items():
        crawl.known |= {"lease_token": claimed["lease"]["token"], "case_id": claimed["case"]["id"]}
        await crawl.everything(holder)
    granted = {one for one in crawl.told if "grant=" in one}
    assert len(granted) >= len(CLAIMING)
    assert crawl.watch.leaks == []
    # The watch does see what it looks for: what was revealed has come.
    recorded = {
        row.media_id for row in await console.execute("SELECT DISTINCT media_id FROM exposures WHERE kind <> 'lens'")
    }
    assert crawl.watch.seen == recorded >= {UUID(crawl.media[5])}
    # When the leases are gone, so is everything else.
    await console.execute("UPDATE cases SET lease_expires_at = now() WHERE status = 'leased'")
    crawl.watch.seen.clear()
    for role in EVERYBODY:
        await crawl.follow(role)
    assert crawl.watch.seen == set()


def plant(app: FastAPI, data: bytes, sharp: bytes, exposure: dict[str, Any]) -> None:
    """Add addresses that give original bytes, or a picture that is blurred too little, away, each in its own way."""

    async def plainly() -> Response:
        return Response(data)

    async def as_text() -> dict[str, str]:
        return {"picture": "data:image/jpeg;base64," + base64.b64encode(data).decode()}

    async def in_part() -> Response:
        middle = len(data) // 2
        return Response(b"<svg>" + data[middle : middle + SHORTEST_FOUND] + b"</svg>")

    async def too_early() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield data
            async with app.state.engine.begin() as connection:
                await connection.execute(EXPOSE, exposure)

        return StreamingResponse(chunks())

    async def sharper() -> Response:
        return Response(sharp)

    for leak in (plainly, as_text, in_part, sharper, too_early):
        app.get(f"/v1/planted/{leak.__name__}")(leak)
    app.openapi_schema = None


async def test_a_planted_leak_is_found(crawl: Crawl, console: Console, settings: Settings) -> None:
    [person] = await console.execute("SELECT id FROM principals WHERE username = 'test-reviewer'")
    claimed = await console.claim()
    token = claimed["lease"]["token"]
    exposure = {"media": crawl.media[0], "case": claimed["case"]["id"], "person": person.id, "token": token}
    [data] = await files_of(console, settings, "SELECT stored_as AS name FROM media WHERE id = :id", crawl.media[0])
    weaker = f"SELECT stored_as AS name FROM media_derivatives WHERE media_id = :id AND level = {STRONG - 1}"
    [sharp] = await files_of(console, settings, f"{weaker} AND variant = 'gray'", crawl.media[0])
    plant(crawl.app, data, sharp, exposure)
    crawl.description = crawl.app.openapi()
    asked = [path for method, path, _ in crawl.calls() if "/planted/" in path and method == "GET"]
    for path in sorted(asked):
        await crawl.ask("reviewer", "GET", path)
    assert [one.partition(":")[0] for one in crawl.watch.leaks] == [
        f"GET /v1/planted/{leak}" for leak in ("as_text", "in_part", "plainly", "sharper", "too_early")
    ]
    assert all(f"{crawl.media[0]} to {person.id}" in one for one in crawl.watch.leaks)
    assert await console.count("exposures") == 1
