"""The page of routing: rules as sentences, what they would do, queues and special routes."""

from collections.abc import Sequence
from datetime import date
from typing import Any, get_args

from fastapi import APIRouter, Request, Response

from labeling.taxonomy import Taxonomy
from service.db import UnitOfWork
from service.pages import views
from service.pages.bar import bar
from service.pages.language import N_, _
from service.pages.rendering import PageRoute, render
from service.pages.words import spoken
from service.routing.rules import DEFAULT_QUEUE
from service.routing.schemas import Channel, ReviewingRole, RoutingOut, RuleIn, Special
from service.routing.words import sentence
from service.routing.workflow import routing
from service.security import QueueManager

router = APIRouter(route_class=PageRoute, include_in_schema=False)

GRAPHIC = (N_("none"), N_("mild"), N_("graphic"), N_("very graphic"))
KEYS = (
    (("A",), N_("Add a rule")),
    (("P",), N_("Try the rules on the cases of the last hours")),
    (("?",), N_("Show these keys")),
    (("G",), N_("Go to the console")),
)


@router.get("/routing")
async def page(request: Request, me: QueueManager, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    shown = await routing(connection)
    now = views.utc_now()
    context = {
        **await bar(connection, me),
        "routing": shown,
        "data": page_data(shown, taxonomy),
        "history": [(one, sentences(one.rules, taxonomy)) for one in shown.history],
        "channels": [(one, spoken(one)) for one in get_args(Channel)],
        "labels": [*((area.id, area.name) for area in taxonomy.areas), (taxonomy.benign_id, taxonomy.benign_name)],
        "severities": taxonomy.severities,
        "graphic": GRAPHIC,
        "roles": get_args(ReviewingRole),
        "special": get_args(Special),
        "actions": [action for action in taxonomy.actions if action.enforces],
        "default": DEFAULT_QUEUE,
        "today": date.fromordinal(now.toordinal()),
        "shortcuts": KEYS,
        "now": now,
    }
    return render("routing.html", context)


def page_data(shown: RoutingOut, taxonomy: Taxonomy) -> dict[str, Any]:
    """What the scripts of the page work on."""
    rules = shown.current.rules if shown.current else []
    return {
        "version": shown.version,
        "rules": [rule.model_dump(mode="json") for rule in rules],
        "words": [words for _, words in sentences(rules, taxonomy)],
        "areas": [[area.id, _(area.name)] for area in taxonomy.areas],
        "queues": [queue.model_dump(mode="json") for queue in shown.queues],
        "history": {one.version: [rule.model_dump(mode="json") for rule in one.rules] for one in shown.history},
    }


def sentences(rules: Sequence[RuleIn], taxonomy: Taxonomy) -> list[tuple[RuleIn, str]]:
    """Each rule with its conditions in words."""
    return [(rule, sentence(rule.rule(), taxonomy)) for rule in rules]
