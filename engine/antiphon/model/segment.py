"""Cut the stream of frames into notes, live: a fixed-lag Viterbi over (note, age).

A note can end only when it has lasted SHORTEST_HOPS; that rule, inside the search and not after it, is what keeps a
glide from becoming a staircase. Singers do not sit on the piano's semitones, so a note that the search has cut in two
because its pitch crossed a boundary, with no onset there, is joined again.

Strokes (taps, claps, beatboxed drums) come out among the notes, with a pitch of 0.0. What sounds like one and runs into a
note at once is how that note begins: a consonant, a key, a tongue.

A hop is decided LAG_HOPS after it was heard (the tokenizer's look-ahead included). A note is given when it has ended and
a rest follows, or when the note tied to it has ended, or when `Segmenter.flush` asks for it.
"""

from __future__ import annotations

import math

import numpy as np

from ..kernels import Trellis
from .score import Note
from .tokenizer import LOOK_AHEAD_HOPS, Frame
from .tokens import NOTE_LO, NOTES, REST, STROKE

LAG_HOPS = 6  # 120 ms from hearing a hop to deciding it
SHORTEST_HOPS = 5  # 100 ms
STROKE_HOPS = 2  # the shortest stroke
ATTACK_HOPS = 8  # a stroke up to this long, with a note right behind it, is that note's attack
RUSTLE_DB = 26.0  # a stroke so far below the loudest of late is clothes, a chair, lips
_FALL_DB = 0.02  # a hop: how soon the loudest is forgotten
_SEARCH = LAG_HOPS - LOOK_AHEAD_HOPS  # hops the search may look back on
_LONGEST_KEPT = 3000  # hops; of a longer note only the last minute tells its pitch

TIE_SEMITONES = 0.75  # two notes nearer than this, with no onset between them, are one
TIE_ONSET = 0.5
# The end of a note, not another: at most so long after it, softer by so much, near it in pitch, and followed by a rest.
RELEASE_HOPS, RELEASE_DB, RELEASE_SEMITONES = 8, 3.0, 2.0
# The beginning of a note, slid into, not another: after a rest, at most so long, softer by so much than the note, near it in pitch.
SCOOP_HOPS, SCOOP_DB, SCOOP_SEMITONES = 7, 2.0, 2.0
_COSTS = {
    "weight": 0.5,  # frames of one note are far from independent
    "doubt": 1e-4,
    "enter": -4.0,  # nats; cost of beginning a note, beside its onset's own improbability
    "rest": -3.0,  # cost of falling silent
    "repeat": 3.0,  # the same note again needs a real onset, which is then all the evidence it has: the pitch does not change
    "stroke": -0.5,  # a stroke is short, and has an onset or is none
    "late": 0.7,  # an onset's hop is uncertain by one
    "onset_floor": 0.02,  # a legato change of note shows no onset: pitch alone may carry it
    "repeat_floor": 1e-4,
    "trust": 0.9,  # how sure an onset is to end the note before it
}


class Segmenter:
    """Frames in, notes out. Model process only; about 10 us a hop."""

    def __init__(self):
        self._search = Trellis(NOTES + 2, SHORTEST_HOPS, _SEARCH, STROKE_HOPS, **_COSTS)
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next frame is hop 0."""
        self._hop = 0
        self._loud_db = -math.inf
        self._forget_path()

    def _forget_path(self) -> None:
        self._search.reset()
        self._searched = 0  # hops the search has seen and nobody has decided
        # Of the hops not decided yet, and of the notes not given yet: pitch, loudness, onset (one hop shorter).
        self._pitches: list[float] = []
        self._loudness: list[float] = []
        self._strengths: list[float] = [0.0] * min(LOOK_AHEAD_HOPS, self._hop)
        self._kept_from = self._hop  # hop of _pitches[0]
        self._open: tuple[int, int, bool] | None = None  # onset hop and note of what sounds, and whether it came after a rest
        self._held: Note | None = None  # ended, and the open note may yet turn out to be its second half
        self._held_fresh = False  # it came after a rest
        self._decided = self._hop - LOOK_AHEAD_HOPS  # next hop to decide, in hops since reset

    _VALUES = ("_hop", "_loud_db", "_searched", "_kept_from", "_decided", "_open", "_held", "_held_fresh")
    _LISTS = ("_pitches", "_loudness", "_strengths")

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        values = {name: getattr(self, name) for name in self._VALUES}
        return {**values, **{name: list(getattr(self, name)) for name in self._LISTS}, "search": self._search.state()}

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        self._search.set_state(state["search"])
        for name in self._VALUES:
            setattr(self, name, state[name])
        for name in self._LISTS:
            setattr(self, name, list(state[name]))

    @property
    def current(self) -> int | None:
        """Semitone of the note now sounding, as far as it is decided; None in a rest or a stroke."""
        return None if self._open is None or self._open[1] == STROKE else self._open[1] + NOTE_LO

    def step(self, frame: Frame) -> list[Note]:
        """Take the next frame; return the notes that have ended (mostly none)."""
        self._pitches.append(frame.pitch)
        self._loudness.append(frame.loudness_db)
        self._loud_db = max(frame.loudness_db, self._loud_db - _FALL_DB)
        self._hop += 1
        if self._decided < 0 and self._hop <= LOOK_AHEAD_HOPS:
            self._decided += 1
            return []
        self._strengths.append(frame.onset)
        self._search.process(frame.note_post, frame.onset)
        if self._searched < _SEARCH:
            self._searched += 1
            return []
        return self._decide(*self._search.trace(_SEARCH))

    def flush(self) -> list[Note]:
        """Decide every hop heard so far, end the note that sounds, return what that gives. The search begins anew."""
        notes = []
        for back in range(self._searched - 1, -1, -1):
            notes += self._decide(*self._search.trace(back))
        notes += self._close(self._decided) + self._give()
        self._forget_path()
        return notes

    def _decide(self, note: int, entered: bool) -> list[Note]:
        """Take the decided note of the next hop; return the notes that are now known for good."""
        hop, out = self._decided, []
        self._decided += 1
        fresh = self._open is None or self._open[1] == STROKE
        if self._open is None or note != self._open[1] or entered:
            out = self._close(hop, note)
            if note == REST:
                out += self._give()
            else:
                self._open = (hop, note, fresh)
        self._forget(hop)
        return out

    def _close(self, end: int, following: int = REST) -> list[Note]:
        """End the open note before hop ``end``, where ``following`` begins; join it to the one held if both are one, or hold it."""
        if self._open is None:
            return []
        onset, note, fresh = self._open
        self._open = None
        if note == STROKE:
            return self._give() + self._strike(onset, end, following < REST)
        if end - onset < SHORTEST_HOPS - 1 or end <= self._kept_from:
            return []
        closed = self._note(onset, end, note + NOTE_LO)
        held = self._held
        beside = held is not None and held.onset_hop + held.sounding_hops == onset
        released = following == REST and _released(held, closed) if beside else False
        if beside and (self._tied(held, closed) or released or (self._held_fresh and _scooped(held, closed))):
            longer = held if held.sounding_hops > closed.sounding_hops else closed
            self._held = self._note(held.onset_hop, end, round(longer.pitch))
            self._held_fresh = False
            return []
        out = self._give()
        self._held, self._held_fresh = closed, fresh
        return out

    def _strike(self, onset: int, end: int, before_note: bool) -> list[Note]:
        """A stroke that has ended before hop ``end``, unless it was the attack of the note that begins there, or a rustle."""
        if end <= self._kept_from or end - onset < STROKE_HOPS or (before_note and end - onset <= ATTACK_HOPS):
            return []
        loudness_db = self._loudest(onset, end)
        return [Note(onset, 0.0, end - onset, loudness_db)] if loudness_db > self._loud_db - RUSTLE_DB else []

    def _tied(self, one: Note, two: Note) -> bool:
        at = two.onset_hop - self._kept_from
        strength = max(self._strengths[max(0, at - 1) : at + 2], default=0.0)
        return abs(one.pitch - two.pitch) < TIE_SEMITONES and strength < TIE_ONSET

    def _give(self) -> list[Note]:
        """Let go of the note held."""
        held, self._held = self._held, None
        return [] if held is None else [held]

    def _note(self, onset: int, end: int, semitone: int) -> Note:
        kept = slice(max(0, onset - self._kept_from), end - self._kept_from)
        pitch = settle_pitch(np.array(self._pitches[kept]), semitone)
        return Note(onset, pitch, end - onset, self._loudest(onset, end))

    def _loudest(self, onset: int, end: int) -> float:
        return max(self._loudness[max(0, onset - self._kept_from) : end - self._kept_from])

    def _forget(self, hop: int) -> None:
        """Keep the hops of notes not given yet, but no more than a minute."""
        oldest = self._held.onset_hop if self._held else self._open[0] if self._open else hop
        keep_from = max(oldest, hop - _LONGEST_KEPT)
        excess = keep_from - self._kept_from
        if excess > 0:
            del self._pitches[:excess], self._loudness[:excess], self._strengths[:excess]
            self._kept_from += excess


def _released(one: Note, two: Note) -> bool:
    """Whether ``two`` is how ``one`` ended: singers and players let go with a breath or a drop that begins like a note."""
    short = two.sounding_hops <= RELEASE_HOPS < one.sounding_hops
    return short and two.loudness_db < one.loudness_db - RELEASE_DB and abs(two.pitch - one.pitch) < RELEASE_SEMITONES


def _scooped(one: Note, two: Note) -> bool:
    """Whether ``one`` is how ``two`` began: from below or above, while the voice was still coming in."""
    short = one.sounding_hops <= SCOOP_HOPS and one.sounding_hops < two.sounding_hops
    return short and one.loudness_db < two.loudness_db - SCOOP_DB and abs(two.pitch - one.pitch) < SCOOP_SEMITONES


def settle_pitch(pitches: np.ndarray, semitone: int) -> float:
    """Return one pitch for a note: (hops,) fine pitches, 0.0 unvoiced, and the semitone the search decided on.

    The median without the first and last hop, which glide. Hops an octave off count in the decided octave.
    """
    inner = pitches[1:-1] if len(pitches) > 4 else pitches
    voiced = inner[inner > 0]
    folded = voiced - 12.0 * np.round((voiced - semitone) / 12.0)
    near = folded[np.abs(folded - semitone) < 1.6]
    return float(np.median(near)) if len(near) else float(semitone)
