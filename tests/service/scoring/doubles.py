"""Scorers that do as a test tells them."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from labeling.taxonomy import load_taxonomy
from models.inference import Score
from service.scoring.live_model import LiveModel

AREAS = load_taxonomy().area_ids


def harmless(text: str) -> Score:
    """A score that fears nothing."""
    return Score(dict.fromkeys(AREAS, 0.001), (0.96, 0.01, 0.01, 0.01, 0.01), "benign")


def grave(text: str) -> Score:
    """A score that is sure of the worst."""
    return Score(dict.fromkeys(AREAS, 0.001) | {"child_safety": 0.99}, (0.0, 0.0, 0.01, 0.04, 0.95), "child_safety")


@dataclass
class Scripted:
    """A scorer that answers each text by a function and remembers its batches, and the languages of texts."""

    answer: Callable[[str], Score] = harmless
    areas: tuple[str, ...] = AREAS
    trained_areas: tuple[str, ...] = AREAS[:-2]
    bundle_hash: str = "scripted"
    batches: list[list[str]] = field(default_factory=list)
    languages: dict[str, str | None] = field(default_factory=dict)

    def score(self, texts: Sequence[str], languages: Sequence[str | None] = ()) -> list[Score]:
        self.batches.append(list(texts))
        self.languages.update(zip(texts, languages, strict=False))
        return [self.answer(text) for text in texts]

    @property
    def texts(self) -> list[str]:
        """Every text that was scored, in order, as often as it was."""
        return [text for batch in self.batches for text in batch]


@dataclass
class Blocking(Scripted):
    """A scorer that waits in the middle of its work until it is let go."""

    begun: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def score(self, texts: Sequence[str], languages: Sequence[str | None] = ()) -> list[Score]:
        self.begun.set()
        self.go.wait(60)
        return super().score(texts, languages)


class ShortScorer(Scripted):
    """A scorer that forgets the last text."""

    def score(self, texts: Sequence[str], languages: Sequence[str | None] = ()) -> list[Score]:
        return super().score(texts, languages)[:-1]


class PoisonError(Exception):
    """What a model throws at a text it cannot take."""


def unless_poison(text: str) -> Score:
    """Fails, quoting the text, when it is poison."""
    if "poison" in text:
        raise PoisonError(f"cannot take {text!r}")
    return harmless(text)


async def loaded(scorer: Scripted, *, concurrency: int = 4) -> LiveModel:
    """A model that is ready."""
    model = LiveModel(lambda: scorer, concurrency=concurrency)
    await model.keep_loading()
    return model
