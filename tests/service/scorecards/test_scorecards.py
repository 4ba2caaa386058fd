"""Scorecards as the API gives them: figures worked out by hand, what is held back, and the same in every form."""

import csv
import io
import json
import re
import zipfile
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from service.spreadsheets import FORMULA, guarded, unguarded
from tests.service.scorecards.world import ANSWER, World, staffed
from tests.service.steps import Body, assert_error

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


async def card(lead: httpx.AsyncClient, **asked: Any) -> Body:
    answer = await lead.get("/v1/scorecards", params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def group(lead: httpx.AsyncClient, name: str | None, **asked: Any) -> Body:
    [found] = [one for one in (await card(lead, **asked))["groups"] if one["name"] == name]
    return dict(found)


async def test_the_figures_of_a_vendor_worked_out_by_hand(lead: httpx.AsyncClient, world: World) -> None:
    made = staffed(world, "north", people=5, decisions=40, wrong=4, hourly_cost=30)
    north = await group(lead, "north")
    assert (north["people"], north["decisions"], north["checks"]) == (5, 40, 40)
    # Wilson for 36 of 40, which are worth four draws more by the pseudo-draws of Agresti and Coull.
    accuracy = north["accuracy"]
    assert (accuracy["value"], accuracy["n"]) == (0.9, 40)
    assert (accuracy["low"], accuracy["high"]) == (pytest.approx(0.77701, abs=1e-4), pytest.approx(0.95876, abs=1e-4))
    assert (north["wait"]["median"], north["touch"]["median"], north["total"]["p90"]) == (5, 6, 11)
    assert north["overturned"]["value"] == 0.1
    # 40 times six minutes are 4 h, which cost 120; 36 decisions of 40 are correct.
    assert north["cost_per_correct"] == {"value": pytest.approx(120 / 36), "note": None}
    assert north["exposure_hours"]["value"] == 0
    case, token = world.rows("SELECT case_id, lease_token FROM decisions WHERE id = %s", made[0])[0].values()
    people = [row["id"] for row in world.rows("SELECT id FROM principals WHERE vendor = 'north'")]
    for person in people:
        world.expose(person, case, token, (6, 9))
    assert (await group(lead, "north"))["exposure_hours"]["value"] == pytest.approx(0.25)


async def test_percentiles_lie_between_the_times_that_were_measured(lead: httpx.AsyncClient, world: World) -> None:
    team = [world.person("north") for _ in range(5)]
    with world.together():
        for number in range(41):
            world.decide(world.case(), team[number % 5], (number, 2 * number))
    north = await group(lead, "north")
    assert north["wait"] == {"n": 41, "median": 20, "p90": 36, "note": None}
    assert (north["touch"]["median"], north["total"]["p90"]) == (20, 72)


async def test_open_overdue_cases_are_missed_deadlines(lead: httpx.AsyncClient, world: World) -> None:
    pat = world.person("north")
    with world.together():
        for number in range(30):
            case = world.case()
            world.clock(case, pat, 11 if number else 10)
            world.decide(case, pat, (5, 11))
    assert (await group(lead, "north"))["sla"]["value"] == pytest.approx(29 / 30)
    for _ in range(2):
        world.case(status="open", deadline=world.at(20))
    found = await card(lead)
    nobody = found["groups"][-1]
    assert (nobody["name"], nobody["open_overdue"], nobody["sla"]["n"]) == (None, 2, 2)
    assert found["all"]["sla"]["value"] == pytest.approx(29 / 32)
    assert found["all"]["open_overdue"] == 2


async def test_weights_move_the_share_to_where_the_decisions_are(lead: httpx.AsyncClient, world: World) -> None:
    pat = world.person("north")
    plan = world.plan(pat, "stratified")
    with world.together():
        for number in range(40):
            # Twenty that stand for ten each, all right, and twenty that stand for one, all wrong.
            rare = number >= 20
            world.check(plan, world.decided(pat), "wrong_area" if rare else None, chance=1.0 if rare else 0.1)
    assert (await group(lead, "north"))["accuracy"]["value"] == pytest.approx(200 / 220)


async def test_the_ceiling_stands_beside_accuracy_once_enough_was_checked_twice(
    lead: httpx.AsyncClient, world: World
) -> None:
    pat = world.person("north")
    plan = world.plan(pat, reviews=2)
    with world.together():
        for number in range(30):
            second = {**ANSWER, "severity": 4} if number < 3 else ANSWER
            world.check(plan, world.decided(pat), answers=[ANSWER, second])
    assert (await group(lead, "north"))["ceiling"]["value"] == 0.9
    # Who differs waits for somebody to settle it, and counts meanwhile.
    for row in world.rows("SELECT check_id FROM quality_checks WHERE NOT experts_agree"):
        world.dispute(row["check_id"])
    north = await group(lead, "north")
    assert (north["ceiling"]["value"], north["accuracy"]["value"]) == (0.9, None)
    world.connection.execute("DELETE FROM qa_reviews WHERE item_id = (SELECT id FROM qa_items LIMIT 1)")
    ceiling = (await group(lead, "north"))["ceiling"]
    assert (ceiling["value"], ceiling["note"]) == (None, "not enough checks with two blind answers: 29 of 30")


async def test_what_is_answered_once_stands_for_nothing_in_the_ceiling(lead: httpx.AsyncClient, world: World) -> None:
    pat = world.person("north")
    plan = world.plan(pat, "stratified", strata=["area"], population=1000, reviews=2)
    # Of 900 easy decisions 60 are drawn and answered twice, all alike; of 100 hard ones 30, of which ten are, and never alike. The
    # plan was closed then.
    with world.together():
        for _ in range(60):
            decision = world.decided(pat, policy_area="benign")
            world.check(plan, decision, chance=60 / 900, stratum="benign", answers=[ANSWER, ANSWER])
        for number in range(30):
            answers = [ANSWER, {**ANSWER, "severity": 4}] if number < 10 else [ANSWER]
            world.check(plan, world.decided(pat), chance=30 / 100, stratum="spam", answers=answers)
        # Nobody answered twice of what this one drew: it takes no part of the weights.
        other = world.plan(pat, reviews=2)
        world.check(other, world.decided(pat), answers=[ANSWER])
    north = await group(lead, "north")
    assert (north["ceiling"]["value"], north["ceiling"]["n"]) == (pytest.approx(0.9), 70)
    assert world.value("SELECT sum(experts_weight) FROM quality_checks") == pytest.approx(1000)
    strata = world.rows(
        "SELECT drawn, answered, answered_twice FROM plan_strata WHERE plan_id = %s ORDER BY stratum", plan
    )
    assert [tuple(row.values()) for row in strata] == [(60, 60, 60), (30, 30, 10)]


async def test_while_checks_are_disputed_accuracy_has_bounds_and_no_value(
    lead: httpx.AsyncClient, world: World
) -> None:
    staffed(world, "north", people=5, decisions=40, wrong=2, hourly_cost=30)
    items = [row["id"] for row in world.rows("SELECT item_id AS id FROM qa_settlements WHERE error IS NULL LIMIT 4")]
    for item in items:
        world.dispute(item)
    north = await group(lead, "north")
    accuracy = north["accuracy"]
    assert (accuracy["value"], accuracy["n"], north["checks"]) == (None, 40, 40)
    # Of 40 either 34 or 38 are right: the lower end of one, the upper end of the other.
    assert accuracy["low"] < 34 / 40 < 38 / 40 < accuracy["high"]
    assert accuracy["note"].endswith("until 4 disputed checks are settled")
    assert north["cost_per_correct"] == {"value": None, "note": accuracy["note"]}


HARD = '{"areas": ["spam"]}'


def two_plans(world: World, **of_b: Any) -> list[Any]:
    """Of a vendor's 10,000 decisions, half in a hard area, plan A draws one in 100: 95 are right. Plan B draws one in 50 of the
    hard area, and finds 70 of 100 right. The decisions that both drew come first.
    """
    pat = world.person("north")
    with world.together():
        hard = [world.decided(pat) for _ in range(50)]
        easy = [world.decided(pat, policy_area="benign") for _ in range(50)]
        plan = world.plan(pat, name="A")
        for number, decision in enumerate([*hard, *easy]):
            world.check(plan, decision, "wrong_area" if number < 5 else None, chance=0.01)
    others = of_b.pop("decisions", None) or hard + [world.decided(pat) for _ in range(50)]
    with world.together():
        plan = world.plan(pat, name="B", **of_b)
        for number, decision in enumerate(others):
            world.check(plan, decision, "wrong_area" if number % 10 < 3 else None, chance=0.02)
    return hard


async def test_a_plan_of_one_area_says_nothing_of_all_a_vendor_decided(lead: httpx.AsyncClient, world: World) -> None:
    two_plans(world, scope=HARD)
    found = await card(lead)
    [north] = found["groups"]
    assert (north["accuracy"]["value"], north["checks"], found["plans"]) == (pytest.approx(0.95), 100, ["A"])
    # Of that area alone both speak, and a decision that both drew counts once, by its newest check.
    found = await card(lead, area="spam")
    [north] = found["groups"]
    assert (north["checks"], found["plans"]) == (100, ["A", "B"])
    assert north["accuracy"]["value"] == pytest.approx(0.7)


@pytest.mark.parametrize(
    "scope", ['{"queues": ["default"]}', '{"languages": ["en"]}', '{"vendors": ["north"]}', '{"from": ["human"]}']
)
async def test_other_narrow_plans_are_left_out_too(lead: httpx.AsyncClient, world: World, scope: str) -> None:
    two_plans(world, scope=scope)
    assert (await card(lead))["plans"] == ["A"]


async def test_what_two_plans_could_draw_is_shared_out_between_them(lead: httpx.AsyncClient, world: World) -> None:
    pat = world.person("north")
    with world.together():
        early, late = ([world.decide(world.case(), pat, (5, minute)) for _ in range(40)] for minute in (11, 500))
        # The first plan drew before the later half was decided; its checks found nothing.
        first = world.plan(pat, made_at=world.at(100))
        second = world.plan(pat)
        for decision in early[:20]:
            world.check(first, decision, chance=0.5)
        for decision in early[20:]:
            world.check(second, decision, chance=0.5)
        for decision in late[:20]:
            world.check(second, decision, "wrong_area", chance=0.5)
    # Half of the decisions are late, and all of those are wrong; without the sharing out it would be a third.
    assert (await group(lead, "north"))["accuracy"]["value"] == pytest.approx(0.5)


async def test_what_waits_in_a_plan_is_stood_for_by_what_is_answered(lead: httpx.AsyncClient, world: World) -> None:
    pat = world.person("north")
    with world.together():
        early, late = ([world.decide(world.case(), pat, (5, minute)) for _ in range(30)] for minute in (11, 500))
        plans = [world.plan(pat, scope=json.dumps({end: world.at(100).isoformat()})) for end in ("until", "since")]
        for decision in early:
            world.check(plans[0], decision)
        for number, decision in enumerate(late):
            item, _ = world.check(plans[1], decision, "wrong_area")
            if number >= 10:
                world.wait(item)
    assert (await group(lead, "north"))["accuracy"]["value"] == pytest.approx(0.5)


def two_strata(world: World, *, of_hard: int) -> Any:
    """Of 900 easy decisions 60 are drawn and all answered, 57 right; of 100 hard ones 30, of which `of_hard` are answered, three
    of five wrong. A stratified plan with the rest still waiting.
    """
    pat = world.person("north")
    plan = world.plan(pat, "stratified", strata=["area"], population=1000)
    with world.together():
        for number in range(60):
            decision = world.decided(pat, policy_area="benign")
            wrong = "wrong_area" if number % 20 == 0 else None
            world.check(plan, decision, wrong, chance=60 / 900, stratum="benign", answers=[ANSWER])
        for number in range(30):
            wrong = "wrong_area" if number % 5 < 3 else None
            item, _ = world.check(plan, world.decided(pat), wrong, chance=30 / 100, stratum="spam", answers=[ANSWER])
            if number >= of_hard:
                world.wait(item)
    return plan


async def test_what_is_answered_of_a_stratum_stands_for_all_of_it(lead: httpx.AsyncClient, world: World) -> None:
    plan = two_strata(world, of_hard=10)
    # 95 % of 900 and 40 % of 100, however few of the hard ones are answered yet: scaled by plan it would be 0.928.
    truth = (900 * 0.95 + 100 * 0.4) / 1000
    assert (await group(lead, "north"))["accuracy"]["value"] == pytest.approx(truth)
    results = (await lead.get(f"/v1/qa/plans/{plan}/results")).json()
    assert (results["accuracy"]["value"], results["unanswered"]) == (pytest.approx(truth), [])
    assert world.value("SELECT sum(weight) FROM quality_checks") == pytest.approx(1000)
    assert (await card(lead))["missing"] == []


async def test_a_stratum_without_an_answer_is_named(lead: httpx.AsyncClient, world: World) -> None:
    plan = two_strata(world, of_hard=0)
    found = await card(lead)
    assert found["groups"][0]["accuracy"]["value"] == pytest.approx(0.95)
    [missing] = found["missing"]
    assert missing.endswith("nothing is answered in 1 stratum: accuracy says nothing of those decisions.")
    assert (await lead.get(f"/v1/qa/plans/{plan}/results")).json()["unanswered"] == ["spam"]
    assert "Nothing is answered in 1 stratum" in (await lead.get(f"/qa/plans/{plan}")).text


async def test_a_stratum_that_holds_nothing_of_what_is_asked_about_is_not_named(
    lead: httpx.AsyncClient, world: World
) -> None:
    of_north = two_strata(world, of_hard=0)
    pat = world.person("south")
    of_south = world.plan(pat, "stratified", strata=["language"], name="languages")
    with world.together():
        german, english = (world.decide(world.case(language=one), pat, (5, 11)) for one in ("de", "en"))
        world.check(of_south, english, stratum="en")
        world.wait(world.check(of_south, german, stratum="de")[0])
    areas = world.value("SELECT name FROM qa_plans WHERE id = %s", of_north)
    before = str(world.start.date() - timedelta(days=1))
    for asked, expected in (
        ({}, [areas, "languages"]),
        ({"vendor": "north"}, [areas]),
        ({"vendor": "south"}, ["languages"]),
        ({"area": "benign"}, []),
        ({"vendor": "south", "language": "en"}, []),
        ({"until": before}, []),
    ):
        missing = (await card(lead, **asked))["missing"]
        assert re.findall("Of the plan “(.*?)” nothing is answered", " ".join(missing)) == expected, asked


async def test_a_plan_without_an_answer_takes_no_weight_from_others(lead: httpx.AsyncClient, world: World) -> None:
    pat = world.person("north")
    with world.together():
        early, late = ([world.decide(world.case(), pat, (5, minute)) for _ in range(20)] for minute in (11, 500))
        plans = [world.plan(pat), world.plan(pat, scope=json.dumps({"since": world.at(100).isoformat()}))]
        for decision in [*early, *late]:
            world.check(plans[0], decision, "wrong_area" if decision in late else None)
        world.wait(world.check(plans[1], late[0])[0])
    assert (await group(lead, "north"))["accuracy"]["value"] == pytest.approx(0.5)


async def test_no_share_and_no_percentile_of_fewer_than_thirty(lead: httpx.AsyncClient, world: World) -> None:
    staffed(world, "north", people=5, decisions=29, hourly_cost=30)
    north = await group(lead, "north")
    assert north["accuracy"] == {
        "n": 29,
        "value": None,
        "low": None,
        "high": None,
        "note": "not enough checks: 29 of 30",
    }
    assert (north["touch"]["median"], north["touch"]["note"]) == (None, "not enough decisions: 29 of 30")
    assert (north["overturned"]["value"], north["sla"]["note"]) == (None, "not enough deadlines: 0 of 30")
    assert north["cost_per_correct"]["note"] == "not enough checks: 29 of 30"
    assert "No group has 30 checks yet: there is no accuracy to show." in (await card(lead))["missing"]


async def test_what_would_tell_of_one_person_is_held_back(lead: httpx.AsyncClient, world: World) -> None:
    staffed(world, "north", people=5, decisions=30, hourly_cost=30)
    staffed(world, "south", people=4, decisions=30, hourly_cost=50)
    found = await card(lead)
    north, south = found["groups"]
    for figure in ("touch", "exposure_hours", "cost_per_correct"):
        assert "fewer than 5 people" in south[figure]["note"], figure
        assert north[figure]["note"] is None, figure
        # All together, less north, would be south.
        assert "fewer than 5 people" in found["all"][figure]["note"], figure
    assert (south["touch"]["median"], south["cost_per_correct"]["value"]) == (None, None)
    assert south["accuracy"]["value"] == 1


@pytest.mark.parametrize("asked", [{"site": "Oslo"}, {"vendor": "north"}])
async def test_two_cards_less_each_other_do_not_tell_of_one_person(
    lead: httpx.AsyncClient, world: World, asked: dict[str, str]
) -> None:
    made = staffed(world, "north", people=6, decisions=36, hourly_cost=30, site="Oslo")
    assert made
    world.connection.execute("UPDATE principals SET site = 'Bergen' WHERE username = 'world-1'")
    assert (await card(lead))["all"]["cost_per_correct"]["value"] is not None
    for by in ("vendor", "area"):
        found = await card(lead, by=by, **asked)
        for one in (*found["groups"], found["all"]):
            for figure in ("touch", "exposure_hours", "cost_per_correct"):
                assert "one vendor or site" in one[figure]["note"], figure


async def test_cost_is_known_only_when_that_of_everybody_is(lead: httpx.AsyncClient, world: World) -> None:
    staffed(world, "north", people=6, decisions=36, hourly_cost=30)
    world.connection.execute("UPDATE principals SET hourly_cost = NULL WHERE username = 'world-1'")
    cost = (await group(lead, "north"))["cost_per_correct"]
    assert cost == {"value": None, "note": "no hourly cost is set for whoever made 6 of 36 decisions"}


async def test_decisions_taken_back_or_carried_over_are_no_work(lead: httpx.AsyncClient, world: World) -> None:
    pat = world.person("north")
    world.undo(world.decided(pat), pat, 12)
    world.decided(pat, basis="cluster")
    north = await group(lead, "north")
    assert (north["decisions"], north["overturned"]["n"], north["total"]["n"]) == (1, 2, 0)


@pytest.mark.parametrize("by", ["site", "language", "policy", "area"])
async def test_groups_are_listed_by_name_whatever_their_figures(lead: httpx.AsyncClient, world: World, by: str) -> None:
    pat, kim = world.person(site="Oslo"), world.person(site="Bergen")
    policy = world.policy(pat)
    world.decide(world.case(language="nb"), pat, (5, 11))
    for _ in range(2):
        world.decide(world.case(language="de-AT"), kim, (5, 11), policy_id=policy, policy_area="benign")
    found = [(one["name"], one["decisions"]) for one in (await card(lead, by=by))["groups"]]
    assert (
        found
        == {
            "site": [("Bergen", 2), ("Oslo", 1)],
            "language": [("de", 2), ("nb", 1)],
            "policy": [("spam v1", 2), (None, 1)],
            "area": [("benign", 2), ("spam", 1)],
        }[by]
    )


async def test_the_period_and_the_filters_narrow_every_figure(lead: httpx.AsyncClient, world: World) -> None:
    staffed(world, "north", people=2, decisions=3, site="Oslo")
    staffed(world, "south", people=2, decisions=2, site="Bergen")
    day = str(world.start.date())
    before = str(world.start.date() - timedelta(days=1))
    assert [one["name"] for one in (await card(lead, vendor="south"))["groups"]] == ["south"]
    only = (await card(lead, since=day, until=day, site="Oslo", language="en", area="spam"))["all"]
    assert (only["decisions"], only["checks"], only["wait"]["n"]) == (3, 3, 3)
    for nothing in ({"until": before}, {"since": before, "until": before}, {"area": "benign"}, {"language": "de"}):
        found = await card(lead, **nothing)
        assert (found["groups"], found["all"]["checks"]) == ([], 0), nothing
        assert found["missing"] == ["No decision was made in this period. Sample cases do not count."]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"by": "person"}, "by"),
        ({"person": "pat"}, "person"),
        ({"since": "2026-02-30"}, "since"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "lies after until"),
        ({"since": "2025-01-01", "until": "2026-02-05"}, "at most 400 days up to 2026-02-05, not 401"),
        ({"since": "0001-01-01", "until": "0001-01-02"}, "a day from 2000-01-01 to 2999-12-31"),
        ({"until": "9999-12-31"}, "a day from 2000-01-01 to 2999-12-31"),
        ({"vendor": "x" * 101}, "vendor"),
        ({"vendor": "a\x00"}, "vendor"),
    ],
)
async def test_what_cannot_be_asked_is_refused(lead: httpx.AsyncClient, asked: Body, words: str) -> None:
    for path in ("/v1/scorecards", "/v1/scorecards.csv", "/v1/scorecards.xlsx"):
        assert words in assert_error(await lead.get(path, params=asked), 422, "invalid_request")


async def test_four_hundred_days_are_given(lead: httpx.AsyncClient) -> None:
    assert (await card(lead, since="2025-01-01", until="2026-02-04"))["groups"] == []


def sheet(content: bytes, number: int) -> list[list[str | float]]:
    """The cells of a sheet, texts as texts and numbers as numbers; a formula fails."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        shared = [
            "".join(part.text or "" for part in one.iter(f"{SHEET}t"))
            for one in ET.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314 - our own file
        ]
        root = ET.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))  # noqa: S314 - our own file
    assert root.findall(f".//{SHEET}f") == []
    lines = []
    for row in root.iter(f"{SHEET}row"):
        line: dict[int, str | float] = {}
        for cell in row:
            column = 0
            for letter in filter(str.isalpha, cell.attrib["r"]):
                column = column * 26 + ord(letter) - 64
            value = cell.findtext(f"{SHEET}v") or ""
            line[column - 1] = shared[int(value)] if cell.get("t") == "s" else float(value)
        lines.append([line.get(place, "") for place in range(max(line) + 1)])
    return lines


async def test_json_csv_and_excel_hold_the_same_figures(lead: httpx.AsyncClient, world: World) -> None:
    staffed(world, "north", people=5, decisions=33, wrong=2, hourly_cost=30)
    staffed(world, '=HYPERLINK("x")', people=1, decisions=2)
    said = await card(lead)
    text = (await lead.get("/v1/scorecards.csv")).text
    book = (await lead.get("/v1/scorecards.xlsx")).content
    head, *lines = list(csv.reader(io.StringIO(text, newline="")))
    cells = sheet(book, 1)
    assert cells[0] == head
    assert [line[0] for line in lines] == ["group", "group", "all"]
    assert [line[1] for line in lines] == ['\'=HYPERLINK("x")', "north", "all"]
    assert [row[1] for row in cells[1:]] == ['=HYPERLINK("x")', "north", "all"]
    for told, line, row in zip([*said["groups"], said["all"]], lines, cells[1:], strict=True):
        for name, of_csv, of_excel in zip(head[2:-1], line[2:-1], row[2:-1], strict=True):
            figure, _, part = name.rpartition("_")
            expected = told[name] if name in told else told[figure][part]
            expected = expected["value"] if isinstance(expected, dict) else expected
            assert (float(of_csv) if of_csv else None) == expected, name
            assert (None if of_excel == "" else of_excel) == (None if expected is None else pytest.approx(expected)), (
                name
            )
    assert "not enough checks: 2 of 30" in lines[0][-1]
    meanings = {row[0]: row for row in sheet(book, 2)}
    assert {name for name in said["definitions"] if meanings[name][1] == said["definitions"][name]["view"]} == set(
        said["definitions"]
    )


async def test_the_same_scorecard_is_the_same_file(lead: httpx.AsyncClient, world: World) -> None:
    staffed(world, "north", people=2, decisions=2)
    for path in ("/v1/scorecards.csv", "/v1/scorecards.xlsx"):
        one, other = await lead.get(path), await lead.get(path)
        assert one.content == other.content
        assert one.headers["cache-control"] == "no-store"
        assert one.headers["content-disposition"].startswith('attachment; filename="scorecard-vendor-')


@pytest.mark.parametrize("first", FORMULA)
def test_no_text_is_computed_by_a_spreadsheet(first: str) -> None:
    assert guarded(f"{first}1+1") == f"'{first}1+1"
    assert unguarded(f"'{first}1+1") == f"{first}1+1"
    assert (guarded(-1.5), guarded(None), guarded("north - east")) == (-1.5, None, "north - east")
    assert unguarded("'north'") == "'north'"
