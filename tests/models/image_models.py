"""Image models small enough to know every number of: the mean colour of a picture, weighed."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPENNSFW = Path(__file__).parents[2] / "models" / "image_models" / "opennsfw.toml"

# Logits of ("plain", "bare", "nude") by mean red, green and blue as shares of 255.
WEIGHTS = ((0.0, 4.0, 0.0), (0.0, 0.0, 4.0), (2.0, 0.0, 0.0))

MANIFEST = """\
format = 1
name = "mean colour"
licence = "made up"
source = "tests"
file = "model.onnx"
sha256 = "{sha256}"
cannot_tell = ["self_harm", "hate_symbols"]

[input]
name = "pixels"
width = 8
height = 6
layout = "NCHW"
channels = "RGB"
resize = "stretch"
resize_to = [8, 6]
interpolation = "bilinear"
mean = [0, 0, 0]
scale = [0.00392156862745098, 0.00392156862745098, 0.00392156862745098]

[[outputs]]
name = "kinds"
values = "logits"
labels_are = "exclusive"
labels = ["plain", "bare", "nude"]

[[outputs]]
name = "signs"
values = "logits"
labels_are = "independent"
labels = ["blood", "bone"]

[classes.sexual]
labels = ["bare", "nude"]
calibration = "none"

[classes.graphic_violence]
labels = ["blood", "bone"]
calibration = "none"
"""


def mean_colour(
    *,
    shape: Sequence[int | str] = ("n", 3, 6, 8),
    outputs: Mapping[str, Sequence[Sequence[float]]] | None = None,
    kind: int = TensorProto.FLOAT,
    alone: bool = False,
) -> bytes:
    """A graph that weighs the mean of each channel: by output, weights (3, labels). Channels lie in the first axis.

    `alone`: whatever its shape says, it works for one picture at a time only.
    """
    outputs = {"kinds": WEIGHTS, "signs": ((4.0, 0.0), (0.0, 0.0), (0.0, 4.0))} if outputs is None else outputs
    axes = numpy_helper.from_array(np.array([2, 3]), "axes")
    one = numpy_helper.from_array(np.array([1, 3]), "one")
    nodes = [helper.make_node("ReduceMean", ["pixels", "axes"], ["colour" if not alone else "mean"], keepdims=0)]
    nodes += [helper.make_node("Reshape", ["mean", "one"], ["colour"])] * alone
    constants = [axes, one]
    for name, weights in outputs.items():
        constants.append(
            numpy_helper.from_array(np.array(weights, helper.tensor_dtype_to_np_dtype(kind)), f"{name}_weights")
        )
        nodes.append(helper.make_node("MatMul", ["colour", f"{name}_weights"], [name]))
    graph = helper.make_graph(
        nodes,
        "mean_colour",
        [helper.make_tensor_value_info("pixels", kind, list(shape))],
        [helper.make_tensor_value_info(name, kind, [shape[0], len(weights[0])]) for name, weights in outputs.items()],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def write_model(folder: Path, content: bytes | None = None, *changes: tuple[str, str]) -> Path:
    """Write a graph and its manifest with the right hash, in which each (old, new) text was replaced."""
    content = mean_colour() if content is None else content
    (folder / "model.onnx").write_bytes(content)
    text = MANIFEST.format(sha256=hashlib.sha256(content).hexdigest())
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "model.toml"
    path.write_text(text, encoding="utf-8")
    return path
