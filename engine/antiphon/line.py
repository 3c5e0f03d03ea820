"""The melodic line of an answer as it sounds: what the note model plans, tuned and laid out in real time as the player asks.

Notes are planned one at a time, as late as can be, so that what the player asks for is heard at the next one; where a wish
changes that `renews`, the note that sounds gives way at once. Where the next note begins is worked out anew at every hop, since
tempo, beat and grid may move meanwhile: none begins in the past, and none off the grid in force.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from .model.notes import NoteModel
from .model.pitches import PitchWishes
from .model.sampling import Leanings
from .model.score import Note
from .model.timing import TimeWishes, Timing

UNKNOWN = -1
"""Hops a note has left, where nobody knows."""
_LEGATO = 0.99  # share of its time from which on a note sounds until the next


class LineWishes(NamedTuple):
    """What the player asks of a line, as it is at this hop."""

    leanings: Leanings
    pitch: PitchWishes
    time: TimeWishes


class Now(NamedTuple):
    """One hop of the line: the pitch that sounds (0 at rest), whether its note begins, its age in hops, how many are left until
    its end or UNKNOWN, and by how much of a hop, 0..1, it comes after the hop's border."""

    pitch: float
    onset: bool
    age: int
    left: int
    late: float


class Line:
    """Plays the note model's plan. Model process only; one thread. `begin`, then for each hop `step` and, before the next,
    `look_ahead`; in between `renew` or `hold` at will. State: the note that sounds, the next one where it is known, their times."""

    def __init__(self, notes: NoteModel, timing: Timing):
        self._notes, self._timing = notes, timing
        self.reset()

    def reset(self) -> None:
        """Nothing sounds."""
        self.note: Note | None = None
        """The note that sounds, or sounded last; its pitch is what sounds."""
        self.onset = 0.0
        """Where it began, hops in real time, with fractions."""
        self._known = False  # whether it is known how long it lasts
        self._wait, self._share = 0.0, 1.0
        self._coming: Note | None = None
        self._coming_known = False
        self._soon: float | None = None  # the coming note begins as soon as may be from this hop on, not when the one before ends
        self._hop = 0

    _FIELDS = ("note", "onset", "_known", "_wait", "_share", "_coming", "_coming_known", "_soon", "_hop")

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        return {name: getattr(self, name) for name in self._FIELDS}

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        for name, value in state.items():
            setattr(self, name, value)

    @property
    def playing(self) -> bool:
        """Whether an answer's line is under way."""
        return self.note is not None or self._coming is not None

    @property
    def plan(self) -> list[tuple[float, float, float]]:
        """What is known of now and next: (onset in hops, pitch, hops it sounds, 0 where nobody knows yet), at most two."""
        now = [(self.onset, self.note.pitch, self._end() - self.onset if self._known else 0.0)] if self.note else []
        return [*now, (self._next(), self._coming.pitch, 0.0)] if self._coming else now

    def age(self, hop: int) -> float:
        """Hops since the note that sounds began; far where there is none."""
        return hop - self.onset if self.note else math.inf

    def begin(self, hop: int, wishes: LineWishes, due_s: float) -> None:
        """Begin an answer at this hop, or anew; `due_s` is the device time at which the hop is heard."""
        self.reset()
        self._hop = hop
        self._timing.begin(hop, wishes.time, due_s)
        self._notes.ask(wishes.pitch, self._timing.stretch)
        self._coming, self._soon = self._notes.open(hop, wishes.leanings), float(hop)

    def step(self, hop: int, wishes: LineWishes, due_s: float) -> Now:
        """What sounds in this hop."""
        self._hop = hop
        self._timing.ask(hop, wishes.time, due_s)
        self._notes.ask(wishes.pitch, self._timing.stretch)
        onset = self._coming is not None and math.floor(self._next()) <= hop
        if onset:
            self._take(self._coming, self._next(), self._coming_known)
        if self.note is None:
            return Now(0.0, False, 0, max(math.floor(self._next()) - hop, 1), 0.0)
        first = math.floor(self.onset)
        late = self.onset - first
        if not self._known:
            return Now(self.note.pitch, onset, hop - first, UNKNOWN, late)
        end = max(math.floor(self._end()), first + 1)
        if hop < end:
            return Now(self.note.pitch, onset, hop - first, end - hop, late)
        return Now(0.0, False, hop - first, max(math.floor(self._next()) - hop, 1), late)

    def look_ahead(self, hop: int, leanings: Leanings) -> None:
        """Plan what the hop after this one needs to know. Up to two runs of the note model."""
        if self.note is None:
            return
        if not self._known:
            self._time(self._notes.next(leanings))
        if self._coming is None and math.floor(self._next()) <= hop + 1:
            self._coming, self._coming_known = self._notes.next(leanings), True

    def renew(self, hop: int, wishes: LineWishes, pitch: float | None = None) -> bool:
        """Let the note that sounds give way to the next, chosen anew, or on this pitch, now or at the next line of the grid.

        One that was planned and has not begun gives way as well. False where nothing has begun yet that could give way.
        """
        if self.note is None or not self._known:
            return False
        self._notes.ask(wishes.pitch, self._timing.stretch)
        if self._coming_known:
            self._notes.undo()
        planned = max(2, round((hop - self.onset) / self._timing.stretch))
        given_up = self._coming.pitch if self._coming else None
        self._coming = self._notes.renew(self.note.onset_hop + planned, wishes.leanings, pitch, given_up)
        self._coming_known, self._soon = False, float(hop)
        return True

    def hold(self) -> None:
        """Let a hop go by as if no time had passed."""
        self.onset += 1.0
        if self._soon is not None:
            self._soon += 1.0

    def _take(self, note: Note, onset: float, known: bool) -> None:
        self.note, self.onset, self._known = self._notes.fit(note), onset, False
        if known:
            self._time(note)
        self._coming, self._coming_known, self._soon = None, False, None

    def _time(self, note: Note) -> None:
        """Take down how long the note that sounds lasts."""
        self._wait = note.wait_hops * self._timing.stretch
        self._share = note.sounding_hops / note.wait_hops
        self._known = True

    def _next(self) -> float:
        """Onset of the note after this one, by the time in force: never before this hop."""
        if self._soon is not None:
            placed = self._timing.place(self._soon)
        else:
            placed = self._timing.place(self.onset + self._wait, self.onset)
        return placed if placed >= self._hop else self._timing.place(float(self._hop))

    def _end(self) -> float:
        following = self._next()
        if self._share >= _LEGATO:
            return following
        return self.onset + self._share * (following - self.onset)
