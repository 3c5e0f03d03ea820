"""What pruning and quantising gave the whole hop: a bundle against its unpruned fp32 teacher, at the cadence of play.

    python bench/pruned.py --teacher FOLDER [--bundle hum] [--seconds 60] [--sound FILE] [--every-ms 20] [--dry-run]

FOLDER is a bundle of fp32 graphs: `python -m antiphon.train.export --fp32` makes it of a folder of exports. In turns of five
seconds on one thread: the one, the other, each hearing the same phrase and answering it, a hop every 20 ms (the process sleeps
in between). A hop is all of it, what is put off until the voice is away included. Figures are milliseconds; `faster` is the
teacher's over the bundle's, `share_of_bytes` the bundle's over the teacher's.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from antiphon.chain import build
from antiphon.latency import HOP, MODEL_RATE
from antiphon.model.bundle import Bundle
from antiphon.worker_main import request_realtime
from record import note, record, summary
from step import TURN_HOPS, hops_of, in_time, sound

CLOCK = "perf_counter on the thread that steps, from the hop at hand to all of it done, the put-off rest too"
QUANTILES = "p50", "p99", "p99.9"


def turn(chain, number: int, heard: np.ndarray, period: float, times: dict[str, list[float]]) -> None:
    """One turn of a chain; adds the milliseconds of its hops to `times`."""
    for hop, params in in_time(hops_of(number, heard), period):
        began = time.perf_counter()
        chain.step(hop, params)
        chain.settle()
        times["answering" if chain.performer.answering else "listening"].append(1e3 * (time.perf_counter() - began))


def graph_bytes(name: str) -> dict[str, int]:
    """Bytes of each graph of a bundle."""
    return {graph: entry["bytes"] for graph, entry in Bundle.open(name).manifest["graphs"].items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--teacher", required=True, help="bundle of the unpruned fp32 graphs")
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each")
    parser.add_argument("--sound", help="recording to hear; else the built-in hummed phrase")
    parser.add_argument("--every-ms", type=float, default=20.0)
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no record")
    args = parser.parse_args()
    realtime, heard = request_realtime(), sound(args.sound)
    names = {"teacher": args.teacher, "bundle": args.bundle}
    chains = {who: build(name, 1) for who, name in names.items()}
    times = {who: {"listening": [], "answering": []} for who in names}
    for number in range(max(1, round(args.seconds * MODEL_RATE / HOP / TURN_HOPS))):
        for who, chain in chains.items():
            turn(chain, number, heard, 1e-3 * args.every_ms, times[who])
    sizes = {who: graph_bytes(name) for who, name in names.items()}
    totals = {who: sum(size.values()) for who, size in sizes.items()}
    share = totals["bundle"] / totals["teacher"]
    settings = {**names, "every_ms": args.every_ms, "threads": 1, "realtime": realtime}
    for when in ("listening", "answering"):
        figures = {who: summary(times[who][when]) for who in names}
        faster = {q: figures["teacher"][q] / figures["bundle"][q] for q in QUANTILES}
        both = {**figures["bundle"], "teacher": figures["teacher"], "faster": faster, "bytes": sizes, "share_of_bytes": share}
        record("pruned", when, both, unit="ms", clock=CLOCK, settings=settings, write=not args.dry_run)
        said = ", ".join(f"{q} {figures['bundle'][q]:.2f} of {figures['teacher'][q]:.2f} ms (x{faster[q]:.1f})" for q in QUANTILES)
        note(f"{when}: {said}")
    note(f"bytes: {totals['bundle'] / 1e6:.2f} MB of {totals['teacher'] / 1e6:.2f} ({share:.0%})")


if __name__ == "__main__":
    main()
