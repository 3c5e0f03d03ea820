"""The performer's own strokes, kind by kind, to be struck again as they were: sound itself, not codes of it.

An attack is over within a few milliseconds, and a codec that speaks every 10 ms smears it: a knock at -26 dB came back at
-41 (bench/LOG.md). numpy only; model process, one thread.
"""
from __future__ import annotations

import numpy as np

from .strokes import KINDS
from .tokens import HOP

LENGTH_HOPS = 16
"""Of a stroke, at most: 320 ms."""
KEPT = 4
"""Strokes of a kind that are kept, the newest."""
_RING = 64  # hops remembered, for a stroke is known as one only when it is over
_DIED_DB, _RISEN_DB = 36.0, 6.0  # below its loudest hop a stroke is over; what rises by so much is the next one
_BEGUN = 0.1  # of the peak: there the stroke begins
_RISE, _FALL = 96, 480  # frames


class Strikes:
    """Sound of the strokes heard. State: the last hops, and the strokes kept of each kind."""

    def __init__(self):
        self._sound, self._hops = np.zeros((_RING, HOP), np.float32), np.full(_RING, -1, np.int64)
        self._kept: list[list[np.ndarray]] = [[] for _ in range(KINDS)]

    def reset(self) -> None:
        """Forget everything heard."""
        self.__init__()

    def hear(self, hop: int, mic: np.ndarray) -> None:
        """Hear hop number `hop`, whatever it is, (960,) float32."""
        self._hops[hop % _RING], self._sound[hop % _RING] = hop, mic

    def keep(self, kind: int, onset_hop: int) -> None:
        """Keep the stroke of a kind that began at `onset_hop`, give or take one: up to where it has died away, or another rises."""
        wanted = onset_hop - 1 + np.arange(LENGTH_HOPS + 1)
        there = self._hops[wanted % _RING] == wanted
        if not there[1]:
            return
        sound = np.where(there[:, None], self._sound[wanted % _RING], 0.0)
        level = 10 * np.log10(np.square(sound, dtype=np.float64).mean(1) + 1e-12)
        top = int(level[:3].argmax())
        over = (level < level[top] - _DIED_DB) | (np.diff(level, prepend=level[0]) > _RISEN_DB)
        over[: top + 1] = False
        frames = sound[: int(over.argmax()) if over.any() else len(sound)].ravel()
        first = int((np.abs(frames) > _BEGUN * np.abs(frames).max()).argmax())
        stroke = frames[max(0, first - _RISE) :].astype(np.float32)
        stroke = np.concatenate([stroke, np.zeros(-len(stroke) % HOP, np.float32)])
        stroke[:_RISE] *= np.linspace(0, 1, _RISE, dtype=np.float32)
        stroke[-_FALL:] *= np.linspace(1, 0, _FALL, dtype=np.float32)
        if np.any(stroke):
            self._kept[kind] = [*self._kept[kind], stroke.reshape(-1, HOP)][-KEPT:]

    def forget(self, kind: int) -> None:
        """Forget a kind: another sound has its number now."""
        self._kept[kind] = []

    def knows(self, kind: int) -> bool:
        """Whether a stroke of this kind was kept."""
        return bool(self._kept[kind])

    def sound(self, kind: int, number: int, elapsed: int) -> np.ndarray | None:
        """A hop of a stroke, (960,) float32, `elapsed` hops in; None when it is over. `number` picks one of the kept."""
        stroke = self._kept[kind][number % len(self._kept[kind])]
        return stroke[elapsed] if elapsed < len(stroke) else None

    def state(self) -> dict:
        """A copy of the State."""
        return {"ring": (self._hops.copy(), self._sound.copy()), "kept": [list(kind) for kind in self._kept]}

    def set_state(self, state: dict) -> None:
        """Take a State that `state` returned."""
        self._hops, self._sound = (array.copy() for array in state["ring"])
        self._kept = [list(kind) for kind in state["kept"]]
