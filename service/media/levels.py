"""How strongly a medium is blurred until somebody asks for more. Pure: facts and rules in, a level and its reason out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labeling.image_classes import IMAGE_CLASSES
from labeling.taxonomy import Area, Taxonomy

LEAST = 2
STRONG = 3
MOST = 4

LIKELY = 0.5
# What the taxonomy's graphic class (0-3) has to come to, weighed with the probability, before the blur is strong.
_EXPECTED_GRAPHIC = 1.0
_MOST_GRAPHIC = 3
_GRAPHIC = 2
# Areas that are severe whenever they are confirmed, however graphic: with the slightest sign of them no picture is cleared.
_SEVERE = 3
TRACE = 0.1

# Who reports what others have to look at with care, whatever the text says.
STRONG_CHANNELS = {
    "law_enforcement": "law enforcement",
    "regulator": "a regulator",
    "trusted_flagger": "a trusted flagger",
}

# Below level 2 only with all of these assessed and each, with whatever else the model knows, below the limit of the level.
CLEARING_CLASSES = ("sexual", "graphic_violence")
_CLEARED = ((0, 0.02), (1, 0.1))

# What each class of an image model is a sign of; by its graphic class it is weighed.
_AREA_OF = {one.id: one.area for one in IMAGE_CLASSES}

TEXT = "Text"
READ = "Text in the picture"
MODEL = "Image model"


@dataclass(frozen=True, slots=True)
class Match:
    """The nearest match of a medium with one bank: its level, policy area and how many of 256 bits differ."""

    bank: str
    level: int
    area: str
    distance: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one medium and of one case that shows it.

    `areas` are probabilities of policy areas for the text of the content, None while there is no score; `failed` says that
    there will be none. `read` are those for the text that was read in the picture, empty where it holds none, None while
    it was not read. `still` says that it is one picture: of an animation or a video a model sees one frame. `classes` are
    what the image model says, None where it has not looked, a class None where it cannot tell. `matches` are of banks that
    are at work.
    """

    areas: Mapping[str, float] | None = None
    failed: bool = False
    reasons: Collection[str] = ()
    channels: Collection[str] = ()
    still: bool = True
    classes: Mapping[str, float | None] | None = None
    read: Mapping[str, float] | None = None
    matches: Sequence[Match] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """What levels are chosen by: the vocabulary, and the `least` level that the organisation shows anything at."""

    taxonomy: Taxonomy
    least: int = LEAST


@dataclass(frozen=True, slots=True)
class Blur:
    """A blur level and the sentence that says why."""

    level: int
    reason: str


def facts_of(known: Mapping[str, Any], case: Facts) -> Facts:
    """What is known of a case, with what is known of one of its media: the answer of the SQL function `media_facts`."""
    return Facts(
        areas=case.areas,
        failed=case.failed,
        reasons=case.reasons,
        channels=case.channels,
        still=known["still"],
        classes=known["classes"],
        read=known["read"],
        matches=[Match(**one) for one in known["matches"]],
    )


def choose(facts: Facts, rules: Rules) -> Blur:
    """The blur that these facts ask for, and no less than the organisation's least.

    The strongest sign counts. What is not known leaves it at level 2 at least, or 3 while the text has no score; below
    that comes only a picture that the image model has cleared and of which nothing else gives any sign: what a model
    sees in a picture makes it weaker in no other case.
    """
    signs = list(_signs(facts, rules.taxonomy))
    asked = strongest([*signs, _without_sign(facts, cleared=not signs)])
    return strongest([asked, Blur(rules.least, "The least that is shown to anybody here")])


def preferred(demanded: Blur, level: int | None) -> Blur:
    """The blur for somebody who wants media at that level at least; None is no wish."""
    return demanded if level is None else strongest([demanded, Blur(level, "Your own setting")])


def strongest(blurs: Iterable[Blur]) -> Blur:
    """The strongest of at least one blur, the first of equals."""
    return max(blurs, key=lambda blur: blur.level)


def likely_areas(facts: Facts, taxonomy: Taxonomy, *, graphic: int) -> set[str]:
    """Areas of that graphic class or above that were reported, are likely by a text, or that a known picture stands for."""
    texts = [areas for areas in (facts.areas, facts.read) if areas]
    matched = {match.area for match in facts.matches}
    return {
        area.id
        for area in taxonomy.areas
        if area.graphic >= graphic
        and (
            area.id in facts.reasons or area.id in matched or any(areas.get(area.id, 0.0) >= LIKELY for areas in texts)
        )
    }


def _signs(facts: Facts, taxonomy: Taxonomy) -> Iterable[Blur]:
    for match in facts.matches:
        yield Blur(match.level, f"Bank '{match.bank}': distance {match.distance}")
    for channel, name in STRONG_CHANNELS.items():
        if channel in facts.channels:
            yield Blur(STRONG, f"Reported by {name}")
    for area in taxonomy.areas:
        if area.id in facts.reasons and _counts(area):
            yield Blur(_by_report(area), f"Reported as {area.name}")
    yield from _by_classes(facts.classes or {}, taxonomy)
    for source, areas in ((TEXT, facts.areas), (READ, facts.read)):
        yield from _by_text(source, areas or {}, taxonomy)


def _counts(area: Area) -> bool:
    return area.graphic > 0 or area.floor >= _SEVERE


def _by_report(area: Area) -> int:
    if area.graphic >= _MOST_GRAPHIC:
        return MOST
    return STRONG if area.graphic >= _GRAPHIC else LEAST


def _by_probability(graphic: int, probability: float) -> int:
    if graphic >= _MOST_GRAPHIC and probability >= LIKELY:
        return MOST
    return STRONG if graphic * probability >= _EXPECTED_GRAPHIC else LEAST


def _by_text(source: str, areas: Mapping[str, float], taxonomy: Taxonomy) -> Iterable[Blur]:
    for area in taxonomy.areas:
        probability = areas.get(area.id, 0.0)
        if _counts(area) and probability >= TRACE:
            level = _by_probability(area.graphic, probability)
            yield Blur(level, f"{source}: {area.name} is {'likely' if probability >= LIKELY else 'possible'}")


def _by_classes(classes: Mapping[str, float | None], taxonomy: Taxonomy) -> Iterable[Blur]:
    graphic = {area.id: area.graphic for area in taxonomy.areas}
    for name, probability in classes.items():
        # In a taxonomy of somebody's own without that area it is held to be graphic.
        weight = graphic.get(_AREA_OF.get(name, name), _GRAPHIC)
        if probability is not None and (level := _by_probability(weight, probability)) > LEAST:
            yield Blur(level, f"{MODEL}: {name.replace('_', ' ')} {probability:.2f}")


def _without_sign(facts: Facts, *, cleared: bool) -> Blur:
    """The blur by what is missing; `cleared` says that there is no sign of anything."""
    if facts.areas is None:
        return Blur(STRONG, "Could not be scored" if facts.failed else "Not scored yet")
    none = "No sign of graphic content in text and reports"
    if not facts.still:
        return Blur(LEAST, f"{none}; no model looks at whole clips")
    if facts.classes is None:
        return Blur(LEAST, f"{none}; the picture is not assessed")
    unknown = sorted({*CLEARING_CLASSES, *facts.classes} - {name for name, p in facts.classes.items() if p is not None})
    if unknown:
        return Blur(LEAST, f"{none}; the image model cannot tell: {', '.join(unknown).replace('_', ' ')}")
    if facts.read is None:
        return Blur(LEAST, f"{none}; text in the picture is not read")
    highest = max(p for p in facts.classes.values() if p is not None)
    for level, limit in _CLEARED:
        if cleared and highest < limit:
            return Blur(level, f"{none}; the image model sees none")
    return Blur(LEAST, none)
