"""The model card: everything a reader must know before relying on a bundle.

It is written from the manifest of the bundle, and from the reports of `python -m eval run --json` that it is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.markdown import section_markdown
from eval.sections import Json, sections
from models.bundle import Bundle
from models.calibration import UNTRAINED_PRIOR

# With fewer validation positives than this, an area's score may order a queue but must not act by itself.
MIN_POSITIVES_TO_ACT = 50
# Base encoders, by their name in a training configuration, that know one language only.
ENGLISH_ENCODERS = frozenset({"minilm-l6"})

_LIMITS = """\
- **It learned sources, not policies.** Rows of a public collection share a style, and so do their labels; the network
  uses both. The figures below come from other rows of the *same* collections. On text from elsewhere, and most of all on
  everyday posts, quality is far lower, in some areas hardly above chance. Do not quote them as the quality of this
  model; measure on rows that your own reviewers labelled (`python -m eval run`).
- **It orders work and decides nothing.** Who is hurt, who is quoted and who is joking cannot be read off a score.
- **Known to go wrong:** quoted or condemned hate taken for hate, negation ignored, harmless questions with alarming words
  raised, altered spelling missed.
- **Severity** was mostly derived from the category a source used, seldom rated by a person."""

_ENGLISH = """\
- **Languages:** the encoder was made for English. In other languages the score rests on short strings of characters and
  tokens seen in training, and a language that is not in the list below was never seen at all."""
_MULTILINGUAL = """\
- **Languages:** the encoder knows many languages, but the labels that it was fine-tuned on are in those listed below, in
  most of them for few areas. In any other language the score is a guess by likeness."""

_SAME_ROWS = """\
- **Calibration and thresholds were fitted on the very rows the figures come from**, so calibration error, thresholds and
  flips look better than they are. The order of scores within a language, and so AUPRC there, is not touched by calibration;
  nor is the severity kappa, which depends on which side of even odds a severity falls."""
_CROSS_FITTED = """\
- **Thresholds were fitted on the very rows the figures come from**, so they, and the flips, look better than they are.
  Calibration errors are {measured}."""

_LANGUAGES = """\
- **How many rows of a language violate** is an accident of collecting. Where the language of a text is declared, it is taken out
  of the scores of {languages}; elsewhere it is still in them."""

_USE = """\
**Made for** putting reported content into the order in which people review it, suggesting the policy area a reviewer
sees first, and blurring media until somebody asks for more. A person decides every case.

**Not made for** removing content, suspending people or informing authorities without a person; for judging people rather
than texts; for languages and areas without figures here; for pictures, sound and video, of which it reads nothing."""

# What of a report the card shows, in this order.
_SHOWN = (
    "summary",
    "areas",
    "harm",
    "severity",
    "against-baseline",
    "against-previous",
    "hard",
    "identity",
    "behaviour",
)
_SLICES = frozenset({"By language", "By length", "By format", "By kind"})


class CardError(ValueError):
    """A manifest or a report that no card can be made of; the message says what is wrong and how to mend it."""


def write_card(bundle: Bundle, path: Path, *, reports: Sequence[Json] = ()) -> None:
    """Write the card of `bundle` as Markdown. Raises CardError, OSError; then an earlier card stays."""
    try:
        text = card_text(bundle, reports=reports)
    except (KeyError, TypeError) as error:
        mend = "measure anew with `python -m eval run --json`, or export the bundle anew"
        raise CardError(f"the manifest of {bundle.folder} or a report lacks a figure ({error}); {mend}") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def card_text(bundle: Bundle, *, reports: Sequence[Json] = ()) -> str:
    """The card as Markdown. Raises CardError for a report of another bundle, KeyError or TypeError for lack of figures."""
    training, metrics = bundle.manifest["training"], bundle.manifest["metrics"]
    for report in reports:
        if report["bundle"] != bundle.hash:
            raise CardError(
                f"the report is of bundle {report['bundle']}, the card is of {bundle.hash}; measure it anew"
            )
    parts = [
        f"# Model card: {bundle.name}",
        (
            "Written by `python -m eval card` from the manifest of the bundle"
            f"{' and the reports it was given' if reports else ''}; edit that command, not this page."
        ),
        f"Bundle `{bundle.hash}`, made {bundle.created}, taxonomy {bundle.taxonomy_version}.",
        "## Limits: read these first",
        _limits(bundle),
        "## Intended use",
        _USE,
        "## What it is",
        _description(bundle, training),
        *(part for report in reports for part in _measured(report)),
        "## Figures on validation rows of its own sources",
        _figures(bundle, metrics, training),
        "## What eight bits cost",
        _parity(metrics["parity"]),
        "## What it was trained on",
        _sources(training),
    ]
    return "\n\n".join(parts) + "\n"


def _measured(report: Json) -> list[str]:
    names = ", ".join(f"`{one['name']}` ({one['rows']:,} rows, sha256 `{one['sha256']}`)" for one in report["data"])
    found = {section.id: section for section in sections(report)}
    parts = [f"## Measured on {', '.join(one['name'] for one in report['data'])}", f"Rows: {names}. {_method(report)}"]
    parts += [part for name in _SHOWN if name in found for part in section_markdown(found[name], level=3)]
    if "slices" in found:
        chosen = tuple(table for table in found["slices"].tables if table.caption in _SLICES)
        parts += section_markdown(replace(found["slices"], tables=chosen), level=3)
    return parts


def _method(report: Json) -> str:
    wanted = [*(f"only {one}" for one in report["filters"]["wanted"])]
    wanted += [f"without {one}" for one in report["filters"]["unwanted"]]
    return (
        f"Filters: {', '.join(wanted) or 'none'}. Intervals hold 95 % of {report['settings']['draws']} bootstrap draws of "
        "rows; they say nothing about other sources."
    )


def _limits(bundle: Bundle) -> str:
    positives: Mapping[str, int] = bundle.manifest["metrics"]["calibration"]["positives"]
    untrained = [area for area in bundle.areas if area not in bundle.trained_areas]
    few = [area for area in bundle.trained_areas if positives[area] < MIN_POSITIVES_TO_ACT]
    lines = [
        _LIMITS,
        _ENGLISH if bundle.manifest["training"]["config"]["encoder"] in ENGLISH_ENCODERS else _MULTILINGUAL,
    ]
    measured = bundle.manifest["metrics"]["calibration"].get("measured")
    lines.append(_CROSS_FITTED.format(measured=measured) if measured else _SAME_ROWS)
    own: Mapping[str, list[str]] = bundle.manifest["metrics"]["calibration"].get("languages", {})
    if own:
        named = "; ".join(f"{language} ({_names(areas)})" for language, areas in own.items())
        lines.append(_LANGUAGES.format(languages=named))
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
        f"- Reads {_reading(bundle)}. Links, handles and mail addresses are replaced first.\n"
        f"- One ONNX graph in int8, {size / 1e6:.1f} MB with tokenizer and calibration.\n"
        f"- Trained for {training['minutes']:g} minutes on CPU: {training['rows_seen']:,} rows seen, out of "
        f"{training['rows_selected']:,} selected; {_seeds(training)}; {_data(training['data'])}."
    )


def _seeds(training: Mapping[str, Any]) -> str:
    """The seed, or those of the networks whose mean this one is."""
    averaged = training["data"].get("averaged")
    if not averaged:
        return f"seed {training['config']['seed']}"
    each = (f"bundle `{one['bundle']}`" if one["bundle"] else f"seed {one['config']['seed']}" for one in averaged)
    return f"the mean of {len(averaged)} networks: {', '.join(each)}"


def _reading(bundle: Bundle) -> str:
    windows = bundle.manifest.get("windows", 1)
    if windows == 1:
        return f"the first {bundle.max_tokens} tokens of a text"
    return f"a text in up to {windows} windows of {bundle.max_tokens} tokens, of which the highest score counts"


def _data(data: Mapping[str, Any]) -> str:
    if "files" not in data:
        return f"training file sha256 `{data['sha256']}`"
    files = "training files " + ", ".join(f"`{one['name']}` sha256 `{one['sha256']}`" for one in data["files"])
    before = data.get("started_from")
    if not before:
        return files
    origin = f"bundle `{before['bundle']}`" if before["bundle"] else "another run"
    return f"{files}; went on from {origin}, trained on {_data(before['data'])}"


def _digests(value: str | Sequence[str]) -> str:
    every = [value] if isinstance(value, str) else value
    return f"file{'s' if len(every) > 1 else ''} sha256 " + ", ".join(f"`{one}`" for one in every)


def _figures(bundle: Bundle, metrics: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    served, exact, baseline = metrics["int8"], metrics["float32"], metrics["baseline"]
    compared = f"{baseline['model']}, fitted on {baseline['rows_selected']:,} rows" if baseline else "not measured"
    lines = [
        (
            f"{metrics['validation']['rows']:,} rows, {_digests(metrics['validation']['sha256'])}. An area is measured "
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
