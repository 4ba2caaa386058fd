"""What replies to whoever raised an escalation refuse."""

from service.errors.base import TriageError


class ReplyRefusedError(TriageError):
    """The reply holds what must not go out, or lacks what it needs; the detail names each place."""

    status = 422
    code = "reply_refused"


class ReplyOpenError(TriageError):
    """A reply of this escalation is being written already; finish or discard it first."""

    status = 409
    code = "reply_open"


class ReplyChangedError(TriageError):
    """Somebody changed the reply meanwhile, or it is no longer in the state that this needs; look at it again."""

    status = 409
    code = "reply_changed"


class ApprovalNeededError(TriageError):
    """The rules ask that another person approves this reply before it is sent."""

    status = 409
    code = "approval_needed"


class OwnReplyError(TriageError):
    """Whoever wrote in a reply cannot approve it; another person has to."""

    status = 403
    code = "own_reply"


class NoSenderError(TriageError):
    """Nothing is set up that replies could be sent with, so nothing was sent."""

    status = 409
    code = "no_sender"


class TooLateToUndoError(TriageError):
    """The reply is being sent or was sent, and cannot be taken back any more."""

    status = 409
    code = "reply_sent"
