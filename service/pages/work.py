"""The page of one's own work: what is in hand, due, kept back and to be read, and one's own exposure, at one look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.cases.workflow import case_view
from service.db import UnitOfWork
from service.exposure.limits import limits_of
from service.exposure.schemas import ExposureOut
from service.exposure.workflow import ledger
from service.holds.schemas import HoldOut
from service.holds.workflow import holds_of
from service.leases.workflow import Lease, held_by
from service.media.levels import Rules as BlurRules
from service.opinions.schemas import OpinionOut
from service.opinions.workflow import mine
from service.pages import views
from service.pages.bar import bar
from service.pages.escalation_beside import in_hand
from service.pages.language import N_
from service.pages.masking import masking_of
from service.pages.rendering import PageRoute, render
from service.pages.words import duration
from service.policies.workflow import unread
from service.quality.feedback import workflow as feedback
from service.quality.feedback.schemas import CheckFeedbackListOut, CheckFeedbackOut
from service.search.routes import rules_of
from service.search.saved.workflow import pinned_views
from service.security import CaseReviewer, Principal
from service.sessions import BACKGROUND
from service.shift.schemas import DueOut, MadeOut
from service.shift.workflow import due, made

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KEYS = (
    (("C",), N_("Continue the case you hold")),
    (("Z",), N_("Take a break, or end it")),
    (("?",), N_("Show these keys")),
    (("G",), N_("Go to the console")),
)
# Second opinions and feedback that are seen at once, and how many older ones on request.
SEEN_AT_ONCE = 5
LISTED = 20
# An answer that came lately is news; what is older was read before.
NEWS = timedelta(hours=24)
OUTCOMES = {
    "undone": (N_("taken back"), ""),
    "holds": (N_("checked: it holds"), "tag-accent"),
    "overturned": (N_("a check said otherwise"), "tag-warn"),
    "corrected": (N_("the label was corrected"), "tag-warn"),
}
# A bar that shows anything is at least so long, of 100.
LEAST = 1.0


@dataclass(frozen=True, slots=True)
class Meter:
    """How much of a limit is used: `share` of it in per cent, `mark` where something is said before it is reached."""

    used: str
    most: str
    share: float
    mark: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits for one person, beside the case in their hands."""

    kept_back: int
    answers: int
    due: Sequence[DueOut]

    @property
    def anything(self) -> bool:
        """Whether there is something to go and look at."""
        return bool(self.kept_back or self.answers or self.due)


@router.get("/work")
async def work(request: Request, me: CaseReviewer, connection: UnitOfWork) -> Response:
    state = request.app.state
    exposure = await ledger(connection, me.id, limits_of(state.settings))
    leases = [one for one in await held_by(connection, me.id) if not one.prefetched]
    asked = (await mine(connection, me.id, side="asked")).opinions
    told = await feedback.mine(connection, person=me.id, days=state.settings.qa_dispute_days, taxonomy=state.taxonomy)
    decided = await made(connection, me.id)
    now = exposure.server_now
    context = {
        **await bar(connection, me),
        **await masking_of(request, connection, me, at="", texts=()),
        "taxonomy": state.taxonomy,
        "views": views,
        "held": await held_cases(connection, leases, state.blur_rules),
        "holds": kept_back((await holds_of(connection, me.id)).holds),
        "due": (await due(connection, me.id)).due,
        "asked": asked[:LISTED],
        "answered": (await mine(connection, me.id, side="answered")).opinions[:LISTED],
        "answers": news(asked, now),
        "at_once": SEEN_AT_ONCE,
        "to_read": (await unread(connection, me.id)).unread,
        "told": to_look_at(told),
        "untold": len(told.feedback),
        **await in_hand(connection, me),
        "decided": decided,
        "undo": undo_path,
        "outcomes": OUTCOMES,
        "exposure": exposure,
        "meters": meters(exposure),
        # A page that only keeps its numbers fresh shows none of them anew.
        "pinned": [] if BACKGROUND in request.headers else await pinned_views(connection, me, rules_of(request)),
        "shortcuts": KEYS,
        "now": now,
    }
    return render("work.html", context)


async def held_cases(connection: AsyncConnection, leases: Sequence[Lease], blur: BlurRules) -> list[views.HeldCase]:
    """What these leases are about, without a word of content."""
    held = []
    for lease in leases:
        shown = await case_view(connection, lease.case_id, viewer=lease.holder, rules=blur)
        held.append(views.held_case(lease, shown, blur.taxonomy))
    return held


async def waiting_for(connection: AsyncConnection, me: Principal, now: datetime) -> Waiting:
    """What the console says of the page of one's own work."""
    asked = (await mine(connection, me.id, side="asked")).opinions
    return Waiting(
        kept_back=len(kept_back((await holds_of(connection, me.id)).holds)),
        answers=news(asked, now),
        due=(await due(connection, me.id)).due,
    )


def kept_back(holds: Sequence[HoldOut]) -> list[HoldOut]:
    """Of what is kept back for somebody, what they have not taken up again."""
    return [one for one in holds if not one.taken_up]


def news(asked: Sequence[OpinionOut], now: datetime) -> int:
    """How many questions were answered lately, so that both answers can be read."""
    return sum(one.agreed is not None and one.revealed_at is not None and one.revealed_at > now - NEWS for one in asked)


def to_look_at(told: CheckFeedbackListOut) -> list[CheckFeedbackOut]:
    """Feedback that has not been seen, or can still be objected to: the first of it."""
    return [one for one in told.feedback if one.seen_at is None or one.may_dispute][:SEEN_AT_ONCE]


def undo_path(one: MadeOut, now: datetime) -> str | None:
    """Where a decision can be taken back, None where that is over."""
    if one.outcome is not None or one.undo_until <= now:
        return None
    return f"/v1/clusters/{one.cluster_id}/undo" if one.cluster_id else f"/v1/decisions/{one.decision_id}/undo"


def meters(found: ExposureOut) -> dict[str, Meter]:
    """How near the limits of a day and of a stretch are."""
    limits = found.limits
    return {
        "day": meter(found.last_24_hours.seconds, limits.day_minutes, limits.alert_minutes),
        "stretch": meter(found.rest.work_seconds, limits.stretch_minutes, limits.break_after_minutes),
    }


def meter(seconds: float, most_minutes: int, told_minutes: int) -> Meter:
    """What was used of a limit, both in words and as a bar."""
    most = max(1, most_minutes * 60)
    share = 100 * seconds / most
    return Meter(
        used=duration(seconds),
        most=duration(most),
        share=0.0 if seconds < 1 else round(min(100.0, max(LEAST, share)), 2),
        mark=round(min(100.0, 100 * told_minutes * 60 / most), 2),
    )
