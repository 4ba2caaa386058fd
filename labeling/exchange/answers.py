"""What people answered in Label Studio, as labelled rows."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from labeling.exchange.config import AREAS, SEVERITY, TEXT, UNKNOWN
from labeling.exchange.tasks import ExchangeError, Json, label_results
from labeling.fields import DECIDED_AT
from labeling.records import LabelledText, RecordError, parse_labelled_text
from labeling.taxonomy import Taxonomy

# Who made the label that a task brought along, and how: no longer so once people have answered.
ABOUT_THE_LABEL = (
    "annotator",
    "basis",
    "checks",
    "confidence",
    "correction",
    DECIDED_AT,
    "label_by",
    "policy",
    "qa",
    "soft",
    "stale",
    "stale_areas",
    "taxonomy_version",
)
LABEL_BY = "label_studio"
GOLD, SILVER = "gold", "silver"


@dataclass(frozen=True, slots=True)
class Answer:
    """One annotation. Areas outside `known` could not be judged; `annotator` is a pseudonym, None where nobody is named.

    `untouched` is the label that was written into the task, and that nobody has changed, approved or confirmed.
    """

    areas: frozenset[str]
    known: frozenset[str]
    severity: int | None
    annotator: str | None
    at: str | None
    truth: bool
    untouched: bool


@dataclass(frozen=True, slots=True)
class Labelled:
    """A row that came back, by how many answers, and how many people skipped it."""

    row: LabelledText
    answers: int
    skipped: int


def from_tasks(
    tasks: Iterable[Any], taxonomy: Taxonomy, *, name_of: Callable[[str], str], rows: Mapping[str, LabelledText]
) -> Iterator[Labelled]:
    """One row a task. `name_of` makes a pseudonym of an annotator, `rows` are what blind tasks were made of.

    What was skipped is no answer, and neither is the label that came along, which stands until somebody gives one. Of several the
    majority counts for each area among those who judged it; a tie leaves it unknown, and so do people who differ about which area
    it is. An answer marked as ground truth decides alone. With neither answer nor label nothing is known. Raises ExchangeError.
    """
    seen: set[str] = set()
    for number, task in enumerate(tasks, start=1):
        where = f"task {task.get('id', number) if isinstance(task, dict) else number}"
        row = _base(task, where, rows)
        if row.id in seen:
            raise ExchangeError(f"{where}: row {row.id} was read before; export one project at a time")
        seen.add(row.id)
        given = _list(task, "annotations", where)
        live = [one for one in given if not (isinstance(one, dict) and one.get("was_cancelled"))]
        reader = _Reader(taxonomy, name_of, row, frozenset(result["id"] for result in label_results(row, taxonomy)))
        said = [reader.answer(one, f"{where}, annotation {place}") for place, one in enumerate(live, 1)]
        answers = [one for one in said if not one.untouched]
        stands = bool(said) and not answers
        yield Labelled(row if stands else _labelled(row, answers, taxonomy), len(answers), len(given) - len(live))


def _base(task: Any, where: str, rows: Mapping[str, LabelledText]) -> LabelledText:
    """The row that a task was made of; a task that was made elsewhere becomes a row of its own."""
    data = task.get("data") if isinstance(task, dict) else None
    if not isinstance(data, dict):
        raise ExchangeError(f'{where}: has no "data"; export the project as JSON, not as JSON-MIN or CSV')
    text = data.get(TEXT)
    if not isinstance(text, str):
        raise ExchangeError(f'{where}: data has no "{TEXT}", the text that was labelled')
    name = data.get("row_id", f"label-studio:{task.get('id')}")
    own = {"id": name, "text": text, "source": data.get("source", "label-studio"), "lang": data.get("lang", "und")}
    values = data.get("row") or {**own, "policy_areas": [], "annotated_areas": [], "severity": None}
    try:
        row = rows.get(str(name)) or parse_labelled_text(json.dumps(values), where=where)
    except RecordError as error:
        raise ExchangeError(f"{error}; the data of a task must stay as it was exported") from error
    if (row.id, row.text) != (name, text):
        raise ExchangeError(
            f"{where}: its text or id is not that of row {row.id}; the data of a task must stay as it was"
        )
    return row


def _label(row: LabelledText) -> tuple[frozenset[str], frozenset[str], int | None]:
    return frozenset(row.policy_areas), frozenset(row.annotated_areas), row.severity


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the annotations of one task; `brought` are the ids of the results that its row's label was written as."""

    taxonomy: Taxonomy
    name_of: Callable[[str], str]
    row: LabelledText
    brought: frozenset[str]

    def answer(self, annotation: Any, where: str) -> Answer:
        if not isinstance(annotation, dict):
            raise ExchangeError(f"{where}: not an annotation of Label Studio")
        results = _list(annotation, "result", where)
        found = {AREAS: [], UNKNOWN: [], SEVERITY: 0} | dict(_control(result, where) for result in results)
        areas, unknown = (_named(found[name], self.taxonomy, where) for name in (AREAS, UNKNOWN))
        benign = {self.taxonomy.benign_id}
        if (benign < areas) or benign & unknown or areas & unknown:
            raise ExchangeError(
                f"{where}: contradicts itself: {', '.join(sorted(areas))} beside unknown {', '.join(sorted(unknown)) or 'none'}; "
                "correct it in Label Studio and export again"
            )
        # Whoever names no area and does not say that there is none has not judged any.
        known = frozenset(self.taxonomy.area_ids) - unknown if areas else frozenset()
        said = (areas - benign, known, _severity(found[SEVERITY], self.taxonomy, where))
        ids = {str(result.get("id")) for result in results}
        # Of a label that was imported, Label Studio names whoever imported it as the one who completed it.
        imported = bool(ids & self.brought)
        by = _annotator(annotation, "updated_by" if imported else "completed_by", where)
        truth = annotation.get("ground_truth") is True
        at = annotation.get("updated_at" if imported else "created_at")
        return Answer(
            *said,
            annotator=None if by is None else self.name_of(by),
            at=at if isinstance(at, str) else None,
            truth=truth,
            untouched=ids == self.brought and by is None and not truth and said == _label(self.row),
        )


def _control(result: Any, where: str) -> tuple[str, Any]:
    kinds = {AREAS: "choices", UNKNOWN: "choices", SEVERITY: "rating"}
    name = result.get("from_name") if isinstance(result, dict) else None
    if name not in kinds:
        raise ExchangeError(
            f"{where}: a result of {name!r}; known are {', '.join(kinds)}. Use the configuration as written"
        )
    value = result.get("value")
    if result.get("type") != kinds[name] or not isinstance(value, dict) or kinds[name] not in value:
        raise ExchangeError(f"{where}: the result of {name!r} must be of type {kinds[name]} and hold {kinds[name]}")
    return name, value[kinds[name]]


def _named(choices: Any, taxonomy: Taxonomy, where: str) -> frozenset[str]:
    """Area ids of what was chosen; a project that was set up without aliases answers with names."""
    if not isinstance(choices, list) or not all(isinstance(one, str) for one in choices):
        raise ExchangeError(f"{where}: choices must be a list of areas, not {choices!r}")
    ids = {taxonomy.benign_name: taxonomy.benign_id, **{area.name: area.id for area in taxonomy.areas}}
    ids |= {label: label for label in taxonomy.label_ids}
    strange = sorted(set(choices) - set(ids))
    if strange:
        raise ExchangeError(f"{where}: no such area in taxonomy {taxonomy.version}: {', '.join(strange)}")
    return frozenset(ids[one] for one in choices)


def _severity(stars: Any, taxonomy: Taxonomy, where: str) -> int | None:
    most = len(taxonomy.severities)
    if type(stars) not in (int, float) or stars not in range(most + 1):
        raise ExchangeError(f"{where}: severity must be 1 to {most} stars, or 0 for none, not {stars!r}")
    return int(stars) - 1 if stars else None


def _annotator(annotation: Mapping[str, Any], key: str, where: str) -> str | None:
    """Who it was, as Label Studio says it: an id, or an object with one."""
    value = annotation.get(key)
    named = value.get("id", value.get("email")) if isinstance(value, dict) else value
    if named is not None and (isinstance(named, bool) or not isinstance(named, int | str)):
        raise ExchangeError(f"{where}: {key} must be an id or an object with one")
    return None if named is None else str(named)


def _labelled(row: LabelledText, answers: Sequence[Answer], taxonomy: Taxonomy) -> LabelledText:
    truths = [one for one in answers if one.truth]
    deciding = truths or answers
    areas, known, severity = found = _merged(deciding, taxonomy)
    if not answers and found == _label(row):
        return row
    extra = {key: value for key, value in row.extra.items() if key not in ABOUT_THE_LABEL}
    if answers:
        extra |= {"label_by": LABEL_BY, "taxonomy_version": taxonomy.version}
        hours = [hour for one in deciding if (hour := _hour(one.at))]
        extra |= {DECIDED_AT: max(hours).isoformat()} if hours else {}
    # Whoever agrees does not make a label worse.
    still_gold = row.label_quality == GOLD and found == _label(row)
    row = replace(
        row,
        policy_areas=tuple(area for area in taxonomy.area_ids if area in areas),
        annotated_areas=tuple(area for area in taxonomy.area_ids if area in known),
        severity=severity,
        label_quality=GOLD if truths or still_gold else SILVER,
    )
    if len(answers) > 1 or any(one.annotator for one in answers):
        extra["annotations"] = [_record(one, taxonomy) for one in answers]
    return replace(row, extra=extra)


def _merged(answers: Sequence[Answer], taxonomy: Taxonomy) -> tuple[frozenset[str], frozenset[str], int | None]:
    votes = {
        area: sum(1 if area in one.areas else -1 for one in answers if area in one.known) for area in taxonomy.area_ids
    }
    areas = frozenset(area for area, vote in votes.items() if vote > 0)
    known = frozenset(area for area, vote in votes.items() if vote)
    judging = [one for one in answers if one.known]
    if not areas and 2 * sum(bool(one.areas) for one in judging) >= len(judging):
        # No area has a majority, but as many say that there is one as say that there is none.
        known -= frozenset().union(*(one.areas for one in judging))
    return areas, known, _merged_severity(answers, areas, known)


def _merged_severity(answers: Sequence[Answer], areas: frozenset[str], known: frozenset[str]) -> int | None:
    """The severity of the label: the middle one of those who named one of its areas, or of all who judged no area at all.

    Half way between two judgements, the higher one counts: the rubric says so for doubt. What breaks no rule has the severity 0, as in
    the exports of the service; where it is unknown whether an area that somebody named holds, it is open.
    """
    if not areas and any(one.areas - known for one in answers):
        return None
    if not areas and known:
        return 0
    severities = sorted(
        one.severity for one in answers if one.severity is not None and (one.areas & areas or not known)
    )
    return severities[len(severities) // 2] if severities else None


def _hour(at: str | None) -> datetime | None:
    """The hour, in UTC, as in the exports of the service; None for a time that cannot be read or has no offset."""
    try:
        moment = datetime.fromisoformat(at or "")
        return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _record(answer: Answer, taxonomy: Taxonomy) -> Json:
    return {
        "annotator": answer.annotator,
        "policy_areas": [area for area in taxonomy.area_ids if area in answer.areas],
        "annotated_areas": [area for area in taxonomy.area_ids if area in answer.known],
        "severity": answer.severity,
        "at": answer.at,
        "ground_truth": answer.truth,
    }


def _list(values: Mapping[str, Any], key: str, where: str) -> list[Any]:
    found = values.get(key) or []
    if not isinstance(found, list):
        raise ExchangeError(f"{where}: {key} must be a list, not {type(found).__name__}")
    return found
