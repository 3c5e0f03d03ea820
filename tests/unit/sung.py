"""Sung sound made by formula, for tests of what hears and what learns: harmonics, a formant, vibrato, and breaths."""

import numpy as np

RATE = 48_000
TUNES = ([0, 2, 4, 5, 7, 5, 4, 2], [7, 5, 4, 2, 0, 4, 7, 12], [0, 0, 7, 7, 9, 9, 7, 5], [4, 2, 0, 2, 4, 4, 4, 7])


def melody(seconds, seed=0, root=57):
    """(onset s, length s, pitch) of phrases from TUNES, varied by `seed`."""
    rng, now, notes = np.random.default_rng(seed), 0.3, []
    while now < seconds - 4:
        tune = np.array(TUNES[rng.integers(len(TUNES))])[: rng.integers(5, 9)] + rng.choice([0, 2, 5])
        for step in tune:
            length = rng.choice([0.22, 0.3, 0.45])
            notes.append((now, 0.92 * length, root + step))
            now += length
        now += 0.5
    return notes


def sound(notes, seconds, level=0.2):
    """Sing notes: (frames,) float at 48 kHz."""
    out = np.zeros(round(seconds * RATE))
    for onset, length, pitch in notes:
        t = np.arange(round(length * RATE)) / RATE
        bend = 0.2 * np.sin(2 * np.pi * 5.5 * t) * np.clip((t - 0.15) / 0.2, 0, 1)
        hertz = 440 * 2 ** ((pitch + bend - 69) / 12)
        phase = 2 * np.pi * np.cumsum(hertz) / RATE
        tone = sum(np.sin(k * phase) / k * (0.2 + np.exp(-(((k * hertz[0] - 700) / 500) ** 2))) for k in range(1, 20))
        edge = np.clip(np.minimum(t, t[-1] - t) / 0.03, 0, 1)
        at = round(onset * RATE)
        out[at : at + len(t)] += tone * edge
    out += 1e-4 * np.random.default_rng(1).standard_normal(len(out))
    return level * out / np.abs(out).max()
