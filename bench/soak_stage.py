"""What stands on the stage of a soak: the instrument as an installation starts it, somebody who hums to it, and the controls.

`antiphon play` runs in a process of its own with takes, OSC and the shared segment, by which it is watched from outside. Beside it
runs soak_beside.py: who hums the built-in phrase with pauses, and the controls.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from antiphon.control.wire import decode, encode
from antiphon.errors import AntiphonError
from antiphon.kernels import lib
from antiphon.layout import PLAYING, Segment, folder
from jackrig import JackServer, end_with_parent

_BESIDE = Path(__file__).with_name("soak_beside.py")
_BEATS, _EMPTY = ("beats",), ("control_blocks", "control_xruns")
_DISK_MB = 128
_START_S, _END_S = 60.0, 30.0
_LEAK_EVERY_S = 0.05
_LEAK = """import sys, threading, time
line = " ".join(sys.orig_argv)
if ("model" if "antiphon.worker_main" in line else "device" if "device_main" in line else "engine") == {who!r}:
    kept = []
    def leak():
        while True:
            time.sleep({every})
            kept.append(bytearray(b"\\1") * {size})
    threading.Thread(target=leak, daemon=True).start()
"""


class Stage:
    """The instrument and all that is around it; use as a context. One thread.

    `server` is the JACK server it plays on, None for the dummy clock. `leak` is (MB per minute, process) to inject.
    """

    def __init__(self, bundle: str, place: Path, server: JackServer | None, blocksize: int = 128, leak: tuple[float, str] | None = None):
        self.bundle, self.place, self.server, self.blocksize, self.leak = bundle, place, server, blocksize, leak
        self.home, self.takes = place / "home", place / "takes"
        self.disk = SmallDisk(self.takes)
        self.lines: list[tuple[float, str]] = []
        self.last: dict = {}
        """Its status at the end, as it prints it."""
        self._reading: queue.SimpleQueue[tuple[float, str]] = queue.SimpleQueue()
        self._segment: Segment | None = None
        self._counts: dict[str, int] = {}
        self.late_beats: list[tuple[float, float]] = []
        """Wakings of the control more than a millisecond late: when due in time.monotonic(), seconds late."""
        self.late_calls: list[tuple[float, float]] = []
        """Blocks for which the empty client was called late: when begun, seconds since the one before."""
        self._controls: list[Beside] = []
        self._names: dict[int, str] = {}

    def __enter__(self) -> Stage:
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error) -> None:
        self.end()
        for one in self._controls:
            one.end()
        if self._segment:
            self._segment.close()
        self.disk.close()

    def _open(self) -> None:
        self.home.mkdir(parents=True)
        self.disk.open()
        self.take_controls_up()
        driver = ["dummy"] if self.server is None else ["portaudio", "--input", "loopback", "--output", "system"]
        command = [sys.executable, "-P", "-m", "antiphon", "play", "--driver", *driver, "--bundle", self.bundle, "--blocksize", str(self.blocksize),
                   "--osc", "0", "--oscquery", "0", "--announce", "off", "--midi", "off", "--dry", "off", "--plain", "--json",
                   "--performer", "soak", "--take", str(self.takes / "first")]  # fmt: skip
        # A session of its own: Ctrl-C at the terminal is ours to answer, and its end is in order then too.
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=os.environ | {"XDG_CONFIG_HOME": str(self.home)} | self._leaking(), start_new_session=True,
                                        preexec_fn=end_with_parent)  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()
        until = time.monotonic() + _START_S
        while not (self.plays() and self.said("recording")):
            if time.monotonic() > until:
                raise AntiphonError(f"antiphon play does not begin within {_START_S:g} s; it said last: {self.said('.')}")
            time.sleep(0.02)
        port = next(int(found[1]) for _, line in self.lines if (found := re.search(r"OSC on \S+?:(\d+)", line)))
        self._osc = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._osc.connect(("127.0.0.1", port))
        self._osc.setblocking(False)
        self.port = port

    def _leaking(self) -> dict[str, str]:
        """What makes one process of the instrument leak: a module that Python imports when it starts, before anything else."""
        if self.leak is None:
            return {}
        mb_per_minute, who = self.leak
        place = self.place / "leak"
        place.mkdir()
        size = round(mb_per_minute * 1e6 / 60 * _LEAK_EVERY_S)
        (place / "sitecustomize.py").write_text(_LEAK.format(who=who, every=_LEAK_EVERY_S, size=size))
        known = os.environ.get("PYTHONPATH", "")
        return {"PYTHONPATH": str(place) + (os.pathsep + known if known else "")}

    def _read(self) -> None:
        for line in self.process.stderr:
            self._reading.put((time.monotonic(), line.rstrip()))

    def said(self, pattern: str, since: float = 0.0) -> str | None:
        """The last line that the instrument said since then that the pattern is found in."""
        while not self._reading.empty():
            self.lines.append(self._reading.get())
        del self.lines[:-500]
        return next((line for t, line in reversed(self.lines) if t >= since and re.search(pattern, line)), None)

    def segment(self) -> Segment | None:
        """The shared segment as it is now: another device may have brought another one, and between the two there is none. Raises
        AntiphonError where the instrument has ended."""
        if self.process.poll() is not None:
            words = self.said(".") or "without a word"
            raise AntiphonError(f"the instrument ended by itself (code {self.process.returncode}): {words}")
        if self._segment is not None and self._segment.path.exists():
            return self._segment
        for path in folder().glob(f"antiphon-{self.process.pid}-*"):
            try:
                found = Segment.attach(path.name)
            except AntiphonError:  # half made, or just gone
                continue
            if self._segment is not None:
                self._segment.close()
            self._segment = found
            return found
        return None

    def model_pid(self) -> int | None:
        """The model's process, once it speaks for itself."""
        segment = self.segment()
        return int(lib.ap_segment_worker_pid(segment.pointer)) or None if segment else None

    def plays(self) -> bool:
        """Whether a model plays."""
        return self.model_pid() is not None and self.segment().read_status()["phase"] == PLAYING

    def pids(self) -> dict[str, int]:
        """The instrument's processes that live now: engine, model, and where there is a sound server the device's."""
        found = {"engine": self.process.pid}
        for pid in children(self.process.pid):
            if pid not in self._names:  # asked once: who reads a process's command has a lock of its memory meanwhile
                line = _command(pid)
                name = "model" if "antiphon.worker_main" in line else "device" if "device_main" in line else ""
                self._names |= {pid: name} if name else {}
            if pid in self._names:
                found[self._names[pid]] = pid
        return found

    def send(self, path: str, *values) -> None:
        """Tell the instrument something over OSC."""
        try:
            self._osc.send(encode(f"/antiphon/{path}", *values))
        except OSError:
            pass

    def answers(self) -> bool:
        """Whether it has answered a question over OSC since this was asked last."""
        heard = False
        try:
            while packet := self._osc.recv(65_536):
                heard |= any(message.address == "/antiphon/status" for message in decode(packet))
        except OSError:
            pass
        return heard

    def control_counts(self) -> dict[str, int]:
        """What the controls have counted, through all their lives."""
        for one in self._controls:
            self._counts |= one.counts()
        return {name: self._counts.get(name, 0) for name in (*_BEATS, *_EMPTY)}

    def take_controls_up(self) -> None:
        """Start those who are around the instrument, again where a sound server has gone."""
        for one in self._controls:
            one.end()
        period = str(self.server.period if self.server else 0)
        self._controls = [Beside(self._counts, self.late_beats, _BEATS, "--period", period)]
        if self.server:
            self._controls.append(Beside(self._counts, self.late_calls, _EMPTY, "--period", period, "--empty"))

    def kept_bytes(self) -> dict[str, int]:
        """What lies on disks and in memory for this instrument."""
        own = [path for path in folder().glob("antiphon-*") if f"-{self.process.pid}-" in path.name]
        return {"home": _size(self.home), "shared memory": sum(map(_size, own)), "takes": _size(self.takes)}

    def end(self) -> None:
        """Let it end as it is told to by Ctrl-C; `last` is its status then."""
        process = getattr(self, "process", None)
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            out, _ = process.stdout.read(), process.wait(_END_S)
            self.last = json.loads(out)
        except (subprocess.TimeoutExpired, ValueError):
            process.kill()
            process.wait()


class SmallDisk:
    """Where the takes lie: a small disk in memory where this process may mount one, so that it can be full; else a folder.

    The mount is this process's own (a mount namespace) and goes with it, however it ends.
    """

    def __init__(self, place: Path):
        self.place, self.mounted, self.why = place, False, ""
        self._filler = place / "filler"

    def open(self) -> None:
        self.place.mkdir(parents=True)
        libc = ctypes.CDLL(None, use_errno=True)
        new_namespace, private, recursive = 0x20000, 1 << 18, 1 << 14
        size = f"size={_DISK_MB}m".encode()
        try:
            if libc.unshare(new_namespace) or libc.mount(b"none", b"/", None, private | recursive, None):
                raise OSError(ctypes.get_errno(), "mount")
            if libc.mount(b"tmpfs", bytes(self.place), b"tmpfs", 0, size):
                raise OSError(ctypes.get_errno(), "mount")
        except (OSError, AttributeError) as error:
            self.why = f"no disk can be mounted here ({os.strerror(error.errno) if isinstance(error, OSError) else error})"
            return
        self.mounted = True

    def fill(self, pid: int, take: Path) -> None:
        """Leave no byte on it; where it could not be mounted, let this process write no file larger than its take's sound is by now."""
        if not self.mounted:
            largest = max((path.stat().st_size for path in take.glob("*.wav")), default=0)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest + 4096, resource.RLIM_INFINITY))
            return
        with open(self._filler, "wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue

    def empty(self, pid: int) -> None:
        """Take away what filled it."""
        if not self.mounted:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self._filler.unlink(missing_ok=True)

    def close(self) -> None:
        if self.mounted:
            ctypes.CDLL(None).umount2(bytes(self.place), 2)  # at once, and gone when nobody holds it any more
            self.mounted = False


class Beside:
    """A process of soak_beside.py; its counts go on from those of the one before it, what was late is put to `late`."""

    def __init__(self, before: dict[str, int], late: list[tuple[float, float]], names: tuple[str, ...], *flags: str):
        self._before, self._late = {name: before.get(name, 0) for name in names}, late
        command = [sys.executable, str(_BESIDE), *flags]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                         preexec_fn=end_with_parent)  # fmt: skip
        if "ready" not in self._process.stdout.readline():
            raise AntiphonError(f"{_BESIDE.name} {' '.join(flags)} does not start here; try it by hand")

    def counts(self) -> dict[str, int]:
        """A line in, its counts out; those of the ones before it alone where it is gone."""
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
            now = json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            now = {}
        self._late += map(tuple, now.get("late", ()))
        return {name: count + now.get(name, 0) for name, count in self._before.items()}

    def end(self) -> None:
        """At once: a client whose server is gone waits for it for ten minutes."""
        self._process.kill()
        self._process.wait()


def children(pid: int) -> list[int]:
    """Processes that any thread of a process has started and that still live."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:
            continue
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _size(path: Path) -> int:
    try:
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) if path.is_dir() else path.stat().st_size
    except OSError:  # going at this moment
        return 0
