"""What documented fields of a row must be: `check` and `snapshot` say the same of them, and neither ends in a traceback."""

from pathlib import Path
from typing import Any

import pytest

from labeling.__main__ import main
from labeling.fields import stale_areas
from labeling.records import LabelledText, write_labelled_texts

EXPORTED: dict[str, Any] = {
    "decided_at": "2026-11-29T12:00:00+00:00",
    "taxonomy_version": "2026-11.1",
    "policy": {"id": "p", "area": "spam", "number": 2},
    "stale": False,
    "stale_areas": [],
    "label_by": "decision",
    "correction": None,
    "qa": {"by": "agreement", "error": None},
    "checks": [{"plan": "a", "kind": "random", "chance": 0.1, "state": "settled", "error": None}],
    "confidence": 2,
    "lane": "ranked",
    "propensity": 1.0,
    "sampling_weight": 1,
    "basis": "review",
    "annotator": "ab12",
    "subject": "cd34",
    "mine": {"own": ["fields", "may", 1.5]},
}


def both(folder: Path, **extra: Any) -> tuple[int, int]:
    """The exit codes of `check` and of `snapshot` for rows of which one has these fields."""
    rows = [
        LabelledText(
            f"r{number}",
            word * 3,
            (),
            ("spam",),
            0,
            "s",
            "en",
            extra={"decided_at": f"2026-11-0{number + 1}T12:00:00+00:00"} | (extra if number == 0 else {}),
        )
        for number, word in enumerate(("heron", "otter", "badger", "lizard"))
    ]
    path = folder / "rows.jsonl"
    write_labelled_texts(path, rows)
    return main(["check", str(path)]), main(["snapshot", str(path), "--out", str(folder / "out"), "--share", "0.3"])


def test_what_the_service_exports_is_sound(tmp_path: Path) -> None:
    assert both(tmp_path, **EXPORTED) == (0, 0)
    assert both(tmp_path, **dict.fromkeys(EXPORTED, None) | {"decided_at": EXPORTED["decided_at"]}) == (0, 0)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("qa", "yes", 'qa must be an object, with a text or null as "error", not yes'),
        ("qa", {"error": 1}, "qa must be an object"),
        ("checks", {}, "checks must be a list of checks"),
        ("checks", [{"plan": "a", "state": "settled", "chance": 0}], "checks must be a list of checks"),
        ("checks", [{"plan": "a", "state": "settled", "chance": 1e-320}], "checks must be a list of checks"),
        ("policy", [1], 'policy must be an object with "area" and "number", not [1]'),
        ("policy", {"area": "spam"}, "policy must be an object"),
        ("stale_areas", "spam", "stale_areas must be a list of areas, not spam"),
        ("stale_areas", [1], "stale_areas must be a list of areas"),
        ("stale", "no", "stale must be true or false"),
        (
            "confidence",
            0.87,
            "confidence must be 1, 2 or 3, not 0.87; a field that means something else needs another name",
        ),
        ("sampling_weight", -3, "sampling_weight must be a number from 0 on, not -3"),
        ("sampling_weight", 10**400, "sampling_weight must be a number from 0 on"),
        ("propensity", 1.5, "propensity must be a number from 0 to 1"),
        ("subject", ["s"], "subject must be a text or a whole number"),
        ("annotator", 7, "annotator must be a text"),
        ("decided_at", "yesterday", "decided_at must be a moment"),
        ("decided_at", "2026-11-01T12:00:00", "decided_at needs an offset"),
        ("decided_at", "0001-01-01T00:00:00+05:00", "decided_at is no moment in UTC"),
    ],
)
def test_a_field_that_is_not_what_it_must_be_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str, value: Any, message: str
) -> None:
    assert both(tmp_path, **{field: value}) == (1, 2)
    said = capsys.readouterr()
    assert f"rows.jsonl:1: row r0: {message}" in said.out
    assert f"rows.jsonl: row r0: {message}" in said.err
    assert not (tmp_path / "out").exists()


def test_a_label_said_to_be_stale_without_areas_is_stale_in_all_of_them() -> None:
    def row(**extra: Any) -> LabelledText:
        return LabelledText("r", "t", (), ("spam", "privacy"), 0, "s", "en", extra=extra)

    assert stale_areas(row(stale=True)) == stale_areas(row(stale=True, stale_areas=[])) == {"spam", "privacy"}
    assert stale_areas(row(stale=True, stale_areas=["spam"])) == {"spam"}
    assert stale_areas(row(stale=False)) == stale_areas(row()) == frozenset()
