"""The datasheet of a snapshot: what its rows are, who made the labels, how they were drawn, and what they cannot show."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from labeling.snapshot.facts import LEAST

MAX_LISTED = 40

_LIMITS = """\
## Known limits

- A decision names one area. Of the others it says nothing: they are unknown, not clear, unless nothing was found at all.
- What was reviewed was chosen by the order of the queue, and a draw of the lane `random` comes from what is still open after the
  order has taken the risky cases. So no rows of this kind, weighted or not, show how common a violation is among what was
  reported; `python -m service export --log` with `python -m eval sample` does. Nothing shows it of what nobody reported.
- Near-duplicates are found by shared letters. Paraphrases and translations of one text may lie on both sides.
- Labels that quality assurance has not checked are one person's judgement. A disputed check has no answer yet, and most go
  against the decision: settled checks alone flatter.
- Content was judged with its pictures and its context; a row holds the text alone.
- Rows of special routes and of restricted queues are not exported, so the gravest cases are missing.
- Pseudonyms hide names, and times of an export are told to the hour. All the same a row has its pseudonym, language and hour
  together: whoever knows who worked when on what can find a person by them. The id of an exported row is that of its decision and
  holds the time of it; give rows other ids before they leave those who may know.
- Texts are as they were reported and may name people: keep the folder as you keep the database."""


def datasheet(about: Mapping[str, Any]) -> str:
    """Markdown of what the manifest says; every figure is counted, none is typed."""
    facts = about["facts"]
    blocks = [
        "# Datasheet",
        _opening(about),
        "## What",
        _table(["area", "applies", "of these validate", "clear", "unknown"], _areas(facts)),
        *(_counts(title, facts[key]) for title, key in _WHAT),
        "## By whom",
        f"Annotators are pseudonyms, the same in every export of one installation; {LEAST} rows are the least to be named.",
        *(_counts(title, facts[key]) for title, key in _WHOM),
        "## How sampled, and weights",
        *(_counts(title, facts[key]) for title, key in _SAMPLED),
        _weights(facts["weights"]),
        "## Staleness",
        _stale(about),
        *(_counts(title, facts[key]) for title, key in _STALE if facts[key]),
        "## Sides and what was left out",
        _sides(about),
        _counts("left out", about["left_out"]) if about["left_out"] else "Nothing was left out.",
        _evaluation(about["settings"]["evaluation"]),
        _LIMITS,
    ]
    return "\n\n".join(blocks) + "\n"


_WHAT = (
    ("severity", "severities"),
    ("language", "languages"),
    ("source", "sources"),
    ("licence", "licences"),
    ("label quality", "label_quality"),
)
_WHOM = (
    ("annotator", "annotators"),
    ("label made by", "label_by"),
    ("least confidence of a check (1-3)", "confidence"),
    ("error that a check found", "errors"),
)
_SAMPLED = (("lane of the claim", "lanes"), ("basis of the decision", "basis"), ("check by a plan", "checks"))
_STALE = (
    ("policy version", "policies"),
    ("label", "stale"),
    ("stale area", "stale_areas"),
    ("taxonomy version", "taxonomy_versions"),
)


def _opening(about: Mapping[str, Any]) -> str:
    facts = about["facts"]
    when = f"decided from {facts['since']} to {facts['until']}" if facts["since"] else "without times"
    return (
        f"{facts['rows']} labelled texts by taxonomy {about['taxonomy']}, {when}. The folder is named by the sha256 of its "
        "manifest, which holds the hash of every file; `python -m labeling verify` compares them."
    )


def _areas(facts: Mapping[str, Any]) -> Iterable[Sequence[object]]:
    for area, counts in facts["areas"].items():
        yield [area, counts["applies"], counts["applies_in_validation"], counts["clear"], counts["unknown"]]


def _counts(title: str, counts: Mapping[str, int]) -> str:
    listed = list(counts.items())
    rows: list[Sequence[object]] = list(listed[:MAX_LISTED])
    if len(listed) > MAX_LISTED:
        rows.append([f"{len(listed) - MAX_LISTED} more", sum(count for _, count in listed[MAX_LISTED:])])
    return _table([title, "rows"], rows) if rows else f"No row says anything of: {title}."


def _weights(weights: Mapping[str, Mapping[str, float] | None]) -> str:
    rows: list[Sequence[object]] = [
        [name, *((found["rows"], found["least"], found["most"], found["effective_rows"]) if found else (0, "", "", ""))]
        for name, found in list(weights.items())[:MAX_LISTED]
    ]
    if len(weights) > MAX_LISTED:
        rows.append([f"{len(weights) - MAX_LISTED} more plans", "", "", "", ""])
    return _table(["weight", "rows", "least", "most", "worth so many equal rows"], rows)


def _stale(about: Mapping[str, Any]) -> str:
    done = (
        "Stale labels were left out: their areas are unknown here."
        if about["settings"]["drop_stale"]
        else "Stale labels are in here, marked by `stale_areas`; `--drop-stale` leaves them out."
    )
    return f"A label is stale in an area of which a later policy version has come into force since. {done}"


def _sides(about: Mapping[str, Any]) -> str:
    split = about["split"]
    how = (
        f"What is new from {split['cut']} on validates, whatever began before trains; rows without a time go by hash."
        if split["cut"]
        else "No two times divide the rows, so the hash of the text decides."
    )
    return (
        f"{split['train']} rows train, {split['validation']} validate, in {split['groups']} groups of near-duplicates, pairs "
        f"and subjects that are never divided. {how} {split['straddling']} groups lie on both sides of that moment and train "
        f"as a whole. {about['facts']['contradicting_texts']} texts stand in rows that contradict each other."
    )


def _evaluation(sets: Sequence[Mapping[str, Any]]) -> str:
    if not sets:
        return "No evaluation set was compared with: figures on one may be inflated by texts that stand in here."
    rows = [[one["name"], one["texts"], one["sha256"]] for one in sets]
    return f"No text of these sets, nor one nearly the same, is in here.\n\n{_table(['file', 'texts', 'sha256'], rows)}"


def _table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(value: object) -> str:
    """One line of plain text: sources and languages are what somebody wrote into a file."""
    return " ".join(str(value).replace("|", "\\|").split())
