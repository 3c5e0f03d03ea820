"""`antiphon bench`: what this instrument does in time on this machine, measured and written down."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from ..arguments import seconds
from ..errors import UsageError
from ..suite import catalogue

HELP = "measure what this instrument does in time on this machine"
DESCRIPTION = (
    "Run the latency suite: write a receipt (JSON lines) and a page (HTML) beside it, and say which goals were met.\n"
    "Every figure stands beside a control run: what the machine itself did in the same minute.\n\n"
    + "\n".join(f"  {one.name:<18}{one.tells}" for one in catalogue.CATALOGUE)
    + "\n\nWhat comes after -- are flags of the one benchmark that is named: antiphon bench round_trip -- --help"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run (default: all but soak)")
    parser.add_argument("--quick", action="store_true", help="less than two minutes in all; the tails say little then")
    parser.add_argument("--soak", type=_hours, metavar="HOURS", help="run only the soak, for so long")
    parser.add_argument("--seconds", type=seconds, metavar="S", help="how long each measures (default: its own)")
    parser.add_argument("--bundle", metavar="NAME", default="hum", help="trained model, by name or folder (default: hum)")
    parser.add_argument("--inject", metavar="FAULT", help="make it fail on purpose, to see that it can: stall, leak or drop")
    parser.add_argument("-o", "--out", metavar="FILE", help="receipt to write, a page beside it (default: antiphon-bench-DATE.jsonl here)")
    parser.add_argument("--compare", nargs=2, metavar=("A", "B"), help="measure nothing: say what changed between two receipts beyond noise")
    parser.add_argument("--strict", action="store_true", help="exit code 1 where a goal was missed")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, everything else on stderr")


def run(options: argparse.Namespace) -> int:
    """Measure; exit code 0, 1 where a benchmark broke (or, with --strict, a goal was missed), 130 where it was interrupted."""
    from ..suite import page, receipt, table
    from ..suite.runner import Runner
    from ..verbs import document, say

    if options.compare:
        from ..suite.show import main as show

        flags = [*(["--json"] if options.json else []), *(["--strict"] if options.strict else [])]
        return show([*options.compare, *flags])
    benchmarks, arguments = _wanted(options)
    path, html = _names(options.out)
    command = ["antiphon", *(os.path.basename(word) if os.path.isabs(word) else word for word in sys.argv[1:])]
    head = receipt.head(options.bundle, command, quick=options.quick, seconds=options.seconds, inject=options.inject)
    lengths = [3600 * options.soak if options.soak else one.quick_s if options.quick else one.full_s for one in benchmarks]
    long = f"{options.seconds:g} s each, and what they need besides" if options.seconds else f"about {_spoken(sum(lengths))}"
    say(f"{len(benchmarks)} benchmark{'s' * (len(benchmarks) != 1)}, {long}; Ctrl-C keeps what is done")
    bar = _Bar([one.name for one in benchmarks], lengths)
    runner = Runner(path, bar.say, bar)
    try:
        if not runner.run(benchmarks, head=head, arguments=arguments):
            return 2 if runner.failed else 0  # it was asked for its --help
    finally:
        bar.close()
    found = receipt.read(path)
    if not options.json:
        print(table.as_text(found))
    page.write_page(path, html)
    missed = [(line, goal) for line, goal in found.goals if not goal["met"]]
    if options.json:
        document({"receipt": str(path), "page": str(html), "interrupted": runner.interrupted, "broke": runner.failed,
                  "goals": [{"bench": line["bench"], "name": line["name"], **goal} for line, goal in found.goals]})  # fmt: skip
    else:
        print(f"receipt: {path}   page: {html}")
    if runner.interrupted:
        return 130
    return 1 if runner.failed or (options.strict and missed) else 0


def _names(out: str | None) -> tuple[Path, Path]:
    """The receipt's file and the page's. Raises UsageError where either is there already: neither replaces anything."""
    if out is None:
        stem, number = time.strftime("antiphon-bench-%Y%m%d-%H%M%S"), 1
        while any(Path(stem + (f"-{number}" if number > 1 else "") + suffix).exists() for suffix in (".jsonl", ".html")):
            number += 1
        out = stem + (f"-{number}" if number > 1 else "") + ".jsonl"
    path = Path(out)
    html = path.with_suffix(".html") if path.name not in ("", "-") else path
    if html == path:
        raise UsageError(f"bench: -o {out}: is no name for a receipt; give one that ends in .jsonl")
    for name in (path, html):
        if name.exists():
            raise UsageError(f"bench: {name}: is there already; a receipt and its page replace nothing, name another with -o")
    return path, html


def _wanted(options: argparse.Namespace) -> tuple[list[catalogue.Benchmark], dict[str, list[str]]]:
    """Which to run, and the flags of each."""
    names, own = options.names, options.further
    if options.soak is not None:
        if names not in ([], ["soak"]):
            raise UsageError(f"bench: --soak runs only the soak; leave out {' '.join(names)}")
        names, own = ["soak"], ["--hours", str(options.soak), *own]
    if options.inject and not names:
        raise UsageError("bench: --inject is for benchmarks that are named; name those that should fail")
    benchmarks = catalogue.chosen(names)
    if own and len(benchmarks) != 1:
        raise UsageError(f"bench: {own[0]} is for one benchmark, and {len(benchmarks)} run; name one")
    common = ["--bundle", options.bundle, *(["--quick"] if options.quick else [])]
    common += ["--seconds", str(options.seconds)] if options.seconds is not None else []
    common += ["--inject", options.inject] if options.inject else []
    return benchmarks, {one.name: [*common, *own] for one in benchmarks}


def _hours(text: str) -> float:
    try:
        return seconds(text.removesuffix("h"))
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours above 0") from None


def _spoken(about_s: float) -> str:
    return f"{about_s:.0f} s" if about_s < 120 else f"{about_s / 60:.0f} minutes" if about_s < 7200 else f"{about_s / 3600:.1f} hours"


class _Bar:
    """How far it is: one line that is written again and again on a terminal, a line for each benchmark in a pipe."""

    def __init__(self, names: list[str], lengths: list[float]):
        self._names, self._lengths = names, lengths
        self._terminal, self._told, self._began = sys.stderr.isatty(), -1, time.monotonic()

    def __call__(self, number: int, name: str, done: float) -> None:
        """Tell that `name`, the benchmark of this number, is `done` of 1."""
        if not self._terminal:
            if number != self._told:
                self.say(f"{name} ({number + 1} of {len(self._names)})")
            self._told = number
            return
        share = (sum(self._lengths[:number]) + done * self._lengths[number]) / sum(self._lengths)
        columns = shutil.get_terminal_size().columns
        width = max(0, min(40, columns - 45))
        full = round(width * share)
        passed = int(time.monotonic() - self._began)
        line = f"{'━' * full}{'╌' * (width - full)} {share:4.0%}  {number + 1}/{len(self._names)} {name:<17}{passed // 60:3}:{passed % 60:02}"
        print("\r" + line[: columns - 1], end="\x1b[K", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """Tell a line, above the bar."""
        try:
            print(("\r\x1b[K" if self._terminal else "") + text, file=sys.stderr, flush=True)
        except OSError:
            pass  # the terminal has gone; the receipt still grows

    def close(self) -> None:
        """Leave the line."""
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
