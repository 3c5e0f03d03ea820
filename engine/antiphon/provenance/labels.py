"""Who is heard, second by second, in a sound where the mark's place is known: the voice, the performer, or both."""

from __future__ import annotations

import numpy as np

from .code import Payload
from .evidence import whiten
from .mark import Mark
from .pattern import HOP, PERIOD, RATE, presence, secret
from .track import Layer

LABELS = ("performed", "generated", "both", "silence", "undecided")
_REFERENCE = b"reference"
_SILENT_DB, _BELOW_LOUDEST_DB = -80.0, 70.0
_BANDS = (slice(3, 251),)
_SPREAD = 0.12  # of the ratio where the voice is alone, over clips
_MIXED = np.linspace(0.0, 1.0, 17)
_CHANGE = 3.0  # nats
_SURE = 0.8


def by_bands(rows: np.ndarray, signs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multiply rows of sound (T, HOP) by their signs in five bands from 150 Hz to 12.5 kHz: products and energies, (T, 5)."""
    heard, sent = np.fft.rfft(rows, axis=1), np.fft.rfft(signs, axis=1)
    agree = [2 / HOP * (heard[:, band].real * sent[:, band].real + heard[:, band].imag * sent[:, band].imag).sum(1) for band in _BANDS]
    energy = [2 / HOP * (np.square(heard[:, band].real) + np.square(heard[:, band].imag)).sum(1) for band in _BANDS]
    return np.stack(agree, 1), np.stack(energy, 1)


def reference(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Say how well a mark would be heard if all of `sound` had carried one: products and energies of each hop, (T, 5).

    The sound is marked once more, by a key of no one, and looked at as the real mark is: so that whatever the sound does to
    the evidence is in both alike. About 200 x real time.
    """
    mark, hidden = Mark(_REFERENCE, Payload(0)), secret(_REFERENCE)
    count = len(sound) // HOP
    again = np.concatenate([mark.step(hop) for hop in np.reshape(sound[: count * HOP], (-1, HOP))] or [np.zeros(0, np.float32)])
    at = np.arange(count) % PERIOD
    return by_bands(whiten(again).reshape(count, HOP), hidden.noise[at] * mark.bits[at][:, None])


def per_second(starts: np.ndarray, agree: np.ndarray, energy: np.ndarray, seconds: int) -> np.ndarray:
    """Give z of each second, (seconds, n), from hops that begin at frames `starts`."""
    at = (starts + HOP // 2) // RATE
    inside = (at >= 0) & (at < seconds)
    total, square = np.zeros((2, seconds, agree.shape[1]))
    np.add.at(total, at[inside], agree[inside])
    np.add.at(square, at[inside], energy[inside])
    return total / np.sqrt(square + 1e-9)


def label(sound: np.ndarray, noise: Layer) -> tuple[list[str], np.ndarray]:
    """Give a label for each second of `sound` that has begun, and z of the mark there.

    In each of five bands the mark's strength beside what the voice alone would give (`reference`) is 1 where the voice is
    alone, 0 where there is none of it, and anything where both sound. A lossy copy weakens a band throughout: 1 is then what
    its strongest tenth has. A hidden Markov model over the three; undecided is what it gives less than 4 in 5.
    `bench/mark_labels.py` counts how often that is right.
    """
    seconds = -(-len(sound) // RATE)
    agree, energy = by_bands(noise.rows, presence().noise[noise.path.hops])
    sign = 1 if float((agree.sum(1) * noise.agree).sum()) >= 0 else -1
    heard = sign * per_second(noise.path.starts, agree, energy, seconds)
    whole = per_second(noise.path.starts, noise.agree[:, None], noise.energy[:, None], seconds)[:, 0]
    agree, energy = reference(sound)
    full = np.maximum(per_second(np.arange(len(agree)) * HOP, agree, energy, seconds), 0)
    loud = audible(sound)
    alone = full * _weakened(heard, full, loud)
    likely = np.stack([
        _normal(heard, 0.0, 1.1),
        _normal(heard, alone, np.sqrt(2 + np.square(_SPREAD * alone))),
        np.mean([_normal(heard, share * alone, np.sqrt(1.2 + share**2)) for share in _MIXED], axis=0),
    ], axis=2)
    likely = np.exp(np.maximum(np.log(likely + 1e-30).sum(1) - np.log(likely + 1e-30).sum(1).max(1, keepdims=True), -30))
    likely[~loud] = 1
    posterior = _smooth(likely)
    best = posterior.argmax(1)
    names = [LABELS[best[second]] if posterior[second, best[second]] >= _SURE else "undecided" for second in range(seconds)]
    return [name if heard else "silence" for name, heard in zip(names, loud, strict=True)], whole


def _weakened(heard: np.ndarray, full: np.ndarray, loud: np.ndarray) -> np.ndarray:
    """Say to how much of itself the way to here has weakened each band's mark: (5,) of 0.1 to 1."""
    found = []
    for band in [*range(full.shape[1]), slice(None)]:
        one, other = (heard[:, band], full[:, band]) if isinstance(band, int) else (heard.sum(1), full.sum(1))
        telling = loud & (other > 4) & (one > 3)
        found.append(float(np.clip(np.quantile(one[telling] / other[telling], 0.9), 0.1, 1)) if telling.sum() >= 3 else None)
    every = found.pop() or 1.0
    return np.array([every if share is None else share for share in found])


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
