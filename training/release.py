"""`python -m training promote` and `rollback`: what is live changes here, by verdict, and the old one stays until then."""

import argparse
import getpass
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from eval.gate import DEFAULT_RULES
from eval.run import sha256_of
from models.atomic import exchange, locked, restore, write_atomically, write_copy
from models.bundle import Bundle, BundleError, load_bundle, manifest_hash
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
from models.verdict import VERDICT_SUFFIX, RegistryError, Verdict, read_verdict
from training.tracking import Store, TrackingError, mirror, open_store

BUNDLES = Path(__file__).parents[1] / "bundles"
DEFAULT = "default"


def add_release_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `promote` and `rollback`."""
    promoting = commands.add_parser("promote", help="release a bundle that passed the gate")
    promoting.set_defaults(run_command=run_promote)
    promoting.add_argument("--registry", type=Path, help="registry folder, made where there is none")
    promoting.add_argument("--bundle", type=Path, help="folder of the bundle")
    promoting.add_argument("--verdict", type=Path, help="verdict of `python -m eval gate` for that very bundle")
    promoting.add_argument(
        "--rules", type=Path, default=DEFAULT_RULES, help="rules file of the verdict (default: the one that ships)"
    )
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
    if not ends:
        _check_verdict(options)
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
        restore(place)
        _finish(place, upcoming)
        try:
            already = load_bundle(place).hash == bundle.hash
        except BundleError:
            already = False
        if not already:
            write_copy(bundle, new)
            write_atomically(upcoming, judged.raw)
            exchange(new, place)
        write_atomically(bundles / f"{DEFAULT}{VERDICT_SUFFIX}", judged.raw)
        upcoming.unlink(missing_ok=True)
        _remove(new)
    return open_shipped(place)


def _finish(place: Path, upcoming: Path) -> None:
    """Complete what a killed call left: a bundle that is there already, its verdict not yet under its own name."""
    try:
        finished = upcoming.exists() and read_verdict(upcoming).bundle == load_bundle(place).hash
    except BundleError:
        # Whatever is damaged there is about to be replaced.
        return
    if finished:
        upcoming.rename(place.with_name(f"{place.name}{VERDICT_SUFFIX}"))


def _check_verdict(options: argparse.Namespace) -> None:
    """Refuse a verdict for another bundle, by other rules, or without the bundle that is to be replaced.

    Raises RegistryError, BundleError, OSError.
    """
    judged, bundle, rules = read_verdict(options.verdict), load_bundle(options.bundle), sha256_of(options.rules)
    judged.check(bundle.hash)
    if judged.rules_sha256 != rules:
        raise RegistryError(
            f"{judged.path}: was made with rules of sha256 {judged.rules_sha256}, those of {options.rules} have {rules}; "
            "gate again, or name the file with --rules"
        )
    shipped = manifest_hash(BUNDLES / DEFAULT)
    replaced = {"ships": shipped} if options.default else {}
    if options.registry is not None:
        live = read_releases(options.registry).bundle_of("live") if options.registry.is_dir() else None
        replaced["is live"] = live or shipped
    for part, known in replaced.items():
        _check_comparison(judged, known, part)


def _check_comparison(judged: Verdict, replaced: str | None, part: str) -> None:
    """Refuse a verdict that knows of no bundle before where there is one, and warn of one that knows another."""
    if replaced is None or replaced == judged.bundle:
        return
    if judged.compared_with is None:
        raise RegistryError(
            f"{judged.path}: compares with no bundle, but {replaced} {part}; gate again with its report"
        )
    if judged.compared_with != replaced:
        sys.stderr.write(f"warning: {judged.path} compares with bundle {judged.compared_with}, but {replaced} {part}\n")


def _released(options: argparse.Namespace) -> Releases:
    folder, note = options.registry, _note(options)
    if options.no_shadow:
        return set_shadow(folder, None, note)
    if options.no_staged:
        return set_staged(folder, None, note)
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


def _remove(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
