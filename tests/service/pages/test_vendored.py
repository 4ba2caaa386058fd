"""Scripts of others that we serve are those that their authors published."""

import json

import pytest

from service.pages.static import FOLDER
from tests.npm.packages import FOLDER as NPM
from tests.npm.packages import package_file

# File that is served → where its package has it.
ORIGINALS = {"htmx-{htmx.org}.min.js": "htmx.org/dist/htmx.min.js"}


def versions() -> dict[str, str]:
    wanted = json.loads((NPM / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    return {name: str(version) for name, version in wanted.items()}


def served_name(name: str) -> str:
    for package, version in versions().items():
        name = name.replace(f"{{{package}}}", version)
    return name


def test_every_vendored_file_has_its_original() -> None:
    assert {path.name for path in (FOLDER / "vendor").iterdir()} == {served_name(name) for name in ORIGINALS}


@pytest.mark.parametrize("name", ORIGINALS)
def test_a_vendored_file_is_byte_for_byte_the_published_one(name: str) -> None:
    assert (FOLDER / "vendor" / served_name(name)).read_bytes() == package_file(ORIGINALS[name])


def test_the_lock_names_no_registry_and_every_package_by_its_hash() -> None:
    text = (NPM / "package-lock.json").read_text(encoding="utf-8")
    packages = {name: one for name, one in json.loads(text)["packages"].items() if name}
    assert {name.removeprefix("node_modules/"): one["version"] for name, one in packages.items()} == versions()
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
    assert "http" not in text
