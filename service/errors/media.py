"""Uploads, what is shown of them, and banks of known pictures."""

from service.errors.base import TriageError


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


class LinkExpiredError(TriageError):
    """The signed address is no longer valid."""

    status = 410
    code = "link_expired"


class StorageUnavailableError(TriageError):
    """The media storage does not answer, or broke off; send the call again."""

    status = 503
    code = "storage_unavailable"


class BankFileError(TriageError):
    """A file of hashes is not in the format that was named; nothing of it was taken."""

    status = 422
    code = "bank_file_unreadable"


class NotBankableError(TriageError):
    """The picture of a decision cannot go into this bank: undone or still undoable, of another area, or too plain to tell."""

    status = 409
    code = "not_bankable"
