"""A real S3 server on this machine, which can be told to fail."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import httpx
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET = "pictures"
# Asked for each request with method and path with query: the status to fail it with, or None to let it through.
Failing = Callable[[str, str], int | None]


# The server looks whether a request is signed, not by whom.
_SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=id/20261130/us-east-1/s3/aws4_request"}


class Bucket:
    """The server's address, what it was asked, and what it is told to fail."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.fails: Failing = lambda _method, _path: None
        self._application = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The WSGI application."""
        method, path = environ["REQUEST_METHOD"], f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        self.asked.append(f"{method} {path}")
        if status := self.fails(method, path):
            # Read first: a server that hangs up on a body is another failure.
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response(f"{status} Told To", [("Content-Length", "0")])
            return [b""]
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer

    def objects(self) -> dict[str, int]:
        """What lies in the bucket: key to size."""
        answer = httpx.get(f"{self.url}/{BUCKET}?list-type=2", trust_env=False)
        keys = _between(answer.text, "Key")
        return dict(zip(keys, map(int, _between(answer.text, "Size")), strict=True))

    def overwrite(self, key: str, data: bytes) -> None:
        """Put other bytes under a key, behind the back of whoever put the first."""
        answer = httpx.put(f"{self.url}/{BUCKET}/{key}", content=data, headers=_SIGNED, trust_env=False)
        assert answer.status_code == 200, answer.text
        assert self.objects()[key] == len(data)

    def unfinished(self) -> list[str]:
        """Keys of uploads in parts that were neither completed nor given up."""
        return _between(httpx.get(f"{self.url}/{BUCKET}?uploads", trust_env=False).text, "Key")


@contextmanager
def running() -> Iterator[Bucket]:
    """A server with an empty bucket."""
    bucket = Bucket()
    server = make_server("127.0.0.1", 0, bucket, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    bucket.url = f"http://127.0.0.1:{server.server_port}"
    try:
        assert httpx.put(f"{bucket.url}/{BUCKET}", trust_env=False).status_code == 200
        yield bucket
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """Say nothing."""


def _between(xml: str, tag: str) -> list[str]:
    return [one.split(f"</{tag}>")[0] for one in xml.split(f"<{tag}>")[1:]]
