"""How closed a record is: what it is by default, and who may let others see it. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from service.errors.access import ForbiddenError
from service.errors.requests import InvalidRequestError
from service.escalations.schemas import Confidentiality, Path

# From what everybody who works on escalations sees to what named people see.
CLOSER: tuple[Confidentiality, ...] = ("normal", "confidential", "restricted")
# On this path no bytes that came with a record are kept.
NOTHING_KEPT: Path = "child_safety"
NOTHING_KEPT_WORDS = "of what may be abuse of a child nothing is kept; give addresses and ids only"
# What the default goes by beside the source, which never changes.
BY_DEFAULT = frozenset({"trigger", "policy_area"})
Closed = tuple[Confidentiality, Path | None]
# How closed a record of this source, trigger and policy area is by default.
Default = Callable[[str, str, str | None], Closed]


@dataclass(frozen=True, slots=True)
class Closing:
    """The defaults, and whether whoever changes a record may let others see it."""

    default: Default
    may_open: bool


def is_closer(one: Confidentiality, other: Confidentiality) -> bool:
    """Whether fewer people see the one than the other."""
    return CLOSER.index(one) > CLOSER.index(other)


def raised(row: Row[Any], given: Mapping[str, Any], closing: Closing) -> dict[str, Any]:
    """What a change of facts makes of how closed a record is, where whoever changes it says nothing of that."""
    if given.keys() & {"confidentiality", "path"}:
        return {}
    confidentiality, path = _default(row, given, closing)
    return {"confidentiality": confidentiality, "path": path} if is_closer(confidentiality, row.confidentiality) else {}


def require_opener(row: Row[Any], given: Mapping[str, Any], closing: Closing) -> None:
    """Whoever lets others see a record, or keeps it more open than its default, has the right to and says why.

    Raises ForbiddenError or InvalidRequestError.
    """
    after: Confidentiality = given.get("confidentiality", row.confidentiality)
    least: Confidentiality = max(row.confidentiality, _default(row, given, closing)[0], key=CLOSER.index)
    others = row.path is not None and given.get("path", row.path) not in (None, row.path)
    if not is_closer(least, after) and not others:
        return
    if not closing.may_open:
        raise ForbiddenError(
            f"confidentiality: this record is {least} by what it is or by what somebody made it; only whoever manages"
            " escalations (escalation.manage) lets others see it, and says why"
        )
    if not given.get("reason"):
        raise InvalidRequestError("reason: say why others are to see this record from now on")


def _default(row: Row[Any], given: Mapping[str, Any], closing: Closing) -> Closed:
    """The default of what the record becomes; where nothing that it goes by changes, whatever it is now is right."""
    if not any(name in given and given[name] != getattr(row, name) for name in BY_DEFAULT):
        return row.confidentiality, row.path
    return closing.default(row.source, given.get("trigger", row.trigger), given.get("policy_area", row.policy_area))
