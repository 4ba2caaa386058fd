"""The language of questions: what is read, what is refused and how that is told, and what could go on."""

from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.search.completions import complete
from service.search.fields import FIELDS
from service.search.moments import Span
from service.search.query import Filter, Query, QueryError, Word, Words, parse
from service.search.schemas import Status

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
VALUES = {"area": ("harassment", "spam"), "queue": ("default", "adult"), "lang": ("en", "es")}
ID = "0199a0b1-0000-7000-8000-0000000000aa"


def read(said: str) -> Query:
    return parse(said, now=NOW, values=VALUES)


def words(*groups: Words) -> Query:
    return Query(words=groups)


def day(year: int, month: int, day_of_month: int) -> datetime:
    return datetime(year, month, day_of_month, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("", Query()),
        ("  refund   scam ", words(Words((Word("refund"),)), Words((Word("scam"),)))),
        ('"send me money"', words(Words((Word("send me money", exact=True),)))),
        ("“send me”", words(Words((Word("send me", exact=True),)))),
        ("-bank", words(Words((Word("bank"),), negated=True))),
        ('-"my bank"', words(Words((Word("my bank", exact=True),), negated=True))),
        ("chargeb*", words(Words((Word("chargeb", beginning=True),)))),
        ("a OR b OR c", words(Words((Word("a"), Word("b"), Word("c"))))),
        ("see https://x.example/a:b", words(Words((Word("see"),)), Words((Word("https://x.example/a:b"),)))),
        ("12:30", words(Words((Word("12:30"),)))),
        ('"area:spam"', words(Words((Word("area:spam", exact=True),)))),
        # In quotation marks an id is letters like others, such as a checksum in a text.
        (f'"{ID}"', words(Words((Word(ID, exact=True),)))),
        ("-", words(Words((Word("-"),)))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_words_are_read_as_people_write_them(said: str, meant: Query) -> None:
    if said == "-":
        with pytest.raises(QueryError, match="no letter and no digit"):
            read(said)
    else:
        assert read(said) == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("area:harassment", Filter("area", values=("harassment",))),
        ("AREA:Spam,harassment", Filter("area", values=("spam", "harassment"))),
        ("-status:decided", Filter("status", negated=True, values=("decided",))),
        ('author:"anna b"', Filter("author", values=("anna b",))),
        ("author:a,b", Filter("author", values=("a,b",))),
        ("reason:other,thing", Filter("reason", values=("other", "thing"))),
        ("severity:>=3", Filter("severity", least=3)),
        ("severity:2", Filter("severity", least=2, most=2)),
        ("reports:<10", Filter("reports", most=9)),
        ("reports:>10", Filter("reports", least=11)),
        ("decided:me", Filter("decided", values=("me",))),
        ("decided:today", Filter("decided", span=Span(day(2026, 11, 30), day(2026, 12, 1)))),
        ("opened:2026-11", Filter("opened", span=Span(day(2026, 11, 1), day(2026, 12, 1)))),
        ("opened:2026", Filter("opened", span=Span(day(2026, 1, 1), day(2027, 1, 1)))),
        ("opened:>2026-11-01", Filter("opened", span=Span(day(2026, 11, 2), None))),
        ("opened:>=2026-11-01", Filter("opened", span=Span(day(2026, 11, 1), None))),
        ("opened:<2026-12", Filter("opened", span=Span(None, day(2026, 12, 1)))),
        ("opened:<=2026-12", Filter("opened", span=Span(None, day(2027, 1, 1)))),
        ("opened:2026-11-01..2026-11-07", Filter("opened", span=Span(day(2026, 11, 1), day(2026, 11, 8)))),
        ("opened:7d", Filter("opened", span=Span(NOW - timedelta(days=7), None))),
        ("due:4h", Filter("due", span=Span(NOW, NOW + timedelta(hours=4)))),
        ("due:over", Filter("due", span=Span(None, NOW))),
        (f"case:{ID}", Filter("case", found=UUID(ID))),
        (ID, Filter("case", found=UUID(ID))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_filters_are_read(said: str, meant: Filter) -> None:
    assert read(said) == Query(filters=(meant,))


@pytest.mark.parametrize(
    ("said", "part", "words_of_it"),
    [
        ("money aera:spam", "aera:spam", 'there is no filter "aera:"; did you mean "area:"?'),
        ("area:harasment", "area:harasment", 'did you mean "area:harassment"?'),
        ("status:gone", "status:gone", "known are open, leased, held, shed, decided"),
        ("area:", "area:", 'nothing stands behind "area:"; write it as area:harassment'),
        ("area:,", "area:,", "takes 1 to 20 values"),
        ('say "money', '"money', "never closed"),
        ("severity:5", "severity:5", "goes from 0 to 4"),
        ("severity:high", "severity:high", "takes a whole number, as in severity:>=3"),
        ("opened:2026-02-30", "opened:2026-02-30", "there is no date 2026-02-30"),
        ("opened:2026-00", "opened:2026-00", "there is no date 2026-00"),
        ("opened:soon", "opened:soon", "takes a date or an age"),
        ("opened:9999", "opened:9999", "there is no date 9999"),
        ("x OR", "OR", "OR stands between two words"),
        ("OR x", "OR", "OR stands between two words"),
        ("x OR area:spam", "OR", "area:spam,scam"),
        ("!!! x", "!!!", "no letter and no digit"),
        ("case:abc", "case:abc", "takes a whole id"),
        ("w " * 21, "w ", "at most 20 parts"),
    ],
    ids=lambda value: value[:30],
)
def test_what_cannot_be_read_is_told_with_its_place_and_how_to_mend_it(said: str, part: str, words_of_it: str) -> None:
    with pytest.raises(QueryError) as caught:
        read(said)
    assert words_of_it in caught.value.message
    assert said[caught.value.start : caught.value.end] == part


def test_a_question_is_of_limited_length() -> None:
    with pytest.raises(QueryError, match="at most 500 characters"):
        read("x" * 501)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused_with_a_place_in_it(said: str) -> None:
    try:
        read(said)
    except QueryError as error:
        place = error.start, error.end
    else:
        place = 0, len(said)
    assert 0 <= place[0] <= place[1] <= len(said)


def test_states_are_those_of_cases() -> None:
    assert FIELDS["status"].values == get_args(Status)


@pytest.mark.parametrize(
    ("said", "inserted"),
    [
        ("", []),
        ("money ", []),
        ("money ar", ["area:"]),
        ("-ar", ["area:"]),
        ("area:", ["harassment", "spam"]),
        ("area:h", ["harassment"]),
        ("area:ass", ["harassment"]),
        ("area:spam,h", ["harassment"]),
        ("status:o", ["open"]),
        ("decided:", ["me", "today", "7d"]),
        ("author:", []),
        ("none:x", []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_question_can_be_completed(said: str, inserted: list[str]) -> None:
    found = complete(said, len(said), VALUES)
    assert [one.insert for one in found][: len(inserted) or 1] == inserted
    for one in found:
        assert one.end == len(said)
        assert one.insert.startswith(said[one.start :].lstrip("-")) or said[one.start :] in one.insert
