"""What must not go out with a reply: pure checks of its subject and text, each naming the place."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from service.names import name_pattern, naming
from service.personal import personal_data
from service.replies.placeholders import place_of, placeholders, stray_braces

Check = Literal["placeholder", "staff", "namesake", "internal", "personal", "media", "recipient"]
# Who gets no personal data of others: what they are told may be printed, or passed on.
PUBLIC = frozenset({"press", "partner"})
# Words in a row that are no coincidence; each character of a script without spaces counts as a word.
PASSAGE_WORDS = 8
_SHOWN_CHARACTERS = 60
_UNNAMED = "replies name no member of staff; sign as the team"
_NAMESAKE = "this is also a user name; confirm that nobody of the staff is meant, or say it otherwise"

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_MEDIA = re.compile(
    r"data:(?:image|video|audio)/\S*|/v1/media/\S*|<img\b[^<>]*>?|!\[[^\[\]]{0,300}\]\([^()]*\)?", re.IGNORECASE
)
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be sent, and to whom."""

    source: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Against:
    """What a letter is held against."""

    # Names of all accounts of people.
    staff: Collection[str] = ()
    # What was said among colleagues or under privilege.
    withheld: Sequence[str] = ()
    # What may be said again: what the requester wrote, what they were told before, the template.
    open: Sequence[str] = ()
    # Ids of media, as text.
    media: Collection[str] = ()
    # The requester's own name and addresses, and those that replies come from.
    own: Collection[str] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a letter cannot be sent: the part and line it is in (from 1), what stands there, and what to do."""

    check: Check
    part: Literal["subject", "body", "recipients"]
    line: int
    column: int
    found: str
    mend: str

    def words(self) -> str:
        """As one line of an error."""
        place = self.part if self.part != "body" else f"body, line {self.line}, column {self.column}"
        return f"{place}: “{self.found}”: {self.mend}"


def problems(letter: Letter, against: Against) -> list[Problem]:
    """Everything that keeps a letter from being sent, in reading order."""
    found = [
        one
        for part, text in (("subject", letter.subject), ("body", letter.body))
        for one in _in_part(_Part(part, text), letter, against)  # type: ignore[arg-type]
    ]
    return sorted(found, key=lambda one: (one.part != "subject", one.line, one.column))


@dataclass(frozen=True, slots=True)
class _Part:
    name: Literal["subject", "body"]
    text: str

    def problem(self, check: Check, at: int, found: str, mend: str) -> Problem:
        line, column = place_of(self.text, at)
        return Problem(check, self.name, line, column, _short(found), mend)


def _in_part(part: _Part, letter: Letter, against: Against) -> Iterator[Problem]:
    yield from _unfilled(part)
    yield from _staff(part, against)
    yield from _withheld(part, against)
    yield from _media(part, against)
    if letter.source in PUBLIC:
        yield from _personal(part, against)


def _unfilled(part: _Part) -> Iterator[Problem]:
    for one in placeholders(part.text):
        yield Problem("placeholder", part.name, one.line, one.column, one.text, "fill this in")
    for line, column in stray_braces(part.text):
        yield Problem("placeholder", part.name, line, column, "{{ or }}", "take the double brace out or fill it in")


def _staff(part: _Part, against: Against) -> Iterator[Problem]:
    # The reader's own name may be somebody's user name as well.
    own = [match.span() for one in against.own for match in re.finditer(re.escape(one), part.text, re.IGNORECASE)]
    folded = part.text.casefold()
    # Of thousands of names hardly one is there: the rest needs no pattern.
    for name in sorted(one for one in against.staff if re.split(r"[._-]", one)[0].casefold() in folded):
        for found in name_pattern(name).finditer(part.text):
            if any(start <= found.start() and found.end() <= end for start, end in own):
                continue
            match naming(part.text, name, *found.span()):
                case "named":
                    yield part.problem("staff", found.start(), found[0], _UNNAMED)
                case "doubtful":
                    yield part.problem("namesake", found.start(), found[0], _NAMESAKE)
                case "word":
                    pass


def _withheld(part: _Part, against: Against) -> Iterator[Problem]:
    words = _words(part.text)
    hidden = _runs(against.withheld) & _runs([part.text])
    if hidden:
        # What was said openly may be long, and hardly ever matters.
        hidden -= _runs(against.open)
    end = -1
    for first in range(len(words) - PASSAGE_WORDS + 1):
        run = words[first : first + PASSAGE_WORDS]
        if tuple(word for word, _, _ in run) not in hidden:
            continue
        if first > end:
            passage = part.text[run[0][1] : run[-1][2]]
            yield part.problem(
                "internal", run[0][1], passage, "this passage is also in internal text; say it otherwise"
            )
        end = first + PASSAGE_WORDS - 1


def _words(text: str) -> list[tuple[str, int, int]]:
    return [(match[0].casefold(), match.start(), match.end()) for match in _WORD.finditer(text)]


def _runs(texts: Iterable[str]) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for text in texts:
        words = [word for word, _, _ in _words(text)]
        found.update(tuple(words[at : at + PASSAGE_WORDS]) for at in range(len(words) - PASSAGE_WORDS + 1))
    return found


def _media(part: _Part, against: Against) -> Iterator[Problem]:
    mend = "replies hold no media and no addresses of any"
    for match in _MEDIA.finditer(part.text):
        yield part.problem("media", match.start(), match[0], mend)
    known = {one.casefold() for one in against.media}
    for match in _UUID.finditer(_MEDIA.sub(lambda one: " " * len(one[0]), part.text)):
        if match[0].casefold() in known:
            yield part.problem("media", match.start(), match[0], mend)


def _personal(part: _Part, against: Against) -> Iterator[Problem]:
    for one in personal_data(part.text, allowed=against.own):
        yield part.problem(
            "personal", one.start, one.text, f"leave this out: it looks like {one.kind} of somebody else"
        )


def uuids(text: str) -> set[str]:
    """Every id in a text, in lower case."""
    return {match[0].casefold() for match in _UUID.finditer(text)}


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
