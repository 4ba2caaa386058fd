"""Rules of routing: the version at work, trying and saving the next one, moving what waits, who may use which queue."""

import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from anyio import to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.taxonomy import Taxonomy
from service import events
from service.db import Question
from service.errors.decisions import UnknownLabelError
from service.errors.requests import NotFoundError
from service.errors.rules import RoutingChangedError, RoutingConflictError
from service.routing import store
from service.routing.conflicts import Finding, QueueState, Vocabulary, check
from service.routing.preview import Tally
from service.routing.rules import SPECIAL_ROUTES, Rule, RuleSet
from service.routing.schemas import (
    Channel,
    FindingOut,
    ManagedQueueOut,
    RoutingIn,
    RoutingOut,
    RoutingPreviewIn,
    RoutingPreviewOut,
    RoutingVersionOut,
    RuleIn,
    SavedOut,
    SpecialOut,
    UntakenOut,
)
from service.routing.urgent import read, under
from service.routing.words import lack
from service.security import ROLES, Capability, Principal

HISTORY = 50
# Parsed rules kept: the version at work, and those that transactions under way still see.
PARSED = 16
# Cases that a preview looks at, rows read at once, and how long all of it may take: what is left out then is the oldest,
# and the answer says so.
MOST_CASES = 100_000
PREVIEW_BATCH = 1_000
MOST_SECONDS = 20.0
# Cases routed anew in one transaction, cases listed in one look, and the pause after a look that found none.
REROUTE_BATCH = 500
LISTED = 100_000
LOOK_AGAIN_SECONDS = 5.0

REVIEWING = tuple(role for role, may in ROLES.items() if Capability.CASE_REVIEW in may)
# Roles that see every unrestricted queue, whatever it asks of those who take from it: they manage queues or only count.
OVERSEEING = tuple(
    role for role, may in ROLES.items() if Capability.QUEUES_MANAGE in may or Capability.CASE_REVIEW not in may
)


# Ranks and routes the locked cases anew.
Rerank = Callable[[AsyncConnection, Sequence[UUID]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class QueueInfo:
    """A queue that somebody may see; `claimable` when they may also take cases from it."""

    name: str
    title: str
    description: str
    skills: tuple[str, ...]
    special: str | None
    restricted: bool
    claimable: bool


def question() -> Question:
    """What to ask the database for `active`, together with something else."""
    return store.question(reviewing=REVIEWING)


async def active(connection: AsyncConnection, answer: Any | None = None) -> RuleSet:
    """The rules at work, with the queue of every special route that somebody serves.

    `answer` is the row that `question` was answered with, where it was asked already.
    """
    row = answer or await store.at_work(connection, reviewing=REVIEWING)
    return await _with_crises(connection, await _lasting(connection, row), row)


async def _lasting(connection: AsyncConnection, row: Any) -> RuleSet:
    """What is at work until somebody changes it."""
    special = row.special or {}
    if row.version is None:
        return RuleSet(special=special)
    # The moment tells versions of different databases apart; a version itself never changes.
    rules = _parsed.get(row.version, row.made_at)
    if rules is None:
        rules = _parsed.keep(row.version, row.made_at, await store.rules(connection, row.version))
    return RuleSet(row.version, rules, special)


async def _with_crises(connection: AsyncConnection, rules: RuleSet, row: Any) -> RuleSet:
    """These rules, with what the crises at work add."""
    if not row.crises:
        return rules
    return under(rules, read(row.crises_key, row.crises), queues=await open_queues(connection))


async def open_queues(connection: AsyncConnection) -> dict[str, bool]:
    """By name of every queue that takes cases, whether it is restricted."""
    return await store.open_queues(connection)


class _Parsed:
    """Rules of the latest versions, ready to be matched."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, datetime], tuple[Rule, ...]] = {}

    def get(self, version: int, made_at: datetime) -> tuple[Rule, ...] | None:
        return self._kept.get((version, made_at))

    def keep(self, version: int, made_at: datetime, stored: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
        rules = parsed(stored)
        while len(self._kept) >= PARSED:
            self._kept.pop(next(iter(self._kept)))
        self._kept[version, made_at] = rules
        return rules


_parsed = _Parsed()


def parsed(stored: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Stored rules, ready to be matched."""
    return tuple(RuleIn.model_validate(one).rule() for one in stored)


async def routing(connection: AsyncConnection) -> RoutingOut:
    """The rules at work and those before, every queue, and how the special routes stand."""
    history = [_version(row) for row in await store.versions(connection, limit=HISTORY)]
    queues = [managed(row) for row in await store.queues(connection, reviewing=REVIEWING)]
    return RoutingOut(
        version=history[0].version if history else 0,
        current=history[0] if history else None,
        history=history,
        queues=queues,
        special=await special_routes(connection),
        untaken=await untaken(connection),
    )


async def save(connection: AsyncConnection, body: RoutingIn, *, actor: UUID, taxonomy: Taxonomy) -> SavedOut:
    """Put new rules to work. Raises RoutingChangedError, RoutingConflictError, UnknownLabelError."""
    await store.one_after_the_other(connection)
    newest = await store.newest_version(connection)
    if newest != body.based_on:
        raise RoutingChangedError(
            f"version {newest} of the rules is at work, these are based on {body.based_on}; look at it, then save again"
        )
    found = await findings(connection, body.rules, taxonomy)
    if errors := [one for one in found if one.kind == "error"]:
        raise RoutingConflictError(" ".join(one.text for one in errors))
    version = await store.add_version(
        connection,
        rules=json.dumps([rule.model_dump() for rule in body.rules]),
        owner=body.owner,
        reason=body.reason,
        decided_on=body.decided_on,
        apply_to_open=body.apply_to_open,
        made_by=actor,
    )
    data = {"version": version, "rules": len(body.rules), "apply_to_open": body.apply_to_open}
    await events.record(connection, "routing.saved", actor=actor, data=data)
    return SavedOut(version=version, warnings=[finding_out(one) for one in found])


async def preview(
    connection: AsyncConnection, body: RoutingPreviewIn, taxonomy: Taxonomy, *, gone: Callable[[], Awaitable[bool]]
) -> RoutingPreviewOut:
    """Try the rules on the cases of the last hours. Nothing is changed. Raises UnknownLabelError.

    It ends early once whoever asked has `gone`: nobody reads the answer then.
    """
    found = await findings(connection, body.rules, taxonomy)
    now = await active(connection)
    then = replace(now, rules=tuple(rule.rule() for rule in body.rules))
    tally, truncated = await tried(connection, now, then, hours=body.hours, gone=gone)
    return RoutingPreviewOut(
        hours=body.hours,
        cases=tally.cases,
        truncated=truncated,
        rules=tally.by_rules(taxonomy),
        default=tally.default,
        special=tally.special,
        moves=tally.moved(),
        findings=[finding_out(one) for one in found],
    )


async def tried(
    connection: AsyncConnection, now: RuleSet, then: RuleSet, *, hours: int, gone: Callable[[], Awaitable[bool]]
) -> tuple[Tally, bool]:
    """What other rules would have done with the cases of the last hours, and whether there were more than were counted."""
    tally, truncated = Tally(now, then), False
    ends = time.monotonic() + MOST_SECONDS
    # One more than are counted tells whether there were more.
    found_cases = store.facts(connection, hours=hours, limit=MOST_CASES + 1, batch=PREVIEW_BATCH)
    async with aclosing(found_cases) as batches:
        async for rows in batches:
            room = MOST_CASES - tally.cases if time.monotonic() < ends else 0
            # Off the event loop: other callers are answered meanwhile.
            await to_thread.run_sync(tally.add, rows[:room])
            if truncated := len(rows) > room or await gone():
                break
    return tally, truncated


async def findings(connection: AsyncConnection, rules: Sequence[RuleIn], taxonomy: Taxonomy) -> list[Finding]:
    """What is wrong with these rules and the queues they lead to. Raises UnknownLabelError."""
    _require_labels(rules, taxonomy)
    rows = await store.queues(connection, reviewing=REVIEWING)
    queues = {row.name: QueueState(row.name, closed=row.closed, untaken=_untaken(row)) for row in rows}
    vocabulary = Vocabulary(channels=get_args(Channel), labels=taxonomy.label_ids)
    # Off the event loop: a long list takes its time.
    return await to_thread.run_sync(check, [rule.rule() for rule in rules], queues, vocabulary)


def finding_out(finding: Finding) -> FindingOut:
    """A finding for the wire."""
    return FindingOut(
        kind=finding.kind, code=finding.code, rule=finding.rule, others=list(finding.others), text=finding.text
    )


def _require_labels(rules: Sequence[RuleIn], taxonomy: Taxonomy) -> None:
    for rule in rules:
        areas = {one.area for one in rule.when.areas} - set(taxonomy.area_ids)
        labels = set(rule.when.primary_areas) - set(taxonomy.label_ids)
        if unknown := sorted(areas | labels):
            raise UnknownLabelError(
                f"rule “{rule.name}” names {', '.join(unknown)}, which taxonomy {taxonomy.version} does not know; "
                f"it has {', '.join(taxonomy.area_ids)}"
            )


async def special_routes(connection: AsyncConnection) -> list[SpecialOut]:
    """For each special route, the queue that serves it or why none does, and the flagged cases that lie elsewhere."""
    by_special = {row.special: row for row in await store.queues(connection, reviewing=REVIEWING) if row.special}
    waiting = await store.waiting_special(connection)
    return [_special(name, by_special.get(name), waiting.get(name, 0)) for name in SPECIAL_ROUTES]


def is_loud(route: SpecialOut) -> bool:
    """Whether a route is a fault right now: it was set up and nobody serves it, or cases of it wait where they should not."""
    return route.waiting > 0 or (route.problem is not None and route.queue is not None)


async def untaken(connection: AsyncConnection) -> list[UntakenOut]:
    """Waiting cases that nobody active would be given, with what nobody has: they would wait for ever."""
    return [
        UntakenOut(queue=row.queue, restricted=row.restricted, problem=lack(row), cases=row.cases)
        for row in await store.untaken(connection, reviewing=REVIEWING)
    ]


async def unserved(connection: AsyncConnection) -> list[SpecialOut]:
    """Special routes that would do nothing. One that nobody set up counts as soon as it has a case."""
    return [one for one in await special_routes(connection) if one.problem is not None]


async def note_unserved(connection: AsyncConnection, case_id: UUID, special: str) -> None:
    """Leave an event on a case whose special route did nothing."""
    await events.record(connection, "route.special_unserved", case_id=case_id, data={"special": special})


async def one_after_the_other(connection: AsyncConnection) -> None:
    """Wait for whoever changes rules or queues, and let others wait until this transaction ends."""
    await store.one_after_the_other(connection)


async def managed_queue(connection: AsyncConnection, name: str) -> ManagedQueueOut:
    """A queue, closed or not, for those who manage it. Raises NotFoundError."""
    rows = await store.queues(connection, reviewing=REVIEWING, name=name)
    if not rows:
        raise NotFoundError(f"there is no queue {name!r}")
    return managed(rows[0])


async def queue_for(connection: AsyncConnection, name: str, principal: Principal) -> QueueInfo:
    """The queue, for somebody who wants to take cases from it.

    Raises NotFoundError when it is not there, closed, or not theirs: they cannot tell which.
    """
    rows = await store.usable(connection, principal.id, overseeing=(), name=name)
    if not rows:
        raise NotFoundError(f"there is no queue {name!r} that you could take cases from; GET /v1/queues lists yours")
    return _info(rows[0])


async def visible_queues(connection: AsyncConnection, principal: Principal) -> list[QueueInfo]:
    """Queues that this person may see, the default one first."""
    return [_info(row) for row in await store.usable(connection, principal.id, overseeing=OVERSEEING)]


async def leave_queues(connection: AsyncConnection, person: UUID) -> list[str]:
    """Take somebody who reviews no more out of every restricted queue; returns the names of these queues."""
    return await store.leave_queues(connection, person)


async def allowed_actions(connection: AsyncConnection, queue: str, role: str, taxonomy: Taxonomy) -> list[str]:
    """Actions that this role may take in this queue, in the order of the taxonomy."""
    refused = await store.refused_actions(connection, queue=queue, role=role)
    return [action.id for action in taxonomy.actions if action.id not in refused]


def managed(row: Row[Any]) -> ManagedQueueOut:
    """A queue for those who manage it."""
    fields = {name: value for name, value in row._mapping.items() if name != "taken"}
    return ManagedQueueOut(**fields, untaken=None if row.closed else _untaken(row))


def _untaken(row: Row[Any]) -> str | None:
    if row.taken:
        return None
    if row.restricted and not row.members:
        return "it is restricted and has no members"
    who = "none of its active members" if row.restricted else "no active person"
    asked = [f"the role {' or '.join(row.roles)}"] if row.roles else []
    asked += [f"the {'skill' if len(row.skills) == 1 else 'skills'} {', '.join(row.skills)}"] if row.skills else []
    return f"{who} has {' and '.join(asked)}" if asked else f"{who} reviews"


def _special(name: str, row: Row[Any] | None, waiting: int) -> SpecialOut:
    problem = "no open queue is set up for it" if row is None else None
    if row is not None and (untaken := _untaken(row)) is not None:
        problem = f"nobody could take a case from {row.name}: {untaken}"
    return SpecialOut(special=name, queue=row.name if row else None, problem=problem, waiting=waiting)


def _version(row: Row[Any]) -> RoutingVersionOut:
    return RoutingVersionOut(**row._mapping)


def _info(row: Any) -> QueueInfo:
    return QueueInfo(
        name=row.name,
        title=row.title,
        description=row.description,
        skills=tuple(row.skills),
        special=row.special,
        restricted=row.restricted,
        claimable=row.claimable,
    )


class Rerouting:
    """Routes undecided cases anew that an older version has routed, where the newer one was saved to apply to them.

    So it does with open cases of special routes that lie outside of the queue that serves theirs by now.
    """

    def __init__(self, engine: AsyncEngine, rerank: Rerank) -> None:
        self._engine = engine
        self._rerank = rerank
        self._listed: list[UUID] = []
        self._applied = 0
        self._look_at = 0.0

    async def step(self) -> int:
        """Route one batch anew; returns how many cases it looked at, 0 when every case lies where it should."""
        async with self._engine.begin() as connection:
            if not self._listed and time.monotonic() >= self._look_at:
                self._listed = await self._look(connection)
                self._look_at = 0.0 if self._listed else time.monotonic() + LOOK_AGAIN_SECONDS
            batch = self._listed[:REROUTE_BATCH]
            if batch:
                await self._rerank(connection, await store.lock(connection, batch))
        self._listed = self._listed[len(batch) :]
        return len(batch)

    async def _look(self, connection: AsyncConnection) -> list[UUID]:
        rules = await active(connection)
        found = await store.misrouted(connection, served=json.dumps(dict(rules.special)), limit=LISTED)
        applied = await store.last_applied(connection) or 0
        if applied > self._applied:
            waiting = await store.routed_before(connection, applied, limit=LISTED)
            if not waiting:
                # New cases are routed by this version or a newer one: it need not be looked for again.
                self._applied = applied
            found = list(dict.fromkeys([*found, *waiting]))
        return found
