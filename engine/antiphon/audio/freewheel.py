"""As fast as possible, deterministic: blocks run in the caller's thread when the caller asks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..block import BlockSpec, SoundBlock
from ..errors import UsageError
from .driver import DeviceFrames, Format


class FreewheelDriver:
    """A clock that stands still between calls of `run`.

    `after_block` is called after every block, in the same thread: that is where the model takes its step when it lives
    in this process, so that equal input gives equal output whatever the machine does.
    """

    name = "freewheel"
    input_name = "array"
    output_name = "array"
    notices = ()

    def __init__(self, samplerate: int = 48_000, blocksize: int = 128, in_channels: int = 1, out_channels: int = 1):
        if not 1 <= blocksize <= 8192:
            raise UsageError(f"blocksize {blocksize}: expected 1 .. 8192 frames")
        self._format = Format(samplerate, blocksize, in_channels, out_channels)
        self.after_block: Callable[[], None] = lambda: None
        self.finished = False
        self._block: SoundBlock | None = None

    def open(self) -> Format:
        return self._format

    def start(self, spec: BlockSpec) -> None:
        self._block = spec.make()

    def stop(self) -> None:
        self._block = None

    def lost(self, blocks: int, frames: int) -> str | None:
        return None

    def reopen(self, fall_back: bool) -> Format:
        return self._format

    def interrupt(self) -> None:
        pass

    def device_frames(self) -> DeviceFrames:
        return DeviceFrames()

    def run(self, indata: np.ndarray, flags: int = 0) -> np.ndarray:
        """Process (frames, in_channels) float32 and return (frames, out_channels) float32.

        The last block may be short; time goes on by exactly the frames given.
        """
        indata = np.ascontiguousarray(indata, np.float32).reshape(len(indata), -1)
        if indata.shape[1] != self._format.in_channels:
            raise UsageError(
                f"{indata.shape[1]} input channels given, the engine was opened with {self._format.in_channels}"
            )
        outdata = np.zeros((len(indata), self._format.out_channels), np.float32)
        for start in range(0, len(indata), self._format.blocksize):
            stop = start + self._format.blocksize
            self._block.run(indata[start:stop], outdata[start:stop], flags)
            self.after_block()
        return outdata
