"""The pages of policies: the library, one area with its versions, and the editor of a draft."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from labeling.taxonomy import Taxonomy
from service.db import UnitOfWork
from service.pages import views
from service.pages.bar import bar
from service.pages.language import N_
from service.pages.rendering import PageRoute, render
from service.policies.schemas import Area
from service.policies.workflow import area_name, library, open_draft, unread, versions
from service.security import Capability, PolicyManager, Principal, QueueReader

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_KEYS = (
    (("?",), N_("Show these keys")),
    (("G",), N_("Go to the console")),
)
READING_KEYS = ((("C",), N_("Confirm that you have read it")), *_KEYS)
EDITING_KEYS = ((("Ctrl", "Enter"), N_("Save the draft")), *_KEYS)


@router.get("/policies")
async def library_page(request: Request, me: QueueReader, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    shown = await library(connection, me.id, taxonomy)
    to_read = (await unread(connection, me.id)).unread if _reviews(me) else []
    now = views.utc_now()
    context = {
        **await bar(connection, me),
        "library": shown,
        "unread": to_read,
        "manages": _manages(me),
        "name": lambda area: area_name(area, taxonomy),
        "shortcuts": _KEYS,
        "now": now,
    }
    return render("policies.html", context)


@router.get("/policies/{area}")
async def area_page(area: Area, request: Request, me: QueueReader, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    shown = await versions(connection, area, me, taxonomy)
    to_read = (await unread(connection, me.id)).unread if _reviews(me) else []
    current = next((one for one in shown.versions if one.state == "in_force"), None)
    here = [one for one in to_read if one.area == area]
    context = {
        **await bar(connection, me),
        "policy": shown,
        "current": current,
        "drafts": [one for one in shown.versions if one.state == "draft"],
        "coming": [one for one in shown.versions if one.state == "coming"],
        "to_confirm": here[0] if here else None,
        # Where to go once this one is read: the next that waits, or back to work.
        "after": next((f"/policies/{one.area}" for one in to_read if one.area != area), "/console"),
        "manages": _manages(me),
        "severities": taxonomy.severities,
        "shortcuts": READING_KEYS if here else _KEYS,
        "now": views.utc_now(),
    }
    return render("policy.html", context)


@router.get("/policies/{area}/drafts/{policy_id}")
async def draft_page(
    area: Area, policy_id: UUID, request: Request, me: PolicyManager, connection: UnitOfWork
) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    context = {
        **await bar(connection, me),
        "name": area_name(area, taxonomy),
        "draft": await open_draft(connection, policy_id, area=area, person=me.id),
        "severities": taxonomy.severities,
        "shortcuts": EDITING_KEYS,
        "now": views.utc_now(),
    }
    return render("policy_draft.html", context)


def _manages(me: Principal) -> bool:
    return Capability.POLICIES_MANAGE in me.capabilities


def _reviews(me: Principal) -> bool:
    return Capability.CASE_REVIEW in me.capabilities
