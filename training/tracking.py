"""Runs and released bundles on record in MLflow: what was trained on what, how it went, and which bundle came of it.

Without `MLFLOW_TRACKING_URI` everything lies in a SQLite file below `var/mlflow`, and no network is used; with it, on
that server. The registry folder (`models.registry`) decides what is live; MLflow is told afterwards and decides nothing.

MLflow is imported only when it is used, and with its reports to its makers switched off: importing it is slow, and
without that switch leaves an id in the home folder (docs/releases.md).
"""

import importlib
import json
import logging
import math
import os
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from models.atomic import locked, write_atomically
from models.bundle import Bundle
from models.registry import PARTS, Releases

STORE = Path(__file__).parents[1] / "var" / "mlflow"
DATABASE = "mlflow.db"
EXPERIMENT = "content-triage"
MODEL = "content-triage"
# In the folder of a run: which record it has, so that a run that goes on after a kill goes on with its record.
RUN_FILE = "tracking.json"
BUNDLE_TAG = "bundle"
# Most entries that MLflow takes at once.
BATCH = 100
LONGEST_PARAM = 6_000
# What MLflow takes in a name.
_FOREIGN = re.compile(r"[^\w. :/-]")

_MEND = "mend the store or server, or say --no-tracking"

logger = logging.getLogger(__name__)

Numbers = Mapping[str, float | None]


class TrackingError(RuntimeError):
    """Tracking that was asked for and cannot be had; the message says how to mend it or to do without."""


class Tracking(Protocol):
    """The record of one training run."""

    def start(self, config: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        """Begin the record, or go on with that of the same run, killed before."""
        ...

    def point(self, step: int, **metrics: float | None) -> None:
        """One point of each curve; None and NaN are left out."""
        ...

    def end(self, metrics: Numbers) -> None:
        """Close the record with the final figures."""
        ...


class NullTracker:
    """Keeps no record."""

    def start(self, config: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        """Nothing."""

    def point(self, step: int, **metrics: float | None) -> None:
        """Nothing."""

    def end(self, metrics: Numbers) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open MLflow store: its client, the id of our experiment, and the errors it raises."""

    client: Any
    experiment: str
    entities: Any
    errors: tuple[type[Exception], ...]

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn errors of the store into TrackingError."""
        try:
            yield
        except self.errors as error:
            raise TrackingError(f"MLflow: {_first_line(error)}; {_MEND}") from error


class Tracker:
    """Keeps the record of the run in `folder`. A store that fails while training costs points, never the run."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._run = ""
        self._unsent: list[Any] = []

    @property
    def run_id(self) -> str:
        """MLflow's id of the run; empty before `start`."""
        return self._run

    def start(self, config: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        """Log `config` and the description of the data. Raises TrackingError."""
        params = {**_flat(config), **_flat(data, "data")}
        self._run = self._unfinished(params) or self._begin(str(config.get("name", "run")), params)

    def point(self, step: int, **metrics: float | None) -> None:
        """What cannot be sent now is sent with the next point."""
        now = int(time.time() * 1000)
        self._unsent += [self._store.entities.Metric(name, value, now, step) for name, value in _numbers(metrics)]
        self._send()

    def end(self, metrics: Numbers) -> None:
        """Log the final figures and close the record; what could not be sent is said."""
        self.point(0, **{f"final.{name}": value for name, value in metrics.items()})
        try:
            self._store.client.set_terminated(self._run, status="FINISHED")
        except self._store.errors as error:
            logger.warning("the record of the run could not be closed: %s", _first_line(error))
        if self._unsent:
            logger.warning("%d figures of the run could not be recorded", len(self._unsent))

    def _begin(self, name: str, params: Mapping[str, str]) -> str:
        with self._store.told():
            run = self._store.client.create_run(self._store.experiment, run_name=name)
            run_id = str(run.info.run_id)
            entries = [self._store.entities.Param(key, value) for key, value in params.items()]
            for start in range(0, len(entries), BATCH):
                self._store.client.log_batch(run_id, params=entries[start : start + BATCH])
        self._folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"run_id": run_id, "params": params}, indent=1, ensure_ascii=False)
        write_atomically(self._folder / RUN_FILE, text.encode())
        return run_id

    def _unfinished(self, params: Mapping[str, str]) -> str | None:
        """The record that this folder began with the same configuration and data, if it was never closed."""
        known = _read_run(self._folder)
        if known is None or known["params"] != params:
            return None
        with self._store.told():
            found = self._store.client.search_runs(
                [self._store.experiment], "attributes.status = 'RUNNING'", max_results=1000
            )
        return next((known["run_id"] for run in found if run.info.run_id == known["run_id"]), None)

    def _send(self) -> None:
        try:
            while self._unsent:
                self._store.client.log_batch(self._run, metrics=self._unsent[:BATCH])
                del self._unsent[:BATCH]
        except self._store.errors as error:
            logger.warning("%d figures are not recorded yet: %s", len(self._unsent), _first_line(error))


def open_store(folder: Path = STORE) -> Store:
    """The store named by `MLFLOW_TRACKING_URI`, else the SQLite file in `folder`, made where there is none.

    Raises TrackingError where mlflow is not installed or the store cannot be used.
    """
    _be_quiet()
    folder = folder.absolute()
    with warnings.catch_warnings():
        # MLflow still asks SQLAlchemy for things that are going away.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            mlflow, entities, exceptions = map(
                importlib.import_module, ("mlflow", "mlflow.entities", "mlflow.exceptions")
            )
        except ModuleNotFoundError as error:
            raise TrackingError(
                "mlflow is not installed: `pip install .[train]` brings it; or say --no-tracking"
            ) from error
        errors = (exceptions.MlflowException, SQLAlchemyError, OSError)
        address = os.environ.get("MLFLOW_TRACKING_URI")
        try:
            if address:
                return _opened(mlflow, entities, errors, address=address, artifacts=None)
            # Two runs that start at once must not both make the tables.
            with locked(folder):
                local = f"sqlite:///{folder / DATABASE}"
                return _opened(mlflow, entities, errors, address=local, artifacts=(folder / "artifacts").as_uri())
        except errors as error:
            raise TrackingError(f"{address or folder / DATABASE}: {_first_line(error)}; {_MEND}") from error


def open_tracker(folder: Path, *, wanted: bool, leads: bool = True) -> Tracking:
    """The tracker of the run in `folder`; one that keeps nothing where it is not wanted, or another process leads.

    Raises TrackingError.
    """
    return Tracker(open_store(), folder) if wanted and leads else NullTracker()


def record_bundle(store: Store, run_folder: Path, bundle: Bundle) -> None:
    """Tell the record of the run in `run_folder` which bundle came of it, and its figures. Raises TrackingError."""
    known = _read_run(run_folder)
    if known is None:
        logger.warning("%s: the run was not recorded, so neither is its bundle", run_folder)
        return
    now = int(time.time() * 1000)
    metrics = bundle.manifest.get("metrics") or {}
    figures = {
        f"bundle.{name}.{key}": value
        for name in ("int8", "float32")
        for key, value in _flat(metrics.get(name) or {}, numbers=True).items()
    }
    entries = [store.entities.Metric(name, value, now, 0) for name, value in _numbers(figures)]
    with store.told():
        store.client.set_tag(known["run_id"], BUNDLE_TAG, bundle.hash)
        for start in range(0, len(entries), BATCH):
            store.client.log_batch(known["run_id"], metrics=entries[start : start + BATCH])


def mirror(store: Store, releases: Releases) -> None:
    """Give every released bundle a model version, and move the aliases live, shadow and staged to where they belong.

    Doing it again changes nothing. Raises TrackingError.
    """
    with store.told():
        if not store.client.search_registered_models(f"name = '{MODEL}'"):
            store.client.create_registered_model(MODEL)
        aliases: Mapping[str, Any] = store.client.get_registered_model(MODEL).aliases
        for part in PARTS:
            chosen = releases.bundle_of(part)
            if chosen is not None:
                store.client.set_registered_model_alias(MODEL, part, _version(store, chosen))
            elif part in aliases:
                store.client.delete_registered_model_alias(MODEL, part)


def _version(store: Store, chosen: str) -> str:
    found = store.client.search_model_versions(f"name = '{MODEL}' and tags.{BUNDLE_TAG} = '{chosen}'")
    if found:
        return str(found[0].version)
    runs = store.client.search_runs([store.experiment], f"tags.{BUNDLE_TAG} = '{chosen}'", max_results=1)
    made = store.client.create_model_version(
        MODEL,
        # A name, not a path: the bundle lies in whichever registry folder holds that hash.
        source=f"bundle:{chosen}",
        run_id=runs[0].info.run_id if runs else None,
        tags={BUNDLE_TAG: chosen},
    )
    return str(made.version)


def _opened(
    mlflow: Any, entities: Any, errors: tuple[type[Exception], ...], *, address: str, artifacts: str | None
) -> Store:
    client = mlflow.MlflowClient(address, os.environ.get("MLFLOW_REGISTRY_URI", address))
    known = client.get_experiment_by_name(EXPERIMENT)
    make: Callable[..., Any] = client.create_experiment
    experiment = known.experiment_id if known else make(EXPERIMENT, artifact_location=artifacts)
    return Store(client, str(experiment), entities, errors)


def _be_quiet() -> None:
    """Before MLflow is imported: no reports to its makers, no chatter, and no minutes of waiting for a dead server."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    for name, value in (
        ("MLFLOW_LOGGING_LEVEL", "WARNING"),
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "10"),
    ):
        os.environ.setdefault(name, value)


def _read_run(folder: Path) -> dict[str, Any] | None:
    try:
        known = json.loads((folder / RUN_FILE).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise TrackingError(f"{folder / RUN_FILE}: is damaged ({error}); remove it to begin a new record") from error
    if not isinstance(known, dict) or not {"run_id", "params"} <= set(known):
        raise TrackingError(f"{folder / RUN_FILE}: is damaged; remove it to begin a new record")
    return known


def _flat(values: Mapping[str, Any], prefix: str = "", *, numbers: bool = False) -> dict[str, Any]:
    """Nested objects as one level with dotted names; as text, or only what is a number."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = _FOREIGN.sub("_", f"{prefix}.{key}" if prefix else str(key))
        if isinstance(value, Mapping):
            found |= _flat(value, name, numbers=numbers)
        elif not numbers:
            found[name] = (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:LONGEST_PARAM]
        elif isinstance(value, int | float):
            found[name] = float(value)
    return found


def _numbers(metrics: Numbers) -> list[tuple[str, float]]:
    return [(name, float(value)) for name, value in metrics.items() if value is not None and math.isfinite(value)]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
