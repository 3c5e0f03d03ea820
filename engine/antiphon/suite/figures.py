"""Figures: what was measured, event by event, condensed so that a receipt can be compared with another one later.

A figure keeps its events in up to 16 consecutive segments of time. What disturbs a machine comes in bursts, so two receipts
are compared by drawing whole segments, not single events (compare.py).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

SEGMENTS = 16
MOST_EXACT = 1000
"""Up to so many events are kept one by one; of more, rounded values with how often they were."""
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
NEEDED = {"p95": 20, "p99": 100, "p99.9": 1000}
"""Of fewer events a quantile is their largest: a dozen cannot tell what one in a hundred reaches, and nothing excuses their worst."""
STATISTICS = ("count", "min", "mean", *QUANTILES, "max")
RELATIONS = {
    "<=": lambda found, limit: found <= limit,
    ">=": lambda found, limit: found >= limit,
    "==": lambda found, limit: found == limit,
}
BETTER = ("less", "more", "same")
_PER_OCTAVE = 32
_DIGITS = 5


@dataclass(frozen=True)
class Goal:
    """What one statistic of a figure should be: ("p99", "<=", 30.0), and whose wish that is. Raises ValueError for a relation
    that there is not."""

    statistic: str
    relation: str
    limit: float
    why: str = ""

    def __post_init__(self):
        if self.relation not in RELATIONS:
            raise ValueError(f"relation {self.relation!r}; there is {', '.join(RELATIONS)}")

    def judged(self, line: dict) -> dict:
        """Give the goal as a receipt has it: with what was found, and whether that will do. Raises ValueError for a statistic
        that this kind of figure does not have."""
        if self.statistic not in line or self.statistic not in (*STATISTICS, "happened", "share", "value"):
            raise ValueError(f"goal for {line['name']!r}: no statistic {self.statistic!r} in a {line['kind']}")
        found = line[self.statistic]
        measured = line.get("chances", 1) > 0
        return self._as_told(found, measured and bool(RELATIONS[self.relation](found, self.limit)))

    def missed(self, name: str) -> dict:
        """Give the goal of a figure that has no events: nothing was found, and that will not do. Raises ValueError as `judged`."""
        if self.statistic not in STATISTICS:
            raise ValueError(f"goal for {name!r}: no statistic {self.statistic!r} in a figure")
        return self._as_told(None, False)

    def _as_told(self, found: float | None, met: bool) -> dict:
        wanted = {"statistic": self.statistic, "relation": self.relation, "limit": self.limit, "why": self.why}
        return wanted | {"found": found, "met": met}


def listed(goal: Goal | Iterable[Goal] | None) -> list[Goal]:
    """One goal, several, or none, as a list."""
    return [] if goal is None else [goal] if isinstance(goal, Goal) else list(goal)


def goals_of(goal: Goal | Iterable[Goal] | None, line: dict) -> list[dict]:
    """Judge one goal, several, or none. Where there was no chance at all, none is met."""
    return [one.judged(line) for one in listed(goal)]


def summary(values: np.ndarray) -> dict[str, float]:
    """count, min, mean, p50, p95, p99, p99.9 and max of (n,) finite numbers, in their own unit. Raises ValueError for none.

    A quantile of fewer events than it needs (p95 of 20, p99 of 100, p99.9 of 1000) is the largest of them.
    """
    values = np.asarray(values, np.float64).ravel()
    if not len(values):
        raise ValueError("no events: nothing was measured")
    if not np.isfinite(values).all():
        raise ValueError(f"{np.sum(~np.isfinite(values))} of {len(values)} events are not finite numbers")
    found = {
        name: rounded(np.quantile(values, share, method="higher" if len(values) < NEEDED.get(name, 0) else "linear"))
        for name, share in QUANTILES.items()
    }
    return {"count": len(values), "min": rounded(values.min()), "mean": rounded(values.mean()), **found, "max": rounded(values.max())}


def events(values: np.ndarray) -> dict:
    """Condense events, in time order, as a receipt keeps them: see the class of lines "figure" in receipt.py."""
    values = np.asarray(values, np.float64).ravel()
    pieces = np.array_split(values, min(SEGMENTS, len(values)))
    if len(values) <= MOST_EXACT:
        return {"segments": [[rounded(value) for value in piece] for piece in pieces]}
    return {"segments": [[[value, count] for value, count in sorted(Counter(coarse(piece).tolist()).items())] for piece in pieces]}


def places(where: Iterable[float], happened: int, chances: float, length: bool = False) -> dict:
    """Condense how what a tally counts lay in time: [happened, chances] for each of up to 16 segments, as a receipt keeps it.

    `where` are indices of chances; seconds, where chances are a `length` of time. Raises ValueError where they are not as many as
    happened, or one is no index.
    """
    at = np.asarray(where if isinstance(where, np.ndarray) else list(where), np.float64).ravel()
    if len(at) != happened:
        raise ValueError(f"{happened} happened, and {len(at)} places are told")
    if not length and len(at) and not (0 <= at.min() and at.max() < chances):
        raise ValueError(f"places from {at.min():g} to {at.max():g}, of {chances:g} chances")
    pieces = SEGMENTS if length else max(1, min(SEGMENTS, int(chances)))
    edges = np.linspace(0.0, chances, pieces + 1)
    edges = edges if length else np.floor(edges)
    inside = np.bincount(np.clip(np.searchsorted(edges, at, side="right") - 1, 0, pieces - 1), minlength=pieces)
    return {"segments": [[int(n), rounded(size)] for n, size in zip(inside, np.diff(edges), strict=True)]}


def coarse(values: np.ndarray) -> np.ndarray:
    """Round numbers to 1/32 of an octave (1.1 % at most), zero and signs kept: (n,) float64 of few different values."""
    values = np.asarray(values, np.float64)
    size = np.abs(values)
    octaves = np.log2(np.where(size > 0, size, 1.0))
    near = 2.0 ** (np.round(octaves * _PER_OCTAVE) / _PER_OCTAVE)
    digits = _DIGITS - 1 - np.floor(np.log10(near))
    return np.where(size > 0, np.sign(values) * np.round(near * 10.0**digits) / 10.0**digits, 0.0)


def rounded(value: float) -> float:
    """A number as a receipt has it: whole numbers whole, others to five digits."""
    value = float(value)
    if value.is_integer() and abs(value) < 1e15:
        return int(value)
    return float(f"{value:.{_DIGITS}g}")


def thinned(t_s: np.ndarray, values: np.ndarray, most: int = 2000) -> tuple[list[float], list[float]]:
    """Keep at most `most` points of a course over time, of each stretch the one farthest from the median: peaks stay."""
    t_s, values = np.asarray(t_s, np.float64), np.asarray(values, np.float64)
    if len(values) > most:
        middle = np.median(values)
        bounds = np.linspace(0, len(values), most + 1).astype(int)
        kept = [a + int(np.argmax(np.abs(values[a:b] - middle))) for a, b in zip(bounds[:-1], bounds[1:], strict=True) if b > a]
        t_s, values = t_s[kept], values[kept]
    return [round(float(t), 4) for t in t_s], [rounded(value) for value in values]


def share(happened: float, chances: float) -> float:
    """How many of the chances were taken; 0 where there were none."""
    return rounded(happened / chances) if chances and math.isfinite(chances) else 0.0
