"""Records of one source to labelled texts, and what was left out on the way."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from labeling.records import LabelledText
from models.preprocess import clean_text
from training.sources.fetch import Supply
from training.sources.label_rules import label_record
from training.sources.parsers import Record
from training.sources.registry import Labels, Source, SourceError, SourceFile
from training.sources.repairs import repair

# Reasons to leave a record out, as the data card names them.
NO_LABEL = "says nothing about an area"
NO_TEXT = "empty text"
TOO_SHORT = "fewer cells than columns"
OVER_LIMIT = "beyond the limit of the source"


@dataclass(frozen=True, slots=True)
class Draft:
    """A row before it has a side: its text's key, and ids it shares with variants of the same text."""

    row: LabelledText
    key: str
    links: frozenset[str] = frozenset()


def text_key(text: str) -> str:
    """The sha256 of a text without case and spacing: what makes two rows the same text and decides their side."""
    return hashlib.sha256(" ".join(text.casefold().split()).encode()).hexdigest()


def read_source(source: Source, supply: Supply, left_out: Counter[str]) -> Iterator[Draft]:
    """The rows of a source; counts what is left out, by reason. Raises SourceError, which names the source."""
    for file in source.files:
        if file.only_mirror and not supply.whole:
            continue
        try:
            drafts = list(_drafts(source, file, supply.records(source, file), left_out))
        except SourceError as error:
            raise SourceError(f"{source.name}: {file.mirror}: {error}") from error
        yield from _limited(drafts, source.limit_per_file, left_out)


def _drafts(source: Source, file: SourceFile, records: Iterable[Record], left_out: Counter[str]) -> Iterator[Draft]:
    for record in records:
        if not record:
            left_out[TOO_SHORT] += 1
            continue
        labels = label_record(source, {**record, **file.set})
        if labels is None:
            left_out[NO_LABEL] += 1
            continue
        try:
            raw = source.join.join(record[column] for column in source.text if record.get(column))
            text = clean_text(repair(raw, source.repairs))
            links = frozenset(f"{source.name}:{record[column]}" for column in source.linked_by if record[column])
        except KeyError as error:
            raise SourceError(f"a row has no column {error}") from error
        if not text:
            left_out[NO_TEXT] += 1
            continue
        key = text_key(text)
        yield Draft(_row(source, file, text=text, key=key, labels=labels), key, links)


def _row(source: Source, file: SourceFile, *, text: str, key: str, labels: Labels) -> LabelledText:
    basis = None if labels.severity is None else "human" if labels.rated_by_people else "mapped"
    return LabelledText(
        id=f"{source.name}:{key[:16]}",
        text=text,
        policy_areas=tuple(sorted(labels.areas)),
        annotated_areas=tuple(sorted({*labels.areas, *labels.clear})),
        severity=labels.severity,
        source=source.name,
        lang=file.lang or source.lang,
        licence=source.licence,
        label_quality=labels.quality or source.quality,
        extra={"group": source.group, "severity_basis": basis, "tags": sorted(set(labels.tags))},
    )


def _limited(drafts: list[Draft], limit: int, left_out: Counter[str]) -> list[Draft]:
    """No more than `limit` rows where it is not 0: those of the smallest keys, in their order."""
    if not limit or len(drafts) <= limit:
        return drafts
    left_out[OVER_LIMIT] += len(drafts) - limit
    last = sorted(draft.key for draft in drafts)[limit - 1]
    return [draft for draft in drafts if draft.key <= last][:limit]
