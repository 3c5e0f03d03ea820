"""What adapters written in Python share: the side of the protocol (README.md here) that they all speak alike."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

_MOST_STAMPS = 1 << 20


def begin() -> None:
    """Keep standard output for the protocol: what libraries print goes to standard error from now on. Called first."""
    global _out
    _out = open(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)


def say(words: dict) -> None:
    """Tell the suite one line."""
    print(json.dumps(words), file=_out, flush=True)


def skip(why: str) -> None:
    """Tell the suite that this cannot be measured here, and end."""
    say({"skip": why})
    sys.exit(0)


def end_with_parent() -> None:
    """Between fork and exec: have Linux end this process with the one that started it, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


def sounddevice():
    """Import sounddevice and find JACK's devices in it: (module, (input, output)). Ends the program where there is none."""
    try:
        import sounddevice as module
    except ImportError:
        skip("the package sounddevice is not installed; pip install sounddevice")
    except OSError:
        skip("PortAudio is not installed; sudo apt install libportaudio2")
    for host in module.query_hostapis():
        if "JACK" in host["name"] and host["devices"]:
            return module, (host["default_input_device"], host["default_output_device"])
    skip("PortAudio finds no JACK server; is this PortAudio built without JACK?")


def latency_frames(stream) -> int:
    """What PortAudio says that a stream adds, in frames."""
    return round(sum(stream.latency) * stream.samplerate)


class Stamps:
    """When a callback in Python was called. `stamp` is for the callback alone, `spacing_us` for the thread that answers."""

    def __init__(self):
        self._at: list[int] = []

    def stamp(self) -> None:
        if len(self._at) < _MOST_STAMPS:
            self._at.append(time.perf_counter_ns())

    def spacing_us(self) -> list[float]:
        """Microseconds between the calls since it was last asked."""
        at, self._at = self._at, []
        return [round((after - before) / 1e3, 1) for before, after in zip(at, at[1:])]  # noqa: B905


class Busy:
    """Threads that do nothing but hold the interpreter's lock, like a program with other things to do."""

    def __init__(self):
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def __call__(self, threads: int) -> None:
        """End those that run, and start so many."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._spin, args=(self._over,), daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _spin(over: threading.Event) -> None:
        while not over.is_set():
            sum(range(2000))


class BusyElsewhere:
    """The same threads in a process of their own: as much of the machine, and nobody's lock but their own."""

    def __init__(self):
        self._process: subprocess.Popen | None = None

    def __call__(self, threads: int) -> None:
        """End those that run, and start so many."""
        if self._process:
            self._process.stdin.close()
            self._process.wait()
            self._process = None
        if threads:
            command = [sys.executable, __file__, str(threads)]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            self._process = subprocess.Popen(command, **pipes, preexec_fn=end_with_parent)
            self._process.stdout.readline()


def serve(
    name: str,
    latency: float | None,
    gain: Callable[[float], None] = lambda value: None,
    counts: Callable[[], dict] = dict,
    spacing: Callable[[], list[float] | None] = lambda: None,
    control: str | dict = "stdin",
    client: str | None = None,
    busy: Callable[[int], None] | None = None,
) -> None:
    """Say that sound runs, then do what is asked until the input ends. Called by the main thread, once sound runs."""
    busy = busy or Busy()
    say({"ready": True, "name": name, "client": client, "latency_frames": latency, "control": control})
    for line in sys.stdin:
        request = json.loads(line)
        if "gain" in request:
            gain(float(request["gain"]))
        elif "busy" in request:
            busy(int(request["busy"]))
            say({"busy": int(request["busy"])})
        elif "counts" in request:
            say({"counts": counts()})
        elif "spacing" in request:
            say({"spacing_us": spacing()})
        else:
            say({})
    busy(0)


if __name__ == "__main__":  # BusyElsewhere's process
    elsewhere = Busy()
    elsewhere(int(sys.argv[1]))
    print("busy", flush=True)
    sys.stdin.read()
    elsewhere(0)
