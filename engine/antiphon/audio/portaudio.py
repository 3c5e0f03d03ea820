"""A real device through PortAudio: the same C callback, in a small process that can be replaced (device_main)."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

from ..block import BlockSpec
from ..errors import DeviceError
from .driver import DeviceFrames, Format
from .stream import NO_INPUT, Wanted

_OPEN_S = 20.0
_LOOK_S = 0.05
_STALL_S = 0.5
_LOOK_EVERY_BLOCKS = 200


class PortAudioDriver:
    """The driver of sound cards. After a loss, `reopen` and `start` again.

    `loop_frames` is the device's round trip where it was measured through a cable (bench/round_trip.py); it replaces
    what the device says about itself, which drivers are known to get wrong.
    """

    name = "portaudio"
    finished = False
    notices = ()

    def __init__(self, wanted: Wanted, loop_frames: float | None = None):
        self.wanted = wanted
        self._loop_frames = loop_frames
        self._process: subprocess.Popen | None = None
        self._format: Format | None = None
        self._reported = DeviceFrames()
        self._seen = (-1, 0.0)
        self._blocks_from = (0, 0)
        self._unread = b""
        self._interrupted = False
        self.input_name = self.output_name = ""
        self.host = ""
        """The sound system the device belongs to, in PortAudio's words: ALSA, JACK Audio Connection Kit, ..."""

    def open(self) -> Format:
        """Start the device process and let it find devices, rate and block. Raises DeviceError with candidates."""
        return self._launch(self.wanted)

    def reopen(self, fall_back: bool) -> Format:
        """Look for the devices anew after a loss; with `fall_back` the system's defaults will do.

        Raises DeviceError while there is none.
        """
        wanted = self.wanted
        source = NO_INPUT if wanted.input == NO_INPUT else None  # who asked for no microphone is not given one
        any_device = replace(wanted, input=source, output=None, samplerate=None, in_channels=None, out_channels=None)
        self.stop()
        try:
            return self._launch(self.wanted)
        except DeviceError:
            if not fall_back or any_device == wanted:
                raise
        return self._launch(any_device)

    def start(self, spec: BlockSpec) -> None:
        try:
            self._process.stdin.write(spec.as_json().encode() + b"\n")
            self._process.stdin.flush()
        except OSError:  # it ended while the segment was made; without this a broken pipe would pass for the reader's wish
            self.stop()
            raise DeviceError(f"device {self.output_name!r} went away before sound began") from None
        before, after = self._answer()["latency"]
        self._reported = DeviceFrames(before, after, "reported")
        self._seen, self._blocks_from = (-1, time.monotonic()), (0, 0)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.stdin.close()
            process.wait(0.0 if self._interrupted else 1.0)
        except (OSError, subprocess.TimeoutExpired):
            process.kill()
            process.wait()
        process.stdout.close()

    def lost(self, blocks: int, frames: int) -> str | None:
        """Notice a process that ended, a callback that is not called, and blocks that have changed their size."""
        if self._process is None:
            return "the device is closed"
        if self._process.poll() is not None:
            said = self._read_line(0.0)
            return (said and json.loads(said).get("lost")) or f"the device process ended ({self._process.returncode})"
        now = time.monotonic()
        if blocks != self._seen[0]:
            self._seen = (blocks, now)
        elif now - self._seen[1] > max(_STALL_S, 4 * self._format.blocksize / self._format.samplerate):
            return f"device {self.output_name!r} has called for no block in {now - self._seen[1]:.1f} s"
        if self._blocks_from == (0, 0):
            self._blocks_from = (blocks, frames)
        elif blocks - self._blocks_from[0] > _LOOK_EVERY_BLOCKS:
            size = (frames - self._blocks_from[1]) / (blocks - self._blocks_from[0])
            self._blocks_from = (blocks, frames)
            if size > 1.5 * self._format.blocksize:
                return (
                    f"device {self.output_name!r} now calls with {size:.0f} frames instead of {self._format.blocksize}"
                )
        return None

    @property
    def pid(self) -> int | None:
        """Of the process that has the callback; None while the device is closed."""
        return self._process and self._process.pid

    def interrupt(self) -> None:
        self._interrupted = True  # seen by whoever waits for an answer

    def device_frames(self) -> DeviceFrames:
        if self._loop_frames is not None:
            return DeviceFrames(self._loop_frames / 2, self._loop_frames / 2, "measured")
        return self._reported

    def _launch(self, wanted: Wanted) -> Format:
        root = str(Path(__file__).resolve().parents[2])
        known = os.environ.get("PYTHONPATH", "")
        environment = os.environ | {"PYTHONPATH": root + (os.pathsep + known if known else "")}
        package = __package__.rsplit(".", 1)[0]
        self._unread = b""
        self._process = subprocess.Popen(
            # -P: nothing is taken from the folder that a performer happens to be in
            [sys.executable, "-P", "-m", f"{package}.audio.device_main", json.dumps(asdict(wanted))],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        answer = self._answer()
        self.input_name, self.output_name, self.host = answer["input"], answer["output"], answer["host"]
        self._format = Format(answer["samplerate"], answer["blocksize"], answer["in_channels"], answer["out_channels"])
        return self._format

    def _answer(self) -> dict:
        """Read one line of the device process; raise DeviceError for its error, its end or its silence."""
        line = self._read_line(_OPEN_S)
        answer = (
            json.loads(line) if line else {"error": "the device process does not answer; is the sound server stuck?"}
        )
        if "error" in answer:
            self.stop()
            raise DeviceError(answer["error"])
        return answer

    def _read_line(self, wait_s: float) -> bytes:
        until = time.monotonic() + wait_s
        pipe = self._process.stdout
        while b"\n" not in self._unread:
            left_s = max(until - time.monotonic(), 0.0)
            if select.select([pipe], [], [], min(left_s, _LOOK_S))[0]:
                chunk = os.read(pipe.fileno(), 4096)
                if not chunk:
                    return b""
                self._unread += chunk
            elif self._interrupted or left_s <= _LOOK_S:
                return b""
        line, self._unread = self._unread.split(b"\n", 1)
        return line
