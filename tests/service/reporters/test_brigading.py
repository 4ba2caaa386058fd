"""Neither a crowd nor one eager person moves a case by more than the stated cap."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from labeling.taxonomy import Taxonomy, load_taxonomy
from models.rank import RankConfig, RankInputs, rank
from models.trust import Tally, Trust, combined, interval, likelihood_ratio, trusted
from service.cases.workflow import rerank
from service.settings import Settings
from tests.service.steps import query, report, report_body, value

TAXONOMY = load_taxonomy()
CONFIG = RankConfig()
TRUST = Trust(CONFIG.reporter_precision, CONFIG.reporter_strength, CONFIG.reporter_cap)
WORST = max(TAXONOMY.areas, key=lambda area: (area.floor, area.person_targeted)).id

counts = st.floats(0, 1e4)
tallies = st.builds(Tally, counts, counts)


def harmless(reasons: Sequence[str], told_by: Sequence[Tally] = (), reports: int = 1) -> dict[str, Any]:
    """The parts of a harmless subject that few see, when these reporters name the worst area."""
    score = {"areas": dict.fromkeys(TAXONOMY.area_ids, 0.002), "severity": [0.97, 0.02, 0.01, 0, 0], "unassessed": []}
    inputs = RankInputs(
        score=score,
        reasons=reasons,
        views_per_hour=2,
        pictures=0,
        received_at=datetime(2026, 11, 1, tzinfo=UTC),
        tallies={WORST: told_by} if told_by else {},
        reports=reports,
    )
    return rank(inputs, TAXONOMY, CONFIG).parts


def probability(parts: dict[str, Any]) -> float:
    """The probability of the worst area."""
    return next(float(one["probability"]) for one in parts["areas"] if one["area"] == WORST)


@given(crowd=st.lists(tallies, max_size=50), size=st.integers(1, 1000))
def test_no_crowd_exceeds_the_cap(crowd: list[Tally], size: int) -> None:
    most = trusted(CONFIG.reason_trust, CONFIG.reporter_cap)
    moved = probability(harmless([WORST], crowd, reports=size))
    assert moved <= 0.002 + (1 - 0.002) * most + 1e-12


def test_a_thousand_strangers_move_it_as_far_as_one() -> None:
    one = probability(harmless([WORST], [Tally()]))
    thousand = probability(harmless([WORST] * 1000, [Tally()] * 1000, reports=1000))
    assert thousand == one == pytest.approx(0.002 + 0.998 * CONFIG.reason_trust)


def test_nobody_known_is_as_the_prior() -> None:
    assert likelihood_ratio(Tally(), TRUST) == pytest.approx(1)
    assert combined([Tally()] * 1000, TRUST) == pytest.approx(1)
    assert combined([], TRUST) == 1


@given(upheld=st.floats(0, 50), dismissed=st.floats(0, 50), more=st.floats(0.1, 10))
def test_a_better_history_never_lowers(upheld: float, dismissed: float, more: float) -> None:
    now = likelihood_ratio(Tally(upheld, dismissed), TRUST)
    assert likelihood_ratio(Tally(upheld + more, dismissed), TRUST) >= now
    assert likelihood_ratio(Tally(upheld, dismissed + more), TRUST) <= now


@given(others=st.lists(tallies, max_size=8), one=tallies, more=counts)
def test_somebody_better_among_the_reporters_never_lowers(others: list[Tally], one: Tally, more: float) -> None:
    better = Tally(one.upheld + more, one.dismissed)
    assert combined([*others, better], TRUST) >= combined([*others, one], TRUST) - 1e-12


@given(others=st.lists(tallies, min_size=1, max_size=8), one=tallies)
def test_one_reporter_more_never_lowers(others: list[Tally], one: Tally) -> None:
    assert combined([*others, one], TRUST) >= combined(others, TRUST) - 1e-12


@given(share=st.floats(0.01, 0.99), small=st.floats(0.1, 20), factor=st.floats(1, 20))
def test_the_same_share_says_more_the_longer_the_history(share: float, small: float, factor: float) -> None:
    short = math.log(likelihood_ratio(Tally(share * small, (1 - share) * small), TRUST))
    longer = math.log(likelihood_ratio(Tally(share * small * factor, (1 - share) * small * factor), TRUST))
    assert abs(longer) >= abs(short) - 1e-9
    assert longer * short >= -1e-9


@given(tally=tallies)
def test_the_interval_holds_the_ratio_and_keeps_within_the_cap(tally: Tally) -> None:
    low, high = interval(tally, TRUST)
    assert 1 / TRUST.cap - 1e-9 <= low <= likelihood_ratio(tally, TRUST) + 1e-9
    assert likelihood_ratio(tally, TRUST) - 1e-9 <= high <= TRUST.cap + 1e-9


async def test_a_thousand_fresh_reporters_on_a_stored_case_move_it_as_far_as_one(
    app: FastAPI, platform: httpx.AsyncClient, settings: Settings, taxonomy: Taxonomy, database: str
) -> None:
    await report(platform, reason=WORST, views_per_hour=2)
    await report(platform, reason=WORST, views_per_hour=2)
    alone = query(database, "SELECT rank_value, rank -> 'areas' FROM cases")
    query(
        database,
        """
        INSERT INTO reports (id, case_id, evidence_id, channel, reason, reporter_id, received_from, received_at, case_status)
        SELECT gen_random_uuid(), r.case_id, r.evidence_id, 'user', r.reason, 'fresh-' || n, r.received_from,
               r.received_at, 'open'
        FROM (SELECT * FROM reports LIMIT 1) AS r, generate_series(1, 1000) AS n
        """,
    )
    async with app.state.engine.begin() as connection:
        case_id = value(database, "SELECT id FROM cases")
        await rerank(connection, [case_id], taxonomy=taxonomy, config=app.state.rank_config)
    assert query(database, "SELECT rank_value, rank -> 'areas' FROM cases") == alone


async def test_one_reporter_with_the_best_history_counts_once_however_often(
    app: FastAPI, platform: httpx.AsyncClient, database: str
) -> None:
    query(database, "INSERT INTO reporters (id, upheld) VALUES ('r1', 1000), ('r2', 1000)")
    found = []
    for _ in range(4):
        answer = await platform.post("/v1/reports", json=report_body(reason=WORST))
        assert answer.status_code == 201
        found.append(value(database, "SELECT rank -> 'reporters' FROM cases"))
    assert found[1:] == [[{"reason": WORST, "known": 1, "ratio": CONFIG.reporter_cap}]] * 3
    await platform.post("/v1/reports", json=report_body(reason=WORST) | {"reporter": {"id": "r2"}})
    assert value(database, "SELECT rank -> 'reporters' -> 0 -> 'ratio' FROM cases") == CONFIG.reporter_cap
