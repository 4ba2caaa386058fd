"""What the documents must say. Each check is a pure function over texts and returns its findings as lines."""

import re
from collections.abc import Callable, Collection, Mapping

ADR_HEADINGS = ["Context", "Decision", "Consequences", "Rejected", "Held by"]
ADR_LINES = 60


def make_targets(makefile: str) -> set[str]:
    """Targets that `make help` lists."""
    return set(re.findall(r"^([a-z][a-z-]*):.*## ", makefile, re.MULTILINE))


def undocumented_targets(makefile: str, documents: Mapping[str, str]) -> list[str]:
    """Targets that no document names, and `make …` in documents that is no target."""
    targets = make_targets(makefile)
    named = {(target, path) for path, text in documents.items() for target in re.findall(r"`make ([a-z-]+)", text)}
    named |= {
        (target, path)
        for path, text in documents.items()
        for block in re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        for target in re.findall(r"^(?:\$ )?make ([a-z-]+)", block, re.MULTILINE)
    }
    missing = [f"make {target}: no document names it" for target in sorted(targets - {target for target, _ in named})]
    return missing + [f"{path}: there is no `make {target}`" for target, path in sorted(named) if target not in targets]


def broken_links(documents: Mapping[str, str], *, exists: Callable[[str], bool]) -> list[str]:
    """Relative links to files that do not exist; `exists` takes a path from the root of the repository."""
    found = []
    for path, text in documents.items():
        folder = path.rpartition("/")[0]
        targets = [one for one in re.findall(r"\]\(([^)#\s]+)", _without_code(text)) if not re.match(r"[a-z]+:", one)]
        found += [f"{path}: {one} does not exist" for one in targets if not exists(_resolve(folder, one))]
    return found


def adr_findings(path: str, text: str, *, exists: Callable[[str], bool]) -> list[str]:
    """What one decision record lacks: its headings in order, one page, a last line that names what holds it."""
    found = []
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    if headings != ADR_HEADINGS:
        found.append(f"{path}: headings are {headings}, must be {ADR_HEADINGS}")
    if len(text.splitlines()) > ADR_LINES:
        found.append(f"{path}: longer than one page ({ADR_LINES} lines)")
    checks = re.findall(r"`((?:tests|pyproject)[\w/.-]*)", text.strip().splitlines()[-1])
    if not checks:
        found.append(f"{path}: the last line names no check")
    return found + [f"{path}: {check} does not exist" for check in checks if not exists(check)]


def unmentioned(names: Collection[str], documents: Mapping[str, str]) -> list[str]:
    """Names that no document mentions as code."""
    text = "\n".join(documents.values())
    return [f"{name}: no document mentions it" for name in sorted(names) if f"`{name}`" not in text]


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def _resolve(folder: str, target: str) -> str:
    parts = folder.split("/") if folder else []
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
