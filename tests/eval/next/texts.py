"""Invented texts: everyday words, and for each area words that give it away; an area has many kinds, each with words of its own."""

import numpy as np

from labeling.records import LabelledText

STARTS, ENDS = ("ba", "ke", "lo", "mi", "nu"), ("ta", "ro", "sin", "del", "fu", "gam")
PLAIN = [first + second for first in STARTS for second in ENDS]
AREAS = ("spam", "fraud_scams")


def texts(count: int, seed: int, *, share: float = 0.1, kinds: int = 10) -> list[LabelledText]:
    """Rows of which `share` each are spam or fraud, of `kinds` kinds; they look like all others but for two words."""
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        drawn = generator.random()
        area = AREAS[int(drawn < share)] if drawn < 2 * share else None
        words = list(generator.choice(PLAIN, 8))
        if area:
            words[3:3] = _words(area, int(generator.integers(kinds)))
        rows.append(LabelledText(f"s{seed}-{number}", " ".join(words), (area,) if area else (), AREAS, None, "s", "en"))
    return rows


def _words(area: str, kind: int) -> list[str]:
    """Two words of three pairs of syllables, the same for a kind every time."""
    generator = np.random.default_rng([AREAS.index(area), kind])
    return ["".join(generator.choice(PLAIN, 3)) for _ in range(2)]
