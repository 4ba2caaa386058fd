"""Rules of strikes: each standing decision that enforces counts against its author for a time. They recommend only."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service.errors.requests import NotFoundError
from service.ids import new_id
from service.routing.workflow import OVERSEEING
from service.settings import Settings, SettingsError
from service.strikes import store
from service.strikes.rules import Breach, Standing, StrikeFileError, StrikeRules, next_threshold, read_rules, weigh
from service.strikes.schemas import AuthorStrikesOut, StandingOut, StrikeOut

SHOWN_STRIKES = 100


def configured(settings: Settings, taxonomy: Taxonomy) -> StrikeRules:
    """The rules the settings name, else the shipped ones. Raises SettingsError."""
    try:
        return read_rules(settings.strikes, taxonomy)
    except StrikeFileError as error:
        raise SettingsError(f"TRIAGE_STRIKES: {error}") from error


async def give(connection: AsyncConnection, decision_id: UUID, breach: Breach, *, rules: StrikeRules) -> None:
    """Count a stored decision that enforces against its author; nothing where no author is known."""
    weight, days = weigh(rules, breach), rules.levels[breach.severity].days
    await store.give(connection, strike=new_id(), decision_id=decision_id, weight=weight, days=days)


async def take_back(connection: AsyncConnection, decision_id: UUID) -> float | None:
    """Stop counting a decision that was undone; what it weighed, or None where it did not count."""
    return await store.take_back(connection, decision_id)


async def active_of(connection: AsyncConnection, author: str, *, viewer: UUID) -> Standing:
    """What counts against an author now, without what the viewer is checking blindly."""
    row = await store.standing(connection, author, viewer=viewer)
    return Standing(weight=row.weight, count=row.number)


def shown(standing: Standing, rules: StrikeRules) -> StandingOut:
    """What counts, with the weight at which more is recommended."""
    return StandingOut(
        weight=standing.weight, count=standing.count, next_threshold=next_threshold(rules, standing.weight)
    )


async def history(connection: AsyncConnection, author: str, *, viewer: UUID, rules: StrikeRules) -> AuthorStrikesOut:
    """An author's strikes on cases that this person may see, those that no longer count included; of the others how many.

    Raises NotFoundError.
    """
    if not await store.is_known(connection, author):
        raise NotFoundError(f"nothing of an author {author!r} was ever reported")
    rows = await store.strikes(connection, author, viewer=viewer, overseeing=OVERSEEING, limit=SHOWN_STRIKES)
    return AuthorStrikesOut(
        author_id=author,
        rules_version=rules.version,
        standing=shown(await active_of(connection, author, viewer=viewer), rules),
        strikes=[StrikeOut(**row._mapping) for row in rows],
        hidden=await store.hidden(connection, author, viewer=viewer, overseeing=OVERSEEING),
    )
