"""The model in service: loaded and verified off the event loop, tried again while it is missing, never in the way."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from anyio import CapacityLimiter, to_thread

from labeling.taxonomy import Taxonomy
from models.bundle import BundleError, check_taxonomy
from models.inference import OnnxScorer, Score, Scorer
from service.errors import ModelUnavailableError, OverloadedError
from service.settings import Settings

RETRY_SECONDS = 30

# Texts before the first real one: they make onnxruntime allocate what it needs, and prove that the graph runs.
WARM_UP = ("ready", "ready " * 100)

log = structlog.get_logger()


def load_scorer(settings: Settings, taxonomy: Taxonomy) -> Scorer:
    """Load, verify and warm up the configured bundle. Raises BundleError."""
    scorer = OnnxScorer.load(settings.bundle, threads=settings.model_threads)
    check_taxonomy(scorer.bundle, taxonomy)
    scorer.score(WARM_UP)
    return scorer


class LiveModel:
    """Holds the scorer and hands out scores; at most `score_concurrency` calls may wait, the next is refused."""

    def __init__(self, load: Callable[[], Scorer], *, concurrency: int) -> None:
        self._load = load
        self._scorer: Scorer | None = None
        self._reason = "the model is still being loaded"
        self._state = "loading"
        self._waiting = 0
        self._most_waiting = concurrency
        # One call at a time: two would only share the same cores and both be late.
        self._limiter = CapacityLimiter(1)

    @property
    def ready(self) -> bool:
        """Whether texts can be scored right now."""
        return self._scorer is not None

    @property
    def state(self) -> str:
        """One of ready, loading, unusable. The reason is for the log and for callers with a key: it names files."""
        return "ready" if self.ready else self._state

    @property
    def scorer(self) -> Scorer:
        """The loaded scorer. Raises ModelUnavailableError."""
        if self._scorer is None:
            raise ModelUnavailableError(
                f"{self._reason}; reports are still taken and queued",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )
        return self._scorer

    async def keep_loading(self) -> None:
        """Load the bundle, and try again for as long as that fails."""
        while self._scorer is None:
            try:
                self._scorer = await to_thread.run_sync(self._load)
            except BundleError as error:
                self._reason = f"the model bundle cannot be used ({error})"
                log.error("model.unusable", reason=str(error))
            except Exception as error:  # whatever a runtime raises, the rest of the service goes on
                self._reason = f"the model cannot be loaded ({type(error).__name__})"
                log.error("model.unusable", reason=type(error).__name__, exc_info=error)
            if self._scorer is None:
                self._state = "unusable"
                await asyncio.sleep(RETRY_SECONDS)
        log.info("model.ready", bundle=self._scorer.bundle_hash)

    async def score(self, texts: Sequence[str]) -> list[Score]:
        """Score texts off the event loop, in order. Raises ModelUnavailableError, OverloadedError."""
        scorer = self.scorer
        if self._waiting >= self._most_waiting:
            raise OverloadedError("too many calls wait for the model; try again in a moment")
        self._waiting += 1
        try:
            return await to_thread.run_sync(score_all, scorer, texts, limiter=self._limiter)
        finally:
            self._waiting -= 1


def score_all(scorer: Scorer, texts: Sequence[str]) -> list[Score]:
    """One score for each text. Raises RuntimeError for a model that gives more or fewer."""
    scores = scorer.score(texts)
    if len(scores) != len(texts):
        raise RuntimeError(f"the model gave {len(scores)} scores for {len(texts)} texts")
    return scores


def unassessed(scorer: Scorer) -> list[str]:
    """Areas whose probability says nothing about the text."""
    return [area for area in scorer.areas if area not in scorer.trained_areas]


def as_json(score: Score, scorer: Scorer) -> dict[str, Any]:
    """A score as it is stored with the evidence. Six digits are far below the noise of any model."""
    return {
        "areas": {area: round(value, 6) for area, value in score.areas.items()},
        "severity": [round(value, 6) for value in score.severity],
        "primary_area": score.primary_area,
        "unassessed": unassessed(scorer),
    }
