"""Read the corpus: compact files, one for each writer, to labelled rows for training and for judging.

A line of `texts/WRITER.jsonl` is one text with the label its writer gave it and, under `second`, one
that was given from the text and its format alone. Every text was labelled for every area, so an area that is not named does not apply.
"""

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from labeling.records import LabelledText, RecordError
from labeling.taxonomy import GRAPHIC_LEVELS, SEVERITY_LEVELS, Taxonomy

FOLDER = Path(__file__).parent / "texts"
ABOUT = Path(__file__).parent / "corpus.toml"
SPLITS = ("train", "validation")

# Where two labels of a text differ on an area, training takes neither for the truth.
DISPUTED = 0.5


@dataclass(frozen=True, slots=True)
class Label:
    """One judgement of one text by the brief; `graphic` (0-3) only where it was asked for."""

    areas: frozenset[str]
    severity: int
    graphic: int | None = None


@dataclass(frozen=True, slots=True)
class CorpusText:
    """One text of the corpus. `pair` is shared by the two texts of a minimal pair, `kind` says what fools filters."""

    id: str
    text: str
    lang: str
    market: str
    format: str
    persona: str
    kind: str
    pair: str | None
    writer: str
    first: Label
    second: Label | None

    @property
    def disputed(self) -> frozenset[str]:
        """Areas on which the two labels differ."""
        return self.first.areas ^ self.second.areas if self.second else frozenset()


@dataclass(frozen=True, slots=True)
class About:
    """Version and licence of the corpus, and which writers are kept for judging."""

    version: str
    licence: str
    validation_writers: frozenset[str]


@cache
def about() -> About:
    """What `corpus.toml` says."""
    values = tomllib.loads(ABOUT.read_text(encoding="utf-8"))
    return About(values["version"], values["licence"], frozenset(values["validation_writers"]))


def read_corpus(folder: Path = FOLDER) -> Iterator[CorpusText]:
    """Yield every text, writer by writer. Raises RecordError, OSError."""
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, start=1):
                yield _parse(line, where=f"{path}:{number}", writer=path.stem)


def labelled_rows(texts: Sequence[CorpusText], taxonomy: Taxonomy, *, split: str) -> Iterator[LabelledText]:
    """The texts of one of SPLITS as labelled rows: whole writers on one side, so that style cannot give labels away.

    For training, disputed areas become soft labels; for judging, they are unknown.
    """
    judging = split == SPLITS[1]
    for one in texts:
        if (one.writer in about().validation_writers) == judging:
            yield _to_row(one, taxonomy, judging=judging)


def _to_row(one: CorpusText, taxonomy: Taxonomy, *, judging: bool) -> LabelledText:
    annotated = [area for area in taxonomy.area_ids if not (judging and area in one.disputed)]
    severities = [label.severity for label in (one.first, one.second) if label]
    extra: dict[str, Any] = {
        "format": one.format,
        "market": one.market,
        "persona": one.persona,
        "kind": one.kind,
        "group": "corpus",
        "severity_basis": "brief",
    }
    if one.pair:
        extra["pair"] = one.pair
    if one.disputed and not judging:
        extra["soft"] = dict.fromkeys(sorted(one.disputed), DISPUTED)
    if one.second and one.second.graphic is not None:
        extra["graphic"] = one.second.graphic
    return LabelledText(
        id=one.id,
        text=one.text,
        policy_areas=tuple(area for area in annotated if area in one.first.areas),
        annotated_areas=tuple(annotated),
        # Half way between two judgements, the higher one counts: the rubric says so for doubt.
        severity=-(-sum(severities) // len(severities)),
        source=f"corpus:{one.writer}",
        lang=one.lang,
        licence=about().licence,
        label_quality="gold",
        extra=extra,
    )


def _parse(line: str, *, where: str, writer: str) -> CorpusText:
    try:
        row = json.loads(line)
        return CorpusText(
            id=row["id"],
            text=row["text"],
            lang=row["lang"],
            market=row["market"],
            format=row["format"],
            persona=row["persona"],
            kind=row["kind"],
            pair=row.get("pair"),
            writer=writer,
            first=_label(row),
            second=_label(row["second"]) if "second" in row else None,
        )
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise RecordError(f"{where}: not a line of the corpus ({error!r})") from error


def _label(values: dict[str, Any]) -> Label:
    severity, graphic = values["severity"], values.get("graphic")
    if severity not in range(SEVERITY_LEVELS) or (graphic is not None and graphic not in range(GRAPHIC_LEVELS)):
        raise ValueError(f"severity {severity} or graphic level {graphic} is out of range")
    return Label(frozenset(values["areas"]), severity, graphic)
