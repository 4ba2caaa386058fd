"""Rules of settling: what holds by agreement, what waits for a third person, and who is told."""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.errors.quality import CheckSettledError
from service.ids import new_id
from service.opinions.schemas import Judgement
from service.quality.judging import all_agree, error_of
from service.quality.settling import store
from service.quality.settling.schemas import By, judgement, label_of


@dataclass(frozen=True, slots=True)
class SettleRules:
    """The vocabulary, and after how many hours somebody is told of a golden item that they answered otherwise."""

    taxonomy: Taxonomy
    golden_hours: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What holds for an item, who says so, and which earlier verdict it takes the place of."""

    answer: Judgement
    by: By
    settled_by: UUID | None = None
    note: str = ""
    replaces: UUID | None = None


async def after_answer(connection: AsyncConnection, item: UUID, *, rules: SettleRules) -> None:
    """Settle an item once all its answers are there. The caller holds the lock of the item."""
    facts = await store.facts(connection, item)
    if facts is not None and len(facts.answers) >= facts.reviews:
        await _conclude(connection, facts, rules)


async def conclude(connection: AsyncConnection, item: UUID, *, rules: SettleRules) -> None:
    """Settle an item by the answers that it has, where no more come. The caller holds the lock of the item."""
    facts = await store.facts(connection, item)
    if facts is not None and facts.answers:
        await _conclude(connection, facts, rules)


async def _conclude(connection: AsyncConnection, facts: Row[Any], rules: SettleRules) -> None:
    """By agreement, or let it wait for a third person. A golden item knows its answer, so nobody has to settle it."""
    item: UUID = facts.id
    first = judgement(facts.first)
    if facts.golden_id is not None or all_agree([first, *(judgement(one["answer"]) for one in facts.answers)]):
        await _settle(connection, facts, Verdict(first, "agreement"), rules)
    else:
        await store.dispute(connection, item)
        await events.record(connection, "qa.disputed", data={"item": str(item)})


async def settle(connection: AsyncConnection, item: UUID, verdict: Verdict, *, rules: SettleRules) -> UUID:
    """Store what holds for an item, and tell those who said otherwise. Raises CheckSettledError."""
    facts = await store.facts(connection, item)
    if facts is None:
        raise _settled()
    return await _settle(connection, facts, verdict, rules)


async def _settle(connection: AsyncConnection, facts: Row[Any], verdict: Verdict, rules: SettleRules) -> UUID:
    item: UUID = facts.id
    right = verdict.answer
    # Of a golden item there is no decision that could have been wrong.
    decided = None if facts.decided_by is None else judgement(facts.first)
    settlement = new_id()
    values = {
        "id": settlement,
        "item_id": item,
        "by": verdict.by,
        "settled_by": verdict.settled_by,
        "error": None if decided is None else error_of(decided, right, rules.taxonomy),
        "note": verdict.note,
        "replaces": verdict.replaces,
    }
    before = {"agreement": ["waiting"], "adjudication": ["disputed"], "dispute": ["settled"]}[verdict.by]
    if not await store.settle(connection, values, answer=label_of(right), from_states=before):
        raise _settled()
    data = {"item": str(item), "settlement": str(settlement), "by": verdict.by}
    await events.record(connection, "qa.settled", actor=verdict.settled_by, data=data)
    # By a draft nobody has decided, so nobody was wrong.
    wrong = [] if facts.draft else wrong_people(facts, right, rules.taxonomy)
    hours = 0 if facts.golden_id is None else rules.golden_hours
    await store.tell(connection, settlement, {new_id(): person for person in wrong}, hours=hours)
    return settlement


async def answers_to(connection: AsyncConnection, item: UUID, *, secret: str) -> list[Mapping[str, Any]]:
    """Every answer to an item with its note, the first one among the blind ones, in an order that tells nothing of them."""
    facts = await store.facts(connection, item)
    if facts is None:
        return []
    first = {**facts.first, "note": facts.first_note, "source": "first"}
    blind = [{**one["answer"], "source": one["token"]} for one in facts.answers]
    return in_neutral_order(item, [first, *blind], secret)


def in_neutral_order(item: UUID, answers: Iterable[Mapping[str, Any]], secret: str) -> list[Mapping[str, Any]]:
    """The answers to an item by their `source`: for everybody who reads it alike, and for each item differently.

    By the secret of the installation: whoever reads the item knows its id, and could work out any order made of that alone.
    """
    key = hmac.digest(secret.encode(), b"order of answers", "sha256")
    return sorted(answers, key=lambda said: hmac.digest(key, f"{item}:{said['source']}".encode(), "sha256"))


async def remember_look(connection: AsyncConnection, cases: Sequence[UUID], *, person: UUID) -> None:
    """After somebody was shown what was said about cases, by a list that no check is in: they are handed none of it blindly."""
    if cases:
        await store.look(connection, cases, person=person)


def neutral_name(place: int) -> str:
    """What an answer is called by its place: nothing of who gave it."""
    return f"Answer {ascii_uppercase[place]}"


def wrong_people(facts: Row[Any], right: Judgement, taxonomy: Taxonomy) -> list[UUID]:
    """Who said something else than what holds: whoever decided, and those who checked."""
    said: list[tuple[UUID, Mapping[str, Any]]] = [(UUID(one["reviewer"]), one["answer"]) for one in facts.answers]
    if facts.decided_by is not None:
        said.append((facts.decided_by, facts.first))
    return sorted({person for person, answer in said if error_of(judgement(dict(answer)), right, taxonomy)})


def _settled() -> CheckSettledError:
    return CheckSettledError("this check is settled, or not up for that any more: read the list again")
