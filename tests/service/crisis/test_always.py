"""What always holds of crises: nothing is left behind, the rank is reproduced, and no clock of a law is softened."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from labeling.taxonomy import Taxonomy
from models.overlay import NO_OVERLAYS, Overlay, Overlays
from models.rank import RankConfig, RankInputs, guard_from, rank, reproduce
from tests.service.crisis.steps import Order, act, drafted, pass_time, standing, until
from tests.service.routing.steps import make_queue, rule, send
from tests.service.steps import Body, query, report, value

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def overlays(chance: random.Random, taxonomy: Taxonomy) -> Overlays:
    """One to three crises, as their drafts may be."""
    return Overlays(
        "key",
        tuple(
            Overlay(
                id=str(number),
                name=f"crisis {number}",
                until=NOW + timedelta(hours=2),
                areas={area: chance.choice((0.25, 0.5, 2.0, 16.0)) for area in chance.sample(taxonomy.area_ids, 6)},
                guard_minutes=chance.choice((None, 1.0, 45.0, 1440.0)),
                markets=frozenset(chance.choice(((), ("DE",), ("FR",)))),
                languages=frozenset(chance.choice(((), ("de",)))),
                severity_only=frozenset(chance.choice(((), ("default",)))),
            )
            for number in range(chance.randint(1, 3))
        ),
    )


def inputs(chance: random.Random, taxonomy: Taxonomy) -> RankInputs:
    score = {"areas": {area: chance.random() for area in taxonomy.area_ids}, "severity": [0.2] * 5}
    return RankInputs(
        score=chance.choice((None, score)),
        reasons=["harassment"],
        views_per_hour=chance.random() * 1000,
        pictures=chance.randint(0, 3),
        received_at=NOW - timedelta(hours=chance.randint(0, 50)),
        deadline=NOW + timedelta(hours=chance.randint(-2, 40)),
        language=chance.choice(("de", "fr")),
        market=chance.choice(("DE", "FR", None)),
        queue="default",
    )


@pytest.mark.parametrize("seed", range(60))
def test_no_overlay_softens_a_deadline_and_the_parts_reproduce_the_rank(seed: int, taxonomy: Taxonomy) -> None:
    chance = random.Random(seed)
    case, crises = inputs(chance, taxonomy), overlays(chance, taxonomy)
    plain, under = rank(case, taxonomy, RankConfig()), rank(case, taxonomy, RankConfig(), crises)
    assert under.parts["deadline"] == plain.parts["deadline"]
    assert under.parts["latest_start"] == plain.parts["latest_start"]
    assert under.parts["policy"].endswith("+guard")
    # A millionth of a minute is what adding in another order may make.
    assert guard_from(under.parts)[0] <= guard_from(plain.parts)[0] + timedelta(milliseconds=1)
    assert reproduce(under.parts) == {"value": under.value, "parts": under.parts}
    for one in under.parts["areas"]:
        harm = one["probability"] * one["weight"] * one["vulnerability"] * one.get("crisis", 1.0)
        assert one["harm"] == pytest.approx(harm)
        assert 0.25 <= one.get("crisis", 1.0) <= 16
    elsewhere = replace(case, language="ja", market="JP")
    about_all = [one for one in crises.crises if not one.markets and not one.languages]
    if not about_all:
        same = {**rank(elsewhere, taxonomy, RankConfig(), crises).parts}
        del same["overlay"]
        assert same == rank(elsewhere, taxonomy, RankConfig(), NO_OVERLAYS).parts


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_begun_extended_ended_or_over_nothing_is_left_behind(
    seed: int, platform: httpx.AsyncClient, lead: httpx.AsyncClient, second: httpx.AsyncClient, database: str,
    order: Order,
) -> None:  # fmt: skip
    chance = random.Random(seed)
    await make_queue(lead, "riots")
    deadline = {"basis": "an order", "kind": "legal", "due_at": until(5)}
    legal = (await send(platform, "post-0", report={"deadline": deadline}))["case_id"]
    for number in range(1, 4):
        await report(platform, f"post-{number}")
    before = standing(database)
    at_work: list[Body] = []
    for _step in range(8):
        await _something(chance, at_work, lead, second, database)
        if chance.random() < 0.5:
            await order.follow()
        moved = standing(database)[legal]
        assert (moved[2] <= before[legal][2] + timedelta(milliseconds=1), moved[3]) == (True, before[legal][3])
    for crisis in at_work:
        pass_time(database, crisis, days=20)
    assert value(database, "SELECT crises_key()") == ""
    await order.follow()
    assert standing(database) == before
    # Nor is anything written to people, and every step is in the log.
    assert value(database, "SELECT count(*) FROM principals WHERE skills <> '{}'") == 0
    told = query(database, "SELECT count(*) FROM events WHERE kind LIKE 'crisis.%%'")
    assert told == query(database, "SELECT count(*) FROM crisis_moments")


async def _something(
    chance: random.Random, at_work: list[Body], lead: httpx.AsyncClient, second: httpx.AsyncClient, database: str
) -> None:
    """Begin a crisis, with or without a second person, or extend, end or outlast one that is at work."""
    verb = chance.choice(("begin", "begin", "alone", "extend", "end", "expire"))
    if verb in {"begin", "alone"} or not at_work:
        rules: list[Any] = [rule("r", "riots", kinds=["post"])] if chance.random() < 0.5 else []
        areas = [{"area": "harassment", "factor": chance.choice((0.25, 3.0, 16.0))}]
        draft = await drafted(lead, areas=areas, rules=rules, guard_minutes=chance.choice((None, 100)))
        if verb == "alone":
            await act(lead, draft, "begin-alone", revision=1, reason="night")
            at_work.append({**draft, "alone": True})
        else:
            at_work.append(await act(second, draft, "approve", revision=1))
        return
    crisis = chance.choice(at_work)
    if verb == "extend" and not crisis.get("alone"):
        at_work.remove(crisis)
        # Extended once: it is taken out of the draw, and its time passes at the end.
        extended = await act(lead, crisis, "extend", until=until(300), reason="it goes on")
        at_work.append({**extended, "alone": True})
    elif verb == "end":
        await act(second, crisis, "end", reason="over")
        at_work.remove(crisis)
    else:
        pass_time(database, crisis, days=20)
        at_work.remove(crisis)
