"""How long a loss lasts: the model process killed, and the sound server killed and started again.

    python bench/recovery.py [--bundle hum] [--kills 10] [--losses 3] [--dry-run]

Model: SIGKILL at random moments on the dummy clock; from the kill until a new worker has heard the last 10 s and plays,
and until its voice is let in again (the callback's count of voice frames moves). Device: the JACK server is killed and
started again at once; from the start of the new server until blocks are called again, and from the loss being noticed.
Everything is asked every few milliseconds, so the figures are late by that much.
"""

from __future__ import annotations

import argparse
import os
import signal
import time

import numpy as np

from antiphon.engine import Engine, EngineConfig
from jackrig import JackMissing, JackServer
from record import note, record, summary

_LOOK_S = 0.005


def until(what, most_s: float = 30.0) -> float:
    """Wait until `what()`; give the time when it was."""
    end = time.monotonic() + most_s
    while not what():
        if time.monotonic() > end:
            raise TimeoutError("what was waited for did not happen")
        time.sleep(_LOOK_S)
    return time.monotonic()


def model(bundle: str, kills: int) -> tuple[list[float], list[float], dict]:
    """Seconds from kill to playing, and to voice, for each kill; and counts of the whole run."""
    engine = Engine(EngineConfig(driver="dummy", bundle=bundle, values={"mode": "hold"}))
    engine.start()
    random, playing, voiced = np.random.default_rng(3), [], []
    try:
        time.sleep(11.0)  # so that there is a history of 10 s to hear again
        for _ in range(kills):
            time.sleep(0.5 + random.random())
            before = engine.status()
            os.kill(before.worker_pid, signal.SIGKILL)
            killed = time.monotonic()
            until(
                lambda before=before: engine.status().restarts > before.restarts and engine.status().phase == "playing"
            )
            playing.append(time.monotonic() - killed)
            heard = engine.status().voice_frames
            voiced.append(until(lambda heard=heard: engine.status().voice_frames > heard) - killed)
        last = engine.status()
    finally:
        engine.stop()
    return (
        playing,
        voiced,
        {"restarts": last.restarts, "primed_hops": last.primed_hops, "overflows": last.overflows, "xruns": last.xruns},
    )


def device(losses: int) -> tuple[list[float], list[float]]:
    """Seconds from the server's return, and from the notice of its loss, to the next block."""
    back, gap = [], []
    with JackServer() as server:
        engine = Engine(EngineConfig(driver="portaudio", bundle="through"))
        engine.start()
        try:
            for number in range(losses):
                time.sleep(1.0)
                server.kill()
                until(lambda: engine.status().device_lost)
                server.start()
                started, blocks = time.monotonic(), engine.status().blocks
                back.append(until(lambda blocks=blocks: engine.status().blocks > blocks) - started)
                until(lambda number=number: engine.status().device_reopens > number)
                gap.append(engine.status().last_gap_s)
        finally:
            engine.stop()
    return back, gap


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--losses", type=int, default=3)
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no record")
    args = parser.parse_args()
    if args.kills:
        playing, voiced, counts = model(args.bundle, args.kills)
        record(
            "recovery",
            "model killed, to playing",
            {**summary(playing), **counts},
            unit="s",
            write=not args.dry_run,
            settings={"bundle": args.bundle},
            clock="SIGKILL, to a status that says the new worker has heard the past and plays",
        )
        record(
            "recovery",
            "model killed, to voice",
            summary(voiced),
            unit="s",
            write=not args.dry_run,
            settings={"bundle": args.bundle},
            clock="SIGKILL, to the callback's first voice frame of the new worker",
        )
        note(
            f"model killed {args.kills} times: playing again after {np.median(playing):.2f} s "
            f"(at most {max(playing):.2f}), {counts}"
        )
    if args.losses:
        try:
            back, gap = device(args.losses)
        except JackMissing as missing:
            note(f"device: {missing}")
            return
        record(
            "recovery",
            "sound server killed, from its return",
            summary(back),
            unit="s",
            write=not args.dry_run,
            clock="the new server answers, to the next block called",
        )
        record(
            "recovery",
            "sound server killed, from the notice",
            summary(gap),
            unit="s",
            write=not args.dry_run,
            clock="the loss is noticed, to the stream started again; the server's own start is within",
        )
        note(f"device lost {args.losses} times: blocks again {max(back):.2f} s after the server's return at most")


if __name__ == "__main__":
    main()
