"""A number with its interval, which does not exist for too few items."""

from dataclasses import dataclass

# Fewer items give no figure: "too few" is a result, not a zero.
MIN_ITEMS = 30


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval, from `n` items.

    Below MIN_ITEMS it has neither value nor interval, whatever it was made with: the middle of an interval would be a
    point estimate under another name. From MIN_ITEMS on it has none where the number is not defined.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int

    def __post_init__(self) -> None:
        if self.n < MIN_ITEMS or self.value is None:
            for field in ("value", "low", "high"):
                object.__setattr__(self, field, None)

    @property
    def enough(self) -> bool:
        """Whether there are items enough for a figure."""
        return self.n >= MIN_ITEMS

    def __str__(self) -> str:
        if not self.enough:
            return f"not enough checks: {self.n} of {MIN_ITEMS}"
        if self.value is None or self.low is None or self.high is None:
            return "not defined"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"
