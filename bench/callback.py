"""How long the audio callback takes and how evenly it is called: empty, full and in Python, beside busy Python threads.

A sound server calls for a block every 2.67 ms (128 frames at 48 kHz), and whoever has not put it out by then is heard as a
crack. Ours is C and never meets Python: `full` is the instrument on JACK's dummy driver, answering a hummed phrase all the
while, controlled from this process, once at rest and once with two Python threads in the same process that hold the
interpreter's lock all the time. `empty` is a C callback that does nothing, in a process of its own, on the same server and in
the same seconds: the control. Then the same two threads in the process of an empty C callback (nothing changes, because it asks
for no lock), and in that of a Python callback that copies input to output, as one writes it with a library: that one waits for
the lock, and is late. That is why ours is C.

Spacing is from the begin of a block to the begin of the next, took from the begin of a block to its end, both by
CLOCK_MONOTONIC in C around the callback (ap_timed, some 50 ns a block). A block is missing where the empty callback was called
for one and the other was not. Step is the model's, from the hop read to the voice made, in its own process; slack what was left
when the voice was written until its first frame was due; below 0 it was late and the voice broke off: an underflow.

Whose fault was it? In the same seconds a watcher on each core, above everything of ours in rank, sleeps a millisecond at a time
and notes when it could not wake: then the machine stood still, by its host, its kernel or its quota, and nothing on it could
have been in time; another notes when the model was ready and some other program of real-time rank had its core (standstill.py).
A late step is not ours where these lasted, between its hop's being there and its voice's being written, for as long as the
voice was late (to half a block, as the clock goes in blocks), or follows from one that was so; all others are of our making,
and of those there should be none. A process that only counts, of the model's rank and as long a hop as the model's median
(control.py), stands beside it: how often counting alone took longer than the lead. Without real-time rights for the watchers
nobody can tell, and it is left out.

What it cannot tell: a real card's driver; another client's demands. Without a JACK server only the full callback at rest is
measured, on the dummy driver, whose clock is a Python thread: its spacing says nothing of a card's.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import numpy as np

from answering import Written, begin_answering, median_step_s
from antiphon.audio.phrase import hummed_phrase
from antiphon.engine import Engine, EngineConfig
from antiphon.suite import Goal, Run, main
from antiphon.trace import TraceLog
from callers import Busy, Called, Caller
from control import Beside
from jackrig import JackMissing, JackServer, ProbeFailed, started
from standstill import Standstill

BUSY = (0, 2)
PARTS = ("spacing", "took")
KINDS = {"c": "empty", "python": "python"}
CLOCK = "CLOCK_MONOTONIC in C around the callback: begin of a block to the begin of the next (spacing), or to its end (took)"
STEP_CLOCK = "perf_counter_ns in the model's process, from the hop read to the voice made"
SLACK_CLOCK = "device frames at the moment the hop's voice was written, to its first frame's being due"
HALF_A_HOP = Goal("p99", "<=", 10.0, "half of the hop is left to everything else on the machine")
_MOST_S = 120.0  # of a condition that is not the instrument


def measure(run: Run) -> None:
    seconds = run.length(2.6, 600.0)
    short = min(max(0.4 * seconds, 1.0), _MOST_S)
    try:
        with JackServer(run.samplerate, run.blocksize) as server:
            with ExitStack() as stack:
                empty = Caller(server, "c", run.folder, 2.0 * seconds + 60.0)
                stack.callback(empty.close)
                others = {kind: Caller(server, kind, run.folder, short + 60.0) for kind in KINDS}
                for caller in others.values():
                    stack.callback(caller.close)
                empty.begin()
                full(run, server, empty, seconds)
                other(run, empty, others["c"], "c", BUSY[1:], short)
                other(run, empty, others["python"], "python", BUSY, short)
    except JackMissing as missing:
        run.skip("all that needs a sound server", f"{missing}")
        alone(run, seconds)
    except ProbeFailed as failed:
        run.skip("what the sound server was to call", f"{failed}")


def full(run: Run, server: JackServer, empty: Caller, seconds: float) -> None:
    """The instrument beside the empty callback: at rest, and with busy threads in this process."""
    engine = Engine(EngineConfig(driver="portaudio", input="loopback", output="loopback", bundle=run.bundle, seed=run.seed,
                                 values={"mode": "hold"}))  # fmt: skip
    with ExitStack() as stack:
        stack.callback(engine.stop, fade=False)
        client, probe = started(server, engine)
        stack.callback(probe.close)
        probe.wire(client)
        threading.Thread(target=probe.play, args=(hummed_phrase(run.samplerate, 0.1)[:, 0], run.folder), daemon=True).start()
        hears_s = time.monotonic()
        # In a hurry both conditions have the same watchers, and are told after the second; else each is told when it is over.
        for together in (BUSY,) if run.quick else [(busy,) for busy in BUSY]:
            played = []
            with Standstill(engine.status().worker_pid) as stood, Beside() as counting:
                counting.begin(begin_answering(engine, hears_s) if together[0] == 0 else median_step_s(engine))
                for busy in together:
                    with Busy(busy):
                        empty.read()
                        first = engine.status()
                        with TraceLog(engine) as log:
                            wait(run, seconds, 0.4 * BUSY.index(busy), 0.4)
                        last, control = engine.status(), empty.read()
                    played.append((busy, log, control, first, last))
            for busy, log, control, first, last in played:
                tell_full(run, busy, log, control, first, last)
                tell_steps(run, busy, log, first, last, counting, stood)


def tell_full(run: Run, busy: int, log: TraceLog, control: Called, first, last) -> None:
    name, at_s = f"{busy} busy", log.block_times()
    settings = {"driver": "jack dummy", "busy": busy, "seconds": round(log.ended_s - log.begun_s, 1)}
    beside = same_seconds(run, control, at_s)
    for column, part in enumerate(PARTS):
        tell_pair(run, part, f"full, {name}", log.blocks[1:, column], beside, settings)
    run.tally(f"xruns, empty, {name}", control.flagged, len(control), unit="blocks", settings=settings,
              clock="blocks that the server flagged, in the same seconds", means="the control: the server's own xruns")  # fmt: skip
    flagged = max(last.input_xruns - first.input_xruns, last.output_xruns - first.output_xruns)
    run.tally(f"xruns, full, {name}", flagged, last.blocks - first.blocks, unit="blocks", settings=settings,
              control=f"xruns, empty, {name}", clock="blocks that the server flagged, from the first look to the last",
              means="a server flags all its clients where any is late")  # fmt: skip
    tell_missing(run, f"full, {name}", len(at_s), beside, settings)


def tell_pair(run: Run, part: str, what: str, own: np.ndarray, beside: Called, settings: dict) -> None:
    """Spacing or duration of a callback, and of the empty one in the same seconds."""
    control = f"{part}, empty, beside {what}"
    run.figure(control, getattr(beside, f"{part}_us"), unit="us", clock=CLOCK, settings=settings,
               means="the control: an empty C callback in a process of its own, in the same seconds")  # fmt: skip
    run.figure(f"{part}, {what}", own, unit="us", clock=CLOCK, settings=settings, control=control)


def same_seconds(run: Run, control: Called, at_s: np.ndarray) -> Called:
    """The empty callback's blocks between the first and the last of another's: without these two, which may be a bit apart."""
    half_s = 0.5 * run.blocksize / run.samplerate
    return control.between(at_s[0] + half_s, at_s[-1] - half_s)


def tell_missing(run: Run, what: str, called: int, beside: Called, settings: dict) -> None:
    run.tally(f"missing blocks, {what}", max(0, len(beside) - (called - 2)), len(beside), unit="blocks", settings=settings,
              clock="blocks of the empty callback between the first block of this one and its last",
              means="blocks that the device went without: each is heard")  # fmt: skip


def tell_steps(run: Run, busy: int, log: TraceLog, first, last, counting: Beside, stood: Standstill) -> None:
    name, steps = f"{busy} busy", log.steps
    took_ms = 1e3 * counting.took_between(log.begun_s, log.ended_s)
    settings = {"busy": busy, "lead_ms_first": first.lead_ms, "lead_ms_last": last.lead_ms, "realtime": last.realtime,
                "control_realtime": counting.realtime, "watchers_realtime": stood.sure}  # fmt: skip
    run.figure(f"step, only counting, {name}", took_ms, unit="ms", settings=settings, clock="from when a count was due to its end",
               means="the control: plain Python that counts every 20 ms for as long as the median step")  # fmt: skip
    run.figure(f"step, {name}", 1e-3 * steps["step_us"], unit="ms", clock=STEP_CLOCK, settings=settings, goal=HALF_A_HOP,
               control=f"step, only counting, {name}", means="the model's hop of 20 ms")  # fmt: skip
    written = Written(run, log, stood, last.lead_ms, last.realtime)
    run.figure(f"slack, {name}", 1e3 * written.slack_s, unit="ms", clock=SLACK_CLOCK, settings=settings, better="more",
               means="what was left when a hop's voice was written; below 0: late")  # fmt: skip
    run.tally(f"late, only counting, {name}", int(np.sum(took_ms > last.lead_ms)), len(took_ms), unit="counts", settings=settings,
              clock="from when a count was due to its end", means="the control: counts that took longer than the lead")  # fmt: skip
    run.tally(f"late steps, {name}", int(written.late.sum()), len(steps), unit="steps", settings=settings, clock=SLACK_CLOCK,
              control=f"late, only counting, {name}", means="hops whose voice came after its first frame was due")  # fmt: skip
    run.tally(f"underflows, {name}", last.underflows - first.underflows, len(steps), unit="steps", settings=settings,
              clock="the callback's own count, from the first look to the last",
              means="times that the voice ran short, whoever's fault")  # fmt: skip
    during = stood.spans[(stood.spans[:, 1] > log.begun_s) & (stood.spans[:, 0] < log.ended_s)]
    run.tally(f"standstills, {name}", len(during), log.ended_s - log.begun_s, unit="s", settings=settings,
              clock="CLOCK_MONOTONIC on each core, from when a waking was due to when it came",
              means="times that some core stood still for a millisecond or more")  # fmt: skip
    written.tell(run, "underflows of our making", name, settings, control=f"standstills, {name}")


def other(run: Run, empty: Caller, caller: Caller, kind: str, busy: tuple[int, ...], seconds: float) -> None:
    """A callback that is not the instrument's, in a process of its own with so many busy threads, beside the empty one at rest."""
    caller.begin()
    try:
        for threads in busy:
            caller.busy(threads)
            time.sleep(0.2)
            empty.read(), caller.read()
            time.sleep(seconds)
            called, control = caller.read(), empty.read()
            tell_other(run, f"{KINDS[kind]}, {threads} busy in its process", called, control, {"busy": threads, "seconds": seconds})
    finally:
        caller.close()


def tell_other(run: Run, what: str, called: Called, control: Called, settings: dict) -> None:
    if len(called) < 2:
        run.skip(what, "it was called for no block in all that time")
        return
    settings = {"driver": "jack dummy"} | settings
    beside = same_seconds(run, control, called.at_s)
    for part in PARTS:
        tell_pair(run, part, what, getattr(called, f"{part}_us"), beside, settings)
    tell_missing(run, what, len(called), beside, settings)


def alone(run: Run, seconds: float) -> None:
    """Without a sound server: what the block takes on the dummy driver, and the model's steps."""
    sound = hummed_phrase(run.samplerate)
    engine = Engine(EngineConfig(driver="dummy", input=sound, bundle=run.bundle, seed=run.seed, blocksize=run.blocksize,
                                 samplerate=run.samplerate, values={"mode": "hold"}))  # fmt: skip
    try:
        engine.start()
        hears_s = time.monotonic()
        with Standstill(engine.status().worker_pid) as stood, Beside() as counting:
            counting.begin(begin_answering(engine, hears_s))
            first = engine.status()
            with TraceLog(engine) as log:
                wait(run, seconds, 0.0, 1.0)
            last = engine.status()
    finally:
        engine.stop(fade=False)
    run.figure("took, full, 0 busy", log.blocks[1:, 1], unit="us", clock=CLOCK, settings={"driver": "dummy", "busy": 0})
    tell_steps(run, 0, log, first, last, counting, stood)


def wait(run: Run, seconds: float, done: float, share: float) -> None:
    began = time.monotonic()
    while (gone := time.monotonic() - began) < seconds:
        run.progress(done + share * gone / seconds)
        time.sleep(min(0.1, max(0.0, seconds - gone)))


if __name__ == "__main__":
    main(measure, __doc__)
