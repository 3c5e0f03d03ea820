"""Notes that begin between two hops: the voice, later by less than a hop. numpy only; model process, one thread."""

from __future__ import annotations

import numpy as np

from .tokens import HOP

_JOIN = 144  # frames of the cross-fade from one delay to another: 3 ms
_RISE = np.linspace(0, 1, _JOIN, dtype=np.float32)


class Placement:
    """Delays hops of voice by up to one hop, another delay for each note. Without any delay it hands on what it is given.

    State: the hop before, and the delay now.
    """

    def __init__(self):
        self._two = np.zeros(2 * HOP, np.float32)
        self._delay = 0

    def reset(self) -> None:
        """Nothing sounded before, and nothing is delayed."""
        self._two[:] = 0
        self._delay = 0

    def step(self, voice: np.ndarray, delay: int) -> np.ndarray:
        """Give the hop that is heard now, (960,) float32, `delay` frames (0..959) after `voice`."""
        self._two[:HOP], self._two[HOP:] = self._two[HOP:], voice
        before, self._delay = self._delay, delay
        if delay == before == 0:
            return voice
        out = self._two[HOP - delay : 2 * HOP - delay].copy()
        if delay != before:
            out[:_JOIN] = _RISE * out[:_JOIN] + (1 - _RISE) * self._two[HOP - before : HOP - before + _JOIN]
        return out

    def state(self) -> tuple[np.ndarray, int]:
        """All that is remembered."""
        return self._two.copy(), self._delay

    def set_state(self, state: tuple[np.ndarray, int]) -> None:
        """Take what `state` returned."""
        self._two[:], self._delay = state
