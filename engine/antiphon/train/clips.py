"""What a bundle is judged on: recordings with what is known of them, and held-out renders beside them.

Of a recording that is its class in the `manifest.tsv` beside it, and what people heard in it: notes (`NAME.notes*.csv`: onset s,
pitch Hz, length s) and pitch (`NAME.f0.csv`: s, Hz, 0 unvoiced). Of a render (`render`) everything is known.
"""

from __future__ import annotations

import csv
import functools
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ..errors import UsageError
from ..latency import HOP, MODEL_RATE
from . import music

LEAST_S = 1.0
"""Shorter clips are not judged."""
KINDS = ("voice", "instrument", "whistle", "percussion", "mixed", "speech", "unknown")
SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
_FADE_S = 0.005
_WORDS = (
    ("speech", r"speech|spoken|talk"), ("whistle", r"whistl"), ("percussion", r"drum|percuss|beatbox|\btap|\bclap"),
    ("voice", r"sing|\bsung|voice|vocal|\bhum|choir"),
)  # fmt: skip
_FRAME_S, _STROKE = 0.01, -2  # of a render's labels
_STROKE_FRAMES = 4  # the least that one is labelled
_PERFORMER = re.compile(r"(seed|font|formula|percussion)/[^/]+")
_FONT = {"52": "voice", "53": "voice", "54": "voice", "78": "whistle"}  # General MIDI from 0: choir, oohs, synth voice, whistle


@dataclass(frozen=True)
class Clip:
    """One recording: (frames,) float at 48 kHz, what it is, and lists of labelled notes (onset s, MIDI pitch), one a person.

    `pitch`, where it is known: seconds and MIDI semitones, 0 unvoiced, (2, n).
    `source` is what its timbre belongs to: two renders of one singer must not be told from each other.
    """

    name: str
    sound: np.ndarray
    kind: str = "unknown"
    source: str = ""
    held: bool = False
    labels: tuple[list[tuple[float, float]], ...] = ()
    pitch: np.ndarray | None = None


def opening(sound: np.ndarray, seconds: float) -> np.ndarray:
    """The first `seconds` of a recording, cut at the quietest 20 ms of their last fifth: performers stop between notes.

    Its last 5 ms are faded where there is more: the step of our own cut is no fault of the answer's.
    """
    whole = round(seconds * MODEL_RATE)
    if len(sound) <= whole:
        return sound
    levels = music.levels_db(sound[:whole], MODEL_RATE)
    first = round(0.8 * len(levels))
    cut = sound[: HOP * (first + int(levels[first:].argmin()) + 1)].copy()
    fade = round(_FADE_S * MODEL_RATE)
    cut[-fade:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fade + 1) / fade)
    return cut


def read(path: Path) -> np.ndarray:
    """A recording as mono float at 48 kHz. Raises UsageError, one line, where there is none, or less of it than can be judged."""
    try:
        sound, samplerate = soundfile.read(path, always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise UsageError(f"{path}: no recording that can be read ({str(error).splitlines()[0]})") from error
    if len(sound) < LEAST_S * samplerate:
        raise UsageError(f"{path}: {len(sound) / samplerate:.2f} s; at least {LEAST_S:g} s are needed to judge a clip")
    if not np.isfinite(sound).all():
        raise UsageError(f"{path}: holds what is no number")
    return soxr.resample(sound.mean(axis=1), samplerate, MODEL_RATE)


def find(paths: list[Path]) -> list[Path]:
    """Files as they are named, and of a folder all that look like sound, by name. Raises UsageError where it has none."""
    found = []
    for path in paths:
        inside = sorted(file for file in path.iterdir() if file.suffix.lower() in SOUNDS) if path.is_dir() else [path]
        if not inside:
            raise UsageError(f"{path}: no recordings in this folder; they end in {', '.join(SOUNDS)}")
        found += inside
    return found


def recordings(paths: list[Path]) -> list[Clip]:
    """Read recordings, each under another name: files of one name in two folders are told apart by a number. Raises UsageError."""
    found: dict[str, Clip] = {}
    for path in find(paths):
        names = (path.stem if number == 1 else f"{path.stem}-{number}" for number in itertools.count(1))
        name = next(name for name in names if name not in found)
        beside = [file for file in sorted(path.parent.glob("*.csv")) if file.name.startswith(f"{path.stem}.notes")]
        kind = kind_of(_classes(path.parent).get(path.name, ""))
        curve = path.with_name(f"{path.stem}.f0.csv")
        found[name] = Clip(name, read(path), kind, name, False, tuple(human_notes(file) for file in beside),
                           human_pitch(curve) if curve.is_file() else None)  # fmt: skip
    return list(found.values())


def human_notes(path: Path) -> list[tuple[float, float]]:
    """Read (onset s, MIDI pitch) of a label file. Raises UsageError where it is none."""
    try:
        with path.open(newline="", encoding="utf-8") as rows:
            return [(float(row[0]), 69 + 12 * np.log2(float(row[1]) / 440)) for row in csv.reader(rows)]
    except (OSError, ValueError, IndexError) as error:
        raise UsageError(f"{path}: no note labels (onset s, pitch Hz, length s), {error}") from None


def human_pitch(path: Path) -> np.ndarray:
    """Read (2, n) seconds and MIDI semitones, 0 unvoiced, of a pitch file. Raises UsageError where it is none."""
    try:
        with path.open(newline="", encoding="utf-8") as rows:
            at, hertz = np.array([(float(row[0]), float(row[1])) for row in csv.reader(rows)]).T
    except (OSError, ValueError, IndexError) as error:
        raise UsageError(f"{path}: no pitch curve (s, Hz), {error}") from None
    return np.stack([at, np.where(hertz > 0, 69 + 12 * np.log2(np.maximum(hertz, 1e-3) / 440), 0.0)])


def kind_of(words: str) -> str:
    """One of KINDS for what a manifest says of a recording, such as "solo singing, amateur"."""
    fits = (kind for kind, pattern in _WORDS if re.search(pattern, words.lower()))
    return next(fits, "instrument" if words else "unknown")


@functools.cache
def _classes(folder: Path) -> dict[str, str]:
    try:
        with open(folder / "manifest.tsv", newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file, delimiter="\t")
            return {row["file"]: row["class"] for row in rows if row.get("file") and row.get("class")}
    except (OSError, UnicodeDecodeError):
        return {}


def held_out(folder: Path, count: int) -> list[Clip]:
    """Read `count` clips of the held-out shards that `render` left in a folder: every source once before any comes twice.

    Raises UsageError where there are no shards.
    """
    shards = sorted(folder.glob("held-*.npz"))
    if not shards:
        raise UsageError(f"--held {folder}: no held-NNNN.npz there; antiphon.train.render --held makes them")
    seen: dict[str, int] = {}
    order = []
    for shard in shards:
        with np.load(shard) as rows:
            for row, source in enumerate(rows["source"].tolist()):
                seen[source] = seen.get(source, 0) + 1
                order.append((seen[source], shard, row))
    chosen = sorted(order, key=lambda one: one[0])[:count]  # stable: in the order of the shards otherwise
    found = []
    for shard in dict.fromkeys(shard for _, shard, _ in chosen):
        with np.load(shard) as rows:
            sounds, sources, pitches, onsets, notes = (rows[key] for key in ("audio", "source", "f0", "onset", "note"))
        for row in (row for _, where, row in chosen if where == shard):
            source = str(sources[row])
            name = f"{shard.stem}-{row:02}-" + re.sub(r"[^\w.]+", "-", source)
            labels = true_notes(pitches[row], onsets[row], notes[row])
            curve = np.stack([(np.arange(len(pitches[row])) + 0.5) * _FRAME_S, pitches[row]])
            kind, performer = kind_of_render(source), performer_of(source)
            found.append(Clip(name, sounds[row] / 32768.0, kind, performer, True, (labels,) if labels else (), curve))
    return found


def performer_of(source: str) -> str:
    """Who sounds in a render, as "seed/NAME", whatever was done to them: "words/seed/NAME", "mixed/seed/NAME/KIT"."""
    found = _PERFORMER.search(source)
    return found[0] if found else source


def kind_of_render(source: str) -> str:
    """One of KINDS for the source of a render: "seed/NAME", "font/PROGRAM", "formula/KIND", "percussion/NAME", or "mixed/..."."""
    from .seeds import SINGERS

    family, _, name = performer_of(source).partition("/")
    if source.startswith("mixed"):
        return "mixed"
    if family == "font":
        return _FONT.get(name, "instrument")
    if family == "formula":
        return {"whistle": "whistle", "reed": "instrument", "spoken": "speech"}.get(name, "voice")
    return "percussion" if family == "percussion" else "voice" if name in SINGERS else "instrument"


def true_notes(pitch: np.ndarray, onset: np.ndarray, note: np.ndarray) -> list[tuple[float, float]]:
    """Notes (onset s, MIDI pitch) of a render's labels, (n,) each, every 10 ms: each onset with the median pitch up to the next.

    A stroke has the pitch 0.0, and so has everything where nothing has a pitch; elsewhere an onset without one is a note too
    soft to be heard.
    """
    at, found = np.flatnonzero(onset), []
    for k, end in zip(at, [*at[1:], len(pitch)], strict=False):
        sounding = pitch[k:end][pitch[k:end] > 0]
        if (note[k : min(end, k + _STROKE_FRAMES)] == _STROKE).any() or not (pitch > 0).any():
            found.append(((k + 0.5) * _FRAME_S, 0.0))
        elif len(sounding):
            found.append(((k + 0.5) * _FRAME_S, float(np.median(sounding))))
    return found
