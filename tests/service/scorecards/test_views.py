"""What the SQL views measure, against small worlds worked out by hand."""

import itertools
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from service.opinions.schemas import Judgement
from service.opinions.workflow import same_judgement
from tests.service.scorecards.world import ANSWER, World

OTHER = {**ANSWER, "policy_area": "fraud_scams"}


def minutes(world: World, decision: UUID) -> tuple[float, ...]:
    """(wait, touch, own touch, total) of a decision."""
    [row] = world.rows("SELECT * FROM handling_times WHERE decision_id = %s", decision)
    names = ("wait_seconds", "touch_seconds", "own_touch_seconds", "total_seconds")
    return tuple(row[name] / 60 for name in names)


def fact(world: World, decision: UUID | None, case: UUID | None = None) -> dict[str, Any]:
    [row] = world.rows(
        "SELECT * FROM decision_facts WHERE decision_id IS NOT DISTINCT FROM %s AND (%s::uuid IS NULL OR case_id = %s)",
        decision, case, case,
    )  # fmt: skip
    return row


def test_neither_the_hold_nor_the_lapsed_lease_nor_the_queue_is_touch(world: World) -> None:
    pat, kim = world.person(), world.person()
    case = world.case(0)
    world.lease(case, kim, (30, 40), "lapsed")
    world.lease(case, kim, (50, 54), "skipped")
    world.lease(case, pat, (60, 70), "held")
    decision = world.decide(case, pat, (100, 106))
    assert minutes(world, decision) == (30, 20, 16, 106)


def test_a_case_fetched_ahead_is_in_hand_from_when_it_was_opened(world: World) -> None:
    pat = world.person()
    case = world.case(0)
    world.lease(case, pat, (2, 4), "unopened")
    world.event("lease.opened", case, 20, pat)
    assert minutes(world, world.decide(case, pat, (5, 25))) == (20, 5, 5, 25)


def test_after_an_undo_the_case_waits_anew(world: World) -> None:
    pat, kim = world.person(), world.person()
    case = world.case(0)
    first = world.decide(case, pat, (5, 10))
    world.undo(first, pat, 11)
    second = world.decide(case, kim, (21, 31))
    assert minutes(world, first) == (5, 5, 5, 10)
    assert minutes(world, second) == (10, 10, 10, 20)
    assert [row["undone"] for row in world.rows("SELECT undone FROM handling_times ORDER BY decided_at")] == [
        True,
        False,
    ]


def test_a_deadline_is_the_nearest_clock_that_ran_when_it_was_decided(world: World) -> None:
    pat = world.person()
    met, missed, moved, free = (world.case() for _ in range(4))
    world.clock(met, pat, 11)
    world.clock(met, pat, 500)
    world.clock(missed, pat, 10)
    old = world.clock(moved, pat, 10)
    world.clock(moved, pat, 60, replaces=old, set_at=world.at(8))
    decisions = [world.decide(case, pat, (5, 11)) for case in (met, missed, moved, free)]
    assert [fact(world, one)["deadline_met"] for one in decisions] == [True, False, True, None]
    assert fact(world, decisions[2])["due_at"] == world.at(60)


def test_a_clock_that_took_its_place_after_the_decision_does_not_count(world: World) -> None:
    pat = world.person()
    case = world.case()
    old = world.clock(case, pat, 10)
    decision = world.decide(case, pat, (5, 11))
    world.clock(case, pat, 60, replaces=old, set_at=world.at(12))
    assert fact(world, decision)["deadline_met"] is False


def test_an_overdue_case_that_nobody_decided_is_missed(world: World) -> None:
    pat = world.person("north")
    lease: dict[str, Any] = {
        "status": "leased",
        "lease_token": uuid4(),
        "lease_holder": pat,
        "lease_expires_at": world.at(10_000),
    }
    held = world.case(deadline=world.at(30), **lease)
    waiting = world.case(status="open", deadline=world.at(40), language=None)
    world.case(status="open", deadline=world.at(60 * 24 * 30))
    assert world.value("SELECT count(*) FROM decision_facts") == 2
    one, other = fact(world, None, held), fact(world, None, waiting)
    assert (one["vendor"], one["deadline_met"], one["at"]) == ("north", False, world.at(30))
    assert (other["person"], other["vendor"], other["language"]) == (None, None, "und")


def test_a_decision_that_was_taken_back_kept_no_deadline_and_is_overturned(world: World) -> None:
    pat = world.person()
    case = world.case()
    world.clock(case, pat, 60)
    decision = world.decide(case, pat, (5, 11))
    assert (fact(world, decision)["deadline_met"], fact(world, decision)["overturned"]) == (True, False)
    world.undo(decision, pat, 12)
    found = fact(world, decision)
    assert (found["deadline_met"], found["undone"], found["overturned_by"]) == (None, True, "undo")


def test_the_settlement_that_holds_says_whether_a_decision_was_wrong(world: World) -> None:
    pat = world.person()
    decision = world.decided(pat)
    item, settlement = world.check(world.plan(pat), decision, "wrong_area")
    assert fact(world, decision)["overturned_by"] == "quality_check"
    world.add("qa_settlements", id=uuid4(), item_id=item, by="dispute", answer="{}", error=None, replaces=settlement)
    assert fact(world, decision)["overturned_by"] is None
    world.connection.execute("UPDATE qa_items SET state = 'disputed'")
    [row] = world.rows("SELECT * FROM quality_checks")
    assert (row["correct"], row["error"], row["settled_at"], row["chance"]) == (None, None, None, 1.0)
    assert fact(world, decision)["overturned_by"] is None


def test_what_a_draft_would_make_of_a_decision_is_no_check(world: World) -> None:
    pat = world.person()
    decision = world.decided(pat)
    world.check(world.plan(pat, "policy", draft=True), decision, "wrong_area")
    assert world.rows("SELECT * FROM quality_checks") == []
    assert fact(world, decision)["overturned_by"] is None


@pytest.mark.parametrize(
    ("answer", "how"),
    [
        ({}, None),
        ({"severity": 3}, None),
        ({"severity": 4}, "second_opinion"),
        ({"policy_area": "fraud_scams"}, "second_opinion"),
        ({"actions": ["remove", "warn"]}, "second_opinion"),
    ],
)
def test_a_later_second_opinion_on_the_same_content_overturns(world: World, answer: dict[str, Any], how: str) -> None:
    pat, kim = world.person(), world.person()
    case = world.case()
    first = world.decide(case, pat, (5, 11))
    second = world.decide(case, kim, (20, 30), basis="second_opinion", **answer)
    assert fact(world, first)["overturned_by"] == how
    assert fact(world, second)["overturned_by"] is None
    world.undo(second, kim, 31)
    assert fact(world, first)["overturned_by"] is None


@pytest.mark.parametrize(
    ("agreed", "stands", "right"), [(False, True, True), (True, True, False), (False, False, None)]
)
def test_a_question_was_right_when_the_answer_differs_and_stands(
    world: World, agreed: bool, stands: bool, right: bool | None
) -> None:
    pat, kim = world.person("north"), world.person("south")
    case = world.case()
    late = {} if stands else {"undo_until": world.at(60 * 24 * 30)}
    decision = world.decide(case, kim, (20, 30), basis="second_opinion", **late)
    world.add(
        "second_opinions", id=uuid4(), case_id=case, asked_by=pat, question="?", proposal='{"policy_area": "spam"}',
        asked_at=world.at(5), answered_by=kim, answer="{}", answered_at=world.at(30), agreed=agreed, decision_id=decision,
    )  # fmt: skip
    [found] = world.rows("SELECT * FROM escalation_facts")
    assert (found["vendor"], found["area"], found["was_right"]) == ("north", "spam", right)
    told = fact(world, decision)
    assert (told["vendor"], told["escalated"], told["escalation_right"]) == ("south", True, right)


@pytest.mark.parametrize(
    ("between", "right"),
    [(None, True), ("held", True), ("lapsed", False), ("released", False), ("returned", False)],
)
def test_a_hand_over_was_right_when_whoever_got_the_case_decided_it(
    world: World, between: str | None, right: bool
) -> None:
    pat, kim = world.person("north"), world.person()
    case = world.case()
    world.lease(case, pat, (5, 10), "handed_over")
    if between == "returned":
        world.event("case.returned", case, 15)
    elif between:
        world.lease(case, kim, (12, 15), between)
    decision = world.decide(case, kim, (20, 30))
    [found] = world.rows("SELECT * FROM escalation_facts")
    assert (found["kind"], found["vendor"], found["decision_id"]) == ("hand_over", "north", decision)
    assert found["was_right"] is right


def test_a_check_stands_for_as_many_as_its_chance_says(world: World) -> None:
    pat = world.person("north", site="Oslo")
    case = world.case(language="pt-BR")
    decision = world.decide(case, pat, (5, 11), policy_id=world.policy(pat, 3))
    world.check(world.plan(pat, "doubt"), decision, "wrong_severity", chance=0.25, answers=[ANSWER, OTHER])
    [row] = world.rows("SELECT * FROM quality_checks")
    assert (row["weight"], row["correct"], row["error"], row["plan_kind"]) == (4.0, False, "wrong_severity", "doubt")
    assert (row["language"], row["vendor"], row["site"], row["policy"]) == ("pt", "north", "Oslo", "spam v3")
    assert (row["month"], row["reviews"], row["experts_agree"]) == (world.at(11).date().replace(day=1), 2, False)


@pytest.mark.parametrize(("answers", "agree"), [([ANSWER], None), ([ANSWER, {**ANSWER, "severity": 3}, OTHER], True)])
def test_experts_agree_by_their_first_two_answers(
    world: World, answers: list[dict[str, Any]], agree: bool | None
) -> None:
    pat = world.person()
    world.check(world.plan(pat), world.decided(pat), answers=answers)
    assert world.value("SELECT experts_agree FROM quality_checks") is agree


def test_the_database_and_the_service_mean_the_same_by_the_same(world: World) -> None:
    said = [
        Judgement(policy_area=area, severity=severity, actions=list(actions))
        for area in ("spam", "benign")
        for severity in range(5)
        for actions in (["remove"], ["warn"], ["remove", "warn"], ["warn", "remove"])
    ]
    pairs = list(itertools.product(said, repeat=2))
    found = world.value(
        "SELECT array_agg(same_judgement(one -> 0, one -> 1) ORDER BY place)"
        " FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS pairs (one, place)",
        json.dumps([[one.model_dump(), other.model_dump()] for one, other in pairs]),
    )
    assert found == [same_judgement(one, other) for one, other in pairs]
    assert set(found) == {True, False}


def test_exposure_is_split_at_midnight_and_counted_by_day(world: World) -> None:
    pat = world.person("north")
    case = world.case()
    decision = world.decide(case, pat, (5, 1000))
    token = world.value("SELECT lease_token FROM decisions WHERE id = %s", decision)
    world.expose(pat, case, token, (6, 7))
    # Open beside the one before: the same half minute.
    world.expose(pat, case, token, (6, 6.5))
    # From 23:59 to 00:02.
    world.expose(pat, case, token, (839, 842))
    rows = world.rows("SELECT day, seconds, reveals, area, language FROM exposure_seconds ORDER BY day")
    days = [world.at(0).date(), world.at(842).date()]
    assert [(row["day"], row["seconds"], row["reveals"]) for row in rows] == [(days[0], 120, 3), (days[1], 120, 0)]
    assert {(row["area"], row["language"]) for row in rows} == {("spam", "en")}


def test_samples_and_restricted_cases_are_in_no_figure_but_exposure(world: World) -> None:
    pat = world.person()
    world.add("queues", name="quiet", title="Quiet", restricted=True)
    plan = world.plan(pat)
    for fields in ({"sample": True}, {"special": "legal_order"}, {"queue": "quiet"}):
        case = world.case(**fields)
        world.lease(case, pat, (1, 2), "handed_over")
        decision = world.decide(case, pat, (5, 11))
        world.check(plan, decision)
        token = world.value("SELECT lease_token FROM decisions WHERE id = %s", decision)
        world.expose(pat, case, token, (6, 7))
        world.case(status="open", deadline=world.at(1), **fields)
    for view in ("quality_checks", "handling_times", "decision_facts", "escalation_facts"):
        assert world.value(f"SELECT count(*) FROM {view}") == 0, view
    [row] = world.rows(
        "SELECT sum(seconds) AS seconds, max(area) AS area, max(language) AS language FROM exposure_seconds"
    )
    # Of the special route and of the restricted queue, open in the same minute.
    assert row == {"seconds": 60, "area": None, "language": None}


def test_no_view_names_a_person_or_what_they_earn(world: World) -> None:
    named = world.rows("""
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_name IN (SELECT viewname FROM pg_views WHERE schemaname = 'public')
          AND column_name ~ '(name|cost|note)'
    """)
    assert named == []
