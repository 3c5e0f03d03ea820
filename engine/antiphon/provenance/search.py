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
_DRIFTS_PPM = range(-120, 121, 8)
_NOISE_SHARE, _BAND_SHARE = np.float32(0.9), np.float32(np.sqrt(1 - 0.9**2))
_LATE = 80  # see track.py


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


def correlate(white: np.ndarray, first: int, last: int) -> tuple[np.ndarray, float, np.ndarray]:
    """Compare frames `first` to `last`, at most FRAMES, with the noise at each lag, (FRAMES,) float32.

    Gives their energy as well, and themselves laid round the ring of the pattern.
    """
    fft, pattern = _noise_transform()
    ring = np.zeros(FRAMES, np.float32)
    taken = white[first:last]
    at = first % FRAMES
    ahead = min(len(taken), FRAMES - at)
    ring[at : at + ahead] = taken[:ahead]
    ring[: len(taken) - ahead] = taken[ahead:]
    lines, out = np.empty(FRAMES // 2 + 1, np.complex64), np.empty(FRAMES, np.float32)
    fft.forward(ring, lines)
    np.conjugate(lines, out=lines)
    lines *= pattern
    fft.inverse(lines, out)
    return out, float(np.square(taken).sum()), ring


class NoiseMaps:
    """The noise compared at all lags with segments of at most 5 s of whitened sound. 1,000 x real time; 2 MB a segment."""

    def __init__(self, white: np.ndarray):
        count = max(1, -(-len(white) // SEGMENT))
        self.cuts = [len(white) * k // count for k in range(count + 1)]
        self._maps, self._energies = [], []
        rings: list[np.ndarray] = []
        self._fours: list[float] = []  # energy of four segments, folded round the ring where they overlap
        whole = np.zeros(FRAMES, np.float32)
        for first, last in zip(self.cuts, self.cuts[1:], strict=False):
            values, energy, ring = correlate(white, first, last)
            self._maps.append(values)
            self._energies.append(energy)
            whole += ring
            rings = [*rings[-3:], ring]
            if len(rings) == 4:
                self._fours.append(float(np.square(sum(rings)).sum()))
        self._whole = float(np.square(whole).sum())

    def _windows(self) -> list[tuple[int, int, float]]:
        """List segments, pairs, fours and the whole: first and last segment, and their energy."""
        count, energies = len(self._maps), self._energies
        found = [(k, k + 1, energies[k]) for k in range(count)]
        found += [(k, k + 2, energies[k] + energies[k + 1]) for k in range(count - 1)]
        found += [(k, k + 4, energy) for k, energy in enumerate(self._fours)]
        return found if count in (1, 2, 4) else [*found, (0, count, self._whole)]

    def _each(self):
        """Give (first, last, z at each lag) of every window."""
        for a, b, energy in self._windows():
            values = self._maps[a] if b == a + 1 else np.sum(self._maps[a:b], axis=0)
            yield self.cuts[a], self.cuts[b], values / np.float32(np.sqrt(energy) + 1e-10)

    def places(self) -> list[Place]:
        """Give the best place of every window, strongest first."""
        tests = 2 * FRAMES * len(self._windows())
        found = [_best(z, first, last, tests) for first, last, z in self._each()]
        return sorted(found, key=lambda place: -place.z)

    def joint(self, moves: np.ndarray) -> list[Place]:
        """Give the best place of every window by noise and bands together (`moves`: of `evidence.restlessness`)."""
        tests = 2 * FRAMES * len(self._windows())
        found = []
        for first, last, z in self._each():
            bands = _band_map(moves, first // STEP, last // STEP)
            if bands is not None:
                both = _NOISE_SHARE * np.abs(z)
                both += np.roll(np.repeat(_BAND_SHARE * bands, STEP), -_LATE - STEP // 2)
                found.append(_best(both, first, last, tests))
        return sorted(found, key=lambda place: -place.z)


def _best(z: np.ndarray, first: int, last: int, tests: int, drift: float = 0.0) -> Place:
    lag = int(np.abs(z).argmax())
    return Place(abs(float(z[lag])), lag, first, last, tests, "noise", drift)


def drifting_places(white: np.ndarray, pieces: list[tuple[int, int]]) -> list[Place]:
    """Try the noise on pieces of at most 10 s, and on their halves, with clocks up to 120 ppm off. About 130 x real time.

    The lag is that of the piece's middle.
    """
    tests = 2 * FRAMES * len(_DRIFTS_PPM) * len(pieces) * 3
    found = []
    for first, last in pieces:
        count = max(1, round((last - first) / RATE))
        cuts = [first + (last - first) * k // count for k in range(count + 1)]
        maps = [correlate(white, a, b)[:2] for a, b in zip(cuts, cuts[1:], strict=False)]
        middle = count // 2
        for ppm in _DRIFTS_PPM:
            halves = []
            for a, b in ((0, middle), (middle, count)):
                total, energy = np.zeros(FRAMES, np.float32), 0.0
                for k in range(a, b):
                    _add_moved(total, maps[k][0], round(((cuts[k] + cuts[k + 1]) / 2 - (first + last) / 2) * ppm * 1e-6))
                    energy += maps[k][1]
                if b > a:
                    halves.append((total, energy))
            if len(halves) == 2:
                halves.append((halves[0][0] + halves[1][0], halves[0][1] + halves[1][1]))
            for total, energy in halves:
                found.append(_best(total / np.float32(np.sqrt(energy) + 1e-10), first, last, tests, ppm * 1e-6))
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


def _band_map(moves: np.ndarray, first: int, last: int) -> np.ndarray | None:
    """Give z of the bands' signs in spectra `first` to `last`, at every lag: (FRAMES / STEP,) float32. None: too short."""
    pattern, known = _band_transform()
    out = np.zeros((PERIOD, PER_HOP), np.float32)
    hops = (last - first) // PER_HOP - 1
    if hops < 20:
        return None
    for phase in range(PER_HOP):
        # spectrum (phase + PER_HOP t) of these is the middle of pattern hop lag + t
        rows = moves[first + phase : first + phase + hops * PER_HOP : PER_HOP]
        ring = np.zeros((BANDS, PERIOD), np.float32)
        for at in range(0, hops, PERIOD):
            ring[:, : min(PERIOD, hops - at)] += rows[at : at + PERIOD].T
        z = _ring_z(np.fft.rfft(ring, axis=1), ring, pattern, known)
        # frames: hop lag h here is frame lag h HOP + HOP / 2 - (first + phase) STEP, in units of STEP
        units = (np.arange(PERIOD) * PER_HOP + PER_HOP // 2 - first - phase) % (PERIOD * PER_HOP)
        out.reshape(-1)[units] = z
    return out.reshape(-1)


def _ring_z(lines: np.ndarray, ring: np.ndarray, pattern: np.ndarray, known: np.ndarray) -> np.ndarray:
    value = np.fft.irfft((np.conj(lines) * pattern).sum(0), PERIOD)
    energy = np.fft.irfft(np.conj(np.fft.rfft(np.square(ring).sum(0))) * known, PERIOD)
    return value / np.sqrt(np.maximum(energy, 1e-3 * energy.max() + 1e-20))


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
