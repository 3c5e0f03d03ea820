"""MIDI ports that are not there: a machine of them for tests, and a desk to play on."""

from __future__ import annotations

from antiphon.control.desk import Desk
from antiphon.control.midi import MidiIn
from antiphon.control.pulse import Pulse
from antiphon.params import REGISTRY


class FakePort:
    def __init__(self, machine, name):
        self._machine, self.name, self.closed, self.lost = machine, name, False, False

    def send(self, data):
        if self.closed or self.lost or (self.name is not None and self.name not in self._machine.out_names):
            raise OSError("gone")
        assert all(0 <= byte <= 255 for byte in data)
        self._machine.sent.append((self.name, tuple(data)))

    def is_there(self):
        return not self.closed and not self.lost

    def close(self):
        self.closed = True


class FakePorts:
    """A machine with these inputs and outputs; change the lists to plug and unplug, or let the server `die`.

    `sent` is all that went out, `clients` the names of ports of our own.
    """

    own = True

    def __init__(self, inputs=(), outputs=()):
        self.in_names, self.out_names = list(inputs), list(outputs)
        self.heard, self.sent, self.opened, self.clients, self.ports = {}, [], [], [], []

    def inputs(self):
        return list(self.in_names)

    def outputs(self):
        return list(self.out_names)

    def open_input(self, name, heard):
        if name is not None and name not in self.in_names:
            raise OSError(f"MIDI port {name!r} is gone")
        self.heard[name] = heard
        return self._port(name)

    def open_output(self, name, client="Antiphon"):
        self.clients += [client] if name is None else []
        return self._port(name)

    def die(self):
        """The server goes, with all that is open, and is back at once."""
        for port in self.ports:
            port.lost = True

    def _port(self, name):
        self.opened.append(name)
        self.ports.append(FakePort(self, name))
        return self.ports[-1]

    def close(self):
        pass


class Stage:
    """A desk over nothing, and MIDI in on it; `now` is the time of everything, device and Unix alike."""

    def __init__(self, inputs=("Keys",), wanted=("all",), values=(), registry=REGISTRY, **options):
        self.values = {**registry.defaults(), **dict(values)}
        self.events, self.lines, self.now = [], [], 100.0
        self.refuse = lambda event: None
        self.desk = Desk(registry, self._apply, self.values, frame_at=lambda unix_s: round(unix_s * 48_000), log=self.lines.append)
        for path in ("preset", "ask", "take/start", "take/stop", "take/name"):
            self.desk.handle(path, lambda event: None)
        self.pulse = Pulse(self.desk, lambda: self.now)
        self.ports = FakePorts(inputs)
        self.midi = MidiIn(self.desk, self.ports, self.pulse, wanted=wanted, clock=lambda: self.now,
                           presets=lambda: ["bells", "quiet"], **options)
        self.midi.look()

    def _apply(self, event):
        self.refuse(event)
        assert self.desk.registry.accept(event.path, event.value) == event.value
        if self.desk.registry.resolve(event.path).access != "w":
            self.values[event.path] = event.value
        self.events.append(event)

    def play(self, *data, port="Keys"):
        self.midi.take(port, bytes(data), self.now)

    def wait(self, seconds):
        """Let time pass, in steps of a millisecond."""
        for _ in range(round(seconds * 1000)):
            self.now += 0.001
            self.midi.due()

    def said(self, path=None):
        """What was emitted, and forget it: values of one row, else (path, value)."""
        events, self.events[:] = list(self.events), []
        if path is None:
            return [(event.path, event.value) for event in events]
        return [event.value for event in events if event.path == path]
