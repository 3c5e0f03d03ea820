"""Make a take whole that was not closed: its writer was killed, or the power went.

What the log holds up to its last whole record stays as it is. What lies on the disk beyond that, at most the last second,
is kept as far as all stems have it, in whole frames, lines and steps, and recorded as found ("repaired"). Then the take is
closed as its writer would have closed it. Killed in the middle of a repair, another repair goes on from there.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from . import chain, midifile
from .check import locked
from .form import ABOUT, EVENTS, GROWING, LINE_MOST, LOG, MIDI, NOTES, STEMS, STEPS, TakeError, read_about, sync, waves, write_at
from .wave import Wave

LOSS_MOST_S = 2.0
"""What a repair drops, of that which had been recorded, without being told to."""
_RECORDS_MOST = 3


@dataclass(frozen=True)
class RepairReport:
    """What a repair did. `changed` is False where there was nothing to do.

    `tail_s` is sound that was in no record and was kept; `lost_s` sound that was in a record and is gone; `cut` the
    bytes taken off each file's end.
    """

    folder: str
    changed: bool
    frames: int
    seconds: float
    tail_s: float
    lost_s: float
    cut: dict[str, int]
    notes: tuple[str, ...]
    head: str

    def as_json(self) -> dict:
        return asdict(self)


def repair(folder: str | Path, force: bool = False) -> RepairReport:
    """Make a take whole; harmless for one that is.

    Where recorded sound or records would be dropped, more than a crash can explain, it raises TakeError and touches
    nothing, unless `force`. Raises UsageError for what is no take, TakeError for one being written or on a disk that cannot be.
    """
    folder = Path(folder)
    about, raw = read_about(folder)
    with locked(folder, write=True) as log:
        try:
            return _Repair(folder, about, raw, log).run(force)
        except OSError as error:
            reason = f"{error.strerror or error}"
            raise TakeError(f"take {folder}: cannot be repaired ({reason}); mend that and repair it again") from None


class _Repair:
    def __init__(self, folder: Path, about: dict, raw: bytes, log: int):
        self.folder, self.about, self.raw, self.log = folder, about, raw, log
        self.rate = about["samplerate"]
        self.waves: dict[str, Wave] = waves(about)
        self.cut: dict[str, int] = {}
        self.notes: list[str] = []
        self.changed = False

    def run(self, force: bool) -> RepairReport:
        walked = chain.walk(self.folder, self.waves, self.rate)
        good, end = walked.good, walked.end
        if end.closed and good is end:
            if not force:
                self._require_a_crash(walked, 0)
            if walked.rest:
                self._cut(LOG, self.log, end.log)
                self.changed = True
            self._mend_closed(end)
            return self._report(end.frames, 0, 0, end.head)
        sizes = self._whole_sizes(good, end.frames if end.closed else None)
        frames = sizes[STEMS[0]] // self.waves[STEMS[0]].frame_bytes
        lost = max(end.frames - frames, 0)
        if not force:
            self._require_a_crash(walked, lost)
        self.changed = True
        self._cut(LOG, self.log, good.log)
        for name in GROWING:
            file = self._open(name)
            try:
                self._cut(name, file, sizes[name] + (self.waves[name].head if name in self.waves else 0))
                sync(file)
            finally:
                os.close(file)
        self.n, self.head, self.logged = good.n, good.head, good.log
        if not good.n:
            sha = hashlib.sha256(self.raw).hexdigest()
            self._record({"kind": "start", "frames": 0, "files": {ABOUT: [len(self.raw), sha]}, "gaps": []})
        tail = frames - good.frames
        grown = self._growth(good.sizes, sizes)
        if grown or lost:
            said = {"tail_frames": tail, "lost_frames": lost}
            self._record({"kind": "repaired", "frames": frames, "files": grown, "gaps": [], **said})
        self._write_headers(frames)
        midi = {MIDI: self._make_midi(frames)}
        self._record({"kind": "end", "frames": frames, "files": midi, "gaps": [], "reason": "repaired"})
        return self._report(frames, tail, lost, self.head)

    def _require_a_crash(self, walked: chain.Walked, lost: int) -> None:
        """Refuse to drop what was proven: a crash leaves a torn end, and damage elsewhere is for a person to look at."""
        dropped = walked.end.n - walked.good.n
        at = walked.good.frames / self.rate
        if walked.whole_lines_after:
            why = f"{LOG}: record {walked.end.n} {walked.broken}, and others follow it"
        elif dropped > _RECORDS_MOST or lost > LOSS_MOST_S * self.rate:
            why = f"{'; '.join(walked.problems[:3])}: {dropped} records would go, and {lost / self.rate:.1f} s of sound"
        else:
            return
        raise TakeError(
            f"take {self.folder}: is proven up to {at:.1f} s only ({why}), which no crash leaves; look for a copy that is whole, "
            "or keep what is there with --force"
        )

    def _whole_sizes(self, good: chain.Point, closed_frames: int | None) -> dict[str, int]:
        """Give how many bytes of each file can stay: whole frames that all stems have, whole lines, whole steps."""
        found = {}
        for name in GROWING:
            try:
                found[name] = (self.folder / name).stat().st_size
            except FileNotFoundError:
                if name in STEMS or good.sizes.get(name, 0):
                    raise TakeError(f"take {self.folder}: {name} is missing, and nothing can stand in for it") from None
                os.close(self._open(name, os.O_CREAT))
                found[name] = 0
        frames = min(max(found[name] - wave.head, 0) // wave.frame_bytes for name, wave in self.waves.items())
        if closed_frames is not None:  # behind the last frame are chunks
            frames = min(frames, closed_frames)
        sizes = {name: frames * wave.frame_bytes for name, wave in self.waves.items()}
        for name in (EVENTS, NOTES):
            sizes[name] = _whole_lines(self.folder / name, good.sizes.get(name, 0))
        sizes[STEPS] = _whole_steps(self.folder / STEPS, good.sizes.get(STEPS, 0), found[STEPS])
        return sizes

    def _growth(self, before: dict[str, int], after: dict[str, int]) -> dict[str, list]:
        grown = {}
        for name in GROWING:
            start, at = (self.waves[name].head if name in self.waves else 0), before.get(name, 0)
            if after[name] > at:
                with open(self.folder / name, "rb") as file:
                    grown[name] = [after[name], chain.hash_span(file, start + at, start + after[name])]
        return grown

    def _mend_closed(self, end: chain.Point) -> None:
        """Write anew what follows from the rest of a closed take: headers, and the MIDI file."""
        for name, wave in self.waves.items():
            with open(self.folder / name, "r+b", buffering=0) as file:
                past = wave.head + end.frames * wave.frame_bytes
                padding = wave.padding(end.frames)
                after = max(os.fstat(file.fileno()).st_size - past, len(padding))
                header = wave.header(end.frames, after)
                if file.read(wave.head) != header or not _is_at(file, past, padding):
                    write_at(file.fileno(), padding, past)
                    write_at(file.fileno(), header, 0)
                    sync(file.fileno())
                    self.notes.append(f"{name}: its header was written anew")
                    self.changed = True
        if MIDI in end.sizes and not _is(self.folder / MIDI, end.last["files"].get(MIDI)):
            again = self._make_midi(end.frames)
            self.changed = True
            same = again == end.last["files"].get(MIDI)
            self.notes.append(f"{MIDI}: was made anew" + ("" if same else ", and is not as it was recorded"))

    def _make_midi(self, frames: int) -> list:
        notes, file = self._open(NOTES), self._open(MIDI, os.O_CREAT | os.O_TRUNC)
        try:
            return midifile.make(file, notes, self.about, frames)
        finally:
            os.close(notes)
            os.close(file)

    def _write_headers(self, frames: int) -> None:
        for name, wave in self.waves.items():
            file = self._open(name)
            try:
                padding = wave.padding(frames)
                write_at(file, padding, wave.head + frames * wave.frame_bytes)
                write_at(file, wave.header(frames, len(padding)), 0)
                sync(file)
            finally:
                os.close(file)

    def _record(self, record: dict) -> None:
        if isinstance(self.about.get("model_hash"), str):
            record["model_hash"] = self.about["model_hash"]
        line, self.head = chain.seal(record, self.n, self.head)
        write_at(self.log, line, self.logged)
        sync(self.log)
        self.n, self.logged = self.n + 1, self.logged + len(line)

    def _cut(self, name: str, file: int, size: int) -> None:
        over = os.fstat(file).st_size - size
        if over > 0:
            os.ftruncate(file, size)
            self.cut[name] = over

    def _open(self, name: str, flags: int = 0) -> int:
        return os.open(self.folder / name, os.O_RDWR | flags | getattr(os, "O_BINARY", 0), 0o666)

    def _report(self, frames: int, tail: int, lost: int, head: str) -> RepairReport:
        rate = self.rate
        return RepairReport(
            str(self.folder), self.changed, frames, frames / rate, tail / rate, lost / rate, self.cut, tuple(self.notes), head
        )


def _whole_lines(path: Path, at: int) -> int:
    """Give where the last whole line of JSON ends that follows on byte `at`."""
    with open(path, "rb") as file:
        file.seek(at)
        for line in chain.lines(file):
            try:
                sound = line.endswith(b"\n") and len(line) < LINE_MOST and isinstance(json.loads(line), dict)
            except (ValueError, RecursionError):
                sound = False
            if not sound:
                break
            at += len(line)
    return at


def _whole_steps(path: Path, at: int, size: int) -> int:
    with open(path, "rb") as file:
        while True:
            file.seek(at)
            head = file.read(4)
            past = at + 4 + int.from_bytes(head, "little")
            if len(head) < 4 or past > size:
                return at
            at = past


def _is_at(file, at: int, content: bytes) -> bool:
    file.seek(at)
    return file.read(len(content)) == content


def _is(path: Path, recorded: list | None) -> bool:
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            return [size, chain.hash_span(file, 0, size)] == recorded
    except OSError:
        return False
