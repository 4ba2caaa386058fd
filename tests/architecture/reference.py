"""docs/settings.md and docs/errors.md, made from the code: `python -m tests.architecture.reference` writes both."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import service
from service.errors.base import TriageError
from service.settings import Settings
from tests.architecture.tree import REPOSITORY


def settings_page() -> str:
    """Every setting with its environment variables, default and meaning."""
    rows = [
        f"| {' or '.join(f'`{one}`' for one in variables(name, field))} | {default_of(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    head = "# Settings\n\nRead once from the environment at start. Made from `service/settings.py` by `make docs`.\n\n"
    return head + "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows]) + "\n"


def variables(name: str, field: FieldInfo) -> list[str]:
    """Environment variables that set a field, the preferred one first."""
    if isinstance(field.validation_alias, AliasChoices):
        return [str(choice) for choice in field.validation_alias.choices]
    return [f"TRIAGE_{name.upper()}"]


def default_of(field: FieldInfo) -> str:
    """The default as one would write it into the environment."""
    value = field.default
    if value is PydanticUndefined:
        return "must be set"
    if value is None or isinstance(value, SecretStr):
        return "none"
    if isinstance(value, Path) and value.is_relative_to(REPOSITORY):
        value = value.relative_to(REPOSITORY).as_posix()
    return f"`{value}`"


def errors_page() -> str:
    """Every error code with its HTTP status and meaning."""
    errors = sorted(error_classes(), key=lambda error: (error.status, error.code))
    rows = [f"| {error.status} | `{error.code}` | {' '.join((error.__doc__ or '').split())} |" for error in errors]
    head = (
        '# Errors\n\nEvery error is `{"error": code, "detail": text}`: programs decide by `error`, people read '
        "`detail`. Made from `service/errors/` by `make docs`.\n\n"
    )
    return head + "\n".join(["| status | error | meaning |", "|---|---|---|", *rows]) + "\n"


def error_classes() -> list[type[TriageError]]:
    """TriageError and all that derive from it anywhere in the service."""
    for module in pkgutil.walk_packages(service.__path__, "service."):
        if not module.name.startswith("service.migrations"):
            importlib.import_module(module.name)
    return [TriageError, *_subclasses(TriageError)]


def _subclasses(parent: type[TriageError]) -> Iterator[type[TriageError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _subclasses(child)


PAGES = {"docs/settings.md": settings_page, "docs/errors.md": errors_page}


def main() -> None:
    """Write all pages."""
    for name, make in PAGES.items():
        (REPOSITORY / name).write_text(make(), encoding="utf-8")
        print(f"{name} written")


if __name__ == "__main__":
    main()
