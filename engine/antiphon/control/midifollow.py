"""Ports that come and go, followed by name: those that are listened to, and the one that is sent to."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence

from .midiports import CLIENT, Port, Ports, Stamps, chosen

FOLLOW_S = 1.0
OWN = "own"  # the word for a port of our own


class Inputs:
    """The ports that are listened to. `look` may be called in any one thread at a time; so may `close` meanwhile."""

    def __init__(self, ports: Ports, wanted: Sequence[str], own: bool, arrived: Callable[[str, bytes, float], None]):
        self._ports, self._wanted, self._own, self._arrived = ports, wanted, own and ports.own, arrived
        self._open: dict[str, Port] = {}
        self._lost: set[str] = set()
        self._told_missing = False
        self._refused: set[str] = set()
        self._lock = threading.Lock()
        self._closed = False

    @property
    def names(self) -> list[str]:
        """Those that are open, our own left out."""
        return [name for name in self._open if name != CLIENT]

    def look(self) -> tuple[list[str], list[str]]:
        """Open what has come, close what has gone; gives lines to say, and the ports that are gone."""
        with self._lock:
            return ([], []) if self._closed else self._look()

    def _look(self) -> tuple[list[str], list[str]]:
        lines, names = [], self._ports.inputs()
        there = chosen(self._wanted, names)
        gone = [name for name, port in self._open.items() if not (port.is_there() and (name == CLIENT or name in there))]
        for name in gone:
            self._open.pop(name).close()
            self._lost.add(name)
            lines.append(f"MIDI in: {name} is gone; it is {'opened' if name == CLIENT else 'listened to'} again when it is back")
        if self._own and CLIENT not in self._open:
            with contextlib.suppress(OSError):  # no server yet
                self._open[CLIENT] = self._ports.open_input(None, self._heard(CLIENT))
                if CLIENT in self._lost:
                    self._lost.discard(CLIENT)
                    lines.append(f"MIDI in: {CLIENT} is back")
        for known, name in there.items():
            if known in self._open:
                continue
            try:
                self._open[known] = self._ports.open_input(name, self._heard(known))
            except OSError as error:
                if known not in self._refused:
                    self._refused.add(known)
                    lines.append(f"MIDI in: {error}")
                continue
            self._refused.discard(known)
            lines.append(f"MIDI in: {known}" + (" is back" if known in self._lost else ""))
            self._lost.discard(known)
        if not self._told_missing and not there and "all" not in self._wanted and self._wanted:
            listed = ", ".join(chosen(("all",), names)) or "none"
            lines.append(f"MIDI in: no port like {' or '.join(self._wanted)} yet; there is: {listed}")
        self._told_missing = True
        return lines, gone

    def close(self) -> None:
        """Close all, for good."""
        with self._lock:
            self._closed = True
            for port in self._open.values():
                port.close()
            self._open.clear()

    def _heard(self, name: str) -> Callable[[Sequence[int], float], None]:
        stamps = Stamps()
        return lambda data, since_s: self._arrived(name, bytes(data), stamps.at(time.time(), since_s))


class MidiOut:
    """Sends to one port by part of its name, or to our own ("own"), that others connect to and see as `client`.

    `send` may be called in any thread, the rest is the control thread's. `opened` are called whenever it has been opened:
    whoever is there then knows nothing yet.
    """

    def __init__(self, ports: Ports, name: str = OWN, log: Callable[[str], None] = lambda line: None, client: str = CLIENT):
        self._ports, self._log, self._client = ports, log, client
        self._name = None if name == OWN and ports.own else name
        self.opened: list[Callable[[], None]] = []
        self.port_name = ""
        self._port: Port | None = None
        self._lock = threading.Lock()
        self._told = ""
        self._was = self._is_missed = False
        self._closed = False

    @property
    def is_open(self) -> bool:
        """Whether somebody may hear."""
        return self._port is not None

    async def run(self) -> None:
        """Open the port, and follow it as it comes and goes, until cancelled. `close` is for who has sent the last message."""
        while True:
            try:
                self._settle(await asyncio.to_thread(self._look))
            except Exception as error:  # a driver's own
                self._settle(([f"MIDI out: {type(error).__name__}: {error}"], False))
            await asyncio.sleep(FOLLOW_S)

    def look(self) -> None:
        """Look once whether the port is there; `run` does it."""
        self._settle(self._look())

    def send(self, *data: int) -> bool:
        """Send one message; False where nobody is there."""
        with self._lock:
            if self._port is None:
                return False
            try:
                self._port.send(data)
            except OSError:
                self._drop()
                return False
            return True

    def close(self) -> None:
        """Close the port, for good. Harmless when called twice."""
        with self._lock:
            self._closed = True
            self._drop()

    def _drop(self) -> None:
        if self._port is not None:
            port, self._port = self._port, None
            port.close()

    def _look(self) -> tuple[list[str], bool]:
        """Give lines to say, and whether the port has been opened just now."""
        names = self._ports.outputs()
        found = None if self._name is None else next(iter(chosen([self._name], names).items()), None)
        listed = self._name is None or (found is not None and found[0] == self.port_name)
        with self._lock:
            lines = []
            if self._was and (self._port is None or not listed or not self._port.is_there()):
                self._drop()
                self._was, self._is_missed = False, True
                lines.append(f"MIDI out: {self.port_name} is gone; it is opened again when it is back")
            if self._closed or self._was:
                return lines, False
            if self._name is not None and found is None:
                others = ", ".join(chosen(("all",), names)) or "none"
                return lines or [f"MIDI out: no port like {self._name} yet; there is: {others}"], False
            try:
                self._port = self._ports.open_output(found and found[1], self._client)
            except OSError as error:
                return lines if self._is_missed else [f"MIDI out: {error}"], False
            self.port_name, self._was, self._is_missed = found[0] if found else self._client, True, False
        return [*lines, f"MIDI out: {self.port_name}"], True

    def _settle(self, change: tuple[list[str], bool]) -> None:
        lines, opened = change
        for line in lines:
            if line != self._told:
                self._told = line
                self._log(line)
        if opened:
            for heard in self.opened:
                heard()
