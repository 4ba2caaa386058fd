"""Claiming, holding and handing on cases, their clocks, and what is asked about them."""

from service.errors.base import TriageError


class LeaseStaleError(TriageError):
    """The lease token is not the live one of this case: it lapsed, was released, or the case is decided."""

    status = 409
    code = "lease_stale"


class LeaseAtLimitError(TriageError):
    """The lease has been renewed as often as it can be; it ends at the time that was told last."""

    status = 409
    code = "lease_at_limit"


class TooManyHeldError(TriageError):
    """The person has as many cases kept back as one person may have."""

    status = 409
    code = "too_many_held"


class NoTimeToHoldError(TriageError):
    """The case has reached its latest start and cannot be kept from its queue."""

    status = 409
    code = "no_time_to_hold"


class PrefetchRefusedError(TriageError):
    """The next case is fetched ahead only for somebody who holds exactly one, and only one."""

    status = 409
    code = "prefetch_refused"


class CannotReceiveError(TriageError):
    """The person named cannot be handed this case."""

    status = 422
    code = "cannot_receive"


class ContentChangedError(TriageError):
    """The content was edited while the reviewer held the case; the next attempt decides what is shown now."""

    status = 409
    code = "content_changed"


class CaseNotOpenError(TriageError):
    """The case cannot be claimed: somebody has it or keeps it back, or it is decided."""

    status = 409
    code = "case_not_open"


class CaseDecidedError(TriageError):
    """The case is decided: what was asked for makes sense only while it waits."""

    status = 409
    code = "case_decided"


class ClockReplacedError(TriageError):
    """The clock no longer runs: another one took its place before."""

    status = 409
    code = "clock_replaced"


class HintsUnavailableError(TriageError):
    """No hints can be given on this case: no score, no text, or the bundle that scored it is not at work."""

    status = 404
    code = "hints_unavailable"


class OwnQuestionError(TriageError):
    """The caller asked for a second opinion on this case; somebody else has to answer."""

    status = 409
    code = "own_question"


class OpinionWaitingError(TriageError):
    """A second opinion is wanted on this case already."""

    status = 409
    code = "opinion_waiting"


class OpinionSettledError(TriageError):
    """The second opinion was given, or the question was withdrawn before."""

    status = 409
    code = "opinion_settled"
