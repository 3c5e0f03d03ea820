"""What happens to a file, or to sound in a room, between the stage and whoever asks about it. Plain functions.

All take mono (frames,) float32 at 48 kHz and give the same; those of ATTACKS take the performer's own sound beside it, as long,
and a random generator, so that no two rooms and no two noises are alike. Levels are of what sounds: the root mean
square of all hops of 20 ms above -50 dB of the loudest. Codecs, compressor, limiter, tempo and pitch are ffmpeg's.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

RATE, HOP = 48_000, 960
EQ_HERTZ = (100, 200, 400, 800, 1600, 3200, 6400, 12_800)
_EQ_FILTERS_DB, _EQ_Q = 11.0, 2.0  # neighbours take two of it away


def through_ffmpeg(sound: np.ndarray, arguments: list[str], ending: str = "wav") -> np.ndarray:
    """Have ffmpeg write `sound` as it is told, and read it again at 48 kHz. Raises CalledProcessError where it cannot."""
    with tempfile.TemporaryDirectory() as folder:
        given, made, back = (Path(folder) / name for name in ("given.wav", f"made.{ending}", "back.wav"))
        soundfile.write(given, sound, RATE, subtype="FLOAT")
        ffmpeg = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-threads", "1", "-i"]
        codec = [] if arguments[0] != "-af" else ["-c:a", "pcm_f32le"]
        subprocess.run([*ffmpeg, given, *arguments, *codec, made], check=True)
        subprocess.run([*ffmpeg, made, "-ar", str(RATE), "-ac", "1", "-c:a", "pcm_f32le", back], check=True)
        return soundfile.read(back, dtype="float32")[0]


def level(sound: np.ndarray) -> float:
    """Root mean square of what sounds; 0 of silence."""
    hops = sound[: len(sound) // HOP * HOP].reshape(-1, HOP).astype(np.float64)
    power = (hops**2).mean(axis=1)
    return float(np.sqrt(power[power > 1e-5 * power.max()].mean())) if power.any() else 0.0


def peak_filter(sound: np.ndarray, hertz: float, gain_db: float, q: float) -> np.ndarray:
    """Raise or lower what lies around a frequency: the peaking filter of Bristow-Johnson's cookbook."""
    a, w = 10 ** (gain_db / 40), 2 * np.pi * hertz / RATE
    alpha = np.sin(w) / (2 * q)
    over, under = [1 + alpha * a, -2 * np.cos(w), 1 - alpha * a], [1 + alpha / a, -2 * np.cos(w), 1 - alpha / a]
    return lfilter(np.array(over) / under[0], np.array(under) / under[0], sound).astype(np.float32)


def equalise(sound: np.ndarray) -> np.ndarray:
    """Octaves 9 dB up and 9 dB down in turn, from 100 Hz to 12.8 kHz."""
    for n, hertz in enumerate(EQ_HERTZ):
        sound = peak_filter(sound, hertz, _EQ_FILTERS_DB * (-1) ** n, _EQ_Q)
    return sound


def add_noise(sound: np.ndarray, below_db: float, random: np.random.Generator) -> np.ndarray:
    """White noise so far below what sounds."""
    noise = random.standard_normal(len(sound)) * level(sound) * 10 ** (-below_db / 20)
    return (sound + noise).astype(np.float32)


def room(decay_s: float, direct_db: float, random: np.random.Generator) -> np.ndarray:
    """Impulse response: the direct sound, and from 4 ms on noise falling by 60 dB in `decay_s`, dull above 6 kHz; the direct sound
    has `direct_db` more energy."""
    n = round(1.2 * decay_s * RATE)
    late = random.standard_normal(n) * 10 ** (-3 * np.arange(n) / RATE / decay_s)
    late[: round(0.004 * RATE)] = 0
    late = sosfilt(butter(1, 6000, output="sos", fs=RATE), late)
    late *= 10 ** (-direct_db / 20) / np.sqrt((late**2).sum())
    late[0] = 1.0
    return late


def reverberate(sound: np.ndarray, decay_s: float, direct_db: float, random: np.random.Generator) -> np.ndarray:
    """The sound in such a room."""
    return fftconvolve(sound, room(decay_s, direct_db, random))[: len(sound)].astype(np.float32)


def mix(sound: np.ndarray, other: np.ndarray, above_db: float = 0.0) -> np.ndarray:
    """Another sound with it, where the level of `sound` is over the other's by `above_db`."""
    gain = level(sound) / max(level(other), 1e-9) * 10 ** (-above_db / 20)
    return (sound + gain * other[: len(sound)]).astype(np.float32)


def limit(sound: np.ndarray) -> np.ndarray:
    """Driven 9 dB into a limiter, which leaves nothing above half of full scale."""
    driven = sound * np.float32(1.4 / np.abs(sound).max(initial=1e-9))
    return through_ffmpeg(driven, ["-af", "alimiter=limit=0.5:attack=2:release=40:level=0"])


def resample(sound: np.ndarray, samplerate: int) -> np.ndarray:
    """To another samplerate and back."""
    return soxr.resample(soxr.resample(sound, RATE, samplerate), samplerate, RATE).astype(np.float32)


def speed(sound: np.ndarray, factor: float) -> np.ndarray:
    """Played faster by `factor`, and so higher."""
    return soxr.resample(sound, RATE, RATE / factor).astype(np.float32)


def on_air(sound: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Loudspeaker, room and microphone: no bass, 0.3 s of reverberation, noise at 30 dB, clocks that differ by 50 ppm."""
    heard = reverberate(speed(sound, 1 + 5e-5), 0.3, 6.0, random)
    return add_noise(peak_filter(peak_filter(heard, 200, -6, 0.7), 3000, 4, 1.0), 30.0, random)


def _file(ending: str, *arguments: str) -> Callable:
    return lambda sound, dry, random: through_ffmpeg(sound, ["-c:a", *arguments], ending)


def _filter(text: str) -> Callable:
    return lambda sound, dry, random: through_ffmpeg(sound, ["-af", text])


def _speed(factor: float) -> Callable:
    return lambda sound, dry, random: speed(sound, factor)


ATTACKS: dict[str, Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]] = {
    "none": lambda sound, dry, random: sound,
    "MP3 128": _file("mp3", "libmp3lame", "-b:a", "128k"),
    "MP3 64": _file("mp3", "libmp3lame", "-b:a", "64k"),
    "AAC 128": _file("m4a", "aac", "-b:a", "128k"),
    "AAC 64": _file("m4a", "aac", "-b:a", "64k"),
    "Opus 64": _file("opus", "libopus", "-b:a", "64k"),
    "Opus 32": _file("opus", "libopus", "-b:a", "32k"),
    "Vorbis q2": _file("ogg", "libvorbis", "-q:a", "2"),
    "44.1 kHz": lambda sound, dry, random: resample(sound, 44_100),
    "16 kHz": lambda sound, dry, random: resample(sound, 16_000),
    "EQ +-9 dB": lambda sound, dry, random: equalise(sound),
    "gain -12 dB": lambda sound, dry, random: (sound * 10 ** (-12 / 20)).astype(np.float32),
    "limiter": lambda sound, dry, random: limit(sound),
    "compressor": _filter("acompressor=threshold=-24dB:ratio=4:attack=5:release=80:makeup=4"),
    "reverb 0.4 s": lambda sound, dry, random: reverberate(sound, 0.4, 3.0, random),
    "reverb 0.8 s": lambda sound, dry, random: reverberate(sound, 0.8, 0.0, random),
    "noise 30 dB": lambda sound, dry, random: add_noise(sound, 30.0, random),
    "noise 20 dB": lambda sound, dry, random: add_noise(sound, 20.0, random),
    "dry mixed in at 0 dB": lambda sound, dry, random: mix(sound, dry),
    "room, EQ, noise, clock": lambda sound, dry, random: on_air(sound, random),
    "clock +60 ppm": _speed(1 + 6e-5),
    "speed +0.1 %": _speed(1.001),
    "speed -0.1 %": _speed(0.999),
    "speed +1 %": _speed(1.01),
    "speed -1 %": _speed(0.99),
    "speed +2 %": _speed(1.02),
    "speed -2 %": _speed(0.98),
    "tempo +1 %": _filter("atempo=1.01"),
    "pitch +1 %": _filter("rubberband=pitch=1.01"),
}  # fmt: skip
ASKED = tuple(name for name in ATTACKS if name not in ("room, EQ, noise, clock", "tempo +1 %", "pitch +1 %"))
"""Those that the goal is set for; the others are told beside them."""
TIME_WARPED = tuple(name for name in ATTACKS if name.startswith(("speed", "tempo", "pitch")))
"""Those for which a detector must look for another speed."""
