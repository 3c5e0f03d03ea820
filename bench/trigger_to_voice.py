"""From a trigger to the first frame of the voice: exact, live, and through a sound server.

How soon the instrument plays once you press the pedal. A trigger is read at the model's next step, and steps come every 20 ms
(a hop), so it waits for up to a hop: block + lead at least, hop + block + lead at most, and the device's own out. Exact:
while it hears you hum, a trigger is given before a frame, at places all over a hop, and the first output frame that is not
zero is looked for. Live: triggers at random moments, in two processes on a clock without a card; the clock starts at the
first frame that no callback has taken when the trigger is given. Voices that came by a late step are in the figure, and
counted beside it.

Through a server: a probe in a process of its own hums, sends the trigger as an OSC packet and hears the voice; so that figure
has in it the device's own terms both of the probe and of the instrument, the wait for a callback, and the packet's way. The
control is the sum, printed by the instrument for the same triggers, and the same performance without a trigger: the voice
must not begin.
"""

from __future__ import annotations

import time

import numpy as np

from antiphon.control.wire import encode
from antiphon.engine import Engine, EngineConfig
from antiphon.events import Event
from antiphon.latency import HOP, latency
from antiphon.suite import Goal, Run, main
from instrument import ALONE, MS, RATE, Apart, Exact, Live, as_ms, first, humming
from jackrig import JackMissing, JackServer, Probe, ProbeFailed
from packets import Stage

VALUES = ALONE | {"phrase_gap_s": 5.0}
BETWEEN_S = 0.72  # an answer of half a second, and a rest
CLOCK = "the frame before which the trigger was given, to the first output frame that is not zero; the device's terms left out"


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
    heard = [MS * frames for frames in found if frames is not None]
    run.figure(
        "the sum",
        [MS * frames for frames in sums],
        unit="ms",
        clock="printed for the same triggers: hop + block + lead, less the place",
    )
    if heard:
        run.figure(
            "exact",
            heard,
            unit="ms",
            clock=CLOCK,
            control="the sum",
            goal=Goal("max", "<=", as_ms(table.trigger_frames[1]), "hop + block + lead"),
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
    with Live(run.bundle, run.blocksize, VALUES, 30 + seconds) as instrument:
        before.over()
        instrument.put(instrument.next_hop(), humming(round(seconds * RATE)))
        time.sleep(0.5)
        for n in range(count):
            time.sleep(0.02 * random.random())
            late = instrument.late
            given.append((instrument.clock, late))
            instrument.engine.apply(Event("trigger", True))
            time.sleep(BETWEEN_S)
            run.progress(0.3 + 0.4 * n / count)
        out, late, longest = instrument.out(), instrument.late, instrument.engine.latency().trigger_frames[1]
    found, in_time, unheard, sounding, beside = [], [], 0, 0, 0
    for (at, before), after in zip(given, [*(late for _, late in given[1:]), late], strict=True):
        if out[at - RATE // 100 : at].any():
            sounding += 1  # the answer before it has not ended: nothing can be said
            continue
        frames = first(out[at : at + round(0.9 * BETWEEN_S * RATE)])
        unheard += frames is None
        beside += after > before
        if frames is not None:
            found.append(MS * frames)
            in_time += [MS * frames] if after == before else []
    clock = "the device's clock when the trigger was given, to the first output frame that is not zero; a clock without a card"
    if found:
        run.figure(
            "live",
            found,
            unit="ms",
            clock=clock,
            control="the sum",
            means="all, late steps or not",
            goal=Goal("p99", "<=", as_ms(longest), "hop + block + lead"),
        )
    if in_time:
        run.figure(
            "live, in time",
            in_time,
            unit="ms",
            clock=clock,
            control="the sum",
            means="without those that had a late step in their answer",
            goal=Goal("max", "<=", as_ms(longest), "hop + block + lead"),
        )
    run.tally(
        "live, unheard",
        unheard,
        len(given) - sounding,
        unit="triggers",
        clock=clock,
        goal=Goal("happened", "==", 0, "no trigger is lost"),
    )
    run.tally(
        "live, beside a late step",
        beside,
        len(given),
        unit="triggers",
        clock="until the next trigger",
        means="a late step was in the answer: the machine's doing",
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
    found, unheard = [], 0
    for earliest, latest in told["sent"]:
        begins = first(out[int(latest) : int(latest) + round(0.8 * BETWEEN_S * RATE)]) if latest < len(out) else None
        unheard += begins is None
        found += [] if begins is None else [MS * (begins + (latest - earliest) / 2)]
    clock = "the probe's frame at which the packet was given to the socket, to the first frame that the probe hears"
    # Beyond the sum: the wait for the callback, and the probe's own way back to its ears.
    most = table.trigger_frames[1] + 2 * run.blocksize
    if found:
        run.figure(
            "through a server",
            found,
            unit="ms",
            clock=clock,
            control="the sum",
            means=f"{late} late steps, {cross} xruns meanwhile",
            goal=Goal(
                "p99", "<=", as_ms(most), "hop + block + lead + device out, a block for the callback's wait and one to the probe"
            ),
        )
    run.tally(
        "through a server, unheard",
        unheard,
        count,
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
    seconds = run.length(6, 60)
    exactly = Apart(lambda: exact(run, max(8, round(1.5 * seconds))))
    live(run, max(3, round((0.5 * seconds - 1.0) / BETWEEN_S)), exactly)
    if run.quick and run.seconds is None:
        run.skip("through a server", "takes longer than the quick run has: antiphon bench trigger_to_voice")
    else:
        through_server(run, max(3, round(0.3 * seconds / BETWEEN_S)))


if __name__ == "__main__":
    main(measure, __doc__)
