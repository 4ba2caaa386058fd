"""Pages of restricted material: who is named on which path, what is preserved, and packages that a person files."""

import json
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import UnitOfWork
from service.pages import views
from service.pages.bar import bar
from service.pages.language import N_
from service.pages.rendering import PageRoute, render
from service.pages.sections import Filling, Seen
from service.restricted.packages.workflow import PURPOSE, package_view, packages_of
from service.restricted.paths.workflow import LEAST_MEMBERS, known_alarms, paths_view
from service.restricted.preservations.bases import BASES
from service.restricted.preservations.workflow import AHEAD_DAYS, preservations_of, running
from service.restricted.reads.workflow import reads_of
from service.security import Capability, EscalationWorker, Principal, SignedIn

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KEYS = ((("A",), N_("Name somebody")),)
PATH_NAMES = {"child_safety": N_("Child safety"), "law_enforcement": N_("Law enforcement")}
STATES = {
    "kept": N_("kept"),
    "ending": N_("ends soon"),
    "passed": N_("its time has passed; everything is still kept"),
    "ended": N_("ended"),
}
KINDS = {
    "ncmec": N_("Report to NCMEC"),
    "nca": N_("Report to the NCA"),
    "law_enforcement": N_("Response to law enforcement"),
}

SCOPES = {
    "record": N_("the whole record"),
    "case": N_("one case"),
    "evidence": N_("one piece of evidence"),
    "subject": N_("one subject"),
    "media": N_("one medium"),
}
# In the order in which a person reads it.
INCIDENT = {
    "record": N_("Record"),
    "received_at": N_("Received"),
    "source": N_("Source"),
    "trigger": N_("What came in"),
    "policy_area": N_("Policy area"),
    "severity": N_("Severity"),
    "jurisdiction": N_("Jurisdiction"),
    "language": N_("Language"),
    "title": N_("Title"),
    "summary": N_("Summary"),
}
REQUESTER = {
    "name": N_("Requester"),
    "organisation": N_("Organisation"),
    "email": N_("E-mail"),
    "reference": N_("Reference"),
}


@router.get("/restricted")
async def restricted_page(me: SignedIn, connection: UnitOfWork) -> Response:
    works = Capability.ESCALATION_WORK in me.capabilities
    context = {
        **await bar(connection, me),
        "found": await paths_view(connection, me),
        "names": PATH_NAMES,
        "manages": Capability.PEOPLE_MANAGE in me.capabilities,
        "least": LEAST_MEMBERS,
        "preservations": (await running(connection, viewer=me.id)).preservations if works else [],
        "states": STATES,
        "ahead": AHEAD_DAYS,
        "shortcuts": KEYS if Capability.PEOPLE_MANAGE in me.capabilities else (),
        "now": views.utc_now(),
    }
    return render("restricted.html", context)


@router.get("/restricted/{escalation_id}/packages/{package_id}")
async def package_page(escalation_id: UUID, package_id: UUID, me: EscalationWorker, connection: UnitOfWork) -> Response:
    package = await package_view(connection, escalation_id, package_id, viewer=me.id)
    context = {
        **await bar(connection, me),
        "package": package,
        "kinds": KINDS,
        "incident": INCIDENT,
        "requester": REQUESTER,
        "text": json.dumps(package.body, ensure_ascii=False, indent=2),
        "now": views.utc_now(),
    }
    return render("restricted_package.html", context)


async def alarms_for(connection: AsyncConnection, me: Principal) -> dict[str, Any]:
    """What is wrong with the paths that this person may know of, for the page on which they begin."""
    return {"alarms": await known_alarms(connection, me), "names": PATH_NAMES, "least": LEAST_MEMBERS}


async def fill_preservations(seen: Seen) -> Filling:
    """The part of an escalation's page: what is preserved for it."""
    found = await preservations_of(seen.connection, seen.id, viewer=seen.me.id)
    return {
        "preservations": found.preservations,
        "bases": BASES,
        "states": STATES,
        "scopes": SCOPES,
        "record": seen.row,
        "me": seen.me,
    }


async def fill_restricted(seen: Seen) -> Filling:
    """The part of a restricted escalation's page: packages for a person to file, and who read the record."""
    if seen.row.path is None:
        return None
    return {
        "path": PATH_NAMES[seen.row.path],
        "packages": (await packages_of(seen.connection, seen.id, viewer=seen.me.id)).packages,
        "reads": (await reads_of(seen.connection, seen.id, viewer=seen.me.id)).reads,
        "kinds": {kind: KINDS[kind] for kind in PURPOSE},
        "record": seen.row,
    }
