"""Compute, queue and audible time of one long answer: do the three clocks stay together, and does the voice stay itself?

A hop's voice is made (compute time), waits in a ring (queue time), and is played (audible time). If the three come apart the
music breaks or lags; if a model that feeds on its own answer for ten minutes wanders off, it becomes loud, silent, or stuck. So
the instrument hears the hummed phrase once and then answers without a pause or a reset, live, on the dummy driver, in full 600
s with each of three seeds; all that it puts out is kept and looked at, and so is every block and every step.

On time (ISR, the interaction success rate, here one try a hop): hops whose voice was written before its first frame was due, of
all hops whose voice was not silence. Beside it, a process of the model's rank that only counts, every 20 ms for as long as the
model's median step (control.py): how often counting would have been in time, within a block and the lead of that moment. And
watchers (standstill.py) say when the model's core stood still and which other program of real-time rank had it; hops that were
late for no such reason are of our making, and the underflows they led to (answering.py), and of these there should be none.
Queue: frames written and not yet played, right after each writing. Drift: what each clock has gone by in the whole run, from the
first block to the last; hops against blocks may differ by what is under way, the device against CLOCK_MONOTONIC is the dummy
driver's own: it never runs faster than real time, so a machine that stalls delays it. What goes out is mended before: what is no
number is put out as silence, and what is over range is limited; so both are counted where that is done, and neither may ever be
needed. Level, notes and register are of equal parts of the run (minutes, in a full one), against the first three of them: a
performer would notice 6 dB, twice as many notes, or an octave.

`--inject stall:MS:S` (30:10) holds a step up until MS milliseconds beyond a block after its hop, every S seconds, by the
engine's own setting for it (EngineConfig.late), which in a performance is empty and costs nothing: with any lead up to a hop 30
ms are too late, so ISR must show each. What it cannot tell: a sound card's own clock (soak.py, on a real one); whether the
music is good.
"""

from __future__ import annotations

import time

import numpy as np

from answering import Looks, Written, begin_answering, stall_of
from antiphon.audio.dummy import DummyDriver
from antiphon.audio.phrase import hummed_phrase
from antiphon.engine import Engine, EngineConfig
from antiphon.latency import HOP, MODEL_RATE
from antiphon.suite import Goal, Run, main
from antiphon.trace import TraceLog
from antiphon.units import gain_to_db
from control import Beside
from standstill import Standstill

SEEDS = 3
PARTS = 10
ON_TIME = Goal("share", ">=", 0.999, "one hop in a thousand: a gap every 20 s at most")
NONE = Goal("happened", "<=", 0, "never")
OUTPUT = "every sample that the dummy driver was given, from the first block of the run to the last"
STEPS = "device frames, looked at when a hop's voice was written"
_LOOK_S = 0.02
_FIRST_PARTS = 3
_JUDGED_S = 20.0  # a part shorter than this has too few notes to be held against another


class Kept:
    """The driver's sink: what is put out, from `begin` on, in memory that was there before."""

    def __init__(self, frames: int):
        self._sound, self._at, self._begun = np.zeros(frames, np.float32), 0, False

    def __call__(self, block: np.ndarray) -> None:
        if self._begun:
            part = block[: len(self._sound) - self._at, 0]
            self._sound[self._at : self._at + len(part)] = part
            self._at += len(part)

    def begin(self) -> None:
        self._begun = True

    @property
    def sound(self) -> np.ndarray:
        return self._sound[: self._at]


class Heard:
    """What the model said of itself, looked at once a hop: when, notes begun so far, pitch, and the voice's peak."""

    def __init__(self):
        self.rows: list[tuple[float, float, float, float]] = []

    def look(self, segment) -> None:
        status, counters = segment.read_status(), segment.read_counters()
        self.rows.append((time.monotonic(), status["notes_played"], status["note_pitch"], counters["voice_peak"]))

    def notes(self) -> tuple[np.ndarray, np.ndarray]:
        """Seconds at which a note was first seen, and its pitch; of two that began between two looks the later one."""
        rows = np.array(self.rows)
        new = np.flatnonzero(np.diff(rows[:, 1]) > 0) + 1
        return rows[new, 0], rows[new, 2]


def measure(run: Run) -> None:
    seconds, seeds = run.length(8.0, 600.0), 1 if run.quick else SEEDS
    for number in range(seeds):
        one(run, run.seed + number, seconds, number / seeds, 1 / seeds)


def one(run: Run, seed: int, seconds: float, done: float, share: float) -> None:
    """One answer with one seed."""
    rate = run.samplerate
    kept, heard = Kept(round(1.1 * seconds * rate)), Heard()
    driver = DummyDriver(rate, run.blocksize, source=hummed_phrase(rate), sink=kept, input_name="hummed phrase")
    engine = Engine(EngineConfig(driver_instance=driver, bundle=run.bundle, seed=seed, late=stall_of(run),
                                 values={"mode": "hold", "dry": -80.0}))  # fmt: skip
    try:
        engine.start()
        hears_s = time.monotonic()
        with Standstill(engine.status().worker_pid) as stood, Beside() as counting:
            counting.begin(begin_answering(engine, hears_s))
            first, looks = engine.status(), Looks(engine)
            with TraceLog(engine) as log:
                kept.begin()
                began = time.monotonic()
                while (gone := time.monotonic() - began) < seconds:
                    engine.look(heard.look)
                    looks.look()
                    run.progress(done + share * gone / seconds)
                    time.sleep(_LOOK_S)
                last = engine.status()
    finally:
        engine.stop(fade=False)
    name = f"seed {seed}"
    settings = {"seed": seed, "seconds": seconds, "lead_ms_first": first.lead_ms, "lead_ms_last": last.lead_ms,
                "realtime": last.realtime, "watchers_realtime": stood.sure, "inject": run.inject}  # fmt: skip
    tell_time(run, name, log, looks, last, counting, stood, settings)
    tell_drift(run, name, log, settings)
    tell_sound(run, name, kept.sound, heard, first, last, settings)
    tell_statistics(run, name, kept.sound, heard, began, seconds, settings)


def tell_time(run: Run, name: str, log: TraceLog, looks: Looks, last, counting: Beside, stood: Standstill,
              settings: dict) -> None:  # fmt: skip
    """Compute time and queue time: every step."""
    steps, took_ms = log.steps, 1e3 * counting.took_between(log.begun_s, log.ended_s)
    room_ms = 1e3 / run.samplerate * (run.blocksize + looks.lead_at(counting.due_between(log.begun_s, log.ended_s)))
    in_time = np.flatnonzero(took_ms <= room_ms)
    run.tally(f"counting on time, {name}", len(in_time), len(took_ms), unit="counts", settings=settings, where=in_time,
              better="more", clock="from when a count was due to its end",
              means="the control: counts that took no longer than a block and the lead of then")  # fmt: skip
    happened, of = on_time(steps)
    run.tally(f"on time, {name}", len(happened), of, unit="steps", settings=settings, control=f"counting on time, {name}",
              goal=ON_TIME, better="more", clock=STEPS, where=happened,
              means="ISR: hops with a sounding voice that was written before its first frame was due")  # fmt: skip
    run.figure(f"step, only counting, {name}", took_ms, unit="ms", settings=settings, clock="from when a count was due to its end",
               means="the control: counts every 20 ms, each for as long as the median step, in the same seconds")  # fmt: skip
    run.figure(f"step, {name}", 1e-3 * steps["step_us"], unit="ms", settings=settings, control=f"step, only counting, {name}",
               clock="perf_counter_ns in the model's process, from the hop read to the voice made")  # fmt: skip
    run.figure(f"queue, {name}", steps["queue_frames"], unit="frames", settings=settings, clock=STEPS,
               goal=Goal("max", "<=", 2 * HOP * run.samplerate / MODEL_RATE, "two hops: more would be heard as lag"),
               means="voice frames written and not yet played, right after each writing")  # fmt: skip
    Written(run, log, stood, looks, last.realtime).tell(run, name, settings)


def on_time(steps: np.ndarray) -> tuple[np.ndarray, int]:
    """Of the steps whose voice sounds, the numbers of those that were written before their first frame was due; and how many
    sound."""
    slack = steps["slack_frames"][steps["sounding"] > 0]
    return np.flatnonzero(slack >= 0), len(slack)


def tell_drift(run: Run, name: str, log: TraceLog, settings: dict) -> None:
    """Three clocks from end to end."""
    blocks, steps, rate = log.blocks, log.steps, run.samplerate
    device_s = (len(blocks) - 1) * run.blocksize / rate
    by_clock_s = 1e-6 * blocks[1:, 0].sum(dtype=np.float64)
    hops = steps["hop"][-1] - steps["hop"][0] + 1
    run.value(f"compute against the device, {name}", hops * HOP * rate / MODEL_RATE - len(blocks) * run.blocksize, unit="frames",
              settings=settings, clock="hops computed and blocks called for in the whole run, both counted from the traces",
              goal=[Goal("value", "<=", 2 * HOP, "what may be under way"), Goal("value", ">=", -2 * HOP, "what may be under way")],
              means="frames of voice made, less frames played")  # fmt: skip
    run.value(f"device against the clock, {name}", (device_s - by_clock_s) * rate, unit="frames", settings=settings,
              clock="frames called for, and CLOCK_MONOTONIC from the first block to the last",
              means="the dummy driver loses what the machine stands still, and never catches it up")  # fmt: skip
    run.value(f"device against the clock in ppm, {name}", 1e6 * (device_s / by_clock_s - 1.0), unit="ppm", settings=settings,
              clock="the same, of the time gone by")  # fmt: skip


def tell_sound(run: Run, name: str, sound: np.ndarray, heard: Heard, first, last, settings: dict) -> None:
    """Audible time: every sample."""
    common = {"clock": "the callback's own count", "settings": settings, "goal": NONE}
    run.tally(f"samples not finite, {name}", last.scrubbed - first.scrubbed, len(sound), unit="samples", **common,
              means="of voice and microphone: put out as silence, for they were no number, infinite or absurd")  # fmt: skip
    run.tally(f"frames limited, {name}", last.limited_frames - first.limited_frames, len(sound), unit="frames", **common,
              means="frames that the limiter made quieter, or they were over range")  # fmt: skip
    peaks = [gain_to_db(peak) for _, _, _, peak in heard.rows if peak > 1e-4]
    run.figure(f"voice peak before the limiter, {name}", peaks, unit="dB", settings=settings, better="same",
               clock="the callback's peak meter of the voice as it comes from the ring, looked at every 20 ms",
               means="re full scale; above 0 the limiter has to work")  # fmt: skip


def tell_statistics(run: Run, name: str, sound: np.ndarray, heard: Heard, began: float, seconds: float, settings: dict) -> None:
    """Does the voice stay itself? Equal parts of the run against the first of them."""
    part_s, first = seconds / PARTS, slice(_FIRST_PARTS)
    judged = part_s >= _JUDGED_S
    common = {"settings": settings | {"part_s": part_s}, "better": "same"}
    levels = np.array([gain_to_db(rms(part)) for part in np.array_split(sound, PARTS)])
    run.figure(f"level, {name}", levels - np.median(levels[first]), unit="dB", clock=OUTPUT, **common,
               goal=band(judged, 6.0, "a performer notices 6 dB"),
               means="of each part, against the median of the first three")  # fmt: skip
    at_s, pitches = heard.notes()
    which = np.clip(((at_s - began) / part_s).astype(int), 0, PARTS - 1)
    counts = np.bincount(which, minlength=PARTS)
    a_minute = counts * 60.0 / part_s
    common["clock"] = "the model's count of notes begun and the pitch it names, looked at every 20 ms"
    run.figure(f"notes a minute, {name}", a_minute, unit="notes/min", means="of each part", **common)
    usual = max(float(np.median(a_minute[first])), 1e-9)
    octaves = np.log2(np.maximum(a_minute, 30.0 / part_s) / usual)  # no note at all as half a one
    run.figure(f"notes, {name}", octaves, unit="octaves", **common, goal=band(judged, 1.0, "half or twice as many are noticed"),
               means="notes a minute of each part against the median of the first three, 1 being twice as many")  # fmt: skip
    registers = np.array([np.median(pitches[which == part]) for part in range(PARTS) if counts[part]])
    if not len(registers):
        run.skip(f"register, {name}", "it played no note")
        return
    run.figure(f"register, {name}", registers - np.median(registers[first]), unit="semitones", **common,
               goal=band(judged, 12.0, "an octave is noticed"),
               means="median pitch of each part that has notes, against that of the first three")  # fmt: skip


def rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if len(sound) else 0.0


def band(judged: bool, width: float, why: str) -> list[Goal] | None:
    return [Goal("min", ">=", -width, why), Goal("max", "<=", width, why)] if judged else None


if __name__ == "__main__":
    main(measure, __doc__, injects=("stall",))
