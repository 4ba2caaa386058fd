"""Named queries about escalations: what each counts, of which parameters it is made, and in which unit it speaks.

Their SQL is in the store, under the same names. A number without one of these names is nobody's figure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

# A "count" and a "share_of" are complete; a "rate" and a "share" are estimates and have an interval.
Kind = Literal["count", "share_of", "share", "rate", "minutes"]


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """One query: its result is a row of `part` and `n`, read as its kind says."""

    name: str
    title: str
    definition: str
    kind: Kind
    unit: str
    parameters: tuple[str, ...]


_PERIOD = ("since", "until")
_CASES = "Cases of restricted queues are not counted."
_OTHERS = "Confidential and restricted records are not counted, nor is the record itself."

QUERIES: Mapping[str, NamedQuery] = {
    one.name: one
    for one in (
        NamedQuery(
            "escalations_alike",
            "Escalations of the same kind",
            f"Records with the same trigger and policy area that were received in the period. {_OTHERS}",
            "count",
            "records",
            ("escalation", "trigger", "area", *_PERIOD),
        ),
        NamedQuery(
            "escalations_alike_per_week",
            "Escalations of the same kind per week",
            f"Records with the same trigger and policy area that were received in the period, per 7 days of it. {_OTHERS}",
            "rate",
            "records per week",
            ("escalation", "trigger", "area", *_PERIOD),
        ),
        NamedQuery(
            "escalations_of_cause_per_week",
            "Escalations of the same cause per week",
            f"Records whose root cause has the same code and part and that were received in the period, per 7 days of it. {_OTHERS}",
            "rate",
            "records per week",
            ("escalation", "code", "subcode", *_PERIOD),
        ),
        NamedQuery(
            "reports_in_area_per_week",
            "Reports of the policy area per week",
            "Reports of any channel that named the policy area as their reason and came in during the period, per 7 days of it.",
            "rate",
            "reports per week",
            ("area", *_PERIOD),
        ),
        NamedQuery(
            "reports_on_cases",
            "Reports on the linked cases",
            f"Reports of any channel on the cases that the record is linked with, up to the instant. {_CASES}",
            "count",
            "reports",
            ("escalation", "at"),
        ),
        NamedQuery(
            "cases_decided",
            "Linked cases decided",
            f"Of the cases that the record is linked with, those that are decided. {_CASES}",
            "share_of",
            "cases",
            ("escalation",),
        ),
        NamedQuery(
            "first_answer_minutes",
            "Time to the first answer",
            "Minutes from receipt until the first reply that a person wrote was delivered to whoever raised it; receipts and questions"
            " that go out by themselves answer nothing. Unknown as long as there is none.",
            "minutes",
            "minutes",
            ("escalation",),
        ),
        NamedQuery(
            "decisions_taken_back",
            "Decisions of the policy area taken back",
            "Of the decisions under the policy area in the period, the share that whoever made it took back at once.",
            "share",
            "share of decisions",
            ("area", *_PERIOD),
        ),
    )
}
# What can tell whether an action helped: rates, as they can be compared before and after.
MEASURES = tuple(one.name for one in QUERIES.values() if one.kind == "rate")


def words() -> Iterator[str]:
    """Names, meanings and units of the queries, for the languages of pages and narratives."""
    yield from (text for one in QUERIES.values() for text in (one.title, one.definition, one.unit))
