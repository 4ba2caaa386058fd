"""Which words of a case the model reacted to: worked out when somebody asks, beside the event loop, and kept a while."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from labeling.taxonomy import Taxonomy
from models.explain import Explanation, NotExplainableError, explain
from models.inference import Scorer
from service.errors.availability import OverloadedError
from service.errors.cases import HintsUnavailableError
from service.errors.decisions import UnknownLabelError
from service.errors.requests import NotFoundError
from service.hints import store
from service.hints.schemas import HintOut, HintsOut
from service.scoring.live_model import LiveModel

# Some hundred bytes for each word, and no content.
KEPT = 512
MOST_WAITING = 8

Key = tuple[UUID, str, str]


class Hints:
    """Works hints out one after the other; those of the last KEPT pairs of a text and an area are kept."""

    def __init__(self, explained: Callable[[Scorer, str, str, str | None], Explanation] = explain) -> None:
        self._explained = explained
        self._kept: OrderedDict[Key, HintsOut] = OrderedDict()
        self._waiting = 0
        self._limiter = CapacityLimiter(1)

    async def of_case(
        self, engine: AsyncEngine, case_id: UUID, area: str | None, *, model: LiveModel, taxonomy: Taxonomy
    ) -> HintsOut:
        """Hints on `area`, else on the one that the case's score names.

        Holds no database connection while it computes. Raises NotFoundError, HintsUnavailableError,
        UnknownLabelError, OverloadedError.
        """
        async with engine.connect() as connection:
            row = await store.scored(connection, case_id)
        if row is None:
            raise NotFoundError(f"there is no case {case_id}")
        if area is not None and area not in taxonomy.area_ids:
            raise UnknownLabelError(f"{area!r} is no policy area of taxonomy {taxonomy.version}")
        scorer = _scorer_of(row, model)
        area = area or asked_by_score(row.score)
        key = (row.id, scorer.bundle_hash, area)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        found = _as_out(await self._work(scorer, row, area))
        self._kept[key] = found
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found

    async def _work(self, scorer: Scorer, row: Row[Any], area: str) -> Explanation:
        if self._waiting >= MOST_WAITING:
            raise OverloadedError("too many calls wait for hints; try again in a moment")
        self._waiting += 1
        try:
            return await to_thread.run_sync(
                self._explained, scorer, row.text, area, row.language, limiter=self._limiter
            )
        except NotExplainableError as error:
            raise HintsUnavailableError(str(error)) from error
        finally:
            self._waiting -= 1


def asked_by_score(score: Mapping[str, Any]) -> str:
    """The area that hints are on unless another is asked for: the primary one, else the likeliest that was learned."""
    learned = {area: chance for area, chance in score["areas"].items() if area not in score["unassessed"]}
    if score["primary_area"] in learned:
        return str(score["primary_area"])
    if not learned:
        raise HintsUnavailableError("the model that scored this case has learned no area")
    return str(max(learned, key=lambda area: float(learned[area])))


def _scorer_of(row: Row[Any], model: LiveModel) -> Scorer:
    """The scorer whose score the case shows: another one's hints would be on another score."""
    if row.score is None:
        raise HintsUnavailableError("this case has no score yet; hints come with it")
    if not row.text:
        raise HintsUnavailableError("this case has no text")
    if not model.ready:
        raise HintsUnavailableError("no model is loaded; try again in a moment")
    scorer = model.serving.scorer_of(row.bundle)
    if scorer is None:
        raise HintsUnavailableError("the bundle that scored this case is not at work here, so it cannot be asked")
    return scorer


def _as_out(found: Explanation) -> HintsOut:
    return HintsOut(
        area=found.area,
        bundle=found.bundle_hash,
        start=found.start,
        end=found.end,
        whole=found.whole,
        hints=[
            HintOut(
                start=one.start,
                end=one.end,
                wide=None if one.wide is None else round(one.wide, 4),
                deep=round(one.deep, 4),
                strength=one.strength,
            )
            for one in found.hints
        ],
        cleaned=None if found.exact else found.cleaned,
    )
