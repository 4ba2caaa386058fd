"""`python -m training promote` and `rollback`: what is live changes here, by verdict, and the old one stays until then."""

import argparse
import ctypes
import getpass
import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from models.atomic import locked, sync_folder, write_atomically, write_copy
from models.bundle import Bundle, BundleError, load_bundle
from models.registry import (
    Note,
    Releases,
    add_bundle,
    open_shipped,
    promote,
    read_releases,
    rollback,
    set_shadow,
    set_staged,
)
from models.verdict import VERDICT_SUFFIX, RegistryError, read_verdict
from training.tracking import Store, TrackingError, mirror, open_store

BUNDLES = Path(__file__).parents[1] / "bundles"
DEFAULT = "default"

# renameat2(2) and renamex_np(2): exchange two paths in one step.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2


def add_release_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `promote` and `rollback`."""
    promoting = commands.add_parser("promote", help="release a bundle that passed the gate")
    promoting.set_defaults(run_command=run_promote)
    promoting.add_argument("--registry", type=Path, help="registry folder, made where there is none")
    promoting.add_argument("--bundle", type=Path, help="folder of the bundle")
    promoting.add_argument("--verdict", type=Path, help="verdict of `python -m eval gate` for that very bundle")
    part = promoting.add_mutually_exclusive_group()
    part.add_argument("--shadow", action="store_true", help="let it score beside the live bundle and change nothing")
    part.add_argument("--staged", type=float, metavar="SHARE", help="let it score that share of the cases")
    part.add_argument("--no-shadow", action="store_true", help="end the shadow")
    part.add_argument("--no-staged", action="store_true", help="end the stage")
    promoting.add_argument("--seed", default="", help="decides which cases are in the staged share")
    promoting.add_argument("--default", action="store_true", help="make it the bundle that ships with the product")
    rolling = commands.add_parser("rollback", help="make live again what was live before")
    rolling.set_defaults(run_command=run_rollback)
    rolling.add_argument("--registry", type=Path, required=True, help="registry folder")
    for command in (promoting, rolling):
        command.add_argument("--by", default="", help="who does this (default: the user of this machine)")
        command.add_argument("--reason", default="", help="why; kept in the history")
        command.add_argument("--no-tracking", action="store_true", help="leave MLflow out")


def run_promote(options: argparse.Namespace) -> None:
    """The command. Raises RegistryError, BundleError, TrackingError; what was live then stays live."""
    ends = options.no_shadow or options.no_staged
    if ends and (options.bundle or options.verdict or options.default):
        raise RegistryError("ending a shadow or a stage takes no --bundle, --verdict or --default")
    if not ends and (options.bundle is None or options.verdict is None):
        raise RegistryError("--bundle and --verdict are needed: nothing is released without a verdict of its own")
    if not (options.registry or options.default):
        raise RegistryError("say where: --registry DIR, --default, or both")
    if options.registry is None and (options.shadow or options.staged is not None):
        raise RegistryError("a shadow or a stage needs --registry DIR")
    # Asked before anything changes, so that a record that cannot be kept does not come as a surprise.
    store = None if options.no_tracking or options.registry is None else open_store()
    if options.default:
        shipped = ship(options.bundle, options.verdict, BUNDLES)
        _say(f"{shipped.folder}: bundle {shipped.hash}")
    if options.registry is not None:
        _tell(_released(options), options.registry, store)


def run_rollback(options: argparse.Namespace) -> None:
    """The command. Raises RegistryError, TrackingError."""
    store = None if options.no_tracking else open_store()
    releases = rollback(options.registry, _note(options))
    for skipped in releases.history[-1].skipped:
        sys.stderr.write(f"warning: bundle {skipped} can no longer be verified and was passed over\n")
    _tell(releases, options.registry, store)


def ship(source: Path, verdict: Path, bundles: Path) -> Bundle:
    """Make the bundle in `source` the one that ships, with its verdict beside it, in one step.

    At every moment the shipped bundle is whole and has a passing verdict for its hash beside it (`open_shipped`).
    Where the system cannot exchange two folders, the bundle is missing for a moment. Raises RegistryError, BundleError;
    then nothing was changed.
    """
    bundle, judged = load_bundle(source), read_verdict(verdict)
    judged.check(bundle.hash)
    place, new = bundles / DEFAULT, bundles / f".{DEFAULT}.next"
    upcoming = bundles / f"{DEFAULT}.next{VERDICT_SUFFIX}"
    with locked(bundles):
        _finish(place, upcoming)
        try:
            already = load_bundle(place).hash == bundle.hash
        except BundleError:
            already = False
        if not already:
            write_copy(bundle, new)
            write_atomically(upcoming, judged.raw)
            _exchange(new, place)
        write_atomically(bundles / f"{DEFAULT}{VERDICT_SUFFIX}", judged.raw)
        upcoming.unlink(missing_ok=True)
        _remove(new)
    return open_shipped(place)


def _finish(place: Path, upcoming: Path) -> None:
    """Complete what a killed call left: a bundle that is there already, its verdict not yet under its own name."""
    if upcoming.exists() and place.exists() and read_verdict(upcoming).bundle == load_bundle(place).hash:
        upcoming.rename(place.with_name(f"{place.name}{VERDICT_SUFFIX}"))


def _check_comparison(folder: Path, verdict: Path, bundle: Bundle) -> None:
    """Refuse a verdict that knows of no bundle before where one is live, and warn of one that knows another."""
    live = read_releases(folder).bundle_of("live") if folder.is_dir() else None
    judged = read_verdict(verdict)
    judged.check(bundle.hash)
    if live is None or live == bundle.hash:
        return
    if judged.compared_with is None:
        raise RegistryError(f"{verdict}: compares with no bundle, but {live} is live; gate again with its report")
    if judged.compared_with != live:
        sys.stderr.write(f"warning: {verdict} compares with bundle {judged.compared_with}, but {live} is live\n")


def _released(options: argparse.Namespace) -> Releases:
    folder, note = options.registry, _note(options)
    if options.no_shadow:
        return set_shadow(folder, None, note)
    if options.no_staged:
        return set_staged(folder, None, note)
    _check_comparison(folder, options.verdict, load_bundle(options.bundle))
    bundle = add_bundle(folder, options.bundle, options.verdict)
    if options.shadow:
        return set_shadow(folder, bundle.hash, note)
    if options.staged is not None:
        return set_staged(folder, bundle.hash, note, share=options.staged, seed=options.seed)
    return promote(folder, bundle.hash, note)


def _tell(releases: Releases, folder: Path, store: Store | None) -> None:
    if releases.live:
        _say(f"{folder}: live is bundle {releases.live.bundle}, since {releases.live.since}")
    else:
        _say(f"{folder}: live is the bundle that ships with the product")
    if releases.shadow:
        _say(f"{folder}: shadow is bundle {releases.shadow.bundle}")
    if releases.staged:
        _say(f"{folder}: staged is bundle {releases.staged.bundle}, for {releases.staged.share:.1%} of the cases")
    if store is not None:
        try:
            mirror(store, releases)
        except TrackingError as error:
            raise TrackingError(f"the release stands, the next one will record it too: {error}") from error


def _note(options: argparse.Namespace) -> Note:
    return Note(options.by or _user(), options.reason, datetime.now(UTC))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container there may be a user without a name.
        return f"user {os.getuid()}"


def _exchange(new: Path, place: Path) -> None:
    """Put `new` where `place` is and the other way round, in one step where the system can."""
    if not place.exists():
        new.rename(place)
    elif not _exchanged_by_the_system(new, place):
        aside = place.with_name(f".{place.name}.old")
        place.rename(aside)
        new.rename(place)
        aside.rename(new)
    sync_folder(place.parent)


def _exchanged_by_the_system(new: Path, place: Path) -> bool:
    library = ctypes.CDLL(None, use_errno=True)
    linux: Callable[..., int] | None = getattr(library, "renameat2", None)
    if linux is not None:
        return linux(_AT_FDCWD, os.fsencode(new), _AT_FDCWD, os.fsencode(place), _RENAME_EXCHANGE) == 0
    darwin: Callable[..., int] | None = getattr(library, "renamex_np", None)
    return darwin is not None and darwin(os.fsencode(new), os.fsencode(place), _RENAME_SWAP) == 0


def _remove(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
