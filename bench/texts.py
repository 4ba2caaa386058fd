"""Texts of real lengths, made from the sample reports: neutral, many languages, the same in every run."""

import random
from collections.abc import Iterator

from service.samples.load import sample_reports

# Posts and comments are short with a long tail: half below 120 characters, one in twenty above 500.
MEDIAN_CHARACTERS = 120
SPREAD = 0.87
MOST_CHARACTERS = 4_000


def texts(count: int, *, seed: int = 1) -> list[str]:
    """`count` different texts: sample texts, joined and cut to lengths as they occur."""
    generator = random.Random(seed)
    sources = [report["subject"]["text"] for report in sample_reports() if report["subject"]["text"]]
    return [_text(generator, sources, number) for number in range(count)]


def _text(generator: random.Random, sources: list[str], number: int) -> str:
    wanted = min(generator.lognormvariate(0, SPREAD) * MEDIAN_CHARACTERS, MOST_CHARACTERS)
    return " ".join(_words(generator, sources, int(wanted))) + f" {number}"


def _words(generator: random.Random, sources: list[str], characters: int) -> Iterator[str]:
    length = 0
    while length < characters:
        for word in generator.choice(sources).split():
            yield word
            length += len(word) + 1
            if length >= characters:
                return
