"""Cut the stream of frames into notes, live: a fixed-lag Viterbi over (note, age).

A note can end only when it has lasted SHORTEST_HOPS; that rule, inside the search and not after it, is what keeps a
glide from becoming a staircase. A hop is decided LAG_HOPS after it was heard (the tokenizer's look-ahead included); the
note itself is known when it ends, or when `Segmenter.flush` asks for it.
"""

from __future__ import annotations

import numpy as np

from .score import Note
from .tokenizer import LOOK_AHEAD_HOPS, Frame
from .tokens import NOTE_LO, NOTES, REST

LAG_HOPS = 6  # 120 ms from hearing a hop to deciding it
SHORTEST_HOPS = 5  # 100 ms
_SEARCH = LAG_HOPS - LOOK_AHEAD_HOPS  # hops the search may look back on
_AGES = SHORTEST_HOPS
_LONGEST_KEPT = 3000  # hops; of a longer note only the last minute tells its pitch

NOTE_WEIGHT = 0.5  # frames of one note are far from independent
ENTER_NATS = -4.0  # cost of beginning a note, beside its onset's own improbability
REST_NATS = -3.0  # cost of falling silent
ONSET_FLOOR = 0.02  # a legato change of note shows no onset: pitch alone may carry it
REPEAT_FLOOR = 1e-4  # the same note again needs a real onset
REPEAT_NATS = 3.0  # which is then all the evidence it has: the pitch does not change
ONSET_TRUST = 0.9  # how sure an onset is to end the note before it


class Segmenter:
    """Frames in, notes out. Model process only; about 60 us a hop."""

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next frame is hop 0."""
        self._hop = 0
        self._forget_path()

    def _forget_path(self) -> None:
        self._score = np.full((_AGES, NOTES + 1), -1e9)
        self._score[-1, REST] = 0.0
        self._origin: list[
            tuple[int, int, np.ndarray]
        ] = []  # per hop: (age, note) that new notes came from; who stayed
        self._onsets = [0.0, 0.0]  # of the newest two frames
        self._pitches: list[float] = []  # of the hops not decided yet, and of the note being built
        self._loudness: list[float] = []
        self._kept_from = self._hop  # hop of _pitches[0]
        self._open: list[int] | None = None  # [onset hop, note] of the note being built
        self._decided = self._hop - LOOK_AHEAD_HOPS  # next hop to decide, in hops since reset

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        keep = ("_hop", "_kept_from", "_decided")
        lists = ("_origin", "_onsets", "_pitches", "_loudness")
        copied = {name: list(getattr(self, name)) for name in lists}
        return {
            **{name: getattr(self, name) for name in keep},
            **copied,
            "_score": self._score.copy(),
            "_open": self._open and list(self._open),
        }

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        for name, value in state.items():
            setattr(self, name, value.copy() if hasattr(value, "copy") else value)

    @property
    def current(self) -> int | None:
        """Semitone of the note now sounding, as far as it is decided; None in a rest."""
        return None if self._open is None else self._open[1] + NOTE_LO

    def step(self, frame: Frame) -> list[Note]:
        """Take the next frame; return the notes that have ended (mostly none)."""
        self._pitches.append(frame.pitch)
        self._loudness.append(frame.loudness_db)
        self._hop += 1
        if self._decided < 0 and self._hop <= LOOK_AHEAD_HOPS:
            self._decided += 1
            return []
        self._advance(frame.note_post, frame.onset)
        if len(self._origin) <= _SEARCH:
            return []
        note, entered = self._trace(_SEARCH)
        del self._origin[0]
        return self._decide(note, entered)

    def flush(self) -> list[Note]:
        """Decide every hop heard so far, end the note that sounds, return what that gives. The search begins anew."""
        notes = []
        for back in range(len(self._origin) - 1, -1, -1):
            notes += self._decide(*self._trace(back))
        notes += self._close(self._decided)
        self._forget_path()
        return notes

    def _advance(self, note_post: np.ndarray, onset: float) -> None:
        """One step of the search."""
        self._onsets = [self._onsets[1], onset]
        near = max(onset, 0.7 * self._onsets[0])  # an onset's hop is uncertain by one
        old = self._score
        ended = old[-1].copy()
        ended[REST] = old[:, REST].max()  # a rest may be short
        source = int(ended.argmax())
        age = _AGES - 1 if source != REST else int(old[:, REST].argmax())
        enter = np.full(NOTES + 1, np.log(max(near, ONSET_FLOOR)) + ENTER_NATS)
        enter[REST] = REST_NATS
        if source == REST:
            enter[REST] = -1e9
        else:
            enter[source] = np.log(max(near, REPEAT_FLOOR)) + ENTER_NATS + REPEAT_NATS
        stay = np.log(1.0 - ONSET_TRUST * onset)
        score = np.empty_like(old)
        score[0] = ended[source] + enter
        score[1:] = old[:-1]
        stayed = old[-1] + stay >= old[-2]
        score[-1] = np.where(stayed, old[-1] + stay, old[-2])
        score += NOTE_WEIGHT * np.log(note_post + 1e-4)
        self._score = score - score.max()
        self._origin.append((age, source, stayed))

    def _trace(self, back: int) -> tuple[int, bool]:
        """Follow the best path ``back`` hops into the past: (note there, whether it began there)."""
        age, note = divmod(int(self._score.argmax()), NOTES + 1)
        for step in range(back):
            from_age, from_note, stayed = self._origin[-1 - step]
            if age == 0:
                age, note = from_age, from_note
            elif age == _AGES - 1:
                age = age if stayed[note] else age - 1
            else:
                age -= 1
        return note, age == 0

    def _decide(self, note: int, entered: bool) -> list[Note]:
        """Take the decided note of the next hop; return a note if one ended there."""
        hop, out = self._decided, []
        self._decided += 1
        going_on = self._open is not None and note == self._open[1] and not entered
        if not going_on:
            out = self._close(hop)
            if note != REST:
                self._open = [hop, note]
        if self._open is None or hop - self._kept_from > _LONGEST_KEPT:
            excess = hop + 1 - self._kept_from - (0 if self._open is None else _LONGEST_KEPT)
            del self._pitches[:excess], self._loudness[:excess]
            self._kept_from += excess
        return out

    def _close(self, end: int) -> list[Note]:
        """End the open note before hop ``end``."""
        if self._open is None:
            return []
        onset, note = self._open
        self._open = None
        first, last = max(0, onset - self._kept_from), end - self._kept_from
        loudness = self._loudness[first:last]
        if end - onset < SHORTEST_HOPS - 1 or not loudness:
            return []
        pitch = settle_pitch(np.array(self._pitches[first:last]), note + NOTE_LO)
        return [Note(onset, pitch, end - onset, float(np.max(loudness)))]


def settle_pitch(pitches: np.ndarray, semitone: int) -> float:
    """Return one pitch for a note: (hops,) fine pitches, 0.0 unvoiced, and the semitone the search decided on.

    The median without the first and last hop, which glide. Hops an octave off count in the decided octave.
    """
    inner = pitches[1:-1] if len(pitches) > 4 else pitches
    voiced = inner[inner > 0]
    folded = voiced - 12.0 * np.round((voiced - semitone) / 12.0)
    near = folded[np.abs(folded - semitone) < 1.5]
    return float(np.median(near)) if len(near) else float(semitone)
