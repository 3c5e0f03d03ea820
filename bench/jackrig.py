"""A sound card that is not there: JACK's dummy driver, and a probe that plays and records beside the engine.

The probe is a second JACK client whose callback is the engine's own C block: its voice ring is what it plays, its mic
ring what it hears, so no Python runs in either callback. It lives in a process of its own, as a player would.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

INSTALL = "sudo apt install jackd2 libportaudio2"
_ENGINE_ROOT = str(Path(__file__).resolve().parent.parent / "engine")


class JackMissing(Exception):
    """No JACK server on this machine; str() says what to install."""


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
                if self.ports():
                    return True
            self.stop()
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

    def ports(self) -> list[str]:
        """List all ports."""
        listed = subprocess.run(["jack_lsp"], capture_output=True, text=True, timeout=10)
        return [line for line in listed.stdout.split("\n") if ":" in line and not line.startswith("Cannot")]

    def connections(self) -> list[tuple[str, str]]:
        """List all (from, to) connections."""
        listed = subprocess.run(["jack_lsp", "-c", "-p"], capture_output=True, text=True, timeout=10).stdout
        found, port, others = [], "", []
        for line in listed.split("\n"):
            if line.startswith("\tproperties:"):
                found += [(port, other) for other in others if "output" in line]
            elif line.startswith("   "):
                others.append(line.strip())
            elif line.strip():
                port, others = line.strip(), []
        return found

    def connect(self, source: str, sink: str) -> None:
        subprocess.run(["jack_connect", source, sink], check=True, capture_output=True, timeout=10)

    def disconnect_all(self, client: str) -> None:
        """Cut every connection of a client."""
        for source, sink in self.connections():
            if source.startswith(client + ":") or sink.startswith(client + ":"):
                subprocess.run(["jack_disconnect", source, sink], capture_output=True, timeout=10)

    def clients(self) -> set[str]:
        return {port.rsplit(":", 1)[0] for port in self.ports()}


class EmptyClient:
    """The control: a third JACK client, in a process of its own, whose callback is C and does nothing but count."""

    def __init__(self, server: JackServer):
        before = server.clients()
        self._process = _helper("--empty", server)
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
    """The second client: plays `sound` (mono float32) once and records as long, from its own process."""

    def __init__(self, server: JackServer):
        self._server = server
        before = server.clients()
        self._process = _helper("--probe", server)
        new = server.clients() - before
        self.client = sorted(new)[0]
        server.disconnect_all(self.client)

    def wire(self, engine_client: str | None) -> None:
        """Put the engine between the probe's output and its input; None wires the probe to itself."""
        self._server.disconnect_all(self.client)
        ports = self._server.ports()
        mine_out = [p for p in ports if p.startswith(self.client + ":out")][0]
        mine_in = [p for p in ports if p.startswith(self.client + ":in")][0]
        if engine_client is None:
            self._server.connect(mine_out, mine_in)
            return
        self._server.disconnect_all(engine_client)
        for port in ports:
            if port.startswith(engine_client + ":in"):
                self._server.connect(mine_out, port)
        self._server.connect([p for p in ports if p.startswith(engine_client + ":out")][0], mine_in)

    def play(self, sound: np.ndarray, folder: Path) -> tuple[np.ndarray, dict]:
        """Play and return what was heard, frame beside frame, and the probe's counters."""
        source, heard = folder / "probe-out.npy", folder / "probe-in.npy"
        np.save(source, np.ascontiguousarray(sound, np.float32))
        self._process.stdin.write(json.dumps({"source": str(source), "heard": str(heard)}) + "\n")
        self._process.stdin.flush()
        counts = json.loads(self._process.stdout.readline())
        return np.load(heard), counts

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait(10)


def _helper(kind: str, server: JackServer) -> subprocess.Popen:
    """Start this file as a process that is a JACK client, and wait until it is one."""
    environment = os.environ | {"PYTHONPATH": _ENGINE_ROOT + os.pathsep + os.environ.get("PYTHONPATH", "")}
    process = subprocess.Popen(
        [sys.executable, __file__, kind, "--period", str(server.period)],
        text=True,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=end_with_parent,
    )
    answer = process.stdout.readline()
    if "ready" not in answer:
        raise RuntimeError(f"the {kind[2:]} client does not start: {answer!r}")
    return process


def marked(frames: int) -> np.ndarray:
    """A signal that tells which of its frames is which: frame n is (n + 1) * 2**-23, exact in float32 and in the 24 bits that the
    model hears."""
    return ((np.arange(frames) + 1) * 2.0**-23).astype(np.float32)


def frame_numbers(sound: np.ndarray) -> np.ndarray:
    """The number that each frame of a marked signal was given, -1 for silence, -2 for anything else."""
    numbers = np.rint(sound.astype(np.float64) * 2**23).astype(np.int64) - 1
    exact = ((numbers + 1) * 2.0**-23).astype(np.float32) == sound
    return np.where(exact, numbers, -2)


def delays(heard: np.ndarray) -> tuple[int, float]:
    """The delay that most frames of a marked signal had, and the share of all heard frames that had it."""
    numbers = frame_numbers(heard)
    there = np.flatnonzero(numbers >= 0)
    if not len(there):
        return -1, 0.0
    found, counts = np.unique(there - numbers[there], return_counts=True)
    return int(found[counts.argmax()]), float(counts.max() / len(there))


def lag(played: np.ndarray, heard: np.ndarray) -> float:
    """The delay of `heard` against `played` in frames, to a fraction: the peak of their cross-correlation."""
    size = 1 << (len(played) + len(heard)).bit_length()
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(played, size))
    found = np.fft.irfft(product, size)[: len(heard)]
    peak = int(found.argmax())
    before, at, after = found[peak - 1], found[peak], found[peak + 1]
    return float(peak + 0.5 * (before - after) / (before - 2 * at + after))


def _probe(period: int) -> None:
    """The probe's process: one line of JSON in, one out, until the input ends."""
    from antiphon.audio.stream import DeviceStream, Wanted
    from antiphon.block import BlockSpec
    from antiphon.kernels import Ring, lib
    from antiphon.latency import Timeline
    from antiphon.layout import Segment, SegmentSpec

    stream = DeviceStream(Wanted(input="loopback", output="loopback", blocksize=period, in_channels=1, out_channels=1))
    settled = stream.format
    segment = Segment.create(
        SegmentSpec(settled.samplerate, 1, 1, 1), Timeline(settled.samplerate, period, 0), shared=False
    )
    lib.ap_segment_set_delay_frames(segment.pointer, 0)
    block = BlockSpec(segment, settled.blocksize, dry=0.0, fade_s=1 / settled.samplerate).make()
    mic, voice = Ring(pointer=segment.mic), Ring(pointer=segment.voice)
    stream.start(block.callback, block.userdata)
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        sound = np.load(request["source"])
        lib.ap_segment_voice_close(segment.pointer)
        begin = None
        while begin is None or lib.ap_segment_voice_open(segment.pointer, begin - voice.written) != lib.AP_OK:
            time.sleep(0.01)
            begin = segment.clock + settled.samplerate // 10
        before, done, heard = segment.read_counters(), 0, []
        mic.seek(mic.written)
        start = mic.position
        while start + sum(map(len, heard)) < begin + len(sound):
            done += voice.write(sound[done:])
            heard.append(mic.read(1 << 16)[:, 0])
            time.sleep(0.02)
        after = segment.read_counters()
        np.save(request["heard"], np.concatenate(heard)[begin - start :][: len(sound)])
        counts = {name: after[name] - before[name] for name in after if isinstance(after[name], int)}
        print(json.dumps(counts), flush=True)
    stream.stop()


def _empty(period: int) -> None:
    """The control's process: a line in, its counts out, until the input ends."""
    from antiphon.audio.stream import DeviceStream, Wanted
    from antiphon.kernels import ffi, lib

    stream = DeviceStream(Wanted(input="loopback", output="loopback", blocksize=period, in_channels=1, out_channels=1))
    counts = ffi.new("ap_portaudio_counts *", {"out_channels": 1})
    stream.start(lib.ap_portaudio_empty, counts)
    print("ready", flush=True)
    flags = ("input_underflows", "input_overflows", "output_underflows", "output_overflows", "primings")
    for _ in sys.stdin:
        named = {name: int(count) for name, count in zip(flags, counts.flagged, strict=True)}
        print(json.dumps({"blocks": int(counts.blocks), "frames": int(counts.frames), **named}), flush=True)
    stream.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--probe", action="store_true")
    kind.add_argument("--empty", action="store_true")
    parser.add_argument("--period", type=int, default=128)
    arguments = parser.parse_args()
    (_probe if arguments.probe else _empty)(arguments.period)
