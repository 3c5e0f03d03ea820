"""A sound card that is not there: JACK's dummy driver, and a probe that plays and records beside the engine.

The probe is a second client of the server, in a process of its own (probe.py), as a player would be.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from signals import delays, frame_numbers, lag, marked

__all__ = ["EmptyClient", "JackMissing", "JackServer", "Probe", "ProbeFailed", "delays", "frame_numbers", "lag", "marked", "started"]

INSTALL = "sudo apt install jackd2 libportaudio2"
_PROBE = Path(__file__).resolve().parent / "probe.py"
_ANSWER_S = 0.7
_ENGINE_ROOT = str(Path(__file__).resolve().parent.parent / "engine")


class JackMissing(Exception):
    """No JACK server on this machine; str() says what to install."""


class ProbeFailed(Exception):
    """The probe has no device, or the device has gone; str() is one line."""


def end_with_parent() -> None:
    """Between fork and exec: have the system end this process with the one that started it, however that ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


def _clear_away() -> bool:
    """Remove what JACK servers that were killed have left, where none runs at all: eight of them, and no other starts any more."""
    running = [path for path in Path("/proc").glob("[0-9]*/comm") if _read(path).startswith("jackd")]
    left = [path for path in Path("/dev/shm").glob("jack[-_]*") if path.owner() == Path("/proc/self").owner()]
    for path in left if not running else ():
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return bool(left) and not running


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has just ended
        return ""


class JackServer:
    """`jackd` with its dummy driver and a two-channel loopback device, in real time where the system allows it.

    While it is open, the engines this process starts see it as the devices "system" and "loopback".
    """

    _count = 0

    def __init__(self, samplerate: int = 48_000, period: int = 128):
        self.samplerate, self.period = samplerate, period
        if not shutil.which("jackd") or not shutil.which("jack_connect"):
            raise JackMissing(f"jackd is not installed; {INSTALL}")
        JackServer._count += 1
        self.name = f"antiphon{os.getpid()}x{JackServer._count}"
        self._process: subprocess.Popen | None = None
        self._before: dict[str, str | None] = {}

    def __enter__(self) -> JackServer:
        settings = {"JACK_DEFAULT_SERVER": self.name, "JACK_NO_AUDIO_RESERVATION": "1", "JACK_NO_START_SERVER": "1"}
        self._before = {name: os.environ.get(name) for name in settings}
        os.environ.update(settings)
        self.start()
        return self

    def __exit__(self, *error) -> None:
        self.stop()
        for name, value in self._before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)

    def start(self) -> None:
        """Start the server, or start it again after `kill`."""
        if not self._try() and not (_clear_away() and self._try()):
            raise JackMissing(f"jackd does not start here; try it by hand: {' '.join(self._command(['-r']))}")

    def _try(self) -> bool:
        for realtime in (["-R", "-P70"], ["-r"]):
            self._process = subprocess.Popen(
                self._command(realtime), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent
            )
            for _ in range(60):
                time.sleep(0.1)
                if self._process.poll() is not None:
                    break
                if self._answers():
                    return True
            self.stop()
        return False

    def _answers(self) -> bool:
        """Whether it is there; who asks while it is about to be may wait for seconds, and asks again."""
        try:
            return bool(self.ports(_ANSWER_S))
        except subprocess.TimeoutExpired:
            return False

    def _command(self, realtime: list[str]) -> list[str]:
        dummy = ["-d", "dummy", "-r", str(self.samplerate), "-p", str(self.period)]
        return ["jackd", *realtime, "-L", "2", "-n", self.name, *dummy]

    def stop(self) -> None:
        """End the server, as a pulled cable would."""
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        for left in Path("/dev/shm").glob(f"jack_sem.*_{self.name}_*"):  # of clients that were killed
            left.unlink(missing_ok=True)

    def kill(self) -> None:
        """End the server without a word to its clients."""
        self._process.kill()
        self._process.wait()
        self._process = None

    def ports(self, timeout_s: float = 10.0) -> list[str]:
        """List all ports."""
        listed = subprocess.run(["jack_lsp"], capture_output=True, text=True, timeout=timeout_s)
        return [line for line in listed.stdout.split("\n") if ":" in line and not line.startswith("Cannot")]

    def graph(self) -> dict[str, tuple[bool, list[str]]]:
        """All ports: whether it is an output, and what it is connected to."""
        listed = subprocess.run(["jack_lsp", "-c", "-p"], capture_output=True, text=True, timeout=10).stdout
        found: dict[str, tuple[bool, list[str]]] = {}
        port, others = "", []
        for line in listed.split("\n"):
            if line.startswith("\tproperties:"):
                found[port] = "output" in line, others
            elif line.startswith("   "):
                others.append(line.strip())
            elif ":" in line:
                port, others = line.strip(), []
        return found

    def connections(self) -> list[tuple[str, str]]:
        """List all (from, to) connections."""
        return [(port, other) for port, (is_output, others) in self.graph().items() if is_output for other in others]

    def ways(self, client: str) -> tuple[list[str], list[str]]:
        """A client's inputs and outputs, whatever it calls them."""
        mine = {port: is_output for port, (is_output, _) in self.graph().items() if port.rsplit(":", 1)[0] == client}
        return [port for port, is_output in mine.items() if not is_output], [port for port, is_output in mine.items() if is_output]

    def connect(self, source: str, sink: str) -> None:
        self.connect_all([(source, sink)])

    def connect_all(self, pairs: list[tuple[str, str]]) -> None:
        """Connect each (from, to), all at once. Raises CalledProcessError where one cannot be."""
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        for process in [subprocess.Popen(["jack_connect", *pair], **silent) for pair in pairs]:
            if process.wait(10):
                raise subprocess.CalledProcessError(process.returncode, process.args)

    def disconnect_all(self, *clients: str) -> None:
        """Cut every connection of these clients."""
        cut = [pair for pair in self.connections() if any(port.rsplit(":", 1)[0] in clients for port in pair)]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        for process in [subprocess.Popen(["jack_disconnect", *pair], **silent) for pair in cut]:
            process.wait(10)

    def clients(self) -> set[str]:
        return {port.rsplit(":", 1)[0] for port in self.ports()}


class EmptyClient:
    """The control: a third JACK client, in a process of its own, whose callback is C and does nothing but count."""

    def __init__(self, server: JackServer):
        before = server.clients()
        self._process = _helper("--empty", ["--period", str(server.period)])
        server.disconnect_all((server.clients() - before).pop())
        self._first = self.counts()

    def counts(self) -> dict:
        """Ask for its counts: blocks, frames, and how many blocks the device flagged in each way."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def since_start(self) -> dict:
        """Its counts since it was made."""
        return {name: value - self._first[name] for name, value in self.counts().items()}

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(10)


class Probe:
    """Plays a mono float32 sound and records as long, from its own process: beside the server's other clients, or, without a
    server, on a device of its own by a cable from output to input.

    `samplerate`, `blocksize` and `latency_frames` (in, out) are what its device says. Raises ProbeFailed.
    """

    def __init__(self, server: JackServer | None, input: str = "loopback", output: str = "loopback", period: int = 128,
                 rate: int | None = None):  # fmt: skip
        self._server = server
        before = server.clients() if server else set()
        period = server.period if server else period
        flags = ["--period", str(period), "--input", input, "--output", output]
        self._process = _helper("--probe", [*flags, "--rate", str(rate)] if rate else flags)
        told = self._process.told
        self.samplerate, self.blocksize, self.latency_frames = told["samplerate"], told["blocksize"], told["latency_frames"]
        if server:
            self.client = sorted(server.clients() - before)[0]
            server.disconnect_all(self.client)

    def wire(self, client: str | None) -> None:
        """Put a client between the probe's output and its input: its inputs all hear it, its first output is heard; None wires
        the probe to itself."""
        server = self._server
        server.disconnect_all(self.client, *([] if client is None else [client]))
        (mine_in,), (mine_out,) = server.ways(self.client)
        inputs, outputs = ([mine_in], []) if client is None else server.ways(client)
        server.connect_all([*((mine_out, port) for port in inputs), *((port, mine_in) for port in outputs[:1])])

    def play(
        self, sound: np.ndarray, folder: Path, messages: list[tuple[float, bytes]] = (), to: dict | None = None
    ) -> tuple[np.ndarray, dict]:
        """Play and return what was heard, frame beside frame, and the probe's counters. Raises ProbeFailed.

        `messages` are sent meanwhile, each when its frame of the sound is due, to {"udp": port} on this machine or to
        {"fifo": path}; the counters' "sent" has for each the frames at which handing it over began and ended.
        """
        source, heard = folder / "probe-out.npy", folder / "probe-in.npy"
        np.save(source, np.ascontiguousarray(sound, np.float32))
        planned = [{"at": at, "data": base64.b64encode(data).decode()} for at, data in messages]
        request = {"source": str(source), "heard": str(heard), "messages": planned, "to": to}
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            counts = json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            raise ProbeFailed("the probe has ended; is the sound server still there?") from None
        if "error" in counts:
            raise ProbeFailed(counts["error"])
        return np.load(heard), counts

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.stdin.close()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:  # PortAudio waits for a server that has gone
                self._process.kill()
                self._process.wait()


def started(server: JackServer, engine) -> tuple[str, Probe]:
    """Start an engine, and a probe while its model loads: (the engine's client, the probe). Raises what the engine raises, and
    ProbeFailed; the engine is the caller's to stop."""
    known = server.clients()
    made: list[tuple[str, Probe]] = []

    def meanwhile(seconds: float) -> None:
        if made:
            time.sleep(seconds)
        else:  # sound runs by now
            client = (server.clients() - known).pop()
            made.append((client, Probe(server)))

    try:
        engine.start(sleep=meanwhile)
    except BaseException:
        for _, probe in made:
            probe.close()
        raise
    meanwhile(0.0)
    return made[0]


class _Process(subprocess.Popen):
    """A client's process; `told` is the first thing it said."""

    told: dict


def _helper(kind: str, flags: list[str]) -> _Process:
    """Start probe.py as a process that is a client of the server, and wait until it is one."""
    environment = os.environ | {"PYTHONPATH": _ENGINE_ROOT + os.pathsep + os.environ.get("PYTHONPATH", "")}
    process = _Process(
        [sys.executable, str(_PROBE), kind, *flags],
        text=True,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=end_with_parent,
    )
    while line := process.stdout.readline():  # the sound system's libraries may say something first
        if line.startswith('{"ready"'):
            process.told = json.loads(line)
            # What it says later is nobody's: a pipe that nobody empties would stop it.
            threading.Thread(target=_pour_away, args=(process.stderr,), daemon=True).start()
            return process
    words = [line for line in process.stderr.read().strip().splitlines() if line.strip()]
    process.wait()
    raise ProbeFailed(f"the {kind[2:]} client does not start: {words[-1] if words else 'it says nothing'}")


def _pour_away(stream) -> None:
    for _ in stream:
        pass
