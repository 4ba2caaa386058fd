"""Conflicts of rules: told for every rule that can never match, and for none that can."""

import itertools
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.routing.conflicts import Finding, QueueState, Vocabulary, check
from service.routing.rules import Facts, Rule, RuleSet, When, route

CHANNELS = ("user", "press", "partner")
AREAS = ("a", "b")
VOCABULARY = Vocabulary(CHANNELS, (*AREAS, "benign"))
QUEUES = {name: QueueState(name) for name in ("default", "q", "r")} | {
    "shut": QueueState("shut", closed=True),
    "empty": QueueState("empty", untaken="it is restricted and has no members"),
}


def rule(name: str, queue: str = "q", **when: Any) -> Rule:
    return Rule(name, queue, When(**when))


def found(*rules: Rule) -> list[Finding]:
    return check(rules, QUEUES, VOCABULARY)


def some(*values: str) -> frozenset[str]:
    return frozenset(values)


def subsets(values: tuple[str, ...]) -> list[frozenset[str]]:
    return [frozenset(one) for size in range(len(values) + 1) for one in itertools.combinations(values, size)]


@lru_cache(maxsize=1)
def every_case() -> tuple[Facts, ...]:
    """One case of each kind that the rules below can tell apart; values that no rule names stand for all others."""
    return tuple(_cases())


def _cases() -> Iterator[Facts]:
    plain = itertools.product(subsets(CHANNELS)[1:], subsets(("f",)), ("post", "ad", "other"))
    for channels, flags, kind in plain:
        known: dict[str, Any] = {"channels": channels, "flags": flags, "kind": kind, "reasons": frozenset({"x"})}
        yield Facts(**known)
        for a, b, primary, severity, graphic in itertools.product(
            (0.0, 0.5, 1.0), (0.0, 1.0), (*AREAS, "benign"), (0, 2, 4), (None, 0, 2)
        ):
            areas = {"a": a, "b": b}
            yield Facts(**known, areas=areas, primary_area=primary, severity=severity, graphic=graphic)


def conditions(*, scores: bool) -> st.SearchStrategy[When]:
    parts: dict[str, st.SearchStrategy[Any]] = {
        "channels": st.sampled_from([frozenset(), *subsets(CHANNELS)]),
        "flags": st.sampled_from([frozenset(), some("f")]),
        "kinds": st.sampled_from([frozenset(), some("post"), some("ad"), some("post", "ad")]),
        "scored": st.sampled_from([None, None, True, False]),
    }
    if scores:
        parts |= {
            "areas": st.sampled_from([{}, {}, {"a": 0.5}, {"a": 1.0}, {"b": 1.0}, {"a": 1.0, "b": 1.0}]),
            "primary_areas": st.sampled_from([frozenset(), some("a"), some("b", "benign")]),
            "severity": st.sampled_from([None, None, 0, 1, 3]),
            "graphic": st.sampled_from([None, None, 0, 1]),
        }
    return st.builds(When, **parts)


def rule_lists(most: int) -> st.SearchStrategy[list[Rule]]:
    whens = st.lists(st.one_of(conditions(scores=False), conditions(scores=True)), min_size=1, max_size=most)
    return whens.map(lambda made: [Rule(f"rule {number}", "q", when) for number, when in enumerate(made)])


@settings(max_examples=300)
@given(rule_lists(5))
def test_exactly_the_rules_that_no_case_reaches_are_told(rules: list[Rule]) -> None:
    reached = {route(facts, RuleSet(1, tuple(rules))).rule for facts in every_case()}
    told = {one.rule for one in found(*rules) if one.code in {"shadowed", "duplicate", "contradiction"}}
    assert told == {one.name for one in rules} - reached


@settings(max_examples=100)
@given(rule_lists(5))
def test_the_rules_that_are_named_do_take_everything(rules: list[Rule]) -> None:
    by_name = {one.name: one for one in rules}
    for one in found(*rules):
        if one.code == "shadowed":
            covering = RuleSet(1, tuple(by_name[name] for name in one.others))
            alone = RuleSet(1, (by_name[one.rule],))
            assert all(route(facts, covering).rule for facts in every_case() if route(facts, alone).rule)


def test_a_shadowed_rule_is_told_with_the_one_that_covers_it() -> None:
    (one,) = found(rule("wide", severity=2), rule("narrow", severity=3, channels=some("press")))
    assert (one.kind, one.code, one.rule, one.others) == ("error", "shadowed", "narrow", ("wide",))
    assert "“narrow”" in one.text
    assert "“wide”" in one.text


def test_rules_that_cover_a_later_one_only_together_are_told() -> None:
    (one,) = found(rule("scored", scored=True), rule("kind", kinds=some("ad")), rule("not", scored=False), rule("late"))
    assert (one.rule, one.others) == ("late", ("scored", "not"))


def test_a_duplicate_is_told() -> None:
    (one,) = found(rule("first", areas={"a": 0.5}), rule("again", "r", areas={"a": 0.5}))
    assert (one.code, one.rule, one.others) == ("duplicate", "again", ("first",))


def test_an_unscored_case_cannot_have_what_a_score_tells() -> None:
    (one,) = found(rule("both", scored=False, severity=1))
    assert (one.kind, one.code) == ("error", "contradiction")


@pytest.mark.parametrize(
    ("queue", "code", "words"),
    [("shut", "closed_queue", "closed"), ("gone", "missing_queue", "no queue"), ("empty", "untaken_queue", "members")],
)
def test_a_queue_that_cannot_take_cases_is_told(queue: str, code: str, words: str) -> None:
    (one,) = found(rule("lost", queue, kinds=some("post")))
    assert (one.kind, one.code) == ("error", code)
    assert words in one.text


def test_what_has_no_effect_is_a_warning() -> None:
    codes = [
        (one.kind, one.code)
        for one in found(rule("flagged", flags=some("child_safety")), rule("last", "default", kinds=some("post")))
    ]
    assert codes == [("warning", "special_flag"), ("warning", "idle")]


def test_two_hundred_rules_are_checked_in_seconds() -> None:
    hard = [
        rule(f"rule {number}", flags=some(f"f{number % 40}", f"f{(number * 7) % 40}"), kinds=some(f"k{number % 13}"))
        for number in range(199)
    ]
    codes = {one.code for one in found(*hard, rule("last", channels=some("press")))}
    assert codes <= {"shadowed", "duplicate"}
    assert "last" not in {one.rule for one in found(*hard, rule("last", channels=some("press")))}
