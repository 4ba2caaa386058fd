"""Texts in disguised spellings: what people do to get a word past a filter, for training on it."""

import random
import unicodedata

# Digits and signs read as letters, and letters of other scripts that look like Latin ones.
LEETSPEAK = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7", "b": "8", "g": "9"}
LOOKALIKES = {"a": "а", "c": "с", "e": "е", "i": "і", "o": "о", "p": "р", "x": "х", "y": "у"}
EMOJI = "😀😂🤣😉🙃😎🔥💯👀🙏✨💀🎉👍🤔😅"
SEPARATORS = " .-_*"

_SHORTEST = 3


def disguise(text: str, chance: random.Random) -> str:
    """`text` with one to four of its words spelt in a way that people still read, or with emoji or case changed."""
    words = text.split(" ")
    places = [place for place, word in enumerate(words) if len(word) >= _SHORTEST and "[" not in word]
    how = chance.choice((*_WORDS, _add_emoji, _change_case))
    if how in (_add_emoji, _change_case) or not places:
        return chance.choice((_add_emoji, _change_case))(text, chance)
    for place in chance.sample(places, min(len(places), chance.randint(1, 4))):
        words[place] = how(words[place], chance)
    return " ".join(words)


def _leetspeak(word: str, chance: random.Random) -> str:
    return "".join(chance.choice(LEETSPEAK[one]) if one in LEETSPEAK else one for one in word.lower())


def _lookalikes(word: str, _: random.Random) -> str:
    return "".join(LOOKALIKES.get(one, one) for one in word)


def _separate(word: str, chance: random.Random) -> str:
    return chance.choice(SEPARATORS).join(_letters(word))


def _stretch(word: str, chance: random.Random) -> str:
    letters = _letters(word)
    place = chance.randrange(len(letters))
    letters[place] *= chance.randint(2, 4)
    return "".join(letters)


def _swap(word: str, chance: random.Random) -> str:
    letters = _letters(word)
    place = chance.randrange(max(len(letters) - 1, 1))
    letters[place : place + 2] = reversed(letters[place : place + 2])
    return "".join(letters)


def _mask(word: str, chance: random.Random) -> str:
    letters = _letters(word)
    letters[chance.randrange(1, len(letters)) if len(letters) > 1 else 0] = chance.choice("*#.")
    return "".join(letters)


def _add_emoji(text: str, chance: random.Random) -> str:
    words = text.split(" ")
    for _ in range(chance.randint(1, 3)):
        words.insert(chance.randrange(len(words) + 1), chance.choice(EMOJI))
    return " ".join(words)


def _change_case(text: str, chance: random.Random) -> str:
    return chance.choice((str.lower, str.upper, str.title))(text)


def _letters(word: str) -> list[str]:
    """Letters with the marks that belong to them: a vowel sign torn off its consonant is not readable."""
    letters: list[str] = []
    for one in word:
        if letters and unicodedata.category(one).startswith("M"):
            letters[-1] += one
        else:
            letters.append(one)
    return letters


_WORDS = (_leetspeak, _lookalikes, _separate, _stretch, _swap, _mask)
