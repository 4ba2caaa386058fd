"""Drawn pictures for tests, and files made from them byte by byte."""

import zlib
from collections.abc import Callable
from typing import Any

import pyvips

RED, BLUE = "#d22", "#22d"


def draw(width: int = 400, height: int = 300, *, inside: str = "", background: str = "#cdd8e4") -> Any:
    """An image with some SVG elements on a plain ground, in a 400 x 300 box that is stretched to the size."""
    scene = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 400 300"'
        f' preserveAspectRatio="none"><rect width="400" height="300" fill="{background}"/>{inside}</svg>'
    )
    return pyvips.Image.svgload_buffer(scene.encode()).flatten(background=[255, 255, 255]).copy_memory()


def scene(width: int = 400, height: int = 300) -> Any:
    """A picture with shapes, text and a red upper left corner."""
    return draw(
        width,
        height,
        inside=f'<circle cx="240" cy="170" r="90" fill="{BLUE}"/><rect width="100" height="75" fill="{RED}"/>'
        '<text x="150" y="270" font-size="40" fill="#111">House 42</text>',
    )


def words(text: str, *, size: int, width: int = 800, height: int = 600) -> Any:
    """Black text of a height in SVG units, in the middle of a white picture."""
    line = f'<text x="200" y="160" font-size="{size}" text-anchor="middle" fill="#000">{text}</text>'
    return draw(width, height, inside=line, background="#fff")


def checkerboard(square: float, *, width: int = 800, height: int = 600) -> Any:
    """A black and white board with squares of that many pixels."""
    places = pyvips.Image.xyz(width, height) / square
    parity = (places[0].floor() + places[1].floor()) % 2
    return (parity * 255).cast("uchar").copy(interpretation="b-w")


def frames_of(*frames: Any, delays: list[int], loop: int = 0) -> Any:
    """An animation of equally large frames; delays in milliseconds."""
    strip = pyvips.Image.arrayjoin(list(frames), across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", frames[0].height)
    strip.set_type(pyvips.GValue.array_int_type, "delay", delays)
    strip.set_type(pyvips.GValue.gint_type, "loop", loop)
    return strip


def animation() -> Any:
    """Three frames that differ."""
    return frames_of(scene(), scene().fliphor(), scene().flipver(), delays=[100, 250, 400], loop=3)


def jpeg(image: Any | None = None, **options: Any) -> bytes:
    """The image (or the scene) as JPEG."""
    data: bytes = (scene() if image is None else image).jpegsave_buffer(**options)
    return data


def png(image: Any | None = None, **options: Any) -> bytes:
    """The image (or the scene) as PNG."""
    data: bytes = (scene() if image is None else image).pngsave_buffer(**options)
    return data


def webp(image: Any | None = None, **options: Any) -> bytes:
    """The image (or the scene) as WebP."""
    data: bytes = (scene() if image is None else image).webpsave_buffer(**options)
    return data


def gif(image: Any | None = None, **options: Any) -> bytes:
    """The image (or the scene) as GIF."""
    data: bytes = (scene() if image is None else image).gifsave_buffer(**options)
    return data


def avif(image: Any | None = None, **options: Any) -> bytes:
    """The image (or the scene) as AVIF."""
    data: bytes = (scene() if image is None else image).heifsave_buffer(compression="av1", effort=0, **options)
    return data


STILL: dict[str, Callable[[], bytes]] = {"jpeg": jpeg, "png": png, "webp": webp, "gif": gif, "avif": avif}
MOVING: dict[str, Callable[[], bytes]] = {
    "moving webp": lambda: webp(animation()),
    "moving gif": lambda: gif(animation()),
}


def load(data: bytes, **options: Any) -> Any:
    """The picture in a file."""
    return pyvips.Image.new_from_buffer(data, "", **options)


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    checksum = zlib.crc32(kind + body)
    return len(body).to_bytes(4) + kind + body + checksum.to_bytes(4)


def png_header(width: int, height: int) -> bytes:
    """Start of a PNG that claims a size and has no pixels."""
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
