"""Where the public pattern lies in a sound: every place is tried at once by transforms.

The signs of the pattern were drawn without regard to the sound, so that for any unmarked sound whatever the statistic z of
one place has P(z >= t) <= exp(-t^2 / 2) (Hoeffding); times the places tried, that bounds the chance of a false alarm.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ..kernels import Fft
from .evidence import PER_HOP, STEP
from .pattern import BANDS, FRAMES, HOP, PERIOD, RATE, presence

SEGMENT = 5 * RATE
_BANDS_SEGMENT = 125
_DRIFTS_PPM = range(-120, 121, 16)


@dataclass(frozen=True)
class Place:
    """A place where the pattern may lie: frame n of the sound is frame (n + `lag`) modulo FRAMES of the pattern.

    Seen in frames `first` to `last`. `tests` places were tried to find it. `drift` is how much slower than 1 the sound's clock
    seems to be. `layer` is noise or bands. `inverted`: the sound's sign was turned.
    """

    z: float
    lag: int
    first: int
    last: int
    tests: int
    layer: str
    drift: float = 0.0

    @property
    def log_p(self) -> float:
        """Natural logarithm of the bound on the chance that an unmarked sound has such a place; at most 0."""
        return min(0.0, float(np.log(self.tests)) - max(self.z, 0.0) ** 2 / 2)


@functools.lru_cache(maxsize=1)
def _noise_transform() -> tuple[Fft, np.ndarray]:
    fft, out = Fft(FRAMES), np.zeros(FRAMES // 2 + 1, np.complex64)
    fft.forward(presence().noise.reshape(-1), out)
    return fft, out


def correlate(white: np.ndarray, first: int, last: int) -> tuple[np.ndarray, float]:
    """Compare frames `first` to `last`, at most FRAMES, with the noise at each lag: (FRAMES,) float32 and their energy."""
    fft, pattern = _noise_transform()
    ring = np.zeros(FRAMES, np.float32)
    taken = white[first:last]
    at = first % FRAMES
    ahead = min(len(taken), FRAMES - at)
    ring[at : at + ahead] = taken[:ahead]
    ring[: len(taken) - ahead] = taken[ahead:]
    lines, out = np.zeros(FRAMES // 2 + 1, np.complex64), ring.copy()
    fft.forward(ring, lines)
    np.conjugate(lines, out=lines)
    lines *= pattern
    fft.inverse(lines, out)
    return out, float(np.square(taken).sum())


def noise_places(white: np.ndarray) -> list[Place]:
    """Try the noise on segments of at most 5 s and on pairs of them: the best place of each, strongest first. 1,000 x real time."""
    count = max(1, -(-len(white) // SEGMENT))
    cuts = [len(white) * k // count for k in range(count + 1)]
    tests = 2 * FRAMES * (2 * count - 1)
    found, before = [], None
    for first, last in zip(cuts, cuts[1:], strict=False):
        own = correlate(white, first, last)
        found.append(_best(*own, first, last, tests))
        if before:
            found.append(_best(own[0] + before[0], own[1] + before[1], before[2], last, tests))
        before = (*own, first)
    return sorted(found, key=lambda place: -place.z)


def _best(values: np.ndarray, energy: float, first: int, last: int, tests: int, drift: float = 0.0) -> Place:
    size = np.abs(values)
    lag = int(size.argmax())
    return Place(float(size[lag]) / np.sqrt(energy + 1e-20), lag, first, last, tests, "noise", drift)


def drifting_places(white: np.ndarray, pieces: list[tuple[int, int]]) -> list[Place]:
    """Try the noise on pieces of about 5 s with clocks up to 120 ppm off; the lag is that of the piece's middle. 150 x."""
    tests = 2 * FRAMES * len(_DRIFTS_PPM) * len(pieces)
    found = []
    for first, last in pieces:
        count = max(1, round((last - first) / RATE))
        cuts = [first + (last - first) * k // count for k in range(count + 1)]
        maps = [correlate(white, a, b) for a, b in zip(cuts, cuts[1:], strict=False)]
        energy = sum(energy for _, energy in maps)
        best = None
        for ppm in _DRIFTS_PPM:
            total = np.zeros(FRAMES, np.float32)
            for (values, _), a, b in zip(maps, cuts, cuts[1:], strict=False):
                moved = round(((a + b) / 2 - (first + last) / 2) * ppm * 1e-6)
                _add_moved(total, values, moved)
            place = _best(total, energy, first, last, tests, ppm * 1e-6)
            best = place if best is None or place.z > best.z else best
        found.append(best)
    return sorted(found, key=lambda place: -place.z)


def _add_moved(total: np.ndarray, values: np.ndarray, by: int) -> None:
    """Add values[i - by] to total[i], round the ring."""
    if not by:
        total += values
    else:
        total[by:] += values[:-by]
        total[:by] += values[-by:]


@functools.lru_cache(maxsize=1)
def _band_transform() -> tuple[np.ndarray, np.ndarray]:
    public = presence()
    return np.fft.rfft(public.band_signs.T, axis=1), np.fft.rfft(public.known.astype(np.float32))


def band_places(moves: np.ndarray, tempo: float = 1.0, widths: tuple[int, ...] = (2, 4), whole: bool = True,
                configurations: int = 1) -> list[Place]:
    """Try the bands' signs on windows of 5 and 10 s and on the whole: the best place of each, strongest first.

    `moves`: of `evidence.restlessness`. `tempo`: how many times longer the sound is than when it was marked; lag, first and
    last count frames of the sound as it would be at tempo 1. `configurations`: how often this is called in one search.
    """
    pattern, known = _band_transform()
    hops = int((len(moves) - PER_HOP) / (PER_HOP * tempo))
    if hops < 20:
        return []
    segments = max(1, hops // _BANDS_SEGMENT)
    cuts = [hops * k // segments for k in range(segments + 1)]
    windows = [(k, k + w) for w in sorted({min(w, segments) for w in widths}) for k in range(segments - w + 1)]
    windows += [(0, segments)] if whole and segments > max(widths) else []
    tests = PER_HOP * PERIOD * len(windows) * configurations
    found = []
    for phase in range(PER_HOP):
        rows = moves[np.minimum(np.rint(phase + PER_HOP * tempo * np.arange(hops)).astype(int), len(moves) - 1)]
        rings = np.zeros((segments, BANDS, PERIOD), np.float32)
        for k, (a, b) in enumerate(zip(cuts, cuts[1:], strict=False)):
            rings[k][:, np.arange(a, b) % PERIOD] = rows[a:b].T
        lines = np.fft.rfft(rings, axis=2)
        values = np.fft.irfft((np.conj(lines) * pattern).sum(1), PERIOD)
        energies = np.fft.irfft(np.conj(np.fft.rfft(np.square(rings).sum(1))) * known, PERIOD)
        for a, b in windows:
            if cuts[b] - cuts[a] <= PERIOD:
                value, energy = values[a:b].sum(0), energies[a:b].sum(0)
            else:
                ring = np.square(rings[a:b].sum(0)).sum(0)
                value, energy = values[a:b].sum(0), np.fft.irfft(np.conj(np.fft.rfft(ring)) * known, PERIOD)
            z = value / np.sqrt(np.maximum(energy, 1e-3 * energy.max() + 1e-20))
            lag = int(z.argmax())
            # row t, centred on frame (phase + PER_HOP t) STEP, is the middle of pattern hop lag + t
            found.append(Place(float(z[lag]), (lag * HOP + HOP // 2 - phase * STEP) % FRAMES, cuts[a] * HOP, cuts[b] * HOP,
                               tests, "bands"))
    return sorted(found, key=lambda place: -place.z)
