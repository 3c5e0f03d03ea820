"""The strokes of an answer as they sound: what was planned of them, at the tempo asked for, on the grid, struck again."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from .model.sampling import Leanings
from .model.strikes import Strikes
from .model.strokes import Stroke, Strokes
from .model.timing import Timing


class Beats:
    """Plays the pattern that `Strokes` plans, out of the sounds that `Strikes` kept; beside a `Line`, or alone. Model process only.

    `begin`, then for each hop `step` and, before the next, `look_ahead`; in between `renew` or `hold` at will. State: the stroke
    that sounds, the next one where it is known, and where they fall.
    """

    def __init__(self, strokes: Strokes, strikes: Strikes, timing: Timing):
        self._strokes, self._strikes, self._timing = strokes, strikes, timing
        self.reset()

    def reset(self) -> None:
        """Nothing sounds."""
        self.playing = False
        """Whether an answer's strokes are under way."""
        self.at = 0.0
        """Where the stroke that sounds, or sounded last, really fell, in hops: on the grid, if it was drawn there."""
        self._now: Stroke | None = None
        self._coming: Stroke | None = None
        self._struck = -1  # strokes so far, less one
        self._stretched = 1.0  # how many times as long as the performer's the pulse is

    _FIELDS = ("playing", "at", "_now", "_coming", "_struck", "_stretched")

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        return {name: getattr(self, name) for name in self._FIELDS}

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        for name, value in state.items():
            setattr(self, name, value)

    def begin(self, hop: int, chance: int, leanings: Leanings) -> None:
        """Begin an answer at this hop, at the tempo that `Timing` has."""
        self.reset()
        self.playing, self._stretched = True, self._timing.stretch
        self._coming = self._strokes.begin(hop, chance, leanings, self._stretched)

    def step(self, hop: int, frozen: bool = False) -> np.ndarray | None:
        """The stroke that sounds in this hop, (960,) float32; None where there is none. Nothing begins while `frozen`."""
        if self._coming is not None and not frozen:
            self._keep_tempo()
            placed = self._timing.place(float(self._coming.onset_hop), None if self._now is None else self.at)
            if placed < hop:  # the line has gone by meanwhile
                placed = self._timing.place(float(hop))
            if hop >= math.floor(placed):
                self._now, self._coming, self.at = self._coming, None, placed
                self._struck += 1
        begun = math.floor(self.at)
        if self._now is None or hop < begun or not self._strikes.knows(self._now.kind):
            return None
        return self._strikes.sound(self._now.kind, self._struck, hop - begun)

    def look_ahead(self, hop: int, leanings: Leanings) -> None:
        """Plan the stroke that may begin in the next hop, if one does."""
        now = self._now
        if now is not None and self._coming is None and hop + 1 >= now.onset_hop + now.wait_hops - self._timing.reach:
            self._coming = self._strokes.next(leanings)

    def renew(self, hop: int, leanings: Leanings) -> bool:
        """Let the next stroke come now, and the pattern go on from there; False where one has just begun."""
        if self._now is None or hop - self.at < 1:
            return False
        coming = self._coming or self._strokes.next(leanings)
        self._strokes.shift(hop - coming.onset_hop)
        self._coming = replace(coming, onset_hop=hop)
        return True

    def hold(self) -> None:
        """Let a hop go by as if no time had passed. A stroke that has begun rings out."""
        self._strokes.shift(1)
        if self._coming is not None:
            self._coming = replace(self._coming, onset_hop=self._coming.onset_hop + 1)
        elif self._now is not None:
            self._now = replace(self._now, onset_hop=self._now.onset_hop + 1)

    def _keep_tempo(self) -> None:
        times = self._timing.stretch / self._stretched
        if times != 1.0:
            self._strokes.retime(times)
            self._stretched = self._timing.stretch
