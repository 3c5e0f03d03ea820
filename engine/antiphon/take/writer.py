"""Write a take while it is played: every second on disk, in the log, and readable by any player, whatever happens next.

All calls from one thread, which may wait for a disk and is never the audio thread. Memory does not grow with the take.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from .. import __version__
from ..audiofile import to_pcm
from ..errors import UsageError
from ..events import Event
from . import chain, midifile
from .form import (
    ABOUT,
    EVENTS,
    FORMAT,
    GROWING,
    LOG,
    MIDI,
    NOTES,
    OWN,
    STEMS,
    STEPS,
    TakeError,
    TakeSpec,
    canonical,
    lock,
    make_folder,
    plain,
    sync,
    taken,
    waves,
    write_at,
)
from .wave import pack

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_ANEW = os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
_SILENCE_FRAMES = 65_536
_REASONS = {
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "disk quota used up",
    errno.EFBIG: "the disk takes no larger file",
    errno.EROFS: "the disk can no longer be written",
    errno.EIO: "disk error",
}


@dataclass(frozen=True)
class TakeSummary:
    """What a take came to. `reason` says why it ended; `gaps` counts the places where sound was lost."""

    folder: Path
    frames: int
    seconds: float
    files: tuple[Path, ...]
    gaps: int
    gap_frames: int
    reason: str


class TakeWriter:
    """One take being written.

    Raises UsageError where its folder cannot be had. Afterwards any call may raise TakeError, once: the disk takes no more,
    what was recorded up to then has been kept and closed, and the line says so. Later calls raise the same.
    """

    def __init__(self, spec: TakeSpec):
        self.spec = spec
        self.frames = 0
        self._summary: TakeSummary | None = None
        self._failed = ""
        self._gaps: list[tuple[int, int, str]] = []
        self._gap_count = self._gap_frames = 0
        self._n, self._head, self._logged = 0, chain.GENESIS, 0
        self._recorded_frames = 0
        self._put: list[str] = []
        self._made: list[str] = []
        self._open_files: list[int] = []
        about = {
            "software": f"Antiphon {__version__}",
            **plain(spec.about),
            "format": FORMAT,
            "id": spec.payload,
            "started": spec.started or datetime.now(UTC).isoformat(timespec="milliseconds"),
            "samplerate": spec.samplerate,
            "channels": {"dry": spec.in_channels, "voice": 1, "mix": spec.out_channels},
        }
        self.about = about
        self._waves = waves(about)
        made_folder = make_folder(spec.folder)
        self._folder = None
        try:
            if os.open in os.supports_dir_fd:  # so that the folder may be moved while it is written
                self._folder = os.open(spec.folder, os.O_RDONLY)
            self._begin(json.dumps(about, indent=1).encode())
        except OSError as error:
            self._let_go()
            for name in self._made:
                (spec.folder / name).unlink(missing_ok=True)
            if made_folder:
                with contextlib.suppress(OSError):  # somebody else has put something into it
                    spec.folder.rmdir()
            if isinstance(error, FileExistsError):
                raise taken(spec.folder) from None
            raise UsageError(
                f"--take {spec.folder}: cannot be written ({error.strerror or error}); choose another place"
            ) from None

    def sound(self, dry: np.ndarray, voice: np.ndarray, mix: np.ndarray) -> None:
        """Append the next frames: `dry` (n, in) float32, `voice` (n,), `mix` (n, out), rounded to 24 bits by `to_pcm`."""
        assert len(dry) == len(voice) == len(mix), "stems of one length"
        with self._kept():
            for grown, block in zip(self._stems, (dry, voice, mix), strict=True):
                grown.append(_bytes_of(block, self._waves[grown.name].channels))
            self.frames += len(dry)

    def gap(self, frames: int, why: str) -> None:
        """Put silence where `frames` frames were lost, and say so in the next record."""
        assert frames > 0, "a gap of nothing"
        self._gaps.append((self.frames, frames, why))
        with self._kept():
            while frames:
                now = min(frames, _SILENCE_FRAMES)
                for grown in self._stems:
                    grown.append(bytes(now * self._waves[grown.name].frame_bytes))
                self.frames += now
                frames -= now

    def event(self, event: Event) -> None:
        """Append an accepted change; its `time_frame` counts from the take's first frame."""
        line = {"frame": event.time_frame, "path": event.path, "value": plain(event.value), "source": event.source}
        with self._kept():
            self._files[EVENTS].append(canonical(plain(line)) + b"\n")

    def note(self, who: str, frame: int, length_frames: int, pitch: float, loudness_db: float) -> None:
        """Append a note that has ended. `who` is "performer" or "voice"; pitch in semitones, loudness in dB of full scale."""
        assert who in midifile.WHO, who
        numbers = np.array((pitch, loudness_db), float)
        pitch, loudness_db = np.nan_to_num(np.clip(numbers, (0.0, -120.0), (127.0, 12.0)), nan=0.0).tolist()
        line = {"who": who, "frame": int(frame), "length": int(length_frames), "pitch": pitch, "loudness_db": loudness_db}
        with self._kept():
            self._files[NOTES].append(canonical(line) + b"\n")

    def step(self, step: bytes) -> None:
        """Append what the model was told and made in one step."""
        with self._kept():
            self._files[STEPS].append(len(step).to_bytes(4, "little") + step)

    def put(self, name: str, content: bytes) -> None:
        """Write a further file and record it at once; each name can be had once."""
        assert name and Path(name).name == name and name not in (*OWN, *self._put), f"a name for a further file, not {name!r}"
        with self._kept():
            sizes = self._write_whole(name, content)
            self._put.append(name)
            self._record("file", {name: sizes})

    def second(self, state: dict) -> None:
        """Record all that was written since the last record, with what is so now, and wait until it is on the disk.

        To be called once a second: what is in no record is not proven, and what is not on the disk can be lost with the power.
        """
        with self._kept():
            self._record("second", {}, state=plain(state))

    def close(self, reason: str) -> TakeSummary:
        """End the take: the last record, final headers, the MIDI file. A second call gives the same summary."""
        if self._summary is None:
            with self._kept():
                self._record("end", self._make_midi(), reason=reason)
                self._finish(reason)
        return self._summary

    def _begin(self, about: bytes) -> None:
        self._log = self._open(LOG)
        if not lock(self._log):
            raise FileExistsError(errno.EEXIST, "is being written")
        named = {ABOUT: self._write_whole(ABOUT, about)}
        heads = {name: wave.head for name, wave in self._waves.items()}
        self._files = {name: _Growing(name, self._open(name), heads.get(name, 0)) for name in GROWING}
        self._stems = [self._files[name] for name in STEMS]
        self._record("start", named)
        if self._folder is not None:
            with contextlib.suppress(OSError):  # some file systems do not sync folders
                os.fsync(self._folder)

    def _record(self, kind: str, further: dict[str, list], **more) -> None:
        """Bring all files to the disk, then one record of their growth."""
        for name, file in ((LOG, self._log), *((grown.name, grown.file) for grown in self._files.values())):
            if os.fstat(file).st_nlink == 0:  # writing on would go well, and into nothing
                raise FileNotFoundError(errno.ENOENT, f"{name} was deleted")
        self._write_headers(ended=kind == "end")
        for grown in self._files.values():
            if grown.size != grown.recorded or grown.name in STEMS:
                sync(grown.file)
        named = {grown.name: grown.growth() for grown in self._files.values() if grown.size != grown.recorded}
        record = {"kind": kind, "frames": self.frames, "files": {**named, **further}, "gaps": self._gaps, **more}
        if isinstance(self.about.get("model_hash"), str):
            record["model_hash"] = self.about["model_hash"]
        line, head = chain.seal(record, self._n, self._head)
        write_at(self._log, line, self._logged)
        sync(self._log)
        self._n, self._head, self._logged = self._n + 1, head, self._logged + len(line)
        self._recorded_frames = self.frames
        self._gap_count += len(self._gaps)
        self._gap_frames += sum(gap[1] for gap in self._gaps)
        self._gaps = []
        for grown in self._files.values():
            grown.settle()

    def _write_headers(self, ended: bool) -> None:
        for grown in self._stems:
            wave = self._waves[grown.name]
            padding = wave.padding(self.frames) if ended else b""
            write_at(grown.file, padding, grown.start + grown.size)
            write_at(grown.file, wave.header(self.frames, len(padding)), 0)

    def _make_midi(self) -> dict[str, list]:
        file = self._open(MIDI, _ANEW)
        try:
            return {MIDI: midifile.make(file, self._files[NOTES].file, self.about, self.frames)}
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(MIDI if self._folder is not None else self.spec.folder / MIDI, dir_fd=self._folder)
            raise

    def _finish(self, reason: str) -> None:
        self._let_go()
        names = [name for name in (ABOUT, *GROWING, LOG, MIDI, *self._put) if os.path.exists(self.spec.folder / name)]
        files = tuple(self.spec.folder / name for name in names)
        seconds = self.frames / self.spec.samplerate
        self._summary = TakeSummary(
            self.spec.folder, self.frames, seconds, files, self._gap_count, self._gap_frames, reason
        )

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        if self._summary is not None:
            raise TakeError(self._failed or f"take {self.spec.folder}: is closed")
        try:
            yield
        except OSError as error:
            self._fail(error)
            raise TakeError(self._failed) from None

    def _fail(self, error: OSError) -> None:
        """Go back to the last record, which frees what little the end needs, and end there."""
        reason = _REASONS.get(error.errno) or error.strerror or str(error)
        self.frames = self._recorded_frames
        self._gaps = []
        with contextlib.suppress(OSError):
            os.ftruncate(self._log, self._logged)
            for grown in self._files.values():
                grown.cut_back()
            self._write_headers(ended=True)
            named: dict[str, list] = {}
            with contextlib.suppress(OSError):
                named = self._make_midi()
            try:
                self._record("end", named, reason=reason)
            except OSError:  # the take stays without an end, as if it had been killed here: `repair` makes one
                os.ftruncate(self._log, self._logged)
        kept = "what is written is kept" if os.path.exists(self.spec.folder) else "it is lost, its folder is gone"
        self._failed = f"take {self.spec.folder}: {reason} after {self.frames / self.spec.samplerate:.1f} s; {kept}"
        self._finish(reason)

    def _write_whole(self, name: str, content: bytes) -> list:
        file = self._open(name)
        try:
            write_at(file, content, 0)
            sync(file)
        finally:
            os.close(file)
            self._open_files.remove(file)
        return [len(content), hashlib.sha256(content).hexdigest()]

    def _open(self, name: str, flags: int = _NEW) -> int:
        """Open a file of the take, wherever its folder has been moved to."""
        where = name if self._folder is not None else self.spec.folder / name
        file = os.open(where, flags, 0o666, dir_fd=self._folder)
        self._made.append(name)
        self._open_files.append(file)
        return file

    def _let_go(self) -> None:
        for file in [*self._open_files, *([] if self._folder is None else [self._folder])]:
            with contextlib.suppress(OSError):
                os.close(file)
        self._open_files, self._folder = [], None


class _Growing:
    """A file that only grows: its bytes after the `start` that its header takes, and how many of them are in the log."""

    def __init__(self, name: str, file: int, start: int):
        self.name, self.file, self.start = name, file, start
        self.size = self.recorded = 0
        self._sha = hashlib.sha256()

    def append(self, content: bytes) -> None:
        write_at(self.file, content, self.start + self.size)
        self.size += len(content)
        self._sha.update(content)

    def growth(self) -> list:
        return [self.size, self._sha.hexdigest()]

    def settle(self) -> None:
        if self.size != self.recorded:
            self.recorded, self._sha = self.size, hashlib.sha256()

    def cut_back(self) -> None:
        os.ftruncate(self.file, self.start + self.recorded)
        self.size, self._sha = self.recorded, hashlib.sha256()


def _bytes_of(block: np.ndarray, channels: int) -> bytes:
    """Round (n, channels) or (n,) float sound to the bytes of a stem; what is not a number is silence."""
    block = np.asarray(block, np.float32)
    block = block[:, None] if block.ndim == 1 else block
    assert block.shape[1] == channels, f"{block.shape[1]} channels for a stem of {channels}"
    if np.isnan(block).any():
        block = np.nan_to_num(block, nan=0.0)
    return pack(to_pcm(block))
