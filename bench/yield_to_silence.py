"""From the performer's return during an answer to the voice's silence: exact, and live.

When you begin again the instrument falls silent (`yield`). It hears you in the hop (20 ms) that you begin in, if there is
enough of you in it, else in the next; the voice of that hop, which is due hop + block + lead after the hop began, is faded
over the whole hop, so that it does not click. The sum therefore is hop + block + lead + fade for a beginning in a hop's first
frame, and less for a later one. The clock runs from the first frame of your return to the first frame from which the voice is
zero and stays so while you play; your own sound is off.

Two returns: abrupt (a hum from full level), and sung, with the attack of a voice, which is soft at first and noticed later.
A beginning in the last frames of a hop leaves too little of it there to be noticed: it is silent a hop later, which is the sum
and those last frames. They are allowed for, a tenth of a hop (2 ms), and no more; how many are noticed a hop later is told.

Exact: places all over a hop, at several moments of an answer; its control is the same without the return: the voice must go on.
Live: an instrument in two processes on a clock without a card answers by itself and is interrupted at random moments, over and
over. Its control is a chain that gives back the microphone, with a click at each return, in the same seconds: it shows hop +
block + lead, and how well this machine keeps to that. Of your own voice coming back through a loudspeaker nothing is said here;
`yield_margin` is about that.
"""

from __future__ import annotations

import numpy as np

from antiphon.latency import HOP, latency
from antiphon.suite import Goal, Run, main
from instrument import ALONE, MS, PHRASE_S, RATE, Apart, Exact, Live, as_ms, first, humming, hush, started

PHRASE = round(PHRASE_S * RATE)
VALUES = ALONE | {"yield": True, "answer_s": 20.0}
WINDOW, STILL = 12 * HOP, 4 * HOP
"""How long is listened after a return, and how much of the end of it must be silent."""
RETURN, ANSWER = 30 * HOP, 25 * HOP
"""How long a return is, live: of less than half a second it would be taken for its own voice ringing on; and the time to answer."""
SOON = HOP // 10
WHY = "hop + block + lead + a hop of fade; a tenth of a hop, at whose end there may be too little to be noticed before the next"
CLICK = np.float32(0.7)
ABRUPT_AT = round(0.2 * RATE)
"""Where in the hummed phrase its first note is at its full level."""
CLOCK = "the first frame of the performer's return, to the first from which the voice is exactly zero; the device's terms left out"


def silent_from(sound: np.ndarray) -> int | None:
    """The first frame from which all is zero; None where the end is not silent."""
    sounding = np.flatnonzero(sound)
    last = int(sounding[-1]) + 1 if len(sounding) else 0
    return last if last <= len(sound) - STILL else None


def exact(run: Run, bases: int, count: int) -> None:
    """Both returns, at `count` places of a hop, at so many moments of an answer."""
    places = np.linspace(0, HOP - 1, count).astype(int).tolist()
    found: dict[str, list[tuple[int, int | None]]] = {"abrupt": [], "sung": []}
    alone = []

    def returned(instrument: Exact, place: int, at: int) -> np.ndarray:
        quiet = hush(HOP)[:place]
        return instrument.run(np.concatenate([quiet, humming(WINDOW, at)]))[place:]

    with Exact(run.bundle, run.blocksize, VALUES, run.seed) as instrument:
        table, delay = latency(instrument.engine.timeline, 0, 0), instrument.delay_frames
        instrument.run(humming(PHRASE))
        instrument.run(hush(20 * HOP))
        for _ in range(bases):
            instrument.run(hush(9 * HOP))
            tries = [(kind, place, at) for kind, at in (("abrupt", ABRUPT_AT), ("sung", 0)) for place in places]
            plays = [lambda place=place, at=at: returned(instrument, place, at) for _, place, at in tries]
            outs = instrument.tried([lambda: instrument.run(hush(WINDOW)), *plays])
            alone.append(outs.pop(0))
            for (kind, place, _), out in zip(tries, outs, strict=True):
                found[kind].append((place, silent_from(out)))
    goes_on = [silent_from(out) is None for out in alone]
    most = delay + HOP
    goal_of_sum = Goal("max", "<=", as_ms(most + SOON), WHY)
    for kind, listed in found.items():
        heard = [MS * frames for _, frames in listed if frames is not None]
        goal = goal_of_sum if kind == "abrupt" else ()
        run.figure(f"exact, {kind}", heard, unit="ms", clock=CLOCK, goal=goal, none="it never yielded")
        run.tally(
            f"exact, {kind}: went on",
            sum(frames is None for _, frames in listed),
            len(listed),
            unit="returns",
            clock=CLOCK,
            goal=Goal("happened", "==", 0, "it yields"),
        )
    next_hop = sum(frames is not None and frames > most - place for place, frames in found["abrupt"])
    run.tally(
        "exact, abrupt: noticed a hop later",
        next_hop,
        len(found["abrupt"]),
        unit="returns",
        clock=CLOCK,
        means="begun so late in a hop that there was too little of it in this one",
    )
    run.tally(
        "exact, without a return: fell silent",
        goes_on.count(False),
        len(goes_on),
        unit="answers",
        clock="the same time without a return",
        goal=Goal("happened", "==", 0, "it does not yield to nobody"),
    )
    terms = [(term.name, term.frames) for term in table.terms if term.name in ("hop", "block", "lead")] + [("fade", HOP)]
    longest = max((frames for _, frames in found["abrupt"] if frames is not None), default=None)
    run.waterfall("return to silence", terms, RATE, longest, "an abrupt return in the hop's first frame; the longest of all places")


def live(run: Run, count: int, before: Apart) -> None:
    """Phrase, answer, return; the return is the next phrase. Begins when what is `before` is over."""
    random = np.random.default_rng(run.seed)
    clock = f"{CLOCK}; live, on a clock without a card"
    instrument = Live(run.bundle, run.blocksize, VALUES, 60 + 2 * count, run.seed)
    control = Live("through", run.blocksize, {"dry": -80.0}, 60 + 2 * count)
    try:
        started([instrument, control])
        before.over()
        returns, clicks, lates = [], [], [instrument.late]
        at = instrument.next_hop()
        instrument.put(at, humming(PHRASE))
        at += PHRASE
        for n in range(count):
            begins = at + ANSWER + int(random.integers(2 * HOP))
            instrument.put(at, hush(begins - at))
            instrument.put(begins, humming(RETURN, ABRUPT_AT))
            returns.append(begins)
            clicks.append(begins + control.clock - instrument.clock)
            control.put(clicks[-1], np.array([CLICK]))
            at = begins + RETURN
            instrument.wait(at)
            lates.append(instrument.late)
            run.progress(0.4 + 0.6 * n / count)
        out, passed, most = instrument.out(), control.out(), instrument.delay_frames + HOP
    finally:
        for one in (instrument, control):
            one.engine.stop(fade=False)
    answered = [bool(out[at - STILL : at].any()) for at in returns]
    found = [silent_from(out[at : at + WINDOW]) for at in returns]
    late = [after > before for before, after in zip(lates[:-1], lates[1:], strict=True)]
    judged = [n for n, there in enumerate(answered) if there]
    heard = [n for n in judged if found[n] is not None]
    none = f"in {answered.count(False)} of {count} rounds nothing was there to interrupt, {len(judged) - len(heard)} went on"
    run.figure(
        "through, live",
        [MS * frames for at in clicks if (frames := first(passed[at : at + WINDOW])) is not None],
        unit="ms",
        clock="a click into a chain that gives back the microphone, to its coming out; the same seconds",
    )
    run.figure(
        "live",
        [MS * found[n] for n in heard],
        unit="ms",
        clock=clock,
        means="abrupt returns, late steps or not",
        control="through, live",
        goal=Goal("p99", "<=", as_ms(most + SOON), WHY),
        none=none,
    )
    run.figure(
        "live, in time",
        [MS * found[n] for n in heard if not late[n]],
        unit="ms",
        clock=clock,
        means="without those that had a late step beside them",
        control="through, live",
        goal=Goal("max", "<=", as_ms(most + SOON), WHY),
        none=f"{none}; {sum(late)} beside a late step",
    )
    run.tally(
        "live, went on",
        len(judged) - len(heard),
        len(judged),
        unit="returns",
        clock=clock,
        goal=Goal("happened", "==", 0, "it yields"),
        where=[place for place, n in enumerate(judged) if found[n] is None],
    )
    run.tally(
        "live, nothing to interrupt",
        answered.count(False),
        len(answered),
        unit="answers",
        clock="the 80 ms before each return",
        means="the answer was not there, or in a rest, when the performer came back; nothing is said of these",
        where=[n for n, there in enumerate(answered) if not there],
    )
    run.tally(
        "live, beside a late step",
        sum(late),
        len(late),
        unit="returns",
        clock="between one return's end and the next",
        means="a late step was among those of the answer: the machine's doing",
        where=np.flatnonzero(late),
    )


def measure(run: Run) -> None:
    if run.samplerate != RATE:
        run.skip("", f"a hop is a whole number of frames at {RATE} Hz alone: leave out --samplerate")
        return
    if run.bundle == "through":
        run.skip("", "through gives back the microphone and never answers: name another bundle")
        return
    seconds = run.length(5, 170)
    exactly = Apart(lambda: exact(run, min(8, max(2, round(seconds / 5))), min(20, max(4, round(0.5 * seconds)))))
    live(run, max(3, round((0.75 * seconds - 1.0) * RATE / (ANSWER + RETURN))), exactly)


if __name__ == "__main__":
    main(measure, __doc__)
