"""What others do on the same device, by the same probe: an empty callback, Python's, python-rtmixer, this instrument, or your own.

Each subject is a program that brings sound from its input to its output, times a gain that is steered while it runs (the protocol
is one page, bench/subjects/README.md; `--subject PROGRAM` adds any). A probe, another client of the same JACK server with its dummy
driver, plays into it and records what comes out:

- round trip: by how many frames most frames of a numbered signal are late, beside what the subject says of itself;
- damaged frames: of that signal, those that never came, came twice, or were held up by silence: what is heard as clicks;
- control: from a message that sets the gain to the first frame at the probe that differs, of a constant signal; jitter is p99 - p1;
- spacing: between the begins of callbacks, where the subject tells it.

All of it idle (with --quick: but for the messages), and busy: with two threads in the subject's process that hold Python's
interpreter lock, which is what a program with other things to do is like. The control is `empty`, a callback in C that copies and
multiplies. Its busy threads are in a process of their own, so that they take as much of the machine and hold nobody up by a lock:
what it shows is the machine's. Subjects run one after the other, never at once: on a JACK server one that is late makes all late.

A message's time is taken by the probe's process before and after it hands the message over, and counted in frames from when the
probe's newest block began: what lies between the two, and how punctually the server calls, are the error, some frames (settings:
`handing_over_frames`). Messages come at random moments of the block. The server's loop adds a block to every subject alike. Not
heard counts also a message that was overtaken: taken together with the next one, or before its ramp was over.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from antiphon.suite import Run, main
from jackrig import JackMissing, JackServer, Probe, ProbeFailed
from signals import LEAD_IN
from steered import Heard, Plan, listen
from subject import Subject, SubjectFailed, SubjectSkips

CONTROL = "empty"
SUBJECTS = ("empty", "sounddevice_python", "python_rtmixer", "instrument", "scsynth")
NOT_QUICK = ("scsynth",)
FOLDER = Path(__file__).resolve().parent / "subjects"
BUSY = 2
APART_S = (0.03, 0.04)
"""Between two messages, at random: longer than the ramps of those that have one."""
APART_BUSY_S = (0.08, 0.12)
APART_BUSY_QUICK_S = (0.045, 0.06)
"""The same where a message may have to wait for the interpreter's lock."""
CLOCKS = {
    "round trip": "frames from the probe's output to its input, by the number that each frame carries: the delay of most of them",
    "damage": "frames of a numbered signal that did not come back, came more than once, or silence between them, by their numbers",
    "control": "when the probe's process hands the message over, in its own frames, to the first frame in its input that differs",
    "spacing": "CLOCK_MONOTONIC at the begin of one callback to the begin of the next, told by the subject",
}


def measure_one(run: Run, program: Path, server: JackServer, probe: Probe, plans: tuple[Plan, Plan], names: set[str]) -> None:
    """Start one subject, wire it, and measure it idle and busy; its name joins `names`. Raises SubjectFailed, SubjectSkips, ProbeFailed."""
    before = server.clients()
    with tempfile.TemporaryDirectory(dir=run.folder) as folder, Subject(program, Path(folder)) as subject:
        if subject.name in names:  # its figures would take the other's place
            raise SubjectFailed(f"{program.stem}: calls itself {subject.name!r}, as another one here does; give it a name of its own")
        names.add(subject.name)
        probe.wire(client_of(subject, server, before))
        for when, threads, plan in zip(("idle", "busy"), (0, BUSY), plans, strict=True):
            if threads and not subject.busy(threads):
                run.note(f"{subject.name}: has no busy threads; only idle is measured")
                break
            first = subject.counts()
            heard = listen(plan, subject, probe, Path(folder))
            counted = {name: count - first.get(name, 0) for name, count in subject.counts().items()}
            settings = {"bundle": None, "busy": threads, "counted": counted}
            if not threads:
                if heard.delay < 0:
                    raise SubjectFailed(f"{subject.name}: nothing that the probe plays comes back; is it copying input to output?")
                tell_round_trip(run, subject, heard, settings)
            tell(run, subject.name, when, plan, heard, settings)


def client_of(subject: Subject, server: JackServer, before: set[str]) -> str:
    """The subject's client among the server's: the one it names, or the only new one that has inputs and outputs."""
    new, named = sorted(server.clients() - before), subject.said.client
    if named is not None and named not in new:
        raise SubjectFailed(f"{subject.name}: says it is the client {named!r}; new ones are {new or 'none'}")
    duplex = [client for client in new if all(server.ways(client))] if named is None else [named]
    if len(duplex) != 1:
        raise SubjectFailed(f'{subject.name}: is one of {duplex or "no"} clients with inputs and outputs; have it say "client"')
    return duplex[0]


def tell_round_trip(run: Run, subject: Subject, heard: Heard, settings: dict) -> None:
    """Tell by how much sound comes later, and how that compares with what the subject says."""
    name, says = subject.name, subject.said.latency_frames
    told = {"unit": "frames", "clock": CLOCKS["round trip"], "settings": settings | {"says": says}}
    control = None if name == CONTROL else f"round trip: {CONTROL}"
    run.value(f"round trip: {name}", heard.delay, better="less", control=control, **told)
    if says is not None:
        run.value(f"round trip beyond what it says: {name}", heard.delay - says, **told)


def tell(run: Run, name: str, when: str, plan: Plan, heard: Heard, settings: dict) -> None:
    """Tell the other figures of one subject, idle or busy; the control's are called the same but for the name."""

    def told(what: str, clock: str, more: dict, **others) -> dict:
        control = None if name == CONTROL else f"{what}, {when}: {CONTROL}"
        others |= {"name": f"{what}, {when}: {name}", "clock": CLOCKS[clock], "control": control}
        return others | {"settings": settings | more}

    damage = heard.damage
    chances = plan.numbered - LEAD_IN
    run.tally(happened=damage.frames, chances=chances, **told("damaged frames", "damage", asdict(damage), unit="frames"))
    line = f"{name}, {when}: round trip {heard.delay}, damaged {damage.frames} of {plan.numbered} frames"
    more = {"handing_over_frames": heard.handing_over}
    if heard.planned:
        run.tally(happened=heard.unheard, chances=heard.planned,
                  **told("control messages not heard", "control", more, unit="messages"))  # fmt: skip
        line += f"; {heard.unheard} of {heard.planned} messages not heard"
    if heard.control:
        p1, p50, p99 = np.quantile(heard.control, (0.01, 0.5, 0.99))
        run.figure(values=heard.control, **told("control", "control", more, unit="frames"))
        run.value(value=p99 - p1, means="p99 - p1 of control",
                  **told("control jitter", "control", more, unit="frames", better="same"))  # fmt: skip
        line += f", p50 {p50:.0f}, p99 {p99:.0f}, jitter {p99 - p1:.0f} frames"
    if heard.spacing_us:
        run.figure(values=heard.spacing_us, **told("spacing", "spacing", {}, unit="us", better="same"))
    run.note(line)


def plans_of(run: Run) -> tuple[Plan, Plan]:
    """What is played idle and busy; in a hurry, messages come only where they may have to wait."""
    seconds, messages = run.length(0.2, 10.0), run.options.messages or (16 if run.quick else 200)
    dropped = run.injected("drop", 4.0)
    leave_out = max(1, int(dropped[0])) if dropped else None
    return (
        Plan.make(run.samplerate, seconds, 0 if run.quick else messages, run.seed, APART_S, leave_out),
        Plan.make(run.samplerate, seconds, messages, run.seed, APART_BUSY_QUICK_S if run.quick else APART_BUSY_S, leave_out),
    )


def programs(run: Run) -> list[Path]:
    """What is measured: ours, or those of ours that are named, and the user's own."""
    chosen = run.options.only or [name for name in SUBJECTS if not (run.quick and name in NOT_QUICK)]
    return [*(FOLDER / f"{name}.py" for name in chosen), *map(Path, run.options.subject or ())]


def measure(run: Run) -> None:
    every, names = programs(run), set()
    try:
        with JackServer(run.samplerate, run.blocksize) as server, contextlib.closing(Probe(server)) as probe:
            for number, program in enumerate(every):
                run.progress(number / len(every))
                try:
                    measure_one(run, program, server, probe, plans_of(run), names)
                except (SubjectFailed, SubjectSkips) as why:
                    run.skip(program.stem, str(why).removeprefix(f"{program.stem}: "))
    except (JackMissing, ProbeFailed) as why:
        run.skip("", str(why))


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--subject", metavar="PROGRAM", action="append", help="measure this program too; may be given again")
    parser.add_argument("--only", metavar="NAME", action="append", choices=SUBJECTS,
                        help=f"of ours only this one, may be given again: {', '.join(SUBJECTS)}")  # fmt: skip
    parser.add_argument("--messages", metavar="N", type=int, help="control messages to each, idle and busy (quick: 16, else 200)")


if __name__ == "__main__":
    main(measure, __doc__, options, injects=("drop",))
