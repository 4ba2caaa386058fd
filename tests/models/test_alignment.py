import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alignment import align
from models.preprocess import MAX_CHARACTERS, clean_text

PIECES = st.sampled_from(
    [
        *(
            "word ",
            "  ",
            "\r\n",
            "😀",
            "👩\u200d👧",
            "நன்றி ",
            "கொ",
            "谢谢，",
            "e\u0301",
            "q\u0307\u0323",
            "\u1112\u1161\u11ab",
        ),
        *(
            "&amp;",
            "&copyright",
            "&T谢",
            "&#64;",
            "&#x1f600;",
            "&NotEqualTilde;",
            "&",
            "\u200b",
            "\u00ad",
            "@some.one ",
        ),
        *("https://example.com/a?b&amp;c ", "www.x ", "a.b@example.org", "@", "[URL]", "ﬁ", "Å", "\u3000"),
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text(max_size=200))


@given(TEXTS)
def test_every_character_of_the_model_text_has_its_place_in_the_original(text: str) -> None:
    found = align(text)
    assert found is not None
    assert found.text == clean_text(text)
    assert len(found.text) == len(found.starts) == len(found.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(found.starts, found.ends, strict=True))
    assert list(found.starts) == sorted(found.starts)
    assert list(found.ends) == sorted(found.ends)


@given(st.text(max_size=200).filter(lambda text: clean_text(text) == text))
def test_what_is_clean_stands_for_itself(text: str) -> None:
    found = align(text)
    assert found is not None
    assert found.starts == tuple(range(len(text)))


@pytest.mark.parametrize(
    ("text", "part", "origin"),
    [
        ("see https://example.com/a now", "[URL]", "https://example.com/a"),
        ("fish &amp; chips", "&", "&amp;"),
        ("fish &amp; chips", "chips", "chips"),
        ("&copyright law", "right", "right"),
        ("me\u200beting soon", "meeting", "me\u200beting"),
        ("cafe\u0301 au lait", "café", "cafe\u0301"),
        ("cafe\u0301 au lait", "lait", "lait"),
        ("\u0ba8\u0bc6\u0bbe end", "\u0ba8\u0bca", "\u0ba8\u0bc6\u0bbe"),
        ("  two \r\n\t lines ", "lines", "lines"),
        ("hi @some.one there", "@user", "@some.one"),
        ("&#64;someone there", "@user", "&#64;someone"),
        ("😀😀 谢谢 fine", "谢谢", "谢谢"),
    ],
)
def test_a_part_is_found_again_in_the_original(text: str, part: str, origin: str) -> None:
    found = align(text)
    assert found is not None
    start = found.text.index(part)
    begin, end = found.origin(start, start + len(part))
    assert text[begin:end] == origin


@pytest.mark.parametrize("piece", ["a", "e\u0301", "\u0301", "&amp;", "\u1112\u1161\u11ab", "@ab ", "\u200b", "கொ"])
def test_a_megabyte_costs_no_more_than_a_page(piece: str) -> None:
    start = time.process_time()
    found = align(piece * (1_000_000 // len(piece)))
    assert found is not None
    assert len(found.text) <= MAX_CHARACTERS
    assert time.process_time() - start < 1
