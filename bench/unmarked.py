"""Sound that carries no mark of ours, of any length and without end: recordings, and what was generated elsewhere."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr
from scipy.signal import lfilter

from antiphon.train import clips
from attacks import ATTACKS, RATE

DAMAGE = ("MP3 64", "Opus 32", "EQ +-9 dB", "reverb 0.4 s", "noise 20 dB", "speed +1 %")
"""What a part of all sounds goes through first."""
_SCALE = (0, 2, 3, 5, 7, 9, 10)
_PROGRAMS = (0, 11, 24, 40, 42, 52, 56, 65, 68, 71, 73, 78, 80, 88)  # of General MIDI, from 0

Source = Callable[[float, np.random.Generator], np.ndarray]
"""Gives about so many seconds of sound, (frames,) float32."""


def loudly(sound: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """At any level from -40 dBFS to full scale."""
    peak = np.abs(sound).max(initial=0.0)
    return (sound * (10 ** (-random.uniform(0, 40) / 20) / max(peak, 1e-9))).astype(np.float32)


def recordings(folder: Path) -> Source:
    """Pieces of the recordings in a folder; short ones go round."""
    sounds = [clips.read(path).astype(np.float32) for path in sorted(folder.glob("*.wav"))]

    def piece(seconds: float, random: np.random.Generator) -> np.ndarray:
        sound, length = sounds[random.integers(len(sounds))], round(seconds * RATE)
        return np.take(sound, np.arange(length) + random.integers(len(sound)), mode="wrap")

    return piece


def single_notes(folder: Path) -> Source:
    """Recorded single notes, drums and effects, strung together at random with rests and overlaps."""
    paths = sorted(folder.glob("*/*.flac"))

    def melody(seconds: float, random: np.random.Generator) -> np.ndarray:
        out, at = np.zeros(round((seconds + 30) * RATE), np.float32), 0
        players = random.choice(paths)  # one player's notes, as a rule
        near = [path for path in paths if path.parent == players.parent]
        while at < seconds * RATE:
            sound, rate = soundfile.read(near[random.integers(len(near))], dtype="float32", always_2d=True)
            sound = sound[:, 0] if rate == RATE else soxr.resample(sound[:, 0], rate, RATE)
            sound = sound[: 10 * RATE]
            out[at : at + len(sound)] += sound
            at += max(round(0.1 * RATE), round(len(sound) * random.uniform(0.4, 1.3)))
        return out[: round(seconds * RATE)]

    return melody


def soundfont(path: Path) -> Source:
    """Melodies of a General MIDI soundfont, one or two instruments, played by tinysoundfont."""
    import tinysoundfont

    synth = tinysoundfont.Synth(gain=-6, samplerate=RATE)
    font = synth.sfload(str(path))

    def melody(seconds: float, random: np.random.Generator) -> np.ndarray:
        parts = range(random.integers(1, 3))
        keys = [60 + 7 * part for part in parts]
        for part in parts:
            synth.program_select(part, font, 0, int(random.choice(_PROGRAMS)))
        out, sounding = [], [0] * len(keys)
        beat_s = random.uniform(0.12, 0.6)
        for _ in range(round(seconds / beat_s) + 1):
            for part in parts:
                if random.random() < 0.7:
                    synth.noteoff(part, sounding[part])
                    keys[part] += int(random.choice((-4, -2, -1, 1, 2, 3)))
                    sounding[part] = int(np.clip(12 * (keys[part] // 7 - 4) + _SCALE[keys[part] % 7], 36, 96))
                    synth.noteon(part, sounding[part], int(random.integers(40, 120)))
            out.append(np.frombuffer(synth.generate(round(beat_s * RATE)), np.float32).reshape(-1, 2).mean(axis=1))
        synth.sounds_off(0)
        return np.concatenate(out)[: round(seconds * RATE)]

    return melody


def formula(seconds: float, random: np.random.Generator) -> np.ndarray:
    """One of twelve: tones, noises, pulses and loops, with our own hop and period among them."""
    n = round(seconds * RATE)
    t, hertz = np.arange(n) / RATE, random.uniform(40, 2000)
    white = random.standard_normal(n)
    bursts = np.where(np.arange(n) % 960 < 240, 1.0, 0.0)
    loop = lambda frames: np.resize(random.standard_normal(frames), n)  # noqa: E731
    made = (
        lambda: np.sin(2 * np.pi * hertz * t),
        lambda: np.sign(np.sin(2 * np.pi * hertz * t)),
        lambda: 2 * (hertz * t % 1) - 1,
        lambda: np.sin(2 * np.pi * hertz * t + random.uniform(1, 9) * np.sin(2 * np.pi * random.uniform(1, 900) * t)),
        lambda: np.sin(2 * np.pi * (hertz * t + random.uniform(-1, 1) * 500 * t**2 / seconds)),
        lambda: white,
        lambda: lfilter([0.05, 0.04], [1, -1.8, 0.81], white),
        lambda: white * bursts,
        lambda: (np.arange(n) % 960 == 0) + 1e-5 * white,
        lambda: loop(960),
        lambda: loop(491_520),
        lambda: np.round(white) * 2.0**-15 + (t > seconds / 2) * np.sin(2 * np.pi * hertz * t) * 0.1,
    )[random.integers(12)]()
    return np.asarray(made, np.float32)


def marked_elsewhere(program: str, source: Source) -> Source:
    """What `source` gives, marked by audiowmark with another message each time."""

    def piece(seconds: float, random: np.random.Generator) -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            given, made = Path(folder) / "given.wav", Path(folder) / "made.wav"
            soundfile.write(given, source(seconds, random), RATE, subtype="FLOAT")
            subprocess.run([program, "add", "-q", given, made, random.bytes(16).hex()], check=True, capture_output=True)
            return soundfile.read(made, dtype="float32")[0]

    return piece


def damaged(sound: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A third of all sounds, after something that happens to sound; the rest as they are."""
    if random.random() > 1 / 3:
        return sound
    attack = str(random.choice(DAMAGE))
    return ATTACKS[attack](sound, sound, random)[: len(sound)]
