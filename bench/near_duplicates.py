"""How well fingerprints of texts find near-duplicates: `python -m bench.near_duplicates [--data FILE] [--lang en]`.

Positives are copies of each text changed in one way; negatives are all pairs of different texts. The texts are those of
the corpus, or of a file of labelled rows (one JSON object a line, .gz or plain). Prints Markdown.
"""

import argparse
import gzip
import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labeling.corpus.reader import read_corpus
from models.simhash import simhash

RADII = (0, 3, 6, 8, 10, 12, 14)
SAMPLE = 2_000
EMOJI = ("\U0001f525", "\U0001f602", "❤️", "\U0001f64f")
NAMES = ("Maria", "Jonas K", "王芳", "team blue", "สมชาย")

Change = Callable[[str, random.Random], str]


def typos(text: str, chance: random.Random, *, share: float) -> str:
    """Swap, drop or double letters: one, or that share of all."""
    letters = list(text)
    for _ in range(max(1, round(share * len(text)))):
        place, kind = chance.randrange(len(letters) - 1), chance.randrange(3)
        if kind == 0:
            letters[place : place + 2] = reversed(letters[place : place + 2])
        elif kind == 1 and len(letters) > 2:
            del letters[place]
        else:
            letters.insert(place, letters[place])
    return "".join(letters)


CHANGES: dict[str, Change] = {
    "upper case": lambda text, _: text.upper(),
    "punctuation": lambda text, _: text.replace(" ", ", ", 2) + "!!!",
    "emoji": lambda text, chance: f"{chance.choice(EMOJI)} {text} {chance.choice(EMOJI)}",
    "link appended": lambda text, chance: f"{text} https://shop.example/{chance.randrange(10**6)}",
    "handle in front": lambda text, chance: f"@user{chance.randrange(10**4)} {text}",
    "name appended": lambda text, chance: f"{text} {chance.choice(NAMES)}",
    "one typo": lambda text, chance: typos(text, chance, share=0),
    "typos, 2 %": lambda text, chance: typos(text, chance, share=0.02),
    "typos, 4 %": lambda text, chance: typos(text, chance, share=0.04),
}


def main() -> None:
    """Print recall by change and radius, and how often different texts meet."""
    parser = argparse.ArgumentParser(description="Measure fingerprints of texts.")
    parser.add_argument("--data", type=Path, help="labelled rows instead of the corpus")
    parser.add_argument("--lang", help="texts of this language alone")
    parser.add_argument("--most", type=int, default=20_000, help="texts at most")
    options = parser.parse_args()
    texts = _texts(options.data, options.lang)
    random.Random(1).shuffle(texts)
    texts = texts[: options.most]
    told = [(text, pair, found) for text, pair in texts if (found := simhash(text)) is not None]
    print(f"{len(texts):,} texts, {len(texts) - len(told):,} of them too short to tell\n")
    _print_recall([(text, found) for text, _, found in told[:SAMPLE]])
    _print_meetings(told)


def _texts(data: Path | None, lang: str | None) -> list[tuple[str, str | None]]:
    """(text, pair): texts of one minimal pair share its name."""
    if data is None:
        return [(one.text, one.pair) for one in read_corpus() if lang in {None, one.lang}]
    rows = (json.loads(line) for line in _lines(data))
    # The same text twice is no pair of different texts.
    return [(text, None) for text in dict.fromkeys(row["text"] for row in rows if lang in {None, row["lang"]})]


def _lines(data: Path) -> Iterator[str]:
    with gzip.open(data, "rt", encoding="utf-8") if data.suffix == ".gz" else data.open(encoding="utf-8") as file:
        yield from file


def _print_recall(told: Sequence[tuple[str, int]]) -> None:
    chance = random.Random(2)
    print(f"| copies within a radius, of {len(told):,} |", *(f" {radius} |" for radius in RADII), sep="")
    print("|---|", *("---|" for _ in RADII), sep="")
    for name, change in CHANGES.items():
        apart = [
            64 if (other := simhash(change(text, chance))) is None else (other ^ own).bit_count() for text, own in told
        ]
        shares = (f" {np.mean(np.array(apart) <= radius):.3f} |" for radius in RADII)
        print(f"| {name} |", *shares, sep="")


def _print_meetings(told: Sequence[tuple[str, str | None, int]]) -> None:
    prints = np.array([found for _, _, found in told], dtype=np.uint64)
    names = [pair for _, pair, _ in told]
    alike, other = np.zeros(65, dtype=np.int64), np.zeros(65, dtype=np.int64)
    for place, own in enumerate(prints):
        apart: NDArray[np.uint8] = np.bitwise_count(prints[place + 1 :] ^ own)
        for one in np.flatnonzero(apart <= RADII[-1]):
            same = names[place] is not None and names[place] == names[place + 1 + one]
            (alike if same else other)[apart[one]] += 1
    pairs = len(prints) * (len(prints) - 1) // 2
    print(f"\n| different texts that meet, of {pairs:,} pairs |", *(f" {radius} |" for radius in RADII), sep="")
    print("|---|", *("---|" for _ in RADII), sep="")
    print("| minimal pairs |", *(f" {alike[: radius + 1].sum():,} |" for radius in RADII), sep="")
    print("| all others |", *(f" {other[: radius + 1].sum():,} |" for radius in RADII), sep="")


if __name__ == "__main__":
    main()
