"""Lines out of sheets: MIDI files and MusicXML, one melodic line for each part that has one.

Of MIDI each track and channel is a line (not the drums of channel 10), of MusicXML each voice of each part. Where notes sound
together the highest is the line: one that begins below a note still sounding is left out. Grace notes, repeats and tempo marks
are not read. Files come from anywhere, so sizes are bounded, and a document that declares entities is refused unread.
"""

from __future__ import annotations

import itertools
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

import numpy as np

from ..errors import UsageError

MIDI, MUSICXML = (".mid", ".midi"), (".musicxml", ".xml", ".mxl")
MOST_BYTES = 16_000_000
"""Of a file, and of the score inside a compressed one."""
_MOST_NOTES = 200_000
_DRUMS = 9  # channel 10, counted from 0
_TOGETHER = 1 / 16  # quarter notes between onsets that are one chord, rolled or not
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MAJOR = np.isin(np.arange(12), [0, 2, 4, 5, 7, 9, 11])
_DEEPEST = 64


@dataclass(frozen=True)
class Line:
    """One melodic line: `notes (n, 3)` of [MIDI pitch, onset, duration] in quarter notes, onsets rising; its key signature."""

    name: str
    notes: np.ndarray
    fifths: int


def read(path: Path) -> list[Line]:
    """Read the lines of a sheet, none where it has no melody. Raises UsageError with one line where it can't be read."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UsageError(f"{path}: can't be read ({error.strerror})") from None
    if size > MOST_BYTES:
        raise UsageError(f"{path}: {size / 1e6:.0f} MB; at most {MOST_BYTES / 1e6:.0f} MB of MIDI or MusicXML are read")
    voices = _midi(path) if path.suffix.lower() in MIDI else _musicxml(path)
    lines = []
    for name, (found, fifths) in voices.items():
        if len(notes := skyline(found)):
            lines.append(Line(f"{path.name}: {name}", notes, signature(notes) if fifths is None else fifths))
    return lines


def skyline(notes: list[tuple[float, float, float]]) -> np.ndarray:
    """The highest line of (pitch, onset, duration): no two notes begin together, and none below one that still sounds."""
    kept: list[list[float]] = []
    for pitch, onset, duration in sorted(notes, key=lambda note: (note[1], -note[0])):
        if duration <= 0:
            continue
        if kept and onset - kept[-1][1] < _TOGETHER:
            if pitch > kept[-1][0]:
                kept[-1] = [pitch, kept[-1][1], onset + duration - kept[-1][1]]
            continue
        if kept and onset < kept[-1][1] + kept[-1][2] - _TOGETHER:
            if pitch < kept[-1][0]:
                continue
            kept[-1][2] = onset - kept[-1][1]
        kept.append([pitch, onset, duration])
    return np.array(kept, np.float64).reshape(-1, 3)


def signature(notes: np.ndarray) -> int:
    """Sharps (flats below 0) of the major scale, or its relative minor, that holds most of the sounding time; -5 .. 6."""
    weight = np.bincount(np.round(notes[:, 0]).astype(int) % 12, notes[:, 2], 12)
    return max(range(-5, 7), key=lambda fifths: (weight[np.roll(_MAJOR, 7 * fifths)].sum(), -abs(fifths)))


def _midi(path: Path) -> dict[str, tuple[list, int | None]]:
    try:
        import mido
    except ModuleNotFoundError:
        raise UsageError(f"{path}: reading MIDI needs mido, which is not installed; install antiphon[midi]") from None
    try:
        file = mido.MidiFile(path, clip=True)
        beat, tracks = file.ticks_per_beat, [list(track) for track in file.tracks]
    except Exception as error:  # mido raises half a dozen types for a file that is none
        raise UsageError(f"{path}: not a MIDI file that can be read ({_reason(error)})") from None
    if not 0 < beat < 0x8000:
        raise UsageError(f"{path}: its time is in frames of film, not in beats; save it with beats")
    voices, left = {}, _MOST_NOTES
    for number, track in enumerate(tracks, 1):
        now, begun, found, fifths = 0, {}, {}, None
        for message in track:
            now += message.time
            if message.type == "key_signature" and fifths is None:
                fifths = _fifths_of(message.key)
            if message.type not in ("note_on", "note_off") or message.channel == _DRUMS:
                continue
            key = message.channel, message.note
            if key in begun:
                onset = begun.pop(key)
                found.setdefault(message.channel, []).append((message.note, onset / beat, (now - onset) / beat))
                left -= 1
            if message.type == "note_on" and message.velocity > 0:
                begun[key] = now
            if left < 0:
                raise UsageError(f"{path}: more than {_MOST_NOTES} notes; cut it into songs")
        voices |= {f"track {number}, channel {channel + 1}": (notes, fifths) for channel, notes in found.items()}
    return voices


def _fifths_of(key: str) -> int:
    """Sharps of a key as mido names it, such as "F#m"."""
    tonic, minor = key.removesuffix("m"), key.endswith("m")
    above_c = _STEPS[tonic[0]] + tonic.count("#") - tonic.count("b") + 3 * minor
    sharps = (7 * above_c) % 12
    return sharps - 12 if sharps > 6 else sharps


def _musicxml(path: Path) -> dict[str, tuple[list, int | None]]:
    try:
        data = _unpacked(path) if path.suffix.lower() == ".mxl" else path.read_bytes()
        score = _Score()
        score.read(data)
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, expat.ExpatError, zipfile.BadZipFile, zlib.error) as error:
        raise UsageError(f"{path}: not MusicXML that can be read ({_reason(error)})") from None
    return score.voices


def _unpacked(path: Path) -> bytes:
    """The score inside a compressed MusicXML file."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        plain = [name for name in names if Path(name).suffix.lower() in (".xml", ".musicxml") and not name.startswith("META-INF")]
        told = _rootfile(_bounded(archive, "META-INF/container.xml")) if "META-INF/container.xml" in names else None
        return _bounded(archive, told if told in names else next(iter(plain), "score.xml"))


def _bounded(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"{name!r} is more than {MOST_BYTES / 1e6:.0f} MB")
    return data


def _rootfile(data: bytes) -> str | None:
    found = []
    _parse(data, lambda name, attributes: found.append(attributes.get("full-path")) if name == "rootfile" else None)
    return next(iter(found), None)


def _parse(data: bytes, begin, end=None, text=None) -> None:
    """Run expat over a document. What it refers to is never fetched, what it declares is refused: ValueError."""
    parser = expat.ParserCreate()

    def declared(*_):
        raise ValueError("it declares entities")

    depth = itertools.count(1)

    def deeper(name, attributes):
        if next(depth) > 40 * _MOST_NOTES:
            raise ValueError("too many elements")
        begin(name, attributes)

    parser.EntityDeclHandler = declared
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = deeper, end, text
    parser.buffer_text = True
    parser.Parse(data, True)


@dataclass
class _Score:
    """A score by parts while it is read; `voices` are lists of (pitch, onset, duration) with a key signature, by part and voice."""

    voices: dict[str, tuple[list, int | None]] = field(default_factory=dict)
    _above: list[str] = field(default_factory=list)
    _texts: dict[str, str] = field(default_factory=dict)  # of the note, backup, forward or attributes that is open
    _part: str = ""
    _now: float = 0.0
    _chord_at: float = 0.0
    _divisions: float = 1.0
    _fifths: int | None = None
    _transposed: int = 0
    _ties: dict = field(default_factory=dict)
    _notes: int = 0

    def read(self, data: bytes) -> None:
        """Read a whole document. Raises ValueError or ExpatError."""
        _parse(data, self._begin, self._end, self._text)
        if not self._part:
            raise ValueError("no part of a score in it")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if not self._above and name != "score-partwise":
            raise ValueError(f"it is a {name!r}, not a score by parts")
        if len(self._above) > _DEEPEST:
            raise ValueError("too deep")
        self._above.append(name)
        if name == "part":
            self._part = attributes.get("id", "")[:40] or f"part {len(self.voices) + 1}"
            self._now, self._divisions, self._fifths, self._transposed, self._ties = 0.0, 1.0, None, 0, {}
        elif name in ("note", "backup", "forward", "attributes"):
            self._texts = {}
        elif name == "tie":
            self._texts[f"tie-{attributes.get('type', '')}"] = ""
        else:
            self._texts.setdefault(name, "")

    def _text(self, text: str) -> None:
        if self._above and self._above[-1] in self._texts and len(self._texts[self._above[-1]]) < 100:
            self._texts[self._above[-1]] += text

    def _end(self, name: str) -> None:
        self._above.pop()
        if name == "attributes":
            self._divisions = max(1e-3, self._number("divisions", self._divisions))
            if "fifths" in self._texts and self._fifths is None:
                self._fifths = int(np.clip(self._number("fifths"), -7, 7))
            if "chromatic" in self._texts:
                self._transposed = int(self._number("chromatic") + 12 * self._number("octave-change"))
        elif name in ("backup", "forward"):
            moved = self._number("duration") / self._divisions
            self._now = max(0.0, self._now + (moved if name == "forward" else -moved))
        elif name == "note":
            self._note()

    def _number(self, name: str, otherwise: float = 0.0) -> float:
        value = float(self._texts.get(name) or otherwise)
        if not abs(value) < 1e6:
            raise ValueError(f"{name} is {value}")
        return value

    def _note(self) -> None:
        texts, length = self._texts, self._number("duration") / self._divisions
        self._notes += 1
        if self._notes > _MOST_NOTES:
            raise ValueError(f"more than {_MOST_NOTES} notes")
        if "grace" in texts or "cue" in texts:
            return
        onset = self._chord_at if "chord" in texts else self._now
        if "chord" not in texts:
            self._chord_at, self._now = self._now, self._now + length
        if "step" not in texts or length <= 0:  # a rest, or a drum
            return
        pitch = 12 * (int(self._number("octave")) + 1) + _STEPS[texts["step"].strip()] + self._number("alter") + self._transposed
        voice = f"{self._part}, voice {texts.get('voice', '').strip() or '1'}"
        notes, _ = self.voices.setdefault(voice, ([], self._fifths))
        before = self._ties.pop((voice, pitch), None)
        if "tie-stop" in texts and before is not None and abs(sum(notes[before][1:]) - onset) < 1e-3:
            notes[before] = (pitch, notes[before][1], notes[before][2] + length)
        else:
            before = len(notes)
            notes.append((pitch, onset, length))
        if "tie-start" in texts:
            self._ties[voice, pitch] = before


def _reason(error: Exception) -> str:
    return (next(iter(str(error).splitlines()), "") or type(error).__name__)[:120]
