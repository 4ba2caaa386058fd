"""Labelled rows as tasks of Label Studio, with what is known of them and what a model says."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labeling.exchange.config import AREAS, SEVERITY, TEXT, UNKNOWN
from labeling.records import LabelledText, numbered_lines, parse_json
from labeling.taxonomy import Taxonomy

Json = dict[str, Any]

# From this probability on a model's answer names an area.
APPLIES = 0.5
# Label Studio holds a project in memory when it imports it.
MAX_TASKS = 250_000


class ExchangeError(ValueError):
    """Tasks or answers that cannot be read or written; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model says of rows, by their id, and which model."""

    version: str
    scores: Mapping[str, Json] = field(default_factory=dict)


def to_tasks(
    rows: Iterable[LabelledText], taxonomy: Taxonomy, *, predictions: Predictions | None = None, blind: bool = False
) -> Iterator[Json]:
    """One task a row. What is known of it comes along as an annotation; a blind task shows none of that.

    The whole row lies in `data.row`, so that nothing is lost on the way; of a blind task only the text and what names it.
    Raises ExchangeError.
    """
    if blind and predictions:
        raise ExchangeError("--blind shows no predictions, for people would follow them: leave out one of the two")
    for count, row in enumerate(rows, start=1):
        if count > MAX_TASKS:
            raise ExchangeError(f"more than {MAX_TASKS} rows; make several projects")
        strange = sorted({*row.policy_areas, *row.annotated_areas} - set(taxonomy.area_ids))
        if strange:
            raise ExchangeError(f"row {row.id}: no such area in taxonomy {taxonomy.version}: {', '.join(strange)}")
        task: Json = {"data": {TEXT: row.text, "row_id": row.id, "lang": row.lang, "source": row.source}}
        if not blind:
            task["data"]["row"] = row.to_json()
            if row.annotated_areas or row.severity is not None:
                # Label Studio takes an imported annotation for ground truth unless told otherwise.
                task["annotations"] = [{"result": label_results(row, taxonomy), "ground_truth": False}]
        if predictions and (score := predictions.scores.get(row.id)):
            task["predictions"] = [_prediction(score, taxonomy, predictions.version)]
        yield _finite(task, row.id)


def label_results(row: LabelledText, taxonomy: Taxonomy) -> list[Json]:
    """The labels of a row as the results of an annotation."""
    unknown = [area for area in taxonomy.area_ids if area not in row.annotated_areas]
    clear = [taxonomy.benign_id] if row.annotated_areas else []
    return _results(list(row.policy_areas) or clear, unknown, row.severity, of=f"label:{row.id}")


def read_scores(path: Path, taxonomy: Taxonomy) -> dict[str, Json]:
    """The lines of a score file, `{"id", "areas": {area: p}, "severity": [p0..p4]}`, by id.

    Raises ExchangeError, RecordError, OSError.
    """
    found: dict[str, Json] = {}
    for number, line in numbered_lines(path):
        score = _score(line, f"{path}:{number}", taxonomy)
        found[score["id"]] = score
    return found


def _score(line: str, where: str, taxonomy: Taxonomy) -> Json:
    try:
        values: Json = parse_json(line)
        areas, severity = values["areas"], values.get("severity") or []
        probable = all(type(p) in (int, float) and 0 <= p <= 1 for p in (*areas.values(), *severity))
        named = isinstance(values["id"], str)
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ExchangeError(f'{where}: not a line of scores such as {{"id", "areas", "severity"}} ({error})') from error
    strange = sorted(set(areas) - set(taxonomy.area_ids))
    if strange:
        raise ExchangeError(f"{where}: no such area in taxonomy {taxonomy.version}: {', '.join(strange)}")
    if not named or not probable or len(severity) not in (0, len(taxonomy.severities)):
        raise ExchangeError(f"{where}: an id, probabilities from 0 to 1 and one for each severity are needed")
    return values


def _prediction(score: Json, taxonomy: Taxonomy, version: str) -> Json:
    """A pre-annotation. Its score is how sure the model is of the area it is least sure of: the lowest are worth a look first."""
    areas = [area for area in taxonomy.area_ids if score["areas"].get(area, 0.0) >= APPLIES]
    steps = score.get("severity")
    severity = max(range(len(steps)), key=lambda step: (steps[step], step)) if steps else None
    return {
        "model_version": version,
        "score": round(min((max(p, 1 - p) for p in score["areas"].values()), default=0.0), 6),
        "result": _results(areas or [taxonomy.benign_id], [], severity, of=f"prediction:{score['id']}"),
    }


def _results(areas: Sequence[str], unknown: Sequence[str], severity: int | None, *, of: str) -> list[Json]:
    values: list[tuple[str, str, Any]] = [(AREAS, "choices", areas)] if areas else []
    if unknown:
        values.append((UNKNOWN, "choices", unknown))
    if severity is not None:
        values.append((SEVERITY, "rating", severity + 1))
    return [
        {"id": _id(f"{of}:{name}"), "from_name": name, "to_name": TEXT, "type": kind, "value": {kind: value}}
        for name, kind, value in values
    ]


def _id(of: str) -> str:
    """Results need ids that no other result has, in annotations and predictions alike."""
    return hashlib.sha256(of.encode(errors="surrogatepass")).hexdigest()[:10]


def _finite(task: Json, name: str) -> Json:
    """JSON has no NaN and no infinity, and what reads tasks refuses the whole file because of one."""
    try:
        json.dumps(task, allow_nan=False)
    except ValueError as error:
        raise ExchangeError(f"row {name}: holds a number that JSON cannot say; mend it first") from error
    return task
