"""A plain sounddevice stream with a callback in Python, as its documentation has it: input times gain to output."""

from __future__ import annotations

import adapter


class Callback:
    """Multiplies, and notes when it was called and with which flags."""

    def __init__(self):
        self.gain, self.blocks, self.flagged, self.stamps = 1.0, 0, 0, adapter.Stamps()

    def __call__(self, indata, outdata, frames, time, status) -> None:
        self.stamps.stamp()
        outdata[:] = indata * self.gain
        self.blocks += 1
        self.flagged += bool(status)

    def set(self, gain: float) -> None:
        self.gain = gain


def main() -> None:
    adapter.begin()
    sounddevice, device = adapter.sounddevice()
    callback = Callback()
    with sounddevice.Stream(device=device, channels=1, dtype="float32", latency="low", callback=callback) as stream:
        adapter.serve(
            "sounddevice_python",
            adapter.latency_frames(stream),
            gain=callback.set,
            counts=lambda: {"blocks": callback.blocks, "flagged": callback.flagged},
            spacing=callback.stamps.spacing_us,
        )


if __name__ == "__main__":
    main()
