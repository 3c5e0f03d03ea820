"""The performer's own moments: hops heard, out of which an answer takes its timbre (as unit selection does, Hunt & Black 1996).

The acoustic model says what it would like to sound next; what sounds is the moment of the performer's own last seconds that
is most like it, and goes on from there as the performer went on, for as long as that stays near. So the answer is in their
voice, with its vowels, its breath and its small movements, whatever the model was trained on. numpy only; model process,
one thread.
"""
from __future__ import annotations

import numpy as np

from .gestures import LATENT

MOMENTS = 1000
"""Sounding hops kept: 20 s."""
LEAST = 25
"""Fewer moments than these are no voice yet: the model's own timbre sounds."""
LEAP = 1.0
"""What it costs to go anywhere but to the moment that followed; staying where one is costs as much again."""
_LOUDNESS, _PITCH, _AGE, _LEFT = 3.0, 5.0, 4.0, 4.0  # loudness classes (1.5 dB), semitones, age classes of a cost of one
_NEAR_END = 12  # hops: whoever is farther from the end of a note is in its middle
_AGES = np.floor(4 * np.log2(1 + np.arange(256))).astype(np.float32)
_MOST = 4.0  # of each of those costs: beyond it, far is far
_NEVER = 1e3
JOIN = 0.5
"""How much of what sounded before is left at a leap."""


class Moments:
    """A ring of hops heard: latent `(32,)`, loudness class, pitch, age in its note, bend from it, and how near its end.
    `find` costs about 70 us.

    State: the ring, and the moment that sounded last.
    """

    def __init__(self):
        self._latents, self._told = np.zeros((MOMENTS, LATENT), np.float32), np.zeros((MOMENTS, 5), np.float32)
        self._goes_on = np.zeros(MOMENTS, bool)  # whether the moment in the next slot followed it
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self._kept, self._last = 0, -1
        self._broken, self._note_hops = True, 0
        self._goes_on[:] = False
        self._scale = np.ones(LATENT, np.float32)
        self._sounded = np.zeros(LATENT, np.float32)
        self.leapt = False
        """Whether the moment found last does not follow the one before it."""

    @property
    def hops(self) -> int:
        """Moments there are."""
        return min(self._kept, MOMENTS)

    def add(self, latent: np.ndarray, loudness: int, pitch: float, age: int, bend: float) -> None:
        """Keep a sounding hop: latent `(32,)`, loudness class, pitch in MIDI semitones (0 unvoiced), hops since its note began,
        semitones away from it."""
        slot = self._kept % MOMENTS
        if age == 0:
            self._end_note()
        self._note_hops = min(self._note_hops + 1, _NEAR_END)
        if not self._broken:
            self._goes_on[slot - 1] = True
        self._goes_on[slot] = False
        self._latents[slot] = latent
        self._told[slot] = loudness, pitch, _AGES[min(age, 255)], bend, _AGES[_NEAR_END]
        self._kept += 1
        self._broken = False

    def rest(self) -> None:
        """A hop in which nothing sounded: what comes next does not follow from what was."""
        self._broken = True
        self._end_note()

    def _end_note(self) -> None:
        """The last note is over: now it is known of its last moments how near its end they were."""
        for left in range(self._note_hops):
            self._told[(self._kept - 1 - left) % MOMENTS, 4] = _AGES[left]
        self._note_hops = 0

    def begin(self) -> None:
        """Prepare an answer: nothing has sounded yet."""
        self._last = -1
        if self.hops >= LEAST:
            self._scale = 1 / (self._latents[:self.hops].std(0) + 0.05)

    def find(self, wanted: np.ndarray, loudness: int, pitch: float, age: int, left: int = -1) -> np.ndarray:
        """The latent to sound where the model wants `wanted (32,)` at this loudness class, pitch (0 unvoiced), age and hops left
        of its note (negative: nobody knows)."""
        count = self.hops
        if count < LEAST:
            return wanted
        cost = np.square((self._latents[:count] - wanted) * self._scale).mean(1)
        told = self._told[:count]
        cost += np.minimum(np.square((told[:, 0] - loudness) / _LOUDNESS), _MOST)
        voiced = told[:, 1] > 0
        if pitch > 0:
            cost += np.where(voiced, np.minimum(np.square((told[:, 1] - pitch) / _PITCH), _MOST), _NEVER)
        else:
            cost += np.where(voiced, _NEVER, 0)
        cost += np.minimum(np.square((told[:, 2] - _AGES[min(age, 255)]) / _AGE), _MOST)
        near_end = _AGES[min(left, _NEAR_END) if left >= 0 else _NEAR_END]
        cost += np.minimum(np.square((told[:, 4] - near_end) / _LEFT), _MOST)
        following = -1
        if self._last >= 0:
            cost[self._last] += LEAP
            if self._goes_on[self._last]:
                following = (self._last + 1) % MOMENTS
                cost[following] -= LEAP
        best = int(cost.argmin())
        if cost[best] >= _NEVER / 2:  # a voice that was never heard without a pitch, or never with one
            self._last = -1
            return wanted
        self.leapt = best != following and self._last >= 0
        self._sounded = JOIN * self._sounded + (1 - JOIN) * self._latents[best] if self.leapt else self._latents[best].copy()
        self._last = best
        return self._sounded

    @property
    def gesture(self) -> tuple[int, float] | None:
        """Loudness class of the moment found last, and semitones from its note; None where there is none or it was unvoiced."""
        if self._last < 0 or not self._told[self._last, 1] > 0:
            return None
        return int(self._told[self._last, 0]), float(self._told[self._last, 3])

    def copy(self) -> Moments:
        """Another of the same moments, in which nothing has sounded yet."""
        other = Moments.of(self.state())
        other.begin()
        return other

    @classmethod
    def of(cls, state: dict) -> Moments:
        """Make one of a State."""
        moments = cls()
        moments.set_state(state)
        return moments

    def save(self, path) -> None:
        """Write the moments, (hops, 38) float16: latent, what is told of it, whether the next one follows; for a voice that is kept."""
        count = self.hops
        with open(path, "wb") as file:
            np.save(file, np.hstack([self._latents[:count], self._told[:count], self._goes_on[:count, None]]).astype(np.float16))

    @classmethod
    def load(cls, path) -> Moments:
        """Read what `save` wrote. Raises ValueError or OSError where it is no such file."""
        rows, moments = np.load(path, allow_pickle=False), cls()
        told = LATENT + moments._told.shape[1]
        if rows.dtype != np.float16 or rows.ndim != 2 or rows.shape[1] != told + 1 or len(rows) > MOMENTS or not np.isfinite(rows).all():
            raise ValueError(f"{path}: no moments, up to {MOMENTS} rows of {told + 1} numbers of 16 bits")
        count = len(rows)
        moments._latents[:count], moments._told[:count] = rows[:, :LATENT], rows[:, LATENT:told]
        moments._goes_on[: max(0, count - 1)] = rows[:-1, told] > 0
        moments._kept = count
        moments.begin()
        return moments

    _ARRAYS = ("_latents", "_told", "_goes_on", "_scale", "_sounded")
    _VALUES = ("_kept", "_last", "_broken", "_note_hops", "leapt")

    def state(self) -> dict:
        """A copy of the State."""
        arrays = {name: getattr(self, name).copy() for name in self._ARRAYS}
        return {**arrays, **{name: getattr(self, name) for name in self._VALUES}}

    def set_state(self, state: dict) -> None:
        """Take a State that `state` returned."""
        for name in self._ARRAYS:
            setattr(self, name, state[name].copy())
        for name in self._VALUES:
            setattr(self, name, state[name])
