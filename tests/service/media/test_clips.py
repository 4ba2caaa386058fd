"""What is made of videos and sounds: blurred, without metadata, playable, and nothing of files that are not."""

import io
import struct
from dataclasses import replace
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from models.pdq import RADIUS, pdq
from service.assessing.pixels import frames_of
from service.media import clip_copy, clip_render, clips
from service.media.blurring import LEVELS
from service.media.clip_copy import ANEW, clean_copy
from service.media.clip_proxy import PROXY_LEVELS, blurring
from service.media.clip_render import RenderedClip, render_clip, watch
from service.media.clip_shots import MOST_SAMPLES, Sampler, key_shots
from service.media.clips import ClipError, ClipLimits, opened
from service.media.derivatives import Derivative
from tests.service.media.broken_clips import BOMBS
from tests.service.media.clips import (
    HEIGHT,
    MOV,
    MP4,
    SECRET_TITLE,
    SECRETS,
    SOUNDS,
    WEBM,
    WIDTH,
    Made,
    drawn,
    malformed,
    packed_anew,
    turned_clockwise,
    with_matrix,
)

LIMITS = ClipLimits(seconds=60, pixels=1_000_000, bytes=10_000_000, cpu_seconds=60)


def rendered(data: bytes, limits: ClipLimits = LIMITS) -> tuple[dict[tuple[str, int], Derivative], RenderedClip]:
    """All derivatives by variant and level, and the clean copy."""
    *groups, last = render_clip(io.BytesIO(data), limits)
    assert isinstance(last, RenderedClip)
    found: dict[tuple[str, int], Derivative] = {}
    for group in groups:
        assert isinstance(group, tuple)
        # Whoever stores a group relies on none coming twice.
        assert not found.keys() & {(one.variant, one.level) for one in group}
        found |= {(one.variant, one.level): one for one in group}
    return found, last


def played(data: bytes) -> tuple[list[Any], int]:
    """Frames of pictures and samples of sound in a file that a player plays."""
    frames, samples = [], 0
    with av.open(io.BytesIO(data), "r") as container:
        for packet in container.demux():
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    frames.append(frame)
                if isinstance(frame, av.AudioFrame):
                    samples += frame.samples
    return frames, samples


def decoded(one: Derivative) -> NDArray[np.uint8]:
    """The pixels of a derivative that is a picture."""
    pixels: NDArray[np.uint8] = pyvips.Image.new_from_buffer(one.data, "").numpy()
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def is_red(colour: NDArray[np.uint8]) -> bool:
    return bool(int(colour[0]) - max(int(colour[1]), int(colour[2])) > 80)


POSTER = {(variant, level) for variant in ("gray", "colour") for level in (0, *LEVELS)} | {("lines", 0)}
SHEET = {("sheet", level) for level in (0, *LEVELS)}
PROXIES = {("proxy", level) for level in PROXY_LEVELS}
WAVE = {("wave", 0)}


@pytest.mark.parametrize(
    ("made", "mime", "kept"),
    [
        (WEBM, "video/webm", {"vp8", "opus"}),
        (replace(WEBM, picture="libvpx-vp9", sound=None), "video/webm", {"vp9"}),
        (MP4, "video/mp4", {"h264", "aac"}),
        (replace(MP4, container="mov", sound=None), "video/mp4", {"h264"}),
        (MOV, "video/webm", {"vp8", "opus"}),
        (replace(MP4, sound="libopus"), "video/webm", {"vp8", "opus"}),
        (replace(MP4, pixel="yuv444p"), "video/webm", {"vp8", "opus"}),
        (replace(MP4, picture="libx265"), "video/webm", {"vp8", "opus"}),
    ],
    # Not as they print: a set has another order in each process, and the processes of a run have to agree on names.
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_a_video_is_shown_by_derivatives_and_kept_without_metadata(made: Made, mime: str, kept: set[str]) -> None:
    data = made.data()
    found, clip = rendered(data)
    assert found.keys() == POSTER | SHEET | PROXIES | (WAVE if made.sound else set())
    assert (clip.kind, clip.mime, clip.width, clip.height) == ("video", mime, WIDTH, HEIGHT)
    assert clip.sound == bool(made.sound)
    assert clip.duration_ms == pytest.approx(2000, abs=220)
    assert any(secret in data for secret in SECRETS)
    assert not any(secret in clip.clean for secret in SECRETS)
    with av.open(io.BytesIO(clip.clean)) as container:
        assert {stream.codec_context.codec.canonical_name for stream in container.streams} == kept
    frames, samples = played(clip.clean)
    assert len(frames) == 10
    assert samples / 48_000 == pytest.approx(2 if made.sound else 0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("mp3", "audio/ogg"),
        ("m4a", "audio/mp4"),
        ("aac", "audio/mp4"),
        ("ogg", "audio/ogg"),
        ("flac", "audio/ogg"),
        ("wav", "audio/wav"),
    ],
)
def test_a_sound_is_shown_as_a_wave_and_kept_without_metadata(name: str, mime: str) -> None:
    found, clip = rendered(SOUNDS[name].data())
    assert found.keys() == WAVE
    assert (clip.kind, clip.mime, clip.width, clip.height, clip.prints) == ("audio", mime, None, None, ())
    assert not any(secret in clip.clean for secret in SECRETS)
    assert played(clip.clean)[1] / 48_000 == pytest.approx(2, abs=0.1)


HIDDEN = SECRET_TITLE.encode()


@pytest.mark.parametrize("kind", [12, 24])
def test_units_of_h264_that_no_decoder_needs_are_left_out(kind: int) -> None:
    unit = bytes([kind]) + HIDDEN + b"\x80"
    data = packed_anew(MP4.but(sound=None), "mp4", lambda coded: coded + struct.pack(">I", len(unit)) + unit)
    assert HIDDEN in data
    clip = rendered(data)[1]
    assert clip.mime == "video/mp4"
    assert HIDDEN not in clip.clean
    assert len(played(clip.clean)[0]) == 10


def test_av1_is_copied() -> None:
    clip = rendered(MP4.but(picture="libsvtav1", sound=None, options={}))[1]
    assert clip.mime == "video/mp4"
    assert not any(secret in clip.clean for secret in SECRETS)
    assert len(played(clip.clean)[0]) == 10


def test_transparency_which_is_a_second_picture_is_left_out() -> None:
    data = WEBM.but(pixel="yuva420p", sound=None)
    with av.open(io.BytesIO(data), "r") as container:
        beside = next(next(packet.iter_sidedata()) for packet in container.demux())
        second = bytes(beside)[8:]
    assert second in data
    clip = rendered(data)[1]
    assert clip.mime == "video/webm"
    assert second not in clip.clean
    assert len(played(clip.clean)[0]) == 10


@pytest.mark.parametrize("name", sorted(SOUNDS))
def test_what_follows_the_last_frame_is_left_out(name: str) -> None:
    clip = rendered(SOUNDS[name].data() + b"LYRICSBEGIN" + HIDDEN + b"000033LYRICS200")[1]
    assert HIDDEN not in clip.clean
    assert played(clip.clean)[1] / 48_000 == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("made", [*SOUNDS.values(), WEBM, MP4], ids=lambda made: f"{made.container}-{made.sound}")
def test_as_much_sound_is_heard_as_there_is(made: Made) -> None:
    """A limit on playing time counts what is heard, in pieces of whatever length."""
    assert watch(io.BytesIO(made.data()), LIMITS).wave.seconds == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("made", [WEBM, MP4, MOV], ids=lambda made: made.container)
def test_a_file_whose_time_begins_late_is_no_longer_for_it(made: Made) -> None:
    """As what was cut out of a broadcast."""
    data = replace(made, begins=300).data()
    assert played(data)[0][0].time == pytest.approx(300, abs=0.1)
    clip = rendered(data)[1]
    assert clip.duration_ms == pytest.approx(2000, abs=220)
    assert clip.prints[0][0] == pytest.approx(0, abs=50)
    times = [frame.time for frame in played(clip.clean)[0]]
    assert [times[0], times[-1]] == pytest.approx([0, 1.8], abs=0.1)


def test_a_head_that_says_less_than_there_is_does_not_count() -> None:
    data = WEBM.but(sound=None)
    # The duration, in milliseconds as a float, among the facts of the file.
    place = data.index(b"\x44\x89\x88") + 3
    assert struct.unpack(">d", data[place : place + 8])[0] >= 1800
    assert rendered(data[:place] + struct.pack(">d", 1.0) + data[place + 8 :])[1].duration_ms == 1800


def test_a_sound_that_browsers_do_not_play_is_encoded_anew() -> None:
    data = SOUNDS["wav"].but(sound="pcm_s16be", container="mov")
    clip = rendered(data)[1]
    assert (clip.kind, clip.mime) == ("audio", "audio/ogg")
    assert played(clip.clean)[1] / 48_000 == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_a_video_without_pictures_is_a_sound(container: str) -> None:
    made = {"mp4": replace(MP4, picture=None), "webm": replace(WEBM, picture=None)}[container]
    found, clip = rendered(made.data())
    assert found.keys() == WAVE
    assert clip.kind == "audio"


def test_the_wave_shows_where_it_is_loud() -> None:
    wave = decoded(rendered(SOUNDS["ogg"].data())[0]["wave", 0])
    dark = (wave[:, :, 0] < 128).sum(axis=0)
    assert dark[-200:-40].min() > 3 * dark[40:280].max()


def test_a_video_of_a_phone_is_shown_upright() -> None:
    data = turned_clockwise(MP4.data())
    found, clip = rendered(data)
    assert (clip.width, clip.height) == (HEIGHT, WIDTH)
    colour = decoded(found["colour", 0])
    # The red corner, above on the left, is above on the right now.
    assert [is_red(colour[3, 3]), is_red(colour[3, -4])] == [False, True]
    for one in (found["proxy", 2], found["sheet", 1]):
        assert one.height > one.width
    # An MP4 keeps the direction, so that the pictures can be copied.
    frames, _ = played(clip.clean)
    assert (clip.mime, frames[0].rotation) == ("video/mp4", -90)


def test_pictures_of_a_phone_that_are_encoded_anew_are_upright() -> None:
    clip = rendered(turned_clockwise(MOV.data()))[1]
    frames, _ = played(clip.clean)
    assert (frames[0].width, frames[0].height, frames[0].rotation) == (HEIGHT, WIDTH, 0)
    colour = frames[0].to_ndarray(format="rgb24")
    assert [is_red(colour[3, 3]), is_red(colour[3, -4])] == [False, True]


@pytest.mark.parametrize(
    "numbers", [(46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30), (0,) * 9], ids=["slanted", "none"]
)
def test_directions_that_browsers_do_not_know_are_none(numbers: tuple[int, ...]) -> None:
    found, clip = rendered(with_matrix(MOV.but(sound=None), *numbers))
    frame = played(clip.clean)[0][0]
    for one in (clip, frame, found["colour", 0], found["proxy", 2]):
        assert (one.width, one.height) == (WIDTH, HEIGHT)


def test_the_proxy_moves_is_gray_and_mute_and_keeps_no_detail() -> None:
    found, _ = rendered(WEBM.but(size=(640, 480)))
    for level in PROXY_LEVELS:
        frames, samples = played(found["proxy", level].data)
        assert samples == 0
        assert len(frames) == 10
        pixels = [frame.to_ndarray(format="rgb24").astype(int) for frame in frames]
        assert np.abs(pixels[0] - pixels[5]).max() > 20
        assert max(int(np.ptp(one, axis=2).max()) for one in pixels) <= 2
    sides = [min(found["proxy", level].width, found["proxy", level].height) for level in PROXY_LEVELS]
    assert sides == [74, 38, 16]


def test_frames_of_a_proxy_are_some_eight_a_second_at_their_own_times() -> None:
    times = (0.0, 0.01, 0.05, 0.06, 0.5, 0.51, 2.0, 2.13)
    found, clip = rendered(WEBM.but(times=times, sound=None))
    frames, _ = played(found["proxy", 2].data)
    assert [round(frame.time, 2) for frame in frames] == [0.0, 0.5, 2.0, 2.13]
    assert [round(frame.time, 2) for frame in played(clip.clean)[0]] == list(times)


def test_a_blur_weighs_and_shrinks_as_a_gaussian_does() -> None:
    matrix = blurring(120, 4.0)
    assert matrix.shape == (38, 120)
    assert matrix.sum(axis=1) == pytest.approx(1)
    row = matrix[19]
    places = np.arange(120) + 0.5
    middle = (row * places).sum()
    assert middle == pytest.approx(19.5 * 120 / 38, abs=0.01)
    assert np.sqrt((row * (places - middle) ** 2).sum()) == pytest.approx(4, rel=0.02)


def test_poster_and_sheet_come_before_the_file_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = render_clip(io.BytesIO(WEBM.data()), LIMITS)
    monkeypatch.setattr(clip_render, "watch", None)
    first = next(outputs)
    assert isinstance(first, tuple)
    assert {(one.variant, one.level) for one in first} == POSTER | SHEET


def test_a_sheet_shows_nine_places_also_where_few_frames_stand_alone() -> None:
    found, _ = rendered(WEBM.but(size=(480, 360), key_every=1000))
    sheet = decoded(found["sheet", 1])[:, :, 0].astype(int)
    rows, columns = (sheet.shape[0] // 3, sheet.shape[1] // 3)
    cells = [sheet[y * rows : (y + 1) * rows, x * columns : (x + 1) * columns] for y in range(3) for x in range(3)]
    for one, other in pairwise(cells):
        assert np.abs(one - other).max() > 30


@pytest.mark.parametrize("frames", [1, 4, 10])
def test_what_the_image_model_sees_are_nine_frames_in_colour(frames: int) -> None:
    made = WEBM.but(size=(480, 360), times=tuple(at / 5 for at in range(frames)), sound=None)
    sheet = decoded(rendered(made)[0]["sheet", 0])
    cells = frames_of(sheet)
    assert {one.shape for one in cells} == {(sheet.shape[0] // 3, sheet.shape[1] // 3, 3)}
    assert all(is_red(one[len(one) // 10, len(one) // 10]) for one in cells)
    assert sum(np.abs(one - other.astype(int)).max() > 90 for one, other in pairwise(cells)) == min(frames, 9) - 1


def test_a_poster_is_no_black_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    def after_black(place: int, width: int, height: int) -> NDArray[np.uint8]:
        return drawn(place, width, height) * (place > 3)

    monkeypatch.setattr("tests.service.media.clips.drawn", after_black)
    for key_every in (1, 1000):
        found, _ = rendered(WEBM.but(size=(128, 96), key_every=key_every, sound=None))
        assert (decoded(found["colour", 0]).mean() > 40) == (key_every == 1)


def test_a_file_that_cannot_be_searched_is_shown_all_the_same() -> None:
    # As browsers record: no duration and no index in the head.
    data = WEBM.but(options={"live": "1"}, sound=None)
    with opened(io.BytesIO(data), LIMITS) as clip:
        assert clip.seconds is None
        assert key_shots(clip) == []
    found, last = rendered(data)
    assert found.keys() == POSTER | SHEET | PROXIES
    assert last.duration_ms == 1800


def test_prints_are_those_of_the_frames() -> None:
    _, clip = rendered(WEBM.but(size=(128, 96)))
    assert [at for at, _ in clip.prints] == [200 * place for place in range(10)]
    for place, (_, found) in enumerate(clip.prints):
        same = pdq(drawn(place, 128, 96))
        assert (found.bits ^ same.bits).bit_count() <= RADIUS


def test_samples_lie_evenly_however_long_the_video_is() -> None:
    sampler = Sampler()
    frame = av.VideoFrame.from_ndarray(drawn(0, 32, 24), format="rgb24")
    for place in range(3000):
        sampler.see(place / 10, frame)
    times = [shot.seconds for shot in sampler.shots]
    assert MOST_SAMPLES / 2 <= len(times) <= MOST_SAMPLES
    assert np.ptp(np.diff(times)) < 0.25
    assert [times[0], times[-1]] == pytest.approx([0, 300], abs=12)
    # Alike as they are, one fingerprint stands for all.
    assert len(sampler.prints()) == 1
    assert len(sampler.spread()) == 9


@pytest.mark.parametrize(("name", "data"), malformed(), ids=lambda one: one if isinstance(one, str) else "")
def test_a_malformed_file_is_refused_with_a_sentence(name: str, data: bytes) -> None:
    with pytest.raises(ClipError, match=r"damaged or cut off|can be decoded|pixels|neither picture"):
        rendered(data)


def test_a_title_in_another_encoding_costs_no_video() -> None:
    title = SECRET_TITLE.replace("M", "\u00e9").encode("latin-1")
    data = WEBM.data().replace(SECRET_TITLE.encode(), title)
    assert title in data
    assert title not in rendered(data)[1].clean


def test_a_header_with_a_duration_that_cannot_be_is_not_believed() -> None:
    assert rendered(BOMBS["webm of less than no seconds"]())[1].duration_ms == 1800


def test_a_file_that_is_cut_off_behind_its_index_is_shown_as_far_as_it_goes() -> None:
    data = MP4.but(options={"movflags": "faststart"}, sound=None)
    whole, cut = (rendered(one)[0]["proxy", 2] for one in (data, data[: len(data) * 2 // 3]))
    assert 0 < len(played(cut.data)[0]) < len(played(whole.data)[0])


def test_a_frame_that_is_damaged_costs_no_other() -> None:
    data = MP4.but(sound=None, key_every=1)
    place = data.index(b"mdat") + 2_000
    found, _ = rendered(data[:place] + bytes(200) + data[place + 200 :])
    assert 5 < len(played(found["proxy", 2].data)[0]) <= 10


def test_neither_pictures_nor_sound_that_cannot_be_decoded_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_render, "decoded", lambda packet: [])
    for made, words in ((WEBM, "none of its pictures"), (SOUNDS["ogg"], "nothing of its sound")):
        with pytest.raises(ClipError, match=words):
            rendered(made.data())


@pytest.mark.parametrize(
    ("made", "changes", "words"),
    [
        (WEBM, {"seconds": 1}, "plays for 2 seconds; at most 1"),
        (SOUNDS["wav"], {"seconds": 1}, "plays for 2 seconds; at most 1"),
        (replace(WEBM, options={"live": "1"}), {"seconds": 1}, "at most 1"),
        (WEBM, {"pixels": WIDTH * HEIGHT - 1}, "64 x 48 pixels; a frame may have at most 3,071"),
        (WEBM, {"bytes": 10_000}, "more than 10,000 bytes"),
        (MOV, {"bytes": 10_000}, "more than 10,000 bytes"),
    ],
    ids=str,
)
def test_a_file_beyond_a_limit_is_refused(made: Made, changes: dict[str, int], words: str) -> None:
    with pytest.raises(ClipError, match=words):
        rendered(made.data(), replace(LIMITS, **changes))


def test_a_copy_ends_at_the_limit_also_where_the_head_says_nothing() -> None:
    data = WEBM.but(options={"live": "1"})
    with pytest.raises(ClipError, match="at most 1"):
        clean_copy(io.BytesIO(data), replace(LIMITS, seconds=1), rotation=0)


def test_what_cannot_be_copied_after_all_is_encoded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(clip_copy._Copied):
        def feed(self, packet: Any) -> None:
            raise av.error.InvalidDataError(1, "time stamps")

    monkeypatch.setattr(clip_copy, "_Copied", Broken)
    copy = clean_copy(io.BytesIO(MP4.data()), LIMITS, rotation=0)
    assert copy.mime == ANEW["video"].mime
    assert len(played(copy.data)[0]) == 10


def test_pictures_encoded_anew_are_no_larger_than_need_be() -> None:
    copy = clean_copy(
        io.BytesIO(MOV.but(size=(1600, 1200), times=(0.0, 0.01, 0.2), sound=None)), LIMITS_WIDE, rotation=0
    )
    frames, _ = played(copy.data)
    assert {(frame.width, frame.height) for frame in frames} == {(960, 720)}
    assert len(frames) == 2


LIMITS_WIDE = replace(LIMITS, pixels=4_000_000)


def test_a_second_track_of_pictures_is_refused() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        tracks: list[Any] = [container.add_stream("mpeg4", rate=5, width=WIDTH, height=HEIGHT) for _ in range(2)]
        for track in tracks:
            container.mux(track.encode(av.VideoFrame.from_ndarray(drawn(0, WIDTH, HEIGHT), format="rgb24")))
            container.mux(track.encode(None))
    with pytest.raises(ClipError, match="more than one track of pictures"):
        rendered(file.getvalue())


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (Made("mov", "prores_ks", None, pixel="yuv422p10le"), "pictures are coded as prores"),
        (Made("mp4", None, "ac3"), "sound is coded as ac3"),
    ],
    ids=str,
)
def test_other_codecs_are_refused(made: Made, words: str) -> None:
    with pytest.raises(ClipError, match=words):
        rendered(made.data())


def test_a_codec_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ClipError, match="coded as something unknown"):
        rendered(MP4.but(sound=None).replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzZ"))


def test_a_file_that_is_none_of_the_accepted_kinds_is_refused() -> None:
    with pytest.raises(ClipError, match="none of the accepted kinds"):
        rendered(b"<html></html>")


def test_no_other_file_is_opened() -> None:
    with pytest.raises(ClipError, match="never opened"):
        clips._alone("/etc/passwd", 1, {})
