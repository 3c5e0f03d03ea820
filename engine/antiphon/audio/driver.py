"""What a driver is: a clock that calls `ap_block` with blocks of frames, with or without a device behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..block import BlockSpec


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


class Driver(Protocol):
    """A clock. All but `interrupt` is called by the supervisor or the control thread only."""

    name: str
    input_name: str
    output_name: str
    notices: Sequence[str]
    """Lines for the performer; the supervisor takes them out."""

    def open(self) -> Format:
        """Settle devices, rates and channels; sound does not run yet. Raises DeviceError or UsageError."""

    def start(self, spec: BlockSpec) -> None:
        """Make the block and let it run. Raises DeviceError."""

    def stop(self) -> None:
        """Let no further block run and give the device back; may be called twice, and after a loss."""

    def lost(self, blocks: int, frames: int) -> str | None:
        """Say why no blocks come any more, or None; `blocks` and `frames` are the callback's counts so far."""

    def reopen(self, fall_back: bool) -> Format:
        """Look for the device anew after a loss, or with `fall_back` for any. DeviceError while there is none."""

    def interrupt(self) -> None:
        """Any thread, before `stop`: let `reopen` and `start` fail at once where they wait for a device."""

    def device_frames(self) -> DeviceFrames:
        """Give the device's share of the latency."""

    @property
    def finished(self) -> bool:
        """Tell whether the input came to its end (a file) or the asked time is up."""
