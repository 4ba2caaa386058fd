from pathlib import Path

import pytest

from labeling.taxonomy import TaxonomyError, load_taxonomy, parse_taxonomy

SOUND = (Path(__file__).parents[2] / "labeling" / "taxonomy.toml").read_text(encoding="utf-8")


def test_shipped_taxonomy_has_twenty_areas_five_severities_and_benign() -> None:
    taxonomy = load_taxonomy()
    assert len(taxonomy.areas) == 20
    assert taxonomy.label_ids == (*taxonomy.area_ids, "benign")
    assert list(taxonomy.severity_weights) == [0.2, 1, 4, 16, 64]
    assert taxonomy.area("child_safety").floor == 4


def test_file_in_place_of_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(SOUND.replace('id = "privacy"', 'id = "doxxing"'), encoding="utf-8")
    assert "doxxing" in load_taxonomy(tmp_path / "own.toml").area_ids


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match=r"none\.toml: taxonomy file cannot be read"):
        load_taxonomy(tmp_path / "none.toml")


def test_unknown_ids_are_answered_with_the_known_ones() -> None:
    with pytest.raises(TaxonomyError, match=r"no policy area 'nonsense'.*known: child_safety"):
        load_taxonomy().area("nonsense")
    with pytest.raises(TaxonomyError, match=r"no action 'nonsense'.*known: "):
        load_taxonomy().action("nonsense")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('version = "2026-11.1"', "", "'version'"),
        ('id = "privacy"', 'id = "spam"', "repeated: spam"),
        ('id = "privacy"', 'id = "benign"', "repeated: benign"),
        ('id = "privacy"', 'id = "Privacy!"', "unique lower_snake_case"),
        ("floor = 4", "floor = 5", "area child_safety: floor 0-4"),
        ("floor = 4", "", "floor"),
        ("floor = 4", "floor = 4\nceiling = 9", "ceiling"),
        ("graphic = 3", "graphic = 4", "graphic 0-3"),
        ("handling_minutes = 2.0", "handling_minutes = 0", "handling_minutes > 0"),
        ("level = 4", "level = 5", "levels 0 to 4 in order"),
        ("weight_per_view = 64", "weight_per_view = 1", "rise with severity"),
        ("enforces = false", "enforces = true", "exactly one action"),
        (
            '["disable_account"]',
            '["obliterate"]',
            "action suspend_account: excludes must name other actions.*obliterate",
        ),
        ('["disable_account"]', '["suspend_account"]', "excludes must name other actions"),
        ("[[areas]]", "[[areas", "cannot be read as a taxonomy"),
    ],
)
def test_taxonomy_that_makes_no_sense_is_refused(old: str, new: str, message: str) -> None:
    changed = SOUND.replace(old, new, 1)
    assert changed != SOUND
    with pytest.raises(TaxonomyError, match=f"^here: .*{message}"):
        parse_taxonomy(changed, where="here")


def test_actions_that_contradict_each_other_are_named_whichever_comes_first() -> None:
    taxonomy = load_taxonomy()
    for one, other in [("suspend_account", "disable_account"), ("remove", "label"), ("no_violation", "warn")]:
        assert taxonomy.contradiction([one, other]) == (one, other)
        assert taxonomy.contradiction([other, one]) == (other, one)
    assert taxonomy.contradiction(["remove", "warn", "disable_account", "suspend_account"]) == (
        "disable_account",
        "suspend_account",
    )


def test_actions_that_fit_together_contradict_nothing() -> None:
    taxonomy = load_taxonomy()
    for action in taxonomy.actions:
        assert taxonomy.contradiction([action.id]) is None
    assert taxonomy.contradiction(["remove", "warn", "suspend_account"]) is None
    assert taxonomy.contradiction(["age_restrict", "label", "limit_reach", "disable_account"]) is None


def test_a_taxonomy_from_before_exclusions_goes_on_working() -> None:
    older = "\n".join(line for line in SOUND.splitlines() if not line.startswith(("excludes", "needs_author")))
    taxonomy = parse_taxonomy(older, where="here")
    assert not any(action.needs_author or action.excludes for action in taxonomy.actions)
    assert taxonomy.contradiction(["suspend_account", "disable_account"]) is None
    assert taxonomy.contradiction(["suspend_account", "no_violation"]) == ("suspend_account", "no_violation")
