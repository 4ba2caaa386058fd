"""What intake of mails refuses."""

from service.errors.base import TriageError


class UnreadableMailError(TriageError):
    """The bytes are no mail: no header can be read from them."""

    status = 422
    code = "mail_unreadable"


class MailTooLargeError(TriageError):
    """The mail has more bytes than the limit allows."""

    status = 413
    code = "mail_too_large"
