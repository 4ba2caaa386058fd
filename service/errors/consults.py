"""What questions to other teams refuse."""

from service.errors.base import TriageError


class ConsultSettledError(TriageError):
    """The question is not in a state in which this can be done: it was answered or withdrawn, or waits for the asker."""

    status = 409
    code = "consult_settled"


class TakenByOtherError(TriageError):
    """Somebody else of the team has taken the question; take it over before answering."""

    status = 409
    code = "taken_by_other"


class NobodyToAskError(TriageError):
    """Nobody of that team could read the question, so it would wait for ever."""

    status = 409
    code = "nobody_to_ask"
