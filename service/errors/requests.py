"""What is wrong with a request, whatever it is about."""

from service.errors.base import TriageError


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


class NameTakenError(TriageError):
    """The name is already in use."""

    status = 409
    code = "name_taken"
