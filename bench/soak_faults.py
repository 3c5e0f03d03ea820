"""What goes wrong during a soak, when, and what must come of it.

`schedule` says when: one of each kind in turn soon after the beginning, so that what happens for the first time is over before memory is
judged, then one after the other at times drawn by chance, the same for the same seed. Each fault happens while a take runs, a kill while the
voice sounds; it is over when the instrument does again what it did, which is waited for and timed. The take is read afterwards.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from antiphon import journal
from antiphon.audiofile import read
from antiphon.errors import AntiphonError
from antiphon.params import REGISTRY
from antiphon.take import Take, repair, verify
from flooding import packets, send
from jackrig import JackMissing
from soak_stage import Stage, children
from soak_watch import Watch

KINDS = ("model", "driver", "flood", "disk", "server")
MOST_S = {"model": 10.0, "driver": 0.5, "flood": 2.0, "disk": 5.0, "server": 5.0}
"""Within how many seconds each must be over."""
WORDS = {"model": "model killed", "driver": "driver stalled", "flood": "flooded with OSC", "disk": "disk full", "server": "sound server killed"}
CLICK_MOST = 1.5
_SILENT = 1e-4
_STALL_S, _FLOOD_S, _FLOOD_RATE = 0.3, 5.0, 20_000
_SETTLE_S = 1.0  # after a fault is over its seconds still count as its own
_SOUNDS_S, _TAKE_S, _WAIT_S = 20.0, 20.0, 30.0
_SOUNDING = 0.02  # of full scale
_LEFT = {"mode", "dry", "voice", "master", "mute"}
PLAIN = [(row.path, row.default) for row in REGISTRY.rows
         if row.kind in ("float", "int", "bool", "enum") and row.target != "control" and row.path not in _LEFT]  # fmt: skip
"""What a flood may turn, and what it is by itself."""
_NOT_TURNED = frozenset(row.path for row in REGISTRY.rows if row.kind == "list" or row.target == "control")  # what has no way back


@dataclass
class Fault:
    """One fault: when it began and was over, in seconds of the watch; `recovery_s` None where it never was."""

    kind: str
    begin_s: float
    over_s: float
    recovery_s: float | None
    problems: list[str]
    click: float | None = None
    """Steepest step between two frames where the voice fell silent, as a share of the steepest just before."""
    plays_s: float | None = None
    """After how many seconds a new model played, where it was killed."""

    @property
    def window(self) -> tuple[float, float]:
        return self.begin_s - 0.3, self.over_s + _SETTLE_S

    @property
    def well(self) -> bool:
        """Whether all that must come of it came, in time."""
        return not self.problems and self.recovery_s is not None and self.recovery_s <= MOST_S[self.kind]

    @property
    def words(self) -> str:
        """It in a few words, for a timeline."""
        if self.well:
            return f"{WORDS[self.kind]}, over after {self.recovery_s:.2f} s"
        return f"{WORDS[self.kind]}: {'; '.join(self.problems) or f'over only after {self.recovery_s:.2f} s'}"


def schedule(seconds: float, kinds: tuple[str, ...], seed: int = 1, every_s: float | None = None) -> list[tuple[float, str]]:
    """When which fault begins, in order: each kind once at the beginning, then rounds of all of them, shuffled, at times of chance, on
    average `every_s` apart (None: three minutes in an hour, ten in a day).

    A third of a short run is left in peace at its end, so that memory can be judged; nothing begins in the last two minutes of a
    long one. No two are closer than the first ones are.
    """
    if not kinds:
        return []
    chance = random.Random(seed)
    mean_s = every_s or min(600.0, max(180.0, seconds / 12))
    close_s = min(60.0, seconds * 0.6 / (len(kinds) + 1), 0.5 * mean_s)
    found = [(close_s * (n + 1), kind) for n, kind in enumerate(kinds)]
    at, waiting = found[-1][0], []
    while True:
        waiting = waiting or chance.sample(kinds, len(kinds))
        at += max(close_s, mean_s * chance.uniform(0.5, 1.5))
        if at > seconds - min(120.0, seconds / 3):
            return found
        found.append((at, waiting.pop()))


class Faults:
    """Does to a stage what is due, and gives what came of it. One thread, the watch's. `settle` is called before a fault's seconds end."""

    def __init__(self, stage: Stage, watch: Watch, settle: Callable[[], None] = lambda: None):
        self.stage, self.watch, self._settle = stage, watch, settle
        self._takes, self._take = 0, None
        self._plays_s: float | None = None
        self._packets = packets(_NOT_TURNED)

    def end_first(self) -> None:
        """End the take that the instrument was started with: it says where takes lie, no more."""
        self.stage.send("take/stop")
        self.watch.until(lambda: self.stage.said(r"first: [\d.]+ s"), _TAKE_S)
        shutil.rmtree(self.stage.takes / "first", ignore_errors=True)

    def do(self, kind: str) -> Fault:
        """Let one fault happen, wait for its end and read the take it happened in."""
        self._take = take = self._begin_take()
        problems = [] if take else ["no take began"]
        if kind == "model":
            self.watch.until(self._sounds, _SOUNDS_S)
        clock = self.stage.segment().clock
        begin = self.watch.now_s
        over = getattr(self, f"_{kind}")(problems)
        self._settle()
        fault = Fault(kind, begin, self.watch.now_s, over, problems, plays_s=self._plays_s if kind == "model" else None)
        if take:
            self._read_take(fault, take, clock)
        return fault

    def _model(self, problems: list[str]) -> float | None:
        """SIGKILL. Over when a new one has heard the past, plays, and its voice reaches the callback."""
        stage, before = self.stage, self.stage.model_pid()
        os.kill(before, signal.SIGKILL)
        began = self.watch.now_s
        plays = self.watch.until(lambda: stage.model_pid() != before and stage.plays(), _WAIT_S)
        self._plays_s = plays and plays - began
        heard = stage.segment().read_counters()["voice_frames"]
        voice = plays and self.watch.until(lambda: stage.segment().read_counters()["voice_frames"] > heard, _WAIT_S)
        return voice and voice - began

    def _driver(self, problems: list[str]) -> float | None:
        """The sound server, or the process that holds the clock, is stopped for .3 s. Over when blocks and voice go on, on the same device."""
        stage = self.stage
        pid = self._server_pid() if stage.server else stage.process.pid
        os.kill(pid, signal.SIGSTOP)
        time.sleep(_STALL_S)
        os.kill(pid, signal.SIGCONT)
        began, stood = self.watch.now_s, stage.segment().read_counters()
        over = self.watch.until(lambda: self._goes_on(stood), _WAIT_S)
        self.watch.pause(1.0)
        if stage.said("looking for it", time.monotonic() - 2.0):
            problems.append("the device was taken for lost")
        return over and over - began

    def _flood(self, problems: list[str]) -> float | None:
        """20,000 packets a second, half of them bad. Over when a question is answered; then all rows are put back."""
        stage = self.stage
        send(self._packets, stage.port, _FLOOD_RATE, _FLOOD_S, self.watch.look)
        stage.answers()
        began = self.watch.now_s

        def answered() -> bool:
            stage.send("status")
            return stage.answers()

        over = self.watch.until(answered, _WAIT_S, 0.02)
        for path, value in PLAIN:
            stage.send(path, value)
        return over and over - began

    def _disk(self, problems: list[str]) -> float | None:
        """Nothing more can be written. Over when the take's end is told; the voice goes on all the while, which the counts show."""
        if self._take is None:
            return None
        stage, since, frames = self.stage, time.monotonic(), self.stage.segment().clock
        stage.disk.fill(stage.process.pid, self._take)
        began = self.watch.now_s
        told = self.watch.until(lambda: stage.said("what is written is kept", since), _WAIT_S)
        self.watch.pause(0.5)
        played = (stage.segment().clock - frames) / stage.segment().samplerate
        if played < 0.9 * (self.watch.now_s - began) - 0.2:
            problems.append(f"only {played:.1f} s of {self.watch.now_s - began:.1f} s were played")
        stage.disk.empty(stage.process.pid)
        return told and told - began

    def _server(self, problems: list[str]) -> float | None:
        """The sound server is killed and started again. Over when blocks and voice go on, from the new server's first answer."""
        stage = self.stage
        stage.server.kill()
        self.watch.pause(1.0)
        try:
            stage.server.start()
        except JackMissing as missing:
            problems.append(str(missing))
            return None
        began, stood = self.watch.now_s, stage.segment().read_counters()
        over = self.watch.until(lambda: self._goes_on(stood), _WAIT_S)
        stage.take_controls_up()
        self.watch.look(at_once=True)
        return over and over - began

    def _goes_on(self, stood: dict) -> bool:
        """Whether blocks and voice frames have gone on since a look; in another segment, counted anew, they have."""
        segment = self.stage.segment()
        now = segment.read_counters() if segment else stood
        return all(now[name] != stood[name] for name in ("blocks", "voice_frames"))

    def _sounds(self) -> bool:
        """Whether the voice can be heard at this moment: there is something to fade."""
        return self.stage.segment().read_counters()["voice_rms"] > _SOUNDING

    def _server_pid(self) -> int:
        return next(pid for pid in children(os.getpid()) if Path(f"/proc/{pid}/comm").read_text().startswith("jackd"))

    def _begin_take(self) -> Path | None:
        """Begin a take of a name of its own; its folder, None where it does not begin."""
        self._takes += 1
        name, since = f"take {self._takes}", time.monotonic()
        self.stage.send("take/name", name)
        self.stage.send("take/start")
        if self.watch.until(lambda: self.stage.said(rf"{name}: recording", since), _TAKE_S) is None:
            return None
        self.watch.pause(2.0)
        return self.stage.takes / name

    def _read_take(self, fault: Fault, take: Path, clock: int) -> None:
        """End the take, verify it, listen to it where the voice had to fade, and remove it."""
        if fault.kind != "disk":
            self.watch.pause(2.0)
            since = time.monotonic()
            self.stage.send("take/stop")
            if self.watch.until(lambda: self.stage.said(rf"{take.name}: [\d.]+ s", since), _TAKE_S) is None:
                fault.problems.append("the take did not end")
        fault.problems += judged(take, broken=fault.kind == "disk")
        try:
            if fault.kind == "model":
                fault.click = click(take, clock)
                if fault.click is not None and fault.click > CLICK_MOST:
                    fault.problems.append(f"a click, {fault.click:.1f} times as steep as the voice")
        except (AntiphonError, OSError) as error:
            fault.problems.append(str(error))
        shutil.rmtree(take, ignore_errors=True)


def judged(take: Path, broken: bool) -> list[str]:
    """What is wrong with a take: it must verify, one that was broken off after a repair that leaves nothing to do for another."""
    try:
        if broken:
            if Take(take).reason == "told":
                return ["the take ended as if nothing had been"]
            repair(take)
            if repair(take).changed:
                return ["a second repair found something to do"]
        return [f"take: {problem}" for problem in verify(take).problems]
    except AntiphonError as error:
        return [str(error)]


def click(take: Path, clock: int) -> float | None:
    """How steep the end of the voice is that falls silent after frame `clock` of the device, by a take's mix; see `steepness`."""
    sound = read(take / "mix.wav")
    return steepness(sound.sound[:, 0], clock - tape_origin(take), sound.samplerate)


def steepness(sound: np.ndarray, at: int, rate: int) -> float | None:
    """The steepest step between two frames in the last 5 ms of (frames,) of sound before it falls silent for 10 ms or more after
    frame `at`, as a share of the steepest in the tenth of a second before these; None where it doesn't, or was silent already.

    A fade is less steep than the sound it fades; a cut is as steep as the sound is loud, some ten times as much.
    """
    silent, fade = rate // 100, rate // 200
    loud = np.flatnonzero(sound[max(at, 0) :]) + max(at, 0)
    ends = loud[np.diff(loud, append=len(sound)) > silent] + 1  # where nothing follows for so long
    if not len(ends):
        return None
    steps, begin = np.abs(np.diff(sound)), max(int(ends[0]) - fade, 0)
    last, before = steps[begin : ends[0]], steps[max(begin - rate // 10, 0) : begin]
    if not len(before) or before.max() < _SILENT:
        return None
    return float(last.max() / before.max())


def tape_origin(take: Path) -> int:
    """The device's frame at a take's first one."""
    for step in Take(take).steps():
        for kind, content in journal.records(step):
            if kind == journal.TAPE:
                return content["clock"] - content["frame"]
    raise AntiphonError(f"take {take}: does not say where its tape begins")
