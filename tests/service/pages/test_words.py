"""Numbers and times as the pages say them."""

from datetime import UTC, datetime

import pytest

from service.pages.words import amount, chance, doubt, duration, hidden_characters, moment, sentence, spoken


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (12_000, "3 h 20 min"),
        (86_400, "1 d"),
        (187_300, "2 d 4 h"),
    ],
)
def test_duration_uses_the_two_largest_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (41_000, "41,000"),
        (1_234_567.8, "1,234,568"),
        (2e15, "2.00e+15"),
        (999.6, "1,000"),
        (310, "310"),
        (19.23, "19.2"),
        (1.5, "1.5"),
        (0.0123, "0.0123"),
        (0.00001, "1.0e-05"),
        (-12, "-12"),
    ],
)
def test_amount_keeps_three_digits_that_count(value: float, said: str) -> None:
    assert amount(value) == said


@pytest.mark.parametrize(
    ("probability", "said"),
    [(0, "0 %"), (0.0001, "< 1 %"), (0.25, "25 %"), (0.994, "99 %"), (0.9999, "> 99 %"), (1, "100 %")],
)
def test_chance_never_rounds_to_certainty(probability: float, said: str) -> None:
    assert chance(probability) == said


def test_chance_with_a_decimal() -> None:
    assert [chance(value, 1) for value in (0, 0.0001, 0.0412, 0.9999)] == ["0.0 %", "< 0.1 %", "4.1 %", "> 99.9 %"]


def test_identifiers_become_words() -> None:
    assert spoken("violence_incitement") == "violence incitement"
    assert spoken("lease.lapsed") == "lease lapsed"


def test_moment_names_its_time_zone() -> None:
    assert moment(datetime(2026, 11, 3, 7, 5, tzinfo=UTC)) == "3 Nov 2026, 07:05 UTC"


def test_api_texts_become_sentences() -> None:
    assert sentence("there is no case 7") == "There is no case 7."
    assert sentence("Done.") == "Done."
    assert not sentence("").strip(".")


def test_hidden_characters_are_counted_and_joiners_are_not() -> None:
    assert hidden_characters("plain\ntext\twith\r\nbreaks") == 0
    assert hidden_characters("\u202ereversed\u202c and\u200bsplit") == 3
    assert hidden_characters("family \N{MAN}\u200d\N{WOMAN} क्\u200dष") == 0


@pytest.mark.parametrize(
    ("quality", "words"),
    [
        (0, "hardly believes"),
        (0.1, "strongly doubts"),
        (0.3, "model doubts"),
        (0.6, "slightly doubts"),
        (1, "slightly"),
    ],
)
def test_doubt_is_told_in_words(quality: float, words: str) -> None:
    assert words in doubt(quality)
