"""The evaluation report of one bundle: everything measured, in one typed value and one JSON file.

The JSON of `python -m eval run --json FILE` is read by the release gate and by the model card; fields are added, never
renamed. Every figure stands beside its number of rows `n`, its `positives` and their `base_rate`; `null` means "cannot
be measured" (too few rows), never zero, and a slice without rows is missing. Where a figure is an estimate it is either
`{"value","low","high"}` or `X` with `X_low` and `X_high`: 95 % of bootstrap draws of rows, reflected at `ece` for that.

    {"format": 1, "bundle": HASH, "name", "taxonomy_version", "created",
     "data": [{"name", "sha256", "rows"}], "rows", "filters": {"wanted": [], "unwanted": []},
     "calibrated_on_these": true where a file is one that the bundle was calibrated on, so that "ece" is too good,
     "scores": "scored now" | "score file, spot-checked", "settings": {"draws", "seed", "macro_positives"},
     "areas": {AREA: {"n", "positives", "base_rate", "auprc", "auprc_low", "auprc_high", "ece", "ece_low", "ece_high",
                      "ece_firm", "fpr_at_recall_80", ..._low, ..._high, "threshold", "recall", "precision", "fpr",
                      "trained"}},
     "too_few": {AREA: POSITIVES},
     "macro_auprc": {"value", "low", "high", "areas": [AREA], "min_positives"},
     "any_harm": {"n", "positives", "base_rate", "headline", "auprc", "auprc_low", "auprc_high", "max_auprc": ESTIMATE,
                  "everywhere_auprc": ESTIMATE, "fpr_at_recall_80": ESTIMATE, "recall": ESTIMATE, "fpr": ESTIMATE} | null,
     "severity": {"all" | "human": {"n", "positives", "base_rate", "qwk", "mae", "recall_severe": ESTIMATE,
                                    "confusion": 5 x 5}},
     "slices": {"language" | "source" | "group" | "format" | "kind" | "market" | "length":
                  {VALUE: {"n", "positives", "base_rate", "auprc", "auprc_low", "auprc_high", "recall", "fpr": ESTIMATE,
                           "macro": as macro_auprc, "areas": {AREA: {"n", "positives", "base_rate", "auprc", ...}}}}},
     "length_edges": [longest text of each quartile, in characters],
     "hard_negatives": {"all" | KIND: {"n", "fpr": ESTIMATE, "n_at_recall", "fpr_at_recall_80": ESTIMATE}},
     "minimal_pairs": {"n", "skipped", "both_right", "both_right_in_area", "ordered": ESTIMATE} | null,
     "identity": {"area", "negatives", "groups" | "dialects": {NAME: {"n", "n_without", "fpr", "fpr_without",
                  "gap", "gap_at_recall_80", "gap_same_language": ESTIMATE}}} | null,
     "behaviour": {"minimum" | "invariance" | "direction": {"total", "kinds": {KIND: RATE}, "languages": {LANG: RATE},
                   "failed": [ID], "limit"}} | {} where not asked for; RATE is {"n", "passed", "rate"},
     "comparisons": {"baseline" | "previous": {"system", "areas": {AREA: DIFFERENCE}, "macro", "any_harm": DIFFERENCE,
                     "better_in", "surely_better_in", "of", "worse_in": [AREA], "unknown_to_them": [AREA],
                     "unknown_to_us": [AREA], "slices": {"language" | "source":
                     {VALUE: {AREA: DIFFERENCE}}}}}; DIFFERENCE is {"n", "positives", "base_rate", "ours", "theirs",
                     "difference", "low", "high"},
     "parity": {"int8_macro_auprc", "float32_macro_auprc", "difference", ...} from the bundle's manifest | null,
     "curves": {AREA: {"precision_recall": [[recall, precision]], "reliability": [[stated, seen, rows]]}}}

The baseline "majority" needs no scores: saying the same of every row gives an AUPRC of exactly `base_rate`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from eval.behaviour.suites import SuiteReport
from eval.compare import Comparison, Rival, compare
from eval.dataset import DataFile, Dataset, Filters
from eval.figures import (
    AreaFigures,
    Curves,
    HarmFigures,
    Macro,
    Settings,
    SeverityFigures,
    area_table,
    harm_figures,
    severity_table,
)
from eval.gate_findings import lookup, sha256s_in
from eval.hard import HardNegatives, MinimalPairs, hard_negatives, minimal_pairs
from eval.identity import IdentityReport, identity_report
from eval.scored import Scored
from eval.slices import SliceFigures, cut, measure_slices
from models.bundle import Bundle

FORMAT = 1
# The dimensions in which another system is compared value by value.
COMPARED = ("language", "source")


@dataclass(frozen=True, slots=True)
class Report:
    """What the JSON above holds, field by field."""

    format: int
    bundle: str
    name: str
    taxonomy_version: str
    created: str
    data: tuple[DataFile, ...]
    rows: int
    filters: Filters
    calibrated_on_these: bool
    scores: str
    settings: Settings
    areas: dict[str, AreaFigures]
    too_few: dict[str, int]
    macro_auprc: Macro
    any_harm: HarmFigures | None
    severity: dict[str, SeverityFigures]
    slices: dict[str, dict[str, SliceFigures]]
    length_edges: list[int]
    hard_negatives: dict[str, HardNegatives]
    minimal_pairs: MinimalPairs | None
    identity: IdentityReport | None
    comparisons: dict[str, Comparison]
    curves: dict[str, Curves]
    parity: dict[str, Any] | None
    behaviour: dict[str, SuiteReport] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: a bundle on rows, and where its scores come from."""

    bundle: Bundle
    dataset: Dataset
    filters: Filters
    scored: Scored
    origin: str


def make_report(
    subject: Subject,
    settings: Settings,
    *,
    rivals: Sequence[Rival] = (),
    behaviour: Mapping[str, SuiteReport] | None = None,
) -> Report:
    """Measure everything that the rows allow."""
    scored, bundle = subject.scored, subject.bundle
    table, (slices, edges) = area_table(scored, settings), cut(scored)
    compared = {dimension: slices[dimension] for dimension in COMPARED if dimension in slices}
    return Report(
        format=FORMAT,
        bundle=bundle.hash,
        name=bundle.name,
        taxonomy_version=bundle.taxonomy_version,
        created=bundle.created,
        data=subject.dataset.files,
        rows=len(scored.rows),
        filters=subject.filters,
        calibrated_on_these=_calibrated_on(bundle, subject.dataset),
        scores=subject.origin,
        settings=settings,
        areas=table.areas,
        too_few=table.too_few,
        macro_auprc=table.macro,
        any_harm=harm_figures(scored, settings) if scored.harm_known.any() else None,
        severity=severity_table(scored, settings),
        slices=measure_slices(scored, slices, settings),
        length_edges=edges,
        hard_negatives=hard_negatives(scored, settings),
        minimal_pairs=minimal_pairs(scored, settings),
        identity=identity_report(scored, settings),
        comparisons={rival.name: compare(scored, rival, settings, slices=compared) for rival in rivals},
        curves=table.curves,
        parity=_parity(bundle),
        behaviour=dict(behaviour or {}),
    )


def _parity(bundle: Bundle) -> dict[str, Any] | None:
    """What eight bits cost, as the export measured it on the rows that the bundle was calibrated on."""
    metrics = bundle.manifest.get("metrics")
    if not metrics or not metrics.get("parity"):
        return None
    served, exact = (metrics[name]["macro_auprc"] for name in ("int8", "float32"))
    difference = None if served is None or exact is None else served - exact
    return {"int8_macro_auprc": served, "float32_macro_auprc": exact, "difference": difference, **metrics["parity"]}


def _calibrated_on(bundle: Bundle, dataset: Dataset) -> bool:
    known = set(sha256s_in(lookup(bundle.manifest, "metrics", "validation", "sha256")))
    return any(file.sha256 in known for file in dataset.files)
