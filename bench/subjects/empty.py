"""The control: a callback in C that copies input times gain to output, and does nothing else.

What is not perfect here is the machine's. So the busy threads are in a process of their own: they take the machine's cores, and
hold up neither callback nor message by a lock.
"""

from __future__ import annotations

import adapter
import numpy as np

from antiphon.kernels import Ring, Timed, ffi, lib


def main() -> None:
    adapter.begin()
    sounddevice, device = adapter.sounddevice()
    copy = ffi.new("ap_copy *", {"in_channels": 1})
    copy.counts.out_channels = 1
    lib.ap_copy_set_gain(copy, 1.0)
    log = Ring(lib.AP_TIMED_WORDS, 1 << 17)
    timed = Timed(lib.ap_portaudio_copy, copy, log)

    def spacing() -> list[float]:
        records = log.read(log.readable)[:, 0]
        return np.round(records[records > 0].astype(np.float64), 1).tolist()

    stream = sounddevice._StreamBase(
        kind="duplex", device=device, channels=1, dtype="float32", latency="low", callback=timed.callback,
        userdata=sounddevice._ffi.cast("void *", timed.userdata),
    )  # fmt: skip
    with stream:
        adapter.serve(
            "empty",
            adapter.latency_frames(stream),
            gain=lambda value: lib.ap_copy_set_gain(copy, value),
            counts=lambda: {"blocks": int(copy.counts.blocks), "flagged": sum(copy.counts.flagged)},
            spacing=spacing,
            busy=adapter.BusyElsewhere(),
        )


if __name__ == "__main__":
    main()
