"""Command line of the benchmarks: `python -m bench [NAME …]` prints one JSON line for each figure."""

import argparse
import importlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import BenchError, Result, say
from bench.report import markdown
from bench.targets import TARGETS
from service.observe import configure_logs

# What only training needs; without it the figures about torch are left out, not failed.
TRAINING = frozenset({"torch", "transformers", "safetensors", "onnx"})
INSTALL = "`make check` installs torch, transformers and the base encoder"


def measure(name: str, *, quick: bool) -> Result:
    """Run one benchmark; a figure without a value where its packages are not installed."""
    try:
        module = importlib.import_module(f"bench.{name}")
    except ModuleNotFoundError as error:
        if error.name not in TRAINING:
            raise
        return Result(name, None, TARGETS[name].unit, {"not_measured": f"{error.name} is not installed: {INSTALL}"})
    result: Result = module.run(quick=quick)
    return result


def main() -> int:
    """Measure, print, compare with the targets. 1 when a figure could not be measured or, with --check, misses."""
    options = _parser().parse_args()
    configure_logs()
    # Torch's idle threads would otherwise spin, and lose against everything else that runs on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # One thread for either side of the figures about media, as the service's rendering processes have it. Read when numpy
    # and libvips are loaded, which is with the first benchmark that needs them.
    for name in ("OPENBLAS_NUM_THREADS", "VIPS_CONCURRENCY"):
        os.environ.setdefault(name, "1")
    names = [*options.names, *options.only] or list(TARGETS)
    if unknown := sorted(set(names) - set(TARGETS)):
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    if options.markdown and (options.quick or set(names) != set(TARGETS)):
        print("--markdown writes all figures at full size: leave out names and --quick", file=sys.stderr)
        return 2
    results, failed = [], False
    for name in names:
        try:
            result = measure(name, quick=options.quick)
        except BenchError as error:
            result = Result(name, None, TARGETS[name].unit, {"failed": str(error)})
            failed = True
        print(result.line(), flush=True)
        results.append(result)
    missed = [one for one in results if one.value is not None and not TARGETS[one.name].met(one.value)]
    for one in missed:
        say(f"{one.name}: {one.value:.3g} {one.unit} misses its target, {TARGETS[one.name]}")
    if options.markdown:
        options.markdown.write_text(markdown(results, on=datetime.now(UTC).date()), encoding="utf-8")
    return int(failed or (options.check and bool(missed)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure against the stated targets.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(TARGETS)}; all without")
    parser.add_argument("--only", action="append", default=[], choices=TARGETS, metavar="NAME", help="the same")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it runs, not how fast")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a figure misses its target")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write all figures to a document")
    return parser


if __name__ == "__main__":
    sys.exit(main())
