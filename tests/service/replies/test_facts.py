"""What placeholders say: in the language of the reply, at the clock of its reader, and nothing where nothing is known."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from fastapi import FastAPI

from service.replies.facts import Known, moment, redress, values, zone_of
from service.replies.placeholders import NAMES, faults
from service.replies.shipped import LANGUAGES, phrases, shipped
from service.replies.workflow import Wanted, choose

AT = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
SUMMER = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
RECORD = SimpleNamespace(
    number=1042,
    requester={"name": "Robin Reader"},
    fields={},
    jurisdiction="DE",
    received_at=AT,
)


@pytest.mark.parametrize(
    ("language", "jurisdiction", "when", "said"),
    [
        ("de", "DE", AT, "1. Dezember 2026, 00:30 (Mitteleuropäische Normalzeit)"),
        ("de", "DE", SUMMER, "1. Juli 2026, 14:00 (Mitteleuropäische Sommerzeit)"),
        ("es", "CO", AT, "30 de noviembre de 2026, 18:30 (hora estándar de Colombia)"),
        ("en", "IN", AT, "1 December 2026, 05:00 (India Standard Time)"),
        ("en", "US", AT, "30 November 2026, 23:30 (UTC)"),
        ("fr", None, AT, "30 novembre 2026, 23:30 (UTC)"),
        ("xx", "GB", AT, "30 November 2026, 23:30 (Greenwich Mean Time)"),
    ],
)
def test_a_moment_is_told_at_the_clock_of_its_reader(
    language: str, jurisdiction: str | None, when: datetime, said: str
) -> None:
    assert moment(when, language, zone_of({}, jurisdiction)) == said


@pytest.mark.parametrize("name", ["", "America", "../../etc/passwd", "x\0y", "Nowhere/City", "a" * 3000, "\ud800"])
def test_whatever_is_no_time_zone_is_none(name: str) -> None:
    assert zone_of({"time_zone": name}, "JP").key == "Asia/Tokyo"
    assert zone_of({"time_zone": "Asia/Kolkata"}, "JP").key == "Asia/Kolkata"


def test_only_what_is_known_is_filled_in() -> None:
    known = Known(RECORD, actions=["remove", "an action of our own"], due_at=AT, decided_at=AT)
    said = values(known, "de")
    assert set(said) == set(NAMES)
    assert said["due"] == "1. Dezember 2026, 00:30 (Mitteleuropäische Normalzeit)"
    assert said["decision"] == "", "half of a decision would be untrue"
    assert (said["organisation"], said["subject_reference"], said["policy_link"]) == ("", "", "")
    assert values(Known(RECORD, actions=["remove", "warn"]), "fr")["decision"] == (
        "le contenu a été retiré; le compte a reçu un avertissement"
    )
    assert redress("DE", "en") != redress("US", "en")
    assert redress("DE", "pt") == ""


def test_the_shipped_templates_are_whole_in_every_language(app: FastAPI) -> None:
    actions = {one.id for one in app.state.taxonomy.actions}
    keys = {
        language: {one.key[:2] + one.key[3:] for one in shipped() if one.language == language} for language in LANGUAGES
    }
    for language in LANGUAGES:
        said = phrases(language)
        assert said is not None
        assert set(said.decisions) == actions
        assert set(said.redress) == {"EU", ""}
        assert set(said.subjects) == {"receipt", "question"}
        assert keys[language] == keys["en"]
    assert all(not faults(one.body) and one.area in {"", *app.state.taxonomy.area_ids} for one in shipped())
    wanted = {"press", "partner", "regulator", "law_enforcement", "advertiser", "user", "rights_holder"}
    assert {source for source, *_ in keys["en"]} == {"", *wanted}


async def test_the_press_gets_the_holding_statement_of_the_area(app: FastAPI) -> None:
    async with app.state.engine.begin() as connection:
        asked = (("child_safety", "es"), ("spam", "es"), (None, "es"), ("child_safety", "pt"))
        chosen = [(await choose(connection, Wanted("press", area, to, "holding"))).template for area, to in asked]
    assert [(one.source, one.area, one.language) for one in chosen if one] == [
        ("press", "child_safety", "es"),
        ("press", "", "es"),
        ("press", "", "es"),
        ("press", "child_safety", "en"),
    ]
