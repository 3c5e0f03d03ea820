"""Whose fault was it? What was late or lost during a soak, each with its time, against what the machine did at that time.

Late steps are read out of the segment's step trace, blocks out of its block trace, underflows and flagged blocks off the counters some
fifty times a second. Beside them are the times at which a core stood still or another real-time program had the model's (standstill.py),
and those at which a client that does nothing was called late. Only what lies at the same time excuses: a bad minute of the machine
excuses nothing of any other minute.
"""

from __future__ import annotations

import time
from collections import deque

import numpy as np

from answering import following
from antiphon.layout import Segment
from antiphon.trace import Trace
from standstill import Standstill, is_ours, joined, overlap_s

FLAGS = ("input_underflows", "input_overflows", "output_underflows", "output_overflows")
HEAVY = 0.5
"""Share of a period that a block of ours may take, or be called late by, before an xrun beside it is ours."""
NEAR_S = 0.03
"""How far from a late step the underflow may have been seen that it made: one look."""
PLACED_S = 0.002
"""How well the records of steps are placed in time, a few looks after a worker began."""
_LOOKS = 100
_LIFE_S = 1800.0


class Placed:
    """Puts records that bear no times but how long each lasted on time.monotonic(): added up, and moved to where the looks say.

    The newest record of a look ended before it; of the last hundred looks the one that saw it soonest is believed.
    """

    def __init__(self):
        self._clock, self._offsets = 0.0, deque(maxlen=_LOOKS)

    def begin(self) -> None:
        """Another stretch: what is between the two lasted nobody knows how long."""
        self._offsets.clear()

    def add(self, now: float, lasted: np.ndarray) -> np.ndarray:
        """When each of these records ended, read at `now`: (n,)."""
        clock = self._clock + np.cumsum(lasted, dtype=np.float64)
        self._clock = float(clock[-1])
        self._offsets.append(now - self._clock)
        return clock + min(self._offsets)


class Seen:
    """What went wrong and when, in time.monotonic(), as it is read off the segment; the one reader of its traces. One thread."""

    def __init__(self):
        self.late: list[tuple[float, float, float, int]] = []
        """Late steps: when written, seconds late, seconds of lead and block before it was due, number of the step."""
        self.heavy: list[tuple[float, float, float]] = []
        """Blocks that took long: when begun, seconds taken, seconds of a period."""
        self.begun_late: list[tuple[float, float, float]] = []
        """Blocks that were called late: when begun, seconds since the one before, seconds of a period."""
        self.underflows: list[tuple[float, float, int]] = []
        self.flagged: list[tuple[float, float, int]] = []
        """Between which two looks, how many."""
        self.steps = self.xruns = 0
        self.realtime = False
        self._of: Segment | None = None
        self._trace: Trace | None = None
        self._places = Placed(), Placed()
        self._before: tuple[float, dict] | None = None
        self._room_s, self._hop = 0.0, -1.0

    def glance(self, segment: Segment) -> None:
        """The counters that have no trace, some fifty times a second."""
        began = time.monotonic()
        counters, now = segment.read_counters(), time.monotonic()
        if segment is not self._of:
            self._of, self._trace, self._before = segment, Trace(segment), None
            for place in self._places:
                place.begin()
        if self._before is not None:
            since, before = self._before
            if more := int(counters["underflows"] - before["underflows"]):
                self.underflows.append((since, now, more))
            # One xrun raises two flags of a block, so the largest counts and not the sum.
            if more := int(max(counters[name] - before[name] for name in FLAGS)):
                self.flagged.append((since, now, more))
                self.xruns += more
        self._before = began, counters

    def read(self, segment: Segment, blocksize: int, hop_frames: int) -> None:
        """The traces, often enough that their rings never fill (40 s)."""
        if segment is not self._of:
            return
        period_s, lead_s = blocksize / segment.samplerate, (segment.delay_frames - hop_frames - blocksize) / segment.samplerate
        room_s = min(self._room_s or np.inf, lead_s + period_s)  # a late step raises the lead, and was late by the one before
        self._room_s = lead_s + period_s
        now, blocks = time.monotonic(), self._trace.blocks().astype(np.float64) * 1e-6
        if len(blocks):
            self._take_blocks(now, blocks, period_s)
        now, steps = time.monotonic(), self._trace.steps()
        if len(steps):
            self._take_steps(now, steps, segment.samplerate, room_s)

    def _take_blocks(self, now: float, blocks: np.ndarray, period_s: float) -> None:
        spacing, took = blocks.T
        if (spacing == 0.0).any():  # another device
            self._places[0].begin()
        begun = self._places[0].add(now, spacing)
        slow, late = took > HEAVY * period_s, spacing > (1 + HEAVY) * period_s
        self.heavy += [(at, one, period_s) for at, one in zip(begun[slow].tolist(), took[slow].tolist(), strict=True)]
        self.begun_late += [(at, one, period_s) for at, one in zip(begun[late].tolist(), spacing[late].tolist(), strict=True)]

    def _take_steps(self, now: float, steps: np.ndarray, rate: int, room_s: float) -> None:
        hops, whole = steps["hop"], steps["whole_us"].astype(np.float64)
        if (np.diff(hops, prepend=np.float32(self._hop)) != 1).any():  # another worker
            self._places[1].begin()
        self._hop = float(hops[-1])
        written = self._places[1].add(now, 1e-6 * (whole + steps["wait_us"])) - 1e-6 * (whole - steps["step_us"])
        for n in np.flatnonzero(steps["slack_frames"] < 0).tolist():
            self.late.append((float(written[n]), float(-steps["slack_frames"][n]) / rate, room_s, self.steps + n))
        self.steps += len(steps)


class Standstills:
    """Watchers of the cores for as long as the soak lasts, and of the model through all its lives; what they saw at the end of each."""

    def __init__(self):
        self.spans = self.still = self.held = np.zeros((0, 2))
        """When some core stood still, when the model's did, and when one had it that is not the instrument."""
        self.sure = True
        self.blind: list[tuple[float, float]] = []
        """When nobody watched, for one life of the model ended and another began."""
        self._now: Standstill | None = None
        self._pid, self._since = None, 0.0

    def follow(self, pid: int | None) -> None:
        """Go on with this model; nothing to do where it is the same, and not so long ago that what was seen takes memory."""
        if pid is None or (pid == self._pid and time.monotonic() - self._since < _LIFE_S):
            return
        began = time.monotonic()
        self.end()
        self._now, self._pid = Standstill(pid).__enter__(), pid
        self._since = time.monotonic()
        self.blind.append((began, self._since))

    def end(self) -> None:
        """Take down what was seen till now."""
        if self._now is None:
            return
        stood, self._now = self._now, None
        stood.__exit__()
        self.sure &= stood.sure
        self.spans, self.still = joined(np.concatenate((self.spans, stood.spans))), joined(np.concatenate((self.still, stood.still)))
        self.held = joined(np.concatenate((self.held, stood.held, stood.helped)))


def steps_of_ours(late: list[tuple[float, float, float, int]], excuses: np.ndarray) -> np.ndarray:
    """Which late steps would have been late though nothing had stood still between when they could begin and when they were written:
    (n,) bool. It excuses as much as it lasted. A step that is late only for the late one before it shares its verdict."""
    if not late:
        return np.zeros(0, bool)
    at, late_s, room_s, number = np.array(late).T
    lost = np.array([overlap_s(excuses, *span) for span in zip(at - late_s - room_s - PLACED_S, at + PLACED_S, strict=True)])
    return following(number.astype(int), late_s, is_ours(lost, late_s, PLACED_S))


def underflows_of_ours(underflows: list[tuple[float, float, int]], late: list[tuple[float, float, float, int]], ours: np.ndarray) -> np.ndarray:
    """How many of the underflows between two looks each no excused late step explains: (n,). Those beside a step of ours are ours."""
    due = np.array([at - late_s for at, late_s, *_ in late])
    found = []
    for begin, end, count in underflows:
        near = (due >= begin - NEAR_S) & (due <= end + NEAR_S)
        found.append(max(min(count, int((near & ours).sum())), count - int((near & ~ours).sum())))
    return np.array(found, int)


def xruns_of_ours(flagged: list[tuple[float, float, int]], heavy: list, begun_late: list, empty_late: list, spans: np.ndarray) -> np.ndarray:
    """How many of the blocks flagged between two looks each stand beside a block of ours that was slow or late by itself: (n,).

    By itself: no core stood still meanwhile, and the client that does nothing, on the same server, was not called as late at that time.
    """
    others, by_s = (np.array(column) for column in (list(zip(*empty_late, strict=True)) or ((), ())))
    guilty = []
    for at, took, period in heavy:
        if overlap_s(spans, at, at + took) < took - HEAVY * period:
            guilty.append((at, at + took, period))
    for at, spacing, period in begun_late:
        beside = (np.abs(others - at) < 1.5 * period) & (by_s > spacing - HEAVY * period)
        if not beside.any() and overlap_s(spans, at - spacing, at) < spacing - (1 + HEAVY) * period:
            guilty.append((at - spacing, at, period))
    begins, ends, periods = np.array(guilty).reshape(-1, 3).T
    return np.array([count if ((begins <= now) & (ends + 3 * periods >= since)).any() else 0 for since, now, count in flagged], int)


def late_beats(beats: list[tuple[float, float]], t_s: np.ndarray, room_s: np.ndarray) -> np.ndarray:
    """Which wakings, (when due, seconds late), would have been a late step: later than what lead and median step left at that time."""
    if not beats or not len(t_s):
        return np.zeros(len(beats), bool)
    due, late_s = np.array(beats).T
    return late_s > room_s[np.clip(np.searchsorted(t_s, due, side="right") - 1, 0, len(t_s) - 1)]
