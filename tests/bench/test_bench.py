"""Every benchmark runs at tiny size and prints what it promises; targets, comparison and document follow the figures."""

import importlib
import json
import subprocess
import sys
from datetime import date

import pytest

from bench import __main__ as command
from bench.measure import BenchError, Result, ratio, sides
from bench.report import markdown
from bench.targets import TARGETS
from bench.texts import MOST_CHARACTERS, texts
from service.db import driver_sql
from tests.architecture.tree import REPOSITORY

NEEDS_TORCH = {"int8_vs_own_torch", "int8_vs_bert_base_torch"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.training] if name in NEEDS_TORCH else []) for name in TARGETS]
)
def test_benchmark_gives_a_figure_with_both_sides(name: str) -> None:
    result = command.measure(name, quick=True)
    entry = json.loads(result.line())
    assert set(entry) == {"name", "value", "unit", "detail"}
    assert entry["name"] == name
    assert entry["unit"] == TARGETS[name].unit
    assert entry["value"] > 0
    assert {"cpu", "cores", "load"} <= set(entry["detail"])
    if entry["unit"] == "ms":
        assert "absolute" in entry["detail"]
    else:
        assert entry["detail"]["lowest_round"] <= entry["detail"]["highest_round"]


def test_standard_output_holds_json_lines_and_nothing_else() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--only", "blur_vs_pillow"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    [line] = done.stdout.splitlines()
    assert json.loads(line)["name"] == "blur_vs_pillow"


@pytest.mark.parametrize(
    "arguments", [["gone"], ["--markdown", "x.md", "--quick"], ["--markdown", "x.md", *[*TARGETS][:1]]]
)
def test_usage_errors_are_told(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    assert command.main() == 2


@pytest.mark.parametrize(
    ("arguments", "value", "status"),
    [([], 0.1, 0), (["--check"], 0.1, 1), (["--check"], 0.5, 0), (["--check"], None, 0)],
)
def test_check_fails_on_a_missed_target_only(
    arguments: list[str], value: float | None, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(name: str, *, quick: bool) -> Result:
        return Result(name, value, "ratio", {})

    monkeypatch.setattr(command, "measure", measured)
    monkeypatch.setattr(sys, "argv", ["bench", "claim_http_vs_sql", *arguments])
    assert command.main() == status


def test_a_benchmark_that_breaks_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(name: str, *, quick: bool) -> Result:
        raise BenchError("the API ended with status 1")

    monkeypatch.setattr(command, "measure", broken)
    monkeypatch.setattr(sys, "argv", ["bench", "claim_http_vs_sql"])
    assert command.main() == 1
    entry = json.loads(capsys.readouterr().out)
    assert entry["value"] is None
    assert entry["detail"] == {"failed": "the API ended with status 1"}


def test_without_torch_a_figure_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(importlib, "import_module", missing)
    result = command.measure("int8_vs_own_torch", quick=True)
    assert result.value is None
    assert "make check" in result.detail["not_measured"]


@pytest.mark.parametrize(("value", "met"), [(0.29, False), (0.3, True), (2.0, True)])
def test_target_at_least(value: float, met: bool) -> None:
    assert TARGETS["claim_http_vs_sql"].met(value) is met


@pytest.mark.parametrize(("value", "met"), [(1.31, False), (1.3, True), (0.9, True)])
def test_target_at_most(value: float, met: bool) -> None:
    assert TARGETS["claim_cost_1e6_vs_1e3"].met(value) is met


def test_ratio_is_that_of_the_medians() -> None:
    pairs = [(1.0, 2.0), (3.0, 4.0), (100.0, 5.0)]
    assert ratio(pairs) == 3.0 / 4.0
    assert sides(pairs, first="a", second="b", unit="ms") == {
        "a_ms": 3.0,
        "b_ms": 4.0,
        "rounds": 3,
        "lowest_round": 0.5,
        "highest_round": 20.0,
    }


def test_document_names_every_figure_and_what_was_missed() -> None:
    values = {name: 1.0 if target.direction == "at least" else 0.1 for name, target in TARGETS.items()}
    results = [Result(name, value, TARGETS[name].unit, {"rounds": 5}) for name, value in values.items()]
    text = markdown(results, on=date(2026, 11, 23))
    assert all(text.count(f"`{name}`") >= 2 for name in TARGETS)
    assert "Below target in this run: `blur_vs_pillow`, `contact_sheet_vs_full_decode`, `int8_vs_own_torch`" in text


def test_texts_are_many_different_ones_of_real_lengths() -> None:
    found = texts(500)
    assert found == texts(500)
    assert len(set(found)) == 500
    lengths = sorted(map(len, found))
    assert 80 < lengths[250] < 180
    assert 350 < lengths[475] <= lengths[-1] <= MOST_CHARACTERS + 100


def test_parameters_are_marked_for_the_driver_and_casts_left_alone() -> None:
    assert driver_sql("SELECT :a::text, ':', '10 %' || :b_c") == "SELECT %(a)s::text, ':', '10 %%' || %(b_c)s"
