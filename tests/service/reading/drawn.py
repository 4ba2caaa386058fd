"""Pictures with writing, for tests of reading."""

from typing import Any

from tests.service.media.pictures import draw, png, words

# Han characters as strokes, since the machine that tests may have no font for them: x, y, x, y in a box of 100.
_MIDDLE = ((20, 30, 80, 30), (20, 30, 20, 62), (80, 30, 80, 62), (20, 62, 80, 62), (50, 8, 50, 95))
_FIELD = ((18, 15, 82, 15), (18, 15, 18, 88), (82, 15, 82, 88), (18, 88, 82, 88), (18, 51, 82, 51), (50, 15, 50, 88))
_DAY = ((28, 10, 72, 10), (28, 10, 28, 92), (72, 10, 72, 92), (28, 92, 72, 92), (28, 50, 72, 50))
CHINESE = "中田日"


def written(text: str = "House 42", size: int = 40) -> bytes:
    """A small picture with one line."""
    return png(words(text, size=size, width=400, height=300))


def chinese() -> Any:
    """CHINESE, drawn stroke by stroke."""
    strokes = "".join(
        f'<path d="M{60 + 95 * place + x1 * 0.9} {100 + y1 * 0.9}L{60 + 95 * place + x2 * 0.9} {100 + y2 * 0.9}"/>'
        for place, character in enumerate((_MIDDLE, _FIELD, _DAY))
        for x1, y1, x2, y2 in character
    )
    return draw(400, 300, inside=f'<g stroke="#000" stroke-width="9">{strokes}</g>', background="#fff")


def two_columns() -> bytes:
    """Four words in two rows, the right one drawn first."""
    inside = "".join(
        f'<text x="{x}" y="{y}" font-size="34" fill="#000">{word}</text>'
        for word, x, y in (("four", 250, 200), ("two", 250, 100), ("three", 40, 200), ("one", 40, 100))
    )
    return png(draw(400, 300, inside=inside, background="#fff"))
