"""The release gate: a report of a bundle in, a verdict for that very bundle out, with a reason for every rule.

It fails closed: what was not measured did not pass. The rules lie in a TOML file, each with who answers for it, since
when and why. Latency is no part of it: that depends on the machine, and `make bench` measures it.
"""

import argparse
import hashlib
import json
import math
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from eval.gate_findings import SHA256, Evidence, Findings, Json, data_hashes, lookup, sha256s_in
from eval.gate_rules import KINDS, Kind
from eval.run import sha256_of
from models.atomic import write_atomically
from models.bundle import MANIFEST, load_bundle, manifest_hash
from models.verdict import FORMAT as VERDICT_FORMAT
from models.verdict import VERDICT_SUFFIX, RegistryError, read_verdict

RULES_FORMAT = 1
REPORT_FORMAT = 1
DEFAULT_RULES = Path(__file__).with_name("gate.toml")

_ABOUT = {"name": str, "kind": str, "owner": str, "since": date, "reason": str}


class GateError(ValueError):
    """Rules or a report that cannot be judged by; the message names the file and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the file: what it asks, who answers for it, since when, and why it is there."""

    name: str
    kind: str
    owner: str
    since: str
    reason: str
    check: Kind


@dataclass(frozen=True, slots=True)
class DataRule:
    """What a report must have been measured on: so many rows and draws, all of the files with these hashes, filtered so."""

    min_rows: int
    min_draws: int
    sha256: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """A rules file; `digest` is the sha256 of its bytes."""

    data: DataRule
    rules: tuple[Rule, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What one rule said."""

    rule: str
    kind: str
    passed: bool
    reason: str
    owner: str


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The verdict as it is written; `first` says that it was stated that there is no bundle to compare with."""

    format: int
    bundle: str
    passed: bool
    rules: tuple[RuleVerdict, ...]
    data_sha256: str
    report_sha256: str
    rules_sha256: str
    previous: str | None
    first: bool
    created: str


def load_rules(path: Path) -> Rules:
    """Read a rules file. Raises GateError: a rule that is not understood must not be passed over."""
    try:
        raw = path.read_bytes()
        values = tomllib.loads(raw.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GateError(f"{path}: cannot be read as rules ({error})") from error
    if values.pop("format", None) != RULES_FORMAT:
        raise GateError(f"{path}: format must be {RULES_FORMAT}")
    tables, data = values.pop("rule", None), values.pop("data", None)
    if values or not isinstance(data, dict) or not isinstance(tables, list) or not tables:
        raise GateError(f"{path}: must hold one [data] table, at least one [[rule]] and nothing else")
    rules = tuple(_rule(path, table) for table in tables)
    names = [rule.name for rule in rules]
    if len(set(names)) != len(names):
        raise GateError(f"{path}: every rule needs a name of its own")
    checked: DataRule = _filled(DataRule, data, f"{path}: [data]")
    return Rules(checked, rules, hashlib.sha256(raw).hexdigest())


def read_report(path: Path) -> tuple[Json, str]:
    """A report of `python -m eval run --json` and the sha256 of its bytes. Raises GateError."""
    try:
        raw = path.read_bytes()
        report = json.loads(raw)
    except (OSError, ValueError, RecursionError) as error:
        raise GateError(f"{path}: cannot be read as a report ({error}); make it with `python -m eval run`") from error
    if not isinstance(report, dict) or report.get("format") != REPORT_FORMAT:
        raise GateError(f"{path}: is no report of format {REPORT_FORMAT}; make it with `python -m eval run --json`")
    return report, hashlib.sha256(raw).hexdigest()


def judge(evidence: Evidence, rules: Rules, *, expected: Sequence[str] = ()) -> tuple[RuleVerdict, ...]:
    """What every rule says, what the report itself must be coming first; `expected` are hashes of its only data."""
    found = [
        RuleVerdict(name, "report", not findings.wrong, findings.reason(), "gate")
        for name, findings in _report_rules(evidence, rules.data, expected)
    ]
    for rule in rules.rules:
        findings = Findings()
        rule.check.judge(evidence, findings)
        if not (findings.fine or findings.wrong or findings.excused):
            findings.wrong.append("found nothing to judge")
        found.append(RuleVerdict(rule.name, rule.kind, not findings.wrong, findings.reason(), rule.owner))
    return tuple(found)


def add_gate_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `gate`, whose exit code is 0 for a bundle that passes, 1 for one that does not, 2 for unusable input."""
    gate = commands.add_parser("gate", help="judge a bundle by its report; ends with 1 if it must not be released")
    gate.set_defaults(run_command=run_gate)
    gate.add_argument("--bundle", type=Path, required=True, help="folder of the bundle")
    gate.add_argument("--report", type=Path, required=True, help="what `run --json` wrote of that bundle")
    before = gate.add_mutually_exclusive_group()
    before.add_argument("--previous", type=Path, help="report of the bundle that is live, on the same data")
    before.add_argument("--no-previous", action="store_true", help="state that there is no bundle to compare with")
    gate.add_argument("--rules", type=Path, default=DEFAULT_RULES, help="rules file (default: the one that ships)")
    gate.add_argument(
        "--data", type=Path, action="append", default=[], help="file the report must be about; may be repeated"
    )
    gate.add_argument("--out", type=Path, required=True, help="verdict file to write")


def run_gate(options: argparse.Namespace) -> None:
    """The command. A verdict of that bundle is removed first: input that cannot be judged leaves none.

    Raises GateError, BundleError, OSError, and SystemExit with 1 for a bundle that must not be released.
    """
    _make_room(options)
    bundle, rules = load_bundle(options.bundle), load_rules(options.rules)
    report, digest = read_report(options.report)
    previous = read_report(options.previous)[0] if options.previous else None
    evidence = Evidence(report, bundle, previous, first=options.no_previous)
    found = judge(evidence, rules, expected=[sha256_of(path) for path in options.data])
    verdict = GateVerdict(
        format=VERDICT_FORMAT,
        bundle=bundle.hash,
        passed=all(one.passed for one in found),
        rules=found,
        data_sha256=hashlib.sha256("\n".join(data_hashes(report)).encode()).hexdigest(),
        report_sha256=digest,
        rules_sha256=rules.digest,
        previous=_compared_with(report, previous),
        first=options.no_previous,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    text = json.dumps(asdict(verdict), indent=1, ensure_ascii=False) + "\n"
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(options.out, text.encode())
    sys.stdout.write(verdict_text(verdict) + "\n")
    if not verdict.passed:
        raise SystemExit(1)


def _make_room(options: argparse.Namespace) -> None:
    """Remove an earlier verdict of this bundle from `--out`. Raises GateError where something else would be lost."""
    out, judged = options.out, manifest_hash(options.bundle)
    inputs = [options.report, options.rules, *options.data, *([options.previous] if options.previous else [])]
    if out.resolve() in {path.resolve() for path in inputs} or options.bundle.resolve() in out.resolve().parents:
        raise GateError(f"{out}: is read by this very command; choose another --out")
    if out.name.endswith(VERDICT_SUFFIX):
        neighbour = out.with_name(out.name.removesuffix(VERDICT_SUFFIX))
        if manifest_hash(neighbour) not in {None, judged}:
            raise GateError(f"{out}: belongs to {neighbour / MANIFEST}, which is another bundle; choose another --out")
    if not out.exists():
        return
    try:
        earlier = read_verdict(out)
    except RegistryError as error:
        raise GateError(f"{out}: is there already and is no verdict; choose another --out, or remove it") from error
    if earlier.bundle == judged:
        out.unlink()


def _compared_with(report: Json, previous: Json | None) -> str | None:
    named = previous.get("bundle") if previous else lookup(report, "comparisons", "previous", "system")
    found = SHA256.search(str(named))
    return found.group() if found else None


def verdict_text(verdict: GateVerdict) -> str:
    """The verdict for a terminal, a line for each rule."""
    lines = [f"{'passed' if one.passed else 'FAILED'}  {one.rule}: {one.reason}" for one in verdict.rules]
    failed = sum(not one.passed for one in verdict.rules)
    last = f"{failed} of {len(verdict.rules)} rules failed" if failed else f"all {len(verdict.rules)} rules passed"
    return "\n".join([*lines, f"bundle {verdict.bundle}: {last}"])


def _report_rules(evidence: Evidence, rule: DataRule, expected: Sequence[str]) -> Iterator[tuple[str, Findings]]:
    report, bundle = evidence.report, evidence.bundle
    found = Findings(notes=["of this bundle"])
    for key, ours in (("bundle", bundle.hash), ("taxonomy_version", bundle.taxonomy_version)):
        if report.get(key) != ours:
            found.wrong.append(f"the report is about {key} {report.get(key)!r}, this is {ours!r}")
    yield "report is about this bundle", found

    found = Findings()
    found.enough("rows", found.number(report, "rows"), rule.min_rows)
    found.enough("bootstrap draws", found.number(report, "settings", "draws"), rule.min_draws)
    for key in ("wanted", "unwanted"):
        filters = lookup(report, "filters", key)
        if not isinstance(filters, list) or sorted(map(str, filters)) != sorted(getattr(rule, key)):
            found.wrong.append(f"filters {key} are {filters!r}, the rules say {list(getattr(rule, key))!r}")
    found.notes.append(f"{report.get('rows')} rows")
    yield "report covers enough", found

    hashes = data_hashes(report)
    found = Findings(notes=[f"{len(hashes)} files"])
    if not hashes or not all(SHA256.fullmatch(one) for one in hashes):
        found.wrong.append("the report does not name its data by sha256")
    if expected and sorted(expected) != hashes:
        found.wrong.append("the report was measured on other files than those given")
    found.wrong += [f"the report was not measured on the data {one}" for one in rule.sha256 if one not in hashes]
    yield "report is about the right data", found

    learned = set(sha256s_in(lookup(bundle.manifest, "training", "data")))
    found = Findings(notes=[f"none of {len(learned)} training files"])
    if not learned:
        found.wrong.append("the manifest does not name the files that the bundle was trained on by sha256")
    found.wrong += [f"the bundle was trained on the data {one}" for one in hashes if one in learned]
    yield "measured on rows it was not trained on", found


def _rule(path: Path, table: Any) -> Rule:
    if not isinstance(table, dict):
        raise GateError(f"{path}: a rule must be a [[rule]] table")
    where = f"{path}: rule {table.get('name')!r}"
    about: dict[str, Any] = {}
    for key, kind in _ABOUT.items():
        value = table.get(key)
        if type(value) is not kind or not value:
            raise GateError(f"{where}: {key} must be given as {kind.__name__}")
        about[key] = value
    if about["kind"] not in KINDS:
        raise GateError(f"{where}: kind {about['kind']!r} is unknown; known: {', '.join(KINDS)}")
    parameters = {key: value for key, value in table.items() if key not in _ABOUT}
    check: Kind = _filled(KINDS[about["kind"]], parameters, where)
    return Rule(**{**about, "since": about["since"].isoformat()}, check=check)


def _filled(kind: type[Any], values: Mapping[str, Any], where: str) -> Any:
    """`kind` with its fields from `values`, each of the type it declares. Raises GateError."""
    known = {one.name: one for one in fields(kind)}
    unknown = sorted(set(values) - set(known))
    missing = [
        name
        for name, one in known.items()
        if name not in values and one.default is MISSING and one.default_factory is MISSING
    ]
    if unknown or missing:
        raise GateError(f"{where}: unknown {', '.join(unknown) or 'none'}, missing {', '.join(missing) or 'none'}")
    for name, value in values.items():
        if not _fits(value, known[name].type):
            needed = "of the right type, and a number must be finite, a share from 0 to 1 and a count not negative"
            raise GateError(f"{where}: {name} is {value!r}; it must be {needed}")
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def _fits(value: Any, kind: Any) -> bool:
    if kind == tuple[str, ...]:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if kind == dict[str, float]:
        return isinstance(value, dict) and all(_fits(one, float) for one in value.values())
    # TOML tells 2 from 2.0, people do not; and a bool is an int to Python only.
    accepted = (float, int) if kind is float else kind
    if not isinstance(value, accepted) or isinstance(value, bool):
        return False
    # All limits with a fraction are shares or differences of shares. One that nothing exceeds, inf or 30 for 30 %, is none.
    return isinstance(value, str) or bool(0 <= value <= (1 if kind is float else math.inf))
