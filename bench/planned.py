"""The notes of an answer as the model says they are, and as an independent pitch tracker hears them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from antiphon.latency import HOP
from performance import RATE, Performance

LEAST_S = 0.12
"""Shorter notes have no settled part."""
_ATTACK_S, _RELEASE_S = 0.06, 0.02
_SURE = 0.9  # swift-f0's own default
_LEAST_TRACKED = 3  # of its frames, 16 ms each


@dataclass
class Planned:
    """One note: the frame of the answer's sound on which it begins (fraction and all), its pitch in MIDI semitones with cents, its
    length in seconds, 0 where it was not known in time; `asked`: what was asked for when it began."""

    onset: float
    pitch: float
    length_s: float
    asked: object = None


@dataclass
class Plan:
    """Writes down the notes of a performance; `look` after every block, from before the answer begins. `asked` says what is asked
    for at that moment."""

    performance: Performance
    asked: Callable[[], object] = lambda: None
    notes: list[Planned] = field(default_factory=list)
    _count: float = -1.0

    def look(self) -> None:
        """See whether a note has begun, and what is known by now of the one that sounds."""
        status = self.performance.status
        count = status.get("notes_played", 0.0)
        if self._count < 0:
            self._count = count
        onset = status.get("note_onset_s", 0.0) * RATE - self.performance.begun
        if count > self._count:
            self._count = count
            self.notes.append(Planned(onset, status["note_pitch"], 0.0, self.asked()))
        if self.notes and abs(onset - self.notes[-1].onset) < 1.0:
            self.notes[-1].length_s = status["note_length_s"]


@dataclass
class StrokePlan:
    """Writes down when strokes begin, device time in s. The status says nothing of strokes: this looks inside."""

    performance: Performance
    times: list[float] = field(default_factory=list)
    asked: list = field(default_factory=list)
    ask: Callable[[float], object] = lambda time_s: None
    _beat: object = None

    def look(self) -> None:
        """See whether a stroke has begun; `asked` gets what `ask` says of its time at that moment."""
        chain = self.performance.engine.worker.chain
        beat = chain._beats._now
        if beat is None or beat is self._beat:
            return
        self._beat = beat
        self.times.append(chain.due_s + (chain._beats.at - chain._hop) * HOP / RATE)
        self.asked.append(self.ask(self.times[-1]))


def cut_short(notes: list[Planned], frames: int) -> list[Planned]:
    """The notes with the time that they do sound: none goes on beyond the next one's beginning or the end of the sound."""
    ends = [*[note.onset for note in notes], float(frames)][1:]
    return [Planned(note.onset, note.pitch, min(note.length_s or np.inf, (end - note.onset) / RATE), note.asked)
            for note, end in zip(notes, ends, strict=True)]  # fmt: skip


class Tracker:
    """swift-f0, which had no part in training."""

    def __init__(self):
        import swift_f0

        self._tracker = swift_f0.SwiftF0(threads=1, spin=False)

    def pitches(self, sound: np.ndarray, notes: list[Planned]) -> np.ndarray:
        """The median pitch (MIDI semitones) of the settled part of each note, (notes,); nan where it is too short or not sure."""
        found = self._tracker.detect(np.asarray(sound, np.float32), RATE)
        at, hertz = np.asarray(found.timestamps), np.asarray(found.pitch_hz)
        pitch = 69 + 12 * np.log2(np.maximum(hertz, 1e-3) / 440)
        sure = (np.asarray(found.confidence) >= _SURE) & (hertz > 0)
        result = np.full(len(notes), np.nan)
        for n, note in enumerate(notes):
            begins = note.onset / RATE
            inside = sure & (at > begins + _ATTACK_S) & (at < begins + note.length_s - _RELEASE_S)
            if note.length_s >= LEAST_S and inside.sum() >= _LEAST_TRACKED:
                result[n] = np.median(pitch[inside])
        return result

    def error_cents(self) -> tuple[float, float]:
        """The tracker's own error on tones of known pitch, like a voice in its partials: median and 95th percentile of its size."""
        random, errors = np.random.default_rng(1), []
        t = np.arange(round(0.6 * RATE)) / RATE
        for pitch in random.uniform(45, 76, 60):
            hertz = 440 * 2 ** ((pitch - 69) / 12)
            partials = np.arange(1, int(8000 / hertz) + 1)
            tone = sum(np.sin(2 * np.pi * hertz * n * t + random.uniform(0, 6.3)) / n**1.3 for n in partials)
            tone = 0.1 * tone * np.minimum(1, np.minimum(t, t[::-1]) / 0.02)
            heard = self.pitches(tone, [Planned(0.0, pitch, 0.6)])[0]
            errors.append(abs(octaves_apart(heard - pitch)[1]) if np.isfinite(heard) else np.nan)
        return float(np.nanmedian(errors)), float(np.nanquantile(errors, 0.95))


def octaves_apart(semitones):
    """Split a distance in semitones into whole octaves and the cents that are left, -600 .. 600."""
    octaves = np.round(np.asarray(semitones) / 12)
    return octaves, (np.asarray(semitones) - 12 * octaves) * 100
