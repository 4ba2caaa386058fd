"""Lines of text read in a picture, and the text that they make in reading order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

# What is kept of one picture. The classifier reads no more characters than these either.
MOST_LINES = 100
MOST_CHARACTERS = 4_000

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A line, its corners clockwise from the upper left as shares of width and height, and how sure the reader is, 0 to 1."""

    text: str
    box: tuple[Point, Point, Point, Point]
    confidence: float

    @property
    def top(self) -> float:
        return min(y for _, y in self.box)

    @property
    def bottom(self) -> float:
        return max(y for _, y in self.box)

    @property
    def left(self) -> float:
        return min(x for x, _ in self.box)

    def to_json(self) -> dict[str, Any]:
        """The line as it is stored."""
        return {"text": self.text, "box": [list(point) for point in self.box], "confidence": round(self.confidence, 4)}


def in_reading_order(lines: Iterable[Line]) -> list[Line]:
    """From top to bottom, and from left to right what stands beside each other; at most MOST_LINES and MOST_CHARACTERS.

    Two lines stand beside each other where the middle of one is within the height of the other.
    """
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda one: (one.top + one.bottom, one.left)):
        if rows and rows[-1][0].top <= (line.top + line.bottom) / 2 <= rows[-1][0].bottom:
            rows[-1].append(line)
        else:
            rows.append([line])
    ordered = [line for row in rows for line in sorted(row, key=lambda one: one.left)]
    return _within_limits(ordered)


def joined(texts: Sequence[str]) -> str:
    """The whole text, a line of it for each line of the picture."""
    return "\n".join(texts)


def _within_limits(lines: Sequence[Line]) -> list[Line]:
    kept: list[Line] = []
    left = MOST_CHARACTERS
    for line in lines[:MOST_LINES]:
        # One character goes to the end of the line.
        text = line.text[: max(left - bool(kept), 0)]
        if not text:
            break
        left -= len(text) + bool(kept)
        kept.append(Line(text, line.box, line.confidence))
    return kept
