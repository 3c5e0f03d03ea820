"""Who is heard, second by second, in a sound where the mark's place is known: the voice, the performer, or both."""

from __future__ import annotations

import functools

import numpy as np

from ..kernels import Fft
from .evidence import whiten
from .mark import PIECES, follow, tables
from .pattern import BANDS, HOP, PERIOD, RATE, secret
from .track import Layer

LABELS = ("performed", "generated", "both", "silence", "undecided")
_REFERENCE = b"reference"
_BLOCK = 500  # hops
_SILENT_DB, _BELOW_LOUDEST_DB = -80.0, 70.0
_SPREAD, _SPREAD_LOSSY = 0.12, 0.4  # of the ratio where the voice is alone, over clips; a lossy copy does not weaken all alike
_MIXED = np.linspace(0.0, 1.0, 17)
_CHANGE = 3.0  # nats
_SURE = 0.8


def reference(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Say how well a mark would be heard if all of `sound` had carried one: product with its noise and energy, a hop each, (T,).

    The sound gets the noise of a mark once more, by a key of no one, as `Mark.step` would put it on, and is looked at as the
    real mark is: so that whatever the sound does to the evidence is in both alike. About 300 x real time.
    """
    count = len(sound) // HOP
    padded = np.zeros((count + 1) * HOP, np.float32)
    padded[HOP:] = sound[: count * HOP]
    hops = np.arange(count) % PERIOD
    change, before = np.full(BANDS, 0.1, np.float32), None
    for first in range(0, count, _BLOCK):
        last = min(first + _BLOCK, count)
        before = _put_on(padded[first * HOP : (last + 1) * HOP], hops[first:last], change, before, padded, first)
    rows = whiten(padded[HOP:]).reshape(count, HOP)
    return np.einsum("tn,tn->t", rows, secret(_REFERENCE).noise[hops]), np.einsum("tn,tn->t", rows, rows)


def _put_on(plain: np.ndarray, hops: np.ndarray, change: np.ndarray, before: np.ndarray | None, out: np.ndarray,
            first: int) -> np.ndarray:
    """Add the noise to hops of `out` from `first` on, where `plain` begins with the hop before them; give their last levels."""
    plain, table, fft, short = plain.copy(), tables(), Fft(2 * HOP), Fft(1024)
    frames = np.lib.stride_tricks.sliding_window_view(plain, 2 * HOP)[::HOP] * table.window
    now = plain[HOP:].reshape(-1, HOP)
    lines, ends = np.zeros((len(now), HOP + 1), np.complex64), np.zeros((len(now), 513), np.complex64)
    padded = np.zeros((len(now), 1024), np.float32)
    padded[:, :HOP] = now * table.short_window
    for frame, found, end, its in zip(frames, lines, padded, ends, strict=True):
        fft.forward(frame, found)
        short.forward(end, its)
    inside = lines[:, table.lines]
    energy = (np.square(inside.real) + np.square(inside.imag)) @ table.long + np.float32(1e-12)
    inside = ends[:, table.short_lines]
    levels = np.log((np.square(inside.real) + np.square(inside.imag)) @ table.short + np.float32(1e-9))
    changes = np.empty_like(levels)
    for level, kept in zip(levels, changes, strict=True):
        if before is not None:
            follow(change, before, level)
        before, kept[:] = level, change
    gains = (table.amounts(energy, changes)[1] * np.sqrt(energy) * table.noise_norm) @ table.spread
    lines[:] = 0
    lines[:, table.inside] = _noise_lines()[hops] * gains
    for found, frame in zip(lines, frames, strict=True):
        fft.inverse(found, frame)
    powers = np.square(now).reshape(len(now), PIECES, -1).sum(2) + np.float32(1e-20)
    out[(first + 1) * HOP : (first + 1 + len(now)) * HOP] += (frames[:, HOP:] * table.edge * table.envelope(powers)).reshape(-1)
    return before


@functools.lru_cache(maxsize=1)
def _noise_lines() -> np.ndarray:
    """Give the transform of each hop of the reference's noise with the hop before it: (PERIOD, lines) complex64."""
    noise, table = secret(_REFERENCE).noise, tables()
    frames = np.concatenate([np.roll(noise, 1, 0), noise], 1) * table.window
    return np.fft.rfft(frames, axis=1)[:, table.inside].astype(np.complex64)


def per_second(starts: np.ndarray, agree: np.ndarray, energy: np.ndarray, seconds: int) -> np.ndarray:
    """Give z of each second, (seconds,), from hops that begin at frames `starts`."""
    at = (starts + HOP // 2) // RATE
    inside = (at >= 0) & (at < seconds)
    total = np.bincount(at[inside], agree[inside], seconds)
    return total / np.sqrt(np.bincount(at[inside], energy[inside], seconds) + 1e-9)


def label(sound: np.ndarray, noise: Layer) -> tuple[list[str], np.ndarray]:
    """Give a label for each second of `sound` that has begun, and z of the mark there, (seconds,).

    The mark's strength beside what the voice alone would give (`reference`) is 1 where the voice is alone, 0 where there is
    none of it, and between where both sound. A lossy copy weakens all alike: 1 is then what its strongest tenth has. A hidden
    Markov model over the three; undecided is what it gives less than 4 in 5. `bench/mark_labels.py` counts how often that is
    right: seldom wrong in that the voice is there or not, less sure whether it is alone. (In five bands apart it was no surer.)
    """
    seconds = -(-len(sound) // RATE)
    heard = per_second(noise.path.starts, noise.agree, noise.energy, seconds)
    full = np.maximum(per_second(np.arange(len(sound) // HOP) * HOP, *reference(sound), seconds), 0)
    loud = audible(sound)
    telling = loud & (full > 4) & (heard > 3)
    weakened = float(np.clip(np.quantile(heard[telling] / full[telling], 0.9), 0.1, 1)) if telling.sum() >= 3 else 1.0
    alone, spread = full * weakened, _SPREAD + _SPREAD_LOSSY * (1 - weakened)
    likely = np.stack([
        _normal(heard, 0.0, 1.1),
        _normal(heard, alone, np.sqrt(1 + weakened**2 + np.square(spread * alone))),
        np.mean([_normal(heard, share * alone, np.sqrt(1.2 + (share * weakened) ** 2)) for share in _MIXED], axis=0),
    ], axis=1)
    likely[~loud] = 1
    posterior = _smooth(likely + 1e-12)
    best = posterior.argmax(1)
    names = [LABELS[best[second]] if posterior[second, best[second]] >= _SURE else "undecided" for second in range(seconds)]
    return [name if there else "silence" for name, there in zip(names, loud, strict=True)], heard


def audible(sound: np.ndarray) -> np.ndarray:
    """Say of each second whether there is sound in it: above -80 dB, and not 70 dB below the loudest."""
    seconds = -(-len(sound) // RATE)
    padded = np.zeros(seconds * RATE, np.float32)
    padded[: len(sound)] = sound
    power = np.square(padded.reshape(seconds, RATE)).mean(1)
    return power > max(10 ** (_SILENT_DB / 10), float(power.max(initial=0)) * 10 ** (-_BELOW_LOUDEST_DB / 10))


def _normal(value: np.ndarray, mean: np.ndarray | float, spread: np.ndarray | float) -> np.ndarray:
    return np.exp(-np.square((value - mean) / spread) / 2) / spread


def _smooth(likely: np.ndarray) -> np.ndarray:
    """Give how probable each state is at each second, (T, 3), forwards and backwards."""
    count, states = likely.shape
    stay = 1 - np.exp(-_CHANGE) * (states - 1)
    move = np.full((states, states), np.exp(-_CHANGE)) + np.eye(states) * (stay - np.exp(-_CHANGE))
    ahead, behind = np.ones((count, states)), np.ones((count, states))
    state = np.full(states, 1 / states)
    for t in range(count):
        state = state @ move * likely[t]
        ahead[t] = state = state / state.sum()
    state = np.ones(states)
    for t in range(count - 1, 0, -1):
        state = move @ (likely[t] * state)
        behind[t - 1] = state = state / state.sum()
    both = ahead * behind
    return both / both.sum(1, keepdims=True)
