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
# Who or what a text names, in the order in which it is replaced.
IDENTITIES = ((_URL, "[URL]"), (_EMAIL, "[EMAIL]"), (_HANDLE, "@user"))
SPACE = re.compile(r"\s+")
# Control characters and others that draw nothing and serve mostly to split a word past a filter, and halves of surrogate
# pairs, which no tokenizer takes. The joiners of emoji and of Indic scripts (U+200C, U+200D) carry meaning and stay.
NOTHING = re.compile(
    "[\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff\ud800-\udfff]"
)


def clean_text(text: str) -> str:
    """Return the model text of `text`: at most MAX_CHARACTERS characters, one line, NFC, placeholders for identities."""
    # The cut comes twice: first so that a megabyte of input costs no more than a page, then for the promise.
    text = html.unescape(text[: 4 * MAX_CHARACTERS])
    text = unicodedata.normalize("NFC", NOTHING.sub("", text))
    for pattern, placeholder in IDENTITIES:
        text = pattern.sub(placeholder, text)
    return SPACE.sub(" ", text).strip()[:MAX_CHARACTERS].rstrip()
