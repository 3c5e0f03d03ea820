"""All of MIDI, opened and closed together: controllers in, a clock in and out, what is sung and what rows are set to, out."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Callable

from ..errors import UsageError
from ..events import Event
from .desk import Desk
from .midi import MidiIn
from .midiclock import ClockOut
from .midifeedback import MidiFeedback
from .midifollow import MidiOut
from .midimap import MidiMap
from .midiports import CLIENT, MidiMissing, RtMidiPorts
from .midiprograms import programs
from .midivoice import MidiVoice, Sung
from .pulse import Pulse

LOOK_S = 0.005
"""How often what is sung is looked at, to be sent as notes."""


class MidiSurface:
    """What is open of it; control thread only. `sung` gives what sounds at this moment.

    Without python-rtmidi it says so in a line and the rest plays on; a port that is not there yet is waited for. `map` is
    there with MIDI off too: presets are checked, and keep their bindings when they are saved again. `open` in the
    running loop, `close` once all else that may change a row has been closed.
    """

    def __init__(self, desk: Desk, pulse: Pulse, sung: Callable[[], Sung]):
        self._desk, self._pulse, self._sung = desk, pulse, sung
        self._ports: RtMidiPorts | None = None
        self.map = MidiMap(desk.registry)
        self.midi: MidiIn | None = None
        self._voice: MidiVoice | None = None
        self._clock: ClockOut | None = None
        self._feedback: MidiFeedback | None = None
        self._outs: list[MidiOut] = []
        self._tasks: list[asyncio.Task] = []
        desk.handle("midi_learn", self._learn)

    def open(self, options: argparse.Namespace) -> None:
        """Open what the options ask for: midi and all that begin with midi_."""
        wanted = options.midi or ["all"]
        silent = options.midi_out == "off" and options.midi_feedback == "off" and options.midi_clock_out == "off"
        if wanted == ["off"] and silent:
            return
        try:
            self._ports = RtMidiPorts(options.midi_api)
        except MidiMissing as error:
            self._desk.log(f"playing without MIDI: {error}")
            return
        if wanted != ["off"]:
            programs()  # numbers the presets that are new
            self.midi = MidiIn(self._desk, self._ports, self._pulse, wanted=wanted, takeover=options.midi_takeover, bound=self.map)
            self._begin(self.midi.run())
        if options.midi_out != "off" or options.midi_clock_out == "on":
            out = self._out("own" if options.midi_out == "off" else options.midi_out)
            if options.midi_out != "off":
                self._voice = MidiVoice(out, bend_range=options.midi_bend, mpe=options.midi_mpe)
                self._desk.handle("panic", lambda event: self._voice.silence())
                self._begin(self._sing())
            if options.midi_clock_out == "on":
                self._clock = ClockOut(out, self._pulse)
                self._clock.start()
        if options.midi_feedback != "off":
            out = self._out(options.midi_feedback, f"{CLIENT} feedback")
            self._feedback = MidiFeedback(self._desk, self.map, out, self.midi.moved if self.midi else None)

    def bind(self, table: dict) -> None:
        """Take the bindings of a preset; what is wrong with them is said, and the old ones stay."""
        self.map.load(table)

    def bindings(self) -> dict[str, str]:
        """What was bound otherwise than the table has it, to be saved in a preset. Those that are there have their numbers then."""
        programs()
        return self.map.table

    async def close(self) -> None:
        """End every note, and close all ports."""
        if self._voice:
            self._voice.close()
        if self._clock:
            await asyncio.to_thread(self._clock.close)
        if self._feedback:
            self._feedback.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for out in self._outs:
            out.close()
        if self._ports:
            self._ports.close()
            self._ports = None

    def _learn(self, event: Event) -> None:
        if not self.midi:
            raise UsageError("midi_learn: no MIDI port is listened to; start with --midi all")
        self.midi.learn("" if event.value == "off" else str(event.value))

    def _out(self, name: str, client: str = CLIENT) -> MidiOut:
        out = MidiOut(self._ports, name, self._desk.log, client)
        self._outs.append(out)
        self._begin(out.run())
        return out

    def _begin(self, run) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(run))

    async def _sing(self) -> None:
        while True:
            with contextlib.suppress(Exception):  # the engine is stopping, or the device is being opened anew
                self._voice.look(self._sung())
            await asyncio.sleep(LOOK_S)
