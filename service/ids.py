"""Identifiers: version 7 UUIDs (RFC 9562), which sort by time and so keep index pages together."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh time-ordered identifier."""
    return uuid7()
