"""`python -m training`: train a network, measure the baseline it has to beat, export a bundle."""

import argparse
import json
import logging
import random
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from eval.run import figures_table, measure, sha256_of
from eval.truth import make_truth
from labeling.records import LabelledText, RecordError, read_labelled_texts
from labeling.taxonomy import TaxonomyError, load_taxonomy
from models.bundle import BundleError
from training.baseline import fit_baseline
from training.config import ConfigError, load_config
from training.data import describe_rows, permitted, select_rows
from training.encoders import EncoderError
from training.export_onnx import BASELINE, ExportError, export
from training.network import CheckpointError, load_checkpoint, save_checkpoint
from training.train import train

# Validation rows looked at while training; all of them would cost minutes each time.
ROWS_LOOKED_AT = 4_000

ERRORS = (
    BundleError,
    CheckpointError,
    ConfigError,
    EncoderError,
    ExportError,
    OSError,
    RecordError,
    TaxonomyError,
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
    looked_at = permitted(validation, config)
    random.Random(config.seed).shuffle(looked_at)
    areas = load_taxonomy(options.taxonomy).area_ids
    start = load_checkpoint(options.start, config=config)[0] if options.start else None
    if start and start.areas != areas:
        raise CheckpointError(f"{options.start}: was trained on other areas than those of the taxonomy")
    trained = train(config, rows, validation=looked_at[:ROWS_LOOKED_AT], areas=areas, start=start)
    data = {"sha256": sha256_of(_file(options.data, "train")), **describe_rows(select_rows(rows, config))}
    save_checkpoint(trained, options.out, data=data)


def _baseline(options: argparse.Namespace) -> None:
    config = load_config(options.config)
    rows, validation = _rows(options.data, "train"), _rows(options.data, "validation")
    areas = load_taxonomy(options.taxonomy).area_ids
    fitted = fit_baseline(config, rows, validation=validation, areas=areas)
    figures = measure(make_truth(validation, areas), fitted.scores, areas)
    print(figures_table(figures))
    report = {
        "model": "TF-IDF (character 2-5, word 1-2) and logistic regression per area",
        "validation_sha256": sha256_of(_file(options.data, "validation")),
        "rows_selected": fitted.rows_selected,
        "strengths": fitted.strengths,
        "figures": figures.to_json(),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=2, allow_nan=False) + "\n"
    (options.out / BASELINE).write_text(text, encoding="utf-8")


def _export(options: argparse.Namespace) -> None:
    taxonomy = load_taxonomy(options.taxonomy)
    bundle = export(options.run, options.validation, options.out, taxonomy=taxonomy, now=datetime.now(UTC))
    print(f"{bundle.folder}: bundle {bundle.hash}")


def _file(folder: Path, name: str) -> Path:
    """`NAME.jsonl.gz` or `NAME.jsonl` in the data folder."""
    packed = folder / f"{name}.jsonl.gz"
    return packed if packed.exists() else folder / f"{name}.jsonl"


def _rows(folder: Path, name: str) -> Sequence[LabelledText]:
    return list(read_labelled_texts(_file(folder, name)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description="Make model bundles.")
    commands = parser.add_subparsers(required=True)
    training = commands.add_parser("train", help="fine-tune a network for as long as its configuration says")
    training.set_defaults(run_command=_train)
    baseline = commands.add_parser("baseline", help="fit and measure TF-IDF with logistic regression on the same rows")
    baseline.set_defaults(run_command=_baseline)
    for command in (training, baseline):
        command.add_argument("--data", type=Path, required=True, help="folder with train and validation .jsonl(.gz)")
        command.add_argument(
            "--config", type=Path, required=True, help="TOML file, such as training/configs/minilm.toml"
        )
        command.add_argument("--out", type=Path, required=True, help="run folder to write to")
    training.add_argument("--start", type=Path, help="run folder whose network is trained on instead of a new one")
    exporting = commands.add_parser("export", help="write the bundle of a run, calibrated and measured")
    exporting.set_defaults(run_command=_export)
    exporting.add_argument("--run", type=Path, required=True, help="run folder that `train` wrote")
    exporting.add_argument("--validation", type=Path, required=True, help="labelled rows to calibrate and measure on")
    exporting.add_argument("--out", type=Path, required=True, help="bundle folder to write, replaced as a whole")
    for command in (training, baseline, exporting):
        command.add_argument(
            "--taxonomy", type=Path, help="taxonomy file (default: the one that ships with the product)"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
