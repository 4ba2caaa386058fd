"""What stands beside a case: its reports in groups, how sure the model is in words, and the policy that it may break."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from labeling.taxonomy import Severity, Taxonomy
from service.cases.schemas import CaseHistoryOut, CaseReportOut
from service.pages.language import N_
from service.pages.views import Suggestion, label_name

# Of many groups, and of the notes of each, the first are seen at once; the others on request.
GROUPS_SHOWN = 4
NOTES_SHOWN = 2
AREAS_SHOWN = 3
REPORTERS_NAMED = 3

# By the least probability of each; the words of a forecast, so that 55 % is not taken for "yes".
_SURE = (
    (0.95, N_("almost certain")),
    (0.8, N_("very likely")),
    (0.6, N_("likely")),
    (0.4, N_("as likely as not")),
    (0.2, N_("unlikely")),
    (0.05, N_("very unlikely")),
)
_HARDLY = N_("hardly possible")


@dataclass(slots=True)
class Said:
    """A note with how often it came word for word, and who wrote it first."""

    text: str
    times: int = 0
    reporters: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Group:
    """Reports for one reason by one channel. `notes` are of those that the page was given, the newest first."""

    reason: str
    channel: str
    count: int
    first_at: datetime
    last_at: datetime
    notes: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class AreaSaid:
    """What the model holds of one area; `learned` says that its number depends on the text."""

    area_id: str
    name: str
    reported: bool
    learned: bool
    probability: float


def areas_said(case: CaseHistoryOut, taxonomy: Taxonomy) -> list[AreaSaid]:
    """The likeliest areas, and after them the reported ones that are not among those."""
    if case.score is None:
        return []
    chances = {area: case.score.areas.get(area, 0.0) for area in taxonomy.area_ids}
    reported = list(dict.fromkeys(one.reason for one in case.report_groups if one.reason in chances))
    likeliest = sorted(chances, key=lambda area: -chances[area])[:AREAS_SHOWN]
    shown = [*likeliest, *(area for area in reported[:AREAS_SHOWN] if area not in likeliest)]
    unknown = set(case.score.unassessed)
    return [
        AreaSaid(area, label_name(taxonomy, area), area in reported, area not in unknown, chances[area])
        for area in shown
    ]


def report_groups(case: CaseHistoryOut) -> list[Group]:
    """The reports of a case by reason and channel, the most frequent first."""
    return [
        Group(
            one.reason, one.channel, one.count, one.first_at, one.last_at, _notes(case.reports, one.reason, one.channel)
        )
        for one in case.report_groups
    ]


def sureness(probability: float) -> str:
    """A probability as a word, to be translated where it is shown."""
    return next((words for least, words in _SURE if probability >= least), _HARDLY)


def likeliest(case: CaseHistoryOut, taxonomy: Taxonomy) -> tuple[Severity, float] | None:
    """The level that the model holds for the likeliest, with its probability."""
    if case.score is None:
        return None
    chance, level = max((chance, level) for level, chance in enumerate(case.score.severity))
    return taxonomy.severities[level], chance


def policy_area(case: CaseHistoryOut, suggestion: Suggestion | None, taxonomy: Taxonomy) -> str | None:
    """Whose policy is worth reading first: what the model suggests, else what was reported most."""
    if suggestion and suggestion.area_id != taxonomy.benign_id:
        return suggestion.area_id
    return next((one.reason for one in case.report_groups if one.reason in taxonomy.area_ids), None)


def _notes(reports: Sequence[CaseReportOut], reason: str, channel: str) -> tuple[Said, ...]:
    found: dict[str, Said] = {}
    for one in sorted(reports, key=lambda report: report.received_at, reverse=True):
        if (one.reason, one.channel) != (reason, channel) or not (one.note or one.reporter):
            continue
        said = found.setdefault(one.note, Said(one.note))
        said.times += 1
        if one.reporter and one.reporter.id not in said.reporters:
            said.reporters.append(one.reporter.id)
    return tuple(sorted(found.values(), key=lambda said: not said.text))
