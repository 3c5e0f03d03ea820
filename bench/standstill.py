"""When did the machine stand still? A watcher on each core that does nothing but wake up, and says when it was not let.

    python bench/standstill.py --core 0
    python bench/standstill.py --of PID --root PID

A process per core, bound to it, above everything of ours where real-time rights are to be had: it sleeps a millisecond at a
time and notes each waking that came more than a millisecond late, with the time (CLOCK_MONOTONIC, as all traces here). Nothing
that we run can keep it from its core; what does is below us: the host that lends this machine its cores, its kernel, a quota of
the container. So a step that was late while its core stood still was late for that, and one that was late while it ran is our
own doing, unless another had the core: beside them one watcher says who had it whenever the model was ready (culprits.py).
Without rights for it a watcher waits its turn like any program, and tells of our own busy threads too: `sure` is False then. It
costs about 2 % of each core, and some 5 % of one more for who had it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np

import culprits
from jackrig import end_with_parent

SLEEP_S = 1e-3
LEAST_S = 1e-3
_PLACED_S = 0.006  # how well it is known when a process changed its core
_PRIORITY = 80  # above a JACK server's callbacks, far above the model


class Standstill:
    """Watches from `with` to its end. Then `spans` are the times at which some core stood still, `still` those at which the core
    did on which the first thread of the process `pid` was, and `why` those at which that process was ready, and who had its
    core: (begin, end, whose, name). Of these `held` are the times of another program, `helped` those of a helper that this
    benchmark started. All are time.monotonic(), and all but `why` (n, 2), joined.

    `root` is the process that started all that the benchmark runs (None: this one).
    """

    def __init__(self, pid: int | None = None, root: int | None = None):
        self.spans = self.still = self.held = self.helped = np.zeros((0, 2))
        self.why: list[tuple[float, float, str, str]] = []
        self.sure = False
        self._of = ("--of", pid, "--root", root or os.getpid()) if pid else None
        self._watchers: list[subprocess.Popen] = []

    def __enter__(self) -> Standstill:
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        for what in [*(("--core", core) for core in cores), *([self._of] if self._of else [])]:
            command = [sys.executable, __file__, *map(str, what)]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            self._watchers.append(subprocess.Popen(command, **pipes, preexec_fn=end_with_parent))
        for watcher in self._watchers:
            watcher.stdout.readline()
        return self

    def __exit__(self, *error) -> None:
        told = [json.loads(watcher.communicate("\n")[0]) for watcher in self._watchers]
        self.sure = bool(told) and all(one["realtime"] for one in told)
        of_cores = {one["core"]: np.reshape(one["spans"], (-1, 2)) for one in told if one["core"] is not None}
        self.spans = self.still = joined(np.concatenate([np.zeros((0, 2)), *of_cores.values()]))
        for one in told:
            if one["core"] is None:
                self.why = [tuple(span) for span in one["spans"]]
                self.still = joined(np.array(list(on_its_core(of_cores, one["cores"]))))
        self.held, self.helped = (joined(np.array([span[:2] for span in self.why if span[2] == whose]))
                                  for whose in (culprits.OTHER, culprits.HELPER))  # fmt: skip

    def named(self, begin: float, end: float, whose: str) -> str:
        """Who, of those that are `whose`, had the core for longest in that time: a name, "" for nobody."""
        lasted = {}
        for since, until, kind, name in self.why:
            if kind == whose and until > begin and since < end:
                lasted[name] = lasted.get(name, 0.0) + min(until, end) - max(since, begin)
        return max(lasted, key=lasted.get, default="")


def on_its_core(of_cores: dict[int, np.ndarray], cores: list) -> Iterator[tuple[float, float]]:
    """Standstills of the core that a process was on, which `cores` says from when on, looked at every few milliseconds."""
    for (since, core), (until, _) in zip(cores, [*cores[1:], (float("inf"), 0)], strict=True):
        for begin, end in of_cores.get(core, ()):
            if end > since - _PLACED_S and begin < until + _PLACED_S:
                yield begin, end


def joined(spans: np.ndarray) -> np.ndarray:
    """Spans of time as few that do not overlap, in order: (n, 2)."""
    done: list[list[float]] = []
    for begin, end in sorted(map(tuple, np.reshape(spans, (-1, 2)))):
        if done and begin <= done[-1][1]:
            done[-1][1] = max(done[-1][1], end)
        else:
            done.append([begin, end])
    return np.array(done).reshape(-1, 2)


def overlap_s(spans: np.ndarray, begin: float, end: float) -> float:
    """Seconds of the time from `begin` to `end` that lie in one of the spans (joined)."""
    return float(np.maximum(0.0, np.minimum(spans[:, 1], end) - np.maximum(spans[:, 0], begin)).sum())


def stood_still(spans: np.ndarray, written_s: np.ndarray, late_s: np.ndarray, room_s: np.ndarray | float) -> np.ndarray:
    """How much of the spans (joined) lies in the time in which each late step was to be made: (n,) seconds.

    A step can begin when its hop is there, which is `room_s` (lead and block) before its voice is due at the earliest, and it was
    written `late_s` after that: by all that lies in between it may have been held up.
    """
    begins, ends = written_s - late_s - room_s, written_s
    firsts, pasts = np.searchsorted(spans[:, 1], begins), np.searchsorted(spans[:, 0], ends)
    return np.array([overlap_s(spans[first:past], begin, end)
                     for first, past, begin, end in zip(firsts, pasts, begins, ends, strict=True)])  # fmt: skip


def is_ours(stood_s: np.ndarray, late_s: np.ndarray, tolerance_s: float) -> np.ndarray:
    """Which late steps would have been late on a machine that never stands still: (n,) bool. It cost what it lasted, at most;
    `tolerance_s` is how well `late_s` is known, and excuses no step that stood still for less than a millisecond of it."""
    return (stood_s < np.minimum(late_s, LEAST_S)) | (stood_s < late_s - tolerance_s)


def watch(over: threading.Event) -> list[tuple[float, float]]:
    """Sleep and wake until told; (due, came) of each waking that was late."""
    found = []
    while not over.is_set():
        due = time.monotonic() + SLEEP_S
        time.sleep(SLEEP_S)
        now = time.monotonic()
        if now - due > LEAST_S:
            found.append((due, now))
    return found


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core", type=int)
    parser.add_argument("--of", type=int, metavar="PID")
    parser.add_argument("--root", type=int, metavar="PID", default=0)
    options = parser.parse_args()
    realtime = True
    try:
        if options.core is not None:
            os.sched_setaffinity(0, {options.core})
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except (AttributeError, OSError):
        realtime = False
    over, found = threading.Event(), {"spans": []}

    def look() -> None:
        if options.of is None:
            found["spans"] = watch(over)
        else:
            watching = culprits.watch(over, options.of, options.root)
            found.update(spans=watching.spans, cores=watching.cores)

    watcher = threading.Thread(target=look)
    watcher.start()  # it has the core and the priority of the thread that starts it
    print("ready", flush=True)
    sys.stdin.readline()
    over.set()
    watcher.join()
    print(json.dumps({"realtime": realtime, "core": options.core} | found), flush=True)


if __name__ == "__main__":
    main()
