"""HTTP of banks of known pictures."""

import io
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncEngine

from service.banks import workflow
from service.banks.exchange import lines_of
from service.banks.schemas import (
    BankChangeIn,
    BankIn,
    BanksOut,
    BankWholeOut,
    DecidedIn,
    Format,
    HashAddedOut,
    HashesOut,
    HashIn,
    HashRemovalIn,
    ImportedHashesOut,
    Written,
)
from service.banks.workflow import File
from service.db import UnitOfWork
from service.errors.media import BankFileError
from service.limits import turn_of
from service.security import BanksAdder, BanksImporter, BanksManager, BanksReader

router = APIRouter(prefix="/v1/banks", tags=["banks"])

HashNumber = Annotated[int, Path(ge=1, le=2**63 - 1)]
# It lasts until the whole body has been sent.
ExportTurn = Annotated[None, Depends(turn_of("exports of banks"), scope="request")]
_BODY = {
    "required": True,
    "content": {"text/plain": {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "object"}}},
}


@router.get("", summary="Banks of known pictures, with matches and precision")
async def banks(_caller: BanksReader, connection: UnitOfWork) -> BanksOut:
    return await workflow.banks(connection)


@router.post("", status_code=201, summary="Make a bank")
async def create(body: BankIn, request: Request, caller: BanksManager, connection: UnitOfWork) -> BankWholeOut:
    return await workflow.create(connection, body, actor=caller.id, taxonomy=request.app.state.taxonomy)


@router.get("/{bank_id}", summary="A bank with its changes")
async def bank(bank_id: UUID, _caller: BanksReader, connection: UnitOfWork) -> BankWholeOut:
    return await workflow.bank(connection, bank_id)


@router.patch("/{bank_id}", summary="Change a bank, or disable it")
async def change(bank_id: UUID, body: BankChangeIn, caller: BanksManager, connection: UnitOfWork) -> BankWholeOut:
    return await workflow.change(connection, bank_id, body, actor=caller.id)


@router.get("/{bank_id}/hashes", summary="Hashes of a bank, the newest first")
async def hashes(
    bank_id: UUID,
    _caller: BanksManager,
    connection: UnitOfWork,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> HashesOut:
    return await workflow.hashes(connection, bank_id, before=before)


@router.post("/{bank_id}/hashes", status_code=201, summary="Add a hash by its value")
async def add_hash(bank_id: UUID, body: HashIn, caller: BanksManager, connection: UnitOfWork) -> HashAddedOut:
    return await workflow.add_hash(connection, bank_id, body, actor=caller.id)


@router.post("/{bank_id}/decided", status_code=201, summary="Add the picture of a decided case")
async def add_decided(bank_id: UUID, body: DecidedIn, caller: BanksAdder, connection: UnitOfWork) -> HashAddedOut:
    return await workflow.add_decided(connection, bank_id, body, actor=caller.id)


@router.post("/{bank_id}/hashes/{hash_id}/remove", status_code=204, summary="Take a hash out of a bank")
async def remove(
    bank_id: UUID, hash_id: HashNumber, body: HashRemovalIn, caller: BanksManager, connection: UnitOfWork
) -> Response:
    await workflow.remove(connection, bank_id, hash_id, body, actor=caller.id)
    return Response(status_code=204)


@router.post("/{bank_id}/import", summary="Add the hashes of a file", openapi_extra={"requestBody": _BODY})
async def import_file(
    bank_id: UUID,
    request: Request,
    caller: BanksImporter,
    kind: Annotated[Format, Query(alias="format")] = "csv",
) -> ImportedHashesOut:
    """All or none of them. For files beyond the limit of a body: `python -m service banks import`."""
    body = await request.body()
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BankFileError(f"byte {error.start + 1}: the file is not UTF-8") from error
    async with request.app.state.engine.begin() as connection:
        file = File(lines_of(io.StringIO(text, newline="")), kind, f"a file ({kind})")
        return await workflow.import_file(connection, bank_id, file, actor=caller.id)


@router.get("/{bank_id}/export", summary="Every hash of a bank as a file", response_class=StreamingResponse)
async def export(
    bank_id: UUID,
    request: Request,
    _turn: ExportTurn,
    _caller: BanksManager,
    connection: UnitOfWork,
    kind: Annotated[Written, Query(alias="format")] = "csv",
) -> StreamingResponse:
    await workflow.require_bank(connection, bank_id)
    media_type = "text/csv" if kind == "csv" else "text/plain"
    return StreamingResponse(_lines(request.app.state.engine, bank_id, kind), media_type=media_type)


# A connection of its own: the request's one is given back before the body has been sent.
async def _lines(engine: AsyncEngine, bank_id: UUID, kind: Written) -> AsyncIterator[str]:
    async with engine.connect() as connection:
        async for line in workflow.export(connection, bank_id, kind):
            yield line
