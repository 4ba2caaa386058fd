"""The page of models: what it says with nothing to say, with a shadow, and with alerts; and who may see it."""

import httpx
import pytest
from fastapi import FastAPI

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig
from service.pages.models import action_words
from service.scoring.live_model import LiveModel
from service.scoring.releases import ALL_PARTS, Serving
from service.scoring.workflow import ScoringLoop, keep_states, states_of
from service.settings import Settings
from service.shadow.workflow import ShadowLoop
from tests.conftest import bearer
from tests.service.pages.test_pages import assert_is_safe_page
from tests.service.scoring.doubles import Scripted, grave, harmless
from tests.service.steps import query, report


async def shown(client: httpx.AsyncClient, keys: dict[str, str]) -> str:
    answer = await client.get("/models", headers=bearer(keys["lead"]))
    assert answer.status_code == 200, answer.text
    assert_is_safe_page(answer)
    return answer.text


async def test_with_nothing_to_say_it_says_so(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    text = await shown(client, keys)
    assert "constant" in text
    assert "No bundle scores in the shadow." in text
    assert "Nothing is compared yet" in text


@pytest.mark.parametrize(("role", "status"), [("lead", 200), ("ml", 200), ("admin", 200), ("reviewer", 403)])
async def test_it_is_for_those_who_answer_for_models(
    client: httpx.AsyncClient, keys: dict[str, str], role: str, status: int
) -> None:
    assert (await client.get("/models", headers=bearer(keys[role]))).status_code == status
    console = (await client.get("/console", headers=bearer(keys[role]))).text
    assert ('href="/models"' in console) == (status == 200)


async def test_signing_in_leads_back_to_it(client: httpx.AsyncClient) -> None:
    asked = await client.get("/models")
    assert asked.headers["location"] == "/sign-in?next=%2Fmodels"
    assert 'data-next="/models"' in (await client.get(asked.headers["location"])).text


async def test_a_shadow_refusals_and_alerts_are_shown(
    client: httpx.AsyncClient,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    app: FastAPI,
    settings: Settings,
    taxonomy: Taxonomy,
    database: str,
) -> None:
    model = LiveModel(Scripted, concurrency=1)
    model.serve(Serving(Scripted(harmless, bundle_hash="live" * 16), shadow=Scripted(grave, bundle_hash="shad" * 16)))
    await report(platform)
    config, engine = RankConfig(), app.state.engine
    await ScoringLoop(engine, model, taxonomy=taxonomy, config=config, settings=settings).step()
    await ShadowLoop(engine, model, taxonomy=taxonomy, config=config, settings=settings).step()
    async with engine.begin() as connection:
        states = {**states_of(model, ALL_PARTS), "staged": (None, "model.onnx: sha256 <is> wrong")}
        await keep_states(connection, states)
    query(
        database,
        "INSERT INTO drift_monitors (monitor, bundle, value, threshold, samples, alerting_since)"
        " VALUES ('input.length', 'b', 0.31, 0.25, 800, now()), ('score_mean.spam', 'b', 0.02, 0.1, 800, NULL)",
    )
    text = await shown(client, keys)
    assert "livelivelive<" in text
    assert "sha256 &lt;is&gt; wrong" in text
    assert "of 1 open case compared" in text
    assert "1 of 2 monitors is beyond the threshold." in text
    assert "+0.02" in text
    assert "Length of texts" in text
    # The bar of what is beyond its threshold reaches past its middle, and does not tell so by its colour alone.
    assert 'class="drift-beyond" width="62.0"' in text
    assert "There is no registry" in text


def test_releases_are_said_in_words() -> None:
    words = [action_words(one) for one in ("promote", "rollback", "shadow", "stage 0.05", "retire")]
    assert words == ["promoted", "rolled back to", "set into the shadow", "staged with a share of 5 %", "retire"]
