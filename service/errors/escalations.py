"""What escalations, and what hangs on them, refuse."""

from service.errors.base import TriageError


class EscalationClosedError(TriageError):
    """The escalation is resolved; take it up again before changing it."""

    status = 409
    code = "escalation_closed"


class TransitionError(TriageError):
    """An escalation cannot go from the state it is in to this one."""

    status = 409
    code = "transition_refused"


class ChangedMeanwhileError(TriageError):
    """The escalation was changed by somebody else since it was read."""

    status = 409
    code = "escalation_changed"


class MatrixChangedError(TriageError):
    """Somebody else has saved a version of the matrix of clocks meanwhile."""

    status = 409
    code = "matrix_changed"


class FindingChangedError(TriageError):
    """Somebody else changed the cause or the action first; load it again before changing it."""

    status = 409
    code = "finding_changed"
