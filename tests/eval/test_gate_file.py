from pathlib import Path

import pytest

from eval.gate import DEFAULT_RULES, GateError, load_rules


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1\n", "format = 2\n", "format must be 1"),
        ('kind = "parity"', 'kind = "latency"', "'latency' is unknown"),
        ("max_flips = 0.02", "", "missing max_flips"),
        ("max_flips = 0.02", "max_flips = 0.02\nmax_flip = 1", "unknown max_flip"),
        ("max_flips = 0.02", 'max_flips = "0.02"', "max_flips is '0.02'"),
        ("max_flips = 0.02", "max_flips = true", "max_flips is True"),
        ("max_flips = 0.02", "max_flips = nan", "max_flips is nan"),
        ("max_flips = 0.02", "max_flips = 2", "max_flips is 2; it must be .* a share from 0 to 1"),
        ("min_rows = 2000", "min_rows = -1", "min_rows is -1"),
        ("floor = 0.30", "floor = -inf", "floor is -inf"),
        ("floor = 0.30", "floor = 0.30\nfloors = {spam = nan}", "floors is"),
        ('owner = "modelling"', "", "owner must be given"),
        ("since = 2026-11-23", 'since = "today"', "since must be given"),
        ('reason = "What serves must be what was trained."', 'reason = ""', "reason must be given"),
        ('name = "eight bits cost nothing"', 'name = "scores are probabilities"', "a name of its own"),
        ("[data]", "[other]", "must hold one"),
        ("min_rows = 2000", "", "missing min_rows"),
        ("[[rule]]", "[[rule", "cannot be read"),
    ],
)
def test_rules_that_are_not_understood_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text, rules_file = DEFAULT_RULES.read_text(encoding="utf-8"), tmp_path / "rules.toml"
    assert old in text
    rules_file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(GateError, match=message):
        load_rules(rules_file)
