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


class Traits:
    """Sums over the last `MEMORY_HOPS` sounding hops, kept up hop by hop: asking costs the same whatever was heard.

    Equal to `gestures.traits` of those hops within 1e-4. State: the hops themselves and their sums.
    """

    def __init__(self):
        self._latents = np.zeros((MEMORY_HOPS, LATENT))
        self._codes = np.zeros((MEMORY_HOPS, COARSE), np.int64)
        # Of each hop: loudness class, offset from the note and whether it is near it, change from the hop before and whether both were near.
        self._hops = np.zeros((MEMORY_HOPS, 5))
        self._latent_sums, self._sums = np.zeros((2, LATENT)), np.zeros(7)
        self._uses = np.zeros((COARSE, CODES), np.int64)
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
        slot, before = self._kept % MEMORY_HOPS, self._hops[(self._kept - 1) % MEMORY_HOPS]
        near = abs(bend) < _NEAR
        both = near and before[2] > 0 and self._kept > 0
        if self._kept >= MEMORY_HOPS:
            self._count(slot, -1)
            # Nothing before it is left for the next oldest to differ from.
            following = self._hops[(slot + 1) % MEMORY_HOPS]
            self._sums[5:] -= following[3:]
            following[3:] = 0
        self._latents[slot] = latent
        self._codes[slot] = codes[:COARSE]
        self._hops[slot] = loudness, bend if near else 0, near, abs(bend - before[1]) if both else 0, both
        self._count(slot, 1)
        self._kept += 1

    def _count(self, slot, sign):
        latent, (loudness, bend, near, step, both) = self._latents[slot], self._hops[slot].tolist()
        self._latent_sums[0] += sign * latent
        self._latent_sums[1] += sign * (latent * latent)
        self._sums += sign * np.array([loudness, loudness * loudness, bend, bend * bend, near, step, both])
        self._uses[_LEVELS, self._codes[slot]] += sign

    def write(self, out: np.ndarray) -> bool:
        """Write the traits into `out (68,) float32`; False, and nothing written, while fewer than five hops were kept."""
        count = self.hops
        if count < _LEAST:
            return False
        mean, square = self._latent_sums / count
        out[:LATENT] = mean
        out[LATENT:2 * LATENT] = np.sqrt(np.maximum(square - mean * mean, 0))
        loudness, loudness_square, bend, bend_square, near, step, both = self._sums.tolist()
        wide = _spread(bend, bend_square, near) if near > 4 else 0.0
        restless = step / both if both > 4 else 0.0
        out[2 * LATENT:TRAITS] = loudness / count / 12 - 2.5, _spread(loudness, loudness_square, count) / 6, wide * 4, restless * 10
        return True

    def loudness(self) -> tuple[float, float]:
        """Mean and deviation of the loudness classes kept; the middle class where nothing was."""
        count = self.hops
        return (self._sums[0] / count, _spread(self._sums[0], self._sums[1], count)) if count else (LOUDNESS_CLASSES / 2, 0.0)

    def use(self) -> np.ndarray:
        """Share of every coarse code, `(3, 256)`."""
        return self._uses / max(1, self.hops)

    _ARRAYS = ("_latents", "_codes", "_hops", "_latent_sums", "_sums", "_uses")

    def state(self) -> dict:
        """A copy of the State."""
        return {"kept": self._kept, **{name: getattr(self, name).copy() for name in self._ARRAYS}}

    def set_state(self, state: dict) -> None:
        """Take a State that `state` returned."""
        self._kept = state["kept"]
        for name in self._ARRAYS:
            getattr(self, name)[:] = state[name]


_LEVELS = np.arange(COARSE)


def _spread(total, squares, count):
    mean = total / count
    return math.sqrt(max(0.0, squares / count - mean * mean))
