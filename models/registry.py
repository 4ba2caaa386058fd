"""Which bundle is live, shadowing or staged: a folder of plain files that training writes and the service reads.

    bundles/HASH/           bundles, each under its own hash
    verdicts/HASH.json      what the gate said of that very bundle
    releases.json           which bundle plays which part, and every change ever made

Nobody has to trust the folder: whoever opens a release verifies every file of it and the passing verdict for that very
hash. All changes are atomic renames under one lock, so a writer killed at any point leaves the old release or the new
one. Where `live` is null, the bundle that ships with the product is live.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from models.atomic import locked, sync_folder, write_atomically, write_copy
from models.bundle import Bundle, BundleError, load_bundle, parse_object
from models.verdict import VERDICT_SUFFIX, RegistryError, bundle_hash, read_verdict

FORMAT = 1
RELEASES = "releases.json"
BUNDLES = "bundles"
VERDICTS = "verdicts"
INCOMING = ".incoming-"
COIN_SIDES = 2**64

Part = Literal["live", "shadow", "staged"]
PARTS: tuple[Part, ...] = ("live", "shadow", "staged")


@dataclass(frozen=True, slots=True)
class Note:
    """Who changes the registry, why, and when: a time with a zone, kept to the second as ISO 8601."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Live:
    """The bundle whose scores order the queues."""

    bundle: str
    since: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Shadow:
    """The bundle that scores the same texts and changes nothing."""

    bundle: str
    since: str


@dataclass(frozen=True, slots=True)
class Staged:
    """The bundle that a `share` of the cases is scored with."""

    bundle: str
    share: float
    seed: str
    since: str

    def takes(self, key: str) -> bool:
        """Whether the case named `key` is one of the share: a coin that falls the same way every time."""
        digest = hashlib.sha256(f"{self.seed}:{key}".encode()).digest()
        return int.from_bytes(digest[:8], "big") < self.share * COIN_SIDES


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `bundle` plays the part from now on (None: nobody, or the shipped one for live).

    `skipped` are bundles that a rollback passed over because they can no longer be verified.
    """

    at: str
    action: str
    bundle: str | None
    replaced: str | None
    by: str
    reason: str
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Releases:
    """Who plays which part, and all changes, oldest first. An empty registry has nobody: the shipped bundle is live."""

    live: Live | None = None
    shadow: Shadow | None = None
    staged: Staged | None = None
    history: tuple[Change, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """The content of `releases.json`."""
        return {"format": FORMAT, **asdict(self)}

    def bundle_of(self, part: Part) -> str | None:
        """Hash of the bundle that plays `part`, if any."""
        release = {"live": self.live, "shadow": self.shadow, "staged": self.staged}[part]
        return release.bundle if release else None

    def earlier(self) -> tuple[str | None, ...]:
        """What was live before the live bundle, last first; the oldest is always None, the shipped bundle.

        A bundle that was rolled back from is not among them, unless it was promoted again and superseded since.
        """
        stack: list[str | None] = [None]
        for change in self.history:
            if change.action == "promote":
                stack.append(change.bundle)
            elif change.action == "rollback":
                while len(stack) > 1 and stack[-1] != change.bundle:
                    stack.pop()
                stack = [one for one in stack if one is None or one != change.replaced]
        live = self.bundle_of("live")
        return tuple(reversed([one for one in stack if one is None or one != live] if live else []))


def read_releases(folder: Path) -> Releases:
    """The releases of the registry in `folder`; empty where nothing was ever promoted. Raises RegistryError."""
    path = folder / RELEASES
    if not _is_folder(folder):
        raise RegistryError(f"{folder}: no such registry folder; make it, or `python -m training promote` into it")
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Releases()
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    try:
        return _parse(parse_object(raw, path))
    except (KeyError, TypeError, ValueError) as error:
        mend = "restore it from a backup, or remove it and promote again"
        raise RegistryError(f"{path}: is damaged ({error}); {mend}") from error


def open_stored(folder: Path, chosen: str) -> Bundle:
    """The bundle with hash `chosen`, all its files verified, and its verdict. Raises RegistryError, BundleError."""
    place = folder / BUNDLES / bundle_hash(chosen)
    if not _is_folder(place):
        raise RegistryError(f"{place}: the registry holds no such bundle; `python -m training promote` it again")
    bundle = load_bundle(place)
    if bundle.hash != chosen:
        raise RegistryError(f"{place}: holds bundle {bundle.hash}; promote the right one again to replace it")
    read_verdict(folder / VERDICTS / f"{chosen}.json").check(chosen)
    return bundle


def open_shipped(place: Path) -> Bundle:
    """The bundle in `place` with the passing verdict beside it, `NAME.verdict.json`. Raises RegistryError, BundleError.

    While `python -m training promote --default` is at work, the verdict may still be called `NAME.next.verdict.json`.
    """
    bundle = load_bundle(place)
    upcoming = place.with_name(f"{place.name}.next{VERDICT_SUFFIX}")
    if upcoming.exists():
        try:
            read_verdict(upcoming).check(bundle.hash)
        except RegistryError:
            # Damaged, or that of a bundle which is not there yet; then the one that stays must do.
            pass
        else:
            return bundle
    read_verdict(place.with_name(f"{place.name}{VERDICT_SUFFIX}")).check(bundle.hash)
    return bundle


def add_bundle(folder: Path, source: Path, verdict: Path) -> Bundle:
    """Take the bundle in `source` and the file `verdict` into the registry, which is made where there is none.

    A damaged copy is replaced. Raises RegistryError, BundleError: then nothing was changed; OSError, such as of a full
    disk: then the call may be made again.
    """
    bundle, judged = load_bundle(source), read_verdict(verdict)
    judged.check(bundle.hash)
    with locked(folder):
        (folder / BUNDLES).mkdir(exist_ok=True)
        _sweep(folder)
        place = folder / BUNDLES / bundle.hash
        if not _is_sound(place, bundle.hash):
            write_copy(bundle, place.with_name(f"{INCOMING}{bundle.hash}"))
            if place.exists() or place.is_symlink():
                place.rename(place.with_name(f"{INCOMING}damaged-{bundle.hash}"))
            place.with_name(f"{INCOMING}{bundle.hash}").rename(place)
            sync_folder(place.parent)
        (folder / VERDICTS).mkdir(exist_ok=True)
        write_atomically(folder / VERDICTS / f"{bundle.hash}.json", judged.raw)
        _sweep(folder)
    return open_stored(folder, bundle.hash)


def promote(folder: Path, chosen: str, note: Note) -> Releases:
    """Make a bundle of the registry live; nothing changes where it is. Raises RegistryError, BundleError."""

    def change(old: Releases) -> Releases:
        open_stored(folder, chosen)
        if old.bundle_of("live") == chosen:
            return old
        return _made_live(old, chosen, note, action="promote")

    return _update(folder, change)


def rollback(folder: Path, note: Note) -> Releases:
    """Make live what was live before, or the last one before that which can be verified, in the end the shipped bundle.

    Raises RegistryError where the shipped bundle is live already.
    """

    def change(old: Releases) -> Releases:
        if old.live is None:
            raise RegistryError(f"{folder}: the shipped bundle is live, there is nothing to roll back to")
        skipped: list[str] = []
        for earlier in old.earlier():
            if earlier is None or _is_released(folder, earlier):
                return _made_live(old, earlier, note, action="rollback", skipped=tuple(skipped))
            skipped.append(earlier)
        raise RegistryError(f"{folder / RELEASES}: its history does not say what was live before")

    return _update(folder, change)


def set_shadow(folder: Path, chosen: str | None, note: Note) -> Releases:
    """Let a bundle of the registry score in the shadow, or nobody. Raises RegistryError, BundleError."""

    def change(old: Releases) -> Releases:
        _check_free(folder, old, chosen)
        if old.bundle_of("shadow") == chosen:
            return old
        shadow = Shadow(chosen, _time(note)) if chosen else None
        return replace(old, shadow=shadow, history=_and(old, "shadow", chosen, note=note))

    return _update(folder, change)


def set_staged(folder: Path, chosen: str | None, note: Note, *, share: float = 0.0, seed: str = "") -> Releases:
    """Let a bundle of the registry score a `share` of the cases, 0 < share < 1, or nobody.

    `seed` decides which; a bundle that is staged already keeps its own, so that a greater share holds the smaller one.
    Raises RegistryError, BundleError.
    """
    if chosen and not 0 < share < 1:
        raise RegistryError(f"the share must lie between 0 and 1, not {share}; promote the bundle to give it all cases")

    def change(old: Releases) -> Releases:
        _check_free(folder, old, chosen)
        staged = None
        if chosen and old.staged and old.staged.bundle == chosen:
            if old.staged.share == share:
                return old
            staged = replace(old.staged, share=share)
        elif chosen:
            staged = Staged(chosen, share, seed or f"{chosen[:12]}-{_time(note)}", _time(note))
        elif old.staged is None:
            return old
        return replace(old, staged=staged, history=_and(old, f"stage {share}", chosen, note=note))

    return _update(folder, change)


def _parse(values: dict[str, Any]) -> Releases:
    if values["format"] != FORMAT:
        raise RegistryError(f"format {values['format']!r}, but this version reads format {FORMAT}")
    live, shadow, staged = (values[part] for part in ("live", "shadow", "staged"))
    for release in (live, shadow, staged):
        if release is not None:
            bundle_hash(release["bundle"])
    if staged is not None and not 0 < staged["share"] < 1:
        raise RegistryError(f"the staged share must lie between 0 and 1, not {staged['share']!r}")
    changes = [{**one, "skipped": tuple(one.get("skipped", ()))} for one in values["history"]]
    for change in changes:
        for hash_of in (change["bundle"], *change["skipped"]):
            if hash_of is not None:
                bundle_hash(hash_of)
    return Releases(
        live=None if live is None else Live(**live),
        shadow=None if shadow is None else Shadow(**shadow),
        staged=None if staged is None else Staged(**staged),
        history=tuple(Change(**change) for change in changes),
    )


def _update(folder: Path, change: Callable[[Releases], Releases]) -> Releases:
    read_releases(folder)
    with locked(folder):
        old = read_releases(folder)
        new = change(old)
        if new != old:
            content = json.dumps(new.to_json(), indent=1, ensure_ascii=False) + "\n"
            write_atomically(folder / RELEASES, content.encode())
        return new


def _made_live(
    old: Releases, chosen: str | None, note: Note, *, action: str, skipped: tuple[str, ...] = ()
) -> Releases:
    """`chosen` is live and plays no other part any more."""
    return Releases(
        live=Live(chosen, _time(note), note.by, note.reason) if chosen else None,
        shadow=None if old.bundle_of("shadow") == chosen else old.shadow,
        staged=None if old.bundle_of("staged") == chosen else old.staged,
        history=_and(old, action, chosen, note=note, skipped=skipped),
    )


def _and(
    old: Releases, action: str, chosen: str | None, *, note: Note, skipped: tuple[str, ...] = ()
) -> tuple[Change, ...]:
    part: Part = "shadow" if action == "shadow" else "staged" if action.startswith("stage") else "live"
    change = Change(_time(note), action, chosen, old.bundle_of(part), note.by, note.reason, skipped)
    return (*old.history, change)


def _check_free(folder: Path, old: Releases, chosen: str | None) -> None:
    if chosen is None:
        return
    open_stored(folder, chosen)
    if old.bundle_of("live") == chosen:
        raise RegistryError(f"{chosen}: is live, so every case is scored with it already")


def _is_folder(place: Path) -> bool:
    try:
        return place.is_dir()
    except OSError as error:
        raise RegistryError(f"{place}: cannot be read ({error.strerror}); check its permissions") from error


def _is_released(folder: Path, chosen: str) -> bool:
    try:
        open_stored(folder, chosen)
    except BundleError:
        return False
    return True


def _is_sound(place: Path, chosen: str) -> bool:
    try:
        return load_bundle(place).hash == chosen
    except BundleError:
        return False


def _sweep(folder: Path) -> None:
    """Remove what a killed writer left, and what was replaced. Only under the lock."""
    for left in (folder / BUNDLES).glob(f"{INCOMING}*"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()


def _time(note: Note) -> str:
    return note.at.isoformat(timespec="seconds")
