"""Who somebody is, and what they may not do."""

from service.errors.base import TriageError


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


class InsecureConnectionError(TriageError):
    """A sign-in over plain HTTP from another machine: its cookie would be lost, or read on the way."""

    status = 403
    code = "insecure_connection"


class TooManyAttemptsError(TriageError):
    """Too many failed sign-ins for one account."""

    status = 429
    code = "too_many_attempts"


class NewPasswordNeededError(TriageError):
    """The password was for one sign-in: it opens nothing until another one is chosen with it."""

    status = 409
    code = "new_password_needed"


class LastAdminError(TriageError):
    """Nobody would be left who can manage people."""

    status = 409
    code = "last_admin"
