"""When did the machine stand still? A watcher on each core that does nothing but wake up, and says when it was not let.

    python bench/standstill.py --core 0
    python bench/standstill.py --of PID

A process per core, bound to it, above everything of ours where real-time rights are to be had: it sleeps a millisecond at a
time and notes each waking that came more than a millisecond late, with the time (CLOCK_MONOTONIC, as all traces here). Nothing
that we run can keep it from its core; what does is below us: the host that lends this machine its cores, its kernel, a quota of
the container. So a step that was late while a core stood still was late for that, and one that was late while all cores ran is
our own doing, unless another had its core: beside them one watcher reads how long a process was ready to run and was not let
(/proc/PID/schedstat), which for the model means some other program of real-time rank. Without rights for it a watcher waits its
turn like any program, and tells of our own busy threads too: `sure` is False then. It costs about 2 % of each core.
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

import numpy as np

from jackrig import end_with_parent

SLEEP_S = 1e-3
LEAST_S = 1e-3
_PRIORITY = 80  # above a JACK server's callbacks, far above the model


class Standstill:
    """Watches from `with` to its end. Then `spans` are the times at which some core stood still, and `held` those at which the
    process `pid`, of real-time rank, was ready and another had its core: (n, 2) of time.monotonic() each."""

    def __init__(self, pid: int | None = None):
        self.spans = self.held = np.zeros((0, 2))
        self.sure = False
        self._pid = pid
        self._watchers: list[subprocess.Popen] = []

    def __enter__(self) -> Standstill:
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        for what in [*(("--core", core) for core in cores), *([("--of", self._pid)] if self._pid else [])]:
            command = [sys.executable, __file__, *map(str, what)]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            self._watchers.append(subprocess.Popen(command, **pipes, preexec_fn=end_with_parent))
        for watcher in self._watchers:
            watcher.stdout.readline()
        return self

    def __exit__(self, *error) -> None:
        told = [json.loads(watcher.communicate("\n")[0]) for watcher in self._watchers]
        self.sure = bool(told) and all(one["realtime"] for one in told)
        self.spans, self.held = (joined(np.array([span for one in told if one["core"] is which for span in one["spans"]]))
                                 for which in (True, False))  # fmt: skip


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


def stood_still(spans: np.ndarray, written_s: np.ndarray, late_s: np.ndarray, room_s: float) -> np.ndarray:
    """How long some core stood still while each late step was to be made: (n,) seconds.

    A step can begin when its hop is there, which is `room_s` (lead and block) before its voice is due at the earliest, and it was
    written `late_s` after that: by all that lies in between it may have been held up.
    """
    return np.array([overlap_s(spans, at - late - room_s, at) for at, late in zip(written_s, late_s, strict=True)])


def is_ours(stood_s: np.ndarray, late_s: np.ndarray, tolerance_s: float) -> np.ndarray:
    """Which late steps would have been late on a machine that never stands still: (n,) bool. It cost what it lasted, at most;
    `tolerance_s` is how well `late_s` is known, and never excuses a step during which all cores ran."""
    return (stood_s == 0.0) | (stood_s < late_s - tolerance_s)


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


def watch_process(over: threading.Event, pid: int) -> list[tuple[float, float]]:
    """Look how long each thread of a process has waited for a core; spans of a millisecond or more, none where nobody counts.

    All of them: a thread that has the interpreter's lock and no core holds up the one that waits for the lock.
    """
    found, counts, waited, looks = [], {}, {}, 0
    while not over.is_set():
        try:
            tasks = os.listdir(f"/proc/{pid}/task") if looks % 500 == 0 else ()  # now and then a thread has begun since
            counts |= {task: os.open(f"/proc/{pid}/task/{task}/schedstat", os.O_RDONLY) for task in tasks if task not in counts}
        except OSError:  # one that has just ended, or the process has, or nobody counts
            pass
        looks += 1
        for task, count in list(counts.items()):
            try:
                total_s = 1e-9 * int(os.pread(count, 96, 0).split()[1])
            except (OSError, IndexError):  # it has ended
                os.close(counts.pop(task))
                continue
            now, before_s = time.monotonic(), waited.get(task, total_s)
            if total_s - before_s > LEAST_S:
                found.append((now - (total_s - before_s), now))
            waited[task] = total_s
        time.sleep(SLEEP_S)
    return found


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core", type=int)
    parser.add_argument("--of", type=int, metavar="PID")
    options = parser.parse_args()
    realtime = True
    try:
        if options.core is not None:
            os.sched_setaffinity(0, {options.core})
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except (AttributeError, OSError):
        realtime = False
    over, found = threading.Event(), []
    look = (lambda: watch_process(over, options.of)) if options.of is not None else (lambda: watch(over))
    watcher = threading.Thread(target=lambda: found.extend(look()))
    watcher.start()  # it has the core and the priority of the thread that starts it
    print("ready", flush=True)
    sys.stdin.readline()
    over.set()
    watcher.join()
    print(json.dumps({"realtime": realtime, "core": options.of is None, "spans": found}), flush=True)


if __name__ == "__main__":
    main()
