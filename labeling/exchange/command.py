"""The commands `to-label-studio` and `from-label-studio`: arguments in, what to print and the exit code out."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labeling.exchange.answers import from_tasks
from labeling.exchange.config import labelling_config
from labeling.exchange.tasks import MAX_TASKS, ExchangeError, Predictions, read_scores, to_tasks
from labeling.pseudonyms import pseudonym
from labeling.records import parse_json, read_labelled_texts, write_labelled_texts
from labeling.taxonomy import load_taxonomy

Answer = tuple[str, int]
# An export larger than this is more than the most tasks with long texts and several answers each.
MAX_BYTES = 2 * 2**30


def add_exchange_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register both with the parser of `python -m labeling`."""
    out = commands.add_parser("to-label-studio", help="write labelled rows as tasks for Label Studio")
    out.set_defaults(run_command=_to_label_studio)
    out.add_argument("file", type=Path, nargs="+", metavar="FILE", help="labelled rows, .jsonl or .jsonl.gz")
    out.add_argument("--out", type=Path, required=True, help="tasks to write: .json, or .jsonl with one a line")
    out.add_argument("--config", type=Path, help="labelling configuration to write (default: OUT with .xml)")
    out.add_argument("--predictions", type=Path, help="scores of the rows, as `python -m eval score` writes them")
    out.add_argument("--model-version", help="what made the predictions, such as the hash of a bundle")
    out.add_argument(
        "--blind", action="store_true", help="leave out what is known or predicted, so that people judge for themselves"
    )
    back = commands.add_parser("from-label-studio", help="read what people answered in Label Studio as labelled rows")
    back.set_defaults(run_command=_from_label_studio)
    back.add_argument("export", type=Path, metavar="EXPORT", help="export of a project as JSON")
    back.add_argument("--out", type=Path, required=True, help="labelled rows to write, .jsonl")
    back.add_argument("--rows", type=Path, nargs="+", default=[], help="the rows that blind tasks were made of")
    back.add_argument("--key", type=Path, help="file with a secret: annotators then have one pseudonym in all exports")
    for command in (out, back):
        command.add_argument(
            "--taxonomy", type=Path, help="taxonomy file (default: the one that ships with the product)"
        )


def _to_label_studio(options: argparse.Namespace) -> Answer:
    taxonomy = load_taxonomy(options.taxonomy)
    predictions = None
    if (options.predictions is None) != (options.model_version is None):
        raise ExchangeError("--predictions and --model-version belong together: a guess without its model helps nobody")
    if options.predictions:
        predictions = Predictions(options.model_version, read_scores(options.predictions, taxonomy))
    rows = (row for path in options.file for row in read_labelled_texts(path))
    tasks = list(to_tasks(rows, taxonomy, predictions=predictions, blind=options.blind))
    guessed = sum("predictions" in task for task in tasks)
    if predictions and not guessed:
        raise ExchangeError(f"{options.predictions}: has scores of none of the rows; score this very file")
    _write_tasks(options.out, tasks)
    config = options.config or options.out.with_suffix(".xml")
    config.write_text(labelling_config(taxonomy), encoding="utf-8")
    labelled = sum("annotations" in task for task in tasks)
    return f"{options.out}: {len(tasks)} tasks, {labelled} with labels, {guessed} with predictions; {config}", 0


def _write_tasks(path: Path, tasks: list[dict[str, Any]]) -> None:
    # Plain ASCII, for the same reason as in labelled rows.
    text = (
        "".join(json.dumps(task) + "\n" for task in tasks) if path.suffix == ".jsonl" else json.dumps(tasks, indent=1)
    )
    path.write_text(text, encoding="utf-8")


def _from_label_studio(options: argparse.Namespace) -> Answer:
    tasks = read_tasks(options.export)
    known = {row.id: row for path in options.rows for row in read_labelled_texts(path)}
    name_of = _names(options.key)
    found = list(from_tasks(tasks, load_taxonomy(options.taxonomy), name_of=name_of, rows=known))
    write_labelled_texts(options.out, (one.row for one in found))
    answered = sum(one.answers > 0 for one in found)
    skipped = sum(one.skipped > 0 for one in found)
    several = sum(one.answers > 1 for one in found)
    return (
        f"{options.out}: {len(found)} rows, {answered} with an answer, {several} with several, {skipped} skipped by somebody",
        0,
    )


def read_tasks(path: Path) -> list[Any]:
    """The tasks of an export: a JSON list, or one task a line in a `.jsonl` file. Raises ExchangeError, OSError."""
    if path.stat().st_size > MAX_BYTES:
        raise ExchangeError(f"{path}: larger than {MAX_BYTES // 2**20} MB; export part of the project at a time")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ExchangeError(f"{path}: not UTF-8 ({error}); export the project anew") from error
    try:
        tasks = (
            [parse_json(line) for line in text.split("\n") if line.strip()]
            if path.suffix == ".jsonl"
            else parse_json(text)
        )
    except json.JSONDecodeError as error:
        raise ExchangeError(f"{path}: not JSON (line {error.lineno}: {error.msg})") from error
    if not isinstance(tasks, list):
        raise ExchangeError(f"{path}: not a list of tasks; export the project as JSON")
    if len(tasks) > MAX_TASKS:
        raise ExchangeError(f"{path}: more than {MAX_TASKS} tasks; export part of the project at a time")
    return tasks


def _names(key: Path | None) -> Callable[[str], str]:
    """How annotators are called: by a keyed hash, or numbered by this one file where no key is given."""
    if key is None:
        numbers: dict[str, str] = {}
        return lambda who: numbers.setdefault(who, f"annotator-{len(numbers) + 1}")
    secret = key.read_bytes().strip()
    try:
        pseudonym(secret, "annotator", "")
    except ValueError as error:
        raise ExchangeError(f"{key}: {error}") from error
    return lambda who: pseudonym(secret, "annotator", who)
