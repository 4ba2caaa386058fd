"""A report on an image model passes only where its figures exclude chance and its probabilities can be believed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from eval.pictures.data import read_pictures
from eval.pictures.report import measure_model
from labeling.image_classes import IMAGE_CLASS_IDS
from models.image_input import Picture
from models.images import Assessment
from tests.service.media.pictures import draw


@dataclass
class Redness:
    """Says by a function of how red a picture is (0 or 1) whether it is sexual."""

    answer: Callable[[float], float]
    name: str = "redness"
    hash: str = "red"

    def assess(self, pictures: Sequence[Picture]) -> list[Assessment]:
        reds = [float(one[:, :, 0].mean() > one[:, :, 2].mean()) for one in pictures]
        return [dict.fromkeys(IMAGE_CLASS_IDS) | {"sexual": self.answer(red)} for red in reds]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve red pictures that are sexual and eighteen blue ones that are nothing."""
    folder = tmp_path_factory.mktemp("data")
    for name, count in (("sexual", 12), ("benign", 18)):
        (folder / name).mkdir()
        for number in range(count):
            ground = f"#{'ff' if name == 'sexual' else '00'}{number:02x}{'00' if name == 'sexual' else 'ff'}"
            draw(20, 20, background=ground).pngsave(str(folder / name / f"{number}.png"))
    return folder


def test_a_model_that_knows_passes(data: Path) -> None:
    report = measure_model(Redness(lambda red: red), read_pictures(data), part="all", draws=50)
    figures = report.classes["sexual"]
    assert (figures.pictures, figures.positives, figures.base_rate) == (30, 12, 0.4)
    assert (figures.auprc, figures.ece, figures.recall, figures.precision) == (1.0, 0.0, 1.0, 1.0)
    assert report.cannot_tell == ("graphic_violence", "self_harm", "hate_symbols")
    assert report.passed
    assert "**Passed.**" in report.to_markdown()


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (lambda _: 0.4, "no better than chance"),
        (lambda red: 0.2 + red * 0.1, "off by"),
        (lambda red: 1 - red, "no better"),
    ],
)
def test_a_model_that_does_not_know_or_overstates_fails(
    data: Path, answer: Callable[[float], float], finding: str
) -> None:
    report = measure_model(Redness(answer), read_pictures(data), part="all", draws=50)
    assert not report.passed
    assert finding in report.findings["sexual"]
    assert "**Not passed.**" in report.to_markdown()


def test_too_few_pictures_are_no_figure(data: Path) -> None:
    pictures = read_pictures(data)
    few = [one for one in pictures if not one.labels["sexual"]] + [one for one in pictures if one.labels["sexual"]][:9]
    report = measure_model(Redness(lambda red: red), few, part="all", draws=5)
    assert (report.classes, report.too_few) == ({}, {"sexual": 9})
    assert not report.passed
