"""User names in a text, however somebody writes them. Pure."""

import re


def name_pattern(name: str) -> re.Pattern[str]:
    """Where a name stands; robin.meyer is also found as Robin Meyer, robin_meyer and @robin.meyer."""
    parts = [re.escape(one) for one in re.split(r"[._-]+", name) if one]
    written = r"[\s._-]{1,2}".join(parts) or re.escape(name)
    return re.compile(rf"(?<!\w){written}(?!\w)", re.IGNORECASE)
