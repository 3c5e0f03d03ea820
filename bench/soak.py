"""Hours of the instrument as an installation runs it: what it loses, what it gains, and what it survives.

`antiphon play` hears the built-in hummed phrase with its pauses and answers it, with OSC open, on a JACK server without a sound card
(or the dummy clock where there is no JACK), and is watched from outside. Meanwhile things go wrong by a schedule: the model is killed,
the sound server stands still for .3 s, 20,000 OSC packets a second come in, the disk of the take is full, the sound server is killed
and started again. Each fault has what must come of it and a time within which it must be over; a take runs during each and is read
afterwards. What is counted outside of the faults' seconds stands beside a control of the same seconds: xruns beside a client that does
nothing, late steps and underflows beside a process that only wakes up at each hop.

A leak is judged by what each process holds alone, after one fault of each kind has been: the least of each of twelve spans, the median
of the slopes between them (Theil-Sen) and its 95 % interval. A run of half an hour or more must show that nothing rises: its interval's
upper end is judged. A shorter one can only show what surely does: its lower end is. What it cannot tell: a leak smaller than the goal,
and what only months bring.
"""

from __future__ import annotations

import contextlib
import signal
import time

import numpy as np

from antiphon.errors import AntiphonError, UsageError
from antiphon.latency import HOP, MODEL_RATE
from antiphon.suite import Goal, Run, main
from jackrig import JackMissing, JackServer
from soak_faults import CLICK_MOST, KINDS, MOST_S, WORDS, Fault, Faults, schedule
from soak_stage import Stage
from soak_watch import Watch, gained, slope

SHORT_H = 0.05
LONG_S = 1800.0
LEAK_MB_MIN = 0.2
WARM_S = 45.0
_TELL_S, _LEAST_S = 600.0, 10.0
_LATE_SHARE = 0.001


class Stop:
    """Ctrl-C ends the soak in order: what was seen till then is told. A second one ends it at once."""

    def __init__(self) -> None:
        self.told = False
        self._before = signal.signal(signal.SIGINT, self._tell)

    def _tell(self, *_) -> None:
        self.told = True
        signal.signal(signal.SIGINT, self._before)

    def __call__(self) -> bool:
        return self.told


def measure(run: Run) -> None:
    """Set the stage, let time pass and things go wrong, tell what came of it."""
    stop = Stop()
    seconds = run.seconds if run.seconds is not None else (run.options.hours or SHORT_H) * 3600.0
    kinds = chosen_faults(run.options.faults)
    with contextlib.ExitStack() as stack:
        server = sound_server(run, stack)
        if server is None:
            kinds = tuple(kind for kind in kinds if kind != "server")
        stage = stack.enter_context(Stage(run.bundle, run.folder, server, run.blocksize, leak_of(run.inject)))
        if "disk" in kinds and not stage.disk.mounted:
            run.note(f"{stage.disk.why}: a full disk is a limit of the size of files")
        watch = Watch(stage, min(5.0, seconds / 200), min(1.0, max(0.25, seconds / 14_400)), stop)
        faults = play(run, stage, watch, seconds, kinds, stop)
        with contextlib.suppress(AntiphonError):
            watch.look(at_once=True)
        stage.end()
    tell_course(run, watch, faults)
    settings = {"hours": round(seconds / 3600, 4), "seed": run.seed, "faults": ",".join(kinds) or "none", "every_s": run.options.every,
                "driver": "JACK dummy" if server else "dummy"}  # fmt: skip
    windows = [fault.window for fault in faults]
    tell_counts(run, watch, windows, settings)
    tell_memory(run, watch, faults, settings)
    tell_clocks(run, watch, faults, settings)
    tell_faults(run, watch, faults, kinds, settings)
    tell_lives(run, watch, faults, settings)


def play(run: Run, stage: Stage, watch: Watch, seconds: float, kinds: tuple[str, ...], stop: Stop) -> list[Fault]:
    """Let it play for so long, and let happen what is due."""
    doer, faults = Faults(stage, watch), []
    due, next_tell = schedule(seconds, kinds, run.seed, run.options.every), _TELL_S
    doer.end_first()
    while (now := watch.now_s) < seconds and not stop():
        try:
            watch.look()
            fault = doer.do(due.pop(0)[1]) if due and now >= due[0][0] else None
        except AntiphonError as error:  # it has ended; what was seen until then is told
            run.note(str(error))
            break
        if stop() and fault and not fault.well:  # cut short by Ctrl-C: nothing can be said of it
            break
        if fault:
            faults.append(fault)
            run.note(f"{fault.begin_s:.0f} s: {fault.words}")
        if now >= next_tell:  # whoever is killed after this has told what was so far
            next_tell += _TELL_S
            tell_course(run, watch, faults)
        run.progress(now / seconds)
        time.sleep(0.02)
    return faults


def sound_server(run: Run, stack: contextlib.ExitStack) -> JackServer | None:
    """A JACK server where there is one."""
    if run.options.driver == "dummy":
        return None
    try:
        return stack.enter_context(JackServer(run.samplerate, run.blocksize))
    except JackMissing as missing:
        run.skip("xruns and a killed sound server", f"{missing}; this soak runs on the dummy clock")
        return None


def tell_course(run: Run, watch: Watch, faults: list[Fault]) -> None:
    """Everything over time, with the faults marked."""
    marks = [(fault.begin_s, fault.words) for fault in faults]
    for name, process in watch.processes.items():
        run.timeline(f"memory of the {name} process", process.t_s, process.own_mb, unit="MB", marks=marks)
        run.timeline(f"memory of the {name} process, with its share of what is shared", process.t_s, process.pss_mb, unit="MB")
        run.timeline(f"file descriptors of the {name} process", process.t_s, process.files, unit="descriptors")
        run.timeline(f"threads of the {name} process", process.t_s, process.threads, unit="threads")
    for name, what in (("xruns", "xruns"), ("underflows", "underflows"), ("late", "late steps")):
        run.timeline(f"{what} so far", watch.t_s, watch.looks[name], unit=what, marks=marks)
    for name, sizes in watch.kept.items():
        run.timeline(f"kept: {name}", watch.kept_t_s, sizes, unit="MB")


def tell_counts(run: Run, watch: Watch, windows: list[tuple[float, float]], settings: dict) -> None:
    """What was lost outside of the faults' seconds, beside the controls of the same seconds."""
    peace_s = watch.seconds_outside(windows)
    count = {name: watch.outside(name, windows) for name in watch.COUNTS}
    clock = "the instrument's own count, looked at four times a second (in a long soak each second), but for the looks in a fault's seconds"
    if watch.stage.server:
        run.tally("blocks of an empty client with an xrun", count["control_xruns"], count["control_blocks"], unit="blocks", settings=settings,
                  clock="the count of a JACK client whose callback is C and does nothing, in the same seconds")  # fmt: skip
        run.tally("xruns", count["xruns"], count["blocks"], unit="blocks", clock=clock, settings=settings, control="blocks of an empty client with an xrun",
                  means="blocks that the device flagged", goal=Goal("happened", "<=", as_many_as(count["control_xruns"]), "no more than a client that does nothing, but for chance"))  # fmt: skip
    run.tally("late beats", count["late_beats"], count["beats"], unit="beats", settings=settings,
              clock="a process that only wakes up at each hop, in realtime where it may: woken more than 4.4 ms late, in the same seconds")  # fmt: skip
    own = "no more often than a process that only wakes up is late, but for chance"
    run.tally("underflows", count["underflows"], peace_s, unit="s", clock=clock, settings=settings, control="late beats",
              means="times the open voice ran short", goal=Goal("happened", "<=", as_many_as(count["late_beats"]), own))  # fmt: skip
    run.tally("late steps", count["late"], count["steps"], unit="steps", clock=clock, settings=settings, control="late beats",
              goal=Goal("happened", "<=", as_many_as(count["late_beats"]) + int(_LATE_SHARE * count["steps"]), f"one in a thousand, and {own}"))  # fmt: skip


def as_many_as(control: float) -> int:
    """How often something may happen that is to happen no more often than its control did: three deviations of a count above it."""
    return int(control + 3.0 * np.sqrt(control))


def tell_memory(run: Run, watch: Watch, faults: list[Fault], settings: dict) -> None:
    """Whether anything grows: memory of its own, descriptors, threads, what is kept."""
    lasted_s = watch.t_s[-1] if watch.t_s else 0.0
    begin_s, warm_s = judged_from(faults, lasted_s)
    for name, process in watch.processes.items():
        found = slope(process.pieces("own_mb", begin_s, warm_s))
        if found is None or lasted_s < _LEAST_S:
            run.skip(f"growth of the {name} process", "too short to judge; let it soak for longer")
            continue
        bound, words = (found.upper, "at most") if lasted_s >= LONG_S else (found.lower, "at least")
        run.value(f"growth of the {name} process, {words}", bound, unit="MB/min", better="less", settings=settings,
                  means=f"{found.estimate:.3f} MB/min, with 95 % between {found.lower:.3f} and {found.upper:.3f}, from {found.spans} floors",
                  clock=f"floors of what it holds alone, from {begin_s:.0f} s on, the first {warm_s:.0f} s of each life left out; 95 % interval of Theil-Sen",
                  goal=Goal("value", "<=", LEAK_MB_MIN, "a leak of this size takes a GB in three and a half days"))  # fmt: skip
        for column, words in (("files", "file descriptors"), ("threads", "threads")):
            more = gained(process.pieces(column, begin_s, warm_s))
            if more is not None:
                run.value(f"{words} gained by the {name} process", more, unit=words, settings=settings, better="less",
                          clock="the least of the last quarter of a life less the least of its first, the most of all lives",
                          goal=Goal("value", "<=", 0, "nothing is left open"))  # fmt: skip
    for name, sizes in watch.kept.items():
        run.value(f"kept: {name}", sizes[-1], unit="MB", settings=settings, better="less",
                  clock="size of the files at the end, but for takes" if name == "home" else "the segment and what a restarted model needs, at the end")  # fmt: skip


def judged_from(faults: list[Fault], seconds: float) -> tuple[float, float]:
    """From when memory is judged, and how much of each life is left out before: what happens for the first time takes memory once."""
    first = {fault.kind: fault.over_s for fault in reversed(faults)}
    warm_s = min(WARM_S, seconds / 4)
    return max(first.values(), default=0.0) + min(10.0, warm_s), warm_s


def tell_clocks(run: Run, watch: Watch, faults: list[Fault], settings: dict) -> None:
    """How the device's frames go beside time, and the hops beside frames."""
    stood = [fault.window for fault in faults if fault.kind in ("driver", "server")]
    drifts = watch.drifts(stood, run.samplerate)
    if len(drifts):
        run.figure("device clock against time", drifts, unit="ppm", settings=settings, better="same",
                   clock="frames of the segment against CLOCK_MONOTONIC, least squares of windows of a minute or a fifth of a short run")  # fmt: skip
    hop = HOP * run.samplerate // MODEL_RATE
    behind = watch.hops_behind(hop)
    if len(behind):
        run.figure("hops against frames", behind, unit="frames", settings=settings,
                   clock="hops that the model has heard, times their frames, against the frames of the device, from where they were when it began to play",
                   means="half a hop is what looking at any moment makes of it",
                   goal=Goal("p95", "<=", 2 * hop, "the model is where the device is, after any time"))  # fmt: skip


def tell_faults(run: Run, watch: Watch, faults: list[Fault], kinds: tuple[str, ...], settings: dict) -> None:
    """What came of each kind of fault, event by event."""
    ends = {"model": "SIGKILL, to the first voice frame of a new model in the callback", "driver": "the server goes on, to the next block and voice frame",
            "flood": "the last packet, to the answer to a question", "disk": "no byte can be written any more, to the take's end being told",
            "server": "the new server answers, to the next block and voice frame"}  # fmt: skip
    for kind in kinds:
        mine = [fault for fault in faults if fault.kind == kind]
        times = [fault.recovery_s for fault in mine if fault.recovery_s is not None]
        if times:
            run.figure(f"{WORDS[kind]}: until it is over", times, unit="s", settings=settings, clock=ends[kind],
                       goal=Goal("max", "<=", MOST_S[kind], "what a listener forgives"))  # fmt: skip
        plays = [fault.plays_s for fault in mine if fault.plays_s is not None]
        if plays:
            run.figure(f"{WORDS[kind]}: until a model plays", plays, unit="s", settings=settings,
                       clock="SIGKILL, to a status that says that the new one has heard the past and plays")  # fmt: skip
        clicks = [fault.click for fault in mine if fault.click is not None]
        if clicks:
            run.figure(f"{WORDS[kind]}: steepest step", clicks, unit="of the voice's own", settings=settings,
                       clock="of the take's mix, in the last 5 ms before it falls silent, as a share of the steepest in the tenth of a second before",
                       means="a fade is less than 1, a cut about 10; kills that met a silence are left out", goal=Goal("max", "<=", CLICK_MOST, "no click"))  # fmt: skip
        if mine:
            lost = sum(watch.inside("underflows", *fault.window) for fault in mine)
            run.tally(f"{WORDS[kind]}: underflows", lost, sum(fault.window[1] - fault.window[0] for fault in mine), unit="s", settings=settings,
                      clock="the instrument's own count, in the seconds of these faults")  # fmt: skip
    if faults:
        run.tally("faults not recovered from", sum(not fault.well for fault in faults), len(faults), unit="faults", settings=settings,
                  clock="all that must come of a fault, in its time; the take of it read and verified afterwards",
                  means="; ".join(fault.words for fault in faults if not fault.well), goal=Goal("happened", "<=", 0, "an installation is left alone for months"))  # fmt: skip


def tell_lives(run: Run, watch: Watch, faults: list[Fault], settings: dict) -> None:
    """What ended or went away though nobody had made it."""
    last, made = watch.stage.last, [fault.kind for fault in faults]
    run.tally("ends of the instrument by itself", not last, 1, unit="soaks", settings=settings, clock="it ends when it is told to, and says its status then",
              goal=Goal("happened", "<=", 0, "an installation is left alone for months"))  # fmt: skip
    for name, count, kind, clock in (
        ("restarts of the model by itself", "restarts", "model", "its own count at the end, less the models that were killed"),
        ("losses of the device by itself", "device_losses", "server", "its own count at the end, less the servers that were killed"),
    ):
        if last:
            run.tally(name, max(0, last[count] - made.count(kind)), watch.t_s[-1], unit="s", settings=settings,
                      clock=clock, goal=Goal("happened", "<=", 0, "nobody is there to mend it"))  # fmt: skip


def chosen_faults(text: str) -> tuple[str, ...]:
    """Kinds by name. Raises UsageError for one that there is not."""
    names = tuple(name for name in text.split(",") if name and name != "none")
    if wrong := [name for name in names if name not in KINDS]:
        raise UsageError(f"fault {wrong[0]!r}: there is {', '.join(KINDS)}, or none")
    return names


def leak_of(inject: str | None) -> tuple[float, str] | None:
    """`leak:MB[:PROCESS]`: so many MB a minute, in the process engine, model or device. Raises UsageError for anything else."""
    name, *parts = (inject or "").split(":")
    if name != "leak":
        return None
    who = parts[1] if len(parts) > 1 else "engine"
    if who not in ("engine", "model", "device"):
        raise UsageError(f"--inject {inject}: process {who!r}; there is engine, model, device")
    try:
        return float(parts[0] if parts else 1.0), who
    except ValueError:
        raise UsageError(f"--inject {inject}: {parts[0]!r} is no number of MB per minute") from None


def options(parser) -> None:
    """What only this file takes."""
    parser.add_argument("--hours", type=float, metavar="H", help=f"how long (default: {SHORT_H})")
    parser.add_argument("--faults", default=",".join(KINDS), metavar="KIND,...", help=f"what goes wrong, or none (default: {','.join(KINDS)})")
    parser.add_argument("--every", type=float, metavar="S", help="how far apart faults are on average (default: three minutes in an hour, ten in a day)")
    parser.add_argument("--driver", choices=("jack", "dummy"), default="jack", help="jack: a JACK server where there is one (default). dummy: no sound server")


if __name__ == "__main__":
    main(measure, __doc__, options, injects=("leak",))
