"""Worked examples that were printed, as answers."""

import numpy as np
from numpy.typing import NDArray

from labeling.statistics.ratings import Ratings, ratings_of

# Cohen 1960, table 1 and 1968, table 1, N = 200: rows judge B, columns judge A; personality disorder, neurosis, psychosis.
COHEN = np.array([[88, 10, 2], [14, 40, 6], [18, 10, 12]])
# Cohen 1968, table 1: what each disagreement weighs.
COHEN_WEIGHTS = np.array([[0.0, 1, 3], [1, 0, 6], [3, 6, 0]])

# Fleiss 1971, table 1: 30 patients, each diagnosed by six psychiatrists: depression, personality disorder, schizophrenia,
# neurosis, other.
FLEISS = np.array(
    [
        [0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0],
        [2, 0, 4, 0, 0], [0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6],
        [1, 0, 0, 5, 0], [1, 1, 0, 4, 0], [0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1],
        [0, 0, 5, 0, 1], [3, 0, 0, 1, 2], [5, 1, 0, 0, 0], [0, 2, 0, 4, 0], [1, 0, 2, 0, 3],
        [0, 0, 0, 0, 6], [0, 1, 0, 5, 0], [0, 2, 0, 1, 3], [2, 0, 0, 4, 0], [1, 0, 0, 4, 1],
        [0, 5, 0, 1, 0], [4, 0, 0, 0, 2], [0, 2, 0, 4, 0], [1, 0, 5, 0, 0], [0, 0, 0, 0, 6],
    ]
)  # fmt: skip

# Krippendorff 2011, section C: four observers of twelve units, "." is no answer. Gwet 2014 uses the same data.
KRIPPENDORFF = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")

# Dawid and Skene 1979, table 1: 45 patients; anaesthetist 1 judged each three times, 2 to 5 once.
ANAESTHETISTS = (
    "111 1 1 1 1/333 4 3 3 4/112 2 1 2 2/222 3 1 2 1/222 3 2 2 2/222 3 3 2 2/122 2 1 1 1/333 3 4 3 3/222 2 2 2 3/"
    "232 2 2 2 3/444 4 4 4 4/222 3 3 4 3/111 1 1 1 1/222 3 2 1 2/121 1 1 1 1/111 2 1 1 1/111 1 1 1 1/111 1 1 1 1/"
    "222 2 2 2 1/222 1 3 2 2/222 2 2 2 2/222 2 2 2 1/222 3 2 2 2/221 2 2 2 2/111 1 1 1 1/111 1 1 1 1/232 2 2 2 2/"
    "111 1 1 1 1/111 1 1 1 1/112 1 1 2 1/111 1 1 1 1/333 3 2 3 3/111 1 1 1 1/222 2 2 2 2/222 3 2 3 2/433 4 3 4 3/"
    "221 2 2 3 2/232 3 2 3 3/333 3 4 3 2/111 1 1 1 1/111 1 1 1 1/121 2 1 1 1/232 2 2 2 2/121 1 1 1 1/222 2 2 2 2"
)


def krippendorff_counts() -> NDArray[np.int64]:
    """How many observers gave each unit each of the five values."""
    return np.array([[sum(row[unit] == value for row in KRIPPENDORFF) for value in "12345"] for unit in range(12)])


def anaesthetists() -> Ratings:
    """The judgements, patients named 01 to 45 and anaesthetists 1 to 5."""
    return ratings_of(
        (f"{patient:02}", str(observer), int(answer))
        for patient, row in enumerate(ANAESTHETISTS.split("/"), start=1)
        for observer, answers in enumerate(row.split(), start=1)
        for answer in answers
    )
