"""MIDI ports: those of the machine, which come and go, and our own that other programs connect to.

python-rtmidi opens them (ALSA, JACK, CoreMIDI, Windows); it is asked for when somebody wants MIDI, not before. Tests bring
ports of their own in its place.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ..errors import AntiphonError, UsageError
from .midiserver import JackWatch, silence_jack

CLIENT = "Antiphon"
INSTALL = "pip install 'antiphon[midi]'"
Heard = Callable[[Sequence[int], float], None]  # a message's bytes, and seconds since the one before; in a thread of rtmidi's
_AGAIN_S = 10.0  # a machine without a MIDI system is asked again this much later
_NUMBERS = re.compile(r"\s+\d+:\d+$")  # ALSA's, another each time the cable is plugged in
_ECHOES = ("midi through",)


class MidiMissing(AntiphonError):
    """The packages for MIDI are not installed."""


class Port(Protocol):
    """An open port."""

    def send(self, data: Sequence[int]) -> None:
        """Send one message; raises OSError where the port is gone. Outputs only."""

    def is_there(self) -> bool:
        """Whether it still is where it was opened: ports go with their server, ours and others'."""

    def close(self) -> None:
        """Close it; harmless when it has gone."""


class Ports(Protocol):
    """What opens ports. Any thread; may take milliseconds. What opens raises OSError."""

    own: bool  # whether there can be ports of our own

    def inputs(self) -> list[str]:
        """Names of what can be listened to now."""

    def outputs(self) -> list[str]:
        """Names of what can be sent to now."""

    def open_input(self, name: str | None, heard: Heard) -> Port:
        """Listen to a port; None: to one of our own, for others to connect to."""

    def open_output(self, name: str | None, client: str = CLIENT) -> Port:
        """Open a port to send to; None: one of our own, which others see under the name `client`."""

    def close(self) -> None:
        """Let the MIDI system go."""


class RtMidiPorts:
    """The machine's ports, by python-rtmidi. Raises MidiMissing where that is not installed.

    The MIDI system is `api` ("alsa", "jack", "coremidi", "winmm"), else the first that answers. One that does not answer
    has no ports; it is asked again now and then. What the C libraries print meanwhile is kept from the terminal.

    When a JACK server ends, libjack frees its clients as the next one is opened, and crashes when one of them is closed after
    that. So before anything is opened, closed or asked it is seen whether the server went (midiserver.py); if so, all of ours
    are abandoned, never touched again.
    """

    def __init__(self, api: str | None = None):
        try:
            import rtmidi
        except ImportError:
            raise MidiMissing(f"MIDI needs two more packages: {INSTALL}") from None
        known = {rtmidi.get_api_name(number): number for number in rtmidi.get_compiled_api()}
        if api is not None and api not in known:
            raise UsageError(f"no MIDI system {api!r}; there is: {', '.join(known)}")
        self._rtmidi = rtmidi
        self._apis = [known[api]] if api else list(known.values())
        self._api: int | None = None
        self._scanners: dict[type, object] = {}
        self._asked_s: dict[type, float] = {}
        self._ours: list[_RtPort] = []
        self._watch: JackWatch | None = None
        self._lock = threading.RLock()
        if rtmidi.API_UNIX_JACK in self._apis:
            silence_jack(rtmidi)
        self.own = not {"winmm", "uwp", "web"} & set(known)

    def inputs(self) -> list[str]:
        self._see_server()
        return self._names(self._rtmidi.MidiIn)

    def outputs(self) -> list[str]:
        self._see_server()
        return self._names(self._rtmidi.MidiOut)

    def open_input(self, name: str | None, heard: Heard) -> Port:
        port = self._open(self._rtmidi.MidiIn, name, "in", CLIENT)
        port.ignore_types(sysex=True, timing=False, active_sense=True)
        port.set_callback(lambda message, _: heard(*message))
        return self._keep(port)

    def open_output(self, name: str | None, client: str = CLIENT) -> Port:
        return self._keep(self._open(self._rtmidi.MidiOut, name, "out", client))

    def close(self) -> None:
        self._see_server()
        with self._lock:
            while self._scanners:
                _close(self._scanners.popitem()[1])
            if self._watch is not None:
                self._watch.close()
                self._watch = None

    def has(self, port: _RtPort) -> bool:
        """Whether one of ours is still open. Takes no lock, since whoever sends asks: a server that goes is seen at once."""
        watch = self._watch
        return port in self._ours and not (watch is not None and watch.went)

    def close_port(self, port: _RtPort) -> None:
        """Close one of ours, where that can be done."""
        self._see_server()
        with self._lock:
            if port in self._ours:
                self._ours.remove(port)
                _close(port.port)

    def _keep(self, port: object) -> _RtPort:
        kept = _RtPort(self, port)
        with self._lock:
            self._ours.append(kept)
        return kept

    def _see_server(self) -> None:
        """Abandon all that is ours where its server went."""
        with self._lock:
            if self._watch is not None and self._watch.went:
                self._abandon_all()

    def _abandon_all(self) -> None:
        for gone in [*(one.port for one in self._ours), *self._scanners.values()]:
            abandon(gone)
        self._ours.clear()
        self._scanners.clear()
        self._watch = self._api = None

    def _names(self, kind: type) -> list[str]:
        with self._lock:
            try:
                with _quiet():
                    scanner = self._scanner(kind)
                    return scanner.get_ports() if scanner else []
            except (self._rtmidi.RtMidiError, UnicodeDecodeError):
                return []

    def _scanner(self, kind: type) -> object | None:
        if kind not in self._scanners:
            now_s = time.monotonic()
            if now_s - self._asked_s.get(kind, -_AGAIN_S) < _AGAIN_S:
                return None
            self._asked_s[kind] = now_s
            self._scanners[kind] = self._make(kind, f"{CLIENT} looking")
        return self._scanners[kind]

    def _make(self, kind: type, client: str) -> object:
        """Make a client of the first MIDI system that answers; raises RtMidiError."""
        self._see_server()
        for api in self._apis if self._api is None else [self._api]:
            try:
                made = kind(api, name=client)
            except self._rtmidi.RtMidiError as error:
                failed = error
            else:
                made.set_error_callback(lambda kind, text, _: None)
                if api == self._rtmidi.API_UNIX_JACK and self._watch is None and not self._watched():
                    abandon(made)
                    failed = self._rtmidi.SystemError("the JACK server has just gone")
                    continue
                if self._api is None:
                    self._api = api
                    self._asked_s.clear()  # it is there: whatever is still to be asked is asked now
                return made
        if self._watch is not None:  # libjack, refused, has freed our clients, perhaps before the watch could hear why
            self._abandon_all()
        self._api = None
        raise failed

    def _watched(self) -> bool:
        try:
            self._watch = JackWatch(self._rtmidi, f"{CLIENT} watching")
        except OSError:
            return False
        return True

    def _open(self, kind: type, name: str | None, own: str, client: str) -> object:
        with self._lock, _quiet():
            try:
                port = self._make(kind, client)
                try:
                    if name is None:  # CoreMIDI shows the port's name alone
                        return port.open_virtual_port(f"{client} {own}" if self._api == self._rtmidi.API_MACOSX_CORE else own)
                    return port.open_port(port.get_ports().index(name), own)
                except ValueError:
                    port.delete()
                    raise OSError(f"MIDI port {name!r} is gone") from None
            except self._rtmidi.RtMidiError as error:
                raise OSError(f"MIDI port {name or client!r} cannot be opened ({error})") from None


class _RtPort:
    """One of rtmidi's ports."""

    def __init__(self, ports: RtMidiPorts, port: object):
        self._ports, self.port = ports, port

    def send(self, data: Sequence[int]) -> None:
        if not self.is_there():  # RtMidi would fill a ring that nobody empties, and then wait for ever
            raise OSError("its server has gone")
        try:
            self.port.send_message(data)
        except (ValueError, RuntimeError, AttributeError) as error:  # rtmidi's own errors are these or OSError
            raise OSError(str(error)) from None

    def is_there(self) -> bool:
        return self._ports.has(self)

    def close(self) -> None:
        self._ports.close_port(self)


def _close(port: object) -> None:
    with _quiet(), contextlib.suppress(Exception):  # it has gone already, in whatever way
        port.close_port()
        port.delete()


def abandon(port: object) -> None:
    """Keep an object of rtmidi from ever being freed: its server has gone, and to free it would crash."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(port))


_STDERR = threading.RLock()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what C libraries print away from the terminal: ALSA and JACK tell there, in many lines, that they are not there."""
    with _STDERR:
        try:
            kept = os.dup(2)
        except OSError:
            yield
            return
        nothing = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nothing, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nothing)


def plain(name: str) -> str:
    """Give the part of a port's name that stays when the cable is plugged in again."""
    return _NUMBERS.sub("", name)


def chosen(wanted: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Say which ports are meant: {plain name, numbered where two are alike: name}.

    `wanted` are parts of names, or "all": every port but our own and those that only send back what they get.
    """
    found: dict[str, str] = {}
    for name in names:
        lower = name.lower()
        if not any(
            part.lower() in lower if part != "all" else not lower.startswith((CLIENT.lower(), *_ECHOES)) for part in wanted
        ):
            continue
        known, number = plain(name), 1
        while known in found:
            number += 1
            known = f"{plain(name)} #{number}"
        found[known] = name
    return found


class Stamps:
    """Gives messages the Unix time at which they came, from when we hear of them and the time since the one before.

    We hear of some late, while Python does something else; the driver's stamp knows better. The earliest of the last
    ones tells how far the two clocks are apart. Called in the port's own thread.
    """

    _KEPT = 64
    _MOST_LATE_S = 0.05

    def __init__(self) -> None:
        self._sum_s = 0.0
        self._apart: list[float] = []

    def at(self, unix_s: float, since_s: float) -> float:
        """Give the time of a message that is heard at `unix_s` and came `since_s` after the one before."""
        self._sum_s += since_s
        self._apart = [*self._apart[1 - self._KEPT :], unix_s - self._sum_s]
        at_s = self._sum_s + min(self._apart)
        if not 0.0 <= unix_s - at_s <= self._MOST_LATE_S:  # that is no delay: the driver counts otherwise
            self._apart, at_s = [unix_s - self._sum_s], unix_s
        return at_s
