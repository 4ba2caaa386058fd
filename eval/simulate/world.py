"""The made-up platform of the simulator: what arrives, how often it is seen, how long a decision takes.

Every distribution is a parameter of `World`; the defaults are invented, chosen to have the heavy tails and the daily rhythm
that review queues are said to have. Results hold for these numbers: read the order of policies as evidence, sizes as
illustration.
"""

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.simulate.scene import MOST_CASES, Arrivals, Scene, SimulationError, Team, Values
from labeling.taxonomy import SEVERITY_LEVELS, Taxonomy
from models.rank import EPOCH, RankConfig, RankInputs, rank

DAY = 24.0


@dataclass(frozen=True, slots=True)
class World:
    """Parameters of a simulated platform. Times are in hours unless a name says minutes.

    Arrivals: `load` is work by capacity; over the day it swings by `rhythm` and is highest at `busiest_hour`. `area_mix` are
    shares of policy areas by name, those not named share the rest evenly. `severity_mix` are shares of severity 0 to 4; 0
    is harmless. Views an hour at report are log-normal with median `views_median` and `views_sigma`, and halve every
    `half_life` hours, drawn evenly in log between the two. `legal_share` of cases have a deadline between the two
    `legal_hours`.

    What the service knows: the logit of the truth at `logit_true` (violating) or `-logit_true`, plus noise of standard
    deviation `logit_noise`; severity, missed by one with chance `severity_off`; views, told `telemetry_minutes` apart and
    off by a log-normal factor of `views_noise`.

    Reviewers: `shifts` are (begin, end) hours of the day, one for each reviewer, an end above 24 on the next day;
    `rest_days` are days of the week without any, the first day being 0. Handling takes the area's minutes times
    `handling_factor` times a log-normal factor of sigma `handling_sigma` and mean 1.
    """

    days: float = 6.0
    load: float = 1.2
    rhythm: float = 0.5
    busiest_hour: float = 15.0
    area_mix: Mapping[str, float] = field(default_factory=dict)
    severity_mix: tuple[float, ...] = (0.35, 0.33, 0.20, 0.09, 0.03)
    views_median: float = 30.0
    views_sigma: float = 2.0
    views_noise: float = 0.0
    half_life: tuple[float, float] = (3.0, 33.0)
    legal_share: float = 0.1
    legal_hours: tuple[float, float] = (1.0, 24.0)
    logit_true: float = 2.0
    logit_noise: float = 0.8
    severity_off: float = 0.24
    telemetry_minutes: float = 30.0
    shifts: tuple[tuple[float, float], ...] = ((0.0, 12.0), (12.0, 24.0), (0.0, 24.0))
    rest_days: tuple[int, ...] = ()
    handling_factor: float = 1.0
    handling_sigma: float = 0.5

    def __post_init__(self) -> None:
        """Raises SimulationError for a value that describes no world."""
        if wrong := next(_wrong(self), None):
            raise SimulationError(wrong)

    @property
    def team(self) -> Team:
        """The sessions of the reviewers, day by day."""
        days = [day for day in range(math.ceil(self.days)) if day % 7 not in self.rest_days]
        sessions = [[(DAY * day + begin, DAY * day + end) for day in days] for begin, end in self.shifts]
        return Team(tuple(tuple(mine) for mine in sessions), self.days * DAY, self.telemetry_minutes / 60)

    @property
    def reviewers(self) -> float:
        """Reviewers at work on average, rest days counted."""
        return sum(end - begin for begin, end in self.shifts) / DAY * (7 - len(self.rest_days)) / 7


def _wrong(world: World) -> Iterator[str]:
    """What about a world makes it none."""
    if abs(sum(world.severity_mix) - 1) > 1e-6 or len(world.severity_mix) != SEVERITY_LEVELS:
        yield f"severity_mix must be five shares that sum to 1, not {world.severity_mix}"
    if not world.shifts or any(not 0 <= begin < DAY or not begin < end <= begin + DAY for begin, end in world.shifts):
        yield (
            f"shifts must be (begin, end) pairs with a begin within 0 to 24 and an end after it, at most a day later "
            f"(a night is [20, 28]), not {world.shifts}"
        )
    for names, least, most in _RANGES:
        for name in names:
            if not least <= getattr(world, name) <= most:
                yield f"{name} must be from {least:g} to {most:g}, not {getattr(world, name)}"
    for name in ("half_life", "legal_hours"):
        if len(getattr(world, name)) != 2 or not 0 < getattr(world, name)[0] <= getattr(world, name)[1]:
            yield f"{name} must be two numbers above 0, the smaller first, not {getattr(world, name)}"
    if not set(world.rest_days) < set(range(7)):
        yield f"rest_days must be days from 0 to 6, not all of them, not {world.rest_days}"
    if world.area_mix and (min(world.area_mix.values()) < 0 or not 0 < sum(world.area_mix.values()) <= 1 + 1e-6):
        yield f"area_mix must be shares that sum to 1 at most, not {dict(world.area_mix)}"


_RANGES = (
    (("days", "load", "telemetry_minutes", "views_median", "handling_factor"), 1e-3, 1e6),
    (("views_sigma", "views_noise", "logit_noise", "handling_sigma"), 0.0, 10.0),
    (("rhythm", "legal_share", "severity_off"), 0.0, 1.0),
    (("busiest_hour",), 0.0, DAY),
    (("logit_true",), -50.0, 50.0),
)


def read_world(path: Path | None, **changes: Any) -> World:
    """The default world with the values of a TOML file and `changes`. Raises SimulationError, OSError."""
    values: dict[str, Any] = {}
    if path:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SimulationError(f"{path}: cannot be read as TOML ({error})") from error
    known = {one.name for one in fields(World)}
    if unknown := sorted(set(values) - known):
        raise SimulationError(f"{path}: unknown parameters {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    plain: dict[str, Any] = {
        name: tuple(tuple(one) if isinstance(one, list) else one for one in value) if isinstance(value, list) else value
        for name, value in {**values, **changes}.items()
    }
    try:
        return replace(World(), **plain)
    except (AttributeError, TypeError, ValueError) as error:
        wrong = error if isinstance(error, SimulationError) else f"a parameter has the wrong kind of value ({error})"
        raise SimulationError(f"{path}: {wrong}" if path else str(wrong)) from error


def scene_of(world: World, taxonomy: Taxonomy, config: RankConfig, seed: int) -> Scene:
    """Draw the arrivals of a world: the same for every policy under one seed. Raises SimulationError for none."""
    chance = np.random.default_rng(seed)
    areas, shares = taxonomy.areas, _shares(world, taxonomy)
    expected = np.array([area.handling_minutes for area in areas])
    mean = float(shares @ expected) * world.handling_factor
    at = _times(world, world.load * world.reviewers * 60 / mean, chance)
    n = len(at)
    if not n:
        raise SimulationError("nothing arrives in this world; raise load or days")
    area = chance.choice(len(areas), size=n, p=shares)
    drawn = chance.choice(SEVERITY_LEVELS, size=n, p=world.severity_mix)
    floors = np.array([one.floor for one in areas])[area]
    severity = np.where(drawn > 0, np.maximum(drawn, floors), 0)
    legal = at + chance.uniform(world.legal_hours[0], world.legal_hours[1], size=n)
    shortest, longest = np.log(world.half_life).tolist()
    half_life = np.exp(chance.uniform(shortest, longest, size=n))
    views = world.views_median * np.exp(world.views_sigma * chance.standard_normal(n))
    logit = np.where(severity > 0, world.logit_true, -world.logit_true) + world.logit_noise * chance.standard_normal(n)
    off = np.where(chance.random(n) < world.severity_off, chance.choice([-1, 1], size=n), 0)
    legal[chance.random(n) >= world.legal_share] = np.inf
    spread = world.handling_sigma * chance.standard_normal(n) - world.handling_sigma**2 / 2
    arrivals = Arrivals(
        at=at,
        severity=severity,
        harm_per_view=np.where(severity > 0, np.array(taxonomy.severity_weights)[severity], 0.0),
        views=views,
        decay=np.log(2) / half_life,
        minutes=expected[area] * world.handling_factor * np.exp(spread),
        legal=legal,
        told=np.exp(world.views_noise * chance.standard_normal(n)),
    )
    seen = (area, 1 / (1 + np.exp(-logit)), np.clip(np.maximum(drawn, 1) + off, 1, 4))
    ranks = [rank(one, taxonomy, config) for one in _inputs(taxonomy, seen, arrivals)]
    return Scene(arrivals, world.team, ranks)


def _shares(world: World, taxonomy: Taxonomy) -> Values:
    """The share of each area of the taxonomy. Raises SimulationError for a name that it does not have."""
    if unknown := sorted(set(world.area_mix) - set(taxonomy.area_ids)):
        raise SimulationError(f"area_mix names areas that the taxonomy does not have: {', '.join(unknown)}")
    left = len(taxonomy.area_ids) - len(world.area_mix)
    rest = max(0.0, 1 - sum(world.area_mix.values())) / left if left else 0.0
    found = np.array([world.area_mix.get(area, rest) for area in taxonomy.area_ids])
    shares: Values = found / found.sum()
    return shares


def _times(world: World, per_hour: float, chance: np.random.Generator) -> Values:
    """A Poisson process with a daily rhythm: thinned from the busiest hour. Raises SimulationError for too many."""
    busiest = per_hour * (1 + world.rhythm)
    if busiest * world.days * DAY > MOST_CASES:
        raise SimulationError(
            f"this world brings more than {MOST_CASES:,} cases; lower days, load or the number of shifts"
        )
    times = np.cumsum(chance.exponential(1 / busiest, size=int(busiest * world.days * DAY * 1.5) + 50))
    times = times[times < world.days * DAY]
    wanted = 1 + world.rhythm * np.cos(2 * np.pi * (times - world.busiest_hour) / DAY)
    kept: Values = times[chance.random(len(times)) * (1 + world.rhythm) < wanted]
    return kept


def _inputs(
    taxonomy: Taxonomy, seen: tuple[NDArray[np.int64], Values, NDArray[np.int64]], arrivals: Arrivals
) -> list[RankInputs]:
    """What the service would know: a score with the likely area, the severity it sees, views and deadline."""
    found = []
    others = dict.fromkeys(taxonomy.area_ids, 0.005)
    told = arrivals.views * arrivals.told
    for index, (area, probability, level) in enumerate(zip(*(one.tolist() for one in seen), strict=True)):
        severity = [0.0] * SEVERITY_LEVELS
        severity[level] = probability
        severity[0] = 1 - probability
        deadline = float(arrivals.legal[index])
        found.append(
            RankInputs(
                score={
                    "areas": {**others, taxonomy.area_ids[area]: probability},
                    "severity": severity,
                    "unassessed": [],
                },
                reasons=(),
                views_per_hour=float(told[index]),
                pictures=0,
                received_at=_moment(float(arrivals.at[index])),
                deadline=_moment(deadline) if math.isfinite(deadline) else None,
            )
        )
    return found


def _moment(hour: float) -> datetime:
    return EPOCH + timedelta(hours=hour)
