"""Holds a letter against what must not go out, with what the record and the accounts hold now."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors.replies import ReplyRefusedError
from service.replies.checking import store
from service.replies.checking.checks import Against, Letter, Problem, problems, uuids


async def found(
    connection: AsyncConnection,
    escalation: UUID,
    letter: Letter,
    *,
    requester: Mapping[str, str],
    more: Sequence[str] = (),
) -> list[Problem]:
    """Everything that keeps a letter about this record from being sent; `more` are texts that may be said, as templates."""
    ids = uuids(f"{letter.subject}\n{letter.body}")
    against = Against(
        staff=await store.staff(connection),
        withheld=await store.withheld(connection, escalation),
        open=[*await store.said_openly(connection, escalation), *more],
        media=await store.media(connection, ids) if ids else (),
        own=[
            one
            for one in (requester.get("name"), *addresses(requester.get("email", "")), requester.get("reference"))
            if one
        ],
    )
    return problems(letter, against)


def refuse(problems: Sequence[Problem], *, namesakes: Collection[str] = ()) -> list[str]:
    """Raises ReplyRefusedError that names each problem that is left; returns the words that were let through.

    `namesakes` are words that are user names as well, and of which a person says that they mean nobody of the staff.
    """
    confirmed = {one.casefold() for one in namesakes}
    if left := [one for one in problems if one.check != "namesake" or one.found.casefold() not in confirmed]:
        raise ReplyRefusedError("; ".join(one.words() for one in left))
    return list(dict.fromkeys(one.found for one in problems))


def certain(problems: Sequence[Problem]) -> list[Problem]:
    """Without those that are for a person to decide on: of what the product writes by itself, and of what is sent again."""
    return [one for one in problems if one.check != "namesake"]


def addresses(given: str) -> list[str]:
    """The mail addresses that a requester gave: one, or several with commas or semicolons between them."""
    parts = [one.strip() for one in given.replace(";", ",").split(",")]
    return list(dict.fromkeys(one for one in parts if "@" in one))
