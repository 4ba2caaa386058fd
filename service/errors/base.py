"""Every error the API answers with: one tree, one JSON shape `{"error": code, "detail": text}`.

A subclass fixes status and code; the text says what was wrong, where, and how to mend it. They lie here by subject, one module each.
"""

from collections.abc import Mapping


class TriageError(Exception):
    """Something went wrong on our side; the log holds the failure."""

    # The base of all errors shown to a caller. `headers` go onto the response as they are.

    status = 500
    code = "internal_error"

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})

    def shape(self) -> dict[str, str]:
        """The one JSON form of every error."""
        return {"error": self.code, "detail": self.detail}
