"""The kinds of rule that the release gate knows: each asks a report for figures and says what is wrong with them.

Every rule fails closed: a figure that is missing, that is no number or that rests on too few rows counts as failed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from eval.figures import FIRM_POSITIVES
from eval.gate_findings import SHA256, Evidence, Findings, data_hashes, lookup, sha256s_in
from eval.gate_previous import Gap, against_previous


class Kind(Protocol):
    """One kind of rule; its fields are the parameters that the rules file gives."""

    def judge(self, evidence: Evidence, found: Findings) -> None:
        """Put into `found` what is wrong and what is fine."""
        ...


@dataclass(frozen=True, slots=True)
class AreaFloors:
    """Every area of the bundle was learned, has `min_positives`, reaches its floor and beats a random order.

    Areas in `unmeasured` are left out: name them for as long as there are no rows to judge them by. A name that is no
    area of the bundle is wrong: whoever wrote it meant a limit.
    """

    floor: float
    above_base_rate: float
    min_positives: int
    floors: dict[str, float] = field(default_factory=dict)
    unmeasured: tuple[str, ...] = ()

    def judge(self, evidence: Evidence, found: Findings) -> None:
        report = evidence.report
        foreign = [area for area in (*self.floors, *self.unmeasured) if area not in evidence.bundle.areas]
        found.wrong += [f"{area}: the rule names this area, which the bundle does not have" for area in foreign]
        for area in evidence.bundle.areas:
            if area in self.unmeasured:
                continue
            entry = lookup(report, "areas", area)
            if entry is None:
                positives = lookup(report, "too_few", area)
                found.wrong.append(f"{area}: not measured ({positives or 0} positives)")
                continue
            if lookup(entry, "trained") is not True:
                found.wrong.append(f"{area}: was never learned")
            if found.enough(f"{area}: positives", found.number(report, "areas", area, "positives"), self.min_positives):
                auprc = found.number(report, "areas", area, "auprc")
                base_rate = found.number(report, "areas", area, "base_rate")
                found.at_least(f"{area} AUPRC", auprc, self.floors.get(area, self.floor))
                if auprc is not None and base_rate is not None:
                    found.at_least(f"{area} AUPRC above its base rate", auprc - base_rate, self.above_base_rate)
        if self.unmeasured:
            found.notes.append(f"not asked for: {', '.join(self.unmeasured)}")


@dataclass(frozen=True, slots=True)
class MacroVersusPrevious:
    """Macro AUPRC is not surely below that of the previous bundle, and in no case by more than `max_drop`."""

    max_drop: float

    def judge(self, evidence: Evidence, found: Findings) -> None:
        before = against_previous(evidence, found)
        if before is not None and "macro" in before.gaps:
            _compare("macro AUPRC", before.gaps["macro"], self.max_drop, found=found)
            _note("not in it, new", before.new, found)
        elif before is not None:
            found.wrong.append("macro AUPRC: not compared with the previous bundle")


@dataclass(frozen=True, slots=True)
class AreasVersusPrevious:
    """No area with `min_positives` is surely below the previous bundle by more than `max_drop`, and none is gone.

    An area that the previous bundle does not have is new: the other rules judge it.
    """

    max_drop: float
    min_positives: int

    def judge(self, evidence: Evidence, found: Findings) -> None:
        before = against_previous(evidence, found)
        if before is None:
            return
        _note("new", before.new, found)
        found.wrong += [f"{area}: the previous bundle has this area, this one lacks it" for area in before.lost]
        for area in evidence.bundle.areas:
            if area in before.new:
                continue
            rare = lookup(evidence.report, "too_few", area) is not None
            positives = found.number(evidence.report, *(("too_few", area) if rare else ("areas", area, "positives")))
            if positives is None or positives < self.min_positives:
                continue
            gap = before.gaps.get(area)
            if gap is None:
                found.wrong.append(f"{area}: not compared with the previous bundle")
                continue
            drop = gap.theirs - gap.ours
            if gap.high < 0:
                found.at_most(f"{area} AUPRC surely lower, by", drop, self.max_drop)
            else:
                found.fine.append((self.max_drop - drop, f"{area} AUPRC {-drop:+.4f}, which may be chance"))


@dataclass(frozen=True, slots=True)
class AboveBaseline:
    """Macro AUPRC is surely above the baseline's by `min_difference`, and higher in a share of at least `min_areas`.

    The report must name the baseline's scores by sha256; where the manifest does so too, they must be the same.
    """

    min_difference: float
    min_share_of_areas: float
    min_areas: int

    def judge(self, evidence: Evidence, found: Findings) -> None:
        report, at = evidence.report, ("comparisons", "baseline")
        found.at_least(
            "macro AUPRC minus the baseline's", found.number(report, *at, "macro", "difference"), self.min_difference
        )
        found.at_least("lower end of that difference", found.number(report, *at, "macro", "low"), 0.0)
        self._check_scores(evidence, found)
        better, of = found.number(report, *at, "better_in"), found.number(report, *at, "of")
        if found.enough("areas compared with the baseline", of, max(self.min_areas, 1)) and better is not None and of:
            found.at_least("share of areas above the baseline", better / of, self.min_share_of_areas)
        left_out = lookup(report, *at, "unknown_to_them")
        _note("not learned by the baseline", left_out if isinstance(left_out, list) else (), found)

    def _check_scores(self, evidence: Evidence, found: Findings) -> None:
        named = SHA256.search(str(lookup(evidence.report, "comparisons", "baseline", "system")))
        expected = lookup(evidence.bundle.manifest, "metrics", "baseline", "scores_sha256")
        if named is None:
            found.wrong.append("the report does not name the baseline's scores by sha256; measure anew with `eval run`")
        elif expected is not None and named.group() != expected:
            found.wrong.append(f"the baseline's scores are {named.group()}, the manifest says {expected}")
        else:
            found.notes.append(f"scores of the baseline: {named.group()}")


@dataclass(frozen=True, slots=True)
class HardNegatives:
    """Harmless rows that look harmful: at the score that finds 80 % of the harm, at most `max_fpr` of them are hit.

    The `kinds` must each be there with `min_rows_of_kind`, and within `max_fpr_of_kind`: none, where that is not given.
    """

    max_fpr: float
    min_rows: int
    kinds: tuple[str, ...] = ()
    max_fpr_of_kind: float = 0.0
    min_rows_of_kind: int = 1

    def judge(self, evidence: Evidence, found: Findings) -> None:
        asked = [("all", self.min_rows, self.max_fpr)]
        asked += [(kind, self.min_rows_of_kind, self.max_fpr_of_kind) for kind in self.kinds]
        for kind, rows, limit in asked:
            at = ("hard_negatives", kind)
            if found.enough(f"hard negatives, {kind}", found.number(evidence.report, *at, "n_at_recall"), rows):
                rate = found.number(evidence.report, *at, "fpr_at_recall_80", "value")
                found.at_most(f"hard negatives, {kind}: false positives at recall .80", rate, limit)


@dataclass(frozen=True, slots=True)
class MinimalPairs:
    """Of at least `min_pairs` minimal pairs, both sides are right in a share of `min_both_right`."""

    min_both_right: float
    min_pairs: int

    def judge(self, evidence: Evidence, found: Findings) -> None:
        if found.enough("minimal pairs", found.number(evidence.report, "minimal_pairs", "n"), self.min_pairs):
            both = found.number(evidence.report, "minimal_pairs", "both_right", "value")
            found.at_least("minimal pairs both right", both, self.min_both_right)
            _note_thresholds(evidence, found)


@dataclass(frozen=True, slots=True)
class IdentityGap:
    """Harmless texts that mention a group are flagged at most `max_gap` more often than those that mention none.

    The `groups` must each be there with `min_rows`; others are judged when they have as many.
    """

    max_gap: float
    min_rows: int
    groups: tuple[str, ...]
    dialects: tuple[str, ...] = ()

    def judge(self, evidence: Evidence, found: Findings) -> None:
        _note_thresholds(evidence, found)
        for kind, asked in (("groups", self.groups), ("dialects", self.dialects)):
            seen = lookup(evidence.report, "identity", kind)
            for name in dict.fromkeys((*asked, *(seen if isinstance(seen, Mapping) else ()))):
                at = ("identity", kind, name)
                rows = [found.number(evidence.report, *at, count) for count in ("n", "n_without")]
                least = min((count for count in rows if count is not None), default=None)
                if name not in asked and least is not None and least < self.min_rows:
                    continue
                if found.enough(f"harmless rows, {name}", least, self.min_rows):
                    found.at_most(f"gap, {name}", found.number(evidence.report, *at, "gap", "value"), self.max_gap)


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """Every area with enough positives for it is calibrated within `max_ece`; there are at least `min_areas`.

    On rows that the bundle was calibrated on, the report's error is too good: there the errors of the manifest are
    taken, for which each half of those rows was calibrated on the other.
    """

    max_ece: float
    min_areas: int

    def judge(self, evidence: Evidence, found: Findings) -> None:
        fitted = calibrated_on_these(evidence)
        if fitted is None:
            found.wrong.append("report and manifest do not both say on which rows the bundle was calibrated")
            return
        if fitted:
            metrics = lookup(evidence.bundle.manifest, "metrics")
            optimistic = lookup(metrics, "calibration", "optimistic")
            if not isinstance(optimistic, list) or "calibration_error" in optimistic:
                found.wrong.append(
                    "measured on the rows of the calibration, and the manifest has no cross-fitted errors of them; "
                    "measure on other rows, or export the bundle anew"
                )
                return
            found.notes.append("errors of the manifest, cross-fitted on the rows of the calibration")
            self._limit(lookup(metrics, "int8", "areas"), "calibration_error", found)
        else:
            found.notes.append("errors of the report, on rows that the bundle was not calibrated on")
            self._limit(lookup(evidence.report, "areas"), "ece", found)

    def _limit(self, areas: Any, figure: str, found: Findings) -> None:
        named = areas if isinstance(areas, Mapping) else {}
        firm = [area for area in named if (found.number(named, area, "positives") or 0) >= FIRM_POSITIVES]
        found.enough("areas with enough positives for a calibration error", len(firm), self.min_areas)
        for area in firm:
            found.at_most(f"{area} ECE", found.number(named, area, figure), self.max_ece)


@dataclass(frozen=True, slots=True)
class Parity:
    """Eight bits cost at most `max_difference` of macro AUPRC and flip at most `max_flips` of the decisions.

    The figures come from the bundle's own manifest, whose hash is the bundle's name.
    """

    max_difference: float
    max_flips: float

    def judge(self, evidence: Evidence, found: Findings) -> None:
        metrics = lookup(evidence.bundle.manifest, "metrics")
        served, exact = (found.number(metrics, name, "macro_auprc") for name in ("int8", "float32"))
        if served is not None and exact is not None:
            found.at_most("macro AUPRC, float32 minus int8", exact - served, self.max_difference)
        flips, decisions = (found.number(metrics, "parity", name) for name in ("flips", "decisions"))
        if flips is not None and found.enough("decisions compared with float32", decisions, 1) and decisions:
            found.at_most("share of flipped decisions", flips / decisions, self.max_flips)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Pass rates of the behavioural suites, of at least `min_cases` each."""

    minimum: float
    invariance: float
    direction: float
    min_cases: int

    def judge(self, evidence: Evidence, found: Findings) -> None:
        suites = {"minimum": self.minimum, "invariance": self.invariance, "direction": self.direction}
        for suite, limit in suites.items():
            at = ("behaviour", suite, "total")
            if found.enough(f"cases of {suite}", found.number(evidence.report, *at, "n"), self.min_cases):
                found.at_least(f"passed in {suite}", found.number(evidence.report, *at, "rate"), limit)


@dataclass(frozen=True, slots=True)
class Severity:
    """Quadratic-weighted kappa of severity on rows rated by `raters`, "human" or "all"."""

    min_qwk: float
    min_rows: int
    raters: str

    def judge(self, evidence: Evidence, found: Findings) -> None:
        at = ("severity", self.raters)
        if found.enough(f"rows rated ({self.raters})", found.number(evidence.report, *at, "n"), self.min_rows):
            found.at_least("severity kappa", found.number(evidence.report, *at, "qwk", "value"), self.min_qwk)


@dataclass(frozen=True, slots=True)
class AnyHarm:
    """AUPRC of any harm over all rows."""

    min_auprc: float
    min_positives: int

    def judge(self, evidence: Evidence, found: Findings) -> None:
        positives = found.number(evidence.report, "any_harm", "positives")
        if found.enough("harmful rows", positives, self.min_positives):
            found.at_least("any-harm AUPRC", found.number(evidence.report, "any_harm", "auprc"), self.min_auprc)


@dataclass(frozen=True, slots=True)
class Slices:
    """Parts of the rows by `dimension`: each of `values` is there with enough rows and its AUPRC reaches the limit."""

    dimension: str
    values: tuple[str, ...]
    min_auprc: float
    min_rows: int
    min_positives: int

    def judge(self, evidence: Evidence, found: Findings) -> None:
        for value in self.values:
            at, label = ("slices", self.dimension, value), f"{self.dimension} {value}"
            rows, positives = (found.number(evidence.report, *at, name) for name in ("n", "positives"))
            enough = [
                found.enough(f"{label}: rows", rows, self.min_rows),
                found.enough(f"{label}: positives", positives, self.min_positives),
            ]
            if all(enough):
                found.at_least(f"{label} AUPRC", found.number(evidence.report, *at, "auprc"), self.min_auprc)


def calibrated_on_these(evidence: Evidence) -> bool | None:
    """Whether the report was measured on rows that the bundle was calibrated on; None where that is not known."""
    said = evidence.report.get("calibrated_on_these")
    fitted = set(sha256s_in(lookup(evidence.bundle.manifest, "metrics", "validation", "sha256")))
    if not isinstance(said, bool) or not fitted:
        return None
    return said or not fitted.isdisjoint(data_hashes(evidence.report))


def _note_thresholds(evidence: Evidence, found: Findings) -> None:
    fitted = calibrated_on_these(evidence)
    if fitted is not False:
        how = "it is not known whether thresholds" if fitted is None else "optimistic: thresholds"
        found.notes.append(f"{how} were chosen on these rows")


def _note(label: str, areas: Iterable[object], found: Findings) -> None:
    if names := ", ".join(map(str, areas)):
        found.notes.append(f"{label}: {names}")


def _compare(label: str, gap: Gap, max_drop: float, *, found: Findings) -> None:
    if gap.high < 0:
        found.wrong.append(f"{label} {gap.ours:.4f} is surely below the previous {gap.theirs:.4f}")
    else:
        found.at_most(f"{label} below the previous by", gap.theirs - gap.ours, max_drop)


KINDS: dict[str, type[Kind]] = {
    "above_baseline": AboveBaseline,
    "any_harm": AnyHarm,
    "area_floors": AreaFloors,
    "areas_vs_previous": AreasVersusPrevious,
    "behaviour": Behaviour,
    "calibration": CalibrationError,
    "hard_negatives": HardNegatives,
    "identity_gap": IdentityGap,
    "macro_vs_previous": MacroVersusPrevious,
    "minimal_pairs": MinimalPairs,
    "parity": Parity,
    "severity": Severity,
    "slices": Slices,
}
