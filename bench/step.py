"""What one hop of the model costs at the cadence of play, stage by stage, and how many hops' voices are written in time.

The model makes 20 ms of voice in one step. If a step takes longer than what is left until its voice is due, the performer hears
a gap; so what counts is not the mean but the slowest steps, and their share of the hop: beyond half of it nothing is left for a
machine that does something else as well. Steps are made here as on stage: one every 20 ms, the process asleep in between, so
that caches are cold. In turns the chain listens to a hummed phrase and answers it in a quiet room (-60 dB), first as shipped,
then in its other forms, and then plain Python counts for as long, at the same cadence, on the same thread: the control. What
counting takes too long is the machine's, and no step can be blamed for as much. The thread that steps has real-time rank then,
as the model's has, where it may; threads of the networks' own (the variant with two) have not.

Clock of a stage: perf_counter_ns before and after each call of the stage's methods on the thread that steps, without what it
spent in another stage. Clock of a step: from the hop at hand to its voice made ("to the voice"), and to what is put off until
after the voice done too ("whole step"). The clocks themselves cost what `settings` says. Stages add up to the whole step
exactly.

Variants: INT8 as shipped; the same weights in fp32; the sizes before pruning, in fp32; two threads; CUDA, where there is a GPU
(in fp32: ONNX Runtime has the product that is shipped, DynamicQuantizeMatMul, for the CPU alone). The networks before pruning
have random weights, unless --teacher names a bundle of them: only the time counts then, and what it "sings" is noise.

The instrument itself plays, too, and before all that: on the dummy driver, from an ordinary process as `antiphon play` is, the
model in its own; and its trace says of each step when its voice was written. In the same seconds a process of the model's rank
counts every 20 ms for as long as the median step (control.py): how often that would have been in time. What is asked of a step
is asked of those whose voice is not silence: listening costs less, and a late silence is heard by nobody. On-time ratio and
staleness are those of StreamMUSE (B. Zheng, A. H. Yang and others: Real-Time Language Model Jamming, a case study for live music
accompaniment generation, section V-D; github.com/StreamMUSE/AE), as far as they can be. There ISR (interaction success rate) is
the share of time steps at which some accompaniment could be scheduled, one made ahead as a backup too. A step here makes one hop
and nothing ahead: a hop's voice is there before its first frame is due, or it is not, so ISR is the share of sounding steps
whose voice was written in time; no backup flatters it. There staleness is the index of the scheduled note in the sequence it was
generated in, from the newest request, in ticks. Here each hop is the first and only one of its step, so that index is always 0,
and staleness is said in time instead: how long before its first frame is heard the newest sound came in that the hop was made
of: a block, the lead, and what the step was late by. The device's own latency comes on top. "ISR, silence too" takes silence as
any other hop.

What it cannot tell: what a step costs beside a browser, or on battery. --quick sees so few steps that one of them decides its
ISR, and leaves out the networks before pruning. A bundle without networks (echo, through) has nothing to take apart.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np

import control
from answering import Looks, begin_answering, stall_of
from antiphon.engine import Engine, EngineConfig
from antiphon.events import Event
from antiphon.kernels import Resampler
from antiphon.latency import HOP, MODEL_RATE
from antiphon.model.bundle import Bundle
from antiphon.model.graph import load_runtime
from antiphon.params import REGISTRY
from antiphon.suite import Run, main
from antiphon.suite.figures import Goal
from antiphon.trace import TraceLog
from antiphon.worker_main import request_realtime
from instrument import Apart
from networks import Missing, Variant, fp32, of_teacher, on_cuda, unpruned
from phrase import phrase
from precision import difference_db
from stages import NETWORKS, STAGES, Hop, Player, play_turn, warm_up

HOP_MS = 1e3 * HOP / MODEL_RATE
SHIPPED = "INT8"
COUNTING, COUNTING_SHARE = "only counting", "only counting, share of the hop"
LIVE_COUNTING = "live, only counting, share of the hop"
STEP_GOAL = Goal("p99", "<=", 50.0, "half of the hop is left to everything else on the machine")
ISR_GOAL = Goal("share", ">=", 0.999, "one hop in a thousand: a gap every 20 s at most")
OF_STEP = "perf_counter_ns on the thread that steps: from the hop at hand to its voice made, and to what is put off done"
OF_VOICE = "perf_counter_ns on the thread that steps: from the hop at hand to its voice, marked and at the device's rate"
OF_STAGE = "perf_counter_ns around each call of the stage's methods, less what other stages took inside them; hops that had one"
OF_TRACE = "device frames, counted by the callback: the worker looks at them when it writes a hop's voice"
OTHER_RATE = 44_100
NO_NETWORKS = ("echo", "through")


def options(parser) -> None:
    parser.add_argument("--sound", metavar="FILE", help="recording to hear (default: the built-in hummed phrase)")
    parser.add_argument("--teacher", metavar="BUNDLE", help="the networks before pruning, fp32 (default: random weights)")
    parser.add_argument("--every-ms", type=float, metavar="MS", default=HOP_MS, help="a step so often; 0: at once (default: 20)")
    parser.add_argument("--only", metavar="VARIANT", action="append", help="this one alone beside what is shipped; repeatable")
    parser.add_argument("--no-live", action="store_true", help="leave out the instrument playing")


class Found:
    """All hops of one variant, in time order."""

    def __init__(self, variant: Variant, run: Run, heard: np.ndarray):
        self.variant, self._run, self._heard = variant, run, heard
        self.player = Player(variant, run.seed, run.samplerate)
        self.hops: list[Hop] = []
        self.turns = 0
        warm_up(self.player, heard)

    def play(self, hops: int, period_s: float, after_hop=lambda: None) -> None:
        """One more turn."""
        self.hops += play_turn(self.player, self.turns, self._heard, hops, period_s, self._run.seed, after_hop)
        self.turns += 1

    def ms(self, when: str, what) -> list[float]:
        """Milliseconds of `what(hop)` of all hops that were listened or answered in."""
        return [1e-6 * what(hop) for hop in self.hops if hop.answering == (when == "answering")]


def before_pruning(run: Run) -> dict[str, bytes] | Missing:
    """The networks before pruning, or why they cannot be had."""
    try:
        return of_teacher(Bundle.open(run.options.teacher)) if run.options.teacher else unpruned(Bundle.open(run.bundle), run.folder)
    except Missing as missing:
        return missing


def variants(run: Run) -> Iterable[Variant]:
    """The bundle as shipped, then in other forms; what cannot be had is skipped, with the reason in the receipt."""
    bundle = Bundle.open(run.bundle)
    yield Variant(SHIPPED, bundle)
    full = cache(lambda: fp32(bundle))
    yield from had(run, {
        "INT8, 2 threads": lambda name: Variant(name, bundle, threads=2),
        "fp32": lambda name: Variant(name, bundle, full()),
        "fp32, CUDA": lambda name: on_cuda(name, bundle, full()),
    })  # fmt: skip


def large_variants(run: Run, drawing: Apart) -> Iterable[Variant]:
    """The networks before pruning, once they are drawn."""
    bundle = Bundle.open(run.bundle)

    def large() -> dict[str, bytes]:
        drawn = drawing.over()
        if isinstance(drawn, Missing):
            raise drawn
        return drawn

    yield from had(run, {
        "unpruned fp32": lambda name: Variant(name, bundle, large()),
        "unpruned fp32, CUDA": lambda name: on_cuda(name, bundle, large()),
    })  # fmt: skip


def had(run: Run, ways: dict[str, Callable[[str], Variant]]) -> Iterable[Variant]:
    """Those that are asked for and can be had."""
    for name, make in ways.items():
        if run.options.only and name not in run.options.only:
            continue
        try:
            yield make(name)
        except Missing as missing:
            run.skip(name, str(missing))


@contextmanager
def at_the_models_rank() -> Iterator[bool]:
    """This thread, and none that is there already, has the model's real-time rank from `with` to its end; False where it may
    not."""
    realtime = request_realtime()
    try:
        yield realtime
    finally:
        if realtime:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def measure(run: Run) -> None:
    if run.bundle in NO_NETWORKS:
        run.skip("", f"bundle {run.bundle} has no networks whose time could be told: --bundle hum")
        return
    large = any("unpruned" in name for name in run.options.only or ["unpruned"])
    if large and run.quick and not run.options.only and run.seconds is None:
        large = False
        run.skip("unpruned fp32", "takes longer than the quick run has: antiphon bench step")
    # Drawing large networks takes as long as the instrument does to load, and neither is timed.
    drawing = Apart(lambda: before_pruning(run)) if large else None
    period_s = 1e-3 * run.options.every_ms
    settings = {"every_ms": run.options.every_ms, "onnxruntime": load_runtime().__version__}
    heard = phrase(run.options.sound, run.samplerate).astype(np.float32)
    seconds = run.length(8.0, 240.0)
    hops = min(250, max(20, round(seconds / 4 * MODEL_RATE / HOP)))
    if not run.options.no_live:
        live(run, settings, drawing)
    found = [Found(variant, run, heard) for variant in variants(run)]
    found += [Found(variant, run, heard) for variant in large_variants(run, drawing)] if drawing else []
    tell_differences(run, found)
    resampling = Resampling() if run.samplerate == MODEL_RATE else None
    counted: list[np.ndarray] = []
    shipped, *others = found
    rounds = max(1, round(seconds / 4 / (hops * HOP / MODEL_RATE)))
    collect(freeze=True)
    for turn in range(rounds):
        with at_the_models_rank() as realtime:
            shipped.play(hops, period_s, resampling.step if resampling else lambda: None)
            for other in others:
                other.play(hops // 2 if run.quick else hops, period_s)
            work_s = 1e-9 * float(np.median([hop.whole_ns for hop in shipped.hops if hop.answering] or [3e6]))
            turns = control.turns_at_rest(work_s)
            counted.append(1e3 * control.count_at_cadence(hops * HOP / MODEL_RATE / 2, work_s, turns))
        collect()
        run.progress(0.3 + 0.7 * (turn + 1) / rounds)
    tell_steps(run, found, np.concatenate(counted), settings | {"realtime": realtime})
    if resampling:
        run.figure(f"resampler, {OTHER_RATE / 1000:g} kHz", resampling.took_ms, unit="ms", clock=OF_STAGE, control=COUNTING,
                   means="from a device at 44.1 kHz to the model and back; at 48 kHz there is nothing to resample")  # fmt: skip


def collect(freeze: bool = False) -> None:
    """Collect cycles between turns, as the worker does between steps, and not within."""
    gc.collect()
    if freeze:
        gc.freeze(), gc.disable()


class Resampling:
    """A hop through the resamplers of a device at 44.1 kHz, after each of the steps."""

    def __init__(self):
        self._into, self._out_of = Resampler(OTHER_RATE, MODEL_RATE, 1), Resampler(MODEL_RATE, OTHER_RATE, 1)
        rng = np.random.default_rng(1)
        self._mono = (0.1 * rng.standard_normal(OTHER_RATE * HOP // MODEL_RATE)).astype(np.float32)
        self._voice = (0.1 * rng.standard_normal(HOP)).astype(np.float32)
        self.took_ms: list[float] = []

    def step(self) -> None:
        began = time.perf_counter_ns()
        self._into.process(self._mono)
        self._out_of.process(self._voice)
        self.took_ms.append(1e-6 * (time.perf_counter_ns() - began))


def tell_differences(run: Run, found: list[Found]) -> None:
    """How near the fp32 networks are to the shipped ones: if they did something else, their time would say nothing."""
    full = next((one.variant for one in found if one.variant.name == "fp32"), None)
    if full is None:
        return
    graphs = ("tokenizer", "heads"), ("encoder", "latent"), ("memory", "context"), ("decoder", "raw")
    apart = {name: difference_db(found[0].variant.graph(name), full.graph(name))[output] for name, output in graphs}
    run.value("fp32 from INT8", max(apart.values()), unit="dB", better="less", clock="50 steps of noise through both graphs",
              means="power of the difference between what a shipped network and its fp32 form say, against that of the former; of "
              f"{', '.join(apart)} the one that is farthest", settings={"each": {name: round(db, 1) for name, db in apart.items()}},
              goal=Goal("value", "<=", -30.0, "the same network but for the rounding"))  # fmt: skip


def tell_steps(run: Run, found: list[Found], counted_ms: np.ndarray, settings: dict) -> None:
    """The figures of all variants: the whole step of each, and of the shipped one every stage."""
    for counting, counted, unit in ((COUNTING, counted_ms, "ms"), (COUNTING_SHARE, 100 * counted_ms / HOP_MS, "%")):
        run.figure(counting, counted, unit=unit, settings=settings,
                   clock="perf_counter on the same thread, from the wake-up to the end of the count",
                   means="the control: plain Python, as long as a step that answers, at the same cadence")  # fmt: skip
    for one in found:
        name, full = one.variant.name, one.variant is found[0].variant or not run.quick
        told = settings | one.variant.settings
        clocks = float(np.median([hop.clocks for hop in one.hops]))
        told |= {"clocks in a step": clocks, "one clock, us": round(1e-3 * one.player.watch.cost_ns(), 3)}
        if one.variant is found[0].variant:
            share = [100 * 1e-6 * hop.whole_ns / HOP_MS for hop in one.hops]
            run.figure("whole step, share of the hop", share, unit="%", clock=OF_STEP, settings=told, goal=STEP_GOAL,
                       control=COUNTING_SHARE, means="how much of a hop's 20 ms its step takes; listening and answering in turns")
        means = "with random weights: only the time counts" if name.startswith("unpruned") and not run.options.teacher else ""
        beside = {"settings": told, "control": COUNTING}
        for when in ("listening", "answering"):
            for what, ns, clock, meant in (
                ("whole step", lambda hop: hop.whole_ns, OF_STEP, means),
                ("to the voice", lambda hop: hop.voice_ns, OF_VOICE, means),
                ("networks", _networks_ns, OF_STAGE, f"{', '.join(NETWORKS)} together"),
            ):
                if (what == "whole step" or not run.quick) and (times := one.ms(when, ns)):
                    run.figure(f"{name}, {when}: {what}", times, unit="ms", clock=clock, means=meant, **beside)
        if full:
            tell_stages(run, one, beside)


def tell_stages(run: Run, one: Found, beside: dict) -> None:
    """Every stage of a variant, and the dearest step there is: an answer's first."""
    name = one.variant.name
    first = [1e-6 * hop.voice_ns for hop in one.hops if hop.begins]
    if first:
        run.figure(f"{name}, first hop of an answer: to the voice", first, unit="ms", clock=OF_VOICE,
                   means="the dearest step: what was heard last is settled, and told to a note model that the caches forgot",
                   **beside)  # fmt: skip
    for stage, means in STAGES.items():
        # While it answers, the encoder lets hops by: that costs nothing, and is no encoding.
        hops = [hop for hop in one.hops if hop.stages.get(stage) and not (stage == "encoder" and hop.answering)]
        if hops:
            times = [1e-6 * hop.stages[stage] for hop in hops]
            run.figure(f"{name}: {stage}", times, unit="ms", clock=OF_STAGE, means=means, **beside)


def _networks_ns(hop: Hop) -> int:
    return sum(hop.stages.get(stage, 0) for stage in NETWORKS)


def live(run: Run, settings: dict, before: Apart | None) -> None:
    """The instrument plays on the dummy driver, when what is `before` is over: how many steps were in time, by its own trace.

    It has heard a second and answers when the looking begins; then it listens again and answers again, in turns.
    """
    listen_s, answer_s = (1.0, 2.5) if run.quick else (4.0, 12.0)
    seconds, late = run.length(3.0, 160.0), stall_of(run)
    values = {"mode": "hold", "phrase_gap_s": REGISTRY.resolve("phrase_gap_s").maximum}
    engine = Engine(EngineConfig(driver="dummy", input=run.options.sound, loop=True, samplerate=run.samplerate,
                                 blocksize=run.blocksize, bundle=run.bundle, seed=run.seed, values=values, late=late))  # fmt: skip
    looks = Looks(engine)

    def wait(until_s: float) -> None:
        while (left := min(until_s, begun + seconds) - time.monotonic()) > 0:
            looks.look()
            time.sleep(min(left, 0.05))

    engine.start()
    try:
        if before:
            before.over()
        with control.Beside() as counting:
            counting.begin(begin_answering(engine))
            with TraceLog(engine) as log:
                begun = log.begun_s
                looks.look()
                wait(begun + answer_s)
                while time.monotonic() < begun + seconds:
                    for mode in ("listen", "hold"):
                        engine.apply(Event("mode", REGISTRY.accept("mode", mode)))
                        wait(time.monotonic() + 0.05)
                    wait(time.monotonic() + listen_s)
                    engine.apply(Event("trigger", REGISTRY.accept("trigger", True)))
                    wait(time.monotonic() + answer_s)
                    run.progress(0.3 * (time.monotonic() - begun) / seconds)
            realtime = engine.status().realtime
    finally:
        engine.stop(fade=False)
    settings = settings | {"driver": "dummy", "late": late, "realtime": realtime, "control_realtime": counting.realtime}
    tell_live(run, log.steps, log.step_times() - begun, looks, begun, settings)
    tell_counting(run, counting, looks, log.begun_s, log.ended_s, settings)


def tell_live(run: Run, steps: np.ndarray, t_s: np.ndarray, looks: Looks, begun: float, settings: dict) -> None:
    """What the trace of a run says: ISR, staleness, and what was left of the time; and the run's course."""
    slack = steps["slack_frames"].astype(np.float64)
    to_ms, in_time, sounding = 1e3 / run.samplerate, slack >= 0, steps["sounding"] > 0
    told = dict(unit="steps", clock=OF_TRACE, settings=settings, control="ISR, only counting", better="more")
    run.tally("ISR", int(in_time[sounding].sum()), int(sounding.sum()), goal=ISR_GOAL, where=np.flatnonzero(in_time[sounding]),
              means="steps whose voice was not silence and was written before its first frame was due", **told)  # fmt: skip
    run.tally("ISR, silence too", int(in_time.sum()), len(steps), where=np.flatnonzero(in_time),
              means="the same of all steps: a late silence is heard by nobody", **told)  # fmt: skip
    lead_frames = looks.lead_at(t_s + begun)
    stale_ms = to_ms * (run.blocksize + lead_frames + np.maximum(0.0, -slack))
    run.figure("staleness", stale_ms, unit="ms", clock=OF_TRACE, settings=settings,
               means="age of the newest sound that a hop was made of, when its first frame is heard; the device's comes on top")
    run.figure("time to spare", to_ms * slack, unit="ms", clock=OF_TRACE, settings=settings, better="more",
               means="from a hop's voice written until its first frame is due; below 0: late")  # fmt: skip
    share = {field: 1e-3 * steps[field].astype(np.float64) / HOP_MS * 100 for field in ("step_us", "whole_us")}
    told = dict(unit="%", settings=settings, control=LIVE_COUNTING, none="no step's voice was a sound in that time")
    for what, field, until, goal in (("to the voice", "step_us", "to its voice made", STEP_GOAL),
                                     ("whole step", "whole_us", "to what is put off until after the voice done", None)):
        run.figure(f"live, answering, {what}, share of the hop", share[field][sounding], goal=goal,
                   clock=f"perf_counter_ns in the worker: from the hop read {until}",
                   means="the worker's own step, mailbox and rings too, where its voice is no silence", **told)  # fmt: skip
    marks = [(float(t), f"late by {-to_ms * frames:.1f} ms") for t, frames in zip(t_s[~in_time], slack[~in_time], strict=True)]
    run.timeline("live, to the voice, share of the hop", t_s, share["step_us"], unit="%", marks=marks)


def tell_counting(run: Run, counting: control.Beside, looks: Looks, begun: float, ended: float, settings: dict) -> None:
    """What plain counting did in the same seconds."""
    took_ms = 1e3 * counting.took_between(begun, ended)
    in_time = np.flatnonzero(took_ms <= 1e3 / run.samplerate * (run.blocksize + looks.lead_at(counting.due_between(begun, ended))))
    clock = "time.monotonic in a process beside the model's: from when a count was due to its end"
    run.tally("ISR, only counting", len(in_time), len(took_ms), unit="steps", better="more", clock=clock, where=in_time,
              means="counts as long as a step, over within a block and the lead of then: what steps miss beyond it is theirs",
              settings=settings)  # fmt: skip
    run.figure(LIVE_COUNTING, 100 * took_ms / HOP_MS, unit="%", clock=clock, settings=settings,
               means="the control: counts as long as the median step, in the same seconds")  # fmt: skip


if __name__ == "__main__":
    sys.setswitchinterval(0.0005)  # as the worker
    main(measure, __doc__, options, injects=("stall",))
