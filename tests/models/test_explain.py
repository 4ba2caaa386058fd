"""Hints on words: places that fit the text, shares that add up, and scores that stay as they are."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers

from models.explain import MOST_VARIANTS, Explanation, NotExplainableError, explain, words_of
from models.inference import ConstantScorer, OnnxScorer, TextModel, Window
from tests.models.bundles import AREAS, CALIBRATION, DEFAULT, tiny_bundle

LOUD = "idiot"
WORDS = ["[UNK]", "[PAD]", "fine", LOUD, "and", "then", "谢谢", "nothing"]


class Graph:
    """What a session answers: LOUD adds 3 to the second area's logit by the encoder and 1 by the table."""

    def __init__(self, *, tells: bool) -> None:
        self.rows: list[int] = []
        self.outputs = ["area_logits", "severity_logits", *(["token_hints"] if tells else [])]

    def get_outputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=name) for name in self.outputs]

    def run(self, wanted: list[str], inputs: dict[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]:
        ids = inputs["input_ids"]
        self.rows.append(len(ids))
        shares = ((ids == WORDS.index(LOUD))[:, :, None] * np.array([0, 1, 0])).astype(np.float32)
        areas = shares.sum(1) + 3 * shares.max(1, initial=0)
        severity = np.full((len(ids), 4), -2, np.float32)
        return [dict(zip(self.outputs, (areas, severity, shares), strict=False))[name] for name in wanted]


class Counted(TextModel):
    """A text model with such a graph, and one token for each word."""

    def __init__(self, *, window: int = 400, tells: bool = True) -> None:
        self.graph = self._session = Graph(tells=tells)
        self._hints = tells
        self._widths = {"area_logits": 3, "severity_logits": 4}
        self._windows, self._threads = 100, 1
        self._tokenizer = Tokenizer(
            models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]")
        )
        self._tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        self._tokenizer.enable_truncation(window, stride=0)


def scorer_of(folder: Path, model: TextModel) -> OnnxScorer:
    return OnnxScorer(tiny_bundle(folder / "b"), model, CALIBRATION)


def shown(text: str, found: Explanation) -> dict[str, int]:
    return {text[one.start : one.end]: one.strength for one in found.hints if one.strength}


@pytest.fixture(scope="module")
def default() -> OnnxScorer:
    return OnnxScorer.load(DEFAULT)


def test_the_word_that_counts_is_found_with_both_its_shares(tmp_path: Path) -> None:
    text = "fine,  and then &lt;fine&gt; idiot! nothing"
    found = explain(scorer_of(tmp_path, Counted()), text.replace("idiot!", "idiot"), "harassment")
    (hint,) = [one for one in found.hints if one.strength]
    assert text[hint.start : hint.end] == LOUD
    assert (hint.wide, hint.deep, hint.strength) == (1, 3, 2)
    assert found.exact
    assert found.whole


def test_without_the_table_the_encoder_is_given_the_whole_fall(tmp_path: Path) -> None:
    found = explain(scorer_of(tmp_path, Counted(tells=False)), "fine idiot", "harassment")
    assert [(one.wide, one.deep) for one in found.hints] == [(None, 0), (None, 4)]


def test_the_area_that_is_explained_is_the_primary_one(tmp_path: Path) -> None:
    assert explain(scorer_of(tmp_path, Counted()), "fine idiot").area == "harassment"


@pytest.mark.parametrize("place", [0, 13, 100, 199])
def test_a_word_in_a_long_text_is_found_within_few_passes(tmp_path: Path, place: int) -> None:
    model = Counted()
    words = ["and"] * 200
    words[place] = LOUD
    text = " ".join(words)
    found = explain(scorer_of(tmp_path, model), text, "harassment")
    assert sum(model.graph.rows) <= 1 + MOST_VARIANTS
    (passage,) = shown(text, found)
    assert LOUD in passage
    assert len(passage.split()) < 5
    assert " ".join(text[one.start : one.end] for one in found.hints) == text


def test_of_several_windows_the_one_that_counts_is_looked_at(tmp_path: Path) -> None:
    text = " ".join(["and"] * 10 + ["fine", LOUD, "fine"] + ["then"] * 17)
    found = explain(scorer_of(tmp_path, Counted(window=10)), text, "harassment")
    assert text[found.start : found.end].split() == ["fine", LOUD, "fine"] + ["then"] * 7
    assert not found.whole
    assert shown(text, found) == {LOUD: 2}


def test_without_a_word_there_is_nothing_to_hint_at(tmp_path: Path) -> None:
    found = explain(scorer_of(tmp_path, Counted()), " \u200b\n", "harassment")
    assert found.hints == ()
    assert (found.start, found.end, found.whole) == (0, 0, True)


def test_places_that_cannot_be_traced_back_are_said_to_be_of_the_model_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.explain.align", lambda text: None)
    found = explain(scorer_of(tmp_path, Counted()), "fine\n\n&#105;diot", "harassment")
    assert not found.exact
    assert found.cleaned == "fine idiot"
    assert shown(found.cleaned, found) == {LOUD: 2}


@pytest.mark.parametrize("area", ["spam", "no_such_area"])
def test_an_area_that_no_word_moves_is_refused(tmp_path: Path, area: str) -> None:
    assert area not in AREAS[:2]
    with pytest.raises(NotExplainableError, match="was not learned"):
        explain(scorer_of(tmp_path, Counted()), "fine", area)


def test_a_scorer_without_a_network_is_refused() -> None:
    with pytest.raises(NotExplainableError, match="no network"):
        explain(ConstantScorer(AREAS), "fine")


PIECES = st.sampled_from(
    [
        *(
            "you ",
            "are ",
            "an idiot ",
            "win cash now ",
            "😀",
            "👩\u200d👧 ",
            "நன்றி ",
            "முட்டாள் ",
            "谢谢你",
            "，",
            "你是个白痴",
        ),
        *(
            "สวัสดีครับ",
            "&amp; ",
            "&lt;b&gt;",
            "&#64;somebody ",
            "https://example.com/x ",
            "e\u0301",
            "\u200b",
            "\r\n",
            "!!! ",
        ),
    ]
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=40).map("".join))
def test_places_fit_any_text_and_no_score_changes(default: OnnxScorer, text: str) -> None:
    before = default.score([text])
    found = explain(default, text, "harassment")
    assert default.score([text]) == before
    assert found.exact
    edges = [place for one in found.hints for place in (one.start, one.end)]
    assert edges == sorted(edges)
    assert all(0 <= one.start < one.end <= len(text) for one in found.hints)
    assert all(text[one.start : one.end].strip() == text[one.start : one.end] for one in found.hints)
    assert all(np.isfinite(one.share) for one in found.hints)


def test_the_shipped_bundle_reacts_to_the_insult(default: OnnxScorer) -> None:
    text = "Good morning from the garden &amp; thanks 😀, you are an idiot, see you on Monday"
    assert max(explain(default, text, "harassment").hints, key=lambda one: one.share).start == text.index("idiot")


def test_words_of_scripts_without_spaces_keep_their_marks() -> None:
    text = "ที่นี่ 你好"
    spans = tuple((place, place + 1) for place in range(len(text)) if text[place] != " ")
    words = words_of(text, Window(np.arange(len(spans)), spans))
    assert [text[one.start : one.end] for one in words] == ["ที่", "นี่", "你", "好"]
    assert [token for one in words for token in one.tokens] == list(range(len(spans)))
