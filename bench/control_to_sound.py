"""From a packet or a knob to the first frame that differs, and to the first that is heard to differ, by OSC, MIDI and time tags.

How soon you hear what you turn. Gains and filters are the callback's: they are heard with the next block. All else is read by
the model at its next step, every 20 ms, and is due hop + block + lead after that hop began; what changes which notes come is
heard once another note has come. "Differs" is bit for bit; "heard" is by a model of the ear (audible.py) whose thresholds are
set, in this very run, so that what nobody hears (dither, a third of a dB, one frame later) is no difference; it is dated at
the end of the 20 or 60 ms that it needs.

Live: an instrument plays on a clock without a card, packets come from a process of their own at random moments. For the
callback's rows it plays its microphone, a tone that repeats itself bit for bit, so the first frame that does not is the
change. For the model's rows the trace says which step had read the message, and when that step's voice was due. The clock
runs from the moment a message is given to the socket (or MIDI port) to the moment at which that frame goes out: the begin of
its callback and its place in the block; a callback comes every block, and that wait is in it; the device's own terms are not.
A time tag is counted from the device frame that it stands for: frames do not pass where such a clock stands still. Exact: on
freewheel, what goes on without the message is compared with what goes on with it, told between two blocks.

Jitter is p99 - p1. Three things are counted beside the figures. A message without an echo was not heard of, and one that the
sound (or, for the model's rows, a step) shows nothing of before the next came was lost on its way in: there must be none. What
differs but is not heard by then is told. Controls, live: a bare UDP echo, socket to socket in another process, in the same
minute, says what the packet's way costs on this machine; and the same detectors, meanwhile, where nothing was changed must find
nothing. What is exact has no machine in it, and for a control messages that change nothing.
"""

from __future__ import annotations

import random
import time
from typing import NamedTuple

import numpy as np

import audible
import controls
from antiphon.control.desk import Desk
from antiphon.control.dialogue import Dialogue
from antiphon.events import Event
from antiphon.latency import DEFAULT_LEAD_S, HOP
from antiphon.layout import TRACE_MODULUS
from antiphon.params import REGISTRY
from antiphon.suite import Goal, Run, main
from antiphon.trace import TraceLog
from collected import Collected
from controls import APART_S, CLASSES, GIVEN_NOTHING, Block, Told, osc, planned, stood_still
from instrument import MS, RATE, Apart, Exact, Live, as_ms, differs, humming
from packets import BY_HAND, Sender, Sent, Stage, midi_server

AHEAD_S, STEP_APART_S, LONG_LEAD_S = 0.06, (0.05, 0.08), 0.2
REST_S = 0.6
"""After rows were put back: filters ring for a fifth of a second, and then there is a sound that nobody changes."""
RUN = round(audible.RUN_S * RATE) // HOP * HOP


def echo_control(run: Run, collected: Collected, count: int, chance: random.Random) -> None:
    """The packet's way alone: the same packets to a socket in another process, and back."""
    told = controls.block_messages(count, chance)
    with Sender("--echo") as echo, Sender("--udp", str(echo.told["port"])) as sender:
        sent = sender.play(planned(told, 0.01, 0.03, chance))
    backs = controls.returned([one.data for one in told], sent)
    ways = [1e3 * (back - at) for back, at in zip(backs, sent.at_s, strict=True) if back is not None]
    clock = "a packet given to a socket, to its being back from a socket in another process"
    collected.figure("bare UDP echo", ways, clock, none="no packet came back")
    run.tally("bare UDP echo: lost", backs.count(None), len(backs), unit="messages", clock=clock)


def block_rows(
    run: Run, collected: Collected, before: Apart, counts: tuple[int, int, int], system: str, chance: random.Random
) -> None:
    """The callback's rows: at once, by time tag, and by MIDI, when what is `before` is over; it gives the ear's thresholds."""
    lose = lost_of(run)
    at_once, tagged, by_midi = counts
    seconds = 30 + 0.2 * sum(counts)
    soon = Goal("p99", "<=", as_ms(2 * run.blocksize), "the next block, or the one after where a packet is on its way")
    # The lead is no matter of the callback's: with a long one no late step is ever taken for a change.
    live = Live("through", run.blocksize, controls.SETTLED, seconds, lead_s=LONG_LEAD_S)
    live.put(0, np.tile(controls.tone(), round(seconds * RATE / controls.PERIOD)))
    with live, Stage(live.engine, midi=system) as stage:
        time.sleep(0.3 + LONG_LEAD_S)
        found = Block(live, before.over())
        echo_control(run, collected, max(32, at_once), chance)
        run.progress(0.5)
        with Sender("--udp", str(stage.port)) as sender:
            told = controls.block_messages(at_once, chance)
            sent = sender.play(planned(told, *APART_S, chance, lose=lose))
            clock = "a packet given to the socket, "
            delays = found.delays(found.effects(sent.at_s), sent.at_s)
            collected.of_block("block rows, OSC", delays, clock, soon, "bare UDP echo")
            echoes = controls.echoes(told, sent)
            ways = [1e3 * (back - at) for back, at in zip(echoes, sent.at_s, strict=True) if back is not None]
            collected.figure("packet to echo", ways, clock + "to the instrument's answer", control="bare UDP echo")
            collected.echoed("block rows, OSC", echoes)

            put_back(live)
            unchanged(run, found, live)
            told = controls.block_messages(tagged, chance)
            sent = sender.play(planned(told, *APART_S, chance, AHEAD_S, lose))
            delays, off = found.at_frames(told, stage.applied, round(AHEAD_S / 2 * RATE))
            collected.of_block("block rows, time tag", delays, "the device frame that a packet's time tag stands for, ", soon)
            run.figure(
                "block rows, time tag: frames beside it",
                off,
                unit="frames",
                better="same",
                clock="the frame that the tag stands for, to the first that differs",
                goal=[Goal("min", ">=", 0, "never early"), Goal("max", "<=", 1, "to the frame: a ramp moves in its second")],
                none="no message had an effect near its frame",
            )
            collected.echoed("block rows, time tag", controls.echoes(told, sent))
        put_back(live)
        told = controls.midi_messages(by_midi, chance)
        sent, way = stage.play_midi(planned(told, *APART_S, chance, lose=lose))
        most = as_ms((2 if way == BY_HAND else 4) * run.blocksize)
        more = Goal("p99", "<=", most, "as a packet, and two periods of the sound server that carries it")
        clock = f"a message given to the MIDI port ({way}), "
        delays = found.delays(found.effects(sent.at_s), sent.at_s)
        collected.of_block("block rows, MIDI", delays, clock, more, "bare UDP echo", midi=way)


def put_back(live: Live) -> None:
    """Set the callback's rows as they were at first, and let the sound settle: what was lost on purpose ends here."""
    for path in controls.BLOCK_ROWS:
        live.engine.apply(Event(path, controls.SETTLED.get(path, REGISTRY.resolve(path).default)))
    time.sleep(REST_S)


def unchanged(run: Run, found: Block, live: Live) -> None:
    """The control: the detectors, at moments of a sound that nobody changes."""
    until = live.began_s[-1]
    moments = list(np.arange(until - 0.3, until - 0.1, 0.02))
    effects = [found.effects([moment])[0] for moment in moments]
    run.tally(
        "block rows, without a change: found",
        sum(one.differs is not None for one in effects),
        len(effects),
        unit="moments",
        clock=f"the {1e3 * APART_S[0]:.0f} ms after",
        goal=Goal("happened", "==", 0, "finds nothing where nothing is"),
    )


class Way(NamedTuple):
    """Messages that went one way: when they were sent; of those with echoes, when each came; and whether the clock runs from the frame
    that was asked for (a time tag's), in frames, instead of from when they were sent."""

    name: str
    clock: str
    told: list[Told]
    sent: Sent
    echoed: list[float | None]
    from_frame: bool = False


def step_rows(run: Run, collected: Collected, cycles: int, system: str, chance: random.Random) -> None:
    """The model's rows: messages to an instrument that answers, and the steps that had read them, by the trace."""
    values, ways = {"dry": -80.0, "phrase_gap_s": 5.0, "mode": "listen"}, []
    live = Live(run.bundle, run.blocksize, values, 60 + 3 * cycles, run.seed)
    with live, Stage(live.engine, midi=system) as stage:
        live.put(live.next_hop(), humming(RATE // 2))
        heard = live.clock + RATE * 6 // 10
        with Sender("--udp", str(stage.port)) as sender, TraceLog(live.engine) as log:
            live.wait(heard)
            told = [one for _ in range(cycles) for one in controls.step_cycle(chance)]
            sent = sender.play(planned(told, *STEP_APART_S, chance, lose=lost_of(run)))
            ways.append(Way("OSC", "a packet given to the socket", told, sent, controls.echoes(told, sent)))
            told = [one for _ in range(max(1, cycles - 1)) for one in controls.step_cycle(chance)]
            sent = sender.play(planned(told, *STEP_APART_S, chance, AHEAD_S, lost_of(run)))
            clock = "the device frame that a packet's time tag stands for"
            ways.append(Way("time tag", clock, told, sent, controls.echoes(told, sent), from_frame=True))
            for path, value in (("mode", "hold"), ("trigger", True)):
                live.engine.apply(Event(path, value))
            told = controls.step_midi(10 * (cycles - 1), chance)
            sent, way = stage.play_midi(planned(told, *STEP_APART_S, chance, lose=lost_of(run)))
            ways.append(Way("MIDI", f"a message given to the MIDI port ({way})", told, sent, [None] * len(told)))
        steps, out, applied = log.steps, live.out(), stage.applied
    agree = [found for way in ways for found in tell_way(run, collected, way, live, steps, applied, out)]
    run.tally(
        "model's rows: trace and sound apart",
        agree.count(False),
        len(agree),
        unit="triggers",
        clock="the first voice frame, beside the one due",
        means="answers from silence whose first frame is not where the trace says; late ones left out",
        goal=Goal("happened", "==", 0, "the trace tells the truth"),
    )
    late = int((steps["slack_frames"] < 0).sum())
    run.tally("model's rows: late steps", late, len(steps), unit="steps", clock="by the trace, while messages came")


def tell_way(
    run: Run, collected: Collected, way: Way, live: Live, steps: np.ndarray, applied: list[tuple], out: np.ndarray
) -> list[bool]:
    """Tell the figures of one way; of triggers in silence, whether the first voice frame is where the trace says."""
    delays: dict[str, list[float]] = {kind: [] for kind in CLASSES}
    read, echoes, agree, stood, delay = [], [], [], 0, live_delay(run)
    entries = controls.taken(way.told, way.sent.at_s, applied)
    for one, entry, from_s, back in zip(way.told, entries, way.sent.at_s, way.echoed, strict=True):
        if not one.kind:
            continue
        voice = None if entry is None else controls.voice_of(steps, entry[3], TRACE_MODULUS, delay)
        read.append(voice is not None)
        echoes.append(back)
        if voice is None:
            continue
        heard_at, in_time = voice
        if way.from_frame:  # frames do not pass while the clock stands still
            delays[one.kind].append(as_ms(heard_at - entry[2]))
        elif stood_still(live, from_s, live.at_s(heard_at)):
            stood += 1
        else:
            delays[one.kind].append(1e3 * (live.at_s(heard_at) - from_s))
        if one.path == "trigger" and in_time and not out[heard_at - 2 * HOP : heard_at].any():
            agree.append(bool(out[heard_at]))
    collected.apart(f"model's rows, {way.name}", (stood, 0), len(read))
    carried = 2 * run.blocksize if way.name == "MIDI" and BY_HAND not in way.clock else 0
    why = "hop + block + lead, and a block for the wait for a callback" + (
        ", two to be carried by the sound server" if carried else ""
    )
    clock = f"{way.clock}, to the moment at which the voice of the first step that had read it was due"
    for kind, listed in delays.items():
        goal = Goal("p99", "<=", as_ms(delay + run.blocksize + carried), why)
        none = f"of all classes {stood} of {len(read)} messages told apart, {read.count(False)} that no step had read"
        collected.figure(f"{kind}, {way.name}", listed, clock, goal, "bare UDP echo", none)
    clock, means = "by the trace, to the end of it", "messages that no step had read"
    collected.none(f"model's rows, {way.name}: not read", [not one for one in read], clock, means)
    if way.name != "MIDI":
        collected.echoed(f"model's rows, {way.name}", echoes)
    return agree


def live_delay(run: Run) -> int:
    """Hop, block and lead of the live instruments here, whose lead is fixed."""
    return HOP + run.blocksize + round(DEFAULT_LEAD_S * RATE)


def exact(run: Run, collected: Collected, count: int, chance: random.Random) -> tuple[float, ...]:
    """Every class on freewheel: with each message and without; returns the ear's thresholds, set by what was played."""
    values = {"dry": -80.0, "phrase_gap_s": 5.0, "mode": "hold", "answer_s": 0.5}
    tries: list[tuple[str, Told, bool]] = []
    for kind, paths in CLASSES.items():
        for n in range(count):
            path = paths[n % len(paths)]
            tries.append((kind, osc(path, controls.value_of(path, chance), kind), True))
        tries.append((kind, osc(*GIVEN_NOTHING[kind], kind), False))
    chance.shuffle(tries)
    with Exact(run.bundle, run.blocksize, values, run.seed) as instrument:
        delay, out, begins, splits = instrument.delay_frames, [], [], []
        dialogue = Dialogue(Desk(REGISTRY, instrument.engine.apply, instrument.engine.values))
        instrument.run(humming(3 * RATE))
        instrument.apply("trigger")
        out.append(instrument.run(np.zeros(RATE // HOP * HOP, np.float32)))
        instrument.apply("keep", 1)
        out.append(instrument.run(np.zeros(RATE // 2 // HOP * HOP, np.float32)))

        def changed(told: Told) -> np.ndarray:
            dialogue.take(told.data, controls.Nobody())
            return instrument.run(np.zeros(RUN, np.float32))

        for done, (_, told, _) in enumerate(tries):
            frames = chance.randrange(8, 16) * run.blocksize
            out.append(instrument.run(np.zeros(frames, np.float32)))
            begins.append(sum(map(len, out)))
            splits.append(instrument.split(lambda told=told: changed(told)))
            run.progress(0.1 + 0.4 * done / len(tries))
        out.append(instrument.run(np.zeros(RUN, np.float32)))
        others, alone = instrument.given(splits), np.concatenate(out)
    thresholds_db = calibrated(run, alone)
    first_ms: dict[str, list[float]] = {kind: [] for kind in CLASSES}
    heard_ms: dict[str, list[float]] = {kind: [] for kind in CLASSES}
    unheard, false = dict.fromkeys(CLASSES, 0), 0
    for (kind, _, changes), at, other in zip(tries, begins, others, strict=True):
        frame = differs(alone[at : at + RUN], other)
        if not changes:
            false += frame is not None
            continue
        past = alone[at - audible.WINDOW : at]
        heard = audible.first_audible(*(np.concatenate([past, s]) for s in (alone[at : at + RUN], other)), thresholds_db)
        unheard[kind] += heard is None
        first_ms[kind] += [] if frame is None else [MS * frame]
        heard_ms[kind] += [] if heard is None else [MS * (heard - audible.WINDOW)]
    clock = "a packet taken between two blocks on freewheel, to the first "
    for kind in CLASSES:
        sum_ms = Goal("max", "<=", as_ms(delay), "hop + block + lead: a note that sounds gives way at once")
        collected.figure(f"{kind}, exact", first_ms[kind], clock + "frame that differs", sum_ms)
        run.tally(
            f"{kind}, exact: no difference within {audible.RUN_S} s",
            count - len(first_ms[kind]),
            count,
            unit="changes",
            clock=clock + "frame that differs",
            means="a change in a rest, or one that finds nothing to change, makes none",
        )
        collected.figure(f"{kind}, exact, heard", heard_ms[kind], clock + "frame by which an ear can tell")
        run.tally(
            f"{kind}, exact: not heard within {audible.RUN_S} s",
            unheard[kind],
            count,
            unit="changes",
            clock=clock + "frame heard",
            means="a change in a rest, or one that finds nothing to change, cannot be heard",
        )
    run.tally(
        "exact, without a change: found",
        false,
        len(CLASSES),
        unit="messages",
        clock="messages that say what is so already",
        goal=Goal("happened", "==", 0, "finds nothing where nothing is"),
    )
    return thresholds_db


def calibrated(run: Run, answer: np.ndarray) -> tuple[float, ...]:
    """Set the ear's thresholds by what nobody hears, and count its false alarms on recordings that were held out."""
    # Half for the thresholds, half to try them on, and both of either sound: of each two of the same the second is held out.
    pairs = max(1, min(1 if run.quick else 3, len(answer) // round(2 * 1.3 * RATE)))
    recordings = []
    for n in range(pairs):
        one, other = np.array_split(np.array_split(answer, pairs)[n], 2)
        recordings += [humming(len(one), 2 * n * len(one)), humming(len(one), (2 * n + 1) * len(one)), one, other]
    found = audible.calibrate(recordings, audible.NO_CHANGE_HERE, 1.3 if run.quick else 6.0, audible.CHANGE_HERE)
    run.tally(
        "heard, without a change: found",
        round(found.false_alarms * found.held_out_runs),
        found.held_out_runs,
        unit="recordings",
        clock="of 1.2 s, held out when the thresholds were set",
        settings={"thresholds_db": found.thresholds_db, "found": found.found},
        means="dither, resampling, 0.3 dB and one frame's delay, told as audible",
        goal=Goal("share", "<=", 0.01, "the detector's own promise"),
    )
    return found.thresholds_db


def lost_of(run: Run) -> int:
    """One message in so many is lost on purpose; 0: none."""
    numbers = run.injected("drop", 5.0)
    return 0 if numbers is None else max(1, int(numbers[0]))


def measure(run: Run) -> None:
    if run.samplerate != RATE:
        run.skip("", f"a hop is a whole number of frames at {RATE} Hz alone: leave out --samplerate")
        return
    if run.bundle == "through":
        run.skip("", "through gives back the microphone and has no rows of the model: name another bundle")
        return
    seconds, chance = run.length(16, 240), random.Random(run.seed)
    collected = Collected(run)
    exactly = Apart(lambda: exact(run, collected, max(2, round(0.43 * seconds - 3)), random.Random(chance.random())))
    counts = max(9, round(1.1 * seconds)), max(9, round(0.55 * seconds)), max(6, round(seconds / 2))
    with midi_server(RATE, run.blocksize) as system:
        block_rows(run, collected, exactly, counts, system, chance)
        run.progress(0.8)
        step_rows(run, collected, max(2, round(0.22 * seconds - 2)), system, chance)


if __name__ == "__main__":
    main(measure, __doc__, injects=("drop",))
