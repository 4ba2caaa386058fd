"""The model in service: loaded and verified off the event loop, tried again while it is missing, never in the way.

With a registry, the models in service: what its releases name is loaded and warmed up beside what serves, then takes
its place between two texts. What cannot be used is refused, and what served before goes on.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from anyio import CapacityLimiter, to_thread
from sqlalchemy import Row

from labeling.taxonomy import Taxonomy
from models.bundle import BundleError
from models.inference import Score, Scorer
from models.registry import Part
from service.errors.availability import ModelUnavailableError, OverloadedError
from service.scoring.releases import LIVE_ONLY, Registry, Serving, Wanted, prepared, with_part
from service.settings import Settings

RETRY_SECONDS = 30

log = structlog.get_logger()


def load_scorer(settings: Settings, taxonomy: Taxonomy) -> Scorer:
    """Load, verify and warm up the configured bundle. Raises BundleError."""
    return prepared(settings.bundle, settings, taxonomy)


class LiveModel:
    """Holds the scorer and hands out scores; at most `score_concurrency` calls may wait, the next is refused."""

    def __init__(self, load: Callable[[], Scorer], *, concurrency: int) -> None:
        self._load = load
        self._serving: Serving | None = None
        self._reason = "the model is still being loaded"
        self._state = "loading"
        self._waiting = 0
        self._most_waiting = concurrency
        # One call at a time: two would only share the same cores and both be late.
        self._limiter = CapacityLimiter(1)

    @property
    def ready(self) -> bool:
        """Whether texts can be scored right now."""
        return self._serving is not None

    @property
    def state(self) -> str:
        """One of ready, loading, unusable. The reason is for the log and for callers with a key: it names files."""
        return "ready" if self.ready else self._state

    @property
    def problems(self) -> dict[Part, str]:
        """Why a bundle that the releases name does not serve; empty where all do, and without a registry."""
        return {}

    @property
    def serving(self) -> Serving:
        """What scores now, to be taken once for each batch: it may be another a moment later.

        Raises ModelUnavailableError.
        """
        if self._serving is None:
            raise ModelUnavailableError(
                f"{self._reason}; reports are still taken and queued",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )
        return self._serving

    @property
    def scorer(self) -> Scorer:
        """The live scorer. Raises ModelUnavailableError."""
        return self.serving.live

    def serve(self, serving: Serving) -> None:
        """Let these score from the next text on; whoever took the old ones finishes with them."""
        self._serving = serving

    async def keep_loading(self) -> None:
        """Load the bundle, and try again for as long as that fails."""
        while self._serving is None:
            try:
                self.serve(Serving(await to_thread.run_sync(self._load)))
            except BundleError as error:
                self._reason = f"the model bundle cannot be used ({error})"
                log.error("model.unusable", reason=str(error))
            except Exception as error:  # whatever a runtime raises, the rest of the service goes on
                self._reason = f"the model cannot be loaded ({type(error).__name__})"
                log.error("model.unusable", reason=type(error).__name__, exc_info=error)
            if self._serving is None:
                self._state = "unusable"
                await asyncio.sleep(RETRY_SECONDS)
        log.info("model.ready", bundle=self._serving.live.bundle_hash)

    async def score(
        self, texts: Sequence[str], scorer: Scorer | None = None, languages: Sequence[str | None] = ()
    ) -> list[Score]:
        """Score texts off the event loop, in order, with the live scorer or one that was live a moment ago.

        Raises ModelUnavailableError, OverloadedError.
        """
        scorer = scorer or self.scorer
        if self._waiting >= self._most_waiting:
            raise OverloadedError("too many calls wait for the model; try again in a moment")
        self._waiting += 1
        try:
            return await to_thread.run_sync(score_all, scorer, texts, languages, limiter=self._limiter)
        finally:
            self._waiting -= 1


class ReleasedModel(LiveModel):
    """Follows the releases of a registry for as long as the process runs; without one, as LiveModel.

    `load` gives the shipped bundle, which is live until a release names another.
    """

    def __init__(
        self,
        load: Callable[[], Scorer],
        *,
        concurrency: int,
        registry: Registry | None,
        parts: tuple[Part, ...] = LIVE_ONLY,
    ) -> None:
        super().__init__(load, concurrency=concurrency)
        self._registry = registry
        self._parts = parts
        self._problems: dict[Part, str] = {}

    @property
    def problems(self) -> dict[Part, str]:
        """Why a bundle that the releases name does not serve. The reasons name files: for callers with a key."""
        return dict(self._problems)

    async def keep_loading(self) -> None:
        """Load what the releases name, then look again and again whether they name something else.

        A refused bundle is tried again when the releases change, and every RETRY_SECONDS while nothing serves.
        """
        if self._registry is None:
            await super().keep_loading()
            return
        while True:
            wanted: list[Wanted] = []
            try:
                wanted = await to_thread.run_sync(self._registry.news, self._parts)
                if wanted:
                    self._problems.clear()
            except BundleError as error:
                self._refuse("live", str(error))
                wanted = [self._registry.shipped]
            for one in wanted:
                if one.fallback and self.ready:
                    continue
                try:
                    await self._take(one, self._registry)
                except BundleError as error:
                    self._refuse(one.part, str(error))
                except Exception as error:  # whatever a runtime raises, what serves goes on
                    log.error("release.failed", part=one.part, error=type(error).__name__, exc_info=error)
                    self._refuse(one.part, f"bundle {one.named} cannot be loaded ({type(error).__name__})")
            if not self.ready:
                self._state = "unusable"
                self._registry.forget()
            await asyncio.sleep(self._registry.seconds if self.ready else RETRY_SECONDS)

    async def _take(self, wanted: Wanted, registry: Registry) -> None:
        """Load one bundle beside those that serve, then let it serve."""
        old, scorer = self._serving, None
        if wanted.named is not None:
            loaded = old.scorer_of(wanted.named) if old else None
            scorer = await to_thread.run_sync(registry.opened, wanted.named, loaded)
        elif wanted.part == "live":
            scorer = old.live if old and old.shipped else await to_thread.run_sync(self._load)
        new = with_part(old, wanted, scorer)
        if new is not None and new != old:
            self.serve(new)
            log.info("release.serves", part=wanted.part, bundle=scorer.bundle_hash if scorer else None)

    def _refuse(self, part: Part, reason: str) -> None:
        # The first reason is that of the bundle that was named; the others are of what was tried in its place.
        self._problems.setdefault(part, reason)
        if part == "live":
            self._reason = f"the model bundle cannot be used ({reason})"
        log.error("release.refused", part=part, reason=reason)


def score_all(scorer: Scorer, texts: Sequence[str], languages: Sequence[str | None] = ()) -> list[Score]:
    """One score for each text. Raises RuntimeError for a model that gives more or fewer."""
    scores = scorer.score(texts, languages)
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
        "unsure": list(score.unsure),
        **({"graphic": [round(value, 6) for value in score.graphic]} if score.graphic else {}),
    }


def texts_and_languages(rows: Sequence[Row[Any]]) -> tuple[list[str], list[str | None]]:
    """What a scorer reads of rows of evidence."""
    return [row.text for row in rows], [row.language for row in rows]


def try_each(scorer: Scorer, texts: Sequence[str], languages: Sequence[str | None] = ()) -> list[str | None]:
    """Scores as JSON texts; None for a text that this model cannot score, which harms no other.

    For models that may fail without harm: one that is staged or in the shadow, or one that scores anew.
    """
    try:
        return [json.dumps(as_json(score, scorer)) for score in score_all(scorer, texts, languages)]
    except Exception as error:  # whatever a model raises, another score is there or is not needed
        log.error("model.failed", bundle=scorer.bundle_hash, texts=len(texts), exc_info=error)
    if len(texts) == 1:
        return [None]
    return [try_each(scorer, texts[at : at + 1], languages[at : at + 1])[0] for at in range(len(texts))]
