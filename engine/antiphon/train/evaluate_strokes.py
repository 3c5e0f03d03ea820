"""Judge the model of strokes on patterns nobody heard before: `python -m antiphon.train.evaluate_strokes [--patterns 200]`.

Patterns of `percussion.rhythm`, heard with an unsteady ear. `next`: the stroke after each one heard, planned without chance:
its kind, and whether it is within 50 ms. `answer`: 4 s planned as in an answer against what the performer went on to beat: F of
onsets within 50 ms, and of onsets with the right kind; `shuffled`: the same of the performer's own waits and kinds in random order.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

from ..model.score import HOP_S
from ..model.strokes import Strokes
from ..model.tokenizer import COLOURS
from .percussion import rhythm

HEARD_S, ANSWER_S = 8.0, 4.0
NEAR_HOPS = 2.5
_FIRST = 12  # strokes heard before `next` is asked for


def heard_as_hops(rng: np.random.Generator, strokes) -> list[tuple[int, int, float]]:
    """Onset hop, kind and level of each stroke, as a segmenter might give them."""
    rows = [(int(s.onset_s / HOP_S + rng.normal(0, 0.4)), s.kind, s.level_db) for s in strokes]
    return [row for row, before in zip(rows, [(-2, 0, 0.0), *rows], strict=False) if row[0] > before[0]]


def colours(rng: np.random.Generator, kinds: int) -> np.ndarray:
    """Spectra of so many kinds of stroke, (kinds, COLOURS)."""
    bands = np.repeat(rng.normal(0, 0.5, (kinds, 18)), COLOURS // 18, 1)
    return bands.astype(np.float32)


class Listener:
    """Plays strokes to a model hop by hop."""

    def __init__(self, rng: np.random.Generator, kinds: int):
        self.model, self._rng, self._colours, self._hop = Strokes(), rng, colours(rng, kinds), 0

    def hear(self, onset_hop: int, kind: int, level_db: float) -> None:
        while self._hop < onset_hop + 4:
            at = self._hop - onset_hop
            sounding = 0 <= at < 3
            self.model.step(self._colours[kind] + self._rng.normal(0, 0.05, COLOURS) if sounding else None)
            self._hop += 1
        self.model.push(onset_hop, level_db)


def f_score(planned: list[tuple[int, int]], true: list[tuple[int, int]], kinds: bool) -> float:
    """F of (onset hop, kind): each true stroke is taken once."""
    free, hits = list(true), 0
    for hop, kind in planned:
        fits = [t for t in free if abs(t[0] - hop) <= NEAR_HOPS and (not kinds or t[1] == kind)]
        if fits:
            free.remove(min(fits, key=lambda t: abs(t[0] - hop)))
            hits += 1
    return 2 * hits / max(1, len(planned) + len(true))


def judge(seed: int) -> dict[str, float]:
    """One pattern."""
    rng = np.random.default_rng([seed, 77])
    kinds = int(rng.integers(2, 5))
    strokes = heard_as_hops(rng, rhythm(rng, HEARD_S + ANSWER_S + 1.0, kinds))
    past = [s for s in strokes if s[0] * HOP_S < HEARD_S]
    future = [s for s in strokes if HEARD_S <= s[0] * HOP_S < HEARD_S + ANSWER_S]
    listener = Listener(rng, kinds)
    right, near, names = [], [], {}
    for number, (hop, kind, level_db) in enumerate(past):
        if number >= _FIRST:
            saved = listener.model.state()
            plan = listener.model.begin(past[number - 1][0] + 1, 1, None)
            listener.model.set_state(saved)
            right.append(names.get(plan.kind) == kind)
            near.append(abs(plan.onset_hop - hop) <= NEAR_HOPS)
        listener.hear(hop, kind, level_db)
        names[listener.model._heard[-1][1]] = kind
    now = int(HEARD_S / HOP_S)
    while listener._hop < now:
        listener.model.step(None)
        listener._hop += 1
    planned, plan = [], listener.model.begin(now, seed)
    while plan.onset_hop < now + ANSWER_S / HOP_S:
        planned.append((plan.onset_hop, names.get(plan.kind, -1)))
        plan = listener.model.next()
    true = [(hop, kind) for hop, kind, _ in future]
    waits, at, shuffled = np.diff([hop for hop, _, _ in past]), now, []
    while at < now + ANSWER_S / HOP_S and len(waits):
        shuffled.append((at, past[rng.integers(len(past))][1]))
        at += int(rng.choice(waits))
    return {
        "next_kind": float(np.mean(right)) if right else np.nan,
        "next_within_50_ms": float(np.mean(near)) if near else np.nan,
        "answer_onset_f": f_score(planned, true, False),
        "answer_f": f_score(planned, true, True),
        "shuffled_onset_f": f_score(shuffled, true, False),
        "shuffled_f": f_score(shuffled, true, True),
        "strokes_a_second": len(planned) / ANSWER_S,
        "true_strokes_a_second": len(true) / ANSWER_S,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patterns", type=int, default=200)
    args = parser.parse_args()
    rows = [judge(seed) for seed in range(args.patterns)]
    print(json.dumps({name: round(float(np.nanmean([row[name] for row in rows])), 3) for name in rows[0]}, indent=1))


if __name__ == "__main__":
    main()
