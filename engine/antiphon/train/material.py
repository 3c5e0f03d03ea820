"""A user's material: the recordings and sheets of a folder, heard by the instrument's own ears."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soxr

from .. import audiofile
from ..errors import UsageError
from ..model.score import Note
from ..model.tokens import MODEL_RATE
from . import melodies, sheets
from .ears import Ears, Hearing

SOUNDS = (".wav", ".flac", ".ogg", ".oga", ".mp3", ".aif", ".aiff")
MOST_FILES, MOST_MINUTES = 2000, 60.0
"""Files of a folder that are looked at, and minutes of sound that are heard: more than the networks learn from in an hour."""
_LEAST_LINE_S = 2.0  # of a recording that is used


@dataclass(frozen=True)
class Source:
    """One file that is used: its name below the folder, SHA-256, seconds in which one line sounds (0 for a sheet), notes."""

    file: str
    sha256: str
    seconds: float
    line_s: float
    notes: int


@dataclass
class Material:
    """All that was found: sources in order, what was heard of the recordings, lines of notes, and one-line remarks."""

    sources: list[Source] = field(default_factory=list)
    hearings: list[Hearing] = field(default_factory=list)
    lines: list[tuple[np.ndarray, int]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    loud_s: float = 0.0

    @property
    def line_s(self) -> float:
        """Seconds in which one line is sung or played, of all recordings."""
        return sum(hearing.line_s for hearing in self.hearings)

    @property
    def notes(self) -> int:
        """Notes of all lines."""
        return sum(len(notes) for notes, _ in self.lines)


def find(folder: Path) -> tuple[list[Path], int]:
    """The recordings and sheets below a folder, sorted, hidden ones left out, and how many more than MOST_FILES there are.

    Links to folders are not followed. Raises UsageError where it is no folder or holds none.
    """
    if folder.is_file():
        raise UsageError(f"{folder}: is a file; give the folder that it lies in ({folder.parent})")
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    found, others = [], 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            known = Path(name).suffix.lower() in (*SOUNDS, *sheets.MIDI, *sheets.MUSICXML) and not name.startswith(".")
            if known and len(found) < MOST_FILES:
                found.append(Path(place) / name)
            else:
                others += known
    if not found:
        raise UsageError(f"{folder}: holds nothing to learn from; it may be WAV, FLAC, OGG, MP3, MIDI or MusicXML")
    return found, others


def gather(folder: Path, ears: Ears, progress: Callable[[int, int], None] = lambda done, of: None) -> Material:
    """Read and hear everything below a folder. Raises UsageError as `find` does, and where not one file can be read."""
    paths, others = find(folder)
    material, known = Material(), set()
    if others:
        material.remarks.append(f"{folder}: {others} files more than {MOST_FILES}; those are left out")
    readable = 0
    for number, path in enumerate(paths):
        progress(number, len(paths))
        name = path.relative_to(folder).as_posix().encode("utf-8", "replace").decode()
        try:
            if path.suffix.lower() in SOUNDS:
                if sum(source.seconds for source in material.sources) >= 60 * MOST_MINUTES:
                    material.remarks.append(f"{name} and what follows: beyond {MOST_MINUTES:g} minutes of sound; left out")
                    break
                _add_recording(material, path, name, ears, known)
            else:
                _add_sheet(material, path, name, known)
            readable += 1
        except UsageError as error:
            material.remarks.append(str(error))
    progress(len(paths), len(paths))
    if not readable:
        raise UsageError(f"{folder}: not one of {len(paths)} files can be read; the first: {material.remarks[0]}")
    return material


def _add_recording(material: Material, path: Path, name: str, ears: Ears, known: set[str]) -> None:
    recording = audiofile.read(path)
    material.remarks += recording.notes
    left_s = 60 * MOST_MINUTES - sum(source.seconds for source in material.sources)
    pcm = recording.pcm[: round(left_s * recording.samplerate)]
    sound = (pcm.mean(1, dtype=np.float64) * 2.0**-31).astype(np.float32)
    if recording.samplerate != MODEL_RATE:
        sound = soxr.resample(sound, recording.samplerate, MODEL_RATE)
    digest = hashlib.sha256(np.round(sound * 2**15).astype("<i2").tobytes()).hexdigest()
    if digest in known:
        material.remarks.append(f"{name}: the same sound as another file; used once")
        return
    known.add(digest)
    hearing = ears.hear(sound)
    material.loud_s += hearing.loud_s
    if hearing.line_s < _LEAST_LINE_S:
        why = "chords, or a pitch that is not sure" if hearing.lost_s > _LEAST_LINE_S else "silence, noise or strokes"
        material.remarks.append(f"{name}: {hearing.line_s:.1f} s of one line in {len(sound) / MODEL_RATE:.1f} s ({why}); left out")
        return
    material.hearings.append(hearing)
    material.sources.append(Source(name, _sha256(path), len(sound) / MODEL_RATE, hearing.line_s, len(hearing.notes)))
    material.lines.append(line_of(hearing.notes))


def _add_sheet(material: Material, path: Path, name: str, known: set[str]) -> None:
    digest = _sha256(path)
    if digest in known:
        material.remarks.append(f"{name}: the same as another file; used once")
        return
    known.add(digest)
    lines = [line for line in sheets.read(path) if len(line.notes) >= melodies.SHORTEST_LINE]
    if not lines:
        material.remarks.append(f"{name}: no line of {melodies.SHORTEST_LINE} notes or more; left out")
        return
    material.lines += [(line.notes, line.fifths) for line in lines]
    material.sources.append(Source(name, digest, 0.0, 0.0, sum(len(line.notes) for line in lines)))


def line_of(notes: list[Note]) -> tuple[np.ndarray, int]:
    """Notes heard as a line: [MIDI pitch, onset, duration] in quarter notes, and a key signature.

    Pitches are the nearest semitones of the performer's own tuning; half of the median wait is an eighth note.
    """
    pitch = np.array([note.pitch for note in notes])
    length = np.array([note.sounding_hops for note in notes], float)
    onset = np.array([note.onset_hop for note in notes], float)
    tuning = float(np.angle((length * np.exp(2j * np.pi * pitch)).sum()) / (2 * np.pi))
    quarter = 2 * float(np.median(np.diff(onset))) if len(notes) > 1 else 25.0
    line = np.stack([np.round(pitch - tuning), onset / quarter, length / quarter], 1)
    return line, sheets.signature(line)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
