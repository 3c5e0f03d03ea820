"""The built-in hummed phrase, for a machine without a microphone: additive synthesis, no data file."""

from __future__ import annotations

import numpy as np

_NOTES = ((57, 0.45), (59, 0.30), (60, 0.60), (64, 0.45), (62, 0.30), (60, 0.30), (59, 0.45), (57, 0.95))
"""(MIDI note, seconds): an opening in A minor that asks to be carried on."""
_FORMANTS = ((320.0, 90.0, 1.0), (900.0, 140.0, 0.16), (2400.0, 250.0, 0.05))
"""(centre Hz, width Hz, weight) of a closed mouth."""


def hummed_phrase(samplerate: int, pause_s: float = 9.5) -> np.ndarray:
    """Hum the phrase, then leave `pause_s` of near silence for the answer: (frames, 1) float32, always the same."""
    steps = round(sum(seconds for _, seconds in _NOTES) * 200)
    pitch, level = np.empty(steps), np.empty(steps)
    at = 0
    for note, seconds in _NOTES:
        length = min(round(seconds * 200), steps - at)
        t = np.arange(length) / 200
        vibrato = 0.25 * np.clip((t - 0.25) / 0.3, 0, 1) * np.sin(2 * np.pi * 5.2 * t)
        pitch[at : at + length] = note + vibrato - 0.6 * np.exp(-t / 0.04)
        level[at : at + length] = (1 - 0.75 * np.exp(-t / 0.03)) * np.clip((seconds - t) / 0.07, 0, 1)
        at += length
    frames = round(steps * samplerate / 200)
    clock = np.arange(frames) * 200 / samplerate
    f0 = 440.0 * 2 ** ((np.interp(clock, np.arange(steps), pitch) - 69) / 12)
    gain = np.interp(clock, np.arange(steps), level)
    phase = 2 * np.pi * np.cumsum(f0) / samplerate
    sound = np.zeros(frames)
    for harmonic in range(1, 25):
        hz = harmonic * f0
        weight = sum(w / (1 + ((hz - centre) / width) ** 2) for centre, width, w in _FORMANTS)
        sound += np.where(hz < 0.45 * samplerate, weight, 0.0) * np.sin(harmonic * phase)
    random = np.random.default_rng(7)
    sound = 0.22 * gain * sound / max(np.abs(sound).max(), 1e-9)
    sound += 0.002 * gain * random.standard_normal(frames)
    room = 1e-4 * random.standard_normal(frames + round(pause_s * samplerate))
    room[:frames] += sound
    return room.astype(np.float32)[:, None]
