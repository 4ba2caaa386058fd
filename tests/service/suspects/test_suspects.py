"""Labels that look wrong: handed in by machines, looked at by somebody else than decided, once, and told where they cannot be."""

import asyncio
import json
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from service.suspects import workflow
from tests.service.quality.verbs import ALLOWED, checked, disputed, gets, plan
from tests.service.steps import Body, assert_error, claim, decided, query, report, rewrite, value

BUNDLE = "b" * 64
INSTEAD: Body = {"policy_area": "spam", "severity": 1, "note": "it sells something"}


def line(decision: str, quality: float = 0.1, suggested: str = "benign", **fields: object) -> Body:
    return {"id": f"decision:{decision}", "quality": quality, "suggested_area": suggested, **fields}


async def hand_in(ml: httpx.AsyncClient, *lines: Body) -> Body:
    answer = await ml.post("/v1/labels/suspects", json={"bundle": BUNDLE, "suspects": list(lines)})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def decision(platform: httpx.AsyncClient, person: httpx.AsyncClient, subject: str = "post-1") -> str:
    await report(platform, subject)
    return str((await decided(person, await claim(person)))["decision_id"])


async def waiting(person: httpx.AsyncClient) -> list[str]:
    answer = await person.get("/v1/labels/suspects")
    assert answer.status_code == 200, answer.text
    assert answer.json()["waiting"] == len(answer.json()["suspects"])
    return [one["decision_id"] for one in answer.json()["suspects"]]


async def resolve(
    person: httpx.AsyncClient, made: str, outcome: str = "label_wrong", **label: object
) -> httpx.Response:
    """Say whether a label holds; a wrong one is spam unless `label` says otherwise."""
    body = {"outcome": outcome, **({"label": {**INSTEAD, **label}} if outcome == "label_wrong" else {})}
    return await person.post(f"/v1/labels/suspects/{made}/resolve", json=body)


async def exported(ml: httpx.AsyncClient) -> dict[str, Body]:
    rows = [json.loads(one) for one in (await ml.get("/v1/labels")).text.splitlines()]
    return {row["id"].removeprefix("decision:"): row for row in rows}


async def test_the_most_doubtful_come_first_to_everybody_but_who_decided(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, ml: httpx.AsyncClient
) -> None:
    first, second = [await decision(platform, reviewer, f"post-{n}") for n in range(2)]
    own = await decision(platform, colleague, "post-2")
    told = await hand_in(
        ml, line(first, 0.4), line(second, 0.05, "spam", issue=True, area="harassment"), line(own, 0.01)
    )
    assert told == {"stored": 3, "unknown": [], "not_standing": [], "settled": []}
    assert await waiting(colleague) == [second, first]
    assert await waiting(reviewer) == [own]
    [shown, _] = (await colleague.get("/v1/labels/suspects")).json()["suspects"]
    assert (shown["text"], shown["policy_area"], shown["suggested_area"]) == ("what post-1 says", "harassment", "spam")
    assert (shown["quality"], shown["actions"], shown["severity"]) == (0.05, ["remove"], 2)


async def test_nobody_is_named(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made))
    text = (await colleague.get("/v1/labels/suspects")).text
    assert made in text
    for person in query(database, "SELECT id, username FROM principals"):
        assert all(str(one) not in text for one in person)


async def test_what_cannot_be_kept_is_told_back_and_the_rest_is_kept(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    app: FastAPI,
    database: str,
) -> None:
    good, settled = [await decision(platform, reviewer, f"post-{n}") for n in range(2)]
    await hand_in(ml, line(settled))
    assert (await resolve(colleague, settled, "label_stands")).status_code == 200
    app.state.settings = app.state.settings.model_copy(update={"undo_seconds": 60})
    fresh = await decision(platform, reviewer, "post-2")
    undone = await decision(platform, reviewer, "post-3")
    assert (await reviewer.post(f"/v1/decisions/{undone}/undo")).status_code == 200
    stranger = str(uuid4())
    told = await hand_in(ml, *(line(one) for one in (good, settled, fresh, undone, stranger)))
    assert (told["stored"], told["unknown"], told["settled"]) == (1, [stranger], [settled])
    assert set(told["not_standing"]) == {fresh, undone}
    assert query(database, "SELECT decision_id FROM label_suspects WHERE resolved_at IS NULL") == [(UUID(good),)]


async def test_handed_in_again_the_newer_finding_counts(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made, 0.3))
    await hand_in(ml, line(made, 0.2, "spam"))
    assert query(database, "SELECT quality, suggested_area FROM label_suspects") == [(0.2, "spam")]
    assert (await resolve(colleague, made)).status_code == 200
    assert (await hand_in(ml, line(made, 0.1)))["settled"] == [made]
    assert value(database, "SELECT outcome FROM label_suspects") == "label_wrong"


@pytest.mark.parametrize("hidden", ["sample = true", "special = 'legal_order'"])
async def test_what_is_never_exported_is_unknown_to_a_machine(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, ml: httpx.AsyncClient, database: str, hidden: str
) -> None:
    made = await decision(platform, reviewer)
    rewrite(database, f"UPDATE cases SET {hidden}")
    assert (await hand_in(ml, line(made)))["unknown"] == [made]


async def test_cases_of_a_restricted_queue_are_shown_and_judged_by_its_members_alone(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made))
    query(database, "INSERT INTO queues (name, title, restricted) VALUES ('few', 'Few', true)")
    rewrite(database, "UPDATE cases SET queue = 'few'")
    assert await waiting(colleague) == []
    assert_error(await resolve(colleague, made), 404, "not_found")
    assert (await hand_in(ml, line(made)))["unknown"] == [made]
    member = (
        "INSERT INTO queue_members (queue, principal_id) SELECT 'few', id FROM principals WHERE role = 'specialist'"
    )
    query(database, member)
    assert await waiting(colleague) == [made]


async def test_a_label_is_judged_once_even_by_two_at_a_time(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made))
    answers = await asyncio.gather(*(resolve(colleague, made, one) for one in ("label_wrong", "label_stands") * 3))
    assert sorted(one.status_code for one in answers) == [200] + [409] * 5
    [won] = [one for one in answers if one.status_code == 200]
    assert value(database, "SELECT outcome FROM label_suspects") == won.json()["outcome"]
    events = query(database, "SELECT data ->> 'outcome', case_id IS NOT NULL FROM events WHERE kind = 'label.resolved'")
    assert events == [(won.json()["outcome"], True)]
    assert_error(await resolve(colleague, made), 409, "suspect_settled")
    assert await waiting(colleague) == []


async def test_nobody_judges_their_own_label(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, ml: httpx.AsyncClient, database: str
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made))
    assert_error(await resolve(reviewer, made), 409, "own_label")
    assert_error(await resolve(reviewer, str(uuid4())), 404, "not_found")
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'label.resolved'") == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"suggested_area": "weather"}, "unknown_label"),
        ({"quality": 1.5}, "invalid_request"),
        ({"id": "r1"}, "invalid_request"),
        ({"id": "decision:1"}, "invalid_request"),
        ({"who": "x"}, "invalid_request"),
    ],
)
async def test_a_line_that_cannot_be_read_refuses_the_whole(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
    change: Body,
    code: str,
) -> None:
    made = await decision(platform, reviewer)
    body = {"bundle": BUNDLE, "suspects": [line(made), {**line(str(uuid4())), **change}]}
    assert_error(await ml.post("/v1/labels/suspects", json=body), 422, code)
    assert value(database, "SELECT count(*) FROM label_suspects") == 0


async def test_a_label_named_twice_and_too_many_are_refused(ml: httpx.AsyncClient) -> None:
    one = line(str(uuid4()))
    for lines in ([one, one], [line(str(uuid4())) for _ in range(1_001)], []):
        answer = await ml.post("/v1/labels/suspects", json={"bundle": BUNDLE, "suspects": lines})
        assert_error(answer, 422, "invalid_request")


async def test_what_holds_instead_is_kept_told_to_readers_of_the_case_and_exported(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    wrong, stands, other = [await decision(platform, reviewer, f"post-{n}") for n in range(3)]
    own = await decision(platform, colleague, "post-3")
    await hand_in(ml, line(wrong), line(stands))
    told = await resolve(colleague, wrong)
    assert told.status_code == 200, told.text
    assert told.json()["label"] == INSTEAD
    kept = await resolve(colleague, stands, "label_stands")
    assert kept.json()["label"] is None
    columns = (
        "SELECT right_area, right_severity, note, taxonomy_version IS NOT NULL FROM label_suspects ORDER BY outcome"
    )
    assert query(database, columns) == [(None, None, None, False), ("spam", 1, "it sells something", True)]
    event = "SELECT data - 'decision' FROM events WHERE kind = 'label.resolved' ORDER BY id LIMIT 1"
    # What somebody wrote is content, and stays out of the log.
    assert value(database, event) == {"outcome": "label_wrong", "policy_area": "spam", "severity": 1}
    for made, corrected in ((wrong, INSTEAD), (stands, None)):
        case = value(database, "SELECT case_id FROM decisions WHERE id = %s", made)
        [shown] = (await reviewer.get(f"/v1/cases/{case}")).json()["decisions"]
        assert shown["corrected"] == corrected
    page = (await reviewer.get(f"/cases/{value(database, 'SELECT case_id FROM decisions WHERE id = %s', wrong)}")).text
    assert "Label corrected: Spam and cybersecurity, severity 1" in page
    rows = await exported(ml)
    first, second = rows[wrong], rows[stands]
    assert (first["policy_areas"], first["annotated_areas"], first["severity"]) == (["spam"], ["spam"], 1)
    assert (first["label_by"], first["basis"], first["correction"]["doubted_by"]) == (
        "correction",
        "correction",
        BUNDLE,
    )
    # Whose label it is: of who corrected it, by the pseudonym that they have everywhere.
    assert first["annotator"] == rows[own]["annotator"] != rows[other]["annotator"] == second["annotator"]
    assert (second["policy_areas"], second["severity"], second["label_by"]) == (["harassment"], 2, "decision")
    assert (second["basis"], second["correction"]) == ("review", None)


async def test_a_label_corrected_to_benign_clears_every_area(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, ml: httpx.AsyncClient
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made))
    assert (await resolve(colleague, made, policy_area="benign", severity=0)).status_code == 200
    row = (await exported(ml))[made]
    assert (row["policy_areas"], len(row["annotated_areas"]), row["severity"]) == ([], 20, 0)


@pytest.mark.parametrize(
    ("outcome", "label", "code", "words"),
    [
        ("label_wrong", None, "invalid_request", "say what holds instead"),
        ("label_stands", INSTEAD, "invalid_request", "nothing where it stands"),
        ("label_wrong", {"policy_area": "spam"}, "invalid_request", "severity"),
        ("label_wrong", {**INSTEAD, "severity": 5}, "invalid_request", "severity"),
        ("label_wrong", {**INSTEAD, "severity": "1"}, "invalid_request", "severity"),
        ("label_wrong", {**INSTEAD, "note": "n" * 10_001}, "invalid_request", "note"),
        ("label_wrong", {**INSTEAD, "note": "\0"}, "invalid_request", "note"),
        ("label_wrong", {**INSTEAD, "actions": ["remove"]}, "invalid_request", "actions"),
        ("label_wrong", {**INSTEAD, "policy_area": "weather"}, "unknown_label", "policy_area"),
        ("label_wrong", {**INSTEAD, "policy_area": "benign"}, "invalid_request", "benign content has severity 0"),
        ("label_wrong", {"policy_area": "harassment", "severity": 2}, "invalid_request", "label_stands"),
        ("label_doubtful", None, "invalid_request", "outcome"),
    ],
)
async def test_what_contradicts_itself_or_is_too_much_is_refused_and_the_label_still_waits(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    outcome: str,
    label: Body | None,
    code: str,
    words: str,
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made))
    body = {"outcome": outcome, "label": label}
    refused = await colleague.post(f"/v1/labels/suspects/{made}/resolve", json=body)
    assert words in assert_error(refused, 422, code)
    assert await waiting(colleague) == [made]


async def test_the_same_area_with_another_severity_or_where_nothing_was_broken_is_a_correction(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, ml: httpx.AsyncClient
) -> None:
    broken = await decision(platform, reviewer, "post-1")
    await report(platform, "post-2")
    allowed = (await decided(reviewer, await claim(reviewer), actions=["no_violation"]))["decision_id"]
    await report(platform, "post-3")
    benign = (await decided(reviewer, await claim(reviewer), **ALLOWED))["decision_id"]
    await hand_in(ml, line(broken), line(allowed, suggested="harassment"), line(benign, suggested="spam"))
    assert (await resolve(colleague, broken, policy_area="harassment", severity=4)).status_code == 200
    assert (await resolve(colleague, allowed, policy_area="harassment", severity=2)).status_code == 200
    refused = await resolve(colleague, benign, policy_area="benign", severity=0)
    assert_error(refused, 422, "invalid_request")
    rows = await exported(ml)
    assert [(rows[one]["policy_areas"], rows[one]["severity"]) for one in (broken, allowed)] == [
        (["harassment"], 4),
        (["harassment"], 2),
    ]


async def test_what_was_undone_meanwhile_is_in_doubt_no_more(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made))
    query(database, "INSERT INTO decision_undos (decision_id, undone_by) SELECT id, decided_by FROM decisions")
    assert await waiting(colleague) == []
    assert "not any more" in assert_error(await resolve(colleague, made), 404, "not_found")
    assert value(database, "SELECT resolved_at FROM label_suspects") is None


async def test_a_check_that_found_the_decision_wrong_has_the_last_word(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    checker: httpx.AsyncClient,
) -> None:
    before, after = [await decision(platform, reviewer, f"post-{n}") for n in range(2)]
    await hand_in(ml, line(before), line(after))
    assert (await resolve(colleague, before)).status_code == 200
    await plan(lead)
    for _ in range(2):
        await checked(checker, **ALLOWED)
    for item in await disputed(lead):
        answer = await lead.post(f"/v1/qa/items/{item['item_id']}/adjudicate", json=ALLOWED)
        assert answer.status_code == 201, answer.text
    assert await waiting(colleague) == []
    detail = assert_error(await resolve(colleague, after), 409, "suspect_settled")
    assert "in a check" in detail
    assert (await hand_in(ml, line(after)))["settled"] == [after]
    rows = await exported(ml)
    assert [(rows[one]["label_by"], rows[one]["policy_areas"], rows[one]["correction"]) for one in (before, after)] == [
        ("qa", [], None)
    ] * 2


async def test_what_waits_for_a_check_is_left_to_it_and_who_has_read_here_is_not_handed_it_later(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    checker: httpx.AsyncClient,
) -> None:
    first = await decision(platform, reviewer, "post-1")
    await hand_in(ml, line(first))
    assert await waiting(checker) == [first]
    await plan(lead)
    assert await waiting(colleague) == []
    assert (await checker.post("/v1/qa/claim")).status_code == 204
    # Whoever had the page open before can still answer: they check nothing of it anyway.
    assert (await resolve(checker, first, "label_stands")).status_code == 200
    assert await gets(colleague) == "post-1"


async def test_labels_are_shown_to_those_who_read_the_language_and_agreed_to_see_the_pictures(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made))
    query(database, "UPDATE principals SET languages = '{de}' WHERE role = 'specialist'")
    assert await waiting(colleague) == []
    query(database, "UPDATE principals SET languages = '{de,en}' WHERE role = 'specialist'")
    assert await waiting(colleague) == [made]


async def test_a_list_goes_on_after_a_label_that_was_left(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, ml: httpx.AsyncClient
) -> None:
    made = [await decision(platform, reviewer, f"post-{n}") for n in range(3)]
    await hand_in(ml, line(made[0], 0.1), line(made[1], 0.2), line(made[2], 0.2))
    seen: list[str] = []
    for _ in range(3):
        after = {"after": seen[-1]} if seen else {}
        answer = (await colleague.get("/v1/labels/suspects", params={"limit": "1", **after})).json()
        assert answer["waiting"] == 3
        seen += [one["decision_id"] for one in answer["suspects"]]
    # Ids are made in order, so the two that are doubted alike come in it.
    assert seen == made
    nothing = (await colleague.get("/v1/labels/suspects", params={"after": seen[-1]})).json()
    assert (nothing["suspects"], nothing["waiting"]) == ([], 3)


async def test_those_that_wait_are_counted_up_to_a_limit(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await hand_in(ml, *[line(await decision(platform, reviewer, f"post-{n}")) for n in range(3)])
    monkeypatch.setattr(workflow, "COUNTED", 2)
    assert (await colleague.get("/v1/labels/suspects?limit=1")).json()["waiting"] == 2
    assert "2 or more" in (await colleague.get("/qa/suspects")).text


async def test_a_decision_without_a_text_is_never_exported_so_it_is_unknown(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, ml: httpx.AsyncClient, database: str
) -> None:
    made = await decision(platform, reviewer)
    rewrite(database, "UPDATE evidence SET text = ''")
    assert (await hand_in(ml, line(made)))["unknown"] == [made]


async def test_the_database_keeps_no_half_of_a_correction(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, ml: httpx.AsyncClient, database: str
) -> None:
    made = await decision(platform, reviewer)
    await hand_in(ml, line(made))
    done = "resolved_at = now(), resolved_by = (SELECT decided_by FROM decisions)"
    whole = "right_area = 'spam', right_severity = 1, taxonomy_version = 'v', note = ''"
    for change in (
        f"{done}, outcome = 'label_wrong'",
        f"{done}, outcome = 'label_stands', {whole}",
        whole,
        f"{done}, outcome = 'label_wrong', {whole}, right_severity = 5".replace("right_severity = 1, ", ""),
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            query(database, f"UPDATE label_suspects SET {change}")
    query(database, f"UPDATE label_suspects SET {done}, outcome = 'label_wrong', {whole}")


@pytest.mark.parametrize("opted", ["languages = '{de}'", "consents = '{}'"])
async def test_who_is_not_offered_a_label_does_not_judge_it(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
    opted: str,
) -> None:
    made = await decision(platform, reviewer, "post-1")
    await hand_in(ml, line(made))
    rewrite(database, "UPDATE cases SET scope_id = case_scope('default', 'pt', false, 'child_safety')")
    rewrite(database, f"UPDATE principals SET {opted} WHERE username = 'checker'")
    assert await waiting(checker) == []
    assert_error(await resolve(checker, made), 409, "suspect_settled")


async def test_what_waits_for_a_check_is_judged_by_nobody_who_was_not_shown_it_before(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    lead: httpx.AsyncClient,
) -> None:
    made = await decision(platform, reviewer, "post-1")
    await hand_in(ml, line(made))
    assert await waiting(colleague) == [made]
    await plan(lead)
    assert_error(await resolve(checker, made), 409, "suspect_settled")
    assert (await resolve(colleague, made)).status_code == 200
