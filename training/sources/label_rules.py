"""Labels of one record, where a table cannot say it: labels that come out of votes, shares and scores.

Each rule takes a record (column to value as text) and returns its labels, or None to leave the row out. Thresholds
follow one idea: most raters for it makes an area apply, nobody for it makes it clear, anything between is unknown.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import resources
from typing import Any

from eval.formats import CATEGORIES_FOR_NONE
from training.sources.registry import Labels, Source, SourceError

HATE = "hateful_conduct"
HARASSMENT = "harassment"
VIOLENCE = "violence_incitement"
SEXUAL = "adult_sexual_content"

PROFANITY = "hard_negative:profanity"

Record = Mapping[str, str]


def label_record(source: Source, record: Record) -> Labels | None:
    """What the source says about a record, None where it says nothing of use. Raises SourceError."""
    if source.rule:
        try:
            return RULES[source.rule](record)
        except (KeyError, ValueError) as error:
            raise SourceError(f"{source.name}: a row lacks what its rule {source.rule} reads ({error})") from error
    for row in source.rows:
        if all(_fits(record.get(column), patterns) for column, patterns in row.when.items()):
            return row.labels
    return None


def _fits(value: str | None, patterns: tuple[str, ...]) -> bool:
    return value is not None and any(fnmatchcase(value, pattern) for pattern in patterns)


@lru_cache(maxsize=1)
def _openai_meaning() -> dict[str, Any]:
    """What the categories mean, from the one table that says so: these rows train here and are judged by there."""
    tables = tomllib.loads(resources.files("eval").joinpath("formats.toml").read_text(encoding="utf-8"))
    meaning: dict[str, Any] = tables["openai"]
    return meaning


def openai_moderation(record: Record) -> Labels | None:
    """Eight categories, 0 or 1, each missing where nobody looked; a missing one makes no area clear by its narrower."""
    meaning = _openai_meaning()
    seen = {key: int(record[key]) for key in meaning["severity"] if record.get(key)}
    areas = {area for area, keys in meaning["areas"].items() if any(seen.get(key) for key in keys)}
    clear = {area for area, keys in meaning["areas"].items() if keys[0] in seen} - areas
    levels = [level for key, level in meaning["severity"].items() if seen.get(key)]
    unharmed = 0 if len(seen) >= CATEGORIES_FOR_NONE else None
    return _labels(areas, clear, max(levels) if levels else unharmed)


def davidson(record: Record) -> Labels | None:
    """Three classes by votes; fewer than three votes in five make the label weak."""
    votes = [int(record[key]) for key in ("hate_speech", "offensive_language", "neither")]
    quality = "weak" if max(votes) < 0.6 * int(record["count"]) else ""
    if record["class"] == "0":
        return Labels(areas=(HATE,), severity=3, quality=quality)
    if record["class"] == "1":
        return Labels(clear=(HATE,), severity=1, quality=quality, tags=(PROFANITY, "offensive_language"))
    return Labels(clear=(HATE, HARASSMENT), severity=0, quality=quality, tags=("hard_negative:lexicon_match",))


ETHOS_TARGETS = ("gender", "race", "national_origin", "disability", "religion", "sexual_orientation")


def ethos(record: Record) -> Labels | None:
    """Two files: the share of raters who saw hate, and for the hateful ones the shares by violence and target."""
    if "isHate" in record:
        share = float(record["isHate"])
        if share >= 0.5:
            return Labels(areas=(HATE,), severity=3 if share >= 0.75 else 2)
        tags = ("hard_negative:offensive_topic",)
        return Labels(clear=(HATE,), severity=0 if share < 0.25 else 1, tags=tags, rated_by_people=True)
    violence = float(record["violence"])
    targets = tuple(f"target:{name}" for name in ETHOS_TARGETS if float(record[name]) >= 0.5)
    if violence >= 0.5:
        return Labels(areas=(HATE, VIOLENCE), severity=4 if violence >= 0.75 else 3, tags=targets)
    return Labels(areas=(HATE,), clear=(VIOLENCE,) if violence < 0.25 else (), tags=targets)


CONVABUSE_SCORES = (1, 0, -1, -2, -3)
CONVABUSE_HATE = ("ableist", "homophobic", "racist", "sexist", "transphobic")
CONVABUSE_SEXUAL = ("sex_harassment",)


def convabuse(record: Record) -> Labels | None:
    """Up to eight raters: a score from 1 (no abuse) to -3 (strong abuse), and its kinds."""
    raters = [number for number in range(1, 9) if record.get(f"Annotator{number}_is_abuse.1")]
    # A cell may hold several marks of one rater, such as `1, 0`; each rater counts once.
    marked = [
        [score for score in CONVABUSE_SCORES if "1" in record[f"Annotator{number}_is_abuse.{score}"]]
        for number in raters
    ]
    scores = [sum(marks) / len(marks) for marks in marked if marks]
    if not scores:
        return None
    mean = sum(scores) / len(scores)
    if mean > 0.5:
        return Labels(clear=(HATE, HARASSMENT, SEXUAL), severity=0, rated_by_people=True)
    if mean > -0.5:
        return Labels(clear=(HATE,), severity=1, quality="silver", tags=("ambiguous",), rated_by_people=True)
    areas, clear = {HARASSMENT}, set()
    for area, kinds in ((HATE, CONVABUSE_HATE), (SEXUAL, CONVABUSE_SEXUAL)):
        share = max(
            sum("1" in record.get(f"Annotator{number}_{kind}", "") for number in raters) / len(raters) for kind in kinds
        )
        if share > 0.5:
            areas.add(area)
        elif share == 0:
            clear.add(area)
    tags = ("sexual_harassment",) if SEXUAL in areas else ()
    return _labels(areas, clear, 2 if mean > -1.5 else 3, tags=tags, rated_by_people=True)


def toxigen(record: Record) -> Labels | None:
    """A mean rating of toxicity, 1 to 5, and the group spoken of."""
    score = float(record["toxicity_score"])
    targets = tuple(f"target:{group}" for group in json.loads(record["target_groups"]))
    if record["label"] == "hate":
        return Labels(areas=(HATE,), severity=3 if score >= 4 else 2, tags=targets, rated_by_people=True)
    severity = 0 if score < 2 else 1 if score < 3 else 2
    tags = ("hard_negative:identity_mention", *targets)
    return Labels(clear=(HATE,), severity=severity, tags=tags, rated_by_people=True)


# Kind of span → area, severity.
SPANS = {"Insult": (HARASSMENT, 2), "Identity": (HATE, 3), "Threat": (VIOLENCE, 3)}


def toxic_spans(record: Record) -> Labels | None:
    """Shares of raters who marked a span of each kind; what is toxic to many who marked nothing says too little."""
    share = json.loads(record["share"])
    found = {kind for kind in SPANS if share[kind] > 0.5}
    areas = {SPANS[kind][0] for kind in found}
    # Raters may call a whole comment toxic and mark nothing in it: then no kind can be ruled out.
    unmarked = float(record["share_all_toxic"]) > 0.34
    clear = set() if unmarked else {SPANS[kind][0] for kind in SPANS if share[kind] == 0}
    if found:
        return _labels(areas, clear, max(SPANS[kind][1] for kind in found))
    if not clear:
        return None
    if share["Profane"] > 0.5:
        return _labels(areas, clear, 1, tags=(PROFANITY,))
    return _labels(areas, clear, None)


# Friendly or curious: admiration, approval, caring, curiosity, excitement, gratitude, joy, love, optimism,
# realization, relief.
FRIENDLY = frozenset({"0", "4", "5", "7", "13", "15", "17", "18", "20", "22", "23"})


def goemotions(record: Record) -> Labels | None:
    """Comments whose every emotion is friendly or curious are weakly benign; the others say nothing."""
    if not FRIENDLY.issuperset(record["emotions"].split(",")):
        return None
    return Labels(clear=(HATE, HARASSMENT, VIOLENCE), severity=0, quality="weak", tags=("benign_social",))


TOLD_GROUPS = ("homophobia", "racism", "misogyny", "xenophobia")


def told_br(record: Record) -> Labels | None:
    """Votes of three raters per class."""
    votes = {name: float(record[name]) for name in (*TOLD_GROUPS, "insult", "obscene")}
    levels = {HATE: (max(votes[name] for name in TOLD_GROUPS), 3), HARASSMENT: (votes["insult"], 2)}
    areas = {area for area, (most, _) in levels.items() if most >= 2}
    clear = {area for area, (most, _) in levels.items() if most == 0}
    if areas:
        return _labels(areas, clear, max(levels[area][1] for area in areas))
    if not clear:
        return None
    if votes["obscene"] >= 2:
        return _labels(areas, clear, 1 if HARASSMENT in clear else None, tags=(PROFANITY,))
    return _labels(areas, clear, None if any(votes.values()) else 0)


def indonesian_hate(record: Record) -> Labels | None:
    """Hate by its target (one person, a group, a trait) and its strength."""
    if record["HS"] == "0":
        if record["Abusive"] == "1":
            return Labels(clear=(HATE,), severity=1, tags=(PROFANITY,))
        return Labels(clear=(HATE, HARASSMENT), severity=0)
    areas = set()
    if any(record[f"HS_{name}"] == "1" for name in ("Group", "Religion", "Race", "Physical", "Gender")):
        areas.add(HATE)
    if record["HS_Individual"] == "1":
        areas.add(HARASSMENT)
    if record["HS_Strong"] == "1":
        areas.add(VIOLENCE)
    severity = 4 if record["HS_Strong"] == "1" else 3 if record["HS_Moderate"] == "1" else 2
    return _labels(areas, set(), severity, rated_by_people=True)


JIGSAW_AREAS = {"insult": (HARASSMENT, 2), "threat": (VIOLENCE, 3), "identity_hate": (HATE, 3)}


def jigsaw(record: Record) -> Labels | None:
    """Six yes-or-no classes that overlap."""
    found = [JIGSAW_AREAS[name] for name in JIGSAW_AREAS if record[name] == "1"]
    areas = {area for area, _ in found}
    clear = {HATE, HARASSMENT, VIOLENCE} - areas
    if found:
        severity = max(level for _, level in found)
        return _labels(areas, clear, 3 if record["severe_toxic"] == "1" else severity)
    if record["obscene"] == "1":
        return _labels(areas, clear, 1, tags=(PROFANITY,))
    return _labels(areas, clear, 1 if record["toxic"] == "1" else 0)


def _labels(
    areas: set[str],
    clear: set[str],
    severity: int | None,
    *,
    tags: tuple[str, ...] = (),
    rated_by_people: bool = False,
) -> Labels:
    return Labels(
        areas=tuple(sorted(areas)),
        clear=tuple(sorted(clear)),
        severity=severity,
        tags=tags,
        rated_by_people=rated_by_people,
    )


RULES: dict[str, Callable[[Record], Labels | None]] = {
    rule.__name__: rule
    for rule in (
        openai_moderation,
        davidson,
        ethos,
        convabuse,
        toxigen,
        toxic_spans,
        goemotions,
        told_br,
        indonesian_hate,
        jigsaw,
    )
}
