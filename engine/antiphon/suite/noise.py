"""How far two sets of events may lie apart by noise alone.

Noise on a machine comes in bursts: for a second everything is late, then nothing is. Single events say far too much then, so
whole segments of time are drawn. Two questions, two ways:

- Within which bounds does the ratio lie? Segments are drawn again, with replacement (cluster bootstrap), in both receipts.
- May it be chance? Under "nothing changed" it does not matter which receipt a segment is from, so segments are exchanged
  between the two (a permutation test, exact for what lasts no longer than a segment; of medians, by the ranks of the segments'
  medians). A burst that is in one of the runs and not in the other, which the bootstrap of a quiet run knows nothing of, is judged
  rightly by this.

Neither sees what is another from start to start, or lasts as long as a figure takes: `compare` and `verdict` allow for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

_PER_OCTAVE = 32
_PARTS = 4
_CHUNK = 4096
_FULLY = 1.0 - 1e-9
_MOST_EXACT = 5000
_ALIKE = 0.25


@dataclass(frozen=True)
class Segments:
    """Events of one figure: different values, ascending, and how many of each segment are not above each of them.

    values (V,) float64; upto (V, S) float64, the last row all ones: every segment counts alike, however many events it has,
    so that a quick run can stand beside a long one.
    """

    values: np.ndarray
    upto: np.ndarray

    @property
    def count(self) -> int:
        return self.upto.shape[1]

    def quantiles(self, weights: np.ndarray, share: float) -> np.ndarray:
        """Quantile of (N, S) weighted segments, for each of the N drawings: (N,). The least value that is enough."""
        wanted = weights.sum(axis=1) * share * _FULLY
        low, high = np.zeros(len(weights), int), np.full(len(weights), len(self.values) - 1)
        while (low < high).any():
            middle = (low + high) // 2
            enough = np.einsum("ns,ns->n", weights, self.upto[middle]) >= wanted
            low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
        return self.values[low]

    def quantile(self, share: float) -> float:
        """Quantile of all segments together."""
        return float(self.quantiles(np.ones((1, self.count)), share)[0])

    def each(self, share: float) -> np.ndarray:
        """Quantile of every segment by itself: (S,)."""
        return self.quantiles(np.eye(self.count), share)

    def moved(self, distance: float, ratio: bool) -> Segments:
        """Give the same events, farther up or down by a factor exp(distance), or by a difference."""
        return Segments(self.values * math.exp(distance) if ratio else self.values + distance, self.upto)

    def beside(self, other: Segments) -> Segments:
        """Give the segments of both, these first."""
        values = np.union1d(self.values, other.values)
        columns = [
            np.vstack([np.zeros((1, one.count)), one.upto])[np.searchsorted(one.values, values, side="right")]
            for one in (self, other)
        ]
        return Segments(values, np.hstack(columns))

    def medians(self) -> Segments:
        """Give as many segments of one event each: their medians."""
        medians = self.each(0.5)
        values = np.unique(medians)
        return Segments(values, (medians <= values[:, None]).astype(float))

    def drawn(self, share: float, draws: int, random: np.random.Generator) -> np.ndarray:
        """Quantile of as many segments as there are, drawn with replacement: (draws,)."""
        weights = random.multinomial(self.count, np.full(self.count, 1.0 / self.count), draws).astype(float)
        return self.quantiles(weights, share)


def parsed(segments: Iterable[list]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Read the segments of a receipt's line: (values, counts) each. Raises ValueError or TypeError for what are none.

    A value that was rounded to 1/32 octave is spread evenly over its 1/32 octave: no quantile can jump by so much.
    """
    found = []
    for segment in segments:
        pairs = [one if isinstance(one, list) else None for one in segment]
        if not pairs:
            continue
        if None not in pairs:
            values, counts = np.array(pairs, np.float64).T
            within = (np.arange(_PARTS) + 0.5) / _PARTS - 0.5
            values = (values[:, None] * 2.0 ** (within / _PER_OCTAVE)).ravel()
            counts = np.repeat(counts / _PARTS, _PARTS)
        else:
            values = np.array(segment, np.float64)
            counts = np.ones(len(values))
        if values.ndim != 1 or not np.isfinite(values).all() or not (counts > 0).all():
            raise ValueError("events are not numbers")
        found.append((values, counts))
    if not found:
        raise ValueError("no events")
    return found


def joined(pairs: list[tuple[np.ndarray, np.ndarray]]) -> Segments:
    """Lay the segments of a figure side by side."""
    values, place = np.unique(np.concatenate([values for values, _ in pairs]), return_inverse=True)
    shares = np.concatenate([counts / counts.sum() for _, counts in pairs])
    column = np.repeat(np.arange(len(pairs)), [len(values) for values, _ in pairs])
    upto = np.bincount(place * len(pairs) + column, shares, len(values) * len(pairs)).reshape(len(values), len(pairs))
    return Segments(values, np.cumsum(upto, axis=0))


class Scale:
    """How two numbers of a figure are set against each other: as a ratio, or as a difference where one is not above zero (or
    is in decibels). Distances are logarithms of ratios, or differences."""

    def __init__(self, ratio: bool):
        self.ratio = ratio

    @classmethod
    def of(cls, unit: str, *figures: Segments) -> Scale:
        return cls(all(one.values[0] > 0 for one in figures) and not unit.startswith("dB"))

    def between(self, a, b):
        """Distance from a to b."""
        return np.log(b / a) if self.ratio else np.asarray(b) - a


def p_of_quantiles(a: Segments, b: Segments, share: float, scale: Scale, draws: int, random: np.random.Generator) -> float:
    """How likely quantiles so far apart, or farther, are where it is chance which segment is from a and which from b."""
    both = a.beside(b)

    def apart(of_a: np.ndarray) -> np.ndarray:
        return scale.between(both.quantiles(of_a, share), both.quantiles(1.0 - of_a, share))

    lasts = _lasting(*(np.log(one.each(share)) if scale.ratio else one.each(share) for one in (a, b)))
    return _p_of_exchange(apart, a.count, b.count, lasts, draws, random)


def p_of_medians(a: Segments, b: Segments, draws: int, random: np.random.Generator) -> float:
    """The same of the segments' medians, by their ranks: a burst that lasts for a fifth of a run moves the median of all its
    events, and a fifth of these."""
    placed = ranks(np.concatenate([one.each(0.5) for one in (a, b)]))
    return p_of_means(placed[: a.count], placed[a.count :], draws, random)


def ranks(values: np.ndarray) -> np.ndarray:
    """Which place each of (N,) numbers has among them, from 1; those alike share theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def p_of_means(a: np.ndarray, b: np.ndarray, draws: int, random: np.random.Generator, alike: float = _ALIKE) -> float:
    """How likely means so far apart are where it is chance which segment's number is from a and which from b: (A,) and (B,). From
    neighbours `alike` on, two or more are exchanged together."""
    both = np.concatenate([a, b])

    def apart(of_a: np.ndarray) -> np.ndarray:
        inside = of_a.sum(axis=1)
        return (of_a @ both) / inside - ((1.0 - of_a) @ both) / (len(both) - inside)

    return _p_of_exchange(apart, len(a), len(b), _lasting(a, b, alike=alike), draws, random)


def _p_of_exchange(apart: Callable, a: int, b: int, together: int, draws: int, random: np.random.Generator) -> float:
    """Exchange segments by chance, so many neighbours `together`; `apart` gives distances for (N, a + b) of which 1.0 is in A."""
    sizes = [math.ceil(some / together) for some in (a, b)]
    block = np.concatenate([np.arange(a) // together, sizes[0] + np.arange(b) // together])
    asked = abs(float(apart((np.arange(a + b) < a).astype(float)[None])[0])) * _FULLY
    farther = 0
    for begin in range(0, draws, _CHUNK):
        order = random.random((min(_CHUNK, draws - begin), sum(sizes))).argsort(axis=1)
        farther += int((np.abs(apart((order < sizes[0]).astype(float)[:, block])) >= asked).sum())
    return (1 + farther) / (1 + draws)


def _lasting(*courses: np.ndarray, alike: float = _ALIKE) -> int:
    """For how many segments noise lasts, from how alike neighbours are: 1, 2 or 4 are to be exchanged together."""
    products = squares = 0.0
    for own in courses:
        own = own - own.mean()
        products += float((own[1:] * own[:-1]).sum())
        squares += float((own * own).sum())
    found = products / squares if squares > 0 and min(map(len, courses)) >= 8 else 0.0
    return 1 if found < alike else 2 if found < 0.5 else 4


def bounds(a: Segments, b: Segments, share: float, scale: Scale, draws: int, random: np.random.Generator) -> tuple[float, float]:
    """Give the 95 % interval of the distance from a to b: cluster bootstrap, widened as few segments ask for (Student's t)."""
    at = float(scale.between(a.quantile(share), b.quantile(share)))
    low, high = np.quantile(scale.between(a.drawn(share, draws, random), b.drawn(share, draws, random)), (0.025, 0.975))
    return widened(at, float(low), float(high), min(a.count, b.count))


def widened(at: float, low: float, high: float, segments: int) -> tuple[float, float]:
    """Widen an interval that was drawn from so few segments."""
    fewest = max(segments, 2)
    wider = _student(fewest - 1) / 1.96 * math.sqrt(fewest / (fewest - 1))
    return at + min(low - at, 0.0) * wider, at + max(high - at, 0.0) * wider


def _student(freedom: int) -> float:
    """The 97.5 % point of Student's t; by its series, which is within 1 % from 3 degrees of freedom on."""
    if freedom < 3:
        return {1: 12.706, 2: 4.303}[freedom]
    z = 1.959964
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def least_p(a: int, b: int) -> float:
    """The smallest p that exchanging a and b segments can give: two of all ways to divide them, where both have as many."""
    return min(1.0, (2 if a == b else 1) / math.comb(a + b, a))


def p_of_rates(happened_a: int, chances_a: float, happened_b: int, chances_b: float) -> float:
    """How likely counts so far apart, or farther, are at one and the same rate: exact, given their sum (two-sided; by the normal
    curve where the sum is thousands)."""
    total = happened_a + happened_b
    if not total or not chances_a > 0 or not chances_b > 0:
        return 1.0
    share = chances_b / (chances_a + chances_b)
    if total > _MOST_EXACT:
        deviation = (abs(happened_b - total * share) - 0.5) / math.sqrt(total * share * (1 - share))
        return min(1.0, math.erfc(max(deviation, 0.0) / math.sqrt(2)))
    logs = [
        math.lgamma(total + 1)
        - math.lgamma(k + 1)
        - math.lgamma(total - k + 1)
        + k * math.log(share)
        + (total - k) * math.log1p(-share)
        for k in range(total + 1)
    ]
    chances = np.exp(np.array(logs))
    return float(min(1.0, 2 * min(chances[: happened_b + 1].sum(), chances[happened_b:].sum())))


def holm(p: list[float], alpha: float) -> list[bool]:
    """Which of several may be called changed so that in `1 - alpha` of cases none is wrongly (Holm's steps)."""
    order = sorted(range(len(p)), key=lambda index: p[index])
    told = [False] * len(p)
    for rank, index in enumerate(order):
        if p[index] > alpha / (len(p) - rank):
            break
        told[index] = True
    return told
