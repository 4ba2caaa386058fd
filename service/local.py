"""Everything on one machine: database, sample cases, API and worker, kept running until Ctrl-C."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

import httpx

from service.embedded import database_url, embedded_runs, start_embedded
from service.media.storage import open_storage
from service.migrate import migrate
from service.samples.load import CREDENTIALS, load_samples
from service.settings import Settings, SettingsError

PARTS = ("serve", "work")
START_SECONDS = 120
# A part that dies at once again and again is not restarted in a tight loop.
RESTART_SECONDS = 2.0


def run_everything(settings: Settings) -> None:
    """Start all parts, say where they are, restart what dies. Returns after SIGINT or SIGTERM."""
    _require_free_port(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    asyncio.run(open_storage(settings).check())
    url = database_url(settings)
    migrate(url)
    print(asyncio.run(load_samples(settings, url)), flush=True)
    environment = os.environ | {"TRIAGE_DATABASE_URL": url, "TRIAGE_DATA_DIR": str(settings.data_dir.resolve())}
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    # One for all looks: each new one would read the machine's certificates, while the parts need the processor to start.
    client = httpx.Client(base_url=address(settings), timeout=2, trust_env=False)
    parts = {name: _start(name, environment) for name in PARTS}
    try:
        greeted = False
        deadline = time.monotonic() + START_SECONDS
        while not stopping.wait(0.2):
            if not greeted and _ready(client):
                greeted = True
                print(_greeting(settings), flush=True)
            elif not greeted and time.monotonic() > deadline:
                raise SettingsError(f"the API did not come up within {START_SECONDS} seconds; see the log above")
            if settings.database_url is None:
                _keep_database(settings.data_dir, stopping)
            for name, process in parts.items():
                if process.poll() is not None and not stopping.wait(RESTART_SECONDS):
                    print(f"{name} ended with status {process.returncode}; starting it again", file=sys.stderr)
                    parts[name] = _start(name, environment)
    finally:
        client.close()
        _stop(parts)


def _keep_database(data_dir: Path, stopping: threading.Event) -> None:
    if embedded_runs(data_dir) or stopping.wait(RESTART_SECONDS):
        return
    print("PostgreSQL ended; starting it again", file=sys.stderr)
    try:
        start_embedded(data_dir)
    except subprocess.SubprocessError as error:
        print(
            f"PostgreSQL does not start ({error}); its own log is in {data_dir / 'postgres' / 'log'}", file=sys.stderr
        )


def _require_free_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsError(
                f"port {settings.port} on {settings.host} cannot be used ({error.strerror}); choose another: PORT=8001"
            ) from error


def _start(name: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    # A session of its own, so that Ctrl-C reaches this process alone and the parts end in order. Nothing is ever written
    # to the pipe: it closes with this process, which even a kill cannot prevent.
    command = [sys.executable, "-m", "service", name, "--with-parent"]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, start_new_session=True)


def _stop(parts: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in parts.values():
        process.terminate()
    for process in parts.values():
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _ready(client: httpx.Client) -> bool:
    try:
        answer = client.get("/readyz")
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK and answer.json()["model"] != "loading"


def address(settings: Settings) -> str:
    """Where the API of these settings answers."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound
    return f"http://{host}:{settings.port}"


def _greeting(settings: Settings) -> str:
    lines = ["", f"  content-triage is ready:  {address(settings)}", ""]
    path = settings.data_dir / CREDENTIALS
    if path.exists():
        lines += _log_ins(path)
    return "\n".join([*lines, "  Ctrl-C stops it; the data stay in " + str(settings.data_dir), ""])


def _log_ins(path: Path) -> list[str]:
    people = json.loads(path.read_text(encoding="utf-8"))
    rows = [f"    {entry['username']:<16} {entry['password']}" for entry in people.values()]
    return ["  Sample log-ins (user name, password):", *rows, f"  Their API keys are in {path}", ""]
