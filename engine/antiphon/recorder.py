"""Takes as they are recorded: a thread that carries tape, journal and events to the disk, and may wait for it as long as it likes.

Nothing waits for this thread. Where the disk stands still for longer than the tape holds (ten seconds and more) what is
missing becomes silence, counted and said; where it takes no more, the take ends there, whole, and the music goes on.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from . import journal
from .diary import LEFT
from .errors import AntiphonError, UsageError
from .events import Event
from .kernels import Ring, lib
from .layout import Segment
from .provenance.mark import Payload
from .take import TakeSpec, TakeSummary, TakeWriter
from .tape import Tape

_LOOK_S = 0.05
_MOST_EVENTS = 100_000  # that wait for a disk that stands still
_STATE_WAIT_S = 20.0
_LAST_WORDS_S = 0.3  # the model's last steps reach the journal after the tape has stopped
_RELEASE_S = 2.0
_PIECE = 65_536


class Recorder:
    """One take: its folder is made at once, `start` lets it run. `event`, `release` and `stop` are for the control thread, all else
    is its own thread's; `failed` says why it ended by itself.

    `look` gives what is so now, for the log's record of each second. `states` is where the model process leaves its state.
    `sign` is called with the folder when it is whole, and gives a line to say or none.
    """

    def __init__(
        self,
        segment: Segment,
        folder: Path,
        payload: Payload,
        about: dict,
        look: Callable[[], dict],
        say: Callable[[str], None],
        states: Path | None = None,
        sign: Callable[[Path], str] | None = None,
    ):
        """Raises UsageError where there can be no take in `folder`."""
        self.folder, self.payload = folder, payload
        self._look, self._say, self._states, self._sign = look, say, states, sign
        self.rate = segment.samplerate
        spec = TakeSpec(folder, segment.samplerate, segment.in_channels, segment.out_channels, payload.hex, about)
        self._writer = TakeWriter(spec)
        for old in states.glob(f"{LEFT}-*") if states else ():  # put down when a take before this one had just ended: memory
            old.unlink(missing_ok=True)
        self._tape: Tape | None = None
        self._journal: Ring | None = None
        self._reading, self._gone = threading.Lock(), True  # the segment may be unmapped as soon as it is gone
        self._events: deque[tuple[int, Event]] = deque()
        self._events_lost = 0
        self._epoch = 0
        self._origin = 0  # clock at the take's frame 0, as the present epoch of the tape has it
        self._left = b""  # of the journal, a record that is not whole yet
        self._begins: list[tuple[str, str, float]] = []  # states to come: name, name in the take, when to give up
        self._recorded = 0  # frames at the last record
        self.gap_frames = 0
        """Frames that are missing so far, and silent."""
        self.summary: TakeSummary | None = None
        self.failed = ""
        self._stopping, self._written, self._reason = threading.Event(), threading.Event(), ""
        self._thread = threading.Thread(target=self._run, name="antiphon-take", daemon=True)

    def start(self, segment: Segment) -> None:
        """Let the tape of this segment run, and record it. Waits for nothing; the segment must not go while this is called."""
        self._tape, self._journal, self._gone = Tape(segment), Ring(pointer=lib.ap_segment_journal(segment.pointer)), False
        self._journal.skip(self._journal.readable)
        self._tape.close()  # whoever had it before and hangs in a disk: what they left is not of this take
        self._tape.open()
        self._thread.start()

    def discard(self, reason: str) -> None:
        """End it where there is nothing to record any more, instead of `start`. Raises TakeError where the disk takes no more."""
        self.summary = self._writer.close(reason)

    @property
    def seconds(self) -> float:
        """Seconds recorded so far."""
        return self._writer.frames / self.rate

    @property
    def running(self) -> bool:
        """Whether it still records."""
        return self.summary is None and not self.failed

    def event(self, event: Event, clock: int) -> None:
        """Take down what was accepted; `clock` is the frame at which it counts."""
        if len(self._events) < _MOST_EVENTS:
            self._events.append((clock, event))
        else:
            self._events_lost += 1

    def release(self, reason: str) -> None:
        """End the take, and wait until the segment is needed no more: a moment, and two seconds at most. It is finished, and signed, after that."""
        self._reason = self._reason or reason
        self._stopping.set()
        self._written.wait(_RELEASE_S)
        self._let_go()

    def stop(self, reason: str, wait_s: float | None = None) -> TakeSummary | None:
        """End the take and wait until it is whole and signed; None where the disk lets it hang longer than `wait_s`, or it had failed."""
        self._reason = self._reason or reason
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(wait_s)
        self._let_go()
        return self.summary

    def _let_go(self) -> None:
        """The tape stops, and nothing of the segment is touched any more."""
        with self._reading:
            if not self._gone:
                self._tape.close()
            self._gone = True

    def _run(self) -> None:
        try:
            while not self._stopping.wait(_LOOK_S):
                self._carry()
            self._carry()
            self._ask(self._tape.close)
            until = time.monotonic() + _LAST_WORDS_S
            while time.monotonic() < until:
                self._carry()
                time.sleep(_LOOK_S)
            if self._epoch:
                self._record()
            self._let_go()
            self._written.set()
            summary = self._writer.close(self._reason)
        except AntiphonError as error:
            self._give_up(str(error))
            return
        except Exception as error:  # a thread has nobody to raise to
            self._give_up(f"take {self.folder}: {type(error).__name__}: {error}; antiphon take repair {self.folder}")
            return
        words = self._sign(self.folder) if self._sign else ""
        if words:
            self._say(words)
        self.summary = summary

    def _give_up(self, line: str) -> None:
        self._let_go()
        self._written.set()
        self._say(line)
        self.failed = line

    def _carry(self) -> None:
        """Bring everything that is there to the disk."""
        begun = self._ask(self._tape.begun)
        if begun and begun.epoch != self._epoch:
            self._begin(begun)
        self._read_journal()
        broken = self._ask(lambda: self._tape.broken)  # before what is left on it is read: nothing comes after it was
        while self._epoch:
            if self._writer.frames - self._recorded >= self.rate:
                self._record()
            frames = min(_PIECE, self.rate - (self._writer.frames - self._recorded))
            sound = self._ask(lambda: self._tape.read(frames))  # noqa: B023  called at once
            if sound is None or not len(sound[0]):
                break
            self._writer.sound(*sound)
        self._take_down_events()
        self._take_in_states()
        if broken:
            self._ask(self._tape.close)
            self._ask(self._tape.open)

    def _ask(self, what: Callable):
        """Call something of the segment's, while it is there."""
        with self._reading:
            return None if self._gone else what()

    def _begin(self, begun) -> None:
        """An epoch of the tape begins: the first, or after a gap."""
        self._ask(lambda: self._tape.skip_to(begun.position))
        if not self._epoch:
            self._origin = begun.clock - self._writer.frames
        missing = begun.clock - self._origin - self._writer.frames
        if missing > 0:
            self._writer.gap(missing, "the disk was too slow" if self._epoch else "")
            self.gap_frames += missing
            if self.gap_frames == missing:  # once
                self._say(f"take {self.folder}: the disk is too slow, {missing / self.rate:.1f} s are missing")
        self._origin = begun.clock - self._writer.frames
        self._epoch = begun.epoch
        about = {"epoch": begun.epoch, "clock": begun.clock, "frame": self._writer.frames}
        self._writer.step(journal.record(journal.TAPE, json.dumps(about).encode()))

    def _record(self) -> None:
        self._read_journal()
        self._take_down_events()
        self._recorded = self._writer.frames
        self._writer.second({"utc": datetime.now(UTC).isoformat(timespec="milliseconds"), "payload": self.payload.hex,
                             "events_lost": self._events_lost, **self._look()})  # fmt: skip

    def _read_journal(self) -> None:
        words = self._ask(lambda: self._journal.read(self._journal.readable))
        data = self._left + (b"" if words is None else words.tobytes())
        whole = journal.whole(data)
        if not self._epoch:  # it has begun since it was looked for: next time
            whole = 0
        data, self._left = data[:whole], data[whole:]
        if not data:
            return
        self._writer.step(data)
        for kind, content in journal.records(data):
            if kind == journal.NOTE:
                who, position, frames, pitch, loudness_db = content
                if pitch > 0:  # strokes have none
                    self._writer.note(who, position - self._origin, frames, pitch, loudness_db)
            elif kind == journal.BEGIN and content["state"]:
                self._begins.append((content["state"], journal.state_name(content), time.monotonic() + _STATE_WAIT_S))

    def _take_down_events(self) -> None:
        while self._epoch and self._events:
            clock, event = self._events.popleft()
            self._writer.event(replace(event, time_frame=max(clock - self._origin, 0)))

    def _take_in_states(self) -> None:
        for awaited in tuple(self._begins) if self._states else ():
            left, name, until = awaited
            try:
                content = (self._states / left).read_bytes()
                (self._states / left).unlink()
            except OSError:  # not there yet; or never, where its model process was ended meanwhile
                if time.monotonic() > until:
                    self._begins.remove(awaited)
                continue
            self._begins.remove(awaited)
            self._writer.put(name, content)


def free_folder(folder: Path) -> Path:
    """Give the folder itself where it is new or empty, else the next free name beside it.

    Raises UsageError for what can be no folder of a take: no name of one, a line break in it, too long, out of reach.
    """
    if any(char < " " or char == "\x7f" for char in str(folder)):
        raise UsageError(f"take {str(folder)!r}: is no name in one line of text; choose another")
    try:
        for number in range(1, 10_000):
            tried = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
            if not tried.exists() or (tried.is_dir() and not any(tried.iterdir())):
                return tried
            if folder.name in ("", ".."):
                raise UsageError(f"take {folder}: holds something already; name a new folder, {folder / 'take-1'} may be free")
    except OSError as error:
        raise UsageError(f"take {folder}: cannot be had ({error.strerror}); choose another") from None
    raise UsageError(f"take {folder}: there are too many of that name; choose another")
