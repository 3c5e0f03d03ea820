"""The control beside every "late": a process that only counts, at the model's cadence, on the same machine.

    python bench/control.py [--seconds 20] [--work-ms 3] [--lead-ms 6]

Every 20 ms it counts in plain Python for as long as takes `--work-ms` on the undisturbed machine, and times itself. What it
is late by is the machine's own: host, scheduler, neighbours. Prints one JSON line: counts that took longer than the lead
of all, and how long they took. Clock: perf_counter in that process, from the wake-up to the end of the count.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from record import summary

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


def count_at_cadence(seconds: float, work_s: float) -> np.ndarray:
    """Count every 20 ms; returns the seconds that each count took, (hops,)."""
    turns, hops = turns_for(work_s), round(seconds / HOP_S)
    took, due = np.zeros(hops), time.perf_counter()
    for hop in range(hops):
        due += HOP_S
        time.sleep(max(0.0, due - time.perf_counter()))
        took[hop] = _count(turns)
    return took


def beside(seconds: float, work_s: float, lead_s: float) -> dict:
    """Run the control in a process of its own and return its figures."""
    command = [sys.executable, str(Path(__file__)), "--seconds", str(seconds), "--work-ms", str(1e3 * work_s)]
    done = subprocess.run([*command, "--lead-ms", str(1e3 * lead_s)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--work-ms", type=float, default=3.0)
    parser.add_argument("--lead-ms", type=float, default=6.0)
    args = parser.parse_args()
    realtime = request_realtime()
    took_ms = 1e3 * count_at_cadence(args.seconds, 1e-3 * args.work_ms)
    figures = {"hops": len(took_ms), "late": int(np.sum(took_ms > args.lead_ms)), "lead_ms": args.lead_ms,
               "work_ms": args.work_ms, "took_ms": summary(took_ms), "realtime": realtime}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
