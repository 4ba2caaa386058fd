"""The repository as the checks see it: its Python files with their syntax trees, and everything else as text."""

import ast
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PRODUCT = ("labeling", "models", "eval", "training", "service", "bench")


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file; `path` is relative to the root and always with slashes."""

    path: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """Dotted name under which the file is imported."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method with where it stands; `owner` is its class, `nested` marks a function in a function."""

    source: Source
    node: ast.FunctionDef | ast.AsyncFunctionDef
    owner: str | None
    nested: bool

    @property
    def key(self) -> str:
        """`path: function`, which stays when lines move."""
        return f"{self.source.path}: {self.node.name}"

    @property
    def place(self) -> str:
        """`path:line: function`, as findings print it."""
        return f"{self.source.path}:{self.node.lineno}: {self.node.name}"

    @property
    def lines(self) -> int:
        """Lines from `def` to the end, docstring included, decorators not."""
        return (self.node.end_lineno or self.node.lineno) - self.node.lineno + 1


def read_sources(root: Path, folders: Iterable[str]) -> list[Source]:
    """Every Python file below the folders of `root` that exist, in a stable order."""
    found = []
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            found.append(Source(path.relative_to(root).as_posix(), text, ast.parse(text, filename=str(path))))
    return found


def functions(source: Source) -> Iterator[Function]:
    """Every function of a file, methods and nested ones included."""
    pending: list[tuple[ast.AST, str | None, bool]] = [(source.tree, None, False)]
    while pending:
        parent, owner, nested = pending.pop()
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield Function(source, node, owner, nested)
                pending.append((node, None, True))
            elif isinstance(node, ast.ClassDef):
                pending.append((node, node.name, nested))
            else:
                pending.append((node, owner, nested))


def repository_files(root: Path) -> list[Path]:
    """Files that are or would be committed: what git knows and what it does not ignore."""
    # The folder may belong to another user, as in a mounted checkout.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout.decode()
    return [root / name for name in sorted(set(listed.split("\0"))) if name and (root / name).is_file()]


def readable_text(path: Path) -> str | None:
    """The text of a file, or None when it is not UTF-8 text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def write_tree(root: Path, files: dict[str, str]) -> Path:
    """Plant files below `root`, with an empty `__init__.py` in each folder unless one is given; returns `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        for folder in path.relative_to(root).parents[:-1]:
            (root / folder / "__init__.py").touch()
    return root


def join(findings: Sequence[str]) -> str:
    """Findings as an assertion message."""
    return "\n" + "\n".join(findings)
