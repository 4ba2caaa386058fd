"""The list of masked words is whole, and a file that cannot be used says where and why."""

from pathlib import Path

import pytest

from labeling.masked_words import MOST_BYTES, MOST_WORDS, WORD_KINDS, WordListError, load_words, parse_words


def test_the_shipped_list_has_words_of_every_kind() -> None:
    words = load_words()
    assert words.version
    assert all(words.words[kind] for kind in WORD_KINDS)
    assert load_words() is words


def test_the_languages_of_a_kind_are_taken_together_and_a_word_once() -> None:
    found = parse_words('version = "1"\n[slur]\nen = ["ab*", "cd"]\nde = ["cd"]', where="here")
    assert found.words == {"slur": ("ab*", "cd"), "graphic": ()}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = ", "not TOML"),
        ("[slur]", "version is missing"),
        ('version = "1"\n[rude]', "no kind 'rude'; there are slur, graphic"),
        ('version = "1"\nslur = ["ab"]', "one list of words for each language"),
        ('version = "1"\n[slur]\nen = "ab"', "one list of words for each language"),
        ('version = "1"\n[slur]\nen = ["a*"]', r"slur.en: a word has 2 to 60 letters, not 'a\*'"),
        ('version = "1"\n[slur]\nen = ["a*b"]', "2 to 60 letters"),
        ('version = "1"\n[slur]\nen = ["ab "]', "2 to 60 letters"),
        ('version = "1"\n[slur]\nen = [3]', "2 to 60 letters"),
        (f'version = "1"\n[slur]\nen = ["{"a" * 61}"]', "2 to 60 letters"),
        # Two ways to read each of these letters would take for ever.
        (f'version = "1"\n[slur]\nru = ["{"ы" * 58}!"]', "2 to 60 letters"),
        (f"version = {'[' * 5000}", "not TOML"),
    ],
)
def test_a_list_that_cannot_be_used_says_why(text: str, said: str) -> None:
    with pytest.raises(WordListError, match=f"here: .*{said}"):
        parse_words(text, where="here")


def test_too_many_words_are_refused() -> None:
    words = ", ".join(
        f'"{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}"' for n in range(MOST_WORDS + 1)
    )
    with pytest.raises(WordListError, match="more than 5,000 words"):
        parse_words(f'version = "1"\n[slur]\nen = [{words}]', where="here")


def test_a_file_that_is_not_there_or_no_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(WordListError, match="cannot be read \\(FileNotFoundError\\)"):
        load_words(tmp_path / "none.toml")
    (tmp_path / "words.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(WordListError, match="cannot be read \\(UnicodeDecodeError\\)"):
        load_words(tmp_path / "words.toml")
    (tmp_path / "words.toml").write_bytes(b"#" * (MOST_BYTES + 1))
    with pytest.raises(WordListError, match="more than 1,000,000 bytes"):
        load_words(tmp_path / "words.toml")
