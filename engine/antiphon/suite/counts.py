"""How counts of two receipts are compared: late steps, xruns, frames that were damaged.

What happens to a machine comes in runs: twenty steps late one after the other are one mishap, and how long runs are nobody knows
beforehand. So single counts say nothing, and it matters how they lay. A tally that tells it keeps what happened, and of how many
chances, in up to 16 segments of time. As with figures, segments are exchanged between the receipts by chance, and two questions
must both be answered with yes: did more happen than exchanging explains, and did it happen in more of the segments (by ranks)? One long
run answers the first alone. Where one run was longer, neighbouring segments of the shorter one are taken together until they are
about as long as the other's; of a quick run beside a full one nothing is left to exchange, and nothing is said.

Seen by simulation (tests/suite/test_counts.py repeats some of it): of 3,000 steps with 1, 3 or 8 runs of late ones, 3, 12 or 20 long
in the mean, 3 % of pairs of alike receipts with four tallies say that one changed, 4 % in the worst of the nine cases. Ten times as
many runs are found in nine of ten pairs where the first had three of them or more, in six of ten where it had one.

Where a receipt does not tell how they lay, a hundred are taken for one (a hundred blocks, of frames): only hundreds more are found.
Single trials, up to a hundred of them, count each. Of a share above one half what did not happen is counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from . import noise
from .verdict import ALPHA, AS_BEFORE, MACHINE, Moved

_CLUMP, _TRIALS = 100, 100
_LEAST = math.log(1.5)
"""Logarithm of the least ratio that counts: so much two starts of one program differ, whatever happens inside each."""
_ALIKE = 0.1
"""From this correlation of neighbours on they are exchanged together: runs go over the bounds of segments."""
_FIRST_DRAWS, _INTERVAL_DRAWS = 200, 400
_DOUBT = 0.25


@dataclass(frozen=True)
class Counts:
    """What happened in each segment, (S,), and of how many chances, (S,)."""

    happened: np.ndarray
    chances: np.ndarray

    @classmethod
    def of(cls, line: dict, others: bool) -> Counts | None:
        """Read a receipt's line; None where it does not tell. `others`: what did not happen. Raises ValueError for what is none."""
        segments = (line.get("events") or {}).get("segments")
        if not segments:
            return None
        happened, chances = np.array(segments, np.float64).T
        if not np.isfinite(happened).all() or not (happened >= 0).all() or not (np.isfinite(chances) & (chances > 0)).all():
            raise ValueError("segments are not counts")
        return cls(chances - happened if others else happened, chances)

    @property
    def rates(self) -> np.ndarray:
        return self.happened / self.chances

    def logs(self, weights: np.ndarray) -> np.ndarray:
        """Logarithm of the rate of (N, S) weighted segments: (N,). Half a one is added: there may be none."""
        return np.log((weights @ self.happened + 0.5) / (weights @ self.chances))

    @property
    def log(self) -> float:
        return float(self.logs(np.ones((1, len(self.chances))))[0])

    def scaled(self, factor: float) -> Counts:
        return Counts(self.happened * factor, self.chances)

    def joined(self, together: int) -> Counts:
        """Take so many neighbours together."""
        pieces = max(1, len(self.chances) // together)
        return Counts(*(np.array([piece.sum() for piece in np.array_split(of, pieces)]) for of in (self.happened, self.chances)))


def compare(a: dict, b: dict, control: tuple[dict, dict] | None, draws: int, random: np.random.Generator) -> Moved:
    """Set two tallies of one name against each other, beside their control's."""
    if not min(a["chances"], b["chances"]) > 0:
        return Moved(a["happened"], b["happened"], True, 1.0, 1.0, 1.0)
    others = _others(a, b)
    ours, theirs = (Counts.of(line, others) for line in (a, b))
    if ours is None or theirs is None:
        return _untold(a, b, control)
    at, low, high = _interval(*(Counts.of(line, False) for line in (a, b)), random)
    moved = Moved(a["happened"], b["happened"], True, *map(math.exp, (at, low, high)), least_p=_least_p(*_alike(ours, theirs)))
    moved.p = moved.alone = _p(ours, theirs, 0.0, draws, random)
    if control:
        moved.control = _ratio(*control)[0]
        if moved.p < ALPHA:
            beside = _beside(control, others, theirs.log - ours.log, draws, random)
            moved.p = max(moved.p, _p(ours, theirs, beside, draws, random)) if beside else moved.p
            moved.verdict = MACHINE if moved.p > ALPHA else AS_BEFORE
    return moved


def _others(a: dict, b: dict) -> bool:
    """Whether what did not happen is counted."""
    (k_a, n_a), (k_b, n_b) = ((line["happened"], line["chances"]) for line in (a, b))
    return a["unit"] != "s" and k_a <= n_a and k_b <= n_b and k_a + k_b > (n_a + n_b) / 2


def _alike(a: Counts, b: Counts) -> tuple[Counts, Counts]:
    """Give both in segments about as long: only such can be exchanged."""
    ratio = float(b.chances.mean() / a.chances.mean())
    return (a.joined(round(ratio)), b) if ratio >= 1 else (a, b.joined(round(1 / ratio)))


def _p(a: Counts, b: Counts, beside: float, draws: int, random: np.random.Generator) -> float:
    """How likely rates so far apart are by chance, after `beside` was taken off their distance, and half of the least that
    counts."""
    beyond = b.log - a.log - beside
    if abs(beyond) <= (_LEAST if not beside else _LEAST / 2) or beside and beyond * beside < 0:
        return 1.0
    a, b = _alike(a, b.scaled(math.exp(-beside - math.copysign(_LEAST / 2, beyond))))
    p = 1.0
    for number in (_FIRST_DRAWS, draws):  # most have not moved, and the first drawings say so
        ranks = noise.ranks(np.concatenate([a.rates, b.rates]))
        of_rates = noise.p_of_means(a.rates, b.rates, number, random, _ALIKE)
        p = max(of_rates, noise.p_of_means(ranks[: len(a.rates)], ranks[len(a.rates) :], number, random, _ALIKE))
        if p > 2 * ALPHA:
            break
    return p


def _least_p(a: Counts, b: Counts) -> float:
    """The smallest p that exchange can give: all segments in which something happened on one side, where they fit there."""
    sizes, busy = (len(a.rates), len(b.rates)), int((a.happened > 0).sum() + (b.happened > 0).sum())
    least = noise.least_p(*sizes)
    if 0 < busy <= min(sizes):
        least = max(least, sum(math.comb(size, busy) for size in sizes) / math.comb(sum(sizes), busy))
    return min(1.0, least) if busy else 1.0


def _beside(control: tuple[dict, dict], others: bool, at: float, draws: int, random: np.random.Generator) -> float:
    """What the control moved in the same direction, as a logarithm, as far as its interval goes halfway, and a quarter of it; 0.0
    for one that stayed. One that does not tell how its counts lay is taken at its word."""
    if _others(*control) != others:
        return 0.0
    one, other = (Counts.of(line, others) for line in control)
    if one is None or other is None:
        if not min(line["chances"] for line in control) > 0:
            return 0.0
        logs = [
            math.log(((line["chances"] - line["happened"] if others else line["happened"]) + 0.5) / line["chances"])
            for line in control
        ]
        beside = reach = logs[1] - logs[0]
    elif _p(one, other, 0.0, draws, random) >= ALPHA:
        return 0.0
    else:
        beside, low, high = _interval(one, other, random)
        reach = high if at > 0 else low
    beside += (reach - beside) / 2 + _DOUBT * beside
    return beside if beside * at > 0 else 0.0


def _interval(a: Counts, b: Counts, random: np.random.Generator) -> tuple[float, float, float]:
    """Logarithm of the ratio of the rates, and its 95 % interval by drawing segments."""
    drawn = []
    for one in (a, b):
        count = len(one.chances)
        drawn.append(one.logs(random.multinomial(count, np.full(count, 1.0 / count), _INTERVAL_DRAWS).astype(float)))
    at = b.log - a.log
    low, high = np.quantile(drawn[1] - drawn[0], (0.025, 0.975))
    return at, *noise.widened(at, float(low), float(high), min(len(a.chances), len(b.chances)))


def _untold(a: dict, b: dict, control: tuple[dict, dict] | None) -> Moved:
    """The same where it is not told how they lay."""
    p, least_p = _rates(a, b)
    ratio, spread = _ratio(a, b)
    clump = max(_clump(a), _clump(b))
    low, high = (ratio * math.exp(-spread), ratio * math.exp(spread)) if clump == 1 else (ratio, ratio)
    moved = Moved(a["happened"], b["happened"], True, ratio, low, high, p=p, alone=p, least_p=least_p, untold=clump > 1)
    if control and min(line["chances"] for line in control) > 0:
        moved.control, its_spread = _ratio(*control)
        apart = math.log(ratio / moved.control)
        if p < ALPHA and _rates(*control)[0] < ALPHA and (moved.control > 1) == (ratio > 1):
            away = abs(apart) / math.hypot(spread, its_spread) * 1.96
            beyond = math.erfc(away / math.sqrt(2)) if apart * math.log(ratio) > 0 else 1.0
            moved.p, moved.verdict = max(p, beyond), MACHINE if beyond > ALPHA else AS_BEFORE
    return moved


def _rates(a: dict, b: dict) -> tuple[float, float]:
    """p of one and the same rate, and the smallest that so few could give."""
    (k_a, n_a), (k_b, n_b) = ((line["happened"], line["chances"]) for line in (a, b))
    if _others(a, b):
        k_a, k_b = n_a - k_a, n_b - k_b
    k_a, k_b = (math.ceil(k / max(_clump(a), _clump(b))) for k in (k_a, k_b))
    less = min(n_a, n_b) / (n_a + n_b)
    return noise.p_of_rates(k_a, n_a, k_b, n_b), min(1.0, 2 * less ** (k_a + k_b))


def _clump(line: dict) -> int:
    """How many of a count are taken for one."""
    if line["chances"] <= _TRIALS and line["unit"] != "s":
        return 1
    block = (line.get("settings") or {}).get("blocksize")
    return _CLUMP * (block if isinstance(block, int) and block > 0 and line["unit"] in ("frames", "samples") else 1)


def _ratio(a: dict, b: dict) -> tuple[float, float]:
    """Ratio of the two rates (half a one is added to both: there may be none), and how far its logarithm may be off."""
    (k_a, n_a), (k_b, n_b) = ((line["happened"], max(line["chances"], 1e-9)) for line in (a, b))
    clump = max(_clump(a), _clump(b))
    return ((k_b + 0.5) / n_b) / ((k_a + 0.5) / n_a), 1.96 * math.sqrt(1 / (k_a / clump + 0.5) + 1 / (k_b / clump + 0.5))
