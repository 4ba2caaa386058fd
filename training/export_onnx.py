"""From a finished run to a bundle: trace, quantise, calibrate on what will be served, measure, and only then write."""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from eval.metrics import Values
from eval.run import Figures, measure, sha256_of
from eval.scores import score_line
from eval.truth import Truth, make_truth
from labeling.records import LabelledText, read_labelled_texts
from labeling.taxonomy import SEVERITY_LEVELS, Taxonomy
from models import bundle as files
from models.calibration import Calibration, severity_level
from models.inference import Logits, OnnxScorer, TextModel
from models.languages import primary_language
from training.calibrate import MIN_OF_LANGUAGE, MIN_POSITIVES_FOR_SLOPE, Judged, fit_calibration, operating_points
from training.data import kept_sources, make_targets
from training.encoders import ENCODERS
from training.network import TOKENIZER, Trained, load_checkpoint
from training.onnx_graph import quantise, write_onnx
from training.train import predict_texts

# The traced graph must be the network: largest difference of a probability.
MAX_TRACE_DIFFERENCE = 1e-3
# The int8 graph must be nearly the network: mean difference of a probability over learned areas and validation rows.
MAX_MEAN_QUANTISATION_DIFFERENCE = 0.02
MAX_BUNDLE_BYTES = 40_000_000
# Rows whose torch scores are compared with the traced graph, beside the texts below.
TRACE_ROWS = 256
TRACE_TEXTS = ("", "ok", "😀" * 40, "நான் நாளை வருகிறேன்", "明天见", "see you at the market tomorrow " * 60)

BASELINE = "baseline.json"
# Scores of the validation rows by the bundle, for `eval run --scores`.
SCORES = "validation.scores.jsonl"

logger = logging.getLogger(__name__)
# Rows are halved by the hash of their id to fit a calibration on one half and measure it on the other.
FOLDS = 2


class ExportError(RuntimeError):
    """A run that must not become a bundle; the message says what differs by how much."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the served int8 graph is from the network, in calibrated probabilities of the learned areas.

    A flip is a (row, area) pair on the other side of its threshold.
    """

    trace_largest: float
    quantised_mean: float
    quantised_p99: float
    quantised_largest: float
    decisions: int
    flips: int
    severity_rows: int
    severity_changes: int


def export(run: Path, validation: Sequence[Path], out: Path, *, taxonomy: Taxonomy, now: datetime) -> files.Bundle:
    """Write the bundle of the run in folder `run` to folder `out`, calibrated and measured on the files `validation`.

    Rows of sources that the run's configuration keeps out of training are kept out here as well. What the bundle gives the
    rows is kept in the run folder (SCORES), in the form of `python -m eval score`.

    Raises CheckpointError, EncoderError, RecordError, ExportError; `out` is replaced only after everything passed.
    """
    _check_replaceable(out)
    trained, state = load_checkpoint(run)
    if trained.areas != taxonomy.area_ids:
        raise ExportError(f"{run}: was trained on other areas than those of taxonomy {taxonomy.version}")
    rows = kept_sources([row for path in validation for row in read_labelled_texts(path)], trained.config)
    if not rows:
        raise ExportError(f"{', '.join(map(str, validation))}: holds no rows to calibrate and measure on")
    digests = [sha256_of(path) for path in validation]
    baseline = _baseline(run, digests)
    truth = make_truth(rows, trained.areas)
    _check_learned(trained, truth, run)
    tokenizer = (run / TOKENIZER).read_bytes()
    float_model, int8_model = _graphs(trained)
    logger.info("int8 model: %.1f MB; scoring %d rows with both models", len(int8_model) / 1e6, len(rows))
    float_logits = _logits(float_model, tokenizer, trained, rows)
    int8_logits = _logits(int8_model, tokenizer, trained, rows)
    judged = _judged(rows, truth, trained)
    calibration = fit_calibration(judged, int8_logits, areas=trained.areas, trained=trained.trained_areas)
    trace = _trace_difference(trained, float_model, tokenizer, rows)
    parity = _compare(calibration, judged, float_logits, int8_logits, trained=trained, trace=trace)
    logger.info("parity: %s", parity)
    _check_parity(parity)
    contents = {
        files.MODEL: int8_model,
        files.TOKENIZER: tokenizer,
        files.CALIBRATION: calibration.to_json(trained.areas).encode(),
    }
    served, unsure = _figures(rows, judged, int8_logits, trained)
    exact, _ = _figures(rows, judged, float_logits, trained)
    probabilities = calibration.area_probabilities(int8_logits.areas, judged.languages.tolist())
    metrics = {
        "validation": {"sha256": digests, "rows": len(rows)},
        "int8": served.to_json(),
        "float32": exact.to_json(),
        "unsure": asdict(unsure),
        "operating_points": _operating_points(truth, probabilities, trained),
        "baseline": baseline,
        "parity": asdict(parity),
        "calibration": _calibration_notes(truth, trained, calibration),
    }
    severities = calibration.severity_probabilities(int8_logits.severity, probabilities)
    _write_scores(run / SCORES, rows, probabilities, severities, trained.areas)
    manifest = _manifest(trained, state, contents, metrics=metrics, taxonomy=taxonomy)
    manifest["created"] = now.isoformat(timespec="seconds")
    return _write(out, manifest, contents)


def _write_scores(
    path: Path, rows: Sequence[LabelledText], probabilities: Values, severities: Values, areas: Sequence[str]
) -> None:
    with path.open("w", encoding="utf-8") as lines:
        for row, values, severity in zip(rows, probabilities.tolist(), severities.tolist(), strict=True):
            lines.write(json.dumps(score_line(row.id, dict(zip(areas, values, strict=True)), severity)) + "\n")


def _graphs(trained: Trained) -> tuple[bytes, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / files.MODEL
        write_onnx(trained.network, path)
        model = onnx.load(path)
        return path.read_bytes(), quantise(model).SerializeToString()


def _runtime(model: bytes, tokenizer: bytes, trained: Trained) -> TextModel:
    config = trained.config
    # Not those of the configuration: seeds that trained side by side had a core each, the export is alone.
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return TextModel(model, tokenizer, max_tokens=config.max_tokens, windows=config.windows, threads=threads)


def _logits(model: bytes, tokenizer: bytes, trained: Trained, rows: list[LabelledText]) -> Logits:
    return _runtime(model, tokenizer, trained).logits([row.text for row in rows])


def _trace_difference(trained: Trained, model: bytes, tokenizer: bytes, rows: list[LabelledText]) -> float:
    texts = [*TRACE_TEXTS, *(row.text for row in rows[:TRACE_ROWS])]
    expected = predict_texts(trained, texts)
    found = _runtime(model, tokenizer, trained).logits(texts)
    return float(np.abs(_plain_sigmoid(expected.areas) - _plain_sigmoid(found.areas)).max())


def _judged(rows: Sequence[LabelledText], truth: Truth, trained: Trained) -> Judged:
    graphic = make_targets(rows, truth, trained.areas).graphic
    rated = np.array([row.extra.get("severity_basis") != "mapped" for row in rows])
    return Judged(truth, graphic, np.array([primary_language(row.lang) for row in rows]), rated)


def _compare(
    calibration: Calibration, judged: Judged, exact: Logits, served: Logits, *, trained: Trained, trace: float
) -> Parity:
    columns = [trained.areas.index(area) for area in trained.trained_areas]
    languages = judged.languages.tolist()
    every = [calibration.area_probabilities(logits.areas, languages) for logits in (exact, served)]
    levels = [
        severity_level(calibration.severity_probabilities(logits.severity, areas))
        for logits, areas in zip((exact, served), every, strict=True)
    ]
    before, after = (areas[:, columns] for areas in every)
    thresholds = calibration.thresholds()[columns]
    gap = np.abs(before - after)
    return Parity(
        trace_largest=trace,
        quantised_mean=float(gap.mean()),
        quantised_p99=float(np.quantile(gap, 0.99)),
        quantised_largest=float(gap.max()),
        decisions=int(gap.size),
        flips=int(((before >= thresholds) != (after >= thresholds)).sum()),
        severity_rows=len(levels[0]),
        severity_changes=int((levels[0] != levels[1]).sum()),
    )


def _check_learned(trained: Trained, truth: Truth, run: Path) -> None:
    if not trained.trained_areas:
        raise ExportError(f"{run}: learned no area; train on more rows, with an area in policy_areas")
    columns = [trained.areas.index(area) for area in trained.trained_areas]
    if not truth.known[:, columns].any():
        raise ExportError(f"{run}: no validation row speaks of an area that was learned; bring rows that do")


def _check_parity(parity: Parity) -> None:
    if parity.trace_largest > MAX_TRACE_DIFFERENCE:
        raise ExportError(
            f"the ONNX graph is not the network: a probability differs by {parity.trace_largest:.4f} "
            f"(at most {MAX_TRACE_DIFFERENCE} is allowed)"
        )
    if parity.quantised_mean > MAX_MEAN_QUANTISATION_DIFFERENCE:
        raise ExportError(
            f"the int8 model is too far from the network: probabilities differ by {parity.quantised_mean:.4f} on "
            f"average (at most {MAX_MEAN_QUANTISATION_DIFFERENCE} is allowed)"
        )


@dataclass(frozen=True, slots=True)
class UnsureFigures:
    """What the unsure ranges keep of their promise: shares of known (row, area) pairs of the learned areas."""

    flagged: float
    positives_missed: float
    negatives_missed: float


def _figures(
    rows: Sequence[LabelledText], judged: Judged, logits: Logits, trained: Trained
) -> tuple[Figures, UnsureFigures]:
    """Figures of probabilities that were calibrated on the other half of the rows."""
    fold = np.array([int(hashlib.sha256(row.id.encode()).hexdigest(), 16) % FOLDS for row in rows])
    truth = judged.truth
    areas = np.zeros(logits.areas.shape)
    severity = np.zeros((len(rows), SEVERITY_LEVELS))
    unsure = np.zeros(areas.shape, bool)
    below = np.zeros(areas.shape, bool)
    for one in range(FOLDS):
        fitted, held = fold != one, fold == one
        chosen = Logits(*(values[fitted] for values in logits))
        calibration = fit_calibration(
            judged.part(fitted),
            chosen,
            areas=trained.areas,
            trained=trained.trained_areas,
            # So that the languages are those that the whole has.
            least=MIN_OF_LANGUAGE // FOLDS,
        )
        areas[held] = calibration.area_probabilities(logits.areas[held], judged.languages[held].tolist())
        severity[held] = calibration.severity_probabilities(logits.severity[held], areas[held])
        unsure[held] = calibration.unsure(areas[held])
        below[held] = areas[held] < np.array([area.unsure_from for area in calibration.areas])
    learned = np.array([area in trained.trained_areas for area in trained.areas])
    known = (truth.known > 0) & learned
    positive, negative = known & (truth.labels > 0), known & (truth.labels <= 0)
    kept = UnsureFigures(
        flagged=float(unsure[known].mean()),
        positives_missed=float(below[positive].mean()) if positive.any() else 0.0,
        negatives_missed=float((~below & ~unsure)[negative].mean()) if negative.any() else 0.0,
    )
    return measure(truth, areas, trained.areas, severity=severity, calibrated=True), kept


def _operating_points(truth: Truth, probabilities: Values, trained: Trained) -> dict[str, Any]:
    """Operating points of every learned area, chosen on the rows that calibrate it."""
    points: dict[str, Any] = {}
    for column, area in enumerate(trained.areas):
        if area in trained.trained_areas:
            known = truth.known[:, column] > 0
            found = operating_points(truth.labels[known, column], probabilities[known, column])
            points[area] = {name: asdict(point) if point else None for name, point in found.items()}
    return points


def _baseline(run: Path, validation_sha256: Sequence[str]) -> dict[str, Any] | None:
    """The baseline's report beside the run, where there is one for the very same validation rows."""
    path = run / BASELINE
    if not path.is_file():
        return None
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if report["validation_sha256"] != list(validation_sha256):
        raise ExportError(f"{path}: was measured on other validation rows; run `python -m training baseline` again")
    return report


def _calibration_notes(truth: Truth, trained: Trained, calibration: Calibration) -> dict[str, Any]:
    positives = dict(zip(trained.areas, truth.labels.sum(0).astype(int).tolist(), strict=True))
    return {
        "fitted_on": "all validation rows",
        "measured": "calibration errors of each half of the rows under a calibration fitted on the other",
        "optimistic": ["thresholds", "parity.flips"],
        "bias_only": [area for area in trained.trained_areas if positives[area] < MIN_POSITIVES_FOR_SLOPE],
        "positives": {area: positives[area] for area in trained.trained_areas},
        "languages": {
            language: [trained.areas[column] for column in own] for language, own in calibration.languages.items()
        },
    }


def _manifest(
    trained: Trained, state: dict[str, Any], contents: dict[str, bytes], *, metrics: dict[str, Any], taxonomy: Taxonomy
) -> dict[str, Any]:
    return {
        "format": files.FORMAT,
        "name": trained.config.name,
        "taxonomy_version": taxonomy.version,
        "areas": list(trained.areas),
        "trained_areas": list(trained.trained_areas),
        "benign_id": taxonomy.benign_id,
        "max_tokens": trained.config.max_tokens,
        "windows": trained.config.windows,
        "files": {name: files.describe_file(content) for name, content in contents.items()},
        "training": {**state, "encoder": asdict(ENCODERS[trained.config.encoder])},
        "metrics": metrics,
    }


def _write(out: Path, manifest: dict[str, Any], contents: dict[str, bytes]) -> files.Bundle:
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as folder:
        new, old = Path(folder) / "new", Path(folder) / "old"
        new.mkdir()
        for name, content in contents.items():
            (new / name).write_bytes(content)
        text = json.dumps(manifest, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        (new / files.MANIFEST).write_text(text, encoding="utf-8")
        size = sum(path.stat().st_size for path in new.iterdir())
        if size > MAX_BUNDLE_BYTES:
            raise ExportError(f"the bundle has {size} bytes, more than {MAX_BUNDLE_BYTES}; lower wide_rows")
        OnnxScorer.load(new).score(TRACE_TEXTS)
        try:
            if out.exists():
                out.rename(old)
            new.rename(out)
        except BaseException:
            # The folder that `old` is in goes with this block, and must not take the only bundle along.
            if old.exists() and not out.exists():
                old.rename(out)
            raise
    return files.load_bundle(out)


def _check_replaceable(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise ExportError(f"{out}: is no folder; choose another --out")
    if out.is_dir() and any(out.iterdir()) and not (out / files.MANIFEST).is_file():
        raise ExportError(f"{out}: holds something other than a bundle; choose another --out or empty it")


def _plain_sigmoid(logits: Values) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-logits.astype(np.float64)))
