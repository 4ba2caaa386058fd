"""What appeals refuse."""

from service.errors.base import TriageError


class NotAppealableError(TriageError):
    """Nothing can be filed against this decision by this side: it was undone, can still be undone, or is not of that kind."""

    status = 409
    code = "not_appealable"


class AppealWindowClosedError(TriageError):
    """The time to file an appeal against this decision is over."""

    status = 409
    code = "appeal_window_closed"


class AppealFiledError(TriageError):
    """An appeal of this side against the decision is open, or this appellant was answered before."""

    status = 409
    code = "appeal_filed"


class AppealClosedError(TriageError):
    """The appeal is decided or was withdrawn."""

    status = 409
    code = "appeal_closed"


class SamePersonError(TriageError):
    """The caller had a part in what is appealed: somebody else has to decide."""

    status = 409
    code = "same_person"


class PersonNeededError(TriageError):
    """An appeal is decided by a person who is signed in, never with a key alone."""

    status = 403
    code = "person_needed"
