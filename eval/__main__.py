"""`python -m eval`: score rows with a bundle, measure a bundle, write its card."""

import argparse
import json
import sys
from pathlib import Path

from eval.card import write_card
from eval.run import evaluate, figures_table, score_file, sha256_of
from labeling.records import RecordError
from models.bundle import BundleError, load_bundle
from models.inference import OnnxScorer


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 2 for input that cannot be used, with the reason on standard error."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "score":
            _score(options)
        elif options.command == "run":
            _run(options)
        else:
            write_card(load_bundle(options.bundle), options.out)
    except (BundleError, RecordError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _score(options: argparse.Namespace) -> None:
    scorer = OnnxScorer.load(options.bundle, threads=options.threads)
    rows = score_file(scorer, options.data, options.out, progress=_progress)
    print(f"{rows} rows scored with bundle {scorer.bundle_hash}", file=sys.stderr)


def _run(options: argparse.Namespace) -> None:
    scorer = OnnxScorer.load(options.bundle, threads=options.threads)
    figures = evaluate(scorer, options.data, progress=_progress)
    print(figures_table(figures))
    if options.json is not None:
        report = {"bundle": scorer.bundle_hash, "data_sha256": sha256_of(options.data), **figures.to_json()}
        options.json.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _progress(rows: int) -> None:
    print(f"{rows} rows", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval", description="Judge a model bundle.")
    commands = parser.add_subparsers(dest="command", required=True)
    score = commands.add_parser("score", help="write the scores of labelled rows as JSON lines")
    run = commands.add_parser("run", help="measure a bundle on labelled rows")
    card = commands.add_parser("card", help="write the model card of a bundle from its manifest")
    for command in (score, run, card):
        command.add_argument("--bundle", type=Path, required=True, help="folder of the bundle")
    for command in (score, run):
        command.add_argument("--data", type=Path, required=True, help="labelled rows, .jsonl or .jsonl.gz")
        command.add_argument("--threads", type=int, default=1, help="cores to use (default 1)")
    score.add_argument("--out", type=Path, required=True, help="file to write the scores to, one JSON line a row")
    run.add_argument("--json", type=Path, help="also write the figures to this file")
    card.add_argument("--out", type=Path, required=True, help="Markdown file to write")
    return parser


if __name__ == "__main__":
    sys.exit(main())
