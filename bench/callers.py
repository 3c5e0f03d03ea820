"""A client of the sound server in a process of its own, whose callback is timed: an empty one in C, or one in Python.

    python bench/callers.py c|python [--period 128] [--seconds 600]

The one in Python does what a library for sound does around a performer's own function: it puts arrays round the two buffers and
calls it, and the function copies input to output times a gain. On request the process runs Python threads that hold the
interpreter's lock all the time, as a program that has something else to do would. What is timed is `ap_timed` around either: in
C, and so not held up by what it times.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from jackrig import JackServer, ProbeFailed, end_with_parent


class Busy:
    """Python threads that do nothing but hold the interpreter's lock, from `with` to its end."""

    def __init__(self, threads: int):
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._spin, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Busy:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _spin(self) -> None:
        while not self._over.is_set():
            sum(range(2000))


class Caller:
    """The process, from the side that measures. `kind` is "c" or "python"; `seconds` the longest time between two `read`s.

    It loads as soon as it is made, and is a client of the server from `begin` on.
    """

    def __init__(self, server: JackServer, kind: str, folder: Path, seconds: float):
        self._path, self._server, self._kind = folder / f"caller-{kind}.npy", server, kind
        command = [sys.executable, __file__, kind, "--period", str(server.period), "--seconds", str(seconds)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, **pipes, preexec_fn=end_with_parent)

    def begin(self) -> None:
        """Have the server call it. Raises ProbeFailed."""
        before = self._server.clients()
        try:
            self._process.stdin.write("begin\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except OSError:
            answer = ""
        if "ready" not in answer:
            raise ProbeFailed(f"the callback in {self._kind} does not start; is the sound server still there?")
        self._server.disconnect_all((self._server.clients() - before).pop())

    def busy(self, threads: int) -> None:
        """Have so many busy threads run in it from now on."""
        self._ask({"busy": threads})

    def read(self) -> Called:
        """Take what was noted since the last time."""
        answer = self._ask({"read": str(self._path)})
        return Called(np.load(self._path), answer["last_s"], answer["flagged"])

    def close(self) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:  # a sound server that has gone is waited for
            self._process.kill()
            self._process.wait()

    def _ask(self, request: dict) -> dict:
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class Called:
    """What a callback's trace said: spacing_us and took_us of each block, time.monotonic() of its begin; how many were flagged."""

    def __init__(self, records: np.ndarray, last_s: float, flagged: int):
        since = np.cumsum(records[:, 0], dtype=np.float64) * 1e-6
        at_s = since + (last_s - since[-1] if len(since) else 0.0)
        self._keep(records, at_s, flagged)

    def between(self, begin_s: float, end_s: float) -> Called:
        """The same for the blocks of that time alone; flagged is still of all."""
        part, inside = object.__new__(Called), (self.at_s >= begin_s) & (self.at_s <= end_s)
        part._keep(self._records[inside], self.at_s[inside], self.flagged)
        return part

    def _keep(self, records: np.ndarray, at_s: np.ndarray, flagged: int) -> None:
        self._records, self.at_s, self.flagged = records, at_s, flagged
        self.spacing_us, self.took_us = records[:, 0].astype(np.float64), records[:, 1].astype(np.float64)

    def __len__(self) -> int:
        return len(self.at_s)


class _PythonCallback:
    """What sounddevice does around a callback of one's own, for one channel; flags are counted."""

    def __init__(self, ffi):
        self.gain, self.flagged = 1.0, 0
        self._buffer = ffi.buffer
        self.pointer = ffi.callback("ap_callback", self._called)

    def _called(self, indata, outdata, frames, times, flags, userdata) -> int:
        heard = np.frombuffer(self._buffer(indata, 4 * frames), np.float32).reshape(-1, 1)
        played = np.frombuffer(self._buffer(outdata, 4 * frames), np.float32).reshape(-1, 1)
        self.play(heard, played, flags)
        return 0

    def play(self, heard: np.ndarray, played: np.ndarray, flags: int) -> None:
        self.flagged += bool(flags)
        played[:] = heard * self.gain


def main() -> None:
    """Play; a line of JSON in, one out, until the input ends."""
    from antiphon.audio.stream import DeviceStream, Wanted
    from antiphon.kernels import Ring, Timed, ffi, lib

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=("c", "python"))
    parser.add_argument("--period", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=600.0)
    options = parser.parse_args()
    if not sys.stdin.readline():
        return
    stream = DeviceStream(Wanted(input="loopback", output="loopback", blocksize=options.period, in_channels=1, out_channels=1))
    most = 1.5 * options.seconds * stream.format.samplerate / stream.format.blocksize
    log = Ring(lib.AP_TIMED_WORDS, 1 << max(14, int(most).bit_length()))
    if options.kind == "c":
        counts = ffi.new("ap_portaudio_counts *", {"out_channels": 1})
        timed = Timed(lib.ap_portaudio_empty, counts, log)
    else:
        callback = _PythonCallback(ffi)
        timed = Timed(callback.pointer, ffi.NULL, log)
    stream.start(timed.callback, timed.userdata)
    print(json.dumps({"ready": True}), flush=True)
    busy, told = None, 0
    for line in sys.stdin:
        request = json.loads(line)
        if "busy" in request:
            if busy:
                busy.__exit__()
            busy = Busy(request["busy"]).__enter__()
            print(json.dumps({}), flush=True)
            continue
        records, last_s = _read(log, timed.userdata)
        np.save(request["read"], records)
        flagged = max(counts.flagged) if options.kind == "c" else callback.flagged
        print(json.dumps({"last_s": last_s, "flagged": int(flagged) - told}), flush=True)
        told = int(flagged)
    stream.stop()


def _read(log, timing) -> tuple[np.ndarray, float]:
    """All records, and when the block of the last one began: looked at while no block runs, so that the two belong together."""
    for _ in range(1000):
        begun, written = timing.begun_ns, log.written
        if 2e-4 < time.monotonic() - 1e-9 * begun and (timing.begun_ns, log.written) == (begun, written):
            break
        time.sleep(2e-4)
    return log.read(written - log.position), 1e-9 * begun


if __name__ == "__main__":
    main()
