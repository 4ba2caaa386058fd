"""The whole way: sources to `train.jsonl.gz`, `validation.jsonl.gz` and their data card, the same bytes every time."""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from tqdm import tqdm

from labeling.records import LabelledText
from models.preprocess import clean_text
from training.sources.card import CardInput, EvaluationFile, SourceCount, make_card, to_markdown
from training.sources.duplicates import merge_duplicates
from training.sources.fetch import Supply
from training.sources.parsers import parse_jsonl, parse_lines
from training.sources.registry import Source, SourceError
from training.sources.rows import Draft, read_source
from training.sources.split import split_rows

CARD = "card"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to make: `sources` are taken, `refused` are named in the card as left out by the licence policy."""

    sources: tuple[Source, ...]
    refused: tuple[Source, ...]
    policy: str
    validation_share: float
    keep_out: tuple[Path, ...] = ()


def build_data(recipe: Recipe, supply: Supply, out: Path) -> dict[str, Any]:
    """Write both sides and the card (JSON and Markdown) into `out` and return the card. Raises SourceError, OSError."""
    evaluation = [_read_evaluation(path) for path in recipe.keep_out]
    drafts, counts = _read_all(recipe.sources, supply)
    lists = {source.name for source in recipe.sources if source.train_only}
    merged = merge_duplicates([draft for draft in drafts if draft.row.source not in lists])
    listed = merge_duplicates([draft for draft in drafts if draft.row.source in lists])
    split = split_rows(
        merged,
        share=recipe.validation_share,
        validation_only=[source.name for source in recipe.sources if source.validation_only],
        keep_out=[text for file in evaluation for text in file.texts],
        train_only=listed,
    )
    out.mkdir(parents=True, exist_ok=True)
    written = {name: _write(out / f"{name}.jsonl.gz", rows) for name, rows in _sides(split.train, split.validation)}
    card = make_card(
        CardInput(
            sources=recipe.sources,
            refused=recipe.refused,
            counts=counts,
            split=split,
            evaluation=evaluation,
            settings={
                "licence_policy": recipe.policy,
                "validation_share": recipe.validation_share,
                "from": "mirror" if supply.whole else "originals",
                "register_sha256": hashlib.sha256(_register()).hexdigest(),
            },
            same_text=len(drafts) - len({draft.key for draft in drafts}),
            contradicted=len({draft.key for draft in drafts} - {draft.key for draft in (*merged, *listed)}),
            sha256=written,
        )
    )
    (out / f"{CARD}.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / f"{CARD}.md").write_text(to_markdown(card), encoding="utf-8")
    return card


def _read_all(sources: Sequence[Source], supply: Supply) -> tuple[list[Draft], dict[str, SourceCount]]:
    drafts: list[Draft] = []
    counts: dict[str, SourceCount] = {}
    for source in tqdm(sources, desc="sources", disable=None):
        left_out: Counter[str] = Counter()
        found = list(read_source(source, supply, left_out))
        counts[source.name] = SourceCount(
            taken=len(found),
            left_out=dict(sorted(left_out.items())),
            files_missing={
                file.mirror: file.only_mirror for file in source.files if file.only_mirror and not supply.whole
            },
        )
        drafts += found
    return drafts, counts


def _read_evaluation(path: Path) -> EvaluationFile:
    """The texts of an evaluation file: `text` of every JSON line, or the lines of a `.txt` file."""
    raw = path.read_bytes()
    plain = path.name.removesuffix(".gz")
    try:
        records = list((parse_lines if plain.endswith(".txt") else parse_jsonl)(raw, ()))
        texts = tuple(clean_text(record["text"]) for record in records)
    except (KeyError, SourceError) as error:
        raise SourceError(f"{path}: every line needs a text ({error})") from error
    return EvaluationFile(path.name, hashlib.sha256(raw).hexdigest(), texts)


def _sides(train: list[LabelledText], validation: list[LabelledText]) -> tuple[tuple[str, list[LabelledText]], ...]:
    return ("train", train), ("validation", validation)


def _write(path: Path, rows: Iterable[LabelledText]) -> str:
    """Write rows as packed JSON lines, without name and time in the header, and return the sha256 of the file."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as out, gzip.GzipFile("", "wb", 6, out, mtime=0) as packed:
        for row in rows:
            packed.write(row.to_line().encode())
    part.replace(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _register() -> bytes:
    return resources.files("training.sources").joinpath("sources.toml").read_bytes()
