"""What changed between two texts, line by line, in time that grows with their length and with nothing else.

Lines that are there once in both texts are anchors (patience diff, Bram Cohen); between them the same is done again, a few times.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

# The lines kept around a change; what lies between is left out, and says so.
AROUND = 2
LEFT_OUT = "…"
# Lines that are shown of a comparison, and of each where many versions are listed: a text that was written anew is better read
# than compared. One longer than WIDTH characters counts as often as that goes into it.
MOST_LINES = 1_000
LISTED_LINES = 100
WIDTH = 100
# How often what lies between anchors is looked through for further ones: what is left then goes and comes as a whole.
ROUNDS = 6

Line = tuple[Literal[" ", "-", "+"], str]


@dataclass(frozen=True, slots=True)
class Step:
    """Places of lines in the old and in the new text: of the same lines, or of those that go and those that come."""

    same: bool
    old: range
    new: range


def changed_lines(before: str, after: str, *, most: int = MOST_LINES) -> list[Line]:
    """The lines that go and come, each change with a few lines around it; nothing for equal texts.

    `most` of them, and then how many there are more.
    """
    old, new = before.splitlines(), after.splitlines()
    found = steps(old, new)
    if all(step.same for step in found):
        return []
    lines: list[Line] = []
    for place, step in enumerate(found):
        if step.same:
            stays = old[step.old.start : step.old.stop]
            lines += [(" ", line) for line in _around(stays, first=place == 0, last=place == len(found) - 1)]
        else:
            lines += [("-", line) for line in old[step.old.start : step.old.stop]]
            lines += [("+", line) for line in new[step.new.start : step.new.stop]]
    return _cut(lines, most)


def steps(old: Sequence[str], new: Sequence[str]) -> list[Step]:
    """How the new lines come of the old ones: stretches of both in order, without a gap."""
    found: list[Step] = []
    at_old = at_new = 0
    # Past both ends, so that what comes last is told like the rest.
    for one, other in [*_kept(old, new, (range(len(old)), range(len(new))), ROUNDS), (len(old), len(new))]:
        if one > at_old or other > at_new:
            found.append(Step(same=False, old=range(at_old, one), new=range(at_new, other)))
        if one < len(old):
            if found and found[-1].same:
                last = found.pop()
                found.append(Step(same=True, old=range(last.old.start, one + 1), new=range(last.new.start, other + 1)))
            else:
                found.append(Step(same=True, old=range(one, one + 1), new=range(other, other + 1)))
        at_old, at_new = one + 1, other + 1
    return found


def _kept(old: Sequence[str], new: Sequence[str], part: tuple[range, range], rounds: int) -> Iterator[tuple[int, int]]:
    """Places of lines that stay: a common beginning, a common end, and what anchors find between."""
    ours, theirs = part
    shorter = min(len(ours), len(theirs))
    head = 0
    while head < shorter and old[ours[head]] == new[theirs[head]]:
        head += 1
    tail = 0
    while tail < shorter - head and old[ours[-1 - tail]] == new[theirs[-1 - tail]]:
        tail += 1
    yield from zip(ours[:head], theirs[:head], strict=True)
    ours_left, theirs_left = ours[head : len(ours) - tail], theirs[head : len(theirs) - tail]
    anchors = _anchors(old, new, (ours_left, theirs_left)) if rounds > 1 else []
    at_ours, at_theirs = ours_left.start, theirs_left.start
    for one, other in anchors:
        yield from _kept(old, new, (range(at_ours, one), range(at_theirs, other)), rounds - 1)
        yield one, other
        at_ours, at_theirs = one + 1, other + 1
    if anchors:
        yield from _kept(old, new, (range(at_ours, ours_left.stop), range(at_theirs, theirs_left.stop)), rounds - 1)
    yield from zip(ours[len(ours) - tail :], theirs[len(theirs) - tail :], strict=True)


def _anchors(old: Sequence[str], new: Sequence[str], part: tuple[range, range]) -> list[tuple[int, int]]:
    """The most lines that are there once in both parts and in the same order. Blank ones say nothing of what is around them."""
    ours, theirs = (_once(lines, places) for lines, places in zip((old, new), part, strict=True))
    pairs = [(place, theirs[line]) for line, place in ours.items() if line in theirs]
    return _longest_in_order(sorted(pairs))


def _once(lines: Sequence[str], places: range) -> dict[str, int]:
    found: dict[str, int | None] = {}
    for place in places:
        line = lines[place]
        if line.strip():
            found[line] = None if line in found else place
    return {line: place for line, place in found.items() if place is not None}


def _longest_in_order(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of pairs that rise in the first place the longest choice that rises in the second too."""
    # For each length the lowest end that a choice of it can have, the pair it ends with, and of each pair the one before.
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, other) in enumerate(pairs):
        length = bisect_left(ends, other)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [other]
        last[length : length + 1] = [number]
    chosen: list[tuple[int, int]] = []
    number = last[-1] if last else -1
    while number >= 0:
        chosen.append(pairs[number])
        number = before[number]
    return chosen[::-1]


def _around(stays: list[str], *, first: bool, last: bool) -> list[str]:
    """Of lines that stay those next to a change."""
    before, after = stays[:AROUND], stays[-AROUND:]
    if first:
        return after
    if last:
        return before
    return stays if len(stays) <= 2 * AROUND else [*before, LEFT_OUT, *after]


def _cut(lines: list[Line], most: int) -> list[Line]:
    room = most
    for place, (_, line) in enumerate(lines):
        room -= max(1, len(line) // WIDTH)
        if room < 0:
            more = len(lines) - place
            words = f"{LEFT_OUT} and {more:,} more {'line' if more == 1 else 'lines'}: too much changed to show"
            return [*lines[:place], (" ", words)]
    return lines
