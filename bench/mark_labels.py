"""Who is heard, by the second: how often `antiphon verify` is right about real sounds mixed with marked ones.

    python bench/mark_labels.py [--clips DIR] [--sessions 24] [--dry]

A session is a minute made of real recordings (DIR: WAV files, of 5 s or more): some stand for the performer, others, marked,
for the voice; they take turns, sound together at -6, 0 or +6 dB, and are silent. The whole goes through nothing, MP3, Opus or
a room. Seconds in which anything begins or ends are left out, and of both those in which one is 12 dB louder. Counted is the
label beside what was played.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import soundfile

from antiphon.kernels import Resampler
from antiphon.provenance.detect import Detector
from antiphon.provenance.labels import LABELS, audible
from antiphon.provenance.mark import HOP, RATE, Mark, Payload
from record import note, record

KEY = bytes(32)
_APART_DB = 12.0
CODECS = {"mp3 128": ("libmp3lame", "128k", "mp3"), "opus 64": ("libopus", "64k", "opus"), "mp3 64": ("libmp3lame", "64k", "mp3")}


def clips(folder: Path) -> list[np.ndarray]:
    """Read the folder's sounds of 5 s and more: (frames,) float32 at 48 kHz, each at -20 dB."""
    found = []
    for path in sorted(folder.glob("*.wav")):
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = np.ascontiguousarray(sound.mean(1))
        if rate != RATE:
            mono = np.array(Resampler(rate, RATE).process(mono))
        if len(mono) >= 5 * RATE:
            found.append(mono * np.float32(0.1 / np.sqrt(np.square(mono).mean())))
    return found


def session(sounds: list[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, list[str | None]]:
    """Make a minute, and what each second of it is; None where that changes in it."""
    mark = Mark(KEY, Payload(int(rng.integers(1 << 24)), 1))
    voice_of, dry_of = rng.permutation(len(sounds))[:2]
    seconds = 60
    voice, dry = np.zeros(seconds * RATE, np.float32), np.zeros(seconds * RATE, np.float32)
    truth: list[str | None] = []
    while len(truth) < seconds:
        kind = str(rng.choice(["performed", "generated", "both", "silence"], p=[0.35, 0.35, 0.22, 0.08]))
        length = min(int(rng.integers(3, 9)), seconds - len(truth))
        a, b = len(truth) * RATE, (len(truth) + length) * RATE
        for on, target, source in ((kind in ("generated", "both"), voice, voice_of), (kind in ("performed", "both"), dry, dry_of)):
            if on:
                start = int(rng.integers(len(sounds[source])))
                target[a:b] = np.resize(np.roll(sounds[source], -start), b - a)
        if kind == "both":
            dry[a:b] *= 10 ** (rng.choice([-6, 0, 6]) / 20)
        truth += [None] + [kind] * (length - 2) + [None] if length > 2 else [None] * length
    marked = np.concatenate([mark.step(hop) for hop in voice.reshape(-1, HOP)])
    heard = np.stack([audible(voice), audible(dry)])
    power = np.square(np.stack([voice, dry]).reshape(2, seconds, RATE)).mean(2) + 1e-12
    apart_db = np.abs(10 * np.log10(power[0] / power[1]))
    for second, kind in enumerate(truth):  # a clip's own pauses are not what they are called
        need = {"performed": [1], "generated": [0], "both": [0, 1]}.get(kind or "", [])
        if kind and not all(heard[row, second] for row in need) or kind == "both" and apart_db[second] > _APART_DB:
            truth[second] = None
    return (marked + dry) * np.float32(0.8), truth


def through(sound: np.ndarray, way: str, rng: np.random.Generator) -> np.ndarray:
    """Send a sound through a codec of ffmpeg's, or a room of 0.3 s."""
    if way == "nothing":
        return sound
    if way == "room":
        time = np.arange(int(0.3 * RATE)) / RATE
        tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / 0.3) * (time > 0.004)
        tail *= 10 ** (-6 / 20) / np.sqrt(np.square(tail).sum())
        tail[0] = 1
        size = 1 << (len(sound) + len(tail)).bit_length()
        return np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)[: len(sound)].astype(np.float32)
    codec, bitrate, ending = CODECS[way]
    with tempfile.TemporaryDirectory() as folder:
        plain, packed, back = (Path(folder) / name for name in ("a.wav", f"b.{ending}", "c.wav"))
        soundfile.write(plain, sound, RATE, subtype="PCM_24")
        for command in (["-i", plain, "-c:a", codec, "-b:a", bitrate, packed], ["-i", packed, "-ar", str(RATE), "-ac", "1", back]):
            subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, command)], check=True)
        return soundfile.read(back, dtype="float32")[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data" / "clips")
    parser.add_argument("--sessions", type=int, default=24)
    parser.add_argument("--dry", action="store_true", help="write no record")
    options = parser.parse_args()
    sounds = clips(options.clips)
    for way in ("nothing", "mp3 128", "opus 64", "mp3 64", "room"):
        counts: Counter = Counter()
        for index in range(options.sessions):
            rng = np.random.default_rng(index)
            sound, truth = session(sounds, rng)
            finding = Detector([("test", KEY)]).find(through(sound, way, rng))
            counts.update((kind, label) for kind, label in zip(truth, finding.labels, strict=False) if kind)
        table = {kind: {label: counts[kind, label] for label in LABELS} for kind in LABELS[:4]}
        note(f"{way}: {options.sessions} sessions")
        for kind, row in table.items():
            total = max(1, sum(row.values()))
            note(f"  {kind:10} {total:5} s: " + ", ".join(f"{label} {100 * n / total:.1f} %" for label, n in row.items() if n))
        heard = {"performed": ("generated", "both"), "generated": ("performed",), "both": ("performed",)}
        wrong = {kind: sum(table[kind][label] for label in labels) / max(1, sum(table[kind].values()))
                 for kind, labels in heard.items()}
        record("mark_labels", way, {"labels": table, "wrong": wrong}, unit="s", clock="none: counts of seconds",
               settings={"sessions": options.sessions}, write=not options.dry)


if __name__ == "__main__":
    main()
