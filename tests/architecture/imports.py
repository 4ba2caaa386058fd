"""What happens when a module is imported, watched in a fresh interpreter: nothing may."""

import json
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

# Imports each module in turn. Sockets are refused, and whatever else the import did is reported by module.
# Output to the terminal is caught at the file descriptors, so native code is seen as well.
WATCH = r"""
import importlib, json, os, sys, tempfile, threading

root, modules = sys.argv[1], sys.argv[2:]
sys.path.insert(0, root)
events = []

def refuse(event, arguments):
    if event in {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"}:
        events.append(event)
        raise PermissionError(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        events.append("writes a file")

sys.addaudithook(refuse)
report = os.dup(1)
findings = []
with tempfile.TemporaryFile() as said:
    os.dup2(said.fileno(), 1)
    os.dup2(said.fileno(), 2)
    events.clear()
    for module in modules:
        before = set(os.listdir("."))
        threads = threading.active_count()
        try:
            importlib.import_module(module)
        except BaseException as error:
            findings.append(f"{module}: cannot be imported: {type(error).__name__}: {error}")
        sys.stdout.flush()
        sys.stderr.flush()
        what = sorted(set(events))
        what += [f"leaves {name}" for name in sorted(set(os.listdir(".")) - before)]
        what += ["starts a thread"] * (threading.active_count() > threads)
        said.seek(0)
        what += [f"says {line.decode(errors='replace')!r}" for line in said.read().splitlines()[:2]]
        said.seek(0)
        said.truncate()
        events.clear()
        findings += [f"{module}: {one}" for one in what]
    os.write(report, json.dumps(findings).encode())
"""

# Imports modules with packages hidden, as in an environment that lacks them.
HIDE = r"""
import importlib, importlib.abc, json, sys

root, hidden, modules = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
sys.path.insert(0, root)

class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"No module named {name!r} in the serving install", name=name)
        return None

sys.meta_path.insert(0, Hide())
findings = []
for module in modules:
    try:
        importlib.import_module(module)
    except ImportError as error:
        findings.append(f"{module}: {error}")
print(json.dumps(findings))
"""


def side_effects(root: Path, modules: Sequence[str], *, folder: Path) -> list[str]:
    """What importing each of `modules` of `root` did besides defining names; `folder` must be empty.

    The interpreter gets no environment but a home and a temporary folder that both are `folder`.
    """
    environment = {"HOME": str(folder), "TMPDIR": str(folder)}
    return _run(WATCH, [str(root), *modules], folder=folder, environment=environment)


def needs_hidden(root: Path, modules: Sequence[str], *, hidden: Collection[str], folder: Path) -> list[str]:
    """Which of `modules` cannot be imported where the packages `hidden` are not installed."""
    arguments = [str(root), json.dumps(sorted(hidden)), *modules]
    return _run(HIDE, arguments, folder=folder, environment={"HOME": str(folder)})


def _run(program: str, arguments: Sequence[str], *, folder: Path, environment: dict[str, str]) -> list[str]:
    command = [sys.executable, "-I", "-B", "-c", program, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        return [f"the interpreter ended with {done.returncode}: {done.stderr[-2000:]}"]
    found: list[str] = json.loads(done.stdout)
    return found
