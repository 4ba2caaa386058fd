"""Routing rules, queues and policies."""

from service.errors.base import TriageError


class RoutingChangedError(TriageError):
    """Somebody saved other routing rules since these were looked at; look again, then save on top of theirs."""

    status = 409
    code = "routing_changed"


class RoutingConflictError(TriageError):
    """Routing rules of which one can never match or leads to a queue that cannot take its cases."""

    status = 422
    code = "routing_conflict"


class QueueInUseError(TriageError):
    """The queue cannot be closed or changed so: a rule leads to it, or undecided cases lie in it."""

    status = 409
    code = "queue_in_use"


class PolicyUnreadError(TriageError):
    """A policy in force has to be read and confirmed before the person is handed another case."""

    status = 409
    code = "policy_unread"


class PolicyFixedError(TriageError):
    """The policy version is published, withdrawn or being tried out: it stays as it was read."""

    status = 409
    code = "policy_fixed"


class RankingChangedError(TriageError):
    """Other rules of the order were put to work since these were looked at; look again, then choose on top of them."""

    status = 409
    code = "ranking_changed"
