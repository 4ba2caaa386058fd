"""Pictures to probabilities: any ONNX image classifier behind one protocol, with numpy and onnxruntime alone.

What a model says of a picture does not depend on the pictures beside it, up to float rounding.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from labeling.image_classes import IMAGE_CLASS_IDS
from models.calibration import sigmoid
from models.image_input import Picture
from models.image_manifest import ClassRule, ImageManifest, ImageModelError, OutputRule, read_manifest

# Pictures in one forward pass; more are no faster on a CPU and only need more memory.
PICTURES_PER_PASS = 8
# Probabilities may leave 0..1, and their sum 1, by this much rounding.
_SLACK = 1e-3
_WARM_UP_SIDE = 300

_RUNTIME_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)

# By class a probability, None where the model cannot tell.
Assessment = dict[str, float | None]


class ImageModel(Protocol):
    """Anything that says what is to be seen in pictures."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def hash(self) -> str:
        """What assesses: the sha256 (hex) of a manifest, or a word for what has none."""
        ...

    def assess(self, pictures: Sequence[Picture]) -> list[Assessment]:
        """One assessment for each picture (rows x columns x RGB), in order, with every class of IMAGE_CLASS_IDS.

        Raises ValueError or RuntimeError where it can make nothing of one of them.
        """
        ...


class OnnxImageModel:
    """An image classifier and its manifest. Safe to share between threads."""

    def __init__(self, manifest: ImageManifest, *, threads: int = 1) -> None:
        """Load, check and warm up; `threads` is how many cores one call may use. Raises ImageModelError."""
        self.manifest = manifest
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Idle threads must not burn the cores that the API and the database need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Warnings of the optimiser are about the graph's author, not about us.
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                manifest.read_model(), options, providers=["CPUExecutionProvider"]
            )
        except _RUNTIME_ERRORS as error:
            raise self._unusable(f"onnxruntime cannot load {manifest.file} ({_first_line(error)})") from error
        self._per_pass = self._checked_input()
        self._check_outputs()
        try:
            # Two at once where it takes several: a graph may say so and mean one.
            self.assess([_drawn()] * min(2, self._per_pass))
        except (RuntimeError, ValueError) as error:
            raise self._unusable(f"fails on first, drawn pictures ({_first_line(error)})") from error

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def hash(self) -> str:
        return self.manifest.hash

    def assess(self, pictures: Sequence[Picture]) -> list[Assessment]:
        """As the protocol says. Raises ValueError for numbers that are no probabilities, RuntimeError where it fails."""
        found: list[Assessment] = []
        for start in range(0, len(pictures), self._per_pass):
            prepared = [self.manifest.input.prepare(one) for one in pictures[start : start + self._per_pass]]
            found += self._assess_prepared(np.stack(prepared))
        return found

    def raw(self, prepared: NDArray[np.float32]) -> list[NDArray[np.float64]]:
        """What the graph gives for prepared inputs, by output of the manifest: (n, labels). Raises RuntimeError."""
        names = [output.name for output in self.manifest.outputs]
        try:
            found = self._session.run(names, {self.manifest.input.name: prepared})
        except _RUNTIME_ERRORS as error:
            raise RuntimeError(f"onnxruntime: {_first_line(error)}") from error
        return [one.astype(np.float64) for one in found]

    def _assess_prepared(self, prepared: NDArray[np.float32]) -> list[Assessment]:
        probabilities: dict[str, NDArray[np.float64]] = {}
        exclusive = set[str]()
        for output, raw in zip(self.manifest.outputs, self.raw(prepared), strict=True):
            values = _probabilities(output, raw, len(prepared))
            probabilities |= dict(zip(output.labels, values.T, strict=True))
            exclusive |= set(output.labels) if output.labels_are == "exclusive" else set()
        columns = {
            rule.id: combined(rule, [probabilities[label] for label in rule.labels], add_up=rule.labels[0] in exclusive)
            for rule in self.manifest.classes
        }
        return [
            {name: float(columns[name][row]) if name in columns else None for name in IMAGE_CLASS_IDS}
            for row in range(len(prepared))
        ]

    def _checked_input(self) -> int:
        """How many pictures go into one pass. Raises ImageModelError where the graph's input is another."""
        rule = self.manifest.input
        inputs = {one.name: one for one in self._session.get_inputs()}
        if set(inputs) != {rule.name}:
            raise self._unusable(f"input.name is {rule.name!r}, but the inputs of the graph are {sorted(inputs)}")
        found = inputs[rule.name]
        if found.type != "tensor(float)":
            raise self._unusable(f"the graph takes {found.type}; only tensor(float) is supported: export it that way")
        shape = list(found.shape)
        if len(shape) != 4 or not _fits(shape[1:], rule.shape):
            raise self._unusable(
                f"the graph takes {shape}, but layout, width and height of [input] come to [n, *{list(rule.shape)}]"
            )
        if isinstance(shape[0], int) and shape[0] != 1:
            raise self._unusable(f"the graph takes {shape[0]} pictures at a time; export it for any number, or for one")
        return 1 if shape[0] == 1 else PICTURES_PER_PASS

    def _check_outputs(self) -> None:
        outputs = {one.name: list(one.shape) for one in self._session.get_outputs()}
        for rule in self.manifest.outputs:
            if rule.name not in outputs:
                raise self._unusable(f"there is no output {rule.name!r}; the graph has {sorted(outputs)}")
            shape = outputs[rule.name]
            if len(shape) != 2 or not _fits(shape[1:], (len(rule.labels),)):
                raise self._unusable(
                    f"output {rule.name!r} has the shape {shape}, but {len(rule.labels)} labels are named for it"
                )

    def _unusable(self, problem: str) -> ImageModelError:
        return ImageModelError(f"{self.manifest.path}: {problem}; mend the manifest or use another model")


def load_image_model(path: Path, *, threads: int = 1) -> OnnxImageModel:
    """The model of a manifest, checked and warmed up. Raises ImageModelError."""
    return OnnxImageModel(read_manifest(path), threads=threads)


def combined(rule: ClassRule, columns: Sequence[NDArray[np.float64]], *, add_up: bool) -> NDArray[np.float64]:
    """The calibrated probability of a class from those of its labels; `add_up` where only one of them can apply."""
    stacked = np.stack(columns)
    raw: NDArray[np.float64] = np.clip(stacked.sum(0) if add_up else stacked.max(0), 0.0, 1.0)
    if rule.calibration is None:
        return raw
    return np.array([rule.calibration.apply(float(one)) for one in raw])


def strongest(assessments: Sequence[Assessment]) -> Assessment:
    """Of several pictures of one thing, frames of a video, the highest probability of each class."""
    found: Assessment = {}
    for name in IMAGE_CLASS_IDS:
        told = [value for one in assessments if (value := one[name]) is not None]
        found[name] = max(told) if told else None
    return found


def _probabilities(output: OutputRule, raw: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """Probabilities (rows, labels). Raises ValueError for anything that can be none."""
    if raw.shape != (rows, len(output.labels)):
        raise ValueError(f"output {output.name!r} gave {raw.shape} for {rows} pictures and {len(output.labels)} labels")
    if not np.isfinite(raw).all():
        raise ValueError(f"output {output.name!r} gave numbers that are not finite")
    if output.values == "logits":
        return _softmax(raw) if output.labels_are == "exclusive" else sigmoid(raw)
    odd = raw.min() < -_SLACK or raw.max() > 1 + _SLACK
    if odd or (output.labels_are == "exclusive" and np.abs(raw.sum(1) - 1).max() > _SLACK):
        raise ValueError(
            f"output {output.name!r} gave numbers that are no probabilities; its 'values' may have to be 'logits', or its"
            " 'labels_are' 'independent'"
        )
    return np.clip(raw, 0.0, 1.0)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return shares


def _fits(shape: Sequence[int | str | None], wanted: Sequence[int]) -> bool:
    """Whether the sides that the graph fixes are those; the others take any."""
    return len(shape) == len(wanted) and all(
        not isinstance(one, int) or one == other for one, other in zip(shape, wanted, strict=True)
    )


def _drawn() -> Picture:
    """A disc on a ground that shades from left to right."""
    place = np.arange(_WARM_UP_SIDE)
    picture = np.zeros((_WARM_UP_SIDE, _WARM_UP_SIDE, 3), np.uint8)
    picture[:] = (place * 200 // _WARM_UP_SIDE)[None, :, None]
    middle = (place - _WARM_UP_SIDE // 2) ** 2
    picture[middle[:, None] + middle[None, :] < (_WARM_UP_SIDE // 4) ** 2] = (40, 90, 160)
    return picture


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
