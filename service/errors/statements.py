"""What statements of reasons refuse."""

from service.errors.base import TriageError


class StatementIncompleteError(TriageError):
    """The statement of reasons of a decision lacks a field, or a field breaks the rules of the Transparency Database."""

    status = 422
    code = "statement_incomplete"


class PersonalDataError(TriageError):
    """A free text of a statement of reasons holds personal data, which the Transparency Database must never get."""

    status = 422
    code = "personal_data"


class StatementSettledError(TriageError):
    """The statement, or the batch it is in, is in a state that this change does not fit."""

    status = 409
    code = "statement_settled"
