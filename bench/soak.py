"""Hours of the instrument as an installation runs it: what it loses, what it gains, and what it survives.

`antiphon play` hears the built-in hummed phrase with its pauses and answers it, with OSC open, on a JACK server without a sound card
(or the dummy clock where there is no JACK), and is watched from outside. Meanwhile things go wrong by a schedule: the model is killed,
the sound server stands still for .3 s, 20,000 OSC packets a second come in, the disk of the take is full, the sound server is killed
and started again. Each fault has what must come of it and a time within which it must be over; a take runs during each and is read
afterwards.

What is late or lost outside of the faults' seconds is judged one by one, by its time. A late step is of our making unless the model's
core stood still, or a real-time program that is not the instrument's had it (the sound server and those who stand beside are none of
its), for as long as it was late, between when it could begin and when it was written; an underflow is, unless such a step explains it.
An xrun is told to every client, whoever was late: it is of our making where a block of ours beside it took more than half a period, or
was called late while a client that does nothing was not. What that cannot tell: whether all were called late because of us, and what
another program took from the model by way of caches and the core's other half, which counts as ours. Beside stand, as they are, the
wakings of a process that has nothing to do and the xruns of that client.

A leak is judged by what each process holds alone, after one fault of each kind has been, and in half an hour or more after a third of
it, for what the first takes and floods need is kept: the least of each of twelve spans, the median of the slopes between them
(Theil-Sen) and its 95 % interval. A run of half an hour or more must show that nothing rises: its interval's upper end is judged. A
shorter one can only show what surely does: its lower end is. What rises once, by a few MB, looks like a slope the more the shorter it
was watched, so the goal is 6 MB in all that was judged, from .3 MB a minute down to .005 (216 MB a month) in thirty hours. What it
cannot tell: a leak smaller than its goal, and what only months bring.
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
from soak_blame import NEAR_S, Standstills, late_beats, steps_of_ours, underflows_of_ours, xruns_of_ours
from soak_faults import CLICK_MOST, KINDS, MOST_S, WORDS, Fault, Faults, schedule
from soak_stage import Stage
from soak_watch import Watch, gained, more_kept, slope
from standstill import joined

SHORT_H = 0.05
LONG_S = 1800.0
LEAK_MB_MIN, LEAK_LEAST, LEAK_ONCE_MB = 0.2, 0.005, 6.0
WARM_S = 45.0
_TELL_S, _LEAST_S = 600.0, 10.0
_LATE_SHARE = 0.001
_FIRST = 1 / 3
_A_TAKE_MB, _ROOM_MB = 0.05, 0.1
_NOT_SURE = "no real-time rights for those who watch the cores, so nobody can tell; see antiphon doctor"


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
        stood = Standstills()
        stack.callback(stood.end)
        stood.follow(stage.model_pid())  # it takes a while to begin, of which the watch is to know nothing
        watch = Watch(stage, min(5.0, seconds / 200), min(1.0, max(0.25, seconds / 14_400)), stop)
        faults = play(run, stage, watch, stood, seconds, kinds, stop)
        with contextlib.suppress(AntiphonError):
            watch.look(at_once=True)
        stage.end()
        stood.end()
    tell_course(run, watch, faults)
    settings = {"hours": round(seconds / 3600, 4), "seed": run.seed, "faults": ",".join(kinds) or "none", "every_s": run.options.every,
                "driver": "JACK dummy" if server else "dummy"}  # fmt: skip
    windows = [fault.window for fault in faults]
    tell_counts(run, watch, stood, windows, settings)
    tell_memory(run, watch, faults, settings)
    tell_clocks(run, watch, faults, settings)
    tell_faults(run, watch, faults, kinds, settings)
    tell_lives(run, watch, faults, settings)


def play(run: Run, stage: Stage, watch: Watch, stood: Standstills, seconds: float, kinds: tuple[str, ...], stop: Stop) -> list[Fault]:
    """Let it play for so long, and let happen what is due."""
    doer, faults = Faults(stage, watch, lambda: stood.follow(stage.model_pid())), []
    due, next_tell = schedule(seconds, kinds, run.seed, run.options.every), _TELL_S
    doer.end_first()
    while (now := watch.now_s) < seconds and not stop():
        try:
            watch.look()
            stood.follow(stage.model_pid())  # it may have ended by itself
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


def tell_counts(run: Run, watch: Watch, stood: Standstills, windows: list[tuple[float, float]], settings: dict) -> None:
    """What was late or lost outside of the faults' seconds, and what of it was of our making."""
    watched = windows + [(begin - watch.began, end - watch.began) for begin, end in stood.blind]
    count = {name: int(watch.outside(name, watched)) for name in watch.COUNTS}
    tell_steps(run, watch, stood, watched, count, settings)
    if watch.stage.server:
        tell_xruns(run, watch, stood, watched, count, settings)


def between_looks(seen: list[tuple[float, float, int]], watch: Watch, windows: list[tuple[float, float]]) -> tuple[np.ndarray, ...]:
    """What was seen between two looks outside of these windows: when, seconds of the watch, and how many; and which of all these are."""
    columns = np.array(seen, float).reshape(-1, 3)
    at_s = columns[:, :2].mean(1) - watch.began
    free = watch.free(at_s, windows)
    return at_s[free], columns[free, 2].astype(int), free


def tell_steps(
    run: Run, watch: Watch, stood: Standstills, windows: list[tuple[float, float]], count: dict[str, int], settings: dict
) -> None:
    """Late steps and underflows, beside the wakings of a process that has nothing to do."""
    seen, began = watch.seen, watch.began
    late_s = np.array([at for at, *_ in seen.late]) - began
    excuses = np.concatenate((stood.still, stood.held)) if seen.realtime else stood.still
    ours, peace = steps_of_ours(seen.late, joined(excuses)), watch.free(late_s, windows)
    room_s = np.array(watch.looks["lead_s"]) - watch.looks["step_s"]
    beats_s = np.array([due for due, _ in watch.stage.late_beats]) - began
    late = beats_s[late_beats(watch.stage.late_beats, np.array(watch.t_s) + began, room_s) & watch.free(beats_s, windows)]
    run.tally("late beats", len(late), count["beats"], unit="beats", settings=settings, where=watch.place("beats", late, windows),
              clock="a process that only wakes up at each hop, in realtime where it may, in the same seconds",
              means="wakings later than the lead at that time, less the median step, would have left room for")  # fmt: skip
    of_steps = {"unit": "steps", "settings": settings, "control": "late beats"}
    run.tally("late steps", int(peace.sum()), count["steps"], **of_steps, where=watch.place("steps", late_s[peace], windows),
              clock="the step trace: written after the first frame of its voice was due",
              means=f"whoever's fault; the model's own count is {count['late']}")  # fmt: skip
    at_s, lost, free = between_looks(seen.underflows, watch, windows)
    places = watch.place("steps", at_s, windows)
    run.tally("underflows", int(lost.sum()), count["steps"], **of_steps, where=np.repeat(places, lost),
              clock="the callback's own count, looked at some fifty times a second", means="times the open voice ran short, whoever's fault")  # fmt: skip
    late_ms = [1e3 * seconds for _, seconds, *_ in seen.late]
    marks = [(at, f"late by {ms:.1f} ms, ours") for at, ms, mine in zip(late_s, late_ms, ours & peace, strict=True) if mine and stood.sure]
    run.timeline("late steps, by how much", late_s, late_ms, unit="ms", marks=marks[:500])
    if not stood.sure:
        run.skip("late steps and underflows of our making", _NOT_SURE)
        return
    mine = underflows_of_ours(seen.underflows, seen.late, ours)[free]
    run.tally("late steps of our making", int((ours & peace).sum()), count["steps"], **of_steps,
              where=watch.place("steps", late_s[ours & peace], windows),
              clock="late steps against what the watchers of the cores and of the model saw, both by CLOCK_MONOTONIC",
              means="not explained by a standstill of the model's core or another real-time program at that time",
              goal=Goal("share", "<=", _LATE_SHARE, "one step in a thousand"))  # fmt: skip
    run.tally("underflows of our making", int(mine.sum()), count["steps"], **of_steps, where=np.repeat(places, mine),
              clock=f"underflows against late steps, within {1e3 * NEAR_S:g} ms",
              means="with a late step of our making beside it, or none that is excused",
              goal=Goal("share", "<=", _LATE_SHARE, "one step in a thousand"))  # fmt: skip


def tell_xruns(
    run: Run, watch: Watch, stood: Standstills, windows: list[tuple[float, float]], count: dict[str, int], settings: dict
) -> None:
    """Flagged blocks, beside those of a client that does nothing."""
    at_s, happened, free = between_looks(watch.seen.flagged, watch, windows)
    places = watch.place("blocks", at_s, windows)
    empty = "blocks of an empty client with an xrun"
    run.tally(empty, count["control_xruns"], count["control_blocks"], unit="blocks", settings=settings, means="it is told of ours too",
              clock="the count of a JACK client whose callback is C and does nothing, in the same seconds")  # fmt: skip
    run.tally("xruns", int(happened.sum()), count["blocks"], unit="blocks", settings=settings, control=empty, where=np.repeat(places, happened),
              clock="blocks that the device flagged, each once, looked at some fifty times a second", means="whoever was late")  # fmt: skip
    if not stood.sure:
        run.skip("xruns of our making", _NOT_SURE)
        return
    seen, calls = watch.seen, watch.stage.late_calls
    for whose, late in (("our blocks", [call[:2] for call in seen.begun_late]), ("the empty client's blocks", calls)):
        run.timeline(f"{whose} that were called late", [at - watch.began for at, _ in late], [1e3 * spacing for _, spacing in late], unit="ms")
    mine = xruns_of_ours(seen.flagged, seen.heavy, seen.begun_late, calls, stood.spans)[free]
    run.tally("xruns of our making", int(mine.sum()), count["blocks"], unit="blocks", settings=settings, control=empty, where=np.repeat(places, mine),
              clock="flagged blocks against the block trace, that of the empty client and the watchers of the cores",
              means="a block of ours took over half a period, or was called late alone",
              goal=Goal("happened", "<=", 0, "nothing we do may break the sound"))  # fmt: skip


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
        most = leak_goal(lasted_s - begin_s) if lasted_s >= LONG_S else LEAK_MB_MIN
        run.value(f"growth of the {name} process, {words}", bound, unit="MB/min", better="less", settings=settings,
                  means=f"{found.estimate:.3f} MB/min, with 95 % between {found.lower:.3f} and {found.upper:.3f}, from {found.spans} floors",
                  clock=f"floors of what it holds alone, from {begin_s:.0f} s on, the first {warm_s:.0f} s of each life left out; 95 % interval of Theil-Sen",
                  goal=Goal("value", "<=", most, f"what can be told in this time; such a leak takes a GB in {1000 / most / 1440:.1f} days"))  # fmt: skip
        for column, words in (("files", "file descriptors"), ("threads", "threads")):
            more = gained(process.pieces(column, begin_s, warm_s))
            if more is not None:
                run.value(f"{words} gained by the {name} process", more, unit=words, settings=settings, better="less",
                          clock="the least of the last quarter of a life less the least of its first, the most of all lives",
                          goal=Goal("value", "<=", 0, "nothing is left open"))  # fmt: skip
    takes = sum(fault.begin_s > begin_s for fault in faults)
    for name, sizes in watch.kept.items():
        more = more_kept(watch.kept_t_s, sizes, begin_s)
        clock = {"home": "size of its files", "takes": "size of the takes, which are removed when they are read",
                 "shared memory": "the segment and what a restarted model needs"}[name]  # fmt: skip
        run.value(f"kept: {name}", sizes[-1], unit="MB", settings=settings, better="less", clock=f"{clock}, at the end")
        if more is None:
            run.skip(f"gained: {name}", "too short to judge; let it soak for longer")
        elif name == "home":
            run.value("gained: home, for each take", more / max(takes, 1), unit="MB", settings=settings, better="less",
                      clock=f"{clock}, the least of the last quarter less the least of the first, by the {takes} takes (in all, where none)",
                      means="the two manifests of a signed take are kept",
                      goal=Goal("value", "<=", _A_TAKE_MB, "what is kept of each take, and nothing else"))  # fmt: skip
        else:
            run.value(f"gained: {name}", more, unit="MB", settings=settings, better="less",
                      clock=f"{clock}, the least of the last quarter less the least of the first",
                      goal=Goal("value", "<=", _ROOM_MB, "nothing is left lying"))  # fmt: skip


def leak_goal(seconds: float) -> float:
    """How fast a process may grow that was judged for so long, MB a minute."""
    return max(LEAK_LEAST, LEAK_ONCE_MB / (seconds / 60))


def judged_from(faults: list[Fault], seconds: float) -> tuple[float, float]:
    """From when memory is judged, and how much of each life is left out before: what happens for the first time takes memory once."""
    first = {fault.kind: fault.over_s for fault in reversed(faults)}
    warm_s = min(WARM_S, seconds / 4)
    begin_s = max(first.values(), default=0.0) + min(10.0, warm_s)
    return max(begin_s, _FIRST * seconds) if seconds >= LONG_S else begin_s, warm_s


def tell_clocks(run: Run, watch: Watch, faults: list[Fault], settings: dict) -> None:
    """How the device's frames go beside time, and the hops beside frames."""
    stood = [fault.window for fault in faults if fault.kind in ("driver", "server")]
    drifts = watch.drifts(stood, run.samplerate)
    run.figure("device clock against time", drifts, unit="ppm", settings=settings, better="same",
               none="too short, or never left alone for long enough",
               clock="frames of the segment against CLOCK_MONOTONIC, least squares of windows of a minute or a fifth of a short run")  # fmt: skip
    hop = HOP * run.samplerate // MODEL_RATE
    behind = watch.hops_behind(hop)
    run.figure("hops against frames", behind, unit="frames", settings=settings, none="no model played for long enough",
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
        run.figure(f"{WORDS[kind]}: until it is over", times, unit="s", settings=settings, clock=ends[kind],
                   none="it never was over" if mine else "it never came to it",
                   goal=Goal("max", "<=", MOST_S[kind], "what a listener forgives"))  # fmt: skip
        plays = [fault.plays_s for fault in mine if fault.plays_s is not None]
        if plays:
            run.figure(f"{WORDS[kind]}: until a model plays", plays, unit="s", settings=settings,
                       clock="SIGKILL, to a status that says that the new one has heard the past and plays")  # fmt: skip
        clicks = [fault.click for fault in mine if fault.click is not None]
        if clicks:
            run.figure(f"{WORDS[kind]}: steepest step", clicks, unit="of the voice's own", settings=settings,
                       clock="of the take's mix, in the last 5 ms before it falls silent, as a share of the steepest in the tenth of a second before",
                       means="a fade is less than 1, a cut about 10; kills that met a silence are left out",
                       goal=Goal("max", "<=", CLICK_MOST, "no click"))  # fmt: skip
        if mine:
            lost = sum(watch.inside("underflows", *fault.window) for fault in mine)
            run.tally(f"{WORDS[kind]}: underflows", lost, sum(fault.window[1] - fault.window[0] for fault in mine), unit="s", settings=settings,
                      clock="the instrument's own count, in the seconds of these faults")  # fmt: skip
    if faults:
        run.tally("faults not recovered from", sum(not fault.well for fault in faults), len(faults), unit="faults", settings=settings,
                  clock="all that must come of a fault, in its time; the take of it read and verified afterwards",
                  means="; ".join(fault.words for fault in faults if not fault.well),
                  goal=Goal("happened", "<=", 0, "an installation is left alone for months"))  # fmt: skip


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
