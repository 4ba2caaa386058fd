"""`python -m training`: train a network, measure the baseline it has to beat, export a bundle."""

import argparse
import json
import logging
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eval.pictures.data import PictureDataError
from eval.run import figures_table, measure, sha256_of
from eval.scores import ScoreError
from eval.truth import make_truth
from labeling.records import LabelledText, RecordError, read_labelled_texts
from labeling.taxonomy import TaxonomyError, load_taxonomy
from models.bundle import MANIFEST, BundleError, load_bundle
from models.calibration import sigmoid
from models.image_manifest import ImageModelError
from training.acquire import add_data_command
from training.average import average
from training.baseline import fit_baseline
from training.config import ConfigError, TrainConfig, load_config
from training.data import describe_rows, permitted, select_rows
from training.encoders import EncoderError
from training.export_onnx import BASELINE, ExportError, export
from training.from_bundle import read_bundle
from training.network import CheckpointError, Trained, load_checkpoint, save_checkpoint
from training.parallel import team
from training.pictures.command import add_image_command
from training.pictures.errors import PictureTrainingError
from training.progress import ProgressError, remove_progress
from training.release import add_release_commands
from training.teach import teach
from training.tracking import TrackingError, open_store, open_tracker, record_bundle
from training.train import Surroundings, train

# Validation rows looked at while training; all of them would cost minutes each time.
ROWS_LOOKED_AT = 2_000
# Folder in that of a run, for as long as it is unfinished.
PROGRESS = "progress"
# Scores of the baseline for every validation row, as `python -m eval score` writes them for a bundle.
BASELINE_SCORES = "baseline.scores.jsonl"
# The same for the rows it was fitted on, for `train --teacher`.
BASELINE_TEACHES = "baseline.train.jsonl"

ERRORS = (
    BundleError,
    CheckpointError,
    ConfigError,
    EncoderError,
    ExportError,
    ImageModelError,
    OSError,
    PictureDataError,
    PictureTrainingError,
    ProgressError,
    RecordError,
    ScoreError,
    TaxonomyError,
    TrackingError,
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 2 for input that cannot be used, with the reason on standard error."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("training").setLevel(logging.INFO)
    try:
        options.run_command(options)
    except ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _train(options: argparse.Namespace) -> None:
    config = load_config(options.config)
    rows, validation = _rows(options.data, "train"), _rows(options.data, "validation")
    rows = teach(rows, options.teacher)
    looked_at = permitted(validation, config)
    random.Random(config.seed).shuffle(looked_at)
    areas = load_taxonomy(options.taxonomy).area_ids
    start, before = _start(options.start, config, areas) if options.start else (None, None)
    files = [{"name": path.name, "sha256": sha256_of(path)} for path in _files(options.data, "train")]
    data = {"files": files, **describe_rows(select_rows(rows, config)), "started_from": before}
    data["teachers"] = [{"name": path.name, "sha256": sha256_of(path)} for path in options.teacher]
    progress = options.out / PROGRESS
    with team() as members:
        if not members.leads:
            logging.getLogger("training").setLevel(logging.WARNING)
        tracker = open_tracker(options.out, wanted=not options.no_tracking, leads=members.leads)
        tracker.start(asdict(config), data)
        trained = train(
            config,
            rows,
            validation=looked_at[:ROWS_LOOKED_AT],
            areas=areas,
            around=Surroundings(start, members, progress, tracker),
        )
        if members.leads:
            save_checkpoint(trained, options.out, data=data)
            remove_progress(progress)
        tracker.end({"rows_seen": trained.rows_seen})


def _start(folder: Path, config: TrainConfig, areas: tuple[str, ...]) -> tuple[Trained, dict[str, Any]]:
    """The network of a run folder, or of a bundle, to train on, and what it was trained with before.

    Data and licences of every leg stay on record this way, one within the other.
    """
    record: dict[str, Any]
    if (folder / MANIFEST).is_file():
        bundle = load_bundle(folder)
        facts = bundle.manifest["training"]
        start = read_bundle(folder, config, areas=areas)
        record = {"bundle": bundle.hash, "config": facts["config"], "data": facts["data"]}
    else:
        start, state = load_checkpoint(folder, config=config)
        record = {"bundle": None, "config": state["config"], "data": state["data"]}
    if start.areas != areas:
        raise CheckpointError(f"{folder}: was trained on other areas than those of the taxonomy; start from its bundle")
    return start, {**record, "rows_seen": start.rows_seen, "minutes": start.minutes}


def _baseline(options: argparse.Namespace) -> None:
    config = load_config(options.config)
    rows, validation = _rows(options.data, "train"), _rows(options.data, "validation")
    areas = load_taxonomy(options.taxonomy).area_ids
    fitted = fit_baseline(config, rows, validation=validation, areas=areas)
    kept = [index for index, row in enumerate(validation) if row.source not in config.exclude_sources]
    figures = measure(make_truth([validation[index] for index in kept], areas), fitted.scores[kept], areas)
    print(figures_table(figures))
    report = {
        "model": "TF-IDF (character 2-5, word 1-2) and logistic regression per area",
        "validation_sha256": [sha256_of(path) for path in _files(options.data, "validation")],
        "rows_selected": len(fitted.rows),
        "strengths": fitted.strengths,
        "figures": figures.to_json(),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=2, allow_nan=False) + "\n"
    (options.out / BASELINE).write_text(text, encoding="utf-8")
    learned = [area in fitted.strengths for area in areas]
    for name, of, logits in (
        (BASELINE_SCORES, validation, fitted.scores),
        (BASELINE_TEACHES, fitted.rows, fitted.taught),
    ):
        with (options.out / name).open("w", encoding="utf-8") as lines:
            for row, values in zip(of, sigmoid(logits).tolist(), strict=True):
                scores = {area: round(p, 6) for area, p, known in zip(areas, values, learned, strict=True) if known}
                lines.write(json.dumps({"id": row.id, "areas": scores}) + "\n")


def _average(options: argparse.Namespace) -> None:
    first, state = load_checkpoint(options.run[0])
    members = [_start(folder, first.config, first.areas) for folder in options.run]
    before = state["data"].get("started_from") or {}
    mean = average(
        [one for one, _ in members], rows_before=before.get("rows_seen", 0), minutes_before=before.get("minutes", 0.0)
    )
    legs = [record for _, record in members]
    for leg in legs:  # They share what they started from, and `data` has it.
        leg["data"] = {key: value for key, value in leg["data"].items() if key != "started_from"}
    save_checkpoint(mean, options.out, data={**state["data"], "averaged": legs})
    print(f"{options.out}: the mean of {len(options.run)} runs")


def _export(options: argparse.Namespace) -> None:
    taxonomy = load_taxonomy(options.taxonomy)
    bundle = export(options.run, options.validation, options.out, taxonomy=taxonomy, now=datetime.now(UTC))
    print(f"{bundle.folder}: bundle {bundle.hash}")
    if not options.no_tracking:
        record_bundle(open_store(), options.run, bundle)


def _files(folders: Sequence[Path], name: str) -> list[Path]:
    """`NAME.jsonl.gz` or `NAME.jsonl` in each of the data folders. Raises RecordError where there are both."""
    packed = [folder / f"{name}.jsonl.gz" for folder in folders]
    for path in packed:
        if path.exists() and path.with_suffix("").exists():
            raise RecordError(f"{path.parent}: holds {path.name} and {path.stem}; remove the one that is out of date")
    return [path if path.exists() else path.with_suffix("") for path in packed]


def _rows(folders: Sequence[Path], name: str) -> Sequence[LabelledText]:
    return [row for path in _files(folders, name) for row in read_labelled_texts(path)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description="Make model bundles.")
    commands = parser.add_subparsers(required=True)
    add_data_command(commands)
    add_release_commands(commands)
    add_image_command(commands)
    training = commands.add_parser("train", help="fine-tune a network for as long as its configuration says")
    training.set_defaults(run_command=_train)
    baseline = commands.add_parser("baseline", help="fit and measure TF-IDF with logistic regression on the same rows")
    baseline.set_defaults(run_command=_baseline)
    for command in (training, baseline):
        command.add_argument(
            "--data",
            type=Path,
            action="append",
            required=True,
            help="folder with train and validation .jsonl(.gz); may be given more than once",
        )
        command.add_argument(
            "--config", type=Path, required=True, help="TOML file, such as training/configs/minilm.toml"
        )
        command.add_argument("--out", type=Path, required=True, help="run folder to write to")
    training.add_argument(
        "--start", type=Path, help="run folder or bundle whose network is trained on instead of a new one"
    )
    training.add_argument(
        "--teacher",
        type=Path,
        action="append",
        default=[],
        help="scores of the train rows by another model, to learn from where nobody labelled; several are averaged",
    )
    averaging = commands.add_parser("average", help="write the mean of runs that started from the same network")
    averaging.set_defaults(run_command=_average)
    averaging.add_argument(
        "--run",
        type=Path,
        action="append",
        required=True,
        help="run folder, behind the first also the bundle they started from; give two or more",
    )
    averaging.add_argument("--out", type=Path, required=True, help="run folder to write to")
    exporting = commands.add_parser("export", help="write the bundle of a run, calibrated and measured")
    exporting.set_defaults(run_command=_export)
    exporting.add_argument("--run", type=Path, required=True, help="run folder that `train` wrote")
    exporting.add_argument(
        "--validation",
        type=Path,
        action="append",
        required=True,
        help="labelled rows to calibrate and measure on; may be given more than once",
    )
    exporting.add_argument("--out", type=Path, required=True, help="bundle folder to write, replaced as a whole")
    for command in (training, exporting):
        command.add_argument("--no-tracking", action="store_true", help="keep no record in MLflow")
    for command in (training, baseline, exporting):
        command.add_argument(
            "--taxonomy", type=Path, help="taxonomy file (default: the one that ships with the product)"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
