"""What rows of each source mean: areas that apply, areas that are clear, severity. All else is unknown."""

import json
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest

from eval.formats import Vocabulary, read_rows
from labeling.taxonomy import load_taxonomy
from training.sources.label_rules import label_record
from training.sources.registry import Source, SourceError, load_sources
from training.sources.repairs import repair

H, R, V = "hateful_conduct", "harassment", "violence_incitement"
SEXUAL, CHILD, GRAPHIC, SELF, EXTREME = (
    "adult_sexual_content",
    "child_safety",
    "graphic_violence",
    "self_harm",
    "dangerous_organizations",
)

OPENAI_CLEAR = dict.fromkeys(("S", "S3", "H", "H2", "V", "V2", "HR", "SH"), "0")
NO_VOTES = dict.fromkeys(("homophobia", "obscene", "insult", "racism", "misogyny", "xenophobia"), "0.0")
JIGSAW_CLEAR = dict.fromkeys(("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"), "0")
INDONESIAN_CLEAR = {
    "HS": "0",
    "Abusive": "0",
    **{
        f"HS_{name}": "0"
        for name in (
            "Individual",
            "Group",
            "Religion",
            "Race",
            "Physical",
            "Gender",
            "Other",
            "Weak",
            "Moderate",
            "Strong",
        )
    },
}
ETHOS_SHARES = dict.fromkeys(("gender", "race", "national_origin", "disability", "religion", "sexual_orientation"), "0")


def source(name: str) -> Source:
    return next(one for one in load_sources() if one.name == name)


def spans(*, toxic: float = 0.0, **share: float) -> dict[str, str]:
    shares = dict.fromkeys(("Insult", "Threat", "Identity", "Profane", "Other"), 0.0) | share
    return {"share": json.dumps(shares), "share_all_toxic": str(toxic)}


def abuse(*scores: int, kinds: tuple[str, ...] = ()) -> dict[str, str]:
    """One rater per score; every rater marks all `kinds`."""
    record: dict[str, str] = {}
    for number, score in enumerate(scores, start=1):
        record |= {f"Annotator{number}_is_abuse.{level}": str(int(level == score)) for level in (1, 0, -1, -2, -3)}
        record |= {f"Annotator{number}_{kind}": "1" for kind in kinds}
    return record


@pytest.mark.parametrize(
    ("name", "record", "areas", "clear", "severity"),
    [
        # Votes, shares and scores.
        ("openai_moderation_1680", OPENAI_CLEAR, [], [SEXUAL, CHILD, GRAPHIC, R, H, SELF, V], 0),
        ("openai_moderation_1680", OPENAI_CLEAR | {"S": "1", "S3": "1"}, [SEXUAL, CHILD], [GRAPHIC, R, H, SELF, V], 4),
        ("openai_moderation_1680", {"S": "0", "S3": "0"}, [], [SEXUAL, CHILD], None),
        ("openai_moderation_1680", {"S3": "0", "V2": "0", "H2": "0"}, [], [CHILD, GRAPHIC], None),
        ("openai_moderation_1680", {"HR": "1", "H": "0"}, [R], [H], 2),
        (
            "davidson_2017",
            {"class": "0", "count": "3", "hate_speech": "3", "offensive_language": "0", "neither": "0"},
            [H],
            [],
            3,
        ),
        (
            "davidson_2017",
            {"class": "1", "count": "3", "hate_speech": "0", "offensive_language": "3", "neither": "0"},
            [],
            [H],
            1,
        ),
        (
            "davidson_2017",
            {"class": "2", "count": "3", "hate_speech": "0", "offensive_language": "0", "neither": "3"},
            [],
            [H, R],
            0,
        ),
        ("ethos", {"isHate": "0.2"}, [], [H], 0),
        ("ethos", {"isHate": "0.4"}, [], [H], 1),
        ("ethos", {"isHate": "0.5"}, [H], [], 2),
        ("ethos", {"isHate": "0.9"}, [H], [], 3),
        ("ethos", ETHOS_SHARES | {"violence": "0.8"}, [H, V], [], 4),
        ("ethos", ETHOS_SHARES | {"violence": "0.3"}, [H], [], None),
        ("ethos", ETHOS_SHARES | {"violence": "0"}, [H], [V], None),
        ("convabuse", abuse(1, 1, 0), [], [H, R, SEXUAL], 0),
        ("convabuse", abuse(0, 0), [], [H], 1),
        ("convabuse", abuse(-1, -1), [R], [H, SEXUAL], 2),
        ("convabuse", abuse(-2, -3, kinds=("sexist", "sex_harassment")), [H, R, SEXUAL], [], 3),
        ("toxigen_annotated", {"label": "hate", "toxicity_score": "3.3", "target_groups": "[]"}, [H], [], 2),
        ("toxigen_annotated", {"label": "hate", "toxicity_score": "4.0", "target_groups": "[]"}, [H], [], 3),
        ("toxigen_annotated", {"label": "neutral", "toxicity_score": "2.0", "target_groups": "[]"}, [], [H], 1),
        ("civil_comments_toxic_spans", spans(Insult=0.7), [R], [H, V], 2),
        ("civil_comments_toxic_spans", spans(Insult=0.7, Identity=0.3), [R], [V], 2),
        ("civil_comments_toxic_spans", spans(Insult=0.7, toxic=0.5), [R], [], 2),
        ("civil_comments_toxic_spans", spans(Profane=0.7), [], [H, R, V], 1),
        ("civil_comments_toxic_spans", spans(), [], [H, R, V], None),
        ("civil_comments_toxic_spans", spans(toxic=0.7), None, [], None),
        ("goemotions", {"emotions": "0,17"}, [], [H, R, V], 0),
        ("goemotions", {"emotions": "0,3"}, None, [], None),
        ("told_br", NO_VOTES, [], [H, R], 0),
        ("told_br", NO_VOTES | {"obscene": "2.0"}, [], [H, R], 1),
        ("told_br", NO_VOTES | {"insult": "1.0"}, [], [H], None),
        ("told_br", NO_VOTES | {"insult": "2.0"}, [R], [H], 2),
        ("told_br", NO_VOTES | {"racism": "3.0", "insult": "1.0"}, [H], [], 3),
        ("told_br", NO_VOTES | {"racism": "1.0", "insult": "1.0"}, None, [], None),
        ("indonesian_hate", INDONESIAN_CLEAR, [], [H, R], 0),
        ("indonesian_hate", INDONESIAN_CLEAR | {"Abusive": "1"}, [], [H], 1),
        ("indonesian_hate", INDONESIAN_CLEAR | {"HS": "1", "HS_Individual": "1", "HS_Weak": "1"}, [R], [], 2),
        ("indonesian_hate", INDONESIAN_CLEAR | {"HS": "1", "HS_Group": "1", "HS_Strong": "1"}, [H, V], [], 4),
        ("jigsaw_sample", JIGSAW_CLEAR, [], [H, R, V], 0),
        ("jigsaw_sample", JIGSAW_CLEAR | {"toxic": "1"}, [], [H, R, V], 1),
        ("jigsaw_sample", JIGSAW_CLEAR | {"insult": "1"}, [R], [H, V], 2),
        ("jigsaw_sample", JIGSAW_CLEAR | {"insult": "1", "severe_toxic": "1"}, [R], [H, V], 3),
        # Tables: the first entry that fits counts.
        ("olid", {"subtask_a": "OFF", "subtask_b": "TIN", "subtask_c": "IND"}, [R], [], 2),
        ("olid", {"subtask_a": "OFF", "subtask_b": "TIN", "subtask_c": "OTH"}, None, [], None),
        ("tweeteval", {"task": "emotion", "label": "1"}, [], [H, R, V], 0),
        ("tweeteval", {"task": "emotion", "label": "0"}, None, [], None),
        ("tweeteval", {"task": "hate", "label": "1"}, [H], [], 2),
        ("edos", {"label_vector": "1.1 threats of harm"}, [H, V], [], 4),
        ("edos", {"label_vector": "3.1 casual use of gendered slurs"}, [H], [V], 2),
        ("edos", {"label_vector": "3.4 condescending explanations"}, [H], [V], 1),
        ("edos", {"label_vector": "none"}, None, [], None),
        ("hatemoji_build", {"label_gold": "1", "type": "animosity"}, [H], [], 2),
        ("hatemoji_build", {"label_gold": "1", "type": "threateninglanguage"}, [H, V], [], 4),
        ("mlma", {"sentiment": "normal"}, [], [H, R], 0),
        ("mlma", {"sentiment": "hateful_normal"}, None, [], None),
        ("mlma", {"sentiment": "offensive_hateful"}, [H], [], 2),
        ("mlma", {"sentiment": "offensive"}, None, [], None),
        ("korean_hate", {"hate": "hate", "bias": "none"}, [R], [], 3),
        ("korean_hate", {"hate": "hate", "bias": "gender"}, [H, R], [], 3),
        ("korean_hate", {"hate": "none", "bias": "gender"}, None, [], None),
        ("cold_zh", {"label": "1", "fine-grained-label": "1"}, [R], [], 2),
        ("cold_zh", {"label": "1"}, [H], [], 2),
        ("germeval2018", {"fine": "PROFANITY"}, [], [H, R], 1),
        ("germeval2026_harmful", {"dbo": "criticism"}, [], [EXTREME], None),
        ("germeval2026_harmful", {"vio": "other"}, None, [], None),
        ("openai_rbr_gold", {"category": "SH-R2"}, [SELF], [], 3),
        ("openai_rbr_gold", {"category": "SH-C"}, [], [SELF], 0),
        ("openai_rbr_gold", {"category": "C-R"}, None, [], None),
        ("sms_spam", {"label": "spam"}, ["spam"], [], 1),
        ("sms_spam", {"label": "ham"}, [], ["fraud_scams", "spam"], 0),
        ("sdcnl", {"is_suicide": "0"}, None, [], None),
    ],
)
def test_labels(
    name: str, record: dict[str, str], areas: list[str] | None, clear: list[str], severity: int | None
) -> None:
    labels = label_record(source(name), record)
    if areas is None:
        assert labels is None
        return
    assert labels
    assert (set(labels.areas), set(labels.clear), labels.severity) == (set(areas), set(clear), severity)


def test_votes_far_from_agreement_make_a_weak_label() -> None:
    votes = {"class": "1", "count": "6", "hate_speech": "2", "offensive_language": "3", "neither": "1"}
    labels = label_record(source("davidson_2017"), votes)
    assert labels
    assert labels.quality == "weak"


def test_rater_who_marked_twice_counts_once() -> None:
    record = abuse(1, 1, -3)
    record["Annotator3_is_abuse.-3"] = "1, 1"
    labels = label_record(source("convabuse"), record)
    assert labels
    assert labels.severity == 1  # the mean is -1/3; marks counted one by one would give -1


def test_groups_spoken_of_become_tags() -> None:
    record = {"label": "neutral", "toxicity_score": "1", "target_groups": '["women"]'}
    labels = label_record(source("toxigen_annotated"), record)
    assert labels
    assert "target:women" in labels.tags
    assert labels.rated_by_people


@pytest.mark.parametrize(
    "record", [{}, {"class": "0", "count": "three", "hate_speech": "x", "offensive_language": "0", "neither": "0"}]
)
def test_row_that_a_rule_cannot_read_is_an_error(record: dict[str, Any]) -> None:
    with pytest.raises(SourceError, match="davidson_2017: a row lacks what its rule davidson reads"):
        label_record(source("davidson_2017"), record)


@pytest.mark.parametrize(
    ("names", "text", "expected"),
    [
        ((), "a &amp;amp; b", "a &amp; b"),
        ((), "a\x08b", "a b"),
        (("links",), "see hxxps://example.org or ann@y...", "see https://example.org or [EMAIL]"),
        (("placeholders",), "USER see URL", "@user see [URL]"),
        (("byte_escapes",), r"good \xf0\x9f\x98\x80\nday \xf0\x9f", "good \U0001f600 day "),
        (("backslashes",), "one\\two", "one two"),
    ],
)
def test_repair(names: tuple[str, ...], text: str, expected: str) -> None:
    assert repair(text, names) == expected


def test_labels_that_are_trained_on_are_those_that_are_judged_by(tmp_path: Path) -> None:
    """Every combination of two categories, each absent, 0 or 1."""
    keys = tuple(OPENAI_CLEAR)
    areas, wanted = load_taxonomy().area_ids, source("openai_moderation_1680")
    records = [
        {key: str(value) for key, value in zip(pair, values, strict=True) if value is not None} | rest
        for pair in combinations(keys, 2)
        for values in product((None, 0, 1), repeat=2)
        for rest in ({}, {key: "0" for key in keys if key not in pair})
    ]
    path = tmp_path / "openai.jsonl"
    path.write_text("".join(json.dumps({"prompt": "rain", **record}) + "\n" for record in records))
    for record, judged in zip(records, read_rows(path, "openai", Vocabulary(areas)), strict=True):
        labels = label_record(wanted, record)
        assert labels
        assert set(labels.areas) == set(judged.policy_areas), record
        assert {*labels.areas, *labels.clear} == set(judged.annotated_areas), record
        assert labels.severity == judged.severity, record
