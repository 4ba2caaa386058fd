import pytest

from models.languages import UNKNOWN_LANGUAGE, primary_language


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("pt-BR", "pt"),
        ("pt_BR", "pt"),
        ("ZH-Hant", "zh"),
        ("eng", "en"),
        ("in", "id"),
        ("mul", UNKNOWN_LANGUAGE),
        ("", UNKNOWN_LANGUAGE),
        (None, UNKNOWN_LANGUAGE),
        ("yue", "yue"),
    ],
)
def test_a_language_has_one_name(tag: str | None, language: str) -> None:
    assert primary_language(tag) == language
