"""Which rows train and which validate: whole clusters, what is newest validates, and without times the hash decides."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from labeling.records import LabelledText, RecordError
from labeling.snapshot.clusters import clusters

DECIDED_AT = "decided_at"


@dataclass(frozen=True, slots=True)
class Sides:
    """For each row whether it validates, and the place of the first row of its cluster.

    `cut` is the moment from which on new content validates, None where no row has a time. `straddling` clusters have rows
    before and after it; they train as a whole.
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
    in another wording. Clusters without any time go by hash. The answer depends on the order of `rows`: sort them first.
    Raises RecordError for a time that cannot be read.
    """
    leaders = clusters(rows)
    validates = by_hash(rows, leaders, share)
    times: dict[int, list[datetime]] = defaultdict(list)
    sizes: dict[int, int] = defaultdict(int)
    for row, leader in zip(rows, leaders, strict=True):
        at = decided_at(row)
        times[leader] += [at] if at else []
        sizes[leader] += 1
    timed = {leader: min(found) for leader, found in times.items() if found}
    wanted = share * sum(sizes[leader] for leader in timed)
    newest: set[int] = set()
    taken = 0
    for leader in sorted(timed, key=lambda one: (timed[one], one), reverse=True):
        taken += sizes[leader]
        if taken > wanted and newest:
            break
        newest.add(leader)
    cut = min((timed[leader] for leader in newest), default=None)
    return Sides(
        validates=[
            leader in newest if leader in timed else hashed for leader, hashed in zip(leaders, validates, strict=True)
        ],
        leaders=leaders,
        cut=cut,
        straddling=sum(cut is not None and min(found) < cut <= max(found) for found in times.values() if found),
    )


def decided_at(row: LabelledText) -> datetime | None:
    """When the label was made, in UTC; None where the row does not say. Raises RecordError."""
    value = row.extra.get(DECIDED_AT)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise RecordError(f"row {row.id}: {DECIDED_AT} must be a moment such as 2026-11-29T12:00:00+00:00") from error
    if at.tzinfo is None:
        raise RecordError(f"row {row.id}: {DECIDED_AT} needs an offset from UTC, such as +00:00")
    return at.astimezone(UTC)
