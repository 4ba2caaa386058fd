"""Means of a few independent runs, with the 95 % interval of Student's t (Biometrika 6, 1908)."""

import math
from collections.abc import Sequence

import numpy as np

# 97.5 % quantiles by degrees of freedom, from 1 on.
_TABLE = (
    *(12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281),
    *(2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860),
    *(2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423),
)
NORMAL = 1.959964


def student(freedom: int) -> float:
    """The 97.5 % quantile of Student's t, to four digits. Raises ValueError below one degree of freedom."""
    if freedom < 1:
        raise ValueError("one value has no spread: two or more are needed for an interval")
    if freedom <= len(_TABLE):
        return _TABLE[freedom - 1]
    # Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5.
    first = (NORMAL**3 + NORMAL) / 4
    second = (5 * NORMAL**5 + 16 * NORMAL**3 + 3 * NORMAL) / 96
    return NORMAL + first / freedom + second / freedom**2


def mean_and_half(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and half the width of its interval. Raises ValueError for fewer than two values."""
    factor = student(len(values) - 1)
    return float(np.mean(values)), factor * float(np.std(values, ddof=1)) / math.sqrt(len(values))
