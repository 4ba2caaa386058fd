"""From a fine-tuned network to a folder that the service can use: graph, manifest and report, or nothing at all."""

import hashlib
import json
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from torch import nn
from torch.jit._trace import TracerWarning
from transformers import PreTrainedModel

from eval.pictures.command import write_report
from eval.pictures.data import LabelledPicture, pixels
from eval.pictures.report import PictureReport, measure_model
from labeling.image_classes import IMAGE_CLASS_IDS
from models.calibration import sigmoid
from models.image_manifest import FORMAT, Isotonic, Platt
from models.images import OnnxImageModel, load_image_model
from training.calibrate import MIN_POSITIVES_FOR_SLOPE, fit_platt
from training.pictures.errors import PictureTrainingError
from training.pictures.prepare import INPUT
from training.pictures.train import TrainedPictures, logits_of

MODEL, MANIFEST = "model.onnx", "model.toml"
REPORT_JSON, REPORT_MARKDOWN = "report.json", "report.md"
OUTPUT = "logits"
OPSET = 17
# Largest difference of a probability between the network and its graph.
MAX_DIFFERENCE = 1e-3
# With fewer positives the steps of isotonic regression are noise.
MIN_POSITIVES_FOR_ISOTONIC = 100

Method = Literal["platt", "isotonic", "none"]
Calibrations = dict[str, Platt | Isotonic | None]


@dataclass(frozen=True, slots=True)
class About:
    """What a manifest says of a model's origin."""

    name: str
    licence: str
    source: str


def export(
    trained: TrainedPictures, pictures: Sequence[LabelledPicture], out: Path, *, about: About, method: Method
) -> PictureReport:
    """Write the model to `out`, calibrated on the validation pictures and measured on the test pictures.

    Raises PictureTrainingError where `out` exists, the graph differs from the network or no test pictures are there.
    """
    if out.exists():
        raise PictureTrainingError(f"{out}: is there already; name a new folder")
    validation, test = ([one for one in pictures if one.part == part] for part in ("validation", "test"))
    if not test:
        raise PictureTrainingError(
            "no picture is in the part 'test', so nothing could be said of the model; label more"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as made:
        folder = Path(made) / out.name
        folder.mkdir()
        _write_graph(trained, folder / MODEL)
        _write_manifest(trained, folder, about, dict.fromkeys(trained.classes))
        model = load_image_model(folder / MANIFEST)
        logits = _logits(trained, model, validation)
        calibrations = fit(logits, validation, trained.classes, method=method)
        _write_manifest(trained, folder, about, calibrations)
        report = measure_model(load_image_model(folder / MANIFEST), test, part="test")
        write_report(report, json_file=folder / REPORT_JSON, markdown_file=folder / REPORT_MARKDOWN)
        shutil.move(folder, out)
    return report


def fit(
    logits: NDArray[np.float64], pictures: Sequence[LabelledPicture], classes: Sequence[str], *, method: Method
) -> Calibrations:
    """The calibration of each class, None where there are too few positives to fit one."""
    found: Calibrations = {}
    for column, name in enumerate(classes):
        known = [place for place, one in enumerate(pictures) if name in one.labels]
        labels = np.array([pictures[place].labels[name] for place in known], np.float64)
        found[name] = _fit(logits[known, column], labels, method)
    return found


def _fit(logits: NDArray[np.float64], labels: NDArray[np.float64], method: Method) -> Platt | Isotonic | None:
    positives = min(labels.sum(), len(labels) - labels.sum())
    if method == "isotonic" and positives >= MIN_POSITIVES_FOR_ISOTONIC:
        regression = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        regression.fit(sigmoid(logits), labels)
        points = zip(regression.X_thresholds_, regression.y_thresholds_, strict=True)
        by_raw = {round(float(raw), 6): round(float(calibrated), 6) for raw, calibrated in points}
        # A single step would be no curve.
        return Isotonic(tuple(by_raw.items())) if len(by_raw) > 1 else None
    if method == "none" or positives < MIN_POSITIVES_FOR_SLOPE:
        return None
    slope, bias = fit_platt(logits, labels)
    # A slope below 0 would turn the order round: such a model is to be seen as bad in its report, not mended here.
    return Platt(slope, bias) if slope > 0 else None


class _Graph(nn.Module):
    """The network with its one output."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes)."""
        logits: torch.Tensor = self.network(pixel_values=pixel_values).logits
        return logits


def _write_graph(trained: TrainedPictures, path: Path) -> None:
    if isinstance(trained.network, PreTrainedModel):
        # Plain attention traces to operators without a decision in Python that the trace would freeze.
        trained.network.set_attn_implementation("eager")
    with warnings.catch_warnings():
        # The tracing exporter, as for texts (training/onnx_graph.py): deprecated, and it warns of sizes that are fixed.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", TracerWarning)
        torch.onnx.export(
            _Graph(trained.network).eval(),
            (torch.zeros(2, *trained.rule.shape),),
            str(path),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "pictures"}, OUTPUT: {0: "pictures"}},
            opset_version=OPSET,
            dynamo=False,
        )


def _logits(
    trained: TrainedPictures, model: OnnxImageModel, pictures: Sequence[LabelledPicture]
) -> NDArray[np.float64]:
    """Logits of the graph. Raises PictureTrainingError where those of the network are others."""
    rows: list[NDArray[np.float64]] = []
    for start in range(0, len(pictures), 32):
        inputs = np.stack([trained.rule.prepare(pixels(one)) for one in pictures[start : start + 32]])
        found = model.raw(inputs)[0]
        with torch.no_grad():
            expected = logits_of(trained.network, inputs).double().numpy()
        difference = float(np.abs(sigmoid(found) - sigmoid(expected)).max())
        if difference > MAX_DIFFERENCE:
            raise PictureTrainingError(
                f"the exported graph differs from the network by {difference:.4f}, more than {MAX_DIFFERENCE}"
            )
        rows.append(found)
    return np.concatenate(rows)


def _write_manifest(trained: TrainedPictures, folder: Path, about: About, calibrations: Mapping[str, object]) -> None:
    """Write the manifest. A JSON text, list or number is one in TOML as well."""
    rule = replace(trained.rule, name=INPUT)
    top = {
        "format": FORMAT,
        "name": about.name,
        "licence": about.licence,
        "source": about.source,
        "file": MODEL,
        "sha256": hashlib.sha256((folder / MODEL).read_bytes()).hexdigest(),
        "cannot_tell": [one for one in IMAGE_CLASS_IDS if one not in trained.classes],
    }
    inputs = {key: getattr(rule, key) for key in rule.__dataclass_fields__}
    output = {"name": OUTPUT, "values": "logits", "labels_are": "independent", "labels": trained.classes}
    lines = [*_fields(top), "", "[input]", *_fields(inputs), "", "[[outputs]]", *_fields(output)]
    for name in trained.classes:
        lines += ["", f"[classes.{name}]", *_fields({"labels": [name]}), f"calibration = {_toml(calibrations[name])}"]
    (folder / MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _toml(calibration: object) -> str:
    if isinstance(calibration, Platt):
        return f"{{slope = {calibration.slope!r}, bias = {calibration.bias!r}}}"
    if isinstance(calibration, Isotonic):
        return f"{{points = {json.dumps(calibration.points)}}}"
    return '"none"'


def _fields(values: Mapping[str, object]) -> list[str]:
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
