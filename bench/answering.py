"""What benchmarks of the answering instrument share: to make it answer, and to say of its late steps whose fault they were."""

from __future__ import annotations

import time

import numpy as np

from antiphon.engine import Engine
from antiphon.errors import UsageError
from antiphon.events import Event
from antiphon.suite import Goal, Run
from antiphon.trace import TraceLog
from standstill import Standstill, is_ours, joined, stood_still

NONE_OF_OURS = Goal("happened", "<=", 0, "nothing we do may break the sound")
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


def following(late: np.ndarray, late_s: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """Give a step that is late by less than the late one right before it, whose consequence it is, the verdict of that one.

    `late` are the numbers of the late steps, `late_s` by how much, `ours` the verdict on each by itself; (n,) bool.
    """
    verdicts = ours.copy()
    for n in range(1, len(late)):
        if late[n] == late[n - 1] + 1 and late_s[n] < late_s[n - 1]:
            verdicts[n] = verdicts[n - 1]
    return verdicts


class Written:
    """When each step's voice was written, how much was left, and, where it was late, whether something else explains it.

    `at_s` is time.monotonic(), `slack_s` seconds, `late` which steps had less than none, `ours` which of the late ones
    neither a standstill explains nor, where the model is `realtime`, another program of such rank that had its core. For steps that
    do not wait between making and writing.
    """

    def __init__(self, run: Run, log: TraceLog, stood: Standstill, lead_ms: float, realtime: bool):
        steps, block_s = log.steps, run.blocksize / run.samplerate
        self._begun_s, self._sure, self._block_s = log.begun_s, stood.sure, block_s
        self.at_s = log.step_times() - 1e-6 * (steps["whole_us"].astype(np.float64) - steps["step_us"])
        self.slack_s = steps["slack_frames"].astype(np.float64) / run.samplerate
        self.late = self.slack_s < 0
        late_s, room_s = -self.slack_s[self.late], 1e-3 * lead_ms + block_s
        both = joined(np.concatenate((stood.spans, stood.held if realtime else np.zeros((0, 2)))))
        self.stood_s = stood_still(stood.spans, self.at_s[self.late], late_s, room_s)
        self.lost_s = stood_still(both, self.at_s[self.late], late_s, room_s)
        self.ours = following(np.flatnonzero(self.late), late_s, is_ours(self.lost_s, late_s, 0.5 * block_s))

    def tell(self, run: Run, what: str, name: str, settings: dict, control: str | None = None) -> None:
        """The late steps of our making as `what`, and the course of all with the late ones marked."""
        if self._sure:
            run.tally(f"{what}, {name}", int(self.ours.sum()), len(self.slack_s), unit="steps", settings=settings,
                      goal=NONE_OF_OURS, control=control, clock="late steps against the watchers' spans, both by CLOCK_MONOTONIC",
                      means="late steps that neither a core's standstill nor another real-time program explains")  # fmt: skip
        else:
            run.skip(f"{what}, {name}", "no real-time rights for the watchers, so nobody can tell; see antiphon doctor")
        run.timeline(f"slack of each step, {name}", self.at_s - self._begun_s, 1e3 * self.slack_s, unit="ms", marks=self._marks())

    def _marks(self) -> list[tuple[float, str]]:
        marks = []
        late = zip(self.at_s[self.late], self.slack_s[self.late], self.stood_s, self.lost_s, self.ours, strict=True)
        for at, slack, stood, lost, ours in late:
            what = f"{'a core stood still' if stood >= lost / 2 else 'another program had its core'} {1e3 * lost:.1f} ms"
            what = "after a late one" if lost < -slack - self._block_s else what
            why = "" if not self._sure else ", ours" if ours else f", {what}"
            marks.append((at - self._begun_s, f"late by {-1e3 * slack:.1f} ms{why}"))
        return marks
