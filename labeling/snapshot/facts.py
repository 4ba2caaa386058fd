"""What the rows of a snapshot are, as counts: the figures that its manifest and its datasheet give."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from labeling.fields import decided_at, stale_areas
from labeling.records import LabelledText
from labeling.snapshot.clusters import text_key
from labeling.snapshot.split import Sides
from labeling.taxonomy import Taxonomy

MISSING = "not said"
# People and languages of fewer rows are counted together: a person with one row is found by that row.
LEAST = 5
FEW = f"few (under {LEAST} rows each)"
SETTLED = "settled"


def facts(rows: Sequence[LabelledText], sides: Sides, taxonomy: Taxonomy) -> dict[str, Any]:
    """Counts over all rows; what a row does not say is counted under MISSING."""
    times = [at for at in map(decided_at, rows) if at]
    return {
        "rows": len(rows),
        "since": min(times).isoformat() if times else None,
        "until": max(times).isoformat() if times else None,
        "areas": _areas(rows, sides, taxonomy),
        "severities": _counted(rows, lambda row: row.severity),
        "languages": _gathered(_counted(rows, lambda row: row.lang)),
        "sources": _counted(rows, lambda row: row.source),
        "licences": _counted(rows, lambda row: row.licence or None),
        "label_quality": _counted(rows, lambda row: row.label_quality),
        "taxonomy_versions": _counted(rows, lambda row: row.extra.get("taxonomy_version")),
        "policies": _counted(rows, _policy),
        "stale": _counted(rows, lambda row: "stale" if stale_areas(row) else "in force"),
        "stale_areas": _sorted(Counter(area for row in rows for area in stale_areas(row))),
        "annotators": _gathered(_counted(rows, lambda row: row.extra.get("annotator"))),
        "label_by": _counted(rows, lambda row: row.extra.get("label_by")),
        "lanes": _counted(rows, lambda row: row.extra.get("lane")),
        "basis": _counted(rows, lambda row: row.extra.get("basis")),
        "confidence": _counted(rows, lambda row: row.extra.get("confidence")),
        "checks": _sorted(Counter(one["state"] for row in rows for one in row.extra.get("checks") or ())),
        "weights": {"sampling_weight": _spread(row.extra.get("sampling_weight") for row in rows), **_plans(rows)},
        "errors": _counted(
            [row for row in rows if row.extra.get("qa")], lambda row: row.extra["qa"].get("error") or "none"
        ),
        "contradicting_texts": _contradicting(rows),
    }


def _areas(rows: Sequence[LabelledText], sides: Sides, taxonomy: Taxonomy) -> dict[str, dict[str, int]]:
    """For each area how many rows break it, are clear of it and say nothing of it, and how many of the first validate."""
    applies = Counter(area for row in rows for area in set(row.policy_areas))
    judged = Counter(area for row in rows for area in set(row.annotated_areas))
    validating = Counter(
        area for row, held in zip(rows, sides.validates, strict=True) if held for area in set(row.policy_areas)
    )
    return {
        area: {
            "applies": applies[area],
            "clear": judged[area] - applies[area],
            "unknown": len(rows) - judged[area],
            "applies_in_validation": validating[area],
        }
        for area in taxonomy.area_ids
    }


def _policy(row: LabelledText) -> str | None:
    policy = row.extra.get("policy")
    area = row.policy_areas[0] if row.policy_areas else "none broken"
    return f"{policy.get('area', area)} {policy.get('number')}" if isinstance(policy, dict) else None


def _contradicting(rows: Sequence[LabelledText]) -> int:
    """How many texts stand in rows that say different things of the same area."""
    said: dict[tuple[str, str], set[bool]] = {}
    for row in rows:
        for area in row.annotated_areas:
            said.setdefault((text_key(row.text), area), set()).add(area in row.policy_areas)
    return len({text for (text, _), answers in said.items() if len(answers) > 1})


def _plans(rows: Sequence[LabelledText]) -> dict[str, dict[str, float] | None]:
    """The weights of the settled checks of each plan. Those of two plans do not add up, for both may have drawn the same rows."""
    weights: dict[str, list[float]] = {}
    for row in rows:
        for one in row.extra.get("checks") or ():
            if one["state"] == SETTLED:
                weights.setdefault(one["plan"], []).append(1 / one["chance"])
    return {f"checks of plan {plan}": _spread(of) for plan, of in sorted(weights.items())}


def _spread(values: Iterable[float | None]) -> dict[str, float] | None:
    """How many rows have a weight, its extremes, and how many equally weighted rows they are worth (Kish)."""
    weights = sorted(float(value) for value in values if value)
    if not weights:
        return None
    return {
        "rows": len(weights),
        "least": round(weights[0], 6),
        "most": round(weights[-1], 6),
        # In parts of the largest, whose square may be no number any more.
        "effective_rows": round(
            sum(weight / weights[-1] for weight in weights) ** 2
            / sum((weight / weights[-1]) ** 2 for weight in weights),
            1,
        ),
    }


def _gathered(counts: dict[str, int]) -> dict[str, int]:
    """The same counts, with those of fewer than LEAST rows together at the end."""
    named = {name: count for name, count in counts.items() if count >= LEAST or name == MISSING}
    few = sum(counts.values()) - sum(named.values())
    return {**named, FEW: few} if few else named


def _counted(rows: Sequence[LabelledText], value: Callable[[LabelledText], Any]) -> dict[str, int]:
    return _sorted(Counter(MISSING if (found := value(row)) is None else str(found) for row in rows))


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
