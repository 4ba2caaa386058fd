"""Texts on pages with slurs and graphic words masked: their letters are not in the page until somebody asks for them."""

from collections.abc import Iterable, Sequence
from typing import Any

from anyio import to_thread
from fastapi import Request
from markupsafe import Markup, escape
from sqlalchemy.ext.asyncio import AsyncConnection

from service.masking import Segment, whole
from service.media.viewing.workflow import preferences_of
from service.pages.language import N_, _
from service.security import Principal
from service.spans.workflow import Covering

DOT = "•"
# More of a text than any link shows.
SNIPPET = 1_000
SHOW = (("M",), N_("Show all masked words, or mask them again"))
HIDE = (("Esc",), N_("Mask the words again that were shown; leave a field"))

_BUTTON = Markup(
    '<button type="button" class="masked" dir="auto" data-of="{of}" data-index="{index}" data-number="{number}"'
    ' aria-label="{label}">{dots}</button>'
)


class Masker:
    """Writes the texts of one page. Masked parts are numbered through; `at` is where they are asked for."""

    def __init__(self, covering: Covering, at: str, *, on: bool) -> None:
        self.at = at
        self._covering = covering
        self._on = on
        self._number = 0
        self._pieces: dict[str, list[Segment]] = {}

    def prepare(self, texts: Iterable[str]) -> None:
        """Look through texts that are going to be written: for a long one it takes a while."""
        for text in texts:
            self._of(text)

    def __call__(self, text: str) -> Markup:
        """A text as markup, with a button in the place of each masked part."""
        of = self._covering.name(text)
        return Markup("").join(
            escape(one.text) if one.index is None else self._button(text, one, of) for one in self._of(text)
        )

    def blanked(self, text: str) -> str:
        """A text with dots for what is masked, for where nothing can be uncovered."""
        return "".join(DOT * one.length if one.index is not None else one.text for one in self._of(text))

    def snippet(self, text: str) -> str:
        """The beginning of a text as `blanked` gives it, for links."""
        return self.blanked(text[:SNIPPET])

    def any_in(self, texts: Iterable[str]) -> bool:
        """Whether a part of one of these texts is masked."""
        return any(one.index is not None for text in texts for one in self._of(text))

    def _of(self, text: str) -> list[Segment]:
        if text not in self._pieces:
            self._pieces[text] = self._covering.masking.mask(text) if self._on else whole(text)
        return self._pieces[text]

    def _button(self, text: str, one: Segment, of: str) -> Markup:
        self._number += 1
        # Of the two characters that end a line a browser makes one; places of hints are counted so as well.
        length = one.length - text.count("\r\n", one.start, one.start + one.length)
        label = _("masked word %(number)s, show", number=self._number)
        return _BUTTON.format(of=of, index=one.index, number=self._number, label=label, dots=DOT * length)


async def masking_of(
    request: Request, connection: AsyncConnection, me: Principal, *, at: str, texts: Sequence[str]
) -> dict[str, Any]:
    """What templates need to mask these and other texts as this person wants it; on for who never said."""
    wish = await preferences_of(connection, me.id)
    masked = Masker(request.app.state.covering, at, on=wish.mask_text)
    # One or two milliseconds for each thousand characters, which other callers need not wait for.
    await to_thread.run_sync(masked.prepare, texts)
    return {"masked": masked, "any_masked": masked.any_in(texts)}
