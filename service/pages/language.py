"""The words of the pages in the language of whoever reads them.

The English text of a message is its key: templates write `{{ _("Open cases") }}` or `{% trans %}`, Python `_()`,
`ngettext()` and, for a constant that is spoken later, `N_()`; scripts have `t()` and `tn()` in static/words.js.
Values are named, `%(count)s`, and never put together from parts of sentences.
"""

from typing import Any


def N_(message: str) -> str:  # noqa: N802 - the name that extractors of messages know
    """Mark a message that is translated where it is shown."""
    return message


def gettext(message: str, **values: Any) -> str:
    """The message in the language of the page."""
    return message % values if values else message


def ngettext(one: str, many: str, count: float, **values: Any) -> str:
    """The form of the message for that count, which is the value `num`."""
    return (one if count == 1 else many) % {"num": count, **values}


_ = gettext
