"""From the command to the first sound: how long a performer waits for the instrument, and what of it is spent where.

`antiphon play` is started again and again, each time as a process of its own on the dummy clock, and watched from outside through its
shared segment, which is asked every millisecond: figures are late by that much. The dry sound is there before the model is; then the
model has read its bundle, heard the past and makes its first step; then a trigger is given over OSC as soon as it plays, and the first
frame of its voice that is no silence is waited for. Beside it, in fresh processes of the same minute: what Python itself takes to start
and end, numpy's import, the imports of the command line and of all that `play` needs, the bundle's check and its loading. Warm means
that all files are in memory already; cold, that the system's page cache was dropped before, as after a machine was switched on. Files
that other programs have mapped at that moment stay in memory even so.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from antiphon.control.wire import encode
from antiphon.errors import AntiphonError
from antiphon.kernels import lib
from antiphon.layout import PLAYING, Segment, folder
from antiphon.model.bundle import Bundle
from antiphon.suite import Run, main
from jackrig import end_with_parent

WARM, COLD = "warm", "cold"
_DROP = Path("/proc/sys/vm/drop_caches")
_LOOK_S = 0.001
_MOST_S = 60.0
_ASK_AGAIN_S = 1.0
_HEARD = 1e-4  # of full scale
MARKS = {
    "dry": ("command to the first block", "before the process is made, to the first block of dry sound in its segment"),
    "step": ("command to the first step", "before the process is made, to the first step of the model that plays"),
    "voice": ("command to the first voice", "before the process is made, to the first voice above -80 dB in the callback; a trigger was given at the first step"),
}
_CLOCK = "import time; began = time.perf_counter(); tell = lambda: print(time.perf_counter() - began); "
_IMPORTS = _CLOCK + "import antiphon; tell(); import antiphon.cli; tell(); import antiphon.live; tell()"
_BUNDLE = _CLOCK + (
    "import antiphon.chain; from antiphon.worker_main import build_chain; from antiphon.model.bundle import Bundle; tell(); "
    "began = time.perf_counter(); Bundle.open({0!r}).require_sound(); tell(); began = time.perf_counter(); build_chain({0!r}, 1, False); tell()"
)


def measure(run: Run) -> None:
    """Start it cold, then warm, then the parts of it."""
    cold, warm, parts = (0, 2, 1) if run.quick else (5, 12, 10)
    may = os.access(_DROP, os.W_OK)
    if run.quick or not may:
        run.skip("cold", "not with --quick: it drops the page cache of all programs" if run.quick else "the page cache may not be dropped here; as root it may")
    plan = [COLD] * cold * may + [WARM] * warm
    fresh(["-c", "import antiphon.live, antiphon.chain"])  # byte code is there from now on
    found: dict[str, list[dict[str, float]]] = {COLD: [], WARM: []}
    whole = len(plan) + parts
    for number, how in enumerate(plan):
        if how == COLD:
            drop()
        found[how].append(start(run))
        run.progress((number + 1) / whole)
    for how, starts in found.items():
        for mark, (name, clock) in MARKS.items():
            times = [1e3 * one[mark] for one in starts]
            if times:
                run.figure(f"{name}, {how}", times, unit="ms", clock=clock, settings={"driver": "dummy"}, control="python, started and ended")
    tell_parts(run, parts, len(plan) / whole)


def tell_parts(run: Run, times: int, done: float) -> None:
    """What Python and the imports take, in fresh processes, in turns so that each has the same minute."""
    within = "in a fresh process, from before to after"
    turns = {("python, started and ended",): "pass", ("import of numpy",): _CLOCK + "import numpy; tell()",
             ("import of antiphon", "imports of the command line", "imports of play"): _IMPORTS}  # fmt: skip
    if has_bundle(run.bundle):
        turns["imports of the model", "check of the bundle", "load of the bundle"] = _BUNDLE.format(run.bundle)
    else:
        run.skip("bundle", f"bundle {run.bundle!r} has no files to load")
    clocks = {"python": "before the process is made, to its end", "import of antiphon": f"{within} the import",
              "imports of the command line": f"{within} the imports, that of antiphon among them", "check": f"{within}: every byte read and every graph run",
              "imports of play": f"{within} the imports, those of the command line among them", "load": f"{within}: sessions made, nothing checked"}  # fmt: skip
    found: dict[str, list[float]] = {name: [] for names in turns for name in names}
    for turn in range(times):
        for names, what in turns.items():
            for name, took in zip(names, fresh(["-c", what]), strict=True):
                found[name].append(1e3 * took)
        run.progress(done + (1 - done) * (turn + 1) / times)
    for name, took in found.items():
        control = {"python, started and ended": None, "import of numpy": "python, started and ended"}.get(name, "import of numpy")
        clock = next((clock for begins, clock in clocks.items() if name.startswith(begins)), f"{within} the imports")
        run.figure(name, took, unit="ms", clock=clock, control=control)


def start(run: Run) -> dict[str, float]:
    """Start `antiphon play` once; seconds from before its process was made to each of MARKS. Raises AntiphonError where it ends before."""
    port = free_port()
    command = [sys.executable, "-P", "-m", "antiphon", "play", "--driver", "dummy", "--bundle", run.bundle, "--blocksize", str(run.blocksize), "--mode", "hold",
               "--osc", str(port), "--osc-tcp", "off", "--oscquery", "off", "--announce", "off", "--midi", "off", "--dry", "off", "--plain"]  # fmt: skip
    speaker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                               env=os.environ | {"XDG_CONFIG_HOME": str(run.folder)}, preexec_fn=end_with_parent)  # fmt: skip
    segment, seen, asked_s = None, {}, -_ASK_AGAIN_S
    try:
        while len(seen) < len(MARKS):
            now = time.monotonic() - began
            if process.poll() is not None or now > _MOST_S:
                raise AntiphonError(f"antiphon play did not come so far: {', '.join(set(MARKS) - set(seen))} missing after {now:.0f} s")
            segment = segment or attach(process.pid)
            if segment is not None:
                note(segment, seen, now)
                if "step" in seen and now > asked_s + _ASK_AGAIN_S:
                    asked_s = now
                    speaker.sendto(encode("/antiphon/trigger"), ("127.0.0.1", port))
            time.sleep(_LOOK_S)
    finally:
        end(process)
        speaker.close()
        if segment:
            segment.close()
    return seen


def note(segment: Segment, seen: dict[str, float], now: float) -> None:
    """Note what has happened for the first time."""
    if "dry" not in seen:
        if segment.clock:
            seen["dry"] = now
    elif "step" not in seen:
        status = segment.read_status()
        if status["phase"] == PLAYING and status["steps"] >= 1 and lib.ap_segment_worker_pid(segment.pointer):
            seen["step"] = now
    elif segment.read_counters()["voice_peak"] > _HEARD:
        seen["voice"] = now


def attach(pid: int) -> Segment | None:
    """The segment of an engine, as soon as it is there."""
    for path in folder().glob(f"antiphon-{pid}-*"):
        try:
            return Segment.attach(path.name)
        except AntiphonError:  # half made
            return None
    return None


def end(process: subprocess.Popen) -> None:
    """End it as Ctrl-C does, so that it leaves nothing behind."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def fresh(arguments: list[str]) -> list[float]:
    """Run Python once; the seconds that it prints, one a line, or else those that it took."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-P", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    took = time.perf_counter() - began
    return [float(line) for line in done.stdout.split()] or [took]


def drop() -> None:
    """Have the system forget what files it has read."""
    os.sync()
    _DROP.write_text("3\n")


def has_bundle(name: str) -> bool:
    try:
        Bundle.open(name)
    except AntiphonError:
        return False
    return True


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    main(measure, __doc__)
