"""The pages of statements of reasons: what was told, what a decision would tell, and what goes to the Transparency Database."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.cases.workflow import case_history
from service.db import UnitOfWork
from service.errors.requests import NotFoundError
from service.leases.workflow import held_by
from service.pages import statement_words, views
from service.pages.bar import bar
from service.pages.rendering import PageRoute, redirect, render
from service.security import Capability, CaseReader, CaseReviewer, StatementsExporter
from service.statements.afterwards.workflow import gap, missing
from service.statements.batches.workflow import recent_batches
from service.statements.listing.workflow import counts, has_samples, listed, of_case, statement_view
from service.statements.rules import StatementRules
from service.statements.schemas import Asked, NoticeLanguage, StatementPreviewIn
from service.statements.workflow import edit_of, preview

router = APIRouter(route_class=PageRoute, include_in_schema=False)

FILTERS = ("category", "ground", "source_type", "automated_detection", "automated_decision")


@router.get("/statements")
async def statements(
    asked: Annotated[Asked, Query()], request: Request, me: StatementsExporter, connection: UnitOfWork
) -> Response:
    found = await listed(connection, asked, viewer=me.id)
    made = await counts(connection, since=asked.since, until=asked.until, samples=True)
    chosen = asked.model_dump(mode="json", exclude_none=True, exclude={"before"})
    context = {
        **await bar(connection, me),
        "found": found,
        "asked": asked,
        "chosen": chosen,
        "older": f"/statements?{urlencode({**chosen, 'before': found.next})}" if found.next else None,
        "missing": (await missing(connection, viewer=me.id)).missing,
        "counts": {name: [one for one in made.counts if one.field == name] for name in ("state", *FILTERS)},
        "samples": await has_samples(connection),
        "batches": await recent_batches(connection),
        "on": request.app.state.statement_rules is not None,
        "taxonomy": request.app.state.taxonomy,
        "words": statement_words,
        "views": views,
        "now": views.utc_now(),
    }
    return render("statements.html", context)


@router.get("/statements/missing/{decision_id}")
async def made_up(decision_id: UUID, request: Request, me: StatementsExporter, connection: UnitOfWork) -> Response:
    """What a decision is without, with the fields to make it up."""
    found, would_be = await gap(connection, decision_id, viewer=me.id, rules=_rules(request))
    context = {
        **await bar(connection, me),
        "gap": found,
        "preview": would_be,
        "values": dict(would_be.statement or {}) if would_be else {},
        **_shared(request),
    }
    return render("statement_afterwards.html", context)


@router.get("/statements/{statement_id}")
async def statement(
    statement_id: UUID,
    request: Request,
    me: CaseReader,
    connection: UnitOfWork,
    language: NoticeLanguage | None = None,
) -> Response:
    rules = request.app.state.statement_rules
    shown = await statement_view(connection, statement_id, viewer=me.id, rules=rules, language=language)
    context = {
        **await bar(connection, me),
        "shown": shown,
        "may_mend": shown.state == "refused" and Capability.STATEMENTS_EXPORT in me.capabilities and rules is not None,
        **_shared(request),
    }
    return render("statement.html", context)


@router.get("/cases/{case_id}/statements")
async def told(case_id: UUID, request: Request, me: CaseReader, connection: UnitOfWork) -> Response:
    """What the author of a case was told: straight to the statement where there is one alone."""
    found = await of_case(connection, case_id, viewer=me.id, rules=request.app.state.statement_rules)
    if len(found) == 1:
        return redirect(f"/statements/{found[0].id}")
    context = {**await bar(connection, me), "case_id": case_id, "found": found, **_shared(request)}
    return render("statements_of_case.html", context)


@router.get("/cases/{case_id}/statement")
async def edit(
    case_id: UUID,
    request: Request,
    me: CaseReviewer,
    connection: UnitOfWork,
    policy_area: Annotated[str, Query(max_length=100)] = "",
    actions: Annotated[list[str] | None, Query(max_length=10)] = None,
) -> Response:
    """What the decision of a held case would tell its author, to be read and changed; by default for what the draft says."""
    rules, taxonomy = _rules(request), request.app.state.taxonomy
    case = await case_history(connection, case_id, viewer=me.id, rules=request.app.state.blur_rules)
    lease = next((one for one in await held_by(connection, me.id) if one.case_id == case_id), None)
    token = lease.token if lease else None
    kept = await edit_of(connection, case_id, token=token) if token else None
    draft: dict[str, Any] = case.draft or {}
    suggested = views.suggestion(case.score, taxonomy)
    area = (
        policy_area or (kept[0] if kept else "") or draft.get("policy_area") or (suggested.area_id if suggested else "")
    )
    enforcing = [one for one in taxonomy.actions if one.enforces]
    known = {one.id for one in enforcing}
    done = [one for one in (actions or draft.get("actions") or []) if one in known] or [enforcing[0].id]
    area = area if area in taxonomy.area_ids else ""
    asked = StatementPreviewIn(policy_area=area, actions=done, lease_token=token)
    said = await preview(connection, case_id, asked, viewer=me.id, rules=rules) if area else None
    context = {
        **await bar(connection, me),
        "case": case,
        "lease": lease,
        "area": area,
        "chosen": done,
        "enforcing": enforcing,
        "options": [one for one in views.policy_options(taxonomy) if one.id != taxonomy.benign_id],
        "preview": said,
        "values": dict(said.statement or {}) if said else {},
        "kept": kept is not None and kept[0] == area,
        "other_area": views.label_name(taxonomy, kept[0]) if kept and kept[0] != area else "",
        **_shared(request),
    }
    return render("statement_edit.html", context)


def _rules(request: Request) -> StatementRules:
    rules: StatementRules | None = request.app.state.statement_rules
    if rules is None:
        raise NotFoundError("statements of reasons are switched off")
    return rules


def _shared(request: Request) -> dict[str, Any]:
    return {
        "taxonomy": request.app.state.taxonomy,
        "words": statement_words,
        "views": views,
        "now": views.utc_now(),
    }
