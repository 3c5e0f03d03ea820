"""One benchmark record: a JSON line that says what was measured, where, on which commit, and between which two instants."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).resolve().parent / "results"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def machine() -> dict:
    """CPU, cores, kernel, governor and load of this machine, and the interpreter."""
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.processor()) if Path("/proc/cpuinfo").exists() else platform.processor()
    governor = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version(),
            "governor": governor.read_text().strip() if governor.exists() else None, "load": os.getloadavg()[0]}


def summary(values) -> dict:
    """count, mean, p50, p99, p99.9 and max of a list of figures, in their own unit."""
    v = np.sort(np.asarray(values, np.float64))
    return {"count": len(v), "mean": float(v.mean()), "p50": float(np.quantile(v, 0.5)), "p99": float(np.quantile(v, 0.99)),
            "p99.9": float(np.quantile(v, 0.999)), "max": float(v[-1])}


def record(bench: str, name: str, figures: dict, *, unit: str, clock: str, settings: dict | None = None,
           write: bool = True) -> dict:
    """Append one line to results/<bench>.jsonl and print it; `clock` says where the clock started and stopped."""
    line = {"bench": bench, "name": name, "unit": unit, **figures, "clock": clock, "settings": settings or {},
            "commit": _git("rev-parse", "--short", "HEAD"), "dirty": bool(_git("status", "--porcelain", "--untracked-files=no")),
            "machine": machine(), "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    print(json.dumps(line), flush=True)
    if write:
        RESULTS.mkdir(exist_ok=True)
        with open(RESULTS / f"{bench}.jsonl", "a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
    return line


def note(text: str) -> None:
    """Tell the person at the terminal; standard output is for records."""
    print(text, file=sys.stderr, flush=True)
