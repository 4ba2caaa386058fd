"""What is wrong with a question to search."""

from service.errors.requests import InvalidRequestError


class UnreadableQuestionError(InvalidRequestError):
    """A question that cannot be read; the text says where it goes wrong and how to mend it."""

    code = "unreadable_question"

    def __init__(self, detail: str, *, start: int = 0, end: int = 0) -> None:
        super().__init__(detail)
        self.start = start
        self.end = end
