"""Whose sound it is: a running summary of the last 10 s in which something sounded. numpy only; model process, one thread."""
from __future__ import annotations

import math

import numpy as np

from .gestures import LATENT, LOUDNESS_CLASSES, TRAITS
from .timbre import CODES

MEMORY_HOPS = 500
"""Sounding hops that are summed up: 10 s."""
COARSE = 3
"""Levels of codes whose use is counted."""
_LEAST = 5
_NEAR = 1.0  # semitones: what is farther from the note is no expression
_BEND, _IS_NEAR = 2 * LATENT + 2, 2 * LATENT + 4
_STEP = slice(2 * LATENT + 5, 2 * LATENT + 7)


class Traits:
    """Sums over the last `MEMORY_HOPS` sounding hops, kept up hop by hop: asking costs the same whatever was heard.

    Equal to `gestures.traits` of those hops within 1e-4. State: the hops themselves and their sums.
    """

    def __init__(self):
        # Of each hop what is summed: latent, its squares, and the seven numbers of `add`.
        self._hops, self._sums = np.zeros((MEMORY_HOPS, 2 * LATENT + 7)), np.zeros(2 * LATENT + 7)
        self._codes, self._uses = np.zeros((MEMORY_HOPS, COARSE), np.int64), np.zeros((COARSE, CODES), np.int64)
        self._kept = 0

    def reset(self) -> None:
        """Forget everything heard."""
        self.__init__()

    @property
    def hops(self) -> int:
        """Hops summed up."""
        return min(self._kept, MEMORY_HOPS)

    def add(self, latent: np.ndarray, loudness: int, bend: float, codes: np.ndarray) -> None:
        """Keep a sounding hop: latent `(32,)`, loudness class, semitones from its note (nan unvoiced), codes `(levels,)`."""
        slot = self._kept % MEMORY_HOPS
        hop, before = self._hops[slot], self._hops[slot - 1]
        codes = codes[:COARSE].tolist()
        if self._kept >= MEMORY_HOPS:
            self._sums -= hop
            for level, code in enumerate(self._codes[slot].tolist()):
                self._uses[level, code] -= 1
            # Nothing before it is left for the next oldest to differ from.
            following = self._hops[(slot + 1) % MEMORY_HOPS, _STEP]
            self._sums[_STEP] -= following
            following[:] = 0
        near = abs(bend) < _NEAR
        bend = bend if near else 0.0
        both = near and before[_IS_NEAR] > 0
        hop[:LATENT] = latent
        np.square(hop[:LATENT], out=hop[LATENT:2 * LATENT])
        hop[2 * LATENT:] = loudness, loudness * loudness, bend, bend * bend, near, abs(bend - before[_BEND]) if both else 0.0, both
        self._sums += hop
        self._codes[slot] = codes
        for level, code in enumerate(codes):
            self._uses[level, code] += 1
        self._kept += 1

    def write(self, out: np.ndarray) -> bool:
        """Write the traits into `out (68,) float32`; False, and nothing written, while fewer than five hops were kept."""
        count = self.hops
        if count < _LEAST:
            return False
        mean, square = self._sums[:LATENT] / count, self._sums[LATENT:2 * LATENT] / count
        out[:LATENT] = mean
        out[LATENT:2 * LATENT] = np.sqrt(np.maximum(square - mean * mean, 0))
        loudness, loudness_square, bend, bend_square, near, step, both = self._sums[2 * LATENT:].tolist()
        wide = _spread(bend, bend_square, near) if near > 4 else 0.0
        restless = step / both if both > 4 else 0.0
        out[2 * LATENT:TRAITS] = loudness / count / 12 - 2.5, _spread(loudness, loudness_square, count) / 6, wide * 4, restless * 10
        return True

    def loudness(self) -> tuple[float, float]:
        """Mean and deviation of the loudness classes kept; the middle class where nothing was."""
        count = self.hops
        total, squares = self._sums[2 * LATENT:2 * LATENT + 2].tolist()
        return (total / count, _spread(total, squares, count)) if count else (LOUDNESS_CLASSES / 2, 0.0)

    def loudest(self) -> int:
        """Loudness class that one sounding hop in a hundred was above; the highest there is where nothing was kept."""
        kept = self._hops[:self.hops, 2 * LATENT]
        return int(np.partition(kept, -1 - len(kept) // 100)[-1 - len(kept) // 100]) if len(kept) else LOUDNESS_CLASSES - 1

    def use(self) -> np.ndarray:
        """Share of every coarse code, `(3, 256)`."""
        return self._uses / max(1, self.hops)

    _ARRAYS = ("_hops", "_sums", "_codes", "_uses")

    def state(self) -> dict:
        """A copy of the State."""
        return {"kept": self._kept, **{name: getattr(self, name).copy() for name in self._ARRAYS}}

    def set_state(self, state: dict) -> None:
        """Take a State that `state` returned."""
        self._kept = state["kept"]
        for name in self._ARRAYS:
            getattr(self, name)[:] = state[name]


def _spread(total, squares, count):
    mean = total / count
    return math.sqrt(max(0.0, squares / count - mean * mean))
