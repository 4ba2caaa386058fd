"""A place in a list, as the end of one page and the beginning of the next: opaque to whoever passes it on. Pure."""

import base64
import json
import re
from collections.abc import Sequence
from uuid import UUID

from service.errors.requests import InvalidRequestError

_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?|Infinity")


def write(place: Sequence[str]) -> str:
    """The numbers of a place and the id at its end as one word."""
    return base64.urlsafe_b64encode(json.dumps(list(place), separators=(",", ":")).encode()).decode()


def read(word: str, *, parts: int) -> list[str]:
    """So many numbers, and the id. Raises InvalidRequestError for what was not written for such an order."""
    try:
        *numbers, last = json.loads(base64.urlsafe_b64decode(word.encode()))
        if len(numbers) == parts and all(map(_NUMBER.fullmatch, numbers)):
            return [*numbers, str(UUID(last))]
    except (ValueError, TypeError, AttributeError) as error:
        raise _wrong() from error
    raise _wrong()


def _wrong() -> InvalidRequestError:
    return InvalidRequestError("after: is not the `next` of such a list; begin with the first page")
