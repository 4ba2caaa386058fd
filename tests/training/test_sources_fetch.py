"""Files come from a mirror or over HTTP, and only if their hash is the one in the register."""

import gzip
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from training.sources.fetch import ATTEMPTS, Downloads, Mirror
from training.sources.registry import Original, Source, SourceError, SourceFile

BODY = b"label,text\n" + b"".join(b"%d,the garden has %d roses\n" % (number % 2, number) for number in range(9_000))
DIGEST = hashlib.sha256(BODY).hexdigest()


@dataclass
class Served:
    """A server of one file. `plan` is what the next answers do: a status, or how many bytes to break off after."""

    address: str = ""
    plan: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    ranges: bool = True

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range", "")
        self.asked.append(wanted)
        step = self.plan.pop(0) if self.plan else 0
        if 400 <= step < 600:
            handler.send_response(step)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if start >= len(BODY):
            handler.send_response(416)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(BODY) - start))
        handler.end_headers()
        handler.wfile.write(BODY[start : start + step] if step else BODY[start:])
        handler.close_connection = True


@pytest.fixture
def served() -> Iterator[Served]:
    state = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- named so by its base
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_address[1]}/rows.csv"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


class Unpacked(httpx.SyncByteStream):
    """Content that is not packed, whatever its header says."""

    def __iter__(self) -> Iterator[bytes]:
        yield BODY


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as made:
        yield made


def source(address: str = "https://example.org/rows.csv", *, sha256: str = DIGEST, mirror_sha256: str = "00") -> Source:
    file = SourceFile("one/rows.csv.gz", mirror_sha256, "csv", (Original(address, sha256),), "csv")
    return Source("one", "MIT", "en", "social", ("text",), "nobody", "none", (file,))


def records(supply: Downloads | Mirror, wanted: Source) -> list[dict[str, str]]:
    return list(supply.records(wanted, wanted.files[0]))


def test_file_is_downloaded_once(tmp_path: Path, served: Served, client: httpx.Client) -> None:
    wanted, supply = source(served.address), Downloads(tmp_path, client)
    assert len(records(supply, wanted)) == 9_000
    assert records(supply, wanted)[1] == {"label": "1", "text": "the garden has 1 roses"}
    assert len(served.asked) == 1
    assert [path.name for path in (tmp_path / "one").iterdir()] == [f"{DIGEST[:12]}-rows.csv"]


def test_broken_download_goes_on_where_it_broke(tmp_path: Path, served: Served, client: httpx.Client) -> None:
    served.plan = [100_000]
    assert len(records(Downloads(tmp_path, client, pause=0), source(served.address))) == 9_000
    assert served.asked[0] == ""
    assert 0 < int(served.asked[1].removeprefix("bytes=").rstrip("-")) <= 100_000


def test_download_of_an_earlier_run_goes_on(tmp_path: Path, served: Served, client: httpx.Client) -> None:
    part = tmp_path / "one" / f"{DIGEST[:12]}-rows.csv.part"
    part.parent.mkdir()
    part.write_bytes(BODY[:5_000])
    assert len(records(Downloads(tmp_path, client), source(served.address))) == 9_000
    assert served.asked == ["bytes=5000-"]


def test_whole_part_of_an_earlier_run_is_taken(tmp_path: Path, served: Served, client: httpx.Client) -> None:
    part = tmp_path / "one" / f"{DIGEST[:12]}-rows.csv.part"
    part.parent.mkdir()
    part.write_bytes(BODY)
    assert len(records(Downloads(tmp_path, client), source(served.address))) == 9_000


def test_server_without_ranges_starts_over(tmp_path: Path, served: Served, client: httpx.Client) -> None:
    served.plan, served.ranges = [100_000], False
    assert len(records(Downloads(tmp_path, client, pause=0), source(served.address))) == 9_000


def test_server_in_trouble_is_asked_again(tmp_path: Path, served: Served, client: httpx.Client) -> None:
    served.plan = [503, 429]
    assert len(records(Downloads(tmp_path, client, pause=0), source(served.address))) == 9_000
    assert len(served.asked) == 3


def test_server_that_stays_in_trouble_is_given_up(tmp_path: Path, served: Served, client: httpx.Client) -> None:
    served.plan = [503] * ATTEMPTS
    with pytest.raises(SourceError, match=r"rows\.csv: cannot be fetched .*status 503"):
        records(Downloads(tmp_path, client, pause=0), source(served.address))
    assert len(served.asked) == ATTEMPTS


def test_missing_file_is_not_asked_for_again(tmp_path: Path, served: Served, client: httpx.Client) -> None:
    served.plan = [404]
    with pytest.raises(SourceError, match="status 404"):
        records(Downloads(tmp_path, client, pause=0), source(served.address))
    assert len(served.asked) == 1


def test_file_of_another_hash_is_refused_and_not_kept(tmp_path: Path, served: Served, client: httpx.Client) -> None:
    with pytest.raises(SourceError, match=f"arrived with sha256 {DIGEST}, the register says 1111"):
        records(Downloads(tmp_path, client), source(served.address, sha256="1" * 64))
    assert list((tmp_path / "one").iterdir()) == []


def test_file_beyond_the_limit_is_refused(tmp_path: Path, served: Served, client: httpx.Client) -> None:
    with pytest.raises(SourceError, match="is larger than 100,000 bytes"):
        records(Downloads(tmp_path, client, max_bytes=100_000), source(served.address))


def test_damaged_file_in_the_cache_is_fetched_anew(tmp_path: Path, served: Served, client: httpx.Client) -> None:
    wanted, supply = source(served.address), Downloads(tmp_path, client)
    records(supply, wanted)
    (tmp_path / "one" / f"{DIGEST[:12]}-rows.csv").write_bytes(b"half")
    assert len(records(supply, wanted)) == 9_000
    assert len(served.asked) == 2


def test_mirror_takes_its_own_file_and_the_original(tmp_path: Path) -> None:
    packed = gzip.compress(BODY[:500].rpartition(b"\n")[0], mtime=0)
    (tmp_path / "one").mkdir()
    (tmp_path / "one/rows.csv.gz").write_bytes(packed)
    wanted = source(mirror_sha256=hashlib.sha256(packed).hexdigest())
    assert 0 < len(records(Mirror(tmp_path), wanted)) < 30
    (tmp_path / "one/rows.csv.gz").write_bytes(BODY)
    assert len(records(Mirror(tmp_path), wanted)) == 9_000


def test_mirror_refuses_any_other_file(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one/rows.csv.gz").write_bytes(b"text\nrain\n")
    with pytest.raises(SourceError, match="the register says 00; fetch it anew"):
        records(Mirror(tmp_path), source())


def test_mirror_without_a_file_or_a_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"rows\.csv\.gz: cannot be read .*one needs it"):
        records(Mirror(tmp_path), source())
    with pytest.raises(SourceError, match="no such folder"):
        Mirror(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("address", "answer", "reason"),
    [
        (
            "https://example.org/a",
            httpx.Response(302, headers={"Location": "https://example.org/a"}),
            "TooManyRedirects",
        ),
        (
            "https://example.org/a",
            httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Unpacked()),
            "Decoding",
        ),
        ("https://example.org:port/a", httpx.Response(200), "InvalidURL"),
    ],
)
def test_answers_that_no_other_attempt_mends_are_told(
    tmp_path: Path, address: str, answer: httpx.Response, reason: str
) -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=answer.stream)

    with (
        httpx.Client(transport=httpx.MockTransport(respond), max_redirects=2) as client,
        pytest.raises(SourceError, match=f"cannot be fetched .{reason}"),
    ):
        records(Downloads(tmp_path, client, pause=0), source(address))
    assert len(asked) <= 3
