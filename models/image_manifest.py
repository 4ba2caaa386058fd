"""What is to be known of an image classifier before it may be used: a small TOML file beside the ONNX file.

docs/image-models.md explains every field. Nothing in a manifest is executable, and the ONNX file is used only if it is
the very one that the manifest names by its sha256.
"""

import hashlib
import itertools
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

import numpy as np

from labeling.image_classes import IMAGE_CLASS_IDS
from models.calibration import sigmoid
from models.image_input import Channels, InputRule, Interpolation, Layout, Resize

FORMAT = 1
MAX_MANIFEST_BYTES = 100_000
MAX_MODEL_BYTES = 1 << 30
MAX_SIDE = 2_048
MAX_LABELS = 10_000
MAX_POINTS = 1_000

Values = Literal["probabilities", "logits"]
LabelsAre = Literal["exclusive", "independent"]


class ImageModelError(ValueError):
    """An image model that must not be used; the message names the file, what is wrong with it and how to mend it."""


@dataclass(frozen=True, slots=True)
class OutputRule:
    """One output of the graph, (n, labels): what its numbers are, and whether exactly one label applies or each may."""

    name: str
    values: Values
    labels_are: LabelsAre
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Platt:
    """p = sigmoid(slope * logit(raw) + bias); a temperature is 1 / slope with bias 0."""

    slope: float
    bias: float

    def apply(self, raw: float) -> float:
        """The calibrated probability."""
        logit = math.log(max(raw, 1e-9)) - math.log(max(1 - raw, 1e-9))
        return float(sigmoid(np.array(self.slope * logit + self.bias)))


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Points (raw, calibrated) in rising order; straight lines between them, level beyond the first and last."""

    points: tuple[tuple[float, float], ...]

    def apply(self, raw: float) -> float:
        """The calibrated probability."""
        return float(np.interp(raw, [one[0] for one in self.points], [one[1] for one in self.points]))


@dataclass(frozen=True, slots=True)
class ClassRule:
    """One of our classes: the labels of the model that stand for it, and what makes a probability of them.

    Exclusive labels add up; of independent ones the likeliest counts.
    """

    id: str
    labels: tuple[str, ...]
    calibration: Platt | Isotonic | None


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """A manifest whose fields were checked. `hash` is the sha256 (hex) of its bytes, which name the model file's."""

    path: Path
    hash: str
    name: str
    licence: str
    source: str
    package: str | None
    file: str
    sha256: str
    input: InputRule
    outputs: tuple[OutputRule, ...]
    classes: tuple[ClassRule, ...]
    cannot_tell: tuple[str, ...]

    def read_model(self) -> bytes:
        """Bytes of the ONNX file, checked against the manifest. Raises ImageModelError."""
        path = self._model_path()
        try:
            if path.stat().st_size > MAX_MODEL_BYTES:
                raise ImageModelError(f"{path}: larger than {MAX_MODEL_BYTES:,} bytes; use a smaller model")
            content = path.read_bytes()
        except OSError as error:
            raise ImageModelError(
                f"{path}: cannot be read ({error.strerror}); put the file that {self.path} names there"
            ) from error
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise ImageModelError(
                f"{path}: sha256 is {found}, {self.path} says {self.sha256}; fetch the file again, or, if you trust this"
                " one, write its sha256 into the manifest"
            )
        return content

    def _model_path(self) -> Path:
        if self.package is None:
            return self.path.parent / self.file
        # Not importlib.resources: that imports the package, and none of its code is to run.
        try:
            return Path(str(metadata.distribution(self.package).locate_file(self.file)))
        except metadata.PackageNotFoundError as error:
            raise ImageModelError(
                f"{self.path}: the package {self.package} is not installed; install it, or name a file beside the manifest"
            ) from error


def read_manifest(path: Path) -> ImageManifest:
    """Read and check a manifest. Raises ImageModelError."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise ImageModelError(
            f"{path}: cannot be read ({error.strerror}); point to a manifest of an image model"
        ) from error
    if len(raw) > MAX_MANIFEST_BYTES:
        raise ImageModelError(f"{path}: larger than {MAX_MANIFEST_BYTES:,} bytes, so it is no manifest")
    try:
        values = tomllib.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ImageModelError(f"{path}: not TOML in UTF-8 ({error}); docs/image-models.md shows one") from error
    return _manifest(_Table(path, "", values), digest=hashlib.sha256(raw).hexdigest())


def _manifest(top: "_Table", *, digest: str) -> ImageManifest:
    top.only(
        "format", "name", "licence", "source", "package", "file", "sha256", "cannot_tell", "input", "outputs", "classes"
    )
    if top.values.get("format") != FORMAT:
        raise top.wrong("format", f"must be {FORMAT}, the one that this version reads")
    outputs = tuple(_output(one) for one in top.tables("outputs"))
    labels = [label for output in outputs for label in output.labels]
    if len(set(labels)) != len(labels):
        raise top.wrong("outputs", "each label must be named once, over all outputs")
    if len({one.name for one in outputs}) != len(outputs):
        raise top.wrong("outputs", "each output must be named once")
    classes = tuple(_class(one, name, outputs) for name, one in top.named_tables("classes").items())
    cannot_tell = top.texts("cannot_tell", least=0)
    _check_classes(top, [one.id for one in classes], cannot_tell)
    return ImageManifest(
        path=top.path,
        hash=digest,
        name=top.text("name"),
        licence=top.text("licence"),
        source=top.text("source"),
        package=top.text("package") if "package" in top.values else None,
        file=_file(top),
        sha256=_sha256(top),
        input=_input(top.table("input")),
        outputs=outputs,
        classes=classes,
        cannot_tell=cannot_tell,
    )


def _check_classes(top: "_Table", told: Sequence[str], cannot_tell: Sequence[str]) -> None:
    """Every class is told or said to be untold, once: silence must not look like a clean picture."""
    for place, names in (("classes", told), ("cannot_tell", cannot_tell)):
        unknown = sorted(set(names) - set(IMAGE_CLASS_IDS))
        if unknown:
            raise top.wrong(place, f"unknown class {', '.join(unknown)}; there are {', '.join(IMAGE_CLASS_IDS)}")
    if not told:
        raise top.wrong("classes", "at least one class is needed, such as [classes.sexual]")
    both = sorted(set(told) & set(cannot_tell))
    if both:
        raise top.wrong("cannot_tell", f"{', '.join(both)} cannot be in classes as well")
    missing = [one for one in IMAGE_CLASS_IDS if one not in {*told, *cannot_tell}]
    if missing:
        raise top.wrong("cannot_tell", f"{', '.join(missing)} must be here or have a table in classes")


def _file(top: "_Table") -> str:
    name = top.text("file")
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or "\\" in name:
        raise top.wrong("file", "must be a path below the manifest's folder, or in the package, without '..'")
    return name


def _sha256(top: "_Table") -> str:
    digest = top.text("sha256")
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise top.wrong("sha256", "must be 64 hexadecimals in small letters, as `sha256sum FILE` writes them")
    return digest


def _input(table: "_Table") -> InputRule:
    table.only(
        *("name", "width", "height", "layout", "channels", "resize", "resize_to", "interpolation", "mean", "scale")
    )
    width, height = table.count("width"), table.count("height")
    resize: Resize = table.choice("resize", get_args(Resize))
    to = table.numbers("resize_to", 2)
    if any(side != int(side) or not 1 <= side <= MAX_SIDE for side in to):
        raise table.wrong("resize_to", f"must be [width, height], each a whole number from 1 to {MAX_SIDE}")
    if resize == "contain":
        if to != (width, height):
            raise table.wrong("resize_to", "must be [width, height] of the input itself where resize is 'contain'")
    elif to[0] < width or to[1] < height:
        raise table.wrong("resize_to", f"must be at least the input's {width} x {height}, which is cut out of it")
    layout: Layout = table.choice("layout", get_args(Layout))
    channels: Channels = table.choice("channels", get_args(Channels))
    interpolation: Interpolation = table.choice("interpolation", get_args(Interpolation))
    mean, scale = table.numbers("mean", 3), table.numbers("scale", 3)
    if not all(scale):
        raise table.wrong("scale", "must not be 0: every picture would look the same")
    return InputRule(
        name=table.text("name"),
        width=width,
        height=height,
        layout=layout,
        channels=channels,
        resize=resize,
        resize_to=(int(to[0]), int(to[1])),
        interpolation=interpolation,
        mean=(mean[0], mean[1], mean[2]),
        scale=(scale[0], scale[1], scale[2]),
    )


def _output(table: "_Table") -> OutputRule:
    table.only("name", "values", "labels_are", "labels")
    values: Values = table.choice("values", get_args(Values))
    labels_are: LabelsAre = table.choice("labels_are", get_args(LabelsAre))
    labels = table.texts("labels", least=1)
    if labels_are == "exclusive" and len(labels) < 2:
        raise table.wrong("labels", "one exclusive label would always apply; a single one is 'independent'")
    return OutputRule(table.text("name"), values, labels_are, labels)


def _class(table: "_Table", name: str, outputs: Sequence[OutputRule]) -> ClassRule:
    table.only("labels", "calibration")
    labels = table.texts("labels", least=1)
    homes = [{output.name for output in outputs if label in output.labels} for label in labels]
    unknown = [label for label, home in zip(labels, homes, strict=True) if not home]
    if unknown:
        raise table.wrong("labels", f"{', '.join(unknown)} is a label of no output")
    if len(set.union(*homes)) > 1:
        raise table.wrong("labels", "must all be of one output; numbers of different outputs cannot be added up")
    return ClassRule(name, labels, _calibration(table))


def _calibration(table: "_Table") -> Platt | Isotonic | None:
    if table.values.get("calibration") == "none":
        return None
    inner = table.table("calibration", otherwise='"none"')
    if "points" in inner.values:
        inner.only("points")
        return Isotonic(_points(inner))
    if "temperature" in inner.values:
        inner.only("temperature")
        slope, bias = 1 / (inner.number("temperature") or math.inf), 0.0
    else:
        inner.only("slope", "bias")
        slope, bias = inner.number("slope"), inner.number("bias")
    if slope <= 0:
        raise inner.wrong("", "slope or temperature must be above 0: a higher score must never mean less")
    return Platt(slope, bias)


def _points(table: "_Table") -> tuple[tuple[float, float], ...]:
    rows = table.values["points"]
    if not isinstance(rows, list) or not 2 <= len(rows) <= MAX_POINTS:
        raise table.wrong("points", f"must be from 2 to {MAX_POINTS:,} pairs [raw, calibrated]")
    points = tuple((pair[0], pair[1]) for pair in (table.pair(row) for row in rows))
    raw, calibrated = [one[0] for one in points], [one[1] for one in points]
    rising = all(left < right for left, right in itertools.pairwise(raw))
    if not rising or calibrated != sorted(calibrated) or not all(0 <= one <= 1 for one in (*raw, *calibrated)):
        raise table.wrong("points", "raw must rise from pair to pair, calibrated must not fall, and all lie in 0..1")
    return points


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the manifest and where it is, for messages."""

    path: Path
    place: str
    values: Mapping[str, Any]

    def wrong(self, key: str, problem: str) -> ImageModelError:
        """The error of a field."""
        where = ".".join(part for part in (self.place, key) if part)
        return ImageModelError(f"{self.path}: {where}: {problem}; docs/image-models.md explains the field")

    def only(self, *keys: str) -> None:
        """Refuse keys that mean nothing: most are misspelt."""
        unknown = sorted(set(self.values) - set(keys))
        if unknown:
            raise self.wrong(unknown[0], f"there is no such field; there are {', '.join(keys)}")

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "a text is needed")
        return value

    def texts(self, key: str, *, least: int) -> tuple[str, ...]:
        value = self.values.get(key)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.wrong(key, "a list of texts is needed")
        if not least <= len(value) <= MAX_LABELS or len(set(value)) != len(value):
            raise self.wrong(key, f"from {least} to {MAX_LABELS:,} texts are needed, each once")
        return tuple(value)

    def choice(self, key: str, choices: tuple[Any, ...]) -> Any:
        value = self.values.get(key)
        if value not in choices:
            raise self.wrong(key, f"must be one of {', '.join(choices)}, not {value!r}")
        return value

    def number(self, key: str) -> float:
        return self._number(key, self.values.get(key))

    def count(self, key: str) -> int:
        value = self.values.get(key)
        if type(value) is not int or not 1 <= value <= MAX_SIDE:
            raise self.wrong(key, f"a whole number from 1 to {MAX_SIDE} is needed, not {value!r}")
        return value

    def numbers(self, key: str, length: int) -> tuple[float, ...]:
        value = self.values.get(key)
        if not isinstance(value, list) or len(value) != length:
            raise self.wrong(key, f"a list of {length} numbers is needed")
        return tuple(self._number(key, one) for one in value)

    def pair(self, value: object) -> tuple[float, float]:
        if not isinstance(value, list) or len(value) != 2:
            raise self.wrong("points", "each must be a pair [raw, calibrated]")
        return self._number("points", value[0]), self._number("points", value[1])

    def table(self, key: str, *, otherwise: str = "") -> "_Table":
        value = self.values.get(key)
        if not isinstance(value, dict):
            raise self.wrong(key, f"a table{' or ' if otherwise else ''}{otherwise} is needed")
        return _Table(self.path, f"{self.place}.{key}".strip("."), value)

    def named_tables(self, key: str) -> dict[str, "_Table"]:
        return {name: self.table(key).table(name) for name in self.table(key).values}

    def tables(self, key: str) -> list["_Table"]:
        value = self.values.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
            raise self.wrong(key, f"at least one table [[{key}]] is needed")
        return [_Table(self.path, f"{key}[{number}]", one) for number, one in enumerate(value)]

    def _number(self, key: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.wrong(key, f"a finite number is needed, not {value!r}")
        return float(value)
