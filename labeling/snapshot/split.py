"""Which rows train and which validate: whole clusters, what is newest validates, and without times the hash decides."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from labeling.fields import decided_at
from labeling.records import LabelledText
from labeling.snapshot.clusters import clusters

# Further from the share than this part of it is not what was asked for; a single row may always be.
FAR_OFF = 0.5


class SplitError(ValueError):
    """Rows that cannot be divided as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Sides:
    """For each row whether it validates, and the place of the first row of its cluster.

    `cut` is the moment from which on new content validates, None where no time divides the rows. `straddling` clusters have
    rows before and after it; they train as a whole.
    """

    validates: list[bool]
    leaders: list[int]
    cut: datetime | None
    straddling: int


def by_hash(rows: Sequence[LabelledText], leaders: Sequence[int], share: float) -> list[bool]:
    """Which rows validate: decided for each cluster by the hash of the text of its first row."""
    keys = [" ".join(rows[leader].text.casefold().split()) for leader in leaders]
    return [int(hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:8], 16) < share * 2**32 for key in keys]


def by_time(rows: Sequence[LabelledText], share: float) -> Sides:
    """Divide rows so that about `share` of them validate, and all of those are newer than the cut.

    A cluster that began before the cut trains with all its rows: the validation holds only what training cannot have seen
    in another wording. What began in one moment is taken or left whole. Clusters without any time go by hash, and so do all
    where there is but one moment. The answer depends on the order of `rows`: sort them first. Raises SplitError where no
    cut comes near the share, RecordError for a time that cannot be read.
    """
    leaders = clusters(rows)
    times: dict[int, list[datetime]] = defaultdict(list)
    for row, leader in zip(rows, leaders, strict=True):
        if at := decided_at(row):
            times[leader].append(at)
    began = {leader: min(found) for leader, found in times.items()}
    cut = _cut(Counter(began[leader] for leader in leaders if leader in began), share)
    by_text = by_hash(rows, leaders, share)
    return Sides(
        validates=[
            began[leader] >= cut if cut and leader in began else hashed
            for leader, hashed in zip(leaders, by_text, strict=True)
        ],
        leaders=leaders,
        cut=cut,
        straddling=sum(cut is not None and min(found) < cut <= max(found) for found in times.values()),
    )


def _cut(rows: Mapping[datetime, int], share: float) -> datetime | None:
    """The moment from which on about `share` of the rows began; `rows` counts those of each moment.

    Of all moments the one that comes nearest, None where there is only one. Raises SplitError where none comes near.
    """
    if len(rows) < 2:
        return None
    every = sum(rows.values())
    wanted = share * every
    newest = sorted(rows, reverse=True)[:-1]
    reached = list(accumulate(rows[at] for at in newest))
    best = min(range(len(newest)), key=lambda place: abs(reached[place] - wanted))
    if abs(reached[best] - wanted) > max(1.0, FAR_OFF * wanted):
        below, above = [one for one in reached if one <= wanted], [one for one in reached if one > wanted]
        near = [*below[-1:], *above[:1]]
        # Nearly all or next to nothing is no share that may be asked for.
        shares = [share for share in (f"{one / every:.2g}" for one in near) if 0 < float(share) < 1]
        raise SplitError(
            f"of {every} rows with a time {' or '.join(map(str, near))} can validate, not about {wanted:.0f}: groups that belong "
            "together and rows of one moment are never divided; bring more rows, of other moments"
            + (f", or ask for --share {' or '.join(shares)}" if shares else "")
        )
    return newest[best]
