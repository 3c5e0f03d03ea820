"""What the real-time side says of itself: a record of each block and of each step, read out of the segment.

The callback (`ap_timed`) and the model's worker leave these records always and wait for nobody: where nobody reads, the rings
are full after some 40 s and what comes then is dropped. Nothing that is heard depends on them.
"""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import numpy as np

from .kernels import Ring
from .layout import STEP_FIELDS, Segment, SegmentError

BLOCK_FIELDS = ("spacing_us", "took_us")
"""Since the begin of the block before, 0 for the first of a device; and how long the block function took."""

STEP_TYPE = np.dtype([(name, np.float32) for name in STEP_FIELDS])

_READ_S = 0.25
_PLACED_BY = 0.1  # the share of looks at the clock that may have been held up between the look and the reading


class Trace:
    """The one reader of a segment's two traces, from the moment it is made; valid while the segment is. One thread at a time."""

    def __init__(self, segment: Segment):
        self._blocks, self._steps = Ring(pointer=segment.trace_blocks), Ring(pointer=segment.trace_steps)
        for ring in (self._blocks, self._steps):
            ring.skip(ring.readable)

    def blocks(self) -> np.ndarray:
        """Give the records of the blocks since the last call, (n, 2) float32: spacing_us, took_us."""
        return self._blocks.read(self._blocks.readable)

    def steps(self) -> np.ndarray:
        """Give the records of the steps since the last call, (n,) with the fields of STEP_FIELDS, float32 each."""
        return self._steps.read(self._steps.readable).view(STEP_TYPE)[:, 0]


class TraceLog:
    """A thread that reads an engine's traces four times a second and keeps all of them, from `with` to its end.

    For engines that keep their own time (dummy, portaudio), between their start and their stop; one for an engine at a time. Where
    the device came back as another one, with a segment of its own, it goes on with that; what the old one had written since the
    last look is lost. `begun_s` and `ended_s` are time.monotonic() of the first and the last look.

    The records bear no times but differences. `block_times` and `step_times` add these up and put them on time.monotonic() by what
    was there at each look: to about a block, and with any delay between two records of one stretch exact.
    """

    def __init__(self, engine):
        self._engine = engine
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="antiphon-trace", daemon=True)
        self._of = ""  # the name of the segment that is read
        self._segment: Segment | None = None  # a mapping of our own: the engine may close its own, and waits for no reading
        self._trace: Trace | None = None
        self._blocks, self._steps = _Kept(np.zeros((0, 2), np.float32)), _Kept(np.zeros(0, STEP_TYPE))
        self.begun_s = self.ended_s = 0.0

    def __enter__(self) -> TraceLog:
        self.begun_s = time.monotonic()
        self._read()
        self._thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._over.set()
        self._thread.join()
        self._read()
        self._leave()

    @property
    def blocks(self) -> np.ndarray:
        """All records of blocks so far, (n, 2) float32: spacing_us, took_us."""
        return self._blocks.records()

    @property
    def steps(self) -> np.ndarray:
        """All records of steps so far, (n,) with the fields of STEP_FIELDS, float32 each."""
        return self._steps.records()

    def block_times(self) -> np.ndarray:
        """Give time.monotonic() at the begin of each of `blocks`, (n,) float64."""
        spacing = self.blocks[:, 0]
        return self._blocks.placed(1e-6 * spacing.astype(np.float64), spacing == 0.0)

    def step_times(self) -> np.ndarray:
        """Give time.monotonic() at the end of each of `steps`, (n,) float64."""
        steps = self.steps
        lasted = 1e-6 * (steps["wait_us"].astype(np.float64) + steps["whole_us"])
        # Not the next hop: another worker, which does not know how long there was none. Where it is the same one, no harm is done.
        return self._steps.placed(lasted, np.diff(steps["hop"], prepend=np.float32(-1)) != 1)

    def _run(self) -> None:
        while not self._over.wait(_READ_S):
            self._read()

    def _read(self) -> None:
        name = self._engine.look(lambda segment: segment.name)
        if name and name != self._of:
            self._attach(name)
        if self._trace is None:
            return
        # The clock before the reading: that lets go of the interpreter's lock, and may wait long to have it back.
        self.ended_s = time.monotonic()
        self._blocks.add(self.ended_s, self._trace.blocks())
        self.ended_s = time.monotonic()
        self._steps.add(self.ended_s, self._trace.steps())

    def _attach(self, name: str) -> None:
        try:
            segment = Segment.attach(name)
        except SegmentError:  # it has just gone; the next look finds its successor
            return
        self._leave()
        self._of, self._segment, self._trace = name, segment, Trace(segment)
        self._blocks.begin(), self._steps.begin()

    def _leave(self) -> None:
        if self._segment is not None:
            self._segment.close()
        self._of, self._segment, self._trace = "", None, None


class _Kept:
    """Records as they were read, and what the clock said when they were."""

    def __init__(self, none: np.ndarray):
        self._parts = [none]
        self._count = 0
        self._begins: list[int] = []  # records before the first of each segment
        self._looks: list[tuple[int, float]] = []  # (records by then, time.monotonic())

    def begin(self) -> None:
        self._begins.append(self._count)

    def add(self, now: float, records: np.ndarray) -> None:
        if len(records):
            self._count += len(records)
            self._looks.append((self._count, now))
            self._parts.append(records)

    def records(self) -> np.ndarray:
        return np.concatenate(self._parts)

    def placed(self, lasted: np.ndarray, anew: np.ndarray) -> np.ndarray:
        """Add up how long each record lasted, and put each stretch that begins where `anew` is true, or at a segment, in its place.

        The newest record of a look ended before it, and less than one record's time before. So each look says when the stretch
        began, if late by up to that much; a low quantile of all is near the truth, and no single look that was held up moves it.
        """
        clock = np.cumsum(lasted)
        bounds = sorted({0, *np.flatnonzero(anew).tolist(), *self._begins, len(clock)})
        for first, past in pairwise(bounds):
            looks = [(count, look) for count, look in self._looks if count > first]
            looks = [(count, look) for count, look in looks if count <= past] or looks[:1]
            clock[first:past] += np.quantile([look - clock[min(count, past) - 1] for count, look in looks], _PLACED_BY)
        return clock
