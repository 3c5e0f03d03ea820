"""The words of the acoustic language model: pitch around the planned note, time within it, and what a performer's sound is like.

Shared by the trainer and the instrument, so that both mean the same by every class. numpy only.
"""
from __future__ import annotations

import math

import numpy as np

from .timbre import LATENT, LOUDNESS_CLASSES
from .tokens import NOTE_LO, NOTES, REST

BENDS = 96
"""Classes of pitch around the planned note: 0 is unvoiced, 1..95 are symmetric about class 48."""

AGES = 32
REMAINS = 18
"""Classes of hops until the planned note stops sounding; the last is 'not known' (while listening)."""
UNKNOWN_REMAIN = REMAINS - 1

TRAITS = 2 * LATENT + 4
"""Size of the vector that says whose sound it is: mean and deviation of latents, and four of expression."""

TRACE = 6
PLAN = (NOTES + 1, 2, AGES, REMAINS, NOTES + 1, LOUDNESS_CLASSES)
"""Classes of each word of a hop's plan, whose embeddings lie one behind the other: note, onset, age, remain, note before, and
the loudness of the hop before."""

_FINE = 0.04
_KNEE = 15
_GROWTH = 9


def bend_class(offset):
    """Class of a pitch `offset` from the planned note in semitones: 4 cents apart within 60 cents, then by ninths of an octave of distance, to 7 semitones."""
    size = np.abs(offset)
    far = _KNEE + _GROWTH * np.log2(np.maximum(size, _FINE * _KNEE) / (_FINE * _KNEE))
    index = np.where(size <= _FINE * _KNEE, size / _FINE, far)
    return (np.sign(offset) * np.minimum(np.round(index), 47)).astype(np.int64) + 48


_indices = np.arange(BENDS) - 48
BEND_OFFSETS = (np.sign(_indices) * np.where(np.abs(_indices) <= _KNEE, np.abs(_indices) * _FINE, _FINE * _KNEE * 2.0 ** ((np.abs(_indices) - _KNEE) / _GROWTH))).astype(np.float32)
"""Offset in semitones of each class (class 0 means unvoiced and has none)."""


def age_class(hops):
    """Class of the hops since the note, or the rest, began: fine at first, logarithmic later."""
    return np.minimum(AGES - 1, np.floor(5.2 * np.log2(1 + np.maximum(hops, 0)))).astype(np.int64)


def remain_class(hops):
    """Class of the hops left until the note stops sounding; negative hops mean that nobody knows."""
    known = np.minimum(UNKNOWN_REMAIN - 1, np.floor(3.0 * np.log2(1 + np.maximum(hops, 0)))).astype(np.int64)
    return np.where(np.asarray(hops) < 0, UNKNOWN_REMAIN, known)


def note_class(pitch):
    """Class 0..75 of a pitch in MIDI semitones, REST for 0 (no note)."""
    nearest = np.clip(np.round(pitch).astype(np.int64) - NOTE_LO, 0, NOTES - 1)
    return np.where(np.asarray(pitch) > 0, nearest, REST)


def trace(pitch_before, pitch_before_that, centre):
    """Six continuous features of the pitch so far, seen from the planned note: where it was, how it moved, and whether it was voiced.

    All in MIDI semitones, 0 where unvoiced or at rest; arrays of one shape `[...]` -> `[..., 6]`.
    """
    heard, moved = pitch_before > 0, (pitch_before > 0) & (pitch_before_that > 0)
    near = heard & (centre > 0)
    offset = np.where(near, pitch_before - centre, 0.0)
    step = np.where(moved, pitch_before - pitch_before_that, 0.0)
    features = (np.tanh(offset * 2), np.clip(offset / 6, -2, 2), np.tanh(step * 4), np.clip(step, -2, 2), heard, near)
    return np.stack([np.asarray(x, np.float32) for x in features], -1)


_AGE_CLASSES = age_class(np.arange(80)).tolist()
_REMAIN_CLASSES = remain_class(np.arange(80)).tolist()
_STARTS = [sum(PLAN[:word]) for word in range(len(PLAN))]


def plan_rows(note, onset, age, remain, before, loudness):
    """Rows of one hop's words in the table of all `PLAN` embeddings, six ints: plain Python, for the hop that is played.

    `note` in MIDI semitones, `before` and `loudness` are classes, ages and remains in hops.
    """
    return (note_number(note), _STARTS[1] + bool(onset), _STARTS[2] + _AGE_CLASSES[min(age, 79)],
            _STARTS[3] + (UNKNOWN_REMAIN if remain < 0 else _REMAIN_CLASSES[min(remain, 79)]), _STARTS[4] + before, _STARTS[5] + loudness)


def note_number(pitch):
    """`note_class` of one pitch."""
    return min(max(round(pitch) - NOTE_LO, 0), NOTES - 1) if pitch > 0 else REST


def trace_of(before, before_that, centre):
    """`trace` of one hop, six floats."""
    heard = before > 0
    near = heard and centre > 0
    offset, step = before - centre if near else 0.0, before - before_that if heard and before_that > 0 else 0.0
    far, wide = min(2.0, max(-2.0, offset / 6)), min(2.0, max(-2.0, step))
    return math.tanh(offset * 2), far, math.tanh(step * 4), wide, float(heard), float(near)


def traits(latents, loudness, bends):
    """Whose sound it is, `(TRAITS,) float32`, from hops that sounded: latents `[N, 32]`, loudness classes `[N]`, offsets from the note in semitones `[N]` (nan unvoiced)."""
    offsets = np.where(np.abs(bends) < 1.0, bends, np.nan)
    voiced = np.isfinite(offsets)
    wide = np.nanstd(offsets) if voiced.sum() > 4 else 0.0
    restless = np.nanmean(np.abs(np.diff(offsets))) if (voiced[1:] & voiced[:-1]).sum() > 4 else 0.0
    expression = [loudness.mean() / 12 - 2.5, loudness.std() / 6, wide * 4, restless * 10]
    return np.concatenate([latents.mean(0), latents.std(0), expression]).astype(np.float32)
