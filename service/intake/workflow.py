"""Rules of intake: what comes in is kept under a number at once, complete or not, and whoever raised it is told so."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

from procrastinate import App
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig
from service import events
from service.errors.requests import IdempotencyConflictError, InvalidRequestError
from service.escalations import workflow as escalations
from service.escalations.closing import NOTHING_KEPT, NOTHING_KEPT_WORDS, Closed, is_closer
from service.escalations.schemas import AssetIn, AssetKind, AttachmentIn, Confidentiality, NewEscalation, RequesterIn
from service.escalations.schemas import Path as NamedPath
from service.escalations.workflow import Said
from service.ids import new_id
from service.intake import store, texts
from service.intake.checking import Problem, moment_of, problems, unknown
from service.intake.forms import REQUESTER, FormFileError, Forms, Trigger, read_forms
from service.intake.schemas import EscalationIn, FieldProblemOut, TakenInOut
from service.media.workflow import require_known
from service.reports.schemas import Intake, ReportIn
from service.reports.workflow import receive
from service.settings import Settings, SettingsError
from service.sla import workflow as sla

# Why internal clocks pause while whoever raised it is asked.
PAUSED_BECAUSE = "needs information from whoever raised it"
REQUESTER_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Desk:
    """What taking something in needs beside a connection."""

    forms: Forms
    taxonomy: Taxonomy
    config: RankConfig
    jobs: App


@dataclass(frozen=True, slots=True)
class Filed:
    """Something that was raised, and by whom it is put in.

    `incomplete` is what becomes of one that lacks something: refused, taken in and asked about, or taken in and left to
    whoever works on it. Without `answered` nothing is written to whoever raised it.
    """

    body: EscalationIn
    by: UUID
    incomplete: str = "refuse"
    answered: bool = True
    # What whoever raised it wrote, to stand among the messages of the record.
    said: tuple[str, ...] = ()
    # (confidentiality, path) of the record that it goes on from: it is as closed as that.
    closed_as: tuple[Confidentiality, NamedPath | None] | None = None


def configured(settings: Settings, taxonomy: Taxonomy) -> Forms:
    """The forms the settings name, else the shipped ones. Raises SettingsError."""
    try:
        return read_forms(settings.intake_forms, taxonomy)
    except FormFileError as error:
        raise SettingsError(f"TRIAGE_INTAKE_FORMS: {error}") from error


async def file_once(connection: AsyncConnection, filed: Filed, *, key: str | None, desk: Desk) -> TakenInOut:
    """As `take_in`; the same key and body again give the same answer and store nothing.

    Raises IdempotencyConflictError where the key was used for another body.
    """
    if key is None:
        return (await take_in(connection, filed, desk=desk))[1]
    whose: dict[str, Any] = {"principal_id": filed.by, "key": key}
    hashed = hashlib.sha256(f"{filed.incomplete} {filed.body.model_dump_json()}".encode()).digest()
    if not await store.remember(connection, whose | {"request_hash": hashed}):
        row = await store.remembered(connection, principal_id=filed.by, key=key)
        if row is None or row.request_hash != hashed or row.answer is None:
            raise IdempotencyConflictError(
                "this Idempotency-Key was used for another body; use a new key for a new escalation"
            )
        return TakenInOut.model_validate(row.answer)
    escalation, answer = await take_in(connection, filed, desk=desk)
    await store.answered(connection, whose | {"escalation_id": escalation, "answer": answer.model_dump_json()})
    return answer


async def take_in(connection: AsyncConnection, filed: Filed, *, desk: Desk) -> tuple[UUID, TakenInOut]:
    """Open a record with its clocks, in the caller's transaction; returns its id and what is answered.

    Raises InvalidRequestError, which names each field, NotFoundError for a case that the opener may not see, and
    UnknownMediaError.
    """
    body, forms = filed.body, desk.forms
    form = form_of(forms, body)
    if body.policy_area is not None and body.policy_area not in desk.taxonomy.area_ids:
        raise InvalidRequestError(f"policy_area: {body.policy_area!r} is no area of the taxonomy")
    refuse(unknown(form, body.fields))
    missing = problems(forms, form, body.fields)
    if filed.incomplete == "refuse":
        refuse(missing)
    record = new_record(forms, form, body, missing=missing)
    if filed.closed_as is not None:
        confidentiality, path = filed.closed_as
        record = record.model_copy(update={"confidentiality": confidentiality, "path": path})
    escalation = await escalations.open_escalation(connection, record, opened_by=filed.by)
    for piece in filed.said:
        await escalations.say(connection, escalation, Said("inbound", "mail", piece, body.language))
    await _link(connection, escalation, filed, form=form, desk=desk)
    await _attach(connection, escalation, filed, path=record.path)
    await sla.start(connection, escalation, actor=filed.by)
    return escalation, await _answer(connection, escalation, filed, missing=missing, desk=desk)


async def _attach(connection: AsyncConnection, escalation: UUID, filed: Filed, *, path: NamedPath | None) -> None:
    """Keep the media that came with it. Raises InvalidRequestError on the path of child safety, where nothing is kept."""
    media = [one if isinstance(one, AttachmentIn) else AttachmentIn(media_id=one) for one in filed.body.media]
    if path == NOTHING_KEPT and (media or any(subject.media for subject in filed.body.content)):
        raise InvalidRequestError(f"media: {NOTHING_KEPT_WORDS}")
    if not media:
        return
    await require_known(connection, [one.media_id for one in media])
    for one in media:
        await escalations.attach(connection, escalation, one.media_id, name=one.name, person=filed.by)


def form_of(forms: Forms, body: EscalationIn) -> Trigger:
    """The form that something is raised by. Raises InvalidRequestError, which says what that source may raise."""
    form = forms.form(body.source, body.trigger)
    if form is None:
        known = ", ".join(forms.sources[body.source].triggers)
        raise InvalidRequestError(f"trigger: what a {body.source} raises is one of {known}")
    return form


def refuse(found: Sequence[Problem]) -> None:
    """Raises InvalidRequestError with a line for each field, unless there is nothing to mend."""
    if found:
        raise InvalidRequestError("\n".join(f"fields.{one.field}: {one.problem}" for one in found))


def new_record(forms: Forms, form: Trigger, body: EscalationIn, *, missing: Sequence[Problem]) -> NewEscalation:
    """The record that something becomes."""
    confidentiality, path = _closed(forms, form, body)
    wrong = {one.field for one in missing}
    fields = {name: value for name, value in body.fields.items() if value}
    assets = [*body.assets, *(AssetIn(kind=_asset_kind(one.kind), id=one.id) for one in body.content)]
    return NewEscalation(
        source=body.source,
        trigger=body.trigger,
        title=body.title or title_of(form, fields),
        summary=body.summary or first_text(forms, form, fields),
        fields=fields,
        language=body.language,
        jurisdiction=body.jurisdiction or (fields.get("country") if "country" not in wrong else None) or None,
        policy_area=body.policy_area or form.area,
        severity=form.severity if body.severity is None else body.severity,
        confidentiality=confidentiality,
        path=path,
        high_profile=body.high_profile,
        at_risk=body.at_risk,
        requester=requester_of(fields, wrong),
        cases=body.cases,
        assets=list({(one.kind, one.id): one for one in assets}.values()),
        received_at=_received(body.received_at or moment_of(fields.get("received", ""))),
    )


def _closed(forms: Forms, form: Trigger, body: EscalationIn) -> Closed:
    """As closed as it is by default, or as whoever files it makes it. Raises InvalidRequestError for less than the default."""
    least, path = forms.closed(body.source, body.trigger, body.policy_area or form.area)
    said = body.confidentiality or least
    if is_closer(least, said) and path is None:
        raise InvalidRequestError(
            f"confidentiality: what this is about is {least} by default; whoever manages escalations opens its record to others"
        )
    return ("restricted" if path else said), path


def _asset_kind(kind: str) -> AssetKind:
    """What a piece of content is linked as; the platform's kinds of posts are many."""
    return next((one for one in get_args(AssetKind) if one == kind), "post")


def _received(said: datetime | None) -> datetime | None:
    """When it was received, as far as somebody says so: never later than now, so that no clock of the law begins late."""
    return said and min(said, datetime.now(UTC))


def title_of(form: Trigger, fields: Mapping[str, str]) -> str:
    """A title for what came without one; of a restricted record it names nobody."""
    who = fields.get("requester_organisation") or fields.get("requester_name")
    return f"{form.label}: {who}"[:REQUESTER_CHARACTERS] if who and not form.path else form.label


def first_text(forms: Forms, form: Trigger, fields: Mapping[str, str]) -> str:
    """What the record's summary begins with: the first longer text of the form."""
    return next((fields[one] for one in form.fields if one in fields and forms.fields[one].kind == "text"), "")


def requester_of(fields: Mapping[str, str], wrong: set[str]) -> RequesterIn:
    """Whoever raised it, as far as they said something that can be used."""
    said = {
        part: fields[name][:REQUESTER_CHARACTERS]
        for name, part in REQUESTER.items()
        if name in fields and not (name == "requester_email" and name in wrong)
    }
    return RequesterIn(**said)


async def _link(connection: AsyncConnection, escalation: UUID, filed: Filed, *, form: Trigger, desk: Desk) -> None:
    """Have the content reviewed, and link the cases of all that the record is about."""
    body, cases = filed.body, []
    flags = [*form.flags, *(["high_profile"] if body.high_profile else [])]
    for subject in body.content:
        report = ReportIn(
            channel=desk.forms.sources[body.source].channel,
            reason=body.policy_area or form.area or body.trigger,
            flags=flags,
            subject=subject,
        )
        intake = Intake(report=report, received_from=filed.by, received_at=datetime.now(UTC))
        made = await receive(connection, intake, taxonomy=desk.taxonomy, config=desk.config, jobs=desk.jobs)
        cases.append(made.case_id)
    if body.assets:
        cases += await store.cases_of(
            connection, kinds=[one.kind for one in body.assets], ids=[one.id for one in body.assets]
        )
    for case in dict.fromkeys(cases):
        link = {"id": new_id(), "escalation_id": escalation, "case_id": case, "added_by": filed.by}
        await store.link_case(connection, link)


async def _answer(
    connection: AsyncConnection, escalation: UUID, filed: Filed, *, missing: Sequence[Problem], desk: Desk
) -> TakenInOut:
    """Tell whoever raised it that it arrived and what is missing, and keep what they were told."""
    forms, body = desk.forms, filed.body
    number = await store.number_of(connection, escalation)
    receipt = texts.receipt(number, body.language)
    language = texts.spoken(body.language)
    question = None
    if filed.answered:
        await escalations.say(connection, escalation, Said("outbound", "receipt", receipt, language))
    if missing:
        await store.need(connection, escalation, [asdict(one) for one in missing], version=forms.version)
    if missing and filed.incomplete == "ask":
        if filed.answered:
            question = texts.question(forms, number, [one.field for one in missing], body.language)
            await escalations.say(connection, escalation, Said("outbound", "question", question, language))
        await store.await_information(connection, escalation)
        await sla.pause(connection, escalation, reason=PAUSED_BECAUSE, actor=filed.by)
        data = {"missing": [one.field for one in missing]}
        await events.record_on(connection, "intake.asked", escalation, actor=filed.by, data=data)
    restricted = forms.triggers[body.trigger].path_of(body.source) is not None
    return TakenInOut(
        escalation_id=None if restricted else escalation,
        number=number,
        reference=texts.reference(number),
        status="needs_information" if missing and filed.incomplete == "ask" else "new",
        receipt=receipt,
        question=question,
        missing=shown(forms, missing),
    )


def shown(forms: Forms, missing: Sequence[Problem]) -> list[FieldProblemOut]:
    """Problems with the names of their fields."""
    labels = {name: one.label for name, one in forms.fields.items()}
    return [
        FieldProblemOut(field=one.field, label=labels.get(one.field, one.field), problem=one.problem) for one in missing
    ]
