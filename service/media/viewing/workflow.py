"""Rules of blurred media: at which level whom they are shown, as what, and what is said about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.errors.media import DerivativePendingError, MediaFailedError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.media import levels
from service.media.derivatives import Variant
from service.media.levels import LIKELY, MOST, Blur, Facts, Rules
from service.media.schemas import MediaDefaultsOut, MediaItem, PreferencesIn, PreferencesOut
from service.media.viewing import store
from service.routing.workflow import OVERSEEING

# The weakest blur that there is of each; lines and waves are one drawing each, which shows no details.
LEAST_OF: Mapping[Variant, int] = {"gray": 0, "colour": 0, "sheet": 1, "proxy": 2}
DRAWINGS: tuple[Variant, ...] = ("lines", "wave")
# Of what came with a record on a restricted path, whatever else is known of it. Whoever sees it with a case learns of no record.
RESTRICTED = Blur(MOST, "Kept at the strongest blur")


@dataclass(frozen=True, slots=True)
class Picture:
    """A file to serve; `level` is its blur, 0 for an original."""

    stored_as: str
    mime: str
    level: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Which derivative is asked for; without a level the weakest that is allowed."""

    variant: Variant = "gray"
    level: int | None = None


async def preferences_of(connection: AsyncConnection, person: UUID) -> PreferencesOut:
    """How somebody wants media shown to themselves."""
    row = await store.preferences(connection, person)
    return PreferencesOut() if row is None else PreferencesOut(**row._asdict())


async def prefer(connection: AsyncConnection, person: UUID, body: PreferencesIn) -> PreferencesOut:
    """Keep how somebody wants media shown to themselves; no event tells it to anybody else."""
    await store.prefer(connection, person, body.model_dump())
    return PreferencesOut(**body.model_dump())


async def defaults(connection: AsyncConnection) -> MediaDefaultsOut:
    """How media are shown to whoever never said how they want them."""
    row = await store.defaults(connection)
    return MediaDefaultsOut() if row is None else MediaDefaultsOut(**row._mapping)


async def set_defaults(
    connection: AsyncConnection, body: PreferencesIn, *, actor: UUID, rules: Rules
) -> MediaDefaultsOut:
    """Change how media are shown to whoever never said it. Raises InvalidRequestError for what nobody would be shown."""
    if body.level is not None and body.level < rules.least:
        raise InvalidRequestError(
            f"level: nothing is shown below blur {rules.least} here (TRIAGE_MEDIA_LEAST_LEVEL); choose {rules.least} to {MOST}, or null"
        )
    await store.set_defaults(connection, body.model_dump(), actor=actor)
    await events.record(connection, "media.defaults_set", actor=actor, data=body.model_dump())
    return await defaults(connection)


async def media_of(connection: AsyncConnection, evidence_id: UUID, *, viewer: UUID, rules: Rules) -> list[MediaItem]:
    """The media of a piece of evidence, each with the blur it needs and the one that this viewer wants.

    It needs the strongest of what any case with the same picture asks for.
    """
    return await _items(connection, await store.of_evidence(connection, evidence_id), viewer, rules)


async def media_named(
    connection: AsyncConnection, ids: Sequence[UUID], *, viewer: UUID, rules: Rules
) -> list[MediaItem]:
    """Media by their ids, as `media_of`; the caller has checked that the viewer may see what they came with."""
    return await _items(connection, await store.named(connection, ids), viewer, rules) if ids else []


async def _items(connection: AsyncConnection, rows: Sequence[Any], viewer: UUID, rules: Rules) -> list[MediaItem]:
    if not rows:
        return []
    wish = await preferences_of(connection, viewer)
    demanded = await _demanded(connection, [row.id for row in rows], rules)
    return [_item(row, demanded[row.id], wish) for row in rows]


async def preview(connection: AsyncConnection, media_id: UUID, *, asked: Asked, viewer: UUID, rules: Rules) -> Picture:
    """The derivative at the asked level, or a stronger one when its cases ask for that.

    Raises NotFoundError for an unknown id, one of cases that the viewer may not see, or a line drawing of what is blurred
    most; MediaFailedError where nothing can be shown at all, DerivativePendingError when there is no such derivative.
    """
    row = await store.seen(connection, media_id, viewer=viewer, overseeing=OVERSEEING)
    if row is None:
        raise unknown(media_id)
    require_usable(row.status, row.failure)
    demanded = (await demanded_of(connection, media_id, rules)).level
    if asked.variant in DRAWINGS:
        if asked.variant == "lines" and demanded >= MOST:
            raise NotFoundError(f"of media at blur {MOST} no line drawing is shown: it would tell too much")
        level = 0
    else:
        level = max(demanded if asked.level is None else asked.level, demanded, LEAST_OF[asked.variant])
    found = await store.derivative(connection, media_id, variant=asked.variant, level=level)
    if found is None:
        raise preview_pending()
    return Picture(found.stored_as, found.mime, level)


async def demanded_of(connection: AsyncConnection, media_id: UUID, rules: Rules) -> Blur:
    """The blur that is asked for, whoever looks: the strongest of all cases that show it."""
    found = await _demanded(connection, [media_id], rules)
    return found[media_id] if media_id in found else levels.choose(Facts(), rules)


def require_usable(status: str, failure: str | None) -> None:
    """Raises MediaFailedError or DerivativePendingError for what cannot be shown, or not yet."""
    if status == "failed":
        raise MediaFailedError(failure or "nothing can be shown of this upload")
    if status == "pending":
        raise preview_pending()


def preview_pending() -> DerivativePendingError:
    """The one wording of a preview that is not there."""
    return DerivativePendingError("there is no blurred preview yet; show a placeholder and ask again")


def unknown(media_id: UUID) -> NotFoundError:
    """The one wording for media that are not there, or not the caller's to see."""
    return NotFoundError(f"there is no media {media_id} here")


async def _demanded(connection: AsyncConnection, media_ids: Sequence[UUID], rules: Rules) -> dict[UUID, Blur]:
    """By medium; ids that are none are left out."""
    found: dict[UUID, Blur] = {}
    for row in await store.contexts(connection, media_ids):
        case = Facts(areas=row.areas, failed=row.failed, reasons=row.reasons or (), channels=row.channels or ())
        blur = RESTRICTED if row.restricted else levels.choose(levels.facts_of(row.facts, case), rules)
        before = found.get(row.media_id)
        found[row.media_id] = levels.strongest([before, blur]) if before else blur
    return found


def _item(row: Any, demanded: Blur, wish: PreferencesOut) -> MediaItem:
    blur = levels.preferred(demanded, wish.level)
    address = f"/v1/media/{row.id}/preview"
    variants = set(row.variants or ())
    flat: Variant = "colour" if wish.colour and "colour" in variants else "gray"
    urls = {
        f"{variant}_url": f"{address}?level={max(blur.level, LEAST_OF[variant])}&variant={variant}"
        for variant in ("sheet", "proxy")
        if variant in variants
    } | {f"{variant}_url": f"{address}?level=0&variant={variant}" for variant in DRAWINGS if variant in variants}
    if demanded.level >= MOST:
        urls.pop("lines_url", None)
    if flat in variants:
        urls["preview_url"] = f"{address}?level={blur.level}" + ("&variant=colour" if flat == "colour" else "")
    return MediaItem(
        **{name: getattr(row, name) for name in _COLUMNS},
        level=blur.level,
        level_reason=blur.reason,
        least_level=demanded.level,
        least_reason=demanded.reason,
        lines_first=wish.lines_first,
        assessment=assessment_words(row.assess_state, row.classes, kind=row.kind),
        **_text(row),
        **urls,
    )


_COLUMNS = ("id", "kind", "mime", "width", "height", "status", "failure", "duration_ms", "sound")


def _text(row: Any) -> dict[str, Any]:
    """What was read in a picture or video; sound has nothing to read."""
    if row.kind == "audio":
        return {}
    read = row.read_state == "read"
    return {"text": "\n".join(row.lines) if read else None, "text_state": row.read_state, "text_area": row.text_area}


def assessment_words(state: str, classes: Mapping[str, float | None] | None, *, kind: str) -> str | None:
    """What the image model says, in words; None for sound and for what it has not looked at yet."""
    if kind == "audio" or state == "waiting":
        return None
    if state == "failed" or classes is None:
        return "could not be assessed"
    return "; ".join(f"{name.replace('_', ' ')}: {_likelihood(p)}" for name, p in sorted(classes.items()))


def _likelihood(probability: float | None) -> str:
    if probability is None:
        return "not assessed"
    word = "likely" if probability >= LIKELY else "possible" if probability >= levels.TRACE else "unlikely"
    return f"{word} ({probability:.2f})"
