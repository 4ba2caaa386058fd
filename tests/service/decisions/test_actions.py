"""What somebody may do about a case comes from the server, is refused otherwise, and never does nothing in silence."""

from typing import Any

import httpx
import pytest

from labeling.taxonomy import Taxonomy
from tests.service.steps import Body, assert_error, claim, decide, decided, query, report, row_counts, value


async def offered(person: httpx.AsyncClient, case_id: str, **params: Any) -> Body:
    answer = await person.get(f"/v1/cases/{case_id}/actions", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def allowed(body: Body) -> set[str]:
    return {one["id"] for one in body["actions"] if one["allowed"]}


async def test_every_action_of_the_taxonomy_is_told_with_what_it_means(
    reviewer: httpx.AsyncClient, claimed: Body, taxonomy: Taxonomy
) -> None:
    body = await offered(reviewer, claimed["case"]["id"])
    assert [one["id"] for one in body["actions"]] == [action.id for action in taxonomy.actions]
    assert allowed(body) == {action.id for action in taxonomy.actions}
    for one, action in zip(body["actions"], taxonomy.actions, strict=True):
        assert (one["name"], one["description"], one["enforces"]) == (action.name, action.description, action.enforces)
        assert (one["needs_author"], one["excludes"]) == (action.needs_author, list(action.excludes))
        assert one["why_not"] is None


async def test_what_the_queue_hides_or_the_role_is_denied_is_neither_offered_nor_taken(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, taxonomy: Taxonomy, database: str
) -> None:
    query(database, "UPDATE queues SET hidden_actions = '{disable_account}' WHERE name = 'default'")
    query(database, "INSERT INTO role_actions_denied (role, action) VALUES ('reviewer', 'suspend_account')")
    try:
        everything = {action.id for action in taxonomy.actions}
        mine = await offered(reviewer, claimed["case"]["id"])
        assert allowed(mine) == everything - {"disable_account", "suspend_account"}
        assert all(one["allowed"] == (one["why_not"] is None) for one in mine["actions"])
        assert allowed(await offered(colleague, claimed["case"]["id"])) == everything - {"disable_account"}
        before = row_counts(database)
        for action in ("disable_account", "suspend_account"):
            text = assert_error(await decide(reviewer, claimed, actions=["remove", action]), 403, "action_not_allowed")
            assert taxonomy.action(action).name in text
            assert row_counts(database) == before
        await decided(reviewer, claimed, actions=["remove", "warn"])
    finally:
        query(database, "UPDATE queues SET hidden_actions = '{}'")


async def test_who_holds_no_live_lease_is_told_that_before_anything_else(
    colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    query(database, "INSERT INTO role_actions_denied (role, action) VALUES ('specialist', 'remove')")
    assert_error(await decide(colleague, claimed), 409, "lease_stale")


async def test_an_account_that_nobody_named_cannot_be_acted_on(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform, author=None)
    case = await claim(reviewer)
    body = await offered(reviewer, case["case"]["id"], policy_area="harassment", severity=4)
    assert {one["id"] for one in body["actions"] if not one["allowed"]} == {"suspend_account", "disable_account"}
    assert all("no author is known" in (one["why_not"] or "no author is known") for one in body["actions"])
    assert body["recommended"]["actions"] == ["remove"]
    assert body["recommended"]["strikes"] is None
    before = row_counts(database)
    for action in ("suspend_account", "disable_account"):
        assert_error(await decide(reviewer, case, actions=[action]), 422, "action_without_effect")
    assert row_counts(database) == before
    await decided(reviewer, case, actions=["remove", "warn"])
    assert value(database, "SELECT count(*) FROM strikes") == 0


@pytest.mark.parametrize(
    "actions",
    [
        ["suspend_account", "disable_account"],
        ["disable_account", "warn", "suspend_account"],
        ["label", "remove"],
        ["remove", "age_restrict"],
        ["no_violation", "warn"],
    ],
)
async def test_actions_that_contradict_each_other_are_refused_in_words(
    reviewer: httpx.AsyncClient, claimed: Body, taxonomy: Taxonomy, database: str, actions: list[str]
) -> None:
    before = row_counts(database)
    text = assert_error(await decide(reviewer, claimed, actions=actions), 422, "invalid_request")
    assert sum(taxonomy.action(action).name in text for action in actions) == 2
    assert row_counts(database) == before


@pytest.mark.parametrize(
    "actions", [["remove", "warn", "suspend_account"], ["limit_reach", "label", "disable_account"]]
)
async def test_actions_that_fit_together_are_taken_together(
    reviewer: httpx.AsyncClient, claimed: Body, database: str, actions: list[str]
) -> None:
    await decided(reviewer, claimed, actions=actions)
    assert value(database, "SELECT actions FROM decisions") == actions


async def test_without_a_score_nothing_is_recommended_until_somebody_names_a_breach(
    reviewer: httpx.AsyncClient, claimed: Body
) -> None:
    case_id = claimed["case"]["id"]
    recommended = (await offered(reviewer, case_id))["recommended"]
    assert (recommended["actions"], recommended["basis"], recommended["severity"]) == ([], None, None)
    body = await offered(reviewer, case_id, policy_area="harassment", severity=2)
    assert body["recommended"]["basis"] == "caller"
    assert body["recommended"]["actions"] == ["remove", "warn"]
    assert {one["id"] for one in body["actions"] if one["recommended"]} == {"remove", "warn"}
    assert body["recommended"]["strikes"] == {"weight": 0, "count": 0, "next_threshold": 1}
    assert "Severity 2 (high) in Bullying and harassment" in body["recommended"]["because"]


async def test_with_a_score_its_area_and_likeliest_severity_count(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    score = '{"primary_area": "privacy", "severity": [0.1, 0.1, 0.2, 0.5, 0.1]}'
    query(database, "UPDATE evidence SET score = CAST(%s AS jsonb)", score)
    told = (await offered(reviewer, claimed["case"]["id"]))["recommended"]
    assert (told["policy_area"], told["severity"], told["basis"]) == ("privacy", 3, "model")


async def test_a_score_of_an_area_that_left_the_taxonomy_recommends_nothing(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    score = '{"primary_area": "gone_since", "severity": [0.1, 0.1, 0.2, 0.5, 0.1]}'
    query(database, "UPDATE evidence SET score = CAST(%s AS jsonb)", score)
    told = (await offered(reviewer, claimed["case"]["id"]))["recommended"]
    assert (told["actions"], told["policy_area"], told["basis"]) == ([], None, None)
    query(database, "UPDATE evidence SET score = jsonb_set(score, '{primary_area}', '\"benign\"')")
    assert (await offered(reviewer, claimed["case"]["id"]))["recommended"]["actions"] == ["no_violation"]


async def test_standing_strikes_raise_what_is_recommended(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    told = []
    for number in range(5):
        await report(platform, f"post-{number}")
        case = await claim(reviewer)
        body = await offered(reviewer, case["case"]["id"], policy_area="harassment", severity=2)
        told.append((body["recommended"]["strikes"]["weight"], body["recommended"]["actions"][1:]))
        await decided(reviewer, case)
    assert told == [
        (0, ["warn"]),
        (1.5, ["suspend_account"]),
        (3, ["suspend_account"]),
        (4.5, ["disable_account"]),
        (6, ["disable_account"]),
    ]
    # A recommendation does nothing: every decision took the one action that the reviewer chose.
    assert query(database, "SELECT DISTINCT actions FROM decisions") == [(["remove"],)]


async def test_what_is_not_offered_is_not_recommended_and_the_sentence_says_so(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    query(database, "INSERT INTO role_actions_denied (role, action) VALUES ('reviewer', 'disable_account')")
    told = (await offered(reviewer, claimed["case"]["id"], policy_area="harassment", severity=4))["recommended"]
    assert told["actions"] == ["remove"]
    assert "Left out, because it cannot be taken here: Disable the account." in told["because"]


async def test_benign_content_is_left_alone(reviewer: httpx.AsyncClient, claimed: Body) -> None:
    told = (await offered(reviewer, claimed["case"]["id"], policy_area="benign", severity=0))["recommended"]
    assert told["actions"] == ["no_violation"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"policy_area": "harassment"}, "invalid_request"),
        ({"severity": 2}, "invalid_request"),
        ({"policy_area": "nonsense", "severity": 2}, "unknown_label"),
        ({"policy_area": "harassment", "severity": 5}, "invalid_request"),
        ({"policy_area": "harassment", "severity": "x"}, "invalid_request"),
    ],
)
async def test_nonsense_is_refused(reviewer: httpx.AsyncClient, claimed: Body, params: Body, code: str) -> None:
    answer = await reviewer.get(f"/v1/cases/{claimed['case']['id']}/actions", params=params)
    assert_error(answer, 422, code)


async def test_an_unknown_case_is_not_found(reviewer: httpx.AsyncClient, claimed: Body) -> None:
    answer = await reviewer.get(f"/v1/cases/{claimed['lease']['token']}/actions")
    assert_error(answer, 404, "not_found")
