"""Text is read where some stands, in reading order, and what is no picture of ours is refused."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.reading.lines import MOST_CHARACTERS, MOST_LINES, Line, in_reading_order
from service.reading.reader import PictureReader, UnreadablePictureError
from service.settings import REPOSITORY
from tests.service.media.pictures import draw, gif, jpeg, png, webp
from tests.service.reading.drawn import CHINESE, chinese, two_columns, written

BOX = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.2), (0.1, 0.2))


@pytest.fixture(scope="module")
def reader() -> PictureReader:
    return PictureReader()


def line(text: str, left: float, top: float, height: float = 0.1) -> Line:
    right, bottom = left + 0.2, top + height
    return Line(text, ((left, top), (right, top), (right, bottom), (left, bottom)), 0.9)


def alone(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in an interpreter of its own, at the root of the repository."""
    return subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_a_line_comes_with_its_place_and_how_sure_the_reader_is(reader: PictureReader) -> None:
    [read] = reader.read(written("Straße für 42"))
    assert read.text == "Straße für 42"
    assert read.confidence > 0.9
    assert 0.4 < read.top < read.bottom < 0.6
    assert 0.1 < read.left < 0.3
    assert read.to_json() == {
        "text": read.text,
        "box": [list(point) for point in read.box],
        "confidence": pytest.approx(read.confidence, abs=1e-4),
    }


def test_chinese_is_read(reader: PictureReader) -> None:
    assert "".join(one.text for one in reader.read(png(chinese()))).replace(" ", "") == CHINESE


def test_rows_come_from_top_to_bottom_and_from_left_to_right(reader: PictureReader) -> None:
    assert [one.text for one in reader.read(two_columns())] == ["one", "two", "three", "four"]


@pytest.mark.parametrize("make", [jpeg, webp, gif], ids=["jpeg", "webp", "gif"])
def test_every_kind_of_picture_that_we_keep_is_read(reader: PictureReader, make: Any) -> None:
    assert [one.text for one in reader.read(make())] == ["House 42"]


def test_a_picture_without_text_has_no_lines(reader: PictureReader) -> None:
    assert reader.read(png(draw())) == []


def test_a_transparent_picture_is_read_on_grey(reader: PictureReader) -> None:
    plain = draw(200, 100, background="#fff")
    assert reader.read(png(plain.bandjoin(plain[0] * 0))) == []


@pytest.mark.parametrize("data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", jpeg()[:600]])
def test_what_is_no_picture_of_ours_is_refused(reader: PictureReader, data: bytes) -> None:
    with pytest.raises(UnreadablePictureError):
        reader.read(data)


def test_a_reader_that_fails_refuses_the_picture_without_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(pixels: Any) -> Any:
        raise RuntimeError("House 42")

    broken = PictureReader()
    broken.__dict__["_engine"] = fails
    with pytest.raises(UnreadablePictureError, match=r"^the reader failed \(RuntimeError\)$"):
        broken.read(written())


def test_lines_and_characters_are_limited() -> None:
    many = in_reading_order(line(f"{number}", 0.1, number / 1000, 0.0001) for number in range(MOST_LINES + 50))
    assert [one.text for one in many] == [f"{number}" for number in range(MOST_LINES)]
    long = in_reading_order(line("x" * 1_500, 0.1, number / 10) for number in range(5))
    assert len("\n".join(one.text for one in long)) == MOST_CHARACTERS
    assert [len(one.text) for one in long] == [1_500, 1_500, MOST_CHARACTERS - 3_002]


def test_lines_beside_each_other_make_a_row_even_when_one_is_larger() -> None:
    ordered = in_reading_order([line("right", 0.6, 0.12, 0.05), line("left", 0.1, 0.1), line("below", 0.1, 0.3)])
    assert [one.text for one in ordered] == ["left", "right", "below"]


def test_reading_needs_no_network_and_leaves_nothing(tmp_path: Path) -> None:
    """In a process of its own with a hook that ends it at the first connection or written file."""
    picture = tmp_path / "picture.png"
    picture.write_bytes(written())
    script = f"""
import sys
data = open({str(picture)!r}, "rb").read()
def watch(event, given):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.sendmsg"):
        raise SystemExit(f"network: {{event}} {{given}}")
    if event in ("os.mkdir", "os.rename") or (event == "open" and isinstance(given[1], str) and set(given[1]) & set("wax+")):
        raise SystemExit(f"writes: {{event}} {{given}}")
sys.dont_write_bytecode = True
sys.addaudithook(watch)
from service.reading.reader import PictureReader
sys.stdout.write(PictureReader().read(data)[0].text)
"""
    done = alone(script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "House 42", "")


def test_the_api_imports_neither_reader_nor_computer_vision() -> None:
    script = "import sys, service.app; sys.stdout.write(','.join({'cv2', 'rapidocr', 'omegaconf', 'requests'} & set(sys.modules)))"
    done = alone(script)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
