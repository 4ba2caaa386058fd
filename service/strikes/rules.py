"""What a strike weighs and which actions are recommended: pure functions over a versioned file."""

import itertools
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

from labeling.taxonomy import SEVERITY_LEVELS, Taxonomy

MOST_DAYS = 3650


class StrikeFileError(ValueError):
    """A file of strikes that cannot be used; the message names file and entry."""


@dataclass(frozen=True, slots=True)
class Level:
    """What a breach of one severity weighs, for how many days, and what is recommended for the content."""

    weight: float
    days: int
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What is recommended for the author from the weight `at` on."""

    at: float
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StrikeRules:
    """The whole file. `areas` and `actions` are factors, 1 where nothing is said."""

    version: str
    owner: str
    reason: str
    decided_on: date
    levels: tuple[Level, ...]
    steps: tuple[Step, ...]
    areas: Mapping[str, float]
    actions: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Breach:
    """What was decided about the content: the area broken, how severely, and what is done."""

    area: str
    severity: int
    actions: Sequence[str]


@dataclass(frozen=True, slots=True)
class Standing:
    """The strikes of one author that count now."""

    weight: float = 0.0
    count: int = 0


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Actions to consider, and the sentence that says why."""

    actions: tuple[str, ...]
    because: str


def read_rules(path: Path | None, taxonomy: Taxonomy) -> StrikeRules:
    """The rules in `path`, or those that ship with the product. Raises StrikeFileError.

    The shipped ones may name what a taxonomy of one's own lacks, which is then left out; a file of one's own may not.
    """
    if path is None:
        text = resources.files("service.strikes").joinpath("strikes.toml").read_text(encoding="utf-8")
        return _only_known(parse_rules(text, where="shipped strikes"), taxonomy)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StrikeFileError(f"{path}: file of strikes cannot be read ({error})") from error
    rules = parse_rules(text, where=str(path))
    _check_labels(rules, taxonomy, where=str(path))
    return rules


def parse_rules(text: str, *, where: str) -> StrikeRules:
    """Build the rules from TOML text; `where` names the source in error messages. Raises StrikeFileError."""
    try:
        raw = tomllib.loads(text)
        rules = StrikeRules(
            levels=tuple(Level(**_with_tuple(entry)) for entry in raw.pop("severities")),
            steps=tuple(Step(**_with_tuple(entry)) for entry in raw.pop("steps")),
            areas=dict(raw.pop("areas", {})),
            actions=dict(raw.pop("actions", {})),
            **raw,
        )
        _check(rules, where)
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError) as error:
        raise StrikeFileError(f"{where}: cannot be read as rules of strikes ({error})") from error
    return rules


def weigh(rules: StrikeRules, breach: Breach) -> float:
    """What a breach counts against its author."""
    factor = max((rules.actions.get(action, 1.0) for action in breach.actions), default=1.0)
    return rules.levels[breach.severity].weight * rules.areas.get(breach.area, 1.0) * factor


def next_threshold(rules: StrikeRules, weight: float) -> float | None:
    """The next weight from which on more is recommended; None above the last step."""
    return next((step.at for step in rules.steps if step.at > weight), None)


def recommend(
    rules: StrikeRules, taxonomy: Taxonomy, *, area: str, severity: int, standing: Standing | None
) -> Recommendation:
    """What to consider for a breach of this area and severity; `standing` is None where no author is known."""
    if area == taxonomy.benign_id:
        harmless = taxonomy.harmless_action
        return Recommendation((harmless.id,), f"{taxonomy.benign_name}: {harmless.name}.")
    actions = rules.levels[severity].actions
    breach = f"Severity {severity} ({taxonomy.severities[severity].name}) in {taxonomy.area(area).name}"
    because = f"{breach}: {_names(taxonomy, actions) or 'nothing for the content'}."
    if standing is None:
        return Recommendation(actions, f"{because} No author is known, so nothing can be done to an account.")
    weight = weigh(rules, Breach(area, severity, actions))
    total = standing.weight + weight
    sum_of = f"This strike of {weight:g} and {_strikes(standing)} make {total:g}"
    step = next((one for one in reversed(rules.steps) if total >= one.at), None)
    if step is None:
        return Recommendation(actions, f"{because} {sum_of}, below {rules.steps[0].at:g}: nothing for the author.")
    fitting = tuple(one for one in step.actions if taxonomy.contradiction([*actions, one]) is None)
    told = _names(taxonomy, fitting) or "nothing more"
    return Recommendation((*actions, *fitting), f"{because} {sum_of}, at least {step.at:g}: {told}.")


def _strikes(standing: Standing) -> str:
    if not standing.count:
        return "no others"
    return f"{standing.count} standing {'strike' if standing.count == 1 else 'strikes'} of {standing.weight:g}"


def _names(taxonomy: Taxonomy, actions: Iterable[str]) -> str:
    return ", ".join(taxonomy.action(action).name for action in actions)


def _with_tuple(entry: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(entry["actions"], list):
        raise TypeError("actions must be a list")
    return {**entry, "actions": tuple(entry["actions"])}


def _check(rules: StrikeRules, where: str) -> None:
    for name in ("version", "owner", "reason"):
        if not isinstance(getattr(rules, name), str) or not getattr(rules, name):
            raise StrikeFileError(f"{where}: {name} must be given: rules need somebody who answers for them, and why")
    # A moment is a date to Python; rules are of a day.
    if type(rules.decided_on) is not date:
        raise StrikeFileError(f"{where}: decided_on must be a date")
    if len(rules.levels) != SEVERITY_LEVELS:
        raise StrikeFileError(f"{where}: {SEVERITY_LEVELS} [[severities]] are needed, not {len(rules.levels)}")
    weights = [level.weight for level in rules.levels]
    if weights[0] <= 0 or any(low > high for low, high in itertools.pairwise(weights)):
        raise StrikeFileError(f"{where}: weights must be positive and not fall with severity, not {weights}")
    if not all(type(level.days) is int and 1 <= level.days <= MOST_DAYS for level in rules.levels):
        raise StrikeFileError(f"{where}: days must be whole numbers from 1 to {MOST_DAYS}")
    steps = [step.at for step in rules.steps]
    if not steps or steps[0] <= 0 or any(low >= high for low, high in itertools.pairwise(steps)):
        raise StrikeFileError(f"{where}: [[steps]] are needed, with `at` positive and rising, not {steps}")
    for name, factor in [*rules.areas.items(), *rules.actions.items()]:
        if not factor > 0:
            raise StrikeFileError(f"{where}: the factor of {name} must be positive, not {factor!r}")


def _check_labels(rules: StrikeRules, taxonomy: Taxonomy, *, where: str) -> None:
    enforcing = {action.id for action in taxonomy.actions if action.enforces}
    for actions in _lists(rules):
        unknown = [action for action in actions if action not in enforcing]
        if unknown:
            raise StrikeFileError(f"{where}: {unknown[0]!r} is no enforcing action of taxonomy {taxonomy.version}")
        if (clash := taxonomy.contradiction(actions)) is not None:
            raise StrikeFileError(f"{where}: {clash[0]} and {clash[1]} cannot be combined")
    strange = sorted({*rules.areas} - {*taxonomy.area_ids} | {*rules.actions} - enforcing)
    if strange:
        raise StrikeFileError(f"{where}: {strange[0]!r} has a factor but is not in taxonomy {taxonomy.version}")


def _lists(rules: StrikeRules) -> list[tuple[str, ...]]:
    return [*(level.actions for level in rules.levels), *(step.actions for step in rules.steps)]


def _only_known(rules: StrikeRules, taxonomy: Taxonomy) -> StrikeRules:
    enforcing = {action.id for action in taxonomy.actions if action.enforces}

    def known(actions: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(action for action in actions if action in enforcing)

    return replace(
        rules,
        levels=tuple(replace(level, actions=known(level.actions)) for level in rules.levels),
        steps=tuple(replace(step, actions=known(step.actions)) for step in rules.steps),
    )
