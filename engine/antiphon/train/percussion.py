"""Strokes for training sound: taps, claps and drums from recordings, from a soundfont and by formula, in patterns that repeat.

A stroke is labelled from its onset until it has sunk by 30 dB, at most 250 ms: the name STROKE in `note`, no pitch.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import tinysoundfont
from scipy.signal import butter, lfilter, sosfilt

from . import score, seeds
from .seeds import FRAME, RATE

STROKE = -2
"""In a shard's `note`: a stroke sounds."""

_SUNK = 10 ** (-30 / 20)
_SHORTEST, _LONGEST = 4, 25  # frames of a label
_KITS = (0, 8, 16, 24, 25, 32, 40, 48)
_HELD_OUT_KITS = (25, 40)
_KEYS = (35, 36, 37, 38, 39, 40, 41, 42, 44, 45, 46, 47, 48, 50, 54, 56, 60, 61, 62, 63, 64, 65, 66, 69, 70, 75, 76, 77, 80, 82)


@dataclass(frozen=True)
class Stroke:
    """One stroke of a pattern: onset in seconds, which of its kinds it is, level in dB."""

    onset_s: float
    kind: int
    level_db: float


def rhythm(rng, seconds, kinds):
    """Beat a random pattern of `kinds` kinds that repeats bar by bar with variations; returns a list of `Stroke`.

    Tempo, metre, density, swing, accents and the hand's unsteadiness are drawn from `rng` (numpy Generator).
    """
    steps = int(rng.choice([4, 6, 8, 8, 8, 12, 16]))
    step_s = rng.uniform(0.11, 0.2) if steps > 8 else rng.uniform(0.14, 0.36)
    strong = 2 if steps != 6 else 3
    weight = np.where(np.arange(steps) % strong == 0, 1.0, rng.uniform(0.2, 0.7))
    weight[0], density = 1.5, rng.uniform(0.35, 0.9)
    bar = np.where(rng.random(steps) < density * weight, rng.integers(0, kinds, steps), -1)
    bar[0] = 0
    if kinds > 1 and not (bar > 0).any():
        bar[steps // 2] = 1
    swing, jitter_s = rng.choice([0.0, 0.0, rng.uniform(0, 0.3)]), rng.uniform(0.001, 0.012)
    accent, restless = rng.uniform(0, 5), rng.uniform(0, 0.15)
    strokes, at = [], rng.uniform(0.05, 0.5)
    while at < seconds - 0.1:
        now = np.where(rng.random(steps) < restless, rng.integers(-1, kinds, steps), bar)
        for place, kind in enumerate(now):
            time = at + swing * step_s * (place % 2) + rng.normal(0, jitter_s)
            if kind >= 0 and 0.01 < time < seconds - 0.1 and (not strokes or time > strokes[-1].onset_s + 0.05):
                strokes.append(Stroke(time, int(kind), accent * (weight[place] - 0.7) + rng.normal(0, 1.5)))
            at += step_s
        step_s *= 1 + rng.normal(0, 0.008)
    return strokes


def label(sound):
    """How many frames of 10 ms a stroke is labelled for, from its sound, which begins with it."""
    count = min(_LONGEST, len(sound) // FRAME)
    rms = np.sqrt((sound[: count * FRAME].reshape(count, FRAME) ** 2).mean(1))
    loud = np.flatnonzero(rms > _SUNK * rms.max())
    return max(_SHORTEST, int(loud[-1]) + 1) if len(loud) else _SHORTEST


def strike(audio, onset, name, stroke, sound):
    """Add one stroke to a clip in the making: audio `(frames,)`, onset and note name per 10 ms."""
    begin, first = int(stroke.onset_s * RATE), int(stroke.onset_s * 100)
    sound = sound[: max(0, len(audio) - begin)] * 10 ** (stroke.level_db / 20)
    audio[begin : begin + len(sound)] += sound
    if first < len(onset):
        onset[first] = 1
        name[first : first + label(sound)] = STROKE


class Kits:
    """The players of strokes of one side of the split: recorded kits, a soundfont's, and formulas."""

    def __init__(self, data, soundfont, *, held):
        drums = sorted(p for name in seeds.PERCUSSION for p in (Path(data) / "seeds" / name).glob("*.flac"))
        self._takes = {}  # takes (rr..) of one stroke share a name: the split is by stroke
        for path in drums:
            if score.held_out(path.stem.split("_rr")[0]) == held:
                self._takes.setdefault(path.parent.name, {}).setdefault(path.stem.split("_rr")[0], []).append(path)
        self._synth = tinysoundfont.Synth(gain=-6, samplerate=RATE)
        self._font = self._synth.sfload(str(soundfont))
        self._kits = [kit for kit in _KITS if (kit in _HELD_OUT_KITS) == held]

    def choose(self, rng, kinds):
        """Choose a kit of `kinds` strokes; returns a function (kind) -> sound `(frames,)`, never twice the same, and its name."""
        place = rng.choice(["recorded", "font", "formula"], p=[0.35, 0.25, 0.4])
        if place == "recorded":
            kit = str(rng.choice(sorted(self._takes)))
            strokes = [self._takes[kit][str(name)] for name in rng.choice(sorted(self._takes[kit]), kinds)]
            return lambda kind: _recorded(strokes[kind][rng.integers(len(strokes[kind]))]), kit
        if place == "font":
            kit = int(rng.choice(self._kits))
            keys = rng.choice(_KEYS, kinds, replace=False)
            return lambda kind: self._play(kit, int(keys[kind]), int(rng.integers(60, 120))), f"font{kit}"
        formulas = [_FORMULAS[i](rng) for i in rng.choice(len(_FORMULAS), kinds, replace=kinds > len(_FORMULAS))]
        return lambda kind: formulas[kind](rng), "formula"

    def beat(self, rng, strokes, seconds):
        """Beat `strokes` on a kit of its own choice; returns audio, pitch, onset and note name per 10 ms, and the kit's name."""
        count, kinds = int(seconds * 100), 1 + max((s.kind for s in strokes), default=0)
        audio, onset, name = np.zeros(count * FRAME), np.zeros(count, np.uint8), np.full(count, -1, np.int16)
        sound_of, kit = self.choose(rng, kinds)
        trim = rng.normal(0, 3, kinds)
        level = 1 / (1e-9 + max(np.abs(sound_of(kind)).max() for kind in range(kinds)))
        for stroke in strokes:
            sound = sound_of(stroke.kind)
            strike(audio, onset, name, stroke, sound * level * 10 ** (trim[stroke.kind] / 20))
        return audio, np.zeros(count), onset, name, kit

    def _play(self, kit, key, velocity):
        synth = self._synth
        synth.sounds_off(9)
        synth.program_select(9, self._font, 0, kit, True)
        synth.noteon(9, key, velocity)
        sound = np.frombuffer(synth.generate(int(1.2 * RATE)), np.float32).reshape(-1, 2).mean(1).copy()
        synth.noteoff(9, key)
        return _from_onset(_faded(sound))


def _recorded(path):
    return _from_onset(_faded(soundfile.read(path, dtype="float32", always_2d=True)[0][: RATE * 2, 0]))


def _faded(sound):
    fall = min(len(sound), RATE // 5)
    sound[len(sound) - fall :] *= np.linspace(1, 0, fall)
    return sound


def _from_onset(sound):
    """Without what comes before a stroke."""
    loud = np.abs(sound) > 0.05 * np.abs(sound).max()
    return sound[max(0, int(np.argmax(loud)) - 48) :]


# Strokes by formula: each function draws one player's way of it and returns a function that makes a take.


def band(noise, low, high):
    """Noise within `low` .. `high` Hz."""
    return sosfilt(butter(2, [low, min(high, 22000)], "bandpass", fs=RATE, output="sos"), noise)


def decay(seconds, length):
    """A fall by 8.7 dB every `seconds`, `length` frames long."""
    return np.exp(-np.arange(length) / RATE / seconds)


def _modes(rng, hertz, decay_s, loud):
    """Struck resonances: damped sines from a short knock."""

    def take(rng):
        length = int(RATE * (0.03 + 7 * max(decay_s)))
        time = np.arange(length) / RATE
        shift, hard = rng.normal(1, 0.01), rng.uniform(0.0003, 0.002)
        knock = rng.standard_normal(length) * decay(hard, length)
        sound = 0.5 * knock
        for f, fall_s, level in zip(hertz, decay_s, loud, strict=True):
            radius = np.exp(-1 / (fall_s * RATE))
            turn = 2 * np.pi * f * shift / RATE
            rung = lfilter([1 - radius], [1, -2 * radius * np.cos(turn), radius**2], knock)
            sound = sound + level * rung / (np.abs(rung).max() + 1e-9)
        return sound * np.minimum(1, time / 0.0005)

    return take


def _tap(rng):
    """A finger, a pen or a palm on a table, a box, a guitar's body."""
    count = int(rng.integers(2, 6))
    hertz = np.exp(rng.uniform(np.log(120), np.log(3500), count))
    return _modes(rng, hertz, rng.uniform(0.004, 0.03, count) * (300 / hertz) ** 0.3, rng.uniform(0.3, 1, count))


def _wood(rng):
    """A block, a clave, a knuckle on a door."""
    first = np.exp(rng.uniform(np.log(300), np.log(2500)))
    return _modes(rng, first * np.array([1, rng.uniform(1.4, 2.9), rng.uniform(3, 5)]), rng.uniform(0.006, 0.03, 3), [1, 0.5, 0.2])


def _clap(rng):
    low, wide, tail = rng.uniform(500, 1200), rng.uniform(1.5, 4), rng.uniform(0.015, 0.06)
    hands = int(rng.integers(1, 4))

    def take(rng):
        length = int(RATE * 0.4)
        shape, at = np.zeros(length), 0
        for hand in range(hands):
            last = hand == hands - 1
            shape[at:] += rng.uniform(0.5, 1) * decay(tail if last else 0.003, length - at)
            at += int(RATE * rng.uniform(0.006, 0.013))
        return band(rng.standard_normal(length), low, low * wide) * shape

    return take


def _kick(rng):
    """A drum, a chest, or lips: a tone that falls, with a click or a puff."""
    top, bottom, fall = rng.uniform(90, 350), rng.uniform(38, 75), rng.uniform(0.008, 0.04)
    last_s, puff, dark = rng.uniform(0.03, 0.11), rng.uniform(0, 0.6), rng.uniform(400, 2500)

    def take(rng):
        length = int(RATE * 0.5)
        hertz = bottom * rng.normal(1, 0.03) + (top - bottom) * decay(fall, length)
        sound = np.sin(2 * np.pi * np.cumsum(hertz) / RATE) * decay(last_s, length)
        return sound + puff * band(rng.standard_normal(length), 60, dark) * decay(rng.uniform(0.006, 0.02), length)

    return take


def _snare(rng):
    low, high, last_s, body = rng.uniform(300, 2000), rng.uniform(4000, 12000), rng.uniform(0.015, 0.06), rng.uniform(0, 1)
    tone, rise = rng.uniform(140, 320), rng.choice([0.0005, 0.0005, rng.uniform(0.002, 0.012)])

    def take(rng):
        length = int(RATE * 0.4)
        time = np.arange(length) / RATE
        noise = band(rng.standard_normal(length), low, high) * decay(last_s * rng.uniform(0.9, 1.1), length)
        drum = body * np.sin(2 * np.pi * tone * time) * decay(0.03, length)
        return (noise + drum) * np.minimum(1, time / rise)

    return take


def _hat(rng):
    """Cymbals pressed together, a shaker, or "ts" and "tss" between the teeth."""
    low, last_s = rng.uniform(3500, 9000), np.exp(rng.uniform(np.log(0.006), np.log(0.06)))
    rise = rng.choice([0.0005, 0.0005, rng.uniform(0.002, 0.02)])

    def take(rng):
        length = int(RATE * 0.35)
        shape = np.minimum(1, np.arange(length) / RATE / rise) * decay(last_s * rng.uniform(0.85, 1.15), length)
        return band(rng.standard_normal(length), low, rng.uniform(14000, 20000)) * shape

    return take


def _click(rng):
    """A tongue, a snap of fingers, "k"."""
    centre, wide = np.exp(rng.uniform(np.log(700), np.log(4000))), rng.uniform(1.2, 2)
    first, second = rng.uniform(0.002, 0.006), rng.choice([0.0, rng.uniform(0.01, 0.03)])

    def take(rng):
        length = int(RATE * 0.2)
        shape = decay(first, length) + (0.25 * decay(second, length) if second else 0)
        return band(rng.standard_normal(length), centre / wide, centre * wide) * shape

    return take


_FORMULAS = (_tap, _tap, _tap, _wood, _clap, _kick, _kick, _snare, _snare, _hat, _hat, _click)
