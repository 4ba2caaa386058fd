"""The states of a record as one table: which verb leads from where to where. Pure."""

from collections.abc import Mapping
from typing import get_args

from service.errors.escalations import TransitionError
from service.escalations.schemas import Status, Verb

_OPEN: tuple[Status, ...] = ("new", "needs_information", "working", "waiting")


def _all(to: Status, *sources: Status) -> dict[Status, Status]:
    return dict.fromkeys(sources, to)


# Who works on it changes nothing about what it waits for: pauses are kept when a record changes hands.
_HANDS: Mapping[Status, Status] = {
    "new": "working",
    "working": "working",
    "waiting": "waiting",
    "needs_information": "needs_information",
}
TABLE: Mapping[Verb, Mapping[Status, Status]] = {
    "take": _HANDS,
    "assign": _HANDS,
    "release": {"new": "new", "working": "new", "waiting": "waiting", "needs_information": "needs_information"},
    "wait": _all("waiting", *_OPEN),
    "ask": _all("needs_information", "new", "working", "waiting"),
    "go_on": _all("working", "waiting", "needs_information"),
    "resolve": _all("resolved", *_OPEN),
    "take_up": {"resolved": "working"},
}


def after(verb: Verb, status: Status, *, owned: bool) -> Status:
    """The state that a verb leads to; `owned`: whether somebody has the record then. Raises TransitionError.

    What goes on without anybody who works on it waits as new for whoever takes it.
    """
    to = TABLE[verb].get(status)
    if to is None:
        raise TransitionError(f"this escalation is {spoken(status)}: {_instead(status)}")
    return "new" if to == "working" and not owned else to


def possible(status: Status) -> list[Verb]:
    """The verbs that lead anywhere from this state."""
    return [verb for verb in TABLE if status in TABLE[verb]]


def spoken(status: Status) -> str:
    """A state as it stands in a sentence."""
    return {"needs_information": "short of information", "working": "being worked on"}.get(status, status)


def _instead(status: Status) -> str:
    verbs = ", ".join(verb.replace("_", " ") for verb in possible(status))
    return f"what can be done is {verbs}"


STATUSES: tuple[Status, ...] = get_args(Status)
