"""The corpus in numbers, as Markdown: what its datasheet quotes."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from labeling.corpus.agreement import Agreement, agreement
from labeling.corpus.reader import CorpusText, about
from labeling.taxonomy import SEVERITY_LEVELS, Taxonomy

# Kinds of harmless texts without anything that would alarm a filter, and the kind of all violating ones.
PLAIN_KINDS = ("plain", "everyday")


def description(texts: Sequence[CorpusText], taxonomy: Taxonomy) -> str:
    """Counts by area and severity, language, format, kind and writer, and the agreement of the two labels."""
    harmful = [one for one in texts if one.first.areas]
    hard = [one for one in texts if not one.first.areas and one.kind not in PLAIN_KINDS]
    pairs = {one.pair for one in texts if one.pair}
    total = (
        f"Corpus {about().version}: {len(texts)} texts by {len({one.writer for one in texts})} writers, "
        f"{len({one.lang for one in texts})} languages; {len(harmful)} violate, {len(hard)} are hard negatives, "
        f"{len(pairs)} minimal pairs."
    )
    lines = [
        total,
        "",
        *_areas(texts, taxonomy),
        "",
        *_counts("language", texts, lambda one: one.lang),
        "",
        *_counts("format", texts, lambda one: one.format),
        "",
        *_counts("kind", texts, lambda one: one.kind),
        "",
        *_counts("writer", texts, _writer),
    ]
    if any(one.second for one in texts):
        lines += ["", *_agreement(agreement(texts, taxonomy))]
    return "\n".join(lines)


def _areas(texts: Sequence[CorpusText], taxonomy: Taxonomy) -> list[str]:
    lines = _head(["area", "texts", *(f"severity {level}" for level in range(SEVERITY_LEVELS)), "formats", "languages"])
    for area in taxonomy.area_ids:
        own = [one for one in texts if area in one.first.areas]
        levels = Counter(one.first.severity for one in own)
        formats, languages = {one.format for one in own}, {one.lang for one in own}
        lines.append(_row([area, len(own), *(levels[n] for n in range(SEVERITY_LEVELS)), len(formats), len(languages)]))
    return lines


def _counts(name: str, texts: Sequence[CorpusText], value: Callable[[CorpusText], str]) -> list[str]:
    every = Counter(value(one) for one in texts)
    harmless = Counter(value(one) for one in texts if not one.first.areas)
    rows = (_row([key, count, f"{harmless[key] / count:.2f}"]) for key, count in every.most_common())
    return [*_head([name, "texts", "share harmless"]), *rows]


def _agreement(found: Agreement) -> list[str]:
    total = (
        f"Two labels: {found.texts} texts; the same set of areas for {found.exact:.1%}; Cohen's kappa "
        f"{_number(found.harm_kappa)} on whether any area applies, {_number(found.severity_kappa)} on severity "
        "(squared weights)."
    )
    lines = [
        total,
        "",
        *_head(["area", "first", "second", "both", "kappa"]),
    ]
    lines += [
        _row([area, entry.first, entry.second, entry.both, _number(entry.kappa)]) for area, entry in found.areas.items()
    ]
    return lines


def _writer(one: CorpusText) -> str:
    return f"{one.writer} (judging)" if one.writer in about().validation_writers else one.writer


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _head(names: Sequence[str]) -> list[str]:
    return [_row(names), _row(["---", *("---:" for _ in names[1:])])]


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"
