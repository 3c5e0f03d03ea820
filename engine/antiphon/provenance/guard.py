"""The memorisation guard: an answer does not play a run of notes out of a melody the model was trained on, or of a protected work.

Before each note of an answer it is asked which pitches would complete a quotation, and those are closed to the sampler. A
quotation is so many notes in a row of one melody, in any key and at any tempo: `notes` of them with their rhythm, or `intervals`
without. The performer's own notes count: what they begin is not completed. After MemFree (Ippolito et al. 2023, "Preventing
generation of verbatim memorization in language models gives a false sense of privacy"), and as its authors say of theirs, it
finds what is copied to the note, and nothing else: no inversion, ornament, other harmony or approximate likeness, no run that is
shorter, and no rhythm, sound or form alone.

What is nobody's is left alone: a run that is found, as far back as it goes, in more than COMMON unrelated melodies that the model
learned from, unless a registered work has it; and a note repeated, a trill or any other two intervals in turn, and a scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..kernels import ffi, lib
from .quotes import OCTAVE, WIDEST, Quotes

COMMON = 2
"""Tune families in which a run may be found and still be one melody's; found in more it is a formula."""
COMMONPLACE = 2048
"""Places of a line's last notes that are looked at; where there are more, those of its last notes and one before, and so on."""
LOOSE = 0.25 * OCTAVE
"""Parts of a doubling by which the ratio of two waits may differ, beside a hop more or less of each: 3:2 is no 1:1, nor 2:1."""
LINE = lib.AP_QUOTES_LINE
"""Notes up to which a line is looked back on."""


class Hit(NamedTuple):
    """A note that was kept from completing a quotation: number of the work, notes in a row it would have been."""

    work: int
    notes: int


class Guard:
    """Says which notes would complete a quotation. Model process only; one thread; about 10 us a note.

    `ask` what counts as a quotation, `forbidden` before each note, `hit` where the sampler would have chosen one of those.
    State: the counts, the last hit, the longest match now. `bin_hops` (bins,) are the waits that the note model's bins stand for,
    in hops, each of them a hop more or less.
    """

    def __init__(self, quotes: Quotes, bin_hops: np.ndarray):
        self.quotes = quotes
        arrays = {
            "words": ("int64_t[]", quotes.words), "sampled": ("int64_t[]", quotes.words[:: lib.AP_QUOTES_SAMPLE].copy()),
            "ends": ("int32_t[]", quotes.ends), "codes": ("uint8_t[]", quotes.codes),
            "nexts": ("uint8_t[]", quotes.nexts), "waits": ("int8_t[]", quotes.waits), "of": ("uint16_t[]", quotes.of),
            "families": ("int32_t[]", quotes.families),
            "own": ("uint8_t[]", quotes.own.view(np.uint8)),
            "log": ("float[]", (OCTAVE * np.log2(bin_hops)).astype(np.float32)),
            "slack": ("float[]", (OCTAVE * np.log2(1.0 + 1.0 / np.asarray(bin_hops))).astype(np.float32)),
        }  # fmt: skip
        self._lent = {name: ffi.from_buffer(kind, array) for name, (kind, array) in arrays.items()}
        lent = {name: lent for name, lent in self._lent.items() if name not in ("log", "slack")}
        self._quotes = ffi.new("ap_quotes *", {**lent, "notes": len(quotes.waits), "learned": quotes.learned})
        self._rules = ffi.new("ap_quotes_rules *", {
            "common": COMMON, "commonplace": COMMONPLACE, "loose": LOOSE, "waits": self._lent["log"], "slack": self._lent["slack"],
            "bins": len(bin_hops),
        })  # fmt: skip
        self._found = ffi.new("ap_quotes_found *")
        self._interval = self._found.interval
        self.ask(8, 12)
        self.reset()

    def reset(self) -> None:
        """Count from 0 again."""
        self.hits = 0
        """Notes that would have completed a quotation, and were not played."""
        self.unavoidable = 0
        """Notes at which all that may be played would have: they are played."""
        self.last: Hit | None = None
        self.length = 0
        """Notes in a row, up to now, that some melody has too."""
        self._closed: dict[int, int] = {}

    _FIELDS = ("hits", "unavoidable", "last", "length")

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        return {name: getattr(self, name) for name in self._FIELDS}

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        for name in self._FIELDS:
            setattr(self, name, state[name])
        self._closed = {}

    def status(self) -> dict[str, float]:
        """What the player may want to see of it."""
        work, notes = (self.quotes.works[self.last.work].key, self.last.notes) if self.last else (-1, 0)
        told = {"guard_hits": self.hits, "guard_work": work, "guard_length": notes, "quote_length": self.length}
        return {name: float(value) for name, value in told.items()}

    def ask(self, notes: int, intervals: int) -> None:
        """What a quotation is: so many notes in a row with their rhythm, or so many intervals without; 0: none is."""
        self.on = bool(notes or intervals)
        self._rules.in_rhythm, self._rules.in_any = max(notes - 2, 0), max(intervals - 1, 0)

    def forbidden(self, pitches: Sequence[int], iois: Sequence[int], theirs: Sequence[bool], allowed: np.ndarray) -> list[int]:
        """The classes that the next note must not be, among those `allowed` (classes,), at least one of which is left.

        `pitches` (n,) are the classes of the line's last notes, one a semitone, `iois` (n,) the bins of the waits after them,
        the newest not known, `theirs` (n,) which notes are the performer's. The wait from their last note to the answer's
        first is nobody's rhythm, and fits any. The last note's own onset is not known when its pitch is chosen: it is not
        compared.
        """
        self._closed = {}
        if not self.on or len(pitches) < 2:
            self.length = 0
            return []
        n = min(len(pitches), LINE)
        found = self._found
        line = bytes(pitches[-n:]), bytes(iois[-n:]), bytes(theirs[-n:])
        lib.ap_quotes_find(self._quotes, self._rules, *line, n, found)
        self.length = found.length
        return self._within(found.closed, pitches[-1], allowed.tobytes()) if found.closed else []

    def _within(self, count: int, last: int, allowed: bytes) -> list[int]:
        """The classes that are closed, of those allowed; a widest leap closes all that are as wide."""
        for at in range(count):
            interval = self._interval[at]
            low = 0 if interval == -WIDEST else last + interval
            high = len(allowed) - 1 if interval == WIDEST else last + interval
            for note_class in range(max(low, 0), min(high + 1, len(allowed))):
                if allowed[note_class]:
                    self._closed[note_class] = at
        if self._closed and len(self._closed) >= allowed.count(1):
            self.unavoidable += 1
            self._closed = {}
        return list(self._closed)

    def hit(self, note_class: int) -> None:
        """Take down that this class, one of those last forbidden, would have been chosen."""
        self.hits += 1
        at = self._closed[note_class]
        self.last = Hit(self._found.work[at], self._found.notes[at])
