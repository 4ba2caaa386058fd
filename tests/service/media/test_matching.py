"""What a matcher with all 100 originals in hand can tell from what is shown of them; the figures are in docs/media.md."""

import pytest

from service.media import blurring
from tests.service.media.matching import alike, distinct, told, told_by_lines, told_by_mosaic

# Shares of 100. Of pictures that differ in small detail only, chance alone names one.
STATED_ALIKE = 0.05
# By who renders other copies of the originals in the same way: everything at level 2, much at level 3.
STATED_RENDERED = {3: 0.65, 4: 0.05}


def test_details_below_the_blur_do_not_tell_pictures_apart() -> None:
    originals = alike()
    for level in (2, 3, 4):
        found = told(originals, level)
        assert max(found.correlated, found.nearest) <= STATED_ALIKE, level
        assert found.rendered <= STATED_RENDERED.get(level, 1), level


def test_a_line_drawing_tells_more_and_the_docs_say_so() -> None:
    found = told_by_lines(alike()[:40])
    assert 2 * STATED_ALIKE < found.correlated < 0.5
    assert found.rendered == 1


def test_a_weaker_blur_would_be_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The measure above has teeth: without the blur the same matcher is right."""
    monkeypatch.setitem(blurring.SIGMA_SHARE, 2, 0.003)
    monkeypatch.setitem(blurring.SIGMA_SHARE, 4, 0.02)
    originals = alike()[:40]
    assert told(originals, 2).correlated > 0.5
    assert told(originals, 4).rendered > 0.5


def test_distinct_pictures_are_told_apart_at_any_level_and_the_docs_say_so() -> None:
    """No promise is made here: a handful of pixels is enough. Only a list of PDQ fingerprints stops working, at level 4."""
    found = told(distinct(), 4)
    assert (found.correlated, found.nearest, found.within, found.rendered) == (1, 1, 0, 1)
    # Nor could a stronger blur that still says what is where promise more.
    assert told_by_mosaic(distinct(), 4, 3, grays=8) == 1
