"""Whether two answers say the same and, where not, what is wrong with the first: pure functions."""

import itertools
from collections.abc import Sequence
from typing import Literal

from labeling.taxonomy import Taxonomy
from service.labels import violates
from service.opinions.schemas import Judgement
from service.opinions.workflow import same_judgement

ErrorType = Literal["false_positive", "false_negative", "wrong_area", "wrong_severity", "wrong_action"]


def all_agree(answers: Sequence[Judgement]) -> bool:
    """Whether every two of them agree: severities one step apart do, so a chain of agreeing neighbours is not enough."""
    return all(same_judgement(one, other) for one, other in itertools.combinations(answers, 2))


def error_of(said: Judgement, right: Judgement, taxonomy: Taxonomy) -> ErrorType | None:
    """What was wrong with an answer, the gravest first (error types of the TSPA); None where it agrees.

    A false positive enforced where nothing was to be enforced, a false negative the other way round.
    """
    if same_judgement(said, right):
        return None
    enforced, enforceable = violates(said.actions, taxonomy), violates(right.actions, taxonomy)
    if enforced != enforceable:
        return "false_positive" if enforced else "false_negative"
    if said.policy_area != right.policy_area:
        return "wrong_area"
    return "wrong_severity" if abs(said.severity - right.severity) > 1 else "wrong_action"
