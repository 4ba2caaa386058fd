"""Who may call what: every address of the API with the roles that may use it, and how callers are known."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from service.errors.access import CrossSiteRequestError
from service.people.schemas import AccountIn
from service.people.workflow import create_person
from service.security import ROLES, Capability, new_api_key
from service.sessions import SESSION_COOKIE, token_hash
from tests.conftest import bearer, client_of
from tests.service.steps import assert_error, query, report, value

PASSWORD = "correct horse battery"

REVIEWERS = {"reviewer", "specialist", "lead"}
SENDERS = {"platform", "specialist"}
EVERYBODY = set(ROLES)

# What is agreed: a new address fails the test until somebody has decided who may use it.
# Those who work on escalations.
WORKERS = {"specialist", "lead"}
ALLOWED: dict[str, set[str]] = {
    "POST /v1/escalations": {"platform", "reviewer", "specialist", "lead"},
    "GET /v1/escalation-forms": {"platform", "reviewer", "specialist", "lead"},
    "POST /v1/escalations/{escalation_id}/information": {"platform", "reviewer", "specialist", "lead"},
    "GET /v1/escalations/{escalation_id}/checklist": WORKERS,
    "PUT /v1/escalations/{escalation_id}/checklist/{item}": WORKERS,
    "GET /v1/escalations/{escalation_id}/mails": WORKERS,
    "POST /v1/mail": {"platform", "reviewer", "specialist", "lead"},
    "GET /v1/mail": WORKERS,
    "POST /v1/decisions/{decision_id}/appeal-link": {"platform"},
    "POST /v1/appeals": {"platform"},
    "GET /v1/appeals/{appeal_id}": {"platform"},
    "POST /v1/appeals/{appeal_id}/withdraw": {"platform"},
    "GET /v1/appeals": WORKERS,
    "POST /v1/appeals/claim": WORKERS,
    "POST /v1/appeals/{appeal_id}/claim": WORKERS,
    "POST /v1/appeals/{appeal_id}/lease/renew": WORKERS,
    "POST /v1/appeals/{appeal_id}/lease/release": WORKERS,
    "POST /v1/appeals/{appeal_id}/decision": WORKERS,
    "POST /v1/appeals/{appeal_id}/undo": WORKERS,
    "GET /v1/appeals/feedback": REVIEWERS,
    "GET /v1/appeals/outcomes": {"lead", "admin"},
    "GET /v1/appeals/appellants": WORKERS,
    "POST /v1/appeals/{appeal_id}/escalation": WORKERS,
    "POST /v1/appeals/{appeal_id}/disputes": WORKERS,
    "POST /v1/appeals/{appeal_id}/disputes/{dispute_id}/outcome": WORKERS,
    "GET /v1/appeals/{appeal_id}/spans/{of}": WORKERS,
    "GET /v1/escalations/news": WORKERS,
    "GET /v1/escalations/{escalation_id}": WORKERS,
    "GET /v1/escalations/{escalation_id}/spans/{of}": WORKERS,
    "POST /v1/escalations/{escalation_id}/looked": WORKERS,
    "GET /v1/escalations/{escalation_id}/messages": WORKERS,
    "POST /v1/escalations/{escalation_id}/messages": WORKERS,
    "GET /v1/escalations/{escalation_id}/timeline": WORKERS,
    "GET /v1/escalations": WORKERS,
    "POST /v1/escalations/next": WORKERS,
    "POST /v1/escalations/search": WORKERS,
    "POST /v1/escalations/{escalation_id}/moves": WORKERS,
    "PATCH /v1/escalations/{escalation_id}": WORKERS,
    "GET /v1/escalations/{escalation_id}/links": WORKERS,
    "POST /v1/escalations/{escalation_id}/links": WORKERS,
    "DELETE /v1/escalations/{escalation_id}/links/{link_id}": WORKERS,
    "GET /v1/escalations/{escalation_id}/watchers": WORKERS,
    "POST /v1/escalations/{escalation_id}/watchers": WORKERS,
    "DELETE /v1/escalations/{escalation_id}/watchers/{username}": WORKERS,
    "GET /v1/escalations/{escalation_id}/attachments": WORKERS,
    "POST /v1/escalations/{escalation_id}/attachments": WORKERS,
    "POST /v1/escalations/{escalation_id}/handover/read": WORKERS,
    "GET /v1/escalations/{escalation_id}/precedents": WORKERS,
    "GET /v1/sla": WORKERS,
    "POST /v1/sla": {"lead"},
    "POST /v1/sla/preview": {"lead"},
    "GET /v1/sla/overdue": WORKERS,
    "GET /v1/sla/attainment": WORKERS,
    "GET /v1/sla/attainment.csv": WORKERS,
    "GET /v1/escalations/{escalation_id}/clocks": WORKERS,
    "POST /v1/escalations/{escalation_id}/clocks": WORKERS,
    "POST /v1/escalations/{escalation_id}/clocks/pause": WORKERS,
    "POST /v1/escalations/{escalation_id}/clocks/resume": WORKERS,
    "POST /v1/escalations/{escalation_id}/clocks/seen": WORKERS,
    "GET /v1/escalations/{escalation_id}/replies": WORKERS,
    "POST /v1/escalations/{escalation_id}/replies": WORKERS,
    "PUT /v1/escalations/{escalation_id}/replies/{reply_id}": WORKERS,
    "POST /v1/escalations/{escalation_id}/replies/{reply_id}/submit": WORKERS,
    "POST /v1/escalations/{escalation_id}/replies/{reply_id}/rewrite": WORKERS,
    "POST /v1/escalations/{escalation_id}/replies/{reply_id}/approve": {"lead"},
    "POST /v1/escalations/{escalation_id}/replies/{reply_id}/return": {"lead"},
    "POST /v1/escalations/{escalation_id}/replies/{reply_id}/send": WORKERS,
    "POST /v1/escalations/{escalation_id}/replies/{reply_id}/undo": WORKERS,
    "POST /v1/escalations/{escalation_id}/replies/{reply_id}/discard": WORKERS,
    "GET /v1/replies/templates": WORKERS,
    "POST /v1/replies/templates": {"lead"},
    "GET /v1/replies/templates/{template_id}": WORKERS,
    "POST /v1/replies/templates/{template_id}/withdraw": {"lead"},
    "GET /v1/replies/placeholders": WORKERS,
    "GET /v1/replies/waiting": {"lead"},
    "GET /v1/replies/dead-letters": WORKERS,
    "POST /v1/replies/deliveries/{delivery_id}/resend": WORKERS,
    "POST /v1/cases/{case_id}/statement/preview": REVIEWERS,
    "PUT /v1/cases/{case_id}/statement": REVIEWERS,
    "DELETE /v1/cases/{case_id}/statement": REVIEWERS,
    "GET /v1/cases/{case_id}/statements": REVIEWERS,
    "GET /v1/statements": {"platform", "lead"},
    "GET /v1/statements/counts": {"platform", "lead"},
    "GET /v1/statements/counts.csv": {"platform", "lead"},
    "GET /v1/statements/export": {"platform", "lead"},
    "POST /v1/statements/export/confirm": {"platform", "lead"},
    "GET /v1/statements/missing": {"platform", "lead"},
    "POST /v1/decisions/{decision_id}/statement": {"lead"},
    "GET /v1/statements/{statement_id}": REVIEWERS,
    "POST /v1/statements/{statement_id}/mend": {"platform", "lead"},
    **dict.fromkeys(
        (f"{method} /v1/escalations/{{escalation_id}}/holding-statements" for method in ("GET", "POST")), WORKERS
    ),
    **dict.fromkeys(("GET /v1/guidance", "POST /v1/crises/{crisis_id}/read"), REVIEWERS),
    **{
        call: {"lead", "admin"}
        for call in (
            *(f"{method} /v1/crises" for method in ("GET", "POST")),
            *(f"{method} /v1/crises/{{crisis_id}}" for method in ("GET", "PUT")),
            *(f"GET /v1/crises/{{crisis_id}}/{part}" for part in ("preview", "numbers")),
            *(
                f"POST /v1/crises/{{crisis_id}}/{verb}"
                for verb in ("approve", "begin-alone", "extend", "end", "reviews", "seen")
            ),
            "GET /v1/crisis-notices",
            *("GET /v1/continuity", "GET /v1/continuity/{name}", "PUT /v1/continuity/{name}"),
            *("POST /v1/continuity/{name}/activate", "GET /v1/continuity/{name}/drills"),
        )
    },
    "GET /v1/escalations/{escalation_id}/cause": WORKERS,
    "PUT /v1/escalations/{escalation_id}/cause": WORKERS,
    "GET /v1/escalations/{escalation_id}/improvements": WORKERS,
    "POST /v1/escalations/{escalation_id}/improvements": WORKERS,
    "GET /v1/improvements": WORKERS,
    "GET /v1/improvements.csv": WORKERS,
    "GET /v1/improvements/pareto": WORKERS,
    "GET /v1/improvements/pareto.csv": WORKERS,
    "PATCH /v1/improvements/{improvement_id}": WORKERS,
    "GET /v1/improvements/{improvement_id}/effect": WORKERS,
    "GET /v1/escalations/{escalation_id}/narratives": WORKERS,
    "POST /v1/escalations/{escalation_id}/narratives": WORKERS,
    "GET /v1/escalations/{escalation_id}/narratives/{narrative_id}": WORKERS,
    "GET /v1/escalations/{escalation_id}/narratives/{narrative_id}/file": WORKERS,
    "POST /v1/escalations/{escalation_id}/consults": WORKERS,
    "GET /v1/escalations/{escalation_id}/consults": WORKERS,
    "GET /v1/consults": {"adviser", "lead"},
    "GET /v1/consults/precedents": WORKERS | {"adviser"},
    "GET /v1/consults/{consult_id}": WORKERS | {"adviser"},
    "POST /v1/consults/{consult_id}/take": {"adviser", "lead"},
    "POST /v1/consults/{consult_id}/ask-back": {"adviser", "lead"},
    "POST /v1/consults/{consult_id}/answer": {"adviser", "lead"},
    "POST /v1/consults/{consult_id}/explain": WORKERS,
    "POST /v1/consults/{consult_id}/withdraw": WORKERS,
    "PUT /v1/consults/{consult_id}/precedent": WORKERS,
    "GET /v1/consults/teams": WORKERS,
    "PUT /v1/consults/teams/{team}": {"lead"},
    "PUT /v1/consults/teams/{team}/members/{username}": {"lead"},
    "DELETE /v1/consults/teams/{team}/members/{username}": {"lead"},
    "GET /v1/restricted/paths": EVERYBODY,
    "POST /v1/restricted/paths/{path}/members": {"admin"},
    "POST /v1/restricted/paths/{path}/members/{username}/remove": {"admin"},
    "POST /v1/restricted/changes/{change_id}/confirm": EVERYBODY,
    "POST /v1/restricted/changes/{change_id}/decline": EVERYBODY,
    "GET /v1/escalations/{escalation_id}/reads": WORKERS,
    "GET /v1/escalations/{escalation_id}/preservations": WORKERS,
    "POST /v1/escalations/{escalation_id}/preservations": WORKERS,
    "POST /v1/escalations/{escalation_id}/preservations/{preservation_id}/end": WORKERS,
    "POST /v1/escalations/{escalation_id}/preservations/{preservation_id}/confirm": WORKERS,
    "POST /v1/escalations/{escalation_id}/preservations/{preservation_id}/decline": WORKERS,
    "GET /v1/escalations/{escalation_id}/packages": WORKERS,
    "POST /v1/escalations/{escalation_id}/packages": WORKERS,
    "GET /v1/escalations/{escalation_id}/packages/{package_id}": WORKERS,
    "POST /v1/escalations/{escalation_id}/packages/{package_id}/filed": WORKERS,
    "PUT /v1/people/{username}/privileged": {"admin"},
    "DELETE /v1/session": EVERYBODY,
    "GET /v1/me": EVERYBODY,
    "GET /v1/people": {"admin"},
    "POST /v1/people": {"admin"},
    "PUT /v1/people/{username}/role": {"admin"},
    "POST /v1/people/{username}/password": {"admin"},
    "GET /v1/people/{username}/keys": {"admin"},
    "POST /v1/people/{username}/keys": {"admin"},
    "DELETE /v1/people/{username}/keys/{key_id}": {"admin"},
    "GET /v1/defaults/media": {"admin"},
    "PUT /v1/defaults/media": {"admin"},
    "GET /v1/queues/{queue}/closing": {"lead", "admin"},
    "DELETE /v1/people/{username}": {"admin"},
    "POST /v1/reports": SENDERS,
    "POST /v1/media": {*SENDERS, "reviewer", "lead"},
    "GET /v1/media/{media_id}": {*SENDERS, "reviewer", "lead"},
    "GET /v1/people/{username}": {"admin"},
    "PATCH /v1/people/{username}": {"admin"},
    "PUT /v1/me/consents": EVERYBODY,
    "PUT /v1/me/language": EVERYBODY,
    "GET /v1/me/due": REVIEWERS,
    "GET /v1/me/decisions": REVIEWERS,
    "GET /v1/events": {"lead", "admin"},
    "GET /v1/events/export": {"lead", "admin"},
    "GET /v1/me/exposure": REVIEWERS,
    "GET /v1/me/exposure.csv": REVIEWERS,
    "GET /v1/me/breaks": REVIEWERS,
    "POST /v1/me/breaks": REVIEWERS,
    "DELETE /v1/me/breaks": REVIEWERS,
    "PUT /v1/me/not-now": REVIEWERS,
    "GET /v1/exposure/spread": {"lead", "admin"},
    "GET /v1/routing": {"lead", "admin"},
    "POST /v1/routing": {"lead", "admin"},
    "POST /v1/routing/preview": {"lead", "admin"},
    "POST /v1/queues": {"lead", "admin"},
    "PATCH /v1/queues/{queue}": {"lead", "admin"},
    "POST /v1/queues/{queue}/close": {"lead", "admin"},
    "PUT /v1/queues/{queue}/members/{username}": {"lead", "admin"},
    "DELETE /v1/queues/{queue}/members/{username}": {"lead", "admin"},
    "GET /v1/actions/denied": {"lead", "admin"},
    "PUT /v1/actions/denied": {"lead", "admin"},
    "GET /v1/policies": REVIEWERS | {"ml", "admin"},
    "GET /v1/policies/unread": REVIEWERS,
    "GET /v1/policies/{area}/versions": REVIEWERS | {"ml", "admin"},
    "POST /v1/policies/import": {"lead", "admin"},
    "POST /v1/policies/{area}/drafts": {"lead", "admin"},
    "PATCH /v1/policies/drafts/{policy_id}": {"lead", "admin"},
    "POST /v1/policies/drafts/{policy_id}/publish": {"lead", "admin"},
    "POST /v1/policies/drafts/{policy_id}/replay": {"lead", "admin"},
    "POST /v1/policies/{policy_id}/withdraw": {"lead", "admin"},
    "POST /v1/policies/{policy_id}/acknowledge": REVIEWERS,
    "GET /v1/banks": REVIEWERS | {"admin"},
    "POST /v1/banks": {"lead", "admin"},
    "GET /v1/banks/{bank_id}": REVIEWERS | {"admin"},
    "PATCH /v1/banks/{bank_id}": {"lead", "admin"},
    "GET /v1/banks/{bank_id}/hashes": {"lead", "admin"},
    "POST /v1/banks/{bank_id}/hashes": {"lead", "admin"},
    "POST /v1/banks/{bank_id}/hashes/{hash_id}/remove": {"lead", "admin"},
    "POST /v1/banks/{bank_id}/decided": {"specialist", "lead"},
    "POST /v1/banks/{bank_id}/import": {"lead", "admin"},
    "GET /v1/banks/{bank_id}/export": {"lead", "admin"},
    "GET /v1/queues": REVIEWERS | {"ml", "admin"},
    "POST /v1/queues/{queue}/claim": REVIEWERS,
    "GET /v1/leases": REVIEWERS,
    "POST /v1/cases/{case_id}/claim": REVIEWERS,
    "POST /v1/cases/{case_id}/hold": REVIEWERS,
    "POST /v1/cases/{case_id}/hand-over": REVIEWERS,
    "POST /v1/cases/{case_id}/skip": REVIEWERS,
    "GET /v1/cases/{case_id}/skips": {"lead", "admin"},
    "GET /v1/holds": REVIEWERS,
    "GET /v1/alerts/leases": {"lead", "admin"},
    "POST /v1/cases/{case_id}/lease/renew": REVIEWERS,
    "POST /v1/cases/{case_id}/lease/release": REVIEWERS,
    "GET /v1/cases/{case_id}": REVIEWERS,
    "GET /v1/cases/{case_id}/why": REVIEWERS,
    "GET /v1/cases/{case_id}/hints": REVIEWERS,
    "GET /v1/cases/{case_id}/spans/{of}": REVIEWERS,
    "GET /v1/qa/spans/check/{of}": REVIEWERS,
    "GET /v1/qa/spans/disputed/{of}": {"specialist", "lead"},
    "GET /v1/qa/spans/objections/{of}": {"specialist", "lead"},
    "GET /v1/qa/spans/feedback/{of}": REVIEWERS,
    "GET /v1/qa/spans/calibrations/{session_id}/{of}": {"lead"},
    "GET /v1/qa/spans/suspects/{decision_id}/{of}": REVIEWERS,
    "POST /v1/search": REVIEWERS,
    "POST /v1/search/completions": REVIEWERS,
    "GET /v1/views": REVIEWERS,
    "POST /v1/views": REVIEWERS,
    "PATCH /v1/views/{view_id}": REVIEWERS,
    "DELETE /v1/views/{view_id}": REVIEWERS,
    "POST /v1/views/{view_id}/look": REVIEWERS,
    "GET /v1/ranking": REVIEWERS | {"ml", "admin"},
    "POST /v1/ranking": {"lead", "admin"},
    "POST /v1/ranking/preview": {"lead", "admin"},
    "POST /v1/ranking/{version}/activate": {"lead", "admin"},
    "PUT /v1/cases/{case_id}/draft": REVIEWERS,
    "POST /v1/cases/{case_id}/decisions": REVIEWERS,
    "POST /v1/decisions/{decision_id}/undo": REVIEWERS,
    "GET /v1/cases/{case_id}/actions": REVIEWERS,
    "POST /v1/cases/{case_id}/second-opinion": REVIEWERS,
    "GET /v1/opinions": REVIEWERS,
    "POST /v1/opinions/{opinion_id}/withdraw": REVIEWERS,
    "GET /v1/authors/{author_id}/strikes": REVIEWERS,
    "POST /v1/qa/plans": {"lead"},
    "POST /v1/qa/plans/preview": {"lead"},
    "GET /v1/qa/plans": {"lead"},
    "GET /v1/qa/plans/{plan_id}": {"lead"},
    "POST /v1/qa/plans/{plan_id}/close": {"lead"},
    "GET /v1/qa/plans/{plan_id}/results": {"lead"},
    "POST /v1/qa/claim": REVIEWERS,
    "POST /v1/qa/reviews/{token}": REVIEWERS,
    "POST /v1/qa/reviews/{token}/release": REVIEWERS,
    "GET /v1/qa/disputed": {"specialist", "lead"},
    "POST /v1/qa/items/{item_id}/adjudicate": {"specialist", "lead"},
    "GET /v1/qa/feedback": REVIEWERS,
    "POST /v1/qa/feedback/{feedback_id}/seen": REVIEWERS,
    "POST /v1/qa/feedback/{feedback_id}/dispute": REVIEWERS,
    "GET /v1/qa/objections": {"specialist", "lead"},
    "POST /v1/qa/feedback/{feedback_id}/resolve": {"specialist", "lead"},
    "POST /v1/qa/golden": {"lead"},
    "GET /v1/qa/golden": {"lead"},
    "POST /v1/qa/golden/{golden_id}/retire": {"lead"},
    "POST /v1/qa/calibrations": {"lead"},
    "GET /v1/qa/calibrations": {"lead"},
    "GET /v1/qa/calibrations/{session_id}": {"lead"},
    "PUT /v1/qa/calibrations/{session_id}/items/{item_id}": {"lead"},
    "POST /v1/qa/calibrations/{session_id}/close": {"lead"},
    "GET /v1/qa/calibrations/{session_id}/pack": {"lead"},
    "GET /v1/media/{media_id}/preview": REVIEWERS,
    "POST /v1/media/{media_id}/reveal": REVIEWERS,
    "GET /v1/media/{media_id}/original": REVIEWERS,
    "GET /v1/media/{media_id}/lens": REVIEWERS,
    "GET /v1/me/media": REVIEWERS,
    "PUT /v1/me/media": REVIEWERS,
    "POST /v1/exposures/{exposure_id}/end": REVIEWERS,
    "POST /v1/score": EVERYBODY - {"reviewer", "adviser"},
    "POST /v1/subjects/views": {"platform"},
    "POST /v1/subjects/{subject_id}/views": {"platform"},
    "GET /v1/cases/{case_id}/clocks": REVIEWERS,
    "POST /v1/cases/{case_id}/clocks": {"platform", "specialist", "lead"},
    "GET /v1/cases/{case_id}/similar": REVIEWERS,
    "GET /v1/cases/{case_id}/author": REVIEWERS,
    "GET /v1/cases/{case_id}/notes": REVIEWERS,
    "POST /v1/cases/{case_id}/notes": REVIEWERS,
    "POST /v1/cases/{case_id}/translation": REVIEWERS,
    "POST /v1/cases/{case_id}/cluster/preview": {"specialist", "lead"},
    "POST /v1/cases/{case_id}/cluster/decide": {"specialist", "lead"},
    "GET /v1/clusters/{cluster_id}": REVIEWERS,
    "POST /v1/clusters/{cluster_id}/undo": {"specialist", "lead"},
    "GET /v1/reporters/{reporter_id}": {"lead", "admin"},
    "GET /v1/scorecards": {"lead", "admin"},
    "GET /v1/scorecards.csv": {"lead", "admin"},
    "GET /v1/scorecards.xlsx": {"lead", "admin"},
    "GET /v1/scorecards/trend": {"lead", "admin"},
    "GET /v1/scorecards/trend.csv": {"lead", "admin"},
    "GET /v1/forecast": {"lead", "admin"},
    "GET /v1/floor": {"lead", "admin"},
    "GET /v1/floor/depth.csv": {"lead", "admin"},
    "GET /v1/floor/events": {"lead", "admin"},
    "GET /v1/shed": {"lead", "admin"},
    "POST /v1/shed/restore": {"lead"},
    "GET /v1/labels": {"lead", "ml", "admin"},
    "POST /v1/labels/suspects": {"lead", "ml", "admin"},
    "GET /v1/labels/suspects": REVIEWERS,
    "POST /v1/labels/suspects/{decision_id}/resolve": REVIEWERS,
    "GET /v1/log": {"lead", "ml", "admin"},
    "GET /v1/models": {"lead", "ml", "admin"},
    "GET /v1/models/releases": {"lead", "ml", "admin"},
    "GET /v1/models/bundles/{bundle}": {"lead", "ml", "admin"},
    "GET /v1/models/shadow": {"lead", "ml", "admin"},
    "GET /v1/models/drift": {"lead", "ml", "admin"},
    "POST /v1/webhooks": {"platform", "admin"},
    "GET /v1/webhooks": {"platform", "admin"},
    "PATCH /v1/webhooks/{webhook_id}": {"platform", "admin"},
    "GET /v1/webhooks/{webhook_id}/messages": {"platform", "admin"},
    "DELETE /v1/webhooks/{webhook_id}": {"platform", "admin"},
    "POST /v1/webhooks/{webhook_id}/test": {"platform", "admin"},
    "GET /v1/webhooks/dead-letters": {"platform", "admin"},
    "POST /v1/webhooks/dead-letters/{message}/replay": {"platform", "admin"},
    "POST /v1/webhooks/{webhook_id}/dead-letters/replay": {"platform", "admin"},
    "GET /v1/webhooks/messages/{message}": {"platform", "admin"},
}
PUBLIC = {"POST /v1/session"}


def call(address: str) -> dict[str, Any]:
    """A request to an address of the list, with ids that nothing has and a body that nothing takes."""
    method, _, path = address.partition(" ")
    ids = (
        "case_id",
        "decision_id",
        "media_id",
        "webhook_id",
        "username",
        "opinion_id",
        "message",
        "author_id",
        "cluster_id",
        "exposure_id",
        "key_id",
        *("plan_id", "token", "item_id", "feedback_id", "golden_id", "session_id", "policy_id"),
        *("plan_id", "token", "item_id", "feedback_id", "golden_id", "session_id", "policy_id", "view_id"),
    )
    for name in ids:
        path = path.replace(f"{{{name}}}", str(uuid4()))
    asks_for_grant = path.endswith(("original", "lens"))
    return {
        "method": method,
        "url": path.replace("{queue}", "default"),
        "params": {"grant": "none", "x": 0, "y": 0} if asks_for_grant else {},
        **({} if method == "GET" else {"json": {}}),
    }


def test_every_address_is_on_the_list(app: FastAPI) -> None:
    found = {
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
        if path.startswith("/v1")
    }
    assert found == set(ALLOWED) | PUBLIC


def test_every_role_can_do_something_and_none_everything() -> None:
    for role, capabilities in ROLES.items():
        assert Capability.SELF in capabilities, role
        assert capabilities < set(Capability), role


async def test_each_role_reaches_what_it_may_and_nothing_else(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    wrong = []
    for address, allowed in ALLOWED.items():
        for role, key in keys.items():
            answer = await client.request(**call(address), headers=bearer(key))
            if role in allowed:
                right = answer.status_code not in {401, 403, 405} and answer.status_code < 500
            else:
                right = role in refused(answer, 403, "forbidden")
            if not right:
                wrong.append(f"{role}: {address}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)


async def test_nobody_gets_in_without_a_valid_key(client: httpx.AsyncClient) -> None:
    wrong = []
    for address in ALLOWED:
        for headers in ({}, bearer(new_api_key()), {"Cookie": f"{SESSION_COOKIE}=made-up"}):
            answer = await client.request(**call(address), headers=headers)
            if not refused(answer, 401, "not_signed_in") or answer.headers.get("WWW-Authenticate") != "Bearer":
                wrong.append(f"{headers}: {address}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)


def refused(answer: httpx.Response, status: int, code: str) -> str:
    """What a refusal of that status and code says; nothing when it is no such refusal."""
    said = answer.json() if answer.status_code == status else {}
    return str(said["detail"]) if said.keys() == {"error", "detail"} and said["error"] == code else ""


@pytest.mark.parametrize("address", ["/livez", "/readyz", "/metrics", "/openapi.json", "/sign-in"])
async def test_the_open_addresses_are_open(client: httpx.AsyncClient, address: str) -> None:
    assert (await client.get(address)).status_code == 200


@pytest.mark.parametrize("address", ["/docs", "/redoc", "/v1/docs", "/.env", "/static/../settings.py", "/admin"])
async def test_there_is_nothing_else(client: httpx.AsyncClient, address: str) -> None:
    assert (await client.get(address)).status_code == 404


@pytest.mark.parametrize(
    "header",
    ["{key}", "Basic {key}", "Bearer", "Bearer  ", "Bearer x{key}", "Bearer {key}x", "Token {key}", "Bearer \xff"],
)
async def test_a_key_counts_only_as_a_whole_bearer_key(
    client: httpx.AsyncClient, keys: dict[str, str], header: str
) -> None:
    sent = [(b"Authorization", header.format(key=keys["reviewer"]).encode("latin-1"))]
    assert_error(await client.get("/v1/me", headers=sent), 401, "not_signed_in")


@pytest.mark.parametrize("header", ["bearer {key}", "BEARER {key}", "Bearer   {key} "])
async def test_the_name_of_the_scheme_is_read_as_the_standard_says(
    client: httpx.AsyncClient, keys: dict[str, str], header: str
) -> None:
    answer = await client.get("/v1/me", headers={"Authorization": header.format(key=keys["reviewer"])})
    assert answer.status_code == 200


async def test_callers_learn_who_they_are(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    body = (await client.get("/v1/me", headers=bearer(keys["ml"]))).json()
    assert (body["username"], body["role"]) == ("test-ml", "ml")
    assert body["capabilities"] == sorted(ROLES["ml"])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE principals SET active = false WHERE role = 'reviewer'",
        "UPDATE api_keys SET revoked_at = now()",
        "DELETE FROM api_keys",
    ],
    ids=["closed account", "revoked key", "removed key"],
)
async def test_a_key_that_was_taken_away_is_refused_at_once(
    reviewer: httpx.AsyncClient, database: str, change: str
) -> None:
    assert (await reviewer.get("/v1/me")).status_code == 200
    query(database, change)
    assert_error(await reviewer.get("/v1/me"), 401, "not_signed_in")


async def test_a_role_that_no_longer_exists_may_do_nothing(reviewer: httpx.AsyncClient, database: str) -> None:
    query(database, "UPDATE principals SET role = 'moderator'")
    assert_error(await reviewer.get("/v1/me"), 403, "forbidden")


async def test_keys_are_stored_as_hashes_only(keys: dict[str, str], database: str) -> None:
    stored = {bytes(row) for (row,) in query(database, "SELECT key_hash FROM api_keys")}
    assert stored == {token_hash(key) for key in keys.values()}
    everything = "".join(
        str(query(database, f"SELECT t::text FROM {table} t"))
        for (table,) in query(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    )
    for key in keys.values():
        assert key not in everything
        assert key.removeprefix("ct_") not in everything


def test_keys_are_long_and_differ() -> None:
    keys = {new_api_key() for _ in range(100)}
    assert len(keys) == 100
    assert min(len(key) for key in keys) >= 43


@pytest.fixture
async def browser(app: FastAPI, cheap_passwords: None) -> AsyncIterator[httpx.AsyncClient]:
    """A reviewer signed in by cookie, as a browser holds it."""
    async with app.state.engine.begin() as connection:
        person = AccountIn(username="ada", role="reviewer", password=PASSWORD)
        await create_person(connection, person, actor=None)
    async with client_of(app) as caller:
        signed_in = await caller.post("/v1/session", json={"username": "ada", "password": PASSWORD})
        assert signed_in.status_code == 204
        yield caller


SAME = "http://triage.test"
FOREIGN_CALLS = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.test"},
    {"Origin": "null"},
    {"Origin": "http://triage.test.evil.test"},
    {"Origin": "http://triage.test:8080"},
    {"Origin": "https://evil.test", "Sec-Fetch-Site": "same-origin"},
    {"Origin": SAME, "Sec-Fetch-Site": "cross-site"},
]
OWN_CALLS: list[dict[str, str]] = [
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": SAME},
    {"Origin": SAME, "Sec-Fetch-Site": "same-origin"},
]


@pytest.mark.parametrize("headers", FOREIGN_CALLS, ids=str)
async def test_another_sites_page_cannot_use_the_session(
    browser: httpx.AsyncClient, platform: httpx.AsyncClient, database: str, headers: dict[str, str]
) -> None:
    await report(platform)
    for address in ("/v1/queues/default/claim", "/v1/session"):
        method = "DELETE" if address.endswith("session") else "POST"
        answer = await browser.request(method, address, headers=headers)
        assert_error(answer, CrossSiteRequestError.status, CrossSiteRequestError.code)
    assert value(database, "SELECT status FROM cases") == "open"
    assert (await browser.get("/v1/me")).status_code == 200


@pytest.mark.parametrize("headers", OWN_CALLS, ids=str)
async def test_our_own_pages_can_use_the_session(browser: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await browser.post("/v1/queues/default/claim", headers=headers)).status_code == 204


@pytest.mark.parametrize("headers", FOREIGN_CALLS, ids=str)
async def test_another_sites_page_cannot_sign_anybody_in(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.post("/v1/session", json={"username": "ada", "password": PASSWORD}, headers=headers)
    assert_error(answer, 403, "cross_site_request")
    assert "set-cookie" not in answer.headers


async def test_another_sites_page_can_change_nothing_at_all(browser: httpx.AsyncClient) -> None:
    changing = [address for address in ALLOWED if not address.startswith("GET ")]
    assert len(changing) > 50
    for address in changing:
        answer = await browser.request(**call(address), headers={"Sec-Fetch-Site": "cross-site"})
        assert (answer.status_code, answer.json()["error"]) == (403, "cross_site_request"), address


async def test_reading_from_another_site_is_left_to_the_browser(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/v1/me", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 200


async def test_a_key_is_not_bound_to_a_site(reviewer: httpx.AsyncClient) -> None:
    answer = await reviewer.post("/v1/queues/default/claim", headers={"Origin": "https://integration.test"})
    assert answer.status_code == 204


async def test_a_bad_key_is_not_mended_by_a_good_session(browser: httpx.AsyncClient) -> None:
    assert_error(await browser.get("/v1/me", headers=bearer(new_api_key())), 401, "not_signed_in")
