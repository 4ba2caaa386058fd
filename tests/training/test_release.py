import json
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eval.run import sha256_of
from models import atomic
from models.bundle import load_bundle
from models.registry import Live, Releases, Shadow, open_shipped, read_releases
from tests.architecture.tree import REPOSITORY
from tests.models.bundles import write_bundle
from tests.models.releases import damage, made, open_release, write_verdict
from training import release
from training.__main__ import main
from training.release import ship
from training.tracking import (
    DATABASE,
    MODEL,
    RUN_FILE,
    NullTracker,
    Store,
    Tracker,
    TrackingError,
    mirror,
    open_store,
    open_tracker,
    record_bundle,
)

pytestmark = pytest.mark.training

CONFIG = {"name": "tiny", "seed": 3, "licences": ["MIT"], "minutes": 1.5}
DATA = {"files": {"train.jsonl": "a" * 64}, "sources": {"forum": {"rows": 7, "licence": "MIT"}}}


@pytest.fixture(autouse=True)
def bundles(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the shipped bundle, in which there is none yet."""
    folder = tmp_path_factory.mktemp("bundles")
    monkeypatch.setattr(release, "BUNDLES", folder)
    return folder


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite store with all its tables, which take seconds to make."""
    folder = tmp_path_factory.mktemp("mlflow")
    open_store(folder)
    return folder / DATABASE


@pytest.fixture
def store(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store of its own, which the commands find as well."""
    shutil.copy(empty_store, tmp_path / DATABASE)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / DATABASE}")
    return open_store()


def promote(registry: Path, source: Path, verdict: Path, *more: str) -> int:
    paths = ["--registry", str(registry), "--bundle", str(source), "--verdict", str(verdict)]
    return main(["promote", *paths, "--by", "ada", "--reason", "better", *more])


def aliases(store: Store) -> dict[str, str]:
    """Alias → the bundle it points to."""
    model = store.client.get_registered_model(MODEL)
    return {
        alias: store.client.get_model_version(MODEL, version).tags["bundle"] for alias, version in model.aliases.items()
    }


def test_promote_and_roll_back_move_the_release_and_its_aliases(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = tmp_path / "registry"
    source, verdict, first = made(tmp_path, "a")
    assert promote(registry, source, verdict) == 0
    assert aliases(store) == {"live": first}
    source, verdict, second = made(tmp_path, "b", previous=first)
    assert promote(registry, source, verdict, "--shadow") == 0
    assert aliases(store) == {"live": first, "shadow": second}
    assert promote(registry, source, verdict, "--staged", "0.25") == 0
    assert aliases(store) == {"live": first, "shadow": second, "staged": second}
    assert promote(registry, source, verdict) == promote(registry, source, verdict) == 0
    assert aliases(store) == {"live": second}
    assert len(store.client.search_model_versions(f"name = '{MODEL}'")) == 2
    assert main(["rollback", "--registry", str(registry), "--reason", "slow"]) == 0
    assert aliases(store) == {"live": first}
    assert f"live is bundle {first}" in capsys.readouterr().out
    assert main(["rollback", "--registry", str(registry)]) == 0
    assert aliases(store) == {}
    assert main(["rollback", "--registry", str(registry)]) == 2
    changes = [(change.action, change.bundle) for change in read_releases(registry).history]
    assert changes == [
        ("promote", first),
        ("shadow", second),
        ("stage 0.25", second),
        ("promote", second),
        ("rollback", first),
        ("rollback", None),
    ]


def test_shadow_and_stage_are_ended_by_command(tmp_path: Path) -> None:
    source, verdict, _ = made(tmp_path, "a")
    registry = tmp_path / "registry"
    assert promote(registry, source, verdict, "--shadow", "--no-tracking") == 0
    assert promote(registry, source, verdict, "--staged", "0.5", "--no-tracking") == 0
    for end in ("--no-shadow", "--no-staged"):
        assert main(["promote", "--registry", str(registry), end, "--no-tracking"]) == 0
    assert read_releases(registry).to_json() | {"history": ()} == Releases().to_json()


def test_without_a_passing_verdict_for_that_hash_the_old_bundle_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = tmp_path / "registry"
    source, verdict, live = made(tmp_path, "a")
    assert promote(registry, source, verdict, "--no-tracking") == 0
    new, _, chosen = made(tmp_path, "b")
    damaged, good, _ = made(tmp_path, "c", previous=live)
    damage(damaged)
    attempts = {
        "is a verdict for bundle": (new, verdict),
        "did not pass": (new, write_verdict(tmp_path / "v1.json", chosen, passed=False)),
        "no verdict that can be read": (new, tmp_path / "none.json"),
        "compares with no bundle": (new, write_verdict(tmp_path / "v2.json", chosen)),
        "sha256 is": (damaged, good),
    }
    for message, (place, given) in attempts.items():
        assert promote(registry, place, given, "--no-tracking") == 2
        assert message in capsys.readouterr().err
        bundle = open_release(registry, "live")
        assert bundle is not None
        assert bundle.hash == live


def test_verdict_that_compares_with_another_bundle_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = tmp_path / "registry"
    source, verdict, live = made(tmp_path, "a")
    assert promote(registry, source, verdict, "--no-tracking") == 0
    source, verdict, _ = made(tmp_path, "b", previous="0" * 64)
    assert promote(registry, source, verdict, "--no-tracking") == 0
    assert f"but {live} is live" in capsys.readouterr().err


def test_rollback_tells_what_it_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = tmp_path / "registry"
    hashes: list[str] = []
    for name in "abc":
        source, verdict, chosen = made(tmp_path, name, previous=hashes[-1] if hashes else None)
        assert promote(registry, source, verdict, "--no-tracking") == 0
        hashes.append(chosen)
    damage(registry / "bundles" / hashes[1])
    assert main(["rollback", "--registry", str(registry), "--no-tracking"]) == 0
    assert f"bundle {hashes[1]} can no longer be verified" in capsys.readouterr().err
    assert read_releases(registry).bundle_of("live") == hashes[0]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--registry", "r"],
        ["--bundle", "b", "--verdict", "v"],
        ["--registry", "r", "--bundle", "b", "--no-shadow"],
        ["--bundle", "b", "--verdict", "v", "--default", "--shadow"],
    ],
)
def test_half_a_command_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["promote", *arguments, "--no-tracking"]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_shipped_bundle_is_replaced_with_its_verdict(
    tmp_path: Path, bundles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["promote", "--default", "--no-tracking"]
    chosen = None
    for name in ("a", "b", "b"):
        source, verdict, chosen = made(tmp_path, name, previous=chosen)
        assert main([*command, "--bundle", str(source), "--verdict", str(verdict)]) == 0
        assert open_shipped(bundles / "default").hash == chosen
        assert {path.name for path in bundles.iterdir()} == {"default", "default.verdict.json", ".lock"}
    before = open_shipped(bundles / "default")
    source, verdict, _ = made(tmp_path, "c", passed=False)
    assert main([*command, "--bundle", str(source), "--verdict", str(verdict)]) == 2
    assert "did not pass" in capsys.readouterr().err
    assert open_shipped(bundles / "default") == before


@pytest.mark.parametrize("where", ["registry", "default"])
def test_shipped_bundle_is_the_one_to_beat_where_nothing_is_live(
    tmp_path: Path, bundles: Path, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    source, verdict, shipped = made(tmp_path, "a")
    ship(source, verdict, bundles)
    command = ["promote", "--no-tracking", "--registry", str(tmp_path / "registry")]
    command += ["--default"] if where == "default" else []

    def given(source: Path, verdict: Path) -> int:
        return main([*command, "--bundle", str(source), "--verdict", str(verdict)])

    source, alone, _ = made(tmp_path, "b")
    assert given(source, alone) == 2
    assert (
        f"compares with no bundle, but {shipped} {'ships' if where == 'default' else 'is live'}"
        in capsys.readouterr().err
    )
    assert not (tmp_path / "registry").exists()
    assert open_shipped(bundles / "default").hash == shipped
    source, compared, chosen = made(tmp_path, "b", previous=shipped)
    assert given(source, compared) == 0
    assert "warning" not in capsys.readouterr().err
    assert read_releases(tmp_path / "registry").bundle_of("live") == chosen
    assert open_shipped(bundles / "default").hash == (chosen if where == "default" else shipped)


def test_verdict_by_other_rules_needs_their_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules, registry = tmp_path / "easy.toml", tmp_path / "registry"
    rules.write_text("# one trivial rule\n")
    source, _, chosen = made(tmp_path, "a")
    for digest in (sha256_of(rules), None):
        verdict = write_verdict(tmp_path / "v.json", chosen, rules_sha256=digest)
        assert promote(registry, source, verdict, "--no-tracking") == 2
        assert "name the file with --rules" in capsys.readouterr().err
    assert not registry.exists()
    verdict = write_verdict(tmp_path / "v.json", chosen, rules_sha256=sha256_of(rules))
    assert promote(registry, source, verdict, "--no-tracking", "--rules", str(rules)) == 0
    rules.write_text("# changed since\n")
    assert promote(registry, source, verdict, "--no-tracking", "--rules", str(rules)) == 2


def test_shipping_that_was_killed_where_folders_cannot_be_exchanged_is_cleared_up(
    tmp_path: Path, bundles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "_exchanged_by_the_system", lambda new, place: False)
    (first, first_verdict, old), (second, second_verdict, new) = made(tmp_path, "a"), made(tmp_path, "b")
    ship(first, first_verdict, bundles)
    for renames in range(3):
        kill_after(renames, bundles, second, second_verdict, monkeypatch)
        assert ship(second, second_verdict, bundles).hash == new
        assert ship(first, first_verdict, bundles).hash == old
        assert {path.name for path in bundles.iterdir()} == {"default", "default.verdict.json", ".lock"}


def kill_after(renames: int, bundles: Path, source: Path, verdict: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ship, and be killed after so many of the renames that an exchange takes."""
    renamed, left = Path.rename, renames

    def rename(path: Path, target: Path) -> Path:
        nonlocal left
        if path.is_dir():
            if not left:
                raise KeyboardInterrupt
            left -= 1
        return renamed(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", rename)
        with pytest.raises(KeyboardInterrupt):
            ship(source, verdict, bundles)


def test_damaged_shipped_bundle_can_be_replaced(tmp_path: Path, bundles: Path) -> None:
    (first, first_verdict, _), (second, second_verdict, new) = made(tmp_path, "a"), made(tmp_path, "b")
    ship(first, first_verdict, bundles)
    damage(bundles / "default")
    shutil.copy(first_verdict, bundles / "default.next.verdict.json")
    assert ship(second, second_verdict, bundles).hash == new
    (bundles / "default.next.verdict.json").write_text("{")
    assert ship(second, second_verdict, bundles).hash == new
    assert {path.name for path in bundles.iterdir()} == {"default", "default.verdict.json", ".lock"}


def test_unfinished_shipping_is_finished_by_the_next(tmp_path: Path, bundles: Path) -> None:
    source, verdict, _ = made(tmp_path, "a")
    ship(source, verdict, bundles)
    # As if killed right after the new bundle took its place.
    _, verdict, chosen = made(tmp_path, "b")
    shutil.rmtree(bundles / "default")
    shutil.copytree(tmp_path / "b", bundles / "default")
    shutil.copy(verdict, bundles / "default.next.verdict.json")
    assert open_shipped(bundles / "default").hash == chosen
    damaged, verdict, _ = made(tmp_path, "c")
    last = ship(damaged, verdict, bundles)
    assert open_shipped(bundles / "default") == last


def curve(store: Store, run: str, name: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in store.client.get_metric_history(run, name)]


def test_run_is_recorded_with_configuration_data_curve_and_figures(store: Store, tmp_path: Path) -> None:
    tracker = Tracker(store, tmp_path / "run")
    tracker.start(CONFIG, DATA)
    tracker.point(10, loss=0.5, macro_auprc=None)
    tracker.point(20, loss=0.25, macro_auprc=float("nan"))
    tracker.end({"macro_auprc": 0.75})
    run = store.client.get_run(tracker.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "tiny"
    assert run.data.params == {
        "name": "tiny",
        "seed": "3",
        "licences": '["MIT"]',
        "minutes": "1.5",
        "data.files.train.jsonl": "a" * 64,
        "data.sources.forum.rows": "7",
        "data.sources.forum.licence": "MIT",
    }
    assert curve(store, tracker.run_id, "loss") == [(10, 0.5), (20, 0.25)]
    assert run.data.metrics == {"loss": 0.25, "final.macro_auprc": 0.75}


def test_killed_run_goes_on_with_its_record(store: Store, tmp_path: Path) -> None:
    first = Tracker(store, tmp_path / "run")
    first.start(CONFIG, DATA)
    first.point(10, loss=0.5)
    second = Tracker(store, tmp_path / "run")
    second.start(CONFIG, DATA)
    second.point(20, loss=0.25)
    assert curve(store, first.run_id, "loss") == [(10, 0.5), (20, 0.25)]
    second.end({})
    for config in (CONFIG, {**CONFIG, "seed": 4}):
        other = Tracker(store, tmp_path / "run")
        other.start(config, DATA)
        assert other.run_id != first.run_id


def test_bundle_is_tied_to_its_run(store: Store, tmp_path: Path) -> None:
    tracker = Tracker(store, tmp_path / "run")
    tracker.start(CONFIG, DATA)
    tracker.end({})
    metrics = {"int8": {"macro_auprc": 0.5, "areas": {"spam": {"auprc": 0.25}}}, "float32": None}
    bundle = load_bundle(write_bundle(tmp_path / "b", metrics=metrics))
    record_bundle(store, tmp_path / "run", bundle)
    mirror(store, Releases(live=Live(bundle.hash, "", "", ""), shadow=Shadow(bundle.hash, "")))
    run = store.client.get_run(tracker.run_id)
    assert run.data.tags["bundle"] == bundle.hash
    assert run.data.metrics == {"bundle.int8.macro_auprc": 0.5, "bundle.int8.areas.spam.auprc": 0.25}
    version = store.client.get_model_version_by_alias(MODEL, "live")
    assert (version.run_id, version.source) == (tracker.run_id, f"bundle:{bundle.hash}")


def test_store_that_fails_while_training_costs_no_run(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = Tracker(store, tmp_path / "run")
    tracker.start(CONFIG, DATA)
    other = sqlite3.connect(tmp_path / DATABASE)
    other.execute("ALTER TABLE metrics RENAME TO away")
    with caplog.at_level(logging.WARNING):
        tracker.point(1, loss=0.5)
    assert "1 figures are not recorded yet" in caplog.text
    other.execute("ALTER TABLE away RENAME TO metrics")
    other.close()
    tracker.point(2, loss=0.25)
    tracker.end({})
    assert curve(store, tracker.run_id, "loss") == [(1, 0.5), (2, 0.25)]


def test_damaged_run_file_is_a_clear_error(store: Store, tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text("{")
    with pytest.raises(TrackingError, match="is damaged"):
        Tracker(store, tmp_path).start(CONFIG, DATA)


def test_doing_without_is_said_never_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tracker in (open_tracker(tmp_path, wanted=False), open_tracker(tmp_path, wanted=True, leads=False)):
        assert isinstance(tracker, NullTracker)
        tracker.start(CONFIG, DATA)
        tracker.point(1, loss=0.5)
        tracker.end({})
    assert not list(tmp_path.iterdir())
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(TrackingError, match="mlflow is not installed"):
        open_tracker(tmp_path, wanted=True)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "sqlite:////proc/none/x.db", "nonsense://x"])
def test_store_that_cannot_be_reached_stops_before_anything_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    source, verdict, _ = made(tmp_path, "a")
    assert promote(tmp_path / "registry", source, verdict) == 2
    assert not (tmp_path / "registry").exists()
    assert "--no-tracking" in capsys.readouterr().err


# Tracks a run where every look outside is refused and noted.
OFFLINE = """
import json, sys
from pathlib import Path
seen = []

def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        seen.append(event)
        raise PermissionError(event)

sys.addaudithook(refuse)
from training.tracking import Tracker, open_store
tracker = Tracker(open_store(), Path("run"))
tracker.start({"name": "x"}, {})
tracker.point(1, loss=0.5)
tracker.end({})
print(json.dumps(seen))
"""


def test_nothing_leaves_the_machine_or_stays_in_the_home_folder(empty_store: Path, tmp_path: Path) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    shutil.copy(empty_store, tmp_path / DATABASE)
    environment: dict[str, Any] = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY),
        "HF_HUB_OFFLINE": "1",
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / DATABASE}",
    }
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    assert list(home.rglob("*")) == []
    assert [path.name for path in work.iterdir()] == ["run"]
