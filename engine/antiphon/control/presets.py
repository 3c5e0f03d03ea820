"""Presets while it plays: taken at once or over seconds, read again when their file changes, and saved.

    /antiphon/preset duet                       take it, over morph_s seconds
    /antiphon/preset "duet over 4 s"            take it over 4 seconds
    /antiphon/preset "drift -> duet over 4 s"   drift at once, and from there to duet
    /antiphon/preset "save mine"                keep what is played now as a preset of one's own

What lies between two values goes there along the row's curve; switches, words and lists change at once, when it begins.
Rows that a preset does not name stay as they are, or go to their defaults where it says `complete = true`. Whatever else
changes a row on its way has the last word.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import AntiphonError, UsageError
from ..events import Event
from ..params.presets import Preset, load_preset, preset_files, save_preset
from ..params.spec import Param, Value
from .desk import Desk
from .pace import Pace

TICK_S = 0.02
_SPOKEN = r"(?:(?P<first>.+?)\s*->\s*)?(?P<name>.+?)(?:\s+over\s+(?P<over>\d+(?:\.\d+)?)\s*(?:s|seconds?)?)?"
_MOST_EVENTS = 50
"""In one tick: the callback's queue of commands is not the preset's alone."""
_MOST_PER_S = 20  # each is a file
_LOOK_S = 1.0
_NEAR_SOURCES = r"(cli|key|midi)\b.*|[\w-]+:((::ffff:)?127\.[\d.]+|::1)(:\d+)?"


@dataclass(slots=True)
class _Way:
    """One row on its way to a preset's value. `over_s` 0: at once, at a frame where the event had one."""

    row: Param
    start: Value
    target: Value
    begin_s: float
    over_s: float
    source: str
    time_frame: int | None = None

    def at(self, now_s: float) -> Value:
        """Where it is by now; exactly the target at the end. Ratios are even on an exp row, differences on others."""
        gone = (now_s - self.begin_s) / self.over_s if self.over_s > 0 else 1.0
        if gone >= 1.0:
            return self.target
        gone = max(gone, 0.0)
        if self.row.curve == "exp":
            value = self.start * (self.target / self.start) ** gone
        else:
            value = self.start + (self.target - self.start) * gone
        return self.row.accept(round(value) if self.row.kind == "int" else value)


class Presets:
    """Obeys the events of the row `preset`. Control thread only; `run` is its task, or call `tick` every 20 ms while it moves.

    `log` takes lines a person should see, the desk's by default. `bind` is given the MIDI bindings of each preset that is
    taken and has some, `bindings` gives those to save. A tick costs microseconds for each row on its way, and a look at one
    file's time once a second; taking a preset reads a file.
    """

    def __init__(
        self,
        desk: Desk,
        now_s: Callable[[], float] = time.monotonic,
        log: Callable[[str], None] | None = None,
        bind: Callable[[Mapping[str, str]], None] = lambda midi: None,
        bindings: Callable[[], Mapping[str, str]] = dict,
    ):
        self._desk, self._now_s, self._log = desk, now_s, log or desk.log
        self._bind, self._bindings = bind, bindings
        self._ways: dict[str, _Way] = {}
        self._own_hand = False
        self._last_tick_s = self._last_look_s = float("-inf")
        self._wake = asyncio.Event()
        self._taken: Preset | None = None  # the last, whose file is watched
        self._read_stamp: tuple | None = None  # the file as it was read last
        self._seen_stamp: tuple | None = None  # and as it was seen last
        self._pace = Pace(_MOST_PER_S, "presets", now_s)
        desk.handle("preset", self._said)
        desk.watch(self._heard)

    def take(self, preset: Preset, over_s: float = 0.0, time_frame: int | None = None) -> None:
        """Set out for a preset's values; with `over_s` 0 be there at once.

        What changes at once does so at `time_frame`, where there is one; a way begins now.
        """
        if preset.midi:
            self._bind(preset.midi)  # first: where it is refused, nothing else is to have happened
        for remark in preset.remarks:
            self._log(remark)
        self._watch(preset)
        self._set_out(preset.whole(self._desk.registry), over_s, f"preset:{preset.name}", time_frame)

    def follow(self, preset: Preset) -> None:
        """Watch the file of a preset that was taken before all this began, as --preset's was, and bind its MIDI controls."""
        if preset.midi:
            self._bind(preset.midi)
        self._watch(preset)

    def save(self, name: str) -> None:
        """Keep what is played now under a name, in the player's own folder."""
        before = preset_files().get(name)
        path = save_preset(name, self._desk.values, self._desk.registry, midi=self._bindings())
        old = f"; the one before is {path.name}~" if before == path else ", taken from now on, not the one that comes with Antiphon"
        self._log(f"saved as preset {name}: {path}{old if before else ''}")
        if self._taken is not None and self._taken.path == path:
            self._watch(load_preset(name, self._desk.registry))

    @property
    def moving(self) -> bool:
        """Whether a row is still on its way."""
        return bool(self._ways)

    def tick(self, now_s: float) -> bool:
        """Move every row that is on its way to where it is due, at most 50 in a tick; returns whether one still moves."""
        if now_s - self._last_look_s >= _LOOK_S:
            self._last_look_s = now_s
            self._look()
        if self._ways and now_s - self._last_tick_s >= 0.9 * TICK_S:
            self._last_tick_s = now_s
            self._move(now_s)
        return self.moving

    async def run(self) -> None:
        """Tick for ever: every 20 ms while a row moves, else once a second. What fails in a tick is a line; the next one comes."""
        while True:
            try:
                moving = self.tick(self._now_s())
            except Exception as error:  # whatever it is: who ticks no more would leave rows on their way, and say nothing
                self._log(f"presets: {_in_a_line(error)}")
                moving = self.moving
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.sleep(TICK_S) if moving else self._wake.wait(), _LOOK_S)

    def _said(self, event: Event) -> None:
        """Take an event of the row `preset`; raises UsageError for what it does not understand."""
        self._pace.take()
        text = str(event.value).strip()
        if saving := re.fullmatch(r"save(?:\s+(.*))?", text, re.IGNORECASE):
            if not saving[1]:
                raise UsageError("save it under which name? as in: save mine")
            self.save(saving[1])
            return
        spoken = re.fullmatch(_SPOKEN, text)
        if spoken is None:
            raise UsageError(f"which preset? there is: {', '.join(preset_files())}")
        files = re.fullmatch(_NEAR_SOURCES, event.source) is not None  # the network may not have files of its choice opened
        first = load_preset(spoken["first"], self._desk.registry, files) if spoken["first"] else None
        preset = load_preset(spoken["name"], self._desk.registry, files)
        over_s = self._desk.values.get("morph_s", 0.0)
        if spoken["over"] is not None:
            over_s = self._desk.registry.accept("morph_s", float(spoken["over"]))
        if first is not None:
            self.take(first, 0.0, event.time_frame)
        self.take(preset, over_s, event.time_frame)

    def _heard(self, event: Event) -> None:
        """A performer's hand wins: a row that anything else changes is no longer on its way."""
        if not self._own_hand:
            self._ways.pop(event.path, None)

    def _set_out(self, values: Mapping[str, Value], over_s: float, source: str, time_frame: int | None) -> None:
        now_s = self._now_s()
        for path, target in values.items():
            row, start = self._desk.registry.resolve(path), self._desk.values[path]
            pending = self._ways.pop(path, None)
            if pending is not None and pending.over_s == 0:
                start = pending.target  # it is as good as there: `drift ->` was said just before
                self._emit(pending, start)
            if over_s > 0 and _lies_between(row, start, target):
                self._ways[path] = _Way(row, start, target, now_s, over_s, source)
            elif target != start or time_frame is not None:
                self._ways[path] = _Way(row, start, target, now_s, 0.0, source, time_frame)
        self._last_tick_s = now_s
        self._move(now_s)
        self._wake.set()

    def _move(self, now_s: float) -> None:
        emitted = 0
        for path, way in tuple(self._ways.items()):
            if emitted >= _MOST_EVENTS:
                return
            del self._ways[path]  # first: where the rest fails it is not tried 50 times a second
            value = way.at(now_s)
            if way.over_s > 0 and now_s - way.begin_s < way.over_s:
                self._ways[path] = way  # at the end: those that had no turn have it in the next tick
            if value != self._desk.values[path] or way.time_frame is not None:
                emitted += 1
                if not self._emit(way, value):
                    self._ways.pop(path, None)

    def _emit(self, way: _Way, value: Value) -> bool:
        self._own_hand = True
        try:
            self._desk.emit(Event(way.row.path, value, way.time_frame, way.source))
        except Exception as error:  # a full queue, an engine that is being stopped, a surface that fails at it
            self._log(f"{way.source}: {_in_a_line(error)}")
            return False
        finally:
            self._own_hand = False
        return True

    def _watch(self, preset: Preset) -> None:
        self._taken = preset
        self._read_stamp = self._seen_stamp = _stamp(preset)

    def _look(self) -> None:
        """Read the file of the preset taken last again once it has changed, and then stayed as it is for a second."""
        if self._taken is None:
            return
        stamp = _stamp(self._taken)
        settled, self._seen_stamp = stamp == self._seen_stamp, stamp
        if stamp is None or stamp == self._read_stamp or not settled:
            return  # gone for now, as editors do it; or still being written
        self._read_stamp = stamp
        try:
            new = load_preset(self._taken.path, self._desk.registry)
            if new.midi != self._taken.midi:
                self._bind(new.midi)
        except Exception as error:  # no file, whatever is in it, ends the watching
            self._log(f"{_in_a_line(error)}; playing on with preset {self._taken.name} as it was")
            return
        old, self._taken = self._taken, new
        before = old.whole(self._desk.registry)
        changed = {path: value for path, value in new.whole(self._desk.registry).items() if before.get(path) != value}
        for remark in new.remarks:
            if remark not in old.remarks:
                self._log(remark)
        if changed:
            shown = [f"{path} {self._desk.registry.resolve(path).show(value)}" for path, value in changed.items()]
            more = f" and {len(shown) - 6} more" if len(shown) > 6 else ""
            self._log(f"preset {new.name} has changed: {', '.join(shown[:6])}{more}")
            self._set_out(changed, self._desk.values.get("morph_s", 0.0), f"preset:{new.name}", None)
        if new.midi != old.midi:
            self._log(f"preset {new.name} has other MIDI bindings now")


def _in_a_line(error: Exception) -> str:
    """Say what went wrong: our own errors in their words, others with what they are."""
    text = str(error) if isinstance(error, AntiphonError) else f"{type(error).__name__}: {error}"
    return " ".join(text[:400].split())


def _lies_between(row: Param, start: Value, target: Value) -> bool:
    """Whether there is a way from one value to the other. A seed has none, nor has a 0 that stands for a word."""
    if row.kind not in ("float", "int") or row.beyond == "refuse":
        return False
    return start != target and not (row.zero and (start == 0 or target == 0))


def _stamp(preset: Preset) -> tuple | None:
    """What tells one writing of a file from another; None where there is no file."""
    if preset.path is None:
        return None
    with contextlib.suppress(OSError):
        found = os.stat(preset.path)
        return found.st_mtime_ns, found.st_size, found.st_ino
    return None
