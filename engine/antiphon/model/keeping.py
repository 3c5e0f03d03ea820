"""What was played and sung last, and what the player keeps of it in slots: sound, to be played again, and notes, to go on from.

Model process only, one thread. Memory is bounded: MOST_HOPS a slot, shared with what was recorded, never copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from .score import Note

MOST_HOPS = 1500
"""Kept of one answer or phrase, the first 30 s of it: 5.8 MB."""
_BEFORE_HOPS = 10  # of a phrase, before it was known for one
_FEWEST = 2  # notes or strokes of a phrase
_JOIN = 480  # frames
_RISE = np.linspace(0, 1, _JOIN, dtype=np.float32)


@dataclass(frozen=True)
class Kept:
    """A stretch of sound, (hops, 960) float32, and the notes in it, onsets in hops from its beginning."""

    sound: tuple[np.ndarray, ...]
    notes: tuple[Note, ...]

    def note(self, at: int) -> tuple[Note | None, bool]:
        """The note that sounds at a position that goes round and round, and whether it begins there."""
        place = at % len(self.sound)
        last = next((note for note in reversed(self.notes) if note.onset_hop <= place), None)
        if last is None or last.pitch <= 0 or place >= last.onset_hop + last.sounding_hops:
            return None, False
        return last, last.onset_hop == place

    def save(self, path: Path) -> None:
        """Write it to a file, for whoever takes over."""
        notes = np.array([(note.onset_hop, note.pitch, note.sounding_hops) for note in self.notes], float).reshape(-1, 3)
        with open(path, "wb") as file:
            np.savez(file, sound=np.stack(self.sound), notes=notes)

    @classmethod
    def load(cls, path: Path) -> Kept:
        """Read what `save` wrote. Raises OSError, ValueError or KeyError where it is no such file."""
        with np.load(path, allow_pickle=False) as file:
            sound, notes = file["sound"], file["notes"]
        return cls(tuple(sound), tuple(Note(int(onset), float(pitch), int(hops)) for onset, pitch, hops in notes))

    def hop(self, at: int) -> np.ndarray:
        """The hop at a position that goes round and round; where it comes round it fades out and in."""
        place, hop = at % len(self.sound), self.sound[at % len(self.sound)]
        if place == len(self.sound) - 1:
            return np.concatenate([hop[:-_JOIN], hop[-_JOIN:] * _RISE[::-1]])
        if place == 0 and at > 0:
            return np.concatenate([hop[:_JOIN] * _RISE, hop[_JOIN:]])
        return hop


@dataclass
class _Recording:
    """What is being recorded: sound, and the notes in it."""

    began: int = 0
    sound: list[np.ndarray] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def add(self, hop: np.ndarray) -> None:
        if len(self.sound) < MOST_HOPS:
            self.sound.append(hop)

    def copy(self) -> _Recording:
        return _Recording(self.began, list(self.sound), list(self.notes))


class Keeping:
    """Records the newest answer and the newest phrase, and keeps slots. Slots outlast `forget`: panic leaves them alone."""

    def __init__(self, slots: int):
        self._slots: list[Kept | None] = [None] * slots
        self.forget()

    def forget(self) -> None:
        """Forget what was recorded."""
        self._answer, self._phrase = _Recording(), _Recording()
        self._before: list[np.ndarray] = []
        self._in_phrase = False

    def begin(self, hop: int) -> None:
        """An answer begins at this hop: record that from now on, in the place of the one before and of the phrase it answers."""
        self._answer, self._phrase = _Recording(hop), _Recording(hop)
        self.pause()

    def pause(self) -> None:
        """What the performer does from now on is not heard here: a phrase that is under way ends."""
        self._in_phrase, self._before = False, []

    def play(self, voice: np.ndarray) -> None:
        """A hop of the answer, (960,) float32."""
        self._answer.add(voice.copy())

    def played(self, note: Note) -> None:
        """A note of the answer begins."""
        if len(self._answer.notes) < MOST_HOPS:
            self._answer.notes.append(replace(note, onset_hop=note.onset_hop - self._answer.began))

    def sounds(self, hop: int) -> None:
        """The newest note of the answer sounds in this hop."""
        if self._answer.notes:
            last = self._answer.notes[-1]
            self._answer.notes[-1] = replace(last, sounding_hops=hop - self._answer.began - last.onset_hop + 1)

    def hear(self, hop: int, mic: np.ndarray, in_phrase: bool) -> None:
        """A hop of the performer's: a new phrase is recorded in the place of the one before."""
        if in_phrase and not self._in_phrase:
            self._phrase = _Recording(hop - len(self._before), list(self._before))
        self._in_phrase = in_phrase
        self._before = [*self._before, mic.copy()][-_BEFORE_HOPS:]
        if in_phrase:
            self._phrase.add(self._before[-1])

    def heard(self, note: Note) -> None:
        """A note or stroke of the performer's is known."""
        phrase = self._phrase
        if note.onset_hop >= phrase.began and len(phrase.notes) < MOST_HOPS:
            phrase.notes.append(replace(note, onset_hop=note.onset_hop - phrase.began))

    def keep(self, slot: int) -> bool:
        """Keep the newest in a slot, from 0: the phrase, where one was played since the answer, else the answer. False: nothing.

        A knock or a cough, which is no phrase, does not take the answer's place.
        """
        phrase = self._phrase
        one = phrase if len(phrase.notes) >= _FEWEST or (phrase.notes and not self._answer.sound) else self._answer
        if not any(np.any(hop) for hop in one.sound):
            return False
        self._slots[slot] = Kept(tuple(one.sound), tuple(one.notes))
        return True

    def slot(self, slot: int) -> Kept | None:
        """What a slot keeps, None where it is empty."""
        return self._slots[slot]

    def put(self, slot: int, kept: Kept) -> None:
        """Put into a slot what was kept elsewhere."""
        self._slots[slot] = kept

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        return {"_slots": list(self._slots), "_answer": self._answer.copy(), "_phrase": self._phrase.copy(),
                "_before": list(self._before), "_in_phrase": self._in_phrase}  # fmt: skip

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        self._slots, self._before = list(state["_slots"]), list(state["_before"])
        self._answer, self._phrase = state["_answer"].copy(), state["_phrase"].copy()
        self._in_phrase = state["_in_phrase"]


def joined(before: np.ndarray, hop: np.ndarray) -> np.ndarray:
    """A hop that begins as another sound would have gone on, (960,) float32 each: no click where one takes over from the other."""
    out = hop.copy()
    out[:_JOIN] = _RISE * hop[:_JOIN] + _RISE[::-1] * before[:_JOIN]
    return out


def as_heard(notes: Sequence[Note], until_hop: int, length: int) -> list[Note]:
    """Give kept notes the onsets they would have had if their stretch of `length` hops had ended at `until_hop`."""
    return [replace(note, onset_hop=until_hop - length + note.onset_hop) for note in notes]


