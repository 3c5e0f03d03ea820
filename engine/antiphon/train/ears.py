"""What the instrument's own ears make of a recording: pitch, onsets and notes of every hop, and where they are not to be trusted.

The labels of a user's sound are what tokenizer and segmenter of the bundle hear in it, hop by hop as on stage, so a network
learns from the very pitch that it will be told when it plays. Notes whose pitch is spread over the scale (chords), and notes
whose pitch swift-f0 hears elsewhere, where it is installed and sure, are not learned from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model.bundle import Bundle
from ..model.level import HOME_DB, MOST_DOWN_DB, MOST_UP_DB
from ..model.score import HOP_S, Note
from ..model.segment import Segmenter
from ..model.tokenizer import Tokenizer
from ..model.tokens import HOP, MODEL_RATE

SURE = 0.72
"""Share of a note's pitch that must lie within two thirds of a semitone: below it are 4 % of the hops of held-out lines, and 88 to
96 % of a triad's."""
ELSEWHERE = 1.0
"""Semitones from swift-f0's pitch from which on one of the two is wrong."""
_SPREAD = 2  # fine classes, three a semitone
_WRONG = 0.3  # of a note's hops heard elsewhere: the whole note is not trusted
_GLIDE = 2.0  # semitones a hop; further is a leap, as `Chain` has it
_QUIET_DB, _FLOOR_DB = 40.0, -65.0


@dataclass(frozen=True)
class Hearing:
    """A recording heard. Per 10 ms: `pitch` (MIDI semitones, 0 unvoiced), `onset`, `note` (nearest semitone, -1 none); per hop:
    `trusted`. `sound` is `(frames,) float32`, whole hops at 48 kHz, as loud as the instrument would make it for its encoder.
    """

    sound: np.ndarray
    pitch: np.ndarray
    onset: np.ndarray
    note: np.ndarray
    notes: list[Note]
    trusted: np.ndarray
    loud_s: float

    @property
    def line_s(self) -> float:
        """Seconds in which one line sounds, without what is not trusted."""
        return sum(note.sounding_hops for note in self.notes) * HOP_S

    @property
    def lost_s(self) -> float:
        """Seconds of notes that were heard and are not trusted."""
        return float((~self.trusted).sum()) * HOP_S


class Ears:
    """Tokenizer and segmenter of a bundle, and a second opinion where there is one. About 15 s for an hour of sound, without it."""

    def __init__(self, bundle: Bundle):
        self._tokenizer = Tokenizer(bundle.graph("tokenizer"))
        self.second = _second_opinion()

    def hear(self, sound: np.ndarray) -> Hearing:
        """Hear `(frames,) float32` at 48 kHz, from silence."""
        sound = np.concatenate([sound, np.zeros(-len(sound) % HOP + 2 * HOP)]).astype(np.float32)
        hops = len(sound) // HOP
        self._tokenizer.reset()
        segmenter, notes = Segmenter(), []
        heard, level_db, sure = np.zeros(hops), np.zeros(hops), np.zeros(hops)
        for index, hop in enumerate(sound.reshape(hops, HOP)):
            frame = self._tokenizer.step(hop)
            notes += segmenter.step(frame)
            heard[index], level_db[index], sure[index] = frame.pitch, frame.loudness_db, _gathered(frame.pitch_post)
        notes = [note for note in notes + segmenter.flush() if note.pitch > 0]  # strokes are no part of a line
        elsewhere = np.zeros(hops, bool) if self.second is None else self.second(sound, heard)
        trusted = np.ones(hops, bool)
        for note in notes:
            span = slice(note.onset_hop, note.onset_hop + note.sounding_hops)
            trusted[span] &= sure[span].mean() >= SURE and elsewhere[span].mean() < _WRONG
        notes = [note for note in notes if trusted[note.onset_hop : note.onset_hop + note.sounding_hops].all()]
        loud = level_db > max(_FLOOR_DB, np.percentile(level_db, 95) - _QUIET_DB)
        return Hearing(sound * _gain(sound, level_db[heard > 0]), _control_pitch(heard), *_labels(notes, hops), notes, trusted,
                       float(loud.sum()) * HOP_S)  # fmt: skip


def _gathered(pitch_post: np.ndarray) -> float:
    """Share of the voiced probability that lies near its peak."""
    pitches = pitch_post[:-1]
    best = int(pitches.argmax())
    return float(pitches[max(0, best - _SPREAD) : best + _SPREAD + 1].sum() / (pitches.sum() + 1e-9))


def _control_pitch(heard: np.ndarray) -> np.ndarray:
    """Pitch of both control frames of every hop, as `Chain` tells its encoder: halfway from the hop before, then this one's."""
    before = np.concatenate([[0.0], heard[:-1]])
    glides = (before > 0) & (heard > 0) & (np.abs(heard - before) < _GLIDE)
    return np.stack([np.where(glides, (before + heard) / 2, heard), heard], 1).reshape(-1).astype(np.float32)


def _labels(notes: list[Note], hops: int) -> tuple[np.ndarray, np.ndarray]:
    """Onset and nearest semitone of the note at every 10 ms."""
    onset, name = np.zeros(2 * hops, np.uint8), np.full(2 * hops, -1, np.int16)
    for note in notes:
        onset[2 * note.onset_hop] = 1
        name[2 * note.onset_hop : 2 * (note.onset_hop + note.sounding_hops)] = round(note.pitch)
    return onset, name


def _gain(sound: np.ndarray, voiced_db: np.ndarray) -> np.float32:
    """What brings a performer's loud hops home, as `model.level` does it live."""
    if not len(voiced_db):
        return np.float32(1.0)
    up_db = np.clip(HOME_DB - np.percentile(voiced_db, 95), -MOST_DOWN_DB, MOST_UP_DB)
    return np.float32(min(10 ** (up_db / 20), 0.98 / (np.abs(sound).max() + 1e-9)))


def _second_opinion():
    """Says, of sound and of the pitch of each hop, at which hops swift-f0 is sure of another; None where it is not installed."""
    try:
        import swift_f0  # noqa: F401
    except ModuleNotFoundError:
        return None
    from . import music

    def elsewhere(sound: np.ndarray, heard: np.ndarray) -> np.ndarray:
        line, found = music.track(sound, MODEL_RATE), np.zeros(len(heard), bool)
        at = np.minimum((line.at / HOP_S).astype(int), len(heard) - 1)
        both = line.voiced & (heard[at] > 0)
        found[at[both & (np.abs(line.pitch - heard[at]) > ELSEWHERE)]] = True
        return found

    return elsewhere
