"""By when appeals are to be decided: a small table of data, with the basis of each row."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from labeling.taxonomy import Taxonomy

ACCOUNT, OTHER = "account", "other"


@dataclass(frozen=True, slots=True)
class Target:
    """Hours from filing until an appeal is acknowledged and decided, and why so many."""

    acknowledge_hours: int
    decide_hours: int
    basis: str


@cache
def targets() -> Mapping[str, Target]:
    """Every row by its name."""
    text = resources.files("service.appeals").joinpath("targets.toml").read_text(encoding="utf-8")
    return {name: Target(**row) for name, row in tomllib.loads(text).items()}


def target_of(actions: Collection[str], taxonomy: Taxonomy) -> str:
    """The row for an appeal against these actions: losing an account weighs more than losing a post."""
    known = (action for action in taxonomy.actions if action.id in actions)
    return ACCOUNT if any(action.needs_author for action in known) else OTHER
