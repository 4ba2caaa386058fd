"""What the process that renders video and sound tells the service, believed no further than it can be checked.

Messages have the form of wire.py: groups of derivatives as they are made, then the clean copy, or a refusal instead.
"""

from collections.abc import Sequence
from typing import Any

from service.media import wire
from service.media.blurring import SHEET, STILL
from service.media.clip_copy import CLEAN_MIMES
from service.media.clip_proxy import PROXY_LEVELS
from service.media.clip_render import RenderedClip
from service.media.clip_shots import MOST_SAMPLES
from service.media.clips import ClipError, ClipLimits
from service.media.containers import CLIP_FORMATS, CLIP_KINDS, HEAD_BYTES, clip_format
from service.media.derivatives import Derivative

# What is made of a video or a sound.
_MADE = {*STILL, *SHEET, *(("proxy", level) for level in PROXY_LEVELS), ("wave", 0)}
# A refusal is a sentence.
_MOST_CHARACTERS = 500


def derivatives_message(group: Sequence[Derivative]) -> tuple[dict[str, Any], list[bytes]]:
    """Head and parts of a message about derivatives."""
    return {"derivatives": wire.rows_of(group)}, [one.data for one in group]


def clip_message(clip: RenderedClip) -> tuple[dict[str, Any], list[bytes]]:
    """Head and parts of the message that is the last."""
    head = {
        "kind": clip.kind,
        "mime": clip.mime,
        "size": [clip.width, clip.height],
        "duration_ms": clip.duration_ms,
        "sound": clip.sound,
        "prints": wire.rows_of_prints(clip.prints),
    }
    return head, [clip.clean]


def refusal_message(error: ClipError) -> tuple[dict[str, Any], list[bytes]]:
    """Head and parts of the message that there will be nothing."""
    return {"refused": str(error)[:_MOST_CHARACTERS]}, []


def read(message: wire.Message, limits: ClipLimits) -> tuple[Derivative, ...] | RenderedClip:
    """What a message says. Raises ClipError for a refusal, and wire.BrokenMessageError."""
    head = message.head
    try:
        if "refused" in head:
            raise ClipError(_text(head["refused"]))
        if "derivatives" in head:
            return _derivatives(head["derivatives"], message.body)
        return _clip(head, message.body, limits)
    except wire.BrokenMessageError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise wire.BrokenMessageError("the head of a message has another form") from error


def _derivatives(rows: list[list[Any]], body: bytes) -> tuple[Derivative, ...]:
    found = wire.read_derivatives(rows, body)
    said = {(one.variant, one.level) for one in found}
    if not said <= _MADE or len(said) != len(found):
        raise wire.BrokenMessageError("derivatives that there are not")
    return found


def _clip(head: dict[str, Any], body: bytes, limits: ClipLimits) -> RenderedClip:
    kind, mime, sound = head["kind"], head["mime"], head["sound"]
    if kind not in CLIP_KINDS or mime not in CLEAN_MIMES or not mime.startswith(kind) or not isinstance(sound, bool):
        raise wire.BrokenMessageError("a clean copy that there is not")
    # Of an MP4 the first bytes do not say whether there is more than sound in it.
    found = clip_format(body[:HEAD_BYTES])
    if found is None or found.demuxer != CLIP_FORMATS[mime].demuxer:
        raise wire.BrokenMessageError("the clean copy is not what it is said to be")
    width, height = [None, None] if kind == "audio" else [wire.count(side) for side in head["size"]]
    if width and height and width * height > limits.pixels:
        raise wire.BrokenMessageError("the clean copy has more pixels than a file may have")
    prints = wire.read_prints(head["prints"], most=MOST_SAMPLES, earliest=0)
    return RenderedClip(kind, mime, width, height, wire.count(head["duration_ms"], least=0), sound, prints, body)


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MOST_CHARACTERS:
        raise wire.BrokenMessageError("a refusal that is no sentence")
    return value
