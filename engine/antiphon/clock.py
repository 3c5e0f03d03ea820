"""Frames, seconds and wall-clock times.

Time inside the instrument is the device's frame count and nothing else. The wall clock is looked at only to find the
frame that an OSC timetag means; it never paces anything.
"""

from __future__ import annotations

from collections import deque

_WINDOW = 64


def frames_to_ms(frames: float, samplerate: float) -> float:
    """Turn frames into milliseconds."""
    return 1000.0 * frames / samplerate


class FrameClock:
    """Say which device frame belongs to a wall-clock time.

    Fed with pairs (Unix seconds, frames counted so far) by the supervisor. The counter moves only when a block begins,
    so every pair lies on or below the true line; the highest of the last `_WINDOW` pairs is taken as the line. The
    error is below one block plus the time the callback waited. One thread at a time.
    """

    def __init__(self, samplerate: float):
        self.samplerate = samplerate
        self._offsets: deque[float] = deque(maxlen=_WINDOW)

    def observe(self, unix_s: float, frames: int) -> None:
        """Take one pair."""
        self._offsets.append(frames - unix_s * self.samplerate)

    def reset(self) -> None:
        """Forget all pairs; call it when the device was reopened, since no frames passed meanwhile."""
        self._offsets.clear()

    def frame_at(self, unix_s: float) -> int | None:
        """Give the device frame at a wall-clock time, None before the first pair."""
        if not self._offsets:
            return None
        return round(max(self._offsets) + unix_s * self.samplerate)
