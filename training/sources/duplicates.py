"""The same text in several rows: one row that says what they agree on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from labeling.records import LabelledText
from training.sources.rows import Draft

# From what asks least to what allows least: a text that two sources hold is bound by the narrower licence.
NARROWNESS = {
    "CC0-": 0,
    "PDDL-": 0,
    "MIT": 1,
    "BSD-": 1,
    "Apache-": 1,
    "CC-BY-SA-": 3,
    "CC-BY-NC-": 5,
    "CC-BY-ND-": 5,
    "CC-BY-": 2,
    "GPL-": 4,
    "LicenseRef-": 6,
}
UNKNOWN = 7

QUALITY_ORDER = ("weak", "construction", "silver", "gold")


def merge_duplicates(drafts: Sequence[Draft]) -> list[Draft]:
    """One draft per text, in order of first appearance; texts of which nothing is agreed upon are left out."""
    by_key: dict[str, list[Draft]] = {}
    for draft in drafts:
        by_key.setdefault(draft.key, []).append(draft)
    merged = (members[0] if len(members) == 1 else _merged(members) for members in by_key.values())
    return [draft for draft in merged if draft.row.annotated_areas]


def narrowness(licence: str) -> int:
    """How little a licence allows: 0 for the public domain, UNKNOWN where nobody knows."""
    return next((rank for start, rank in NARROWNESS.items() if licence.startswith(start)), UNKNOWN)


def _merged(members: Sequence[Draft]) -> Draft:
    rows = [draft.row for draft in members]
    areas, known = _agreed(rows)
    first = rows[0]
    severity, basis = _severity(rows, areas, known)
    others = sorted({row.source for row in rows} - {first.source})
    extra = {
        **first.extra,
        "severity_basis": basis,
        "tags": sorted({tag for row in rows for tag in row.extra["tags"]}),
        **({"also_in": others} if others else {}),
    }
    row = replace(
        first,
        policy_areas=areas,
        annotated_areas=known,
        severity=severity,
        licence=max((row.licence for row in rows), key=narrowness),
        label_quality=max((row.label_quality for row in rows), key=QUALITY_ORDER.index),
        extra=extra,
    )
    return Draft(row, members[0].key, frozenset().union(*(draft.links for draft in members)))


def _agreed(rows: Sequence[LabelledText]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Areas that apply and areas that are known, by majority of the rows that looked; where these tie it is unknown."""
    votes: Counter[str] = Counter()
    for row in rows:
        for area in row.annotated_areas:
            votes[area] += 1 if area in row.policy_areas else -1
    known = sorted(area for area, sum_of_votes in votes.items() if sum_of_votes)
    return tuple(area for area in known if votes[area] > 0), tuple(known)


def _severity(
    rows: Sequence[LabelledText], areas: tuple[str, ...], known: tuple[str, ...]
) -> tuple[int | None, str | None]:
    """The highest severity of the rows that agree with the outcome; None where they differ by more than one step."""
    agreeing = [
        row
        for row in rows
        if set(row.annotated_areas) <= set(known)
        and set(row.policy_areas) == set(areas) & set(row.annotated_areas)
        and row.severity is not None
    ]
    levels = [row.severity for row in agreeing if row.severity is not None]
    if not levels or max(levels) - min(levels) > 1:
        return None, None
    human = any(row.extra["severity_basis"] == "human" for row in agreeing)
    return max(levels), "human" if human else "mapped"
