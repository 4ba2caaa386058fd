"""Rendering of video and sound happens elsewhere: whatever happens to that process, this one goes on."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import BinaryIO

import pytest

from models.pdq import Fingerprint
from service.media import clip_renderer as module
from service.media import clip_wire, processes, wire
from service.media.clip_render import RenderedClip, render_clip
from service.media.clip_renderer import limits_of, render
from service.media.clips import ClipError
from service.media.derivatives import Derivative
from service.settings import REPOSITORY, Settings
from tests.service.media.clips import SOUNDS, WEBM, enormous
from tests.service.steps import until

LIMITS = limits_of(Settings(), size=50_000)


@contextmanager
def kept(data: bytes) -> Iterator[BinaryIO]:
    """The data in a file of its own."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield file


async def nothing(_group: tuple[Derivative, ...]) -> None:
    """Takes derivatives and forgets them."""


def test_limits_follow_from_settings_and_size() -> None:
    limits = limits_of(Settings(media_max_seconds=7, media_max_pixels=9), size=2**30)
    assert asdict(limits) == {"seconds": 7, "pixels": 9, "bytes": 2**31, "cpu_seconds": 60}
    assert (LIMITS.seconds, LIMITS.bytes, LIMITS.cpu_seconds) == (600, 2**27, 600)


async def test_gives_what_render_clip_gives() -> None:
    groups: list[tuple[Derivative, ...]] = []

    async def made(group: tuple[Derivative, ...]) -> None:
        groups.append(group)

    with kept(WEBM.data()) as file:
        clip = await render(file, LIMITS, made=made)
        assert [*groups, clip] == list(render_clip(file, LIMITS))


async def test_a_refusal_comes_through() -> None:
    with kept(enormous()) as file, pytest.raises(ClipError, match=r"16,383 x 16,383 pixels|damaged"):
        await render(file, LIMITS, made=nothing)


async def test_a_killed_process_costs_its_file_only(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[asyncio.subprocess.Process] = []

    async def start(file: BinaryIO, limits: object) -> asyncio.subprocess.Process:
        started.append(await real(file, LIMITS))
        return started[-1]

    async def kill(_group: tuple[Derivative, ...]) -> None:
        os.kill(started[-1].pid, signal.SIGKILL)

    real = module._start
    monkeypatch.setattr(module, "_start", start)
    with kept(WEBM.data()) as file, pytest.raises(ClipError, match="within the limits of memory and time"):
        await render(file, LIMITS, made=kill)
    assert started[-1].returncode == -signal.SIGKILL


async def test_a_file_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WALL_PER_CPU", 0.0001)
    with kept(WEBM.data()) as file, pytest.raises(ClipError, match="within the limits of memory and time"):
        await render(file, LIMITS, made=nothing)


async def test_a_process_that_floods_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than anybody reads lies in its pipe when it is ended."""
    flooding: list[asyncio.subprocess.Process] = []

    async def start(_file: BinaryIO, _limits: object) -> asyncio.subprocess.Process:
        program = "import os\nwhile True: os.write(1, b'x' * 65536)"
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE)
        # Until reading is halted, as when a storage takes its time.
        await until(lambda: len(process.stdout._buffer) > 2 * 2**16)  # type: ignore[union-attr]
        flooding.append(process)
        return process

    monkeypatch.setattr(module, "_start", start)
    with kept(b"") as file, pytest.raises(ClipError, match="within the limits"):
        async with asyncio.timeout(10):
            await render(file, LIMITS, made=nothing)
    assert flooding[0].returncode == -signal.SIGKILL


async def test_more_bytes_than_any_file_is_worth_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(file: BinaryIO, limits: object) -> asyncio.subprocess.Process:
        return await real(file, LIMITS)

    # The process believes in another limit than the service does.
    real = module._start
    monkeypatch.setattr(module, "_start", start)
    with kept(SOUNDS["ogg"].data()) as file, pytest.raises(ClipError, match="within the limits"):
        await render(file, replace(LIMITS, bytes=100), made=nothing)


def test_the_process_has_limits_and_knows_no_secrets() -> None:
    program = """
import resource, runpy, sys
from service.media import clips_child
clips_child._messages = lambda file, limits: []
clips_child.main()
import os
for name in ("AS", "FSIZE", "CORE", "CPU"):
    print(name, resource.getrlimit(getattr(resource, "RLIMIT_" + name))[0], file=sys.stderr)
import ctypes
on_end_of_parent = ctypes.c_int()
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(2, ctypes.byref(on_end_of_parent))
print(on_end_of_parent.value, file=sys.stderr)
print(sorted(sys.modules), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(asdict(LIMITS))],
        cwd=REPOSITORY,
        env=processes.ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    said = done.stderr.splitlines()
    assert said[:4] == [f"AS {5 * 2**29}", "FSIZE 0", "CORE 0", "CPU 600"]
    assert said[4] == (f"{signal.SIGKILL:d}" if sys.platform == "linux" else "0")
    loaded = {name.partition(".")[0] for name in said[5].strip("[]").replace("'", "").split(", ")}
    assert {"av", "pyvips"} <= loaded
    assert not loaded & {"fastapi", "starlette", "sqlalchemy", "psycopg", "pydantic", "onnxruntime"}
    assert not any("TRIAGE" in name for name in processes.ENVIRONMENT)


# The first bytes of files of these kinds.
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
MP4, OGG = b"\0\0\0\x18ftypisom\0\0\0\0isommp42", b"OggS"
WEBM_HEAD = b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm"
CLIP = RenderedClip("video", "video/mp4", 4, 3, 2000, sound=True, prints=((0, Fingerprint(5, 90)),), clean=MP4)
GROUP = (
    Derivative("sheet", 2, "image/jpeg", 9, 8, JPEG),
    Derivative("proxy", 3, "video/webm", 7, 6, WEBM_HEAD),
    Derivative("wave", 0, "image/png", 640, 96, PNG),
)


def clip_head(**changes: object) -> wire.Message:
    head, parts = clip_wire.clip_message(CLIP)
    return wire.Message({**head, **changes}, b"".join(parts))


def read(message: wire.Message) -> object:
    return clip_wire.read(message, LIMITS)


def test_messages_can_be_read_back() -> None:
    assert read(clip_head()) == CLIP
    sound = replace(CLIP, kind="audio", mime="audio/ogg", width=None, height=None, prints=(), clean=OGG)
    head, parts = clip_wire.clip_message(sound)
    assert read(wire.Message(head, parts[0])) == sound
    head, parts = clip_wire.derivatives_message(GROUP)
    assert read(wire.Message(head, b"".join(parts))) == GROUP
    head, parts = clip_wire.refusal_message(ClipError("too long" * 100))
    with pytest.raises(ClipError, match="too long"):
        read(wire.Message(head, b"".join(parts)))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "image"},
        {"kind": None},
        {"mime": "text/html"},
        {"mime": "video/webm"},
        {"mime": "audio/mp4"},
        {"size": [10_000, 10_000]},
        {"size": [4, True]},
        {"size": [4, 0]},
        {"size": [4]},
        {"size": None},
        {"duration_ms": -1},
        {"duration_ms": 2**31},
        {"duration_ms": 1.5},
        {"sound": 1},
        {"prints": [[0, "f" * 65, 90]]},
        {"prints": [[0, "-1", 90]]},
        {"prints": [[0, "x", 90]]},
        {"prints": [[0, 5, 90]]},
        {"prints": [[0, "5", 101]]},
        {"prints": [[0, "5", True]]},
        {"prints": [[0, " 5", 90]]},
        {"prints": [[0, "5", 90], [0, "6", 90]]},
        {"prints": [[at, "5", 90] for at in range(65)]},
        {"prints": [7]},
        {"refused": ""},
        {"refused": 5},
        {"refused": "x" * 501},
        {"derivatives": 5},
    ],
    ids=str,
)
def test_a_message_that_cannot_be_is_not_believed(changes: dict[str, object]) -> None:
    with pytest.raises(wire.BrokenMessageError):
        read(clip_head(**changes))


@pytest.mark.parametrize("body", [b"", b"copy", JPEG], ids=["nothing", "something", "a picture"])
def test_a_clean_copy_that_is_none_is_not_believed(body: bytes) -> None:
    with pytest.raises(wire.BrokenMessageError):
        read(wire.Message(clip_head().head, body))


@pytest.mark.parametrize(
    ("row", "body"),
    [
        (["plain", 2, "image/jpeg", 1, 1, 3], JPEG),
        (["gray", 5, "image/jpeg", 1, 1, 3], JPEG),
        (["gray", 2, "text/html", 1, 1, 3], JPEG),
        (["gray", 2, "image/jpeg", 0, 1, 3], JPEG),
        (["gray", 2, "image/jpeg", 1, 1, 2], JPEG),
        (["gray", 2, "image/jpeg", 1, 1], JPEG),
        (["gray", True, "image/jpeg", 1, 1, 3], JPEG),
        (["gray", 2.0, "image/jpeg", 1, 1, 3], JPEG),
        (["gray", 2, "image/jpeg", True, 1, 3], JPEG),
        (["gray", 2, "image/jpeg", 641, 1, 3], JPEG),
        (["gray", 0, "image/jpeg", 1, 1281, 3], JPEG),
        (["gray", 2, "image/jpeg", 1, 1, 3], b"<sv"),
        (["gray", 2, "image/png", 1, 1, 8], PNG),
        (["lines", 1, "image/jpeg", 1, 1, 3], JPEG),
        (["proxy", 2, "image/jpeg", 1, 1, 3], JPEG),
        (["proxy", 1, "video/webm", 1, 1, len(WEBM_HEAD)], WEBM_HEAD),
        (["proxy", 2, "video/webm", 1, 1, len(MP4)], MP4),
        (["wave", 0, "image/png", 1, 1, 3], JPEG),
    ],
    ids=str,
)
def test_a_derivative_that_cannot_be_is_not_believed(row: list[object], body: bytes) -> None:
    with pytest.raises(wire.BrokenMessageError):
        read(wire.Message({"derivatives": [row]}, body))


def test_a_derivative_that_comes_twice_is_not_believed() -> None:
    with pytest.raises(wire.BrokenMessageError):
        read(wire.Message({"derivatives": [["gray", 2, "image/jpeg", 1, 1, 3]] * 2}, JPEG * 2))
