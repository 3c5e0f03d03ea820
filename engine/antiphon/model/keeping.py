"""What was played and sung last, and what the player keeps of it in slots: sound, to be played again, and notes, to go on from.

Model process only, one thread. Memory is bounded: MOST_HOPS a slot, shared with what was recorded, never copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .score import Note

MOST_HOPS = 1500
"""Kept of one answer or phrase, the first 30 s of it: 5.8 MB."""
_BEFORE_HOPS = 10  # of a phrase, before it was known for one
_JOIN = 480  # frames
_RISE = np.linspace(0, 1, _JOIN, dtype=np.float32)


@dataclass(frozen=True)
class Kept:
    """A stretch of sound, (hops, 960) float32, and the notes in it, onsets in hops from its beginning."""

    sound: tuple[np.ndarray, ...]
    notes: tuple[Note, ...]

    def hop(self, at: int) -> np.ndarray:
        """The hop at a position that goes round and round; where it comes round it fades out and in."""
        place, hop = at % len(self.sound), self.sound[at % len(self.sound)]
        if place == len(self.sound) - 1:
            return np.concatenate([hop[:-_JOIN], hop[-_JOIN:] * _RISE[::-1]])
        if place == 0 and at > 0:
            return np.concatenate([hop[:_JOIN] * _RISE, hop[_JOIN:]])
        return hop


class Keeping:
    """Records the newest answer and the newest phrase, and keeps slots. Slots outlast `forget`: panic leaves them alone."""

    def __init__(self, slots: int):
        self._slots: list[Kept | None] = [None] * slots
        self.forget()

    def forget(self) -> None:
        """Forget what was recorded."""
        self._sound: list[np.ndarray] = []
        self._notes: list[Note] = []
        self._before: list[np.ndarray] = []
        self._began = 0
        self._in_phrase = False

    def begin(self, hop: int) -> None:
        """An answer begins at this hop: record that from now on."""
        self._sound, self._notes, self._began, self._in_phrase = [], [], hop, False

    def play(self, voice: np.ndarray) -> None:
        """A hop of the answer, (960,) float32."""
        if len(self._sound) < MOST_HOPS:
            self._sound.append(voice.copy())

    def hear(self, hop: int, mic: np.ndarray, in_phrase: bool) -> None:
        """A hop of the performer's: a new phrase is recorded in the place of what was there."""
        if in_phrase and not self._in_phrase:
            self._sound, self._notes, self._began = list(self._before), [], hop - len(self._before)
        self._in_phrase = in_phrase
        self._before = [*self._before, mic.copy()][-_BEFORE_HOPS:]
        if in_phrase and len(self._sound) < MOST_HOPS:
            self._sound.append(self._before[-1])

    def note(self, note: Note) -> None:
        """A note of what is recorded."""
        if note.onset_hop >= self._began and len(self._notes) < MOST_HOPS:
            self._notes.append(replace(note, onset_hop=note.onset_hop - self._began))

    def keep(self, slot: int) -> bool:
        """Keep what is recorded in a slot, from 0; False where nothing is."""
        if not self._sound or not any(np.any(hop) for hop in self._sound):
            return False
        self._slots[slot] = Kept(tuple(self._sound), tuple(self._notes))
        return True

    def slot(self, slot: int) -> Kept | None:
        """What a slot keeps, None where it is empty."""
        return self._slots[slot]

    _FIELDS = ("_sound", "_notes", "_before", "_began", "_in_phrase", "_slots")
    _LISTS = ("_sound", "_notes", "_before", "_slots")

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        return {name: list(getattr(self, name)) if name in self._LISTS else getattr(self, name) for name in self._FIELDS}

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        for name, value in state.items():
            setattr(self, name, list(value) if name in self._LISTS else value)


def as_heard(notes: Sequence[Note], until_hop: int, length: int) -> list[Note]:
    """Give kept notes the onsets they would have had if their stretch of `length` hops had ended at `until_hop`."""
    return [replace(note, onset_hop=until_hop - length + note.onset_hop) for note in notes]


