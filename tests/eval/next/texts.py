"""Invented texts: everyday words, and for each area a few that give it away, as rare as the area is."""

import numpy as np

from labeling.records import LabelledText

PLAIN = [
    f"{first}{second}" for first in ("ba", "ke", "lo", "mi", "nu") for second in ("ta", "ro", "sin", "del", "fu", "gam")
]
AREAS = ("spam", "fraud_scams")


def texts(count: int, seed: int, *, share: float = 0.1, known: tuple[str, ...] = AREAS) -> list[LabelledText]:
    """Rows of which `share` each are spam or fraud; ten kinds of either, so that one does not give the others away."""
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        drawn = generator.random()
        area = AREAS[int(drawn < share)] if drawn < 2 * share else None
        words = list(generator.choice(PLAIN, 8))
        if area:
            kind = int(generator.integers(10))
            words[3:3] = [f"{area[:3]}{kind}x", f"{area[:2]}{kind}y"]
        text = " ".join(words)
        rows.append(LabelledText(f"s{seed}-{number}", text, (area,) if area else (), known, None, "s", "en"))
    return rows
