import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from eval.behaviour.suites import SUITES, Case, read_cases, run_suites
from labeling.taxonomy import load_taxonomy
from models.inference import ConstantScorer, Score

THRESHOLDS = {"spam": 0.5, "privacy": 0.5}
LANGUAGES = {"en", "ms", "id", "zh", "ta", "hi", "es", "fr", "de", "pt"}


@dataclass(frozen=True)
class WordScorer:
    """Spam is likelier with every exclamation mark, privacy never."""

    areas: tuple[str, ...] = ("spam", "privacy")
    trained_areas: tuple[str, ...] = ("spam", "privacy")
    bundle_hash: str = "words"

    def score(self, texts: Sequence[str], languages: Sequence[str | None] = ()) -> list[Score]:
        return [Score({"spam": min(1.0, 0.2 * text.count("!")), "privacy": 0.0}, (1, 0, 0, 0, 0), "") for text in texts]


def case(suite: str, text: str, changed: str = "", *, areas: tuple[str, ...] = (), direction: str = "") -> Case:
    return Case(f"{suite}:{text}:{changed}", suite, "kind", "en", text, changed, areas, direction)


def test_each_suite_passes_and_fails_by_its_rule() -> None:
    cases = [
        case("minimum", "win!!!", areas=("spam",)),
        case("minimum", "win!", areas=("spam",)),
        case("minimum", "win!!!", areas=("privacy",)),
        case("minimum", "hello"),
        case("minimum", "hello!!!!"),
        case("invariance", "a", "b"),
        case("invariance", "a", "a!"),
        case("direction", "a", "a!", areas=("spam",), direction="up"),
        case("direction", "a", "a!", areas=("spam",), direction="down"),
        case("direction", "a!", "a", areas=("spam",), direction="down"),
        case("direction", "a", "b", areas=("spam",), direction="up"),
    ]
    found = run_suites(WordScorer(), THRESHOLDS, cases)
    counts = {suite: (one.total.n, one.total.passed) for suite, one in found.items()}
    assert counts == {"minimum": (5, 2), "invariance": (2, 1), "direction": (4, 2)}
    assert found["minimum"].failed == (
        "minimum:win!:",
        "minimum:win!!!:",
        "minimum:hello!!!!:",
    )
    assert found["direction"].languages["en"].rate == 0.5


def test_silent_model_fails_what_asks_it_to_speak() -> None:
    areas = load_taxonomy().area_ids
    found = run_suites(ConstantScorer(areas, trained_areas=areas), dict.fromkeys(areas, 0.5))
    assert found["invariance"].total.rate == 1
    assert found["direction"].total.passed == 0
    assert found["minimum"].kinds["plain"].passed == 0
    assert found["minimum"].kinds["everyday"].rate == 1


def test_shipped_cases_cover_areas_and_languages() -> None:
    cases = read_cases()
    counts = Counter((one.suite, one.lang == "en") for one in cases)
    assert sum(count for (_, english), count in counts.items() if english) >= 250
    assert {one.lang for one in cases} == LANGUAGES
    assert all({one.lang for one in cases if one.suite == suite} == LANGUAGES for suite in SUITES)
    areas = set(load_taxonomy().area_ids)
    assert {area for one in cases if one.suite == "minimum" for area in one.areas} == areas
    assert {area for one in cases for area in one.areas} <= areas


def test_shipped_cases_are_whole_and_written_once() -> None:
    cases = read_cases()
    assert len({one.id for one in cases}) == len(cases)
    texts = Counter((one.suite, one.text, one.changed) for one in cases)
    assert not [text for text, count in texts.items() if count > 1]
    for one in cases:
        assert (one.changed != "") == (one.suite != "minimum"), one
        assert one.text != one.changed, one
        assert (one.direction in {"up", "down"}) == (one.suite == "direction"), one
        assert bool(one.areas) == (one.suite == "direction" or one.kind == "plain"), one
    json.dumps([one.text for one in cases])
