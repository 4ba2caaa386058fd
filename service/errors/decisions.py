"""Decisions, their undo, and webhooks that tell of them."""

from service.errors.base import TriageError


class UndoExpiredError(TriageError):
    """The undo window of the decision has passed, or it was undone before."""

    status = 409
    code = "undo_expired"


class PreviewStaleError(TriageError):
    """The preview of a cluster decision is not the caller's, is too old, or shows other content than the case has now."""

    status = 409
    code = "preview_stale"


class ActionNotAllowedError(TriageError):
    """An action that the case's queue or the caller's role does not offer."""

    status = 403
    code = "action_not_allowed"


class ActionWithoutEffectError(TriageError):
    """An action that could have no effect on this case, such as one on an author who is not known."""

    status = 422
    code = "action_without_effect"


class UnknownLabelError(TriageError):
    """A policy area or action that is not in the taxonomy."""

    status = 422
    code = "unknown_label"


class NotDeadLetterError(TriageError):
    """The webhook message was not given up: it waits, was delivered, or was taken back."""

    status = 409
    code = "not_dead_letter"


class WebhookClosedError(TriageError):
    """The webhook was closed; nothing is sent to it."""

    status = 409
    code = "webhook_closed"


class WebhookPausedError(TriageError):
    """The webhook is paused: its messages wait until it goes on."""

    status = 409
    code = "webhook_paused"
