"""What the rows of a snapshot are, as counts: the figures that its manifest and its datasheet give."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from labeling.records import LabelledText
from labeling.snapshot.clusters import text_key
from labeling.snapshot.split import Sides, decided_at
from labeling.taxonomy import Taxonomy

MISSING = "not said"


def facts(rows: Sequence[LabelledText], sides: Sides, taxonomy: Taxonomy) -> dict[str, Any]:
    """Counts over all rows; what a row does not say is counted under MISSING."""
    times = [at for at in map(decided_at, rows) if at]
    return {
        "rows": len(rows),
        "since": min(times).isoformat() if times else None,
        "until": max(times).isoformat() if times else None,
        "areas": _areas(rows, sides, taxonomy),
        "severities": _counted(rows, lambda row: row.severity),
        "languages": _counted(rows, lambda row: row.lang),
        "sources": _counted(rows, lambda row: row.source),
        "licences": _counted(rows, lambda row: row.licence or None),
        "label_quality": _counted(rows, lambda row: row.label_quality),
        "taxonomy_versions": _counted(rows, lambda row: row.extra.get("taxonomy_version")),
        "policies": _counted(rows, _policy),
        "stale": _counted(rows, lambda row: "stale" if row.extra.get("stale_areas") else "in force"),
        "stale_areas": _sorted(Counter(str(area) for row in rows for area in row.extra.get("stale_areas", []))),
        "annotators": _counted(rows, lambda row: row.extra.get("annotator")),
        "label_by": _counted(rows, lambda row: row.extra.get("label_by")),
        "lanes": _counted(rows, lambda row: row.extra.get("lane")),
        "basis": _counted(rows, lambda row: row.extra.get("basis")),
        "confidence": _counted(rows, lambda row: row.extra.get("confidence")),
        "weights": {name: _spread(rows, name) for name in ("sampling_weight", "qa_weight")},
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


def _spread(rows: Sequence[LabelledText], name: str) -> dict[str, float] | None:
    """How many rows have a weight, its extremes, and how many equally weighted rows they are worth (Kish)."""
    given = (row.extra.get(name) for row in rows)
    weights = sorted(float(value) for value in given if isinstance(value, int | float) and 0 < value < math.inf)
    if not weights:
        return None
    return {
        "rows": len(weights),
        "least": round(weights[0], 6),
        "most": round(weights[-1], 6),
        "effective_rows": round(sum(weights) ** 2 / sum(weight**2 for weight in weights), 1),
    }


def _counted(rows: Sequence[LabelledText], value: Callable[[LabelledText], Any]) -> dict[str, int]:
    return _sorted(Counter(MISSING if (found := value(row)) is None else str(found) for row in rows))


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
