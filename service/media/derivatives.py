"""What is made of an upload to be shown instead of it."""

from dataclasses import dataclass
from typing import Literal, get_args

# gray and colour: a blurred picture, of a video its poster; lines: a line drawing; sheet: frames of a video on one picture;
# proxy: a muted, blurred, gray video; wave: the waveform of sound.
Variant = Literal["gray", "colour", "lines", "sheet", "proxy", "wave"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)
# The kind of file that each is.
JPEG, PNG, WEBM = "image/jpeg", "image/png", "video/webm"
MIME_OF: dict[Variant, str] = {**dict.fromkeys(VARIANTS, JPEG), "proxy": WEBM, "wave": PNG}
# What a derivative may be, whatever it was made from.
MIMES = ("image/jpeg", "image/png", "image/webp", "video/webm")


@dataclass(frozen=True, slots=True)
class Derivative:
    """One rendering at a blur level, 0 (plain and small) to 4 (strongest). Width and height in pixels."""

    variant: Variant
    level: int
    mime: str
    width: int
    height: int
    data: bytes
