"""What a recording sounds like, measured from outside: notes, key, tempo, vibrato, glides, breath, timbre, seams.

Pitch comes from swift-f0, which had no part in training, so nothing here is our own model's opinion of itself. All
functions take mono float sound and are meant for prompts and answers of seconds to minutes. Needs the [train] extra.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PITCH_CONFIDENCE = 0.9  # swift-f0's own default
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
"""Key profiles of Krumhansl & Kessler (1982)."""
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
FAMILIES = ("major-like", "minor-like", "pentatonic", "other", "microtonal", "fewer than five classes")
_PENTATONIC = (0, 2, 4, 7, 9)
_LIKE = {"major": (0, 2, 4, 5, 7, 9, 10, 11), "minor": (0, 2, 3, 5, 7, 8, 9, 10, 11)}  # with mixolydian; with the other minors
_DWELT_ON = 0.1  # share of the time of a line
_HARDLY, _COVERED = 0.03, 0.9  # a class that sounds less than this share is none; a scale holds this share, or it is another
_MICROTONAL = 0.2  # semitones from the tuned ones, in the mean; notes that know nothing of them are 0.25 away
QUIET_DB = 40.0  # below the loud parts of the prompt: silence
_AWAY_ST, _AWAY_S, _SHORTEST_S, _GAP_S = 0.7, 0.055, 0.08, 0.05
_LONG_S = 0.35  # notes that can show a vibrato
_VIBRATO_HZ = (3.5, 8.5)
_LOOP_S = 4.0
_MEL_BANDS, _TIMBRE = 40, 20


@dataclass(frozen=True)
class Track:
    """An independent pitch track: seconds, MIDI semitones, and whether a pitch is sure, each (n,)."""

    at: np.ndarray
    pitch: np.ndarray
    voiced: np.ndarray

    @property
    def step_s(self) -> float:
        """Seconds from one entry to the next."""
        return float(np.median(np.diff(self.at))) if len(self.at) > 1 else 0.016

    @property
    def voiced_share(self) -> float:
        """Share of its time with a sure pitch."""
        return float(self.voiced.mean()) if len(self.voiced) else 0.0


@dataclass(frozen=True)
class Heard:
    """One note: onset and end in seconds, its settled pitch in MIDI semitones with cents."""

    onset_s: float
    end_s: float
    pitch: float


def track(sound: np.ndarray, samplerate: int) -> Track:
    """Track the pitch of (frames,) float sound by swift-f0."""
    from swift_f0 import SwiftF0

    if len(sound) < 0.1 * samplerate:  # too short for the tracker
        return Track(np.zeros(0), np.zeros(0), np.zeros(0, bool))
    result = SwiftF0(threads=1, spin=False).detect(sound.astype(np.float32), samplerate)
    hertz = np.asarray(result.pitch_hz)
    pitch = 69 + 12 * np.log2(np.maximum(hertz, 1e-3) / 440)
    return Track(np.asarray(result.timestamps), pitch, (np.asarray(result.confidence) >= PITCH_CONFIDENCE) & (hertz > 0))


def notes(line: Track) -> list[Heard]:
    """Cut a track into notes: a new one where voicing begins, or where the pitch stays away from the note's own."""
    step = line.step_s
    found, held, away, gap = [], [], [], 0

    def close():
        if len(held) * step >= _SHORTEST_S:
            values = line.pitch[held]
            inner = values[len(values) // 4 : max(len(values) // 4 + 1, -(-3 * len(values) // 4))]
            found.append(Heard(float(line.at[held[0]]), float(line.at[held[-1]] + step), float(np.median(inner))))

    for index in range(len(line.at)):
        if not line.voiced[index]:
            gap += 1
            if held and gap * step > _GAP_S:
                close()
                held, away = [], []
            continue
        gap = 0
        if held and abs(line.pitch[index] - np.median(line.pitch[held[-12:]])) > _AWAY_ST:
            away.append(index)
            if len(away) * step >= _AWAY_S:
                close()
                held, away = away, []
            continue
        held += [*away, index] if held else [index]
        away = []
    if held:
        close()
    return found


def tuning(pitch: np.ndarray) -> float:
    """Offset from 440 Hz tuning in semitones, -0.5 .. 0.5 (circular mean of (n,) pitches)."""
    return float(np.angle(np.exp(2j * np.pi * pitch).mean()) / (2 * np.pi)) if len(pitch) else 0.0


def key(line: list[Heard], offset: float) -> frozenset[int] | None:
    """Pitch classes of the major or minor key that fits best (Krumhansl-Schmuckler), and those that the line itself dwells on.

    The latter because the seven steps of a natural minor leave out the leading note, and of a short line the best key may
    leave out its longest note. None for fewer than 5 classes, which fit many keys.
    """
    weight = classes(line, offset)
    if (weight > _HARDLY * weight.sum()).sum() < 5:
        return None
    mode, tonic = _best_key(weight)
    dwelt_on = np.flatnonzero(weight >= _DWELT_ON * weight.sum()).tolist()
    return frozenset((tonic + step) % 12 for step in SCALES[mode]) | frozenset(dwelt_on)


def _best_key(weight: np.ndarray) -> tuple[str, int]:
    fits = {(m, t): np.corrcoef(weight, np.roll(p, t))[0, 1] for m, p in (("major", MAJOR), ("minor", MINOR)) for t in range(12)}
    return max(fits, key=fits.get)


def classes(line: list[Heard], offset: float) -> np.ndarray:
    """Seconds of each pitch class, (12,), by notes tuned `offset` semitones from 440 Hz."""
    found = np.zeros(12)
    for note in line:
        found[round(note.pitch - offset) % 12] += note.end_s - note.onset_s
    return found


def entropy_bits(line: list[Heard], offset: float) -> float:
    """Entropy of the pitch classes, 0 .. 3.58 bits; nan without notes."""
    weight = classes(line, offset)
    weight = weight[weight > 0] / weight.sum() if weight.any() else np.zeros(0)
    return float(-(weight * np.log2(weight)).sum()) if len(weight) else np.nan


def family(line: list[Heard], offset: float) -> str:
    """One of FAMILIES for the notes of a recording, by how long each pitch class sounds."""
    weight = classes(line, offset)
    if not line or (inside := np.flatnonzero(weight > _HARDLY * weight.sum())).size == 0:
        return FAMILIES[-1]
    lengths = np.array([note.end_s - note.onset_s for note in line])
    pitch = np.array([note.pitch for note in line]) - offset
    if np.average(np.abs(pitch - np.round(pitch)), weights=lengths) > _MICROTONAL:
        return "microtonal"
    if len(inside) < 5:
        return FAMILIES[-1]
    if len(inside) == 5 and any(set(inside) == {(tonic + step) % 12 for step in _PENTATONIC} for tonic in range(12)):
        return "pentatonic"
    mode, tonic = _best_key(weight)
    covered = weight[[(tonic + step) % 12 for step in _LIKE[mode]]].sum()
    return f"{mode}-like" if covered > _COVERED * weight.sum() else "other"


def reuse(prompt: list[Heard], answer: list[Heard]) -> float:
    """Share of the answer's interval 3-grams that occur in the prompt; nan where either has none.

    Intervals are rounded to semitones, not pitches: who sings between the piano's semitones repeats himself all the same.
    """
    own, made = (_grams(line) for line in (prompt, answer))
    return float(np.mean([gram in set(own) for gram in made])) if own and made else np.nan


def _grams(line: list[Heard]) -> list[tuple[int, ...]]:
    steps = np.round(np.diff([note.pitch for note in line])).astype(int).tolist()
    return list(zip(steps, steps[1:], steps[2:], strict=False))


def longest_loop_s(line: list[Heard]) -> float:
    """Seconds of the longest exact repetition: the same semitones at the same times (60 ms) as a fixed number of notes before."""
    pitch, onset = np.round([n.pitch for n in line]), np.array([n.onset_s for n in line])
    longest = 0.0
    for lag in range(1, min(65, len(line) // 2)):
        waits = np.diff(onset, append=np.nan)
        same = (pitch[lag:] == pitch[:-lag]) & (np.abs(waits[lag:] - waits[:-lag]) < 0.06)
        lasted = 0.0
        for index, on in enumerate(same):
            lasted = lasted + onset[index + lag + 1] - onset[index + lag] if on else 0.0
            longest = max(longest, lasted)
    return float(longest)


def vibrato(line: Track, found: list[Heard]) -> tuple[float, float]:
    """(rate Hz, depth in cents from the middle) of the long notes: median of those that waver, mean of all.

    (nan, 0) where none wavers, (nan, nan) where there are no long notes that could.
    """
    rates, depths = [], []
    for note in found:
        inside = (line.at >= note.onset_s) & (line.at < note.end_s) & line.voiced
        if inside.sum() * line.step_s < _LONG_S:
            continue
        cents = 100 * line.pitch[inside]
        x = np.linspace(-1, 1, len(cents))
        cents = np.clip(cents - np.polyval(np.polyfit(x, cents, 3), x), -100, 100)
        points = 512
        power = np.abs(np.fft.rfft(cents * np.hanning(len(cents)), points)) ** 2
        hertz = np.fft.rfftfreq(points, line.step_s)
        band = (hertz >= _VIBRATO_HZ[0]) & (hertz <= _VIBRATO_HZ[1])
        depth = np.sqrt(2) * cents.std()
        wavers = power[band].sum() > 0.5 * power[hertz > 1.5].sum() and depth > 8
        depths.append(depth if wavers else 0.0)
        if wavers:
            rates.append(hertz[band][power[band].argmax()])
    return (float(np.median(rates)) if rates else np.nan, float(np.mean(depths)) if depths else np.nan)


def glide_share(line: Track) -> float:
    """Share of voiced time in which the pitch moves by half a semitone or more in 80 ms, and by no leap."""
    span = max(1, round(0.08 / line.step_s))
    both = line.voiced[span:] & line.voiced[:-span]
    moved = np.abs(line.pitch[span:] - line.pitch[:-span])
    return float(((moved > 0.5) & (moved < 4))[both].mean()) if both.any() else 0.0


def levels_db(sound: np.ndarray, samplerate: int) -> np.ndarray:
    """RMS of each 20 ms in dB of full scale."""
    hop = samplerate // 50
    pieces = sound[: len(sound) // hop * hop].reshape(-1, hop)
    return 10 * np.log10(np.square(pieces, dtype=np.float64).mean(1) + 1e-12)


def silence_share(sound: np.ndarray, samplerate: int, loud_db: float) -> float:
    """Share of 20 ms pieces that are QUIET_DB below `loud_db`."""
    return float((levels_db(sound, samplerate) < loud_db - QUIET_DB).mean())


def _frames(sound: np.ndarray, samplerate: int, line: Track) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Power spectra of 43 ms around the voiced entries of a track (m, bins), their Hz (bins,), and Hz of pitch (m,)."""
    size = 1 << round(np.log2(0.043 * samplerate))
    centre = np.round(line.at[line.voiced] * samplerate).astype(int)
    inside = (centre >= size // 2) & (centre + size // 2 <= len(sound))
    centre, pitch = centre[inside], line.pitch[line.voiced][inside]
    pieces = sound[centre[:, None] + np.arange(-(size // 2), size // 2)] * np.hanning(size) if len(centre) else np.zeros((0, size))
    power = np.abs(np.fft.rfft(pieces, axis=1)) ** 2
    return power, np.fft.rfftfreq(size, 1 / samplerate), 440 * 2 ** ((pitch - 69) / 12)


def noise_db(sound: np.ndarray, samplerate: int, line: Track) -> float:
    """Breath: energy between the harmonics against all, 200 Hz to 8 kHz, in dB, median of the voiced moments; nan without any."""
    power, hertz, pitch = _frames(sound, samplerate, line)
    use = pitch > 120  # closer harmonics than the window can part
    if use.sum() < 5:
        return np.nan
    band = (hertz > 200) & (hertz < 8000)
    place = hertz[None, band] / pitch[use][:, None]
    between = np.abs(place - np.round(place)) > 0.33
    share = (power[use][:, band] * between).sum(1) / (power[use][:, band].sum(1) + 1e-15) / np.maximum(between.mean(1), 0.05)
    return float(10 * np.log10(np.median(share) + 1e-6))


def timbre(sound: np.ndarray, samplerate: int, line: Track) -> np.ndarray:
    """Mean and spread of 20 cepstral coefficients of 40 mel bands (without the level) over voiced moments, (40,)."""
    power, hertz, _ = _frames(sound, samplerate, line)
    if not len(power):
        return np.full(2 * _TIMBRE, np.nan)
    mel = lambda f: 2595 * np.log10(1 + f / 700)  # noqa: E731
    edges = np.interp(np.linspace(mel(60), mel(min(11000, samplerate / 2)), _MEL_BANDS + 2), mel(hertz), hertz)
    rising = (hertz[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz[:, None]) / (edges[2:] - edges[1:-1])
    bands = np.maximum(0, np.minimum(rising, falling))
    level = np.log(power @ bands + 1e-7 * power.sum(1, keepdims=True) + 1e-12)
    turn = np.cos(np.pi / _MEL_BANDS * (np.arange(_MEL_BANDS) + 0.5)[:, None] * np.arange(1, _TIMBRE + 1))
    cepstrum = level @ turn / _MEL_BANDS
    return np.concatenate([cepstrum.mean(0), cepstrum.std(0)])


def seam(whole: np.ndarray, samplerate: int, at: int) -> tuple[float, float]:
    """(sample step, spectral flux) at frame `at`, each divided by the 99.9th percentile found in all that comes before."""
    before = whole[:at]
    step = np.abs(np.diff(whole[max(0, at - 2) : at + 3])).max(initial=0.0) / (np.quantile(np.abs(np.diff(before)), 0.999) + 1e-9)
    size, hop = 512, 128

    def flux(piece):
        frames = np.lib.stride_tricks.sliding_window_view(piece, size)[::hop] * np.hanning(size)
        return np.maximum(np.diff(np.abs(np.fft.rfft(frames, axis=1)), axis=0), 0).sum(1)

    around = whole[max(0, at - size) : at + size]
    if len(before) < 4 * size or len(around) < 2 * size:
        return float(step), np.nan
    return float(step), float(flux(around).max() / (np.quantile(flux(before), 0.999) + 1e-9))
