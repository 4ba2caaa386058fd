"""What named paths, preservation and hand-off packages refuse."""

from service.errors.base import TriageError


class SecondPersonError(TriageError):
    """This needs two people: somebody else than who asked for it, and than whom it is about, has to confirm it."""

    status = 409
    code = "second_person_needed"


class ChangeSettledError(TriageError):
    """There is no such change that waits: it was confirmed or declined, or there never was one."""

    status = 409
    code = "change_settled"


class ChangeWaitingError(TriageError):
    """A change of the same thing waits for its second person already."""

    status = 409
    code = "change_waiting"


class FiledError(TriageError):
    """It was entered already where this package was filed; that stands."""

    status = 409
    code = "filed_already"
