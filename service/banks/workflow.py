"""Rules of banks: what they are, what goes in and out, and which media they know."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.statistics.weighted import counted_share
from labeling.taxonomy import Taxonomy
from models.pdq import LEAST_QUALITY
from service import events
from service.banks import store
from service.banks.exchange import Read, Signal, bits_of, csv_header, csv_line, hexadecimal, signals, text_line
from service.banks.schemas import (
    BankChangeIn,
    BankChangeOut,
    BankIn,
    BankOut,
    BanksOut,
    BankWholeOut,
    DecidedIn,
    Format,
    HashAddedOut,
    HashesOut,
    HashIn,
    HashOut,
    HashRemovalIn,
    ImportedHashesOut,
    KnownOut,
    PrecisionOut,
    Written,
)
from service.errors.decisions import UnknownLabelError
from service.errors.media import NotBankableError
from service.errors.requests import InvalidRequestError, NameTakenError, NotFoundError
from service.ids import new_id
from service.routing.workflow import OVERSEEING

BANKS = 200
CHANGES = 100
LISTED = 200
# Hashes of a file that are added with one statement.
AT_ONCE = 5_000
# Of the decisions on pictures near one hash, the newest so many are looked at for one that the viewer may see.
LOOKED_AT = 20
WITHDRAWN = "withdrawn where it came from"
# From so many different bits on, what a match is worth: unrelated pictures lie at 128, the authors of PDQ stop at 31.
LIKENESS = (
    (0, "the same picture"),
    (10, "nearly the same picture"),
    (31, "a changed copy of it, or a similar picture"),
)


@dataclass(frozen=True, slots=True)
class File:
    """A list of hashes: its lines, their format, and what it is called."""

    lines: Iterable[str]
    kind: Format
    name: str


async def known(
    connection: AsyncConnection, media_ids: Sequence[UUID], *, case_id: UUID, viewer: UUID
) -> dict[UUID, list[KnownOut]]:
    """Which banks know these media of a case, the strongest first, with what was decided on the same picture before.

    Matches that are only counted are not shown; of decisions, only what this person may see.
    """
    values = {
        "media": list(media_ids),
        "case_id": case_id,
        "viewer": viewer,
        "overseeing": list(OVERSEEING),
        "looked_at": LOOKED_AT,
    }
    found: dict[UUID, list[KnownOut]] = {}
    for row in await store.known(connection, values):
        fields = row._asdict()
        media_id = fields.pop("media_id")
        found.setdefault(media_id, []).append(KnownOut(**fields, likeness=likeness(row.distance)))
    return found


def likeness(distance: int) -> str:
    """How alike two pictures are whose fingerprints differ in so many bits."""
    return next(words for most, words in LIKENESS if distance <= most)


async def banks(connection: AsyncConnection) -> BanksOut:
    """Every bank with its figures."""
    return BanksOut(banks=[BankOut(**_fields(row)) for row in await store.banks(connection)])


async def bank(connection: AsyncConnection, bank_id: UUID) -> BankWholeOut:
    """One bank with what was changed of it. Raises NotFoundError."""
    rows = await store.banks(connection, bank_id)
    if not rows:
        raise _no_bank(bank_id)
    changes = await store.changes(connection, bank_id, limit=CHANGES)
    return BankWholeOut(**_fields(rows[0]), changes=[BankChangeOut(**row._mapping) for row in changes])


async def require_bank(connection: AsyncConnection, bank_id: UUID) -> str:
    """The name of a bank. Raises NotFoundError."""
    name = await store.name_of(connection, bank_id)
    if name is None:
        raise _no_bank(bank_id)
    return name


async def banks_for(connection: AsyncConnection, area: str) -> list[tuple[UUID, str]]:
    """Id and name of each bank at work that takes pictures of the area."""
    return [(row.id, row.name) for row in await store.of_area(connection, area)]


async def named(connection: AsyncConnection, name: str) -> UUID:
    """The bank of that name. Raises NotFoundError."""
    found = await store.by_name(connection, name)
    if found is None:
        raise NotFoundError(f"there is no bank named {name!r}")
    return found


async def create(connection: AsyncConnection, body: BankIn, *, actor: UUID, taxonomy: Taxonomy) -> BankWholeOut:
    """Make a bank. Raises NameTakenError, UnknownLabelError, InvalidRequestError."""
    if body.policy_area not in taxonomy.area_ids:
        raise UnknownLabelError(f"policy_area: {body.policy_area!r} is no policy area of the taxonomy")
    if await store.count(connection) >= BANKS:
        raise InvalidRequestError(f"there are {BANKS} banks already")
    bank_id = new_id()
    values = body.model_dump()
    if not await store.add_bank(connection, {**values, "id": bank_id, "made_by": actor}):
        raise NameTakenError(f"there is a bank named {body.name!r}")
    changed = {name: (None, value) for name, value in values.items()}
    await store.add_change(connection, bank_id, changed, note="", made_by=actor)
    await events.record(connection, "bank.created", actor=actor, data={"bank": str(bank_id)})
    return await bank(connection, bank_id)


async def change(connection: AsyncConnection, bank_id: UUID, body: BankChangeIn, *, actor: UUID) -> BankWholeOut:
    """Change what is named in the body; a worker takes it to matches and cases. Raises NotFoundError, InvalidRequestError."""
    before = await _locked(connection, bank_id)
    given = body.model_dump(exclude_unset=True, exclude={"note"})
    if given.get("active") is False and not body.note:
        raise InvalidRequestError("note: say why the bank is disabled; it is shown beside it")
    fields = [name for name in BankChangeIn.model_fields if name != "note"]
    values = {name: given.get(name, getattr(before, name)) for name in fields}
    values["disabled_note"] = None if values["active"] else (body.note or before.disabled_note)
    changed = {name: (getattr(before, name), values[name]) for name in fields if getattr(before, name) != values[name]}
    if changed:
        await store.change_bank(connection, bank_id, values)
        await store.add_change(connection, bank_id, changed, note=body.note, made_by=actor)
        await events.record(
            connection, "bank.changed", actor=actor, data={"bank": str(bank_id), "changed": sorted(changed)}
        )
    return await bank(connection, bank_id)


async def add_hash(connection: AsyncConnection, bank_id: UUID, body: HashIn, *, actor: UUID) -> HashAddedOut:
    """Add a hash by its value. Raises NotFoundError, InvalidRequestError."""
    bits = bits_of(body.pdq)
    if "1" not in bits:
        raise InvalidRequestError("pdq: a hash without any bit set is that of an empty picture")
    await _locked(connection, bank_id)
    values = {"note": body.note, "source": "by hand", "decision_id": None, "confirmed": [body.confirmed]}
    return await _add_one(connection, bank_id, bits, values, actor=actor)


async def add_decided(connection: AsyncConnection, bank_id: UUID, body: DecidedIn, *, actor: UUID) -> HashAddedOut:
    """Add the picture of a decided case. Raises NotFoundError, NotBankableError."""
    into = await _locked(connection, bank_id)
    values = {
        "decision_id": body.decision_id,
        "media_id": body.media_id,
        "viewer": actor,
        "overseeing": list(OVERSEEING),
    }
    row = await store.decided(connection, values)
    if row is None:
        raise NotFoundError(f"there is no decision {body.decision_id} on a case with the picture {body.media_id} here")
    if reason := _why_not(row, into):
        raise NotBankableError(reason)
    source = {"note": body.note, "source": "a decision", "decision_id": body.decision_id, "confirmed": [True]}
    return await _add_one(connection, bank_id, row.pdq, source, actor=actor)


async def remove(connection: AsyncConnection, bank_id: UUID, hash_id: int, body: HashRemovalIn, *, actor: UUID) -> None:
    """Take a hash out; it stays in the record with the note. Raises NotFoundError."""
    await _locked(connection, bank_id)
    if not await store.remove(connection, bank_id, hash_id, removed_by=actor, note=body.note):
        raise NotFoundError(f"the bank {bank_id} has no hash {hash_id}")
    await store.unsettle(connection, bank_id)
    await events.record(connection, "bank.hash_removed", actor=actor, data={"bank": str(bank_id), "hash": hash_id})


async def hashes(connection: AsyncConnection, bank_id: UUID, *, before: int | None) -> HashesOut:
    """Hashes of a bank, the newest first. Raises NotFoundError."""
    await require_bank(connection, bank_id)
    rows = await store.hashes(connection, bank_id, before=before, limit=LISTED)
    listed = [HashOut(**{**row._mapping, "pdq": hexadecimal(row.pdq)}) for row in rows]
    return HashesOut(hashes=listed, before=rows[-1].id if len(rows) == LISTED else None)


async def import_file(
    connection: AsyncConnection, bank_id: UUID, file: File, *, actor: UUID | None
) -> ImportedHashesOut:
    """Take the hashes of a file, all or none. Raises NotFoundError, BankFileError."""
    await _locked(connection, bank_id)
    read = Read()
    values = {"note": "", "source": file.name, "decision_id": None, "bank_id": bank_id, "added_by": actor}
    added = duplicates = confirmed = withdrawn = 0
    for batch in _batches(signals(file.lines, file.kind, read)):
        if batch[0].withdrawn:
            bits = [one.bits for one in batch]
            withdrawn += await store.withdraw(connection, bank_id, bits, removed_by=actor, note=WITHDRAWN)
            continue
        given = values | {
            "bits": [one.bits for one in batch],
            "tags": [" ".join(one.tags) for one in batch],
            "confirmed": [one.confirmed for one in batch],
        }
        new = await store.add_hashes(connection, given)
        confirmed += len(await store.confirm(connection, given))
        added += len(new)
        duplicates += len(batch) - len(new)
    if withdrawn:
        await store.unsettle(connection, bank_id)
    counts = {"added": added, "confirmed": confirmed, "withdrawn": withdrawn}
    await events.record(connection, "bank.imported", actor=actor, data={"bank": str(bank_id), **counts})
    return ImportedHashesOut(**counts, duplicates=duplicates, left_out=dict(read.left_out))


async def export(connection: AsyncConnection, bank_id: UUID, kind: Written) -> AsyncIterator[str]:
    """The lines of a file with every hash that is in the bank. Raises NotFoundError."""
    name = await require_bank(connection, bank_id)
    if kind == "csv":
        yield csv_header()
    async for row in store.exported(connection, bank_id):
        if kind == "text":
            yield text_line(row.pdq)
        else:
            yield csv_line(row.pdq, row.tags, confirmed=row.confirmed, bank=name)


async def _add_one(
    connection: AsyncConnection, bank_id: UUID, bits: str, values: dict[str, Any], *, actor: UUID
) -> HashAddedOut:
    all_values = values | {"bank_id": bank_id, "bits": [bits], "tags": [""], "added_by": actor}
    new = await store.add_hashes(connection, all_values)
    changed = new or await store.confirm(connection, all_values)
    if changed:
        kind = "bank.hash_added" if new else "bank.hash_confirmed"
        await events.record(connection, kind, actor=actor, data={"bank": str(bank_id), "hash": changed[0]})
    hash_id = changed[0] if changed else await store.standing(connection, bank_id, bits)
    return HashAddedOut(hash_id=hash_id, added=bool(new))


async def _locked(connection: AsyncConnection, bank_id: UUID) -> Row[Any]:
    row = await store.lock_bank(connection, bank_id)
    if row is None:
        raise _no_bank(bank_id)
    return row


def _batches(found: Iterator[Signal]) -> Iterator[list[Signal]]:
    """In the order of the file: either all of a batch are withdrawn or none is."""
    batch: list[Signal] = []
    for one in found:
        if batch and (one.withdrawn != batch[0].withdrawn or len(batch) == AT_ONCE):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _why_not(row: Row[Any], into: Row[Any]) -> str | None:
    if row.undone:
        return "the decision was undone"
    if row.undoable:
        return "the decision can still be undone; put the picture into the bank after that"
    if row.policy_area != into.policy_area:
        return f"the decision names the area {row.policy_area}, the bank holds pictures of {into.policy_area}"
    if row.pdq is None or row.pdq_quality < LEAST_QUALITY:
        return "there is too little in the picture to tell it from others"
    return None


def _fields(row: Row[Any]) -> dict[str, Any]:
    fields = dict(row._mapping)
    estimate = counted_share(fields.pop("right"), fields["decided"])
    found = PrecisionOut(n=fields.pop("decided"), value=estimate.value, low=estimate.low, high=estimate.high)
    return fields | {"precision": found}


def _no_bank(bank_id: UUID) -> NotFoundError:
    return NotFoundError(f"there is no bank {bank_id}")
