"""Consonants and breath for sung and spoken training sound: noise that belongs to a voice, and is neither note nor stroke.

Without them a tokenizer that knows strokes takes every "t" for one.
"""

import numpy as np

from .percussion import band, decay
from .seeds import RATE

_FRICATIVES = ((4000, 13000, 0), (2000, 8000, -2), (1200, 13000, -12), (500, 4500, -14))  # s, sh, f, h: band in Hz, level in dB
_BURSTS = ((2500, 10000, 0), (900, 4000, 0), (150, 1500, -4))  # t, k, p
_BREATH_GAP_S, _FINAL_GAP_S = 0.4, 0.12


def _fricative(rng):
    low, high, level = _FRICATIVES[rng.integers(len(_FRICATIVES))]
    length = int(RATE * rng.uniform(0.04, 0.16))
    rise, fall = rng.uniform(0.008, 0.04), rng.uniform(0.008, 0.03)
    time = np.arange(length) / RATE
    shape = np.minimum(1, np.minimum(time / rise, (length / RATE - time) / fall))
    return band(rng.standard_normal(length), low * rng.uniform(0.8, 1.2), high) * shape * 10 ** (level / 20)


def _burst(rng):
    low, high, level = _BURSTS[rng.integers(len(_BURSTS))]
    length = int(RATE * rng.uniform(0.015, 0.08))
    noise = rng.standard_normal(length)
    shape = decay(rng.uniform(0.002, 0.006), length)
    breathed = 0.3 * band(noise, 700, 7000) * np.minimum(1, (length - np.arange(length)) / (0.2 * length))
    return (band(noise, low * rng.uniform(0.8, 1.2), high) * shape + breathed) * 10 ** (level / 20)


def articulate(rng, audio, notes):
    """Return `audio` of `notes` (of `score`, as they were sung) with consonants before and behind them, and breath between.

    Most notes that are not slurred get one; how strong they are is the singer's.
    """
    audio = np.array(audio, np.float64)
    strength, often, finals = rng.uniform(-22, -4), rng.uniform(0.4, 0.95), rng.uniform(0, 0.5)
    for number, note in enumerate(notes):
        end = note.onset_s + note.sounding_s
        following = notes[number + 1].onset_s if number + 1 < len(notes) else end + 1.0
        level = 0.1 * 10 ** ((note.level_db + strength + rng.normal(0, 3)) / 20)
        if not note.slurred and rng.random() < often:
            sound = _fricative(rng) if rng.random() < 0.5 else _burst(rng)
            _add(audio, int((note.onset_s + rng.uniform(-0.005, 0.01)) * RATE) - len(sound), level * sound)
        if following - end > _FINAL_GAP_S and rng.random() < finals:
            sound = _fricative(rng) if rng.random() < 0.5 else _burst(rng)
            _add(audio, int((end + rng.uniform(-0.02, 0.06)) * RATE), level * sound)
        if following - end > _BREATH_GAP_S and rng.random() < 0.6:
            length = int(RATE * min(0.8, following - end) * rng.uniform(0.4, 0.7))
            breath = band(rng.standard_normal(length), rng.uniform(300, 900), rng.uniform(3000, 9000))
            breath *= np.sin(np.linspace(0, np.pi, length)) ** rng.uniform(0.7, 2)
            _add(audio, int(following * RATE) - int(length * 1.2), 0.1 * 10 ** (rng.uniform(-34, -16) / 20) * breath)
    return audio


def _add(audio, begin, sound):
    sound = sound[max(0, -begin) :]
    begin = max(0, begin)
    audio[begin : begin + len(sound)] += sound[: max(0, len(audio) - begin)]
