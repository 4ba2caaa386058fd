"""`python -m service up` seen from outside: its processes, its folder, what it tells, and calls to it."""

import asyncio
import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import httpx

from service.samples.load import CREDENTIALS
from service.settings import Settings
from tests.conftest import bearer
from tests.journey.invariants import reading
from tests.journey.parts import PATIENCE_SECONDS, TRUSTED, Command, Part, environment_of, free_port, is_alive, until
from tests.journey.postgres import Postgres

# Between two looks of a caller whether a part that somebody else starts again is back.
REVIVAL_SECONDS = 0.2
GREETING = "content-triage is ready"


@dataclass(frozen=True, slots=True)
class Process:
    """A line of the process table."""

    pid: int
    parent: int
    arguments: str


class Household:
    """An `up` that a test starts and ends as often as it likes."""

    def __init__(self, folder: Path, settings: Settings | None = None, *, looks: bool = True) -> None:
        """`looks`: whether its worker looks at pictures and reads them, which takes it longer than all the rest."""
        self.data_dir = settings.data_dir if settings else folder / "data"
        self.port = settings.port if settings else free_port()
        # One person claims all there is: no milder case comes between.
        environment = {"PORT": str(self.port), "DATA_DIR": str(self.data_dir), "EXPOSURE_IN_A_ROW": "100"}
        if not looks:
            environment |= {"TRIAGE_IMAGE_MODEL": "none", "TRIAGE_READ_PICTURES": "false"}
        if settings:
            environment |= environment_of(settings)
        self.command = Command("up", environment=environment, log=folder / "up.log", port=self.port)
        self.postgres = Postgres(self.data_dir)

    async def running(self) -> None:
        """Start it unless it runs, and wait for its greeting."""
        if self.command.starts and self.command.status() is None:
            return
        greetings = self.told().count(GREETING)
        await self.command.start()
        await until(lambda: self.told().count(GREETING) > greetings, f"up greets:\n{self.told()}")

    async def stopped(self, by: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal; returns its status."""
        os.kill(self.command.pid(), by)
        await until(lambda: self.command.status() is not None, f"up ends:\n{self.told()}")
        status = self.command.status()
        assert status is not None
        return status

    def told(self) -> str:
        """Everything it wrote to the terminal."""
        return self.command.log()

    def credentials(self) -> dict[str, dict[str, str]]:
        people: dict[str, dict[str, str]] = json.loads((self.data_dir / CREDENTIALS).read_text(encoding="utf-8"))
        return people

    def part(self, name: str) -> int | None:
        """Process id of the API ("serve") or the worker ("work") while there is one."""
        up = self.command.pid()
        pids = [one.pid for one in processes() if one.parent == up and f"-m service {name} " in one.arguments]
        return pids[0] if pids else None

    def descendants(self) -> list[Process]:
        """Every process that came from this one, and the database's."""
        table = processes()
        found = {self.command.pid(), self.postgres.pid()}
        while more := {one.pid for one in table if one.parent in found} - found:
            found |= more
        return [one for one in table if one.pid in found]

    def call(self, method: str, path: str, role: str, **options: Any) -> httpx.Response:
        headers = bearer(self.credentials()[role]["api_key"]) | options.pop("headers", {})
        address = self.command.address + path
        with httpx.Client(timeout=30, trust_env=False, verify=TRUSTED) as client:
            return client.request(method, address, headers=headers, **options)

    def is_ready(self) -> bool:
        """Whether the API answers that everything is there."""
        try:
            with httpx.Client(timeout=30, trust_env=False, verify=TRUSTED) as client:
                return bool(client.get(f"{self.command.address}/readyz").json()["status"] == "ready")
        except httpx.TransportError:
            return False

    async def report(self, subject: str, **content: Any) -> dict[str, Any]:
        """Report a post and wait for its score; returns the case."""
        post = {"id": subject, "kind": "post", "language": "en", **content}
        body = {"channel": "user", "reason": "harassment", "subject": post}
        answer = self.call("POST", "/v1/reports", "platform", json=body, headers={"Idempotency-Key": subject})
        assert answer.status_code == 201, answer.text
        await self.scored()
        case: dict[str, Any] = self.call("GET", f"/v1/cases/{answer.json()['case_id']}", "reviewer").json()
        return case

    async def scored(self) -> None:
        """Wait until the worker has nothing left to score."""
        waiting = "SELECT count(*) FROM evidence WHERE score_state = 'waiting'"
        await until(lambda: self.count(waiting) == 0, f"everything is scored:\n{self.told()}")

    async def prepared(self) -> None:
        """Wait until the worker has made the video and the sound among the samples ready."""
        await self._no_media("status = 'pending'")

    async def looked_at(self) -> None:
        """Wait until the worker has assessed and read all media, which places their cases anew.

        What a killed worker had begun to read waits for minutes until another may.
        """
        # Reading lets everything else go first.
        await self._no_media(
            "status = 'ready' AND kind <> 'audio' AND 'waiting' IN (read_state, assess_state)",
            seconds=3 * PATIENCE_SECONDS,
        )

    async def _no_media(self, waiting: LiteralString, *, seconds: float = PATIENCE_SECONDS) -> None:
        count: LiteralString = "SELECT count(*) FROM media WHERE " + waiting
        said = f"there is no media with {waiting}:\n{self.told()}"
        await until(lambda: self.count(count) == 0, said, seconds=seconds)

    def count(self, query: LiteralString) -> int:
        with reading(self.postgres.address()) as cursor:
            row = cursor.execute(query).fetchone()
        assert row is not None
        return int(row["count"])


class Kept(Part):
    """The API ("serve") or the worker ("work") that `up` started; when it ends, `up` starts it again."""

    def __init__(self, home: Household, name: str) -> None:
        super().__init__(name, port=home.port if name == "serve" else None)
        self._home = home

    def _launch(self) -> None:
        raise AssertionError("this is for `up` to do")

    def status(self) -> int | None:
        return None if self._home.part(self.name) else -signal.SIGKILL

    def pid(self) -> int:
        pid = self._home.part(self.name)
        assert pid is not None, f"{self.name} does not run"
        return pid

    def log(self) -> str:
        return self._home.told()

    async def revive(self, generation: int) -> None:
        await asyncio.sleep(REVIVAL_SECONDS)


def processes() -> list[Process]:
    """The process table."""
    listed = subprocess.run(["ps", "-axo", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
    rows = (line.split(None, 2) for line in listed.stdout.splitlines())
    return [Process(int(row[0]), int(row[1]), row[2].strip()) for row in rows if len(row) == 3]


async def gone(those: list[Process]) -> None:
    """Wait until none of these processes is there any more."""
    left = {one.pid: one.arguments for one in those}
    await until(lambda: not any(is_alive(pid) for pid in left), f"all of these end: {left}", seconds=60)
