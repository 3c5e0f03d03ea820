"""The control beside every "late": a process that only counts, at the model's cadence, on the same machine.

    python bench/control.py [--seconds 20] [--work-ms 3] [--lead-ms 6]

Every 20 ms it counts in plain Python for as long as takes `--work-ms` on the undisturbed machine, and times itself. What it
is late by is the machine's own: host, scheduler, neighbours. Prints one JSON line: counts that took longer than the lead
of all, and how long they took. Clock: perf_counter in that process, from the wake-up to the end of the count.
With `--until-told` it waits for a line with the seconds of a count, counts until its input ends, and prints every count, from when
it was due: `Beside` starts it so, in the same seconds as what it stands beside. A stop of many hops is one late count.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from antiphon.worker_main import request_realtime

HOP_S = 0.02


def _count(turns: int) -> float:
    began = time.perf_counter()
    for _ in range(turns):
        pass
    return time.perf_counter() - began


def turns_for(work_s: float) -> int:
    """Turns of the loop that take `work_s` when nothing disturbs it: by the quickest of many."""
    turns = 20_000
    return max(1, round(turns * work_s / min(_count(turns) for _ in range(200))))


def count_at_cadence(seconds: float, work_s: float, turns: int = 0) -> np.ndarray:
    """Count every 20 ms; returns the seconds that each count took, (hops,). `turns` of the loop, where `turns_for` was asked
    already."""
    turns, hops = turns or turns_for(work_s), round(seconds / HOP_S)
    took, due = np.zeros(hops), time.perf_counter()
    for hop in range(hops):
        due = next_due(due, time.perf_counter())
        time.sleep(max(0.0, due - time.perf_counter()))
        took[hop] = _count(turns)
    return took


def next_due(due: float, now: float) -> float:
    """When the next count is due after one that was due at `due`. What was missed while something held it up for more than a hop is
    left out, and not made up for without a break: it stands beside a model that would have to wait for it."""
    return due + HOP_S * max(1, math.ceil((now - due) / HOP_S - 1))


def beside(seconds: float, work_s: float, lead_s: float) -> dict:
    """Run the control in a process of its own and return its figures."""
    command = [sys.executable, str(Path(__file__)), "--seconds", str(seconds), "--work-ms", str(1e3 * work_s)]
    done = subprocess.run([*command, "--lead-ms", str(1e3 * lead_s)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


class Beside:
    """The control from `begin` to the end of `with`, in a process of its own: `due_s` (time.monotonic()) of every count, and
    `took_s`, from then to its end.

    The process is there from `with` on, so that what it takes to start is over by then; `begin` says how long a count is to be.
    """

    def __init__(self):
        self.realtime = False
        self.due_s = self.took_s = np.zeros(0)

    def __enter__(self) -> Beside:
        command = [sys.executable, str(Path(__file__)), "--until-told"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def begin(self, work_s: float) -> None:
        """Have it count, each time for as long as takes `work_s` on the undisturbed machine; returns when it does."""
        self._process.stdin.write(f"{work_s}\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def __exit__(self, *error) -> None:
        told = self._process.communicate("\n")[0]
        told = json.loads(told) if told else {"due_s": [], "took_s": [], "realtime": False}
        self.due_s, self.took_s, self.realtime = np.array(told["due_s"]), np.array(told["took_s"]), told["realtime"]

    def took_between(self, begin_s: float, end_s: float) -> np.ndarray:
        """Seconds that the counts took which were due in that time."""
        return self.took_s[self._between(begin_s, end_s)]

    def due_between(self, begin_s: float, end_s: float) -> np.ndarray:
        """When these were due."""
        return self.due_s[self._between(begin_s, end_s)]

    def _between(self, begin_s: float, end_s: float) -> np.ndarray:
        return (self.due_s >= begin_s) & (self.due_s <= end_s)


def turns_at_rest(work_s: float) -> int:
    """Turns that take `work_s` at the cadence itself, where a core has just slept, by the median of some: a little fewer."""
    turns, tries = turns_for(work_s), []
    for _ in range(15):
        time.sleep(HOP_S / 2)
        tries.append(_count(turns))
    return max(1, round(turns * work_s / float(np.median(tries))))


def count_until_told(work_s: float, realtime: bool) -> None:
    """Count at cadence until a line comes; then print all."""
    turns, over = turns_at_rest(work_s), threading.Event()
    wanted, took = [], []
    print("ready", flush=True)
    threading.Thread(target=lambda: (sys.stdin.readline(), over.set()), daemon=True).start()
    due = time.monotonic()
    while not over.is_set():
        due = next_due(due, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
        _count(turns)
        wanted.append(due)
        took.append(time.monotonic() - due)
    print(json.dumps({"due_s": wanted, "took_s": took, "realtime": realtime}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--work-ms", type=float, default=3.0)
    parser.add_argument("--lead-ms", type=float, default=6.0)
    parser.add_argument("--until-told", action="store_true")
    args = parser.parse_args()
    realtime = request_realtime()
    if args.until_told:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
        if told := sys.stdin.readline().strip():
            count_until_told(float(told), realtime)
        return
    from record import summary  # for what is not in the suite

    took_ms = 1e3 * count_at_cadence(args.seconds, 1e-3 * args.work_ms)
    figures = {"hops": len(took_ms), "late": int(np.sum(took_ms > args.lead_ms)), "lead_ms": args.lead_ms,
               "work_ms": args.work_ms, "took_ms": summary(took_ms), "realtime": realtime}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
