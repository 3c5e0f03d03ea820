"""What a driver is: a clock that calls `ap_block` with blocks of frames, with or without a device behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Format:
    """What a driver runs at, settled when it is opened. `blocksize` is the most frames it hands over at once."""

    samplerate: int
    blocksize: int
    in_channels: int
    out_channels: int


@dataclass(frozen=True)
class DeviceFrames:
    """What lies outside our callback, in frames, and who says so: reported, measured or none."""

    input: float = 0.0
    output: float = 0.0
    source: str = "none"


class Block(Protocol):
    """The one block function, as a driver sees it."""

    callback: object
    """cffi pointer to the C callback for PortAudio, or None."""
    userdata: object
    """cffi pointer handed back to that callback."""

    def run(self, indata: np.ndarray, outdata: np.ndarray, flags: int) -> None:
        """Process one block in the calling thread: (frames, channels) float32, C-contiguous; releases the GIL."""


class Driver(Protocol):
    """A clock. `open`, `start`, `stop`, `close` and `lost` are called by the supervisor or the control thread only."""

    name: str
    input_name: str
    output_name: str

    def open(self) -> Format:
        """Settle devices, rates and channels; sound does not run yet. Raises DeviceError or UsageError."""

    def start(self, block: Block) -> None:
        """Let blocks run. Raises DeviceError."""

    def stop(self) -> None:
        """Let no further block run and give the device back; may be called twice, and after a loss."""

    def lost(self, blocks: int) -> str | None:
        """Say why no blocks come any more, or None; `blocks` is the callback's count of blocks so far."""

    def device_frames(self) -> DeviceFrames:
        """Give the device's share of the latency."""

    @property
    def finished(self) -> bool:
        """Tell whether the input came to its end (a file) or the asked time is up."""
