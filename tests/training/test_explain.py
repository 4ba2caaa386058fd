"""Hints from a bundle that was trained just now, whose graph tells what its table adds."""

from pathlib import Path

import numpy as np
import pytest

from models.explain import explain
from models.inference import OnnxScorer

pytestmark = pytest.mark.training

PLAIN = "the garden has seven roses and the weather is fine today"
PLANTED = {"spam": "free gift", "harassment": "fool clown"}


@pytest.mark.parametrize("area", PLANTED)
def test_planted_words_are_found_and_no_score_changes(bundle: Path, area: str) -> None:
    scorer = OnnxScorer.load(bundle)
    words = PLAIN.split()
    first, second = PLANTED[area].split()
    text = " ".join([*words[:4], first, second, *words[4:]])
    before = scorer.score([text])
    found = explain(scorer, text, area)
    assert scorer.score([text]) == before
    ordered = sorted(found.hints, key=lambda one: one.share, reverse=True)
    assert {text[one.start : one.end] for one in ordered[:2]} <= {first, second, words[3], words[4]}
    assert text[ordered[0].start : ordered[0].end] in {first, second}


def test_shares_of_the_table_are_those_of_the_graph(bundle: Path) -> None:
    scorer = OnnxScorer.load(bundle)
    network, column = scorer.model, scorer.areas.index("spam")
    text = "claim your free gift now"
    (window,) = network.windows(text)
    _, shares = network.token_shares([window.ids])
    assert shares is not None
    wide = [one.wide for one in explain(scorer, text, "spam").hints]
    # The special tokens at both ends have shares of their own, which no word can be given.
    expected = scorer.odds_slope("spam") * shares[0][1:-1, column].sum()
    assert np.sum([one for one in wide if one is not None]) == pytest.approx(expected, abs=1e-4)
    assert all(one is not None for one in wide)


def test_a_row_of_tokens_has_the_logits_that_score_it(bundle: Path) -> None:
    scorer = OnnxScorer.load(bundle)
    texts = ["claim your free gift now", "a", "you are a fool"]
    network = scorer.model
    logits, _ = network.token_shares([window.ids for text in texts for window in network.windows(text)])
    slopes = np.array([scorer.odds_slope(area) for area in scorer.areas])
    scores = np.array([[score.areas[area] for area in scorer.areas] for score in scorer.score(texts)])
    # Biases are the same for every text, so differences of the log-odds are those of the logits.
    odds = np.log(scores / (1 - scores))
    assert np.diff(odds, axis=0) == pytest.approx(np.diff(slopes * logits, axis=0), abs=1e-3)
