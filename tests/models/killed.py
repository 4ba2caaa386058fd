"""Run as a program: kills a promotion before each of its file operations in turn, and looks at what it left.

Arguments: an empty folder, two bundle folders and their verdicts. Prints how many kills there were.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from models.bundle import load_bundle
from models.registry import add_bundle, open_shipped, promote
from tests.models.releases import NOTE, open_release
from training.release import ship

TOUCHING = ("open", "os.", "shutil.", "fcntl.")


def kill_everywhere(work: Callable[[], None], *, prepare: Callable[[], None], check: Callable[[], None]) -> int:
    """Let `work` be killed before its first, second, … file operation until it ends by itself; returns the kills."""
    kills = 0
    while True:
        prepare()
        child = os.fork()
        if not child:
            try:
                kill_at(kills)
                work()
                os._exit(0)
            finally:
                # Reached after an error only: the child must not go on as a second parent.
                os._exit(1)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise SystemExit("the promotion failed by itself")
        check()
        # Whoever tries again must get through, whatever was left lying about.
        work()
        check()
        if not os.WIFSIGNALED(status):
            return kills
        kills += 1


def kill_at(number: int) -> None:
    """Kill this process before its file operation `number`, counted from 0."""
    left = number

    def hook(event: str, _: object) -> None:
        nonlocal left
        if event.startswith(TOUCHING):
            left -= 1
            # The kill is an event itself.
            if left == -1:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main(folder: Path, old: Path, old_verdict: Path, new: Path, new_verdict: Path) -> None:
    both = {load_bundle(place).hash for place in (old, new)}
    registry, bundles = folder / "registry", folder / "bundles"

    def release(source: Path, verdict: Path) -> None:
        promote(registry, add_bundle(registry, source, verdict).hash, NOTE)

    def prepare() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        bundles.mkdir(parents=True)
        release(old, old_verdict)
        ship(old, old_verdict, bundles)

    def check_registry() -> None:
        bundle = open_release(registry, "live")
        if bundle is None or bundle.hash not in both:
            raise SystemExit(f"another bundle is live: {bundle}")

    def check_shipped() -> None:
        if open_shipped(bundles / "default").hash not in both:
            raise SystemExit("another bundle is shipped")

    kills = kill_everywhere(lambda: release(new, new_verdict), prepare=prepare, check=check_registry)
    more = kill_everywhere(lambda: (ship(new, new_verdict, bundles), None)[1], prepare=prepare, check=check_shipped)
    print(kills, more)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
