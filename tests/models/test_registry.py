import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.atomic import locked
from models.bundle import BundleError, load_bundle
from models.registry import (
    RELEASES,
    Note,
    Staged,
    add_bundle,
    open_shipped,
    open_stored,
    promote,
    read_releases,
    rollback,
    set_shadow,
    set_staged,
)
from models.verdict import RegistryError, read_verdict
from tests.architecture.tree import REPOSITORY
from tests.models.bundles import write_bundle
from tests.models.releases import NOTE, damage, first_sound, made, open_release, write_verdict


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    return tmp_path / "registry"


def release(registry: Path, folder: Path, name: str) -> str:
    """Promote a new bundle; returns its hash."""
    source, verdict, chosen = made(folder, name)
    add_bundle(registry, source, verdict)
    promote(registry, chosen, NOTE)
    return chosen


def stored(registry: Path) -> list[str]:
    return sorted(path.name for path in (registry / "bundles").iterdir())


def test_empty_registry_leaves_the_shipped_bundle_live(tmp_path: Path) -> None:
    assert open_release(tmp_path, "live") is None
    assert read_releases(tmp_path).earlier() == ()
    assert read_releases(tmp_path).history == ()


def test_absent_registry_is_a_clear_error_and_is_not_made(registry: Path) -> None:
    with pytest.raises(RegistryError, match="no such registry folder"):
        read_releases(registry)
    with pytest.raises(RegistryError, match="no such registry folder"):
        rollback(registry, NOTE)
    assert not registry.exists()


def test_promoted_bundle_is_live_with_who_when_and_why(registry: Path, tmp_path: Path) -> None:
    chosen = release(registry, tmp_path, "a")
    bundle = open_release(registry, "live")
    assert bundle is not None
    assert (bundle.hash, bundle.folder) == (chosen, registry / "bundles" / chosen)
    assert json.loads((registry / RELEASES).read_text())["live"] == {
        "bundle": chosen,
        "since": "2026-11-23T12:00:00+00:00",
        "by": "ada",
        "reason": "better",
    }


def test_promoting_again_changes_nothing(registry: Path, tmp_path: Path) -> None:
    chosen = release(registry, tmp_path, "a")
    before = (registry / RELEASES).read_bytes()
    later = Note("bob", "again", NOTE.at + timedelta(days=1))
    assert promote(registry, chosen, later) == read_releases(registry)
    assert (registry / RELEASES).read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"passed": False}, "did not pass"),
        ({"bundle": "0" * 64}, "is a verdict for bundle 0000"),
        ({"rules": []}, "names no rule"),
        ({"rules": [{"rule": "x", "passed": False, "reason": "too low"}]}, r"did not pass \(x\)"),
        ({"rules": [{"rule": "x", "passed": "yes", "reason": "?"}]}, "did not pass"),
        ({"format": 2}, "format 2"),
        ({"bundle": "../x"}, "not the hash of a bundle"),
        ({"rules": None}, "a list is needed"),
        ({"passed": 1}, "did not pass"),
    ],
)
def test_verdict_that_does_not_pass_this_bundle_is_refused(
    registry: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    live = release(registry, tmp_path, "a")
    source, _, chosen = made(tmp_path, "b")
    verdict = write_verdict(tmp_path / "v.json", changes.pop("bundle", chosen))
    verdict.write_text(json.dumps({**json.loads(verdict.read_text()), **changes}))
    with pytest.raises(RegistryError, match=message):
        add_bundle(registry, source, verdict)
    assert stored(registry) == [live]
    with pytest.raises(RegistryError, match="holds no such bundle"):
        promote(registry, chosen, NOTE)
    assert read_releases(registry).bundle_of("live") == live


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{", b"\xff", b" " * 2_000_000])
def test_verdict_that_is_none_is_refused(registry: Path, tmp_path: Path, content: bytes | None) -> None:
    source, verdict, _ = made(tmp_path, "a")
    verdict.unlink()
    if content is not None:
        verdict.write_bytes(content)
    with pytest.raises(RegistryError, match="verdict"):
        add_bundle(registry, source, verdict)
    assert not registry.exists()


def test_verdict_lost_after_promotion_is_noticed(registry: Path, tmp_path: Path) -> None:
    chosen = release(registry, tmp_path, "a")
    (registry / "verdicts" / f"{chosen}.json").unlink()
    with pytest.raises(RegistryError, match="no verdict that can be read"):
        open_release(registry, "live")


def test_damaged_bundle_is_refused_and_the_old_one_stays(registry: Path, tmp_path: Path) -> None:
    live = release(registry, tmp_path, "a")
    source, verdict, chosen = made(tmp_path, "b")
    damage(source)
    with pytest.raises(BundleError, match="sha256"):
        add_bundle(registry, source, verdict)
    with pytest.raises(RegistryError, match="holds no such bundle"):
        promote(registry, chosen, NOTE)
    assert open_release(registry, "live") == load_bundle(registry / "bundles" / live)


def test_bundle_damaged_in_the_registry_gives_way_to_the_one_before(registry: Path, tmp_path: Path) -> None:
    first, second = release(registry, tmp_path, "a"), release(registry, tmp_path, "b")
    damage(registry / "bundles" / second)
    with pytest.raises(BundleError, match="sha256"):
        open_release(registry, "live")
    bundle, damaged = first_sound(registry)
    assert bundle is not None
    assert (bundle.hash, damaged) == (first, [second])
    damage(registry / "bundles" / first)
    assert first_sound(registry) == (None, [second, first])


def test_damaged_copy_is_mended_by_promoting_again(registry: Path, tmp_path: Path) -> None:
    chosen = release(registry, tmp_path, "a")
    damage(registry / "bundles" / chosen)
    assert release(registry, tmp_path, "a") == chosen
    assert open_stored(registry, chosen).hash == chosen
    assert stored(registry) == [chosen]


@pytest.mark.parametrize("link", [False, True])
def test_what_is_no_folder_gives_way_to_the_bundle(registry: Path, tmp_path: Path, link: bool) -> None:
    source, verdict, chosen = made(tmp_path, "a")
    place = registry / "bundles" / chosen
    place.parent.mkdir(parents=True)
    if link:
        place.symlink_to(tmp_path / "nothing")
    else:
        place.write_text("no folder")
    assert add_bundle(registry, source, verdict).hash == chosen
    assert stored(registry) == [chosen]


def test_another_bundle_under_that_hash_is_refused(registry: Path, tmp_path: Path) -> None:
    chosen = release(registry, tmp_path, "a")
    shutil.rmtree(registry / "bundles" / chosen)
    write_bundle(registry / "bundles" / chosen, name="other")
    with pytest.raises(RegistryError, match="holds bundle"):
        open_release(registry, "live")


def test_rollback_goes_back_one_by_one_to_the_shipped_bundle(registry: Path, tmp_path: Path) -> None:
    first, second, third = (release(registry, tmp_path, name) for name in "abc")
    assert rollback(registry, NOTE).bundle_of("live") == second
    promote(registry, third, NOTE)
    assert rollback(registry, NOTE).bundle_of("live") == second
    assert rollback(registry, NOTE).bundle_of("live") == first
    assert rollback(registry, NOTE).live is None
    with pytest.raises(RegistryError, match="nothing to roll back to"):
        rollback(registry, NOTE)
    actions = [(change.action, change.bundle) for change in read_releases(registry).history]
    assert actions[-3:] == [("rollback", second), ("rollback", first), ("rollback", None)]


def test_rollback_never_returns_to_what_it_leaves(registry: Path, tmp_path: Path) -> None:
    first, second = release(registry, tmp_path, "a"), release(registry, tmp_path, "b")
    promote(registry, first, NOTE)
    damage(registry / "bundles" / second)
    back = rollback(registry, NOTE)
    assert back.live is None
    assert back.history[-1].skipped == (second,)


def test_rollback_never_returns_to_what_a_rollback_left(registry: Path, tmp_path: Path) -> None:
    first, second = release(registry, tmp_path, "a"), release(registry, tmp_path, "b")
    promote(registry, first, NOTE)
    assert rollback(registry, NOTE).bundle_of("live") == second
    assert read_releases(registry).earlier() == (None,)
    assert rollback(registry, NOTE).live is None
    promote(registry, first, NOTE)
    promote(registry, second, NOTE)
    assert rollback(registry, NOTE).bundle_of("live") == first, "it was promoted again"


def test_folder_that_cannot_be_read_is_passed_over(
    registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (release(registry, tmp_path, name) for name in "abc")
    closed, listed = registry / "bundles" / second, Path.iterdir
    asked, hidden = Path.is_dir, registry / "bundles" / third

    def refusing(path: Path) -> Iterator[Path]:
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    def refusing_to_say(path: Path) -> bool:
        if path == hidden:
            raise PermissionError(13, "Permission denied", str(path))
        return asked(path)

    monkeypatch.setattr(Path, "iterdir", refusing)
    monkeypatch.setattr(Path, "is_dir", refusing_to_say)
    for chosen in (second, third):
        with pytest.raises(BundleError, match=rf"{chosen}: cannot be read \(Permission denied\)"):
            open_stored(registry, chosen)
    back = rollback(registry, NOTE)
    assert (back.bundle_of("live"), back.history[-1].skipped) == (first, (second,))


def test_shadow_and_stage_play_beside_the_live_bundle_until_promoted(registry: Path, tmp_path: Path) -> None:
    release(registry, tmp_path, "a")
    source, verdict, chosen = made(tmp_path, "b")
    add_bundle(registry, source, verdict)
    set_shadow(registry, chosen, NOTE)
    found = set_staged(registry, chosen, NOTE, share=0.1)
    assert set_staged(registry, chosen, NOTE, share=0.1) == found
    wider = set_staged(registry, chosen, NOTE, share=0.5)
    assert found.staged is not None
    assert wider.staged is not None
    assert (wider.staged.seed, wider.staged.share) == (found.staged.seed, 0.5)
    for part in ("shadow", "staged"):
        bundle = open_release(registry, part)
        assert bundle is not None
        assert bundle.hash == chosen
    after = promote(registry, chosen, NOTE)
    assert (after.bundle_of("live"), after.shadow, after.staged) == (chosen, None, None)
    with pytest.raises(RegistryError, match="is live"):
        set_shadow(registry, chosen, NOTE)
    assert [change.action for change in after.history] == ["promote", "shadow", "stage 0.1", "stage 0.5", "promote"]


def test_shadow_and_stage_can_be_ended(registry: Path, tmp_path: Path) -> None:
    source, verdict, chosen = made(tmp_path, "a")
    add_bundle(registry, source, verdict)
    set_shadow(registry, chosen, NOTE)
    set_staged(registry, chosen, NOTE, share=0.2, seed="s")
    set_shadow(registry, None, NOTE)
    ended = set_staged(registry, None, NOTE)
    assert (ended.shadow, ended.staged, ended.live) == (None, None, None)
    assert set_staged(registry, None, NOTE) == ended


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, float("nan")])
def test_share_that_is_none_is_refused(registry: Path, tmp_path: Path, share: float) -> None:
    source, verdict, chosen = made(tmp_path, "a")
    add_bundle(registry, source, verdict)
    with pytest.raises(RegistryError, match="between 0 and 1"):
        set_staged(registry, chosen, NOTE, share=share)


def test_coin_falls_the_same_way_every_time_and_a_greater_share_holds_the_smaller() -> None:
    small, great = Staged("b", 0.1, "seed", "now"), Staged("b", 0.4, "seed", "now")
    keys = [f"case-{number}" for number in range(5_000)]
    taken = {key for key in keys if small.takes(key)}
    assert 400 < len(taken) < 600
    assert taken < {key for key in keys if great.takes(key)}
    other = Staged("b", 0.1, "another", "now")
    assert {key for key in keys if other.takes(key)} != taken


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": 2}',
        '{"format": 1, "live": {"bundle": "../../etc"}, "shadow": null, "staged": null, "history": []}',
        '{"format": 1, "live": null, "shadow": null, "staged": 3, "history": []}',
        '{"format": 1, "live": null, "shadow": null, "staged": null, "history": [{}]}',
    ],
)
def test_damaged_releases_are_refused_by_all(registry: Path, tmp_path: Path, content: str) -> None:
    chosen = release(registry, tmp_path, "a")
    (registry / RELEASES).write_text(content)
    with pytest.raises(RegistryError, match=r"releases\.json: is damaged"):
        read_releases(registry)
    with pytest.raises(RegistryError, match=r"releases\.json: is damaged"):
        promote(registry, chosen, NOTE)
    assert (registry / RELEASES).read_text() == content


def test_shipped_bundle_needs_the_verdict_beside_it(tmp_path: Path) -> None:
    source, verdict, chosen = made(tmp_path, "default")
    with pytest.raises(RegistryError, match="no verdict that can be read"):
        open_shipped(source)
    verdict.rename(tmp_path / "default.verdict.json")
    assert open_shipped(source).hash == chosen
    write_verdict(tmp_path / "default.verdict.json", "0" * 64)
    with pytest.raises(RegistryError, match="is a verdict for bundle 0000"):
        open_shipped(source)


def test_shipped_bundle_stands_by_its_own_verdict_while_the_next_one_is_damaged(tmp_path: Path) -> None:
    source, verdict, chosen = made(tmp_path, "default")
    verdict.rename(tmp_path / "default.verdict.json")
    (tmp_path / "default.next.verdict.json").write_text("{")
    assert open_shipped(source).hash == chosen


def test_verdict_says_what_it_compares_with(tmp_path: Path) -> None:
    assert read_verdict(write_verdict(tmp_path / "v.json", "1" * 64, previous="2" * 64)).compared_with == "2" * 64


def test_two_writers_wait_for_each_other_and_say_so(registry: Path) -> None:
    with locked(registry), pytest.raises(RegistryError, match="somebody else"), locked(registry, seconds=0.1):
        raise AssertionError("both hold the lock")
    with locked(registry, seconds=0):
        pass


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["promote", "rollback", "damage", "shadow", "stage"]), st.integers(0, 2)), max_size=12
)


@given(OPERATIONS)
@settings(max_examples=25)
def test_whatever_happens_something_verified_is_live(operations: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, registry = Path(name), Path(name) / "registry"
        sources = [made(folder, one) for one in "abc"]
        registry.mkdir()
        for operation, number in operations:
            source, verdict, chosen = sources[number]
            stored = registry / "bundles" / chosen
            if operation == "damage" and stored.exists():
                damage(stored)
            elif operation == "rollback" and read_releases(registry).live:
                left = read_releases(registry).bundle_of("live")
                rollback(registry, NOTE)
                assert read_releases(registry).bundle_of("live") != left
                open_release(registry, "live")
            elif operation == "promote":
                add_bundle(registry, source, verdict)
                promote(registry, chosen, NOTE)
                live = open_release(registry, "live")
                assert live is not None
                assert live.hash == chosen
            elif operation in {"shadow", "stage"} and read_releases(registry).bundle_of("live") != chosen:
                add_bundle(registry, source, verdict)
                if operation == "shadow":
                    set_shadow(registry, chosen, NOTE)
                else:
                    set_staged(registry, chosen, NOTE, share=0.1 + number / 10)
            bundle, damaged = first_sound(registry)
            assert bundle is None or load_bundle(bundle.folder).hash == bundle.hash
            assert damaged or read_releases(registry).bundle_of("live") == (bundle.hash if bundle else None)


def program(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_killed_before_any_file_operation_leaves_the_old_release_or_the_new(tmp_path: Path) -> None:
    (old, old_verdict, _), (new, new_verdict, _) = made(tmp_path, "a"), made(tmp_path, "b")
    with program("-m", "tests.models.killed", tmp_path / "work", old, old_verdict, new, new_verdict) as done:
        said, errors = done.communicate(timeout=120)
    assert done.returncode == 0, errors
    assert min(map(int, said.split())) > 15


LOOP = """
import sys
from itertools import cycle
from pathlib import Path
from models.registry import add_bundle, promote
from tests.models.releases import NOTE
registry = Path(sys.argv[1])
for number in cycle((2, 4)):
    promote(registry, add_bundle(registry, Path(sys.argv[number]), Path(sys.argv[number + 1])).hash, NOTE)
    print(number, flush=True)
"""


def test_killed_at_any_moment_leaves_the_old_release_or_the_new(registry: Path, tmp_path: Path) -> None:
    (old, old_verdict, _), (new, new_verdict, _) = made(tmp_path, "a"), made(tmp_path, "b")
    chance = random.Random(5)
    for _ in range(4):
        with program("-c", LOOP, registry, old, old_verdict, new, new_verdict) as running:
            assert running.stdout is not None
            running.stdout.readline()
            time.sleep(chance.random() / 20)
            running.kill()
        assert open_release(registry, "live") is not None
