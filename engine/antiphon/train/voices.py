"""Synthetic performers for training sound: a soundfont's instruments, and tones hummed, sung, spoken, whistled or blown by formula."""

import numpy as np
import tinysoundfont
from scipy.signal import lfilter

from .seeds import FRAME, RATE, pitch_curve

# General MIDI program: lowest and highest pitch, sustained or not.
PROGRAMS = {
    0: (40, 96, 0), 4: (40, 88, 0), 8: (60, 96, 0), 11: (53, 89, 0), 12: (48, 88, 0), 16: (43, 86, 1), 21: (50, 86, 1),
    22: (55, 88, 1), 24: (43, 80, 0), 25: (43, 80, 0), 32: (34, 60, 0), 40: (55, 96, 1), 41: (48, 84, 1), 42: (36, 74, 1),
    52: (48, 79, 1), 53: (48, 79, 1), 54: (50, 79, 1), 56: (54, 84, 1), 57: (40, 70, 1), 58: (34, 58, 1), 60: (41, 74, 1),
    64: (56, 86, 1), 65: (49, 80, 1), 66: (44, 75, 1), 67: (38, 68, 1), 68: (58, 88, 1), 69: (52, 80, 1), 70: (36, 70, 1),
    71: (50, 88, 1), 72: (72, 103, 1), 73: (60, 94, 1), 74: (65, 96, 1), 75: (60, 92, 1), 76: (60, 90, 1), 77: (58, 90, 1),
    78: (66, 98, 1), 79: (60, 92, 1), 80: (45, 84, 1), 81: (45, 84, 1),
}
HELD_OUT_PROGRAMS = (11, 25, 41, 53, 66, 75)
BEND = 4.0

VOWELS = {
    "a": (730, 1090, 2440, 3400, 4500), "o": (500, 850, 2500, 3300, 4300), "u": (310, 800, 2250, 3200, 4200),
    "i": (280, 2200, 2900, 3500, 4600), "e": (480, 1900, 2500, 3400, 4500), "m": (260, 1100, 2300, 3200, 4400),
    "n": (280, 1500, 2500, 3400, 4300),
}


class Soundfont:
    """A General MIDI soundfont played one note at a time, with bent pitch. `path` is an .sf2 file."""

    def __init__(self, path):
        self._synth = tinysoundfont.Synth(gain=-6, samplerate=RATE)
        self._font = self._synth.sfload(str(path))

    def play(self, rng, notes, program, seconds):
        """Play `notes`; returns audio, pitch, onset and note name as `SeedChoir.sing` does."""
        synth, sustained = self._synth, PROGRAMS[program][2]
        synth.sounds_off(0)
        synth.program_select(0, self._font, 0, program)
        synth.pitchbend_range(0, BEND)
        count = int(seconds * 100)
        curves = pitch_curve(rng, notes, count, expressive=0.7 if sustained else 0.0)
        ring = 1.0 if sustained else rng.uniform(1.0, 2.5)
        switches = []
        pitch, onset, name = np.zeros(count), np.zeros(count, np.uint8), np.full(count, -1, np.int16)
        bend = np.zeros(count)
        for number, note in enumerate(notes):
            first = int(note.onset_s * 100)
            following = int(notes[number + 1].onset_s * 100) if number + 1 < len(notes) else count
            key, last = round(note.pitch), min(following, first + max(5, int(note.sounding_s * 100 * ring)))
            switches += [(first, 1, key, int(np.clip(84 + 3 * note.level_db + rng.normal(0, 6), 25, 126))), (last, 0, key, 0)]
            bend[first:following] = np.clip(curves[number][first:following] - key, -BEND, BEND)
            pitch[first:following] = key + bend[first:following]
            onset[first] = 1
            name[first:following] = key
        switches.sort()
        audio = np.zeros((count * FRAME, 2), np.float32)
        at = 0
        for frame in range(count):
            synth.pitchbend(0, int(np.clip(8192 + bend[frame] / BEND * 8192, 0, 16383)))
            while at < len(switches) and switches[at][0] <= frame:
                _, pressed, key, velocity = switches[at]
                synth.noteon(0, key, velocity) if pressed else synth.noteoff(0, key)
                at += 1
            audio[frame * FRAME:(frame + 1) * FRAME] = np.frombuffer(synth.generate(FRAME), np.float32).reshape(-1, 2)
        synth.sounds_off(0)
        return audio.mean(1), pitch, onset, name


def _slow_noise(rng, count, tau):
    """Unit-deviation noise smoothed over `tau` values."""
    keep = np.exp(-1 / tau)
    noise = lfilter([1 - keep], [1, -keep], rng.standard_normal(count + int(5 * tau)))[int(5 * tau):]
    return noise / (noise.std() + 1e-9)


def voice(rng, notes, kind, seconds, slides=False):
    """Sound `notes` by formula (`kind`: hum, voice, spoken, whistle, reed); returns as `SeedChoir.sing` does."""
    count, expressive = int(seconds * 100), 0.5 if kind == "reed" else 1.0
    curves = _spoken_curve(rng, notes, count) if kind == "spoken" else pitch_curve(rng, notes, count, expressive, slides)
    pitch, onset, name, level = np.zeros(count), np.zeros(count, np.uint8), np.full(count, -1, np.int16), np.zeros(count)
    letters = rng.choice(list("aouie"), 3) if kind in ("voice", "spoken") else rng.choice(list("mmnu"), 1)
    letter = np.zeros(count, int)
    rise, fall = rng.uniform(0.01, 0.06), rng.uniform(0.02, 0.1)
    times = (np.arange(count) + 0.5) / 100
    for number, note in enumerate(notes):
        first = int(note.onset_s * 100)
        following = int(notes[number + 1].onset_s * 100) if number + 1 < len(notes) else count
        since = times[first:following] - note.onset_s
        top = 10 ** (note.level_db / 20)
        swell = top * np.clip((since + 0.005) / rise, 0, 1)
        if note.slurred and first > 0:
            swell = np.maximum(swell, np.minimum(level[first - 1], top) * rng.uniform(0.4, 1))
        swell = swell * np.exp(-np.maximum(0, since - note.sounding_s) / fall)
        pitch[first:following], level[first:following] = curves[number][first:following], swell
        name[first:following] = round(float(np.median(pitch[first:following])) if kind == "spoken" else note.pitch)
        onset[first] = 1
        letter[first:] = rng.integers(len(letters))
    level = np.maximum(level * (1 + 0.1 * _slow_noise(rng, count, 6)), 0)
    held = np.where(pitch > 0, pitch, 0)
    for frame in range(1, count):
        held[frame] = held[frame] if held[frame] > 0 else held[frame - 1]
    held[held == 0] = held[held > 0][0] if (held > 0).any() else 60
    at = (np.arange(count * FRAME) + 0.5) / FRAME
    fine = np.interp(at, np.arange(count) + 0.5, held)
    loud = np.interp(at, np.arange(count) + 0.5, level)
    hertz = 440 * 2 ** ((fine - 69) / 12) * (1 + rng.uniform(0, 0.004) * _slow_noise(rng, len(at), 400))
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    make = {"whistle": _whistle, "reed": _reed}.get(kind, _throat)
    audio = make(rng, phase, held, loud, letters[letter], kind, at)
    return audio.astype(np.float32), np.where(level > 0.01, pitch, 0), onset, np.where(level > 0.01, name, -1)


def _spoken_curve(rng, notes, count):
    """Pitch as speech has it: no steps, always on its way; `[notes, count]` per 10 ms, all notes on one line."""
    times, at, points = np.arange(count) / 100, 0.0, []
    while at < count / 100 + 0.5:
        points.append((at, rng.normal(0, 1)))
        at += rng.uniform(0.06, 0.25)
    when, where = np.array(points).T
    line = np.convolve(np.pad(np.interp(times, when, where), 3, "edge"), np.hanning(9)[1:-1] / 4, "valid")
    middle = np.interp(times, [n.onset_s for n in notes], [n.pitch for n in notes])
    return np.tile(middle + rng.uniform(0.7, 3.0) * line, (len(notes), 1))


def _reed(rng, phase, held, loud, letters, kind, at):
    """A saxophone or its kin: fixed formants, often a weak fundamental, breath, and a growl an octave below."""
    hertz = 440 * 2 ** ((held - 69) / 12)
    peaks = [(rng.uniform(350, 1100), rng.uniform(0.3, 0.9)), (rng.uniform(1100, 3000), rng.uniform(0.2, 0.7))]
    tilt, corner = rng.uniform(4, 14), rng.uniform(600, 2000)
    weak, hollow = rng.choice([0.0, rng.uniform(0, 20)]), rng.choice([0.0, 0.0, rng.uniform(0, 18)])
    tone = np.zeros(len(phase))
    for harmonic in range(1, int(min(60, 16000 / hertz.min())) + 1):
        f = harmonic * hertz
        level = -tilt * np.maximum(0, np.log2(f / corner)) - weak * (harmonic == 1) - hollow * (harmonic % 2 == 0)
        for centre, width in peaks:
            level = level + 12 * np.exp(-((np.log2(f / centre) / width) ** 2))
        gain = np.where(f < 20000, 10 ** (level / 20), 0)
        wave = np.sin(harmonic * phase + rng.uniform(0, 6)) * loud ** (0.12 * np.log2(harmonic))
        tone += np.interp(at, np.arange(len(held)) + 0.5, gain) * wave
    tone /= np.sqrt(np.mean(tone ** 2)) + 1e-9
    tone *= 1 + rng.choice([0.0, rng.uniform(0, 0.3)]) * np.sin(phase / 2) * np.clip(_slow_noise(rng, len(phase), 20000), 0, 2)
    tone *= 1 + rng.uniform(0, 0.08) * _slow_noise(rng, len(phase), 300)
    air = lfilter([1, -rng.uniform(0.5, 0.95)], [1, -rng.uniform(0.6, 0.95)], rng.standard_normal(len(phase)))
    tone += 10 ** (-rng.uniform(14, 45) / 20) * air / air.std() * (1 + 0.5 * np.sin(phase))
    return tone * loud * 0.1


def _whistle(rng, phase, held, loud, letters, kind, at):
    second, third = 10 ** (-rng.uniform(20, 45) / 20), 10 ** (-rng.uniform(30, 55) / 20)
    tone = np.sin(phase) + second * np.sin(2 * phase + 1) + third * np.sin(3 * phase)
    tone *= 1 + rng.uniform(0.02, 0.12) * _slow_noise(rng, len(phase), 100)
    breath = 10 ** (-rng.uniform(18, 40) / 20)
    tone += breath * _slow_noise(rng, len(phase), RATE / rng.uniform(1600, 6000)) * np.sin(phase + 0.5)
    tone += breath * 0.5 * lfilter([1, -0.9], [1], rng.standard_normal(len(phase)))
    return tone * loud * 0.3


def _throat(rng, phase, held, loud, letters, kind, at):
    size, tilt = rng.uniform(0.85, 1.2), rng.uniform(6, 14) if kind != "hum" else rng.uniform(9, 18)
    formants = np.array([VOWELS[x] for x in letters], float) * size
    for column in range(5):
        formants[:, column] = np.convolve(np.pad(formants[:, column], (4, 3), "edge"), np.ones(8) / 8, "valid")
    widths = np.array([60, 90, 120, 180, 250]) * rng.uniform(0.8, 1.6)
    hertz = 440 * 2 ** ((held - 69) / 12)
    tone = np.zeros(len(phase))
    for harmonic in range(1, int(min(90, 19000 / hertz.min())) + 1):
        f = harmonic * hertz
        gain = np.ones(len(held))
        for column in range(5):
            centre = formants[:, column]
            gain *= centre ** 2 / np.sqrt((centre ** 2 - f ** 2) ** 2 + (widths[column] * f) ** 2 + 1)
        if kind == "hum":
            gain *= np.sqrt(((f - 1000 * size) ** 2 + 200 ** 2) / ((1000 * size) ** 2 + 200 ** 2))
        gain = np.where(f < 22000, gain * 10 ** (-tilt * np.log2(harmonic) / 20), 0)
        if gain.max() > 1e-5:
            tone += np.interp(at, np.arange(len(held)) + 0.5, gain) * np.sin(harmonic * phase + rng.uniform(0, 0.6) * harmonic ** 0.5)
    tone /= np.sqrt(np.mean(tone ** 2)) + 1e-9
    tone *= loud * (1 + rng.uniform(0, 0.06) * _slow_noise(rng, len(phase), 200))
    if kind == "spoken":  # a voice that creaks now and then
        creak = np.clip(_slow_noise(rng, len(phase), 9000), 0, 1)
        tone *= 1 + rng.choice([0.0, rng.uniform(0, 0.6)]) * np.sin(phase / 2) * creak
    air, noise = 10 ** (-rng.uniform(30, 55) / 20), rng.standard_normal(len(phase))
    for centre in formants[len(formants) // 2, 1:4]:
        radius, angle = np.exp(-np.pi * 300 / RATE), 2 * np.pi * centre / RATE
        coloured = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius ** 2], noise)
        tone += air * coloured / (coloured.std() + 1e-9) * np.clip(loud, 0, 1) ** 0.7 * 0.6
    return tone * 0.1
