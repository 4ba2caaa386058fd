"""How much graphic work one person is given: numbers of the operator, by convention rather than by science."""

from dataclasses import dataclass

from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """`day_seconds` is for how long originals may be open to one person in 24 hours, `stretch_seconds` how long work of
    high exposure may last without a break of `break_seconds`, `in_a_row` how many such cases may follow each other.

    Only told are `alert_seconds`, of originals open in 24 hours, and `break_after_seconds`, of such work without a break.
    """

    day_seconds: float = 4 * 3600.0
    stretch_seconds: float = 2 * 3600.0
    break_seconds: float = 600.0
    in_a_row: int = 5
    alert_seconds: float = 90 * 60.0
    break_after_seconds: float = 3600.0


def limits_of(settings: Settings) -> Limits:
    """The limits as the operator set them."""
    return Limits(
        day_seconds=settings.exposure_hours * 3600,
        stretch_seconds=settings.exposure_stretch_minutes * 60.0,
        break_seconds=settings.exposure_break_minutes * 60.0,
        in_a_row=settings.exposure_in_a_row,
        alert_seconds=settings.exposure_alert_minutes * 60.0,
        break_after_seconds=settings.exposure_break_after_minutes * 60.0,
    )
