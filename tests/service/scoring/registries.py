"""Registries whose bundles can really score: the shipped one under other names."""

import json
from pathlib import Path

from models.bundle import MANIFEST, load_bundle
from models.registry import BUNDLES, RELEASES, VERDICTS, Live, Releases, Shadow, Staged
from tests.models.bundles import DEFAULT, default_contents, write_bundle
from tests.models.releases import write_verdict

SINCE = "2026-11-23T12:00:00+00:00"


def add(registry: Path, name: str, *, verdict: bool | None = True, **changes: object) -> str:
    """Put the shipped bundle into the registry under another name; `verdict` None leaves it out. Returns its hash."""
    manifest = json.loads((DEFAULT / MANIFEST).read_text(encoding="utf-8"))
    folder = write_bundle(registry / name, contents=default_contents(), **{**manifest, "name": name, **changes})
    chosen = load_bundle(folder).hash
    (registry / BUNDLES).mkdir(exist_ok=True)
    (registry / VERDICTS).mkdir(exist_ok=True)
    folder.rename(registry / BUNDLES / chosen)
    if verdict is not None:
        write_verdict(registry / VERDICTS / f"{chosen}.json", chosen, passed=verdict)
    return chosen


def point(registry: Path, live: str | None, *, earlier: Releases | None = None, shadow: str | None = None) -> None:
    """Write releases that name these, whether or not they can be used."""
    releases = Releases(
        live=Live(live, SINCE, "ada", "better") if live else None,
        shadow=Shadow(shadow, SINCE) if shadow else None,
        history=earlier.history if earlier else (),
    )
    part = registry / ".part"
    part.write_text(json.dumps(releases.to_json()), encoding="utf-8")
    part.replace(registry / RELEASES)


def staged(bundle: str, share: float, seed: str = "seed") -> Staged:
    """A release for a share of the cases."""
    return Staged(bundle, share, seed, SINCE)
