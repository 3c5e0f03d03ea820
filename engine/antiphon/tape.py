"""The tape in the shared segment: what came in, the voice and what went out, frame beside frame, while a take runs.

The callback writes it, one recorder reads it. An epoch of it has no gap; where it was broken off (nobody read it for too long) it
is opened anew and says where it begins.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .kernels import Ring, ffi, lib
from .layout import Segment


class Begun(NamedTuple):
    """Where an epoch of the tape begins: its odd number, the clock at its first frame, that frame's position in the rings."""

    epoch: int
    clock: int
    position: int


class Tape:
    """The recorder's side; one thread. Reading copies, never waits."""

    def __init__(self, segment: Segment):
        self._segment = segment.pointer
        self._dry, self._voice, self._mix = (
            Ring(pointer=part(segment.pointer)) for part in (lib.ap_segment_tape_dry, lib.ap_segment_tape_voice, lib.ap_segment_tape_mix)
        )

    def open(self) -> None:
        """Let it run from the next block on."""
        lib.ap_segment_tape_open(self._segment)

    def close(self) -> None:
        """Stop it; what is on it can still be read."""
        lib.ap_segment_tape_close(self._segment)

    @property
    def broken(self) -> bool:
        """Whether the callback has broken it off: read what is there, close, open."""
        return bool(lib.ap_segment_tape_broken(self._segment))

    def begun(self) -> Begun | None:
        """Where it begins; None until the callback has begun it."""
        return begun(self._segment)

    def skip_to(self, position: int) -> None:
        """Drop what an earlier epoch left."""
        for ring in (self._dry, self._voice, self._mix):
            ring.skip(max(position - ring.position, 0))

    def read(self, frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Take up to `frames`: dry (n, in_channels), voice (n,), mix (n, out_channels), float32, new arrays of one length."""
        frames = min(frames, self._mix.readable)  # it is written last
        return self._dry.read(frames), self._voice.read(frames)[:, 0], self._mix.read(frames)


def begun(segment) -> Begun | None:
    """Where the tape of an `ap_segment *` begins that runs now; None where none does."""
    clock, position = ffi.new("uint64_t *"), ffi.new("uint64_t *")
    epoch = int(lib.ap_segment_tape_epoch(segment))
    if not lib.ap_segment_tape_begun(segment, clock, position) or epoch != int(lib.ap_segment_tape_epoch(segment)):
        return None
    return Begun(epoch, int(clock[0]), int(position[0]))
