"""Whether two sounds can be told apart by ear, and from which frame on: a detector that is calibrated on what nobody hears.

Every 5 ms the last 20 ms of both sounds are laid out as the ear does: levels in bands half a critical band apart (the
filters of Glasberg & Moore 1990), nothing below the threshold of hearing (Terhardt 1979, full scale at 92 dB SPL) or below a
quiet room, nothing 45 dB under the loudest band, nothing 20 dB under what has just sounded in the same band. The
`distance` of the two is the mean difference, in dB, of the quarter of the bands that differ most. The last 60 ms are looked at
in the same way, and there of the four bands that differ most, since a small change of pitch is in few bands and takes longer.

`calibrate` takes recordings through what is no change to a listener (dither, resampling, MP3 at 320 and Opus at 256 kb/s,
a third of a dB, one frame later), sets a threshold for either look by half of the recordings, and counts false alarms on the
other half. NO_CHANGE_HERE and CHANGE_HERE are those that need no package but ours. What is said of a frame is said from the
sound up to it: a difference is dated at the end of its 20 or 60 ms.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from antiphon.kernels import Resampler

RATE, STEP = 48_000, 240
LOOKS = (960, 17), (2880, 4)
"""Windows in frames, and of how many bands the mean is taken, of 70."""
WINDOW = 2880
"""The longest."""
RUN_S = 1.2
"""How long a run is: a change has so long to be heard, and a false alarm so long to go off."""
LEAST_DB = 1.0  # a threshold below this would call a change audible that listeners do not hear at its best
FALSE_ALARMS = 0.01  # of both looks together
_FULL_SCALE_SPL, _ROOM_DB = 92.0, -75.0
_UNDER_LOUDEST_DB, _UNDER_PAST_DB, _RECOVERY_DB_S = 45.0, 20.0, 250.0


@dataclass(frozen=True)
class Calibration:
    """The thresholds in dB, one for each of LOOKS, and how they came about.

    `false_alarms` is the share of held-out no-change runs above them, `by_change` the same of each kind; `found` the share of
    held-out runs in which each known change was found, `delays_ms` how long after it, at the median.
    """

    thresholds_db: tuple[float, ...]
    runs: int
    held_out_runs: int
    false_alarms: float
    by_change: dict[str, float]
    found: dict[str, float]
    delays_ms: dict[str, float]


def _bank(window: int) -> tuple[np.ndarray, np.ndarray]:
    """A window, and weights (bands, bins) of rounded-exponential filters that give 0 dB for a sine at full scale."""
    shape = np.hanning(window + 1)[:-1].astype(np.float32)
    sharp = 4 * _CENTRE / (24.7 * (4.37e-3 * _CENTRE + 1))
    away = np.abs(np.fft.rfftfreq(window, 1 / RATE) - _CENTRE[:, None]) / _CENTRE[:, None] * sharp[:, None]
    return shape, ((1 + away) * np.exp(-away) / (shape.sum() ** 2 / 4)).astype(np.float32)


def _quiet() -> np.ndarray:
    """Power in each band that nobody hears, or that a room has."""
    khz = _CENTRE / 1000
    hearing = 3.64 * khz**-0.8 - 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4
    return (10 ** (np.maximum(hearing - _FULL_SCALE_SPL, _ROOM_DB) / 10)).astype(np.float32)


_CENTRE = (10 ** (np.arange(2, 37, 0.5) / 21.4) - 1) / 4.37e-3
_BANKS = {window: _bank(window) for window, _ in LOOKS}
_QUIET = _quiet()


def excitation(sound: np.ndarray, window: int) -> np.ndarray:
    """Power in each band of (frames,) sound, (windows, bands)."""
    shape, weights = _BANKS[window]
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(sound, np.float32), window)[::STEP]
    return (np.abs(np.fft.rfft(windows * shape, axis=1)) ** 2).astype(np.float32) @ weights.T


def distance(one: np.ndarray, other: np.ndarray, look: tuple[int, int]) -> np.ndarray:
    """How far apart two sounds of one length are to the ear, in dB, (windows,); window n ends before frame `look[0]` + n * STEP."""
    window, bands = look
    a, b = excitation(one, window), excitation(other, window)
    louder = np.maximum(a, b)
    floor = np.maximum(_QUIET, louder.max(axis=1, keepdims=True) * 10 ** (-_UNDER_LOUDEST_DB / 10))
    past, fades = np.zeros(len(_QUIET), np.float32), 10 ** (-_RECOVERY_DB_S * STEP / RATE / 10)
    for n, now in enumerate(louder):
        floor[n] = np.maximum(floor[n], past * 10 ** (-_UNDER_PAST_DB / 10))
        past = np.maximum(past * fades, now)
    return np.sort(np.abs(10 * np.log10((a + floor) / (b + floor))), axis=1)[:, -bands:].mean(axis=1)


def first_audible(one: np.ndarray, other: np.ndarray, thresholds_db: tuple[float, ...]) -> int | None:
    """Frame by which the two can be told apart, the end of the first window that differs; None: they cannot.

    Both (frames,) or (frames, channels). Where they differ from early on, give WINDOW frames of what was before, too.
    """
    one, other = (np.asarray(sound).reshape(len(sound), -1) for sound in (one, other))
    found = []
    for channel in np.flatnonzero((one != other).any(axis=0)):
        for look, threshold in zip(LOOKS, thresholds_db, strict=True):
            padded = (np.concatenate([np.zeros(look[0], np.float32), sound[:, channel]]) for sound in (one, other))
            found += [int(n) * STEP for n in np.flatnonzero(distance(*padded, look) > threshold)[:1]]
    return min(found, default=None)


def coded(sound: np.ndarray, encoder: str, rate: str, suffix: str) -> np.ndarray:
    """Sound through one of ffmpeg's encoders and back."""
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        before, between, after = (f"{folder}/{name}" for name in ("a.wav", f"b.{suffix}", "c.wav"))
        soundfile.write(before, sound, RATE, subtype="FLOAT")
        ffmpeg = ["ffmpeg", "-v", "error", "-i"]
        subprocess.run([*ffmpeg, before, "-c:a", encoder, "-b:a", rate, between], check=True)
        subprocess.run([*ffmpeg, between, "-ar", str(RATE), "-c:a", "pcm_f32le", after], check=True)
        back = soundfile.read(after, dtype="float32")[0]
    return np.pad(back, (0, max(0, len(sound) - len(back))))[: len(sound)]


def _dithered(sound: np.ndarray) -> np.ndarray:
    return (np.round(sound * 32767 + np.random.default_rng(1).triangular(-1, 0, 1, len(sound))) / 32767).astype(np.float32)


def _resampled(sound: np.ndarray) -> np.ndarray:
    import soxr

    back = soxr.resample(soxr.resample(sound, RATE, 44_100), 44_100, RATE)
    return np.pad(back, (0, 16))[: len(sound)]


def _resampled_here(sound: np.ndarray) -> np.ndarray:
    """The same by our own resamplers, which say how long they take."""
    down, up = Resampler(RATE, 44_100), Resampler(44_100, RATE)
    late = round(down.delay_frames * RATE / 44_100 + up.delay_frames)
    padded = np.concatenate([sound, np.zeros(late + 4096, np.float32)]).astype(np.float32)
    return up.process(down.process(padded).copy())[late:][: len(sound)].copy()


def _gain(db: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda sound: (sound * 10 ** (db / 20)).astype(np.float32)


def _detuned(cents: float) -> Callable[[np.ndarray], np.ndarray]:
    """Played slower by so much (`cents` below 0), which leaves nothing missing at the end of a run; it moves by 3 ms at most."""

    def change(sound: np.ndarray) -> np.ndarray:
        import soxr

        return soxr.resample(sound, RATE, RATE * 2 ** (-cents / 1200))[: len(sound)]

    return change


def _one_band(db: float) -> Callable[[np.ndarray], np.ndarray]:
    """The critical band around 1 kHz alone, made louder."""

    def change(sound: np.ndarray) -> np.ndarray:
        spectrum, hz = np.fft.rfft(sound), np.fft.rfftfreq(len(sound), 1 / RATE)
        spectrum[(hz > 935) & (hz < 1068)] *= 10 ** (db / 20)
        return np.fft.irfft(spectrum, len(sound)).astype(np.float32)

    return change


NO_CHANGE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "16 bits, dithered": _dithered,
    "resampled to 44.1 kHz and back": _resampled,
    "MP3, 320 kb/s": lambda sound: coded(sound, "libmp3lame", "320k", "mp3"),
    "Opus, 256 kb/s": lambda sound: coded(sound, "libopus", "256k", "opus"),
    "0.3 dB louder": _gain(0.3),
    "0.3 dB softer": _gain(-0.3),
    "a frame later": lambda sound: np.concatenate([sound[:1], sound[:-1]]),
}
NO_CHANGE_HERE = {"resampled by ours": _resampled_here} | {
    name: NO_CHANGE[name] for name in ("16 bits, dithered", "0.3 dB louder", "0.3 dB softer", "a frame later")
}
CHANGE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "20 cents flatter": _detuned(-20),
    "50 cents flatter": _detuned(-50),
    "3 dB louder": _gain(3),
    "1.5 dB louder": _gain(1.5),
    "6 dB at 1 kHz": _one_band(6),
}
"""What a listener just hears; from the middle of a run on."""
CHANGE_HERE = {name: CHANGE[name] for name in ("3 dB louder", "1.5 dB louder", "6 dB at 1 kHz")}


def runs(sound: np.ndarray) -> list[slice]:
    """Where the runs of a recording lie, those in which something sounds."""
    frames = round(RUN_S * RATE)
    places = [slice(at, at + frames) for at in range(0, len(sound) - frames + 1, frames)]
    return [place for place in places if np.sqrt(np.mean(sound[place] ** 2)) > 10 ** (_ROOM_DB / 20)]


def _farthest(sound: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> list[list[float]]:
    """The greatest distance by each of LOOKS, in each run of a recording that is changed as a whole, (runs, looks)."""
    other = change(sound)
    return [[float(distance(sound[place], other[place], look).max()) for look in LOOKS] for place in runs(sound)]


def calibrate(recordings: list[np.ndarray], changes: dict = NO_CHANGE, most_s: float = 10.0, known: dict = CHANGE) -> Calibration:
    """Set the thresholds by every other recording, (frames,) float32 at 48 kHz, and try them on the rest. The same each time."""
    recordings = [np.asarray(sound[: round(most_s * RATE)], np.float32) for sound in recordings]
    recordings = [sound * np.float32(0.3 / max(np.abs(sound).max(), 1e-9)) for sound in recordings]
    ours, held_out = recordings[::2], recordings[1::2]
    quiet = np.array([run for sound in ours for change in changes.values() for run in _farthest(sound, change)])
    each = np.quantile(quiet, 1 - FALSE_ALARMS / len(LOOKS), axis=0)
    thresholds = tuple(max(LEAST_DB, float(one)) for one in each)
    alarms = {name: np.array([np.any(np.array(run) > thresholds) for sound in held_out for run in _farthest(sound, change)])
              for name, change in changes.items()}  # fmt: skip
    together = np.concatenate(list(alarms.values()))
    found, delays = {}, {}
    for name, change in known.items():
        frames = [_found_after(sound[place], change, thresholds) for sound in held_out for place in runs(sound)]
        found[name] = float(np.mean([frame is not None for frame in frames]))
        heard = [frame for frame in frames if frame is not None]
        delays[name] = float(np.median(heard)) * 1000 / RATE if heard else -1.0
    by_change = {name: float(alarm.mean()) for name, alarm in alarms.items()}
    return Calibration(thresholds, len(quiet), len(together), float(together.mean()), by_change, found, delays)


def _found_after(sound: np.ndarray, change: Callable[[np.ndarray], np.ndarray], thresholds_db: tuple[float, ...]) -> int | None:
    """Frames from a change in the middle of a run to where it is audible."""
    middle = len(sound) // 2
    frame = first_audible(sound, np.concatenate([sound[:middle], change(sound[middle:])]), thresholds_db)
    return None if frame is None else frame - middle


def clip_paths(folder: str | Path | None = None) -> list[Path]:
    """The recordings that are used here, by name."""
    found = Path(folder) if folder else Path(__file__).resolve().parents[2] / "shared" / "data" / "clips"
    return sorted(found.glob("*.wav"))
