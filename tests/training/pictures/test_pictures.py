"""Labelled pictures become a model that the service loads and that says what the network said."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import ViTConfig, ViTForImageClassification

from eval.__main__ import main as eval_main
from eval.pictures.data import PictureDataError, pixels, read_pictures
from models.image_manifest import Isotonic, Platt, read_manifest
from models.images import load_image_model
from tests.service.media.pictures import draw
from training.__main__ import main
from training.pictures.errors import PictureTrainingError
from training.pictures.export import About, export, fit
from training.pictures.prepare import rule_of
from training.pictures.train import TrainedPictures, load_network, logits_of

pytestmark = pytest.mark.training

SHAPES = {
    "sexual": '<circle cx="{x}" cy="{y}" r="70" fill="#d22"/>',
    "graphic_violence": '<rect x="{x}" y="{y}" width="120" height="110" fill="#22d"/>',
    "benign": '<path d="M {x} 20 L {y} 280" stroke="#333" stroke-width="9"/>',
}


def draw_data(folder: Path, each: int = 60) -> Path:
    """Red discs, blue boxes and lines, standing for two classes and none, in places of their own."""
    generator = np.random.default_rng(5)
    for name, shape in SHAPES.items():
        (folder / name).mkdir(parents=True)
        for number in range(each):
            x, y = generator.integers(60, 260), generator.integers(60, 200)
            ground = "#" + "".join(f"{value:02x}" for value in generator.integers(150, 250, 3))
            noise = "".join(
                f'<circle cx="{a}" cy="{b}" r="{c}" fill="#9a9"/>'
                for a, b, c in generator.integers(9, 290, (6, 3)) // (1, 1, 9)
            )
            image = draw(160, 120, inside=noise + shape.format(x=x, y=y), background=ground)
            image.jpegsave(str(folder / name / f"{number}.jpg"), Q=85)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_data(tmp_path_factory.mktemp("pictures") / "data")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small vision transformer that has learned nothing."""
    torch.manual_seed(2)
    config = ViTConfig(
        image_size=32, patch_size=8, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    folder = tmp_path_factory.mktemp("encoder") / "vit"
    ViTForImageClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def made(data: Path, encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that was trained for some seconds."""
    out = tmp_path_factory.mktemp("made") / "shapes"
    options = ["--data", data, "--encoder", encoder, "--out", out, "--name", "shapes", "--licence", "made up"]
    more = ["--source", "tests", "--epochs", "8", "--batch", "16", "--rate", "0.003"]
    assert main(["image", *map(str, options), *more]) == 0
    return out


def test_what_was_trained_is_loaded_reported_and_told_apart(made: Path, data: Path, tmp_path: Path) -> None:
    assert {one.name for one in made.iterdir()} == {"model.onnx", "model.toml", "report.json", "report.md"}
    report = json.loads((made / "report.json").read_text(encoding="utf-8"))
    assert report["data"]["part"] == "test"
    assert report["hash"] == load_image_model(made / "model.toml").hash
    assert report["cannot_tell"] == ["self_harm", "hate_symbols"]
    again = ["--model", made / "model.toml", "--data", data, "--json", tmp_path / "again.json"]
    assert eval_main(["image", *map(str, again), "--part", "test"]) == 0
    assert json.loads((tmp_path / "again.json").read_text(encoding="utf-8")) == report
    whole = ["--model", made / "model.toml", "--data", data, "--json", tmp_path / "all.json"]
    assert eval_main(["image", *map(str, whole)]) == 0
    figures = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))["classes"]["sexual"]
    assert figures["auprc"] > 0.9 > 2 * figures["base_rate"] - 0.2


def test_the_graph_says_what_the_network_says(encoder: Path, made: Path) -> None:
    manifest = read_manifest(made / "model.toml")
    assert rule_of(encoder, image_size=32) == manifest.input
    assert [one.id for one in manifest.classes] == ["sexual", "graphic_violence"]


def test_no_group_of_near_duplicates_lies_on_two_sides(data: Path, tmp_path: Path) -> None:
    picture = data / "sexual" / "0.jpg"
    (tmp_path / "sexual").mkdir()
    image = draw(400, 300, inside=SHAPES["sexual"].format(x=90, y=80) + SHAPES["benign"].format(x=30, y=310))
    for quality in (95, 60, 30):
        image.jpegsave(str(tmp_path / "sexual" / f"{quality}.jpg"), Q=quality)
    (tmp_path / "sexual" / "other.jpg").write_bytes(picture.read_bytes())
    found = {one.path.stem: one.group for one in read_pictures(tmp_path)}
    assert found["95"] == found["60"] == found["30"] != found["other"]
    parts = {one.part for one in read_pictures(data)}
    assert parts == {"train", "validation", "test"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", ":1: "),
        ('{"path": 3, "labels": {}}', "path must be a text"),
        ('{"path": "a.jpg", "labels": {"gore": true}}', "unknown class gore"),
        ('{"path": "a.jpg", "labels": {"sexual": 1}}', "true or false"),
        ('{"path": "none.jpg", "labels": {"sexual": true}}', "cannot be read"),
        ('{"path": "data.jsonl", "labels": {"sexual": true}}', "is no JPEG"),
        ('{"path": "cut.jpg", "labels": {"sexual": true}}', "cannot be decoded"),
        ("", "no pictures"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(tmp_path: Path, line: str, problem: str) -> None:
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / "data.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(PictureDataError, match=problem):
        read_pictures(tmp_path / "data.jsonl")


def test_one_picture_with_two_answers_is_refused(data: Path, tmp_path: Path) -> None:
    for name in ("sexual", "benign"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.jpg").write_bytes((data / "sexual" / "0.jpg").read_bytes())
    with pytest.raises(PictureDataError, match="the same picture, labelled sexual and not sexual"):
        read_pictures(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureTrainingError, match="is no image model that can be loaded"):
        load_network(tmp_path, ["sexual"])


def test_preparation_is_read_from_the_model(tmp_path: Path) -> None:
    values = {
        "size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224},
        "resample": 3, "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.25, 0.5],
    }  # fmt: skip
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(values), encoding="utf-8")
    rule = rule_of(tmp_path, image_size=None)
    assert (rule.resize, rule.resize_to, rule.width, rule.height) == ("cover", (256, 256), 224, 224)
    assert rule.interpolation == "bicubic"
    assert rule.prepare(np.full((300, 300, 3), 102, np.uint8))[:, 0, 0] == pytest.approx([0.0, -0.4, -0.4], abs=1e-5)
    (tmp_path / "preprocessor_config.json").write_text('{"resample": 1, "size": 32}', encoding="utf-8")
    with pytest.raises(PictureTrainingError, match="no preparation that is supported"):
        rule_of(tmp_path, image_size=None)


def test_calibration_is_as_good_as_its_positives(data: Path) -> None:
    pictures = [one for one in read_pictures(data) if "sexual" in one.labels]
    logits = np.array([[2.0 if one.labels["sexual"] else -1.0] for one in pictures])
    logits += np.random.default_rng(1).normal(0, 1, logits.shape)
    platt = fit(logits, pictures, ["sexual"], method="platt")["sexual"]
    assert isinstance(platt, Platt)
    assert fit(logits, pictures, ["sexual"], method="none")["sexual"] is None
    assert fit(-logits, pictures, ["sexual"], method="platt")["sexual"] is None
    # Too few positives for steps.
    assert isinstance(fit(logits, pictures, ["sexual"], method="isotonic")["sexual"], Platt)
    many = fit(np.concatenate([logits] * 2), pictures * 2, ["sexual"], method="isotonic")["sexual"]
    assert isinstance(many, Isotonic)


def test_the_exported_numbers_are_those_of_torch(encoder: Path, data: Path, tmp_path: Path) -> None:
    classes, pictures = ["sexual", "graphic_violence"], read_pictures(data)
    network, rule = load_network(encoder, classes)
    trained = TrainedPictures(network.eval(), tuple(classes), rule, ())
    export(trained, pictures, tmp_path / "out", about=About("shapes", "made up", "tests"), method="none")
    model = load_image_model(tmp_path / "out" / "model.toml")
    chosen = [pixels(one) for one in pictures[::20]]
    with torch.no_grad():
        logits = logits_of(network, np.stack([rule.prepare(one) for one in chosen]))
    expected = torch.sigmoid(logits).numpy()
    found = [[one[name] for name in classes] for one in model.assess(chosen)]
    assert np.array(found) == pytest.approx(expected, abs=1e-5)
    with pytest.raises(PictureTrainingError, match="is there already"):
        export(trained, pictures, tmp_path / "out", about=About("shapes", "made up", "tests"), method="none")
