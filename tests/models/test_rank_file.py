"""A ranking configuration of one's own: who, why and since when must be said, and nothing is taken for granted."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from models.rank import RankConfig
from models.rank_file import RankFileError, read_ranking

GOOD = """
version = "2026-12.1"
owner = "queue team"
reason = "longer memory"
decided_on = 2026-12-01
doubling_hours = 12
unscored_severity = [0, 0.5, 0.5, 0, 0]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "ranking.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    assert read_ranking(None) == RankConfig()
    assert read_ranking(written(tmp_path, GOOD)) == replace(
        RankConfig(),
        version="2026-12.1",
        owner="queue team",
        reason="longer memory",
        decided_on=date(2026, 12, 1),
        doubling_hours=12.0,
        unscored_severity=(0.0, 0.5, 0.5, 0.0, 0.0),
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version =", "versoin =", "unknown keys versoin"),
        ('owner = "queue team"', "", "owner must be given"),
        ('reason = "longer memory"', 'reason = ""', "reason must be given"),
        ("decided_on = 2026-12-01", "decided_on = 2026-12-01T10:00:00Z", "decided_on has a value of the wrong kind"),
        ("doubling_hours = 12", "doubling_hours = true", "doubling_hours has a value of the wrong kind"),
        ("doubling_hours = 12", "doubling_hours = 0", "doubling_hours must be above 0"),
        ("doubling_hours = 12", "doubling_hours = inf", "doubling_hours must be above 0"),
        ("doubling_hours = 12", "reason_trust = 1", "reason_trust must be from 0 to below 1"),
        ("[0, 0.5, 0.5, 0, 0]", "[0.5, 0.5]", "5 shares that sum to 1"),
        ("[0, 0.5, 0.5, 0, 0]", "[0, 0.5, 0.4, 0, 0]", "5 shares that sum to 1"),
        ("[0, 0.5, 0.5, 0, 0]", "[true]", "unscored_severity has a value of the wrong kind"),
        ("doubling_hours = 12", 'policy = "newest"', "no ranking policy 'newest'"),
        ("doubling_hours = 12", "doubling_hours = ", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(RankFileError, match=said) as refused:
        read_ranking(path)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RankFileError, match="cannot be read"):
        read_ranking(tmp_path / "none.toml")
