"""What a spreadsheet must not compute of a table that people download."""

Cell = str | int | float | None
# A spreadsheet takes a text that begins so for a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_GUARD = "'"


def guarded(cell: Cell) -> Cell:
    """A text that no spreadsheet computes; numbers are left as they are."""
    return f"{_GUARD}{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def unguarded(text: str) -> str:
    """The text as it was before `guarded`."""
    return text[1:] if text.startswith(_GUARD) and text[1:].startswith(FORMULA) else text
