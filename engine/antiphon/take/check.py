"""Whether a take is as it was recorded, to the byte, and what it is. Streams: memory does not grow with the take."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from .chain import Walked, walk
from .form import ABOUT, GROWING, LOG, MIDI, OWN, STEMS, TakeError, lock, performer, read_about, waves
from .wave import Wave, following

_CREDENTIALS = "C2PA"


@dataclass(frozen=True)
class TakeReport:
    """What was found. `problems` and `notes` are lines for a person; a take is ok where there are no problems.

    `gaps` are (frame, frames, why), the first thousand; `unproven_s` was on the disk, and in no record, when the take was
    repaired. `head` is the hash that stands for the whole take.
    """

    folder: str
    ok: bool
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    id: str
    performer: str
    started: str
    samplerate: int
    frames: int
    seconds: float
    closed: bool
    reason: str
    records: int
    gaps: tuple[tuple[int, int, str], ...]
    gap_count: int
    gap_s: float
    repairs: int
    unproven_s: float
    head: str

    def as_json(self) -> dict:
        return asdict(self)


def verify(folder: str | Path) -> TakeReport:
    """Check every byte of a take against its log. Raises UsageError for what is no take, TakeError for one being written.

    RIFF chunks that were put behind the sound after the take was closed are told and not held against it; what a C2PA
    manifest says is for its own signature to prove.
    """
    folder = Path(folder)
    about, _ = read_about(folder)
    stems = waves(about)
    with locked(folder):
        walked = walk(folder, stems, about["samplerate"])
        problems, notes = list(walked.problems), []
        _judge_log(walked, problems)
        if walked.end.closed:
            for name in STEMS:
                _judge_stem(folder, name, stems[name], walked.end.frames, problems, notes)
            for name in (*walked.end.sizes, *(name for name in GROWING if name not in walked.end.sizes)):
                if name not in STEMS:
                    _judge_size(folder, name, walked.end.sizes.get(name, 0), problems)
            if MIDI not in walked.end.sizes:
                notes.append(f"there is no {MIDI}: it could not be written when the take ended")
        known = ({*OWN, *walked.put} - {MIDI}) | {*walked.end.sizes} if walked.end.closed else set(os.listdir(folder))
        notes += [_of_others(name) for name in sorted(os.listdir(folder)) if name not in known]
    rate = about["samplerate"]
    if walked.unproven_frames:
        seconds = walked.unproven_frames / rate
        notes.append(f"{seconds:.2f} s were on the disk and in no record when it was repaired: they are recorded as found")
    last = walked.end.last
    return TakeReport(
        folder=str(folder),
        ok=not problems,
        problems=tuple(problems),
        notes=tuple(notes),
        id=about["id"],
        performer=performer(about),
        started=about["started"],
        samplerate=rate,
        frames=walked.end.frames,
        seconds=walked.end.frames / rate,
        closed=walked.end.closed,
        reason=last.get("reason", ""),
        records=walked.end.n,
        gaps=tuple(walked.gaps),
        gap_count=walked.gap_count,
        gap_s=walked.gap_frames / rate,
        repairs=walked.repairs,
        unproven_s=walked.unproven_frames / rate,
        head=walked.end.head,
    )


@contextlib.contextmanager
def locked(folder: Path, write: bool = False) -> Iterator[int]:
    """Hold a take's log, and give its descriptor. Raises TakeError where it is being written, or cannot be opened."""
    try:
        file = os.open(folder / LOG, (os.O_RDWR if write else os.O_RDONLY) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise TakeError(f"take {folder}: {LOG} cannot be opened ({error.strerror}); without it nothing can be shown") from None
    try:
        if not lock(file, shared=not write):
            raise TakeError(f"take {folder}: is being written right now; end it first")
        yield file
    finally:
        os.close(file)


def _judge_log(walked: Walked, problems: list[str]) -> None:
    end = walked.end
    if end.n and (end.n == 1 or not walked.broken) and ABOUT not in end.sizes:
        problems.append(f"{LOG}: its first record does not name {ABOUT}")
    if walked.broken and (walked.whole_lines_after or end.closed):
        problems.append(f"{LOG}: record {end.n} {walked.broken}; what comes after record {end.n - 1} cannot be checked")
    elif not end.closed:
        torn = f" and the last {walked.rest} bytes of the log are no record" if walked.rest else ""
        problems.append(f"it was never closed{torn}; antiphon take repair makes it whole")


def _judge_stem(folder: Path, name: str, wave: Wave, frames: int, problems: list[str], notes: list[str]) -> None:
    """Look at what no record has: the header, and what follows the last frame."""
    try:
        with open(folder / name, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            past = wave.head + frames * wave.frame_bytes
            padding = wave.padding(frames)
            if size < past + len(padding):
                problems.append(f"{name}: is cut short by {past + len(padding) - size} bytes")
                return
            if file.read(wave.head) != wave.header(frames, size - past):
                problems.append(f"{name}: its header is not the one that belongs to it")
            file.seek(past)
            if file.read(len(padding)) != padding:
                problems.append(f"{name}: the byte after its last frame is not as it was written")
            chunks = following(file, past + len(padding), size)
    except OSError as error:
        problems.append(f"{name}: cannot be read ({error.strerror})")
        return
    if chunks is None:
        problems.append(f"{name}: after its last frame is something that is no RIFF chunk")
        return
    for chunk, length in chunks:
        if chunk == _CREDENTIALS:
            notes.append(f"{name}: a C2PA manifest of {length} bytes follows; its own signature covers it")
        else:
            notes.append(f"{name}: a chunk {chunk!r} of {length} bytes was added since; nothing covers it")


def _of_others(name: str) -> str:
    if name in {f"{Path(stem).stem}.c2pa" for stem in STEMS}:
        return f"{name}: a C2PA manifest beside {Path(name).stem}.wav; its own signature covers it"
    return f"{name}: is not part of the take"


def _judge_size(folder: Path, name: str, recorded: int, problems: list[str]) -> None:
    try:
        size = (folder / name).stat().st_size
    except OSError as error:
        problems.append(f"{name}: cannot be read ({error.strerror})")
        return
    if size > recorded:
        problems.append(f"{name}: {size - recorded} bytes follow that no record has")
