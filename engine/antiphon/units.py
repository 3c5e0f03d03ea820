"""Decibels, pitches and note names. Pitch is a float in MIDI semitones, 69.0 = 440 Hz; 0.0 means unvoiced."""

from __future__ import annotations

import math
import re

OFF_DB = -80.0
"""A gain at or below this is silence, not a very small number: a fader's lowest point is off."""

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def db_to_gain(gain_db: float) -> float:
    """Convert a gain in dB to a factor; `OFF_DB` and below give exactly 0.0."""
    return 0.0 if gain_db <= OFF_DB else 10.0 ** (gain_db / 20.0)


def gain_to_db(gain: float) -> float:
    """Convert a factor or level (1.0 = full scale) to dB, not below -120 dB."""
    return 20.0 * math.log10(max(abs(gain), 1e-6))


def hz_to_pitch(frequency_hz: float) -> float:
    """Convert a frequency to semitones; 0.0 (unvoiced) for a frequency that is not positive."""
    return 69.0 + 12.0 * math.log2(frequency_hz / 440.0) if frequency_hz > 0 else 0.0


def pitch_to_hz(pitch: float) -> float:
    """Convert semitones to a frequency; 0.0 for unvoiced."""
    return 440.0 * 2.0 ** ((pitch - 69.0) / 12.0) if pitch > 0 else 0.0


def pitch_name(pitch: float) -> str:
    """Name the nearest equal-tempered note and the cents from it: 69.12 is `A4 +12`; unvoiced is `-`."""
    if not pitch > 0 or not math.isfinite(pitch):
        return "-"
    note = math.floor(pitch + 0.5)
    cents = round((pitch - note) * 100)
    return f"{_NAMES[note % 12]}{note // 12 - 1} {cents:+d}"


_LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_SHIFTS = {"": 0, "#": 1, "b": -1, "s": 1}


def note_number(name: str) -> float | None:
    """Give the MIDI number that a note's name means: `a4` is 69, `eb` without an octave is 3, the class; None for anything else."""
    found = re.fullmatch(r"([a-g])([#bs]?)(-1|[0-9])?", name.strip().lower())
    if found is None:
        return None
    octave = 12 * (int(found[3]) + 1) if found[3] is not None else 0
    number = _LETTERS[found[1]] + _SHIFTS[found[2]] + octave
    return float(number % 12 if found[3] is None else number)
