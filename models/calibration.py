"""From raw logits to probabilities that mean what they say: Platt scaling by area, and by language where there are rows enough;
severity from its own logits and the areas that apply; one temperature for the graphic level.

Within a language they leave the order of scores as it is (slopes are positive). Between languages they move it where a
language has a scaling of its own: what the network learned of how often texts of a language violate comes from how its
training rows were collected.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
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
    """p = sigmoid(slope * logit + bias). An area applies where p reaches `threshold`.

    From `unsure_from` to `unsure_to` neither answer can be excluded at the error rates stated in training.calibrate;
    no probability lies there where the first is above the second.
    """

    slope: float
    bias: float
    threshold: float
    unsure_from: float = 1.0
    unsure_to: float = 0.0


@dataclass(frozen=True, slots=True)
class Scaling:
    """Slope and bias that the texts of one language have in one area, in place of those of the area."""

    slope: float
    bias: float


@dataclass(frozen=True, slots=True)
class SeverityScaling:
    """P(more severe than k) = sigmoid(slope * logit k + biases[k] + sum over areas of weights * p), a cumulative link model
    (McCullagh 1980).

    `weights`, one for each area or none at all, are never negative: a likelier area makes no text less severe.
    """

    slope: float = 1.0
    biases: tuple[float, ...] = (0.0,) * (SEVERITY_LEVELS - 1)
    weights: tuple[float, ...] = ()

    def above(self, logits: Values, areas: Values) -> NDArray[np.float64]:
        """Logits (n, 4) of "more severe than k" from those of the network and the probabilities (n, areas)."""
        lifted = areas @ np.array(self.weights) if self.weights else np.zeros(len(logits))
        scaled: NDArray[np.float64] = self.slope * logits.astype(np.float64) + np.array(self.biases) + lifted[:, None]
        return scaled


UNTRAINED = AreaCalibration(0.0, math.log(UNTRAINED_PRIOR / (1 - UNTRAINED_PRIOR)), 1.0)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration of every area, in the column order of the model, of severity and of the graphic level.

    `languages`, by primary subtag and column, take the place of slope and bias of the area; thresholds and unsure ranges
    are those of the area for everybody.
    """

    areas: tuple[AreaCalibration, ...]
    severity: SeverityScaling = SeverityScaling()
    graphic_temperature: float = 1.0
    languages: Mapping[str, Mapping[int, Scaling]] = field(default_factory=dict)

    def area_probabilities(self, logits: Values, languages: Sequence[str | None] = ()) -> NDArray[np.float64]:
        """Probabilities (n, areas) from area logits of the same shape, and the language of each where one is known."""
        slopes = np.tile([area.slope for area in self.areas], (len(logits), 1))
        biases = np.tile([area.bias for area in self.areas], (len(logits), 1))
        spoken = np.array(languages, dtype=object) if len(languages) else np.full(len(logits), None)
        for language, own in self.languages.items():
            of_it = np.flatnonzero(spoken == language)
            for column, scaling in own.items():
                slopes[of_it, column] = scaling.slope
                biases[of_it, column] = scaling.bias
        return sigmoid(logits * slopes + biases)

    def severity_probabilities(self, logits: Values, areas: Values) -> NDArray[np.float64]:
        """Probabilities (n, 5) of severity 0..4; rows sum to 1.

        `logits` (n, 4) are those of "more severe than k", `areas` (n, areas) what `area_probabilities` gave.
        """
        return ordinal_probabilities(self.severity.above(logits, areas))

    def graphic_probabilities(self, logits: Values) -> NDArray[np.float64]:
        """Probabilities (n, 4) of graphic level 0..3 from (n, 3) logits; (n, 0) where the model does not judge it."""
        if not logits.shape[1]:
            return np.zeros((len(logits), 0))
        return ordinal_probabilities(logits / self.graphic_temperature)

    def thresholds(self) -> NDArray[np.float64]:
        """Threshold of every area, in column order."""
        return np.array([area.threshold for area in self.areas])

    def unsure(self, probabilities: Values) -> NDArray[np.bool_]:
        """Where of (n, areas) probabilities neither "applies" nor "does not apply" can be excluded."""
        lowest = np.array([area.unsure_from for area in self.areas])
        highest = np.array([area.unsure_to for area in self.areas])
        flags: NDArray[np.bool_] = (probabilities >= lowest) & (probabilities <= highest)
        return flags

    def to_json(self, names: Sequence[str]) -> str:
        """The text of `calibration.json`; `names` are the area ids in column order."""
        areas = {name: asdict(area) for name, area in zip(names, self.areas, strict=True)}
        severity = {
            "slope": self.severity.slope,
            "biases": list(self.severity.biases),
            "areas": dict(zip(names, self.severity.weights, strict=True)) if self.severity.weights else {},
        }
        languages = {
            language: {names[column]: asdict(scaling) for column, scaling in own.items()}
            for language, own in self.languages.items()
        }
        values = {
            "areas": areas,
            "severity": severity,
            "graphic_temperature": self.graphic_temperature,
            "languages": languages,
        }
        return json.dumps(values, indent=2) + "\n"


def parse_calibration(raw: bytes, path: Path, *, names: Sequence[str]) -> Calibration:
    """Read `calibration.json` for the areas `names`; `path` is for messages. Raises BundleError."""
    values = parse_object(raw, path)
    try:
        entries, severity = values["areas"], _severity(values, names)
        # Bundles made before there was a graphic level have none.
        graphic = _number(values, "graphic_temperature") if "graphic_temperature" in values else 1.0
        if set(entries) != set(names):
            raise BundleError(f"{path}: areas differ from those of the manifest; export the bundle anew")
        areas = tuple(_area(entries[name]) for name in names)
        # Nor a language with a scaling of its own.
        columns = {name: column for column, name in enumerate(names)}
        languages = {
            language: {columns[area]: _scaling(entry) for area, entry in own.items()}
            for language, own in values.get("languages", {}).items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{path}: a field is missing or no number ({error}); export the bundle anew") from error
    slopes = [area.slope for area in areas] + [one.slope for own in languages.values() for one in own.values()]
    if min(severity.slope, graphic) <= 0 or min((*slopes, *severity.weights), default=0.0) < 0:
        raise BundleError(f"{path}: slopes, temperature and weights must not be negative; export the bundle anew")
    return Calibration(areas, severity, graphic, languages)


def ordinal_probabilities(logits: Values) -> NDArray[np.float64]:
    """Probabilities (n, k + 1) of levels 0..k from the (n, k) logits "more than level i"; rows sum to 1."""
    above = np.minimum.accumulate(sigmoid(logits), axis=1)
    edges = np.hstack([np.ones((len(above), 1)), above, np.zeros((len(above), 1))])
    probabilities: NDArray[np.float64] = edges[:, :-1] - edges[:, 1:]
    return probabilities


def severity_level(probabilities: Values) -> NDArray[np.int64]:
    """The median severity 0-4 of each row of (n, 5) probabilities: the highest level that is likelier than not."""
    above = 1 - np.cumsum(probabilities, axis=1)[:, : SEVERITY_LEVELS - 1]
    levels: NDArray[np.int64] = (above > 0.5).sum(1)
    return levels


def sigmoid(values: Values) -> NDArray[np.float64]:
    """Logistic function, without overflow at either end."""
    return 0.5 * (1 + np.tanh(0.5 * values.astype(np.float64)))


def _area(entry: dict[str, Any]) -> AreaCalibration:
    # Bundles made before there was an unsure range flag nothing.
    unsure = {name: _number(entry, name) for name in ("unsure_from", "unsure_to") if name in entry}
    return AreaCalibration(_number(entry, "slope"), _number(entry, "bias"), _number(entry, "threshold"), **unsure)


def _scaling(entry: dict[str, Any]) -> Scaling:
    return Scaling(_number(entry, "slope"), _number(entry, "bias"))


def _severity(values: dict[str, Any], names: Sequence[str]) -> SeverityScaling:
    if "severity_temperature" in values:  # Bundles made before areas lifted the severity.
        temperature = _number(values, "severity_temperature")
        return SeverityScaling(1 / temperature if temperature else 0.0)
    entry = values["severity"]
    biases = tuple(_number({"biases": one}, "biases") for one in entry["biases"])
    if len(biases) != SEVERITY_LEVELS - 1:
        raise TypeError(f"biases: {SEVERITY_LEVELS - 1} numbers are needed, not {len(biases)}")
    weights = tuple(_number(entry["areas"], name) for name in names) if entry["areas"] else ()
    return SeverityScaling(_number(entry, "slope"), biases, weights)


def _number(values: dict[str, Any], key: str) -> float:
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{key}: a finite number is needed, not {value!r}")
    return float(value)
