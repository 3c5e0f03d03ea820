"""Where beats fall: taps, tempi that people set, and clocks, turned into the rows `tempo` and `beat`.

Times are device times in s: frames by the samplerate. Beats are counted from 0; of a clock that says where it begins,
every fourth begins a bar (4/4). Everything here is the control thread's; `Pulse.grid` may be read by any.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import UsageError
from ..events import Event
from .desk import Desk

BAR = 4  # beats
CLOCKS = {"midi clock": "midi", "link": "link"}  # who marks beats, and the word of `sync` that lets them
_TAP_S = (0.2 - 1e-6, 3.0 + 1e-6)
_TAPS = 4  # intervals that are looked back on
_OTHER_TEMPO = 1.33  # an interval this much longer or shorter than the others begins anew
_WINDOWS = (18, 36, 72, 144, 288)  # marks: three quarters of a beat to twelve beats of a MIDI clock
_AGREE = 3.0  # standard errors
_LEAST_NOISE_S = 0.0002
_LEAST_MARKS = 12
_PAUSE = 2.5  # marks apart, then it was a pause
_LOOK_S, _LOOK_SOON_S = 0.1, 0.03
_ASTRAY_S = 0.004
_SAY_S = 0.1
_SAY_PHASE_S = 0.001
_SAY_TEMPO = 0.0005
_TEMPO_STEP = 0.1  # bpm


@dataclass(frozen=True, slots=True)
class Grid:
    """The line of beats: number `beat` falls at `time_s`, and `bpm` in a minute. `bars`: whether every fourth begins a bar."""

    time_s: float
    beat: float
    bpm: float
    bars: bool = False

    def at(self, time_s: float) -> float:
        """Give the beat, with its fraction, at a time."""
        return self.beat + (time_s - self.time_s) * self.bpm / 60.0

    def when(self, beat: float) -> float:
        """Give the time of a beat."""
        return self.time_s + (beat - self.beat) * 60.0 / self.bpm


class Tracker:
    """Finds the line through marks (time, beat) that come late, early, or not at all.

    Fitted over five windows, from three quarters of a beat to twelve beats; the longest whose line agrees with those of all
    shorter ones is taken (Lepski's choice): a steady clock is averaged, one that drifts or jumps is followed. Each fit
    begins at medians and weighs marks down by Tukey's biweight, so that a few late ones do not move it. A look costs
    0.5 ms. With ticks of a MIDI clock that are early or late by up to 5 ms it errs by 0.3 ms in the middle and 1.4 ms at
    most; a tempo that rises by 5 % in a bar is followed within 7 ms; a jump within 5 ms one beat later
    (tests/unit/test_pulse.py).
    """

    def __init__(self) -> None:
        self._marks: deque[tuple[float, float]] = deque(maxlen=_WINDOWS[-1])
        self._noise_s: float | None = None
        self._beat_s: float | None = None  # seconds of a beat as known before the marks that are kept

    def forget(self) -> None:
        """Begin anew, with the tempo as a first guess."""
        self._marks.clear()
        self._noise_s = None

    def add(self, time_s: float, beat: float) -> None:
        """Take one mark. Where its number does not follow, the marks before are renumbered; after a pause they are forgotten."""
        marks = self._marks
        if len(marks) == 1 and beat <= marks[0][1]:
            marks.clear()
        if len(marks) >= 2:
            (before_s, before), (last_s, last) = marks[-2], marks[-1]
            step = last - before
            spacing_s = step * self._beat_s if self._beat_s else last_s - before_s
            follows = 0 < beat - last < 1.5 * step
            if not -0.05 < time_s - last_s < (max(1.0, 4 * spacing_s) if follows else _PAUSE * spacing_s):
                self.forget()
            elif not follows:
                self._renumber(beat - step - last)
        self._marks.append((time_s, beat))

    def look(self) -> tuple[float, float, float, float] | None:
        """Give (time_s, beat, seconds of a beat, standard error of that) at the newest mark; None where there are too few."""
        count = len(self._marks)
        if count < (2 if self._beat_s else _LEAST_MARKS):
            return None
        times, beats = np.array(self._marks).T
        last_s, last = times[-1], beats[-1]
        times, beats = times - last_s, beats - last
        if count < _WINDOWS[0] and self._beat_s:
            return last_s + float(np.median(times - self._beat_s * beats)), float(last), self._beat_s, self._beat_s
        fits = []
        for window in _WINDOWS:
            fits.append(_fit(times[-window:], beats[-window:]))
            if window >= count:
                break
        fresh_s = fits[min(1, len(fits) - 1)].noise_s
        self._noise_s = fresh_s if self._noise_s is None else self._noise_s + 0.02 * (fresh_s - self._noise_s)
        noise_s = max(fresh_s, self._noise_s)
        best = fits[0]
        for place, longer in enumerate(fits[1:], 1):
            if any(abs(longer.late_s - fit.late_s) > _AGREE * fit.error_s(noise_s) for fit in fits[:place]):
                break
            best = longer
        if not best.beat_s > 0:
            return None
        if count >= _WINDOWS[0]:
            self._beat_s = best.beat_s
        return float(last_s + best.late_s), float(last), best.beat_s, best.beat_error_s(noise_s)

    def _renumber(self, shift: float) -> None:
        self._marks = deque(((time_s, beat + shift) for time_s, beat in self._marks), maxlen=self._marks.maxlen)


@dataclass(frozen=True, slots=True)
class _Fit:
    """A line through `count` marks over `span` beats: how late it is at the last of them, and its slope."""

    late_s: float
    beat_s: float
    noise_s: float
    count: int
    span: float

    def error_s(self, noise_s: float) -> float:
        """Standard error at the end of a line: twice what it is in the middle."""
        return 2.0 * noise_s / math.sqrt(self.count)

    def beat_error_s(self, noise_s: float) -> float:
        """Standard error of its slope."""
        return noise_s * math.sqrt(12.0 / self.count) / self.span


def _fit(times: np.ndarray, beats: np.ndarray) -> _Fit:
    half = (len(beats) + 1) // 2
    slope = np.median((times[half:] - times[:-half]) / (beats[half:] - beats[:-half]))
    rest = times - slope * beats
    rest = rest - np.median(rest)
    for _ in range(3):
        noise = max(1.4826 * float(np.median(np.abs(rest))), _LEAST_NOISE_S)
        weight = (1.0 - np.minimum(np.abs(rest) / (5.0 * noise), 1.0) ** 2) ** 2
        total = weight.sum()
        middle, middle_s = weight @ beats / total, weight @ times / total
        away = beats - middle
        slope = weight @ (away * (times - middle_s)) / (weight @ (away * away))
        rest = times - middle_s - slope * away
    return _Fit(float(middle_s - slope * middle), float(slope), noise, len(beats), float(beats[-1] - beats[0]))


class Pulse:
    """Emits `tempo` and `beat`. `now_s` is the device time, None before it runs; `frame_s` turns a device frame into it.

    Taps count unless a clock is followed; a clock is followed while `sync` names it. `tempo` is emitted to a tenth of a
    bpm, when it is surely another; `beat` ten times a second at most, when the next beat would be off by a millisecond
    or the tempo by 0.05 %. Its time is that of a bar's first beat where the clock has said where it began.
    """

    def __init__(
        self,
        desk: Desk,
        now_s: Callable[[], float | None],
        frame_s: Callable[[int], float] = lambda frame: frame / 48_000,
    ):
        self._desk, self._now_s, self._frame_s = desk, now_s, frame_s
        self.grid: Grid | None = None
        self.following = ""
        self._taps: deque[float] = deque(maxlen=_TAPS + 1)
        self._tracker = Tracker()
        self._said: Grid | None = None
        self._said_s = self._looked_s = self._marked = -math.inf
        self._saying = False
        for path, handler in (("tap", self._tap), ("tempo", self._tempo_set), ("beat", self._beat_set), ("sync", self._sync_set)):
            desk.handle(path, handler)

    @property
    def bpm(self) -> float | None:
        """The tempo in force; None where it is the performer's own."""
        grid = self.grid
        return grid.bpm if grid else float(self._desk.values["tempo"]) or None

    def now_s(self) -> float | None:
        """Give the device time; None before it runs. Any thread."""
        return self._now_s()

    def may(self, source: str) -> bool:
        """Whether this clock is to be followed."""
        return self._desk.values["sync"] == CLOCKS[source]

    def listen(self, time_s: float, beat: float) -> None:
        """Take a mark of a MIDI clock that runs while its song stands still: when it goes on, its tempo is known."""
        self._tracker.add(time_s, beat)

    def mark(self, time_s: float, beat: float, source: str = "midi clock", placed: bool = True) -> None:
        """Take a clock's word that `beat` is at `time_s`, jittering as it may. Not `placed`: only its tempo is meant."""
        self._tracker.add(time_s, beat)
        if not self.may(source):
            return
        if self.following != source:
            self._follow(source)
        leaps, self._marked = not 0 < beat - self._marked < 1, beat
        astray = placed and self.grid is not None and abs(self.grid.when(beat) - time_s) > _ASTRAY_S
        if not leaps and 0 <= time_s - self._looked_s < (_LOOK_SOON_S if astray else _LOOK_S):
            return
        self._looked_s = time_s
        found = self._tracker.look()
        if found is None:
            return
        at_s, at, beat_s, error_s = found
        grid = Grid(at_s, at, 60.0 / beat_s, bars=True)
        self._say_tempo(grid.bpm, grid.bpm * error_s / beat_s, source)
        if placed:
            self.grid = grid
            self._say_beat(grid, source)

    def place(self, time_s: float, beat: float, bpm: float, source: str = "link") -> None:
        """Take a clock's word for all of it: one that is exact."""
        if not self.may(source):
            return
        if self.following != source:
            self._follow(source)
        self.grid = Grid(time_s, beat, bpm, bars=True)
        self._say_tempo(bpm, 0.0, source)
        self._say_beat(self.grid, source)

    def stop(self, source: str) -> None:
        """The clock has stopped or gone: beats begin with the answer again, the tempo stays."""
        if self.following == source:
            self.following = ""
            self._taps.clear()
            self._clear(source)

    def _follow(self, source: str) -> None:
        self.following = source
        self._said, self._said_s, self._looked_s = None, -math.inf, -math.inf

    def _tap(self, event: Event) -> None:
        if not event.value or self.following:
            return
        time_s = self._time_s(event)
        if time_s is None:
            return
        since_s = time_s - self._taps[-1] if self._taps else math.inf
        if 0 <= since_s < _TAP_S[0]:
            return  # one press, heard twice
        if not _TAP_S[0] <= since_s <= _TAP_S[1]:
            self._taps.clear()
        elif len(self._taps) > 1 and not 1 / _OTHER_TEMPO < since_s / self._interval_s() < _OTHER_TEMPO:
            last_s = self._taps[-1]
            self._taps.clear()
            self._taps.append(last_s)
        self._taps.append(time_s)
        bpm = self.bpm
        if len(self._taps) > 1:
            bpm = round(60.0 / self._interval_s(), 1)
            self._emit("tempo", bpm, "tap")
        if bpm:
            self.grid = self._placed(time_s, bpm)
            self._emit_beat(self.grid, "tap")

    def _placed(self, time_s: float, bpm: float) -> Grid:
        """The grid with a beat here: the one that was nearest, so that whoever counts them goes on."""
        return Grid(time_s, float(round(self.grid.at(time_s))) if self.grid else 0.0, bpm)

    def _interval_s(self) -> float:
        taps = list(self._taps)
        return statistics.median(later - earlier for earlier, later in zip(taps, taps[1:], strict=False))

    def _tempo_set(self, event: Event) -> None:
        """Somebody set the tempo: the beat that is due goes on from where it is. A clock that is followed says its own again."""
        if self._saying or self.following:
            return
        self._taps.clear()
        if not event.value:
            self._clear("tempo", event.time_frame)
        elif self.grid and (time_s := self._time_s(event)) is not None:
            beat = self.grid.at(time_s)
            bpm = float(event.value)
            whole = math.ceil(beat - 1e-9)
            self.grid = replace(self.grid, time_s=time_s + (whole - beat) * 60.0 / bpm, beat=whole, bpm=bpm)
            self._emit_beat(self.grid, "tempo", event.time_frame)

    def _beat_set(self, event: Event) -> None:
        if self._saying:
            return
        self._said = None  # a clock that is followed says it again
        if not self.following:
            value = event.value
            self.grid = self._placed(*value) if len(value) == 2 and value[1] > 0 else None

    def _sync_set(self, event: Event) -> None:
        if self.following and not self.may(self.following):
            self.stop(self.following)

    def _time_s(self, event: Event) -> float | None:
        return self._now_s() if event.time_frame is None else self._frame_s(event.time_frame)

    def _clear(self, source: str, frame: int | None = None) -> None:
        known, self.grid, self._said = self.grid, None, None
        if known or self._desk.values["beat"]:
            self._emit("beat", (), source, frame)

    def _say_tempo(self, bpm: float, error: float, source: str) -> None:
        said = float(self._desk.values["tempo"])
        tempo = self._desk.registry.accept("tempo", round(bpm, 1))
        sure = max(0.75 * _TEMPO_STEP, 3.0 * error)  # three quarters of a step: it does not waver between two
        if tempo != said and (abs(bpm - said) > sure if said else error < 0.004 * bpm):
            self._emit("tempo", tempo, source)

    def _say_beat(self, grid: Grid, source: str) -> None:
        said = self._said
        if 0 <= grid.time_s - self._said_s < _SAY_S:
            return
        if said is not None:
            off = said.at(grid.time_s) - grid.beat
            off -= BAR * round(off / BAR)
            if abs(off) * 60.0 / grid.bpm < _SAY_PHASE_S and abs(said.bpm / grid.bpm - 1.0) < _SAY_TEMPO:
                return
        self._said, self._said_s = grid, grid.time_s
        self._emit_beat(grid, source)

    def _emit_beat(self, grid: Grid, source: str, frame: int | None = None) -> None:
        step = BAR if grid.bars else 1
        beat = step * math.floor(grid.beat / step + 1e-9)
        beat += step * max(0, math.ceil(-grid.when(beat) * grid.bpm / 60.0 / step))  # not before the clock began
        self._emit("beat", (round(max(grid.when(beat), 0.0), 6), round(grid.bpm, 4)), source, frame)

    def _emit(self, path: str, value: object, source: str, frame: int | None = None) -> None:
        self._saying = True
        try:
            self._desk.emit(Event(path, self._desk.registry.accept(path, value), frame, source))
        except UsageError as error:
            self._desk.log(str(error))
        finally:
            self._saying = False
