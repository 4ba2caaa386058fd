"""The figures of a scorecard: what each is called, what it means, and which view it is made from. Nothing else defines one."""

from dataclasses import dataclass

from labeling.statistics.estimate import MIN_ITEMS

# A figure about fewer people than these would say what one of them earns, how fast they work or what they looked at.
LEAST_PEOPLE = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its title, definition, and the SQL view behind it."""

    name: str
    title: str
    definition: str
    view: str


FIGURES = (
    Figure("people", "People", "How many people made the decisions counted.", "decision_facts"),
    Figure(
        "decisions",
        "Decisions",
        "Decisions made in the period that were not taken back, those carried over to near-duplicates included.",
        "decision_facts",
    ),
    Figure(
        "checks",
        "Checks",
        "Decisions made in the period that were checked for accuracy, settled or disputed; each counts once.",
        "quality_checks",
    ),
    Figure(
        "accuracy",
        "Accuracy",
        "Share of decisions that say what a blind check found in the end: area and actions alike, severities at most one step"
        " apart. Each check counts for as many decisions as it was drawn from: 1 / its chance, and what is answered of a stratum"
        " stands for all of it. Interval of 95 %, by Wilson for as many plain draws as the checks are worth; while checks are"
        " disputed, from all of those wrong to all right, and no value.",
        "quality_checks",
    ),
    Figure(
        "ceiling",
        "Ceiling",
        "How often two people who check the same decision, blind to each other, say the same, by the same rule as accuracy and"
        " weighed alike, where only what is answered twice stands for its stratum: no accuracy can be expected above it.",
        "quality_checks",
    ),
    Figure(
        "sla",
        "Deadlines met",
        "Share of deadlines, legal and contractual, that were met: of decisions made in the period, and of cases that came due"
        " in it and are still undecided, which count as missed.",
        "decision_facts",
    ),
    Figure(
        "open_overdue",
        "Overdue",
        "Cases that came due in the period and are still undecided; they count for whoever has them in hand.",
        "decision_facts",
    ),
    Figure(
        "wait",
        "Wait",
        "Minutes from the first report, or from an undo, until somebody had the case in hand. Median and 90th percentile.",
        "handling_times",
    ),
    Figure(
        "touch",
        "Touch",
        "Minutes for which the case was in hand, whoever had it; not on hold, not back in the queue, and no lease that lapsed."
        " Median and 90th percentile.",
        "handling_times",
    ),
    Figure(
        "total",
        "Total",
        "Minutes from the first report, or from an undo, to the decision. Median and 90th percentile.",
        "handling_times",
    ),
    Figure(
        "overturned",
        "Overturned",
        "Share of all decisions of the period known to be wrong: a check found it, a later second opinion on the same content"
        " says otherwise, or it was taken back. Not every decision is checked, so this is what is known and no rate of errors.",
        "decision_facts",
    ),
    Figure(
        "escalations",
        "Escalations right",
        "Share of escalations that were called for: a second opinion whose answer differs from what the person would have"
        " decided, or a case handed to a colleague who decided it. Only those are counted whose decision stands.",
        "escalation_facts",
    ),
    Figure(
        "exposure_hours",
        "Exposure",
        "Hours for which originals were open to people, in the period.",
        "exposure_seconds",
    ),
    Figure(
        "cost_per_correct",
        "Cost per correct decision",
        "Hours that the people who decided had their cases in hand, times what an hour of each costs, divided by decisions times"
        " accuracy. In the currency of those costs.",
        "handling_times",
    ),
)
BY_NAME = {figure.name: figure for figure in FIGURES}

NOTES = (
    "Sample cases, cases of special routes and of restricted queues are left out; exposure counts them, samples excepted.",
    "Times and cost leave out decisions carried over to near-duplicates: nobody looked at those.",
    "Accuracy and ceiling rest on quality plans that drew from everything that is shown here.",
    f"No share, median or percentile is given of fewer than {MIN_ITEMS}.",
    f"Touch, exposure and cost would tell of people if given of fewer than {LEAST_PEOPLE}, or of one vendor or site asked for alone.",
    "Vendor and site are those that people have now. Groups stand by name; no person is a group, and nobody is ranked.",
)
