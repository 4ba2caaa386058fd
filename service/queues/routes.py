"""HTTP of queues."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from service.cases.schemas import ClaimOut
from service.db import UnitOfWork
from service.exposure.limits import limits_of
from service.leases.workflow import ClaimRules
from service.plain import PlainRoute
from service.queues import workflow
from service.queues.schemas import (
    ClaimIn,
    ClosingOut,
    DeniedActionsIn,
    DeniedActionsOut,
    QueueChangeIn,
    QueueIn,
    QueuesOut,
)
from service.routing.schemas import ManagedQueueOut
from service.security import Capability, CaseReviewer, QueueManager, QueueReader, identify

router = APIRouter(prefix="/v1", tags=["queues"])
_PLAIN_NAME = re.compile(r"[a-z0-9_-]{1,64}")

Name = Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")]


@router.get("/queues", summary="Your queues with what waits in them")
async def queues(caller: QueueReader, connection: UnitOfWork) -> QueuesOut:
    return await workflow.list_queues(connection, caller)


class ClaimRoute(PlainRoute):
    """Claims without a body. Their statements commit one by one, as each of them is whole by itself."""

    async def plain(self, request: Request) -> Response | None:
        """Nothing is read but the address and the caller."""
        queue = request.path_params["queue"]
        if not _PLAIN_NAME.fullmatch(queue) or _has_body(request):
            return None
        async with request.app.state.statements.connect() as connection:
            caller = await identify(request, connection, Capability.CASE_REVIEW)
            return await claim(queue, request, caller, connection)


claims = APIRouter(prefix="/v1", tags=["queues"], route_class=ClaimRoute)


@claims.post(
    "/queues/{queue}/claim",
    summary="Take the case that comes next for the caller",
    response_model=ClaimOut,
    responses={204: {"description": "Nothing waits in this queue."}},
)
async def claim(
    queue: Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")],
    request: Request,
    caller: CaseReviewer,
    connection: UnitOfWork,
    body: ClaimIn | None = None,
) -> Response:
    rules = _rules(request, prefetch=body is not None and body.prefetch)
    claimed = await workflow.claim(connection, queue, holder=caller, rules=rules, blur=request.app.state.blur_rules)
    if claimed is None:
        return Response(status_code=204)
    # Serialised once, here: the framework would validate and serialise the same values a second time.
    return Response(claimed.model_dump_json(), media_type="application/json")


@router.post(
    "/cases/{case_id}/claim",
    summary="Take one case again: after a lapse or an undo, or when it is kept back for the caller",
)
async def claim_case(case_id: UUID, request: Request, caller: CaseReviewer, connection: UnitOfWork) -> ClaimOut:
    return await workflow.claim_case(
        connection, case_id, holder=caller.id, rules=_rules(request), blur=request.app.state.blur_rules
    )


def _has_body(request: Request) -> bool:
    headers = request.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


@router.post("/queues", status_code=201, summary="Make a queue")
async def create_queue(
    body: QueueIn, request: Request, caller: QueueManager, connection: UnitOfWork
) -> ManagedQueueOut:
    return await workflow.create(connection, body, actor=caller.id, taxonomy=request.app.state.taxonomy)


@router.patch("/queues/{queue}", summary="Change a queue")
async def change_queue(
    queue: Name, body: QueueChangeIn, request: Request, caller: QueueManager, connection: UnitOfWork
) -> ManagedQueueOut:
    return await workflow.change(connection, queue, body, actor=caller.id, taxonomy=request.app.state.taxonomy)


@router.get("/queues/{queue}/closing", summary="What stands against closing a queue")
async def closing(queue: Name, _caller: QueueManager, connection: UnitOfWork) -> ClosingOut:
    return await workflow.closing(connection, queue)


@router.post("/queues/{queue}/close", status_code=204, summary="Close a queue for good")
async def close_queue(queue: Name, caller: QueueManager, connection: UnitOfWork) -> Response:
    await workflow.close(connection, queue, actor=caller.id)
    return Response(status_code=204)


@router.put("/queues/{queue}/members/{username}", summary="Let a person into a restricted queue")
async def add_member(queue: Name, username: Name, caller: QueueManager, connection: UnitOfWork) -> ManagedQueueOut:
    return await workflow.add_member(connection, queue, username, actor=caller.id)


@router.delete("/queues/{queue}/members/{username}", summary="Take a person out of a restricted queue")
async def remove_member(queue: Name, username: Name, caller: QueueManager, connection: UnitOfWork) -> ManagedQueueOut:
    return await workflow.remove_member(connection, queue, username, actor=caller.id)


@router.get("/actions/denied", summary="Actions that roles may not take")
async def denied_actions(_caller: QueueManager, connection: UnitOfWork) -> DeniedActionsOut:
    return await workflow.denied_actions(connection)


@router.put("/actions/denied", summary="Replace what roles may not do")
async def deny_actions(
    body: DeniedActionsIn, request: Request, caller: QueueManager, connection: UnitOfWork
) -> DeniedActionsOut:
    return await workflow.deny_actions(connection, body, actor=caller.id, taxonomy=request.app.state.taxonomy)


def _rules(request: Request, *, prefetch: bool = False) -> ClaimRules:
    state = request.app.state
    return ClaimRules(
        prefetch=prefetch,
        seconds=state.settings.prefetch_seconds if prefetch else state.settings.lease_seconds,
        limits=limits_of(state.settings),
        random_share=state.rank_config.random_share,
    )
