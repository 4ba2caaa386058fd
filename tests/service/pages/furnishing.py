"""A console with something on every page, and where that is: for tests that open all of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text as statement

from models.rank import RankConfig
from service.escalations.schemas import NewEscalation
from service.escalations.workflow import open_escalation
from tests.service.banks.conftest import make_bank, upload
from tests.service.holds.verbs import hand_over, hold
from tests.service.media.pictures import jpeg, scene
from tests.service.pages.furnishing_consults import consults
from tests.service.pages.furnishing_crises import crises
from tests.service.pages.furnishing_escalations import escalations
from tests.service.pages.furnishing_replies import templates
from tests.service.policies.steps import draft_body, drafted, published
from tests.service.quality.verbs import ALLOWED, OTHER, RIGHT, adjudicate, checked, disputed, plan, told
from tests.service.routing.steps import make_queue, rule, save
from tests.service.steps import Body, claim, decided, report_body

PDQ = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
MARKUP = "<img src=x onerror=pwned()>"
WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
# What people write: short and long, from right to left, with pictures, and words that no line breaks by itself.
TEXTS = (
    ("en", "Nobody wants you here. Pack your things and go, all of you."),
    ("ar", "لا أحد يريدك هنا، ارحل الآن 123 abc"),
    ("de", f"{WORD}{WORD} ist kein Wort, das man oft liest."),
    ("ja", "ここにはあなたの居場所はありません。"),
    ("en", "👩‍👩‍👧‍👦🏳️‍🌈 so proud of you 🎉🎉🎉 " * 20),
    ("he", "שלום לכולם, כתבו לי בפרטי ואשלח לכם את הקישור"),
    ("en", "https://shop.example/" + "cheap-pills-" * 40),
    ("pt", "Compre já! Só hoje. " * 200),
)

Keep = Callable[[httpx.AsyncClient, Body], Awaitable[httpx.Response]]


@dataclass
class Furnished:
    """Who sees what: (role, address of a page) for every page whose address or content is of one person or thing."""

    pages: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, template: str, role: str, address: str) -> None:
        self.pages.append((template, role, address))


async def furnish(callers: dict[str, httpx.AsyncClient], app: FastAPI) -> Furnished:
    """Fill every part of the console through the API; `callers` are somebody of every role, and `checker`."""
    found = Furnished()
    await _rules(callers, found)
    await _kept(callers)
    await _policies(callers, found)
    await _quality(callers, found)
    await _doubt(callers, found)
    await _appeals(callers, found)
    await _work(callers, found)
    await _raised(callers, found)
    await _kept_searches(callers["lead"])
    for role, record in await escalations(app, callers):
        found.add("/escalations/{escalation_id}", role, f"/escalations/{record}")
    await _statements(callers, found, app)
    await _improvements(callers, found)
    for template, role, address in await consults(app, callers):
        found.add(template, role, address)
    await _matrix(callers["lead"])
    found.add("/replies/{template_id}", "lead", f"/replies/{await templates(callers['lead'])}")
    for crisis in await crises(callers):
        found.add("/crisis/{crisis_id}", "lead", f"/crisis/{crisis}")
    return found


async def _sent(answer: httpx.Response) -> Any:
    assert answer.is_success, (answer.request.method, answer.request.url.path, answer.text)
    return answer.json() if answer.content else None


async def _rules(callers: dict[str, httpx.AsyncClient], found: Furnished) -> None:
    """Queues, routing, banks, whom people work for, and who is told of decisions."""
    lead, admin = callers["lead"], callers["admin"]
    await make_queue(lead, "press", description="What journalists ask about")
    await make_queue(lead, "partners", description="What partners ask about")
    await _sent(await lead.patch("/v1/queues/press", json={"title": "Press and media", "description": "Within a day"}))
    # A queue of their own for cases that no test would come across otherwise.
    await save(lead, rule("Press first", "press", channels=["press"], languages=["en"], reasons=["slander"]))
    for person in ("test-reviewer", "test-specialist"):
        body = {"vendor": "Acme Reviews", "site": "Lisbon", "hourly_cost": "21.50", "started_on": "2026-01-01"}
        await _sent(await admin.patch(f"/v1/people/{person}", json=body))
    found.add("/admin/people/{username}", "admin", "/admin/people/test-reviewer")
    hook = {"url": "https://platform.test/hook?a=1&b=%3Ci%3E"}
    made = await _sent(await callers["platform"].post("/v1/webhooks", json=hook))
    found.add("/admin/webhooks/{webhook_id}", "admin", f"/admin/webhooks/{made['id']}")
    bank = await make_bank(lead, "Known drawings")
    for number in range(2):
        body = {"pdq": f"{number}{PDQ[1:]}", "note": "from the register"}
        await _sent(await lead.post(f"/v1/banks/{bank['id']}/hashes", json=body))
    [gone, *_] = (await _sent(await lead.get(f"/v1/banks/{bank['id']}/hashes")))["hashes"]
    other = {"note": "another picture"}
    await _sent(await lead.post(f"/v1/banks/{bank['id']}/hashes/{gone['id']}/remove", json=other))
    old = await make_bank(lead, "Old list")
    change = {"active": False, "note": "out of date", "owner": "Trust", "purpose": "kept for the record"}
    await _sent(await lead.patch(f"/v1/banks/{old['id']}", json=change))


async def _kept(callers: dict[str, httpx.AsyncClient]) -> None:
    """A key, kept searches, and an order of the queues that was tried for a while."""
    lead, admin = callers["lead"], callers["admin"]
    key = {"name": "Mobile apps", "scopes": ["report.write"], "days": 30}
    await _sent(await admin.post("/v1/people/test-platform/keys", json=key))
    question = '"<img src=x onerror=pwned()>"'
    await _sent(await lead.post("/v1/views", json={"name": "Insults", "query": question}))
    view = await _sent(await lead.post("/v1/views", json={"name": "Scams", "query": question, "pinned": True}))
    await _sent(await lead.patch(f"/v1/views/{view['id']}", json={"name": "Scams of this week", "query": "area:spam"}))
    order, replaced = {"owner": "Queue team", "reason": "Old cases starve"}, RankConfig().version
    for version, hours in (("calm", 2), ("calmer", 4)):
        body = {**order, "version": version, "replaces": replaced, "constants": {"doubling_hours": hours}}
        await _sent(await lead.post("/v1/ranking", json=body))
        replaced = version
    await _sent(await lead.post("/v1/ranking/calm/activate", json={"reason": "As before", "replaces": replaced}))


async def _policies(callers: dict[str, httpx.AsyncClient], found: Furnished) -> None:
    lead = callers["lead"]
    await published(lead)
    draft = await drafted(lead, title="Bullying, second version")
    change = draft_body(title="Bullying, third version", digest="Shorter.", owner="Policy team", reason="Said twice")
    await _sent(await lead.patch(f"/v1/policies/drafts/{draft['id']}", json=change))
    found.add("/policies/{area}", "lead", "/policies/harassment")
    found.add("/policies/{area}", "reviewer", "/policies/harassment")
    found.add("/policies/{area}/drafts/{policy_id}", "lead", f"/policies/harassment/drafts/{draft['id']}")


async def _decided(callers: dict[str, httpx.AsyncClient], subject: str, number: int = 0) -> Body:
    language, text = TEXTS[number % len(TEXTS)]
    body = report_body(subject, text=text, language=language, author={"id": f"author-{number}"})
    await _sent(await callers["platform"].post("/v1/reports", json=body))
    claimed = await claim(callers["reviewer"])
    return {**claimed, **await decided(callers["reviewer"], claimed, **RIGHT, note=f"Note {number}")}


async def _quality(callers: dict[str, httpx.AsyncClient], found: Furnished) -> None:
    """A plan with checks in every state, feedback, objections, calibration and a golden item."""
    reviewer, lead, checker = (callers[role] for role in ("reviewer", "lead", "checker"))
    for number in range(7):
        await _decided(callers, f"checked-{number}", number)
    made = await plan(lead, "Week 48", owner="Quality", reason="To know how often two people agree")
    for number in range(6):
        await checked(checker, **(ALLOWED if number % 2 else OTHER), note=f"I see it otherwise {number}")
    await _sent(await checker.post("/v1/qa/claim"))
    for item in (await disputed(lead))[:4]:
        await _sent(await adjudicate(lead, item, **ALLOWED, note="It quotes somebody"))
    first, second, *_ = await told(reviewer)
    for one in (first, second):
        body = {"objection": "It names a person"}
        await _sent(await reviewer.post(f"/v1/qa/feedback/{one['id']}/dispute", json=body))
    upheld = {"upheld": True, "reply": "You are right", "answer": {**OTHER, "note": "An advertisement"}}
    await _sent(await callers["specialist"].post(f"/v1/qa/feedback/{second['id']}/resolve", json=upheld))
    [waiting, *_] = await disputed(lead)
    found.add("/qa/plans/{plan_id}", "lead", f"/qa/plans/{made['id']}")
    found.add("/qa/review", "checker", "/qa/review")
    found.add("/qa/disputed", "lead", f"/qa/disputed?item={waiting['item_id']}")
    found.add("/qa/feedback", "reviewer", "/qa/feedback")
    found.add("/qa/objections", "specialist", f"/qa/objections?feedback={first['id']}")
    await _calibration(lead, found)


async def _calibration(lead: httpx.AsyncClient, found: Furnished) -> None:
    now = datetime.now(UTC)
    period = {"since": (now - timedelta(days=7)).isoformat(), "until": (now + timedelta(minutes=1)).isoformat()}
    for number in range(2):
        session = await _sent(await lead.post("/v1/qa/calibrations", json={"title": f"Week {48 + number}", **period}))
        path, item = f"/v1/qa/calibrations/{session['id']}", session["contents"][number]["item_id"]
        agreed = {**RIGHT, "note": "A person is named"}
        await _sent(await lead.put(f"{path}/items/{item}", json=agreed))
        golden = {"item_id": item, "rationale": "Beyond doubt", "calibration_id": session["id"]}
        await _sent(await lead.post("/v1/qa/golden", json=golden))
        found.add("/qa/calibration/{session_id}", "lead", f"/qa/calibration/{session['id']}")
        if number:
            await _sent(await lead.post(f"{path}/close", json={"guidance": "Quotes stay"}))


async def _doubt(callers: dict[str, httpx.AsyncClient], found: Furnished) -> None:
    """Labels that look wrong to a model: one waits, one was corrected."""
    made = [await _decided(callers, f"doubtful-{number}", number) for number in range(2)]
    ids = [one["decision_id"] for one in made]
    lines = [{"id": f"decision:{one}", "quality": 0.1, "suggested_area": "spam"} for one in ids]
    await _sent(await callers["ml"].post("/v1/labels/suspects", json={"bundle": "b" * 64, "suspects": lines}))
    wrong = {"outcome": "label_wrong", "label": {"policy_area": "spam", "severity": 1, "note": "It sells"}}
    await _sent(await callers["specialist"].post(f"/v1/labels/suspects/{ids[0]}/resolve", json=wrong))
    found.add("/cases/{case_id}", "specialist", f"/cases/{made[0]['case']['id']}")


async def _appeals(callers: dict[str, httpx.AsyncClient], found: Furnished) -> None:
    """Appeals: one in hand with what was said of it elsewhere, more that wait, and an address at which to appeal."""
    platform, lead = callers["platform"], callers["lead"]
    for number in range(3):
        made = await _decided(callers, f"appealed-{number}", number + 1)
        language, text = TEXTS[number + 1]
        body = {"decision_id": made["decision_id"], "reasons": text, "language": language, "reference": f"T-{number}"}
        await _sent(await platform.post("/v1/appeals", json=body))
    held = await _sent(await lead.post("/v1/appeals/claim"))
    dispute = {"body": "A certified body", "reference": "ODS-7"}
    await _sent(await lead.post(f"/v1/appeals/{held['appeal_id']}/disputes", json=dispute))
    record = await _sent(await lead.post(f"/v1/appeals/{held['appeal_id']}/escalation", json={}))
    found.add("/escalations/{escalation_id}", "lead", f"/escalations/{record['escalation_id']}")
    made = await _decided(callers, "to-appeal", 0)
    link = await _sent(await platform.post(f"/v1/decisions/{made['decision_id']}/appeal-link", json={}))
    found.add("/appeals/{appeal_id}", "lead", f"/appeals/{held['appeal_id']}")
    found.add("/appeal/{token}", "lead", link["path"])


async def _work(callers: dict[str, httpx.AsyncClient], found: Furnished) -> None:
    """Cases kept back, handed over, asked about, in hand with a picture, decided, and a queue of them."""
    platform, reviewer = callers["platform"], callers["reviewer"]
    keeps: tuple[Keep, ...] = (hold, hand_over, _ask)
    for number, keep in enumerate(keeps):
        language, text = TEXTS[number]
        body = report_body(f"kept-{number}", text=text, language=language)
        await _sent(await platform.post("/v1/reports", json=body | {"deadline": _due("contract", "Contract 7", 8)}))
        claimed = await claim(reviewer)
        await _sent(await keep(reviewer, claimed))
        found.add("/cases/{case_id}", "lead", f"/cases/{claimed['case']['id']}")
    await decided(callers["specialist"], await claim(callers["specialist"]), note="It is about nobody")
    done = await _decided(callers, "done", 3)
    found.add("/cases/{case_id}", "lead", f"/cases/{done['case']['id']}")
    case = await _in_hand(callers)
    found.add("/cases/{case_id}", "reviewer", f"/cases/{case}")
    for number, (language, text) in enumerate(TEXTS):
        body = report_body(f"open-{number}", text=text, language=language, author={"id": "author-0"})
        await _sent(await platform.post("/v1/reports", json=body))
    for role in ("reviewer", "specialist", "ml", "admin"):
        found.add("/console", role, "/console")
    for role in ("reviewer", "specialist", "checker"):
        found.add("/work", role, "/work")
    found.add("/qa/suspects", "specialist", "/qa/suspects")
    # By itself: there is so much else that happened.
    found.add("/admin/audit", "admin", "/admin/audit?kind=labels.suspected")
    found.add("/exposure", "reviewer", "/exposure")


async def _statements(callers: dict[str, httpx.AsyncClient], found: Furnished, app: FastAPI) -> None:
    """What authors are told: a batch with one that the database refused, and what a decision would tell."""
    lead, reviewer = callers["lead"], callers["reviewer"]
    batch = await _sent(await lead.get("/v1/statements/export"))
    refused = [{"puid": batch["statements"][0]["puid"], "message": "The selected content language is invalid."}]
    await _sent(await lead.post("/v1/statements/export/confirm", json={"batch": batch["batch"], "refused": refused}))
    [one, *_] = (await _sent(await lead.get("/v1/statements", params={"state": "refused"})))["statements"]
    found.add("/statements/{statement_id}", "lead", f"/statements/{one['id']}")
    async with app.state.engine.begin() as connection:
        gap = statement(
            "INSERT INTO statement_gaps (decision_id, case_id, policy_area, actions, lacks) SELECT decision_id, case_id,"
            " policy_area, '{remove}', 'statement.content_date: Field required' FROM statements WHERE id = :id RETURNING decision_id"
        )
        missing = (await connection.execute(gap, {"id": one["id"]})).scalar_one()
    found.add("/statements/missing/{decision_id}", "lead", f"/statements/missing/{missing}")
    [held, *_] = (await _sent(await reviewer.get("/v1/leases")))["leases"]
    for page in ("statement", "statements"):
        address = f"/cases/{held['case_id']}/{page}"
        found.add(f"/cases/{{case_id}}/{page}", "reviewer", address)


async def _matrix(lead: httpx.AsyncClient) -> None:
    """A version of the matrix of clocks that nobody asked the product for."""
    at_work = await _sent(await lead.get("/v1/sla"))
    body = {"text": at_work["text"], "based_on": at_work["version"], "owner": "Escalations", "reason": "As agreed"}
    await _sent(await lead.post("/v1/sla", json=body))


async def _raised(callers: dict[str, httpx.AsyncClient], found: Furnished) -> None:
    """An escalation that lacks something, with a checklist and mails, all of them with markup where others write."""
    fields = {
        "account_ids": "shop-1",
        "description": f"{MARKUP} Our page was blocked before the sale.",
        "requester_email": "nobody",
        "requester_organisation": WORD,
    }
    body = {
        "source": "advertiser",
        "trigger": "blocked_account",
        "fields": fields,
        "language": "es",
        "title": "The page of a shop",
        "summary": "Blocked before the sale",
        "assets": [{"kind": "page", "id": "shop-1"}],
        "media": [{"media_id": await upload(callers["platform"], jpeg(scene())), "name": "page.jpg"}],
    }
    made = await _sent(await callers["platform"].post("/v1/escalations", json=body))
    path = f"/v1/escalations/{made['escalation_id']}"
    given = {"fields": {"requester_reference": MARKUP}}
    await _sent(await callers["specialist"].post(f"{path}/information", json=given))
    await _sent(await callers["specialist"].put(f"{path}/checklist/evidence_read", json={"done": True}))
    for number, (language, text) in enumerate(TEXTS):
        mail = EmailMessage()
        mail["From"] = f"{language} <shop-{number}@people.example>"
        mail["Subject"] = f"[{made['reference']}] {MARKUP} {text[:100]}"
        mail.set_content(f"{MARKUP}\n\n{text}")
        mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename=f"{MARKUP}{WORD}.pdf")
        headers = {"Content-Type": "message/rfc822"}
        await _sent(await callers["platform"].post("/v1/mail", content=mail.as_bytes(), headers=headers))
    away = f"From: a@people.example\r\nAuto-Submitted: auto-replied\r\nSubject: {MARKUP}\r\n\r\n{MARKUP}".encode()
    await _sent(await callers["platform"].post("/v1/mail", content=away, headers={"Content-Type": "message/rfc822"}))
    found.add("/escalations/{escalation_id}", "lead", f"/escalations/{made['escalation_id']}")
    for role, form in (("reviewer", "user/blocked_account"), ("lead", "law_enforcement/information_request")):
        found.add("/escalations/new/{source}/{trigger}", role, f"/escalations/new/{form}")


async def _kept_searches(lead: httpx.AsyncClient) -> None:
    """One that is pinned and shared, with markup in what it asks for, and one under another name than at first."""
    asked = '"<img src=x onerror=pwned()>" kept'
    body = {"name": "Everybody's", "query": asked, "shared": True, "pinned": True}
    await _sent(await lead.post("/v1/views", json=body))
    made = await _sent(await lead.post("/v1/views", json={"name": "First", "query": "status:open"}))
    await _sent(await lead.patch(f"/v1/views/{made['id']}", json={"name": "Then", "query": asked}))


def _due(kind: str, basis: str, hours: float) -> Body:
    return {"kind": kind, "basis": basis, "due_at": (datetime.now(UTC) + timedelta(hours=hours)).isoformat()}


async def _ask(reviewer: httpx.AsyncClient, claimed: Body) -> httpx.Response:
    proposal = {**RIGHT, "note": "I would take it down"}
    body = {"lease_token": claimed["lease"]["token"], "question": "Is this about a person?", "proposal": proposal}
    return await reviewer.post(f"/v1/cases/{claimed['case']['id']}/second-opinion", json=body)


async def _in_hand(callers: dict[str, httpx.AsyncClient]) -> str:
    """A case with everything that a case can have, in the reviewer's hands; its id."""
    platform, reviewer = callers["platform"], callers["reviewer"]
    media = await upload(platform, jpeg(scene()))
    body = report_body("in-hand", text=TEXTS[0][1], media=[media], author={"id": "author-0"})
    body["deadline"] = _due("contract", "Contract 7", 8)
    await _sent(await platform.post("/v1/reports", json=body))
    for number, reason in enumerate(("spam", "our own word for it")):
        more = body | {"reason": reason, "note": TEXTS[number + 1][1], "reporter": {"id": f"reporter-{number}"}}
        await _sent(await platform.post("/v1/reports", json=more))
    claimed = await claim(reviewer)
    case, token = claimed["case"]["id"], claimed["lease"]["token"]
    clock = _due("legal", "DSA Art. 16", 4) | {"reason": "A regulator asks"}
    await _sent(await platform.post(f"/v1/cases/{case}/clocks", json=clock))
    reveal = {"lease_token": token, "reason": "Text in the picture"}
    await _sent(await reviewer.post(f"/v1/media/{media}/reveal", json=reveal))
    await _sent(await reviewer.post(f"/v1/cases/{case}/notes", json={"body": "The same picture as last week"}))
    draft = {"note": "Half a sentence", "actions": ["remove"], "policy_area": "harassment", "severity": 2}
    await _sent(await reviewer.put(f"/v1/cases/{case}/draft", json={"lease_token": token, "body": draft}))
    return str(case)


async def _improvements(callers: dict[str, httpx.AsyncClient], found: Furnished) -> None:
    """An escalation with a root cause, actions in several states, and a narrative that was made twice."""
    specialist = callers["specialist"]
    record = await _record(specialist)
    address = f"/v1/escalations/{record}"
    whys = [{"why": "Why was it late?", "because": "Nobody saw it on a Sunday"}]
    cause = {"code": "process", "subcode": "late", "whys": whys, "factors": ["A holiday"]}
    await _sent(await specialist.put(f"{address}/cause", json=cause))
    made: Body = {}
    for number, due in enumerate(("2026-01-31", "2036-01-31")):
        body = {"direction": "upstream", "title": f"Watch the inbox {number}", "team": "Operations", "due_on": due}
        made = await _sent(await specialist.post(f"{address}/improvements", json=body))
        change = {"revision": 1, "state": "doing", "note": "Half done", **({"team": "Weekend team"} if number else {})}
        await _sent(await specialist.patch(f"/v1/improvements/{made['id']}", json=change))
    done = {"revision": 2, "state": "done", "done_on": "2026-06-01"}
    await _sent(await specialist.patch(f"/v1/improvements/{made['id']}", json=done))
    for form in ("full", "full", "brief"):
        line = {"audience": "internal", "form": form, "bottom_line": f"It was late; it is mended ({form})"}
        kept = await _sent(await specialist.post(f"{address}/narratives", json=line))
        found.add(
            "/escalations/{escalation_id}/narrative",
            "specialist",
            f"/escalations/{record}/narrative?shown={kept['id']}",
        )
    found.add("/escalations/{escalation_id}/narrative", "specialist", f"/escalations/{record}/narrative")
    found.add("/escalations/{escalation_id}", "specialist", f"/escalations/{record}")


async def _record(caller: httpx.AsyncClient) -> str:
    """An escalation straight through its workflow; its id."""
    transport: Any = caller._transport
    app = getattr(transport, "_inner", transport).app
    async with app.state.engine.begin() as connection:
        me = (
            await connection.execute(statement("SELECT id FROM principals WHERE username = 'test-specialist'"))
        ).scalar_one()
        new = NewEscalation(source="press", trigger="press_query", title="A newspaper asks", policy_area="harassment")
        return str(await open_escalation(connection, new, opened_by=me))
