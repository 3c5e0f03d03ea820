"""Recorded single notes and how to sing melodies with them: real sound with known pitch.

A seed is read with a moving speed, so that its pitch follows a curve (vibrato, glides, scoops) while its own small
fluctuations stay. The label is the curve plus those fluctuations, so it is exact even where the player was not.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
import soundfile

RATE = 48000
FRAME = 480
TRACK_S = 0.016
HELD_OUT_INSTRUMENTS = ("claudia", "oboe", "viola", "alto_flute", "solosax_sop")
SINGERS = ("claudia", "mirko", "sven", "erithacus", "iona")
PLUCKED = ("ganjo", "piano")
PERCUSSION = ("body_percussion", "gogodze")


@dataclass(frozen=True)
class Seed:
    """One recorded note. Positions in frames at 48 kHz; `track` is its pitch (MIDI) every 16 ms; `level` the rms of its steady part."""

    path: str
    instrument: str
    pitch: float
    begin: int
    steady: int
    end: int
    level: float
    track: np.ndarray


def instrument_of(path):
    """Name of the instrument a seed belongs to: the folder, without vowel or microphone."""
    folder = path.parent.name
    if folder == "solosax":
        return "solosax_" + path.stem.split("_")[1]
    name = folder.replace("spectmorph_", "").replace("splendid_", "").replace("_voice_m", "").replace("_voice_f", "")
    return re.sub(r"_(ah|ih|oh)$", "", name)


def named_pitch(path):
    """MIDI note number in a file name such as `Cl_ff-50-D3`, or None."""
    found = re.findall(r"-(\d{2,3})(?=-|$)", path.stem)
    return float(found[-1]) if found else None


def label(path, tracker):
    """Track one file; returns a `Seed`, or None where there is no steady pitch or where name and sound disagree."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    audio = audio[:, 0]
    if len(audio) < 0.3 * RATE or rate != RATE:
        return None
    frames = len(audio) // FRAME
    rms = np.sqrt((audio[:frames * FRAME].reshape(frames, FRAME) ** 2).mean(1)) + 1e-9
    loud = np.flatnonzero(rms > rms.max() * 10 ** (-34 / 20))
    begin, end = loud[0] * FRAME, (loud[-1] + 1) * FRAME
    heard = tracker.detect(audio, rate)
    sure = (heard.confidence > 0.7) & (heard.loudness_db > heard.loudness_db.max() - 30)
    if sure.sum() < 8:
        return None
    track = 69 + 12 * np.log2(np.maximum(heard.pitch_hz, 20) / 440)
    middle = np.median(track[sure])
    name = named_pitch(path)
    if name is not None:
        octaves = round((name - middle) / 12)
        if abs(name - middle - 12 * octaves) > 0.8:
            return None
        middle += 12 * octaves
        track = track + 12 * octaves
    steady = sure & (np.abs(track - middle) < 0.6)
    if steady.sum() < 8 or steady.sum() < 0.7 * sure.sum() or not 28 <= middle <= 108:
        return None
    steady_at = np.flatnonzero(steady)
    # Consonants and attacks hold no pitch of their own: they borrow the nearest steady one.
    track = np.interp(np.arange(len(track)), steady_at, track[steady_at])
    onset = int(steady_at[0] * TRACK_S * RATE)
    level = float(np.sqrt(np.mean(audio[onset:end] ** 2))) if end > onset else 0.0
    if level < 1e-4 or end - onset < 0.2 * RATE:
        return None
    return Seed(str(path), instrument_of(path), float(np.median(track[steady_at])), int(begin), max(onset, int(begin)), int(end), level, track.astype(np.float32))


def label_all(folder, out_path, tracker):
    """Label every pitched seed below `folder` and save the table to `out_path` (npz); returns the seeds."""
    seeds = []
    for path in sorted(Path(folder).glob("*/*.flac")):
        if path.parent.name not in PERCUSSION:
            seed = label(path, tracker)
            if seed is not None:
                seeds.append(seed)
    np.savez(out_path, seeds=np.array([tuple(s.__dict__.values())[:7] for s in seeds], dtype=object),
             tracks=np.concatenate([s.track for s in seeds]), lengths=np.array([len(s.track) for s in seeds]))
    return seeds


def load_labels(path):
    """Read what `label_all` saved."""
    table = np.load(path, allow_pickle=True)
    tracks = np.split(table["tracks"], np.cumsum(table["lengths"])[:-1])
    return [Seed(*row, track) for row, track in zip(table["seeds"], tracks)]


@numba.njit(cache=True)
def read_at_speed(sound, start, speed, loop_begin, loop_end, fade):
    """Read `sound` from `start` with the per-frame `speed`; past `loop_end` jump back to `loop_begin` with a crossfade.

    Returns the frames and the position of each. 16-tap windowed sinc. `loop_end <= loop_begin` means no loop.
    """
    out = np.zeros(len(speed), np.float32)
    positions = np.empty(len(speed), np.float64)
    position = start
    for n in range(len(speed)):
        positions[n] = position
        weight = 0.0
        if loop_end > loop_begin and position > loop_end - fade:
            weight = min(1.0, (position - (loop_end - fade)) / fade)
        for part in range(2):
            share = np.sqrt(1.0 - weight) if part == 0 else np.sqrt(weight)
            if share == 0.0:
                continue
            at = position if part == 0 else position - (loop_end - loop_begin)
            base = int(np.floor(at))
            for tap in range(-7, 9):
                index = base + tap
                if 0 <= index < len(sound):
                    x = at - index
                    window = 0.5 + 0.5 * np.cos(np.pi * x / 8.5)
                    sinc = 1.0 if abs(x) < 1e-9 else np.sin(np.pi * x) / (np.pi * x)
                    out[n] += share * sound[index] * sinc * window
        if weight >= 1.0:
            position -= loop_end - loop_begin
        position += speed[n]
    return out, positions


class SeedChoir:
    """Sings melodies with labelled seeds. `held` chooses the held-out instruments instead of the others."""

    def __init__(self, seeds, *, held):
        self._by_instrument = {}
        for seed in seeds:
            if (seed.instrument in HELD_OUT_INSTRUMENTS) == held:
                self._by_instrument.setdefault(seed.instrument, []).append(seed)
        self._by_instrument = {k: v for k, v in self._by_instrument.items() if len(v) >= 6}
        self._sounds = {}

    @property
    def instruments(self):
        return sorted(self._by_instrument)

    def span(self, instrument):
        """Lowest and highest pitch the instrument can sing."""
        pitches = sorted(s.pitch for s in self._by_instrument[instrument])
        stretch = 5 if instrument in ("erithacus", "iona") else 1.5
        return max(34.0, pitches[0] - stretch), min(106.0, pitches[-1] + stretch)

    def _sound(self, seed):
        if seed.path not in self._sounds:
            audio = soundfile.read(seed.path, dtype="float32", always_2d=True)[0][:, 0]
            self._sounds[seed.path] = audio * np.float32(0.1 / seed.level)
        return self._sounds[seed.path]

    def sing(self, rng, notes, instrument, seconds, slides=False):
        """Sing `notes`; returns audio `(frames,) float32`, pitch, onset and note name per 10 ms. `slides`: as in `pitch_curve`."""
        seeds = self._by_instrument[instrument]
        plucked, singer = instrument in PLUCKED, instrument in SINGERS
        count = int(seconds * 100)
        audio = np.zeros(count * FRAME, np.float32)
        pitch, weight = np.zeros(count), np.full(count, 1e-6)
        onset, name = np.zeros(count, np.uint8), np.full(count, -1, np.int16)
        curve = pitch_curve(rng, notes, count, expressive=0.0 if plucked else (1.0 if singer else 0.6), slides=slides and not plucked)
        swell = np.repeat(10 ** (np.interp(np.arange(count), np.arange(0, count + 150, 150), rng.normal(0, 2.5, count // 150 + 2)[:len(np.arange(0, count + 150, 150))]) / 20), FRAME)
        middle = np.array([s.pitch for s in seeds])
        for number, note in enumerate(notes):
            nearest = np.argsort(np.abs(middle - note.pitch) + rng.uniform(0, 1.2, len(seeds)))[:3]
            seed = seeds[rng.choice(nearest)]
            sound = self._sound(seed)
            first = int(note.onset_s * 100)
            following = int(notes[number + 1].onset_s * 100) if number + 1 < len(notes) else count
            slur_out = number + 1 < len(notes) and notes[number + 1].slurred
            ring_s = rng.uniform(0.3, 1.2) if plucked else (rng.uniform(0.03, 0.06) if slur_out else rng.uniform(0.04, 0.15))
            speed_at_onset = 2 ** ((note.pitch - seed.pitch) / 12)
            if note.slurred and not plucked:
                lead_s, position = 0.02, seed.steady + rng.uniform(0.03, 0.12) * RATE
            else:
                lead_s = min(0.09, (seed.steady - seed.begin) / RATE / speed_at_onset) if singer else 0.0
                position = seed.steady - lead_s * RATE * speed_at_onset if singer else seed.begin
            begin = max(0, first * FRAME - int(lead_s * RATE))
            stop = min(len(audio), int((note.onset_s + note.sounding_s + ring_s) * RATE))
            if stop - begin < 2000:
                continue
            frames = np.arange(begin, stop)
            target = np.interp(frames / FRAME, np.arange(count) + 0.5, curve[number])
            speed = 2 ** ((target - seed.pitch) / 12)
            loop_end, loop_begin = seed.end - 0.12 * RATE, seed.steady + 0.1 * RATE
            if plucked or loop_end - loop_begin < 0.25 * RATE:
                loop_end = loop_begin = 0.0
            if position >= seed.end - 2000:
                position = float(seed.steady)
            read, positions = read_at_speed(sound, float(position), speed, float(loop_begin), float(loop_end), 0.06 * RATE)
            gain = 10 ** (note.level_db / 20) * np.ones(len(read), np.float32)
            rise = int((0.03 if note.slurred else 0.006) * RATE)
            gain[:rise] *= np.sin(np.linspace(0, np.pi / 2, rise)) ** 2
            fall = max(1, min(len(gain), int(ring_s * RATE)))
            gain[-fall:] *= np.cos(np.linspace(0, np.pi / 2, fall)) ** 2
            sounded = read * gain * swell[begin:stop]
            audio[begin:stop] += sounded
            centres = np.arange(-(-begin // FRAME), stop // FRAME)
            inside = np.minimum(centres * FRAME + FRAME // 2 - begin, len(read) - 1)
            own = np.interp(positions[inside] / (TRACK_S * RATE), np.arange(len(seed.track)), seed.track) - seed.pitch
            energy = np.add.reduceat(sounded ** 2, np.maximum(0, centres * FRAME - begin))[:len(centres)] + 1e-12
            louder = energy > weight[centres]
            weight[centres] = np.maximum(weight[centres], energy)
            pitch[centres[louder]] = (curve[number][centres] + own)[louder]
            name[max(first, 0):min(stop // FRAME, following)] = round(note.pitch)
            onset[first] = 1
        return audio, pitch, onset, name


def pitch_curve(rng, notes, count, expressive, slides=False):
    """Pitch that each note follows, `[notes, count]` per 10 ms: scoops, glides from the note before, vibrato, drift.

    With `slides` the glides are slow, each in its own time, with the onset in their middle, and scoops are slow too. Neighbours share the glide, so that a slur is one line however its two seeds are crossfaded. `expressive` 0..1 scales it all.
    """
    times = (np.arange(count) + 0.5) / 100
    rate, depth = rng.uniform(4.5, 6.8), expressive * rng.choice([0.0, 0.08, rng.uniform(0.1, 0.5)])
    delay, glide = rng.uniform(0.05, 0.3), rng.uniform(0.015, 0.07) if expressive == 1 else rng.uniform(0.004, 0.025)
    scoop = expressive * rng.choice([0.0, 0.3, rng.uniform(0.3, 1.5)])
    error = expressive * rng.uniform(0, 0.2)
    drift = expressive * np.interp(times, np.arange(0, times[-1] + 1, 0.4), rng.normal(0, 0.05, len(np.arange(0, times[-1] + 1, 0.4))))
    targets = [n.pitch + rng.normal(0, error) for n in notes]
    curves = []
    for note, target in zip(notes, targets):
        since = times - note.onset_s
        wave = depth * np.sin(2 * np.pi * rate * (1 + rng.normal(0, 0.04)) * since + rng.uniform(0, 1)) * np.clip((since - delay) / 0.25, 0, 1)
        lazy = rng.uniform(0.045, 0.12) if slides else 0.045
        dip = 0.0 if note.slurred or rng.random() < 0.4 else -scoop * np.exp(-np.maximum(since, 0) / lazy)
        curves.append(target + wave + dip)
    for number in range(1, len(notes)):
        if notes[number].slurred:
            late = 0.3 * glide
            if slides:
                glide, late = rng.uniform(0.04, 0.14), 0.0
            share = 0.5 + 0.5 * np.tanh((times - notes[number].onset_s - late) / (glide / 1.5))
            before, after = curves[number - 1].copy(), curves[number].copy()
            near = np.abs(times - notes[number].onset_s) < 0.2
            line = before + (after - before) * share
            curves[number - 1] = np.where(near & (times >= notes[number - 1].onset_s + 0.04), line, before)
            curves[number] = np.where(near, line, after)
    return np.array(curves) + drift
