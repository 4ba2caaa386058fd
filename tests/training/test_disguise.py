import random
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from training.disguise import disguise

TEXTS = (
    "the garden has many roses today",
    "நாளை தோட்டத்தில் சந்திப்போம்",
    "我们 明天 在 公园 见面",
    "hi",
    "",
    "see [URL] soon",
)


def test_a_disguise_is_usually_another_text_and_the_same_for_the_same_seed() -> None:
    # A script without case and look-alikes is left alone more often.
    for text, changed in zip(TEXTS[:2], (40, 20), strict=True):
        disguised = [disguise(text, random.Random(seed)) for seed in range(50)]
        assert disguised == [disguise(text, random.Random(seed)) for seed in range(50)]
        assert sum(one != text for one in disguised) > changed
        assert len(set(disguised)) > changed / 2


def test_placeholders_stay_as_they_are() -> None:
    for seed in range(60):
        assert "[url]" in disguise("see [URL] soon enough", random.Random(seed)).lower()


def test_marks_stay_with_their_letters() -> None:
    for seed in range(60):
        words = disguise(TEXTS[1], random.Random(seed)).split(" ")
        assert not any(word and unicodedata.category(word[0]).startswith("M") for word in words)


@given(st.text(max_size=60), st.integers(0, 1_000))
def test_any_text_can_be_disguised(text: str, seed: int) -> None:
    assert isinstance(disguise(text, random.Random(seed)), str)
