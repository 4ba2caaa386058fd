from pathlib import Path

import pytest

from training.config import ConfigError, TrainConfig, load_config

SHIPPED = Path(__file__).parents[2] / "training" / "configs" / "minilm.toml"


def test_shipped_configuration_is_read_and_allows_commercial_use_only() -> None:
    config = load_config(SHIPPED)
    assert config.encoder == "minilm-l6"
    assert config.licences
    assert not [licence for licence in config.licences if "NC" in licence or "Ref" in licence]


def test_whole_number_does_for_a_float(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('name = "a"\nencoder = "b"\nminutes = 2\n')
    assert load_config(tmp_path / "c.toml") == TrainConfig(name="a", encoder="b", minutes=2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "a"\nencoder = "b"\nmintues = 1', "unknown keys mintues; known: name, encoder"),
        ('name = "a"', "encoder"),
        ('name = "a"\nencoder = "b"\nbatch_size = "32"', "batch_size must be int, not '32'"),
        ('name = "a"\nencoder = "b"\nbatch_size = 1.5', "batch_size must be int"),
        ('name = "a"\nencoder = "b"\nbatch_size = true', "batch_size must be int"),
        ('name = "a"\nencoder = "b"\ntrain_embeddings = 1', "train_embeddings must be bool"),
        ('name = "a"\nencoder = "b"\nlicences = "MIT"', "licences must be"),
        ('name = "a"\nencoder = "b"\nlicences = [1]', "licences must be"),
        ('name = "a"\nencoder = "b"\nminutes = 0', "minutes must be above 0"),
        ('name = "a"\nencoder = "b"\nbatch_size = -1', "batch_size must be above 0"),
        ("name = ", "cannot be read as a training configuration"),
    ],
)
def test_configuration_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(ConfigError, match=rf"c\.toml: .*{message}"):
        load_config(tmp_path / "c.toml")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"c\.toml: cannot be read"):
        load_config(tmp_path / "c.toml")
