"""What the release gate knows of the bundle before: differences by area, and which areas only one of the two has."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from eval.gate_findings import SHA256, Evidence, Findings, Json, data_hashes, lookup, numbers


@dataclass(frozen=True, slots=True)
class Gap:
    """Ours, theirs, and the upper end of the interval of the difference: below 0 it is surely a loss."""

    ours: float
    theirs: float
    high: float


@dataclass(frozen=True, slots=True)
class Before:
    """Differences to the previous bundle by area, and for `macro` over the areas of both.

    The previous bundle does not have the `new` areas, and this one does not have the `lost` ones.
    """

    gaps: dict[str, Gap] = field(default_factory=dict)
    new: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def against_previous(evidence: Evidence, found: Findings) -> Before | None:
    """The comparison with the previous bundle; None where it cannot be had, which is said.

    Paired differences on the same rows are taken where the report has them for that bundle; else two reports on the
    same data are held against each other, and our own interval stands for the noise.
    """
    report, previous = evidence.report, evidence.previous
    paired = lookup(report, "comparisons", "previous")
    if previous is None and paired is None:
        if evidence.first:
            found.notes.append("stated: there is no previous bundle")
            found.excused = True
        else:
            found.wrong.append("there is no previous bundle to compare with: give its report, or state that it is none")
        return None
    system = str(previous.get("bundle") if previous is not None else lookup(paired, "system"))
    if SHA256.search(system) is None:
        found.wrong.append("the report does not name the previous bundle by its hash; measure anew with `eval run`")
        return None
    if evidence.bundle.hash in system:
        found.wrong.append("the bundle is compared with itself; compare it with the one before")
        return None
    if previous is not None and (paired is None or str(previous.get("bundle")) not in str(lookup(paired, "system"))):
        return _unpaired(evidence, previous, found)
    return _paired(paired, found)


def _paired(paired: Json, found: Findings) -> Before | None:
    new, lost = (lookup(paired, name) for name in ("unknown_to_them", "unknown_to_us"))
    if not isinstance(new, list) or not isinstance(lost, list):
        found.wrong.append("the report does not say which areas the previous bundle has; measure anew with `eval run`")
        return None
    gaps = {**(lookup(paired, "areas") or {}), "macro": lookup(paired, "macro")}
    known = {
        name: Gap(*three) for name, one in gaps.items() if len(three := numbers(one, "ours", "theirs", "high")) == 3
    }
    return Before(known, _names(new), _names(lost))


def _unpaired(evidence: Evidence, previous: Json, found: Findings) -> Before | None:
    report = evidence.report
    if not data_hashes(report) or data_hashes(report) != data_hashes(previous):
        found.wrong.append("the previous report was measured on other data; measure both on the same")
        return None
    for same in (("filters",), ("settings", "macro_positives")):
        if lookup(report, *same) != lookup(previous, *same):
            found.wrong.append(f"the previous report differs in {'.'.join(same)}; measure both alike")
            return None
    theirs = {*(previous.get("areas") or {}), *(previous.get("too_few") or {})}
    ours = evidence.bundle.areas
    lost = _names(theirs - set(ours))
    if lookup(report, "macro_auprc", "areas") != lookup(previous, "macro_auprc", "areas"):
        said = f" (areas that this bundle lacks: {', '.join(lost)})" if lost else ""
        found.wrong.append(
            f"the previous report differs in macro_auprc.areas{said}; compare with `eval run --against`, which takes the "
            "areas of both"
        )
        return None
    return Before(_gaps(report, previous), tuple(area for area in ours if area not in theirs), lost)


def _gaps(report: Json, previous: Json) -> dict[str, Gap]:
    pairs = {name: (one, lookup(previous, "areas", name)) for name, one in (report.get("areas") or {}).items()}
    gaps = {
        name: (numbers(ours, "auprc", "auprc_high"), numbers(theirs, "auprc")) for name, (ours, theirs) in pairs.items()
    }
    gaps["macro"] = (
        numbers(report.get("macro_auprc"), "value", "high"),
        numbers(previous.get("macro_auprc"), "value"),
    )
    return {
        name: Gap(ours[0], theirs[0], ours[1] - theirs[0])
        for name, (ours, theirs) in gaps.items()
        if len(ours) == 2 and len(theirs) == 1
    }


def _names(areas: Iterable[object]) -> tuple[str, ...]:
    return tuple(sorted(map(str, areas)))
