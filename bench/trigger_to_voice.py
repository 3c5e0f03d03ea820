"""From a trigger to the first voice frame: exact in frames on freewheel, and live through both processes.

    python bench/trigger_to_voice.py [--bundle hum] [--blocks 128 64] [--offsets 24] [--live 10] [--dry-run]

Freewheel: the performer hums, a trigger is given at different places within a hop, and the first output frame that is
not zero is looked for. The latency sum says it comes between block + lead and hop + block + lead later; a trigger is
seen at the next step and a step ends when a block ends, so each figure has its own exact expectation, which is printed.
Live: the same on the dummy clock with the model in its own process; the trigger's frame is the clock when it was given.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from antiphon.audio.dummy import DummyDriver
from antiphon.audio.phrase import hummed_phrase
from antiphon.engine import Engine, EngineConfig
from antiphon.events import Event
from record import note, record, summary

RATE, HOP = 48_000, 960
OFF = {"dry": -80.0, "mode": "answer", "phrase_gap_s": 5.0}


def freewheel(bundle: str, blocksize: int, offset: int) -> tuple[int, int]:
    """(frames from a trigger given `offset` frames into a hop to the first voice frame, frames that the sum says)."""
    sound = np.resize(hummed_phrase(RATE, 0.0), (4 * RATE, 1)).astype(np.float32)
    at = 100 * HOP + offset
    engine = Engine(EngineConfig(driver="freewheel", bundle=bundle, blocksize=blocksize, values=OFF))
    engine.start()
    try:
        engine.run(sound[:at])
        engine.apply(Event("trigger", True))
        heard = np.flatnonzero(engine.run(sound[at:])[:, 0])
        delay = engine.timeline.delay_frames
    finally:
        engine.stop()
    # The step of the hop that lies at `at` reads the trigger; its voice is due `delay` after the hop's beginning.
    return int(heard[0]), at // HOP * HOP + delay - at


def live(bundle: str, blocksize: int, times: int) -> tuple[list[int], tuple[float, float], int]:
    """Frames from trigger to voice in `times` answers through two processes; what the sum says; late steps."""
    source = np.resize(hummed_phrase(RATE, 0.0), (8 * RATE, 1)).astype(np.float32)
    driver = DummyDriver(RATE, blocksize, source=source, loop=True, record=True)
    engine = Engine(
        EngineConfig(driver_instance=driver, bundle=bundle, values={**OFF, "yield": False, "answer_s": 0.5})
    )
    engine.start()
    random, given = np.random.default_rng(1), []
    try:
        time.sleep(1.0)
        for _ in range(times):
            time.sleep(1.2 + 0.04 * random.random())
            given.append(engine.segment.clock)
            engine.apply(Event("trigger", True))
        time.sleep(0.5)
        out, status, sums = driver.recording()[:, 0], engine.status(), engine.latency().trigger_frames
    finally:
        engine.stop()
    return [int(np.flatnonzero(out[at:])[0]) for at in given], sums, status.late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--blocks", type=int, nargs="+", default=[128, 64])
    parser.add_argument("--offsets", type=int, default=24, help="places within a hop")
    parser.add_argument("--live", type=int, default=10, help="answers to trigger live; 0 for none")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no record")
    args = parser.parse_args()
    for blocksize in args.blocks:
        settings = {"bundle": args.bundle, "samplerate": RATE, "blocksize": blocksize}
        pairs = [
            freewheel(args.bundle, blocksize, offset)
            for offset in np.linspace(0, HOP - 1, args.offsets).astype(int).tolist()
        ]
        found = np.array([frames for frames, _ in pairs])
        behind = np.array([frames - sums for frames, sums in pairs])
        figures = {
            **summary(found),
            "ms_max": 1000 * float(found.max()) / RATE,
            "beyond_sum_max": int(behind.max()),
            "beyond_sum_min": int(behind.min()),
        }
        record(
            "trigger_to_voice",
            f"freewheel, {blocksize} frames",
            figures,
            unit="frames",
            settings=settings,
            write=not args.dry_run,
            clock="device frame before which the trigger was given, to the first output frame that is not zero",
        )
        note(
            f"freewheel {blocksize}: {found.min()} .. {found.max()} frames ({1000 * found.max() / RATE:.1f} ms); "
            f"beyond the sum by "
            f"{behind.min()} .. {behind.max()} frames (a voice may begin with zeros)"
        )
        if args.live:
            frames, sums, late = live(args.bundle, blocksize, args.live)
            record(
                "trigger_to_voice",
                f"live, {blocksize} frames",
                {**summary(frames), "sum_least": sums[0], "sum_most": sums[1], "late": late},
                unit="frames",
                settings=settings,
                write=not args.dry_run,
                clock="device clock when the trigger was given, to the first output frame that is not zero",
            )
            note(
                f"live {blocksize}: {min(frames)} .. {max(frames)} frames; "
                f"the sum says {sums[0]:g} .. {sums[1]:g}; {late} late steps"
            )


if __name__ == "__main__":
    main()
