"""A reply from its template to the moment that it is sent: filled in, checked, approved by another person."""

from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from service.escalations.workflow import Said, say
from service.replies.approval import configured
from service.settings import Settings, SettingsError
from tests.service.escalations.steps import opened
from tests.service.policies.steps import published
from tests.service.replies.steps import TEXT, act, begun, done, written
from tests.service.steps import assert_error, query, rewrite, value

EMAIL = "robin@daily.example"


@pytest.fixture
async def press(app: FastAPI, database: str, colleague: httpx.AsyncClient) -> UUID:
    """A record whose replies another person approves."""
    return await opened(app, database)


@pytest.fixture
async def user(app: FastAPI, database: str, colleague: httpx.AsyncClient) -> UUID:
    """A record whose replies nobody has to approve."""
    return await opened(app, database, source="user", trigger="user_report")


async def test_a_reply_begins_with_what_is_known_and_says_what_is_not(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, settings: Settings
) -> None:
    app.state.settings = settings.model_copy(update={"reply_policy_link": "https://platform.example/rules/{area}"})
    await published(lead)
    record = await opened(
        app,
        database,
        source="user",
        trigger="user_report",
        language="es",
        policy_area="harassment",
        jurisdiction="DE",
        received_at="2026-11-29T23:30:00+00:00",
        requester={"name": "Robin {{ fill: x }}", "email": EMAIL},
        assets=[{"kind": "account", "id": "acc-7"}],
    )
    reply = await begun(colleague, record, "decision")
    number = value(database, "SELECT number FROM escalations")
    assert (reply["language"], reply["subject"], reply["recipients"]) == (
        "es",
        "Decisión sobre lo que denunció",
        [EMAIL],
    )
    assert "Hola, Robin { { fill: x } }:" in reply["body"], "nobody outside plants a placeholder"
    assert "el 30 de noviembre de 2026 sobre acc-7" in reply["body"], "the day is that of the reader"
    assert "Bullying and harassment, https://platform.example/rules/harassment" in reply["body"]
    assert "seis meses" in reply["body"]
    assert "Confianza y Seguridad" in reply["body"]
    assert f"E-{number}" not in reply["body"], "the subject of the mail has it"
    assert [one["found"] for one in reply["problems"]] == [
        "{{ decision }}",
        "{{ fill: cómo se aplica la política, con palabras sencillas }}",
    ]
    assert [(step["source"], step["area"], step["found"]) for step in reply["steps"]] == [
        ("user", "harassment", False),
        ("user", None, True),
    ]
    told = assert_error(await act(colleague, reply, "send"), 422, "reply_refused")
    assert all(one["found"] in told for one in reply["problems"])


async def test_the_template_that_fits_best_is_taken_and_the_steps_are_shown(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    record = await opened(app, database, policy_area="child_safety", language="pt")
    reply = await begun(colleague, record, "holding")
    assert [(one["source"], one["language"], one["found"]) for one in reply["steps"]] == [
        ("press", "pt", False),
        ("press", "pt", False),
        (None, "pt", False),
        ("press", "en", True),
    ]
    assert reply["language"] == "en"
    await done(colleague, reply, "discard")
    own = {
        "source": "press",
        "area": "child_safety",
        "language": "pt",
        "purpose": "holding",
        "owner": "Press desk",
        "subject": "A sua pergunta",
        "body": "Bom dia {{ requester_name }},\n\n{{ team }}",
        "reason": "Portugal",
    }
    made = (await lead.post("/v1/replies/templates", json=own)).json()
    assert (made["version"], made["state"], made["shipped"]) == (1, "in_force", False)
    reply = await begun(colleague, record, "holding")
    assert reply["body"].startswith("Bom dia Robin Reader,")
    assert reply["template"] == {"id": made["id"], "version": 1}
    await done(colleague, reply, "discard")
    coming = (await lead.post("/v1/replies/templates", json=own | {"effective_at": "2099-01-01T00:00:00Z"})).json()
    assert (coming["version"], coming["state"]) == (2, "coming")
    off = (await lead.post("/v1/replies/templates", json=own | {"offered": False})).json()
    assert (await begun(colleague, record, "holding"))["language"] == "en", "taken out of use"
    versions = (await lead.post(f"/v1/replies/templates/{off['id']}/withdraw")).json()["versions"]
    assert [(one["version"], one["state"]) for one in versions] == [(3, "withdrawn"), (2, "coming"), (1, "in_force")]
    assert_error(await lead.post(f"/v1/replies/templates/{off['id']}/withdraw"), 404, "not_found")


async def test_templates_that_cannot_be_are_refused(lead: httpx.AsyncClient, colleague: httpx.AsyncClient) -> None:
    shipped = (await colleague.get("/v1/replies/templates?source=press&language=en&purpose=final")).json()["templates"]
    [press] = shipped
    assert press["shipped"]
    assert_error(await lead.post(f"/v1/replies/templates/{press['id']}/withdraw"), 422, "invalid_request")
    given = {name: press[name] for name in ("source", "language", "purpose", "subject", "body", "owner", "reason")}
    told = assert_error(
        await lead.post("/v1/replies/templates", json=given | {"body": "Hello\n{{ oner }}"}), 422, "invalid_request"
    )
    assert "body: line 2, column 1: there is no placeholder 'oner'" in told
    for wrong in ({"subject": "a\r\nBcc: x@y.example"}, {"effective_at": "2020-01-01T00:00:00Z"}, {"purpose": "other"}):
        assert_error(await lead.post("/v1/replies/templates", json=given | wrong), 422, "invalid_request")
    assert_error(await lead.post("/v1/replies/templates", json=given | {"area": "weather"}), 422, "unknown_label")
    again = (await lead.post("/v1/replies/templates", json=given)).json()
    assert again["version"] == 2, "what comes with the product is version 1"


async def test_nothing_internal_no_staff_and_no_stranger_gets_into_a_reply(
    app: FastAPI, database: str, press: UUID, user: UUID, colleague: httpx.AsyncClient
) -> None:
    note = "Between us the account belongs to a minister and we wait for Legal"
    async with app.state.engine.begin() as connection:
        await say(connection, press, Said("internal", "note", note))
    advice = "You may say that the posts are down but never that a court asked for it"
    query(
        database,
        """
        INSERT INTO consults (id, escalation_id, team, question, privileged, asked_by, warn_at, due_at, pauses, status, answer,
                              answered_at)
        SELECT gen_random_uuid(), %s, 'legal', 'May we?', true, id, now(), now() + interval '1 hour', false, 'answered', %s, now()
        FROM principals LIMIT 1
        """,
        press,
        advice,
    )
    body = f"{note}.\nYour contact is test-lead, or call +44 20 7946 0000.\nWe wrote to {EMAIL}.\n{advice}"
    reply = await written(colleague, press, body)
    assert [(one["check"], one["line"]) for one in reply["problems"]] == [
        ("internal", 1),
        ("staff", 2),
        ("personal", 2),
        ("internal", 4),
    ]
    for verb in ("send", "submit"):
        assert_error(await act(colleague, reply, verb), 422, "reply_refused")
    stranger = await act(colleague, reply, "change", recipients=["somebody@else.example"])
    assert "somebody@else.example" in assert_error(stranger, 422, "invalid_request")
    other = await written(colleague, user, note)
    assert other["problems"] == [], "it is internal to the other record"


async def test_a_word_that_is_a_user_name_as_well_goes_out_once_a_person_says_that_nobody_is_meant(
    user: UUID, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    query(database, "UPDATE principals SET username = 'may' WHERE username = 'test-reviewer'")
    reply = await written(colleague, user, "Some of it was posted in May, some after May; you may appeal.")
    assert [(one["check"], one["found"]) for one in reply["problems"]] == [("namesake", "May")] * 2
    assert "confirm" in assert_error(await act(colleague, reply, "submit"), 422, "reply_refused")
    waits = await done(colleague, reply, "submit", namesakes=["May"])
    assert_error(await act(lead, waits, "approve", namesakes=["Rose"]), 422, "reply_refused")
    ready = await done(lead, waits, "approve", namesakes=["May"])
    await done(colleague, ready, "send", namesakes=["May"])
    kept = query(database, "SELECT count(*) FROM events WHERE data -> 'namesakes' = '[\"May\"]'")
    assert kept == [(3,)]
    signed = await written(colleague, user, "Regards,\nMay")
    assert_error(await act(colleague, signed, "send", namesakes=["May"]), 422, "reply_refused")


async def test_what_the_press_is_told_is_approved_by_another_person_and_goes_out_as_approved(
    press: UUID, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    reply = await written(colleague, press)
    assert reply["approval"] == ["Whatever the press is told is approved first."]
    assert_error(await act(colleague, reply, "send"), 409, "approval_needed")
    assert_error(await act(lead, reply, "approve"), 409, "reply_changed")
    reply = await done(colleague, reply, "submit")
    [waits] = (await lead.get("/v1/replies/waiting")).json()["waiting"]
    assert (waits["id"], waits["writers"]) == (reply["id"], ["test-specialist"])
    back = await done(lead, reply, "return", reason="Say when")
    assert (back["state"], back["returned_reason"], back["returned_by"]) == ("draft", "Say when", "test-lead")
    reply = await done(colleague, await done(colleague, back, "change", body=f"{TEXT}\nToday."), "submit")
    approved = await done(lead, reply, "approve")
    assert (approved["state"], approved["approved_by"]) == ("approved", "test-lead")
    same = await done(colleague, approved, "change")
    assert (same["state"], same["version"]) == ("approved", approved["version"]), "nothing changed"
    edited = await done(colleague, approved, "change", body=TEXT)
    assert (edited["state"], edited["approved_by"]) == ("draft", None)
    assert_error(await act(colleague, edited, "send"), 409, "approval_needed")
    assert_error(await act(colleague, approved, "send"), 409, "reply_changed")
    final = await done(lead, await done(colleague, edited, "submit"), "approve")
    query(database, "UPDATE replies SET body = body || ' And more.'")
    assert_error(await act(colleague, final, "send"), 409, "reply_changed")
    query(database, "UPDATE replies SET body = %s", TEXT)
    assert (await done(colleague, final, "send"))["state"] == "sent"
    assert value(database, "SELECT body FROM reply_deliveries") == TEXT


async def test_whoever_wrote_in_a_reply_does_not_approve_it(
    press: UUID, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    reply = await done(colleague, await written(lead, press), "submit")
    assert_error(await act(lead, reply, "approve"), 403, "own_reply")
    both = await done(colleague, reply, "change", body=f"{TEXT} Now.")
    assert both["writers"] == ["test-lead", "test-specialist"]
    both = await done(colleague, both, "submit")
    assert_error(await act(lead, both, "approve"), 403, "own_reply")
    with pytest.raises(Exception, match="violates check constraint"):
        query(database, "UPDATE replies SET approved_by = writers[1], approved_hash = '\\x00'")


async def test_two_people_do_not_overwrite_or_double_each_other(
    user: UUID, colleague: httpx.AsyncClient, writer: httpx.AsyncClient
) -> None:
    reply = await begun(colleague, user)
    taken = await writer.post(f"/v1/escalations/{user}/replies", json={"purpose": "final"})
    assert_error(taken, 409, "reply_open")
    theirs = await done(writer, reply, "change", body="Their words")
    assert_error(await act(colleague, reply, "change", body="My words"), 409, "reply_changed")
    assert_error(await act(colleague, reply, "discard"), 409, "reply_changed")
    await done(writer, theirs, "discard")
    listed = (await colleague.get(f"/v1/escalations/{user}/replies")).json()
    assert (listed["replies"], listed["addresses"], listed["sender"]) == ([], [EMAIL], "smtp")


async def test_out_of_scope_nothing_of_a_reply_exists(
    app: FastAPI, database: str, lead: httpx.AsyncClient, colleague: httpx.AsyncClient
) -> None:
    record = await opened(
        app, database, source="user", trigger="user_report", confidentiality="confidential", by="test-lead"
    )
    reply = await done(lead, await written(lead, record), "submit")
    address = f"/v1/escalations/{record}/replies"
    assert_error(await colleague.get(address), 404, "not_found")
    assert_error(await colleague.post(address, json={"purpose": "final"}), 404, "not_found")
    for verb in ("change", "submit", "send", "discard", "undo"):
        assert_error(await act(colleague, reply, verb), 404, "not_found")
    assert (await lead.get("/v1/replies/waiting")).json()["waiting"] != []
    await done(lead, await done(lead, reply, "change", body=f"{TEXT} Now."), "discard")
    other = await opened(app, database, source="user", trigger="user_report")
    assert_error(await act(colleague, reply | {"escalation_id": other}, "send"), 404, "not_found")


async def test_a_resolved_record_and_one_without_an_address_get_no_reply(
    app: FastAPI, database: str, user: UUID, colleague: httpx.AsyncClient
) -> None:
    silent = await opened(app, database, source="user", trigger="user_report", requester={"name": "Robin"})
    reply = await written(colleague, silent, recipients=[])
    assert [(one["check"], one["mend"]) for one in reply["problems"]] == [
        ("recipient", "whoever raised it gave no address")
    ]
    reply = await written(colleague, user)
    rewrite(database, """UPDATE escalations SET requester = '{"email": "new@daily.example"}'""")
    assert EMAIL in assert_error(await act(colleague, reply, "send"), 422, "reply_refused"), "it is theirs no more"
    query(database, "UPDATE escalations SET status = 'resolved', resolution = 'answered', resolved_at = now()")
    assert_error(await act(colleague, reply, "send"), 409, "escalation_closed")
    assert_error(await act(colleague, reply, "change", body="x"), 409, "escalation_closed")
    await done(colleague, reply, "discard")
    missing = reply | {"id": str(uuid4())}
    assert_error(await act(colleague, missing, "discard"), 404, "not_found")


def test_rules_of_approval_are_read_and_refused_with_the_place(settings: Settings, tmp_path: object) -> None:
    assert configured(settings).rules
    path = settings.data_dir.parent / "approval.toml"
    path.write_text('version = "2"\n[[rules]]\nsources = ["weather"]\nreason = "x"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"rules\.0\.sources\.0"):
        configured(settings.model_copy(update={"reply_approval": path}))
    with pytest.raises(ValueError, match="TRIAGE_SMTP_HOST"):
        Settings(reply_sender="smtp")
    with pytest.raises(ValueError, match="TRIAGE_SMTP_TLS=none"):
        Settings(reply_sender="smtp", smtp_host="mail.example", smtp_from="a@b.example", smtp_tls="none")
