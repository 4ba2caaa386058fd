"""The random share: unbiased whatever the order does, intervals that hold the truth, no figure where there is too little."""

import json
import math
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.__main__ import main
from eval.decision_log import RANDOM, Claim, LogError, LoggedCase, read_log
from eval.sample import estimates
from eval.sampling import MIN_DRAWS, Estimate, Sample, per_case, violates
from tests.eval.logs import AREA, START, Lottery, MadeUp, by_window, evenly, made_up, write

THRESHOLDS = {AREA: 0.5}


def prevalence(sample: Sample) -> Estimate:
    return sample.ratio(per_case(sample.cases, violates), np.ones(len(sample.cases)))


def recall(sample: Sample) -> Estimate:
    of = per_case(sample.cases, violates)
    return sample.ratio(of * per_case(sample.cases, lambda one: (one.areas or {})[AREA] >= 0.5), of)


def repeated(
    times: int, figure: Callable[[Sample], Estimate], truth: str, **world: float | Lottery
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Errors of the estimate, errors of the naive figure, and whether the interval held the truth."""
    chance = np.random.default_rng(2026)
    rows = []
    for _ in range(times):
        one: MadeUp = made_up(chance, **world)  # type: ignore[arg-type]
        found, true = figure(Sample(one.cases)), getattr(one, truth)
        if found.value is not None and found.low is not None and found.high is not None and found.naive is not None:
            rows.append((found.value - true, found.naive - true, found.low <= true <= found.high))
    errors, naive, held = zip(*rows, strict=True)
    return np.array(errors), np.array(naive), np.array(held)


@pytest.mark.parametrize("lottery", [evenly, by_window], ids=["evenly", "as the service draws"])
def test_prevalence_is_unbiased_and_its_interval_holds_the_truth_19_times_in_20(lottery: Lottery) -> None:
    errors, naive, held = repeated(
        600, prevalence, "prevalence", n=250, share=0.25, load=1.25, base_rate=0.3, lottery=lottery
    )
    assert len(errors) > 580
    assert abs(errors.mean()) < 3 * errors.std() / math.sqrt(len(errors))
    assert 0.93 <= held.mean() <= 0.97
    # What the order handed out is no sample: the error of the naive figure is ten times the scatter of the estimate.
    assert naive.mean() > 10 * errors.std()


def test_with_two_limited_reviewers_the_estimate_is_unbiased_and_its_interval_holds_the_truth() -> None:
    errors, naive, held = repeated(
        600, prevalence, "prevalence", n=250, share=0.3, load=1.25, base_rate=0.4, lottery=evenly, limited=True
    )
    assert len(errors) > 580
    assert abs(errors.mean()) < 3 * errors.std() / math.sqrt(len(errors))
    assert 0.93 <= held.mean() <= 0.97
    assert naive.mean() > 3 * errors.std()


def test_a_chance_speaks_of_the_pool_that_it_was_drawn_from() -> None:
    """2,000 cases in two languages, 500 decided (300 violating), 1,500 open (150 violating): .225 of all violate."""
    cases = []
    for scope in (1, 2):
        cases += [
            case(f"{scope} decided {n}", claim(1, 2), violating=n < 150, decided=2, scope=scope) for n in range(250)
        ]
        cases += [case(f"{scope} open {n}", violating=None, scope=scope) for n in range(730)]
        # Each reviewer draws 20 of the 750 of their language: 2 of 20 violate, as of all 750.
        drawn = claim(5, 6, RANDOM, q=1 / 750, pool={scope})
        cases += [case(f"{scope} drawn {n}", drawn, violating=n < 2, decided=6, scope=scope) for n in range(20)]
    found = prevalence(Sample(cases))
    assert found.value == pytest.approx(0.225)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.225 < found.high


def test_languages_count_by_their_cases_and_not_by_who_claims_most() -> None:
    cases = [case(f"1 open {n}", violating=None) for n in range(900)]
    cases += [case(f"2 open {n}", violating=None, scope=2) for n in range(100)]
    for scope, size, times in ((1, 900, 30), (2, 100, 300)):
        drawn = claim(5, 6, RANDOM, q=1 / size, pool={scope})
        # What is decided after the draw was in the pool at it.
        cases += [case(f"{scope} {n}", drawn, violating=scope == 2, decided=6, scope=scope) for n in range(times)]
    assert prevalence(Sample(cases)).value == pytest.approx(0.1)


def test_what_no_pool_held_is_counted_and_in_no_figure() -> None:
    cases = [
        case("drawn", claim(5, 6, RANDOM, q=0.5), decided=6),
        case("for nobody who drew", claim(1, 2), decided=2, scope=7),
        case("passed over", claim(1, 2, outcome="skipped"), violating=None),
    ]
    sample = Sample(cases)
    assert sample.outside(np.ones(3)).tolist() == [0.0]
    assert (sample.counts.in_no_pool, sample.counts.passed_over) == (1, 1)


def test_a_case_that_was_kept_back_is_out_until_somebody_has_it_again() -> None:
    draws = [case(f"at {at}", claim(at, at + 1, RANDOM, q=0.5), decided=at + 1) for at in (10.0, 30.0)]
    held = case("held", claim(1, 2, outcome="held"), claim(20, 21, outcome="released"), claim(40, 41), decided=41)
    drawn = case("held and drawn", claim(1, 2, outcome="held"), claim(50, 51, RANDOM, q=0.5), decided=51)
    sample = Sample([*draws, held, drawn])
    only = (np.array([0.0, 0, 1, 0]), np.array([0.0, 0, 0, 1]))
    assert [sample.outside(one).tolist() for one in only] == [[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]


def test_a_log_that_does_not_tell_its_pools_gives_no_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = made_up(np.random.default_rng(5), n=200, share=0.3, load=1.2, base_rate=0.4)
    older = [replace(each, claims=tuple(replace(c, pool=None) for c in each.claims)) for each in one.cases]
    for log in (older, [replace(each, scope=None) for each in one.cases]):
        assert main(["sample", "--log", str(write(tmp_path / "log.jsonl", log))]) == 2
        assert "does not say which cases its draws were made from" in capsys.readouterr().err
    first = next(at for at, each in enumerate(one.cases) if any(c.pool for c in each.claims))
    counts = Sample([*one.cases[:first], older[first], *one.cases[first + 1 :]]).counts
    assert (counts.without_pool, counts.used) == (1, counts.draws - 1)


def test_recall_is_unbiased_and_its_interval_holds_the_truth() -> None:
    errors, naive, held = repeated(400, recall, "recall", n=400, share=0.5, load=1.2, base_rate=0.5, lottery=by_window)
    assert len(errors) > 395
    assert abs(errors.mean()) < 3 * errors.std() / math.sqrt(len(errors))
    assert 0.93 <= held.mean() <= 0.97
    assert naive.mean() > 3 * errors.std()


def test_with_few_draws_there_is_no_figure() -> None:
    one = made_up(np.random.default_rng(1), n=200, share=0.05, load=1.2, base_rate=0.3)
    found = prevalence(Sample(one.cases))
    assert 0 < found.draws < MIN_DRAWS
    assert (found.value, found.low, found.high) == (None, None, None)
    assert found.naive is not None


def case(name: str, *claims: Claim, violating: bool | None = True, decided: float = 0.0, scope: int = 1) -> LoggedCase:
    """A case that was opened at the start, decided so many minutes later."""
    one = made_up(np.random.default_rng(1), n=3, share=0.0, load=0.1, base_rate=1.0).cases[0]
    decision = one.decision
    assert decision is not None
    return replace(
        one,
        case_id=name,
        opened_at=START,
        scope=scope,
        claims=claims,
        decision=None
        if violating is None
        else replace(decision, violating=violating, decided_at=START + timedelta(minutes=decided)),
    )


def claim(
    begin: float,
    end: float,
    lane: str = "ranked",
    *,
    outcome: str = "decided",
    q: float = 1.0,
    pool: Collection[int] = (1,),
) -> Claim:
    begun, ended = (START + timedelta(minutes=minutes) for minutes in (begin, end))
    return Claim(begun, ended, outcome, lane, q, frozenset(pool) if lane == RANDOM else None)


def test_cases_are_out_while_somebody_has_them_and_once_they_are_decided() -> None:
    cases = [
        case("before", claim(1, 2), decided=2),
        case("in hands", claim(4, 9), decided=9),
        case("given back", claim(2, 3, outcome="released"), claim(20, 21), decided=21),
        case("given back later", claim(4, 6, outcome="lapsed"), claim(20, 21), decided=21),
        case("nobody knows", violating=None),
        case("after", claim(7, 8), decided=8),
        case("drawn", claim(5, 6, RANDOM, q=0.25), decided=6),
    ]
    sample = Sample(cases)
    assert sample.weight.tolist() == [4.0]
    # Those two and "given back later" are in nobody's pool when the draw is made.
    assert sample.outside(np.ones(len(cases))).tolist() == [3.0]
    assert sample.outside(np.arange(len(cases), dtype=float)).tolist() == [0 + 1 + 3]


def test_draws_without_an_answer_are_counted_and_left_out() -> None:
    cases = [
        case("decided at once", claim(1, 2, RANDOM, q=0.5), decided=2),
        case("skipped, decided later", claim(1, 2, RANDOM, outcome="skipped", q=0.5), claim(5, 6), decided=6),
        case("lapsed, never decided", claim(1, 2, RANDOM, outcome="lapsed", q=0.5), violating=None),
        case("decided and undone", claim(1, 2, RANDOM, q=0.5), violating=None),
        case("opened again and drawn", claim(1, 2), claim(9, 10, RANDOM, outcome="released", q=0.5), decided=2),
    ]
    counts = Sample(cases).counts
    assert (counts.draws, counts.used, counts.decided_later) == (5, 2, 1)
    assert (counts.undone, counts.undecided) == (1, 2)
    assert counts.used + counts.undone + counts.undecided == counts.draws


def test_other_queues_are_not_what_a_draw_is_about() -> None:
    cases = [
        case("drawn", claim(5, 6, RANDOM, q=0.5), decided=6),
        replace(case("elsewhere", claim(1, 2), decided=2), queue="other", scope=2),
        case("here", claim(1, 2), decided=2),
    ]
    assert Sample(cases).outside(np.ones(3)).tolist() == [1.0]


def test_the_command_prints_every_figure_once_as_json_and_as_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = made_up(np.random.default_rng(5), n=900, share=0.3, load=1.2, base_rate=0.4)
    log = write(tmp_path / "log.jsonl", one.cases)
    assert read_log(log) == [replace(each, where=f"{log}:{line}") for line, each in enumerate(one.cases, start=1)]
    assert main(["sample", "--log", str(log), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    direct = estimates(one.cases, THRESHOLDS)
    assert found["prevalence"] == direct["prevalence"]
    any_harm = found["prevalence"]["any"]
    assert any_harm["low"] < one.prevalence < any_harm["high"] < any_harm["naive"]
    assert found["counts"]["used"] > 100
    (overall,) = (each for each in found["calibration"] if (each["from"], each["to"]) == (0.0, 1.0))
    # The score of the made-up model is not calibrated, and near enough for that to be seen of it.
    assert overall["stated"] == pytest.approx(overall["value"], abs=0.15)
    assert {each["value"] for each in found["calibration"] if each["draws"] < MIN_DRAWS} == {None}
    assert main(["sample", "--log", str(log)]) == 0
    assert "too few" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"opened_at": "yesterday"}, "opened_at must be a date with time"),
        ({"opened_at": "2026-11-23T08:00:00"}, "must say its offset"),
        ({"views_per_hour": -1}, "views_per_hour must be a number of 0 or more"),
        ({"decision": {"policy_area": "spam"}}, "severity is missing"),
        ({"claims": [{"at": "2026-11-23T08:00:00+00:00"}]}, "propensity is missing"),
        ({"opened_at": "2027-01-01T00:00:00+00:00"}, "is before opened_at"),
        ({"claims": 3}, "claims must be a list"),
        ({"parts": []}, "parts must be an object or null"),
        ({"case_id": "case-0"}, "is in line 1 already"),
        ({"scope": 1}, "scope must be an object with a whole number"),
        ({"score": {"areas": {"spam": 1.5}}}, "spam must be a number of 0 or more, 1 at most"),
    ],
)
def test_a_broken_log_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object], said: str
) -> None:
    log = write(tmp_path / "log.jsonl", made_up(np.random.default_rng(1), n=3, share=0, load=0.1, base_rate=1).cases)
    lines = log.read_text().splitlines()
    lines[1] = json.dumps({**json.loads(lines[1]), **change})
    log.write_text("\n".join(lines))
    with pytest.raises(LogError, match=said) as caught:
        read_log(log)
    assert str(caught.value).startswith(f"{log}:2: ")
    assert main(["sample", "--log", str(log)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("text", "said"), [("", "holds no case"), ("{", "not a JSON object"), ("[]", "not a JSON")])
def test_what_is_no_log_is_refused(tmp_path: Path, text: str, said: str) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(text)
    with pytest.raises(LogError, match=said):
        read_log(log)
