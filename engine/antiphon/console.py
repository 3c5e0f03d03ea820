"""All surfaces of one performance, on one desk: OSC, OSCQuery, MIDI, Link, presets and words, opened and closed together."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import time
from collections.abc import Callable

from .control.asking import Asking
from .control.desk import Desk
from .control.feedback import feeds
from .control.link import LinkClient
from .control.midisurface import MidiSurface
from .control.midivoice import Sung
from .control.network import Network
from .control.presets import Presets
from .control.pulse import Pulse
from .engine import Engine
from .events import Event
from .params import REGISTRY
from .params.presets import load_preset


class Console:
    """What a performer steers the engine by. Control thread only.

    `log` takes lines that a person should see. `open` before the model is loaded, so that a taken port is told at once; `close`
    takes about a second at most, and is harmless when called twice.
    """

    def __init__(self, engine: Engine, log: Callable[[str], None]):
        self._engine, self._log = engine, log
        self.desk = Desk(REGISTRY, engine.apply, engine.values, frame_at=self._frame_at, log=log)
        self.network = Network(self.desk, self._status_words, self._feeds)
        self.pulse = Pulse(self.desk, self._now_s, lambda frame: frame / engine.samplerate)
        self.midi = MidiSurface(self.desk, self.pulse, self._sung)
        self.presets = Presets(self.desk, bind=self.midi.bind, bindings=self.midi.bindings)
        Asking(self.desk, self._understood)
        self.desk.handle("take/start", lambda event: engine.proof.takes.press(start=True))
        self.desk.handle("take/stop", lambda event: engine.proof.takes.press(start=False))
        self.desk.handle("take/name", lambda event: engine.proof.takes.call(event.value))
        self._tasks: list[asyncio.Task] = []

    async def open(self, options: argparse.Namespace) -> None:
        """Open what the options ask for. Raises UsageError for a port or a device that was asked for and cannot be had."""
        if options.osc != "off":
            await self.network.open(
                options.osc_bind, options.osc, options.osc_tcp == "on",
                False if options.oscquery == "off" else options.oscquery, options.announce == "on",
            )  # fmt: skip
        self.midi.open(options)
        if options.preset:
            self.presets.follow(load_preset(options.preset, REGISTRY))
        link = LinkClient(self.desk, self.pulse, *options.link)
        for run in (self.presets.run(), link.run()):
            self._tasks.append(asyncio.get_running_loop().create_task(run))

    async def close(self) -> None:
        """Close all of it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self.network.close()
        await self.midi.close()

    @property
    def osc_words(self) -> str:
        """OSC's address and what came in, for the screen."""
        if self.network.address is None:
            return "off"
        counters = self.network.osc.counters
        refused = counters.refused or counters.malformed
        bad = f"   refused {counters.refused}, malformed {counters.malformed}" if refused else ""
        host, port = self.network.address[:2]
        return f"{host}:{port}   {counters.accepted} accepted{bad}"

    def press(self, path: str, value: object = True) -> None:
        """Take a key that was pressed. Raises AntiphonError where it cannot be obeyed."""
        self.desk.emit(Event(path, REGISTRY.accept(path, value), source="key"))

    def _understood(self, event: Event, lines: list[str]) -> None:
        for line in lines:
            self._log(line)
        self.network.osc.dialogue.answer("asked", *lines)

    def _status_words(self) -> dict:
        """Every field of the status, as OSC can say it: no messages, the plan as one text."""
        words = dataclasses.asdict(self._engine.status())
        del words["messages"]
        return words | {
            "plan": "; ".join(" ".join(f"{number:.3f}" for number in note) for note in words["plan"]),
            "attribution": "; ".join(f"{name} {share:.3f}" for name, share in words["attribution"]),
            "nearest": f"{words['nearest'][0]} {words['nearest'][1]}" if words["attribution"] else "",
        }

    def _feeds(self) -> dict:
        engine = self._engine
        latency, segment = engine.latency(), engine.segment
        sums = {"sum": latency.total_ms, **{name: ms for name, _, ms in latency.rows}}
        now_s = segment.clock / segment.samplerate if segment else None
        counters = dataclasses.asdict(self.network.osc.counters)
        return feeds(vars(engine.status()), sums, counters, now_s, engine.values["beat"])

    def _sung(self) -> Sung:
        """What sounds at this moment, from the model's own status: cheap enough for every few milliseconds."""
        segment = self._engine.segment
        if segment is None or not self._engine.model_plays:
            return Sung(False)
        told = segment.read_status()
        pitch = told["pitch_played"]
        return Sung(pitch > 0, int(told["notes_played"]), pitch, told["loudness_played_db"])

    def _now_s(self) -> float | None:
        """The device's time; None before it runs."""
        frame = self._frame_at(time.time())
        return None if frame is None else frame / self._engine.samplerate

    def _frame_at(self, unix_s: float) -> int | None:
        clock = self._engine.frame_clock
        return clock.frame_at(unix_s) if clock else None
