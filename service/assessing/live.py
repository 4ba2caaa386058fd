"""The image model in service: loaded and checked off the event loop, tried again while it cannot be used."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import structlog
from anyio import to_thread

from models.image_manifest import ImageModelError
from models.images import ImageModel, load_image_model
from service.settings import Settings

# The setting that has pictures assessed by nobody.
OFF = "none"
RETRY_SECONDS = 30

State = Literal["ready", "loading", "unusable", "off"]

log = structlog.get_logger()


class LiveImageModel:
    """Holds the image model, None until it could be loaded. Without one every picture stays blurred."""

    def __init__(self, load: Callable[[], ImageModel] | None) -> None:
        """`load` may be None: then there shall be no image model."""
        self._load = load
        self.model: ImageModel | None = None
        self.problem: str | None = None

    @property
    def state(self) -> State:
        if self._load is None:
            return "off"
        return "ready" if self.model else "unusable" if self.problem else "loading"

    async def keep_loading(self) -> None:
        """Load the model, and try again for as long as that fails."""
        while self._load is not None and self.model is None:
            try:
                self.model = await to_thread.run_sync(self._load)
                self.problem = None
            except ImageModelError as error:
                self._refuse(str(error))
            except Exception as error:  # whatever a runtime raises, the rest of the worker goes on
                log.error("image_model.failed", error=type(error).__name__, exc_info=error)
                self._refuse(f"the image model cannot be loaded ({type(error).__name__})")
            if self.model is None:
                await asyncio.sleep(RETRY_SECONDS)
        if self.model is not None:
            log.info("image_model.ready", model=self.model.name, hash=self.model.hash)

    def _refuse(self, reason: str) -> None:
        self.problem = reason
        log.error("image_model.unusable", reason=reason)


def configured(settings: Settings) -> LiveImageModel:
    """The image model that the settings name, not loaded yet."""
    path = settings.image_model
    if path == OFF:
        return LiveImageModel(None)
    return LiveImageModel(lambda: load_image_model(Path(path), threads=settings.model_threads))
