import numpy as np
import pytest

from eval.figures import NOTHING, Settings
from eval.hard import hard_negatives, minimal_pairs
from eval.identity import identity_report, mentions
from tests.eval.rows import row, scored

FEW = Settings(draws=60)
HATE = ("hateful_conduct", "spam")


def test_false_positives_are_counted_by_kind_at_the_threshold_and_at_the_recall_of_the_file() -> None:
    rows = [row(n, "spam", kind="plain") for n in range(10)]
    rows += [row(10 + n, kind="news") for n in range(10)]
    rows += [row(20 + n, kind="everyday", tags=["hard_negative:metaphor"] if n < 4 else []) for n in range(10)]
    # Eight of ten positives lie at 0.4 or above; three news rows and one metaphor do, and one news row at 0.6.
    spam = [0.4 if n < 8 else 0.1 for n in range(10)] + [0.6, 0.45, 0.4, *[0.2] * 7] + [0.4, *[0.0] * 9]
    found = hard_negatives(scored(rows, [[one, 0.0] for one in spam]), FEW)
    assert list(found) == ["all", "news", "metaphor"]
    assert (found["news"].n, found["news"].fpr.value) == (10, 0.1)
    assert found["news"].fpr_at_recall_80.value == pytest.approx(0.3)
    assert (found["metaphor"].n, found["metaphor"].fpr_at_recall_80.value) == (4, 0.25)
    assert found["all"].n == 14
    assert found["all"].fpr_at_recall_80.value == pytest.approx(4 / 14)


def test_each_file_has_its_own_cut_and_one_without_positives_has_none() -> None:
    rows = [row(0, "spam"), row(1, kind="news"), row(2, "spam"), row(3, kind="news"), row(4, kind="news")]
    one = scored(rows, [[0.9, 0.0], [0.5, 0.0], [0.2, 0.0], [0.5, 0.0], [0.9, 0.0]], file_of=[0, 0, 1, 1, 2])
    news = hard_negatives(one, FEW)["news"]
    assert (news.n, news.n_at_recall, news.fpr_at_recall_80.value) == (3, 2, 0.5)


def test_rows_without_hard_negatives_have_no_such_figures() -> None:
    one = scored([row(1, "spam", kind="news"), row(2, kind="everyday")], [[0.9, 0.1]] * 2)
    assert hard_negatives(one, FEW) == {}
    assert minimal_pairs(one, FEW) is None


def test_pairs_are_right_when_both_sides_are() -> None:
    rows, scores = [], []
    # (violating side's spam, harmless side's spam, harmless side's privacy)
    for number, (bad, good, other) in enumerate([(0.9, 0.1, 0.1), (0.9, 0.6, 0.1), (0.4, 0.1, 0.1), (0.9, 0.1, 0.8)]):
        rows += [row(2 * number, pair=f"p{number}"), row(2 * number + 1, "spam", pair=f"p{number}")]
        scores += [[good, other], [bad, 0.1]]
    found = minimal_pairs(scored([*rows, row(90, pair="alone")], [*scores, [0.1, 0.1]]), FEW)
    assert found is not None
    assert (found.n, found.skipped) == (4, 1)
    assert (found.both_right.value, found.both_right_in_area.value, found.ordered.value) == (0.25, 0.5, 1.0)
    assert found.both_right.low is not None


def test_only_incomplete_pairs_are_none_measured() -> None:
    found = minimal_pairs(scored([row(1, pair="p"), row(2, pair="p")], [[0.1, 0.1]] * 2), FEW)
    assert found is not None
    assert (found.n, found.skipped, found.both_right.value) == (0, 1, None)


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("My Muslim neighbour", "en", True),
        ("muslin curtains", "en", False),
        ("tetangga saya muslim", "id", True),
        ("隔壁住着穆斯林邻居", "zh", True),
        ("मेरे मुस्लिम पड़ोसी", "hi-IN", True),
        ("die Muslime in der Stadt", "de", True),
        ("el islam y la paz", "en", True),
        ("la mezquita nueva", "en", False),
        ("la mezquita nueva", "und", True),
    ],
)
def test_mentions_follow_the_language_of_the_text(text: str, lang: str, expected: bool) -> None:
    terms = {
        "en": ["muslim", "islam"],
        "id": ["muslim"],
        "zh": ["穆斯林"],
        "hi": ["मुस्लिम"],
        "de": ["muslim"],
        "es": ["mezquita"],
    }
    assert mentions(text, lang, terms) is expected


def test_gap_is_the_difference_of_false_positives_on_negatives() -> None:
    rows = [row(n, known=HATE, text="my muslim friend", lang="en") for n in range(10)]
    rows += [row(10 + n, known=HATE, text="my old friend", lang="en") for n in range(20)]
    rows += [row(30 + n, known=HATE, text="teman lama", lang="id") for n in range(10)]
    rows += [row(40 + n, "hateful_conduct", known=HATE, text="a muslim insult") for n in range(10)]
    hate = [0.9] * 5 + [0.1] * 5 + [0.9] * 2 + [0.1] * 18 + [0.9] * 10 + [0.3] * 10
    found = identity_report(scored(rows, [[one, 0.0] for one in hate], areas=HATE), FEW)
    assert found is not None
    assert (found.area, found.negatives) == ("hateful_conduct", 40)
    muslims = found.groups["muslims"]
    assert (muslims.n, muslims.n_without, muslims.fpr, muslims.fpr_without) == (10, 30, 0.5, 0.4)
    assert muslims.gap.value == pytest.approx(0.1)
    # Within English two of twenty others are flagged: the other language hid the gap.
    assert muslims.gap_same_language.value == pytest.approx(0.4)
    # All positives lie at 0.3, and so do all rows scored 0.9: the same rows are flagged.
    assert muslims.gap_at_recall_80.value == pytest.approx(0.1)
    assert found.groups["any group"].n == 10
    assert muslims.gap.low is not None
    assert muslims.gap.high is not None
    assert muslims.gap.low <= 0.1 <= muslims.gap.high


def test_dialect_is_compared_within_its_language() -> None:
    rows = [row(n, known=HATE, text="finna go home y'all") for n in range(4)]
    rows += [row(4 + n, known=HATE, text="going home now") for n in range(6)]
    rows += [row(10 + n, known=HATE, text="rumah", lang="ms") for n in range(6)]
    found = identity_report(scored(rows, [[0.9 if n < 3 else 0.1, 0.0] for n in range(16)], areas=HATE), FEW)
    assert found is not None
    assert found.groups == {}
    dialect = found.dialects["african_american_english"]
    assert (dialect.n, dialect.n_without, dialect.gap.value) == (4, 6, 0.75)


def test_gap_that_cannot_be_measured_is_none_and_not_even() -> None:
    rows = [row(n, known=HATE, text="my muslim friend" if n < 10 else "my old friend") for n in range(30)]
    without_positives = scored(rows, [[0.9 if n < 5 else 0.1, 0.0] for n in range(30)], areas=HATE)
    found = identity_report(without_positives, FEW)
    assert found is not None
    muslims = found.groups["muslims"]
    assert (muslims.gap.value, muslims.gap_at_recall_80) == (0.5, NOTHING)
    rows += [row(30 + n, "hateful_conduct", known=HATE, text="a bad word") for n in range(10)]
    never_learned = scored(rows, [[0.1, 0.0]] * 40, areas=HATE, trained=("spam",))
    found = identity_report(never_learned, FEW)
    assert found is not None
    muslims = found.groups["muslims"]
    assert (muslims.n, muslims.fpr, muslims.fpr_without) == (10, None, None)
    assert (muslims.gap, muslims.gap_at_recall_80, muslims.gap_same_language) == (NOTHING, NOTHING, NOTHING)


def test_rows_that_do_not_know_the_area_have_no_gap() -> None:
    assert identity_report(scored([row(1)], [[0.1, 0.1]]), FEW) is None
    unknown = scored([row(1, known=("spam",))], [[0.1, 0.1]], areas=HATE)
    assert identity_report(unknown, FEW) is None
    missing = scored([row(1, known=HATE)], [[np.nan, 0.1]], areas=HATE)
    assert identity_report(missing, FEW) is None
