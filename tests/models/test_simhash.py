"""Fingerprints of texts: near-duplicates come near in every script, different and short texts do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.corpus.reader import read_corpus
from models.simhash import BITS, RADIUS, distance, simhash

TEXTS = {
    "en": "The swimming hall at the station opens at seven in the morning and closes when the last bus has left.",
    "de": "Das Hallenbad am Bahnhof öffnet um sieben Uhr früh und schließt erst, wenn der letzte Bus gefahren ist.",
    "ru": "Бассейн у вокзала открывается в семь утра и закрывается, когда уходит последний автобус из города.",
    "ar": "يفتح المسبح بجانب المحطة في السابعة صباحا ويغلق بعد مغادرة آخر حافلة من المدينة في المساء",
    "hi": "स्टेशन के पास का तरणताल सुबह सात बजे खुलता है और आखिरी बस के जाने पर बंद होता है।",
    "th": "สระว่ายน้ำข้างสถานีเปิดเจ็ดโมงเช้าและปิดเมื่อรถเมล์คันสุดท้ายออกจากเมืองไปแล้วในตอนเย็น",
    "zh": "车站旁边的游泳馆早上七点开门，等到晚上最后一班公共汽车开走以后才关门。",
    "ja": "駅のそばのプールは朝七時に開いて、夜は最後のバスが出てから閉まります。",
    "ko": "역 옆 수영장은 아침 일곱 시에 문을 열고 마지막 버스가 떠나면 문을 닫습니다.",
}


def print_of(text: str) -> int:
    found = simhash(text)
    assert found is not None, text
    return found


@pytest.mark.parametrize("language", TEXTS)
def test_case_punctuation_emoji_links_and_handles_make_no_difference(language: str) -> None:
    text = TEXTS[language]
    own = print_of(text)
    for other in (text.upper(), f"!!! {text} \U0001f525❤️", f"{text} https://shop.example/7?a=1", f"@somebody99 {text}"):
        assert print_of(other) == own
    assert print_of(text.replace(" ", "  \n")) == own


@pytest.mark.parametrize("language", TEXTS)
def test_a_typo_or_a_name_more_stays_within_the_radius(language: str) -> None:
    text = TEXTS[language]
    own = print_of(text)
    middle = len(text) // 2
    assert distance(own, print_of(text[:middle] + text[middle + 1 :])) <= RADIUS
    assert distance(own, print_of(f"{text} Ana")) <= RADIUS


def test_different_texts_in_any_language_are_far_apart() -> None:
    prints = [print_of(text) for text in TEXTS.values()]
    assert min(distance(one, other) for one in prints for other in prints if one != other) > RADIUS


def test_vowel_marks_count() -> None:
    assert simhash(TEXTS["hi"]) != simhash("".join(one for one in TEXTS["hi"] if one not in "ािीुूेैोौं्"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "ok!",
        "thank you so much",
        "哈哈哈哈哈",
        "早上好",
        "a" * 4_000,
        "!!! ??? 🔥🔥🔥",
        "https://a.example/long/path?x=1",
    ],
)
def test_texts_too_short_to_tell_have_none(text: str) -> None:
    assert simhash(text) is None


def test_nothing_but_the_front_of_an_endless_text_counts() -> None:
    text = " ".join(f"word{number}" for number in range(100_000))
    assert simhash(text) == simhash(text[:40_000])


@given(st.text(max_size=400))
def test_any_text_has_one_fingerprint_of_64_bits_or_none(text: str) -> None:
    found = simhash(text)
    assert found == simhash(text)
    assert found is None or 0 <= found < 1 << BITS


@given(st.text(alphabet="abcdefghijklmnop ", min_size=60, max_size=200), st.integers(0, 59))
def test_one_letter_changes_few_bits_on_average(text: str, place: int) -> None:
    own, other = simhash(text), simhash(text[:place] + "z" + text[place + 1 :])
    # A run is in four shingles of dozens; half of all bits is what unrelated texts differ in.
    assert own is None or other is None or distance(own, other) < BITS // 2


def test_different_texts_of_the_corpus_do_not_meet() -> None:
    """Apart from minimal pairs, which differ in a word on purpose; letters alone cannot tell these apart."""
    texts = [one for one in read_corpus() if simhash(one.text) is not None]
    prints = np.array([print_of(one.text) for one in texts], dtype=np.uint64)
    met = [
        (place, int(other))
        for place, own in enumerate(prints)
        for other in np.flatnonzero(np.bitwise_count(prints[place + 1 :] ^ own) <= RADIUS) + place + 1
        if texts[place].pair is None or texts[place].pair != texts[int(other)].pair
    ]
    assert len(texts) > 10_000
    assert len(met) < len(texts) ** 2 / 2 / 10_000_000
