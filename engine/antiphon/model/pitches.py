"""Which pitches an answer may take, and how each is tuned: what the player asks for, laid over what was heard.

The note model thinks in the semitones of an equal-tempered octave. Here each of its classes gets the pitch it sounds on, to
the cent, how much it is leaned on, and whether it may be begun at all: with `scale_grip` 1 nothing outside the scale can be
chosen, with `chord_grip` 1 nothing outside the chord, and the register's bounds always hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..params.scales import SCALES
from . import score
from .key import Key

FORBIDDEN = -1e6
"""Nats: with a tail of a few nats such a class cannot be chosen while there is any other."""
SOFT_NATS = 5.0  # against what is surely outside, at a grip of 0.5
TONIC_NATS = 1.2  # towards the tonic of a key or scale that was told, half of it towards its fifth
_ROOM = 4.0  # semitones of the performer's register between the bounds that leave it where it is
_LOWEST = 12.0  # nobody hears lower as a pitch
_MEMBER = 0.5  # at grip 1: how surely a class must be in a scale that was only heard
_SEMITONE = score.NOTE_LO + np.arange(score.NOTES)


@dataclass(frozen=True, slots=True)
class PitchWishes:
    """What the player asks of pitch; the names are rows of the parameter table."""

    key: str = "performer"
    scale: str = "performer"
    scale_cents: tuple[float, ...] = ()
    scale_grip: float = 0.5
    chord: tuple[float, ...] = ()
    chord_grip: float = 1.0
    register_low: float = 0.0
    register_high: float = 127.0
    transpose: int = 0
    tune_to: str = "performer"

    def steps(self) -> tuple[float, ...] | None:
        """Cents of the scale above its tonic, the tonic among them; None where it is the performer's."""
        if self.scale == "cents":
            return tuple(sorted({0.0, *self.scale_cents}))[:12]
        return SCALES.get(self.scale)


def grip_nats(grip: float) -> float:
    """Nats against what is surely outside: even up to a grip of 0.5, then more and more quickly."""
    if grip <= 0.5:
        return 2 * SOFT_NATS * grip
    return SOFT_NATS * 24.0 ** (2 * grip - 1)


def places(cents: tuple[float, ...]) -> dict[int, float]:
    """Give each step of a scale a semitone of its own, 0..11, in order: the nearest that leaves room for the others."""
    placed, below = {}, -1
    for n, step in enumerate(cents):
        below = min(max(int(step / 100 + 0.5), below + 1), 11 - (len(cents) - 1 - n))
        placed[below] = step
    return placed


class Pitches:
    """Pitch, leaning and permission of each note class. Model process only; about 100 us when anything changed, else nothing.

    `ask` with what the player wants, then read. `version` goes up when anything did change. It holds no State of its own:
    everything follows from the key and the wishes.
    """

    def __init__(self, key: Key):
        self._key = key
        self._wishes, self._key_version = None, -1
        self.version = 0
        self.ask(PitchWishes())

    def ask(self, wishes: PitchWishes) -> None:
        """Take what the player wants now."""
        if wishes != self._wishes or self._key.version != self._key_version:
            self._wishes, self._key_version = wishes, self._key.version
            self.version += 1
            self._work_out()

    def refresh(self) -> None:
        """Take what was heard since into account."""
        self.ask(self._wishes)

    @property
    def wishes(self) -> PitchWishes:
        """What is wanted."""
        return self._wishes

    def sound(self, note_class: int) -> float:
        """The pitch (MIDI semitones with cents) that a class sounds on."""
        return float(self.pitch[note_class])

    def fit(self, pitch: float) -> float:
        """The pitch itself where it may be begun, else the nearest that may."""
        return self.sound(self.nearest(pitch))

    def nearest(self, pitch: float) -> int:
        """The class that may be begun and sounds nearest to a pitch."""
        return int(np.where(self.allowed, np.abs(self.pitch - pitch), np.inf).argmin())

    def _work_out(self) -> None:
        key, wishes = self._key, self._wishes
        self.tonic = self._tonic()
        self.shift = wishes.transpose + 12 * self._octaves()
        semitone = _SEMITONE + self.shift
        told = wishes.key != "performer" or wishes.steps() is not None
        member = self._members()[(semitone if told else _SEMITONE) % 12]
        self.pitch = self._tuned(semitone)
        chord = np.isin(semitone % 12, np.array([round(note) % 12 for note in wishes.chord]))
        held = chord if wishes.chord and wishes.chord_grip > 0 else np.zeros(score.NOTES, bool)
        member = np.where(held, 1.0, member)  # what is played on a keyboard is in the scale
        self.nats = -grip_nats(wishes.scale_grip) * np.sqrt(np.maximum(0.0, 1.0 - member))  # the root: what is doubtful is avoided too
        if told:  # the notes alone do not say which of them is the tonic
            above = (semitone - self.tonic) % 12
            self.nats += np.where(above == 0, TONIC_NATS, np.where((above == 7) & (member > _MEMBER), TONIC_NATS / 2, 0.0))
        allowed = self.pitch >= _LOWEST
        if wishes.scale_grip >= 1:
            allowed &= member >= min(_MEMBER, member.max())
        if held.any():
            self.nats -= np.where(chord, 0.0, grip_nats(wishes.chord_grip))
            if wishes.chord_grip >= 1:
                allowed &= chord
        low, high = sorted((wishes.register_low, wishes.register_high))
        inside = (self.pitch > low - 0.5) & (self.pitch < high + 0.5)
        if (allowed & inside).any():
            allowed &= inside
        else:  # no note of the scale lies between the two bounds: the one that is nearest
            far = np.where(allowed, np.abs(self.pitch - (low + high) / 2), np.inf)
            allowed = far <= far.min() + 1e-9
        self.allowed = allowed
        self.nats = np.where(allowed, self.nats, FORBIDDEN)
        self.heard_register = key.register()

    def _tonic(self) -> int:
        """Pitch class of the tonic of what sounds."""
        from_table = _KEY_CLASSES.get(self._wishes.key)
        if from_table is not None:
            return from_table
        steps = self._wishes.steps()
        heard = self._key.tonic(None if steps is None else np.array(sorted(places(steps))))
        return (heard + self._wishes.transpose) % 12

    def _octaves(self) -> int:
        """The fewest octaves by which what was heard comes between the bounds, a few semitones of it at least."""
        low, high = sorted((self._wishes.register_low, self._wishes.register_high))
        heard = np.array(self._key.register()) + self._wishes.transpose

        def inside(octaves: int) -> float:
            return min(high, heard[1] + 12 * octaves) - max(low, heard[0] + 12 * octaves)

        enough = min(_ROOM, high - low)
        octaves = sorted(range(-8, 9), key=lambda n: (abs(n), n < 0))
        return next((n for n in octaves if inside(n) >= enough), max(octaves, key=inside))

    def _members(self) -> np.ndarray:
        """How surely each pitch class is in the scale, (12,): of what sounds, or as heard where nothing was said."""
        steps = self._wishes.steps()
        if steps is None:
            return self._key.membership(None if self._wishes.key == "performer" else self.tonic)
        member = np.zeros(12)
        member[(np.array(list(places(steps))) + self.tonic) % 12] = 1.0
        return member

    def _tuned(self, semitone: np.ndarray) -> np.ndarray:
        """The pitch of each sounding semitone."""
        wishes, steps = self._wishes, self._wishes.steps()
        concert = wishes.tune_to == "440"
        if steps is None:
            if concert:
                return semitone.astype(float)
            return np.array([self._key.sound(int(s)) for s in _SEMITONE]) + self.shift
        above = (semitone - self.tonic) % 12
        cents = np.arange(12) * 100.0
        for place, step in places(steps).items():
            cents[place] = step
        return semitone - above + cents[above] / 100 + (0.0 if concert else self._key.tuning)


_KEY_CLASSES = {"c": 0, "c#": 1, "d": 2, "eb": 3, "e": 4, "f": 5, "f#": 6, "g": 7, "ab": 8, "a": 9, "bb": 10, "b": 11}
