"""What the service cannot do at this moment; the same call may succeed later."""

from service.errors.base import TriageError


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
