"""What crises and continuity plans refuse."""

from service.errors.base import TriageError


class CrisisStateError(TriageError):
    """This is not done with a crisis in the state that it is in: the text says which, and what can be done."""

    status = 409
    code = "crisis_state"


class CrisisChangedError(TriageError):
    """The crisis or the plan was changed since it was looked at; look again before approving or saving."""

    status = 409
    code = "crisis_changed"


class SecondPersonError(TriageError):
    """Its owner cannot approve it: a second person has to look at it."""

    status = 403
    code = "own_crisis"
