"""Filing a form: refused with every field named, or taken in whole, incomplete, once, and as closed as its path says."""

from uuid import uuid4

import httpx
import pytest

from service.sla import workflow as sla
from tests.service.intake.steps import CHILD_SAFETY, COMPLAINT, NOTICE, PRESS, filed, record, said, without
from tests.service.media.pictures import png
from tests.service.steps import assert_error, query, report, value


async def test_a_whole_form_opens_a_record_and_tells_who_raised_it(reviewer: httpx.AsyncClient, database: str) -> None:
    answer = await filed(reviewer)

    row = record(database, answer["number"])
    assert row["title"] == "Press query: The Daily"
    assert row["summary"] == "Why was this removed?"
    assert row["requester"]["email"] == "robin@daily.example"
    assert (row["status"], row["confidentiality"], row["path"]) == ("new", "normal", None)
    assert answer["reference"] == f"E-{answer['number']}"
    assert answer["missing"] == []
    assert answer["question"] is None
    [(direction, kind, body)] = said(database, answer["number"])
    assert (direction, kind, body) == ("outbound", "receipt", answer["receipt"])
    assert answer["reference"] in body
    assert "test-reviewer" not in body


async def test_a_persons_incomplete_form_is_refused_with_every_field(
    reviewer: httpx.AsyncClient, database: str
) -> None:
    body = without(NOTICE, "good_faith", "requester_name", urls="platform.example/1", requester_email="nobody")
    answer = await reviewer.post("/v1/escalations", json=body)

    lines = assert_error(answer, 422, "invalid_request").split("\n")
    assert lines == [
        "fields.urls: address 1 is none: write it whole, with https:// in front",
        "fields.requester_name: this is needed",
        "fields.requester_email: write one e-mail address, such as name@host.example",
        "fields.good_faith: tick this to state it",
    ]
    assert value(database, "SELECT count(*) FROM escalations") == 0


async def test_what_came_from_outside_is_taken_in_and_asked_about(
    platform: httpx.AsyncClient, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[str] = []

    async def pause(_connection: object, _escalation: object, *, reason: str, actor: object) -> None:
        paused.append(reason)

    monkeypatch.setattr(sla, "pause", pause)
    answer = await filed(platform, without(NOTICE, "good_faith", urls="over there"))

    assert answer["status"] == "needs_information"
    assert [one["field"] for one in answer["missing"]] == ["urls", "good_faith"]
    row = record(database, answer["number"])
    assert row["status"] == "needs_information"
    assert row["fields"]["urls"] == "over there"
    receipt, question = said(database, answer["number"])
    assert receipt[:2] == ("outbound", "receipt")
    assert question[:2] == ("outbound", "question")
    assert "die genauen Adressen" in question[2]
    assert "richtig und vollständig" in question[2]
    assert len(paused) == 1


async def test_what_was_missing_is_added_and_the_record_goes_on(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    answer = await filed(platform, without(NOTICE, "good_faith", "urls"))
    path = f"/v1/escalations/{answer['escalation_id']}/information"

    given = {"fields": {"urls": "https://platform.example/posts/1"}}
    assert_error(await reviewer.post(path, json=given), 404, "not_found")
    some = (await platform.post(path, json=given)).json()
    assert some["status"] == "needs_information"
    assert [one["field"] for one in some["missing"]] == ["good_faith"]
    odd = await colleague.post(path, json={"fields": {"colour": "red"}})
    assert "fields.colour" in assert_error(odd, 422, "invalid_request")
    rest = (await colleague.post(path, json={"fields": {"good_faith": "yes"}})).json()

    assert rest == {"status": "new", "missing": []}
    row = record(database, answer["number"])
    assert row["fields"]["urls"] == "https://platform.example/posts/1"
    assert row["status"] == "new"
    assert said(database, answer["number"])[-1][:2] == ("inbound", "note")
    assert_error(await colleague.post(path, json=given), 409, "transition_refused")
    assert_error(await colleague.post(f"/v1/escalations/{uuid4()}/information", json=given), 404, "not_found")


async def test_an_order_may_turn_out_to_have_come_earlier_and_never_later(
    platform: httpx.AsyncClient, database: str
) -> None:
    body = {"source": "regulator", "trigger": "removal_order", "fields": {"received": "2126-01-01T00:00:00+00:00"}}
    answer = await filed(platform, body)
    assert value(database, "SELECT received_at <= now() FROM escalations"), "a clock of the law would begin late"

    path = f"/v1/escalations/{answer['escalation_id']}/information"
    for moment in ("2026-11-01T08:00:00+01:00", "2026-11-02T08:00:00+01:00"):
        given = await platform.post(path, json={"fields": {"received": moment}})
        assert given.status_code == 200, given.text
    assert record(database, answer["number"])["received_at"].startswith("2026-11-01T07:00:00")


async def test_the_same_key_and_body_store_nothing_again(platform: httpx.AsyncClient, database: str) -> None:
    headers = {"Idempotency-Key": "once"}
    first = await platform.post("/v1/escalations", json=PRESS, headers=headers)
    again = await platform.post("/v1/escalations", json=PRESS, headers=headers)
    other = await platform.post("/v1/escalations", json={**PRESS, "title": "Other"}, headers=headers)

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert_error(other, 409, "idempotency_conflict")
    assert value(database, "SELECT count(*) FROM escalations") == 1


async def test_whoever_files_something_restricted_is_told_its_number_and_no_more(
    reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    body = {**CHILD_SAFETY, "fields": {**CHILD_SAFETY["fields"], "requester_name": "Ana Diaz"}}
    answer = await filed(reviewer, body)

    assert answer["escalation_id"] is None
    assert set(answer) == {"escalation_id", "number", "reference", "status", "receipt", "question", "missing"}
    row = record(database, answer["number"])
    assert (row["confidentiality"], row["path"], row["severity"]) == ("restricted", "child_safety", 4)
    assert "Ana" not in row["title"]
    assert "platform.example" not in answer["receipt"]
    for path in ("", "/checklist", "/mails", "/messages"):
        assert_error(await lead.get(f"/v1/escalations/{row['id']}{path}"), 404, "not_found")


@pytest.mark.parametrize("source", ["law_enforcement", "regulator"])
async def test_a_path_may_depend_on_the_source(lead: httpx.AsyncClient, database: str, source: str) -> None:
    fields = {
        "order_number": "A-1",
        "authority": "Prosecutor of Example",
        "legal_basis": "Example Act, section 1",
        "received": "2026-11-30T08:00+01:00",
        "account_ids": "account-1",
        "information_wanted": "Who opened it",
    }
    answer = await filed(lead, {"source": source, "trigger": "information_request", "fields": fields})

    row = record(database, answer["number"])
    restricted = source == "law_enforcement"
    assert row["path"] == ("law_enforcement" if restricted else None)
    assert row["confidentiality"] == ("restricted" if restricted else "confidential")
    assert row["received_at"].startswith("2026-11-30T07:00:00")


async def test_content_is_put_into_review_and_known_cases_are_linked(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    known = await report(platform, "post-7")
    content = [
        {"id": "post-8", "kind": "comment", "text": "what post-8 says", "language": "en"},
        {"id": "shop-2", "kind": "account", "text": "what shop-2 says of itself", "language": "en"},
    ]
    assets = [{"kind": "post", "id": "post-7"}, {"kind": "business", "id": "shop-1"}]
    answer = await filed(platform, COMPLAINT, content=content, assets=assets, high_profile=True)

    links = query(
        database,
        "SELECT kind, case_id::text, external_id FROM escalation_links WHERE escalation_id = %s ORDER BY kind, external_id",
        answer["escalation_id"],
    )
    [(made,)] = query(
        database,
        "SELECT c.id::text FROM cases c JOIN subjects s ON s.id = c.subject_id WHERE s.external_id = 'post-8'"
        " AND c.flags @> '{high_profile}'",
    )
    assert {known["case_id"], made} < {case for kind, case, _ in links if kind == "case"}
    assert {(kind, name) for kind, _, name in links if kind != "case"} == {
        ("account", "shop-2"),
        ("business", "shop-1"),
        ("post", "post-7"),
        ("post", "post-8"),
    }


async def test_what_a_source_may_not_raise_and_what_no_form_asks_for_is_refused(
    platform: httpx.AsyncClient, database: str
) -> None:
    wrong = await platform.post("/v1/escalations", json={**PRESS, "trigger": "counter_notice"})
    assert "press_query" in assert_error(wrong, 422, "invalid_request")
    misspelt = await platform.post("/v1/escalations", json=without(PRESS, qestion="Why?"))
    assert assert_error(misspelt, 422, "invalid_request") == "fields.qestion: the form has no such field"
    area = await platform.post("/v1/escalations", json={**PRESS, "policy_area": "nonsense"})
    assert "policy_area" in assert_error(area, 422, "invalid_request")
    media = await platform.post("/v1/escalations", json={**PRESS, "media": [str(uuid4())]})
    assert_error(media, 422, "unknown_media")
    assert value(database, "SELECT count(*) FROM escalations") == 0


async def test_the_forms_say_what_is_needed(reviewer: httpx.AsyncClient) -> None:
    answer = (await reviewer.get("/v1/escalation-forms")).json()

    forms = {(one["source"], form["trigger"]): form for one in answer["sources"] for form in one["forms"]}
    notice = {one["id"]: one["required"] for one in forms["trusted_flagger", "dsa_notice"]["fields"]}
    assert all(notice[name] for name in ("reasons", "urls", "requester_name", "requester_email", "good_faith"))
    waived = {one["id"]: one["required"] for one in forms["user", "child_sexual_exploitation"]["fields"]}
    assert not waived["requester_name"]
    assert not waived["requester_email"]
    assert forms["user", "child_sexual_exploitation"]["path"] == "child_safety"


async def test_a_checklist_is_ticked_by_name_and_opened_again(colleague: httpx.AsyncClient, database: str) -> None:
    answer = await filed(colleague, COMPLAINT)
    path = f"/v1/escalations/{answer['escalation_id']}/checklist"
    before = (await colleague.get(path)).json()
    assert before["open"] == len(before["items"]) == 7

    await colleague.put(f"{path}/identity_confirmed", json={"done": True})
    after = (await colleague.put(f"{path}/identity_confirmed", json={"done": True})).json()
    [ticked] = [one for one in after["items"] if one["ticked_at"]]
    assert (ticked["item"], ticked["ticked_by"], after["open"]) == ("identity_confirmed", "test-specialist", 6)
    again = (await colleague.put(f"{path}/identity_confirmed", json={"done": False})).json()
    assert again["open"] == 7
    kinds = query(database, "SELECT kind FROM events WHERE kind LIKE 'intake.%%' ORDER BY id")
    assert kinds == [("intake.checked",), ("intake.unchecked",)]
    assert_error(await colleague.put(f"{path}/reproduced", json={"done": True}), 404, "not_found")


INTIMATE: dict[str, object] = {
    "source": "user",
    "trigger": "intimate_image",
    "fields": {
        "urls": "https://platform.example/posts/1",
        "no_consent": "yes",
        "depicted": "whoever raises it",
        "requester_email": "ana@mail.example",
        "signature": "Ana Diaz",
    },
}


@pytest.mark.parametrize(
    ("body", "changes", "kept"),
    [
        (INTIMATE, {}, "confidential"),
        (PRESS, {"policy_area": "child_safety"}, "confidential"),
        (PRESS, {"confidentiality": "confidential"}, "confidential"),
        (PRESS, {"policy_area": "self_harm"}, "normal"),
        (INTIMATE, {"confidentiality": "normal"}, None),
    ],
)
async def test_a_record_is_as_closed_as_its_form_its_area_or_whoever_files_it_says(
    reviewer: httpx.AsyncClient,
    database: str,
    body: dict[str, object],
    changes: dict[str, object],
    kept: str | None,
) -> None:
    answer = await reviewer.post("/v1/escalations", json={**body, **changes})
    if kept is None:
        assert assert_error(answer, 422, "invalid_request").startswith("confidentiality: ")
        return
    assert answer.status_code == 201, answer.text
    assert record(database, answer.json()["number"])["confidentiality"] == kept


async def test_files_come_along_by_name_and_of_a_child_nothing_is_kept(
    reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    sent = await reviewer.post("/v1/media", files={"file": ("proof.png", png(), "image/png")})
    assert sent.status_code == 201, sent.text
    medium = sent.json()["media_id"]
    answer = await filed(reviewer, media=[{"media_id": medium, "name": "proof.png"}])
    kept = (await lead.get(f"/v1/escalations/{answer['escalation_id']}/attachments")).json()["attachments"]
    assert [(one["name"], one["medium"]["id"]) for one in kept] == [("proof.png", medium)]
    refused = await reviewer.post("/v1/escalations", json={**CHILD_SAFETY, "media": [medium]})
    assert "nothing is kept" in assert_error(refused, 422, "invalid_request")
    content = {"id": "post-1", "kind": "post", "text": "", "media": [medium]}
    refused = await reviewer.post("/v1/escalations", json={**CHILD_SAFETY, "content": [content]})
    assert "nothing is kept" in assert_error(refused, 422, "invalid_request")
    # Nor later, by those who see the record.
    query(database, "INSERT INTO path_members SELECT 'child_safety', id FROM principals WHERE username = 'test-lead'")
    named = (await lead.get(f"/v1/escalations/{answer['escalation_id']}")).json()
    closed = {"confidentiality": "restricted", "path": "child_safety", "reason": "A child", "version": named["version"]}
    assert (await lead.patch(f"/v1/escalations/{named['id']}", json=closed)).status_code == 200
    late = await lead.post("/v1/media", files={"file": ("late.png", png(), "image/png")})
    path = f"/v1/escalations/{named['id']}/attachments"
    refused = await lead.post(path, json={"media_id": late.json()["media_id"]})
    assert "nothing is kept" in assert_error(refused, 422, "invalid_request")
    assert "attach-form" not in (await lead.get(f"/escalations/{named['id']}")).text
    assert_error(await reviewer.post("/v1/escalations", json={**PRESS, "media": [str(uuid4())]}), 422, "unknown_media")
    assert value(database, "SELECT count(*) FROM escalations") == 1
