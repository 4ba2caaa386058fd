"""The data card: what went into both sides, under which licence, what was left out and why."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labeling.corpus.near import GRAM, GRAM_CJK
from labeling.records import LabelledText
from labeling.taxonomy import load_taxonomy
from training.sources import near
from training.sources.registry import Source
from training.sources.split import Split

FORMAT = 1


@dataclass(frozen=True, slots=True)
class SourceCount:
    """What reading one source came to."""

    taken: int
    left_out: Mapping[str, int]
    files_missing: Mapping[str, str]
    """Files that cannot be had where the data came from, and why."""


@dataclass(frozen=True, slots=True)
class EvaluationFile:
    """A file whose texts must not be trained on."""

    name: str
    sha256: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CardInput:
    """Everything that a card is made of."""

    sources: Sequence[Source]
    refused: Sequence[Source]
    counts: Mapping[str, SourceCount]
    split: Split
    evaluation: Sequence[EvaluationFile]
    settings: Mapping[str, object]
    same_text: int
    """Rows that had the text of another row."""
    contradicted: int
    """Texts whose rows contradict each other in everything."""
    sha256: Mapping[str, str]


def make_card(data: CardInput) -> dict[str, Any]:
    """The card as JSON values; holds no time and no path, so that the same inputs give the same card."""
    split = data.split
    return {
        "format": FORMAT,
        "settings": dict(data.settings),
        "sides": {
            name: {"sha256": data.sha256[name], **_describe(rows)}
            for name, rows in (("train", split.train), ("validation", split.validation))
        },
        "sources": {source.name: _source(source, data) for source in data.sources},
        "refused_by_licence": {source.name: source.licence for source in data.refused},
        "same_text": {"rows_merged": data.same_text, "texts_contradicted": data.contradicted},
        "near_duplicates": {
            "threshold": near.THRESHOLD,
            "permutations": near.PERMUTATIONS,
            "sequence": GRAM,
            "sequence_cjk": GRAM_CJK,
            "groups": split.groups,
            "rows_in_groups": split.grouped_rows,
            "largest_group": split.largest_group,
        },
        "evaluation": {
            "files": [{"name": one.name, "sha256": one.sha256, "texts": len(one.texts)} for one in data.evaluation],
            "taken_from_train_same_text": split.kept_out_exact.total(),
            "taken_from_train_near": split.kept_out_near.total(),
            "validation_rows_in_evaluation": split.validation_in_evaluation,
        },
    }


def to_markdown(card: Mapping[str, Any]) -> str:
    """The card for people."""
    sides, settings = card["sides"], card["settings"]
    made = (
        f"Made by `python -m training data` from {settings['from']}, licence policy `{settings['licence_policy']}`, "
        f"{settings['validation_share']:.0%} of the groups of texts to validation."
    )
    parts = [
        "# Data card",
        made,
        _table(
            ["file", "rows", "sha256"],
            [[f"{name}.jsonl.gz", f"{side['rows']:,}", f"`{side['sha256']}`"] for name, side in sides.items()],
        ),
        "## Areas",
        "An area that nobody looked for in a text is unknown there, not absent.",
        _table(["area", *(f"{name} {kind}" for name in sides for kind in KINDS)], _area_rows(sides)),
        "## What kind of rows",
        "\n".join(f"- {key.replace('_', ' ')}: {_counts_of(sides, key)}" for key in DESCRIBED),
        "## Sources",
        _table(SOURCE_COLUMNS, [_source_row(name, source) for name, source in card["sources"].items()]),
        _refused(card["refused_by_licence"], settings["licence_policy"]),
        "## Duplicates and leakage",
        _leakage(card),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


KINDS = ("positive", "negative", "unknown")
DESCRIBED = ("licences", "languages", "groups", "qualities", "severities", "severity_bases")
SOURCE_COLUMNS = (
    "source",
    "licence",
    "areas looked for",
    "taken",
    "train",
    "validation",
    "left out",
    "citation",
    "known problems",
)


def _describe(rows: Sequence[LabelledText]) -> dict[str, Any]:
    positive = Counter(area for row in rows for area in row.policy_areas)
    known = Counter(area for row in rows for area in row.annotated_areas)
    return {
        "rows": len(rows),
        "areas": {
            area: {
                "positive": positive[area],
                "negative": known[area] - positive[area],
                "unknown": len(rows) - known[area],
            }
            for area in load_taxonomy().area_ids
        },
        "licences": _count(row.licence for row in rows),
        "languages": _count(row.lang for row in rows),
        "groups": _count(row.extra["group"] for row in rows),
        "qualities": _count(row.label_quality for row in rows),
        "severities": _count("unknown" if row.severity is None else str(row.severity) for row in rows),
        "severity_bases": _count(row.extra["severity_basis"] or "unknown" for row in rows),
    }


def _source(source: Source, data: CardInput) -> dict[str, Any]:
    split, count = data.split, data.counts[source.name]
    rows = {
        name: [row for row in side if row.source == source.name]
        for name, side in (("train", split.train), ("validation", split.validation))
    }
    known = {area for side in rows.values() for row in side for area in row.annotated_areas}
    return {
        "licence": source.licence,
        "citation": source.citation,
        "problems": source.problems,
        "validation_only": source.validation_only,
        "train_only": source.train_only,
        "looked_for": [area for area in load_taxonomy().area_ids if area in known],
        "taken": count.taken,
        "left_out": dict(count.left_out),
        "files_missing": dict(count.files_missing),
        "in_evaluation_files": split.kept_out_exact[source.name] + split.kept_out_near[source.name],
        **{name: len(side) for name, side in rows.items()},
    }


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)


def _area_rows(sides: Mapping[str, Any]) -> list[list[str]]:
    return [
        [area, *(f"{side['areas'][area][kind]:,}" for side in sides.values() for kind in KINDS)]
        for area in load_taxonomy().area_ids
    ]


def _source_row(name: str, source: Mapping[str, Any]) -> list[str]:
    reasons = [f"{count:,} rows: {reason}" for reason, count in source["left_out"].items()]
    reasons += [f"{file}: {reason}" for file, reason in source["files_missing"].items()]
    if source["in_evaluation_files"]:
        reasons.append(f"{source['in_evaluation_files']:,} rows: in an evaluation file")
    counts = [f"{source[key]:,}" for key in ("taken", "train", "validation")]
    looked_for = ", ".join(source["looked_for"])
    return [name, source["licence"], looked_for, *counts, "; ".join(reasons), source["citation"], source["problems"]]


def _refused(refused: Mapping[str, str], policy: str) -> str:
    listed = ", ".join(f"{name} ({licence})" for name, licence in refused.items())
    return f"Left out by the licence policy `{policy}`: {listed}." if refused else ""


def _leakage(card: Mapping[str, Any]) -> str:
    found, evaluation = card["near_duplicates"], card["evaluation"]
    same_text = (
        f"{card['same_text']['rows_merged']:,} rows had the text of another row and were merged into it; where they "
        "contradict each other the majority counts, and a tie leaves the area unknown; "
        f"{card['same_text']['texts_contradicted']:,} texts of which nothing is known then were left out."
    )
    near_duplicates = (
        f"{found['rows_in_groups']:,} rows are near-duplicates of another (estimated Jaccard similarity of character "
        f"sequences at least {found['threshold']}), in {found['groups']:,} groups, the largest of "
        f"{found['largest_group']:,}; each group lies on one side."
    )
    lines = [same_text, near_duplicates]
    lines += [
        f"Evaluation file {one['name']}: {one['texts']:,} texts, `{one['sha256']}`." for one in evaluation["files"]
    ]
    same, near_rows = evaluation["taken_from_train_same_text"], evaluation["taken_from_train_near"]
    lines.append(
        f"Taken from train for evaluation files: {same:,} rows of the same text, {near_rows:,} near-duplicates; "
        f"{evaluation['validation_rows_in_evaluation']:,} validation rows are in one and stay."
    )
    return "\n".join(f"- {line}" for line in lines)


def _counts_of(sides: Mapping[str, Any], key: str) -> str:
    return "; ".join(
        f"{name}: " + ", ".join(f"{value} {count:,}" for value, count in side[key].items())
        for name, side in sides.items()
    )


def _count(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))
