"""Pictures: refuse what is not one, make the copy that is kept and what is shown instead of it.

Pure functions from bytes to bytes. They meet untrusted files, so the service calls them in a process of their own
(renderer.py); nothing here may import more of the service than its errors.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from models.pdq import Fingerprint, pdq
from service.errors.media import MediaTooLargeError, UnreadableMediaError, UnsupportedMediaError
from service.media.blurring import (
    LEVELS,
    PLAIN_SIDE,
    SHEET_FRAMES,
    contact_sheet,
    derivatives,
    preview,
    working_size,
)
from service.media.derivatives import Derivative
from service.media.sniff import (
    ACCEPTED,
    AVIF,
    GIF,
    JPEG,
    PNG,
    WEBP,
    Format,
    advice,
    gif_is_whole,
    jpeg_is_whole,
    png_chunks,
    sniff,
)

# Long side of the picture that the fingerprint is taken from: more would cost time and change no bit worth having.
_HASHED_SIDE = 416
# Frames of an animation whose fingerprints are taken, beside the first: each is looked up in banks when it is uploaded.
HASHED_FRAMES = 15
# Players show a frame that says it lasts less for that long; one that says more is taken for a minute.
_LEAST_DELAY, _SHORT_DELAY, _MOST_DELAY = 20, 100, 60_000
# Shown behind transparent parts in previews: black and white marks both stand out against it.
_BACKDROP = 128

# A tile of the lens is a square with this share of the picture's short side.
LENS_SHARE = 0.22


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost. `pixels` counts all frames together."""

    bytes: int
    pixels: int
    frames: int


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file is by its header, nothing decoded. Width and height are those of one frame as it is stored."""

    format: Format
    width: int
    height: int
    frames: int
    turned: bool


@dataclass(frozen=True, slots=True)
class Rendered:
    """The clean copy of an upload, upright and without metadata, its derivatives and its fingerprint.

    Width and height are the copy's, the fingerprint that of the first frame. `prints` are those of further frames of an
    animation, with the milliseconds at which they are shown.
    """

    mime: str
    width: int
    height: int
    frames: int
    clean: bytes
    derivatives: tuple[Derivative, ...]
    fingerprint: Fingerprint
    prints: tuple[tuple[int, Fingerprint], ...] = ()


def harden() -> None:
    """Let this whole process read the accepted formats and nothing else, and keep nothing between files."""
    pyvips.cache_set_max(0)
    pyvips.block_untrusted_set(True)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in ("Jpeg", "Png", "Webp", "Nsgif", "Heif"):
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)


def inspect(data: bytes) -> Sniffed:
    """Read the header. Raises UnsupportedMediaError, or UnreadableMediaError when the header itself is damaged."""
    found = sniff(data)
    if found is None:
        raise UnsupportedMediaError(advice(data) or f"the file is none of the accepted kinds: {ACCEPTED}")
    with _decoding(found):
        header = pyvips.Image.new_from_buffer(data, "", access="sequential")
        loader, fields = header.get("vips-loader"), header.get_fields()
        pages = header.get("n-pages") if "n-pages" in fields else 1
        turned = "orientation" in fields and header.get("orientation") > 1
    if loader.removesuffix("_buffer") != found.loader.removesuffix("_buffer"):
        raise UnsupportedMediaError(f"the file can be read as more than one kind: {ACCEPTED}")
    if found is AVIF and pages > 1:
        raise UnsupportedMediaError("an AVIF file may hold one picture; send several one by one")
    frames = pages if found.animated else 1
    return Sniffed(found, header.width, header.height, frames, turned and frames == 1)


def render(data: bytes, limits: Limits) -> Rendered:
    """Make the clean copy and all derivatives.

    Size and number of pixels and frames are checked on the header, before anything is decoded. The copy is encoded
    anew from the pixels in the upload's own format: orientation is applied, colours become sRGB with 8 bits, and
    metadata, colour profiles, comments and whatever followed the picture are gone.

    Raises UnsupportedMediaError, MediaTooLargeError, or UnreadableMediaError for a damaged or truncated file.
    """
    if len(data) > limits.bytes:
        raise MediaTooLargeError(f"the file has more than {limits.bytes:,} bytes, the limit of an upload")
    sniffed = inspect(data)
    _check_size(sniffed, limits)
    _check_frame(data, sniffed.format)
    with _decoding(sniffed.format):
        clean = _clean_copy(data, sniffed)
        width, height = sniffed.width, sniffed.height
        if sniffed.turned:
            copy = pyvips.Image.new_from_buffer(clean, "", access="sequential")
            width, height = copy.width, copy.height
        base = _thumbnail(clean, sniffed.format, (PLAIN_SIDE, PLAIN_SIDE))
        made = derivatives(base)
        fingerprint = _print_of(base)
        prints: tuple[tuple[int, Fingerprint], ...] = ()
        if sniffed.frames > 1:
            moving = _Moving(clean, sniffed)
            made += contact_sheet(moving.spread(SHEET_FRAMES))
            prints = moving.prints(fingerprint)
    return Rendered(sniffed.format.mime, width, height, sniffed.frames, clean, made, fingerprint, prints)


def preview_bytes(data: bytes, level: int) -> bytes:
    """The gray blurred preview alone, for a file that `render` has accepted. Raises ValueError for an unknown level."""
    if level not in LEVELS:
        raise ValueError(f"blur levels are {LEVELS[0]} to {LEVELS[-1]}, not {level}")
    sniffed = inspect(data)
    with _decoding(sniffed.format):
        size = (sniffed.height, sniffed.width) if sniffed.turned else (sniffed.width, sniffed.height)
        grey = _thumbnail(data, sniffed.format, working_size(*size, level)).colourspace("b-w").copy_memory()
        return preview(grey, level).data


def lens(plain: bytes, x: float, y: float) -> bytes:
    """A small square of a plain derivative as JPEG; x and y are its centre as shares of width and height.

    Near a border the square is moved inside. Raises UnreadableMediaError for anything but a plain derivative.
    """
    with _decoding(JPEG):
        image = pyvips.Image.jpegload_buffer(plain, access="sequential", fail_on="error")
        if max(image.width, image.height) > PLAIN_SIDE:
            raise UnreadableMediaError("the lens looks at plain derivatives, and the file is larger than those are")
        side = max(1, round(LENS_SHARE * min(image.width, image.height)))
        left, top = (
            min(max(0, round(share * length - side / 2)), length - side)
            for share, length in ((x, image.width), (y, image.height))
        )
        tile: bytes = image.crop(left, top, side, side).jpegsave_buffer(Q=85, keep="none")
    return tile


@contextmanager
def _decoding(found: Format) -> Iterator[None]:
    try:
        yield
    except (pyvips.Error, UnicodeDecodeError) as error:
        # What a decoder says may quote bytes of the file, which pyvips then cannot read as text.
        raise UnreadableMediaError(f"the file starts like {found.mime} but is damaged or cut off") from error


def _check_size(sniffed: Sniffed, limits: Limits) -> None:
    if sniffed.frames > limits.frames:
        raise MediaTooLargeError(f"{sniffed.frames:,} frames: an animation may have at most {limits.frames:,}")
    if sniffed.width * sniffed.height * sniffed.frames > limits.pixels:
        raise MediaTooLargeError(
            f"{sniffed.width:,} x {sniffed.height:,} pixels, frames: {sniffed.frames:,}; all together a picture may"
            f" have at most {limits.pixels:,} pixels"
        )


def _check_frame(data: bytes, found: Format) -> None:
    """Find what the decoders let pass: cuts behind the last pixel they need, and frames they would leave out."""
    whole = True
    if found is JPEG:
        whole = jpeg_is_whole(data)
    if found is GIF:
        whole = gif_is_whole(data)
    if found is PNG:
        chunks = png_chunks(data)
        whole = chunks is not None
        if chunks and b"acTL" in chunks:
            # Only the first frame would be decoded, so a reviewer would not see what the platform shows.
            raise UnsupportedMediaError("animated PNG is not accepted; send the animation as GIF or WebP")
    if not whole:
        raise UnreadableMediaError(f"the file starts like {found.mime} but is damaged or cut off")


def _clean_copy(data: bytes, sniffed: Sniffed) -> bytes:
    options: dict[str, Any] = {"fail_on": "error"}
    if sniffed.format.animated:
        options["n"] = -1
    if not sniffed.turned:
        # Top to bottom in small strips; turning needs the whole picture in memory.
        options["access"] = "sequential"
    image = getattr(pyvips.Image, sniffed.format.loader)(data, **options)
    if sniffed.turned:
        image = image.autorot()
    return _encode(_on_screen(image), sniffed)


def _encode(image: Any, sniffed: Sniffed) -> bytes:
    """Deterministic, so that the same upload gives the same file. `keep` leaves a GIF's timing, which is no metadata."""
    encoded: bytes
    if sniffed.format is JPEG:
        encoded = image.jpegsave_buffer(Q=92, keep="none")
    elif sniffed.format is WEBP:
        encoded = image.webpsave_buffer(Q=92, effort=2, keep="none")
    elif sniffed.format is AVIF:
        encoded = image.heifsave_buffer(compression="av1", bitdepth=8, Q=85, effort=0, keep="none")
    elif sniffed.format is GIF:
        encoded = image.gifsave_buffer(reuse=True, dither=0, keep_duplicate_frames=True, keep="none")
    else:
        encoded = image.pngsave_buffer(compression=6, keep="none")
    return encoded


def _on_screen(image: Any) -> Any:
    """The colours a browser would show, without needing the profile that is about to be dropped."""
    if "icc-profile-data" in image.get_fields():
        # A profile that cannot be read counts for nothing, as in browsers: libvips falls back to sRGB. It keeps 16 bits.
        image = image.icc_transform("srgb", embedded=True)
    grey = image.interpretation in {"b-w", "grey16"}
    return image.colourspace("b-w" if grey else "srgb")


def _thumbnail(data: bytes, found: Format, size: tuple[int, int]) -> Any:
    """The first frame, upright, at most `size`; decoders that can leave out detail do so while reading."""
    if found is AVIF:
        # Not by `thumbnail_buffer`: it would believe the small picture that such a file may carry beside the real one.
        whole = pyvips.Image.heifload_buffer(data, fail_on="error")
        image = whole.thumbnail_image(size[0], height=size[1], size="down")
    else:
        image = pyvips.Image.thumbnail_buffer(data, size[0], height=size[1], size="down", fail_on="error")
    return _opaque(image)


def _opaque(image: Any) -> Any:
    """In memory and without transparency."""
    if image.hasalpha():
        image = image.flatten(background=[_BACKDROP] * (image.bands - 1))
    return image.copy_memory()


class _Moving:
    """An animation, decoded."""

    def __init__(self, clean: bytes, sniffed: Sniffed) -> None:
        self._size = (sniffed.width, sniffed.height)
        self._frames = sniffed.frames
        self._strip = _opaque(getattr(pyvips.Image, sniffed.format.loader)(clean, n=-1, fail_on="error"))

    def spread(self, most: int) -> list[Any]:
        """So many of the frames, evenly spread from the first to the last."""
        return [self._frame(place) for place in self._places(most)]

    def prints(self, known: Fingerprint) -> tuple[tuple[int, Fingerprint], ...]:
        """Milliseconds and fingerprint of up to HASHED_FRAMES later frames that differ from `known` and from each other."""
        starts = self._starts()
        found: dict[Fingerprint, int] = {known: 0}
        for place in self._places(HASHED_FRAMES + 1)[1:]:
            found.setdefault(_print_of(self._frame(place)), starts[place])
        return tuple((at, one) for one, at in found.items() if one != known)

    def _places(self, most: int) -> list[int]:
        return [int(one) for one in np.linspace(0, self._frames - 1, min(most, self._frames)).round()]

    def _frame(self, place: int) -> Any:
        width, height = self._size
        return self._strip.crop(0, place * height, width, height)

    def _starts(self) -> list[int]:
        delays = self._strip.get("delay") if "delay" in self._strip.get_fields() else []
        shown = [one if one >= _LEAST_DELAY else _SHORT_DELAY for one in delays[: self._frames]]
        shown += [_SHORT_DELAY] * (self._frames - len(shown))
        return [0, *(int(one) for one in np.cumsum(np.minimum(shown, _MOST_DELAY)))]


def _print_of(image: Any) -> Fingerprint:
    return pdq(_pixels(image.thumbnail_image(_HASHED_SIDE, height=_HASHED_SIDE, size="down")))


def _pixels(image: Any) -> NDArray[np.uint8]:
    """Greys as rows x columns, colours as rows x columns x 3."""
    grey = image.interpretation == "b-w"
    pixels: NDArray[np.uint8] = (image if grey else image.colourspace("srgb")).numpy()
    return pixels[:, :, 0] if grey and pixels.ndim == 3 else pixels
