"""What goes to Label Studio comes back the same, and what people answered there is read with care."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.__main__ import main
from labeling.exchange.answers import from_tasks
from labeling.exchange.command import read_tasks
from labeling.exchange.config import labelling_config
from labeling.exchange.tasks import ExchangeError, Json, to_tasks
from labeling.records import LabelledText, read_labelled_texts, write_labelled_texts
from labeling.taxonomy import Taxonomy, load_taxonomy

TAXONOMY = load_taxonomy()
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS | st.floats(allow_nan=False, allow_infinity=False)
)
EXTRA = st.dictionaries(
    st.sampled_from(["decided_at", "annotator", "stale_areas", "qa", "soft", "அ", "mine"]),
    VALUES | st.lists(VALUES, max_size=3) | st.dictionaries(TEXTS, VALUES, max_size=2),
)


@st.composite
def rows(draw: st.DrawFn) -> LabelledText:
    annotated = draw(st.lists(st.sampled_from(TAXONOMY.area_ids), unique=True, max_size=len(TAXONOMY.area_ids)))
    return LabelledText(
        id=draw(TEXTS),
        text=draw(TEXTS),
        policy_areas=tuple(area for area in annotated if draw(st.booleans())),
        annotated_areas=tuple(annotated),
        severity=draw(st.none() | st.integers(0, 4)),
        source=draw(TEXTS),
        lang=draw(st.sampled_from(["en", "ta", "und"])),
        licence=draw(TEXTS),
        label_quality=draw(st.sampled_from(["gold", "silver"])),
        weight=draw(st.floats(0, 10)),
        extra=draw(EXTRA),
    )


def label_studio(task: Json, number: int, *, who: Any = None) -> Json:
    """The task as Label Studio exports it when nobody has changed anything."""
    about = {"was_cancelled": False, "ground_truth": False, "created_at": "2026-11-29T10:00:00Z", "lead_time": 4.2}
    annotations = [
        {"id": number * 10 + place, **about, **one} | ({} if who is None else {"completed_by": who})
        for place, one in enumerate(task.get("annotations", []))
    ]
    return {**task, "id": number, "project": 1, "annotations": annotations, "predictions": [], "drafts": []}


def label(row: LabelledText) -> tuple[set[str], set[str], int | None]:
    """What a row says; one that is clear of all that was judged has the severity 0, as in the exports of the service."""
    clear = row.annotated_areas and not row.policy_areas
    return set(row.policy_areas), set(row.annotated_areas), 0 if clear else row.severity


def back(tasks: list[Any], names: Callable[[str], str] = str) -> list[LabelledText]:
    return [one.row for one in from_tasks(tasks, TAXONOMY, name_of=names, rows={})]


@given(st.lists(rows(), max_size=4, unique_by=lambda row: row.id))
def test_the_round_trip_loses_nothing(given: list[LabelledText]) -> None:
    tasks = [label_studio(task, number) for number, task in enumerate(to_tasks(given, TAXONOMY), start=1)]
    assert back(json.loads(json.dumps(tasks))) == given


@given(rows())
def test_whoever_imported_a_label_gave_no_answer(row: LabelledText) -> None:
    [task] = to_tasks([row], TAXONOMY)
    exported = label_studio(task, 1, who={"id": 7, "email": "ada@example.org"})
    [found] = from_tasks([exported], TAXONOMY, name_of=str, rows={})
    assert (found.row, found.answers) == (row, 0)


@given(rows())
def test_whoever_confirms_a_label_that_came_along_is_its_annotator(row: LabelledText) -> None:
    [task] = to_tasks([row], TAXONOMY)
    for one in task.get("annotations", []):
        one["updated_by"] = 8
    [again] = back([label_studio(task, 1, who=7)], lambda who: f"p{who}")
    annotations = again.extra.get("annotations", []) if "annotations" in task else []
    assert [one["annotator"] for one in annotations] == ["p8"] * len(task.get("annotations", []))
    assert label(again) == label(row)


@given(rows())
def test_the_labels_alone_say_what_the_row_says(row: LabelledText) -> None:
    """Without the row that travels along: what the choices and stars carry is complete."""
    [task] = to_tasks([row], TAXONOMY)
    del task["data"]["row"]
    [again] = back([label_studio(task, 1)])
    assert label(again) == label(row)


ROW = LabelledText(
    "r1", "a text", ("spam",), ("spam", "privacy"), 1, "decisions", "en", extra={"stale_areas": ["spam"], "pair": "p"}
)


def answer(areas: list[str], *, unknown: list[str] | None = None, stars: float | None = None, **about: Any) -> Json:
    result = [{"from_name": "areas", "to_name": "text", "type": "choices", "value": {"choices": areas}}]
    if unknown:
        result.append({"from_name": "unknown", "to_name": "text", "type": "choices", "value": {"choices": unknown}})
    if stars is not None:
        result.append({"from_name": "severity", "to_name": "text", "type": "rating", "value": {"rating": stars}})
    return {"result": result, **about}


def answered(*annotations: Any) -> LabelledText:
    [task] = to_tasks([ROW], TAXONOMY)
    [row] = back([{**task, "id": 1, "annotations": list(annotations)}], lambda who: f"p{who}")
    return row


def test_a_changed_label_drops_what_was_said_about_the_one_before() -> None:
    row = answered(answer(["fraud_scams"], unknown=["privacy"], stars=4, completed_by=3))
    assert row.policy_areas == ("fraud_scams",)
    assert set(row.annotated_areas) == set(TAXONOMY.area_ids) - {"privacy"}
    assert row.severity == 3
    assert "stale_areas" not in row.extra
    assert (row.extra["pair"], row.extra["label_by"]) == ("p", "label_studio")


def brought_along() -> Json:
    [task] = to_tasks([ROW], TAXONOMY)
    [one] = task["annotations"]
    return {**one, "completed_by": 9}


def test_a_correction_is_not_outvoted_by_the_label_that_came_along() -> None:
    row = answered(brought_along(), answer(["fraud_scams"], unknown=["privacy"], stars=4, completed_by=3))
    assert row.policy_areas == ("fraud_scams",)
    assert {"spam", "fraud_scams"} <= set(row.annotated_areas)
    assert row.severity == 3
    assert [one["annotator"] for one in row.extra["annotations"]] == ["p3"]
    # Changed, or approved as the truth, it is an answer like any other.
    assert answered(brought_along()).policy_areas == ROW.policy_areas
    changed = brought_along()
    changed["result"][0]["value"]["choices"] = ["privacy"]
    assert len(answered(changed, answer(["spam"], completed_by=3)).extra["annotations"]) == 2
    approved = {**brought_along(), "ground_truth": True}
    assert answered(approved, answer(["fraud_scams"], completed_by=3)).policy_areas == ROW.policy_areas


def test_an_agreeing_person_is_an_answer_beside_the_label_that_came_along() -> None:
    others = [area for area in TAXONOMY.area_ids if area not in ROW.annotated_areas]
    row = answered(brought_along(), answer(["spam"], unknown=others, stars=2, completed_by=3))
    assert [one["annotator"] for one in row.extra["annotations"]] == ["p3"]


OTHERS = [area for area in TAXONOMY.area_ids if area not in ROW.annotated_areas]


@pytest.mark.parametrize(
    ("quality", "truth", "then"), [("gold", False, "gold"), ("weak", False, "silver"), ("weak", True, "gold")]
)
def test_somebody_who_agrees_blindly_makes_a_new_label(quality: str, truth: bool, then: str) -> None:
    history = {
        "annotator": "a",
        "checks": [],
        "stale": True,
        "policy": {"number": 1},
        "correction": None,
    }
    old = replace(ROW, label_quality=quality, extra={**ROW.extra, **history, "lane": "random", "propensity": 0.01})
    [task] = to_tasks([old], TAXONOMY, blind=True)
    said = answer(["spam"], unknown=OTHERS, stars=2, completed_by=3, ground_truth=truth)
    tasks = [{**task, "id": 1, "annotations": [said]}]
    [found] = from_tasks(tasks, TAXONOMY, name_of=str, rows={old.id: old})
    assert label(found.row) == label(old)
    assert found.row.label_quality == then
    [record] = found.row.extra.pop("annotations")
    assert record["annotator"] == "3"
    assert found.row.extra == {
        "pair": "p",
        "lane": "random",
        "propensity": 0.01,
        "label_by": "label_studio",
        "taxonomy_version": TAXONOMY.version,
    }


def test_a_changed_label_is_gold_by_ground_truth_alone_and_of_this_taxonomy() -> None:
    old = replace(ROW, label_quality="gold", extra={"taxonomy_version": "0.1"})
    [task] = to_tasks([old], TAXONOMY)
    for truth, quality in ((False, "silver"), (True, "gold")):
        [row] = back([{**task, "id": 1, "annotations": [answer(["fraud_scams"], ground_truth=truth)]}])
        assert (row.label_quality, row.extra["taxonomy_version"]) == (quality, TAXONOMY.version)
    [row] = back([{**task, "id": 1}])
    assert (row.label_quality, row.extra["taxonomy_version"]) == ("gold", "0.1")


def test_of_several_answers_the_majority_counts_and_a_tie_is_unknown() -> None:
    row = answered(
        answer(["spam"], stars=2, completed_by=1),
        answer(["spam", "privacy"], stars=3, completed_by=2),
        answer(["benign"], unknown=["spam"], stars=1, completed_by=1),
        answer(["privacy"], unknown=["spam"], completed_by=4),
    )
    assert row.policy_areas == ("spam",)
    assert set(TAXONOMY.area_ids) - set(row.annotated_areas) == {"privacy"}
    # Of the severities 1 and 2 the higher one; the stars beside "benign" and beside privacy alone say nothing of spam.
    assert row.severity == 2
    assert [one["annotator"] for one in row.extra["annotations"]] == ["p1", "p2", "p1", "p4"]
    assert set(row.extra["annotations"][1]["policy_areas"]) == {"spam", "privacy"}


def test_half_way_between_two_severities_the_higher_counts() -> None:
    assert answered(answer(["spam"], stars=2), answer(["spam"], stars=4)).severity == 3


@pytest.mark.parametrize(
    ("answers", "severity"),
    [
        ([answer(["benign"], stars=5)], 0),
        ([answer(["benign"])], 0),
        ([answer(["benign"]), answer(["benign"]), answer(["spam"], stars=4)], 0),
        ([answer(["spam"]), answer(["spam"]), answer(["benign"], stars=5)], None),
        # Whether it is spam is open, and so is how grave it would be.
        ([answer(["spam"], stars=4), answer(["benign"], stars=1)], None),
    ],
)
def test_a_severity_is_that_of_the_label(answers: list[Json], severity: int | None) -> None:
    assert answered(*answers).severity == severity


NAMED = {"hateful_conduct", "harassment"}


@pytest.mark.parametrize(
    ("areas", "open_areas"),
    [
        ([["hateful_conduct"], ["harassment"], ["benign"]], NAMED),
        ([["hateful_conduct"], ["harassment"], ["benign"], ["benign"]], NAMED),
        ([["hateful_conduct"], ["harassment"], ["spam"]], {*NAMED, "spam"}),
        # Fewer than half saw anything.
        ([["hateful_conduct"], ["harassment"], ["benign"], ["benign"], ["benign"]], set()),
        ([["spam"], ["benign"], ["benign"]], set()),
    ],
)
def test_those_who_agree_that_something_is_broken_and_not_on_what_clear_none_of_it(
    areas: list[list[str]], open_areas: set[str]
) -> None:
    row = answered(*(answer(one, stars=1 if one == ["benign"] else 3) for one in areas))
    assert row.policy_areas == ()
    assert set(TAXONOMY.area_ids) - set(row.annotated_areas) == open_areas
    assert row.severity == (None if open_areas else 0)


def test_whoever_judged_no_area_does_not_say_that_none_applies() -> None:
    unsure = {"result": answer([], stars=2)["result"][1:]}
    row = answered(answer(["hateful_conduct"]), answer(["harassment"]), answer(["benign"]), unsure, unsure)
    assert set(TAXONOMY.area_ids) - set(row.annotated_areas) == NAMED
    assert row.severity is None


def test_where_one_area_has_the_majority_the_others_are_clear() -> None:
    row = answered(answer(["spam"]), answer(["spam"]), answer(["harassment"]))
    assert row.policy_areas == ("spam",)
    assert set(row.annotated_areas) == set(TAXONOMY.area_ids)


@pytest.mark.parametrize(
    ("times", "hour"),
    [
        (["2026-11-30T09:05:00.000000Z"], "2026-11-30T09:00:00+00:00"),
        (["2026-11-30T09:05:00Z", "2026-11-30T12:55:00+02:00", "2026-11-29T23:00:00Z"], "2026-11-30T10:00:00+00:00"),
        (["yesterday", "2026-11-30T09:05:00Z"], "2026-11-30T09:00:00+00:00"),
        # Without an offset nobody knows when that was; nor at the ends of the calendar, where UTC has no such day.
        (["2026-11-30T09:05:00"], None),
        (["0001-01-01T00:00:00+05:00"], None),
        ([None, "", 5], None),
    ],
)
def test_a_label_is_as_new_as_its_latest_answer(times: list[Any], hour: str | None) -> None:
    timed = replace(ROW, extra={"decided_at": "2026-01-01T00:00:00+00:00"})
    [task] = to_tasks([timed], TAXONOMY)
    said = [answer(["fraud_scams"], created_at=at) for at in times]
    [row] = back([{**task, "id": 1, "annotations": said}])
    assert row.extra.get("decided_at") == hour


def test_a_label_is_as_new_as_the_answers_that_decided_it() -> None:
    [task] = to_tasks([ROW], TAXONOMY)
    said = [
        answer(["spam"], created_at="2026-11-30T12:00:00Z"),
        answer(["privacy"], created_at="2026-11-30T09:30:00Z", ground_truth=True),
    ]
    [row] = back([{**task, "id": 1, "annotations": said}])
    assert row.extra["decided_at"] == "2026-11-30T09:00:00+00:00"


def test_ground_truth_decides_alone() -> None:
    row = answered(answer(["spam"]), answer(["spam"]), answer(["privacy"], ground_truth=True))
    assert row.policy_areas == ("privacy",)


def test_what_was_skipped_is_no_answer() -> None:
    [task] = to_tasks([ROW], TAXONOMY)
    task["annotations"] = [answer(["privacy"], was_cancelled=True, completed_by=1), answer(["spam"], completed_by=2)]
    [found] = from_tasks([{**task, "id": 1}], TAXONOMY, name_of=str, rows={})
    assert (found.answers, found.skipped, found.row.policy_areas) == (1, 1, ("spam",))
    assert [one["annotator"] for one in found.row.extra["annotations"]] == ["2"]


def test_without_an_answer_nothing_is_known() -> None:
    row = answered(answer(["privacy"], was_cancelled=True))
    assert (row.policy_areas, row.annotated_areas, row.severity) == ((), (), None)
    assert "label_by" not in row.extra


def test_an_answer_that_names_no_area_judged_none() -> None:
    row = answered({"result": answer([], stars=5)["result"][1:]})
    assert (row.annotated_areas, row.severity) == ((), 4)


def test_names_of_areas_are_understood_as_well_as_ids() -> None:
    assert answered(answer([TAXONOMY.area("spam").name])).policy_areas == ("spam",)
    assert answered(answer([TAXONOMY.benign_name])).policy_areas == ()


def test_a_task_made_in_label_studio_becomes_a_row_of_its_own() -> None:
    [row] = back([{"id": 12, "data": {"text": "made there"}, "annotations": [answer(["spam"], stars=1)]}])
    assert (row.id, row.source, row.lang, row.severity) == ("label-studio:12", "label-studio", "und", 0)


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (answer(["noise", "spam"]), "task 1, annotation 1: no such area in taxonomy .*: noise"),
        (answer(["spam", "benign"]), "contradicts itself"),
        (answer(["spam"], unknown=["spam"]), "contradicts itself"),
        (answer(["spam"], stars=6), "severity must be 1 to 5 stars, or 0 for none, not 6"),
        (answer(["spam"], stars=2.5), "severity must be 1 to 5 stars"),
        (answer(["spam"], completed_by=[1]), "completed_by must be an id"),
        ({"result": [{"from_name": "label", "type": "labels"}]}, "a result of 'label'; known are areas"),
        ({"result": [{"from_name": "areas", "type": "taxonomy", "value": {}}]}, "must be of type choices"),
        (
            {"result": [{"from_name": "areas", "type": "choices", "value": {"choices": "spam"}}]},
            "must be a list of areas",
        ),
        ({"result": "spam"}, "result must be a list, not str"),
        ("spam", "not an annotation"),
    ],
)
def test_an_answer_that_cannot_be_read_is_named(annotation: Any, message: str) -> None:
    with pytest.raises(ExchangeError, match=message):
        answered(annotation)


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([{"id": 5, "text": "flat", "areas": "spam"}], 'task 5: has no "data"; export the project as JSON'),
        (["spam"], "task 1: has no"),
        ([{"id": 5, "data": {}}], 'task 5: data has no "text"'),
        ([{"id": 5, "data": {"text": "a", "row_id": "r", "row": {"id": "r"}}}], "must stay as it was exported"),
        (
            [{"id": 5, "data": {"text": "b", "row_id": "r1", "row": ROW.to_json()}}],
            "its text or id is not that of row r1",
        ),
        ([{"id": 5, "data": {"text": "a"}}] * 2, "task 5: row label-studio:5 was read before"),
    ],
)
def test_a_task_that_cannot_be_read_is_named(tasks: list[Any], message: str) -> None:
    with pytest.raises(ExchangeError, match=message):
        back(tasks)


def test_unknown_areas_and_numbers_that_json_cannot_say_do_not_go_out() -> None:
    with pytest.raises(ExchangeError, match="row r9: no such area"):
        list(to_tasks([LabelledText("r9", "t", (), ("noise",), 0, "s", "en")], TAXONOMY))
    with pytest.raises(ExchangeError, match="row r9: holds a number"):
        list(to_tasks([LabelledText("r9", "t", (), ("spam",), 0, "s", "en", weight=float("inf"))], TAXONOMY))


def test_more_tasks_than_a_project_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeling.exchange.tasks.MAX_TASKS", 1)
    monkeypatch.setattr("labeling.exchange.command.MAX_TASKS", 1)
    assert len(list(to_tasks([ROW], TAXONOMY))) == 1
    with pytest.raises(ExchangeError, match="more than 1 rows"):
        list(to_tasks([ROW, ROW], TAXONOMY))
    path = tmp_path / "export.json"
    path.write_text(json.dumps([{"data": {"text": name}} for name in "ab"]))
    with pytest.raises(ExchangeError, match="more than 1 tasks"):
        read_tasks(path)
    monkeypatch.setattr("labeling.exchange.command.MAX_BYTES", 10)
    with pytest.raises(ExchangeError, match="larger than"):
        read_tasks(path)


def test_the_configuration_offers_every_area_and_severity() -> None:
    view = ET.fromstring(labelling_config(TAXONOMY))  # noqa: S314 - made by our own code
    areas, unknown = view.findall("Choices")
    assert {one.get("alias") for one in areas} == set(TAXONOMY.label_ids)
    assert {one.get("alias") for one in unknown} == set(TAXONOMY.area_ids)
    rating = view.find("Rating")
    assert rating is not None
    assert rating.get("maxRating") == "5"
    controls = {one.get("name") for one in (areas, unknown, rating)}
    [task] = to_tasks([ROW], TAXONOMY)
    results = task["annotations"][0]["result"]
    assert {one["from_name"] for one in results} == controls
    assert all(one["to_name"] == "text" and one["value"][one["type"]] for one in results)


def test_an_export_of_label_studio_is_read() -> None:
    """Every field that the export of 1.23.2 has, as found there by importing such tasks and answering them."""
    tasks = read_tasks(Path(__file__).with_name("label_studio_1_23.jsonl"))
    names = {"1": "importer", "2": "second", "3": "third"}
    found = {one.row.id: one for one in from_tasks(tasks, TAXONOMY, name_of=names.__getitem__, rows={})}
    said = {
        name: (one.row.policy_areas, one.row.severity, one.answers, one.skipped) for name, one in sorted(found.items())
    }
    assert said == {
        "approved": (("spam",), 1, 1, 0),
        "beside": ((), 0, 1, 0),
        "corrected": (("fraud_scams", "spam"), 2, 1, 0),
        "draft": ((), None, 0, 0),
        "skipped": (("spam",), 1, 0, 1),
        "untouched": (("spam",), 1, 0, 0),
    }
    by = {name: [x["annotator"] for x in one.row.extra.get("annotations", [])] for name, one in found.items()}
    assert {name: who for name, who in by.items() if who} == {
        "approved": ["second"],
        "beside": ["third"],
        "corrected": ["second"],
    }
    assert found["approved"].row.extra["annotations"][0]["ground_truth"]
    assert found["corrected"].row.extra["annotations"][0]["at"] == "2026-11-30T09:05:00.000000Z"
    assert [name for name, one in found.items() if not one.row.annotated_areas] == ["draft"]


def test_a_label_that_came_along_is_no_ground_truth() -> None:
    """Label Studio marks what is imported as ground truth unless the task says otherwise; corrections would be outvoted."""
    [task] = to_tasks([ROW], TAXONOMY)
    assert [one["ground_truth"] for one in task["annotations"]] == [False]


def write(folder: Path, *given: LabelledText) -> str:
    write_labelled_texts(folder / "rows.jsonl", given)
    return str(folder / "rows.jsonl")


def scores(folder: Path, *lines: Any) -> list[str]:
    path = folder / "scores.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return ["--predictions", str(path), "--model-version", "b" * 8]


def test_predictions_carry_the_model_and_how_sure_it_is(tmp_path: Path) -> None:
    out = tmp_path / "tasks.json"
    said = {
        "id": "r1",
        "areas": {"spam": 0.9, "privacy": 0.35, "harassment": 0.05},
        "severity": [0.1, 0.2, 0.5, 0.1, 0.1],
    }
    assert main(["to-label-studio", write(tmp_path, ROW), "--out", str(out), *scores(tmp_path, said)]) == 0
    [task] = json.loads(out.read_text())
    [guess] = task["predictions"]
    assert (guess["model_version"], guess["score"]) == ("b" * 8, 0.65)
    assert [one["value"] for one in guess["result"]] == [{"choices": ["spam"]}, {"rating": 3}]
    assert (tmp_path / "tasks.xml").read_text() == labelling_config(TAXONOMY)


def test_a_blind_task_shows_no_guess_of_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "tasks.json"
    arguments = ["to-label-studio", write(tmp_path, ROW), "--out", str(out), "--blind"]
    assert main([*arguments, *scores(tmp_path, {"id": "r1", "areas": {"spam": 0.9}})]) == 2
    assert "--blind shows no predictions" in capsys.readouterr().err
    assert not out.exists()
    assert main(arguments) == 0
    [task] = json.loads(out.read_text())
    assert set(task) == {"data"}
    assert set(task["data"]) == {"text", "row_id", "lang", "source"}


def test_ids_of_results_are_all_different(tmp_path: Path) -> None:
    said = {"id": "r1", "areas": {"spam": 0.9}, "severity": None}
    out = tmp_path / "tasks.jsonl"
    other = LabelledText("r2", "t", (), ("spam",), 0, "s", "en")
    assert main(["to-label-studio", write(tmp_path, ROW, other), "--out", str(out), *scores(tmp_path, said)]) == 0
    tasks = [json.loads(line) for line in out.read_text().splitlines()]
    ids = [
        result["id"]
        for task in tasks
        for kind in ("annotations", "predictions")
        for one in task.get(kind, [])
        for result in one["result"]
    ]
    assert len(ids) == len(set(ids)) == 7


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"id": "r1", "areas": {"noise": 0.5}}, "scores.jsonl:1: no such area"),
        ({"id": "r1", "areas": {"spam": 1.5}}, "probabilities from 0 to 1"),
        ({"id": "r1", "areas": {"spam": 0.5}, "severity": [1]}, "one for each severity"),
        ({"id": "r1"}, "not a line of scores"),
        ([], "not a line of scores"),
        ({"id": "other", "areas": {"spam": 0.5}}, "has scores of none of the rows"),
    ],
)
def test_scores_that_cannot_be_used_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: Any, message: str
) -> None:
    arguments = ["to-label-studio", write(tmp_path, ROW), "--out", str(tmp_path / "tasks.json")]
    assert main([*arguments, *scores(tmp_path, line)]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "tasks.json").exists()


def test_predictions_without_their_model_are_refused(tmp_path: Path) -> None:
    arguments = ["to-label-studio", write(tmp_path, ROW), "--out", str(tmp_path / "t.json")]
    assert main([*arguments, *scores(tmp_path, {"id": "r1", "areas": {}})[:2]]) == 2


def test_blind_tasks_find_their_rows_again_and_nobody_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out, again = write(tmp_path, ROW), tmp_path / "tasks.json", tmp_path / "again.jsonl"
    assert main(["to-label-studio", file, "--out", str(out), "--blind"]) == 0
    [task] = json.loads(out.read_text())
    people = [{"id": 31, "email": "ada@example.org"}, 77, {"id": 31}]
    task |= {"id": 1, "annotations": [answer(["spam"], stars=2, completed_by=who) for who in people]}
    out.write_text(json.dumps([task]))
    key = tmp_path / "key"
    key.write_text("a secret of this installation")
    found = []
    for arguments in ([], ["--key", str(key)], ["--key", str(key)]):
        assert main(["from-label-studio", str(out), "--out", str(again), "--rows", file, *arguments]) == 0
        [row] = read_labelled_texts(again)
        assert row.extra["pair"] == "p"
        assert "ada" not in again.read_text()
        found.append([one["annotator"] for one in row.extra["annotations"]])
    assert found[0] == ["annotator-1", "annotator-2", "annotator-1"]
    assert found[1] == found[2]
    assert found[1][0] == found[1][2] != found[1][1]
    assert not {"31", "77"} & set(found[1])
    assert "1 rows, 1 with an answer, 1 with several, 0 skipped by somebody" in capsys.readouterr().out
    key.write_text("short")
    assert main(["from-label-studio", str(out), "--out", str(again), "--rows", file, "--key", str(key)]) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("{}", "not a list of tasks"),
        ("3", "not a list"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_export_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    path = tmp_path / "export.json"
    path.write_text(content)
    assert main(["from-label-studio", str(path), "--out", str(tmp_path / "rows.jsonl")]) == 2
    assert message in capsys.readouterr().err


def test_another_taxonomy_has_other_choices(tmp_path: Path, taxonomy: Taxonomy) -> None:
    shipped = (Path(__file__).parents[3] / "labeling" / "taxonomy.toml").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(shipped.replace('id = "spam"', 'id = "noise"'), encoding="utf-8")
    row = LabelledText("r", "t", ("noise",), ("noise",), 1, "s", "en")
    arguments = ["to-label-studio", write(tmp_path, row), "--out", str(tmp_path / "t.json")]
    assert main(arguments) == 2
    assert main([*arguments, "--taxonomy", str(own)]) == 0
    again = tmp_path / "again.jsonl"
    assert main(["from-label-studio", str(tmp_path / "t.json"), "--out", str(again), "--taxonomy", str(own)]) == 0
    assert list(read_labelled_texts(again)) == [row]
