"""A paced clock without a device: sound comes from an array or from nowhere, and goes to an array or nowhere.

The thread that keeps the pace is Python; what it calls is the same C `ap_block`, with the GIL released. It never runs
faster than real time, so a machine that stalls delays this clock and does not compress it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..block import BlockSpec
from ..errors import UsageError
from .driver import DeviceFrames, Format

IN_XRUN, OUT_XRUN = 2, 4
"""PortAudio's flags: input frames were lost before this block (overflow); the output had run dry (underflow)."""


@dataclass(frozen=True)
class Faults:
    """Faults to inject, drawn per block from `seed`: the same seed gives the same faults at the same blocks.

    jitter_s: a block comes up to this much late. stall: with this probability a block comes `stall_s` late, and the
    frames that came in meanwhile are lost, as with a real device: they are counted as one xrun in each direction.
    xrun: with this probability the device reports an xrun and one block of input is lost.
    """

    seed: int = 0
    jitter_s: float = 0.0
    stall: float = 0.0
    stall_s: float = 0.0
    xrun: float = 0.0


class DummyDriver:
    """The clock of a sound card that is not there.

    `source` is (frames, channels) float32 at `samplerate`, None for silence; `loop` repeats it, else silence follows
    and `finished` turns true `tail_s` later. `seconds` ends it earlier. `record` keeps what is put out (`recording`).
    `gate` is called before every block and may hold it back: tests use it to let two processes walk in step.
    `sink` is given every block put out, by the clock's thread; `close_sink` is called once, by `stop`.
    """

    name = "dummy"

    def __init__(
        self,
        samplerate: int = 48_000,
        blocksize: int = 128,
        in_channels: int = 1,
        out_channels: int = 1,
        *,
        source: np.ndarray | None = None,
        loop: bool = False,
        tail_s: float = 0.0,
        seconds: float | None = None,
        record: bool = False,
        faults: Faults | None = None,
        gate: Callable[[], None] | None = None,
        sink: Callable[[np.ndarray], None] | None = None,
        close_sink: Callable[[], None] | None = None,
        input_name: str = "silence",
        output_name: str = "none",
    ):
        if not 1 <= blocksize <= 8192:
            raise UsageError(f"blocksize {blocksize}: expected 1 .. 8192 frames")
        if source is not None:
            source = np.ascontiguousarray(source, np.float32).reshape(len(source), -1)
            in_channels = source.shape[1]
        self._format = Format(samplerate, blocksize, in_channels, out_channels)
        self._source, self._loop, self._at = source, loop, 0
        self._faults = faults
        self._random = np.random.default_rng(faults.seed if faults else 0)
        self._gate = gate
        self._kept: list[np.ndarray] | None = [] if record else None
        self._sink, self._close_sink = sink, close_sink
        self.notices: list[str] = []
        self._frames = 0
        ends = [] if seconds is None else [seconds * samplerate]
        if source is not None and not loop:
            ends.append(len(source) + tail_s * samplerate)
        self._end = min(ends) if ends else None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.input_name, self.output_name = input_name, output_name
        self.error: Exception | None = None

    def open(self) -> Format:
        return self._format

    def start(self, spec: BlockSpec) -> None:
        self._stop.clear()
        self.error = None
        self._thread = threading.Thread(target=self._run, args=(spec.make(),), name="antiphon-dummy", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join()
        self._thread = None
        if self._close_sink:
            close, self._close_sink, self._sink = self._close_sink, None, None
            close()

    def lost(self, blocks: int, frames: int) -> str | None:
        return f"the dummy clock stopped: {self.error}" if self.error else None

    def reopen(self, fall_back: bool) -> Format:
        self.stop()
        return self._format

    def interrupt(self) -> None:
        pass

    def device_frames(self) -> DeviceFrames:
        return DeviceFrames()

    @property
    def finished(self) -> bool:
        return self._end is not None and self._frames >= self._end

    def recording(self) -> np.ndarray:
        """Give all frames put out so far, (frames, out_channels) float32; only with `record`."""
        kept = list(self._kept or ())
        return np.concatenate(kept) if kept else np.zeros((0, self._format.out_channels), np.float32)

    def _run(self, block) -> None:
        try:
            self._keep_pace(block)
        except Exception as error:  # the thread has no caller to raise to; the supervisor asks `lost`
            self.error = error

    def _keep_pace(self, block) -> None:
        size, rate = self._format.blocksize, self._format.samplerate
        indata = np.zeros((size, self._format.in_channels), np.float32)
        due = time.monotonic()
        while not self._stop.is_set():
            late_s, lost_frames, flags = self._draw()
            due = max(due + size / rate, time.monotonic() - size / rate)
            wait = due + late_s - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            if self._gate:
                self._gate()
            self._take(None, lost_frames)
            self._take(indata, size)
            outdata = np.zeros((size, self._format.out_channels), np.float32)
            block.run(indata, outdata, flags)
            self._frames += size
            if self._kept is not None:
                self._kept.append(outdata)
            if self._sink:
                try:
                    self._sink(outdata)
                except UsageError as error:  # the recording ends here and is kept; the music goes on
                    self._sink = None
                    self.notices.append(str(error))

    def _draw(self) -> tuple[float, int, int]:
        """Give (seconds late, frames lost, flags) of the next block; the same draws whatever the machine does."""
        if not self._faults:
            return 0.0, 0, 0
        jitter, stall, xrun = self._random.random(3)
        late_s, lost, flags = jitter * self._faults.jitter_s, 0, 0
        if stall < self._faults.stall:
            late_s += self._faults.stall_s
            lost, flags = round(self._faults.stall_s * self._format.samplerate), IN_XRUN | OUT_XRUN
        if xrun < self._faults.xrun:
            lost, flags = lost + self._format.blocksize, IN_XRUN | OUT_XRUN
        return late_s, lost, flags

    def _take(self, into: np.ndarray | None, frames: int) -> None:
        """Move `frames` of the source into a block, or past it; silence where there is none."""
        if into is not None:
            into[:] = 0.0
        if self._source is None or not len(self._source):
            return
        done = 0
        while done < frames:
            if self._at >= len(self._source):
                if not self._loop:
                    return
                self._at = 0
            count = min(frames - done, len(self._source) - self._at)
            if into is not None:
                into[done : done + count] = self._source[self._at : self._at + count]
            self._at += count
            done += count
