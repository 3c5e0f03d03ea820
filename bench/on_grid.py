"""Whether notes begin on the grid that is asked for: by the model's own plan, and heard in the sound.

    python bench/on_grid.py [--seconds 20] [--seeds 2] [--settings "97 bpm,MIDI clock"] [--out FOLDER] [--quick] [--dry-run]

grid_grip 1, grid 1/16. The beat is set by its row at 60, 97 and 140 beats a minute; tapped; or followed from a simulated
MIDI clock of 24 marks a beat, each up to a millisecond early or late: one that is steady, and one that gets 5 % faster over
the answer. Taps and marks go through control/pulse.py as in play. Of a clock the grid is the true one, not what was made of it.

planned   frame on which a note is placed, against the nearest line of the grid as it was when the note began: ms, its size
heard     onset found in the sound by `onsets.py` nearest to a planned one, at most 60 ms away, against the line meant: ms, the
          detector's own lateness on notes of 20 ms attack taken off; `late` at the median, `uneven` what is off that. Notes
          after a rest of 30 ms and more apart from `joined` ones, whose beginning is a change of pitch. How late and uneven
          the detector is on notes whose beginning is known, is in the record. A voice begins softly, and is heard to begin
          where it is loud enough: that is in `late`
strokes   the same of drum strokes, in the answer to a drum
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import audible
from antiphon.control.desk import Desk
from antiphon.control.pulse import Pulse
from antiphon.events import Event
from antiphon.params import REGISTRY
from onsets import heard_onsets, nearest, tried
from performance import BLOCK, HUMMED, RATE, Performance, Split, prompt
from planned import Plan, StrokePlan
from record import note, record

PROMPTS = (HUMMED, "00_sms_singing-female", "05_sms_sax-phrase", "06_sms_cello-phrase", "22_basic_vocadito-10", "32_wavs_gc")
DRUM = "16_sms_mridangam"
LINES_A_BEAT = 4
_BEFORE_S = 3.0  # clocks run and taps fall before the answer begins
_JITTER_S = 0.001
_REACH_S = 0.06
_REST_S = 0.03
WHAT = ("planned", "heard", "joined", "strokes_planned", "strokes")


@dataclass(frozen=True)
class Setting:
    """How a beat is given: by its `row`, by `taps`, by a `clock`; `faster` is how much faster it is when the answer ends."""

    bpm: float
    by: str
    faster: float = 0.0


SETTINGS = {
    "60 bpm": Setting(60.0, "row"),
    "97 bpm": Setting(97.0, "row"),
    "140 bpm": Setting(140.0, "row"),
    "taps at 97": Setting(97.0, "taps"),
    "MIDI clock at 97": Setting(97.0, "clock"),
    "MIDI clock, 97 to 102": Setting(97.0, "clock", 0.05),
}


class Beat:
    """The beat of a performance, from its prompt's end on: gives it to the instrument, and knows where the grid's lines are."""

    def __init__(self, performance: Performance, setting: Setting, seed: int, seconds: float):
        self._performance, self._setting, self._seconds = performance, setting, seconds
        self._random = random.Random(seed)
        self._now_s = lambda: performance.engine.segment.clock / RATE
        self._desk = Desk(REGISTRY, performance.engine.apply, performance.engine.values, log=note)
        self._pulse = Pulse(self._desk, self._now_s)
        self._from_s = self._now_s() + 0.1 + 0.3 * self._random.random()
        self._next = 0
        if setting.by == "row":
            performance.apply("tempo", setting.bpm)
            performance.apply("beat", (self._from_s, setting.bpm))

    def beat_at(self, time_s: float) -> float:
        """Beats since the first one, at a device time, of the beat that is given."""
        if self._setting.by == "taps" and self._pulse.grid:
            return self._pulse.grid.at(time_s)
        t, rise = time_s - self._from_s, self._setting.faster / (self._seconds + _BEFORE_S)
        return self._setting.bpm / 60 * (t + rise * t * t / 2)

    def look(self) -> None:
        """After each block: what of clock and taps has come by now is handed over."""
        setting = self._setting
        if setting.by == "row" or (setting.by == "taps" and self._next >= 5):
            return
        while self._when(self._next) <= self._now_s():
            if setting.by == "taps":
                self._desk.emit(Event("tap", True))
            else:
                jitter = self._random.uniform(-_JITTER_S, _JITTER_S)
                self._pulse.mark(self._when(self._next) + jitter, self._next / 24)
            self._next += 1

    def _when(self, number: int) -> float:
        """Device time of a mark, or of a tap."""
        beats, rise = number / (24 if self._setting.by == "clock" else 1), self._setting.faster / (self._seconds + _BEFORE_S)
        t = beats * 60 / self._setting.bpm
        return self._from_s + (t if not rise else (math.sqrt(1 + 2 * rise * t) - 1) / rise)

    def off_s(self, time_s: float) -> float:
        """How much later than the nearest line of the grid a device time is, in s."""
        lines = self.beat_at(time_s) * LINES_A_BEAT
        a_second = (self.beat_at(time_s + 1e-3) * LINES_A_BEAT - lines) / 1e-3
        return (lines - round(lines)) / a_second


def answer(performance: Performance, setting: Setting, seed: int, seconds: float) -> dict[str, list[float]]:
    """Distances from the grid in s, by WHAT: of planned onsets from the nearest line, of heard ones from the line meant."""
    beat, plan, strokes = Beat(performance, setting, seed, seconds), Plan(performance), StrokePlan(performance)
    plan.look()
    plan.asked = lambda: beat.off_s(performance.status["note_onset_s"])  # as the grid is when the note begins
    strokes.ask = beat.off_s

    def look() -> None:
        beat.look()
        plan.look()
        strokes.look()

    performance.run(round(_BEFORE_S * RATE) // BLOCK * BLOCK, look)
    performance.apply("seed", seed)
    performance.begin({"grid_grip": 1.0, "grid": "1/16"})
    begun = performance.clock
    sound = performance.run(round(seconds * RATE) // BLOCK * BLOCK, look)[:, 0]
    heard, notes = heard_onsets(sound), plan.notes
    onsets, off = np.array([one.onset - begun for one in notes]) / RATE, np.array([one.asked for one in notes])
    late = nearest(heard, onsets, _REACH_S) + off
    ends = onsets + np.array([one.length_s for one in notes])
    rested = np.array([True, *(onsets[1:] - ends[:-1] > _REST_S)])[: len(onsets)]
    struck = np.array(strokes.times) - (performance.begun + begun) / RATE
    strokes_late = nearest(heard, struck, _REACH_S) + np.array(strokes.asked)
    return {"planned": off.tolist(), "heard": late[rested].tolist(), "joined": late[~rested].tolist(),
            "strokes_planned": list(strokes.asked), "strokes": strokes_late.tolist()}  # fmt: skip


def sizes(off_s: list[float], name: str) -> dict:
    """Count, and the size in ms of distances from the grid."""
    ms = 1000 * np.abs(off_s)
    return {f"{name}": len(ms), **({f"{name}_ms_p50": float(np.median(ms)), f"{name}_ms_p95": float(np.quantile(ms, 0.95)),
                                    f"{name}_ms_max": float(ms.max())} if len(ms) else {})}  # fmt: skip


def spread(late_s: list[float], name: str, detector_s: float) -> dict:
    """How many were found, how late at the median without the detector's own lateness, and what is off that: p50 and p95."""
    late = np.array(late_s)
    found = late[np.isfinite(late)] - detector_s
    if not len(found):
        return {f"{name}_found": 0}
    off = 1000 * np.abs(found - np.median(found))
    return {f"{name}_found": len(found), f"{name}_late_ms": 1000 * float(np.median(found)),
            f"{name}_uneven_ms_p50": float(np.median(off)), f"{name}_uneven_ms_p95": float(np.quantile(off, 0.95))}  # fmt: skip


def picture(found: dict[str, dict[str, list[float]]], place: Path) -> None:
    """A histogram of what was planned and heard for each setting."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, rows = pyplot.subplots(len(found), 1, figsize=(8, 1.2 + 1.3 * len(found)), sharex=True, squeeze=False)
    for axes, (name, off) in zip(rows[:, 0], found.items(), strict=True):
        for what, colour in (("joined", "tab:olive"), ("heard", "tab:orange"), ("strokes", "tab:green"), ("planned", "tab:blue")):
            axes.hist(1000 * np.array(off[what]), bins=np.arange(-60, 61, 1.0), color=colour, alpha=0.6, label=what)
        axes.set_title(name, fontsize=8)
        axes.set_yscale("symlog")
    rows[0, 0].legend(fontsize=7)
    rows[-1, 0].set_xlabel("ms after the line of the grid")
    figure.tight_layout()
    figure.savefig(place, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", type=lambda text: text.split(","), default=list(SETTINGS), help=f"of {'; '.join(SETTINGS)}")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each answer")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--clips", type=Path, default=audible.clip_paths()[0].parent, help="folder of recordings")
    parser.add_argument("--out", type=Path, help="folder for on_grid.png")
    parser.add_argument("--quick", action="store_true", help="one seed, eight seconds")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no records")
    args = parser.parse_args()
    if args.quick:
        args.seeds, args.seconds = 1, 8.0
    detector = tried(attack_s=0.02, gap_s=0.03)
    joined = tried(attack_s=0.02, gap_s=0.0)
    struck = tried(attack_s=0.0005, gap_s=0.03)
    found: dict[str, dict[str, list[float]]] = {name: {what: [] for what in WHAT} for name in args.settings}
    for name in (*PROMPTS, DRUM):
        with Performance(prompt(name, args.clips), {}, 1, bundle=args.bundle) as performance:
            begun: list[tuple[str, Split]] = []
            for setting in args.settings:
                for seed in range(1, args.seeds + 1):
                    one: Callable = lambda s=SETTINGS[setting], seed=seed: answer(performance, s, seed, args.seconds)  # noqa: E731
                    begun.append((setting, Split(one)))
                    if len(begun) > 1:
                        begun[-2][1].wait()
            for setting, split in begun:
                for what, off in (split.result() or {}).items():
                    found[setting][what] += off
    for name, off in found.items():
        figures = {**sizes(off["planned"], "planned"), **spread(off["heard"], "heard", detector["late_ms"] / 1000),
                   **spread(off["joined"], "joined", joined["late_ms"] / 1000),
                   **sizes(off["strokes_planned"], "strokes_planned"),
                   **spread(off["strokes"], "strokes", struck["late_ms"] / 1000),
                   **{f"detector_{key}": value for key, value in detector.items()},
                   "detector_late_ms_of_joined_notes": joined["late_ms"]}  # fmt: skip
        record("on_grid", name, {key: round(value, 4) for key, value in figures.items()}, unit="ms", write=not args.dry_run,
               clock="line of the grid, to the first frame of a note as planned, or as heard",
               settings={"seconds": args.seconds, "seeds": args.seeds, "bundle": args.bundle, "grid": "1/16", "grid_grip": 1.0,
                         **vars(SETTINGS[name])})  # fmt: skip
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        picture(found, args.out / "on_grid.png")
    exact = {name: off["planned"] for name, off in found.items() if SETTINGS[name].by == "row"}
    return 0 if all(off and max(map(abs, off)) < 1 / RATE for off in exact.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
