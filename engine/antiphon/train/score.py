"""Melodies and how a player would perform them: the notes that the renderers sound."""

import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HELD_OUT_SHARE = 0.08


@dataclass(frozen=True)
class Note:
    """One performed note: onset and sounding time in seconds, pitch in MIDI semitones (with cents), level in dB, slurred from the note before or not."""

    onset_s: float
    sounding_s: float
    pitch: float
    level_db: float
    slurred: bool


def held_out(name):
    """True for the fixed share of sources kept from training; the choice hangs on the name alone."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF < HELD_OUT_SHARE


def load_melodies(folder, *, held):
    """Read `*.jsonl.gz` of `folder`; returns a list of float arrays `(notes, 3)`: pitch, onset, duration in quarter notes.

    Split by title, so that two versions of a tune never stand on both sides.
    """
    melodies = []
    for path in sorted(Path(folder).glob("*.jsonl.gz")):
        with gzip.open(path, "rt") as lines:
            for number, line in enumerate(lines):
                row = json.loads(line)
                title = row.get("title") or row.get("file") or f"{path.name}:{number}"
                notes = np.array(row["notes"], float)
                if len(notes) >= 12 and held_out(title.lower()) == held:
                    melodies.append(notes)
    return melodies


def perform(rng, melodies, low, high, seconds):
    """Perform a random stretch of a random melody within pitches `low`..`high`; returns a list of `Note` that fills `seconds`.

    Tempo, key, articulation, timing jitter and dynamics are drawn from `rng` (numpy Generator). One clip in six is retuned
    to a scale with quarter tones or stretched degrees: pitch is not the piano's in most of the world.
    """
    while True:
        notes = melodies[rng.integers(len(melodies))]
        start = rng.integers(max(1, len(notes) - 10))
        notes = notes[start:start + 64]
        lowest_shift, highest_shift = int(np.ceil(low - notes[:, 0].min())), int(np.floor(high - notes[:, 0].max()))
        if lowest_shift <= highest_shift:
            break
    shift = rng.integers(lowest_shift, highest_shift + 1)
    median_beat = np.median(notes[:, 2])
    beat_s = np.clip(60 / rng.uniform(60, 168), 0.16 / median_beat, 0.8 / median_beat)
    notes = _without_long_rests(notes, rng.uniform(0.4, 1.4) / beat_s)
    tuning = rng.normal(0, 0.2) + _retuned_degrees(rng)
    legato = rng.uniform(0.2, 1.0)
    articulation = rng.uniform(0.6, 1.0)
    jitter_s = rng.uniform(0, 0.015)
    phase = rng.uniform(0, 2 * np.pi)
    performed = []
    begin = rng.uniform(0.05, 0.5)
    origin = notes[0, 1]
    index, offset = 0, 0.0
    while True:
        pitch, onset, duration = notes[index]
        time = begin + (onset - origin) * beat_s + offset
        if time >= seconds - 0.15:
            return performed
        slurred = bool(performed) and rng.random() < legato and time - performed[-1].onset_s - performed[-1].sounding_s < 0.08
        time = max(0.02, time + rng.normal(0, jitter_s))
        if performed:
            time = max(time, performed[-1].onset_s + 0.09)
            previous = performed[-1]
            limit = time - previous.onset_s
            sounding = limit if slurred else min(previous.sounding_s * articulation, limit - 0.02)
            performed[-1] = Note(previous.onset_s, max(0.07, sounding), previous.pitch, previous.level_db, previous.slurred)
        level = 4 * np.sin(2 * np.pi * time / 5 + phase) + rng.normal(0, 1.5)
        name = int(pitch + shift)
        performed.append(Note(time, min(max(0.09, duration * beat_s), seconds - time), name + tuning[name % 12], level, slurred))
        index += 1
        if index == len(notes):
            index = 0
            offset = performed[-1].onset_s + performed[-1].sounding_s + rng.choice([0.0, 0.5, 1.0]) - begin


def _without_long_rests(notes, longest):
    """The same notes with every rest cut to `longest` quarter notes: a singer waits for the piano, a clip does not."""
    rest = np.maximum(0, notes[1:, 1] - notes[:-1, 1] - notes[:-1, 2] - longest)
    return np.column_stack([notes[:, 0], notes[:, 1] - np.concatenate([[0], np.cumsum(rest)]), notes[:, 2]])


def _retuned_degrees(rng):
    """Offsets in semitones of the twelve pitch classes: mostly none, sometimes quarter tones or small stretches."""
    offsets = np.zeros(12)
    if rng.random() < 1 / 6:
        for degree in rng.choice(12, rng.integers(1, 4), replace=False):
            offsets[degree] = rng.choice([-0.5, -0.5, -0.3, 0.2, 0.3])
    return offsets
