"""Where words are marked in texts: pure, and no slower than a text is long."""

import time

from service.search.snippets import Sought, disguised, marks


def test_words_written_past_a_filter_are_found_whole() -> None:
    texts = ["You are an (1d10t), b.a.d and f@ke", "plain words in 2024 at 10:30"]
    assert disguised(texts, most=9) == ["(1d10t),", "b.a.d", "f@ke"]
    says = {"(1d10t),": ["idiot"]}
    assert marks(texts[0], Sought.of("'idiot'"), says) == [(11, 19)]
    assert marks(texts[0], Sought.of("'idiot'"), {}) == []
    assert marks(texts[0], Sought.of(""), says) == []


def test_a_text_without_spaces_takes_no_longer_than_its_length() -> None:
    text = "W" * 20_000
    began = time.perf_counter()
    assert disguised([text], most=9) == []
    assert marks(text, Sought.of("'you'"), {"w0rd": ["word"]}) == []
    # The square of its length took half a minute.
    assert time.perf_counter() - began < 1
