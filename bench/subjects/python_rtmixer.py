"""python-rtmixer: its callback is C and moves sound between ring buffers; from input to output goes a thread in Python."""

from __future__ import annotations

import threading
import time

import adapter
import numpy as np

AHEAD_S = 0.01
"""What lies in the ring that is played, to begin with, and so what the thread may be late by. Its user chooses; this is usual."""
LOOK_S = 0.001
RING_FRAMES = 1 << 15


def load():
    """Import python-rtmixer. Ends the program where it is not installed."""
    try:
        import rtmixer
    except ImportError:
        adapter.skip("python-rtmixer is not installed; pip install rtmixer")
    return rtmixer


class Through:
    """The thread: what was recorded, times gain, into what is played. A ring that runs empty ends its action, so it starts anew."""

    def __init__(self, rtmixer, stream):
        self.gain, self.restarts = 1.0, 0
        self._stream, self._ahead = stream, round(AHEAD_S * stream.samplerate)
        self._heard, self._played = (rtmixer.RingBuffer(4, RING_FRAMES) for _ in range(2))
        self._recording = stream.record_ringbuffer(self._heard)
        self._playing = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def ahead_frames(self) -> int:
        return self._ahead

    def set(self, gain: float) -> None:
        self.gain = gain

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def counts(self) -> dict:
        return {"restarts": self.restarts}

    def _run(self) -> None:
        while not self._over.is_set():
            frames = self._heard.read_available
            if not frames:
                time.sleep(LOOK_S)
                continue
            self._look()
            sound = np.frombuffer(self._heard.read(), np.float32)
            self._played.write(sound * np.float32(self.gain))

    def _look(self) -> None:
        """Play from the ring, filled `AHEAD_S` ahead, where it is not played (any more)."""
        running = self._stream.actions
        if self._recording not in running:
            self._recording = self._stream.record_ringbuffer(self._heard)
        if self._playing not in running:
            if self._playing is not None:  # what waited is dropped: played too, it would be late for good
                self.restarts += 1
                self._heard.read(self._heard.read_available)
            self._played.write(np.zeros(self._ahead, np.float32))
            self._playing = self._stream.play_ringbuffer(self._played)


def main() -> None:
    adapter.begin()
    _, device = adapter.sounddevice()
    rtmixer = load()
    with rtmixer.MixerAndRecorder(device=device, channels=1, latency="low") as stream:
        through = Through(rtmixer, stream)
        adapter.serve("rtmixer", adapter.latency_frames(stream) + through.ahead_frames, gain=through.set, counts=through.counts)
        through.end()


if __name__ == "__main__":
    main()
