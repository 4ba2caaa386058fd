"""Exports replace a file whole or not at all, and go through pipes."""

import os
from pathlib import Path
from stat import S_IMODE

import pytest

from service.exports.files import OutputError, replacing


def test_a_file_is_replaced_once_all_is_written_and_keeps_its_mode(tmp_path: Path) -> None:
    out = tmp_path / "labels.jsonl"
    out.write_text("before")
    out.chmod(0o600)
    with replacing(out) as write:
        write("one\n")
        assert out.read_text() == "before"
        write("two\n")
    assert out.read_text() == "one\ntwo\n"
    assert S_IMODE(out.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [out]


def test_what_breaks_on_the_way_leaves_the_file_before_and_is_told_as_what_it_is(tmp_path: Path) -> None:
    out = tmp_path / "labels.jsonl"
    out.write_text("before")
    # An error of the system too, and none of the file.
    with pytest.raises(TimeoutError):
        broken_off(out)
    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]


def broken_off(out: Path) -> None:
    with replacing(out) as write:
        write("one\n")
        raise TimeoutError


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "labels.jsonl")
    with replacing(tmp_path / "link") as write:
        write("one\n")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "labels.jsonl").read_text() == "one\n"


def test_a_pipe_of_the_shell_is_written_to() -> None:
    reading, writing = os.pipe()
    try:
        with replacing(Path(f"/dev/fd/{writing}")) as write:
            write("one\n")
        assert os.read(reading, 100) == b"one\n"
    finally:
        os.close(reading)
        os.close(writing)


def test_a_full_device_is_told() -> None:
    with pytest.raises(OutputError, match="/dev/full: cannot be written"), replacing(Path("/dev/full")) as write:
        write("one\n" * 10_000)
