"""The performer's level, and the gain that brings it to where the models are at home."""

from __future__ import annotations

import math

HOME_DB = -18.0
"""Loud hops of the clips that the models learned from, dB rms re full scale, in the middle."""
MOST_UP_DB, MOST_DOWN_DB = 36.0, 12.0
_FALL_DB = 0.01  # a hop: half a decibel a second, so that a soft verse stays softer than the loud one before it
_FASTEST_DB = 1.5  # a hop: one class of loudness
_UNHEARD_DB = -75.0


class InputGain:
    """Follows how loud the performer's loud hops are; `gain` is what the encoder's sound is multiplied by, and the voice divided.

    So a microphone turned low is heard, and answered, like one turned up, only softer. Model process, one thread.
    The whole of it is a value: `state`, `set_state`.
    """

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        """Forget the performer's level."""
        self._loud_db: float | None = None
        self._gain_db = 0.0

    def state(self) -> tuple[float | None, float]:
        """All that is remembered."""
        return self._loud_db, self._gain_db

    def set_state(self, state: tuple[float | None, float]) -> None:
        """Take what `state` returned."""
        self._loud_db, self._gain_db = state

    @property
    def gain(self) -> float:
        """The factor now; 1 until a pitch was heard."""
        return 10.0 ** (self._gain_db / 20.0)

    def step(self, loudness_db: float, voiced: bool) -> None:
        """Take a hop of the performer: its level in dB rms re full scale, and whether it has a pitch."""
        if not voiced or not loudness_db > _UNHEARD_DB or not math.isfinite(loudness_db):
            return
        before = loudness_db if self._loud_db is None else self._loud_db - _FALL_DB
        self._loud_db = max(loudness_db, before)
        wanted = min(MOST_UP_DB, max(-MOST_DOWN_DB, HOME_DB - self._loud_db))
        self._gain_db += min(_FASTEST_DB, max(-_FASTEST_DB, wanted - self._gain_db))
