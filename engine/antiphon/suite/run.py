"""`Run`: what a benchmark file measures with, and `main`, which makes one from the command line.

Everything told is one JSON line on standard output, at once: a run that is broken off has told what it had. Standard error is
for the person at the terminal.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from ..errors import AntiphonError, UsageError
from . import figures
from .figures import BETTER, Goal, goals_of, rounded

MOST_MARKS = 500
_PROGRESS_EVERY_S = 0.25


class Run:
    """One run of one benchmark: how long, with which bundle, and where its figures go. One thread."""

    def __init__(self, bench: str, options: argparse.Namespace, folder: Path, out=None):
        self.bench, self.options, self.folder = bench, options, folder
        self.quick: bool = options.quick
        self.bundle: str = options.bundle
        self.seconds: float | None = options.seconds
        self.seed: int = options.seed
        self.inject: str | None = options.inject
        self.blocksize: int = options.blocksize
        self.samplerate: int = options.samplerate
        self._out = out if out is not None else sys.stdout
        self._told_progress = 0.0

    @property
    def settings(self) -> dict:
        """What was the same for every figure of this run."""
        return {"bundle": self.bundle, "samplerate": self.samplerate, "blocksize": self.blocksize}

    def length(self, quick_s: float, full_s: float) -> float:
        """Seconds to measure: as many as were asked for, else the quick or the full length."""
        return self.seconds if self.seconds is not None else quick_s if self.quick else full_s

    def injected(self, what: str, *defaults: float) -> tuple[float, ...] | None:
        """The numbers of `--inject what:…`, missing ones as in `defaults`; None where something else or nothing is injected."""
        name, *numbers = (self.inject or "").split(":")
        if name != what:
            return None
        return tuple(float(text) for text in numbers) + defaults[len(numbers) :]

    def figure(
        self,
        name: str,
        values: Iterable[float] | np.ndarray,
        *,
        unit: str,
        clock: str,
        means: str = "",
        settings: dict | None = None,
        control: str | None = None,
        goal: Goal | Iterable[Goal] | None = None,
        better: str = "less",
        none: str = "",
    ) -> dict:
        """Tell a distribution: every single event, in time order, in `unit`; returns the line.

        `clock` says where the clock started and stopped, `control` names the figure of this file that is its control run. Without
        a single event it is told as left out ("skip"), with `none` as why that may be, and its goals are missed. Raises ValueError
        for an event that is no number.
        """
        values = np.asarray(values if isinstance(values, np.ndarray) else list(values), np.float64).ravel()
        if not len(values):
            return self._nothing(name, unit, none, figures.listed(goal))
        return self._told("figure", name, figures.summary(values), {"events": figures.events(values)}, unit=unit, clock=clock,
                          means=means, settings=settings, control=control, goal=goal, better=better)  # fmt: skip

    def tally(
        self,
        name: str,
        happened: int,
        chances: float,
        *,
        unit: str,
        clock: str,
        means: str = "",
        settings: dict | None = None,
        control: str | None = None,
        goal: Goal | Iterable[Goal] | None = None,
        better: str = "less",
        where: Iterable[float] | np.ndarray | None = None,
    ) -> dict:
        """Tell a count: how often something happened, of how many chances (or in how many seconds); `unit` names the chances.

        Of no chances no goal is met. `where`: the index of the chance at which each happened (from 0; its second where the unit is
        s), in any order; not needed for none and for all. What happens to a machine comes in runs, and without this two receipts can hardly be compared. Raises
        ValueError where they are not as many.
        """
        counted = {"happened": int(happened), "chances": rounded(chances), "share": figures.share(happened, chances)}
        if where is None and unit != "s" and counted["happened"] in (0, counted["chances"]):
            where = np.arange(counted["happened"])
        told = where is not None and chances > 0
        more = {"events": figures.places(where, counted["happened"], counted["chances"], length=unit == "s")} if told else {}
        return self._told("tally", name, counted, more, unit=unit, clock=clock, means=means, settings=settings, control=control,
                          goal=goal, better=better)  # fmt: skip

    def value(
        self,
        name: str,
        value: float,
        *,
        unit: str,
        clock: str,
        means: str = "",
        settings: dict | None = None,
        control: str | None = None,
        goal: Goal | Iterable[Goal] | None = None,
        better: str = "same",
    ) -> dict:
        """Tell a single exact number: what by its nature is not a distribution."""
        if not np.isfinite(value):
            raise ValueError(f"{name!r} is {value}, not a finite number")
        return self._told("value", name, {"value": rounded(value)}, {}, unit=unit, clock=clock, means=means, settings=settings,
                          control=control, goal=goal, better=better)  # fmt: skip

    def timeline(
        self, name: str, t_s: Iterable[float], values: Iterable[float], *, unit: str, marks: Iterable[tuple[float, str]] = ()
    ) -> None:
        """Tell a course over time, and what happened when; a later one of the same name takes its place."""
        times, points = figures.thinned(np.asarray(list(t_s)), np.asarray(list(values)))
        kept = [[round(float(t), 4), text] for t, text in marks]
        if len(kept) > MOST_MARKS:
            self.note(f"{name}: {len(kept)} marks, the first {MOST_MARKS} are kept")
        self._tell({"kind": "timeline", "name": name, "unit": unit, "t_s": times, "values": points, "marks": kept[:MOST_MARKS]})

    def waterfall(
        self, name: str, terms: Iterable[tuple[str, float]], samplerate: int, measured_frames: float | None = None, clock: str = ""
    ) -> None:
        """Tell a latency sum, term by term in frames, beside what was measured."""
        listed = [[term, rounded(frames)] for term, frames in terms]
        measured = None if measured_frames is None else rounded(measured_frames)
        self._tell({"kind": "waterfall", "name": name, "terms": listed, "samplerate": samplerate, "measured_frames": measured, "clock": clock})

    def skip(self, name: str, why: str) -> None:
        """Tell that something ("" for the whole file) cannot be measured here, and what would change that."""
        self._tell({"kind": "skip", "name": name, "why": why})
        self.note(f"{name or 'skipped'}: {why}")

    def _nothing(self, name: str, unit: str, none: str, goals: list[Goal]) -> dict:
        """Tell that a figure has no events: a goal is not lost with them."""
        why = "no event: " + (none or "nothing was measured")
        line = {"kind": "skip", "name": name, "why": why, "unit": unit, "goals": [one.missed(name) for one in goals]}
        self._tell(dict(line))
        self.note(f"{name}: {why}")
        return line

    def note(self, text: str) -> None:
        """Tell the person at the terminal a line."""
        print(f"{self.bench}: {text}", file=sys.stderr, flush=True)

    def progress(self, done: float) -> None:
        """Tell how far it is, 0 .. 1; cheap enough to be called often."""
        now = time.monotonic()
        if now - self._told_progress > _PROGRESS_EVERY_S:
            self._told_progress = now
            self._tell({"kind": "progress", "done": round(min(1.0, max(0.0, done)), 3)})

    def _told(self, kind, name, numbers, more, *, unit, clock, means, settings, control, goal, better) -> dict:
        if better not in BETTER:
            raise ValueError(f"better {better!r}; there is {', '.join(BETTER)}")
        line = {"kind": kind, "name": name, "unit": unit, **numbers}
        line |= {"clock": clock, "means": means, "settings": self.settings | (settings or {}), "control": control, "better": better}
        line["goals"] = goals_of(goal, line)
        self._tell(line | more)
        return line

    def _tell(self, line: dict) -> None:
        kind = line.pop("kind")
        print(json.dumps({"kind": kind, "bench": self.bench, **line}, allow_nan=False), file=self._out, flush=True)


def main(
    measure: Callable[[Run], None],
    doc: str,
    options: Callable[[argparse.ArgumentParser], None] | None = None,
    injects: tuple[str, ...] = (),
) -> None:
    """Read the command line, measure, and exit: 0, 2 for what the user did wrong, 130 where it was interrupted."""
    bench = Path(sys.argv[0]).stem
    parser = _Parser(prog=bench, description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser)
    if options:
        options(parser)
    chosen = parser.parse_args()
    _check_fault(parser, chosen.inject, injects)
    out = _keep_stdout()
    try:
        with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as folder:
            # The player's own key, registers and usage log are neither measured nor written to.
            os.environ["XDG_CONFIG_HOME"] = str(Path(folder) / "config")
            run = Run(bench, chosen, Path(folder), out)
            title, _, means = doc.strip().partition("\n")
            run._tell({"kind": "bench", "title": title.strip(), "means": means.strip()})
            measure(run)
    except KeyboardInterrupt:
        sys.exit(130)
    except (AntiphonError, UsageError) as error:
        print(f"{bench}: {error}", file=sys.stderr)
        sys.exit(2)


class _Parser(argparse.ArgumentParser):
    """One line where something is wrong, no usage: the person asked `antiphon bench`."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message}\n")


def _check_fault(parser: argparse.ArgumentParser, fault: str | None, known: tuple[str, ...]) -> None:
    name, *numbers = (fault or "").split(":")
    if name and name not in known:
        parser.error(f"--inject {name}: it knows {', '.join(known) or 'none'}")
    for text in numbers:
        if text.replace(".", "", 1).isdigit() and float(text) > 0 or text.isalpha():
            continue
        parser.error(f"--inject {fault}: {text!r} is not a number above 0")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that every benchmark takes."""
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes; the tails of the distributions say little then")
    parser.add_argument("--bundle", metavar="NAME", default="hum", help="trained model, by name or folder (default: hum)")
    parser.add_argument("--seconds", type=_positive, metavar="S", help="how long to measure (default: the benchmark's own)")
    parser.add_argument("--seed", type=int, metavar="N", default=1, help="where chances start (default: 1)")
    parser.add_argument("--blocksize", type=_within(1, 8192), metavar="FRAMES", default=128, help="frames of one callback (default: 128)")
    parser.add_argument("--samplerate", type=_within(8000, 192_000), metavar="HZ", default=48_000, help="of the device (default: 48000)")
    parser.add_argument("--inject", metavar="FAULT", help="make it fail on purpose: stall, leak or drop, as far as a benchmark knows it")


def _within(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdigit() or not least <= int(text[:9]) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def _keep_stdout():
    """Hand out the real standard output, and let whatever else prints (libraries, children) go to standard error."""
    out = open(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out
