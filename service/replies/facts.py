"""Values of placeholders: what is known of a record, in the language of the reply and the time zone of its reader. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import Locale, UnknownLocaleError, get_global
from babel.dates import format_date, get_timezone_name

from service.replies.shipped import phrases

_EU = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
        "EU",
    ]
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known when a reply is begun."""

    record: Any
    subjects: Sequence[str] = ()
    due_at: datetime | None = None
    actions: Sequence[str] = ()
    decided_at: datetime | None = None
    policy_name: str = ""
    policy_link: str = ""
    team: str = ""


def values(known: Known, language: str) -> dict[str, str]:
    """What each placeholder says; empty where nothing is known, which leaves it to a person."""
    record, said = known.record, phrases(language)
    requester: Mapping[str, str] = record.requester
    zone = zone_of(record.fields, record.jurisdiction)
    decided = [said.decisions.get(action, "") for action in known.actions] if said else []
    return {
        "record_number": f"E-{record.number}",
        "requester_name": requester.get("name", ""),
        "organisation": requester.get("organisation", ""),
        "requester_reference": requester.get("reference", ""),
        "subject_reference": ", ".join(known.subjects),
        "received_on": day(record.received_at, language, zone),
        "due": moment(known.due_at, language, zone) if known.due_at else "",
        # Half of what was decided would be untrue.
        "decision": "; ".join(decided) if decided and all(decided) else "",
        "decided_on": day(known.decided_at, language, zone) if known.decided_at else "",
        "policy_name": known.policy_name,
        "policy_link": known.policy_link,
        "redress": redress(record.jurisdiction, language),
        "team": known.team or (said.team if said else ""),
    }


def redress(jurisdiction: str | None, language: str) -> str:
    """How a decision can be contested there; empty in a language that the product does not speak."""
    said = phrases(language)
    if said is None:
        return ""
    return said.redress["EU"] if jurisdiction in _EU else said.redress[""]


def zone_of(fields: Mapping[str, str], jurisdiction: str | None) -> ZoneInfo:
    """The time zone of whoever reads: the one they named, else that of a country that has only one, else UTC."""
    for name in (fields.get("time_zone", ""), *_only_zone(jurisdiction or "")):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError, ValueError):
            # A name of somebody outside: it may be anything, a folder of zones as well.
            continue
    return ZoneInfo("UTC")


@cache
def _only_zone(country: str) -> tuple[str, ...]:
    zones = [zone for zone, territory in get_global("zone_territories").items() if territory == country]
    year = datetime.now(UTC).year
    seasons = [datetime(year, month, 1, tzinfo=UTC) for month in (1, 7)]
    known: dict[object, str] = {}
    for zone in sorted(zones):
        try:
            # Zones that are alike in winter and summer are one to whoever reads a date.
            known.setdefault(tuple(when.astimezone(ZoneInfo(zone)).utcoffset() for when in seasons), zone)
        except (ZoneInfoNotFoundError, ValueError):
            continue
    return tuple(known.values()) if len(known) == 1 else ()


def day(when: datetime, language: str, zone: ZoneInfo) -> str:
    """A day as the language writes it."""
    return format_date(when.astimezone(zone), "long", locale=_locale(language))


def moment(when: datetime, language: str, zone: ZoneInfo) -> str:
    """A moment as the language writes it, with the name of its time zone."""
    local = when.astimezone(zone)
    name = "UTC" if zone.key == "UTC" else get_timezone_name(local, locale=_locale(language))
    return f"{format_date(local, 'long', locale=_locale(language))}, {local:%H:%M} ({name})"


def _locale(language: str) -> Locale:
    try:
        return Locale.parse("en_GB" if language == "en" else language)
    except (UnknownLocaleError, ValueError):
        return Locale("en", "GB")
