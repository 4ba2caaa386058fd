"""Texts of narratives: cleaned, cut, and freed of people."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.narratives.texts import CUT, MASK, clean, cut, is_right_to_left, masked, revealing


def columns(text: str) -> int:
    shown = [letter for letter in text if unicodedata.category(letter) not in {"Mn", "Me", "Cf"}]
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in shown)


@settings(max_examples=60)
@given(st.text(max_size=200), st.integers(min_value=2, max_value=60))
def test_what_is_cut_fits_and_what_fits_is_not_cut(text: str, room: int) -> None:
    text = clean(text)
    short = cut(text, room)
    assert short == text or short.endswith(CUT)
    if short != text:
        assert text.startswith(short.removesuffix(CUT).rstrip())
        assert columns(short) <= room


def test_a_cut_splits_no_letter() -> None:
    family = "👩‍👩‍👧‍👦"
    assert cut(family * 4, 18) == f"{family * 2}{CUT}"
    assert cut("e\u0301" * 9, 4) == "e\u0301" * 3 + CUT
    # Marks upon marks take no room on a line, and still do not go on for ever.
    assert len(cut("e" + "\u0301" * 9999, 10)) <= 41


@settings(max_examples=60)
@given(st.text(max_size=300))
def test_a_clean_text_is_one_line_that_every_file_takes(text: str) -> None:
    kept = clean(text)
    assert len(kept.splitlines()) <= 1
    assert all(unicodedata.category(letter) not in {"Cc", "Cs"} for letter in kept)
    assert not set(kept) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("Robin Reader called", ["Robin Reader", "Robin"], f"{MASK} called"),
        ("ROBIN called; robins sing", ["Robin"], f"{MASK} called; robins sing"),
        ("write to a.b+c@mail.example now", [], f"write to {MASK} now"),
        ("call +353 (1) 555 0123 or 0800-123-4567.", [], f"call {MASK} or {MASK}."),
        ("due 2026-03-01 12:00, I-101 of E-1042", [], "due 2026-03-01 12:00, I-101 of E-1042"),
        ("Order 2026/0117 of 3/5/2026", [], "Order 2026/0117 of 3/5/2026"),
        ("Robin Meyer and @somebody_else", ["robin.meyer"], f"{MASK} and {MASK}"),
        ("A.B? (a.b)", ["a.b"], f"{MASK}? ({MASK})"),
    ],
)
def test_people_are_left_out_and_words_are_not(text: str, names: list[str], expected: str) -> None:
    assert masked(text, names) == expected
    assert bool(revealing(text, names)) is (MASK in expected)


@settings(max_examples=60)
@given(st.text(max_size=80), st.text(alphabet="abcdef.", min_size=2, max_size=8))
def test_a_masked_text_reveals_nothing(text: str, name: str) -> None:
    assert revealing(masked(f"{text} {name} {text}", [name]), [name]) == []


def test_direction_is_that_of_the_first_letter_that_has_one() -> None:
    assert is_right_to_left("123 لا abc")
    assert not is_right_to_left("123 abc لا")
    assert not is_right_to_left("")
