"""Test processes forked from one that has read all tests: reading them takes longer than most of them run.

`pytest -n` starts each process by a command. Here the command is this file, which hands its own input and output over
to a fork of the process that has read the tests, and stays until that fork has ended.
"""

import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

# These draw pictures as they are read, and the threads that libvips draws with are not in a fork: each process reads
# them by itself.
DRAWING = ("tests/service/media", "tests/service/reading")
PATIENCE = 300
THREADS = Path("/proc/self/task")


@contextmanager
def warm_process(tests: Sequence[str]) -> Iterator[str]:
    """A process that reads these tests; gives the command that runs a fork of it."""
    # Not below TMPDIR: the address of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="triage-forking-", dir="/tmp") as folder:
        address = str(Path(folder) / "socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen()
            number = listener.fileno()
            # It ends with the input it is given, so with this process, whatever ends this one.
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.forking", str(number), *tests],
                pass_fds=[number],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
            )
        try:
            yield shlex.join([sys.executable, __file__, address])
        finally:
            process.communicate()


def hand_over(address: str, command: Sequence[str]) -> None:
    """Give this process's input and output to a fork, or be an ordinary process where there is none to fork from."""
    # Ctrl-C reaches the fork as well, which knows what to do about it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(PATIENCE)
        try:
            server.connect(address)
            socket.send_fds(server, [b"."], [0, 1, 2])
            # One word once it runs, and the end of the connection when it has ended.
            running = server.recv(1)
        except OSError:
            running = b""
        if not running:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execv(sys.executable, [sys.executable, *command])  # noqa: S606 - no shell is wanted
        server.settimeout(None)
        server.recv(1)


def serve(listener: socket.socket, tests: Sequence[str]) -> None:
    """Read the tests, then fork for everyone who asks; in a fork this returns once it has its own input and output."""
    read(tests)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([listener.fileno(), 0], [], [])
        if 0 in ready:
            # They end as their input does. Waited for, the time they took counts as that of `make test`.
            with suppress(ChildProcessError):
                while True:
                    os.wait()
            os._exit(0)
        connection, _ = listener.accept()
        _, handles, _, _ = socket.recv_fds(connection, 1, 3)
        if os.fork() == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            listener.close()
            for number, handle in enumerate(handles):
                os.dup2(handle, number)
                os.close(handle)
            connection.send(b".")
            # Left open: that it closes when this process ends is how the other side learns of it.
            connection.detach()
            return
        connection.close()
        for handle in handles:
            os.close(handle)


def read(tests: Sequence[str]) -> None:
    """Have pytest read the tests, whose modules then stay loaded, and work out the routes that applications share."""
    import pytest  # noqa: PLC0415 - whoever only hands over starts without it

    without = [f"--ignore={folder}" for folder in DRAWING]
    pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", *without, *tests])
    # Only now: pytest rewrites what it is the first to load.
    import_module("tests.shared_routes").work_out("/livez", "/openapi.json")
    if len(list(THREADS.iterdir())) > 1:
        names = sorted((thread / "comm").read_text().strip() for thread in THREADS.iterdir())
        message = f"reading the tests left threads behind, which no fork has: {names}; see DRAWING in tests/forking.py"
        raise RuntimeError(message)


if __name__ == "__main__":
    if __package__:
        serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
        # What every process of `pytest -n` begins with: its first line is what it shall be.
        exec(eval(sys.stdin.readline()))  # noqa: S102, S307
    else:
        hand_over(sys.argv[1], sys.argv[2:])
