"""What a matcher with all 100 originals in hand can tell from the blurred derivatives; the figures are in docs/media.md."""

import pytest

from service.media import blurring
from tests.service.media.matching import Told, alike, distinct, told

# Shares of 100. Of pictures that differ in small detail only, chance alone names one.
STATED_ALIKE = 0.05


def test_details_below_the_blur_do_not_tell_pictures_apart() -> None:
    originals = alike()
    for level in (2, 3, 4):
        found = told(originals, level)
        assert max(found.correlated, found.nearest) <= STATED_ALIKE, level


def test_a_weaker_blur_would_be_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The measure above has teeth: without the blur the same matcher is right."""
    monkeypatch.setitem(blurring.SIGMA_SHARE, 2, 0.003)
    assert told(alike()[:40], 2).correlated > 0.5


def test_distinct_pictures_are_told_apart_at_any_level_and_the_docs_say_so() -> None:
    """No promise is made here: a handful of pixels is enough. Only a list of PDQ fingerprints stops working, at level 4."""
    assert told(distinct(), 4) == Told(correlated=1, nearest=1, within=0)
