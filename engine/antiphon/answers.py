"""What was played in an answer and out of whose sound, so that it can be said afterwards what it is nearest to.

The chain collects it and the worker's diary leaves it in the engine's folder; the engine, which has the time, attributes it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .errors import AntiphonError
from .model.bundle import QUOTES, VOICE_NAMES, Bundle
from .provenance import works
from .provenance.attribution import Attribution, attribute
from .provenance.quotes import Quotes

_HEARD = 64  # notes of the performer's before an answer
_MOST = 4096  # notes of an answer that are looked at: an hour of a hold
_LEFT = "answer-{}.json"
_LOOK_S = 0.2


class Answered(NamedTuple):
    """An answer that ended: its notes and the performer's last ones before it, in semitones; how much of it was asked of the
    performer's own sound and of each stored voice, (5,), as shares; which stored voices the player has put there."""

    pitches: tuple[float, ...]
    heard: tuple[float, ...]
    timbre: tuple[float, ...]
    stored: tuple[int, ...] = ()


class Telling:
    """Collects answers as they are played; the chain's thread, a microsecond a hop. `ended` holds those that have ended."""

    def __init__(self) -> None:
        self.ended: list[Answered] = []
        self.reset()

    def reset(self) -> None:
        """Forget the performance."""
        self._heard: deque[float] = deque(maxlen=_HEARD)
        self._before: tuple[float, ...] = ()
        self._pitches: list[float] = []
        self._timbre = np.zeros(1 + len(VOICE_NAMES))
        self._stored: tuple[int, ...] = ()

    _FIELDS = ("_heard", "_before", "_pitches", "_timbre", "_stored")

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        copies = {"_heard": deque(self._heard, _HEARD), "_pitches": list(self._pitches), "_timbre": self._timbre.copy()}
        return {name: copies.get(name, getattr(self, name)) for name in self._FIELDS}

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        for name in self._FIELDS:
            setattr(self, name, state[name])
        self._heard, self._pitches, self._timbre = deque(self._heard, _HEARD), list(self._pitches), self._timbre.copy()

    def hear(self, pitch: float) -> None:
        """The performer sang or played this."""
        self._heard.append(pitch)

    def begin(self) -> None:
        """An answer begins; one that still goes on ends."""
        self.end()
        self._before = tuple(self._heard)

    def play(self, pitch: float) -> None:
        """A note of the answer begins."""
        if len(self._pitches) < _MOST:
            self._pitches.append(pitch)

    def sound(self, shares: tuple[float, ...]) -> None:
        """A hop of it sounds, out of the performer's own sound and the stored voices by these shares."""
        self._timbre[: len(shares)] += shares

    def store(self, voice: int) -> None:
        """The player put the performer's sound in the place of this stored voice."""
        self._stored = tuple(sorted({*self._stored, voice}))

    def end(self) -> None:
        """It has ended."""
        total = self._timbre.sum()
        if self._pitches or total:
            timbre = tuple((self._timbre / total).tolist()) if total else ()
            self.ended.append(Answered(tuple(self._pitches), self._before, timbre, self._stored))
            del self.ended[:-8]
        self._pitches, self._timbre = [], np.zeros_like(self._timbre)


def leave(folder: Path, number: int, answered: Answered) -> None:
    """Put an answer down for the engine: two kilobytes in memory."""
    path = folder / _LEFT.format(number)
    half = path.with_suffix(".half")
    try:
        half.write_text(json.dumps(answered), encoding="utf-8")
        os.replace(half, path)
    except OSError:
        half.unlink(missing_ok=True)


def pick_up(folder: Path) -> list[Answered]:
    """Take away what was left there."""
    found = []
    try:
        left = sorted(folder.glob(_LEFT.format("*")), key=lambda path: path.stat().st_mtime_ns)
    except OSError:  # the folder goes with its engine
        return found
    for path in left:
        try:
            found.append(Answered(*map(tuple, json.loads(path.read_text(encoding="utf-8")))))
            path.unlink()
        except (OSError, ValueError, TypeError):
            continue
    return found


def attributed(bundle: str, answered: Answered) -> Attribution:
    """Say what an answer of this bundle is nearest to. A few ms; the first one reads the bundle's melodies, 0.2 s."""
    quotes, voices = _known(bundle)
    told = [None if number in answered.stored else voice for number, voice in enumerate(voices)]
    return attribute(answered.pitches, answered.timbre, quotes, answered.heard, told)


class Attributing:
    """Attributes the answers that are left in a folder, in a thread of its own, as they come. `newest` is of the last one, with its
    number; `told` is called with each. Any thread may read."""

    def __init__(self, bundle: str, folder: Path, told: Callable[[Attribution], None]):
        self._bundle, self._folder, self._told = bundle, folder, told
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="antiphon-answers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """What was left by now is still attributed."""
        self._stopping.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        while True:
            last = self._stopping.wait(_LOOK_S)
            for answered in pick_up(self._folder):
                with contextlib.suppress(AntiphonError, ValueError, IndexError):  # a bundle that was changed meanwhile
                    self._told(attributed(self._bundle, answered))
            if last:
                return


@functools.lru_cache(2)
def _known(bundle: str) -> tuple[Quotes, tuple[dict, ...]]:
    opened = Bundle.open(bundle)
    learned = opened.constant(QUOTES)
    constants = opened.manifest.get("constants", {})
    voices = tuple(constants[name] for name in VOICE_NAMES if name in constants)
    return (Quotes.load(learned) if learned else Quotes.empty()).joined(works.melodies()), voices
