"""MIDI in: controllers steer rows, keys hold a chord or play notes, a clock sets the beat.

    port's thread --queue--> loop: MidiIn.take --Event--> Desk
                                             `--> Pulse (clock)
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence

from ..errors import AntiphonError, UsageError
from ..events import Event
from ..params.spec import Param, Value
from .desk import Desk
from .midiclock import CLOCK_BYTES, ClockIn
from .midifollow import FOLLOW_S, Inputs
from .midikeys import Keys
from .midimap import Binding, MidiMap, Target, turn
from .midiports import CLIENT, Ports
from .midiprograms import programs
from .pace import Sparing
from .pulse import Pulse

_MOST_WAITING = 4096
_BOUNCE_S = 0.04  # a pedal that is pressed again sooner was not let go
_PEDALS = range(64, 70)
_SOUND_OFF, _RESET, _NOTES_OFF = 120, 121, 123
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_SELECT = (98, 99, 100, 101)  # a parameter number, registered or not
_TAKEN_OVER = 0.03  # of a knob's way


class MidiIn:
    """Listens to ports by parts of their names, "all" of them, and to one of our own that others connect to.

    `take` and all the rest are the control thread's; only the ports' threads hand messages over. `clock` is Unix time.
    Ports that come and go are followed while `run` runs. With `takeover` a knob does not move its row until it has passed
    the row's value. `bound` says what steers what; the table's own where nobody brings it. Nothing that arrives makes it raise.
    """

    def __init__(
        self,
        desk: Desk,
        ports: Ports,
        pulse: Pulse | None = None,
        *,
        wanted: Sequence[str] = ("all",),
        own: bool = True,
        takeover: bool = False,
        presets: Callable[[], Sequence[str]] = programs,
        bound: MidiMap | None = None,
        clock: Callable[[], float] = time.time,
    ):
        self._desk, self._pulse, self._clock, self._presets, self._takeover = desk, pulse, clock, presets, takeover
        self.map = bound or MidiMap(desk.registry)
        self.messages = self.dropped = 0
        self.learning = ""
        self.moved: dict[Binding, tuple[int, float]] = {}  # where each knob was last, and when
        self._clock_in = ClockIn(pulse, desk.log) if pulse else None
        self._inputs = Inputs(ports, wanted, own, self._arrived)
        self._keys = Keys(desk.registry.resolve("chord").most)
        self._told: tuple[float, ...] = ()
        self._selected: dict[tuple[str, int], list[int]] = {}  # a parameter's number (coarse, fine) and value (coarse), by channel
        self._raw: dict[tuple[str, int, int], int] = {}
        self._down: dict[tuple[str, int, Binding], bool] = {}
        self._pressed_s: dict[tuple[str, int, Binding], float] = {}
        self._left: dict[str, Value] = {}  # rows, and the value their knob left them at
        self._places: dict[tuple[str, int, Binding], float] = {}
        self._pedals: dict[str, set[str]] = {}  # rows that a port's pedals hold
        self._waiting: deque[tuple[str, bytes, float]] = deque()
        self._overflowed: set[str] = set()
        self._called = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._say = Sparing(desk.log).say
        desk.handle("midi_notes", self._notes_mean)

    @property
    def port_names(self) -> list[str]:
        """The ports that are listened to now, our own left out."""
        return self._inputs.names

    @property
    def mapping(self) -> dict[str, str]:
        """What steers what: {binding: path}."""
        return self.map.mapping

    async def run(self) -> None:
        """Open ports, and follow them as they come and go, until cancelled; then close all."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    self._settle(await asyncio.to_thread(self._inputs.look))
                except Exception as error:  # a driver's own: who follows no more would leave keys down
                    self._say(f"MIDI in: {type(error).__name__}: {error}")
                await asyncio.sleep(FOLLOW_S)
        finally:
            self.close()

    def look(self) -> None:
        """Look once at the ports and at what is due; `run` does it."""
        self._settle(self._inputs.look())

    def close(self) -> None:
        """Let all ports go: keys are up, pedals too. Harmless when called twice."""
        self._loop = None
        names = [*self._inputs.names, CLIENT]
        self._inputs.close()
        self._waiting.clear()
        for port in names:
            self._gone(port)
        if self._timer:
            self._timer.cancel()

    def learn(self, target: str) -> None:
        """Let the next knob, pedal or key that moves steer this row, or one value of it ("recall=3"); "" learns nothing.

        Raises UsageError for what nothing can steer.
        """
        if target:
            self.map.read(Binding("cc"), target)
        self.learning = target

    def due(self) -> None:
        """Do what was put off until now: tell a chord."""
        if self._keys.due_s is not None and self._clock() >= self._keys.due_s - 1e-6:
            self._tell_chord()
        self._set_timer()

    def take(self, port: str, data: Sequence[int], unix_s: float) -> None:
        """Take one message of a port, which came at a Unix time."""
        self.messages += 1
        if not data:
            return
        status, rest = data[0], data[1:]
        if status in CLOCK_BYTES:
            if self._clock_in and (now_s := self._pulse.now_s()) is not None:
                self._clock_in.take(port, data, now_s - (self._clock() - unix_s))
            return
        kind, channel = status & 0xF0, (status & 0x0F) + 1
        if len(rest) != _DATA_BYTES.get(kind, -1) or any(not 0 <= byte <= 127 for byte in rest):
            return
        if kind in (0x80, 0x90):
            self._note(port, channel, rest[0], rest[1] if kind == 0x90 else 0, unix_s)
        elif kind == 0xB0:
            self._control(port, channel, rest[0], rest[1], unix_s)
        elif kind == 0xC0:
            self._program(port, channel, rest[0], unix_s)
        elif kind == 0xD0:
            self._knob(port, channel, "pressure", 0, rest[0], unix_s)
        elif kind == 0xE0:
            self._knob(port, channel, "bend", 0, rest[0] | rest[1] << 7, unix_s)
        self._set_timer()

    def _note(self, port: str, channel: int, note: int, velocity: int, unix_s: float) -> None:
        if not velocity:
            self._keys.release(port, channel, note, self._clock())
            return
        if self._learnt(Binding("note", note)):
            return
        if (found := self.map.of("note", note, channel)) is not None:
            self._press(port, *found, velocity, unix_s)
            return
        means = self._desk.values["midi_notes"]
        if means == "chord":
            self._keys.press(port, channel, note, self._clock())
        elif means == "note" and note:
            self._emit("play_note", note, port)

    def _control(self, port: str, channel: int, number: int, raw: int, unix_s: float) -> None:
        if number >= _SOUND_OFF:
            if number == _RESET:
                self._let_go(port)
            elif number == _SOUND_OFF or number >= _NOTES_OFF:
                self._keys.drop(port, self._clock(), channel)
                self.due()
            if (found := self.map.of("cc", number, channel)) is not None:
                self._press(port, *found, 127, unix_s)  # its value is 0, and means nothing
            return
        if self._parameter(port, channel, number, raw, unix_s):
            return
        before = self._raw.get((port, channel, number))
        self._raw[port, channel, number] = raw
        if self.learning and before != raw and number not in _SELECT and self._learnt(self._what(port, channel, number)):
            return
        if self._half(port, channel, number, raw, unix_s):
            return
        self._knob(port, channel, "cc", number, raw, unix_s)

    def _parameter(self, port: str, channel: int, number: int, raw: int, unix_s: float) -> bool:
        """Take what belongs to an NRPN; False for all else, also where nothing is bound to one."""
        key = (port, channel)
        if number in (100, 101):  # a registered one
            self._selected.pop(key, None)
            return False
        if number in (98, 99):
            selected = self._selected.setdefault(key, [127, 127, 0])
            selected[99 - number], selected[2] = raw, 0
            return False
        if number not in (6, 38) or key not in self._selected:
            return False
        coarse, fine, before = self._selected[key]
        value = raw << 7 if number == 6 else (before & 0x3F80) | raw
        self._selected[key][2] = value
        if coarse == fine == 127:
            return False
        if self._learnt(Binding("nrpn", coarse << 7 | fine)):
            return True
        return self._knob(port, channel, "nrpn", coarse << 7 | fine, value, unix_s)

    def _what(self, port: str, channel: int, number: int) -> Binding:
        """What a controller is to be learnt as: the pair that it is half of; a fine half that came without its coarse is none."""
        found = self.map.pair(number, channel)
        return found[0] if found and (port, channel, found[0].number) in self._raw else Binding("cc", number)

    def _half(self, port: str, channel: int, number: int, raw: int, unix_s: float) -> bool:
        """Take one half of a 14-bit pair; False where it is none."""
        found = self.map.pair(number, channel)
        if found is None:
            return False
        binding, target = found
        key = (port, channel, binding.number)
        if number == binding.number:
            value = raw << 7
        else:
            value = self._raw.get(key, 0) << 7 | raw
        self._move(port, channel, binding, target, value, unix_s)
        return True

    def _knob(self, port: str, channel: int, kind: str, number: int, raw: int, unix_s: float) -> bool:
        if kind == "bend" and abs(raw - 8192) > 1024 and self._learnt(Binding("bend")):
            return True
        if kind == "pressure" and raw and self._learnt(Binding("pressure")):
            return True
        found = self.map.of(kind, number, channel)
        if found is None:
            return False
        self._move(port, channel, *found, raw, unix_s)
        return True

    def _program(self, port: str, channel: int, number: int, unix_s: float) -> None:
        if self._learnt(Binding("program", number)):
            return
        if (found := self.map.of("program", number, channel)) is not None:
            self._press(port, *found, 127, unix_s)
        elif (found := self.map.of("pc", 0, channel)) is not None:
            row = found[1].row
            if row.numbered:
                self._emit(row.path, number + 1, port)
                return
            names = list(self._presets())
            if number < len(names):
                self._emit(row.path, names[number], port)
            else:
                self._say(f"MIDI program {number} from {port}: there are {len(names)} presets, the first is 0")

    def _press(self, port: str, binding: Binding, target: Target, velocity: int, unix_s: float) -> None:
        """Something is pressed that has no value of its own: a pad, a program, a channel mode."""
        row = target.row
        if target.value is not None or row.kind == "trigger":
            self._emit(row.path, True if target.value is None else target.value, port, unix_s)
        elif row.kind == "bool":
            self._emit(row.path, not self._desk.values[row.path], port)
        elif row.kind == "enum":
            places = row.choices
            self._emit(row.path, places[(places.index(self._desk.values[row.path]) + 1) % len(places)], port)
        elif row.kind in ("float", "int"):
            self._emit(row.path, row.at(turn(velocity, 127)), port)

    def _move(self, port: str, channel: int, binding: Binding, target: Target, raw: int, unix_s: float) -> None:
        """Something is turned or pressed that has a value."""
        row, key = target.row, (port, channel, binding)
        self.moved[binding] = raw, self._clock()
        half = (binding.most + 1) // 2
        if row.numbered and target.value is None:
            if 1 <= raw <= row.most:
                self._emit(row.path, raw, port)
            return
        if row.kind == "trigger" or target.value is not None:
            was, self._down[key] = self._down.get(key, False), raw >= half
            if raw >= half and not was and unix_s - self._pressed_s.get(key, -_BOUNCE_S) >= _BOUNCE_S:
                self._pressed_s[key] = unix_s
                self._emit(row.path, True if target.value is None else target.value, port, unix_s)
            return
        if row.kind in ("list", "text"):
            return
        value, now = row.at(turn(raw, binding.most)), self._desk.values[row.path]
        if self._takeover and row.kind in ("float", "int") and not self._has_caught(key, row, value, now):
            return
        if row.kind == "bool" and binding.kind == "cc" and binding.number in _PEDALS:
            held = self._pedals.setdefault(port, set())
            held.add(row.path) if value else held.discard(row.path)
        if value != now:
            self._emit(row.path, value, port)
        self._left[row.path] = value

    def _has_caught(self, key: tuple[str, int, Binding], row: Param, value: Value, now: Value) -> bool:
        """Whether a knob may move its row: it left it where it is, or has come to where it is, or passed it."""
        to, at, before = row.position(value), row.position(now), self._places.get(key)
        self._places[key] = to
        passed = before is not None and (before - at) * (to - at) <= 0
        return passed or abs(to - at) <= _TAKEN_OVER or self._left.get(row.path) == now

    def _notes_mean(self, event: Event) -> None:
        if event.value != "chord" and self._told:
            self._told = ()
            self._emit("chord", (), CLIENT)

    def _tell_chord(self) -> None:
        chord = self._keys.chord()
        if self._desk.values["midi_notes"] == "chord" and chord != self._told:
            self._told = chord
            self._emit("chord", chord, CLIENT)

    def _gone(self, port: str) -> None:
        """A port is no longer there: nothing of it may stay."""
        self._keys.drop(port, self._clock())
        self._let_go(port)
        for known in (self._raw, self._down, self._pressed_s, self._places):
            for key in [key for key in known if key[0] == port]:
                del known[key]
        for key in [key for key in self._selected if key[0] == port]:
            del self._selected[key]
        if self._clock_in:
            self._clock_in.gone(port)
        if self._keys.due_s is not None:
            self._tell_chord()

    def _let_go(self, port: str) -> None:
        for path in sorted(self._pedals.pop(port, ())):
            if self._desk.values[path]:
                self._emit(path, False, port)

    def _learnt(self, binding: Binding) -> bool:
        if not self.learning:
            return False
        target, self.learning = self.learning, ""
        try:
            self._desk.log(self.map.bind(binding, target))
        except UsageError as error:
            self.learning = target  # something else may move that can
            self._say(str(error))
        return True

    def _emit(self, path: str, value: object, port: str, unix_s: float | None = None) -> None:
        """Say it to the desk; a beat's time is told with it, all else is at once."""
        frame = self._desk.frame_at(unix_s) if unix_s is not None and path == "tap" else None
        try:
            self._desk.emit(Event(path, self._desk.registry.accept(path, value), frame, f"midi:{port}"))
        except AntiphonError as error:
            self._say(f"MIDI: {error}")

    def _arrived(self, port: str, data: bytes, unix_s: float) -> None:
        """Hand a message over; in the port's thread."""
        if len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1
            self._overflowed.add(port)
            return
        self._waiting.append((port, data, unix_s))
        loop = self._loop
        if loop is not None and not self._called:
            self._called = True
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._called = False  # before the first is taken: who comes after that calls again
        while self._waiting:
            self.take(*self._waiting.popleft())
        while self._overflowed:
            port = self._overflowed.pop()
            self._gone(port)  # a key that went up may be among what was lost
            self._say(f"MIDI from {port}: more than can be taken; its keys are taken for up")

    def _settle(self, changes: tuple[list[str], list[str]]) -> None:
        self._drain()
        lines, gone = changes
        for port in gone:
            self._gone(port)
        for line in lines:
            self._desk.log(line)
        if self._clock_in and (now_s := self._pulse.now_s()) is not None:
            self._clock_in.look(now_s)
        self.due()

    def _set_timer(self) -> None:
        if self._loop is None or self._keys.due_s is None:
            return
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(0.0, self._keys.due_s - self._clock()), self.due)
