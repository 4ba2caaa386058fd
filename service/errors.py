"""Every error the API answers with: one tree, one JSON shape `{"error": code, "detail": text}`.
A subclass fixes status and code; the text says what was wrong, where, and how to mend it.
"""

from collections.abc import Mapping


class TriageError(Exception):
    """Something went wrong on our side; the log holds the failure."""

    # The base of all errors shown to a caller. `headers` go onto the response as they are.

    status = 500
    code = "internal_error"

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})

    def shape(self) -> dict[str, str]:
        """The one JSON form of every error."""
        return {"error": self.code, "detail": self.detail}


class InvalidRequestError(TriageError):
    """The body or a parameter breaks the documented form."""

    status = 422
    code = "invalid_request"


class UnreadableBodyError(TriageError):
    """The body is not JSON in UTF-8."""

    status = 400
    code = "unreadable_body"


class BodyTooLargeError(TriageError):
    """The body is larger than the limit of this address."""

    status = 413
    code = "body_too_large"


class NotSignedInError(TriageError):
    """No key or session, or one that is unknown, expired or revoked."""

    status = 401
    code = "not_signed_in"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class ForbiddenError(TriageError):
    """The caller's role does not include this capability."""

    status = 403
    code = "forbidden"


class CrossSiteRequestError(TriageError):
    """A browser session was used from a page of another site."""

    status = 403
    code = "cross_site_request"


class TooManyAttemptsError(TriageError):
    """Too many failed sign-ins for one account."""

    status = 429
    code = "too_many_attempts"


class NotFoundError(TriageError):
    """There is no such thing, or it is not the caller's to see."""

    status = 404
    code = "not_found"


class MethodNotAllowedError(TriageError):
    """The address exists but not for this method."""

    status = 405
    code = "method_not_allowed"


class IdempotencyConflictError(TriageError):
    """The idempotency key was used before with another body."""

    status = 409
    code = "idempotency_conflict"


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


class NotDeadLetterError(TriageError):
    """The webhook message was not given up: it waits, was delivered, or was taken back."""

    status = 409
    code = "not_dead_letter"


class WebhookClosedError(TriageError):
    """The webhook was closed; nothing is sent to it."""

    status = 409
    code = "webhook_closed"


class NameTakenError(TriageError):
    """The name is already in use."""

    status = 409
    code = "name_taken"


class BankFileError(TriageError):
    """A file of hashes is not in the format that was named; nothing of it was taken."""

    status = 422
    code = "bank_file_unreadable"


class NotBankableError(TriageError):
    """The picture of a decision cannot go into this bank: undone or still undoable, of another area, or too plain to tell."""

    status = 409
    code = "not_bankable"


class RoutingChangedError(TriageError):
    """Somebody saved other routing rules since these were looked at; look again, then save on top of theirs."""

    status = 409
    code = "routing_changed"


class RoutingConflictError(TriageError):
    """Routing rules of which one can never match or leads to a queue that cannot take its cases."""

    status = 422
    code = "routing_conflict"


class QueueInUseError(TriageError):
    """The queue cannot be closed or changed so: a rule leads to it, or undecided cases lie in it."""

    status = 409
    code = "queue_in_use"


class PolicyUnreadError(TriageError):
    """A policy in force has to be read and confirmed before the person is handed another case."""

    status = 409
    code = "policy_unread"


class PolicyFixedError(TriageError):
    """The policy version is published, withdrawn or being tried out: it stays as it was read."""

    status = 409
    code = "policy_fixed"


class UnknownLabelError(TriageError):
    """A policy area or action that is not in the taxonomy."""

    status = 422
    code = "unknown_label"


class UnknownMediaError(TriageError):
    """A report names media that was never uploaded."""

    status = 422
    code = "unknown_media"


class UnsupportedMediaError(TriageError):
    """The file is not one of the accepted kinds, whatever its name says."""

    status = 415
    code = "unsupported_media"


class UnreadableMediaError(TriageError):
    """The file starts like an accepted kind but is truncated or damaged."""

    status = 422
    code = "unreadable_media"


class MediaTooLargeError(TriageError):
    """More bytes, pixels or frames than the limits allow."""

    status = 413
    code = "media_too_large"


class DerivativePendingError(TriageError):
    """The blurred preview is not rendered yet."""

    status = 404
    code = "derivative_pending"


class MediaFailedError(TriageError):
    """Nothing can be made of this upload that could be shown; the text says why."""

    status = 404
    code = "media_failed"


class RangeNotSatisfiableError(TriageError):
    """The asked range begins behind the end of the file."""

    status = 416
    code = "range_not_satisfiable"


class StorageUnavailableError(TriageError):
    """The media storage does not answer, or broke off; send the call again."""

    status = 503
    code = "storage_unavailable"


class HintsUnavailableError(TriageError):
    """No hints can be given on this case: no score, no text, or the bundle that scored it is not at work."""

    status = 404
    code = "hints_unavailable"


class LinkExpiredError(TriageError):
    """The signed address is no longer valid."""

    status = 410
    code = "link_expired"


class ModelUnavailableError(TriageError):
    """No bundle is loaded; reports are still taken and queued."""

    status = 503
    code = "model_unavailable"


class OverloadedError(TriageError):
    """More work than the service takes at once; nothing was begun."""

    status = 429
    code = "overloaded"

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class DatabaseUnavailableError(TriageError):
    """The database cannot be reached; send the call again, reports with the same Idempotency-Key."""

    status = 503
    code = "database_unavailable"
