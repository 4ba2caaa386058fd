"""Rules of templates: versions with a day from which they count, and which of them fits a record best."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.errors.decisions import UnknownLabelError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.ids import new_id
from service.replies import store
from service.replies.placeholders import NAMES, faults
from service.replies.schemas import (
    PlaceholderOut,
    PlaceholdersOut,
    TemplateIn,
    TemplateOut,
    TemplatesOut,
    TemplateStepOut,
    TemplateVersionsOut,
)
from service.replies.shipped import VERSION, Template, shipped

# Versions of all templates of one installation that are looked at.
MOST = 5_000
FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reply needs a template for."""

    source: str
    area: str | None
    language: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The template that fits best, None without one, and the steps of the choice up to it."""

    template: Template | None
    steps: list[TemplateStepOut]


async def library(
    connection: AsyncConnection, *, source: str | None = None, language: str | None = None, purpose: str | None = None
) -> TemplatesOut:
    """Templates in force and coming, those taken out of use as well; of these alone where they are named."""
    found = [
        one
        for one in await _versions(connection)
        if one.state in {"in_force", "coming"}
        and (source is None or one.source == source)
        and (language is None or one.language == language)
        and (purpose is None or one.purpose == purpose)
    ]
    return TemplatesOut(
        templates=sorted(
            found, key=lambda one: (one.purpose, one.source or "", one.area or "", one.language, one.version)
        )
    )


async def versions_of(connection: AsyncConnection, template: UUID) -> TemplateVersionsOut:
    """All versions of the template that one of them belongs to, newest first. Raises NotFoundError."""
    every = await _versions(connection)
    one = next((one for one in every if one.id == template), None)
    if one is None:
        raise NotFoundError(f"there is no template {template}")
    return TemplateVersionsOut(versions=[other for other in every if _key(other) == _key(one)])


async def text_of(connection: AsyncConnection, template: UUID) -> str:
    """The text of a version of a template; empty where there is none any more."""
    every: Sequence[Any] = (*shipped(), *await store.templates(connection, limit=MOST))
    return next((one.body for one in every if one.id == template), "")


async def save(connection: AsyncConnection, body: TemplateIn, *, actor: UUID, taxonomy: Taxonomy) -> TemplateOut:
    """Add a version. Raises UnknownLabelError, and InvalidRequestError for placeholders or a day that cannot be."""
    if body.area is not None and body.area not in taxonomy.area_ids:
        raise UnknownLabelError(f"{body.area!r} is no policy area; known: {', '.join(taxonomy.area_ids)}")
    wrong = [f"{field}: {fault}" for field in ("subject", "body") for fault in faults(getattr(body, field))]
    if wrong:
        raise InvalidRequestError("; ".join(wrong))
    if body.effective_at is not None and await store.has_passed(connection, body.effective_at):
        raise InvalidRequestError("effective_at: that moment has passed; leave it out to begin now")
    await store.lock(connection)
    key = {"source": body.source or "", "area": body.area or "", "language": body.language, "purpose": body.purpose}
    comes = any(one.key == tuple(key.values()) for one in shipped())
    last = await store.last_version(connection, key) or (VERSION if comes else 0)
    values = body.model_dump() | key | {"id": new_id(), "version": last + 1, "made_by": actor}
    await store.add(connection, values)
    data = {"template": str(values["id"]), "version": last + 1, "purpose": body.purpose}
    await events.record(connection, "reply.template_saved", actor=actor, data=data)
    return (await versions_of(connection, values["id"])).versions[0]


async def withdraw(connection: AsyncConnection, template: UUID, *, actor: UUID) -> TemplateVersionsOut:
    """Take a version back: the one before counts again. Raises NotFoundError, InvalidRequestError."""
    if any(one.id == template for one in shipped()):
        raise InvalidRequestError(
            "this version comes with the product and stays; take it out of use with a version that is not offered"
        )
    if not await store.withdraw(connection, template, person=actor):
        raise NotFoundError(f"there is no template {template} that could be taken back")
    await events.record(connection, "reply.template_withdrawn", actor=actor, data={"template": str(template)})
    return await versions_of(connection, template)


def placeholders() -> PlaceholdersOut:
    """Every name that templates may use."""
    return PlaceholdersOut(
        placeholders=[
            PlaceholderOut.model_validate({"name": name, "type": kind, "meaning": meaning})
            for name, (kind, meaning) in NAMES.items()
        ]
    )


async def choose(connection: AsyncConnection, wanted: Wanted) -> Chosen:
    """The template that fits best: of source, area and language, then with less of these, in the end in English."""
    offered = {_key(one): one for one in await _offered(connection)}
    steps: list[TemplateStepOut] = []
    for source, area, language in dict.fromkeys(_steps(wanted)):
        found = offered.get((source, area, language, wanted.purpose))
        step = {"source": source or None, "area": area or None, "language": language, "found": found is not None}
        steps.append(TemplateStepOut.model_validate(step))
        if found is not None:
            return Chosen(_template(found), steps)
    return Chosen(None, steps)


async def template(connection: AsyncConnection, template_id: UUID) -> Template:
    """A template in force that is offered. Raises NotFoundError for any other."""
    found = (await in_force(connection)).get(template_id)
    if found is None:
        raise NotFoundError(f"there is no template {template_id} in force; GET /v1/replies/templates lists those")
    return found


async def in_force(connection: AsyncConnection) -> dict[UUID, Template]:
    """All that a reply can be begun with now, by id."""
    return {one.id: _template(one) for one in await _offered(connection)}


async def _offered(connection: AsyncConnection) -> list[TemplateOut]:
    return [one for one in await _versions(connection) if one.state == "in_force" and one.offered]


def _steps(wanted: Wanted) -> Iterator[tuple[str, str, str]]:
    for language in (wanted.language, FALLBACK):
        if wanted.area:
            yield wanted.source, wanted.area, language
        yield wanted.source, "", language
        yield "", "", language


async def _versions(connection: AsyncConnection) -> list[TemplateOut]:
    """Every version, newest first, with whether it counts now."""
    rows = await store.templates(connection, limit=MOST)
    # The highest version that is due and was not taken back counts.
    in_force: dict[tuple[str, str, str, str], int] = {one.key: one.version for one in shipped()}
    for row in rows:
        if not row.withdrawn and not row.coming:
            in_force[row.source, row.area, row.language, row.purpose] = max(
                row.version, in_force.get((row.source, row.area, row.language, row.purpose), 0)
            )
    own = [_out(row, _state(row, in_force), {"shipped": False}) for row in rows]
    ours = [
        _out(one, "in_force" if in_force[one.key] == one.version else "replaced", {"shipped": True})
        for one in shipped()
    ]
    return [*own, *ours]


def _state(row: Row[Any], in_force: dict[tuple[str, str, str, str], int]) -> str:
    if row.withdrawn:
        return "withdrawn"
    if row.coming:
        return "coming"
    return "in_force" if in_force[row.source, row.area, row.language, row.purpose] == row.version else "replaced"


_COPIED: Sequence[str] = (
    *("id", "language", "purpose", "version", "subject", "body", "offered", "owner", "reason", "effective_at"),
)


def _out(row: Any, state: str, more: dict[str, Any]) -> TemplateOut:
    values = {name: getattr(row, name) for name in _COPIED}
    return TemplateOut.model_validate(
        {**values, "source": row.source or None, "area": row.area or None, "state": state, **more}
    )


def _key(one: TemplateOut) -> tuple[str, str, str, str]:
    return one.source or "", one.area or "", one.language, one.purpose


def _template(one: TemplateOut) -> Template:
    values = {name: getattr(one, name) for name in _COPIED}
    return Template(**values, source=one.source or "", area=one.area or "", shipped=one.shipped)
