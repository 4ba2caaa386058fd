"""An embedded PostgreSQL as its own files describe it, for tests that look at it from outside or end it."""

import os
import signal
from pathlib import Path

from tests.journey.parts import is_alive, until


class Postgres:
    """The server of a data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "postgres" / "postmaster.pid"

    def pid(self) -> int:
        return int(self._lines()[0])

    def address(self) -> str:
        return f"postgresql://postgres:@/postgres?host={self._lines()[4]}"

    def runs(self) -> bool:
        return self._file.exists() and is_alive(self.pid())

    async def end(self, by: signal.Signals) -> None:
        """Send a signal and wait until the server is gone."""
        pid = self.pid()
        os.kill(pid, by)
        await until(lambda: not is_alive(pid), f"PostgreSQL ends after {by.name}")

    def pretend_to_be(self, pid: int) -> None:
        """Write another process into the file of a server that was killed."""
        self._file.write_text("\n".join([str(pid), *self._lines()[1:]]) + "\n", encoding="utf-8")

    def _lines(self) -> list[str]:
        return self._file.read_text(encoding="utf-8").splitlines()
