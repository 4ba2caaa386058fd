"""Rules of search: who finds what, in which order, what is shown of it. Out of scope is absent, as everywhere."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from anyio import to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.errors.access import ForbiddenError
from service.errors.search import UnreadableQuestionError
from service.masking import Masking, whole
from service.media.viewing.workflow import preferences_of
from service.routing.rules import SPECIAL_ROUTES
from service.routing.schemas import Channel
from service.routing.workflow import OVERSEEING
from service.search import snippets, store
from service.search.completions import complete
from service.search.conditions import ME, Conditions, Needed, Scope, conditions
from service.search.query import Query, QueryError, Word, parse
from service.search.schemas import (
    COUNTED,
    CaseSearchIn,
    CompletionOut,
    CompletionsIn,
    CompletionsOut,
    FacetValue,
    FoundCase,
    Order,
    Piece,
    SearchOut,
    Snippet,
)
from service.search.snippets import Sought
from service.search.store import Part
from service.security import Capability, Principal

# Of each text so many characters are looked through for a snippet.
LOOKED_THROUGH = 4_000
DISGUISED = 200
FACET_VALUES = 8
BACKFILL_BATCH = 200
# Words that stand in no more texts than that are looked up first.
RARE = 2_000
# A view tells how many came since, up to so many.
NEW_COUNTED = 100


@dataclass(frozen=True, slots=True)
class SearchRules:
    """What answers are made by: the names of areas and actions, and which words pages mask."""

    taxonomy: Taxonomy
    masking: Masking


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was read: its words as a tsquery, and the conditions that cases have to fulfil."""

    query: Query
    found: str | None
    made: Conditions
    now: datetime


async def search(connection: AsyncConnection, body: CaseSearchIn, *, me: Principal, rules: SearchRules) -> SearchOut:
    """The cases that answer a question. That somebody asked is an event, without the words. Raises UnreadableQuestionError."""
    asked = await ask(connection, body.query, me=me, rules=rules)
    order: Order = "newest" if body.order == "relevance" and asked.found is None else body.order
    place = _read_place(body.after, order)
    as_of = place.as_of if place else asked.now
    rows = await _matching(connection, asked, order=order, limit=body.limit, as_of=as_of, place=place)
    page = rows[: body.limit]
    ids = [row.id for row in page]
    counted = [row.id for row in rows[:COUNTED]] if place is None else []
    await events.record(connection, "search.made", actor=me.id, data=_told(asked.query, order, len(rows), place))
    return SearchOut(
        cases=await _shown(connection, ids, asked, me=me, rules=rules),
        count=len(counted) if place is None else None,
        more=place is None and len(rows) > COUNTED,
        facets=await _facets(connection, counted, asked.made.scope) if counted else {},
        next=_place_after(page[-1], order, as_of) if len(rows) > body.limit and page else None,
    )


async def ask(connection: AsyncConnection, said: str, *, me: Principal, rules: SearchRules) -> Asked:
    """Read a question. Raises UnreadableQuestionError, ForbiddenError."""
    known = await store.names(connection, viewer=me.id, overseeing=OVERSEEING)
    try:
        query = parse(said, now=known.now, values=_values(known, rules.taxonomy))
    except QueryError as error:
        where = f"at character {error.start + 1}: "
        raise UnreadableQuestionError(where + error.message, start=error.start, end=error.end) from error
    _check_people(query, me)
    words = [(one.text, one.exact, one.beginning) for group in query.words for one in group.any_of]
    forms = iter(await store.forms(connection, words) if words else ())
    found: list[str] = []
    left_out: list[str] = []
    for group in query.words:
        either = [_needed(next(forms), word) for word in group.any_of]
        (left_out if group.negated else found).append("(" + " | ".join(either) + ")")
    scope = Scope(me.id, tuple(known.queues or ()), tuple(known.kept or ()), known.languages)
    cases = await store.rare(connection, found, scope.kept, most=RARE) if found else []
    sought = [Needed(words, of) for words, of in zip(found, cases, strict=True)]
    made = conditions(query, scope, found=sought, left_out=left_out)
    return Asked(query, " & ".join(found) or None, made, known.now)


async def values_of(connection: AsyncConnection, me: Principal, taxonomy: Taxonomy) -> Mapping[str, Sequence[str]]:
    """The names that filters know at this moment, for this person."""
    return _values(await store.names(connection, viewer=me.id, overseeing=OVERSEEING), taxonomy)


def _values(row: Row[Any], taxonomy: Taxonomy) -> Mapping[str, Sequence[str]]:
    return {
        "queue": tuple(row.queues or ()),
        "lang": tuple(sorted(row.languages)),
        "area": taxonomy.label_ids,
        "action": tuple(action.id for action in taxonomy.actions),
        "channel": get_args(Channel),
        "special": tuple(SPECIAL_ROUTES),
    }


async def completions(
    connection: AsyncConnection, body: CompletionsIn, *, me: Principal, taxonomy: Taxonomy
) -> CompletionsOut:
    """What a question could go on with."""
    found = complete(body.query, body.at, await values_of(connection, me, taxonomy))
    return CompletionsOut(completions=[CompletionOut(start=one.start, end=one.end, insert=one.insert) for one in found])


async def count_since(
    connection: AsyncConnection, said: str, since: datetime | None, *, me: Principal, rules: SearchRules
) -> int:
    """How many cases answer a question that were opened since; counted up to NEW_COUNTED. Raises UnreadableQuestionError."""
    asked = await ask(connection, said, me=me, rules=rules)
    if since is not None:
        asked.made.add(f"c.opened_at > {asked.made.value(since, 'timestamptz')}")
    part = Part("newest", asked.now, NEW_COUNTED)
    return len(await store.matching(connection, asked.made, part, overseeing=OVERSEEING))


async def take_in(connection: AsyncConnection) -> int:
    """Make a batch of cases from before findable; returns how many there were, 0 when none is left."""
    return await store.take_in_batch(connection, limit=BACKFILL_BATCH)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the page before ended: in which order, as of when, behind which value and case."""

    order: str
    as_of: datetime
    value: Any
    case: UUID


async def _matching(
    connection: AsyncConnection, asked: Asked, *, order: Order, limit: int, as_of: datetime, place: _Place | None
) -> list[Row[Any]]:
    """Cases from the place on, in order. The first page goes as far as is counted."""
    by_words = order == "relevance"
    if place and not by_words:
        part = Part(order, as_of, limit + 1, after=(place.value, place.case))
    else:
        part = Part(order, as_of, COUNTED + 1, found=asked.found)
    rows = await store.matching(connection, asked.made, part, overseeing=OVERSEEING)
    if not by_words:
        return list(rows)
    # The one beyond what is counted says that there are more, and is none of those that are put in order.
    best = sorted(rows[:COUNTED], key=lambda row: (row.score or 0.0, row.id), reverse=True)
    if place is not None:
        return [row for row in best if (row.score or 0.0, row.id) < (place.value, place.case)]
    return [*best, *rows[COUNTED:]]


async def _shown(
    connection: AsyncConnection, cases: Sequence[UUID], asked: Asked, *, me: Principal, rules: SearchRules
) -> list[FoundCase]:
    if not cases:
        return []
    rows = await store.shown(connection, cases, asked.made.scope, characters=LOOKED_THROUGH)
    sought = Sought.of(asked.found or "")
    texts = [text for row in rows for _, text in _texts(row)]
    says = await store.decoded(connection, snippets.disguised(texts, most=DISGUISED)) if asked.found else {}
    masking = rules.masking if (await preferences_of(connection, me.id)).mask_text else None

    def made() -> list[FoundCase]:
        return [_found(row, sought, says, masking) for row in rows]

    # To mask the snippets of a page takes milliseconds, which other callers need not wait for.
    return await to_thread.run_sync(made)


def _found(row: Row[Any], sought: Sought, says: Mapping[str, Sequence[str]], masking: Masking | None) -> FoundCase:
    fields = set(FoundCase.model_fields) - {"snippet"}
    values = {key: value for key, value in row._mapping.items() if key in fields}
    return FoundCase(**values, snippet=_snippet(row, sought, says, masking))


def _texts(row: Row[Any]) -> list[tuple[str, str]]:
    """Where words may be found, and the texts, the content first."""
    others = [
        ("picture", row.picture),
        *(("report", note) for note in row.told),
        ("decision", row.decision_note),
        *(("note", note) for note in row.notes),
    ]
    return [("content", row.content), *((where, text) for where, text in others if text)]


def _snippet(row: Row[Any], sought: Sought, says: Mapping[str, Sequence[str]], masking: Masking | None) -> Snippet:
    where, text, spans = "content", row.content, []
    for place, candidate in _texts(row):
        if marks := snippets.marks(candidate, sought, says):
            where, text, spans = place, candidate, marks
            break
    shown = snippets.window(text, spans)
    looked = max(0, shown[0] - snippets.MARGIN), min(len(text), shown[1] + snippets.MARGIN)
    part = text[looked[0] : looked[1]]
    segments = masking.mask(part) if masking else whole(part)
    moved = [(start - looked[0], end - looked[0]) for start, end in spans]
    made = snippets.pieces(segments, moved, (shown[0] - looked[0], shown[1] - looked[0]))
    if shown[0] > 0 and made:
        made.insert(0, Piece(text="… "))
    if shown[1] < len(text) and made:
        made.append(Piece(text=" …"))
    language = row.language if where in {"content", "picture"} else None
    return Snippet(where=where, language=language, pieces=made)


async def _facets(connection: AsyncConnection, cases: Sequence[UUID], scope: Scope) -> dict[str, list[FacetValue]]:
    found: dict[str, list[FacetValue]] = {}
    for row in await store.facets(connection, cases, scope):
        values = found.setdefault(row.facet, [])
        if len(values) < FACET_VALUES:
            values.append(FacetValue(value=row.value, count=row.count))
    return found


def _needed(form: str | None, word: Word) -> str:
    if form is None:
        raise UnreadableQuestionError(f"there is no letter and no digit to look for in {word.text!r}; leave it out")
    return f"({form})"


def _check_people(query: Query, me: Principal) -> None:
    """Who decided is told to nobody but those who answer for quality; of oneself everybody may ask."""
    asked = [value for one in query.filters if one.field == "decided" for value in one.values]
    if any(value not in {ME, me.username} for value in asked) and Capability.QA_MANAGE not in me.capabilities:
        raise ForbiddenError("decided: takes me or a date; what others decided is for those who lead to ask")


def _told(query: Query, order: str, found: int, place: _Place | None) -> dict[str, Any]:
    """What an event says of a search: which filters, not what they look for, and nothing of the words."""
    return {
        "filters": sorted({one.field for one in query.filters}),
        "words": len(query.words),
        "order": order,
        "found": min(found, COUNTED),
        "first_page": place is None,
    }


def _place_after(row: Row[Any], order: str, as_of: datetime) -> str:
    value = (row.score or 0.0) if order == "relevance" else row.value
    value = value.isoformat() if isinstance(value, datetime) else value
    told = json.dumps([order, as_of.isoformat(), value, row.id.hex], separators=(",", ":"))
    return base64.urlsafe_b64encode(told.encode()).decode()


def _read_place(after: str | None, order: str) -> _Place | None:
    if after is None:
        return None
    try:
        told, as_of, value, case = json.loads(base64.urlsafe_b64decode(after.encode()))
        place = _Place(str(told), datetime.fromisoformat(as_of), value, UUID(case))
        place = _Place(
            place.order, place.as_of, datetime.fromisoformat(value) if order == "newest" else float(value), place.case
        )
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise UnreadableQuestionError("after: is not the `next` of a page; begin with the first page") from error
    if place.order != order:
        raise UnreadableQuestionError("after: is of another order; begin with the first page")
    return place
