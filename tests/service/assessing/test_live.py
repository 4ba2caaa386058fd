"""The worker has the image model that the settings name, or says why not and tries again."""

import asyncio
import io
from pathlib import Path

import pytest

from models.image_manifest import ImageModelError
from models.images import ImageModel
from service.assessing import live
from service.assessing.live import LiveImageModel, configured
from service.settings import Settings
from tests.models.image_models import write_model
from tests.service.assessing.test_assessing import Redness
from tests.service.steps import until


async def test_the_model_of_the_settings_is_loaded(tmp_path: Path, settings: Settings) -> None:
    model = configured(settings.model_copy(update={"image_model": write_model(tmp_path)}))
    await model.keep_loading()
    assert model.state == "ready"
    assert model.model
    assert model.model.name == "mean colour"


async def test_by_default_there_is_one() -> None:
    model = configured(Settings())
    await model.keep_loading()
    assert model.model
    assert model.model.name.startswith("open_nsfw")


async def test_none_is_a_choice(settings: Settings) -> None:
    model = configured(settings.model_copy(update={"image_model": "none"}))
    await model.keep_loading()
    assert (model.state, model.model, model.problem) == ("off", None, None)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (ImageModelError("model.toml: no such field"), "model.toml: no such field"),
        (TypeError("secrets"), "the image model cannot be loaded (TypeError)"),
    ],
)
async def test_what_cannot_be_loaded_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, log: io.StringIO, error: Exception, problem: str
) -> None:
    tries = 0

    def load() -> ImageModel:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise error
        return Redness()

    model = LiveImageModel(load)
    loading = asyncio.create_task(model.keep_loading())
    await until(lambda: model.problem is not None)
    assert (model.state, model.model, model.problem) == ("unusable", None, problem)
    loading.cancel()
    monkeypatch.setattr(live, "RETRY_SECONDS", 0)
    await asyncio.wait_for(model.keep_loading(), 10)
    assert (model.state, model.problem, tries) == ("ready", None, 3)
    assert "secrets" not in log.getvalue()
