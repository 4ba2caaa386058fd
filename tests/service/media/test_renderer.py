"""Rendering happens elsewhere: whatever happens to that process, this one goes on and no other upload suffers."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import pyvips

from service.errors.availability import OverloadedError
from service.errors.media import MediaTooLargeError, UnreadableMediaError, UnsupportedMediaError
from service.media import render, wire
from service.media import renderer as module
from service.media.blurring import STILL
from service.media.render import Limits
from service.media.renderer import Renderer
from service.settings import REPOSITORY, Settings
from tests.service.media.pictures import animation, avif, draw, frames_of, gif, jpeg, load, png, webp
from tests.service.steps import until

LIMITS = Limits(bytes=20_000_000, pixels=40_000_000, frames=200)


@pytest.fixture
async def renderer(tmp_path: Path) -> AsyncIterator[Renderer]:
    one = Renderer(Settings(data_dir=tmp_path))
    yield one
    await one.close()


def slow_picture() -> bytes:
    """A small file that takes about a second to encode anew."""
    noise = pyvips.Image.gaussnoise(2500, 2500, mean=128, sigma=60).cast("uchar")
    return png(noise.copy(interpretation="b-w"), compression=1)


async def busy_process(renderer: Renderer) -> int:
    """Id of the process that is at work on the only upload."""
    async with asyncio.timeout(30):
        while True:
            await asyncio.sleep(0.01)
            for child in renderer._uploaded.living - set(renderer._uploaded.idle):
                if child.files:
                    return child.process.pid


async def test_gives_what_render_gives(renderer: Renderer) -> None:
    for data in (jpeg(), png(), webp(), gif(), gif(animation())):
        assert await renderer.render(data) == render.render(data, LIMITS)
    # The encoder's bytes depend on how many threads it has, which in the process is always one.
    first, second = await renderer.render(avif()), await renderer.render(avif())
    assert first == second
    assert (first.mime, first.width, first.fingerprint) == (
        "image/avif",
        400,
        render.render(avif(), LIMITS).fingerprint,
    )


async def test_lens_gives_what_lens_gives(renderer: Renderer) -> None:
    data = jpeg()
    tile = await renderer.lens(data, 0.25, 0.5)
    assert tile == render.lens(data, 0.25, 0.5)
    assert load(tile).width == load(tile).height == 66


async def test_lens_does_not_wait_for_uploads(renderer: Renderer) -> None:
    await renderer.lens(jpeg(), 0.5, 0.5)
    uploads = [asyncio.create_task(renderer.render(slow_picture())) for _ in range(module.PROCESSES)]
    await busy_process(renderer)
    assert await renderer.lens(jpeg(), 0.5, 0.5)
    assert not any(one.done() for one in uploads)
    for one in uploads:
        one.cancel()
    await asyncio.gather(*uploads, return_exceptions=True)


@pytest.mark.parametrize("place", [(-0.1, 0.5), (0.5, 1.1), (float("nan"), 0.5)])
async def test_lens_stays_on_the_picture(renderer: Renderer, place: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        await renderer.lens(jpeg(), *place)
    assert not renderer._lenses.living


async def test_lens_refuses_what_is_no_plain_derivative(renderer: Renderer) -> None:
    for data in (png(), jpeg(draw(1400, 20)), jpeg()[:-2000], b"\xff\xd8\xff"):
        with pytest.raises(UnreadableMediaError):
            await renderer.lens(data, 0.5, 0.9)


async def test_refusals_come_through_and_cost_no_process(renderer: Renderer) -> None:
    await renderer.render(jpeg())
    [process] = [child.process.pid for child in renderer._uploaded.idle]
    with pytest.raises(UnsupportedMediaError, match="JPEG, PNG"):
        await renderer.render(b"<svg/>")
    with pytest.raises(UnreadableMediaError, match="image/jpeg"):
        await renderer.render(jpeg()[:-300])
    with pytest.raises(MediaTooLargeError, match="pixels"):
        await renderer.render(png(pyvips.Image.black(8000, 6500)))
    assert [child.process.pid for child in renderer._uploaded.idle] == [process]


async def test_killed_process_costs_its_upload_only(renderer: Renderer) -> None:
    lost = asyncio.create_task(renderer.render(slow_picture()))
    process = await busy_process(renderer)
    other = asyncio.create_task(renderer.render(jpeg()))
    os.kill(process, signal.SIGKILL)
    with pytest.raises(UnreadableMediaError, match="could not be decoded"):
        await lost
    assert (await other).width == 400
    assert (await renderer.render(png())).width == 400


async def test_process_killed_while_idle_costs_nothing(renderer: Renderer) -> None:
    await renderer.render(jpeg())
    [idle] = renderer._uploaded.idle
    os.kill(idle.process.pid, signal.SIGKILL)
    assert (await renderer.render(jpeg())).width == 400
    assert idle not in renderer._uploaded.living


async def test_too_long_is_unreadable(renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    await renderer.render(jpeg())
    monkeypatch.setattr(module, "JOB_SECONDS", 0.05)
    with pytest.raises(UnreadableMediaError):
        await renderer.render(slow_picture())
    monkeypatch.undo()
    assert not renderer._uploaded.living
    assert (await renderer.render(jpeg())).width == 400


async def test_cancelled_upload_does_not_answer_the_next(renderer: Renderer) -> None:
    given_up = asyncio.create_task(renderer.render(slow_picture()))
    await busy_process(renderer)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert (await renderer.render(jpeg())).mime == "image/jpeg"


async def test_uploads_share_few_processes(renderer: Renderer) -> None:
    results = await asyncio.gather(*(renderer.render(png()) for _ in range(6)))
    assert {one.width for one in results} == {400}
    assert len(renderer._uploaded.living) == module.PROCESSES


async def test_process_is_replaced_after_its_share_of_files(renderer: Renderer) -> None:
    renderer._uploaded.files = 2
    await renderer.render(jpeg())
    [first] = renderer._uploaded.living
    await renderer.render(jpeg())
    assert not renderer._uploaded.living
    assert first.process.returncode == -signal.SIGKILL


async def test_close_ends_all_processes(renderer: Renderer) -> None:
    await asyncio.gather(renderer.render(jpeg()), renderer.render(jpeg()))
    processes = [child.process for child in renderer._uploaded.living]
    await renderer.close()
    assert all(process.returncode is not None for process in processes)


async def test_start_that_fails_is_our_fault_not_the_files(renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="does not start"):
        await renderer.render(jpeg())


async def test_admits_so_many_uploads(renderer: Renderer) -> None:
    with ExitStack() as stack:
        for _ in range(module.UPLOADS):
            stack.enter_context(renderer.admit())
        with pytest.raises(OverloadedError) as refused, renderer.admit():
            pass
        assert refused.value.headers["Retry-After"] == "2"
    with renderer.admit():
        pass


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs a /proc file system")
async def test_process_knows_no_secrets_and_has_limits(renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAGE_SECRET", "s" * 40)
    await renderer.render(jpeg())
    [child] = renderer._uploaded.living
    process = Path(f"/proc/{child.process.pid}")
    assert b"TRIAGE" not in (process / "environ").read_bytes()
    limits = (process / "limits").read_text()
    for line in ("Max file size             0 ", "Max core file size        0 "):
        assert line in limits
    assert f"Max address space         {5 * 2**29} " in limits
    assert "Max cpu time              unlimited" not in limits


ORPHAN = """
import asyncio, os, signal
from service.media import processes, wire

async def main():
    child = await processes.start("service.media.child")
    child.stdin.write(wire.prefix({}, 0))
    await processes.next_message(child)
    # So that it cannot notice by itself, as in the middle of a file.
    os.kill(child.pid, signal.SIGSTOP)
    print(child.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
async def test_process_ends_when_the_service_is_killed() -> None:
    # Standard error is the child's too, and would stay open as long as that lives.
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ORPHAN, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    said, _ = await service.communicate()
    process = int(said)
    try:
        await until(lambda: not runs(process), seconds=10)
    finally:
        if runs(process):
            os.kill(process, signal.SIGKILL)


def python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_process_imports_little_of_the_service() -> None:
    done = python("import sys, service.media.child; print(*sys.modules)")
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "pyvips" in loaded
    assert not loaded & {"fastapi", "starlette", "sqlalchemy", "psycopg", "pydantic", "onnxruntime", "multiprocessing"}
    assert "service.settings" not in done.stdout.split()


def test_hardened_process_reads_no_other_format() -> None:
    program = """
import pyvips
from service.media.render import harden
harden()
image = pyvips.Image.black(9, 9)
for save in ("jpeg", "png", "webp", "gif", "heif"):
    options = {"compression": "av1"} if save == "heif" else {}
    pyvips.Image.new_from_buffer(getattr(image, save + "save_buffer")(**options), "").avg()
for data in (image.tiffsave_buffer(), b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"):
    try:
        pyvips.Image.new_from_buffer(data, "")
    except pyvips.Error:
        print("refused")
"""
    done = python(program)
    assert done.stdout.split() == ["refused", "refused"], done.stderr


def answer(**changes: object) -> wire.Message:
    """A good answer for a JPEG, with changes to its head."""
    rendered = render.render(jpeg(), LIMITS)
    body = rendered.clean + b"".join(one.data for one in rendered.derivatives)
    return wire.Message({**wire.rendered_head(rendered), **changes}, body)


def changed(place: int, value: object) -> list[list[object]]:
    """The derivatives of a good answer, the last of them with another value in one place."""
    rows: list[list[object]] = answer().head["derivatives"]
    rows[-1][place] = value
    return rows


WRONG = [
    (0, "plain"),
    (1, 5),
    (1, False),
    (1, 0.0),
    (2, "text/html"),
    (2, "image/png"),
    (3, 0),
    (3, True),
    (4, 481),
    (5, 5),
]


def test_answer_can_be_read_back() -> None:
    assert wire.read_rendered(answer(), LIMITS) == render.render(jpeg(), LIMITS)


@pytest.mark.parametrize(
    "changes",
    [
        {"mime": "image/png"},
        {"mime": "text/html"},
        {"mime": None},
        {"width": 400.5},
        {"width": -400},
        {"width": True},
        {"height": 10**9},
        {"clean": 5},
        {"clean": "much"},
        {"derivatives": []},
        {"derivatives": None},
        {"frames": 2},
        {"pdq": ["xyz", 5]},
        {"pdq": ["ff", 101]},
        {"prints": None},
        {"prints": [[5, "ff", 90]]},
        {"derivatives": [[*kind, "image/jpeg", 1, 1, 1] for kind in STILL]},
        {"derivatives": [list(kind) for kind in STILL]},
        {"derivatives": [["gray", 1, "image/jpeg", 1, 1, 10]] * len(STILL)},
        *({"derivatives": changed(place, wrong)} for place, wrong in WRONG),
    ],
    ids=str,
)
def test_answer_that_cannot_be_is_not_believed(changes: dict[str, object]) -> None:
    with pytest.raises(wire.BrokenMessageError):
        wire.read_rendered(answer(**changes), LIMITS)


@pytest.mark.parametrize(
    "prints",
    [
        [[0, "ff", 90]],
        [[1 << 31, "ff", 90]],
        [[5, "ff"]],
        [[5, "f" * 65, 90]],
        [[5, "ff", 101]],
        [[5, "ff", 90], [5, "fe", 90]],
        [[at, "ff", 90] for at in (1, 2, 3)],
    ],
    ids=str,
)
def test_fingerprints_that_an_animation_cannot_have_are_not_believed(prints: list[object]) -> None:
    rendered = render.render(gif(animation()), LIMITS)
    body = rendered.clean + b"".join(one.data for one in rendered.derivatives)
    head = wire.rendered_head(rendered)
    assert wire.read_rendered(wire.Message(head, body), LIMITS) == rendered
    with pytest.raises(wire.BrokenMessageError):
        wire.read_rendered(wire.Message(head | {"prints": prints}, body), LIMITS)


def test_sheet_of_a_very_wide_animation_is_believed() -> None:
    """Its cells keep all their pixels, and the gaps between them come on top."""
    marks = [f'<rect width="{side}" height="{side}" fill="#080"/>' for side in (4, 8, 12)]
    rendered = render.render(gif(frames_of(*(draw(700, 20, inside=mark) for mark in marks), delays=[100] * 3)), LIMITS)
    body = rendered.clean + b"".join(one.data for one in rendered.derivatives)
    assert wire.read_rendered(wire.Message(wire.rendered_head(rendered), body), LIMITS) == rendered


def test_derivative_that_is_too_large_for_its_level_is_not_believed() -> None:
    rows = answer().head["derivatives"]
    rows[1][3] = 641
    with pytest.raises(wire.BrokenMessageError, match="larger than its level"):
        wire.read_rendered(answer(derivatives=rows), LIMITS)


def test_derivative_that_is_no_jpeg_is_not_believed() -> None:
    good = answer()
    with pytest.raises(wire.BrokenMessageError, match="kind of file"):
        wire.read_rendered(
            wire.Message(good.head, good.body[: good.head["clean"]] + bytes(len(good.body) - good.head["clean"])),
            LIMITS,
        )


@pytest.mark.parametrize("body", [b"", png(), jpeg() + bytes(300_000)], ids=["empty", "png", "large"])
def test_tile_that_cannot_be_is_not_believed(body: bytes) -> None:
    with pytest.raises(wire.BrokenMessageError, match="tile"):
        wire.read_tile(wire.Message({}, body))


@pytest.mark.parametrize("head", [b"", b"\xff", b"[]", b"{", b"[" * 10_000], ids=lambda head: head[:4].hex())
def test_head_that_is_no_object_is_refused(head: bytes) -> None:
    with pytest.raises(wire.BrokenMessageError):
        wire.parse(head, b"")


@pytest.mark.parametrize("announced", [(2**31, 0), (10, 2**40)])
def test_message_that_would_fill_memory_is_refused(announced: tuple[int, int]) -> None:
    with pytest.raises(wire.BrokenMessageError, match="announces"):
        wire.lengths(wire.PREFIX.pack(*announced))


@pytest.mark.parametrize(
    "head", [{"error": "internal_error", "detail": "x"}, {"error": "media_too_large"}, {"error": 1}]
)
def test_error_that_rendering_does_not_have_is_refused(head: dict[str, object]) -> None:
    with pytest.raises(wire.BrokenMessageError):
        module._raise_refusal(wire.Message(head))
