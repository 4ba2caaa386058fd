import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.__main__ import main
from eval.dataset import Filters, read_dataset
from eval.figures import Settings
from eval.formats import Vocabulary
from eval.gate import DEFAULT_RULES, RuleVerdict, judge, load_rules
from eval.gate_findings import Evidence
from eval.gate_rules import KINDS
from eval.report import Subject, make_report
from eval.scored import Scores, pair_up
from labeling.records import LabelledText, write_labelled_texts
from models.bundle import Bundle, load_bundle
from models.verdict import read_verdict
from tests.models.bundles import write_bundle
from tests.models.releases import write_verdict

AREAS = ("fraud_scams", "harassment", "spam", "privacy", "commerce", "advertising")
DATA, TRAINED_ON, OTHER, CALIBRATED_ON, BASELINE = (digit * 64 for digit in "defab")
EXTRA_RULES = """
[[rule]]
name = "any harm"
kind = "any_harm"
owner = "modelling"
since = 2026-11-23
reason = "kinds that the shipped rules do not use"
min_auprc = 0.8
min_positives = 100

[[rule]]
name = "languages"
kind = "slices"
owner = "modelling"
since = 2026-11-23
reason = "kinds that the shipped rules do not use"
dimension = "language"
values = ["en", "ta"]
min_auprc = 0.5
min_rows = 100
min_positives = 20
"""


def estimate(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


def difference(ours: float, theirs: float) -> dict[str, float]:
    gap = ours - theirs
    return {"ours": ours, "theirs": theirs, "difference": gap, "low": gap - 0.005, "high": gap + 0.005}


def good_report(bundle: Bundle) -> dict[str, Any]:
    """The parts of a report that rules look at, all of them well within their limits."""
    area = {
        "n": 1_000,
        "positives": 200,
        "base_rate": 0.2,
        "auprc": 0.8,
        "auprc_low": 0.78,
        "auprc_high": 0.82,
        "ece": 0.01,
        "ece_firm": True,
        "trained": True,
    }
    kinds = load_rules(DEFAULT_RULES).rules
    hard = {"n_at_recall": 500, "fpr_at_recall_80": estimate(0.05)}
    asked = next(rule.check for rule in kinds if rule.kind == "hard_negatives")
    assert isinstance(asked, KINDS["hard_negatives"])
    languages = {name: {"n": 500, "positives": 100, "auprc": 0.7} for name in ("en", "ta")}
    return {
        "format": 1,
        "bundle": bundle.hash,
        "taxonomy_version": bundle.taxonomy_version,
        "data": [{"name": "validation.jsonl", "sha256": DATA, "rows": 5_000}],
        "rows": 5_000,
        "filters": {"wanted": [], "unwanted": ["source=openai_moderation_1680"]},
        "calibrated_on_these": False,
        "settings": {"draws": 500, "seed": 1, "macro_positives": 30},
        "areas": {name: dict(area) for name in bundle.areas},
        "too_few": {},
        "macro_auprc": {**estimate(0.8), "areas": list(bundle.areas), "min_positives": 30},
        "any_harm": {"n": 5_000, "positives": 900, "auprc": 0.9},
        "severity": {"human": {"n": 900, "qwk": estimate(0.7)}},
        "slices": {"language": languages},
        "hard_negatives": {name: copy.deepcopy(hard) for name in ("all", *getattr(asked, "kinds", ()))},
        "minimal_pairs": {"n": 200, "both_right": estimate(0.8)},
        "identity": {"groups": {"any group": {"n": 400, "n_without": 800, "gap": estimate(0.02)}}, "dialects": {}},
        "behaviour": {
            name: {"total": {"n": 100, "passed": 95, "rate": 0.95}} for name in ("minimum", "invariance", "direction")
        },
        "comparisons": {
            "baseline": {
                "system": f"TF-IDF (sha256 {BASELINE})",
                "macro": difference(0.8, 0.6),
                "better_in": 14,
                "of": 15,
            },
            "previous": {
                "system": f"Bundle {OTHER} (old)",
                "macro": difference(0.8, 0.79),
                "areas": {name: difference(0.8, 0.79) for name in bundle.areas},
                "unknown_to_them": [],
                "unknown_to_us": [],
            },
        },
    }


MANIFEST: dict[str, Any] = {
    "training": {"data": {"files": {"train.jsonl": TRAINED_ON}}},
    "metrics": {
        "validation": {"sha256": [CALIBRATED_ON], "rows": 3_000},
        "calibration": {"optimistic": ["thresholds"]},
        "int8": {
            "macro_auprc": 0.799,
            "areas": {name: {"positives": 150, "calibration_error": 0.02} for name in AREAS},
        },
        "baseline": {"scores_sha256": BASELINE},
        "float32": {"macro_auprc": 0.8},
        "parity": {"decisions": 10_000, "flips": 20},
    },
}


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return load_bundle(write_bundle(tmp_path / "b", areas=list(AREAS), trained_areas=list(AREAS), **MANIFEST))


@pytest.fixture
def rules_file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(DEFAULT_RULES.read_text(encoding="utf-8") + EXTRA_RULES, encoding="utf-8")
    return path


def failed(found: tuple[RuleVerdict, ...]) -> dict[str, str]:
    return {one.kind: one.reason for one in found if not one.passed}


def test_good_report_passes_every_rule(bundle: Bundle, rules_file: Path) -> None:
    rules = load_rules(rules_file)
    found = judge(Evidence(good_report(bundle), bundle), rules)
    assert failed(found) == {}
    assert {one.kind for one in found} == {"report", *KINDS}
    assert all(one.reason for one in found)


def put(value: Any, *path: str) -> Callable[[dict[str, Any]], None]:
    """A change of the report: `value` at `path`, or nothing there where it is None."""

    def change(report: dict[str, Any]) -> None:
        for key in path[:-1]:
            report = report[key]
        if value is None:
            del report[path[-1]]
        else:
            report[path[-1]] = value

    return change


PLANTED: list[tuple[str, Callable[[dict[str, Any]], None], str]] = [
    ("report", put("0" * 64, "bundle"), "about bundle '0000"),
    ("report", put("2020", "taxonomy_version"), "taxonomy_version '2020'"),
    ("report", put(100, "rows"), "100, too few to judge"),
    ("report", put(10, "settings", "draws"), "bootstrap draws: 10"),
    ("report", put(["source=easy"], "filters", "wanted"), "source=easy"),
    ("report", put(None, "filters"), "filters wanted are None"),
    ("report", put([], "data"), "does not name its data"),
    ("report", put(None, "data"), "does not name its data"),
    ("report", put([{"sha256": TRAINED_ON}], "data"), "was trained on the data"),
    ("area_floors", put(0.29, "areas", "spam", "auprc"), "spam AUPRC 0.29 (at least 0.3)"),
    ("area_floors", put(0.7, "areas", "spam", "base_rate"), "above its base rate 0.1"),
    ("area_floors", put(29, "areas", "spam", "positives"), "spam: positives: 29, too few"),
    ("area_floors", put(False, "areas", "spam", "trained"), "spam: was never learned"),
    ("area_floors", put(None, "areas", "spam"), "spam: not measured"),
    ("area_floors", put(float("nan"), "areas", "spam", "auprc"), "areas.spam.auprc: no figure"),
    ("area_floors", put("0.9", "areas", "spam", "auprc"), "areas.spam.auprc: no figure"),
    ("macro_vs_previous", put(difference(0.8, 0.81), "comparisons", "previous", "macro"), "surely below"),
    (
        "macro_vs_previous",
        put({**difference(0.8, 0.82), "high": 0.01}, "comparisons", "previous", "macro"),
        "below the previous by 0.02",
    ),
    ("macro_vs_previous", put(None, "comparisons", "previous", "macro"), "not compared"),
    ("macro_vs_previous", put(None, "comparisons", "previous"), "no previous bundle"),
    ("areas_vs_previous", put(difference(0.8, 0.9), "comparisons", "previous", "areas", "spam"), "spam AUPRC surely"),
    ("areas_vs_previous", put(None, "comparisons", "previous", "areas", "spam"), "spam: not compared"),
    (
        "areas_vs_previous",
        put(["gambling"], "comparisons", "previous", "unknown_to_us"),
        "gambling: the previous bundle",
    ),
    ("areas_vs_previous", put(None, "comparisons", "previous", "unknown_to_us"), "which areas the previous bundle has"),
    (
        "macro_vs_previous",
        put(None, "comparisons", "previous", "unknown_to_them"),
        "which areas the previous bundle has",
    ),
    ("areas_vs_previous", put("200", "areas", "spam", "positives"), "areas.spam.positives: no figure"),
    ("areas_vs_previous", put(None, "areas", "spam"), "areas.spam.positives: no figure"),
    ("macro_vs_previous", put("the old one", "comparisons", "previous", "system"), "previous bundle by its hash"),
    ("above_baseline", put(difference(0.8, 0.79), "comparisons", "baseline", "macro"), "at least 0.02"),
    ("above_baseline", put(-0.001, "comparisons", "baseline", "macro", "low"), "lower end"),
    ("above_baseline", put(9, "comparisons", "baseline", "better_in"), "0.6 (at least 0.7)"),
    ("above_baseline", put(3, "comparisons", "baseline", "of"), "3, too few"),
    ("above_baseline", put(None, "comparisons", "baseline"), "no figure"),
    ("above_baseline", put("TF-IDF", "comparisons", "baseline", "system"), "baseline's scores by sha256"),
    (
        "above_baseline",
        put(OTHER, "comparisons", "baseline", "system"),
        f"scores are {OTHER}, the manifest says {BASELINE}",
    ),
    ("hard_negatives", put(estimate(0.4), "hard_negatives", "all", "fpr_at_recall_80"), "0.4 (at most 0.3)"),
    ("hard_negatives", put(estimate(0.9), "hard_negatives", "satire", "fpr_at_recall_80"), "satire"),
    ("hard_negatives", put(None, "hard_negatives", "satire"), "hard_negatives.satire.n_at_recall: no figure"),
    ("hard_negatives", put(10, "hard_negatives", "all", "n_at_recall"), "all: 10, too few"),
    ("hard_negatives", put({}, "hard_negatives"), "no figure"),
    ("minimal_pairs", put(estimate(0.34), "minimal_pairs", "both_right"), "0.34 (at least 0.35)"),
    ("minimal_pairs", put(3, "minimal_pairs", "n"), "3, too few"),
    ("minimal_pairs", put(None, "minimal_pairs"), "no figure"),
    ("identity_gap", put(estimate(0.26), "identity", "groups", "any group", "gap"), "0.26 (at most 0.25)"),
    ("identity_gap", put(20, "identity", "groups", "any group", "n"), "20, too few"),
    ("identity_gap", put(None, "identity", "groups", "any group"), "no figure"),
    (
        "identity_gap",
        put({"n": 300, "n_without": 300, "gap": estimate(0.3)}, "identity", "groups", "elders"),
        "gap, elders 0.3",
    ),
    ("identity_gap", put(None, "identity"), "no figure"),
    ("calibration", put(0.04, "areas", "spam", "ece"), "spam ECE 0.04 (at most 0.03)"),
    ("calibration", put({}, "areas"), "0, too few"),
    ("calibration", put(None, "calibrated_on_these"), "do not both say on which rows"),
    ("calibration", put(None, "areas", "spam", "ece"), "spam.ece: no figure"),
    ("calibration", put(None, "areas", "spam", "positives"), "spam.positives: no figure"),
    ("severity", put(estimate(0.3), "severity", "human", "qwk"), "0.3 (at least 0.35)"),
    ("severity", put(None, "severity", "human"), "severity.human.n: no figure"),
    ("behaviour", put(0.5, "behaviour", "direction", "total", "rate"), "passed in direction 0.5"),
    ("behaviour", put({}, "behaviour"), "no figure"),
    ("any_harm", put(0.7, "any_harm", "auprc"), "0.7 (at least 0.8)"),
    ("any_harm", put(5, "any_harm", "positives"), "5, too few"),
    ("slices", put(0.4, "slices", "language", "ta", "auprc"), "language ta AUPRC 0.4"),
    ("slices", put(None, "slices", "language", "ta"), "slices.language.ta.n: no figure"),
    ("slices", put(2, "slices", "language", "ta", "positives"), "language ta: positives: 2"),
]


@pytest.mark.parametrize(("kind", "change", "reason"), PLANTED)
def test_planted_failure_is_found_and_said(
    bundle: Bundle, rules_file: Path, kind: str, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    report = good_report(bundle)
    change(report)
    found = failed(judge(Evidence(report, bundle), load_rules(rules_file)))
    assert reason in found[kind]


def test_every_kind_of_rule_has_a_planted_failure() -> None:
    assert {kind for kind, _, _ in PLANTED} | {"parity"} == {"report", *KINDS}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"int8": {"macro_auprc": 0.79}}, "0.01 (at most 0.005)"),
        ({"parity": {"decisions": 100, "flips": 3}}, "0.03 (at most 0.02)"),
        ({"parity": {"decisions": 0, "flips": 0}}, "0, too few"),
        ({"int8": {"macro_auprc": None}}, "no figure"),
        ({"parity": None}, "no figure"),
    ],
)
def test_parity_is_read_from_the_manifest(
    tmp_path: Path, rules_file: Path, changes: dict[str, Any], reason: str
) -> None:
    metrics = {**MANIFEST["metrics"], **changes}
    changed = {**MANIFEST, "metrics": metrics}
    bundle = load_bundle(write_bundle(tmp_path / "p", areas=list(AREAS), trained_areas=list(AREAS), **changed))
    assert reason in failed(judge(Evidence(good_report(bundle), bundle), load_rules(rules_file)))["parity"]


def said_of(kind: str, evidence: Evidence, rules_file: Path) -> RuleVerdict:
    (found,) = [one for one in judge(evidence, load_rules(rules_file)) if one.kind == kind]
    return found


def other_bundle(folder: Path, **metrics: Any) -> Bundle:
    """A bundle whose manifest has other metrics."""
    changed = {**MANIFEST, "metrics": {**MANIFEST["metrics"], **metrics}}
    return load_bundle(write_bundle(folder, areas=list(AREAS), trained_areas=list(AREAS), **changed))


def errors(value: float, positives: int = 150) -> dict[str, Any]:
    return {"areas": {name: {"positives": positives, "calibration_error": value} for name in AREAS}, "macro_auprc": 0.8}


@pytest.mark.parametrize(
    ("metrics", "passed", "reason"),
    [
        ({}, True, "errors of the manifest, cross-fitted on the rows of the calibration"),
        ({"int8": errors(0.04)}, False, "spam ECE 0.04 (at most 0.03)"),
        ({"int8": errors(0.01, positives=99)}, False, "0, too few"),
        ({"int8": {"macro_auprc": 0.8}}, False, "0, too few"),
        ({"calibration": {"optimistic": ["calibration_error"]}}, False, "no cross-fitted errors"),
        ({"calibration": None}, False, "no cross-fitted errors"),
        ({"validation": None}, False, "do not both say on which rows"),
    ],
)
def test_rows_of_the_calibration_are_judged_by_the_cross_fitted_errors(
    tmp_path: Path, rules_file: Path, metrics: dict[str, Any], passed: bool, reason: str
) -> None:
    bundle = other_bundle(tmp_path / "p", **metrics)
    report = good_report(bundle)
    report["calibrated_on_these"] = True
    for area in report["areas"].values():
        area["ece"] = 0.001
    found = said_of("calibration", Evidence(report, bundle), rules_file)
    assert (found.passed, reason in found.reason) == (passed, True)


def test_report_that_denies_the_rows_of_the_calibration_is_not_believed(bundle: Bundle, rules_file: Path) -> None:
    report = good_report(bundle)
    assert "errors of the report" in said_of("calibration", Evidence(report, bundle), rules_file).reason
    report["data"].append({"name": "w09.jsonl", "sha256": CALIBRATED_ON, "rows": 3_000})
    assert "errors of the manifest" in said_of("calibration", Evidence(report, bundle), rules_file).reason
    for kind in ("minimal_pairs", "identity_gap"):
        assert "thresholds were chosen on these rows" in said_of(kind, Evidence(report, bundle), rules_file).reason


def test_new_area_is_noted_and_not_compared(bundle: Bundle, rules_file: Path) -> None:
    report = good_report(bundle)
    del report["comparisons"]["previous"]["areas"]["spam"]
    report["comparisons"]["previous"]["unknown_to_them"] = ["spam"]
    evidence = Evidence(report, bundle)
    assert failed(judge(evidence, load_rules(rules_file))) == {}
    assert "new: spam" in said_of("areas_vs_previous", evidence, rules_file).reason
    assert "not in it, new: spam" in said_of("macro_vs_previous", evidence, rules_file).reason


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("identity_gap", 'groups = ["any group"]', "groups = []"),
        ("area_floors", "floor = 0.30", f"floor = 0.30\nunmeasured = {json.dumps(AREAS)}"),
        ("areas_vs_previous", "max_drop = 0.03\nmin_positives = 30", "max_drop = 0.03\nmin_positives = 300"),
    ],
)
def test_rule_that_judged_nothing_did_not_pass_whatever_it_notes(
    bundle: Bundle, rules_file: Path, kind: str, old: str, new: str
) -> None:
    text = rules_file.read_text(encoding="utf-8")
    assert old in text
    rules_file.write_text(text.replace(old, new), encoding="utf-8")
    report = good_report(bundle)
    report["calibrated_on_these"] = True
    report["identity"]["groups"] = {}
    report["comparisons"]["previous"]["unknown_to_them"] = ["spam"]
    assert "found nothing to judge" in said_of(kind, Evidence(report, bundle), rules_file).reason


def test_kind_of_hard_negative_without_a_limit_may_have_none(bundle: Bundle, rules_file: Path) -> None:
    text = rules_file.read_text(encoding="utf-8")
    rules_file.write_text(text.replace("max_fpr_of_kind = 0.45", ""), encoding="utf-8")
    said = said_of("hard_negatives", Evidence(good_report(bundle), bundle), rules_file)
    assert "satire: false positives at recall .80 0.05 (at most 0)" in said.reason


@pytest.mark.parametrize("named", ["floors = {spamm = 0.9}", 'unmeasured = ["spamm"]'])
def test_rule_about_an_area_that_there_is_not_fails(bundle: Bundle, rules_file: Path, named: str) -> None:
    text = rules_file.read_text(encoding="utf-8")
    rules_file.write_text(text.replace("floor = 0.30", f"floor = 0.30\n{named}"), encoding="utf-8")
    said = said_of("area_floors", Evidence(good_report(bundle), bundle), rules_file)
    assert (said.passed, said.reason) == (False, "spamm: the rule names this area, which the bundle does not have")


def test_area_that_the_baseline_did_not_learn_is_said(bundle: Bundle, rules_file: Path) -> None:
    report = good_report(bundle)
    report["comparisons"]["baseline"]["unknown_to_them"] = ["spam"]
    assert "not learned by the baseline: spam" in said_of("above_baseline", Evidence(report, bundle), rules_file).reason


def test_bundle_that_does_not_name_its_training_data_fails(tmp_path: Path, rules_file: Path) -> None:
    bundle = load_bundle(write_bundle(tmp_path / "p", areas=list(AREAS), metrics=MANIFEST["metrics"]))
    found = failed(judge(Evidence(good_report(bundle), bundle), load_rules(rules_file)))
    assert "does not name the files" in found["report"]


def against(bundle: Bundle, rules_file: Path, change: Callable[[dict[str, Any]], None]) -> dict[str, str]:
    """What fails when two reports are held against each other, the previous one changed."""
    report, previous = good_report(bundle), good_report(bundle)
    del report["comparisons"]["previous"]
    previous["bundle"] = OTHER
    change(previous)
    return failed(judge(Evidence(report, bundle, previous), load_rules(rules_file)))


def test_two_reports_on_the_same_data_can_be_compared(bundle: Bundle, rules_file: Path) -> None:
    assert against(bundle, rules_file, lambda _: None) == {}
    assert "surely below" in against(bundle, rules_file, put(0.85, "macro_auprc", "value"))["macro_vs_previous"]
    assert "spam" in against(bundle, rules_file, put(0.9, "areas", "spam", "auprc"))["areas_vs_previous"]


def test_areas_of_one_report_only_are_new_or_lost(bundle: Bundle, rules_file: Path) -> None:
    # Too rare to be in the macro mean of either.
    rare = [name for name in bundle.areas if name != "spam"]
    report, previous = good_report(bundle), good_report(bundle)
    del report["comparisons"]["previous"]
    previous["bundle"] = OTHER
    for one in (report, previous):
        one["macro_auprc"]["areas"] = rare
    del previous["areas"]["spam"]
    evidence = Evidence(report, bundle, previous)
    assert "new: spam" in said_of("areas_vs_previous", evidence, rules_file).reason
    assert failed(judge(evidence, load_rules(rules_file))) == {}
    previous["too_few"]["gambling"] = 3
    assert failed(judge(evidence, load_rules(rules_file))) == {
        "areas_vs_previous": "gambling: the previous bundle has this area, this one lacks it"
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put([{"sha256": OTHER}], "data"), "other data"),
        (put(["source=x"], "filters", "wanted"), "filters"),
        (put(["spam"], "macro_auprc", "areas"), "macro_auprc.areas; compare with `eval run --against`"),
        (put(10, "settings", "macro_positives"), "macro_positives"),
        (put("", "bundle"), "previous bundle by its hash"),
    ],
)
def test_reports_that_cannot_be_compared_fail(
    bundle: Bundle, rules_file: Path, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    found = against(bundle, rules_file, change)
    assert reason in found["macro_vs_previous"]
    assert reason in found["areas_vs_previous"]


def test_bundle_compared_with_itself_fails(bundle: Bundle, rules_file: Path) -> None:
    assert "with itself" in against(bundle, rules_file, put(bundle.hash, "bundle"))["macro_vs_previous"]


def test_pinned_data_must_be_what_was_measured(bundle: Bundle, rules_file: Path) -> None:
    pinned = rules_file.read_text(encoding="utf-8").replace("min_draws = 200", f'min_draws = 200\nsha256 = ["{OTHER}"]')
    rules_file.write_text(pinned, encoding="utf-8")
    evidence = Evidence(good_report(bundle), bundle)
    assert f"not measured on the data {OTHER}" in failed(judge(evidence, load_rules(rules_file)))["report"]


@pytest.fixture
def files(bundle: Bundle, tmp_path: Path) -> dict[str, Path]:
    paths = {name: tmp_path / f"{name}.json" for name in ("report", "verdict")}
    report = good_report(bundle)
    (tmp_path / "rows.jsonl").write_text("{}\n")
    report["data"][0]["sha256"] = hashlib.sha256(b"{}\n").hexdigest()
    paths["report"].write_text(json.dumps(report))
    return {**paths, "bundle": bundle.folder, "rows": tmp_path / "rows.jsonl"}


def gate(files: dict[str, Path], *more: str) -> int:
    paths = [f"--{name}={files[name]}" for name in ("report", "bundle")]
    try:
        return main(["gate", *paths, f"--out={files['verdict']}", f"--data={files['rows']}", *more])
    except SystemExit as ended:
        return int(str(ended.code))


def test_command_writes_a_passing_verdict_for_that_hash(
    files: dict[str, Path], bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate(files) == 0
    verdict = read_verdict(files["verdict"])
    verdict.check(bundle.hash)
    assert verdict.compared_with == OTHER
    written = json.loads(files["verdict"].read_text())
    assert written["report_sha256"] == hashlib.sha256(files["report"].read_bytes()).hexdigest()
    assert written["rules_sha256"] == hashlib.sha256(DEFAULT_RULES.read_bytes()).hexdigest()
    assert f"all {len(written['rules'])} rules passed" in capsys.readouterr().out


def test_command_ends_with_1_and_says_what_failed(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    files["rows"].write_text("other rows\n")
    assert gate(files) == 1
    assert json.loads(files["verdict"].read_text())["passed"] is False
    said = capsys.readouterr().out
    assert "FAILED  report is about the right data: the report was measured on other files" in said
    assert "1 of" in said


def test_first_bundle_must_be_called_that(files: dict[str, Path]) -> None:
    report = json.loads(files["report"].read_text())
    del report["comparisons"]["previous"]
    files["report"].write_text(json.dumps(report))
    assert gate(files) == 1
    assert gate(files, "--no-previous") == 0
    assert json.loads(files["verdict"].read_text())["first"] is True


@pytest.mark.parametrize("broken", ["report", "bundle", "rows"])
def test_unusable_input_ends_with_2_and_leaves_no_verdict(
    files: dict[str, Path], broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate(files) == 0
    if broken == "report":
        files["report"].write_text("{}")
    elif broken == "rows":
        files["rows"].unlink()
    else:
        (files["bundle"] / "model.onnx").write_bytes(b"A graph")
    assert gate(files) == 2
    assert not files["verdict"].exists()
    assert capsys.readouterr().err.startswith("error: ")


def test_inputs_are_never_the_verdict_to_write(files: dict[str, Path], tmp_path: Path) -> None:
    previous, rules = tmp_path / "previous.json", tmp_path / "r.toml"
    previous.write_bytes(files["report"].read_bytes())
    rules.write_bytes(DEFAULT_RULES.read_bytes())
    for out in (files["report"], files["rows"], previous, rules, files["bundle"] / "model.onnx"):
        before = out.read_bytes()
        assert gate(files, f"--out={out}", f"--previous={previous}", f"--rules={rules}") == 2
        assert out.read_bytes() == before


def test_what_is_no_verdict_of_that_bundle_is_not_removed(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes.json"
    notes.write_text("{}")
    assert gate(files, f"--out={notes}") == 2
    assert "is there already and is no verdict" in capsys.readouterr().err
    assert notes.read_text() == "{}"
    earlier = write_verdict(tmp_path / "earlier.json", OTHER)
    files["report"].write_text("{}")
    assert gate(files, f"--out={earlier}") == 2
    assert read_verdict(earlier).bundle == OTHER


def test_verdict_beside_another_bundle_stays(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = load_bundle(write_bundle(tmp_path / "default", name="shipped")).hash
    verdict = write_verdict(tmp_path / "default.verdict.json", shipped)
    assert gate(files, f"--out={verdict}") == 2
    assert "which is another bundle" in capsys.readouterr().err
    read_verdict(verdict).check(shipped)


def test_real_report_has_everything_where_the_rules_look(bundle: Bundle, tmp_path: Path) -> None:
    rows = [
        LabelledText(f"r{n}", f"text {n}", ("spam",) if n % 2 else (), AREAS, n % 5, "s", "en", extra={"kind": "news"})
        for n in range(80)
    ]
    write_labelled_texts(tmp_path / "rows.jsonl", rows)
    vocabulary = Vocabulary(bundle.areas, None)
    dataset = read_dataset([tmp_path / "rows.jsonl"], form="rows", vocabulary=vocabulary, filters=Filters())
    values = np.full((80, len(AREAS)), 0.1)
    values[:, 2] = np.linspace(0, 1, 80)
    scored = pair_up(dataset, bundle.areas, Scores(values), thresholds=np.full(len(AREAS), 0.5), trained=bundle.areas)
    report = make_report(Subject(bundle, dataset, Filters(), scored, "scored now"), Settings(draws=20)).to_json()
    assert report["areas"]["spam"].keys() >= good_report(bundle)["areas"]["spam"].keys()
    for name in ("any_harm", "macro_auprc", "settings", "filters"):
        assert report[name].keys() >= good_report(bundle)[name].keys()
    assert report["hard_negatives"]["news"].keys() >= {"n_at_recall", "fpr_at_recall_80"}
    assert good_report(bundle).keys() <= report.keys()
