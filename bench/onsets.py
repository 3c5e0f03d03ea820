"""Where notes are heard to begin, from the sound alone; and how far off that detector is itself."""

from __future__ import annotations

import numpy as np

RATE = 48_000
_WINDOW, _STEP, _LAG = 512, 96, 5
_FLOOR_DB, _RISE_DB, _APART_S = 60.0, 2.0, 0.05
_BANDS = np.geomspace(80, 16_000, 41)


def heard_onsets(sound: np.ndarray) -> np.ndarray:
    """Seconds at which something begins in (frames,) sound: where levels in narrow bands rise the most within 10 ms, together.

    A rise counts from 2 dB in the mean of all bands on, and where nothing within 50 ms rises more.
    """
    shape = np.hanning(_WINDOW + 1)[:-1]
    padded = np.pad(np.asarray(sound, np.float64), (_WINDOW // 2 + _LAG * _STEP, _WINDOW // 2))
    power = np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_STEP] * shape, axis=1)) ** 2
    hz = np.fft.rfftfreq(_WINDOW, 1 / RATE)
    place = np.clip(np.digitize(hz, _BANDS) - 1, 0, len(_BANDS) - 2)
    within = (hz >= _BANDS[0]) & (hz < _BANDS[-1])
    bands = np.zeros((len(power), len(_BANDS) - 1))
    np.add.at(bands.T, place[within], power[:, within].T)
    bands = bands[:, bands.sum(axis=0) > 0]
    level = 10 * np.log10(bands + bands.sum(axis=1).max() * 10 ** (-_FLOOR_DB / 10))
    rise = np.maximum(level[_LAG:] - level[:-_LAG], 0).mean(axis=1)  # rise[n]: from _LAG steps before window n to window n
    apart = round(_APART_S * RATE / _STEP)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(rise, apart), 2 * apart + 1).max(axis=1)
    peaks = np.flatnonzero((rise >= _RISE_DB) & (rise == around))
    return peaks * _STEP / RATE  # in the middle of the newer window's way


def nearest(onsets: np.ndarray, times: np.ndarray, within_s: float) -> np.ndarray:
    """How much later than each of `times` the nearest onset is, in s; nan where none is within reach."""
    if not len(onsets):
        return np.full(len(times), np.nan)
    off = onsets[np.abs(onsets[None] - times[:, None]).argmin(axis=1)] - times
    return np.where(np.abs(off) <= within_s, off, np.nan)


def tried(attack_s: float, gap_s: float, count: int = 60, seed: int = 1) -> dict[str, float]:
    """Try the detector on notes whose beginnings are known, with this attack and this silence before each.

    Gives the share found within 60 ms, how late they are found (ms: median) and how unevenly (p95 of what is off the median).
    """
    random = np.random.default_rng(seed)
    begins = 0.3 + np.cumsum(random.uniform(0.25, 0.6, count))
    sound = np.zeros(round((begins[-1] + 1) * RATE))
    for n, begin in enumerate(begins):
        length = (begins[n + 1] if n + 1 < count else begin + 0.4) - begin - gap_s
        t = np.arange(round(length * RATE)) / RATE
        hertz = 110 * 2 ** random.uniform(0, 2)
        tone = sum(np.sin(2 * np.pi * hertz * k * t + random.uniform(0, 6.3)) / k**1.2 for k in range(1, 13))
        shape = np.minimum(1, t / max(attack_s, 1e-4)) * np.minimum(1, np.maximum(0, (length - t)) / 0.015)
        at = round(begin * RATE)
        sound[at : at + len(t)] += 0.1 * tone * shape
    sound += 1e-5 * random.standard_normal(len(sound))
    late = nearest(heard_onsets(sound), begins, 0.06)
    found = np.isfinite(late)
    middle = float(np.median(late[found])) if found.any() else np.nan
    return {"found": float(found.mean()), "late_ms": 1000 * middle,
            "uneven_ms_p95": 1000 * float(np.quantile(np.abs(late[found] - middle), 0.95)) if found.any() else np.nan}  # fmt: skip
