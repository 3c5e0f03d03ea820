"""The instrument as the latency files play it: exactly, with time moved by hand, or live on a clock without a card.

`Exact` is an engine on freewheel: the same sound gives the same frames, and what is tried in a copy of the process (`tried`)
can be compared with what went on without it. `Live` is an engine in two processes on the dummy clock, with a hand on what it
hears: sound is laid into the microphone's future, and each callback's time is known.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

from antiphon.audio.dummy import DummyDriver
from antiphon.audio.phrase import hummed_phrase
from antiphon.engine import Engine, EngineConfig
from antiphon.errors import AntiphonError, UsageError
from antiphon.events import Event
from antiphon.latency import DEFAULT_LEAD_S, HOP
from antiphon.params import REGISTRY
from antiphon.suite.figures import rounded
from jackrig import end_with_parent
from performance import Split, make_private

RATE = 48_000
PHRASE_S = 0.72
"""What is hummed before an answer: two notes, a whole number of hops."""
MS = 1000 / RATE
AT_ONCE = 2  # copies of the process that run beside each other
ALONE = {"dry": -80.0, "phrase_gap_s": 0.1, "answer_s": 0.5, "yield": False}
"""Only the voice goes out; an answer begins a tenth of a second after the phrase and is short."""
_AROUND = 30  # callbacks


@cache
def _hummed() -> np.ndarray:
    return hummed_phrase(RATE, 0.0)[:, 0]


def humming(frames: int, at: int = 0) -> np.ndarray:
    """The built-in phrase from a frame of it on, over and over: (frames,) float32."""
    return _hummed()[(at + np.arange(frames)) % len(_hummed())]


def hush(frames: int) -> np.ndarray:
    """A quiet room, (frames,) float32 at -80 dB."""
    return (1e-4 * np.random.default_rng(frames).standard_normal(frames)).astype(np.float32)


def as_ms(frames: float) -> float:
    """Milliseconds of so many frames, rounded as a receipt has them: to be a goal for what is rounded too."""
    return rounded(MS * frames)


def first(sound: np.ndarray) -> int | None:
    """The first frame that is not zero."""
    sounding = np.flatnonzero(sound)
    return int(sounding[0]) if len(sounding) else None


def differs(one: np.ndarray, other: np.ndarray) -> int | None:
    """The first frame in which the two differ, bit for bit."""
    return first(one != other)


class Exact:
    """An engine on freewheel, one channel in and out. Use as a context; one thread."""

    def __init__(self, bundle: str, blocksize: int, values: dict, seed: int = 1):
        self.engine = Engine(
            EngineConfig(
                driver="freewheel",
                bundle=bundle,
                samplerate=RATE,
                blocksize=blocksize,
                seed=seed,
                in_channels=1,
                out_channels=1,
                values=values,
            )
        )
        self._running: list[Split] = []

    def __enter__(self) -> Exact:
        self.engine.start()
        make_private(self.engine.segment)
        return self

    def __exit__(self, *error) -> None:
        self.engine.stop()

    @property
    def clock(self) -> int:
        return self.engine.segment.clock

    @property
    def delay_frames(self) -> int:
        """Hop, block and lead: what the latency sum says lies between a hop's first frame and the first of its voice."""
        return self.engine.timeline.delay_frames

    def run(self, sound: np.ndarray) -> np.ndarray:
        """Let it hear (frames,) of any number and give what goes out meanwhile, (frames,)."""
        if not len(sound):
            return np.zeros(0, np.float32)
        return self.engine.run(np.asarray(sound, np.float32)[:, None])[:, 0]

    def apply(self, path: str, value: Any = True) -> None:
        self.engine.apply(Event(path, REGISTRY.accept(path, value)))

    def split(self, function: Callable[[], Any]) -> Split:
        """Begin to call a function in a copy of the process as it stands; at most AT_ONCE of them run beside each other."""
        while len(self._running) >= AT_ONCE:
            self._running.pop(0).wait()
        self._running.append(Split(function))
        return self._running[-1]

    def tried(self, each: Iterable[Callable[[], Any]]) -> list[Any]:
        """Call each function in a copy of the process, and give what they gave. Raises RuntimeError where one failed."""
        return self.given([self.split(function) for function in each])

    def given(self, splits: list[Split]) -> list[Any]:
        """What was begun by `split`; raises RuntimeError where one failed, which must not be taken for nothing found."""
        given = [split.result() for split in splits]
        if any(split.status for split in splits):
            raise RuntimeError("what was tried in a copy of the process ended in an error")
        return given


class Apart:
    """A part in which time does not count, called in a copy of the process: beside it what is live may load. Made before any thread."""

    def __init__(self, function: Callable[[], Any]):
        def tried() -> tuple[Any, Exception | None]:
            end_with_parent()
            try:
                return function(), None
            except (AntiphonError, UsageError) as error:
                return None, error

        self._split = Split(tried)
        self._given: tuple[Any, Exception | None] | None = None

    def over(self) -> Any:
        """Wait for its end and give what it gave; raises what it raised, or RuntimeError."""
        if self._given is None:
            self._given = self._split.result()
        if self._given is None:
            raise RuntimeError("a part in a copy of the process ended in an error")
        value, error = self._given
        if error:
            raise error
        return value


class Live:
    """An engine on the dummy clock, its model in a process of its own, the lead fixed. Use as a context.

    It hears silence but where `put` has laid sound; after `seconds` nothing else.
    """

    def __init__(self, bundle: str, blocksize: int, values: dict, seconds: float, seed: int = 1, lead_s: float = DEFAULT_LEAD_S):
        self._mic = np.zeros((round(seconds * RATE), 1), np.float32)
        self.began_s: list[float] = []
        """time.monotonic() at the begin of each callback."""
        self.driver = DummyDriver(
            RATE, blocksize, source=self._mic, record=True, gate=lambda: self.began_s.append(time.monotonic())
        )
        self.engine = Engine(EngineConfig(driver_instance=self.driver, bundle=bundle, seed=seed, lead_s=lead_s, values=values))
        self.blocksize = blocksize

    def __enter__(self) -> Live:
        self.engine.start()
        return self

    def __exit__(self, *error) -> None:
        self.engine.stop(fade=False)

    @property
    def clock(self) -> int:
        """Frames that callbacks have taken: the number of the first frame that none has."""
        return self.engine.segment.clock

    @property
    def delay_frames(self) -> int:
        return self.engine.timeline.delay_frames

    @property
    def late(self) -> int:
        """Steps so far whose voice was a sound and came too late, and times that the model let hops go by, being behind."""
        status = self.engine.status()
        return status.late_heard + status.catch_ups

    def put(self, frame: int, sound: np.ndarray) -> None:
        """Lay sound into what it is going to hear."""
        self._mic[frame : frame + len(sound), 0] = sound

    def next_hop(self, ahead_s: float = 0.05) -> int:
        """The first frame of a hop that is to come."""
        return -(-(self.clock + round(ahead_s * RATE)) // HOP) * HOP

    def wait(self, frame: int, patience_s: float = 20.0) -> None:
        """Sleep until the clock is there."""
        until = time.monotonic() + patience_s
        while (ahead := frame - self.clock) > 0:
            if time.monotonic() > until:
                raise RuntimeError(f"the clock stands still at {self.clock}")
            time.sleep(max(ahead / RATE, 1e-3))

    def out(self) -> np.ndarray:
        """All that has gone out so far, (frames,)."""
        return self.driver.recording()[:, 0]

    def at_s(self, frame: int) -> float:
        """time.monotonic() at which a frame goes out: the begin of its callback, and its place in the block."""
        return self.began_s[frame // self.blocksize] + frame % self.blocksize / RATE

    def stood_s(self, from_s: float, to_s: float) -> float:
        """How long the clock stood still between two moments: what a card's does not do. A callback that comes late and is
        made up for is no standstill, so the earliest of many on either side are compared."""
        begun = np.array(self.began_s)
        beyond = begun - np.arange(len(begun)) * self.blocksize / RATE
        first, last = np.searchsorted(begun, (from_s, to_s))
        before, after = beyond[max(0, first - _AROUND) : first + 1], beyond[max(0, last - 1) : last + _AROUND]
        return float(after.min() - before.min()) if len(before) and len(after) else 0.0


    def behind_s(self, from_s: float, to_s: float) -> float:
        """By how much the worst callback between two moments came later than the earliest around it would have it."""
        begun = np.array(self.began_s)
        beyond = begun - np.arange(len(begun)) * self.blocksize / RATE
        first, last = np.searchsorted(begun, (from_s, to_s))
        among, around = beyond[first : last + 1], beyond[max(0, first - _AROUND) : last + _AROUND]
        return float(among.max() - around.min()) if len(among) else 0.0


def started(engines: list[Live]) -> None:
    """Start several beside each other, so that they load at the same time. Raises what the first that failed raised."""
    failed: list[BaseException] = []

    def start(live: Live) -> None:
        try:
            live.engine.start()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=start, args=(live,)) for live in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
