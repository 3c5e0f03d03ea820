"""What the mark is made of, by key: bands, signs and noise; shared by who puts it on and who looks for it."""

from __future__ import annotations

import functools
import hashlib

import numpy as np

RATE = 48_000
HOP = 960
PERIOD = 512
"""Hops after which the pattern begins again: 10.24 s."""
FRAMES = PERIOD * HOP
CODE_BITS = 256
GROUPS = 2
"""Code bits that one data hop of the bands' layer carries: its even bands' and its odd bands'."""

PUBLIC_KEY = hashlib.sha256(b"Antiphon: made with Antiphon. The presence mark, first edition.").digest()
"""Published: by it anybody can tell that a sound was made with Antiphon, and where in the pattern each frame lies."""

_LOWEST_HZ, _HIGHEST_HZ = 150.0, 12_500.0
_WIDTH_HZ, _WIDTH_RATIO = 90.0, 1.06
_CLOSE_DB, _FAR_DB = 35.0, 22.0  # how far below a band its own mark stays, at 5 Bark and below, at 16 and above
_MASKED_DB = 18.0


def edges() -> np.ndarray:
    """Give the bands' edges in Hz, (BANDS + 1,): each 90 Hz or 6 % wide."""
    found = [_LOWEST_HZ]
    while found[-1] < _HIGHEST_HZ:
        found.append(max(found[-1] + _WIDTH_HZ, found[-1] * _WIDTH_RATIO))
    return np.array(found)


BANDS = len(edges()) - 1


def shares(points: int, scale: float = 1.0) -> np.ndarray:
    """Give how much of each line of a transform of `points` frames lies in each band: (lines, BANDS) float32.

    `scale` is by how much the sound's frequencies have been moved since it was marked.
    """
    step = RATE / points
    line = np.arange(points // 2 + 1)[:, None] * step
    low, high = edges()[:-1] * scale, edges()[1:] * scale
    inside = np.minimum(line + step / 2, high) - np.maximum(line - step / 2, low)
    return np.clip(inside / step, 0, 1).astype(np.float32)


def _bark(hz: np.ndarray) -> np.ndarray:
    return 13 * np.arctan(0.00076 * hz) + 3.5 * np.arctan((hz / 7500) ** 2)


def centres() -> np.ndarray:
    """Give the bands' middles in Hz, (BANDS,)."""
    return np.sqrt(edges()[1:] * edges()[:-1])


def masking() -> np.ndarray:
    """Give what power in each band (row) may be added unheard to every other (column): (BANDS, BANDS) float32.

    Spread 12 dB a Bark upwards and 27 downwards, 18 dB below the masker, less in bands narrower than a critical band.
    """
    bark, wide = _bark(centres()), np.diff(edges())
    critical = 25 + 75 * (1 + 1.4 * (centres() / 1000) ** 2) ** 0.69
    above = bark[None, :] - bark[:, None]
    level_db = np.where(above >= 0, -12 * above, 27 * above) - _MASKED_DB
    spread = 10 ** (level_db / 10) * np.minimum(1, wide / critical)[None, :]
    np.fill_diagonal(spread, 0)
    return spread.astype(np.float32)


def ceiling() -> np.ndarray:
    """Give the largest share of a band's own amplitude its mark may have where nothing else masks it: (BANDS,) float32."""
    high = np.clip((_bark(centres()) - 5) / 11, 0, 1)
    return (10 ** (-(_CLOSE_DB + (_FAR_DB - _CLOSE_DB) * high) / 20)).astype(np.float32)


def _stream(key: bytes, label: bytes, count: int) -> np.ndarray:
    taken = hashlib.shake_256(b"antiphon mark 1" + len(key).to_bytes(2, "big") + key + label).digest(count)
    return np.frombuffer(taken, np.uint8)


def signs(key: bytes, label: bytes, count: int) -> np.ndarray:
    """Draw (count,) float32 of +-1 that only who has the key can tell from chance (SHAKE-256)."""
    bits = np.unpackbits(_stream(key, label, (count + 7) // 8))[:count]
    return 1 - 2 * bits.astype(np.float32)


def order(key: bytes, label: bytes, count: int) -> np.ndarray:
    """Draw a permutation of `count`, (count,) int64, by a key."""
    return np.argsort(_stream(key, label, 8 * count).view("<u8"), kind="stable")


class Presence:
    """What everybody can know of a mark: the half of each layer that is the same in every marked sound. Do not write to it.

    `known` (PERIOD,) bool are the hops whose band signs are public; `band_signs` (PERIOD, BANDS) float32 those signs, 0 in the
    others; `noise` (PERIOD, HOP) float32 of +-1, of all hops.
    """

    def __init__(self, key: bytes):
        self.key = key
        self.known = np.zeros(PERIOD, bool)
        self.known[order(key, b"roles", PERIOD)[: PERIOD // 2]] = True
        self.band_signs = signs(key, b"bands", PERIOD * BANDS).reshape(PERIOD, BANDS) * self.known[:, None]
        self.noise = signs(key, b"noise", FRAMES).reshape(PERIOD, HOP)


class Secret:
    """What only an installation knows: where in each layer the bits of its payload lie, and under which signs. Do not write to it.

    `band_signs` (PERIOD, BANDS) float32, 0 in the public hops; `band_slots` (PERIOD, BANDS) int64, the code bit each carries;
    `noise` (PERIOD, HOP) float32 of +-1; `slots` (PERIOD,) int64, the code bit that a hop's noise carries.
    """

    def __init__(self, key: bytes, presence: Presence):
        self.key = key
        carrying = np.flatnonzero(~presence.known)
        drawn = signs(key, b"bands", PERIOD * BANDS).reshape(PERIOD, BANDS)
        self.band_signs = drawn * ~presence.known[:, None]
        by_group = np.zeros((PERIOD, GROUPS), np.int64)
        by_group[carrying] = (order(key, b"band slots", len(carrying) * GROUPS) % CODE_BITS).reshape(-1, GROUPS)
        self.band_slots = by_group[:, np.arange(BANDS) % GROUPS]
        self.noise = signs(key, b"noise", FRAMES).reshape(PERIOD, HOP)
        self.slots = order(key, b"slots", PERIOD) % CODE_BITS


@functools.lru_cache(maxsize=4)
def presence(key: bytes = PUBLIC_KEY) -> Presence:
    """Give the public half; made once."""
    return Presence(key)


@functools.lru_cache(maxsize=4)
def secret(key: bytes) -> Secret:
    """Give the half of one installation's key; made once. About 4 MB each."""
    return Secret(key, presence())
