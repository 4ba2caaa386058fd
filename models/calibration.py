"""From raw logits to probabilities that mean what they say: Platt scaling by area, one temperature for severity.

Both leave the order of scores as it is (slopes are positive), so ranking quality is that of the raw model.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.taxonomy import SEVERITY_LEVELS
from models.bundle import BundleError, parse_object

# An area that was never learned keeps this probability whatever the text; the manifest says which areas those are.
UNTRAINED_PRIOR = 0.01

Values = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class AreaCalibration:
    """p = sigmoid(slope * logit + bias). An area applies where p reaches `threshold`."""

    slope: float
    bias: float
    threshold: float


UNTRAINED = AreaCalibration(0.0, math.log(UNTRAINED_PRIOR / (1 - UNTRAINED_PRIOR)), 1.0)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration of every area, in the column order of the model, and the temperature of its severity logits."""

    areas: tuple[AreaCalibration, ...]
    severity_temperature: float

    def area_probabilities(self, logits: Values) -> NDArray[np.float64]:
        """Probabilities (n, areas) from area logits of the same shape."""
        slopes = np.array([area.slope for area in self.areas])
        biases = np.array([area.bias for area in self.areas])
        return sigmoid(logits * slopes + biases)

    def severity_probabilities(self, logits: Values) -> NDArray[np.float64]:
        """Probabilities (n, 5) of severity 0..4 from the (n, 4) logits "more severe than k"; rows sum to 1."""
        above = np.minimum.accumulate(sigmoid(logits.astype(np.float64) / self.severity_temperature), axis=1)
        edges = np.hstack([np.ones((len(above), 1)), above, np.zeros((len(above), 1))])
        probabilities: NDArray[np.float64] = edges[:, :-1] - edges[:, 1:]
        return probabilities

    def thresholds(self) -> NDArray[np.float64]:
        """Threshold of every area, in column order."""
        return np.array([area.threshold for area in self.areas])

    def to_json(self, names: Sequence[str]) -> str:
        """The text of `calibration.json`; `names` are the area ids in column order."""
        areas = {name: asdict(area) for name, area in zip(names, self.areas, strict=True)}
        return json.dumps({"areas": areas, "severity_temperature": self.severity_temperature}, indent=2) + "\n"


def parse_calibration(raw: bytes, path: Path, *, names: Sequence[str]) -> Calibration:
    """Read `calibration.json` for the areas `names`; `path` is for messages. Raises BundleError."""
    values = parse_object(raw, path)
    try:
        entries, temperature = values["areas"], _number(values, "severity_temperature")
        if set(entries) != set(names):
            raise BundleError(f"{path}: areas differ from those of the manifest; export the bundle anew")
        areas = tuple(_area(entries[name]) for name in names)
    except (KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{path}: a field is missing or no number ({error}); export the bundle anew") from error
    if temperature <= 0 or any(area.slope < 0 for area in areas):
        raise BundleError(f"{path}: temperature and slopes must not be negative; export the bundle anew")
    return Calibration(areas, temperature)


def severity_level(probabilities: Values) -> NDArray[np.int64]:
    """The median severity 0-4 of each row of (n, 5) probabilities: the highest level that is likelier than not."""
    above = 1 - np.cumsum(probabilities, axis=1)[:, : SEVERITY_LEVELS - 1]
    levels: NDArray[np.int64] = (above > 0.5).sum(1)
    return levels


def sigmoid(values: Values) -> NDArray[np.float64]:
    """Logistic function, without overflow at either end."""
    return 0.5 * (1 + np.tanh(0.5 * values.astype(np.float64)))


def _area(entry: dict[str, Any]) -> AreaCalibration:
    return AreaCalibration(_number(entry, "slope"), _number(entry, "bias"), _number(entry, "threshold"))


def _number(values: dict[str, Any], key: str) -> float:
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{key}: a finite number is needed, not {value!r}")
    return float(value)
