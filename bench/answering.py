"""What benchmarks of the answering instrument share: to make it answer, and to say of its late steps whose fault they were.

A step is late where its voice was written after its first frame was due. Between its hop's being there and its writing the
model's core may have stood still, another program of real-time rank may have had it, or a helper that the benchmark started
itself. What these lasted excuses a step that was late for no longer, to half a block, as the clock goes in blocks; and the steps
right after it, while they make up for it as fast as they can. All others are of our making: of our process, our model or our
device, or unexplained.
"""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np

import culprits
from antiphon.engine import Engine
from antiphon.errors import UsageError
from antiphon.events import Event
from antiphon.latency import HOP, MODEL_RATE
from antiphon.suite import Goal, Run
from antiphon.trace import TraceLog
from standstill import LEAST_S, Standstill, is_ours, joined, stood_still

NONE_OF_OURS = Goal("happened", "<=", 0, "nothing we do may break the sound")
HOP_S = HOP / MODEL_RATE
EXCUSED, HELPERS, OURS = 0, 1, 2
_HEARS_S, _ANSWERS_S, _SETTLES_S = 1.0, 8.0, 0.6


def begin_answering(engine: Engine, since_s: float | None = None) -> float:
    """Let it hear a second of what is played to it, from `since_s` (time.monotonic(); None: now) on, trigger, and wait for the
    answer; the median step from then on, in seconds.

    Raises UsageError where none comes.
    """
    time.sleep(_HEARS_S if since_s is None else max(0.0, since_s + _HEARS_S - time.monotonic()))
    engine.apply(Event("trigger", True))
    until = time.monotonic() + _ANSWERS_S
    while engine.status().state != "answering":
        if time.monotonic() > until:
            raise UsageError(f"no answer in {_ANSWERS_S:g} s of hearing the phrase; is it a bundle that answers?")
        time.sleep(0.05)
    return median_step_s(engine)


def median_step_s(engine: Engine) -> float:
    """The median step of the next half a second or so, in seconds."""
    with TraceLog(engine) as log:
        time.sleep(_SETTLES_S)
    return 1e-6 * float(np.median(log.steps["step_us"]))


def stall_of(run: Run) -> str:
    """What `--inject stall:MS:S` asks for, as the engine takes it: each so-manieth step, and frames."""
    injected = run.injected("stall", 30.0, 10.0)
    return f"{max(1, round(injected[1] / HOP_S))}:{round(1e-3 * injected[0] * run.samplerate)}" if injected else ""


class Looks:
    """What is looked at now and then while it plays: the lead as it is, and how often the voice ran short so far."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self.rows: list[tuple[float, int, int]] = []
        """time.monotonic(), frames of lead, underflows."""

    def look(self) -> None:
        underflows = self._engine.look(lambda segment: segment.read_counters()["underflows"])
        self.rows.append((time.monotonic(), self._engine.timeline.lead_frames, int(underflows or 0)))

    def lead_at(self, at_s: np.ndarray) -> np.ndarray:
        """The lead in frames at given times, by what was seen of it last."""
        return lead_at([row[:2] for row in self.rows], at_s)

    def underflows(self) -> np.ndarray:
        """Between which two looks the voice ran short, once for each time: (n, 2) of time.monotonic()."""
        found = [(before[0], after[0]) for before, after in pairwise(self.rows) for _ in range(after[2] - before[2])]
        return np.array(found).reshape(-1, 2)


def lead_at(leads: list[tuple[float, int]], at_s: np.ndarray) -> np.ndarray:
    """The lead in frames at given times, of (time.monotonic(), frames) as they were seen."""
    seen = np.array([when for when, _ in leads])
    found = np.clip(np.searchsorted(seen, at_s, side="right") - 1, 0, len(leads) - 1)
    return np.array([frames for _, frames in leads], np.float64)[found]


def following(late: np.ndarray, late_s: np.ndarray, verdicts: np.ndarray, fall_s: float = HOP_S / 2) -> np.ndarray:
    """Give a step that is late because the late one right before it was, the verdict of that one.

    That is one that was begun at once and took no longer than usual: it is late by as much less as a hop is longer than a step,
    so by at least `fall_s`. `late` are the numbers of the late steps, `late_s` by how much, `verdicts` that on each by itself;
    (n,) each.
    """
    told = verdicts.copy()
    for n in range(1, len(late)):
        if late[n] == late[n - 1] + 1 and late_s[n] <= late_s[n - 1] - fall_s:
            told[n] = told[n - 1]
    return told


class Written:
    """When each step's voice was written, how much was left, and, where it was late, whether something else explains it.

    `at_s` is time.monotonic(), `slack_s` seconds, `late` which steps had less than none, `verdicts` on each of these EXCUSED (by
    a standstill of the model's core, or, where the model is `realtime`, by another program of such rank that had it), HELPERS or
    OURS. For steps that do not wait between making and writing.
    """

    def __init__(self, run: Run, log: TraceLog, stood: Standstill, looks: Looks, realtime: bool):
        steps, block_s = log.steps, run.blocksize / run.samplerate
        self._begun_s, self._stood, self._block_s, self._looks = log.begun_s, stood, block_s, looks
        self.at_s = log.step_times() - 1e-6 * (steps["whole_us"].astype(np.float64) - steps["step_us"])
        self.slack_s = steps["slack_frames"].astype(np.float64) / run.samplerate
        self.late = self.slack_s < 0
        self._room_s = looks.lead_at(self.at_s) / run.samplerate + block_s
        held, helped = (stood.held, stood.helped) if realtime else (np.zeros((0, 2)), np.zeros((0, 2)))
        excusing = joined(np.concatenate((stood.still, held)))
        self.stood_s = self._lost(stood.still)
        self.excused_s, self.lost_s = self._lost(excusing), self._lost(joined(np.concatenate((excusing, helped))))
        late_s = -self.slack_s[self.late]
        alone = np.where(is_ours(self.lost_s[self.late], late_s, 0.5 * block_s), OURS,
                         np.where(is_ours(self.excused_s[self.late], late_s, 0.5 * block_s), HELPERS, EXCUSED))  # fmt: skip
        usual_s = 1e-6 * float(np.median(steps["step_us"])) if len(steps) else 0.0
        self.verdicts = following(np.flatnonzero(self.late), late_s, alone, max(HOP_S / 4, HOP_S - 2 * usual_s - 0.5 * block_s))
        self.alone = alone

    def _lost(self, spans: np.ndarray) -> np.ndarray:
        """How much of the time in which each step was to be made lies in the spans, in seconds."""
        return stood_still(spans, self.at_s, -self.slack_s, self._room_s)

    def where(self, verdict: int) -> np.ndarray:
        """The numbers of the late steps on which that is the verdict."""
        return np.flatnonzero(self.late)[self.verdicts == verdict]

    def underflows(self) -> np.ndarray:
        """The verdict on each underflow that the callback counted, (n,): the worst on a late step that was due and not there
        when it was counted; OURS where there is none."""
        ends = self.at_s[self.late] + self._block_s
        begins = ends + self.slack_s[self.late] - 2 * self._block_s
        seen = self._looks.underflows()
        return np.array([max(self.verdicts[(begins < after) & (ends > before)], default=OURS) for before, after in seen], int)

    def tell(self, run: Run, name: str, settings: dict, control: str | None = None) -> None:
        """Tell the late steps and the underflows of our making, and the course of all with the late ones marked.

        `control` is a tally of what the machine did in the same seconds.
        """
        if not self._stood.sure:
            for what in ("late steps", "underflows"):
                run.skip(f"{what} of our making, {name}", "no real-time rights for watchers: nobody can tell; see antiphon doctor")
        else:
            self._tell_verdicts(run, name, settings, control)
        run.timeline(f"slack of each step, {name}", self.at_s - self._begun_s, 1e3 * self.slack_s, unit="ms", marks=self._marks())

    def _tell_verdicts(self, run: Run, name: str, settings: dict, control: str | None) -> None:
        of_steps = {"unit": "steps", "settings": settings}
        of_steps["clock"] = "late steps against the watchers' spans, both by CLOCK_MONOTONIC"
        ours, helped = self.where(OURS), self.where(HELPERS)
        run.tally(f"late steps of our making, {name}", len(ours), len(self.slack_s), goal=NONE_OF_OURS, control=control, where=ours,
                  means="late steps that neither a standstill of their core nor another program explains", **of_steps)  # fmt: skip
        run.tally(f"late steps by the benchmark's own helpers, {name}", len(helped), len(self.slack_s), where=helped,
                  means="a sound server, probe or control that this benchmark started had their core", **of_steps)  # fmt: skip
        in_time = np.flatnonzero(~self.late)
        beside = np.flatnonzero(self.excused_s[in_time] >= LEAST_S)
        run.tally(f"steps in time beside what would excuse, {name}", len(beside), len(in_time), where=beside, better="same",
                  means="the base rate: how often what excuses a late step lies beside one that is none", **of_steps)  # fmt: skip
        verdicts, lasted_s = self.underflows(), max(self._looks.rows[-1][0] - self._looks.rows[0][0], 1e-3)
        seen_s = np.clip(self._looks.underflows()[:, 1] - self._looks.rows[0][0], 0.0, lasted_s * (1 - 1e-9))
        of_time = {"unit": "s", "settings": settings}
        of_time["clock"] = "the callback's own count, looked at every 20 ms, against the late steps of that time"
        for what, verdict, goal in (("underflows of our making", OURS, NONE_OF_OURS),
                                    ("underflows by the benchmark's own helpers", HELPERS, None)):  # fmt: skip
            where = seen_s[verdicts == verdict]
            means = "times that the voice ran short by late steps of our making, or by none" if goal else "by those steps"
            run.tally(f"{what}, {name}", len(where), lasted_s, goal=goal, where=where, means=means, **of_time)

    def _marks(self) -> list[tuple[float, str]]:
        marks = []
        for n, verdict, alone in zip(np.flatnonzero(self.late), self.verdicts, self.alone, strict=True):
            at, late_s = self.at_s[n], -self.slack_s[n]
            span = at - late_s - self._room_s[n], at
            who = self._stood.named(*span, culprits.HELPER if verdict == HELPERS else culprits.OTHER) or "another program"
            own = self._stood.named(*span, culprits.OURS)
            what = "a core stood still" if self.stood_s[n] >= self.lost_s[n] / 2 else f"{who} had its core"
            why = f", {what} {1e3 * self.lost_s[n]:.1f} ms"
            if verdict == OURS:
                why = f", ours: {own} had its core" if own else ", ours"
            elif verdict != alone:
                why = ", after a late one"
            marks.append((at - self._begun_s, f"late by {1e3 * late_s:.1f} ms{why if self._stood.sure else ''}"))
        return marks
