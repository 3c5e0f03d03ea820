"""How long the audio callback takes and how evenly it is called: empty, full and in Python, beside busy Python threads.

A sound server calls for a block every 2.67 ms (128 frames at 48 kHz), and whoever has not put it out by then is heard as a
crack. Ours is C and never meets Python: `full` is the instrument on JACK's dummy driver, answering a hummed phrase all the
while, once at rest and once with two Python threads in the process that controls it, which hold that process's interpreter lock
all the time. The block itself runs in a device process of its own, and no lock of anybody's could touch it: what it shares with
these threads is the cores, and "2 busy" shows just that. `empty` is a C callback that does nothing, in a process of its own, on
the same server and in the same seconds: the control. Then the same two threads in the process of an empty C callback (nothing
changes, because it asks for no lock), and in that of a Python callback that copies input to output, as one writes it with a
library: that one waits for the lock, and is late. That is why ours is C.

Spacing is from the begin of a block to the begin of the next, took from the begin of a block to its end, both by
CLOCK_MONOTONIC in C around the callback (ap_timed, some 50 ns a block). A block is missing where the empty callback was called
for one and the other was not, from one look at both to the next. Step is the model's, from the hop read to the voice made, in its
own process; slack what was left when the voice was written until its first frame was due; below 0 it was late and the voice broke
off: an underflow.

Whose fault was it? In the same seconds a watcher on each core, above everything of ours in rank, sleeps a millisecond at a
time and notes when it could not wake: then the machine stood still, by its host, its kernel or its quota, and nothing on it could
have been in time; another notes when the model was ready and who of real-time rank had its core instead (standstill.py,
culprits.py). A late step is not ours where its core stood still, or another program had it, between its hop's being there and its
voice's being written, for as long as the voice was late (to half a block, as the clock goes in blocks), or where it only makes up
for one that was so. What the sound server, the probe and the control did, which this benchmark started, is told by itself: on stage
they are not there. All others are of our making, and so are the underflows that they led to; of those there should be none. How
often a step that was in time had beside it what would have excused it is the base rate: the nearer it is to all, the less an
excuse says. A process that only counts, of the model's rank and as long a hop as the model's median (control.py), stands
beside it: how often counting alone took longer than a block and the lead of that moment. Without real-time rights for the watchers
nobody can tell, and it is left out.

`--inject stall:MS:S` (30:10) holds a step up until MS milliseconds beyond a block after its hop, every S seconds, by the engine's
own setting for it: each must be found to be of our making. What it cannot tell: a real card's driver; another client's demands.
Without a JACK server only the full callback at rest is measured, on the dummy driver, whose clock is a Python thread: its spacing
says nothing of a card's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import numpy as np

from answering import Looks, Written, begin_answering, median_step_s, stall_of
from antiphon.audio.phrase import hummed_phrase
from antiphon.engine import Engine, EngineConfig
from antiphon.suite import Goal, Run, main
from antiphon.suite.trial import CALLBACK_SHARE_MOST
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
NO_BLOCK = Goal("happened", "<=", 0, "a block that the device goes without is heard")
_LOOK_S = 0.02
_EDGE_BLOCKS = 3.0  # at either end of what is counted: a look takes a while, and a client may be called a bit later than the other
_READ_S = 0.25  # that reading the trace may take where busy threads hold the lock: at its begin and its end
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
                                 values={"mode": "hold"}, late=stall_of(run)))  # fmt: skip
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
                        first, looks = engine.status(), Looks(engine)
                        with TraceLog(engine) as log:
                            wait(run, seconds, 0.4 * BUSY.index(busy), 0.4, looks.look)
                        last, control = engine.status(), empty.read()
                    played.append((busy, log, control, first, last, looks))
            for busy, log, control, first, last, looks in played:
                tell_full(run, busy, log, control, first, last)
                tell_steps(run, busy, log, first, last, counting, stood, looks)


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
    tell_missing(run, f"full, {name}", at_s, control, (log.begun_s + _READ_S, log.ended_s - _READ_S), settings, NO_BLOCK)


def tell_pair(run: Run, part: str, what: str, own: np.ndarray, beside: Called, settings: dict) -> None:
    """Spacing or duration of a callback, and of the empty one in the same seconds."""
    control = f"{part}, empty, beside {what}"
    run.figure(control, getattr(beside, f"{part}_us"), unit="us", clock=CLOCK, settings=settings,
               means="the control: an empty C callback in a process of its own, in the same seconds")  # fmt: skip
    goal = room_goal(run) if (part, what[:4]) == ("took", "full") else None
    run.figure(f"{part}, {what}", own, unit="us", clock=CLOCK, settings=settings, control=control, goal=goal)


def room_goal(run: Run) -> Goal:
    """What `antiphon doctor` asks of a callback."""
    most_us = CALLBACK_SHARE_MOST * 1e6 * run.blocksize / run.samplerate
    return Goal("p99.9", "<=", round(most_us, 1), f"{CALLBACK_SHARE_MOST:.0%} of the period, the rest is a buffer")


def same_seconds(run: Run, control: Called, at_s: np.ndarray) -> Called:
    """The empty callback's blocks between the first and the last of another's: without these two, which may be a bit apart."""
    half_s = 0.5 * run.blocksize / run.samplerate
    return control.between(at_s[0] + half_s, at_s[-1] - half_s)


def tell_missing(run: Run, what: str, at_s: np.ndarray, control: Called, looked: tuple[float, float], settings: dict,
                 goal: Goal | None = None) -> None:  # fmt: skip
    """Blocks that one of the two was called for and the other was not, between the two times it was looked at."""
    missing, of = missing_blocks(at_s, control.at_s, *looked, run.blocksize / run.samplerate)
    told = {"unit": "blocks", "settings": settings, "clock": "blocks that each was called for between two looks at both, counted"}
    run.tally(f"missing blocks, empty, beside {what}", max(0, -missing), of,
              means="the control: blocks that the other had and the empty callback had not", **told)  # fmt: skip
    run.tally(f"missing blocks, {what}", max(0, missing), of, goal=goal, control=f"missing blocks, empty, beside {what}",
              means="blocks that the device went without: each is heard", **told)  # fmt: skip


def missing_blocks(own_s: np.ndarray, other_s: np.ndarray, begin_s: float, end_s: float, block_s: float) -> tuple[int, int]:
    """How many more blocks one callback was called for than another, both by time.monotonic(), and how many it was.

    The times of either may be off by some constant below a block: they are laid upon each other first. From the first of our own
    that came at the same time as one of the other's to the last such, none is over or under; beyond them, to the two looks, a
    client may be called a little earlier or later than the other, and only what is missing is counted.
    """
    first, past = np.searchsorted(other_s, (begin_s, end_s))
    if not len(own_s) or len(other_s) < 2:
        return int(past - first) - len(own_s), int(past - first)
    own_s = own_s - np.median(apart_s(own_s, other_s))
    together = np.abs(apart_s(own_s, other_s)) < 0.25 * block_s
    head, tail = int(np.argmax(together)), int(np.argmax(together[::-1]))
    begun_s, ended_s = own_s[head] - 0.5 * block_s, own_s[-1 - tail] + 0.5 * block_s
    inside = int(np.sum((other_s > begun_s) & (other_s < ended_s)))
    edge_s = _EDGE_BLOCKS * block_s
    before = max(0, int(np.sum((other_s > begin_s + edge_s) & (other_s <= begun_s))) - head)
    after = max(0, int(np.sum((other_s < end_s - edge_s) & (other_s >= ended_s))) - tail)
    return inside - (len(own_s) - head - tail) + before + after, inside + before + after


def apart_s(own_s: np.ndarray, other_s: np.ndarray) -> np.ndarray:
    """How much later each of the one is than the nearest of the other."""
    near = np.clip(np.searchsorted(other_s, own_s), 1, len(other_s) - 1)
    earlier, later = own_s - other_s[near - 1], own_s - other_s[near]
    return np.where(earlier < -later, earlier, later)


def tell_steps(run: Run, busy: int, log: TraceLog, first, last, counting: Beside, stood: Standstill, looks: Looks) -> None:
    name, steps = f"{busy} busy", log.steps
    took_ms = 1e3 * counting.took_between(log.begun_s, log.ended_s)
    room_ms = 1e3 / run.samplerate * (run.blocksize + looks.lead_at(counting.due_between(log.begun_s, log.ended_s)))
    settings = {"busy": busy, "lead_ms_first": first.lead_ms, "lead_ms_last": last.lead_ms, "realtime": last.realtime,
                "control_realtime": counting.realtime, "watchers_realtime": stood.sure, "inject": run.inject}  # fmt: skip
    run.figure(f"step, only counting, {name}", took_ms, unit="ms", settings=settings, clock="from when a count was due to its end",
               means="the control: plain Python that counts every 20 ms for as long as the median step")  # fmt: skip
    run.figure(f"step, {name}", 1e-3 * steps["step_us"], unit="ms", clock=STEP_CLOCK, settings=settings, goal=HALF_A_HOP,
               control=f"step, only counting, {name}", means="the model's hop of 20 ms")  # fmt: skip
    written = Written(run, log, stood, looks, last.realtime)
    run.figure(f"slack, {name}", 1e3 * written.slack_s, unit="ms", clock=SLACK_CLOCK, settings=settings, better="more",
               means="what was left when a hop's voice was written; below 0: late")  # fmt: skip
    run.tally(f"late, only counting, {name}", int(np.sum(took_ms > room_ms)), len(took_ms), unit="counts", settings=settings,
              clock="from when a count was due to its end", where=np.flatnonzero(took_ms > room_ms),
              means="the control: counts that took longer than a block and the lead of then")  # fmt: skip
    run.tally(f"late steps, {name}", int(written.late.sum()), len(steps), unit="steps", settings=settings, clock=SLACK_CLOCK,
              control=f"late, only counting, {name}", where=np.flatnonzero(written.late),
              means="hops whose voice came after its first frame was due")  # fmt: skip
    short_s, looked_s = looks.underflows()[:, 1] - looks.rows[0][0], looks.rows[-1][0] - looks.rows[0][0]
    run.tally(f"underflows, {name}", len(short_s), looked_s, unit="s", settings=settings,
              clock="the callback's own count, looked at every 20 ms", where=np.clip(short_s, 0.0, looked_s * (1 - 1e-9)),
              means="times that the voice ran short, whoever's fault")  # fmt: skip
    lasted_s = log.ended_s - log.begun_s
    during = stood.spans[(stood.spans[:, 1] > log.begun_s) & (stood.spans[:, 0] < log.ended_s)]
    run.tally(f"standstills, {name}", len(during), lasted_s, unit="s", settings=settings,
              where=np.clip(during[:, 0] - log.begun_s, 0.0, lasted_s * (1 - 1e-9)),
              clock="CLOCK_MONOTONIC on each core, from when a waking was due to when it came",
              means="times that some core stood still for a millisecond or more")  # fmt: skip
    written.tell(run, name, settings, control=f"standstills, {name}")


def other(run: Run, empty: Caller, caller: Caller, kind: str, busy: tuple[int, ...], seconds: float) -> None:
    """A callback that is not the instrument's, in a process of its own with so many busy threads, beside the empty one at rest."""
    caller.begin()
    try:
        for threads in busy:
            caller.busy(threads)
            time.sleep(0.2)
            empty.read(), caller.read()
            begun_s = time.monotonic()
            time.sleep(seconds)
            ended_s = time.monotonic()
            called, control = caller.read(), empty.read()
            tell_other(run, f"{KINDS[kind]}, {threads} busy in its process", called, control, (begun_s, ended_s),
                       {"busy": threads, "seconds": seconds})  # fmt: skip
    finally:
        caller.close()


def tell_other(run: Run, what: str, called: Called, control: Called, looked: tuple[float, float], settings: dict) -> None:
    settings = {"driver": "jack dummy"} | settings
    if len(called) < 2:
        run.skip(what, "it was called for no block in all that time")
    else:
        beside = same_seconds(run, control, called.at_s)
        for part in PARTS:
            tell_pair(run, part, what, getattr(called, f"{part}_us"), beside, settings)
    tell_missing(run, what, called.between(*looked).at_s, control, looked, settings)


def alone(run: Run, seconds: float) -> None:
    """Without a sound server: what the block takes on the dummy driver, and the model's steps."""
    sound = hummed_phrase(run.samplerate)
    engine = Engine(EngineConfig(driver="dummy", input=sound, bundle=run.bundle, seed=run.seed, blocksize=run.blocksize,
                                 samplerate=run.samplerate, values={"mode": "hold"}, late=stall_of(run)))  # fmt: skip
    try:
        engine.start()
        hears_s = time.monotonic()
        with Standstill(engine.status().worker_pid) as stood, Beside() as counting:
            counting.begin(begin_answering(engine, hears_s))
            first, looks = engine.status(), Looks(engine)
            with TraceLog(engine) as log:
                wait(run, seconds, 0.0, 1.0, looks.look)
            last = engine.status()
    finally:
        engine.stop(fade=False)
    run.figure("took, full, 0 busy", log.blocks[1:, 1], unit="us", clock=CLOCK, settings={"driver": "dummy", "busy": 0},
               goal=room_goal(run))  # fmt: skip
    tell_steps(run, 0, log, first, last, counting, stood, looks)


def wait(run: Run, seconds: float, done: float, share: float, look: Callable[[], None]) -> None:
    """Let it play, and look at it fifty times a second."""
    began = time.monotonic()
    while (gone := time.monotonic() - began) < seconds:
        look()
        run.progress(done + share * gone / seconds)
        time.sleep(min(_LOOK_S, max(0.0, seconds - gone)))
    look()


if __name__ == "__main__":
    main(measure, __doc__, injects=("stall",))
