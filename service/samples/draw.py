"""Drawn stand-ins for reported media, so that a sample queue can show blur and reveal without real photographs."""

from importlib import resources

import pyvips

PICTURES: tuple[str, ...] = (
    "bandaged-arm.png",
    "bank-login.png",
    "bird-cage.png",
    "crowd-banners.png",
    "dark-street.png",
    "handbag.png",
    "identity-card.png",
    "market-stall.png",
    "museum-statue.png",
    "phone-chat.png",
    "poster.png",
    "rising-chart.png",
    "scuffle.png",
    "torn-photo.png",
    "warning-parcel.png",
)


class UnknownPictureError(ValueError):
    """A name that is not in PICTURES."""


def draw_picture(name: str) -> bytes:
    """The picture as a 960 x 720 PNG, the same bytes at every call. Raises UnknownPictureError."""
    # The list is checked before the name becomes part of a path, so a name can never reach another file.
    if name not in PICTURES:
        raise UnknownPictureError(f"no sample picture {name!r}; known: {', '.join(PICTURES)}")
    scene = resources.files("service.samples").joinpath("pictures", f"{name.removesuffix('.png')}.svg").read_bytes()
    image = pyvips.Image.svgload_buffer(scene).flatten(background=[255, 255, 255])
    png: bytes = image.write_to_buffer(".png", compression=9, keep="none")
    return png
