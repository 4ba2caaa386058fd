"""Routing by rules: first match, special routes before all, and what is unknown matches nothing that asks for it."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.taxonomy import Taxonomy
from service.routing.rules import DEFAULT_QUEUE, Facts, Rule, RuleSet, When, facts_of, route, special_of
from service.routing.words import conditions, sentence

POST = Facts(frozenset({"user"}), frozenset({"harassment"}), "post", language="ar", market="EG")
SCORED = Facts(
    *(frozenset({"user", "press"}), frozenset({"harassment"}), "post"),
    areas={"harassment": 0.7, "spam": 0.2},
    primary_area="harassment",
    severity=2,
    graphic=1,
)


def rule(name: str = "rule", queue: str = "special-care", **when: Any) -> Rule:
    return Rule(name, queue, When(**when))


@pytest.mark.parametrize(
    ("facts", "when", "matches"),
    [
        (POST, {}, True),
        (POST, {"channels": frozenset({"press", "user"})}, True),
        (POST, {"channels": frozenset({"press"})}, False),
        (SCORED, {"channels": frozenset({"press"})}, True),
        (POST, {"reasons": frozenset({"spam"})}, False),
        (POST, {"kinds": frozenset({"post"}), "languages": frozenset({"ar", "fa"})}, True),
        (POST, {"kinds": frozenset({"post"}), "languages": frozenset({"fa"})}, False),
        (POST, {"markets": frozenset({"EG"})}, True),
        (SCORED, {"markets": frozenset({"EG"})}, False),
        (SCORED, {"languages": frozenset({"und"})}, True),
        (POST, {"flags": frozenset({"minor"})}, False),
        (POST, {"scored": False}, True),
        (POST, {"scored": True}, False),
        (POST, {"severity": 0}, False),
        (SCORED, {"severity": 2}, True),
        (SCORED, {"severity": 3}, False),
        (SCORED, {"graphic": 1}, True),
        (SCORED, {"graphic": 2}, False),
        (SCORED, {"areas": {"harassment": 0.7}}, True),
        (SCORED, {"areas": {"harassment": 0.71}}, False),
        (SCORED, {"areas": {"harassment": 0.9, "spam": 0.2}}, True),
        (SCORED, {"areas": {"privacy": 0.01}}, False),
        (POST, {"areas": {"harassment": 0.01}}, False),
        (SCORED, {"primary_areas": frozenset({"harassment"})}, True),
        (SCORED, {"primary_areas": frozenset({"spam"})}, False),
    ],
)
def test_every_condition_that_is_given_has_to_hold(facts: Facts, when: dict[str, Any], matches: bool) -> None:
    routed = route(facts, RuleSet(1, (rule(**when),)))
    assert (routed.rule == "rule") is matches
    assert routed.queue == ("special-care" if matches else DEFAULT_QUEUE)


def test_the_first_match_wins_and_says_so() -> None:
    rules = RuleSet(1, (rule("never", "a", kinds=frozenset({"ad"})), rule("first", "b"), rule("second", "c")))
    routed = route(POST, rules)
    assert (routed.queue, routed.rule, routed.special) == ("b", "first", None)
    assert "first" in routed.reason
    assert "No rule matches" in route(POST, RuleSet()).reason


@given(st.sampled_from(["child_safety", "threat_to_life", "legal_order"]), st.booleans())
def test_a_special_route_goes_before_every_rule_and_says_when_nobody_serves_it(special: str, served: bool) -> None:
    rules = RuleSet(1, (rule(queue="elsewhere"),), {special: "restricted"} if served else {})
    facts = Facts(frozenset({"user"}), frozenset({"spam"}), "post", special=special)
    routed = route(facts, rules)
    assert routed.queue == ("restricted" if served else DEFAULT_QUEUE)
    assert routed.unserved is not served
    assert routed.special == special
    assert ("nobody serves" in routed.reason) is not served


@pytest.mark.parametrize(
    ("flags", "channel", "has_deadline", "special"),
    [
        ((), "user", True, None),
        (("minor",), "press", False, None),
        (("threat_to_life",), "user", False, "threat_to_life"),
        (("threat_to_life", "child_safety"), "user", False, "child_safety"),
        (("legal_order",), "regulator", False, "legal_order"),
        ((), "law_enforcement", True, "legal_order"),
        ((), "law_enforcement", False, None),
        (("threat_to_life",), "law_enforcement", True, "threat_to_life"),
    ],
)
def test_the_most_pressing_special_route_is_taken(
    flags: tuple[str, ...], channel: str, has_deadline: bool, special: str | None
) -> None:
    assert special_of(flags, channel, has_deadline=has_deadline) == special


def test_facts_come_from_the_stored_columns() -> None:
    score = {
        "areas": {"spam": 0.9},
        "severity": [0.1, 0.2, 0.6, 0.1, 0.0],
        "primary_area": "spam",
        "graphic": [0.2, 0.8, 0.0, 0.0],
    }
    row = SimpleNamespace(
        channels=["user", "press"], reasons=["spam"], kind="ad", language="pt-BR", market="br", flags=["minor"],
        special=None, score=score,
    )  # fmt: skip
    facts = facts_of(row)
    assert (facts.language, facts.market, facts.severity, facts.graphic) == ("pt", "BR", 2, 1)
    assert facts.areas == {"spam": 0.9}
    row.score, row.language, row.market = score | {"graphic": []}, None, None
    facts = facts_of(row)
    assert (facts.language, facts.market, facts.graphic) == ("und", None, None)
    row.score = None
    facts = facts_of(row)
    assert (facts.areas, facts.primary_area, facts.severity, facts.graphic) == (None, None, None, None)


def test_a_rule_reads_as_a_sentence(taxonomy: Taxonomy) -> None:
    when = When(
        channels=frozenset({"trusted_flagger", "press"}), languages=frozenset({"und"}), severity=3,
        areas={"harassment": 0.5, "privacy": 0.25}, scored=True,
    )  # fmt: skip
    assert sentence(Rule("r", "q", when), taxonomy) == (
        "Cases where the channel is press or trusted flagger, and the language is unknown, and there is a score, and "
        "Bullying and harassment is 50% likely or more or Privacy violations is 25% likely or more, "
        "and the severity is 3 (severe) or more."
    )
    assert sentence(rule(), taxonomy) == "Every case that comes this far."
    many = When(markets=frozenset(f"M{number}" for number in range(9)))
    assert conditions(many, taxonomy) == ["the market is M0, M1, M2, M3, M4, M5 or one of 3 more"]
