"""From a changed frame at the microphone to the first frame of the answer that differs: exact, and live.

How soon the instrument can take up what you have just done. It hears 20 ms at a time (a hop), so it matters where in a hop
something happens: its first frame waits longest. A change from before the hop that an answer begins from cannot be heard
before the answer begins, and says nothing about time; so it is made within that hop, at places all over it. Two renders, with
the change and without, are compared bit for bit; the clock runs from the changed frame to the first output frame that
differs.

Answers begin in two ways. By itself: the phrase is over, a tenth of a second of silence is complete in this hop; one single
frame of sound, anywhere in it, and the instrument goes on listening: every such change must show, and in the answer's first hop.
By a trigger, pressed while you hum: a single frame rarely alters a note, and then nothing shows and no time can be told;
everything from a frame on does more often, and how often depends on the notes, so that no share is asked for. Every change that
shows at all is in the figure, however late; of how many that is, is told beside it, way by way. By itself the answer waits for
`phrase_gap_s` of silence first, 0.6 s as it comes: that is taste, not latency.

During an answer nothing that is heard alters it, in hold not even a loud onset (told as a share too): what you play then
makes it yield (yield_to_silence), or is for the next answer. The device's own terms are not in these figures; round_trip has
them. The control is a chain that gives back the microphone: it must show the printed sum, hop + block + lead, at every place.
Live, on a clock without a card, two engines with their models in processes of their own hear the same phrase but for one
frame: the clock stops where one has a voice and the other has not yet. All pairs that differ are in the figure; those without a
late step beside them are a second one, and of them every answer must begin where the exact one does. The control hears clicks in
the same seconds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from antiphon.latency import HOP, latency
from antiphon.suite import Goal, Run, main
from instrument import ALONE, MS, PHRASE_S, RATE, Apart, Exact, Live, differs, first, humming, hush, started

PHRASE = round(PHRASE_S * RATE)
PRESSED = 760
"""Where in its hop the trigger is pressed."""
AFTER = 10 * HOP
"""How long is listened after the hop for what shows later."""
LEAST_HOPS, MOST_HOPS = 3, 40
"""Of silence that end a phrase where `phrase_gap_s` is a tenth of a second; the least are not asked about."""
LOOKED = 6
"""Hops from one that is asked about on, for the answer that it alters to begin in."""
CLICK = np.float32(0.7)
SOON = Goal("p99", "<=", 30.0, "heard as at once; at 48 kHz, blocks of 128")
CLOCK = "the changed microphone frame, to the first output frame that differs; the device's terms left out"


class Change(NamedTuple):
    """A change at a place within the hop that an answer begins from, and frames to the first that differs; None: none does.

    `at_once`: it is in what the answer's first hop says.
    """

    place: int
    frames: int | None
    at_once: bool


def clicked(sound: np.ndarray, place: int) -> np.ndarray:
    """One frame made different, the rest as it was."""
    other = sound.copy()
    other[place] += CLICK
    return other


def drowned(sound: np.ndarray, place: int) -> np.ndarray:
    """All from a frame on as another, loud sound."""
    noise = np.clip(np.random.default_rng(place).normal(0, 0.7, len(sound) - place), -1, 1)
    return np.concatenate([sound[:place], noise.astype(np.float32)])


def compared(exact: Exact, hop: np.ndarray, places: list[int], change, play) -> list[Change]:
    """`play` a hop as it is and with a change at each place, each in a copy of the process, and compare what comes out."""
    alone, *others = exact.tried([lambda s=sound: play(s) for sound in (hop, *(change(hop, place) for place in places))])
    found = []
    for place, other in zip(places, others, strict=True):
        frame = differs(alone, other)
        at_once = frame is not None and frame < exact.delay_frames + HOP
        found.append(Change(place, None if frame is None else frame - place, at_once))
    return found


def last_heard(exact: Exact, quiet: np.ndarray) -> int:
    """Let it hear silence hop by hop, up to the last hop in which one frame of sound alters how the answer begins; its number. When
    the answer then comes is not looked at."""
    for hops in range(LEAST_HOPS, MOST_HOPS):
        sound = quiet[hops * HOP :][: LOOKED * HOP]
        tries = [sound, clicked(sound, PRESSED), clicked(sound, HOP + PRESSED)]
        alone, this, after = exact.tried([lambda sound=sound: exact.run(sound) for sound in tries])
        if differs(alone, this) is not None and differs(alone, after) is None:
            return hops
        exact.run(quiet[hops * HOP :][:HOP])
    raise RuntimeError("no answer begins after the phrase")


def by_itself(exact: Exact, rounds: int, places: list[int]) -> tuple[list[Change], int]:
    """A phrase, then silence: changes of one frame in the hop after which the answer begins; and how many hops come before it."""
    found, hops = [], 0
    for n in range(rounds):
        exact.run(humming(PHRASE, n * PHRASE))
        quiet = hush((MOST_HOPS + 1) * HOP + AFTER)
        exact.run(quiet[: LEAST_HOPS * HOP])
        hops = last_heard(exact, quiet)
        rest = quiet[(hops + 1) * HOP :][:AFTER]
        found += compared(
            exact, quiet[hops * HOP :][:HOP], places, clicked, lambda s, rest=rest: exact.run(np.concatenate([s, rest]))
        )
        exact.run(hush(RATE))  # its answer, and a rest
    return found, hops


def by_trigger(exact: Exact, bases: int, places: list[int], change) -> list[Change]:
    """Hummed without a rest, and a trigger in one hop of it: changes within that hop."""

    def pressed(sound: np.ndarray) -> np.ndarray:
        before = exact.run(sound[:PRESSED])
        exact.apply("trigger")
        return np.concatenate([before, exact.run(np.concatenate([sound[PRESSED:], np.zeros(AFTER, np.float32)]))])

    found = []
    exact.apply("phrase_gap_s", 5.0)
    for _ in range(bases):
        exact.run(humming(11 * HOP, exact.clock))
        found += compared(exact, humming(HOP, exact.clock), places, change, pressed)
    return found


def while_it_answers(exact: Exact, bases: int) -> list[Change]:
    """In hold, once it answers: a loud onset in the microphone, and whether anything of the answer differs for it."""
    exact.apply("mode", "hold")
    exact.apply("trigger")
    found = []
    for n in range(bases):
        exact.run(np.zeros(11 * HOP, np.float32))
        quiet = np.zeros(HOP + AFTER, np.float32)
        found += compared(exact, quiet, [n * HOP // max(bases, 1)], drowned, exact.run)
    return found


def through(blocksize: int, places: list[int]) -> tuple[list[Change], int]:
    """The control: the same changes of one frame to a chain that gives back the microphone; and its delay."""
    with Exact("through", blocksize, {"dry": -80.0}) as exact:
        exact.run(humming(10 * HOP))
        changes = compared(
            exact, humming(HOP, 10 * HOP), places, clicked, lambda s: exact.run(np.concatenate([s, np.zeros(2 * HOP, np.float32)]))
        )
        return changes, exact.delay_frames


class Pair(NamedTuple):
    """One round of two live engines: where the second's microphone was changed, in the round's frames (None: nowhere); where each
    began to answer, where they should have, and whether a step of either was late."""

    place: int | None
    begins: tuple[int | None, int | None]
    expected: int
    late: bool

    @property
    def frames(self) -> int | None:
        """From the change to the first frame that one has and the other has not; of a pair without, whether there is one."""
        return None if self.begins[0] == self.begins[1] else min(f for f in self.begins if f is not None) - (self.place or 0)


def live(run: Run, rounds: int, before: Apart, random: np.random.Generator) -> tuple[list[Pair], list[int], int]:
    """Two engines hear the same phrases; but for every sixth round the second has one frame of its own in the hop after which the
    answer begins, as many hops after the phrase as `before` gives, when it is over. And the control's clicks: frames from each to
    where it came out; and the delay that all have."""
    seconds = 30 + 2 * rounds
    pair = [Live(run.bundle, run.blocksize, ALONE, seconds) for _ in range(2)]
    control = Live("through", run.blocksize, {"dry": -80.0}, seconds)
    put, passed = [], []
    try:
        started([*pair, control])
        hops, delay = before.over(), pair[0].delay_frames
        length = PHRASE + (hops + 1) * HOP + RATE * 7 // 10
        for n in range(rounds):
            place = PHRASE + hops * HOP + int(random.integers(HOP)) if n % 6 != 2 else None
            late, starts = [one.late for one in pair], [one.next_hop() for one in pair]
            sound = np.concatenate([humming(PHRASE, n * PHRASE), hush(length - PHRASE)])
            pair[0].put(starts[0], sound)
            pair[1].put(starts[1], sound if place is None else clicked(sound, place))
            clicks = (control.next_hop() + np.arange(8) * 5 * HOP + random.integers(HOP, size=8)).tolist()
            for frame in clicks:
                control.put(frame, np.array([CLICK]))
            for one, start in zip(pair, starts, strict=True):  # what is late after the answer has begun says nothing of its begin
                one.wait(start + PHRASE + (hops + 3) * HOP + delay)
            put.append((place, starts, any(one.late > before for one, before in zip(pair, late, strict=True)), clicks))
            for one, start in zip(pair, starts, strict=True):
                one.wait(start + length)
            run.progress(0.5 + 0.5 * (n + 1) / rounds)
        outs, out = [one.out() for one in pair], control.out()
    finally:
        for one in (*pair, control):
            one.engine.stop(fade=False)
    found = []
    for place, starts, came_late, clicks in put:
        begins = tuple(first(heard[start : start + length]) for heard, start in zip(outs, starts, strict=True))
        found.append(Pair(place, begins, PHRASE + hops * HOP + delay, came_late))
        passed += [at for frame in clicks if (at := first(out[frame : frame + 5 * HOP])) is not None]
    return found, passed, delay


def tell_exact(run: Run, ways: dict[str, list[Change]], control: list[Change], delay: int) -> None:
    """Tell what changes before answers showed, by the name of the way in which these began, beside the control."""
    run.figure(
        "through, exact",
        [MS * c.frames for c in control if c.frames is not None],
        unit="ms",
        clock=CLOCK,
        means="a chain that gives back the microphone",
    )
    off = [c.frames != delay for c in control]
    run.tally(
        "through, off the sum",
        sum(off),
        len(control),
        unit="changes",
        clock=CLOCK,
        goal=Goal("happened", "==", 0, "the sum is exact"),
        means=f"changes whose difference does not come hop + block + lead ({delay} frames) later",
        where=np.flatnonzero(off),
    )
    if not ways:
        return
    shares = [f"{sum(c.frames is not None for c in found)} of {len(found)} ({way})" for way, found in ways.items()]
    run.figure(
        "exact",
        [MS * c.frames for found in ways.values() for c in found if c.frames is not None],
        unit="ms",
        clock=CLOCK,
        control="through, exact",
        means=f"every change that shows within {MS * AFTER:.0f} ms: {'; '.join(shares)}",
        goal=SOON,
        none="no change showed",
    )


def tell_share(run: Run, name: str, found: list[Change], means: str, better: str = "more", goal: Goal | None = None) -> None:
    later = sum(c.frames is not None and not c.at_once for c in found)
    run.tally(
        name,
        sum(c.at_once for c in found),
        len(found),
        unit="changes",
        clock=CLOCK,
        better=better,
        goal=goal,
        means=f"{means}; {later} more show later in the fifth of a second after, the others not at all",
        where=[n for n, c in enumerate(found) if c.at_once],
    )


def tell_live(run: Run, pairs: list[Pair], passed: list[int], delay: int) -> None:
    """Tell of all changed pairs; of those without a late step beside them; and of those that were not changed."""
    clock = f"{CLOCK}; live, blocks of {run.blocksize} on a clock without a card"
    changed = [pair for pair in pairs if pair.place is not None]
    in_time = [pair for pair in changed if not pair.late]
    same = [pair for pair in pairs if pair.place is None and not pair.late]
    shown = [pair.frames for pair in changed if pair.frames is not None]
    none = f"{len(shown)} of {len(changed)} changes showed, {len(in_time)} had no late step beside them"
    run.figure(
        "through, live",
        [MS * frames for frames in passed],
        unit="ms",
        clock=clock,
        means="a chain that gives back the microphone, in the same seconds",
    )
    run.figure(
        "live",
        [MS * frames for frames in shown],
        unit="ms",
        clock=clock,
        control="through, live",
        means=f"one frame in the hop after which the answer begins by itself: {none}",
        goal=SOON,
        none=none,
    )
    run.figure(
        "live, in time",
        [MS * pair.frames for pair in in_time if pair.frames is not None],
        unit="ms",
        clock=clock,
        control="through, live",
        means="without those that had a late step of either engine beside them",
        goal=SOON,
        none=none,
    )
    late = [pair.late for pair in pairs]
    run.tally(
        "live, beside a late step",
        sum(late),
        len(pairs),
        unit="pairs",
        clock="of either engine, in the round, until two hops after the answer should begin",
        means="a late voice is the machine's doing, and step counts it",
        control="live, without a change",
        where=np.flatnonzero(late),
    )
    other = [pair.begins[0] != pair.expected for pair in in_time]
    run.tally(
        "live, begun from another hop",
        sum(other),
        len(other),
        unit="pairs",
        clock=clock,
        means=f"the unchanged engine did not begin where the exact one does, {delay} frames from the hop",
        goal=Goal("happened", "==", 0, "it begins where the render does"),
        where=np.flatnonzero(other),
    )
    unheard = [pair.frames is None for pair in in_time]
    run.tally(
        "live, unheard",
        sum(unheard),
        len(unheard),
        unit="changes",
        clock=clock,
        goal=Goal("happened", "==", 0, "in renders every such change shows"),
        where=np.flatnonzero(unheard),
    )
    found = [pair.frames is not None for pair in same]
    run.tally(
        "live, without a change",
        sum(found),
        len(same),
        unit="pairs",
        clock=clock,
        means="differences between engines that heard the same",
        goal=Goal("happened", "==", 0, "the comparison finds no difference where none is"),
        where=np.flatnonzero(found),
    )


def by_renders(run: Run, share: float, spread: list[int]) -> int:
    """All that is told of deterministic renders; gives the hops of silence after which an answer begins by itself."""
    control, delay = through(run.blocksize, spread)
    with Exact(run.bundle, run.blocksize, ALONE, run.seed) as exact:
        itself, hops = by_itself(exact, max(1, round(4 * share)), spread)
        run.progress(0.25)
        alone = by_trigger(exact, max(1, round(8 * share)), spread[::4], clicked)
        all_on = by_trigger(exact, max(3, round(24 * share)), spread[::4], drowned)
        held = while_it_answers(exact, max(3, round(24 * share)))
        terms = [(name, frames) for name, frames, _ in latency(exact.engine.timeline, 0, 0).rows if frames]
    run.progress(0.5)
    tell_exact(run, {"over": itself, "a trigger, one frame": alone, "a trigger, all from there": all_on}, control, delay)
    tell_share(
        run,
        "shown at once: one frame, the phrase is over",
        itself,
        "one frame changed in the hop after which the answer begins by itself",
        goal=Goal("share", ">=", 1.0, "one loud frame ends the silence that is waited for"),
    )
    tell_share(run, "shown at once: one frame, a trigger", alone, "one frame changed in the hop in which a trigger was pressed")
    tell_share(
        run, "shown at once: all from a frame on, a trigger", all_on, "everything changed from there to the end of that hop"
    )
    tell_share(run, "shown at once: during an answer", held, "loud onsets, in hold: they are not meant to alter it", "same")
    heard = [c.frames for c in (*itself, *alone, *all_on) if c.frames is not None]
    run.waterfall(
        "microphone to reply", terms, RATE, max(heard, default=None), "the first frame of the hop, to the first that differs"
    )
    return hops


def measure(run: Run) -> None:
    if run.samplerate != RATE:
        run.skip("", f"a hop is a whole number of frames at {RATE} Hz alone: leave out --samplerate")
        return
    seconds, random = run.length(8, 240), np.random.default_rng(run.seed)
    share = min(1.0, seconds / 60)
    spread = np.unique(np.linspace(0, HOP - 1, max(5, round(96 * share))).astype(int)).tolist()
    if run.bundle == "through":
        tell_exact(run, {}, *through(run.blocksize, spread))
        return
    exactly = Apart(lambda: by_renders(run, share, spread))
    rounds = max(3, round((seconds * 0.8 - 1.0) / 1.55))
    tell_live(run, *live(run, rounds, exactly, random))


if __name__ == "__main__":
    main(measure, __doc__)
