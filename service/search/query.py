"""The language of questions: words, "phrases", -not, word*, one OR other, and filters such as area:harassment. Pure."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.search.fields import FIELDS, Field
from service.search.moments import MomentError, Span, read_span

MOST_CHARACTERS = 500
MOST_TERMS = 20
MOST_VALUES = 20
SEVERITIES = range(5)

_SPACE = re.compile(r"\s+")
_NAME = re.compile(r"-?([A-Za-z]+):(?!//)")
_QUOTES = str.maketrans("“”„‟«»", '""""""')
_COUNT = re.compile(r"(>=|<=|>|<|)(\d{1,9})")


class QueryError(ValueError):
    """A question that cannot be read: where (characters from `start` up to `end`), and how to mend it."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class Word:
    """Words as they were typed: in quotes exactly so, with a star at the end the beginning of a word."""

    text: str
    exact: bool = False
    beginning: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """Any of these, or with `negated` none of them."""

    any_of: tuple[Word, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: any of the values; `least` and `most` of a count; `span` of a date; `found` of an id."""

    field: str
    negated: bool = False
    values: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    span: Span | None = None
    found: UUID | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What a question asks for: all of it has to be true."""

    words: tuple[Words, ...] = ()
    filters: tuple[Filter, ...] = ()

    @property
    def positive(self) -> tuple[Words, ...]:
        """What has to be found."""
        return tuple(one for one in self.words if not one.negated)


@dataclass(frozen=True, slots=True)
class _Term:
    """A piece of the question between spaces; `value` is without quotes and what stands before it."""

    start: int
    end: int
    negated: bool
    field: str
    value: str
    quoted: bool


def parse(said: str, *, now: datetime, values: Mapping[str, Sequence[str]] | None = None) -> Query:
    """Read a question. `values` are the names that fields know at this moment. Raises QueryError."""
    if len(said) > MOST_CHARACTERS:
        raise QueryError(
            f"a question has at most {MOST_CHARACTERS} characters; leave some out", MOST_CHARACTERS, len(said)
        )
    terms = _terms(said.translate(_QUOTES))
    if len(terms) > MOST_TERMS:
        raise QueryError(
            f"a question has at most {MOST_TERMS} parts; leave some out", terms[MOST_TERMS].start, len(said)
        )
    words: list[Words] = []
    filters: list[Filter] = []
    joins = False
    for place, term in enumerate(terms):
        if _is_or(term):
            _check_or(terms, place)
            joins = True
        elif term.field:
            filters.append(_filter(term, now=now, values=values or {}))
        elif not term.quoted and (found := as_uuid(term.value)) is not None:
            filters.append(Filter("case", term.negated, found=found))
        elif joins:
            words[-1] = Words((*words[-1].any_of, _word(term)))
        else:
            words.append(Words((_word(term),), term.negated))
        joins = joins and _is_or(term)
    return Query(tuple(words), tuple(filters))


def as_uuid(value: str) -> UUID | None:
    """The id that a word is, or None."""
    try:
        return UUID(value) if len(value) in {32, 36} else None
    except ValueError:
        return None


def _terms(said: str) -> list[_Term]:
    terms = []
    place = 0
    while place < len(said):
        if space := _SPACE.match(said, place):
            place = space.end()
            continue
        start, negated, field = place, False, ""
        if named := _NAME.match(said, place):
            negated, field, place = said[place] == "-", named[1].lower(), named.end()
        elif said[place] == "-" and place + 1 < len(said) and not said[place + 1].isspace():
            negated, place = True, place + 1
        quoted = place < len(said) and said[place] == '"'
        if quoted:
            close = said.find('"', place + 1)
            if close < 0:
                raise QueryError('this quotation mark is never closed; add a " behind the last word', place, len(said))
            value, place = said[place + 1 : close], close + 1
        else:
            space = _SPACE.search(said, place)
            end = space.start() if space else len(said)
            value, place = said[place:end], end
        terms.append(_Term(start, place, negated, field, value.strip(), quoted))
    return terms


def _is_or(term: _Term) -> bool:
    return term.value == "OR" and not (term.quoted or term.field or term.negated)


def _check_or(terms: Sequence[_Term], place: int) -> None:
    term = terms[place]
    beside = [terms[at] for at in (place - 1, place + 1) if 0 <= at < len(terms)]
    if len(beside) < 2 or any(
        one.field or one.negated or _is_or(one) or (as_uuid(one.value) and not one.quoted) for one in beside
    ):
        raise QueryError(
            'OR stands between two words, as in "refund OR chargeback"; of a filter several values are written with commas,'
            " as in area:spam,scam",
            term.start,
            term.end,
        )


def _word(term: _Term) -> Word:
    beginning = not term.quoted and term.value.endswith("*")
    text = term.value.rstrip("*") if beginning else term.value
    if not any(map(str.isalnum, text)) and text.isascii():
        raise QueryError("there is no letter and no digit to look for here; leave it out", term.start, term.end)
    return Word(text, exact=term.quoted, beginning=beginning)


def _filter(term: _Term, *, now: datetime, values: Mapping[str, Sequence[str]]) -> Filter:
    field = FIELDS.get(term.field)
    if field is None:
        raise QueryError(_unknown_field(term.field), term.start, term.end)
    if not term.value:
        raise QueryError(f'nothing stands behind "{field.name}:"; write it as {field.example}', term.start, term.end)
    if field.kind == "count":
        return _count(term, field)
    if field.kind == "date" or (field.kind == "person" and _is_date(term.value)):
        return Filter(field.name, term.negated, span=_span(term, field, now))
    if field.kind == "id":
        return _id(term, field)
    given = (term.value,) if term.quoted or field.kind == "part" else tuple(filter(None, term.value.split(",")))
    if not given or len(given) > MOST_VALUES:
        raise QueryError(f"{field.name}: takes 1 to {MOST_VALUES} values, separated by commas", term.start, term.end)
    known = field.values or tuple(values.get(field.name, ()))
    return Filter(field.name, term.negated, tuple(_known(one, term, field, known) for one in given))


def _known(value: str, term: _Term, field: Field, known: Sequence[str]) -> str:
    """The value as it is known. Where a list is empty, whatever is asked for goes."""
    if not known or field.kind in {"part", "person"}:
        return value
    plain = value.lower().replace(" ", "_")
    if plain in known:
        return plain
    near = difflib.get_close_matches(plain, known, n=1)
    mend = f'did you mean "{field.name}:{near[0]}"?' if near else f"known are {', '.join(known[:12])}"
    raise QueryError(f"{field.name}: knows no {value!r}; {mend}", term.start, term.end)


def _unknown_field(name: str) -> str:
    near = difflib.get_close_matches(name, FIELDS, n=1)
    mend = f'did you mean "{near[0]}:"?' if near else f"there are {', '.join(FIELDS)}."
    return f'there is no filter "{name}:"; {mend} To look for these letters as they are, put them in quotation marks'


def _count(term: _Term, field: Field) -> Filter:
    found = _COUNT.fullmatch(term.value)
    if found is None:
        raise QueryError(f"{field.name}: takes a whole number, as in {field.example}", term.start, term.end)
    sign, number = found[1], int(found[2])
    if field.name == "severity" and number not in SEVERITIES:
        raise QueryError("severity: goes from 0 to 4, as in severity:>=3", term.start, term.end)
    least = {"": number, ">=": number, ">": number + 1}.get(sign)
    most = {"": number, "<=": number, "<": number - 1}.get(sign)
    return Filter(field.name, term.negated, least=least, most=most)


def _is_date(value: str) -> bool:
    return value[:1] in "<>" or value[:1].isdigit() or value in {"today", "yesterday"}


def _span(term: _Term, field: Field, now: datetime) -> Span:
    try:
        return read_span(term.value.lower(), now=now, ahead=field.name == "due")
    except MomentError as error:
        raise QueryError(f"{field.name}: {error}", term.start, term.end) from error


def _id(term: _Term, field: Field) -> Filter:
    found = as_uuid(term.value)
    if found is None:
        raise QueryError(
            f"{field.name}: takes a whole id; the last letters of one are found as a word, without {field.name}:",
            term.start,
            term.end,
        )
    return Filter(field.name, term.negated, found=found)
