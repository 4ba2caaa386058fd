"""The tree of errors: one code for each, and a status that fits."""

from collections.abc import Iterator

import pytest

from service.errors.access import NotSignedInError
from service.errors.availability import OverloadedError
from service.errors.base import TriageError


def tree(kind: type[TriageError]) -> Iterator[type[TriageError]]:
    yield kind
    for inner in kind.__subclasses__():
        yield from tree(inner)


EVERY = list(tree(TriageError))


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [one.code for one in EVERY]
    assert len(set(codes)) == len(codes) > 15


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.code)
def test_an_error_has_the_one_shape(kind: type[TriageError]) -> None:
    error = kind("what was wrong")
    assert error.shape() == {"error": kind.code, "detail": "what was wrong"}
    assert 400 <= kind.status < 600
    assert kind.code == kind.code.lower()
    assert kind.__name__.endswith("Error")
    assert kind.__doc__


@pytest.mark.parametrize("kind", [OverloadedError, NotSignedInError], ids=lambda kind: kind.code)
def test_errors_that_ask_for_something_say_so_in_a_header(kind: type[TriageError]) -> None:
    assert kind("what was wrong").headers.keys() & {"Retry-After", "WWW-Authenticate"}
