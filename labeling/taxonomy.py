"""Policy areas, severities and actions: read from one versioned file, which is the only place that names a label."""

import itertools
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

SEVERITY_LEVELS = 5
GRAPHIC_LEVELS = 4


class TaxonomyError(ValueError):
    """A taxonomy file that cannot be used; the message names the entry and how to mend it."""


@dataclass(frozen=True, slots=True)
class Area:
    """One policy area. `floor` is the least severity (0-4) once confirmed, `graphic` the exposure class (0-3)."""

    id: str
    name: str
    description: str
    floor: int
    graphic: int
    dsa_category: str
    handling_minutes: float
    person_targeted: bool


@dataclass(frozen=True, slots=True)
class Severity:
    """One step of the 0-4 scale with its rubric anchors; `weight_per_view` is the harm of one view."""

    level: int
    name: str
    weight_per_view: float
    anchor: str
    physical: str
    emotional: str
    financial: str


@dataclass(frozen=True, slots=True)
class Action:
    """Something a decision does. `enforces` is false only where the content is left as it is.

    With `needs_author` it is done to an account, so it can do nothing where no author is known. What it `excludes` cannot
    be part of the same decision: one of the two would contradict the other or have no effect.
    """

    id: str
    name: str
    enforces: bool
    description: str
    needs_author: bool = False
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The whole vocabulary at one version."""

    version: str
    benign_id: str
    benign_name: str
    areas: tuple[Area, ...]
    severities: tuple[Severity, ...]
    actions: tuple[Action, ...]

    @property
    def area_ids(self) -> tuple[str, ...]:
        """Ids of the policy areas, benign left out, in the order in which models score them."""
        return tuple(area.id for area in self.areas)

    @property
    def label_ids(self) -> tuple[str, ...]:
        """What a decision may be filed under: every area, then benign."""
        return (*self.area_ids, self.benign_id)

    @property
    def severity_weights(self) -> tuple[float, ...]:
        """Harm of one view at severity 0..4."""
        return tuple(step.weight_per_view for step in self.severities)

    def area(self, area_id: str) -> Area:
        """The area of that id. Raises TaxonomyError when there is none."""
        for area in self.areas:
            if area.id == area_id:
                return area
        raise TaxonomyError(f"no policy area {area_id!r} in taxonomy {self.version}; known: {', '.join(self.area_ids)}")

    def action(self, action_id: str) -> Action:
        """The action of that id. Raises TaxonomyError when there is none."""
        for action in self.actions:
            if action.id == action_id:
                return action
        known = ", ".join(action.id for action in self.actions)
        raise TaxonomyError(f"no action {action_id!r} in taxonomy {self.version}; known: {known}")

    @property
    def harmless_action(self) -> Action:
        """The one action that leaves the content as it is."""
        return next(action for action in self.actions if not action.enforces)

    def contradiction(self, actions: Sequence[str]) -> tuple[str, str] | None:
        """The first two of these actions that cannot be part of one decision; one naming the other is enough."""
        known = [self.action(action) for action in actions]
        for one, other in itertools.combinations(known, 2):
            if other.id in one.excludes or one.id in other.excludes or one.enforces != other.enforces:
                return one.id, other.id
        return None


def parse_taxonomy(text: str, *, where: str) -> Taxonomy:
    """Build a taxonomy from TOML text; `where` names the source in error messages. Raises TaxonomyError."""
    try:
        raw = tomllib.loads(text)
        taxonomy = Taxonomy(
            version=str(raw["version"]),
            benign_id=raw["benign"]["id"],
            benign_name=raw["benign"]["name"],
            areas=tuple(Area(**entry) for entry in raw["areas"]),
            severities=tuple(Severity(**entry) for entry in raw["severities"]),
            actions=tuple(Action(**entry | {"excludes": tuple(entry.get("excludes", ()))}) for entry in raw["actions"]),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise TaxonomyError(f"{where}: cannot be read as a taxonomy ({error})") from error
    _check(taxonomy, where)
    return taxonomy


def load_taxonomy(path: Path | None = None) -> Taxonomy:
    """The taxonomy in `path`, or the one that ships with the product. Raises TaxonomyError."""
    if path is None:
        return _shipped()
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TaxonomyError(f"{path}: taxonomy file cannot be read ({error.strerror})") from error
    return parse_taxonomy(text, where=str(path))


@lru_cache(maxsize=1)
def _shipped() -> Taxonomy:
    return parse_taxonomy(
        resources.files("labeling").joinpath("taxonomy.toml").read_text(encoding="utf-8"), where="shipped taxonomy"
    )


def _check(taxonomy: Taxonomy, where: str) -> None:
    _check_unique("area", [*taxonomy.area_ids, taxonomy.benign_id], where)
    _check_unique("action", [action.id for action in taxonomy.actions], where)
    levels = [step.level for step in taxonomy.severities]
    if levels != list(range(SEVERITY_LEVELS)):
        raise TaxonomyError(f"{where}: severities must be the levels 0 to {SEVERITY_LEVELS - 1} in order, not {levels}")
    weights = taxonomy.severity_weights
    if weights[0] <= 0 or any(low >= high for low, high in itertools.pairwise(weights)):
        raise TaxonomyError(f"{where}: weight_per_view must be positive and rise with severity, not {weights}")
    for area in taxonomy.areas:
        if (
            not 0 <= area.floor < SEVERITY_LEVELS
            or not 0 <= area.graphic < GRAPHIC_LEVELS
            or area.handling_minutes <= 0
        ):
            raise TaxonomyError(f"{where}: area {area.id}: floor 0-4, graphic 0-3 and handling_minutes > 0 are needed")
    if sum(not action.enforces for action in taxonomy.actions) != 1:
        raise TaxonomyError(f"{where}: exactly one action must have enforces = false")
    for action in taxonomy.actions:
        strange = set(action.excludes) - {other.id for other in taxonomy.actions if other.id != action.id}
        if strange:
            raise TaxonomyError(f"{where}: action {action.id}: excludes must name other actions, not {min(strange)!r}")


def _check_unique(kind: str, ids: list[str], where: str) -> None:
    repeated = sorted({one for one in ids if ids.count(one) > 1})
    if repeated or not all(one and one.replace("_", "").isalnum() and one == one.lower() for one in ids):
        raise TaxonomyError(
            f"{where}: {kind} ids must be unique lower_snake_case; repeated: {', '.join(repeated) or 'none'}"
        )
