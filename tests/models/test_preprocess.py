import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.preprocess import MAX_CHARACTERS, clean_text

WORDS = st.text(alphabet=st.characters(categories=("L", "N", "P", "S", "Zs", "Mn")), max_size=40)
NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=2, max_size=20)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("", ""),
        ("  two\n\tlines \u2028 here ", "two lines here"),
        ("see https://example.com/a?b=c now", "see [URL] now"),
        ("WWW.EXAMPLE.COM", "[URL]"),
        ("write to first.last+tag@mail.example.org.", "write to [EMAIL]."),
        ("@somebody hello .@other and @@third", "@user hello .@user and @user"),
        ("@name.bsky.social said", "@user said"),
        ("fish &amp; chips &#64;someone", "fish & chips @user"),
        ("me\u200beting so\u00adon", "meeting soon"),
        ("\u0000zero\u0008 and\u009d control", "zero and control"),
        ("e\u0301", "é"),
        ("e\u200b\u0301", "é"),
        ("👩\u200d👧 நன்றி", "👩\u200d👧 நன்றி"),
        ("half \ud83d of a pair", "half of a pair"),
        ("3 @ 5 each, a@b", "3 @ 5 each, a@b"),
    ],
)
def test_examples(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@given(st.text(max_size=300))
def test_result_is_one_short_line_in_nfc(text: str) -> None:
    clean = clean_text(text)
    assert len(clean) <= MAX_CHARACTERS
    assert clean == " ".join(clean.split())
    assert unicodedata.is_normalized("NFC", clean)
    clean.encode("utf-8")


@given(st.text(max_size=300).filter(lambda text: "&" not in text))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


@given(WORDS, NAMES, NAMES, WORDS)
def test_no_link_address_or_handle_survives(before: str, name: str, host: str, after: str) -> None:
    identities = {
        f"https://{host}.example/{name}": "[URL]",
        f"www.{host}.example": "[URL]",
        f"{name}@{host}.example": "[EMAIL]",
        f"@{name}q": "@user",
    }
    for identity, placeholder in identities.items():
        clean = clean_text(f"{before} {identity} {after}")
        assert identity not in clean.split()
        assert placeholder in clean or "[URL]" in clean


@pytest.mark.parametrize(
    "piece", ["a", "é", " ", "@ab ", "www.a ", "&amp;", "a@b.c ", "+.", "\u200b", "@", "@a.", "a@"]
)
def test_a_megabyte_costs_no_more_than_a_page(piece: str) -> None:
    start = time.process_time()
    assert len(clean_text(piece * (1_000_000 // len(piece)))) <= MAX_CHARACTERS
    assert time.process_time() - start < 1
