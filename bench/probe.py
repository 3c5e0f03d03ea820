"""The probe's own process, and the control's: clients of the sound server whose callbacks are C. Started by jackrig.py.

    python bench/probe.py --probe|--empty [--period 128] [--input loopback] [--output loopback] [--rate HZ]

The probe's callback is the engine's own block: its voice ring is what it plays, its mic ring what it hears, so no Python runs
in it. It may also send messages to somebody else while it plays, and says at which of its frames each was sent: the system's clock,
read before and after, against when the callback of its newest block began. JACK's own frame time would be smoother, but its
filter needs seconds to be right again after one late cycle: up to 200 frames off were seen on a busy machine.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import socket
import sys
import time

import numpy as np

STALLED_S = 5.0
"""Who has not been called for so long is not called any more."""
_CALLBACK_NS = 300_000
"""The probe's callback is over by then: it takes some 10 us, and where it is held up, waiting longer is no harm."""


class Stalled(Exception):
    """The device does not call the probe; str() says so."""


class FrameTime:
    """What time it is in the probe's own frames: those before its newest block, and how long ago the callback of that began.

    As good as the server is punctual in calling it: some 3 frames of 48 kHz in most cycles, on two cores that others use too.
    """

    def __init__(self, segment, timing, format):
        self._segment, self._timing = segment, timing
        self._period, self._rate = format.blocksize, format.samplerate

    def frames_at(self, *times_ns: int) -> list[float]:
        """The probe's frames at moments of CLOCK_MONOTONIC, a few blocks ago at most."""
        until = time.monotonic() + STALLED_S
        while time.monotonic() < until:
            begun, clock = self._timing.begun_ns, self._segment.clock
            # Not in the middle of a callback: that has noted when it began, and not yet counted its frames.
            if time.monotonic_ns() - begun > _CALLBACK_NS and begun == self._timing.begun_ns and clock == self._segment.clock:
                return [clock - self._period + 1e-9 * (at - begun) * self._rate for at in times_ns]
            time.sleep(1e-4)
        raise Stalled("the device calls the probe no more")


class Sender:
    """Where messages go: {"udp": port} on this machine, or {"fifo": path}. What cannot be sent is not: it will be missed."""

    def __init__(self, to: dict):
        self._socket: socket.socket | None = None
        self._pipe: int | None = None
        if "udp" in to:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.connect(("127.0.0.1", int(to["udp"])))
            return
        try:  # without waiting: who should read may have ended
            self._pipe = os.open(to["fifo"], os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            pass

    def send(self, data: bytes) -> None:
        try:
            if self._socket:
                self._socket.send(data)
            elif self._pipe is not None:
                os.write(self._pipe, data)
        except OSError:
            pass

    def close(self) -> None:
        if self._socket:
            self._socket.close()
        if self._pipe is not None:
            os.close(self._pipe)


class Player:
    """Plays one sound after the other and hears as much, sending messages meanwhile. One thread."""

    def __init__(self, options: argparse.Namespace):
        from antiphon.audio.stream import DeviceStream, Wanted
        from antiphon.block import BlockSpec
        from antiphon.kernels import Ring, lib
        from antiphon.latency import Timeline
        from antiphon.layout import Segment, SegmentSpec

        wanted = Wanted(input=options.input, output=options.output, samplerate=options.rate, blocksize=options.period,
                        in_channels=1, out_channels=1)  # fmt: skip
        self._stream = DeviceStream(wanted)
        settled = self.format = self._stream.format
        spec, timeline = SegmentSpec(settled.samplerate, 1, 1, 1), Timeline(settled.samplerate, settled.blocksize, 0)
        self._segment = Segment.create(spec, timeline, shared=False)
        self._lib = lib
        lib.ap_segment_set_delay_frames(self._segment.pointer, 0)
        self._block = BlockSpec(self._segment, settled.blocksize, dry=0.0, fade_s=1 / settled.samplerate).make()
        self._mic, self._voice = Ring(pointer=self._segment.mic), Ring(pointer=self._segment.voice)
        self.latency_frames = self._stream.start(self._block.callback, self._block.userdata)
        self._time = FrameTime(self._segment, self._block.userdata, settled)

    def play(self, request: dict) -> dict:
        """Do what jackrig.Probe.play asks for; returns the counters of that time, and when messages were sent."""
        sound, messages = np.load(request["source"]), list(request.get("messages", ()))
        sender = Sender(request["to"]) if messages else None
        begin, before = self._open(), self._segment.read_counters()
        done, heard, sent = 0, [], []
        self._mic.seek(self._mic.written)
        start = self._mic.position
        moved = time.monotonic()
        while start + sum(map(len, heard)) < begin + len(sound):
            done += self._voice.write(sound[done:])
            heard.append(self._mic.read(1 << 16)[:, 0])
            moved = time.monotonic() if len(heard[-1]) else moved
            if time.monotonic() - moved > STALLED_S:
                raise Stalled("the device calls the probe no more")
            if not messages:
                time.sleep(0.02)
            elif self._wait_for(begin + messages[0]["at"]):
                sent.append(self._send(sender, base64.b64decode(messages.pop(0)["data"]), begin))
        after = self._segment.read_counters()
        if sender:
            sender.close()
        np.save(request["heard"], np.concatenate(heard)[begin - start :][: len(sound)])
        counts = {name: after[name] - before[name] for name in after if isinstance(after[name], int)}
        return counts | {"sent": sent}

    def close(self) -> None:
        self._stream.stop()

    def _open(self) -> int:
        """Have the voice begin in a tenth of a second; returns the frame."""
        until = time.monotonic() + STALLED_S
        self._lib.ap_segment_voice_close(self._segment.pointer)
        while time.monotonic() < until:
            time.sleep(0.01)
            begin = self._segment.clock + self.format.samplerate // 10
            if self._lib.ap_segment_voice_open(self._segment.pointer, begin - self._voice.written) == self._lib.AP_OK:
                return begin
        raise Stalled("the device does not call the probe")

    def _wait_for(self, frame: int) -> bool:
        """Sleep until a frame is due, or 20 ms where that is later; True if it is due now."""
        ahead_s = (frame - self._segment.clock) / self.format.samplerate
        time.sleep(min(max(ahead_s, 0.0), 0.02))
        return ahead_s <= 0.02

    def _send(self, sender: Sender, data: bytes, begin: int) -> list[float]:
        before = time.monotonic_ns()
        sender.send(data)
        after = time.monotonic_ns()
        return [round(frame - begin, 1) for frame in self._time.frames_at(before, after)]


def probe(options: argparse.Namespace) -> None:
    """One line of JSON in, one out, until the input ends."""
    from antiphon.worker_main import request_realtime

    request_realtime()  # not to wait for the processors where it sends: it sleeps nearly always
    player = Player(options)
    settled = player.format
    told = {"samplerate": settled.samplerate, "blocksize": settled.blocksize, "latency_frames": player.latency_frames}
    print(json.dumps({"ready": True, **told}), flush=True)
    for line in sys.stdin:
        try:
            print(json.dumps(player.play(json.loads(line))), flush=True)
        except Stalled as stalled:
            print(json.dumps({"error": str(stalled)}), flush=True)
    player.close()


def empty(options: argparse.Namespace) -> None:
    """The control: a callback that only counts. A line in, its counts out, until the input ends."""
    from antiphon.audio.stream import DeviceStream, Wanted
    from antiphon.kernels import ffi, lib

    wanted = Wanted(input=options.input, output=options.output, blocksize=options.period, in_channels=1, out_channels=1)
    stream = DeviceStream(wanted)
    counts = ffi.new("ap_portaudio_counts *", {"out_channels": 1})
    stream.start(lib.ap_portaudio_empty, counts)
    print(json.dumps({"ready": True}), flush=True)
    flags = ("input_underflows", "input_overflows", "output_underflows", "output_overflows", "primings")
    for _ in sys.stdin:
        named = {name: int(count) for name, count in zip(flags, counts.flagged, strict=True)}
        print(json.dumps({"blocks": int(counts.blocks), "frames": int(counts.frames), **named}), flush=True)
    stream.stop()


def main() -> None:
    from antiphon.errors import AntiphonError

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--probe", action="store_true")
    kind.add_argument("--empty", action="store_true")
    parser.add_argument("--period", type=int, default=128)
    parser.add_argument("--rate", type=int)
    parser.add_argument("--input", default="loopback")
    parser.add_argument("--output", default="loopback")
    options = parser.parse_args()
    try:
        (probe if options.probe else empty)(options)
    except AntiphonError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
