"""GET /v1/cases/{id}/hints: who may ask, for what, how often the model is bothered, and what goes wrong by name."""

import asyncio
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from models.explain import Explanation, Hint, NotExplainableError
from models.inference import ConstantScorer, OnnxScorer, Score, Scorer
from models.rank import RankConfig
from service.hints import workflow
from service.hints.workflow import Hints
from service.scoring.live_model import LiveModel
from service.scoring.workflow import ScoringLoop
from tests.conftest import bearer
from tests.models.bundles import DEFAULT
from tests.service.media.pictures import png
from tests.service.scoring.doubles import Scripted, grave, loaded
from tests.service.steps import assert_error, query, report, row_counts, until

TEXT = "Good morning 😀 &amp; thanks, you are an idiot"


@dataclass
class Explaining:
    """Explains by the second word, waits when told to, and remembers what it was asked."""

    asked: list[tuple[str, str, str]] = field(default_factory=list)
    languages: list[str | None] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)
    refuses: bool = False

    def __call__(self, scorer: Scorer, text: str, area: str, language: str | None) -> Explanation:
        self.asked.append((scorer.bundle_hash, text, area))
        self.languages.append(language)
        self.go.wait(60)
        if self.refuses:
            raise NotExplainableError("there is nothing to explain")
        start = text.index(" ") + 1
        hint = Hint(start, text.index(" ", start), 0.25, 1.0, 2)
        return Explanation(area, scorer.bundle_hash, 0, len(text), True, (hint,), True, text)


@pytest.fixture
async def explaining(app: FastAPI) -> Explaining:
    """The application with a model at work and hints that come at once."""
    made = Explaining()
    made.go.set()
    app.state.model = await loaded(Scripted(grave))
    app.state.hints = Hints(made)
    return made


async def scored(
    app: FastAPI, platform: httpx.AsyncClient, subject: str = "post-1", text: str = TEXT, **fields: Any
) -> str:
    """The address of the hints of a case that is reported, after the application's model has scored it."""
    case_id = (await report(platform, subject, text=text, **fields))["case_id"]
    state = app.state
    loop = ScoringLoop(state.engine, state.model, taxonomy=state.taxonomy, config=RankConfig(), settings=state.settings)
    while await loop.step():
        pass
    return f"/v1/cases/{case_id}/hints"


async def picture(platform: httpx.AsyncClient) -> list[str]:
    """The ids of one uploaded picture."""
    answer = await platform.post("/v1/media", files={"file": ("picture.png", png(), "image/png")})
    return [answer.json()["media_id"]]


async def test_words_come_with_places_in_the_text_as_it_is_shown(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    app.state.model = LiveModel(lambda: OnnxScorer.load(DEFAULT), concurrency=4)
    await app.state.model.keep_loading()
    path = await scored(app, platform)
    before = row_counts(database), query(database, "SELECT score, rank_value FROM evidence, cases")
    answer = await reviewer.get(path, params={"area": "harassment"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["bundle"] == app.state.model.scorer.bundle_hash
    assert body["area"] == "harassment"
    assert (body["start"], body["end"], body["whole"], body["cleaned"]) == (0, len(TEXT), True, None)
    strong = [TEXT[one["start"] : one["end"]] for one in body["hints"] if one["strength"] == 2]
    assert "idiot" in strong
    assert (row_counts(database), query(database, "SELECT score, rank_value FROM evidence, cases")) == before


@pytest.mark.parametrize(
    ("role", "status"),
    [("reviewer", 200), ("specialist", 200), ("lead", 200), ("ml", 403), ("admin", 403), ("platform", 403)],
)
async def test_who_may_read_a_case_may_ask(
    app: FastAPI,
    explaining: Explaining,
    platform: httpx.AsyncClient,
    client: httpx.AsyncClient,
    keys: dict[str, str],
    role: str,
    status: int,
) -> None:
    path = await scored(app, platform)
    assert (await client.get(path, headers=bearer(keys[role]))).status_code == status
    assert len(explaining.asked) == (status == 200)
    assert_error(await client.get(path), 401, "not_signed_in")


async def test_the_area_of_the_score_is_explained_unless_another_is_asked_for(
    app: FastAPI, explaining: Explaining, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    path = await scored(app, platform)
    assert (await reviewer.get(path)).json()["area"] == "child_safety"
    assert (await reviewer.get(path, params={"area": "harassment"})).json()["area"] == "harassment"
    app.state.model = await loaded(Scripted(benign_but_spam, bundle_hash="other"))
    other = await scored(app, platform, "post-2")
    assert (await reviewer.get(other)).json()["area"] == "harassment"


def benign_but_spam(text: str) -> Score:
    areas = dict.fromkeys(Scripted().areas, 0.001) | {"harassment": 0.2, Scripted().areas[-1]: 0.9}
    return Score(areas, (0.9, 0.1, 0.0, 0.0, 0.0), "benign")


async def test_the_model_is_asked_once_for_each_text_and_area(
    app: FastAPI, explaining: Explaining, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    path = await scored(app, platform)
    first = (await reviewer.get(path)).json()
    assert (await reviewer.get(path)).json() == first
    assert (await reviewer.get(path, params={"area": "child_safety"})).json() == first
    assert explaining.asked == [("scripted", TEXT, "child_safety")]
    await reviewer.get(path, params={"area": "harassment"})
    await reviewer.get(await scored(app, platform, "post-1", "now an edited text"))
    assert [text for _, text, _ in explaining.asked] == [TEXT, TEXT, "now an edited text"]


async def test_only_the_latest_hints_are_kept(
    app: FastAPI,
    explaining: Explaining,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workflow, "KEPT", 2)
    paths = [await scored(app, platform, f"post-{number}", f"some text {number}") for number in range(3)]
    for path in (paths[0], paths[1], paths[0], paths[2], paths[0], paths[1]):
        assert (await reviewer.get(path)).status_code == 200
    assert [text[-1] for _, text, _ in explaining.asked] == ["0", "1", "2", "1"]


async def test_a_busy_model_keeps_neither_connections_nor_everybody_waiting(
    app: FastAPI, explaining: Explaining, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    explaining.go.clear()
    paths = [await scored(app, platform, f"post-{number}") for number in range(workflow.MOST_WAITING + 1)]
    waiting = [asyncio.create_task(reviewer.get(path)) for path in paths[:-1]]
    await until(lambda: app.state.hints._waiting == workflow.MOST_WAITING)
    assert app.state.engine.pool.checkedout() == 0
    answer = await asyncio.wait_for(reviewer.get(paths[-1]), 30)
    assert_error(answer, 429, "overloaded")
    assert int(answer.headers["Retry-After"]) > 0
    assert (await reviewer.get(paths[-1].removesuffix("/hints"))).status_code == 200
    assert len(explaining.asked) == 1
    explaining.go.set()
    assert {one.status_code for one in await asyncio.gather(*waiting)} == {200}
    assert (await reviewer.get(paths[-1])).status_code == 200


async def test_what_cannot_be_explained_is_named(
    app: FastAPI, explaining: Explaining, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    unscored = f"/v1/cases/{(await report(platform, 'waits'))['case_id']}/hints"
    assert "no score" in assert_error(await reviewer.get(unscored), 404, "hints_unavailable")
    path = await scored(app, platform)
    assert_error(await reviewer.get(path, params={"area": "no_such"}), 422, "unknown_label")
    assert_error(await reviewer.get(f"/v1/cases/{uuid.uuid4()}/hints"), 404, "not_found")
    assert_error(await reviewer.get("/v1/cases/x/hints"), 422, "invalid_request")
    silent = await scored(app, platform, "silent", "", media=await picture(platform))
    assert "no text" in assert_error(await reviewer.get(silent), 404, "hints_unavailable")
    explaining.refuses = True
    assert "nothing to explain" in assert_error(await reviewer.get(path), 404, "hints_unavailable")
    app.state.model = await loaded(Scripted(grave, bundle_hash="newer"))
    assert "not at work" in assert_error(await reviewer.get(path), 404, "hints_unavailable")
    app.state.model = LiveModel(Scripted, concurrency=4)
    assert "no model" in assert_error(await reviewer.get(path), 404, "hints_unavailable")


async def test_a_model_that_learned_nothing_or_has_no_network_gives_no_hints(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    path = await scored(app, platform)
    assert "learned no area" in assert_error(await reviewer.get(path), 404, "hints_unavailable")
    app.state.model = LiveModel(lambda: ConstantScorer(Scripted().areas, Scripted().areas, "constant-2"), concurrency=4)
    await app.state.model.keep_loading()
    path = await scored(app, platform, "post-2")
    assert "no network" in assert_error(await reviewer.get(path), 404, "hints_unavailable")
