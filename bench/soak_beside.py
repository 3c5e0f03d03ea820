"""Beside the instrument on a soak's stage: who hums to it, and two controls. A process: a line in, what it saw out, until the input ends.

    python bench/soak_beside.py --period FRAMES [--empty]

It wakes up at each hop, as the model does, with nothing to do, and says when it was late and by how much. With a JACK server of blocks
of `--period` frames it hums the built-in phrase with its pauses into the server's loopback. With `--empty` it is a client of the server
whose callback is C and does nothing. It is told of every xrun, whoever made it; when it was called late says whether the instrument was
alone in being so.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time

import numpy as np

from antiphon.audio.phrase import hummed_phrase
from antiphon.audio.stream import DeviceStream, Wanted
from antiphon.block import BlockSpec
from antiphon.kernels import Ring, Timed, ffi, lib
from antiphon.latency import Timeline
from antiphon.layout import Segment, SegmentSpec
from antiphon.worker_main import request_realtime

HOP_S = 0.02
LEAST_S = 0.001  # a waking that is later than this is told
CALLED_LATE = 1.2  # periods since the block before: and so is one that was called after more than this
_RING = 1 << 14  # blocks of 40 s


class Hum:
    """The hummed phrase, over and over, by the engine's own block: no Python in the callback."""

    def __init__(self, period: int):
        self._stream = DeviceStream(Wanted(input="none", output="loopback", blocksize=period, out_channels=1))
        settled = self._stream.format
        self._segment = Segment.create(SegmentSpec(settled.samplerate, 1, 1, 1), Timeline(settled.samplerate, period, 0), shared=False)
        lib.ap_segment_set_delay_frames(self._segment.pointer, 0)
        self._block = BlockSpec(self._segment, settled.blocksize, dry=0.0, fade_s=1 / settled.samplerate).make()
        self._ring, self._mic = Ring(pointer=self._segment.voice), Ring(pointer=self._segment.mic)
        self._sound, self._at = hummed_phrase(settled.samplerate)[:, 0], 0
        self._stream.start(self._block.callback, self._block.userdata)
        lib.ap_segment_voice_close(self._segment.pointer)
        while lib.ap_segment_voice_open(self._segment.pointer, self._segment.clock + settled.samplerate // 5) != lib.AP_OK:
            time.sleep(0.01)

    def go_on(self) -> None:
        """Give the callback what it has room for."""
        self._mic.skip(self._mic.readable)
        piece = self._sound[self._at : self._at + self._ring.writable]
        self._at = (self._at + self._ring.write(piece)) % len(self._sound)


def beat(period: int) -> None:
    """Wake up at each hop, note when that was late, and hum on."""
    hum = Hum(period) if period else None
    request_realtime()
    beats, late = 0, []

    def counts() -> dict:
        told = late.copy()
        del late[: len(told)]
        return {"beats": beats, "late": told}

    tell(counts)
    due = time.monotonic()
    while True:
        due = max(due + HOP_S, time.monotonic() - HOP_S)
        time.sleep(max(0.0, due - time.monotonic()))
        beats += 1
        by_s = time.monotonic() - due
        if by_s > LEAST_S:
            late.append((due, by_s))
        if hum:
            hum.go_on()


def be_empty(period: int) -> None:
    """Be a client of the server that does nothing, and note when it was called late."""
    stream = DeviceStream(Wanted(input="none", output="system", blocksize=period, out_channels=1))
    counts, log = ffi.new("ap_portaudio_counts *", {"out_channels": 1}), Ring(lib.AP_TIMED_WORDS, _RING)
    timed = Timed(lib.ap_portaudio_empty, counts, log)
    period_s = period / stream.format.samplerate
    stream.start(timed.callback, timed.userdata)

    def seen() -> dict:
        records, last_s = log.read(log.readable), 1e-9 * timed.userdata.begun_ns
        spacing = 1e-6 * records[:, 0].astype(np.float64)
        begun = last_s - (np.cumsum(spacing[::-1])[::-1] - spacing)
        late = np.flatnonzero(spacing > CALLED_LATE * period_s)
        return {"control_blocks": int(counts.blocks), "control_xruns": int(max(counts.flagged[0:4])),  # one xrun raises two flags
                "late": list(zip(begun[late].tolist(), spacing[late].tolist(), strict=True))}  # fmt: skip

    tell(seen).join()


def tell(counts) -> threading.Thread:
    """Answer each line with the counts; end at once, whatever hangs, when nobody asks any more."""

    def answer() -> None:
        for _ in sys.stdin:
            print(json.dumps(counts()), flush=True)
        os._exit(0)

    thread = threading.Thread(target=answer, daemon=True)
    print("ready", flush=True)
    thread.start()
    return thread


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--period", type=int, required=True, help="frames of a block of the JACK server; 0: there is none")
    parser.add_argument("--empty", action="store_true", help="be the client that does nothing")
    chosen = parser.parse_args()
    sys.stdout = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries of C print (JACK's do) is no answer
    be_empty(chosen.period) if chosen.empty else beat(chosen.period)
