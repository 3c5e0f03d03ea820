"""Where planned notes fall in real time: the tempo asked for, its beat, and the grid.

The note model plans in the performer's own time. `Timing` stretches that to the tempo asked for and draws onsets to the
grid. Positions are in hops (20 ms), with fractions: a beat need not fall on a hop's border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .score import HOP_S
from .strokes import find_step

LINES = {"1/4": 1.0, "1/8": 1 / 2, "1/8t": 1 / 3, "1/16": 1 / 4, "1/16t": 1 / 6, "1/32": 1 / 8}
"""Beats from one line of the grid to the next."""
USUAL_BPM = 100.0
_BEATS_BPM = 70.0, 140.0  # a pulse is counted in beats of this order
_BPM = 20.0, 300.0
_MOST_STRETCH = 4.0
_LEAST_HOPS = 2.0  # from one onset to the next
_ONSETS = 32


@dataclass(frozen=True, slots=True)
class TimeWishes:
    """What the player asks of time; the names are rows of the parameter table."""

    tempo: float = 0.0
    beat: tuple[float, ...] = ()
    grid: str = "1/16"
    grid_grip: float = 0.0
    swing: float = 0.5


class Timing:
    """Tempo and grid of an answer. Model process only.

    `hear` onsets of the performer; `begin` at an answer; `ask` at every hop of it. State: onsets heard, the pulse found in
    them, where the answer began, the wishes and the device time of the hop they came at.
    """

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._onsets: list[float] = []
        self._heard_bpm, self._heard_at = 0.0, 0.0  # 0: nothing known
        self._began = 0.0
        self._wishes = TimeWishes()
        self._period, self._origin = 60.0 / USUAL_BPM / HOP_S, 0.0
        self.stretch = 1.0
        """How many times as long as planned everything lasts."""

    _FIELDS = ("_heard_bpm", "_heard_at", "_began", "_wishes", "_period", "_origin", "stretch")

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        return {"_onsets": list(self._onsets), **{name: getattr(self, name) for name in self._FIELDS}}

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        for name, value in state.items():
            setattr(self, name, list(value) if name == "_onsets" else value)

    def hear(self, onset_hop: int) -> None:
        """Take the onset of a note or stroke of the performer."""
        if not self._onsets or onset_hop > self._onsets[-1]:  # what is kept may be taken up twice
            self._onsets = [*self._onsets, float(onset_hop)][-_ONSETS:]
            self._heard_bpm = 0.0

    @property
    def bpm(self) -> float:
        """The tempo in force."""
        return 60.0 / (self._period * HOP_S)

    @property
    def reach(self) -> float:
        """Hops by which the grid may draw an onset to before where it was planned."""
        return 0.0 if self._wishes.grid_grip <= 0 else LINES[self._wishes.grid] * self._period + _LEAST_HOPS

    @property
    def heard_bpm(self) -> float:
        """The performer's tempo as far as is known, USUAL_BPM where nothing is; worked out when asked for."""
        if not self._heard_bpm:
            self._listen()
        return self._heard_bpm

    def begin(self, hop: int, wishes: TimeWishes, due_s: float) -> None:
        """Begin an answer at this hop, whose first frame is heard at device time `due_s`."""
        self._began = self._origin = float(hop)
        self.ask(hop, wishes, due_s)

    def ask(self, hop: int, wishes: TimeWishes, due_s: float) -> None:
        """Take what the player wants now, at the hop whose first frame is heard at device time `due_s`."""
        before, self._wishes = self._wishes, wishes
        if len(wishes.beat) == 2:
            at_s, bpm = wishes.beat
            bpm = min(max(bpm, _BPM[0]), _BPM[1])
            self._origin = hop + (at_s - due_s) / HOP_S
        elif wishes.tempo > 0:
            bpm = wishes.tempo
            if before.tempo <= 0 or before.beat:
                self._origin = self._began
            elif before.tempo != bpm:  # the beat goes on from where it is
                self._origin = hop - (hop - self._origin) * before.tempo / bpm
        else:
            bpm, self._origin = self.heard_bpm, self._heard_at
        self._period = 60.0 / bpm / HOP_S
        theirs = self.heard_bpm if wishes.beat or wishes.tempo else bpm
        self.stretch = float(np.clip(theirs / bpm, 1 / _MOST_STRETCH, _MOST_STRETCH))

    def place(self, at: float, after: float | None = None) -> float:
        """Draw an onset towards the grid, as firmly as was asked: hops. At least a hop or two after the onset `after`."""
        grip = self._wishes.grid_grip
        soonest = at if after is None else after + _LEAST_HOPS
        if grip <= 0:
            return max(at, soonest)
        line = self._line(max(at, soonest))
        placed = at + grip * (line - at)
        if placed < soonest - 1e-9:
            placed = max(soonest, soonest + grip * (self._line(soonest, up=True) - soonest))
        return placed

    def _line(self, at: float, up: bool = False) -> float:
        """The line of the grid nearest to `at`; with `up` the first that is not before it."""
        wishes = self._wishes
        length = LINES[wishes.grid] * self._period
        straight = not wishes.grid.endswith("t")
        pair = 2 * length
        first = self._origin + np.floor((at - self._origin) / pair) * pair
        second = first + pair * (wishes.swing if straight else 0.5)
        lines = np.array([first, second, first + pair, second + pair])
        if up:
            return float(lines[lines >= at - 1e-6][0])
        return float(lines[np.abs(lines - at).argmin()])

    def _listen(self) -> None:
        """Find the performer's pulse: its tempo, and where a beat of it fell."""
        self._heard_bpm, self._heard_at = USUAL_BPM, self._onsets[-1] if self._onsets else 0.0
        if len(self._onsets) < 3:
            return
        bpm = 60.0 / (find_step(np.array(self._onsets)) * HOP_S)
        low, high = _BEATS_BPM
        while bpm > high:
            bpm /= 2
        while bpm < low:
            bpm *= 2
        self._heard_bpm = bpm
