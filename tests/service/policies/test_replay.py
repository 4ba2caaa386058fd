"""What a draft would flip: from re-reviews in the database, from a model, and from both."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from labeling.taxonomy import Taxonomy
from models.inference import ConstantScorer, OnnxScorer
from service import __main__ as command_line
from service.db import create_engine, libpq_url
from service.errors.requests import InvalidRequestError, NotFoundError
from service.ids import new_id
from service.policies import replay as replays
from service.policies.replay import Asked, Judge, Looked, summed_up
from service.policies.schemas import ReplayOut
from service.policies.workflow import replay
from tests.service.policies.steps import drafted
from tests.service.steps import Body, assert_error, claim, decided, query, report, until, value


def one(was: bool, *, model: bool | None = None, review: bool | None = None, chance: float | None = None) -> Looked:
    return Looked("harassment" if was else "benign", "de" if was else "en", was, model, review, chance, in_frame=True)


def test_each_source_is_told_apart_and_the_best_one_makes_the_sentence() -> None:
    # 200 decisions; the model flips 40 of them and is wrong in 10 of the 50 that were checked, which it flipped.
    looked = [one(True, model=False) for _ in range(20)] + [one(False, model=False) for _ in range(130)]
    looked += [one(True, model=False, review=True, chance=0.25) for _ in range(10)]
    looked += [one(True, model=False, review=False, chance=0.25) for _ in range(10)]
    looked += [one(False, model=False, review=False, chance=0.25) for _ in range(30)]
    found = summed_up(looked, area="Bullying", bundle="abc")
    assert found.model is not None
    assert found.assisted is not None
    assert (found.model.share, found.model.low, found.model.checked) == (0.2, None, 0)
    assert (found.sample.share, found.sample.checked) == (0.2, 50)
    assert found.assisted.share == pytest.approx(0.2 - 10 / 50)
    assert found.sentence.startswith("This draft would flip about 0 of the last 200 decisions (from 0 to ")
    assert "corrected by 50 re-reviews" in found.sentence
    assert [
        (group.name, group.decisions, group.model_flips, group.checked, group.sample_flips) for group in found.areas
    ] == [
        ("harassment", 40, 40, 20, 10),
        ("benign", 160, 0, 30, 0),
    ]
    assert [group.name for group in found.languages] == ["de", "en"]


def test_too_few_checks_say_how_many_there_are() -> None:
    looked = [one(True, review=False, chance=0.5) for _ in range(12)] + [one(True) for _ in range(50)]
    found = summed_up(looked, area="Bullying", bundle=None)
    assert (found.sample.share, found.sample.note) == (None, "not enough checks: 12 of 30")
    assert (found.model, found.assisted) == (None, None)
    assert "Not enough checks to say what this draft would flip: 12 of 30" in found.sentence


def test_the_model_alone_says_that_nobody_checked_it() -> None:
    looked = [one(True, model=False) for _ in range(3)] + [one(False, model=False) for _ in range(7)]
    found = summed_up(looked, area="Bullying", bundle="abc")
    assert found.sentence == (
        "This draft would flip 3 of the last 10 decisions, mostly those decided as harassment, in language de, by the model"
        " alone, which no person has checked."
    )
    assert summed_up([], area="Bullying", bundle=None).sentence.startswith("No decision that stands is about Bullying")


def test_while_re_reviews_are_disputed_there_are_bounds_and_no_share() -> None:
    looked = [one(True, model=True, review=True, chance=0.5) for _ in range(36)]
    looked += [one(True, model=True, chance=0.5) for _ in range(4)]
    found = summed_up(looked, area="Bullying", bundle="abc")
    assert found.assisted is not None
    for told in (found.sample, found.assisted):
        assert told.low is not None
        assert told.high is not None
        assert (told.share, told.flips, told.checked) == (None, None, 40)
        # From none of the four to all of them.
        assert told.low < 0.01
        assert told.high > 0.1
        assert told.note.endswith("until 4 disputed re-reviews are settled")
    assert found.sentence.startswith("This draft would flip from 0 to ")
    assert "until 4 disputed re-reviews are settled, by the model, corrected by 40 re-reviews." in found.sentence


def test_what_re_reviews_found_is_scaled_to_what_they_were_drawn_from() -> None:
    looked = [one(True, model=False, review=number >= 10, chance=0.5) for number in range(40)]
    looked += [replace(one(True, model=False), in_frame=False) for _ in range(60)]
    found = summed_up(looked, area="Bullying", bundle="abc")
    assert found.assisted is not None
    assert found.model is not None
    assert (found.decisions, found.framed, found.model.flips) == (100, 40, 100)
    # A quarter of the 40 that could be drawn, not of all 100.
    assert (found.sample.share, found.sample.flips) == (0.25, 10)
    assert found.assisted.flips == 10
    assert found.sentence.startswith(
        "This draft would flip about 10 of the last 100 decisions, of which 40 stood when re-reviews were drawn and are"
        " counted (from"
    )


NOW = datetime.now(UTC)


def drawn(**fields: Any) -> Any:
    return SimpleNamespace(
        **{
            "name": "first",
            "made_at": NOW,
            "population": 2,
            "since": None,
            "until": None,
            "narrowed": False,
            "outdated": False,
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("plan", "within", "why"),
    [
        (None, [False, False, False], None),
        (drawn(), [True, True, False], None),
        (drawn(since=NOW - timedelta(hours=3)), [True, False, False], None),
        (drawn(until=NOW - timedelta(hours=3)), [False, True, False], None),
        (drawn(narrowed=True), [False, False, False], "drew from some areas, queues"),
        (drawn(outdated=True), [False, False, False], "changed since the plan “first” was drawn"),
        (
            drawn(made_at=NOW - timedelta(days=1)),
            [False, False, False],
            "was drawn before any of these decisions stood",
        ),
        (drawn(population=1), [False, False, False], "drew from 1 decisions, and 2 of these stood"),
    ],
)
def test_re_reviews_speak_of_what_their_plan_could_draw(plan: Any, within: list[bool], why: str | None) -> None:
    moments = [NOW - timedelta(hours=hours) for hours in (2, 5, -1)]
    rows: list[Any] = [SimpleNamespace(decided_at=at, undo_until=at, checkable=True) for at in moments]
    found, said = replays.drawn_from(plan, rows)
    assert found == within
    assert (said is None) == (why is None)
    assert (why or "") in (said or "")
    for row in rows:
        row.checkable = False
    assert replays.drawn_from(plan, rows)[0] == [False] * 3


async def decisions(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, areas: Sequence[str]) -> list[str]:
    """Decide one case for each area; the ids of the decisions."""
    made = []
    for number, area in enumerate(areas):
        await report(platform, f"post-{number}", language="de" if area == "harassment" else "en")
        benign = {"actions": ["no_violation"], "severity": 0} if area == "benign" else {}
        made.append((await decided(reviewer, await claim(reviewer), policy_area=area, **benign))["decision_id"])
    return made


def reviewed(database: str, policy: str, answers: dict[str, str], *, kind: str = "policy") -> None:
    """Settled re-reviews under a version, each drawn with a chance of one half."""
    person, plan = value(database, "SELECT id FROM principals WHERE role = 'lead'"), uuid4()
    query(
        database,
        "INSERT INTO qa_plans (id, name, kind, scope, size, policy_id, draft, seed, population, owner, reason, made_by)"
        " VALUES (%s, %s, %s, '{}', 10, %s, true, 1, 10, 'o', 'r', %s)",
        plan,
        str(plan),
        kind,
        policy,
        person,
    )
    for decision, area in answers.items():
        item, first = uuid4(), uuid4()
        query(
            database,
            "INSERT INTO qa_items (id, plan_id, place, case_id, evidence_id, decision_id, stratum, chance, state)"
            " SELECT %s, %s, random(), case_id, evidence_id, id, '', 0.5, 'settled' FROM decisions WHERE id = %s",
            item,
            plan,
            decision,
        )
        add = (
            "INSERT INTO qa_settlements (id, item_id, by, answer, replaces)"
            " VALUES (%s, %s, %s, jsonb_build_object('policy_area', %s::text), %s)"
        )
        # The later settlement is what holds.
        query(database, add, first, item, "agreement", "spam", None)
        query(database, add, uuid4(), item, "dispute", area, first)


async def test_the_api_replays_what_the_database_knows_and_keeps_it(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    made = await decisions(platform, reviewer, ["harassment", "benign", "spam", "harassment"])
    undone = made.pop()
    query(
        database,
        "INSERT INTO decision_undos (decision_id, undone_by) SELECT id, decided_by FROM decisions WHERE id = %s",
        undone,
    )
    draft = await drafted(lead)
    reviewed(database, draft["id"], {made[0]: "benign", made[1]: "benign"})
    reviewed(database, draft["id"], {made[0]: "harassment"}, kind="random")
    answer = await lead.post(f"/v1/policies/drafts/{draft['id']}/replay", json={"decisions": 100})
    assert answer.status_code == 200, answer.text
    result = answer.json()["result"]
    # Of another area, and what was undone, nothing can flip.
    assert (result["decisions"], result["sample"]["checked"]) == (2, 2)
    assert [(group["name"], group["checked"], group["sample_flips"]) for group in result["areas"]] == [
        ("harassment", 1, 1),
        ("benign", 1, 0),
    ]
    assert result["sample"]["share"] is None
    shown = (await lead.get("/v1/policies/harassment/versions")).json()["versions"][0]
    assert [one["id"] for one in shown["replays"]] == [answer.json()["id"]]
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'policy.replayed'") == 1
    assert_error(await lead.post(f"/v1/policies/drafts/{uuid4()}/replay", json={}), 404, "not_found")
    assert (await lead.post(f"/v1/policies/drafts/{draft['id']}/replay", json={"decisions": 10_001})).status_code == 422


async def test_re_reviews_of_a_draft_are_drawn_by_a_plan_and_speak_of_what_stood_then(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await decisions(platform, reviewer, ["harassment", "benign", "harassment"])
    draft = await drafted(lead)
    plan = {"kind": "policy", "policy_id": draft["id"], "size": 10, "owner": "Policy", "reason": "to know"}
    made = await lead.post("/v1/qa/plans", json={**plan, "name": "all"})
    assert made.status_code == 201, made.text
    assert made.json()["population"] == 3
    # As the draft says: one of them stands, one does not and is disputed.
    for area in ("same", "benign"):
        check = (await colleague.post("/v1/qa/claim")).json()
        was = value(
            database,
            "SELECT d.policy_area FROM qa_reviews r JOIN qa_items i ON i.id = r.item_id JOIN decisions d ON d.id = i.decision_id"
            " WHERE r.token = %s",
            check["token"],
        )
        other = "harassment" if was == "benign" else "benign"
        said = was if area == "same" else other
        body = {"policy_area": said, "severity": 2, "actions": ["remove"], "confidence": 3}
        if said == "benign":
            body |= {"severity": 0, "actions": ["no_violation"]}
        answer = await colleague.post(f"/v1/qa/reviews/{check['token']}", json=body)
        assert answer.status_code == 200, answer.text
    # One that is decided later was not among them.
    await report(platform, "late")
    await decided(reviewer, await claim(reviewer))
    result = (await lead.post(f"/v1/policies/drafts/{draft['id']}/replay", json={})).json()["result"]
    assert (result["decisions"], result["framed"], result["sample"]["checked"]) == (4, 3, 2)
    assert sum(group["checked"] for group in result["areas"]) == 1
    assert sum(group["sample_flips"] for group in result["areas"]) == 0
    # Of a plan that drew from one area alone nothing is said of all.
    narrow = await drafted(lead)
    body = {**plan, "policy_id": narrow["id"], "name": "narrow", "scope": {"areas": ["harassment"]}}
    assert (await lead.post("/v1/qa/plans", json=body)).status_code == 201
    query(
        database,
        "UPDATE qa_items SET state = 'disputed' WHERE plan_id = (SELECT id FROM qa_plans WHERE name = 'narrow')",
    )
    result = (await lead.post(f"/v1/policies/drafts/{narrow['id']}/replay", json={})).json()["result"]
    assert "drew from some areas" in result["sample"]["note"]
    assert "drew from some areas" in result["sentence"]
    assert result["sample"]["checked"] == 0


def try_out(draft: Body, name: str = "all") -> Body:
    """A plan of re-reviews under a draft."""
    plan = {"kind": "policy", "policy_id": draft["id"], "size": 10, "owner": "Policy", "reason": "to know"}
    return {**plan, "name": name}


async def tried_out(lead: httpx.AsyncClient, draft: Body, name: str = "all") -> Body:
    made = await lead.post("/v1/qa/plans", json=try_out(draft, name))
    assert made.status_code == 201, made.text
    return dict(made.json())


async def re_reviewed(person: httpx.AsyncClient) -> Body:
    """Claim a re-review and answer it with what the draft's area is; what was shown."""
    check = await person.post("/v1/qa/claim")
    assert check.status_code == 200, check.text
    said = {"policy_area": "harassment", "severity": 2, "actions": ["remove"], "confidence": 3}
    answer = await person.post(f"/v1/qa/reviews/{check.json()['token']}", json=said)
    assert answer.status_code == 200, answer.text
    return dict(check.json())


@pytest.mark.parametrize("field", ["title", "body", "examples"])
async def test_what_re_reviews_go_by_stays_while_their_plan_is_open(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    field: str,
) -> None:
    await decisions(platform, reviewer, ["harassment", "harassment"])
    draft = await drafted(lead)
    made = await tried_out(lead, draft)
    shown = await re_reviewed(colleague)
    assert shown["policy"] == {name: draft[name] for name in ("title", "body", "examples")}
    path = f"/v1/policies/drafts/{draft['id']}"
    new: Body = {"title": "Other", "body": "Other", "examples": []}
    refused = await lead.patch(path, json={field: new[field]})
    detail = assert_error(refused, 409, "policy_fixed")
    assert "“all”" in detail
    assert "close" in detail
    assert "another draft" in detail
    # What nobody judges by may change, and so may what is sent along as it was.
    same = {name: draft[name] for name in new}
    changed = await lead.patch(path, json={**same, "digest": "Said better.", "reason": "r"})
    assert (changed.status_code, changed.json()["digest"]) == (200, "Said better.")
    # Closed, and changed: what was said of the former text speaks for this one no more.
    result = (await lead.post(f"{path}/replay", json={})).json()["result"]
    assert result["sample"]["checked"] == 1
    await lead.post(f"/v1/qa/plans/{made['id']}/close")
    assert (await lead.patch(path, json={field: new[field]})).status_code == 200
    result = (await lead.post(f"{path}/replay", json={})).json()["result"]
    assert result["sample"]["checked"] == 0
    assert "changed since" in result["sentence"]
    # A plan of the new text speaks, and the former is not added to it.
    await tried_out(lead, draft, "again")
    assert (await colleague.post("/v1/qa/claim")).json()["policy"][field] == new[field]


async def test_of_a_change_and_a_plan_at_once_the_later_sees_the_former(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    await decisions(platform, reviewer, ["harassment"])
    draft = await drafted(lead)
    with psycopg.connect(libpq_url(database)) as planner:
        # As a plan that is being drawn: it holds the version and has not committed yet.
        planner.execute("SELECT FROM policy_versions WHERE id = %s FOR SHARE", [draft["id"]])
        change = asyncio.create_task(lead.patch(f"/v1/policies/drafts/{draft['id']}", json={"body": "Other"}))
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        await until(lambda: bool(value(database, waiting)))
        planner.execute(
            "INSERT INTO qa_plans (id, name, kind, scope, size, policy_id, draft, seed, population, owner, reason, made_by)"
            " SELECT gen_random_uuid(), 'late', 'policy', '{}', 1, %s, true, 1, 1, 'o', 'r', id FROM principals LIMIT 1",
            [draft["id"]],
        )
        planner.commit()
        assert_error(await change, 409, "policy_fixed")


@pytest.mark.parametrize("state", ["draft", "coming"])
async def test_a_version_that_is_withdrawn_asks_for_no_re_reviews_any_more(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
    state: str,
) -> None:
    await decisions(platform, reviewer, ["harassment"] * 3)
    draft, other = await drafted(lead), await drafted(lead)
    await tried_out(lead, draft)
    await re_reviewed(colleague)
    held = (await colleague.post("/v1/qa/claim")).json()
    kept = await tried_out(lead, other, "kept")
    if state == "coming":
        later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        await lead.post(f"/v1/policies/drafts/{draft['id']}/publish", json={"effective_at": later})
    assert (await lead.post(f"/v1/policies/{draft['id']}/withdraw")).json()["state"] == "withdrawn"
    closed, left = (await lead.get("/v1/qa/plans")).json()["plans"][::-1]
    assert closed["closed_at"] is not None
    assert (closed["waiting"], closed["settled"]) == (0, 1)
    assert (left["id"], left["closed_at"], left["waiting"]) == (kept["id"], None, 3)
    body = {"policy_area": "harassment", "severity": 2, "actions": ["remove"], "confidence": 3}
    assert_error(await colleague.post(f"/v1/qa/reviews/{held['token']}", json=body), 409, "lease_stale")
    assert value(database, "SELECT data ->> 'plan' FROM events WHERE kind = 'qa.plan_closed'") == closed["id"]


@pytest.mark.parametrize("column", ["sample = true", "special = 'child_safety'"])
async def test_samples_and_special_routes_are_not_replayed(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str, column: str
) -> None:
    await decisions(platform, reviewer, ["harassment"])
    draft = await drafted(lead)
    query(database, f"UPDATE cases SET {column}")
    answer = await lead.post(f"/v1/policies/drafts/{draft['id']}/replay", json={})
    assert answer.json()["result"]["decisions"] == 0
    assert "Sample cases, special routes and restricted queues are not counted." in answer.json()["result"]["sentence"]


async def test_a_model_judges_every_text_and_the_reviews_correct_it(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str, taxonomy: Taxonomy
) -> None:
    made = await decisions(platform, reviewer, ["harassment", "benign"])
    draft = await drafted(lead)
    reviewed(database, draft["id"], {made[0]: "benign"})
    asked: list[str] = []

    def breaks(texts: Sequence[str], languages: Sequence[str | None]) -> list[bool]:
        assert len(languages) == len(texts)
        asked.extend(texts)
        return [False] * len(texts)

    found = await replayed(database, UUID(draft["id"]), Judge("abc", breaks), taxonomy)
    assert sorted(asked) == ["what post-0 says", "what post-1 says"]
    assert found.result.model is not None
    assert (found.result.bundle, found.result.model.flips) == ("abc", 1)
    assert found.result.assisted is not None
    assert found.result.assisted.note == "not enough checks: 1 of 30"
    with pytest.raises(NotFoundError):
        await replayed(database, new_id(), None, taxonomy)


async def replayed(database: str, policy: UUID, judge: Judge | None, taxonomy: Taxonomy) -> ReplayOut:
    engine = create_engine(database, pool=1)
    try:
        async with engine.begin() as connection:
            return await replay(connection, policy, Asked(100, judge), taxonomy=taxonomy, asked_by=None)
    finally:
        await engine.dispose()


def test_a_bundle_is_asked_at_its_own_operating_point() -> None:
    judge = replays.judge_of(Path("bundles/default"), "spam")
    assert len(judge.bundle) == 64
    assert judge.breaks(
        ["FREE followers now!!! click the link in my profile, tag ten friends", "the soup was good"], ["en", "en"]
    ) == [
        True,
        False,
    ]


def test_an_area_that_the_bundle_does_not_know_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OnnxScorer, "load", lambda folder: ConstantScorer(("privacy",)))
    with pytest.raises(InvalidRequestError, match="not trained on spam"):
        replays.judge_of(Path("anywhere"), "spam")


def test_the_command_asks_for_a_draft_that_is_there(
    database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database)
    monkeypatch.setenv("TRIAGE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "argv", ["service", "replay", "--draft", str(new_id())])
    assert command_line.main() == 1
    assert "there is no policy version" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["service", "policies", "import"])
    assert command_line.main() == 0
    assert "20 of 20 guidelines are in force now" in capsys.readouterr().out
    draft = str(value(database, "SELECT id FROM policy_versions WHERE area = 'spam'"))
    monkeypatch.setattr(sys, "argv", ["service", "replay", "--draft", draft, "--decisions", "10"])
    assert command_line.main() == 0
    assert "nothing to flip yet" in capsys.readouterr().err
    for arguments in (["--draft", draft, "--decisions", "0"], ["--draft", "none"]):
        monkeypatch.setattr(sys, "argv", ["service", "replay", *arguments])
        with pytest.raises(SystemExit):
            command_line.main()
