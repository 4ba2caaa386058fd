"""The model card: everything a reader must know before relying on a bundle, written from its manifest alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.bundle import Bundle
from models.calibration import UNTRAINED_PRIOR

# With fewer validation positives than this, an area's score may order a queue but must not act by itself.
MIN_POSITIVES_TO_ACT = 50

_LIMITS = """\
- **It learned sources, not policies.** Rows of a public collection share a style, and so do their labels; the network
  uses both. The figures below come from other rows of the *same* collections. On text from elsewhere, and most of all on
  everyday posts, quality is far lower, in some areas hardly above chance. Do not quote them as the quality of this
  model; measure on rows that your own reviewers labelled (`python -m eval run`).
- **It orders work and decides nothing.** Who is hurt, who is quoted and who is joking cannot be read off a score.
- **Known to go wrong:** quoted or condemned hate taken for hate, negation ignored, harmless questions with alarming words
  raised, altered spelling missed.
- **Languages:** the encoder was made for English. In other languages the score rests on short strings of characters and
  tokens seen in training, and a language that is not in the list below was never seen at all.
- **Severity** was mostly derived from the category a source used, seldom rated by a person.
- **Calibration and thresholds were fitted on the very rows the figures come from**, so calibration error, thresholds and
  flips look better than they are. The order of scores, and so AUPRC, is not touched by calibration; nor is the severity
  kappa, which depends on which side of even odds a severity falls."""


def write_card(bundle: Bundle, path: Path) -> None:
    """Write the card of `bundle` as Markdown. Raises OSError, and KeyError for a manifest without figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(card_text(bundle), encoding="utf-8")


def card_text(bundle: Bundle) -> str:
    """The card as Markdown."""
    training, metrics = bundle.manifest["training"], bundle.manifest["metrics"]
    parts = [
        f"# Model card: {bundle.name}",
        "Written by `python -m eval card` from the manifest of the bundle; edit that command, not this page.",
        f"Bundle `{bundle.hash}`, made {bundle.created}, taxonomy {bundle.taxonomy_version}.",
        "## Limits: read these first",
        _limits(bundle),
        "## What it is",
        _description(bundle, training),
        "## Figures on validation rows of its own sources",
        _figures(bundle, metrics, training),
        "## What eight bits cost",
        _parity(metrics["parity"]),
        "## What it was trained on",
        _sources(training),
    ]
    return "\n\n".join(parts) + "\n"


def _limits(bundle: Bundle) -> str:
    positives: Mapping[str, int] = bundle.manifest["metrics"]["calibration"]["positives"]
    untrained = [area for area in bundle.areas if area not in bundle.trained_areas]
    few = [area for area in bundle.trained_areas if positives[area] < MIN_POSITIVES_TO_ACT]
    lines = [_LIMITS]
    if untrained:
        lines.append(
            f"- **{len(untrained)} of {len(bundle.areas)} areas were never learned**, for want of training rows: "
            f"{_names(untrained)}. Their score is {UNTRAINED_PRIOR} whatever the text says, so only reports and people "
            "find such cases."
        )
    if few:
        lines.append(
            f"- **Too few examples to act on** (under {MIN_POSITIVES_TO_ACT} validation positives): {_names(few)}. "
            "Read their figures as an anecdote."
        )
    return "\n".join(lines)


def _description(bundle: Bundle, training: Mapping[str, Any]) -> str:
    config, encoder = training["config"], training["encoder"]
    size = sum(entry["bytes"] for entry in bundle.manifest["files"].values())
    return (
        f"- Base encoder: `{encoder['package']}` {encoder['version']} ({encoder['licence']}), fine-tuned; beside it a table "
        f"of {config['wide_rows']:,} hashed token n-grams; both add up to one logit per area and four ordinal logits "
        '"more severe than".\n'
        f"- Reads the first {bundle.max_tokens} tokens of a text. Links, handles and mail addresses are replaced first.\n"
        f"- One ONNX graph in int8, {size / 1e6:.1f} MB with tokenizer and calibration.\n"
        f"- Trained for {training['minutes']:g} minutes on CPU: {training['rows_seen']:,} rows seen, out of "
        f"{training['rows_selected']:,} selected; seed {config['seed']}; training file sha256 "
        f"`{training['data']['sha256']}`."
    )


def _figures(bundle: Bundle, metrics: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    served, exact, baseline = metrics["int8"], metrics["float32"], metrics["baseline"]
    compared = (
        f"{baseline['model']}, fitted on the same {baseline['rows_selected']:,} rows" if baseline else "not measured"
    )
    lines = [
        (
            f"{metrics['validation']['rows']:,} rows, file sha256 `{metrics['validation']['sha256']}`. An area is measured "
            "on the rows where its label is known. AUPRC of a random order is the base rate. Intervals hold 95 % of "
            f"bootstrap draws of rows; they say nothing about other sources. The baseline is {compared}."
        ),
        "",
        "| area | training positives | rows | positives | base rate | AUPRC served | AUPRC float | AUPRC baseline | ECE |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for area, one in served["areas"].items():
        other = baseline["figures"]["areas"].get(area) if baseline else None
        trained_on = training["data"]["positives"].get(area, 0) if area in bundle.trained_areas else 0
        lines.append(
            f"| {area} | {trained_on:,} | {one['rows']:,} | {one['positives']:,} | {one['base_rate']:.4f} | "
            f"{_with_interval(one)} | {exact['areas'][area]['auprc']:.3f} | {_with_interval(other)} | "
            f"{one['calibration_error']:.3f} |"
        )
    lines += ["", _summary(served, exact, baseline)]
    return "\n".join(lines)


def _summary(served: Mapping[str, Any], exact: Mapping[str, Any], baseline: Mapping[str, Any] | None) -> str:
    against = f", baseline {_macro(baseline['figures'])}" if baseline else ""
    kappa = _number(served["severity_kappa"])
    lines = [
        f"- Macro AUPRC over {len(served['areas'])} areas: served {_macro(served)}, float {_macro(exact)}{against}.",
        f"- Severity: quadratic-weighted kappa {kappa} over {served['severity_rows']:,} rows with a known severity.",
    ]
    if baseline:
        behind = [
            f"{area} ({one['auprc']:.3f} against {other['auprc']:.3f})"
            for area, one in served["areas"].items()
            if (other := baseline["figures"]["areas"].get(area)) and other["auprc"] > one["auprc"]
        ]
        lines.append(f"- Behind the baseline in: {', '.join(behind) or 'no area'}.")
    if served["too_few"]:
        lines.append(f"- Not measurable for want of positives: {_names(served['too_few'])}.")
    return "\n".join(lines)


def _parity(parity: Mapping[str, Any]) -> str:
    return (
        f"Against the float network, calibrated probabilities of the learned areas move by {parity['quantised_mean']:.4f} "
        f"on average ({parity['quantised_p99']:.3f} at the 99th percentile, {parity['quantised_largest']:.3f} at most); "
        f"{parity['flips']:,} of {parity['decisions']:,} threshold decisions flip, and {parity['severity_changes']:,} of "
        f"{parity['severity_rows']:,} median severities change. The traced graph in float differs from the network by "
        f"{parity['trace_largest']:.1e} at most. A text's score does not depend on the texts scored beside it."
    )


def _sources(training: Mapping[str, Any]) -> str:
    data = training["data"]
    languages = ", ".join(f"{language} {count:,}" for language, count in data["languages"].items())
    allowed = ", ".join(training["config"]["licences"]) or "any"
    lines = [
        f"Rows by language: {languages}.",
        "",
        (
            f"Licences that the configuration admits: {allowed}. A licence on a collection does not clear the rights or "
            "the privacy of the people who wrote the texts."
        ),
        "",
        "| source | rows | licence |",
        "|---|---|---|",
    ]
    lines += [f"| {source} | {one['rows']:,} | {one['licence']} |" for source, one in data["sources"].items()]
    return "\n".join(lines)


def _with_interval(figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return "-"
    return f"{figures['auprc']:.3f} ({figures['interval']['low']:.3f} to {figures['interval']['high']:.3f})"


def _macro(figures: Mapping[str, Any]) -> str:
    interval = figures["macro_interval"]
    if interval is None:
        return "not measurable"
    return f"{figures['macro_auprc']:.4f} ({interval['low']:.4f} to {interval['high']:.4f})"


def _number(value: float | None) -> str:
    return "not measurable" if value is None else f"{value:.3f}"


def _names(areas: list[str] | Mapping[str, int]) -> str:
    return ", ".join(f"`{area}`" for area in areas)
