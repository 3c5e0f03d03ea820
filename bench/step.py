"""What one hop of the model costs at the cadence of play, on one thread, beside a loop that only counts.

    python bench/step.py [--seconds 60] [--bundle hum] [--sound FILE] [--every-ms 20] [--dry-run]

In turns of five seconds: the chain hears a phrase and answers it, a hop every 20 ms (the process sleeps in between, so
caches are as cold as on stage); then plain Python counts for as long, at the same cadence, on the same thread: what that
takes too long is the machine's. `to the voice` is what the voice of a hop waits for; `whole` adds what is done after
the voice is away (learning, planning). --every-ms 0 takes one hop after the other. Figures are milliseconds; the hop is 20.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import control
from antiphon.chain import build
from antiphon.latency import HOP, MODEL_RATE
from antiphon.params import REGISTRY
from antiphon.worker_main import request_realtime
from phrase import phrase
from record import note, record, summary

TURN_HOPS = 250
CLOCK = "perf_counter on the thread that steps, from the hop at hand to its voice made, and to the put-off rest done"


def sound(path: str | None) -> np.ndarray:
    """The recording's first channel, or the hummed phrase, in hops of (960,) float32 at 48 kHz."""
    mono = phrase(path, MODEL_RATE)
    return mono[: len(mono) // HOP * HOP].astype(np.float32).reshape(-1, HOP)


def hops_of(turn: int, heard: np.ndarray):
    """Hops and parameters of one turn: the phrase is heard in the first half, and answered in the second."""
    rng = np.random.default_rng(turn)
    params = np.array(REGISTRY.step_defaults())
    REGISTRY.put(params, "mode", "hold")
    REGISTRY.put(params, "phrase_gap_s", REGISTRY.resolve("phrase_gap_s").maximum)
    trigger = REGISTRY.step_index("trigger")
    for hop in range(TURN_HOPS):
        params[trigger] = turn + (hop >= TURN_HOPS // 2)  # a count of triggers
        if hop == TURN_HOPS - 1:
            REGISTRY.put(params, "mode", "listen")
        room = (1e-4 * rng.standard_normal(HOP)).astype(np.float32)
        yield heard[(turn * TURN_HOPS // 2 + hop) % len(heard)] if hop < TURN_HOPS // 2 else room, params


def in_time(hops, period: float):
    """Hand on each of `hops` when it is due, one every `period` seconds; the process sleeps in between."""
    due = time.perf_counter()
    for hop in hops:
        due += period
        time.sleep(max(0.0, due - time.perf_counter()))
        yield hop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of the chain; counting takes as long again")
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--sound", help="recording to hear; else the built-in hummed phrase")
    parser.add_argument("--every-ms", type=float, default=20.0)
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no record")
    args = parser.parse_args()
    realtime, period = request_realtime(), 1e-3 * args.every_ms
    chain, heard = build(args.bundle, 1), sound(args.sound)
    times: dict[str, list[float]] = {
        f"{when}, {what}": [] for when in ("listening", "answering") for what in ("to the voice", "whole")
    }
    counted: list[np.ndarray] = []
    for turn in range(max(1, round(args.seconds * MODEL_RATE / HOP / TURN_HOPS))):
        for hop, params in in_time(hops_of(turn, heard), period):
            began = time.perf_counter()
            chain.step(hop, params)
            made = time.perf_counter()
            chain.settle()
            done = time.perf_counter()
            when = "answering" if chain.performer.answering else "listening"
            times[f"{when}, to the voice"].append(1e3 * (made - began))
            times[f"{when}, whole"].append(1e3 * (done - began))
        work_s = 1e-3 * float(np.median(times["answering, to the voice"]))
        counted.append(1e3 * control.count_at_cadence(TURN_HOPS * HOP / MODEL_RATE, work_s))
    times["only counting, as long as answering"] = list(np.concatenate(counted))
    for name, took in times.items():
        figures = summary(took)
        settings = {"bundle": args.bundle, "every_ms": args.every_ms, "threads": 1, "realtime": realtime}
        record("step", name, figures, unit="ms", clock=CLOCK, settings=settings, write=not args.dry_run)
        shares = ", ".join(f"{q} {figures[q]:.2f} ms ({figures[q] / 20:.0%})" for q in ("p50", "p99", "p99.9", "max"))
        note(f"{name}: {figures['count']} hops, {shares} of the hop")


if __name__ == "__main__":
    main()
