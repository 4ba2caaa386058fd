"""Checks of decisions, objections, and labels that look wrong."""

from service.errors.base import TriageError


class CheckSettledError(TriageError):
    """A check is settled or in another state by now, or the caller had a part in what it is about."""

    status = 409
    code = "check_settled"


class ObjectionRefusedError(TriageError):
    """An objection comes too late, was made before, or is about a settlement that no longer stands."""

    status = 409
    code = "objection_refused"


class OwnLabelError(TriageError):
    """The label that looks wrong is of the caller's own decision; somebody else has to look at it."""

    status = 409
    code = "own_label"


class SuspectSettledError(TriageError):
    """The label that looks wrong is not for this person: looked at before, checked, or not in their languages."""

    status = 409
    code = "suspect_settled"
