"""MIDI clock: 24 ticks a quarter note, in and out."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence

from .midifollow import MidiOut
from .pulse import Grid, Pulse

TICK, START, CONTINUE, STOP, POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
CLOCK_BYTES = (TICK, START, CONTINUE, STOP, POSITION)
PER_BEAT = 24
_PER_SIXTEENTH = 6
_GONE_S = 2.0
_SLEEP_S = 0.05
_LEAP = PER_BEAT / 2  # ticks
_SOURCE = "midi clock"


class ClockIn:
    """Follows the clock of one port, the first that ticks, until that has been silent for two seconds. Control thread only.

    Start and Continue say where the song is, and from them on the beats count, in bars of four. A clock that is met in
    the middle of its song gives its tempo, no beat. Stop, and silence, clear the beat; the tempo stays.
    """

    def __init__(self, pulse: Pulse, log: Callable[[str], None] = lambda line: None):
        self._pulse, self._log = pulse, log
        self._port = ""
        self._last_s = -math.inf
        self._tick = 0  # of the song, the next one's
        self._idle = 0  # those since it stopped
        self._state = "met"  # or running, or stopped
        self._told: set[str] = set()

    def take(self, port: str, data: Sequence[int], device_s: float) -> None:
        """Take a clock message that came at a device time."""
        status = data[0]
        if port != self._port:
            if self._port and device_s - self._last_s < _GONE_S:
                return
            if status == STOP:
                return
            self._drop()
            self._port = port
            if port not in self._told:
                self._told.add(port)
                self._log(f"MIDI clock from {port}" + ("" if self._pulse.may(_SOURCE) else "; it is followed with sync midi"))
        self._last_s = device_s
        if status == TICK:
            if self._state == "stopped":
                self._pulse.listen(device_s, (self._tick + self._idle) / PER_BEAT)
                self._idle += 1
            else:
                self._pulse.mark(device_s, self._tick / PER_BEAT, placed=self._state == "running")
                self._tick += 1
        elif status == START:
            self._tick, self._state = 0, "running"
        elif status == CONTINUE:
            self._state = "running"
        elif status == STOP:
            self._state, self._idle = "stopped", 0
            self._pulse.stop(_SOURCE)
        elif status == POSITION and len(data) == 3:
            self._tick = ((data[1] & 127) | (data[2] & 127) << 7) * _PER_SIXTEENTH

    def look(self, device_s: float) -> None:
        """See whether the clock has gone silent; once a second will do."""
        if self._port and device_s - self._last_s > _GONE_S:
            self._drop()

    def gone(self, port: str) -> None:
        """The port is no longer there."""
        if port == self._port:
            self._drop()

    def _drop(self) -> None:
        if self._port:
            self._pulse.stop(_SOURCE)
        self._port, self._tick, self._state = "", 0, "met"


class ClockOut:
    """Sends the tempo in force as a clock, in a thread of its own; as punctual as Python lets it be.

    Where the beat is known, ticks fall on it, and Start is sent before a bar's first (or a beat, where nobody knows the
    bars); Stop when it is no longer known. A tempo without a beat ticks on from where it was. Without a tempo, since it is
    the performer's, nothing is sent.
    """

    def __init__(self, out: MidiOut, pulse: Pulse):
        self._out, self._pulse = out, pulse
        self._next = 0  # ticks since the grid's beat 0
        self._free: Grid | None = None
        self._bars: tuple[bool, bool] | None = None
        self._started = False
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to send."""
        self._thread = threading.Thread(target=self._run, name="antiphon-midi-clock", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send Stop and no more. Harmless when called twice."""
        self._ending.set()
        if self._thread:
            self._thread.join(1.0)
            self._thread = None
        self._stop()

    def step(self, now_s: float) -> float:
        """Send what is due at a device time; gives how long to wait then, in s."""
        grid, placed = self._grid(now_s)
        if grid is None:
            self._stop()
            return _SLEEP_S
        at = grid.at(now_s) * PER_BEAT
        if self._bars != (placed, grid.bars) or abs(at - self._next) > _LEAP:
            self._stop()  # another beat than the one we were on
            self._bars, self._next = (placed, grid.bars), math.ceil(at)
        sent = 0
        while self._next <= at and sent < _LEAP:
            if placed and not self._started and self._next % (PER_BEAT * (4 if grid.bars else 1)) == 0:
                self._started = True
                self._out.send(START)
            self._out.send(TICK)
            self._next += 1
            sent += 1
        return min(max(grid.when(self._next / PER_BEAT) - now_s, 0.0), _SLEEP_S)

    def _grid(self, now_s: float) -> tuple[Grid | None, bool]:
        grid = self._pulse.grid
        if grid is not None:
            self._free = grid
            return grid, True
        bpm = self._pulse.bpm
        if bpm is None:
            self._free = None
        elif self._free is None or self._free.bpm != bpm:
            self._free = Grid(now_s, self._free.at(now_s) if self._free else 0.0, bpm)
        return self._free, False

    def _stop(self) -> None:
        if self._started:
            self._started = False
            self._out.send(STOP)

    def _run(self) -> None:
        while not self._ending.is_set():
            now_s = self._pulse.now_s()
            wait_s = _SLEEP_S if now_s is None else self.step(now_s)
            if wait_s > 0.002:
                self._ending.wait(wait_s - 0.001)
            else:
                time.sleep(wait_s)
