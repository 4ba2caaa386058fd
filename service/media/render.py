"""Pictures: refuse what is not one, make the copy that is kept, and blur it for review.

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
from service.errors import MediaTooLargeError, UnreadableMediaError, UnsupportedMediaError
from service.media.derivatives import Derivative
from service.media.sniff import GIF, JPEG, PNG, WEBP, Format, gif_is_whole, jpeg_is_whole, png_chunks, sniff

# Blur level → standard deviation of the Gaussian as a share of the picture's short side, so that the effect does not
# depend on resolution.
SIGMA_SHARE = {1: 0.008, 2: 0.017, 3: 0.033, 4: 0.08}
LEVELS = tuple(SIGMA_SHARE)
# A preview keeps this many pixels per sigma. Finer ones would only carry what the blur left below one grey step, which
# is what an attempt to undo a blur feeds on; the browser scales the preview up and it looks the same.
PIXELS_PER_SIGMA = 1.25
# The blur itself runs on a picture this much larger than the preview, so that its kernel has enough taps.
OVERSAMPLING = 2
LONG_SIDE = 640
PREVIEW_MIME = "image/jpeg"

# Shown behind transparent parts in previews: black and white marks both stand out against it.
_BACKDROP = 128
# How far down the Gaussian's tails are followed; libvips by default cuts at 20 % of the peak, which lets detail through.
_TAIL = 0.01
_ACCEPTED = "JPEG, PNG, WebP and GIF pictures are accepted"


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

    Width and height are the copy's, the fingerprint that of the first frame.
    """

    mime: str
    width: int
    height: int
    frames: int
    clean: bytes
    derivatives: tuple[Derivative, ...]
    fingerprint: Fingerprint


def harden() -> None:
    """Let this whole process read the accepted formats and nothing else, and keep nothing between files."""
    pyvips.cache_set_max(0)
    pyvips.block_untrusted_set(True)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in ("Jpeg", "Png", "Webp", "Nsgif"):
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)


def inspect(data: bytes) -> Sniffed:
    """Read the header. Raises UnsupportedMediaError, or UnreadableMediaError when the header itself is damaged."""
    found = sniff(data)
    if found is None:
        raise UnsupportedMediaError(f"the file is none of the accepted kinds: {_ACCEPTED}")
    with _decoding(found):
        header = pyvips.Image.new_from_buffer(data, "", access="sequential")
        loader, fields = header.get("vips-loader"), header.get_fields()
        frames = header.get("n-pages") if "n-pages" in fields and found.animated else 1
        turned = "orientation" in fields and header.get("orientation") > 1
    if loader.removesuffix("_buffer") != found.loader.removesuffix("_buffer"):
        raise UnsupportedMediaError(f"the file can be read as more than one kind: {_ACCEPTED}")
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
        base = _thumbnail(clean, _working_size(width, height, LEVELS[0]))
        fingerprint = pdq(_pixels(base))
        grey = base.colourspace("b-w").copy_memory()
        derivatives = tuple(_preview(grey, (width, height), level) for level in LEVELS)
    return Rendered(sniffed.format.mime, width, height, sniffed.frames, clean, derivatives, fingerprint)


def preview_bytes(data: bytes, level: int) -> bytes:
    """The blurred preview alone, for a file that `render` has accepted. Raises ValueError for an unknown level."""
    if level not in SIGMA_SHARE:
        raise ValueError(f"blur levels are {LEVELS[0]} to {LEVELS[-1]}, not {level}")
    sniffed = inspect(data)
    with _decoding(sniffed.format):
        size = (sniffed.height, sniffed.width) if sniffed.turned else (sniffed.width, sniffed.height)
        grey = _thumbnail(data, _working_size(*size, level)).colourspace("b-w").copy_memory()
        return _preview(grey, size, level).data


@contextmanager
def _decoding(found: Format) -> Iterator[None]:
    try:
        yield
    except pyvips.Error as error:
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
    elif sniffed.format is GIF:
        encoded = image.gifsave_buffer(reuse=True, dither=0, keep_duplicate_frames=True, keep="none")
    else:
        encoded = image.pngsave_buffer(compression=6, keep="none")
    return encoded


def _on_screen(image: Any) -> Any:
    """The colours a browser would show, without needing the profile that is about to be dropped."""
    if "icc-profile-data" in image.get_fields():
        # A profile that cannot be read counts for nothing, as in browsers: libvips falls back to sRGB.
        return image.icc_transform("srgb", embedded=True)
    grey = image.interpretation in {"b-w", "grey16"}
    return image.colourspace("b-w" if grey else "srgb")


def _working_size(width: int, height: int, level: int) -> tuple[int, int]:
    """Pixels of the picture that the blur runs on: never more than the source has."""
    wanted = OVERSAMPLING * PIXELS_PER_SIGMA / SIGMA_SHARE[level]
    scale = min(1.0, wanted / min(width, height), LONG_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _thumbnail(data: bytes, size: tuple[int, int]) -> Any:
    """The first frame, upright, at most `size`; decoders that can leave out detail do so while reading."""
    image = pyvips.Image.thumbnail_buffer(data, size[0], height=size[1], size="down", fail_on="error")
    if image.hasalpha():
        image = image.flatten(background=[_BACKDROP] * (image.bands - 1))
    return image.copy_memory()


def _pixels(image: Any) -> NDArray[np.uint8]:
    """Greys as rows x columns, colours as rows x columns x 3."""
    grey = image.interpretation == "b-w"
    pixels: NDArray[np.uint8] = (image if grey else image.colourspace("srgb")).numpy()
    return pixels[:, :, 0] if grey and pixels.ndim == 3 else pixels


def _preview(base: Any, size: tuple[int, int], level: int) -> Derivative:
    """Blur, then keep only as many pixels as the blur left information for. `size` is that of the full picture."""
    width, height = _working_size(*size, level)
    work = base if (base.width, base.height) == (width, height) else base.thumbnail_image(width, height=height)
    sigma = SIGMA_SHARE[level] * min(work.width, work.height)
    blurred = work.gaussblur(sigma, min_ampl=_TAIL) if sigma > 0.2 else work
    kept = min(1.0, PIXELS_PER_SIGMA / sigma)
    small = blurred.resize(
        max(1, round(work.width * kept)) / work.width, vscale=max(1, round(work.height * kept)) / work.height
    )
    return Derivative("gray", level, PREVIEW_MIME, small.width, small.height, small.jpegsave_buffer(Q=90, keep="none"))
