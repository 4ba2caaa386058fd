"""Rules of statements of reasons: every decision that restricts has one, made with it, told truly, and taken back with it."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.cases.workflow import require_visible
from service.errors.requests import NotFoundError
from service.errors.statements import PersonalDataError, StatementIncompleteError, StatementSettledError
from service.ids import new_id
from service.labels import check_labels
from service.leases.workflow import require_live
from service.settings import Settings, SettingsError
from service.statements import store
from service.statements.building import Built, Decided, Known, build, kept_words, personal_fields, restricts, stands
from service.statements.listing.workflow import require_statement, statement_view, stored
from service.statements.rules import StatementFileError, StatementRules, read_rules
from service.statements.schemas import (
    EditIn,
    StatementIn,
    StatementOut,
    StatementPreviewIn,
    StatementPreviewOut,
)
from service.statements.telling import notice_of, sections_of
from service.statements.transparency import INCOMPATIBLE, OF_GROUND, TransparencyStatement, problems

# Kinds of subject whose own id is the name of somebody.
PEOPLE = ("account", "profile", "user")


@dataclass(frozen=True, slots=True)
class Decision:
    """A stored decision: `until` is the end of its undo window, `token` the lease it was made under."""

    id: UUID
    case_id: UUID
    at: datetime
    until: datetime
    policy_area: str
    actions: list[str]
    basis: str
    token: UUID | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What the platform is told with a decision, for its notice to the author."""

    puid: str
    language: str
    notice: str
    until: str | None

    def as_json(self) -> dict[str, str | None]:
        """As part of a message."""
        return {"puid": self.puid, "language": self.language, "notice": self.notice, "until": self.until}


def configured(settings: Settings, taxonomy: Taxonomy) -> StatementRules | None:
    """The rules the settings name, else the shipped ones; None where statements are switched off. Raises SettingsError."""
    if settings.statements == "off":
        return None
    try:
        return read_rules(settings.statement_rules, taxonomy)
    except StatementFileError as error:
        raise SettingsError(f"TRIAGE_STATEMENT_RULES: {error}") from error


async def state(
    connection: AsyncConnection,
    decision: Decision,
    said: StatementIn | None,
    *,
    rules: StatementRules,
    made_up_by: UUID | None = None,
) -> Told | None:
    """Make the statement of a decision, in its transaction; None where it restricts nothing or is exempt.

    Without `said`, what its holder wrote before counts. `made_up_by` is who makes it afterwards. Raises
    StatementIncompleteError and PersonalDataError, and then the decision is not made either.
    """
    if not restricts(decision.actions, rules):
        return None
    row = await _facts(connection, decision.case_id, area=decision.policy_area, token=decision.token)
    said = said if said is not None else _edit_for(row, decision.policy_area)
    await _refuse_personal_data(connection, decision.case_id, row, said)
    statement = new_id()
    decided = Decided(decision.policy_area, decision.actions, _day(decision.at), decision.basis)
    built = build(_known(row), decided, said, rules, names=(f"ct-{statement}", None))
    return await _keep(connection, _Made(statement, decision, None, made_up_by), built, rules=rules)


async def take_back(connection: AsyncConnection, decision_id: UUID) -> bool:
    """Take back the statement of an undone decision; it stays on record as withdrawn. False once it was handed out."""
    if await store.is_handed_out(connection, decision_id):
        return False
    await store.withdraw(connection, decision_id)
    return True


async def restate(
    connection: AsyncConnection,
    now: Decision,
    *,
    person: UUID,
    rules: StatementRules,
    afterwards: StatementIn | None = None,
) -> Told | None:
    """After a review: a decision as it is `now` has a statement in place of the one it had, which the new one names.

    One that was not handed out is withdrawn; one that was stays, as the database keeps what it has, and the new one refers to
    it. What somebody wrote into the earlier one still counts, and what stands of the decision began when it did. None where
    nothing is left that restricts, or the decision is exempt. Raises StatementIncompleteError.

    `afterwards` is what this person says where it could not be made then; it counts before what was written earlier. Raises
    PersonalDataError for that.
    """
    before = await store.latest(connection, now.id)
    if before is None:
        return await state(connection, now, afterwards, rules=rules, made_up_by=person if afterwards else None)
    await store.withdraw(connection, now.id)
    data = {"decision": str(now.id), "statement": str(before.id)}
    await events.record(connection, "statement.reviewed", case_id=now.case_id, actor=person, data=data)
    if not restricts(now.actions, rules):
        return None
    row = await _facts(connection, now.case_id, area=now.policy_area, token=None)
    await _refuse_personal_data(connection, now.case_id, row, afterwards)
    began = row.now if afterwards is None else now.at
    statement = new_id()
    built = _again(replace(now, at=began), (row, before), afterwards, f"ct-{statement}", rules)
    made = _Made(statement, now, before.id, person if afterwards is not None else None)
    return await _keep(connection, made, built, rules=rules)


def _again(now: Decision, known: tuple[Any, Any], said: StatementIn | None, puid: str, rules: StatementRules) -> Built:
    """The statement of a decision as it is `now`; `known` are the facts of its case, and the statement that it had."""
    row, before = known
    decided = Decided(now.policy_area, now.actions, _day(now.at), before.basis)
    if before.payload is not None:
        earlier = stored(before, values=before.payload, edited=tuple(before.edited))
        said = _over(kept_words(earlier, decided, rules), said)
        if stands(earlier, now.actions, rules):
            decided = replace(decided, on=date.fromisoformat(before.payload["application_date"]))
    return build(_known(row), decided, said, rules, names=(puid, before.puid))


def _over(earlier: StatementIn, later: StatementIn | None) -> StatementIn:
    """What was written earlier, with what somebody says now in its place; of another ground nothing is kept."""
    if later is None:
        return earlier
    said = later.model_dump(exclude_none=True, exclude_defaults=True)
    kept = earlier.model_dump(exclude_none=True)
    ground = (kept | said).get("decision_ground", INCOMPATIBLE)
    kept = {name: value for name, value in kept.items() if OF_GROUND.get(name, ground) == ground}
    return StatementIn.model_validate(kept | said)


async def preview_again(
    connection: AsyncConnection, now: Decision, *, rules: StatementRules
) -> StatementPreviewOut | None:
    """What the statement of a decision as it is `now` would tell, made afterwards, with what was written earlier; None where
    it restricts nothing. The caller has checked who may see it.
    """
    check_labels(now.actions, now.policy_area, rules.taxonomy)
    if not restricts(now.actions, rules):
        return None
    row = await _facts(connection, now.case_id, area=now.policy_area, token=None)
    before = await store.latest(connection, now.id)
    if before is not None:
        return _previewed(_again(now, (row, before), None, "ct-preview", rules), rules)
    decided = Decided(now.policy_area, now.actions, _day(now.at), now.basis)
    return _previewed(build(_known(row), decided, None, rules, names=("ct-preview", None)), rules)


async def preview(
    connection: AsyncConnection,
    case_id: UUID,
    asked: StatementPreviewIn,
    *,
    viewer: UUID,
    rules: StatementRules,
) -> StatementPreviewOut | None:
    """What a decision for that area with these actions would tell; None where it would restrict nothing.

    Raises NotFoundError and a 422 for labels that do not exist.
    """
    area, actions, said = asked.policy_area, asked.actions, asked.statement
    await require_visible(connection, case_id, viewer=viewer)
    check_labels(actions, area, rules.taxonomy)
    if not restricts(actions, rules):
        return None
    row = await _facts(connection, case_id, area=area, token=asked.lease_token)
    said = said if said is not None else _edit_for(row, area, refuse=False)
    built = build(_known(row), Decided(area, actions, _day(row.now)), said, rules, names=("ct-preview", None))
    personal = personal_fields(said, await _people(connection, case_id, row)) if said else {}
    return _previewed(built, rules, *(f"{name}: {', '.join(kinds)}" for name, kinds in personal.items()))


def _previewed(built: Built, rules: StatementRules, *more: str) -> StatementPreviewOut:
    return StatementPreviewOut(
        exemption=built.exemption,
        language=built.language,
        sections=sections_of(built, built.language, rules),
        notice=notice_of(built, built.language, rules),
        statement=_plain(built) or None,
        assumed=list(built.assumed),
        edited=list(built.edited),
        problems=[*map(str, built.problems), *more],
    )


async def save_edit(
    connection: AsyncConnection, case_id: UUID, edit: EditIn, *, holder: UUID, rules: StatementRules
) -> None:
    """Keep what a holder writes into the statement of a case; the decision under this lease uses it.

    Raises LeaseStaleError, PersonalDataError or a 422.
    """
    await _require_lease(connection, case_id, token=edit.lease_token, holder=holder)
    check_labels([], edit.policy_area, rules.taxonomy)
    row = await _facts(connection, case_id, area=edit.policy_area, token=None)
    await _refuse_personal_data(connection, case_id, row, edit.statement)
    body = edit.statement.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    values = {"token": edit.lease_token, "case_id": case_id, "policy_area": edit.policy_area}
    await store.save_edit(connection, values | {"body": json.dumps(body, ensure_ascii=False)})


async def drop_edit(connection: AsyncConnection, case_id: UUID, *, token: UUID, holder: UUID) -> None:
    """Forget what a holder wrote. Raises LeaseStaleError."""
    await _require_lease(connection, case_id, token=token, holder=holder)
    await store.drop_edit(connection, token=token, case_id=case_id)


async def edit_of(connection: AsyncConnection, case_id: UUID, *, token: UUID) -> tuple[str, StatementIn] | None:
    """The area and words that were written under a lease."""
    row = await store.facts(connection, case_id, area="", token=token)
    return None if row is None or row.edit is None else (row.edited_for, StatementIn.model_validate(row.edit))


async def amend(
    connection: AsyncConnection, statement: UUID, said: StatementIn, *, person: UUID, rules: StatementRules
) -> StatementOut:
    """Mend a statement that the database did not take; it goes into the next batch under its puid.

    Raises NotFoundError, StatementSettledError, StatementIncompleteError, PersonalDataError.
    """
    row = await require_statement(connection, statement, viewer=person)
    locked = await store.lock_one(connection, statement)
    if locked is None or locked.state != "refused":
        raise StatementSettledError("only a statement that the database refused can be mended: this one was not")
    facts = await _facts(connection, row.case_id, area=row.policy_area, token=None)
    await _refuse_personal_data(connection, row.case_id, facts, said)
    own = said.model_dump(mode="json", exclude_none=True, exclude={"even_if_exempt"})
    edited = tuple(sorted({*row.edited, *own}))
    built = stored(row, values={**row.payload, **own}, edited=edited)
    values = {
        "payload": json.dumps(_checked(built), ensure_ascii=False),
        "notice": notice_of(built, built.language, rules),
        "edited": list(edited),
        "assumed": [one for one in row.assumed if one not in own],
    }
    await store.amend(connection, statement, values)
    data = {"statement": str(statement), "fields": sorted(own)}
    await events.record(connection, "statement.mended", case_id=row.case_id, actor=person, data=data)
    return await statement_view(connection, statement, viewer=person, rules=rules)


@dataclass(frozen=True, slots=True)
class _Made:
    """A statement of a decision, the one whose place it takes, and who made it afterwards; None where it came with the decision."""

    id: UUID
    decision: Decision
    replaces: UUID | None
    afterwards_by: UUID | None


async def _keep(connection: AsyncConnection, made: _Made, built: Built, *, rules: StatementRules) -> Told | None:
    decision = made.decision
    payload = _checked(built) if built.exemption is None else None
    notice = notice_of(built, built.language, rules)
    await store.add(
        connection,
        {
            "id": made.id,
            "decision_id": decision.id,
            "case_id": decision.case_id,
            "replaces": made.replaces,
            "state": "made" if payload else "exempt",
            "exemption": built.exemption,
            "puid": payload["puid"] if payload else None,
            "policy_area": built.area,
            "payload": json.dumps(payload, ensure_ascii=False) if payload else None,
            "told": {"kind": built.kind, "alike": built.alike, "policy": built.policy, "replaces": built.replaces},
            "language": built.language,
            "notice": notice,
            "assumed": list(built.assumed),
            "edited": list(built.edited),
            "ready_at": decision.until,
            "afterwards_by": made.afterwards_by,
        },
    )
    if payload is None:
        return None
    return Told(payload["puid"], built.language, notice, payload.get("end_date_account_restriction"))


def _checked(built: Built) -> dict[str, Any]:
    """The record, which the database would take. Raises StatementIncompleteError naming every field that it would not."""
    found = built.problems or tuple(problems(built.values))
    if found:
        told = "; ".join(f"statement.{one}" for one in found)
        raise StatementIncompleteError(f"{told}; say it in the statement of this decision")
    return TransparencyStatement.model_validate(built.values).as_json()


async def _facts(connection: AsyncConnection, case_id: UUID, *, area: str, token: UUID | None) -> Any:
    row = await store.facts(connection, case_id, area=area, token=token)
    if row is None:
        raise NotFoundError(f"there is no case {case_id}")
    return row


def _known(row: Any) -> Known:
    return Known(
        kind=row.kind,
        language=row.language,
        has_text=row.has_text,
        created_on=_day(row.created_at) if row.created_at else None,
        first_seen=_day(row.first_seen),
        channels=row.channels,
        flags=row.flags,
        media=row.media,
        suggested=row.suggested,
        policy_title=row.policy_title,
        policy_number=row.policy_number,
    )


def _edit_for(row: Any, area: str, *, refuse: bool = True) -> StatementIn | None:
    """What was written before under this lease. Written for another area, it would tell the author something else."""
    if row.edit is None:
        return None
    if row.edited_for != area:
        if not refuse:
            return None
        raise StatementIncompleteError(
            f"statement: it was written for {row.edited_for!r} and the decision is for {area!r}: look at it again, or reset it"
        )
    return StatementIn.model_validate(row.edit)


async def _refuse_personal_data(connection: AsyncConnection, case_id: UUID, row: Any, said: StatementIn | None) -> None:
    if said is None:
        return
    found = personal_fields(said, await _people(connection, case_id, row))
    if found:
        told = "; ".join(f"statement.{name}: {' and '.join(kinds)}" for name, kinds in found.items())
        raise PersonalDataError(f"{told}; the text is published: write it without anything that tells who somebody is")


async def _people(connection: AsyncConnection, case_id: UUID, row: Any) -> list[str]:
    """Ids of the people of a case that must not stand in what is published."""
    own = [row.external_id] if row.kind in PEOPLE else []
    return [one for one in (row.author_id, *own, *await store.reporters(connection, case_id)) if one]


async def _require_lease(connection: AsyncConnection, case_id: UUID, *, token: UUID, holder: UUID) -> None:
    lease = await require_live(connection, token=token, holder=holder)
    if lease.case_id != case_id:
        raise NotFoundError(f"this lease is not for the case {case_id}")


def _plain(built: Built) -> dict[str, Any]:
    """Values as JSON has them, whether or not the database would take them."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in built.values.items()}


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
