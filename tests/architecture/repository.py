"""What the repository says and weighs: it speaks of the product alone and carries no large files."""

import re
from collections.abc import Iterable, Mapping

# Each pattern with what is wrong about it. They are kept general: a path of somebody's machine, whoever that is.
FORBIDDEN_TEXT = {
    re.compile(
        r"(?:(?<![\w.}$/-])|file://)/(?:home|Users|root|work|workspace|tmp|mnt|opt)/[\w.]"
    ): "a path of one machine",
    re.compile(r"(?<!\w)[A-Z]:\\(?:Users|Temp|Windows)\\"): "a path of one machine",
    re.compile(r"--(?:extra-)?index-url|--find-links|--trusted-host"): "an index: who installs decides where from",
    re.compile(r"^(?:<{7}|>{7})(?: |$)", re.MULTILINE): "a merge conflict",
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"): "a private key",
}
SIZE_LIMIT = 1_000_000


def forbidden_text(texts: Mapping[str, str]) -> list[str]:
    """Lines of `texts` (path → text) that name a machine, an index or a secret."""
    found = []
    for path, text in texts.items():
        for pattern, what in FORBIDDEN_TEXT.items():
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{path}:{line}: {what}: {match.group()!r}")
    return found


def large_files(sizes: Iterable[tuple[str, int]], *, limit: int, except_below: str) -> list[str]:
    """Files above `limit` bytes outside the folder `except_below`."""
    return [
        f"{path}: {size} bytes, the limit is {limit}"
        for path, size in sizes
        if size > limit and not path.startswith(except_below)
    ]


def lock_versions(text: str) -> dict[str, set[str]]:
    """Package → versions of a lock file; more than one where platforms differ."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9][a-z0-9.-]*)==([^\s;\\]+)", text, re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def lock_findings(text: str, *, never: re.Pattern[str]) -> list[str]:
    """What is wrong with one lock: a package without a hash, or one that must not be locked."""
    found = []
    for entry in re.split(r"\n(?=[a-z0-9])", text):
        name = entry.partition("==")[0].strip()
        if "==" in entry and "--hash=sha256:" not in entry:
            found.append(f"{name}: has no hash")
        if never.match(name):
            found.append(f"{name}: must not be locked")
    return found


def lock_conflicts(locks: Mapping[str, str]) -> list[str]:
    """Packages that two locks pin to different versions: installing both would depend on the order."""
    pinned = {file: lock_versions(text) for file, text in locks.items()}
    names = sorted({name for versions in pinned.values() for name in versions})
    found = []
    for name in names:
        seen = {file: versions[name] for file, versions in pinned.items() if name in versions}
        if len({frozenset(versions) for versions in seen.values()}) > 1:
            found.append(f"{name}: {', '.join(f'{file} has {sorted(versions)}' for file, versions in seen.items())}")
    return found
