"""Text as the model sees it: one implementation, used by training, evaluation and serving alike.

Links, handles and mail addresses become placeholders: a model must not learn who wrote something, and the public
sources it is trained on had theirs replaced in the same way.
"""

import html
import re
import unicodedata

MAX_CHARACTERS = 4_000

_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"']+", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_HANDLE = re.compile(r"(?<![\w@])@+\w{2,}(?:[.-]\w+)*")
_SPACE = re.compile(r"\s+")
# Characters that draw nothing and serve mostly to split a word past a filter, and halves of surrogate pairs, which no
# tokenizer takes. The joiners of emoji and of Indic scripts (U+200C, U+200D) carry meaning and stay.
_NOTHING = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Return the model text of `text`: at most MAX_CHARACTERS characters, one line, NFC, placeholders for identities."""
    # The cut comes twice: first so that a megabyte of input costs no more than a page, then for the promise.
    text = html.unescape(text[: 4 * MAX_CHARACTERS])
    text = unicodedata.normalize("NFC", _NOTHING.sub("", text))
    text = _URL.sub("[URL]", text)
    text = _EMAIL.sub("[EMAIL]", text)
    text = _HANDLE.sub("@user", text)
    return _SPACE.sub(" ", text).strip()[:MAX_CHARACTERS].rstrip()
