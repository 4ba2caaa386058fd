"""Words of the list are found however they are spelled, others are left alone, and no text takes long to search."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.masked_words import WordList, load_words
from service.errors import NotFoundError
from service.masking import Masking, Segment, configured, whole
from service.settings import Settings, SettingsError

# Made up, so that nobody has to read the real ones here.
MADE_UP = Masking(
    WordList("test", {"slur": ("blorp*", "zab", "ottle bim", "愚犬", "바멍"), "graphic": ("gloss", "blorpgore")})
)
SHIPPED = Masking(load_words())


def masked(text: str, by: Masking = MADE_UP) -> list[str]:
    return [text[span.start : span.end] for span in by.spans(text)]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "blorp",
            "BLORP",
            "Blorpers",
            "bl0rp",
            "6lorp".replace("6", "8"),
            "b1orp",
            "blоrр",
            "ｂｌｏｒｐ",
            "blörp",
            "bloooooorp",
        ),
        *(
            "b.l.o.r.p",
            "b-lorp",
            "b_l_o_r_p",
            "b l o r p",
            "b  l\no  r  p",
            "b\u200blor\u00adp",
            "zab",
            "z a b",
            "ottle \n bim",
            "愚犬",
            "愚 犬",
            "バ愚犬ね"[1:3],
            "바멍은",
        ),
    ],
)
def test_a_word_is_found_whole_however_it_is_spelled(text: str) -> None:
    assert masked(text) == [text]
    assert masked(f"so, {text}! they") == [text]


@pytest.mark.parametrize("text", ["", "lorp", "xblorp", "zabs", "0 1 8", "bl", "ottle", "ottlebim", "愚", "b l o r"])
def test_other_words_are_left_alone(text: str) -> None:
    assert masked(text) == []


def test_pieces_come_in_order_and_make_up_the_text_without_what_is_masked() -> None:
    text = "Ein blorper 😀 and gloss"
    assert MADE_UP.mask(text) == [
        Segment("Ein ", 0, 4),
        Segment("", 4, 7, 0, "slur"),
        Segment(" 😀 and ", 11, 7),
        Segment("", 18, 5, 1, "graphic"),
    ]
    assert MADE_UP.blanked(text) == "Ein ••••••• 😀 and •••••"
    assert whole(text) == [Segment(text, 0, 23)]
    assert whole("") == MADE_UP.mask("") == []


def test_words_that_overlap_are_one_part() -> None:
    assert masked("blorpgore") == ["blorpgore"]


def test_one_part_is_uncovered_at_a_time() -> None:
    texts = {"text": "a blorp and a zab", "note": "gloss"}
    assert [MADE_UP.uncover(texts, "text", index) for index in (0, 1)] == ["blorp", "zab"]
    assert MADE_UP.uncover(texts, "note", 0) == "gloss"
    for of, index in (("text", 2), ("text", -1), ("other", 0)):
        with pytest.raises(NotFoundError):
            MADE_UP.uncover(texts, of, index)


@given(st.text(alphabet="blorpza b.愚犬\u200b\u0301é💥8", max_size=60))
def test_pieces_tell_all_but_the_masked_parts_of_any_text(text: str) -> None:
    pieces = MADE_UP.mask(text)
    assert [one.start for one in pieces] == [sum(one.length for one in pieces[:place]) for place in range(len(pieces))]
    assert "".join(one.text or text[one.start : one.start + one.length] for one in pieces) == text
    assert [one.index for one in pieces if one.index is not None] == list(range(len(MADE_UP.spans(text))))
    assert len(MADE_UP.blanked(text)) == len(text)


@pytest.mark.parametrize(
    "text", ["They found entrails", "a gory scene", "G0RE!", "b e h e a d", "décapitée", "пытки", "斩首", "참수당"]
)
def test_the_shipped_list_masks_graphic_words_of_several_languages(text: str) -> None:
    [span] = SHIPPED.spans(text)
    assert span.kind == "graphic"


@pytest.mark.parametrize(
    "text",
    [
        "categories of the storage",
        "Al Gores assessment",
        "le train est en retard",
        "Grape harvest therapist",
        "classic glass",
        *("De schoenen lijken te klein", "Vou chamar um táxi", "in die Mongolei nach Mongolien", "pedał gazu"),
        *("本土人士", "并非人人都同意", "내장 메모리", "고문 변호사", "토막 상식", "la guerra di Troia", "travesties"),
    ],
)
def test_the_shipped_list_leaves_common_words_alone(text: str) -> None:
    assert SHIPPED.spans(text) == []


@pytest.mark.parametrize("unit", ["|", "!1|", "b.e.h.e.a.", "g o r ", "bbbeeehhh", "a", "$ ", "e\u0301", "so it is "])
def test_no_text_takes_long_to_search(unit: str) -> None:
    text = (unit * 20_000)[:20_000]
    before = time.process_time()
    SHIPPED.spans(text)
    assert time.process_time() - before < 1


def test_a_list_of_ones_own_replaces_the_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "words.toml"
    path.write_text('version = "1"\n[slur]\nen = ["blorp"]\n', encoding="utf-8")
    own = configured(Settings(masked_words=path))
    assert masked("blorp and gore", own) == ["blorp"]
    assert configured(Settings()).spans("gore")
    for word in ("a\u0301*", "a\u200b", "ab\uff3e", "a\u00a8"):
        path.write_text(f'version = "1"\n[slur]\nen = ["{word}"]', encoding="utf-8")
        with pytest.raises(SettingsError, match=r"TRIAGE_MASKED_WORDS: .*no two letters are left"):
            configured(Settings(masked_words=path))
    path.write_text("version = 1", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"TRIAGE_MASKED_WORDS: .*version is missing"):
        configured(Settings(masked_words=path))
