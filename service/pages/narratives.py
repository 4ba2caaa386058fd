"""Narratives: a draft for an audience with what it says otherwise than the last, and those that were given out."""

from typing import Annotated, Self, cast
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import model_validator

from service.catalogues import catalogues
from service.errors.requests import NotFoundError
from service.escalations.workflow import require
from service.narratives.html import parts
from service.narratives.model import Document, Paragraph, from_json
from service.narratives.schemas import BOTTOM_LINE_CHARACTERS, DraftAsked
from service.narratives.workflow import changes_to, draft, narrative, narratives
from service.pages import views
from service.pages.bar import bar
from service.pages.language import N_, language
from service.pages.rendering import PageRoute, render
from service.pages.sections import Filling, Seen
from service.people.schemas import InterfaceLanguage
from service.security import FirstEscalationWorker

router = APIRouter(route_class=PageRoute, include_in_schema=False)

AUDIENCES = {
    "internal": N_("Colleagues"),
    "leadership": N_("Leadership"),
    "partner": N_("Partner or press"),
    "regulator": N_("Regulator"),
}
FORMS = {"brief": N_("Executive brief, one page"), "full": N_("Full report")}
# On the page of the record; the others are one step away.
SHOWN_BESIDE = 3


class Asked(DraftAsked):
    """A draft, or one that was kept: then `shown` names it."""

    shown: UUID | None = None

    @model_validator(mode="after")
    def _as_the_page(self) -> Self:
        """The language of the page, where none was chosen."""
        if "language" not in self.model_fields_set:
            self.language = cast("InterfaceLanguage", language().code)
        return self


async def narratives_part(seen: Seen) -> Filling:
    """What was given out about a record."""
    found = (await narratives(seen.connection, seen.id, viewer=seen.me.id)).narratives
    return {"record": seen.row, "narratives": found[:SHOWN_BESIDE], "audiences": AUDIENCES, "forms": FORMS}


@router.get("/escalations/{escalation_id}/narrative")
async def narrative_page(
    escalation_id: UUID, asked: Annotated[Asked, Query()], request: Request, me: FirstEscalationWorker
) -> Response:
    engine, taxonomy = request.app.state.engine, request.app.state.taxonomy
    drafted = None if asked.shown else await draft(engine, escalation_id, asked, viewer=me.id, taxonomy=taxonomy)
    async with engine.begin() as connection:
        record = await require(connection, escalation_id, viewer=me.id)
        shown = await narrative(connection, escalation_id, asked.shown, viewer=me.id) if asked.shown else None
        if drafted is not None:
            document = drafted.document
            since = await changes_to(connection, escalation_id, document, viewer=me.id)
        elif shown is not None:
            document = from_json(shown.document)
            since = (shown.since_version, shown.changes) if shown.since_version else None
        else:
            raise NotFoundError(f"there is no narrative {asked.shown}")
        context = {
            **await bar(connection, me),
            "record": record,
            "asked": asked,
            "shown": shown,
            "document": document,
            "parts": parts(document),
            "bottom_line": _bottom_line(document),
            "most": BOTTOM_LINE_CHARACTERS,
            "since": since,
            "kept": (await narratives(connection, escalation_id, viewer=me.id)).narratives,
            "audiences": AUDIENCES,
            "forms": FORMS,
            "spoken": catalogues().values(),
            "now": views.utc_now(),
        }
    return render("narrative.html", context)


def _bottom_line(document: Document) -> str:
    return next((one.text for one in document.blocks if isinstance(one, Paragraph) and one.style == "lead"), "")
