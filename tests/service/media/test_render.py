"""What goes in is a whole picture or is refused; what comes out is clean or blurred beyond recovery."""

from collections.abc import Callable
from typing import Any

import pytest
import pyvips
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from service.errors.base import TriageError
from service.errors.media import MediaTooLargeError, UnreadableMediaError, UnsupportedMediaError
from service.media import render as module
from service.media.blurring import LEVELS, LINES_SIDE, LONG_SIDE, PLAIN_SIDE, SIGMA_SHARE
from service.media.blurring import STILL as STILL_KINDS
from service.media.render import Limits, inspect, lens, preview_bytes, render
from tests.service.media.pictures import (
    MOVING,
    STILL,
    animation,
    avif,
    checkerboard,
    chunk,
    draw,
    frames_of,
    gif,
    jpeg,
    load,
    png,
    png_header,
    scene,
    webp,
    words,
)

LIMITS = Limits(bytes=20_000_000, pixels=40_000_000, frames=200)
ALL = {**STILL, **MOVING}
MIMES = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif", "avif": "image/avif"}


def blurred(image: Any, level: int) -> Any:
    return load(preview_bytes(png(image), level))


def inner(image: Any) -> Any:
    """The picture without its rim, where squares are cut."""
    return image.crop(image.width // 4, image.height // 4, image.width // 2, image.height // 2)


def with_field(image: Any, kind: Any, name: str, value: object) -> Any:
    copy = image.copy()
    copy.set_type(kind, name, value)
    return copy


@pytest.mark.parametrize("name", STILL)
def test_still_picture_keeps_format_size_and_look(name: str) -> None:
    data = STILL[name]()
    rendered = render(data, LIMITS)
    assert (rendered.mime, rendered.width, rendered.height, rendered.frames) == (MIMES[name], 400, 300, 1)
    difference = load(rendered.clean).extract_band(0, n=3) - load(data).extract_band(0, n=3)
    assert difference.abs().avg() < 2


@pytest.mark.parametrize("name", MOVING)
def test_animation_keeps_frames_and_timing(name: str) -> None:
    rendered = render(MOVING[name](), LIMITS)
    assert (rendered.width, rendered.height, rendered.frames) == (400, 300, 3)
    clean = load(rendered.clean, n=-1)
    assert (clean.get("n-pages"), clean.get("delay"), clean.get("loop")) == (3, [100, 250, 400], 3)
    second = clean.crop(0, 300, 400, 300).extract_band(0, n=3)
    assert (second - scene().fliphor()).abs().avg() < 5


def test_animation_keeps_frames_that_do_not_change() -> None:
    rendered = render(gif(frames_of(scene(), scene(), delays=[100, 300]), keep_duplicate_frames=True), LIMITS)
    assert load(rendered.clean, n=-1).get("delay") == [100, 300]


def test_same_upload_gives_the_same_files() -> None:
    for make in ALL.values():
        data = make()
        assert render(data, LIMITS) == render(data, LIMITS)


@pytest.mark.parametrize("level", LEVELS)
def test_detail_finer_than_sigma_is_gone_and_coarser_is_not(level: int) -> None:
    sigma = SIGMA_SHARE[level] * 600
    assert inner(blurred(checkerboard(sigma), level)).deviate() < 1
    assert inner(blurred(checkerboard(4 * sigma), level)).deviate() > 20


@pytest.mark.parametrize(("level", "size"), [(2, 8), (3, 15), (4, 38)])
def test_texts_below_the_blur_cannot_be_told_apart(level: int, size: int) -> None:
    """The strongest attack there is: somebody who knows both texts and only has to say which one it is."""
    one, other = (blurred(words(text, size=size), level) for text in ("HOUSE", "MOUSE"))
    assert (one - other).abs().max() <= 12
    sharp = words("HOUSE", size=size) - words("MOUSE", size=size)
    assert sharp.abs().max() == 255


@pytest.mark.parametrize(("level", "most"), [(1, 208 * 156), (2, 100 * 75), (3, 52 * 39), (4, 22 * 17)])
def test_stronger_levels_have_fewer_pixels(level: int, most: int) -> None:
    preview = blurred(scene(1600, 1200), level)
    assert preview.width * preview.height <= most
    assert preview.width / preview.height == pytest.approx(4 / 3, rel=0.05)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 2), (16, 16), (4000, 3), (2, 5000), (900, 300), (60, 1300)])
def test_any_shape_can_be_previewed(width: int, height: int) -> None:
    rendered = render(png(draw(width, height)), LIMITS)
    assert [(one.variant, one.level) for one in rendered.derivatives] == list(STILL_KINDS)
    for preview in rendered.derivatives:
        assert (load(preview.data).width, load(preview.data).height) == (preview.width, preview.height)
        most = {"lines": LINES_SIDE}.get(preview.variant, LONG_SIDE if preview.level else PLAIN_SIDE)
        assert max(preview.width, preview.height) <= most
        assert preview.width <= width
        assert preview.height <= height


@pytest.mark.parametrize("name", ALL)
def test_derivatives_are_jpegs_without_metadata(name: str) -> None:
    rendered = render(ALL[name](), LIMITS)
    sheets = [one.level for one in rendered.derivatives if one.variant == "sheet"]
    assert sheets == ([0, *LEVELS] if name in MOVING else [])
    for preview in rendered.derivatives:
        image = load(preview.data)
        bands = 3 if preview.variant == "colour" or (preview.variant, preview.level) == ("sheet", 0) else 1
        assert (image.get("vips-loader"), image.bands) == ("jpegload_buffer", bands)
        assert not metadata(image)


def one_of(data: bytes, variant: str, level: int) -> Any:
    """The picture of one derivative of an upload."""
    [found] = [one for one in render(data, LIMITS).derivatives if (one.variant, one.level) == (variant, level)]
    return load(found.data)


def test_level_zero_is_the_picture_itself_but_small() -> None:
    data = png(scene(2600, 1950))
    plain = one_of(data, "colour", 0)
    assert (plain.width, plain.height) == (1280, 960)
    assert (plain - scene(1280, 960)).abs().avg() < 2
    assert (one_of(data, "gray", 0) - scene(1280, 960).colourspace("b-w")).abs().avg() < 2


@pytest.mark.parametrize("level", LEVELS)
def test_colour_is_blurred_as_much_as_gray(level: int) -> None:
    data = png(words("HOUSE", size=60))
    gray, colour = one_of(data, "gray", level), one_of(data, "colour", level)
    assert (colour.width, colour.height) == (gray.width, gray.height)
    assert (colour.colourspace("b-w") - gray).abs().max() <= 8


def test_colour_keeps_colours() -> None:
    red, _, blue = one_of(png(scene()), "colour", 2).getpoint(5, 5)
    assert red > blue + 100


def test_lines_show_edges_and_neither_surfaces_nor_shades() -> None:
    lines = one_of(png(scene(1200, 900)), "lines", 0)
    assert (lines.width, lines.height) == (480, 360)
    middle, border, ground = lines.getpoint(288, 200)[0], lines.crop(280, 90, 16, 12).min(), lines.getpoint(20, 300)[0]
    assert (middle, ground) == (pytest.approx(255, abs=8), pytest.approx(255, abs=8))
    assert border < 60
    shade = pyvips.Image.identity().resize(3, vscale=300).copy(interpretation="b-w")
    assert one_of(png(shade), "lines", 0).min() > 225


def test_lines_draw_no_grain() -> None:
    grain = (scene(1200, 900) + pyvips.Image.gaussnoise(1200, 900, sigma=12, seed=1)).cast("uchar")
    clear = one_of(png(scene(1200, 900)), "lines", 0)
    assert (one_of(png(grain.copy(interpretation="srgb")), "lines", 0) - clear).abs().avg() < 6


@pytest.mark.parametrize(("frames", "shown"), [(2, 2), (9, 9), (20, 9)])
def test_sheet_shows_frames_from_the_first_to_the_last(frames: int, shown: int) -> None:
    """One bright picture among dark ones, at the very end: a still of the first frame would not have shown it."""
    dark, bright = draw(60, 45, background="#111"), draw(60, 45, background="#eee")
    data = gif(frames_of(*[dark] * (frames - 1), bright, delays=[50] * frames), keep_duplicate_frames=True)
    sheet = one_of(data, "sheet", 1)
    columns, rows = min(3, shown), -(-shown // 3)
    cells = [
        sheet.getpoint((column + 0.5) * sheet.width // columns, (row + 0.5) * sheet.height // rows)[0]
        for row in range(rows)
        for column in range(columns)
    ]
    assert [cell > 200 for cell in cells] == [False] * (shown - 1) + [True]


def test_frames_of_a_sheet_do_not_bleed_into_each_other() -> None:
    black, white = draw(100, 100, background="#000"), draw(100, 100, background="#fff")
    sheet = one_of(gif(frames_of(black, white, delays=[50, 50])), "sheet", 4)
    half = sheet.width // 2
    assert sheet.crop(0, 0, half - 1, sheet.height).max() < 40
    assert sheet.crop(half + 1, 0, half - 1, sheet.height).min() > 215


@pytest.mark.parametrize("encode", [gif, webp])
def test_later_frames_of_an_animation_have_fingerprints_with_their_times(encode: Callable[[Any], bytes]) -> None:
    rendered = render(encode(animation()), LIMITS)
    assert [at for at, _ in rendered.prints] == [100, 350]
    for found, picture in zip([one for _, one in rendered.prints], [scene().fliphor(), scene().flipver()], strict=True):
        assert (found.bits ^ render(png(picture), LIMITS).fingerprint.bits).bit_count() <= 8
        assert (found.bits ^ rendered.fingerprint.bits).bit_count() > 31


def test_of_a_long_animation_some_frames_have_fingerprints_and_equal_ones_count_once() -> None:
    turned = [scene(120, 90).similarity(angle=at).crop(0, 0, 120, 90).copy_memory() for at in range(40)]
    prints = render(gif(frames_of(*turned, delays=[0] * 40)), LIMITS).prints
    # What lasts no time at all is shown for a tenth of a second; the last frame is among them.
    assert (len(prints), prints[-1][0]) == (15, 3900)
    still = frames_of(*[scene(120, 90)] * 5, delays=[50] * 5)
    assert render(gif(still, keep_duplicate_frames=True), LIMITS).prints == ()


def test_lens_cuts_a_square_around_its_centre() -> None:
    plain = jpeg(scene())
    tile = load(lens(plain, 0.6, 0.5))
    assert (tile.width, tile.height) == (66, 66)
    assert (tile - load(plain).crop(207, 117, 66, 66)).abs().avg() < 3


@pytest.mark.parametrize(("x", "y", "left", "top"), [(0, 0, 0, 0), (1, 1, 334, 234), (0, 1, 0, 234), (0.5, 0, 167, 0)])
def test_lens_at_a_border_is_moved_inside(x: float, y: float, left: int, top: int) -> None:
    plain = jpeg(scene())
    tile = load(lens(plain, x, y))
    assert (tile - load(plain).crop(left, top, 66, 66)).abs().avg() < 3


@pytest.mark.parametrize(("width", "height", "side"), [(1, 1, 1), (1280, 2, 1), (3, 900, 1), (1280, 1280, 282)])
def test_lens_works_on_any_shape(width: int, height: int, side: int) -> None:
    tile = load(lens(jpeg(draw(width, height)), 0.9, 0.1))
    assert (tile.width, tile.height) == (side, side)


def test_lens_reads_plain_derivatives_only() -> None:
    for data in (png(), jpeg(draw(1281, 4)), jpeg()[:-1500], b""):
        with pytest.raises(UnreadableMediaError):
            lens(data, 0.5, 1)


def metadata(image: Any) -> list[str]:
    return [
        name for name in image.get_fields() if name.startswith(("exif", "xmp", "iptc", "icc", "png-comment", "gif-c"))
    ]


def test_preview_of_an_animation_is_its_first_frame() -> None:
    still = load(preview_bytes(gif(scene()), 1))
    assert (load(preview_bytes(gif(animation()), 1)) - still).abs().max() <= 3


def test_transparent_parts_hide_neither_black_nor_white() -> None:
    for colour in (0, 255):
        mark = (pyvips.Image.black(300, 300) + colour).cast("uchar").copy(interpretation="srgb")
        alpha = pyvips.Image.black(100, 300).insert(pyvips.Image.black(200, 300) + 255, 100, 0, expand=True)
        picture = mark.bandjoin([mark, mark, alpha.cast("uchar")]).copy(interpretation="srgb")
        assert blurred(picture, 2).deviate() > 40


def test_unknown_level_is_an_error() -> None:
    with pytest.raises(ValueError, match="1 to 4, not 0"):
        preview_bytes(png(), 0)


def test_place_and_camera_are_removed() -> None:
    image = scene()
    for name, value in {"exif-ifd3-GPSLatitude": "48/1 51/1 0/1", "exif-ifd0-Make": "Camera of Ada"}.items():
        image = with_field(image, pyvips.GValue.gstr_type, name, value)
    image = with_field(image, pyvips.GValue.blob_type, "xmp-data", b"<x:xmpmeta>Ada</x:xmpmeta>")
    image = with_field(
        image, pyvips.GValue.blob_type, "icc-profile-data", image.icc_transform("srgb").get("icc-profile-data")
    )
    for data in (jpeg(image), png(image), webp(image)):
        assert {"exif-data", "xmp-data", "icc-profile-data"} <= set(load(data).get_fields())
        rendered = render(data, LIMITS)
        assert not metadata(load(rendered.clean))
        assert b"Ada" not in rendered.clean
        assert b"Exif" not in rendered.clean


def test_comments_are_removed() -> None:
    plain = png()
    data = plain[:33] + chunk(b"tEXt", b"Author\x00Ada") + plain[33:]
    assert b"Ada" not in render(data, LIMITS).clean
    plain = jpeg()
    data = plain[:2] + b"\xff\xfe\x00\x05Ada" + plain[2:]
    assert b"Ada" not in render(data, LIMITS).clean
    plain = gif()
    place = 13 + 3 * 256
    data = plain[:place] + b"\x21\xfe\x03Ada\x00" + plain[place:]
    assert b"Ada" not in render(data, LIMITS).clean


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (1, 1)), (6, (1, 0)), (8, (0, 1))])
@pytest.mark.parametrize("make", [jpeg, png, webp])
def test_orientation_is_applied(make: Callable[[Any], bytes], orientation: int, corner: tuple[int, int]) -> None:
    data = make(with_field(scene(), pyvips.GValue.gint_type, "orientation", orientation))
    rendered = render(data, LIMITS)
    clean = load(rendered.clean)
    size = (300, 400) if orientation in {6, 8} else (400, 300)
    assert (clean.width, clean.height) == (rendered.width, rendered.height) == size
    place = [10 if low == 0 else most - 10 for low, most in zip(corner, size, strict=True)]
    red, green, blue = clean.getpoint(*place)[:3]
    assert red > 150
    assert max(green, blue) < 90
    alone = load(preview_bytes(data, 1))
    assert (alone.width > alone.height) == (size[0] > size[1])


def test_colours_of_other_profiles_look_the_same() -> None:
    grey = scene().colourspace("b-w")
    wide = scene().icc_transform("p3")
    wide_deep = scene().icc_transform("p3", depth=16)
    for image in (wide, wide_deep, scene().colourspace("rgb16"), grey, grey.colourspace("grey16")):
        clean = load(render(png(image), LIMITS).clean)
        expected = scene() if clean.bands == 3 else grey
        assert clean.format == "uchar"
        assert (clean - expected).abs().avg() < 2


def test_print_colours_become_screen_colours() -> None:
    clean = load(render(jpeg(scene().icc_transform("cmyk")), LIMITS).clean)
    assert (clean.bands, clean.interpretation) == (3, "srgb")
    assert (clean - scene()).abs().avg() < 25


@pytest.mark.parametrize("broken", ["nonsense", "without tables"])
def test_broken_profile_is_ignored(broken: str) -> None:
    good = scene().icc_transform("srgb").get("icc-profile-data")
    profile = b"no profile at all" * 20 if broken == "nonsense" else good[:128] + bytes(len(good) - 128)
    data = jpeg(with_field(scene(), pyvips.GValue.blob_type, "icc-profile-data", profile))
    clean = load(render(data, LIMITS).clean)
    assert not metadata(clean)
    assert (clean - scene()).abs().avg() < 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG",
        b"GIF8",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"%PDF-1.7\n" + jpeg(),
        b"<!doctype html><img src=x onerror=alert(1)>" + png(),
        b"PK\x03\x04" + jpeg(),
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1",
        b"8BPS\x00\x01",
        b"P6 1 1 255 abc",
        scene().tiffsave_buffer(),
    ],
    ids=lambda data: repr(data[:8]),
)
def test_everything_else_is_refused(data: bytes) -> None:
    with pytest.raises(UnsupportedMediaError):
        render(data, LIMITS)
    with pytest.raises(UnsupportedMediaError):
        preview_bytes(data, 2)


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a/*" + b" " * 20 + b"*/=1;alert(document.domain)//" + b" " * 900,
        gif()[:-1] + b"<script>alert(1)</script>;",
        b"\xff\xd8\xff\xe0<script>alert(1)</script>" + b" " * 900,
        b"\x89PNG\r\n\x1a\n" + b"PK\x03\x04" * 300,
        b"RIFF\x10\x00\x00\x00WEBP%PDF-1.7    ",
    ],
    ids=["gif", "gif tail", "jpeg", "png", "webp"],
)
def test_a_foreign_file_with_a_borrowed_start_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableMediaError):
        render(data, LIMITS)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1", "convert it to JPEG"),
        (avif().replace(b"ftypavif", b"ftypheix"), "convert it to JPEG"),
        (avif().replace(b"ftypavif", b"ftypavis"), "GIF or WebP"),
        (avif().replace(b"ftypavif", b"ftypisom"), "none of the accepted"),
        (b"\xff\xff\xff\xffftypavif", "none of the accepted"),
    ],
    ids=["heic", "heix", "moving avif", "other brand", "brands without end"],
)
def test_refusals_name_a_way_out(data: bytes, sentence: str) -> None:
    with pytest.raises(UnsupportedMediaError, match=sentence):
        render(data, LIMITS)


def test_avif_under_its_general_brand_is_accepted() -> None:
    assert render(avif().replace(b"ftypavif", b"ftypmif1"), LIMITS).mime == "image/avif"


def test_avif_of_ten_bits_becomes_eight() -> None:
    clean = load(render(avif(scene().colourspace("rgb16"), bitdepth=10), LIMITS).clean)
    assert (clean.format, clean.get("bits-per-sample")) == ("uchar", 8)
    assert (clean - scene()).abs().avg() < 2


def test_avif_with_several_pictures_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No encoder here writes one, so the header's answer stands in."""
    header = load(avif()).copy()
    header.set_type(pyvips.GValue.gint_type, "n-pages", 2)
    monkeypatch.setattr(pyvips.Image, "new_from_buffer", lambda *_, **__: header)
    with pytest.raises(UnsupportedMediaError, match="one picture"):
        inspect(avif())


def test_animated_png_is_refused_rather_than_cut_to_its_first_frame() -> None:
    data = png()
    control = chunk(b"acTL", (2).to_bytes(4) + bytes(4))
    with pytest.raises(UnsupportedMediaError, match="animated PNG"):
        render(data[:33] + control + data[33:], LIMITS)


@pytest.mark.parametrize("name", ALL)
def test_truncation_is_found_wherever_it_is(name: str) -> None:
    data = ALL[name]()
    for length in {*range(16, len(data), max(1, len(data) // 60)), len(data) - 1, len(data) - 2}:
        with pytest.raises((UnreadableMediaError, UnsupportedMediaError)):
            render(data[:length], LIMITS)


@pytest.mark.parametrize("name", ["png", "gif"])
def test_damage_inside_is_found(name: str) -> None:
    data = bytearray(STILL[name]())
    middle = len(data) // 2
    data[middle : middle + 40] = b"\xa5" * 40
    with pytest.raises(UnreadableMediaError):
        render(bytes(data), LIMITS)


@pytest.mark.parametrize("name", ALL)
def test_what_follows_the_picture_is_not_kept(name: str) -> None:
    data = ALL[name]()
    with_payload = render(data + b"PK\x03\x04<script>payload</script>" * 50, LIMITS)
    assert with_payload.clean == render(data, LIMITS).clean


def test_pixel_bomb_is_refused_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_clean_copy", lambda *_: pytest.fail("decoded"))
    monkeypatch.setattr(module, "_check_frame", lambda *_: pytest.fail("walked through"))
    bomb = png(pyvips.Image.black(8000, 6500, bands=3).copy(interpretation="srgb"))
    assert len(bomb) < 500_000
    for data in (bomb, png_header(100_000, 100_000), png_header(2**31 - 1, 2**31 - 1)):
        with pytest.raises((MediaTooLargeError, UnreadableMediaError)):
            render(data, LIMITS)
    with pytest.raises(MediaTooLargeError, match="8,000 x 6,500"):
        render(bomb, LIMITS)


def test_frames_count_as_pixels() -> None:
    data = gif(animation())
    assert render(data, Limits(bytes=10**7, pixels=360_000, frames=3)).frames == 3
    with pytest.raises(MediaTooLargeError, match="359,999 pixels"):
        render(data, Limits(bytes=10**7, pixels=359_999, frames=3))
    with pytest.raises(MediaTooLargeError, match="at most 2"):
        render(data, Limits(bytes=10**7, pixels=360_000, frames=2))


def test_false_canvas_of_an_animation_is_not_believed() -> None:
    data = bytearray(gif(animation()))
    data[6:10] = b"\xff\xff\xff\xff"
    rendered = render(bytes(data), LIMITS)
    assert (rendered.width, rendered.height) == (400, 300)


def test_bytes_are_limited() -> None:
    data = jpeg()
    assert render(data, Limits(bytes=len(data), pixels=120_000, frames=1)).width == 400
    with pytest.raises(MediaTooLargeError, match="bytes"):
        render(data, Limits(bytes=len(data) - 1, pixels=120_000, frames=1))


def test_header_is_read_without_decoding() -> None:
    sniffed = inspect(webp(animation()))
    assert (sniffed.format.mime, sniffed.width, sniffed.height, sniffed.frames) == ("image/webp", 400, 300, 3)


STARTS = [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x20\x00\x00\x00WEBP", b"GIF89a", png_header(9, 9)[:40]]
CAREFULLY = hypothesis_settings(max_examples=150, suppress_health_check=list(HealthCheck))


@CAREFULLY
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=300))
def test_garbage_is_refused_and_nothing_worse(start: bytes, rest: bytes) -> None:
    with pytest.raises(TriageError):
        render(start + rest, LIMITS)


SMALL = {
    name: make(draw(24, 18))
    for name, make in {"jpeg": jpeg, "png": png, "webp": webp, "gif": gif, "avif": avif}.items()
}


@CAREFULLY
@given(
    name=st.sampled_from(sorted(SMALL)),
    changes=st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 255)), max_size=8),
)
def test_damaged_picture_is_rendered_or_refused(name: str, changes: list[tuple[int, int]]) -> None:
    data = bytearray(SMALL[name])
    for place, value in changes:
        data[place % len(data)] = value
    try:
        rendered = render(bytes(data), LIMITS)
    except TriageError:
        return
    assert load(rendered.clean, fail_on="error").avg() >= 0
    assert [(one.variant, one.level) for one in rendered.derivatives][: len(STILL_KINDS)] == list(STILL_KINDS)
