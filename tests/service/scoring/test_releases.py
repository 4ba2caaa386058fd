"""A release goes live in the running service without a failed call; one that cannot be used changes nothing."""

import asyncio
import io
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from labeling.taxonomy import Taxonomy
from models.bundle import load_bundle
from models.registry import BUNDLES, VERDICTS, promote, rollback, set_shadow, set_staged
from service.app import create_app
from service.scoring import live_model
from service.scoring.live_model import ReleasedModel
from service.scoring.releases import ALL_PARTS, Registry
from service.settings import Settings
from tests.conftest import bearer, client_of
from tests.models.bundles import DEFAULT
from tests.models.releases import NOTE, damage, write_verdict
from tests.service.scoring.doubles import Scripted
from tests.service.scoring.registries import add, point
from tests.service.steps import until

SHIPPED = load_bundle(DEFAULT).hash


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    folder = tmp_path / "registry"
    folder.mkdir()
    return folder


@pytest.fixture
async def served(settings: Settings, registry: Path) -> AsyncIterator[FastAPI]:
    """The application that watches the registry, with the real models in it."""
    changed = settings.model_copy(update={"registry": registry, "registry_seconds": 0.02})
    async with serving(changed) as app:
        yield app


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings, database_url=str(settings.database_url))
    async with app.router.lifespan_context(app):
        await until(lambda: bool(app.state.model.ready))
        yield app


@asynccontextmanager
async def following(
    registry: Path, settings: Settings, taxonomy: Taxonomy, load: Scripted | None = None
) -> AsyncIterator[ReleasedModel]:
    """A model that follows all parts, as the worker's does."""
    quick = settings.model_copy(update={"registry": registry, "registry_seconds": 0.02})
    watched = Registry(registry, settings=quick, taxonomy=taxonomy)
    shipped = load or Scripted(bundle_hash="shipped")
    model = ReleasedModel(lambda: shipped, concurrency=1, registry=watched, parts=ALL_PARTS)
    loading = asyncio.create_task(model.keep_loading())
    try:
        await until(lambda: model.ready or model.state == "unusable")
        yield model
    finally:
        loading.cancel()


def serves(app: FastAPI, bundle: str) -> bool:
    return bool(app.state.model.scorer.bundle_hash == bundle)


async def test_a_swap_under_load_fails_no_call(served: FastAPI, registry: Path, keys: dict[str, str]) -> None:
    chosen = add(registry, "second")
    answers: list[httpx.Response] = []
    done = asyncio.Event()

    async def keep_asking() -> None:
        async with client_of(served) as caller:
            caller.headers.update(bearer(keys["platform"]))
            while not done.is_set():
                answers.append(await caller.post("/v1/score", json={"texts": ["good morning", "buy now"]}))

    async with asyncio.timeout(60):
        asking = [asyncio.create_task(keep_asking()) for _ in range(3)]
        await until(lambda: len(answers) > 3)
        promote(registry, chosen, NOTE)
        await until(lambda: serves(served, chosen))
        before = len(answers)
        await until(lambda: len(answers) > before + 6)
        rollback(registry, NOTE)
        await until(lambda: serves(served, SHIPPED))
        done.set()
        await asyncio.gather(*asking)
    assert {answer.status_code for answer in answers} == {200}
    bundles = [answer.json()["bundle"] for answer in answers]
    assert set(bundles) == {SHIPPED, chosen}
    assert bundles[0] == SHIPPED


@pytest.mark.parametrize("wrong", ["damaged", "no verdict", "failed verdict", "other areas", "gone", "broken releases"])
async def test_what_cannot_be_used_leaves_the_old_one_serving(
    served: FastAPI, registry: Path, keys: dict[str, str], log: io.StringIO, wrong: str
) -> None:
    changes = {"benign_id": "harmless"} if wrong == "other areas" else {}
    verdict = {"no verdict": None, "failed verdict": False}.get(wrong, True)
    chosen = add(registry, "second", verdict=verdict, **changes)
    if wrong == "damaged":
        damage(registry / BUNDLES / chosen)
    if wrong == "gone":
        shutil.rmtree(registry / BUNDLES / chosen)
    point(registry, chosen)
    if wrong == "broken releases":
        (registry / "releases.json").write_text("{", encoding="utf-8")
    await until(lambda: "live" in served.state.model.problems)
    assert serves(served, SHIPPED)
    async with client_of(served) as caller:
        caller.headers.update(bearer(keys["ml"]))
        assert (await caller.post("/v1/score", json={"texts": ["a"]})).json()["bundle"] == SHIPPED
        ready = await caller.get("/readyz")
        assert ready.status_code == 200
        expected = {"status": "degraded", "model": "ready", "database": "ready", "releases": "refused"}
        assert ready.json() == expected
        told = (await caller.get("/v1/models")).json()
        assert told["api"] == SHIPPED
        assert told["api_problem"]
        assert 'triage_release_refused{part="live",process="api"} 1.0' in (await caller.get("/metrics")).text
    assert "release.refused" in log.getvalue()


async def test_a_refused_release_is_tried_again_when_the_releases_change(served: FastAPI, registry: Path) -> None:
    chosen = add(registry, "second", verdict=None)
    point(registry, chosen)
    await until(lambda: "live" in served.state.model.problems)
    write_verdict(registry / VERDICTS / f"{chosen}.json", chosen)
    await asyncio.sleep(0.1)
    assert serves(served, SHIPPED)
    point(registry, chosen)
    await until(lambda: serves(served, chosen))
    assert served.state.model.problems == {}


async def test_at_start_a_damaged_bundle_gives_way_to_the_one_before(
    settings: Settings, registry: Path, taxonomy: Taxonomy
) -> None:
    first, second = add(registry, "first"), add(registry, "second")
    promote(registry, first, NOTE)
    promote(registry, second, NOTE)
    damage(registry / BUNDLES / second)
    async with following(registry, settings, taxonomy) as model:
        assert model.scorer.bundle_hash == first
        assert "sha256" in model.problems["live"]


async def test_every_part_is_followed(settings: Settings, registry: Path, taxonomy: Taxonomy) -> None:
    first, second = add(registry, "first"), add(registry, "second")
    async with following(registry, settings, taxonomy) as model:
        assert model.scorer.bundle_hash == "shipped"
        set_shadow(registry, second, NOTE)
        set_staged(registry, first, NOTE, share=0.3)
        await until(lambda: model.serving.shadow is not None and model.serving.staged is not None)
        shadow, staged = model.serving.shadow, model.serving.staged
        assert (shadow and shadow.bundle_hash, staged and staged.scorer.bundle_hash) == (second, first)
        promote(registry, second, NOTE)
        await until(lambda: model.serving.shadow is None)
        assert model.scorer is shadow, "what is loaded already is not loaded again"
        set_staged(registry, None, NOTE)
        await until(lambda: model.serving.staged is None)
        assert model.problems == {}


async def test_a_bad_shadow_is_refused_alone(settings: Settings, registry: Path, taxonomy: Taxonomy) -> None:
    first, second = add(registry, "first"), add(registry, "second", verdict=False)
    async with following(registry, settings, taxonomy) as model:
        point(registry, first, shadow=second)
        await until(lambda: model.scorer.bundle_hash == first and "shadow" in model.problems)
        assert model.serving.shadow is None
        assert set(model.problems) == {"shadow"}


async def test_without_a_registry_folder_the_shipped_bundle_serves_and_that_is_told(
    settings: Settings, registry: Path, taxonomy: Taxonomy
) -> None:
    async with following(registry / "nowhere", settings, taxonomy) as model:
        assert model.scorer.bundle_hash == "shipped"
        assert "no such registry folder" in model.problems["live"]


async def test_a_runtime_that_fails_is_outlived(
    settings: Settings, registry: Path, taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_model, "RETRY_SECONDS", 0.01)
    failures: list[Exception] = [MemoryError(), RuntimeError("runtime"), OSError("disk")]

    def load() -> Scripted:
        if failures:
            raise failures.pop()
        return Scripted(bundle_hash="shipped")

    watched = Registry(registry, settings=settings, taxonomy=taxonomy)
    model = ReleasedModel(load, concurrency=1, registry=watched)
    loading = asyncio.create_task(model.keep_loading())
    await until(lambda: model.ready)
    loading.cancel()
    assert model.problems == {}
