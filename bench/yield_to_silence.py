"""From the performer's return during an answer to the voice's silence: exact, and live.

When you begin again the instrument falls silent (`yield`). It hears you in the hop (20 ms) that you begin in, if there is
enough of you in it, else in the next; the voice of that hop, which is due hop + block + lead after the hop began, is faded
over the whole hop, so that it does not click. The sum therefore is hop + block + lead + fade for a beginning in a hop's first
frame, and less for a later one. The clock runs from the first frame of your return to the first frame from which the voice is
zero and stays so while you play; your own sound is off.

Two returns: abrupt (a hum from full level), and sung, with the attack of a voice, which is soft at first and noticed later.
Exact: places all over a hop, at several moments of an answer. Live: an instrument in two processes on a clock without a card
answers by itself and is interrupted at random moments, over and over. The control is the same without the return: the voice
must go on. Of your own voice coming back through a loudspeaker nothing is said here; `yield_margin` is about that.
"""

from __future__ import annotations

import numpy as np

from antiphon.latency import HOP, latency
from antiphon.suite import Goal, Run, main
from instrument import ALONE, MS, PHRASE_S, RATE, Apart, Exact, Live, as_ms, humming, hush

PHRASE = round(PHRASE_S * RATE)
VALUES = ALONE | {"yield": True, "answer_s": 20.0}
WINDOW, STILL = 12 * HOP, 4 * HOP
"""How long is listened after a return, and how much of the end of it must be silent."""
RETURN, ANSWER = 30 * HOP, 25 * HOP
"""How long a return is, live: of less than half a second it would be taken for its own voice ringing on; and the time to answer."""
SOON = HOP // 10
WHY = "hop + block + lead + a hop of fade; a tenth of a hop, at whose end there may be too little to be noticed before the next"
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
    goal_of_sum = Goal("p99", "<=", as_ms(most + SOON), WHY)
    for kind, listed in found.items():
        heard = [MS * frames for _, frames in listed if frames is not None]
        goal = goal_of_sum if kind == "abrupt" else ()
        if heard:
            run.figure(f"exact, {kind}", heard, unit="ms", clock=CLOCK, goal=goal)
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
    with Live(run.bundle, run.blocksize, VALUES, 60 + 2 * count, run.seed) as instrument:
        before.over()
        returns, lates = [], [instrument.late]
        at = instrument.next_hop()
        instrument.put(at, humming(PHRASE))
        at += PHRASE
        for n in range(count):
            begins = at + ANSWER + int(random.integers(2 * HOP))
            instrument.put(at, hush(begins - at))
            instrument.put(begins, humming(RETURN, ABRUPT_AT))
            returns.append(begins)
            at = begins + RETURN
            instrument.wait(at)
            lates.append(instrument.late)
            run.progress(0.4 + 0.6 * n / count)
        out, most = instrument.out(), instrument.delay_frames + HOP
    answered = [bool(out[at - STILL : at].any()) for at in returns]
    found = [silent_from(out[at : at + WINDOW]) for at in returns]
    late = [after > before for before, after in zip(lates[:-1], lates[1:], strict=True)]
    heard = [MS * frames for frames, there in zip(found, answered, strict=True) if there and frames is not None]
    if heard:
        run.figure(
            "live",
            heard,
            unit="ms",
            clock=clock,
            means="abrupt returns, late steps or not",
            control="exact, abrupt",
            goal=Goal("p99", "<=", as_ms(most + SOON), WHY),
        )
    went_on = sum(frames is None for frames, there in zip(found, answered, strict=True) if there)
    run.tally("live, went on", went_on, sum(answered), unit="returns", clock=clock, goal=Goal("happened", "==", 0, "it yields"))
    run.tally(
        "live, nothing to interrupt",
        answered.count(False),
        len(answered),
        unit="answers",
        clock="the 80 ms before each return",
        means="the answer was not there, or in a rest, when the performer came back; nothing is said of these",
    )
    run.tally(
        "live, beside a late step",
        sum(late),
        len(late),
        unit="returns",
        clock="between one return's end and the next",
        means="a late step was among those of the answer: the machine's doing",
    )


def measure(run: Run) -> None:
    if run.samplerate != RATE:
        run.skip("", f"a hop is a whole number of frames at {RATE} Hz alone: leave out --samplerate")
        return
    if run.bundle == "through":
        run.skip("", "through gives back the microphone and never answers: name another bundle")
        return
    seconds = run.length(5, 40)
    exactly = Apart(lambda: exact(run, max(2, round(seconds / 5)), max(4, round(0.5 * seconds))))
    live(run, max(3, round((0.6 * seconds - 1.0) * RATE / (ANSWER + RETURN))), exactly)


if __name__ == "__main__":
    main(measure, __doc__)
