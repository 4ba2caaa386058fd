"""The places of the console: which there are, and which of them somebody may go to."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.pages.language import N_
from service.security import Principal


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the menu. It is shown to whoever has the capability; an empty one shows it to everybody."""

    path: str
    name: str
    capability: str = ""
    # The single key that leads there from every page.
    key: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A place as one page shows it: `current` is "page" on the page itself, "true" below it, else empty."""

    place: Place
    current: str


@dataclass(frozen=True, slots=True)
class Group:
    """Places under one name."""

    name: str
    entries: Sequence[Entry]

    @property
    def current(self) -> bool:
        """Whether somebody is in one of them."""
        return any(entry.current for entry in self.entries)


FIRST = (
    Place("/console", N_("Console"), key="G"),
    Place("/work", N_("My work"), "case.review"),
    Place("/search", N_("Search"), "case.read", key="/"),
    Place("/floor", N_("Floor"), "floor.read"),
    Place("/policies", N_("Policies"), "queue.read"),
    Place("/qa", N_("Quality"), "qa.review"),
)
GROUPS = (
    (
        N_("Escalations"),
        (
            Place("/escalations", N_("All escalations"), "escalation.work"),
            Place("/escalations/new", N_("Raise an escalation"), "escalation.open"),
            Place("/appeals", N_("Appeals"), "appeal.decide"),
            Place("/consults", N_("Questions"), "consult.answer"),
            Place("/replies", N_("Replies"), "escalation.work"),
            Place("/sla", N_("Clocks"), "escalation.work"),
            Place("/statements", N_("Statements"), "statements.export"),
            Place("/improvements", N_("Improvements"), "escalation.work"),
            Place("/consults/teams", N_("Teams to ask"), "escalation.manage"),
        ),
    ),
    (
        N_("Manage"),
        (
            Place("/crisis", N_("Crises"), "floor.read"),
            Place("/routing", N_("Routing"), "queues.manage"),
            Place("/ranking", N_("Ranking"), "queues.manage"),
            Place("/banks", N_("Banks"), "banks.manage"),
            Place("/scorecards", N_("Scorecards"), "scorecards.read"),
            Place("/models", N_("Models"), "models.read"),
        ),
    ),
    (
        N_("Admin"),
        (
            Place("/admin/people", N_("People"), "people.manage"),
            Place("/admin/roles", N_("Roles"), "people.manage"),
            Place("/admin/keys", N_("Keys"), "people.manage"),
            Place("/admin/queues", N_("Queues"), "queues.manage"),
            Place("/admin/taxonomy", N_("Taxonomy"), "queues.manage"),
            Place("/admin/webhooks", N_("Webhooks"), "webhooks.manage"),
            Place("/admin/media", N_("Media"), "people.manage"),
            Place("/restricted", N_("Restricted paths"), "people.manage"),
            Place("/admin/audit", N_("Audit log"), "audit.read"),
        ),
    ),
)
# Keys and what they do, for the help on keys.
Shortcut = tuple[tuple[str, ...], str]
EVERYWHERE: tuple[Shortcut, ...] = (
    (("?",), N_("Show these keys")),
    (("/",), N_("Search")),
    (("G",), N_("Go to the console")),
)


@dataclass(frozen=True, slots=True)
class Menu:
    """What one person sees of the places, from one page."""

    first: Sequence[Entry]
    groups: Sequence[Group]


def menu_of(me: Principal, path: str) -> Menu:
    """The places that this person may go to; a group without any is left out."""
    groups = [Group(name, _entries(me, path, places)) for name, places in GROUPS]
    return Menu(_entries(me, path, FIRST), [group for group in groups if group.entries])


def _entries(me: Principal, path: str, places: Sequence[Place]) -> Sequence[Entry]:
    return [
        Entry(one, _current(one, path)) for one in places if not one.capability or one.capability in me.capabilities
    ]


def _current(place: Place, path: str) -> str:
    if path == place.path:
        return "page"
    below = path.startswith(f"{place.path}/") or (place.path == "/console" and path.startswith("/cases/"))
    return "true" if below else ""
