"""The API as `python -m service serve` runs it, in a process of its own."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.measure import BenchError
from service.settings import REPOSITORY

START_SECONDS = 60


@contextmanager
def served(database_url: str) -> Iterator[int]:
    """Run the API on a migrated database; gives its port. Raises BenchError when it does not come up."""
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environment = os.environ | {
            "TRIAGE_DATABASE_URL": database_url,
            "TRIAGE_DATA_DIR": str(Path(folder)),
            "TRIAGE_PORT": str(port),
        }
        process = subprocess.Popen([sys.executable, "-m", "service", "serve"], cwd=REPOSITORY, env=environment)
        try:
            _wait_until_ready(process, port)
            yield port
        finally:
            process.terminate()
            process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchError(f"the API ended with status {process.returncode}; its log is above")
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        # A model that is still being loaded would take a core away from what is measured.
        if answer.is_success and answer.json()["model"] != "loading":
            return
        time.sleep(0.1)
    raise BenchError(f"the API was not ready within {START_SECONDS} seconds")
