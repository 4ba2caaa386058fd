"""Rules of packages for authorities: made on request by somebody who is named, kept word for word, filed by a person.

Nothing here sends anything anywhere. The bodies follow the order in which the forms of the authorities ask, and are defaults
as of November 2026: who files says what the form of that day asks for. No legal advice.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.errors.access import ForbiddenError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.errors.restricted import FiledError
from service.escalations.around.workflow import links_of
from service.escalations.workflow import require
from service.ids import new_id
from service.restricted.packages import store
from service.restricted.packages.schemas import FilingIn, Kind, PackageOut, PackagesOut

FORMAT = "content-triage hand-off 1"
NOT_FILED = "Prepared for a person to file. The system has filed nothing, and files nothing."
# What each is for, and the duty that it serves; who must report, and what, is for counsel to say.
PURPOSE: Mapping[Kind, str] = {
    "ncmec": "Report to the CyberTipline of NCMEC (18 U.S.C. § 2258A)",
    "nca": "Report to the National Crime Agency (Online Safety Act 2023, section 66)",
    "law_enforcement": "Response to law enforcement",
}


async def make(connection: AsyncConnection, escalation: UUID, kind: Kind, *, actor: UUID) -> PackageOut:
    """Put together what a person may file. Raises NotFoundError, or ForbiddenError for a record without a restricted path."""
    record = await _require_named(connection, escalation, viewer=actor)
    body = await _body(connection, record, kind, actor=actor)
    package = new_id()
    values = {"id": package, "escalation": escalation, "kind": kind, "sha256": hash_of(body), "actor": actor}
    await store.add(connection, values, body=body)
    data = {"package": str(package), "purpose": kind}
    await events.record_on(connection, "restricted.package_made", escalation, actor=actor, data=data)
    return await _one(connection, escalation, package)


async def packages_of(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> PackagesOut:
    """The packages of a restricted record. Raises NotFoundError, ForbiddenError."""
    await _require_named(connection, escalation, viewer=viewer)
    return PackagesOut(packages=[_view(row) for row in await store.of_record(connection, escalation)])


async def package_view(connection: AsyncConnection, escalation: UUID, package: UUID, *, viewer: UUID) -> PackageOut:
    """One package. Raises NotFoundError, ForbiddenError."""
    await _require_named(connection, escalation, viewer=viewer)
    return await _one(connection, escalation, package)


async def enter_filing(
    connection: AsyncConnection, escalation: UUID, package: UUID, body: FilingIn, *, actor: UUID
) -> PackageOut:
    """Keep where and when a person filed a package. Raises NotFoundError, ForbiddenError, InvalidRequestError, FiledError."""
    made = await package_view(connection, escalation, package, viewer=actor)
    # Somebody east of UTC may be a day ahead.
    if not made.made_at.date() - timedelta(days=1) <= body.filed_on <= date.today() + timedelta(days=1):  # noqa: DTZ011
        raise InvalidRequestError("filed_on: a day from that of the package until today is needed")
    values = {"package": package, "actor": actor, **body.model_dump()}
    if not await store.file(connection, values):
        raise FiledError("it was entered already where this package was filed; make another package for another filing")
    data = {"package": str(package), "filed_on": body.filed_on.isoformat()}
    await events.record_on(connection, "restricted.package_filed", escalation, actor=actor, data=data)
    return await _one(connection, escalation, package)


def hash_of(body: Mapping[str, Any]) -> str:
    """SHA-256 of a body as JSON with sorted keys and no spaces."""
    canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


async def _require_named(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> Row[Any]:
    record = await require(connection, escalation, viewer=viewer)
    if record.path is None:
        raise ForbiddenError("packages are made of records that take a restricted path, by those who are named there")
    return record


async def _body(connection: AsyncConnection, record: Row[Any], kind: Kind, *, actor: UUID) -> dict[str, Any]:
    links = (await links_of(connection, record.id, viewer=actor)).links
    items = await store.items(connection, record.id)
    accounts = {("author", row.author_id) for row in items if row.author_id}
    accounts |= {(one.kind, one.external_id) for one in links if one.external_id}
    return _plain(
        {
            "format": FORMAT,
            "purpose": PURPOSE[kind],
            "notice": NOT_FILED,
            "made_at": datetime.now(UTC),
            "incident": {
                "record": f"E-{record.number}",
                **{name: getattr(record, name) for name in _INCIDENT},
            },
            **({"order": record.fields, "requester": record.requester} if kind == "law_enforcement" else {}),
            "accounts_and_assets": [{"kind": one, "id": name} for one, name in sorted(accounts)],
            "items": [dict(row._mapping) for row in items],
            "attachments": [dict(row._mapping) for row in await store.attachments(connection, record.id)],
            "preserved": [dict(row._mapping) for row in await store.preserved(connection, record.id)],
        }
    )


_INCIDENT = (
    "received_at",
    "source",
    "trigger",
    "policy_area",
    "severity",
    "jurisdiction",
    "language",
    "title",
    "summary",
)


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """The same with nothing in it but what JSON has."""
    plain: dict[str, Any] = json.loads(json.dumps(body, default=_word))
    return plain


def _word(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


async def _one(connection: AsyncConnection, escalation: UUID, package: UUID) -> PackageOut:
    row = await store.package(connection, escalation, package)
    if row is None:
        raise NotFoundError(f"there is no package {package} of this record")
    return _view(row)


def _view(row: Row[Any]) -> PackageOut:
    return PackageOut.model_validate(dict(row._mapping))
