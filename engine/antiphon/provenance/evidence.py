"""What a mark leaves in a sound, before any key is tried: whitened frames for its noise, restless bands for its gains."""

from __future__ import annotations

import functools

import numpy as np

from ..kernels import Fft, Spectrum
from .pattern import BANDS, HOP, RATE, ceiling, centres, masking, shares

STEP = 240
"""Frames between two spectra of the bands: 5 ms."""
PER_HOP = HOP // STEP
_POINTS = 1024
_LINES = slice(6, 501)  # 150 Hz to 12.5 kHz
_NEAR = 8  # lines on each side that a line is compared with
_BLOCK = 500
_QUIET, _DEEP = np.float32(3e-6), np.float32(0.007)
_CLIP, _PEAKS, _TRUST = 1.7, 0.4, 0.02


def whiten(sound: np.ndarray) -> np.ndarray:
    """Weigh (frames,) float32 at 48 kHz so that keyed noise stands out best: as long, of about even power everywhere.

    Each line of a short transform gets (power around it)^1/2 / its own power: the mark's noise is as strong as the band, and
    is heard best where the sound itself is weakest, between partials. Low bands, where the mark is weaker but lasts, count
    more than by that alone: after MP3 and noise z grew by a fifth to two fifths (7 clips).
    """
    hops = -(-len(sound) // HOP)
    padded = np.zeros((hops + 2) * HOP, np.float32)
    padded[HOP : HOP + len(sound)] = sound
    window = np.sin(np.pi * (np.arange(2 * HOP) + 0.5) / (2 * HOP)).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * HOP)[::HOP]
    fft, lines = Fft(2 * HOP), np.zeros((_BLOCK, HOP + 1), np.complex64)
    out = np.zeros_like(padded)
    floor = _QUIET * np.float32(np.mean(np.square(padded)) * HOP) + np.float32(1e-12)
    lasting = 1 / np.sqrt(np.interp(np.arange(_LINES.start, _LINES.stop) * RATE / (2 * HOP), centres(), ceiling()))
    lasting = (lasting / lasting.max()).astype(np.float32)
    for at in range(0, len(frames), _BLOCK):
        block = frames[at : at + _BLOCK] * window
        found = lines[: len(block)]
        for frame, spectrum in zip(block, found, strict=True):
            fft.forward(frame, spectrum)
        inside = found[:, _LINES]
        power = np.square(inside.real) + np.square(inside.imag)
        around = _near(power)
        weighed = np.zeros_like(found)
        weighed[:, _LINES] = inside * (lasting * np.sqrt(around) / (power + _DEEP * around + floor))
        for spectrum, frame in zip(weighed, block, strict=True):
            fft.inverse(spectrum, frame)
        block *= window
        out[at * HOP : (at + len(block)) * HOP] += block[:, :HOP].reshape(-1)
        out[(at + 1) * HOP : (at + 1 + len(block)) * HOP] += block[:, HOP:].reshape(-1)
    return out[HOP : HOP + len(sound)]


def _near(power: np.ndarray) -> np.ndarray:
    """Average each line with those around it."""
    total = np.zeros((len(power), power.shape[1] + 1))
    np.cumsum(power, axis=1, out=total[:, 1:])
    line = np.arange(power.shape[1])
    low, high = np.maximum(line - _NEAR, 0), np.minimum(line + _NEAR + 1, power.shape[1])
    return ((total[:, high] - total[:, low]) / (high - low)).astype(np.float32)


@functools.lru_cache(maxsize=16)
def _spectrum(scale: float) -> Spectrum:
    weights = shares(_POINTS, scale)
    bands = [(int(lines[0]), weights[lines[0] : lines[-1] + 1, band])
             for band in range(BANDS) if len(lines := np.flatnonzero(weights[:, band]))]
    return Spectrum(np.hanning(HOP + 2)[1:-1], _POINTS, bands, floor=1e-6, gain=2.0)


def restlessness(sound: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Give how each band moves against its neighbours in time and pitch: (spectra, BANDS) float32, 5 ms apart.

    Spectrum i is centred on frame i x STEP. A band's level beside that of one hop before and after, over the usual size of
    such differences, clipped, and weighed by how much of it the mark can be. `scale`: as in `pattern.shares`.
    """
    count = len(sound) // STEP + 1
    padded = np.zeros((count - 1) * STEP + HOP, np.float32)
    padded[HOP // 2 : HOP // 2 + len(sound)] = sound[: len(padded) - HOP // 2]
    level = np.zeros((count, BANDS), np.float32)
    _spectrum(round(scale, 4)).process(padded, level, STEP)
    power = np.exp(level)
    quiet = np.float32(1e-9) * power.mean() + np.float32(1e-10)
    level = np.log(power + quiet)
    ahead, behind = np.roll(level, -PER_HOP, 0), np.roll(level, PER_HOP, 0)
    ahead[-PER_HOP:], behind[:PER_HOP] = level[-PER_HOP:], level[:PER_HOP]
    move = level - (ahead + behind) / 2
    usual = _smooth(np.abs(move)) + np.float32(_TRUST)
    sure = 1 / np.square(usual)
    move -= _across(move * sure) / _across(sure) / 2
    usual = _smooth(np.abs(move)) + np.float32(_TRUST)
    own = np.minimum(np.maximum(np.float32(0.3) * usual, np.float32(10 ** (-34 / 20))), ceiling())
    gain = np.minimum(np.float32(0.22), np.maximum(own, np.sqrt((power @ masking()) / (power + quiet))))
    background = np.percentile(power[:: max(1, count // 500)], 5, axis=0).astype(np.float32) + np.float32(1e-7) * power.mean()
    weight = np.power(gain / usual, np.float32(_PEAKS)) * (power / (power + background + quiet))
    return np.clip(move / usual, -np.float32(_CLIP), np.float32(_CLIP)) * weight


def _smooth(size: np.ndarray, half: int = 5 * PER_HOP) -> np.ndarray:
    """Average over 0.1 s on each side."""
    total = np.zeros((len(size) + 1, size.shape[1]))
    np.cumsum(size, axis=0, out=total[1:])
    at = np.arange(len(size))
    low, high = np.maximum(at - half, 0), np.minimum(at + half + 1, len(size))
    return ((total[high] - total[low]) / (high - low)[:, None]).astype(np.float32)


def _across(value: np.ndarray, half: int = 5) -> np.ndarray:
    """Average over the five bands on each side."""
    band = np.arange(BANDS)
    near = (np.abs(band[:, None] - band[None, :]) <= half).astype(np.float32)
    return value @ (near / near.sum(0))
