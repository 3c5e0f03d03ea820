"""The one block function with its memory, and what a driver needs to know to make it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from .errors import UsageError
from .kernels import Block, Timed, ffi, lib
from .layout import Segment

FADE_S = 0.005
"""How fast the voice fades when its ring runs short, and comes back."""
_RELEASE_S = 0.08
_CEILING = 0.98


@dataclass(frozen=True)
class BlockSpec:
    """A segment, the block and what its targets are to begin with: enough to make a SoundBlock.

    Gains are linear; `lowpass` and `highpass` are the voice's cutoffs in Hz (20000 and 20: off), `resonance` 0..1 is of both,
    `sends` the voice's gain in each of the first eight outputs: all as the block's targets take them (ap_block.h).
    A driver in this process calls `make`; one with a process of its own sends it there as JSON.
    """

    segment: Segment
    blocksize: int
    dry: float = 1.0
    voice: float = 1.0
    master: float = 1.0
    fade_s: float = FADE_S
    lowpass: float = 20000.0
    highpass: float = 20.0
    resonance: float = 0.0
    sends: tuple[float, ...] = (1.0,) * lib.AP_SENDS

    def make(self) -> SoundBlock:
        return SoundBlock(self)

    def as_json(self) -> str:
        """Write it for another process; only for a segment that has a name."""
        return json.dumps(
            {
                "segment": self.segment.name,
                "blocksize": self.blocksize,
                "dry": self.dry,
                "voice": self.voice,
                "master": self.master,
                "fade_s": self.fade_s,
                "lowpass": self.lowpass,
                "highpass": self.highpass,
                "resonance": self.resonance,
                "sends": self.sends,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> BlockSpec:
        """Read it in the other process, and attach to the segment. Raises SegmentError."""
        values = json.loads(text)
        return cls(Segment.attach(values.pop("segment")), **values | {"sends": tuple(values["sends"])})


class SoundBlock:
    """`ap_block` bound to a segment, and timed into its trace. `run` and the C callback are for the one thread that is the clock.

    The memory must outlive the stream that calls it: keep the object until the driver has stopped.
    """

    def __init__(self, spec: BlockSpec):
        rate = spec.segment.samplerate
        self.segment = spec.segment
        self.segment.lock_memory()
        self._block = Block(
            spec.segment.pointer,
            slice_frames=require_blocksize(spec.blocksize),
            fade_frames=max(1, round(spec.fade_s * rate)),
            dry_gain=spec.dry,
            voice_gain=spec.voice,
            master_gain=spec.master,
            ceiling=_CEILING,
            release_frames=_RELEASE_S * rate,
            lowpass_hz=spec.lowpass,
            highpass_hz=spec.highpass,
            resonance=spec.resonance,
            send_gain=spec.sends,
        )
        self._timed = Timed(lib.ap_portaudio, self._block.pointer, spec.segment.trace_blocks)
        self.callback, self.userdata = self._timed.callback, self._timed.userdata

    def run(self, indata: np.ndarray, outdata: np.ndarray, flags: int = 0) -> None:
        """Process one block, (frames, channels) float32, C-contiguous; the GIL is released meanwhile."""
        lib.ap_timed(
            ffi.from_buffer(indata), ffi.from_buffer(outdata), len(outdata), ffi.NULL, flags, self.userdata
        )


def require_blocksize(blocksize: int) -> int:
    """Give it back, or raise UsageError for a block that the kernels do not take."""
    if not 1 <= blocksize <= lib.AP_BLOCK_FRAMES_MAX:
        raise UsageError(f"blocksize {blocksize}: expected 1 .. {lib.AP_BLOCK_FRAMES_MAX} frames; 128 is usual")
    return blocksize
