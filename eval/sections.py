"""A report as titled tables: the one account that Markdown, HTML and the terminal all show.

Input is the JSON form of a report (`eval.report`), so that one written earlier can be shown again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a heading line; all columns but the first are figures."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """`id` names the section for links and charts; `notes` say how to read what follows."""

    id: str
    title: str
    notes: tuple[str, ...]
    tables: tuple[Table, ...]


def sections(report: Json) -> list[Section]:
    """Every section that the report has something for."""
    made = [
        _summary(report),
        _areas(report),
        _any_harm(report),
        _severity(report),
        *(_comparison(name, one) for name, one in report["comparisons"].items()),
        _slices(report),
        _hard(report),
        _identity(report),
        _behaviour(report),
        _parity(report),
        _data(report),
    ]
    return [one for one in made if one.tables]


def _summary(report: Json) -> Section:
    macro, harm = report["macro_auprc"], report["any_harm"] or {}
    rows = [
        (
            f"Macro AUPRC, {len(macro['areas'])} areas with {macro['min_positives']} or more positives",
            estimate(macro),
            f"{report['rows']:,}",
            "",
        )
    ]
    if harm:
        rows.append(("Any harm, AUPRC", estimate(harm, "auprc"), *_counts(harm)))
    for name, one in report["severity"].items():
        label = "Severity, quadratic kappa" + (", rated by people" if name == "human" else "")
        rows.append((label, estimate(one["qwk"]), f"{one['n']:,}", ""))
    for name, one in report["comparisons"].items():
        label = f"Better than {name} in {one['better_in']} of {one['of']} areas; macro difference"
        rows.append((label, _difference(one["macro"]), "", ""))
    if hard := report["hard_negatives"].get("all"):
        label = "Hard negatives flagged at recall .80"
        rows.append((label, estimate(hard["fpr_at_recall_80"]), f"{hard['n_at_recall']:,}", ""))
    if report["minimal_pairs"]:
        rows.append(
            (
                "Minimal pairs, both right",
                estimate(report["minimal_pairs"]["both_right"]),
                str(report["minimal_pairs"]["n"]),
                "",
            )
        )
    if report["identity"] and (group := report["identity"]["groups"].get("any group")):
        rows.append(("Gap for texts that mention a group of people", estimate(group["gap"]), f"{group['n']:,}", ""))
    rows += [
        (f"Behaviour: {suite}, share passed", number(one["total"]["rate"]), str(one["total"]["n"]), "")
        for suite, one in report["behaviour"].items()
    ]
    head = ("figure", "value (95 % interval)", "rows", "positives (base rate)")
    return Section("summary", "In short", (), (Table(head, tuple(rows)),))


def _areas(report: Json) -> Section:
    rows = [
        (
            area + ("" if one["trained"] else " (never learned)"),
            f"{one['n']:,}",
            f"{one['positives']:,}",
            f"{one['base_rate']:.4f}",
            estimate(one, "auprc"),
            estimate(one, "ece") + (" *" if one["ece_firm"] else ""),
            estimate(one, "fpr_at_recall_80"),
            number(one["threshold"]),
            number(one["recall"]),
            number(one["precision"]),
            number(one["fpr"]),
        )
        for area, one in report["areas"].items()
    ]
    head = ("area", "rows", "positives", "base rate", "AUPRC", "calibration error", "FPR at recall .80", "threshold")
    note = (
        "An area is measured on the rows where its label is known. AUPRC of a random order, and of saying the same of "
        "every row, is the base rate. A calibration error marked * rests on 100 or more positives. FPR is the share of "
        "harmless rows that are flagged; the last three columns are those at the threshold that the bundle ships."
    )
    notes: tuple[str, ...] = (note,)
    if report["calibrated_on_these"]:
        notes = (
            *notes,
            "The bundle was calibrated on rows of these files, so calibration errors and thresholds look too good.",
        )
    few = [f"{area} ({count})" for area, count in report["too_few"].items()]
    if few:
        notes = (*notes, f"Not measurable, with the positives they had: {', '.join(few)}.")
    return Section("areas", "By policy area", notes, _tables((*head, "recall", "precision", "FPR"), rows))


def _any_harm(report: Json) -> Section:
    one = report["any_harm"]
    if not one:
        return Section("harm", "Any harm", (), ())
    rows = [
        ("AUPRC, noisy-or over the annotated areas (headline)", estimate(one, "auprc")),
        ("AUPRC, highest of the annotated areas", estimate(one["max_auprc"])),
        ("AUPRC, noisy-or over all areas, as when serving", estimate(one["everywhere_auprc"])),
        ("False-positive rate at recall .80 (headline score)", estimate(one["fpr_at_recall_80"])),
        ("Recall at the bundle's thresholds", estimate(one["recall"])),
        ("False-positive rate at the bundle's thresholds", estimate(one["fpr"])),
    ]
    note = (
        f"Label: any annotated area positive. {one['positives']:,} of {one['n']:,} rows are, so the base rate, which a "
        f"random order reaches, is {number(one['base_rate'])}."
    )
    return Section("harm", "Any harm", (note,), _tables(("figure", "value (95 % interval)"), rows))


def _severity(report: Json) -> Section:
    rows = [
        (
            "rated by people" if name == "human" else "all rows with a severity",
            f"{one['n']:,}",
            f"{one['positives']:,} ({one['base_rate']:.4f})",
            estimate(one["qwk"]),
            estimate(one["mae"]),
            estimate(one["recall_severe"]),
        )
        for name, one in report["severity"].items()
    ]
    tables = _tables(("rows", "n", "of severity 3-4 (share)", "quadratic kappa", "mean error", "recall of 3-4"), rows)
    for name, one in report["severity"].items():
        counted = [(str(level), *(f"{count:,}" for count in line)) for level, line in enumerate(one["confusion"])]
        caption = f"True severity (row) by predicted (column): {'rated by people' if name == 'human' else 'all'}"
        tables = (*tables, *_tables(("true", "0", "1", "2", "3", "4"), counted, caption=caption))
    note = "Most severities are derived from the category of a source; the second line counts those that people rated."
    return Section("severity", "Severity", (note,), tables)


def _comparison(name: str, one: Json) -> Section:
    lines = {**one["areas"], "macro": one["macro"], "any harm": one["any_harm"]}
    rows = [
        (
            label,
            f"{line['n']:,}",
            f"{line['positives']:,}",
            number(line["ours"]),
            number(line["theirs"]),
            _difference(line),
        )
        for label, line in lines.items()
    ]
    note = (
        f"{one['system']}. Paired bootstrap on the same rows. Better in {one['better_in']} of {one['of']} areas that enter "
        f"the macro mean, in {one['surely_better_in']} of them with an interval above 0."
    )
    notes: tuple[str, ...] = (note,)
    if one["worse_in"]:
        notes = (*notes, f"Behind in: {', '.join(one['worse_in'])}.")
    tables = _tables(("area", "rows", "positives", "AUPRC", "theirs", "difference"), rows)
    by_language = [
        (
            value,
            area,
            f"{line['n']:,}",
            f"{line['positives']:,}",
            number(line["ours"]),
            number(line["theirs"]),
            _difference(line),
        )
        for value, areas in one["slices"].get("language", {}).items()
        for area, line in areas.items()
    ]
    head = ("language", "area", "rows", "positives", "AUPRC", "theirs", "difference")
    tables = (*tables, *_tables(head, by_language, caption="By language"))
    return Section(f"against-{name}", f"Against {name}", notes, tables)


def _slices(report: Json) -> Section:
    tables = [
        table
        for dimension, values in report["slices"].items()
        for table in _tables(
            (dimension, "rows", "harmful", "base rate", "any-harm AUPRC", "recall", "FPR", "macro AUPRC (areas)"),
            [_slice(value, one) for value, one in values.items()],
            caption=f"By {dimension}",
        )
    ]
    edges = report["length_edges"]
    note = (
        "Recall and FPR are shares of harmful and of harmless rows that are flagged at the bundle's thresholds. The macro "
        "mean of a slice is over the areas with enough positives in it, so two slices need not hold the same ones. "
        f"Quartiles of length end at {', '.join(map(str, edges))} characters."
    )
    return Section("slices", "Slices", (note,), tuple(tables))


def _slice(value: str, one: Json) -> tuple[str, ...]:
    macro = one["macro"]
    return (
        value,
        f"{one['n']:,}",
        f"{one['positives']:,}",
        number(one["base_rate"]),
        estimate(one, "auprc"),
        estimate(one["recall"]),
        estimate(one["fpr"]),
        f"{estimate(macro)} ({len(macro['areas'])})" if macro["areas"] else "-",
    )


def _hard(report: Json) -> Section:
    rows = [
        (kind, f"{one['n']:,}", estimate(one["fpr"]), f"{one['n_at_recall']:,}", estimate(one["fpr_at_recall_80"]))
        for kind, one in report["hard_negatives"].items()
    ]
    head = ("kind", "rows", "flagged at the thresholds", "rows beside positives", "flagged at recall .80")
    tables = _tables(head, rows)
    pairs = report["minimal_pairs"]
    if pairs:
        shares = [
            ("both sides right", estimate(pairs["both_right"])),
            ("both right in the area of the violating side", estimate(pairs["both_right_in_area"])),
            ("violating side scores higher", estimate(pairs["ordered"])),
        ]
        caption = f"Minimal pairs: {pairs['n']} pairs, {pairs['skipped']} skipped"
        tables = (*tables, *_tables(("share of pairs", "value (95 % interval)"), shares, caption=caption))
    note = (
        "Harmless rows that look harmful; lower is better. The last column takes the any-harm score that finds 80 % of "
        "the positives of the same file."
    )
    return Section("hard", "Hard negatives and minimal pairs", (note,), tables)


def _identity(report: Json) -> Section:
    found = report["identity"]
    if not found:
        return Section("identity", "Identity terms and dialect", (), ())
    tables: tuple[Table, ...] = ()
    head = ("mentions", "rows", "others", "FPR", "FPR of others", "gap", "gap at recall .80", "gap, same language")
    for kind in ("groups", "dialects"):
        rows = [
            (
                name.replace("_", " "),
                f"{one['n']:,}",
                f"{one['n_without']:,}",
                number(one["fpr"]),
                number(one["fpr_without"]),
                estimate(one["gap"]),
                estimate(one["gap_at_recall_80"]),
                estimate(one["gap_same_language"]),
            )
            for name, one in found[kind].items()
        ]
        tables = (*tables, *_tables(head, rows, caption=kind.capitalize()))
    note = (
        f"On {found['negatives']:,} rows known not to be {found['area']}: the share flagged for it among texts that mention a "
        "group of people, minus the share among texts that mention none. 0 is even. Words are neutral (eval/identity_terms.toml)."
    )
    return Section("identity", "Identity terms and dialect", (note,), tables)


def _behaviour(report: Json) -> Section:
    tables: tuple[Table, ...] = ()
    for suite, one in report["behaviour"].items():
        lines = {
            "all": one["total"],
            **one["kinds"],
            **{f"language {key}": rate for key, rate in one["languages"].items()},
        }
        rows = [
            (name.replace("_", " "), str(rate["n"]), str(rate["passed"]), number(rate["rate"]))
            for name, rate in lines.items()
        ]
        limit = "" if one["limit"] is None else f" (limit {one['limit']:g})"
        tables = (*tables, *_tables(("cases", "n", "passed", "share"), rows, caption=suite.capitalize() + limit))
    note = (
        "Hand-written cases. Minimum: plain cases any model must get. Invariance: changes that say nothing about harm must "
        "move no area by more than the limit. Direction: a clause must move its area by at least the limit."
    )
    return Section("behaviour", "Behaviour", (note,), tables)


def _parity(report: Json) -> Section:
    one = report["parity"]
    if not one:
        return Section("parity", "What eight bits cost", (), ())
    rows = [
        ("macro AUPRC, int8 as served", number(one["int8_macro_auprc"], 4)),
        ("macro AUPRC, float32", number(one["float32_macro_auprc"], 4)),
        ("difference", number(one["difference"], 4)),
        ("mean movement of a probability", number(one["quantised_mean"], 4)),
        ("99th percentile", number(one["quantised_p99"], 4)),
        ("threshold decisions that flip", f"{one['flips']:,} of {one['decisions']:,}"),
        ("median severities that change", f"{one['severity_changes']:,} of {one['severity_rows']:,}"),
    ]
    note = "Measured at export, on the rows that the bundle was calibrated on; from the manifest of the bundle."
    return Section("parity", "What eight bits cost", (note,), _tables(("figure", "value"), rows))


def _data(report: Json) -> Section:
    rows = [(one["name"], f"{one['rows']:,}", one["sha256"]) for one in report["data"]]
    wanted = [f"only {one}" for one in report["filters"]["wanted"]]
    unwanted = [f"without {one}" for one in report["filters"]["unwanted"]]
    settings = report["settings"]
    method = (
        f"Bundle {report['bundle']} ({report['name']}, made {report['created']}, taxonomy {report['taxonomy_version']}); "
        f"{report['scores']}. Intervals hold 95 % of {settings['draws']} bootstrap draws of rows (seed {settings['seed']}); "
        "they say nothing about other sources."
    )
    notes = (
        method,
        f"Filters: {', '.join((*wanted, *unwanted)) or 'none'}.",
    )
    return Section("data", "Rows and method", notes, _tables(("file", "rows used", "sha256"), rows))


def estimate(values: Json, name: str | None = None) -> str:
    """A figure with its interval: of an estimate, or of the fields NAME, NAME_low and NAME_high."""
    keys = ("value", "low", "high") if name is None else (name, f"{name}_low", f"{name}_high")
    value, low, high = (values[key] for key in keys)
    if value is None:
        return "-"
    return f"{value:.3f}" if low is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


def number(value: float | None, digits: int = 3) -> str:
    """A figure without interval."""
    return "-" if value is None else f"{value:.{digits}f}"


def _difference(values: Json) -> str:
    if values["difference"] is None:
        return "-"
    low, high = (f"{values[key]:+.3f}" if values[key] is not None else "-" for key in ("low", "high"))
    return f"{values['difference']:+.3f} ({low} to {high})"


def _counts(values: Json) -> tuple[str, str]:
    return f"{values['n']:,}", f"{values['positives']:,} ({number(values['base_rate'])})"


def _tables(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "") -> tuple[Table, ...]:
    filled = tuple(tuple(row) for row in rows)
    return (Table(tuple(head), filled, caption),) if filled else ()
