"""From a changed frame at the microphone to the first frame of the answer that differs: exact, and live.

How soon the instrument can take up what you have just done. It hears 20 ms at a time (a hop), so it matters where in a hop
something happens: its first frame waits longest. A change from before the hop that an answer begins from cannot be heard
before the answer begins, and says nothing about time; so it is made within that hop, at places all over it. Two renders, with
the change and without, are compared bit for bit; the clock runs from the changed frame to the first output frame that
differs.

Answers begin in two ways. By itself: the phrase is over, a tenth of a second of silence is complete in this hop; one single
frame of sound, anywhere in it, and the instrument goes on listening. By a trigger, pressed while you hum: a single frame
rarely alters a note, and then no time can be told; everything from a frame on does more often. What the answer's first hop
does not show is told as a share, apart. By itself the answer waits for `phrase_gap_s` of silence first, 0.6 s as it comes:
that is taste, not latency.

During an answer nothing that is heard alters it, in hold not even a loud onset (told as a share too): what you play then
makes it yield (yield_to_silence), or is for the next answer. The device's own terms are not in these figures; round_trip has
them. The control is a chain that gives back the microphone: it must show the printed sum, hop + block + lead, at every place.
Live, on a clock without a card, two engines with their models in processes of their own hear the same phrase but for one
frame: the clock stops where one has a voice and the other has not yet. Where an answer came by a step that was late, the pair
is told apart.
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
CLICK = np.float32(0.7)
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


def by_itself(exact: Exact, rounds: int, places: list[int]) -> tuple[list[Change], int]:
    """A phrase, then silence: changes of one frame in the hop after which the answer begins; and how many hops come before it."""
    found, hops = [], 0
    for n in range(rounds):
        exact.run(humming(PHRASE, n * PHRASE))
        quiet = hush((MOST_HOPS + 1) * HOP + AFTER)
        exact.run(quiet[: LEAST_HOPS * HOP])
        for hops in range(LEAST_HOPS, MOST_HOPS):
            (out,) = exact.tried([lambda at=hops * HOP, quiet=quiet: exact.run(quiet[at : at + 3 * HOP])])
            if first(out) == exact.delay_frames:
                break
            exact.run(quiet[hops * HOP :][:HOP])
        else:
            raise RuntimeError("no answer begins after the phrase")
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
    """Two engines hear the same phrases; in two rounds of three the second has one frame of its own in the hop after which the
    answer begins, as many hops after the phrase as `before` gives, when it is over. And the control's clicks: frames from each to
    where it came out; and the delay that all have."""
    seconds = 30 + 2 * rounds
    pair = [Live(run.bundle, run.blocksize, ALONE, seconds) for _ in range(2)]
    control = Live("through", run.blocksize, {"dry": -80.0}, seconds)
    found, passed = [], []
    try:
        started([*pair, control])
        hops, delay = before.over(), pair[0].delay_frames
        length = PHRASE + (hops + 1) * HOP + RATE * 7 // 10
        for n in range(rounds):
            place = PHRASE + hops * HOP + int(random.integers(HOP)) if n % 3 < 2 else None
            late, starts = [one.late for one in pair], [one.next_hop() for one in pair]
            sound = np.concatenate([humming(PHRASE, n * PHRASE), hush(length - PHRASE)])
            pair[0].put(starts[0], sound)
            pair[1].put(starts[1], sound if place is None else clicked(sound, place))
            clicks = (control.next_hop() + np.arange(8) * 5 * HOP + random.integers(HOP, size=8)).tolist()
            for frame in clicks:
                control.put(frame, np.array([CLICK]))
            for one, start in zip(pair, starts, strict=True):
                one.wait(start + length)
            begins = tuple(first(one.out()[start : start + length]) for one, start in zip(pair, starts, strict=True))
            came_late = any(one.late > before for one, before in zip(pair, late, strict=True))
            found.append(Pair(place, begins, PHRASE + hops * HOP + delay, came_late))
            out = control.out()
            passed += [at for frame in clicks if (at := first(out[frame:])) is not None]
            run.progress(0.5 + 0.5 * (n + 1) / rounds)
    finally:
        for one in (*pair, control):
            one.engine.stop(fade=False)
    return found, passed, delay


def tell_exact(run: Run, found: list[Change], control: list[Change], delay: int) -> None:
    heard = [change for change in found if change.at_once]
    run.figure(
        "through, exact",
        [MS * c.frames for c in control if c.frames is not None],
        unit="ms",
        clock=CLOCK,
        means="a chain that gives back the microphone",
    )
    off = sum(c.frames != delay for c in control)
    run.tally(
        "through, off the sum",
        off,
        len(control),
        unit="changes",
        clock=CLOCK,
        goal=Goal("happened", "==", 0, "the sum is exact"),
        means=f"changes whose difference does not come hop + block + lead ({delay} frames) later",
    )
    if heard:
        run.figure(
            "exact",
            [MS * c.frames for c in heard],
            unit="ms",
            clock=CLOCK,
            control="through, exact",
            means="all changes that the answer's first hop shows, both ways of beginning taken together",
            goal=Goal("p99", "<=", 30.0, "heard as at once; at 48 kHz, blocks of 128"),
        )


def tell_share(run: Run, name: str, found: list[Change], means: str, better: str = "less") -> None:
    later = sum(c.frames is not None and not c.at_once for c in found)
    run.tally(
        name,
        sum(not c.at_once for c in found),
        len(found),
        unit="changes",
        clock=CLOCK,
        better=better,
        means=f"{means}; {later} of them show later in the fifth of a second after",
    )


def tell_live(run: Run, pairs: list[Pair], passed: list[int], delay: int) -> None:
    clock = f"{CLOCK}; live, blocks of {run.blocksize} on a clock without a card"
    changed = [pair for pair in pairs if pair.place is not None]
    same = [pair for pair in pairs if pair.place is None]
    good = [pair for pair in changed if not pair.late and pair.begins[0] == pair.expected and pair.frames is not None]
    if passed:
        run.figure(
            "through, live",
            [MS * frames for frames in passed],
            unit="ms",
            clock=clock,
            means="a chain that gives back the microphone",
        )
    if good:
        run.figure(
            "live",
            [MS * pair.frames for pair in good],
            unit="ms",
            clock=clock,
            control="through, live",
            means="one frame in the hop after which the answer begins by itself",
            goal=Goal("p99", "<=", 30.0, "heard as at once; at 48 kHz, blocks of 128"),
        )
    run.tally(
        "live, beside a late step",
        sum(pair.late for pair in pairs),
        len(pairs),
        unit="pairs",
        clock="of either engine, in the round",
        means="pairs told apart: a late voice is the machine's doing, and step counts it",
        control="live, without a change",
    )
    other = sum(not pair.late and pair.begins[0] != pair.expected for pair in changed)
    run.tally(
        "live, begun from another hop",
        other,
        len(changed),
        unit="pairs",
        clock=clock,
        means=f"the unchanged engine did not begin where the exact one does; told apart ({delay} frames from the hop)",
    )
    missed = sum(not pair.late and pair.begins[0] == pair.expected and pair.frames is None for pair in changed)
    run.tally("live, unheard", missed, len(changed), unit="changes", clock=clock)
    found = sum(pair.frames is not None for pair in same if not pair.late)
    run.tally(
        "live, without a change",
        found,
        sum(not pair.late for pair in same),
        unit="pairs",
        clock=clock,
        means="differences between engines that heard the same",
        goal=Goal("happened", "==", 0, "the comparison finds no difference where none is"),
    )


def by_renders(run: Run, share: float, spread: list[int]) -> int:
    """All that is told of deterministic renders; gives the hops of silence after which an answer begins by itself."""
    control, delay = through(run.blocksize, spread)
    with Exact(run.bundle, run.blocksize, ALONE, run.seed) as exact:
        itself, hops = by_itself(exact, max(1, round(8 * share)), spread)
        run.progress(0.25)
        alone = by_trigger(exact, max(1, round(8 * share)), spread[::4], clicked)
        all_on = by_trigger(exact, max(3, round(24 * share)), spread[::4], drowned)
        held = while_it_answers(exact, max(3, round(24 * share)))
        terms = [(name, frames) for name, frames, _ in latency(exact.engine.timeline, 0, 0).rows if frames]
    run.progress(0.5)
    tell_exact(run, [*itself, *alone, *all_on], control, delay)
    tell_share(
        run,
        "unheard: one frame, the phrase is over",
        itself,
        "one frame changed in the hop after which the answer begins by itself",
    )
    tell_share(run, "unheard: one frame, a trigger", alone, "one frame changed in the hop in which a trigger was pressed")
    tell_share(run, "unheard: all from a frame on, a trigger", all_on, "everything changed from there to the end of that hop")
    tell_share(
        run, "unheard: during an answer", held, "loud onsets while it answers in mode hold: they are not meant to alter it", "same"
    )
    heard = [c.frames for c in (*itself, *alone, *all_on) if c.at_once]
    run.waterfall(
        "microphone to reply", terms, RATE, max(heard, default=None), "the first frame of the hop, to the first that differs"
    )
    return hops


def measure(run: Run) -> None:
    if run.samplerate != RATE:
        run.skip("", f"a hop is a whole number of frames at {RATE} Hz alone: leave out --samplerate")
        return
    seconds, random = run.length(8, 60), np.random.default_rng(run.seed)
    share = min(1.0, seconds / 60)
    spread = np.unique(np.linspace(0, HOP - 1, max(5, round(96 * share))).astype(int)).tolist()
    if run.bundle == "through":
        tell_exact(run, [], *through(run.blocksize, spread))
        return
    exactly = Apart(lambda: by_renders(run, share, spread))
    rounds = max(3, round((seconds * 0.5 - 1.0) / 1.6))
    tell_live(run, *live(run, rounds, exactly, random))


if __name__ == "__main__":
    main(measure, __doc__)
