"""Texts that say nearly the same: a corpus must not hold them, nor have one on each side of a split."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from labeling.corpus.reader import CorpusText

GRAM = 5
# Shared five-letter sequences over all of both (Jaccard). Rewordings of one template lie above, other texts far below.
NEAR = 0.5
# Sequences in more texts than this are no hint that two of them are near; near texts also share rarer ones.
COMMON = 40
HINTS = 3


def near_duplicates(texts: Sequence[CorpusText]) -> Iterator[tuple[CorpusText, CorpusText]]:
    """Pairs of texts whose similarity is above NEAR, apart from the two of a minimal pair."""
    holders: dict[str, list[int]] = defaultdict(list)
    grams = [_grams(one.text) for one in texts]
    for index, own in enumerate(grams):
        hints = Counter(other for gram in own if len(holders[gram]) < COMMON for other in holders[gram])
        for other, count in hints.items():
            if count < min(HINTS, len(own)) or _paired(texts[index], texts[other]):
                continue
            if len(own & grams[other]) > NEAR * len(own | grams[other]):
                yield texts[other], texts[index]
        for gram in own:
            holders[gram].append(index)


def _paired(one: CorpusText, other: CorpusText) -> bool:
    return one.pair is not None and one.pair == other.pair


def _grams(text: str) -> set[str]:
    letters = "".join(character for character in text.casefold() if character.isalnum())
    return {letters[start : start + GRAM] for start in range(max(1, len(letters) - GRAM + 1))}
