"""What is watched while the instrument soaks: counters, memory, descriptors, clocks; and the laws by which they are judged.

A process's memory here is what it holds alone and nobody can page in again ("Anonymous" and swap of smaps_rollup): libraries come and go
with their other users, sound lies in a shared segment of fixed size. The rise of it is judged by floors: what is used for a
moment and given back is no leak, so of each span of time only the least counts.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from antiphon.latency import HOP, MODEL_RATE
from antiphon.layout import PLAYING, Segment
from soak_blame import Seen

SPANS = 12
_LEAST_SPANS = 4
_Z = 1.96  # 95 % of a normal distribution


@dataclass(frozen=True)
class Slope:
    """How fast something rises, in its unit per minute, with a 95 % interval; `spans` floors were compared."""

    estimate: float
    lower: float
    upper: float
    spans: int


def floors(t_s: np.ndarray, values: np.ndarray, spans: int = SPANS) -> tuple[np.ndarray, np.ndarray]:
    """Cut a course into `spans` spans of one length and give the least of each, with the middle of its span: two (n,)."""
    if len(t_s) < 2:
        return np.zeros(0), np.zeros(0)
    edges = np.linspace(t_s[0], t_s[-1], spans + 1)
    which = np.clip(np.searchsorted(edges, t_s, side="right") - 1, 0, spans - 1)
    there = [span for span in range(spans) if np.any(which == span)]
    middles = 0.5 * (edges[:-1] + edges[1:])
    return middles[there], np.array([values[which == span].min() for span in there])


def slope(pieces: list[tuple[np.ndarray, np.ndarray]], spans: int = SPANS) -> Slope | None:
    """The median slope between floors of the same piece (Theil-Sen), its interval by Kendall's test, as Sen 1968 has it.

    Pieces are the lives of a process, (t_s, values) each: what lies between two of them is no rise, so only pairs within a piece count, and
    the variances of the pieces' statistics are added (the seasonal slope of Hirsch, Slack and Smith 1982). None where there is too little.
    """
    slopes, variance, count = [], 0.0, 0
    for t_s, values in pieces:
        at, least = floors(np.asarray(t_s, float), np.asarray(values, float), spans)
        n = len(at)
        if n < _LEAST_SPANS:
            continue
        first, second = np.triu_indices(n, 1)
        slopes.append((least[second] - least[first]) / (at[second] - at[first]) * 60.0)
        variance += n * (n - 1) * (2 * n + 5) / 18.0
        count += n
    if not slopes:
        return None
    ordered = np.sort(np.concatenate(slopes))
    pairs, reach = len(ordered), _Z * np.sqrt(variance)
    low = int(np.clip(np.floor((pairs - reach) / 2), 0, pairs - 1))
    high = int(np.clip(np.ceil((pairs + reach) / 2), 0, pairs - 1))
    return Slope(float(np.median(ordered)), float(ordered[low]), float(ordered[high]), count)


def gained(pieces: list[tuple[np.ndarray, np.ndarray]]) -> int | None:
    """How many more a process holds in the last quarter of a life than in the first, by the least of each: the most of all lives."""
    found = []
    for t_s, values in pieces:
        t_s, values = np.asarray(t_s, float), np.asarray(values, float)
        if len(t_s) < 8:
            continue
        length = t_s[-1] - t_s[0]
        first, last = values[t_s <= t_s[0] + length / 4], values[t_s >= t_s[-1] - length / 4]
        found.append(int(last.min() - first.min()))
    return max(found) if found else None


def more_kept(t_s: list[float], sizes: list[float], begin_s: float) -> float | None:
    """How much more lies there in the last quarter of the time from `begin_s` on than in the first, by the least of each."""
    times, values = np.array(t_s), np.array(sizes)
    kept = times >= begin_s
    times, values = times[kept], values[kept]
    if len(times) < 8:
        return None
    quarter = (times[-1] - times[0]) / 4
    return float(values[times >= times[-1] - quarter].min() - values[times <= times[0] + quarter].min())


def drift_ppm(t_s: np.ndarray, frames: np.ndarray, rate: float, window_s: float) -> np.ndarray:
    """By how much a frame clock is fast against time, in parts per million, of each window of so many seconds: (windows,).

    A clock moves block by block and is read at any moment, which least squares over a window's readings average out.
    """
    found = []
    for begin in np.arange(t_s[0], t_s[-1] - window_s + 1e-9, window_s) if len(t_s) else ():
        inside = (t_s >= begin) & (t_s < begin + window_s)
        if inside.sum() >= 8:
            t = t_s[inside] - t_s[inside].mean()
            found.append(1e6 * (float(t @ (frames[inside] - frames[inside].mean())) / float(t @ t) / rate - 1.0))
    return np.array(found)


@contextlib.contextmanager
def unhindered() -> Iterator[None]:
    """In realtime where it may, below the model: who reads another process's map has a lock of it meanwhile, and were he made to wait
    with it by any program, the model would wait for him."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except (AttributeError, OSError):
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@dataclass
class Process:
    """One of the instrument's processes over all its lives: columns of one length."""

    t_s: list[float] = field(default_factory=list)
    life: list[int] = field(default_factory=list)
    own_mb: list[float] = field(default_factory=list)
    pss_mb: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def look(self, t_s: float, pid: int) -> bool:
        """Take down one process; False where it has just ended."""
        try:
            with unhindered():
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            files, threads = len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task"))
        except OSError:
            return False
        kb = {line.split(":")[0]: int(line.split()[1]) for line in rollup.splitlines()[1:]}
        if not kb.get("Rss"):
            return False
        row = (t_s, pid, (kb["Anonymous"] + kb.get("Swap", 0)) * 1.024e-3, kb["Pss"] * 1.024e-3, files, threads)
        for column, value in zip((self.t_s, self.life, self.own_mb, self.pss_mb, self.files, self.threads), row, strict=True):
            column.append(value)
        return True

    def pieces(self, name: str, begin_s: float, warm_s: float) -> list[tuple[np.ndarray, np.ndarray]]:
        """A column by lives, each without its first `warm_s` and without what was before `begin_s`."""
        t_s, life, values = np.array(self.t_s), np.array(self.life), np.array(getattr(self, name), float)
        found = []
        for one in dict.fromkeys(self.life):
            mine = life == one
            kept = mine & (t_s >= max(begin_s, t_s[mine][0] + warm_s))
            found.append((t_s[kept], values[kept]))
        return [piece for piece in found if len(piece[0])]


class Watch:
    """Looks at a stage: at what is counted and bears no time as often as it is asked to, at all else each `look_s`, at the processes each
    `memory_s`. One thread.

    Of 24 hours it keeps some 40 MB, of a process that is nobody's but its own.
    """

    COUNTS = ("frames", "blocks", "xruns", "underflows", "late", "steps", "hops", "voice_frames", "overflows",
              "control_xruns", "control_blocks", "beats", "lead_s", "step_s")  # fmt: skip

    def __init__(self, stage, memory_s: float = 5.0, look_s: float = 0.25, stopped: Callable[[], bool] = lambda: False):
        self.stage, self.memory_s, self.look_s, self._stopped = stage, memory_s, look_s, stopped
        self.began = time.monotonic()
        self.seen = Seen()
        self.t_s: list[float] = []
        self.looks: dict[str, list[float]] = {name: [] for name in self.COUNTS}
        self.hop_lives: list[tuple] = []
        self.processes: dict[str, Process] = {}
        self.kept: dict[str, list[float]] = {"home": [], "shared memory": [], "takes": []}
        self.kept_t_s: list[float] = []
        self._before = {"late": 0.0, "steps": 0.0, "life": None}
        self._base = {"late": 0.0, "steps": 0.0}
        self._due = self._memory_due = 0.0

    @property
    def now_s(self) -> float:
        """Seconds since the watch began."""
        return time.monotonic() - self.began

    def look(self, at_once: bool = False) -> None:
        """Look, if it is time."""
        now = self.now_s
        segment = self.stage.segment()
        if segment is not None:
            self.seen.glance(segment)
        if segment is not None and (at_once or now >= self._due):
            self._due = now + self.look_s
            self._count(segment)
        if now >= self._memory_due:
            self._memory_due = now + self.memory_s
            self._weigh(now)

    def until(self, what, most_s: float, look_s: float = 0.005) -> float | None:
        """Wait for `what()`, looking meanwhile; the seconds since the watch began at which it was so, None where it never was, or
        the soak was told to end meanwhile."""
        end = self.now_s + most_s
        while not what():
            if self.now_s > end or self._stopped():
                return None
            self.look()
            time.sleep(look_s)
        return self.now_s

    def pause(self, seconds: float) -> None:
        """Let time pass, looking."""
        self.until(lambda: False, seconds, 0.05)

    def _count(self, segment: Segment) -> None:
        hop_frames = HOP * segment.samplerate // MODEL_RATE
        self.seen.read(segment, self.stage.blocksize, hop_frames)
        status = segment.read_status()
        before = self.now_s
        frames = segment.clock
        now = 0.5 * (before + self.now_s)
        counters = segment.read_counters()
        life, alive = int(self.stage.model_pid() or 0), status["phase"] == PLAYING
        if life != self._before["life"]:  # its counts begin anew
            for name in ("late", "steps"):
                self._base[name] += self._before[name]
            self._before = {"late": 0.0, "steps": 0.0, "life": life}
        if alive:
            self._before |= {"late": status["late"], "steps": status["steps"]}
        self.seen.realtime |= alive and bool(status["realtime"])
        row = {name: self._base[name] + self._before[name] for name in ("late", "steps")}
        row |= {"frames": frames, "blocks": counters["blocks"], "xruns": self.seen.xruns, "underflows": counters["underflows"], "hops": status["hop"],
                "voice_frames": counters["voice_frames"], "overflows": counters["mic_overflows"], "step_s": 1e-9 * status["step_ns_p50"],
                "lead_s": (segment.delay_frames - hop_frames - self.stage.blocksize) / segment.samplerate, **self.stage.control_counts()}  # fmt: skip
        self.t_s.append(now)
        for name in self.COUNTS:
            self.looks[name].append(row[name])
        self.hop_lives.append((life, status["catch_ups"], alive))

    def _weigh(self, now: float) -> None:
        for name, pid in self.stage.pids().items():
            self.processes.setdefault(name, Process()).look(now, pid)
        self.kept_t_s.append(now)
        for name, size in self.stage.kept_bytes().items():
            self.kept[name].append(size * 1e-6)

    def outside(self, name: str, windows: list[tuple[float, float]]) -> float:
        """By how much a count rose between looks that touch none of these windows of time."""
        t_s, values = np.array(self.t_s), np.array(self.looks[name], float)
        rises = np.maximum(np.diff(values), 0.0)
        return float(rises[self._free(t_s, windows)].sum())

    def free(self, at_s: np.ndarray, windows: list[tuple[float, float]]) -> np.ndarray:
        """Which of these moments, seconds of the watch, lie between looks that touch none of these windows: (n,) bool."""
        t_s, between = np.array(self.t_s), np.searchsorted(self.t_s, at_s) - 1
        inside = (between >= 0) & (between < len(t_s) - 1)
        return inside & np.append(self._free(t_s, windows), False)[np.where(inside, between, -1)]

    def place(self, name: str, at_s: np.ndarray, windows: list[tuple[float, float]]) -> np.ndarray:
        """By how much a count had risen by these moments, outside of these windows: which of its chances each one is."""
        t_s, values = np.array(self.t_s), np.array(self.looks[name], float)
        risen = np.cumsum(np.maximum(np.diff(values), 0.0) * self._free(t_s, windows))
        return np.floor(np.clip(np.interp(at_s, t_s[1:], risen), 0.0, max(risen[-1] - 1.0, 0.0))) if len(risen) else np.zeros(len(at_s))

    def seconds_outside(self, windows: list[tuple[float, float]]) -> float:
        """How many seconds of looks touch none of these windows."""
        t_s = np.array(self.t_s)
        return float(np.diff(t_s)[self._free(t_s, windows)].sum())

    def inside(self, name: str, begin_s: float, end_s: float) -> float:
        """By how much a count rose in the looks of a window."""
        t_s, values = np.array(self.t_s), np.array(self.looks[name], float)
        return float(np.maximum(np.diff(values), 0.0)[~self._free(t_s, [(begin_s, end_s)])].sum())

    @staticmethod
    def _free(t_s: np.ndarray, windows: list[tuple[float, float]]) -> np.ndarray:
        free = np.ones(max(len(t_s) - 1, 0), bool)
        for begin, end in windows:
            free &= (t_s[1:] < begin) | (t_s[:-1] > end)
        return free

    def drifts(self, windows: list[tuple[float, float]], rate: float) -> np.ndarray:
        """The device's clock against time, ppm of windows of a minute (a fifth of a shorter run), where the device was left alone."""
        t_s, frames = np.array(self.t_s), np.array(self.looks["frames"], float)
        window_s = min(60.0, max((t_s[-1] - t_s[0]) / 5, 4.0)) if len(t_s) else 60.0
        edges = [0.0, *(edge for window in sorted(windows) for edge in window), np.inf]
        found = [drift_ppm(t_s[(t_s > a) & (t_s < b)], frames[(t_s > a) & (t_s < b)], rate, window_s) for a, b in zip(edges[::2], edges[1::2], strict=True)]
        return np.concatenate(found) if found else np.zeros(0)

    def hops_behind(self, hop_frames: int) -> np.ndarray:
        """How far the count of hops is from the count of frames, in frames, from where it was when that life of the model began to play:
        its size, of each look. Half a hop is what looking at any moment makes of it."""
        frames, hops = np.array(self.looks["frames"], float), np.array(self.looks["hops"], float)
        found = []
        for life in dict.fromkeys(life for life in self.hop_lives if life[2]):
            mine = np.array([one == life for one in self.hop_lives])
            behind = frames[mine] - hops[mine] * hop_frames
            if len(behind) >= 8:
                found.append(np.abs(behind - np.median(behind[: max(8, len(behind) // 10)])))
        return np.concatenate(found) if found else np.zeros(0)
