"""`python -m eval`: score rows, measure a bundle and the random share, simulate queues, write the card."""

import argparse
import json
import sys
from pathlib import Path

from eval.behaviour.suites import run_suites
from eval.card import write_card
from eval.compare import Rival
from eval.dataset import Dataset, Filters, read_dataset
from eval.figures import Settings
from eval.formats import FORMATS, Vocabulary
from eval.gate import add_gate_command
from eval.markdown import aligned, markdown, terminal
from eval.next.command import add_next_command
from eval.next.learn_command import add_learn_command
from eval.next.planted_command import add_planted_command
from eval.next.suspects_command import add_suspects_command
from eval.page import PageError, page
from eval.pictures.command import add_image_command
from eval.report import Report, Subject, make_report
from eval.run import sha256_of
from eval.sample import add_sample_command
from eval.scored import Scored, Scores, pair_up
from eval.scores import ScoreError, read_scores, score_rows, scores_of, spot_check
from eval.simulate.command import add_simulate_command
from eval.sources import measure_sources, parse_folds, sources_table
from labeling.records import RecordError
from labeling.taxonomy import TaxonomyError, load_taxonomy
from models.bundle import CALIBRATION, Bundle, BundleError, load_bundle
from models.calibration import parse_calibration
from models.inference import OnnxScorer

ERRORS = (BundleError, PageError, RecordError, ScoreError, TaxonomyError, OSError, ValueError)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 2 for input that cannot be used, with the reason on standard error."""
    options = _parser().parse_args(arguments)
    try:
        options.run_command(options)
    except ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _score(options: argparse.Namespace) -> None:
    scorer = OnnxScorer.load(options.bundle, threads=options.threads)
    dataset = _dataset(options, scorer.bundle)
    rows = score_rows(scorer, dataset.rows, options.out, progress=_progress)
    print(f"{rows} rows scored with bundle {scorer.bundle_hash}", file=sys.stderr)


def _run(options: argparse.Namespace) -> None:
    scorer = OnnxScorer.load(options.bundle, threads=options.threads)
    bundle = scorer.bundle
    dataset = _dataset(options, bundle)
    scores, origin = _scores(scorer, dataset, options.scores)
    subject = Subject(bundle, dataset, _filters(options), _scored(bundle, dataset, scores), origin)
    settings = Settings(options.draws, options.seed, options.macro_positives)
    behaviour = run_suites(scorer, _thresholds(bundle)) if options.behaviour else None
    report = make_report(subject, settings, rivals=_rivals(options, subject), behaviour=behaviour)
    print(terminal(report.to_json()))
    _write(report, options)


def _write(report: Report, options: argparse.Namespace) -> None:
    values = report.to_json()
    if options.json is not None:
        text = json.dumps(values, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        options.json.write_text(text, encoding="utf-8")
    if options.markdown is not None:
        options.markdown.write_text(markdown(values), encoding="utf-8")
    if options.html is not None:
        options.html.write_text(page(values), encoding="utf-8")


def _sources(options: argparse.Namespace) -> None:
    areas = load_taxonomy(options.taxonomy).area_ids
    dataset = read_dataset(
        options.data, form=options.format, vocabulary=Vocabulary(areas, options.area), filters=_filters(options)
    )
    settings = Settings(options.draws, options.seed, options.macro_positives)
    folds = parse_folds(options.fold)
    report = measure_sources(dataset, folds, areas=areas, settings=settings, reference=options.reference)
    print(aligned(sources_table(report)))
    if options.json is not None:
        text = json.dumps(report.to_json(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        options.json.write_text(text, encoding="utf-8")


def _card(options: argparse.Namespace) -> None:
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in options.report]
    write_card(load_bundle(options.bundle), options.out, reports=reports)


def _dataset(options: argparse.Namespace, bundle: Bundle) -> Dataset:
    vocabulary = Vocabulary(bundle.areas, options.area)
    return read_dataset(options.data, form=options.format, vocabulary=vocabulary, filters=_filters(options))


def _filters(options: argparse.Namespace) -> Filters:
    return Filters(tuple(options.where), tuple(options.where_not))


def _scores(scorer: OnnxScorer, dataset: Dataset, path: Path | None) -> tuple[Scores, str]:
    if path is None:
        return scores_of(scorer, dataset.rows, scorer.areas, progress=_progress), "scored now"
    scores = read_scores(path, dataset.rows, scorer.areas)
    spot_check(scorer, scores, dataset.rows, scorer.areas)
    return scores, "score file, spot-checked"


def _rivals(options: argparse.Namespace, subject: Subject) -> list[Rival]:
    dataset, areas = subject.dataset, subject.bundle.areas
    rivals: list[Rival] = []
    if options.baseline is not None:
        scores = read_scores(options.baseline, dataset.rows, areas)
        scored = pair_up(dataset, areas, scores, thresholds=subject.scored.thresholds, trained=areas)
        # The gate wants to know which scores these were.
        system = f"Scores of {options.baseline.name} (sha256 {sha256_of(options.baseline)})"
        rivals.append(Rival("baseline", system, scored))
    if options.against is not None:
        print(f"scoring with {options.against}", file=sys.stderr)
        previous = OnnxScorer.load(options.against, threads=options.threads)
        if options.against_scores is None:
            scores = scores_of(previous, dataset.rows, areas, progress=_progress)
        else:
            scores = read_scores(options.against_scores, dataset.rows, areas)
            spot_check(previous, scores, dataset.rows, areas)
        scored = pair_up(dataset, areas, scores, thresholds=subject.scored.thresholds, trained=previous.trained_areas)
        system = f"Bundle {previous.bundle_hash} ({previous.bundle.name})"
        rivals.append(Rival("previous", system, scored, previous.areas))
    return rivals


def _scored(bundle: Bundle, dataset: Dataset, scores: Scores) -> Scored:
    thresholds = _thresholds(bundle)
    return pair_up(
        dataset,
        bundle.areas,
        scores,
        thresholds=[thresholds[area] for area in bundle.areas],
        trained=bundle.trained_areas,
    )


def _thresholds(bundle: Bundle) -> dict[str, float]:
    calibration = parse_calibration(bundle.read(CALIBRATION), bundle.folder / CALIBRATION, names=bundle.areas)
    return dict(zip(bundle.areas, calibration.thresholds().tolist(), strict=True))


def _progress(rows: int) -> None:
    print(f"{rows} rows", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval", description="Judge a model bundle.")
    commands = parser.add_subparsers(dest="command", required=True)
    score = commands.add_parser("score", help="write the scores of labelled rows as JSON lines")
    score.set_defaults(run_command=_score)
    run = commands.add_parser("run", help="measure a bundle on labelled rows")
    run.set_defaults(run_command=_run)
    add_gate_command(commands)
    card = commands.add_parser("card", help="write the model card of a bundle from its manifest and its reports")
    card.set_defaults(run_command=_card)
    add_simulate_command(commands)
    add_sample_command(commands)
    for add in (add_image_command, add_next_command, add_learn_command, add_suspects_command, add_planted_command):
        add(commands)
    sources = commands.add_parser("sources", help="put models that never saw a source together into one table")
    sources.set_defaults(run_command=_sources)
    for command in (score, run, card):
        command.add_argument("--bundle", type=Path, required=True, help="folder of the bundle")
    for command in (score, run, sources):
        _add_data(command)
    for command in (score, run):
        command.add_argument("--threads", type=int, default=1, help="cores to use (default 1)")
    score.add_argument("--out", type=Path, required=True, help="file to write the scores to, one JSON line a row")
    _add_run(run)
    _add_sources(sources)
    for command in (run, sources):
        _add_method(command)
    card.add_argument("--out", type=Path, required=True, help="Markdown file to write")
    card.add_argument(
        "--report",
        type=Path,
        action="append",
        default=[],
        help="report of `run --json` to show as well; may be repeated",
    )
    return parser


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--data", type=Path, action="append", required=True, help="labelled rows, plain or .gz; may be repeated"
    )
    command.add_argument("--format", choices=FORMATS, default="rows", help="shape of the files (default: rows)")
    command.add_argument("--area", help="policy area that a plain yes-or-no label is about")
    for name, meaning in (("--where", "only rows with"), ("--where-not", "no rows with")):
        command.add_argument(
            name,
            action="append",
            default=[],
            metavar="FIELD=VALUE",
            help=f"{meaning} that value, such as source=forum; may be repeated",
        )


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("--scores", type=Path, help="score file of this bundle: read instead of scoring again")
    run.add_argument("--baseline", type=Path, help="score file of a baseline on the same rows")
    run.add_argument("--against", type=Path, help="bundle folder to compare with on the same rows")
    run.add_argument("--against-scores", type=Path, help="score file of that bundle")
    run.add_argument("--behaviour", action="store_true", help="also run the behavioural suites")
    for name in ("json", "markdown", "html"):
        run.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"write the report as {name} to this file")


def _add_sources(sources: argparse.ArgumentParser) -> None:
    sources.add_argument(
        "--fold",
        action="append",
        required=True,
        metavar="SOURCE=FILE",
        help="score file of a model that was trained without SOURCE; may be repeated",
    )
    sources.add_argument("--reference", type=Path, help="score file of a model that was trained on all sources")
    sources.add_argument("--taxonomy", type=Path, help="taxonomy file (default: the one that ships with the product)")
    sources.add_argument("--json", type=Path, metavar="FILE", help="write the report as json to this file")


def _add_method(command: argparse.ArgumentParser) -> None:
    command.add_argument("--draws", type=int, default=500, help="bootstrap draws (default 500)")
    command.add_argument("--seed", type=int, default=1, help="seed of the draws (default 1)")
    command.add_argument(
        "--macro-positives", type=int, default=30, help="positives an area needs to enter the macro mean"
    )


if __name__ == "__main__":
    sys.exit(main())
