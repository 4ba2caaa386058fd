"""The made-up platform of the simulator: what arrives, how often it is seen, how long a decision takes.

Every distribution is a parameter of `World`; the defaults are invented, chosen to have the heavy tails and the daily rhythm
that review queues are said to have. Results hold for these numbers: read the order of policies as evidence, sizes as
illustration.
"""

import tomllib
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.taxonomy import SEVERITY_LEVELS, Taxonomy
from models.rank import EPOCH, RankInputs

Values = NDArray[np.float64]


class SimulationError(ValueError):
    """Parameters that describe no world; the message names the one."""


@dataclass(frozen=True, slots=True)
class World:
    """Parameters of a simulated platform. Times are in hours unless a name says minutes.

    `severity_mix` are shares of severity 0 to 4; 0 is harmless. Views an hour at report are log-normal with median
    `views_median` and `views_sigma`, and halve every `half_life` hours, drawn evenly in log between the two.
    `legal_share` of cases have a deadline between the two `legal_hours`. The model sees the logit of the truth at
    `logit_true` (violating) or `-logit_true`, plus noise of standard deviation `logit_noise`, and misses severity by one with
    chance `severity_off`. Handling takes the area's minutes times a log-normal factor of sigma `handling_sigma`.
    `shifts` are (start, end) hours of the day, one for each reviewer. `telemetry_minutes` apart the service learns the
    views of every open case.
    """

    days: float = 4.0
    load: float = 1.2
    shifts: tuple[tuple[float, float], ...] = ((0.0, 12.0), (12.0, 24.0), (0.0, 24.0))
    rhythm: float = 0.5
    severity_mix: tuple[float, ...] = (0.35, 0.33, 0.20, 0.09, 0.03)
    views_median: float = 30.0
    views_sigma: float = 2.0
    half_life: tuple[float, float] = (3.0, 33.0)
    legal_share: float = 0.1
    legal_hours: tuple[float, float] = (1.0, 24.0)
    logit_true: float = 2.0
    logit_noise: float = 0.8
    severity_off: float = 0.24
    handling_sigma: float = 0.5
    telemetry_minutes: float = 30.0

    def __post_init__(self) -> None:
        """Raises SimulationError for a value that describes no world."""
        if abs(sum(self.severity_mix) - 1) > 1e-6 or len(self.severity_mix) != SEVERITY_LEVELS:
            raise SimulationError(f"severity_mix must be five shares that sum to 1, not {self.severity_mix}")
        if not self.shifts or any(not 0 <= start < end <= 24 for start, end in self.shifts):
            raise SimulationError(f"shifts must be (start, end) pairs within 0 to 24, not {self.shifts}")
        for name in ("days", "load", "telemetry_minutes", "views_median"):
            if not getattr(self, name) > 0:
                raise SimulationError(f"{name} must be above 0, not {getattr(self, name)}")

    @property
    def reviewers(self) -> float:
        """Reviewers at work on average over a day."""
        return sum(end - start for start, end in self.shifts) / 24


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
    except TypeError as error:
        raise SimulationError(f"{path}: a parameter has the wrong kind of value ({error})") from error


@dataclass(frozen=True, slots=True)
class Arrivals:
    """n cases in order of arrival: hours from the start, truth, and what the ranking gets to see of each.

    `harm_per_view` is that of the true severity, 0 for harmless cases. `legal` is the deadline in hours, infinite where
    there is none. `decay` is the rate at which views fall off, for each hour.
    """

    at: Values
    severity: NDArray[np.int64]
    harm_per_view: Values
    views: Values
    decay: Values
    minutes: Values
    legal: Values
    inputs: list[RankInputs]

    def views_at(self, index: NDArray[np.int64], hour: float) -> Values:
        """Views an hour of cases at a moment."""
        found: Values = self.views[index] * np.exp(-self.decay[index] * (hour - self.at[index]))
        return found

    def harm(self, start: Values, end: Values) -> Values:
        """Harm-weighted views of each case between two moments after its report."""
        first, last = np.exp(-self.decay * (start - self.at)), np.exp(-self.decay * (end - self.at))
        found: Values = self.harm_per_view * self.views / self.decay * (first - last)
        return found


def arrivals_of(world: World, taxonomy: Taxonomy, seed: int) -> Arrivals:
    """Draw the arrivals of a world: the same for every policy under one seed. Raises SimulationError for none."""
    chance = np.random.default_rng(seed)
    areas = taxonomy.areas
    expected = np.array([area.handling_minutes for area in areas])
    factor = float(np.exp(world.handling_sigma**2 / 2))
    per_hour = world.load * world.reviewers * 60 / float(expected.mean() * factor)
    at = _times(world, per_hour, chance)
    n = len(at)
    if not n:
        raise SimulationError("nothing arrives in this world; raise load or days")
    area = chance.integers(len(areas), size=n)
    drawn = chance.choice(SEVERITY_LEVELS, size=n, p=world.severity_mix)
    floors = np.array([one.floor for one in areas])[area]
    severity = np.where(drawn > 0, np.maximum(drawn, floors), 0)
    weights = np.array(taxonomy.severity_weights)
    legal = at + chance.uniform(world.legal_hours[0], world.legal_hours[1], size=n)
    shortest, longest = np.log(world.half_life).tolist()
    half_life = np.exp(chance.uniform(shortest, longest, size=n))
    views = world.views_median * np.exp(world.views_sigma * chance.standard_normal(n))
    logit = np.where(severity > 0, world.logit_true, -world.logit_true) + world.logit_noise * chance.standard_normal(n)
    off = np.where(chance.random(n) < world.severity_off, chance.choice([-1, 1], size=n), 0)
    seen = np.clip(np.maximum(drawn, 1) + off, 1, 4)
    legal[chance.random(n) >= world.legal_share] = np.inf
    probability = 1 / (1 + np.exp(-logit))
    found = Arrivals(
        at=at,
        severity=severity,
        harm_per_view=np.where(severity > 0, weights[severity], 0.0),
        views=views,
        decay=np.log(2) / half_life,
        minutes=expected[area] * np.exp(world.handling_sigma * chance.standard_normal(n)),
        legal=legal,
        inputs=[],
    )
    for index in range(n):
        found.inputs.append(
            _inputs(taxonomy, int(area[index]), float(probability[index]), int(seen[index]), found, index)
        )
    return found


def _times(world: World, per_hour: float, chance: np.random.Generator) -> Values:
    """A Poisson process with a daily rhythm: thinned from the busiest hour."""
    busiest = per_hour * (1 + world.rhythm)
    times = np.cumsum(chance.exponential(1 / busiest, size=int(busiest * world.days * 24 * 1.5) + 50))
    times = times[times < world.days * 24]
    wanted = 1 + world.rhythm * np.sin(2 * np.pi * (times - 9) / 24)
    kept: Values = times[chance.random(len(times)) * (1 + world.rhythm) < wanted]
    return kept


def _inputs(taxonomy: Taxonomy, area: int, probability: float, seen: int, arrivals: Arrivals, index: int) -> RankInputs:
    """What the service would know: a score with the likely area, the severity it sees, views and deadline."""
    areas = {one.id: probability if number == area else 0.005 for number, one in enumerate(taxonomy.areas)}
    severity = [0.0] * SEVERITY_LEVELS
    severity[seen] = probability
    severity[0] = 1 - probability
    deadline = arrivals.legal[index]
    return RankInputs(
        score={"areas": areas, "severity": severity, "unassessed": []},
        reasons=(),
        views_per_hour=float(arrivals.views[index]),
        pictures=0,
        received_at=moment(float(arrivals.at[index])),
        deadline=moment(float(deadline)) if np.isfinite(deadline) else None,
    )


def moment(hour: float) -> datetime:
    """The date that stands for so many hours after the start."""
    return EPOCH + timedelta(hours=hour)


def hour_of(at: datetime) -> float:
    """Hours after the start."""
    return (at - EPOCH).total_seconds() / 3600
