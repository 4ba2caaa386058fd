"""Files lie under the hash of their content, whole or not at all."""

import asyncio
import hashlib
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from service.errors.media import StorageUnavailableError
from service.media.storage import CHUNK, LocalStorage


async def read(storage: LocalStorage, name: str) -> bytes:
    file = await storage.open(name)
    assert file is not None
    data = b"".join([chunk async for chunk in file.chunks])
    assert len(data) == file.size
    return data


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_what_is_put_can_be_read(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "media")
    for data in (b"", b"x", bytes(range(256)) * (CHUNK // 100)):
        name = await storage.put(data)
        digest = hashlib.sha256(data).hexdigest()
        assert name == f"{digest[:2]}/{digest[2:4]}/{digest}"
        assert await read(storage, name) == data


async def test_same_bytes_are_one_file_that_is_not_rewritten(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    name = await storage.put(b"picture")
    before = (tmp_path / name).stat()
    assert await asyncio.gather(*(storage.put(b"picture") for _ in range(8))) == [name] * 8
    assert files(tmp_path) == [tmp_path / name]
    assert (tmp_path / name).stat().st_ino == before.st_ino


async def test_only_the_owner_can_read(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "media")
    path = tmp_path / "media" / await storage.put(b"picture")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "media").stat().st_mode) == 0o700


async def test_damaged_file_of_another_length_is_written_again(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    name = await storage.put(b"picture")
    (tmp_path / name).write_bytes(b"pic")
    await storage.put(b"picture")
    assert await read(storage, name) == b"picture"


async def test_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_descriptor: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(StorageUnavailableError, match="no space") as failed:
        await LocalStorage(tmp_path).put(b"picture")
    assert str(tmp_path) not in failed.value.detail
    assert not files(tmp_path)


async def test_what_a_killed_process_was_writing_goes_and_what_another_is_writing_stays(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    await storage.tidy()
    name = await storage.put(b"picture")
    left, written = tmp_path / "parts" / "left", tmp_path / "parts" / "written"
    left.write_bytes(b"half")
    written.write_bytes(b"half")
    os.utime(left, (time.time() - 4000,) * 2)
    os.utime(tmp_path / name, (0, 0))
    await storage.tidy()
    assert set(files(tmp_path)) == {written, tmp_path / name}


async def test_a_folder_that_fails_is_said_to_whoever_asks_anything_of_it(tmp_path: Path) -> None:
    """A file lies where the folder should, as where a disk is not mounted."""
    (tmp_path / "ab").write_bytes(b"")
    (tmp_path / "parts").write_bytes(b"")
    storage = LocalStorage(tmp_path)
    with pytest.raises(StorageUnavailableError, match="ot a directory"):
        await storage.tidy()

    class Broken(LocalStorage):
        def _path(self, name: str) -> Path:
            raise OSError(5, "Input/output error")

    with pytest.raises(StorageUnavailableError, match="Input/output"):
        await Broken(tmp_path).missing(["ab/ab/" + "ab" * 32])


async def test_missing_file_is_none(tmp_path: Path) -> None:
    digest = "ab" * 32
    assert await LocalStorage(tmp_path).open(f"ab/ab/{digest}") is None


@pytest.mark.parametrize(
    "name", ["", "../secret.key", "/etc/passwd", "ab/ab/" + "ab" * 31, "ab/ab/" + "ab" * 32 + "\n"]
)
async def test_other_names_reach_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        await LocalStorage(tmp_path).open(name)


async def test_nothing_stays_open_where_nobody_listens_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    name = await storage.put(b"x" * 1000)
    opening, opens = threading.Event(), Path.open

    def slowly(self: Path, *arguments: Any, **more: Any) -> Any:
        opening.set()
        time.sleep(0.2)
        return opens(self, *arguments, **more)

    monkeypatch.setattr(Path, "open", slowly)
    file = await storage.open(name)
    assert file is not None
    listening = asyncio.ensure_future(anext(file.chunks))
    assert await asyncio.to_thread(opening.wait, 5)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    # A file that nobody closed is a warning, and that an error.
    await asyncio.sleep(0.4)
