"""Translating a text of a case by the service that the settings name."""

from service.errors.base import TriageError


class NoTranslationError(TriageError):
    """Nothing can be translated here: no service is set, the case has no text, or more than is sent at once."""

    status = 404
    code = "no_translation"


class TranslationFailedError(TriageError):
    """The translation service did not answer in time, or not with a translation; the same call may succeed later."""

    status = 502
    code = "translation_failed"
