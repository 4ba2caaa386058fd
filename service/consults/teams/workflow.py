"""Rules of the teams that are asked: which there are, how long they have, and who is in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.consults.teams import store
from service.consults.teams.schemas import TeamIn, TeamMemberOut, TeamOut, TeamsOut
from service.errors.access import ForbiddenError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.security import ESCALATION_OVERSEERS, ROLES, Capability

WORKING = tuple(role for role, may in ROLES.items() if Capability.ESCALATION_WORK in may)
ANSWERING = tuple(role for role, may in ROLES.items() if Capability.CONSULT_ANSWER in may)

MOST_TEAMS = 50
HOUR = 60


@dataclass(frozen=True, slots=True)
class Team:
    """A team as it is at work: its title, and its time for an answer in minutes."""

    name: str
    title: str
    minutes: int
    closed: bool = False
    shipped: bool = True


# What the product comes with; whoever manages escalations changes title and time, or closes one, at /consults/teams.
SHIPPED = (
    Team("legal", "Legal", 4 * HOUR),
    Team("public_policy", "Public Policy", 8 * HOUR),
    Team("communications", "Communications", 2 * HOUR),
    Team("law_enforcement_response", "Law enforcement response", 2 * HOUR),
    Team("safety", "Safety", HOUR),
    Team("sales", "Sales", 24 * HOUR),
    Team("product", "Product", 24 * HOUR),
)


def rights_of(person: UUID) -> dict[str, Any]:
    """What the SQL function `may_read_consult` asks for about a person."""
    return {
        "person": person,
        "working": list(WORKING),
        "overseeing": list(ESCALATION_OVERSEERS),
        "answering": list(ANSWERING),
    }


async def every_team(connection: AsyncConnection) -> dict[str, Team]:
    """The teams at work by name, those of the product first, with what was set about them."""
    teams = {team.name: team for team in SHIPPED}
    for row in await store.settings(connection):
        shipped = row.name in teams and teams[row.name].title == row.title
        teams[row.name] = Team(row.name, row.title, row.minutes, row.closed, shipped)
    return teams


async def require_team(connection: AsyncConnection, name: str) -> Team:
    """A team by name. Raises NotFoundError."""
    team = (await every_team(connection)).get(name)
    if team is None:
        raise NotFoundError(f"there is no team {name!r}; GET /v1/consults/teams lists them")
    return team


async def teams_view(connection: AsyncConnection, *, viewer: UUID) -> TeamsOut:
    """Every team with its members, and how many questions wait for it that the viewer may know of."""
    waiting = await store.waiting(connection, rights_of(viewer))
    members = await _members(connection)
    return TeamsOut(
        teams=[
            TeamOut(
                name=team.name,
                title=team.title,
                minutes=team.minutes,
                closed=team.closed,
                shipped=team.shipped,
                waiting=waiting.get(team.name, 0),
                members=members.get(team.name, []),
            )
            for team in (await every_team(connection)).values()
        ]
    )


async def _members(connection: AsyncConnection) -> Mapping[str, list[TeamMemberOut]]:
    found: dict[str, list[TeamMemberOut]] = {}
    for row in await store.members(connection, answering=ANSWERING):
        one = TeamMemberOut(
            username=row.username, answers=row.answers, privileged=row.privileged, added_at=row.added_at
        )
        found.setdefault(row.team, []).append(one)
    return found


async def set_team(connection: AsyncConnection, name: str, body: TeamIn, *, actor: UUID) -> TeamsOut:
    """Change a team, or make one. Raises InvalidRequestError where there are as many as there may be."""
    known = await every_team(connection)
    if name not in known and len(known) >= MOST_TEAMS:
        raise InvalidRequestError(f"team: there are {MOST_TEAMS} teams already; change one of them")
    await store.set_team(connection, {"name": name, "actor": actor, **body.model_dump()})
    data = {"team": name, "minutes": body.minutes, "closed": body.closed}
    await events.record(connection, "consult.team_set", actor=actor, data=data)
    return await teams_view(connection, viewer=actor)


async def add_member(connection: AsyncConnection, name: str, username: str, *, actor: UUID) -> TeamsOut:
    """Put somebody into a team. Raises NotFoundError, or InvalidRequestError for a role that cannot answer."""
    await require_team(connection, name)
    person = await store.person(connection, username)
    if person is None:
        raise NotFoundError(f"there is no open account named {username!r}")
    if person.id == actor:
        # A team reads what is privileged: nobody lets themself into one.
        raise ForbiddenError("somebody else has to put you into a team: its members read what is privileged")
    if person.role not in ANSWERING:
        raise InvalidRequestError(
            f"username: {username!r} has the role {person.role!r}; only {', '.join(ANSWERING)} answer"
        )
    if await store.add(connection, name, person.id, actor=actor):
        data = {"team": name, "principal": str(person.id)}
        await events.record(connection, "consult.member_added", actor=actor, data=data)
    return await teams_view(connection, viewer=actor)


async def remove_member(connection: AsyncConnection, name: str, username: str, *, actor: UUID) -> None:
    """Take somebody out of a team; from then on they see none of its questions. Raises NotFoundError."""
    person = await store.remove(connection, name, username)
    if person is None:
        raise NotFoundError(f"{username!r} is not in the team {name!r}")
    data = {"team": name, "principal": str(person)}
    await events.record(connection, "consult.member_removed", actor=actor, data=data)


async def teams_of(connection: AsyncConnection, person: UUID) -> list[str]:
    """The names of the teams that somebody is in."""
    return await store.teams_of(connection, person)


async def readers(connection: AsyncConnection, team: str, *, asker: UUID, path: str | None) -> int:
    """How many people of a team could answer this person about a record that takes this path, or none."""
    values = {"team": team, "asker": asker, "path": path, "answering": list(ANSWERING)}
    return await store.readers(connection, values)
