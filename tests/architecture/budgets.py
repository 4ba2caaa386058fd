"""Size and shape of the code. Each check is a pure function over sources; `remaining` takes off what is lifted."""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.tree import PRODUCT, Function, Source, functions

HTTP_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "websocket", "api_route"})
BROAD = frozenset({"Exception", "BaseException"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One break of a rule: `key` is what a lift names (`path` or `path: function`), `text` what a person reads."""

    key: str
    text: str


def remaining(findings: Iterable[Finding], lifted: Mapping[str, str]) -> list[str]:
    """The findings that nothing lifts, and the lifts that nothing needs any more."""
    findings = list(findings)
    found = {finding.key for finding in findings}
    stale = [
        f"{key}: the lift is not needed (any more): {reason}" for key, reason in lifted.items() if key not in found
    ]
    return [finding.text for finding in findings if finding.key not in lifted] + stale


def long_files(sources: Iterable[Source], *, limit: int) -> list[Finding]:
    """Files with more lines than `limit`."""
    counted = [(source.path, len(source.text.splitlines())) for source in sources]
    return [Finding(path, f"{path}: {lines} lines, the limit is {limit}") for path, lines in counted if lines > limit]


def long_functions(sources: Iterable[Source], *, limit: int) -> list[Finding]:
    """Functions with more lines than `limit`."""
    return [
        Finding(function.key, f"{function.place}: {function.lines} lines, the limit is {limit}")
        for function in _all_functions(sources)
        if function.lines > limit
    ]


def share_of_short_functions(sources: Iterable[Source], *, limit: int) -> float:
    """Share of functions with at most `limit` lines; 1.0 when there are none."""
    lengths = [function.lines for function in _all_functions(sources)]
    return sum(length <= limit for length in lengths) / len(lengths) if lengths else 1.0


def wide_functions(sources: Iterable[Source], *, limit: int) -> list[Finding]:
    """Public functions with more parameters than `limit`, `self` and `cls` not counted.

    Route handlers are left out: their parameters are the query, path, body and dependencies of one HTTP call, filled
    in by name by the framework, and nobody calls them by hand.
    """
    return [
        Finding(function.key, f"{function.place}: {_parameter_count(function)} parameters, the limit is {limit}")
        for function in _all_functions(sources)
        if _is_public(function) and not _is_route_handler(function) and _parameter_count(function) > limit
    ]


def broad_excepts(sources: Iterable[Source]) -> list[Finding]:
    """Every `except` that catches everything and keeps it, named by the function it stands in.

    One that ends with a bare `raise` only cleans up: the error goes on to whoever can act.
    """
    return [
        Finding(f"{source.path}: {name}", f"{source.path}:{node.lineno}: {name} catches everything")
        for source in sources
        for name, node in _nodes(source)
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not _goes_on(node)
    ]


def late_imports(sources: Iterable[Source]) -> list[Finding]:
    """First-party imports inside functions: a sign of a cycle, which is a sign of a wrong cut."""
    return [
        Finding(source.path, f"{source.path}:{node.lineno}: {name} imports first-party code inside a function")
        for source in sources
        for name, node in _imports(source)
        if name != MODULE and _imports_first_party(node)
    ]


def foreign_stores(sources: Iterable[Source]) -> list[Finding]:
    """Imports of a `store` by anyone but the workflow beside it: a store is private to its domain, routes ask rules."""
    found = []
    for source in sources:
        for _, node in _imports(source):
            stores = {name for name in _imported_names(node) if name.endswith(".store")}
            own = f"{source.module.rpartition('.')[0]}.store" if source.module.endswith(".workflow") else None
            found += [
                Finding(source.path, f"{source.path}:{node.lineno}: uses {store}; ask the workflow of that domain")
                for store in sorted(stores - {own})
            ]
    return found


def scattered_sql(sources: Iterable[Source]) -> list[Finding]:
    """Files other than `store.py` that import `sqlalchemy.text`."""
    return [
        Finding(source.path, f"{source.path}:{node.lineno}: holds SQL; that belongs into a store.py")
        for source in sources
        for _, node in _imports(source)
        if "sqlalchemy.text" in _imported_names(node) and not source.path.endswith("/store.py")
    ]


def missing_return_types(sources: Iterable[Source]) -> list[Finding]:
    """Functions without a return annotation."""
    return [
        Finding(function.key, f"{function.place}: no return annotation")
        for function in _all_functions(sources)
        if function.node.returns is None
    ]


def filled_inits(sources: Iterable[Source]) -> list[Finding]:
    """`__init__.py` files that hold anything: importing a package must not load what lies in it."""
    filled = [source for source in sources if source.path.endswith("__init__.py") and source.text.strip()]
    return [Finding(source.path, f"{source.path}: must be empty") for source in filled]


def missing_inits(root: Path, folders: Collection[str]) -> list[Finding]:
    """Folders with Python files but no `__init__.py`: a foreign package of the same name would win."""
    homes = {path.parent for folder in folders for path in (root / folder).rglob("*.py")}
    homes |= {above for home in homes for above in home.parents if root in above.parents}
    names = sorted(home.relative_to(root).as_posix() for home in homes if not (home / "__init__.py").exists())
    return [Finding(name, f"{name}: has no __init__.py") for name in names]


MODULE = "<module>"


def _all_functions(sources: Iterable[Source]) -> Iterator[Function]:
    for source in sources:
        yield from functions(source)


def _imports(source: Source) -> Iterator[tuple[str, ast.Import | ast.ImportFrom]]:
    return ((name, node) for name, node in _nodes(source) if isinstance(node, ast.Import | ast.ImportFrom))


def _nodes(source: Source) -> Iterator[tuple[str, ast.AST]]:
    """Every node with the name of the innermost function around it."""
    pending: list[tuple[str, ast.AST]] = [(MODULE, source.tree)]
    while pending:
        name, parent = pending.pop()
        for node in ast.iter_child_nodes(parent):
            yield name, node
            pending.append((node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else name, node))


def _is_broad(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_is_broad(element) for element in caught.elts)
    return caught is None or (isinstance(caught, ast.Name) and caught.id in BROAD)


def _goes_on(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _imported_names(node: ast.Import | ast.ImportFrom) -> set[str]:
    """Dotted names that an import may refer to: modules, and members of them."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    return {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}


def _imports_first_party(node: ast.Import | ast.ImportFrom) -> bool:
    return any(name.partition(".")[0] in (*PRODUCT, "tests") for name in _imported_names(node))


def _is_public(function: Function) -> bool:
    name = function.node.name
    return not function.nested and (not name.startswith("_") or name in {"__init__", "__call__"})


def _is_route_handler(function: Function) -> bool:
    called = [node.func for node in function.node.decorator_list if isinstance(node, ast.Call)]
    return any(isinstance(one, ast.Attribute) and one.attr in HTTP_METHODS for one in called)


def _parameter_count(function: Function) -> int:
    arguments = function.node.args
    count = len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs)
    count += (arguments.vararg is not None) + (arguments.kwarg is not None)
    decorators = {node.id for node in function.node.decorator_list if isinstance(node, ast.Name)}
    return count - (function.owner is not None and "staticmethod" not in decorators)
