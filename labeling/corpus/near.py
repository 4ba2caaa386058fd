"""Texts that say nearly the same: a corpus must not hold them, nor may two of them lie on two sides of a split."""

from collections import Counter
from collections.abc import Iterator, Sequence

GRAM = 5
# Letters of Chinese, Japanese and Korean say more each, and their texts have fewer of them.
GRAM_CJK = 3
# Shared sequences of letters over all of both (Jaccard). Rewordings of one template lie above, other texts far below.
NEAR = 0.5
# Sequences in more texts than this are no hint that two of them are near; near texts also share rarer ones.
COMMON = 40
HINTS = 3


def near_duplicates(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Places of every two texts whose similarity is above NEAR, the earlier first.

    Of a family of more than COMMON near texts each is compared with the first COMMON, so that all of it hangs together.
    """
    # One number for each sequence: sets of shared numbers are several times smaller than sets of strings.
    numbers: dict[str, int] = {}
    grams = [{numbers.setdefault(gram, len(numbers)) for gram in _grams(one)} for one in texts]
    holders: list[list[int]] = [[] for _ in numbers]
    for index, own in enumerate(grams):
        rare = [gram for gram in own if len(holders[gram]) < COMMON]
        # Near texts share more than half of their sequences. Where so few are rare that all shared ones may be common, it
        # may be a family that made them so.
        hinting = rare if 2 * (len(rare) - HINTS) > len(own) else own
        hints = Counter(other for gram in hinting for other in holders[gram])
        for other, count in hints.items():
            if count >= min(HINTS, len(own)) and _near(own, grams[other]):
                yield other, index
        for gram in rare:
            holders[gram].append(index)


def _near(one: set[int], other: set[int]) -> bool:
    least, most = sorted((len(one), len(other)))
    # Even if all of the smaller were in the larger one.
    if least <= NEAR * most:
        return False
    shared = len(one & other)
    return shared > NEAR * (least + most - shared)


def _grams(text: str) -> set[str]:
    letters = "".join(character for character in text.casefold() if character.isalnum())
    if not letters:
        # Nothing to compare: two texts of signs alone are the same or are not.
        return set()
    if not is_cjk(max(letters)):
        return {letters[start : start + GRAM] for start in range(max(1, len(letters) - GRAM + 1))}
    # By the letter that a sequence begins with: a text of two scripts is compared in each of them as that needs it.
    ends = (start + (GRAM_CJK if is_cjk(letter) else GRAM) for start, letter in enumerate(letters))
    return {letters[start:end] for start, end in enumerate(ends) if end <= len(letters)} or {letters}


def is_cjk(sign: str) -> bool:
    """Whether a sign is of Chinese, Japanese or Korean, or of the few other scripts that stand behind them in Unicode."""
    return sign >= "\u2e80"
