"""Pages of those who run the service: people and roles, keys, queues, the taxonomy at work, how media are shown."""

from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from labeling.taxonomy import Taxonomy
from service.assessing.workflow import model_state, unassessed
from service.db import UnitOfWork
from service.media.levels import MOST
from service.media.viewing.workflow import defaults
from service.pages import views
from service.pages.admin_words import CAPABILITIES, ROLES, exposure_settings, media_settings
from service.pages.bar import bar
from service.pages.language import N_
from service.pages.rendering import PageRoute, render
from service.pages.routing import GRAPHIC
from service.people.keys.schemas import MOST_DAYS
from service.people.keys.workflow import all_keys
from service.people.schemas import PeopleQuery, RoleName
from service.people.workflow import account, people, standing
from service.queues.workflow import denied_actions, waiting
from service.routing.rules import DEFAULT_QUEUE
from service.routing.schemas import ReviewingRole, Special
from service.routing.workflow import REVIEWING, routing
from service.scoring.workflow import models_at_work
from service.security import ROLES as MAY
from service.security import Capability, PeopleManager, QueueManager

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# A page with its scripts weighs less than 200 kB, however many there are.
PEOPLE_SHOWN = 50
KEYS_SHOWN = 50
ACCOUNTS_LISTED = 300
KEYS = ((("?",), N_("Show these keys")), (("G",), N_("Go to the console")))
PEOPLE_KEYS = ((("A",), N_("Add somebody")), *KEYS)
KEY_KEYS = ((("A",), N_("Make a key")), *KEYS)

Username = Annotated[str, Path(max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]{1,63}$")]


class PeopleShown(BaseModel):
    """Which people the page lists; fields of its form come empty where nothing is chosen."""

    search: Annotated[str, Query(max_length=80, pattern=r"^[^\x00]*$")] = ""
    role: RoleName | Literal[""] = ""
    state: Literal["open", "closed", "all"] = "open"
    after: Annotated[str, Query(max_length=64, pattern=r"^[^\x00]*$")] = ""

    def asked(self) -> PeopleQuery:
        """The same as the API takes it."""
        active = {"open": True, "closed": False, "all": None}[self.state]
        return PeopleQuery(
            search=self.search, role=self.role or None, active=active, after=self.after or None, limit=PEOPLE_SHOWN
        )


@router.get("/admin/people")
async def list_people(shown: Annotated[PeopleShown, Query()], me: PeopleManager, connection: UnitOfWork) -> Response:
    found = await people(connection, shown.asked())
    context = {
        **await bar(connection, me),
        "people": found.people,
        "next": found.next,
        "shown": shown,
        "filtered": bool(shown.search or shown.role or shown.state != "open" or shown.after),
        "roles": ROLES,
        "shortcuts": PEOPLE_KEYS,
        "now": views.utc_now(),
    }
    return render("admin_people.html", context)


@router.get("/admin/people/{username}")
async def person(username: Username, request: Request, me: PeopleManager, connection: UnitOfWork) -> Response:
    known = await standing(connection, username)
    taxonomy: Taxonomy = request.app.state.taxonomy
    context = {
        **await bar(connection, me),
        "person": known,
        "account": await account(connection, username),
        "roles": ROLES,
        "reviewing": REVIEWING,
        # Consents are for pictures: areas without graphic ones need none.
        "areas": [area for area in taxonomy.areas if area.graphic or area.id in (known.consents or ())],
        "itself": username == me.username,
        "shortcuts": KEYS,
        "now": views.utc_now(),
    }
    return render("admin_person.html", context)


@router.get("/admin/roles")
async def roles(me: PeopleManager, connection: UnitOfWork) -> Response:
    context = {
        **await bar(connection, me),
        "roles": ROLES,
        "capabilities": {one: words for one, words in CAPABILITIES.items() if one in set(Capability)},
        "may": MAY,
        "shortcuts": KEYS,
        "now": views.utc_now(),
    }
    return render("admin_roles.html", context)


@router.get("/admin/keys")
async def keys(
    me: PeopleManager,
    connection: UnitOfWork,
    chosen: Annotated[str, Query(alias="account", max_length=64, pattern=r"^[^\x00]*$")] = "",
) -> Response:
    accounts = (await people(connection, PeopleQuery(active=True, limit=ACCOUNTS_LISTED))).people
    if chosen and all(one.username != chosen for one in accounts):
        known = await account(connection, chosen)
        accounts += [known] if known.active else []
    listed = await all_keys(connection, username=chosen or None, limit=KEYS_SHOWN + 1)
    context = {
        **await bar(connection, me),
        "keys": listed[:KEYS_SHOWN],
        "more": len(listed) > KEYS_SHOWN,
        "chosen": chosen,
        "accounts": accounts,
        "scopes": {role: sorted(may) for role, may in MAY.items()},
        "capabilities": CAPABILITIES,
        "most_days": MOST_DAYS,
        "shortcuts": KEY_KEYS,
        "now": views.utc_now(),
    }
    return render("admin_keys.html", context)


@router.get("/admin/queues")
async def queues(request: Request, me: QueueManager, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    listed = (await routing(connection)).queues
    context = {
        **await bar(connection, me),
        "queues": listed,
        "data": [queue.model_dump(mode="json") for queue in listed],
        "waiting": await waiting(connection),
        "denied": (await denied_actions(connection)).denied,
        "roles": get_args(ReviewingRole),
        "special": get_args(Special),
        "actions": [action for action in taxonomy.actions if action.enforces],
        "names": {action.id: action.name for action in taxonomy.actions},
        "default": DEFAULT_QUEUE,
        "shortcuts": KEYS,
        "now": views.utc_now(),
    }
    return render("admin_queues.html", context)


@router.get("/admin/taxonomy")
async def taxonomy(request: Request, me: QueueManager, connection: UnitOfWork) -> Response:
    state = request.app.state
    shown: Taxonomy = state.taxonomy
    context: dict[str, Any] = {
        **await bar(connection, me),
        "taxonomy": shown,
        "graphic": GRAPHIC,
        "own_file": state.settings.taxonomy,
        "models": await models_at_work(connection, state.model),
        "shortcuts": KEYS,
        "now": views.utc_now(),
    }
    return render("admin_taxonomy.html", context)


@router.get("/admin/media")
async def media(request: Request, me: PeopleManager, connection: UnitOfWork) -> Response:
    settings = request.app.state.settings
    context = {
        **await bar(connection, me),
        "media": media_settings(settings),
        "exposure": exposure_settings(settings),
        "defaults": await defaults(connection),
        "least": settings.media_least_level,
        "most": MOST,
        "image_model": await model_state(connection),
        "unassessed": await unassessed(connection),
        "shortcuts": KEYS,
        "now": views.utc_now(),
    }
    return render("admin_media.html", context)
