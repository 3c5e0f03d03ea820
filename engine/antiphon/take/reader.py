"""Read a take: what it is, its events, steps and notes, one after the other. Whether it is whole is for check.py to say."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import UsageError
from ..events import Event
from .chain import lines
from .form import EVENTS, LINE_MOST, LOG, NOTES, STEPS, disclosure, performer, read_about

_STEP_MOST = 64 << 20


class Take:
    """A take on disk, being written or not. Raises UsageError for a folder that is none.

    `about` is its take.json. `frames`, `closed` and `reason` are those of the last record when it was opened. What is read
    is not checked; a line or a step that was cut off ends the reading.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.about, _ = read_about(self.folder)
        self.samplerate: int = self.about["samplerate"]
        self.id: str = self.about["id"]
        last = self._last()
        self.frames: int = last.get("frames", 0)
        self.closed = last.get("kind") == "end"
        self.reason: str = last.get("reason", "")
        self.head: str = last.get("hash", "")

    @property
    def seconds(self) -> float:
        return self.frames / self.samplerate

    @property
    def performer(self) -> str:
        """Who played; "" where nobody said."""
        return performer(self.about)

    def path(self, name: str) -> Path:
        """Give the path of one of its files."""
        return self.folder / name

    def words(self, stem: str) -> str:
        """Say in a line what a stem is made of."""
        return disclosure(self.about, stem)

    def events(self) -> Iterator[Event]:
        """Yield every accepted event, in the order of the take; `time_frame` counts from its first frame."""
        for line in self._lines(EVENTS):
            value = line["value"]
            yield Event(line["path"], tuple(value) if isinstance(value, list) else value, line["frame"], line["source"])

    def notes(self) -> Iterator[dict]:
        """Yield every note when it ended: who, frame, length (frames), pitch (semitones), loudness_db."""
        return self._lines(NOTES)

    def answers(self) -> Iterator[dict]:
        """Yield what each answer was nearest to, as `Attribution.as_json` has it, in the order in which they ended."""
        for record in self.records():
            yield from record.get("state", {}).get("answered", ())

    def records(self) -> Iterator[dict]:
        """Yield the records of the log, unchecked."""
        return self._lines(LOG)

    def steps(self) -> Iterator[bytes]:
        """Yield each step as it was given to `TakeWriter.step`."""
        with self._open(STEPS) as file:
            while len(head := file.read(4)) == 4:
                length = int.from_bytes(head, "little")
                if length > _STEP_MOST or len(step := file.read(length)) < length:
                    return
                yield step

    def _open(self, name: str):
        try:
            return open(self.folder / name, "rb")
        except OSError as error:
            raise UsageError(f"take {self.folder}: {name} cannot be read ({error.strerror})") from None

    def _lines(self, name: str) -> Iterator[dict]:
        with self._open(name) as file:
            for line in lines(file):
                try:
                    content = json.loads(line)
                except (ValueError, RecursionError):
                    return
                if not line.endswith(b"\n") or not isinstance(content, dict):
                    return
                yield content

    def _last(self) -> dict:
        """Find the last whole line of the log without reading the whole of it."""
        with self._open(LOG) as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(size - 2 * LINE_MOST, 0))
            whole = file.read().rpartition(b"\n")[0].rpartition(b"\n")[2]
        try:
            last = json.loads(whole)
        except (ValueError, RecursionError):
            return {}
        return last if isinstance(last, dict) else {}
