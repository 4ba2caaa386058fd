import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from labeling.taxonomy import load_taxonomy
from models.bundle import CALIBRATION as CALIBRATION_FILE
from models.bundle import MODEL, TOKENIZER, BundleError, load_bundle
from models.calibration import UNTRAINED_PRIOR, Scaling, parse_calibration
from models.inference import (
    PASS_COST,
    TEXTS_PER_CHUNK,
    TOKENS_PER_PASS,
    ConstantScorer,
    Logits,
    OnnxScorer,
    Score,
    TextModel,
    like_length_batches,
    pad,
)
from tests.models.bundles import AREAS, CALIBRATION, DEFAULT, default_contents, tiny_bundle, write_bundle

# Scores of the same text alone and in a batch: float rounding, no more.
ROUNDING = 1e-4

TEXTS = [
    "",
    "See you at the market on Saturday, I will bring the blue chairs.",
    "WIN a FREE prize!!! reply with your bank details now >>> http://example.com/x",
    "you are a pathetic idiot and nobody likes you",
    "😀" * 30,
    "நாளை காலை சந்திப்போம், நன்றி",
    "明天早上见，谢谢你的帮助",
    "a",
    "long winded report about the garden " * 400,
]


@pytest.fixture(scope="module")
def scorer() -> OnnxScorer:
    return OnnxScorer.load(DEFAULT)


def numbers(scores: Sequence[Score]) -> NDArray[np.float64]:
    return np.array([[*score.areas.values(), *score.severity] for score in scores])


def test_score_has_every_area_in_order_and_severity_sums_to_one(scorer: OnnxScorer) -> None:
    for score in scorer.score(TEXTS):
        assert tuple(score.areas) == load_taxonomy().area_ids
        assert all(0 <= p <= 1 for p in score.areas.values())
        assert len(score.severity) == 5
        assert sum(score.severity) == pytest.approx(1)
        assert score.primary_area in load_taxonomy().label_ids


def test_score_does_not_depend_on_neighbours_or_order(scorer: OnnxScorer) -> None:
    alone = numbers([scorer.score([text])[0] for text in TEXTS])
    together = numbers(scorer.score(TEXTS))
    backwards = numbers(scorer.score(TEXTS[::-1]))[::-1]
    assert np.abs(alone - together).max() < ROUNDING
    assert np.abs(alone - backwards).max() < ROUNDING


def test_a_declared_language_is_judged_by_its_own_scaling(scorer: OnnxScorer) -> None:
    raw = scorer.bundle.read(CALIBRATION_FILE)
    shared = parse_calibration(raw, Path("c"), names=scorer.areas)
    even = OnnxScorer(scorer.bundle, scorer.model, replace(shared, languages={"zh": {0: Scaling(0.0, 0.0)}}))
    text, area = TEXTS[6], scorer.areas[0]
    written = even.score([text] * 4, ["zh-Hant", "chi", "en", None])
    assert [score.areas[area] for score in written[:2]] == [0.5, 0.5]
    assert written[2] == written[3] == scorer.score([text] * 4)[0]
    assert written[0].areas[scorer.areas[1]] == written[2].areas[scorer.areas[1]]


def test_same_texts_give_the_very_same_scores(scorer: OnnxScorer) -> None:
    assert scorer.score(TEXTS) == scorer.score(TEXTS)
    assert scorer.score(TEXTS) == OnnxScorer.load(DEFAULT).score(TEXTS)


def test_more_threads_give_the_same_scores(scorer: OnnxScorer) -> None:
    threaded = OnnxScorer.load(DEFAULT, threads=2)
    assert np.abs(numbers(threaded.score(TEXTS)) - numbers(scorer.score(TEXTS))).max() < ROUNDING


def test_no_texts_no_scores(scorer: OnnxScorer) -> None:
    assert scorer.score([]) == []


def test_more_texts_than_a_chunk_keep_their_order(scorer: OnnxScorer) -> None:
    texts = ["hi", "win cash now, call 0900"] * (TEXTS_PER_CHUNK // 2) + ["the last one"]
    scores = scorer.score(texts)
    assert len(scores) == len(texts)
    assert np.abs(numbers(scores[-3:]) - numbers(scorer.score(texts[-3:]))).max() < ROUNDING


def test_megabyte_of_text_is_scored_by_its_beginning(scorer: OnnxScorer) -> None:
    beginning = "cheap pills delivered tonight " * 200
    scores = scorer.score([beginning + "x" * 1_000_000, beginning])
    assert np.abs(numbers(scores[:1]) - numbers(scores[1:])).max() < ROUNDING


def test_untrained_areas_stay_at_the_prior_and_are_never_primary(scorer: OnnxScorer) -> None:
    untrained = set(scorer.areas) - set(scorer.trained_areas)
    for score in scorer.score(TEXTS):
        assert all(score.areas[area] == pytest.approx(UNTRAINED_PRIOR) for area in untrained)
        assert score.primary_area not in untrained


def test_obvious_cases_come_out_as_such(scorer: OnnxScorer) -> None:
    prize, harmless = scorer.score(
        ["URGENT! You have won a 1 week FREE membership in our prize draw! Txt the word CLAIM to 81010", TEXTS[1]]
    )
    assert prize.areas["spam"] > 10 * harmless.areas["spam"]
    assert harmless.primary_area == "benign"


class FixedLogits(TextModel):
    """Answers with given logits in place of a graph's."""

    def __init__(self, areas: list[list[float]], severity: list[list[float]]) -> None:
        nothing = np.zeros((len(areas), 0), np.float32)
        self.fixed = Logits(np.array(areas, np.float32), np.array(severity, np.float32), nothing)

    def logits(self, texts: Sequence[str]) -> Logits:
        return self.fixed


@pytest.mark.parametrize(
    ("areas", "severity", "primary"),
    [
        ([-3.0, -2.0, 9.0], [-2.0, -2.0, -2.0, -2.0], "benign"),
        ([-3.0, 0.0, 9.0], [-2.0, -2.0, -2.0, -2.0], "harassment"),
        ([0.2, -2.0, 9.0], [-2.0, -2.0, -2.0, -2.0], "benign"),
        ([0.6, -2.0, 9.0], [-2.0, -2.0, -2.0, -2.0], "fraud_scams"),
        ([0.3, -0.3, 9.0], [-2.0, -2.0, -2.0, -2.0], "harassment"),
        ([0.6, 0.5, 9.0], [-2.0, -2.0, -2.0, -2.0], "fraud_scams"),
        ([-3.0, -2.0, 9.0], [2.0, -0.1, -2.0, -2.0], "benign"),
        ([-3.0, -2.0, 9.0], [2.0, 0.1, -2.0, -2.0], "harassment"),
    ],
    ids=[
        "nothing",
        "over its threshold",
        "under its threshold",
        "over",
        "only the less likely is over",
        "both over",
        "low severity",
        "severe without an area",
    ],
)
def test_primary_area(tmp_path: Path, areas: list[float], severity: list[float], primary: str) -> None:
    scorer = OnnxScorer(tiny_bundle(tmp_path / "b"), FixedLogits([areas], [severity]), CALIBRATION)
    assert scorer.score(["x"])[0].primary_area == primary


def test_areas_in_their_unsure_range_are_named(tmp_path: Path) -> None:
    first, second, third = CALIBRATION.areas
    ranges = (replace(first, unsure_from=0.1, unsure_to=0.9), second, replace(third, unsure_from=0.6, unsure_to=0.9))
    scorer = OnnxScorer(
        tiny_bundle(tmp_path / "b"),
        FixedLogits([[0.0, 0.0, 0.0]], [[-2.0] * 4]),
        replace(CALIBRATION, areas=ranges),
    )
    assert scorer.score(["x"])[0].unsure == (scorer.areas[0],)


def test_bundle_without_learned_areas_calls_everything_benign(tmp_path: Path) -> None:
    bundle = load_bundle(write_bundle(tmp_path / "b", trained_areas=[]))
    scorer = OnnxScorer(bundle, FixedLogits([[9.0] * 3], [[9.0] * 4]), CALIBRATION)
    assert scorer.score(["x"])[0].primary_area == "benign"


@pytest.mark.parametrize("name", [MODEL, TOKENIZER])
def test_bundle_with_a_file_that_is_not_what_it_says_is_refused(tmp_path: Path, name: str) -> None:
    write_bundle(tmp_path / "b", contents={TOKENIZER: default_contents()[TOKENIZER], name: b"not one"})
    with pytest.raises(BundleError, match="cannot be loaded"):
        OnnxScorer.load(tmp_path / "b")


def test_graph_for_another_number_of_areas_is_refused(tmp_path: Path) -> None:
    contents = default_contents()
    del contents["calibration.json"]
    write_bundle(tmp_path / "b", contents=contents)
    with pytest.raises(BundleError, match=r"outputs .*'area_logits': 3.* needed"):
        OnnxScorer.load(tmp_path / "b")


def test_constant_scorer_says_the_same_of_everything() -> None:
    scorer = ConstantScorer(AREAS)
    first, second = scorer.score(["", "anything"])
    assert first == second
    assert first.areas == dict.fromkeys(AREAS, UNTRAINED_PRIOR)
    assert sum(first.severity) == pytest.approx(1)


def test_batches_hold_every_index_once_and_stay_within_the_budget() -> None:
    lengths = [int(length) for length in np.random.default_rng(1).integers(1, 400, 1_000)] + [3 * TOKENS_PER_PASS]
    batches = like_length_batches(lengths)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[one] for one in batch) <= TOKENS_PER_PASS
        within = sorted(lengths[one] for one in batch)
        # No row is padded by so much that a pass of its own would have been cheaper.
        assert all(
            rows * (longer - shorter) <= PASS_COST for rows, (shorter, longer) in enumerate(pairwise(within), start=1)
        )
    assert like_length_batches([]) == []


def test_padding_is_masked() -> None:
    ids, mask = pad([np.array([5, 6, 7]), np.array([8])])
    assert ids.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]


SERVING = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "transformers", "sklearn", "scipy", "onnx", "safetensors", "pandas"}:
            raise ImportError(f"{name} is not part of a serving install")
sys.meta_path.insert(0, Blocked())
from pathlib import Path
from models.inference import OnnxScorer
import models.bundle, models.calibration, models.preprocess
print(OnnxScorer.load(Path(sys.argv[1])).score(["hello"])[0].primary_area)
"""


def test_scoring_needs_nothing_of_the_training_install() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SERVING, str(DEFAULT)],
        capture_output=True,
        text=True,
        check=False,
        cwd=DEFAULT.parents[1],
    )
    assert done.stderr == ""
    assert done.stdout == "benign\n"
