"""What proof costs: mark, guard and journal as shares of a step, the recorder's of a core, the tape's of a block.

    python bench/provenance_cost.py [--seconds 60] [--bundle hum] [--sound FILE] [--dry-run]

A whole worker plays on freewheel, one hop after the other, with a take running into a temporary folder; clocks stand around the
calls themselves: the chain's step, the mark's, the guard's (once a note, not once a hop), the diary's. `share` is that of all
of the steps' time, from the hop at hand to its voice written and the put-off rest done. The recorder is a thread of its own: its share
is processor time by seconds of sound, with the disk of this machine. The tape is in the callback: a block with it less one without.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from phrase import phrase
from record import note, record, summary

from antiphon.engine import Engine, EngineConfig
from antiphon.events import Event
from antiphon.kernels import lib
from antiphon.latency import MODEL_RATE
from antiphon.recorder import Recorder

CLOCK = "perf_counter around the call, on the thread that steps"
BLOCK = 128


class Clocked:
    """Times every call of a method of an object, in us."""

    def __init__(self, of: object, name: str):
        self.took: list[float] = []
        self._call = getattr(of, name)
        setattr(of, name, self)

    def __call__(self, *arguments, **named):
        began = time.perf_counter_ns()
        try:
            return self._call(*arguments, **named)
        finally:
            self.took.append((time.perf_counter_ns() - began) / 1e3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--sound", help="recording to hear; else the built-in hummed phrase")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no record")
    args = parser.parse_args()
    recorded_s = _clock_recorder()
    with tempfile.TemporaryDirectory() as folder:
        times, notes = perform(args, Path(folder) / "take")
    total = sum(times["step"])
    settings = {"bundle": args.bundle, "seconds": args.seconds}
    for name, took in times.items():
        figures = {**summary(took), "share": sum(took) / total}
        record("provenance_cost", name, figures, unit="us", clock=CLOCK, settings=settings, write=not args.dry_run)
        note(f"{name}: {figures['count']} calls, p50 {figures['p50']:.1f} us, p99 {figures['p99']:.1f}, {figures['share']:.2%} of all steps' time")
    note(f"{notes} notes played")
    shares = {"count": 1, "share_of_a_core": recorded_s[0] / args.seconds}
    record("provenance_cost", "recorder", shares, unit="share", clock="processor time of the recorder's thread", settings=settings,
           write=not args.dry_run)  # fmt: skip
    note(f"recorder: {shares['share_of_a_core']:.2%} of a core")
    tape(args)


def perform(args: argparse.Namespace, take: Path) -> tuple[dict[str, list[float]], int]:
    """Play a phrase and answers to it; times in us of every call."""
    heard = phrase(args.sound, MODEL_RATE).astype(np.float32)[:, None]
    silence = np.zeros((MODEL_RATE * 8, 1), np.float32)
    config = EngineConfig(driver="freewheel", bundle=args.bundle, samplerate=MODEL_RATE, blocksize=BLOCK, in_channels=1, out_channels=1,
                          take=take, values={"phrase_gap_s": 0.3, "answer_s": 7.0})  # fmt: skip
    engine = Engine(config)
    engine.start()
    try:
        worker = engine.worker
        clocks = {
            "step": Clocked(worker, "step"), "chain": Clocked(worker.chain, "step"), "settle": Clocked(worker.chain, "settle"),
            "mark": Clocked(worker._mark, "step"), "journal": Clocked(worker._diary, "stepped"),
            "guard": Clocked(worker.chain._guard, "forbidden"),
        }  # fmt: skip
        played = 0
        while played < args.seconds * MODEL_RATE:
            for sound in (heard[: 5 * MODEL_RATE], silence):
                engine.run(sound)
                played += len(sound)
            engine.apply(Event("seed", played % 1000))
        return {name: clock.took for name, clock in clocks.items()}, engine.status().notes_played
    finally:
        engine.stop()


def tape(args: argparse.Namespace) -> None:
    """A block with the tape and without, in turns; p50 in us, through Python."""
    took: dict[bool, list[float]] = {False: [], True: []}
    engine = Engine(EngineConfig(driver="freewheel", bundle="through", samplerate=MODEL_RATE, blocksize=BLOCK, in_channels=2, out_channels=2))
    engine.start()
    try:
        engine.driver.after_block = lambda: None
        block, pointer = np.zeros((BLOCK, 2), np.float32), engine.segment.pointer
        tapes = [part(pointer) for part in (lib.ap_segment_tape_dry, lib.ap_segment_tape_voice, lib.ap_segment_tape_mix, lib.ap_segment_mic)]
        for turn in range(200):
            on = bool(turn % 2)
            (lib.ap_segment_tape_open if on else lib.ap_segment_tape_close)(pointer)
            for _ in range(100):
                began = time.perf_counter_ns()
                engine.driver.run(block)
                took[on].append((time.perf_counter_ns() - began) / 1e3)
            for ring in tapes:
                lib.ap_ring_skip(ring, lib.ap_ring_readable(ring))
    finally:
        engine.stop()
    for on, name in ((False, "block without tape"), (True, "block with tape")):
        figures = summary(took[on])
        record("provenance_cost", name, figures, unit="us", clock="perf_counter around a block of 128, stereo, through Python",
               settings={}, write=not args.dry_run)  # fmt: skip
        note(f"{name}: p50 {figures['p50']:.2f} us, p99 {figures['p99']:.2f} of {BLOCK / MODEL_RATE * 1e6:.0f}")


def _clock_recorder() -> list[float]:
    """Let recorders say how much processor time their thread took."""
    took, run = [0.0], Recorder._run

    def clocked(recorder):
        run(recorder)
        took[0] = time.thread_time()

    Recorder._run = clocked
    return took


if __name__ == "__main__":
    main()
