"""The log of a take: lines of canonical JSON, each with the hash of the one before it and with its own.

A record: {"n", "kind", "frames", "time", "files": {name: [bytes so far, SHA-256 of the bytes since the last record]},
"gaps": [[frame, frames, why], ...], "prev", "hash", ...}. Of a stem only the sound is counted: its header follows from
take.json and its length. Kinds: start, second, file (a further file was put), repaired, end. A file that has not grown is
not named. Whoever changes a byte must change every record after it, and the head with them: what is signed is the head.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from .form import ABOUT, GROWING, LINE_MOST, LOG, MIDI, STEMS, canonical
from .wave import Wave

GENESIS = "0" * 64
KINDS = ("start", "second", "file", "repaired", "end")
_PIECE = 1 << 20


class Broken(Exception):
    """A line that is no record, or not the next one; `str()` of it says why."""


def seal(record: dict, n: int, prev: str) -> tuple[bytes, str]:
    """Give the line of a record, newline included, and its hash, the chain's new head."""
    record = {**record, "n": n, "prev": prev, "time": datetime.now(UTC).isoformat(timespec="milliseconds")}
    head = hashlib.sha256(canonical(record)).hexdigest()
    line = canonical({**record, "hash": head}) + b"\n"
    assert len(line) <= LINE_MOST, "a record of megabytes"
    return line, head


def opened(line: bytes, n: int, prev: str) -> dict:
    """Read the line that should be record `n` after the head `prev`. Raises Broken."""
    if not line.endswith(b"\n"):
        raise Broken("is cut off")
    try:
        record = json.loads(line)
        if canonical(record) + b"\n" != line:
            raise Broken("was changed")
        own = record.pop("hash")
        if hashlib.sha256(canonical(record)).hexdigest() != own:
            raise Broken("was changed")
        if record["n"] != n or record["prev"] != prev:
            raise Broken("does not follow the one before it")
        files, frames = record["files"], record["frames"]
        if record["kind"] not in KINDS or not isinstance(frames, int) or frames < 0:
            raise Broken("says what no record says")
        if not all(isinstance(size, int) and isinstance(sha, str) for size, sha in files.values()):
            raise Broken("says what no record says")
        counts = [record.get("tail_frames", 0), *(number for gap in record["gaps"] for number in gap[:2])]
        if not all(isinstance(count, int) and count >= 0 for count in counts) or any(len(gap) != 3 for gap in record["gaps"]):
            raise Broken("says what no record says")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Broken("is no record") from None
    return {**record, "hash": own}


def lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of an open file from where it stands, the last perhaps without its newline; none over LINE_MOST."""
    while line := file.readline(LINE_MOST):
        yield line


def hash_span(file: BinaryIO, at: int, end: int) -> str:
    """Give the SHA-256 of a file's bytes from `at` to `end`, fewer where it is shorter."""
    sha = hashlib.sha256()
    file.seek(at)
    while at < end and (piece := file.read(min(_PIECE, end - at))):
        sha.update(piece)
        at += len(piece)
    return sha.hexdigest()


@dataclass
class Point:
    """A record in a take: how many there are up to it, the bytes of the log, of each file, the frames, the chain's head."""

    n: int = 0
    log: int = 0
    frames: int = 0
    head: str = GENESIS
    sizes: dict[str, int] = field(default_factory=dict)
    last: dict = field(default_factory=dict)

    @property
    def closed(self) -> bool:
        return self.last.get("kind") == "end"


@dataclass
class Walked:
    """What was found on the way along a log."""

    end: Point  # the last record that the chain holds up to
    good: Point  # the last up to which every file that grows is as recorded
    broken: str = ""  # why the chain ends where it does, where that is not the end of the log
    rest: int = 0  # bytes of the log after `end`
    whole_lines_after: bool = False  # among these, lines that were finished: not what a crash leaves
    problems: list[str] = field(default_factory=list)
    put: list[str] = field(default_factory=list)
    gaps: list[tuple[int, int, str]] = field(default_factory=list)  # the first GAPS_KEPT
    gap_count: int = 0
    gap_frames: int = 0
    unproven_frames: int = 0  # were on the disk and in no record when the take was repaired
    repairs: int = 0


GAPS_KEPT = 1000


def walk(folder: Path, waves: dict[str, Wave], samplerate: int) -> Walked:
    """Follow a take's log record by record, and its files beside it. Streams: memory does not grow with the take.

    Differences are told in `problems`, a line each, and the walk goes on; a log that does not hold ends it.
    """
    files: dict[str, BinaryIO | None] = {}
    differ = _Differences(samplerate)
    point = Point()
    walked = Walked(point, point)
    try:
        with open(folder / LOG, "rb") as log:
            for line in lines(log):
                try:
                    if point.closed:
                        raise Broken("comes after the end")
                    record = opened(line, point.n, point.head)
                    _require_sizes(record, point, waves)
                except Broken as why:
                    walked.broken = str(why)
                    break
                before, agree = point, True
                sizes = dict(before.sizes)
                for name, (size, sha) in record["files"].items():
                    if name not in files:
                        files[name] = _open(folder, name)
                    if not _agrees(files[name], name, waves, sizes.get(name, 0), size, sha):
                        differ.note(name, before.frames, record["frames"])
                        agree = agree and name not in GROWING
                    sizes[name] = size
                    if name not in GROWING:
                        if file := files.pop(name):
                            file.close()
                        walked.put += [name] if name not in (ABOUT, MIDI) else []
                point = Point(before.n + 1, before.log + len(line), record["frames"], record["hash"], sizes, record)
                if agree and walked.good is before:
                    walked.good = point
                walked.end = point
                _count(walked, record)
            walked.rest = os.fstat(log.fileno()).st_size - point.log
            log.seek(point.log)
            walked.whole_lines_after = any(line.endswith(b"\n") for line in lines(log))
    finally:
        for file in files.values():
            if file:
                file.close()
    walked.problems += differ.lines()
    return walked


def _count(walked: Walked, record: dict) -> None:
    for gap in record["gaps"]:
        walked.gap_count += 1
        walked.gap_frames += gap[1]
        if len(walked.gaps) < GAPS_KEPT:
            walked.gaps.append(tuple(gap))
    if record["kind"] == "repaired":
        walked.repairs += 1
        walked.unproven_frames += record.get("tail_frames", 0)


def _require_sizes(record: dict, before: Point, waves: dict[str, Wave]) -> None:
    """Refuse sizes that shrink, names that lead out of the folder, stems that are not as long as the record says."""
    for name, (size, _) in record["files"].items():
        if size < before.sizes.get(name, 0) or Path(name).name != name or name in ("", ".", "..", LOG):
            raise Broken("says what no record says")
    for name in STEMS:
        size = record["files"].get(name, (before.sizes.get(name, 0),))[0]
        if size != record["frames"] * waves[name].frame_bytes:
            raise Broken("says what no record says")


def _open(folder: Path, name: str) -> BinaryIO | None:
    try:
        return open(folder / name, "rb")
    except OSError:
        return None


def _agrees(file: BinaryIO | None, name: str, waves: dict[str, Wave], at: int, size: int, sha: str) -> bool:
    start = waves[name].head if name in waves else 0
    try:
        return file is not None and hash_span(file, start + at, start + size) == sha
    except OSError:  # a disk that cannot read it has not kept it
        return False


class _Differences:
    """Where files are not as recorded, neighbouring seconds in one line."""

    _MOST = 50

    def __init__(self, samplerate: int):
        self._samplerate = samplerate
        self._spans: list[list] = []
        self._more = 0

    def note(self, name: str, start: int, end: int) -> None:
        for span in self._spans:
            if span[0] == name and span[2] == start:
                span[2] = end
                return
        if len(self._spans) < self._MOST:
            self._spans.append([name, start, end])
        else:
            self._more += 1

    def lines(self) -> list[str]:
        said = []
        for name, start, end in self._spans:
            if name in GROWING:
                between = f" between {start / self._samplerate:.1f} and {end / self._samplerate:.1f} s"
            else:
                between = ""
            said.append(f"{name}: is not as recorded{between}")
        return said + ([f"and {self._more} more such places"] if self._more else [])
