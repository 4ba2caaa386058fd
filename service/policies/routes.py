"""HTTP of the policy library."""

from uuid import UUID

from fastapi import APIRouter, Request

from labeling.guidelines.reading import load_guidelines
from service.db import UnitOfWork
from service.policies import workflow
from service.policies.replay import Asked
from service.policies.schemas import (
    Area,
    DraftChangeIn,
    ImportedGuidelinesOut,
    PoliciesOut,
    PolicyDraftIn,
    PolicyReplayIn,
    PolicyVersionOut,
    PolicyVersionsOut,
    PublishIn,
    ReplayOut,
    UnreadOut,
)
from service.security import CaseReviewer, PolicyManager, QueueReader

router = APIRouter(prefix="/v1/policies", tags=["policies"])


@router.get("", summary="Policies in force, and what is published and comes")
async def library(request: Request, caller: QueueReader, connection: UnitOfWork) -> PoliciesOut:
    return await workflow.library(connection, caller.id, request.app.state.taxonomy)


@router.get("/unread", summary="Policies to confirm before the next case")
async def unread(caller: CaseReviewer, connection: UnitOfWork) -> UnreadOut:
    return await workflow.unread(connection, caller.id)


@router.post("/import", status_code=201, summary="Publish the guidelines of the product where an area has no policy")
async def import_guidelines(request: Request, caller: PolicyManager, connection: UnitOfWork) -> ImportedGuidelinesOut:
    guidelines = load_guidelines(request.app.state.taxonomy)
    return await workflow.import_guidelines(connection, guidelines, actor=caller.id)


@router.get("/{area}/versions", summary="Every version of an area's policy")
async def versions(area: Area, request: Request, caller: QueueReader, connection: UnitOfWork) -> PolicyVersionsOut:
    return await workflow.versions(connection, area, caller, request.app.state.taxonomy)


@router.post("/{area}/drafts", status_code=201, summary="Begin a version")
async def draft(
    area: Area, body: PolicyDraftIn, request: Request, caller: PolicyManager, connection: UnitOfWork
) -> PolicyVersionOut:
    return await workflow.draft(connection, area, body, actor=caller.id, taxonomy=request.app.state.taxonomy)


@router.patch("/drafts/{policy_id}", summary="Change a draft")
async def change(
    policy_id: UUID, body: DraftChangeIn, caller: PolicyManager, connection: UnitOfWork
) -> PolicyVersionOut:
    return await workflow.change(connection, policy_id, body, actor=caller.id)


@router.post("/drafts/{policy_id}/publish", summary="Publish a draft, now or for later")
async def publish(policy_id: UUID, body: PublishIn, caller: PolicyManager, connection: UnitOfWork) -> PolicyVersionOut:
    return await workflow.publish(connection, policy_id, body, actor=caller.id)


@router.post("/drafts/{policy_id}/replay", summary="How many of the last decisions a draft would flip")
async def replay(
    policy_id: UUID, body: PolicyReplayIn, request: Request, caller: PolicyManager, connection: UnitOfWork
) -> ReplayOut:
    asked = Asked(body.decisions)
    return await workflow.replay(connection, policy_id, asked, taxonomy=request.app.state.taxonomy, asked_by=caller.id)


@router.post("/{policy_id}/withdraw", summary="Take back a draft, or a version that is not in force yet")
async def withdraw(policy_id: UUID, caller: PolicyManager, connection: UnitOfWork) -> PolicyVersionOut:
    return await workflow.withdraw(connection, policy_id, actor=caller.id)


@router.post("/{policy_id}/acknowledge", summary="Confirm that a version was read")
async def acknowledge(policy_id: UUID, caller: CaseReviewer, connection: UnitOfWork) -> UnreadOut:
    return await workflow.acknowledge(connection, policy_id, person=caller.id)
