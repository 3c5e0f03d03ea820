"""Controllers hear what others change: motor faders move, lamps light."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from ..events import Event
from .desk import Desk
from .midifollow import MidiOut
from .midimap import Binding, MidiMap, Target, turned

_FLUSH_S = 0.02
_HAND_S = 0.5  # a knob that was moved by hand so lately is left to the hand


class MidiFeedback:
    """Sends rows that change as the controllers that steer them, to a port. Control thread only.

    A knob that a hand has moved is left alone for half a second, where `moved` tells it (MidiIn.moved); what it, or the port,
    knows already is not sent. A port that has been opened is told all. At most fifty times a second, however fast values change.
    """

    def __init__(
        self,
        desk: Desk,
        bound: MidiMap,
        out: MidiOut,
        moved: Mapping[Binding, tuple[int, float]] | None = None,
        clock: Callable[[], float] = time.time,
    ):
        self._desk, self._map, self._out, self._clock = desk, bound, out, clock
        self._moved = {} if moved is None else moved
        self._changed: set[str] = set()
        self._known: dict[Binding, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._unwatch = desk.watch(self._heard)
        out.opened.append(self._begin)
        if out.is_open:
            self._begin()

    def flush(self) -> None:
        """Send what has changed; done by itself where a loop runs."""
        self._timer = None
        now_s, later = self._clock(), set()
        for binding, target in self._map.targets.items():
            if target.row.path not in self._changed or not _shows(binding, target):
                continue
            raw, moved_s = self._moved.get(binding, (None, float("-inf")))
            if now_s - moved_s < _HAND_S:
                self._known[binding] = raw
                later.add(target.row.path)
                continue
            raw = turned(target.row.position(self._desk.values[target.row.path]), binding.most)
            if self._known.get(binding) != raw and self._send(binding, raw):
                self._known[binding] = raw
        self._changed = later
        if later:
            self._set_timer(_HAND_S)

    def close(self) -> None:
        """Send no more."""
        self._unwatch()
        if self._timer:
            self._timer.cancel()

    def _heard(self, event: Event) -> None:
        self._changed.add(event.path)
        self._set_timer(_FLUSH_S)

    def _begin(self) -> None:
        self._known.clear()
        self._changed.update(target.row.path for target in self._map.targets.values())
        self._set_timer(_FLUSH_S)

    def _set_timer(self, wait_s: float) -> None:
        if self._timer is None:
            try:
                self._timer = asyncio.get_running_loop().call_later(wait_s, self.flush)
            except RuntimeError:  # no loop runs: whoever drives us flushes
                pass

    def _send(self, binding: Binding, raw: int) -> bool:
        channel = max(binding.channel - 1, 0)
        if binding.kind == "pair":
            coarse = self._out.send(0xB0 | channel, binding.number, raw >> 7)
            return self._out.send(0xB0 | channel, binding.fine, raw & 127) and coarse
        if binding.kind == "bend":
            return self._out.send(0xE0 | channel, raw & 127, raw >> 7)
        if binding.kind == "note":
            return self._out.send(0x90 | channel, binding.number, raw)
        return self._out.send(0xB0 | channel, binding.number, raw)


def _shows(binding: Binding, target: Target) -> bool:
    """Whether there is something to show: a value that a fader, or a lamp, can have."""
    if target.value is not None or target.row.kind not in ("float", "int", "bool", "enum"):
        return False
    return binding.kind in ("cc", "pair", "bend") or (binding.kind == "note" and target.row.kind == "bool")
