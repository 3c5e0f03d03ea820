"""What the performer's own strokes sounded like, kind by kind, to be struck again. numpy only; model process, one thread."""
from __future__ import annotations

import numpy as np

from .gestures import LATENT
from .strokes import KINDS

LENGTH_HOPS = 16
"""Of a stroke, at most: 320 ms."""
KEPT = 4
"""Strokes of a kind that are kept, the newest."""
_RING = 128  # hops remembered, for a stroke is known as one only when it is over
_DIED = 20  # loudness classes (30 dB) below its loudest hop a stroke is over


class Strikes:
    """Latents and loudness classes of the strokes heard. State: the last hops, and the strokes kept of each kind."""

    def __init__(self):
        self._latents = np.zeros((_RING, LATENT), np.float32)
        self._hops, self._loudness = np.full(_RING, -1, np.int64), np.zeros(_RING, np.int64)
        self._kept: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in range(KINDS)]

    def reset(self) -> None:
        """Forget everything heard."""
        self.__init__()

    def hear(self, hop: int, latent: np.ndarray, loudness: int) -> None:
        """Hear hop number `hop`, whatever it is: latent `(32,)` and loudness class."""
        slot = hop % _RING
        self._hops[slot], self._latents[slot], self._loudness[slot] = hop, latent, loudness

    def keep(self, kind: int, onset_hop: int) -> None:
        """Keep the stroke of a kind that began at `onset_hop`: up to where it has died away, or another rises out of it."""
        slots = (onset_hop + np.arange(LENGTH_HOPS)) % _RING
        heard = self._hops[slots] == onset_hop + np.arange(LENGTH_HOPS)
        loudness = np.where(heard, self._loudness[slots], 0)
        top = int(loudness[:3].argmax())
        over = (loudness == 0) | (loudness < loudness[top] - _DIED) | (np.diff(loudness, prepend=loudness[0]) > 4)
        over[: top + 1] = False
        length = int(over.argmax()) if over.any() else LENGTH_HOPS
        if loudness[top] > 0:
            stroke = self._latents[slots[:length]].copy(), loudness[:length].copy()
            self._kept[kind] = [*self._kept[kind], stroke][-KEPT:]

    def knows(self, kind: int) -> bool:
        """Whether a stroke of this kind was kept."""
        return bool(self._kept[kind])

    def sound(self, kind: int, number: int, elapsed: int) -> tuple[np.ndarray, int] | None:
        """Latent `(32,)` and loudness class of a stroke, `elapsed` hops in; None when it is over. `number` picks one of the kept."""
        latents, loudness = self._kept[kind][number % len(self._kept[kind])]
        return (latents[elapsed], int(loudness[elapsed])) if elapsed < len(loudness) else None

    def state(self) -> dict:
        """A copy of the State."""
        ring = self._hops.copy(), self._latents.copy(), self._loudness.copy()
        return {"ring": ring, "kept": [list(kind) for kind in self._kept]}

    def set_state(self, state: dict) -> None:
        """Take a State that `state` returned."""
        self._hops, self._latents, self._loudness = (array.copy() for array in state["ring"])
        self._kept = [list(kind) for kind in state["kept"]]
