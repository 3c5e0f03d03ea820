"""The last seconds of the microphone, taken along to a device of another rate."""

from __future__ import annotations

import numpy as np

from .kernels import Resampler, ffi, lib
from .layout import HISTORY_S, Segment


def carry_over(old: Segment, new: Segment, mic_channel: int | None) -> int:
    """Put what `old` heard last into the mic ring of `new`, as if that device had delivered it; give the frames.

    The model of `new` is then primed with it, and an answer that went on until told goes on. Supervisor thread, while
    neither callback nor worker of either segment runs. The clock of `new` begins behind these frames, and so do its
    counters, as the callback counts the frames of commands by them. About 20 ms for ten seconds.
    """
    into = Resampler(old.samplerate, new.samplerate, 1)
    lib.ap_ring_seek(old.mic, max(int(lib.ap_ring_written(old.mic)) - round(HISTORY_S * old.samplerate), 0))
    while frames := min(int(lib.ap_ring_readable(old.mic)), old.samplerate):  # a second at a time: there may be 64 channels
        heard = np.empty((frames, old.in_channels), np.float32)
        lib.ap_ring_read(old.mic, ffi.from_buffer("float *", heard), frames)
        # What the model heard of it goes to all channels, so that it hears the same whichever it listens to now.
        one = mic_channel is not None and mic_channel < old.in_channels
        mono = heard[:, mic_channel] if one else heard.mean(axis=1, dtype=np.float32)
        put = np.repeat(into.process(np.ascontiguousarray(mono))[:, None], new.in_channels, axis=1)
        lib.ap_ring_write(new.mic, ffi.from_buffer("float *", put), len(put))
    lib.ap_segment_publish_counters(new.pointer, ffi.new("ap_counters *", {"frames": new.clock}))
    new.publish_status(np.array(list(old.read_status().values())))
    return new.clock
