"""From a trigger to the first frame of the voice: exact, live, and through a sound server.

How soon the instrument plays once you press the pedal. A trigger is read at the model's next step, and steps come every 20 ms
(a hop), so it waits for up to a hop: block + lead at least, hop + block + lead at most, and the device's own out. Exact:
while it hears you hum, a trigger is given before a frame, at places all over a hop, and the first output frame that is not
zero is looked for. Live: triggers at random moments, in two processes on a clock without a card; the clock starts at the
first frame that no callback has taken when the trigger is given. Voices that came by a late step are in the figure, and
counted beside it; so are triggers at which a callback was late, and the clock that is counted in was behind. The control is a chain that answers without a model, given the same triggers in the same seconds: it has the
clock, the lead and the machine, not the model's work.

Two sums are judged. What is promised and printed: hop + block + lead (and the device's out). And what was set as the goal, which
has no lead: hop + block + device. The lead is what a step may take before its voice is late; so the goal is missed by triggers in
the first frames of a hop, as many as the lead has, and by them alone.

Through a server: a probe in a process of its own hums, sends the trigger as an OSC packet and hears the voice; so that figure
has in it the device's own terms both of the probe and of the instrument, the wait for a callback, and the packet's way. Beside it,
as beside what is exact, stands the sum: that is arithmetic, no control run. And the same performance without a trigger: there
the voice must not begin.
"""

from __future__ import annotations

import time

import numpy as np

from antiphon.control.wire import encode
from antiphon.engine import Engine, EngineConfig
from antiphon.events import Event
from antiphon.latency import HOP, latency
from antiphon.suite import Goal, Run, main
from instrument import ALONE, MS, RATE, Apart, Exact, Live, as_ms, first, humming, started
from jackrig import JackMissing, JackServer, Probe, ProbeFailed
from packets import Stage

VALUES = ALONE | {"phrase_gap_s": 5.0}
BETWEEN_S = 0.72  # an answer of half a second, and a rest
LISTENED = round(0.8 * BETWEEN_S * RATE)
STILL = RATE // 100
CLOCK_S = 0.04
SOUNDS = -1
"""Instead of frames: it was not silent before the trigger."""
CLOCK = "the frame before which the trigger was given, to the first output frame that is not zero; the device's terms left out"


def goals(statistic: str, table, measuring: int = 0, why: str = "") -> list[Goal]:
    """What was set as the goal, and what is printed, of a latency table; `measuring` frames are the measurement's own, `why`."""
    longest, lead = table.trigger_frames[1], sum(term.frames for term in table.terms if term.name == "lead")
    return [
        Goal(statistic, "<=", as_ms(longest + measuring), f"printed: hop + block + lead + device{why}"),
        Goal(
            statistic,
            "<=",
            as_ms(longest - lead + measuring),
            f"set: hop + block + device{why}; the lead comes on top where a trigger falls in a hop's first {MS * lead:.0f} ms",
        ),
    ]


def exact(run: Run, count: int) -> None:
    """Triggers at places within a hop, beside the sum for each, and performances without."""
    places = np.linspace(0, HOP - 1, count).astype(int).tolist()

    def played(place: int | None) -> int | None:
        sound = humming(4 * HOP, instrument.clock)
        silent = instrument.run(sound[: place or 0])
        assert not silent.any()
        if place is not None:
            instrument.apply("trigger")
        return first(instrument.run(sound[place or 0 :]))

    with Exact(run.bundle, run.blocksize, VALUES, run.seed) as instrument:
        instrument.run(humming(50 * HOP))
        found = instrument.tried([lambda place=place: played(place) for place in places])
        without = instrument.tried([lambda: played(None)] * 2)
        delay, table = instrument.delay_frames, latency(instrument.engine.timeline, 0, 0)
    sums = [delay - place for place in places]
    run.figure(
        "the sum",
        [MS * frames for frames in sums],
        unit="ms",
        clock="arithmetic, for the same triggers: hop + block + lead, less the place",
    )
    run.figure(
        "exact",
        [MS * frames for frames in found if frames is not None],
        unit="ms",
        clock=CLOCK,
        control="the sum",
        goal=goals("max", table),
        none="no trigger was answered",
    )
    run.tally(
        "exact, off the sum",
        sum(a != b for a, b in zip(found, sums, strict=True)),
        len(sums),
        unit="triggers",
        clock=CLOCK,
        goal=Goal("happened", "==", 0, "the sum is exact"),
    )
    run.tally(
        "without a trigger",
        sum(frames is not None for frames in without),
        len(without),
        unit="performances",
        clock=CLOCK,
        means="a voice that begins though nobody asked for it",
        goal=Goal("happened", "==", 0, "silent until asked"),
    )
    terms = [(term.name, term.frames) for term in table.terms if term.name in ("hop", "block", "lead")]
    run.waterfall(
        "trigger to voice",
        terms,
        RATE,
        max((f for f in found if f is not None), default=None),
        "the longest wait: right after a step",
    )


def live(run: Run, count: int, before: Apart) -> None:
    """Triggers at random moments, one after the other, through both processes, when what is `before` is over."""
    random, given = np.random.default_rng(run.seed), []
    seconds = 2 + 1.2 * (BETWEEN_S + 0.02) * count
    instrument = Live(run.bundle, run.blocksize, VALUES, 30 + seconds)
    control = Live("echo", run.blocksize, VALUES, 30 + seconds)
    try:
        started([instrument, control])
        before.over()
        for one in (instrument, control):
            one.put(one.next_hop(), humming(round(seconds * RATE)))
        time.sleep(0.5)
        for n in range(count):
            time.sleep(0.02 * random.random())
            given.append((instrument.clock, instrument.late, control.clock, time.monotonic()))
            for one in (instrument, control):
                one.engine.apply(Event("trigger", True))
            time.sleep(BETWEEN_S)
            run.progress(0.3 + 0.4 * n / count)
        out, late, table = instrument.out(), instrument.late, instrument.engine.latency()
        beside_it, its_late = answers(control.out(), [at for _, _, at, _ in given]), control.late
    finally:
        for one in (instrument, control):
            one.engine.stop(fade=False)
    told = answers(out, [at for at, *_ in given])
    lates = [after > one[1] for one, after in zip(given, [*(one[1] for one in given[1:]), late], strict=True)]
    block_s = run.blocksize / RATE
    held_up = [instrument.behind_s(at_s, at_s + CLOCK_S) > block_s for *_, at_s in given]
    disturbed = [a or b for a, b in zip(lates, held_up, strict=True)]
    clock = "the device's clock when the trigger was given, to the first output frame that is not zero; a clock without a card"
    sounding, unheard = told.count(SOUNDS), told.count(None)
    none = f"{sounding} of {count} while the answer before still sounded, {unheard} unheard"
    run.figure(
        "echo, live",
        [MS * frames for frames in beside_it if frames not in (None, SOUNDS)],
        unit="ms",
        clock=clock,
        means=f"the same triggers in the same seconds, to a chain that answers without a model; {its_late} late steps of its own",
    )
    run.figure(
        "live",
        [MS * frames for frames in told if frames not in (None, SOUNDS)],
        unit="ms",
        clock=clock,
        control="echo, live",
        means="all, late steps or not",
        goal=goals("p99", table),
        none=none,
    )
    run.figure(
        "live, in time",
        [MS * frames for frames, off in zip(told, disturbed, strict=True) if frames not in (None, SOUNDS) and not off],
        unit="ms",
        clock=clock,
        control="echo, live",
        means="without those that had a late step in their answer, or a callback more than a block late before it",
        goal=goals("max", table)[:1],
        none=f"{none}, {sum(disturbed)} beside a late step or callback",
    )
    tell_sounding(run, "live", told)
    run.tally(
        "live, unheard",
        unheard,
        count - sounding,
        unit="triggers",
        clock=clock,
        goal=Goal("happened", "==", 0, "no trigger is lost"),
        where=[n for n, frames in enumerate(one for one in told if one != SOUNDS) if frames is None],
    )
    run.tally(
        "live, beside a late step",
        sum(lates),
        count,
        unit="triggers",
        clock="until the next trigger",
        means="a late step was in the answer: the machine's doing",
        where=np.flatnonzero(lates),
    )
    run.tally(
        "live, beside a late callback",
        sum(held_up),
        count,
        unit="triggers",
        clock=f"{1e3 * CLOCK_S:.0f} ms from the trigger on",
        means="a callback came more than a block late: the clock that is counted in was behind",
        where=np.flatnonzero(held_up),
    )


def answers(out: np.ndarray, moments: list[int]) -> list[int | None]:
    """Frames from each moment to the first of the voice; None: there is none. SOUNDS where it was not silent before: there nothing
    can be said."""
    found: list[int | None] = []
    for at in moments:
        still = not out[max(0, at - STILL) : at].any()
        found.append(first(out[at : at + LISTENED]) if still else SOUNDS)
    return found


def tell_sounding(run: Run, name: str, told: list[int | None]) -> None:
    """Tell of how many triggers nothing can be said."""
    sounding = [frames == SOUNDS for frames in told]
    run.tally(
        f"{name}, told apart",
        sum(sounding),
        len(told),
        unit="triggers",
        clock=f"the {MS * STILL:.0f} ms before the trigger",
        means="the answer before still sounded: no first frame of the next can be seen in it",
        where=np.flatnonzero(sounding),
    )


def through_server(run: Run, count: int) -> None:
    """The same by a packet, from outside, with the sound server's loopback as the device."""
    frames = round((1.5 + count * BETWEEN_S) * RATE)
    random = np.random.default_rng(run.seed)
    at = [round((1.0 + n * BETWEEN_S + 0.02 * random.random()) * RATE) for n in range(count)]
    try:
        with JackServer(RATE, run.blocksize) as server:
            probe = Probe(server)
            before = server.clients()
            engine = Engine(
                EngineConfig(
                    driver="portaudio",
                    input="loopback",
                    output="loopback",
                    bundle=run.bundle,
                    values=VALUES,
                    in_channels=1,
                    out_channels=1,
                )
            )
            try:
                engine.start()
                probe.wire((server.clients() - before).pop())
                with Stage(engine) as stage:
                    messages = [(frame, encode("/antiphon/trigger")) for frame in at]
                    out, told = probe.play(humming(frames), run.folder, messages, {"udp": stage.port})
                table, late, cross = engine.latency(), engine.status().late_heard, engine.status().xruns
            finally:
                engine.stop()
                probe.close()
    except (JackMissing, ProbeFailed) as error:
        run.skip("through a server", str(error))
        return
    sent = [(int(earliest), int(latest)) for earliest, latest in told["sent"]]
    # From the earlier of the two frames between which it was given: what sounds before it came otherwise.
    sounded = [bool(out[max(0, a - STILL) : a].any()) for a, _ in sent]
    found = [SOUNDS if before else first(out[b : b + LISTENED]) for before, (_, b) in zip(sounded, sent, strict=True)]
    delays = [
        MS * (frames + (b - a) / 2) for frames, (a, b) in zip(found, sent, strict=True) if frames is not None and frames != SOUNDS
    ]
    clock = "the probe's frame at which the packet was given to the socket, to the first frame that the probe hears"
    # Beyond the sum: the wait for the callback, and the probe's own way back to its ears.
    run.figure(
        "through a server",
        delays,
        unit="ms",
        clock=clock,
        control="the sum",
        means=f"{late} late steps, {cross} xruns meanwhile; the sum beside it is arithmetic, without the device",
        goal=goals("p99", table, 2 * run.blocksize, ", a block for the callback's wait and one to the probe"),
        none=f"{found.count(SOUNDS)} of {count} while the answer before still sounded, {found.count(None)} unheard",
    )
    tell_sounding(run, "through a server", found)
    run.tally(
        "through a server, unheard",
        found.count(None),
        count - found.count(SOUNDS),
        unit="triggers",
        clock=clock,
        goal=Goal("happened", "==", 0, "no trigger is lost"),
    )


def measure(run: Run) -> None:
    if run.samplerate != RATE:
        run.skip("", f"a hop is a whole number of frames at {RATE} Hz alone: leave out --samplerate")
        return
    if run.bundle == "through":
        run.skip("", "through gives back the microphone and has no triggers: name another bundle")
        return
    seconds = run.length(6, 170)
    exactly = Apart(lambda: exact(run, max(8, min(96, round(1.5 * seconds)))))
    live(run, max(3, round((0.5 * seconds - 1.0) / BETWEEN_S)), exactly)
    if run.quick and run.seconds is None:
        run.skip("through a server", "takes longer than the quick run has: antiphon bench trigger_to_voice")
    else:
        through_server(run, max(3, round(0.45 * seconds / BETWEEN_S)))


if __name__ == "__main__":
    main(measure, __doc__)
