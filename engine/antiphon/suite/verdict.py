"""What is said of each figure of two receipts, with all of them in view: compare.py says why it is said so."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from . import noise

ALPHA = 0.05
SHARES = {"p50": 0.5, "p99": 0.99}
LEAST = {"p50": 0.05, "p99": 0.10}
LEAST_EVENTS = {"p50": 10, "p99": 500}
"""Fewer say nothing of the quantile, whatever the test: five of them lie beyond it."""
AS_BEFORE, TOO_FEW, MACHINE, OTHER = "as before", "too few events to say", "no more than the machine", "another value"
UNTOLD, GONE = "not told how it lay", "gone"
CHANGED = ("slower", "faster", "higher", "lower", "more", "fewer")
_TIMES = ("ns", "us", "ms", "s", "min", "h", "frames", "hops")
_SIBLINGS = 6
_STANDS_OUT, _FAR_OUT, _RESTLESS = 3.0, 4.0, 0.05
"""How many times as far as the others (as a logarithm) a figure must go to stand out; the more restless, the longer the tails."""


@dataclass
class Moved:
    """One statistic of a figure in both receipts: its ratio B to A (or its difference), and what that means."""

    a: float
    b: float
    ratio: bool
    at: float
    low: float
    high: float
    """95 % interval of it, by itself: the verdict looks at all figures, the interval at one."""
    control: float | None = None
    """The same of the control run."""
    p: float = 1.0
    alone: float = 1.0
    """p without the control."""
    exact: bool = False
    """The same in every event, in either receipt."""
    least_p: float = 1.0
    """The smallest p that so few events could have given."""
    untold: bool = False
    """A count of which it is not known whether it lay in one place."""
    verdict: str = AS_BEFORE

    def reverdict(self, changed: bool, testable: bool, words: tuple[str, str]) -> None:
        """Say it, as all figures together allow."""
        up = self.at > (1.0 if self.ratio else 0.0)
        if self.verdict != MACHINE:
            unsaid = UNTOLD if self.untold else TOO_FEW
            self.verdict = words[up] if changed else AS_BEFORE if testable or self.a == self.b else unsaid


@dataclass
class Row:
    """One figure, tally or value that both receipts have; or ("gone") one with a goal that only A has."""

    bench: str
    name: str
    kind: str
    unit: str
    better: str
    count_a: float
    count_b: float
    moved: dict[str, Moved] = field(default_factory=dict)
    goals: str = ""
    """Goals that were met in A and are missed in B, or the other way round; what was asked of one that is gone."""
    missed: bool = False
    """Whether a goal was met in A and is missed in B."""

    @property
    def words(self) -> tuple[str, str]:
        """What to call it when it fell, and when it rose."""
        if self.kind == "tally":
            return "fewer", "more"
        return ("faster", "slower") if self.unit in _TIMES and self.better == "less" else ("lower", "higher")

    @property
    def verdict(self) -> str:
        """The first that says something: a change, then a machine's, then nothing, then too little."""
        if self.kind == "gone":
            return GONE
        told = [one.verdict for one in self.moved.values()]
        quiet = (MACHINE, OTHER, AS_BEFORE, UNTOLD)
        return next((one for one in told if one in CHANGED), next((word for word in quiet if word in told), TOO_FEW))

    @property
    def worse(self) -> bool:
        """Whether it got worse beyond noise, missed a goal that it met, or is gone with one."""
        bad = {"less": self.words[1:], "more": self.words[:1], "same": self.words}[self.better]
        return self.missed or self.kind == "gone" or any(one.verdict in bad for one in self.moved.values())


def stands_out(factor: float) -> float:
    """How far, as a logarithm, a figure must go to stand out from others that went apart by a factor."""
    usual = math.log(factor)
    return usual * (_STANDS_OUT if usual < _RESTLESS else _FAR_OUT)


def restless_by(rows: list[Row]) -> dict[str, dict[str, float]]:
    """By what factor the figures of a benchmark went apart between the two runs, as a rule: by statistic and benchmark.

    That is what other work on the machine does which lasts for a whole figure; no look inside it can tell. It is taken from the
    middle half of them, so that a few real changes do not count. A benchmark with too few is as restless as the others are.
    """
    found: dict[str, dict[str, float]] = {name: {} for name in SHARES}
    for name in SHARES:
        for bench in dict.fromkeys(row.bench for row in rows):
            told = [row.moved[name] for row in rows if row.bench == bench and row.kind == "figure"]
            apart = np.log([moved.at for moved in told if moved.ratio and not moved.exact and moved.least_p < 1 and moved.at != 1])
            if len(apart) >= _SIBLINGS:
                found[name][bench] = math.exp(1.4826 * float(np.median(np.abs(apart - np.median(apart)))))
        usual = float(np.median(list(found[name].values()))) if found[name] else 1.0
        found[name] = {row.bench: found[name].get(row.bench, usual) for row in rows}
    return found


def judge(rows: list[Row], alpha: float, controls: set[tuple[str, str]], restless: dict[str, dict[str, float]]) -> None:
    """Give every statistic its verdict, with all of them in view."""
    for row in rows:
        for moved in row.moved.values() if row.kind == "value" else ():
            if not moved.p and moved.verdict == OTHER:  # nothing about it is chance
                is_control = (row.bench, row.name) in controls
                moved.verdict = MACHINE if is_control else row.words[moved.b > moved.a]
    asked = [(row, moved) for row in rows for moved in row.moved.values() if row.kind != "value"]
    most = next(k for k in range(1, len(asked) + 2) if sum(moved.least_p <= alpha / k for _, moved in asked) <= k)
    family = [(row, moved) for row, moved in asked if moved.least_p <= alpha / most]  # Tarone: only what could have been told
    told = {id(moved): changed for (_, moved), changed in zip(family, noise.holm([m.p for _, m in family], alpha), strict=True)}
    for row, moved in asked:
        if moved.verdict == MACHINE and moved.alone > alpha / max(len(family), 1):
            moved.verdict = AS_BEFORE  # a control that stayed would not have made a change of it
        moved.reverdict(told.get(id(moved), False), id(moved) in told, row.words)
        if moved.verdict in CHANGED and ((row.bench, row.name) in controls or _is_usual(row, moved, restless)):
            moved.verdict = MACHINE


def _is_usual(row: Row, moved: Moved, restless: dict[str, dict[str, float]]) -> bool:
    """Whether a figure stands out from what the others of its benchmark did meanwhile."""
    name = next(name for name, one in row.moved.items() if one is moved)
    if row.kind != "figure" or not moved.ratio or moved.exact:
        return False
    return abs(math.log(moved.at)) <= stands_out(restless[name][row.bench])
