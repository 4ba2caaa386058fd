"""How a Hugging Face image model wants its pictures, as the rule by which training, evaluation and service prepare them."""

import json
from pathlib import Path
from typing import Any

from models.image_input import InputRule, Interpolation, Resize
from training.pictures.errors import PictureTrainingError

INPUT = "pixel_values"
_CONFIG = "preprocessor_config.json"
# Numbers of Pillow's filters, as those files hold them.
_FILTERS: dict[int, Interpolation] = {2: "bilinear", 3: "bicubic"}
_HALF = (0.5, 0.5, 0.5)


def rule_of(folder: Path, *, image_size: int | None) -> InputRule:
    """The rule of `preprocessor_config.json` in the model folder.

    Without that file: stretched to `image_size`, values from -1 to 1. Raises PictureTrainingError for what cannot be
    done here.
    """
    path = folder / _CONFIG
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        values = {}
    except (OSError, ValueError) as error:
        raise PictureTrainingError(f"{path}: cannot be read as JSON ({error})") from error
    try:
        return _rule(values, image_size)
    except (KeyError, TypeError, ValueError) as error:
        raise PictureTrainingError(
            f"{path}: describes no preparation that is supported ({error}); docs/image-models.md says which are"
        ) from error


def _rule(values: dict[str, Any], image_size: int | None) -> InputRule:
    resize, to = _resized(values, image_size)
    width, height = to
    if values.get("do_center_crop") and "crop_size" in values:
        width, height = _size(values["crop_size"])
    factor = float(values.get("rescale_factor", 1 / 255)) if values.get("do_rescale", True) else 1.0
    normal = values.get("do_normalize", True)
    mean, deviation = (tuple(values.get(key, _HALF)) if normal else default for key, default in _NORMAL)
    if len(mean) != 3 or len(deviation) != 3:
        raise ValueError("three channels are needed")
    return InputRule(
        name=INPUT,
        width=width,
        height=height,
        layout="NCHW",
        channels="RGB",
        resize=resize,
        resize_to=to,
        interpolation=_FILTERS[int(values.get("resample", 2))],
        mean=(mean[0] / factor, mean[1] / factor, mean[2] / factor),
        scale=(factor / deviation[0], factor / deviation[1], factor / deviation[2]),
    )


_NORMAL = (("image_mean", (0.0, 0.0, 0.0)), ("image_std", (1.0, 1.0, 1.0)))


def _resized(values: dict[str, Any], image_size: int | None) -> tuple[Resize, tuple[int, int]]:
    size = values.get("size", image_size)
    if isinstance(size, dict) and "shortest_edge" in size:
        edge = int(size["shortest_edge"])
        return "cover", (edge, edge)
    return "stretch", _size(size)


def _size(value: Any) -> tuple[int, int]:
    """(width, height) of a number or {"height", "width"}."""
    if isinstance(value, dict):
        return int(value["width"]), int(value["height"])
    return int(value), int(value)
