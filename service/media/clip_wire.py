"""What the process that renders video and sound tells the service, believed no further than it can be checked.

Messages have the form of wire.py: groups of derivatives as they are made, then the clean copy, or a refusal instead.
"""

from collections.abc import Sequence
from typing import Any

from models.pdq import BITS, Fingerprint
from service.media import wire
from service.media.clip_copy import CLEAN_MIMES
from service.media.clip_render import RenderedClip
from service.media.clip_shots import MOST_SAMPLES
from service.media.clips import ClipError
from service.media.containers import CLIP_KINDS
from service.media.derivatives import MIMES, VARIANTS, Derivative

LEVELS = range(5)
# A refusal is a sentence.
_MOST_CHARACTERS = 500


def derivatives_message(group: Sequence[Derivative]) -> tuple[dict[str, Any], list[bytes]]:
    """Head and parts of a message about derivatives."""
    rows = [[one.variant, one.level, one.mime, one.width, one.height, len(one.data)] for one in group]
    return {"derivatives": rows}, [one.data for one in group]


def clip_message(clip: RenderedClip) -> tuple[dict[str, Any], list[bytes]]:
    """Head and parts of the message that is the last."""
    head = {
        "kind": clip.kind,
        "mime": clip.mime,
        "size": [clip.width, clip.height],
        "duration_ms": clip.duration_ms,
        "sound": clip.sound,
        # In hexadecimals: a number of 256 bits is more than JSON's readers agree on.
        "prints": [[at, f"{one.bits:x}", one.quality] for at, one in clip.prints],
    }
    return head, [clip.clean]


def refusal_message(error: ClipError) -> tuple[dict[str, Any], list[bytes]]:
    """Head and parts of the message that there will be nothing."""
    return {"refused": str(error)[:_MOST_CHARACTERS]}, []


def read(message: wire.Message) -> tuple[Derivative, ...] | RenderedClip:
    """What a message says. Raises ClipError for a refusal, and wire.BrokenMessageError."""
    head = message.head
    try:
        if "refused" in head:
            raise ClipError(_text(head["refused"]))
        if "derivatives" in head:
            return _derivatives(head["derivatives"], message.body)
        return _clip(head, message.body)
    except wire.BrokenMessageError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise wire.BrokenMessageError("the head of a message has another form") from error


def _derivatives(rows: list[list[Any]], body: bytes) -> tuple[Derivative, ...]:
    found, place = [], 0
    for variant, level, mime, width, height, size in rows:
        if variant not in VARIANTS or level not in LEVELS or mime not in MIMES:
            raise wire.BrokenMessageError("a derivative that there is not")
        end = place + _count(size, least=1)
        data, place = body[place:end], end
        found.append(Derivative(variant, level, mime, _count(width, least=1), _count(height, least=1), data))
    if place != len(body):
        raise wire.BrokenMessageError("the parts are not as long as the whole")
    return tuple(found)


def _clip(head: dict[str, Any], body: bytes) -> RenderedClip:
    kind, mime, sound, prints = head["kind"], head["mime"], head["sound"], head["prints"]
    if kind not in CLIP_KINDS or mime not in CLEAN_MIMES or not isinstance(sound, bool) or not body:
        raise wire.BrokenMessageError("a clean copy that there is not")
    if len(prints) > MOST_SAMPLES or len({at for at, *_ in prints}) != len(prints):
        raise wire.BrokenMessageError("fingerprints that there are not")
    width, height = [None, None] if kind == "audio" else [_count(side, least=1) for side in head["size"]]
    read_prints = tuple((_count(at), _fingerprint(bits, quality)) for at, bits, quality in prints)
    return RenderedClip(kind, mime, width, height, _count(head["duration_ms"]), sound, read_prints, body)


def _fingerprint(bits: str, quality: int) -> Fingerprint:
    number = int(bits, 16)
    if not 0 <= number < 1 << BITS or _count(quality) > 100:
        raise wire.BrokenMessageError("a fingerprint that there is not")
    return Fingerprint(number, quality)


def _count(value: object, *, least: int = 0) -> int:
    # Above what any limit allows, and what a column holds.
    if not isinstance(value, int) or not least <= value < 1 << 31:
        raise wire.BrokenMessageError("a count that cannot be")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MOST_CHARACTERS:
        raise wire.BrokenMessageError("a refusal that is no sentence")
    return value
