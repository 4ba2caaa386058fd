"""Wrong labels of known place, to see how well they are found: made as people make them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eval.metrics import Values
from eval.truth import make_truth
from labeling.records import LabelledText, RecordError

# What goes wrong, and its share of all wrong labels: an area is overlooked, taken for another, or seen where none is.
KINDS = {"missed": 0.4, "mistaken": 0.3, "invented": 0.3}
# What stands beside nothing is still mistaken now and then.
SELDOM = 0.5


@dataclass(frozen=True, slots=True)
class Planted:
    """Rows some of whose labels were made wrong, and by the ids of those the kind of KINDS."""

    rows: list[LabelledText]
    kinds: dict[str, str]


def plant(rows: Sequence[LabelledText], count: int, areas: Sequence[str], *, seed: int) -> Planted:
    """Make `count` labels wrong by the seed.

    An area is mistaken for one in proportion to how often the two stand together, as areas do that are hard to tell apart; one is
    invented in proportion to how often it is given. Only areas that a row knows are. Raises RecordError for too few rows.
    """
    generator = np.random.default_rng(seed)
    labels = make_truth(rows, areas).labels.astype(np.float64)
    together = labels.T @ labels + SELDOM
    has_area, has_choice, has_none = (
        generator.permutation([place for place, row in enumerate(rows) if chosen(row)]).tolist()
        for chosen in (_has_area, _can_be_mistaken, _is_clear)
    )
    wanted = dict(zip(KINDS, _split(count), strict=True))
    missed = has_area[: wanted["missed"]]
    mistaken = [place for place in has_choice if place not in set(missed)][: wanted["mistaken"]]
    places = {"missed": missed, "mistaken": mistaken, "invented": has_none[: wanted["invented"]]}
    if any(len(places[kind]) < number for kind, number in wanted.items()):
        raise RecordError(
            f"{count} wrong labels cannot be planted: {len(has_area)} rows have an area and {len(has_none)} none"
        )
    made = list(rows)
    for kind, chosen in places.items():
        for place in chosen:
            made[place] = _wrong(rows[place], kind, together, areas=areas, generator=generator)
    return Planted(made, {rows[place].id: kind for kind, chosen in places.items() for place in chosen})


def export_shaped(row: LabelledText) -> LabelledText:
    """The row as an export would write it: a decision names one area and says nothing of the others, or clears them all."""
    named = row.policy_areas[:1]
    return replace(row, policy_areas=named, annotated_areas=named) if named else row


def _split(count: int) -> tuple[int, ...]:
    mistaken, invented = (round(count * KINDS[kind]) for kind in ("mistaken", "invented"))
    return count - mistaken - invented, mistaken, invented


def _has_area(row: LabelledText) -> bool:
    return bool(row.policy_areas)


def _can_be_mistaken(row: LabelledText) -> bool:
    return bool(row.policy_areas) and len(row.annotated_areas) > len(row.policy_areas)


def _is_clear(row: LabelledText) -> bool:
    return bool(row.annotated_areas) and not row.policy_areas


def _wrong(
    row: LabelledText, kind: str, together: Values, *, areas: Sequence[str], generator: np.random.Generator
) -> LabelledText:
    if kind == "missed":
        return replace(row, policy_areas=())
    column = {area: place for place, area in enumerate(areas)}
    choices = [area for area in row.annotated_areas if area not in row.policy_areas]
    instead = row.policy_areas[:1]
    weights = np.array([together[column[instead[0] if instead else area], column[area]] for area in choices])
    said = str(generator.choice(choices, p=weights / weights.sum()))
    return replace(row, policy_areas=(said, *row.policy_areas[1:]))
