"""What may not stand in a text that leaves the system: ways to reach or place a person."""

import re

# Each with what it is called in the refusal. Broad on purpose: whoever writes can say it in other words.
_FOUND = (
    ("an e-mail address", re.compile(r"[^\s@<>()]+@[^\s@<>()]+\.[^\s@<>().,;]+")),
    ("a handle", re.compile(r"(?<![\w.])@\w{2,}")),
    ("an address of a page", re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)),
    ("an IP address", re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")),
    ("a telephone or account number", re.compile(r"(?:\+|\b)\d(?:[ ()./-]?\d){6,}\b")),
)


def personal_in(said: str) -> str | None:
    """What kind of personal data a text holds, in words; None where none was found."""
    return next((name for name, pattern in _FOUND if pattern.search(said)), None)
