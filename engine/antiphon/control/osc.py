"""OSC in over UDP, by the parameter table, with replies to the sender.

    /antiphon/<path> VALUE     set a row; answered by /antiphon/echo/<path> VALUE, or by /antiphon/error TEXT
    /antiphon/<path>           without a value: ask for it; a trigger fires
    /antiphon/status           answered by /antiphon/status NAME VALUE NAME VALUE ...

An unknown path is answered with the nearest ones: /antiphon/error TEXT PATH PATH ... Bundles' time tags become frame
times through the clock function that is handed in.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import AntiphonError, UsageError
from ..events import Event
from ..params.spec import Param, Registry, UnknownParam, Value
from . import wire

DEFAULT_PORT = 9000
LOOPBACK = "127.0.0.1"
ROOT = "/antiphon/"
_REPLIES = (ROOT + "error", ROOT + "echo/")
_MAX_AHEAD_S = 10.0  # a time tag further ahead than this is a clock that is set wrong, not a plan
_ERROR_REPLIES_PER_S = 50
_STATUS_REPLIES_PER_S = 50  # to one sender: as often as there is news of the model
_STATUS_SENDERS = 20  # in one second
_LOG_EVERY_S = 2.0
_MAX_WAITING_BYTES = 65_536


@dataclass(slots=True)
class OscCounters:
    """What came in since the start. `silenced` counts what was not answered, to keep floods from growing: a status is
    fifty times as long as the question, and the sender's address may be somebody else's."""

    datagrams: int = 0
    accepted: int = 0
    asked: int = 0
    refused: int = 0
    malformed: int = 0
    silenced: int = 0


class OscServer(asyncio.DatagramProtocol):
    """Listen on one UDP port; control thread only.

    `emit` takes each Event. `values` is read when a row is asked for, `status` when /antiphon/status is: names to
    numbers or words. `frame_at` turns a unix time into the device frame that is due then, or None before the clock
    runs. `log` takes a line a person should see, at most one in two seconds however much arrives. Nothing that
    arrives makes it raise.
    """

    def __init__(
        self,
        registry: Registry,
        emit: Callable[[Event], None],
        values: Mapping[str, Value],
        status: Callable[[], Mapping[str, Value]] = dict,
        frame_at: Callable[[float], int | None] = lambda unix_s: None,
        log: Callable[[str], None] = lambda line: None,
    ):
        self._registry, self._emit, self._values, self._status = registry, emit, values, status
        self._frame_at, self._log = frame_at, log
        self.counters = OscCounters()
        self._transport: asyncio.DatagramTransport | None = None
        self._error_second, self._errors_left = 0, _ERROR_REPLIES_PER_S
        self._status_second, self._status_asked = 0, Counter()
        self._logged_s, self._unlogged = -_LOG_EVERY_S, 0

    async def start(self, host: str = LOOPBACK, port: int = DEFAULT_PORT) -> tuple[str, int]:
        """Bind and listen; give host and port as bound. Raises UsageError with one line where that cannot be."""
        try:
            await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(host, port))
        except (OSError, OverflowError) as error:
            raise _unbound(host, port, error) from None
        if not host.startswith("127.") and host not in ("localhost", "::1"):
            self._log(f"OSC is open to the network on {host}:{self.address[1]}: anyone who reaches it can play")
        return self.address

    async def start_near(self, host: str, port: int, tries: int = 10) -> tuple[str, int]:
        """Like `start`, but take the next free port where this one is taken, since nobody asked for this one."""
        for candidate in range(port, port + tries):
            try:
                return await self.start(host, candidate)
            except PortTaken:
                continue
        raise UsageError(f"OSC ports {port} to {port + tries - 1} on {host} are all taken; choose one with --osc PORT")

    @property
    def address(self) -> tuple[str, int]:
        """Host and port as bound."""
        assert self._transport is not None, "not started"
        return self._transport.get_extra_info("sockname")[:2]

    def close(self) -> None:
        """Stop listening; harmless when called twice."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def connection_made(self, transport) -> None:
        """asyncio's; the socket is there."""
        self._transport = transport

    def error_received(self, error: OSError) -> None:
        """asyncio's; whoever asked is no longer there to be answered. Nothing depends on it."""

    def datagram_received(self, data: bytes, sender: tuple) -> None:
        """asyncio's; take one datagram."""
        self.counters.datagrams += 1
        try:
            messages = wire.decode(data)
        except wire.Malformed as error:
            self.counters.malformed += 1
            self._complain(sender, f"malformed OSC: {error}")
            return
        for message in messages:
            try:
                self._take(message, sender)
            except AntiphonError as error:
                self.counters.refused += 1
                near = error.nearest if isinstance(error, UnknownParam) else []
                self._complain(sender, str(error), *near)

    def _take(self, message: wire.Message, sender: tuple) -> None:
        address = message.address
        if address.startswith(_REPLIES):
            return  # two instruments that answer each other's answers would never stop
        if not address.startswith(ROOT):
            raise UsageError(f"addresses begin with {ROOT}, this one is {address[:80]!r}")
        path = address[len(ROOT) :]
        if path == "status":
            self.counters.asked += 1
            if self._may_have_status(sender[0]):
                self._reply(sender, ROOT + "status", *(part for pair in self._status().items() for part in pair))
            else:
                self.counters.silenced += 1
            return
        row = self._registry.resolve(path)
        if not message.arguments and row.kind != "trigger":
            self.counters.asked += 1
            self._echo(sender, row, self._values[path])
            return
        if len(message.arguments) > 1:
            raise UsageError(f"{path} takes one value, not {len(message.arguments)}")
        value = row.accept(message.arguments[0] if message.arguments else None)
        if row.kind != "trigger" or value:  # a button that is let go is accepted, and nothing
            self._emit(Event(path, value, self._frame(message.time_s), f"osc:{sender[0]}:{sender[1]}"))
        self.counters.accepted += 1
        self._echo(sender, row, value)

    def _may_have_status(self, host: str) -> bool:
        second = int(time.monotonic())
        if second != self._status_second:
            self._status_second, self._status_asked = second, Counter()
        if host not in self._status_asked and len(self._status_asked) >= _STATUS_SENDERS:
            return False
        self._status_asked[host] += 1
        return self._status_asked[host] <= _STATUS_REPLIES_PER_S

    def _frame(self, time_s: float | None) -> int | None:
        if time_s is None:
            return None
        ahead_s = time_s - time.time()
        if ahead_s > _MAX_AHEAD_S:
            raise UsageError(
                f"time tag is {ahead_s:.0f} s ahead, at most {_MAX_AHEAD_S:.0f} are taken; are the clocks set?"
            )
        return self._frame_at(time_s) if ahead_s > 0 else None

    def _echo(self, sender: tuple, row: Param, value: Value) -> None:
        self._reply(sender, ROOT + "echo/" + row.path, value)

    def _complain(self, sender: tuple, text: str, *near: str) -> None:
        now_s = time.monotonic()
        if int(now_s) != self._error_second:
            self._error_second, self._errors_left = int(now_s), _ERROR_REPLIES_PER_S
        if self._errors_left > 0:
            self._errors_left -= 1
            self._reply(sender, ROOT + "error", text, *near)
        else:
            self.counters.silenced += 1
        if now_s - self._logged_s < _LOG_EVERY_S:
            self._unlogged += 1
            return
        more = f" (and {self._unlogged} more)" if self._unlogged else ""
        self._logged_s, self._unlogged = now_s, 0
        self._log(f"OSC from {sender[0]}:{sender[1]}: {text}{more}")

    def _reply(self, sender: tuple, address: str, *arguments: object) -> None:
        transport = self._transport
        if transport is None or sender[1] == 0 or transport.get_write_buffer_size() > _MAX_WAITING_BYTES:
            return
        transport.sendto(wire.encode(address, *arguments), sender)


class PortTaken(UsageError):
    """Another program listens on the port."""


def _unbound(host: str, port: int, error: Exception) -> UsageError:
    where = f"OSC port {port} on {host}"
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return PortTaken(f"{where} is taken, perhaps by another antiphon; choose another with --osc PORT (0 for any)")
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM):
        return UsageError(f"{where} is reserved for root; choose one from 1024 to 65535 with --osc PORT")
    if isinstance(error, OverflowError):
        return UsageError(f"OSC port {port} does not exist; choose one from 1024 to 65535 with --osc PORT (0 for any)")
    if isinstance(error, socket.gaierror) or getattr(error, "errno", None) == errno.EADDRNOTAVAIL:
        return UsageError(
            f"{host!r} is no address of this machine; --osc-bind takes one of its own, or 0.0.0.0 for all"
        )
    return UsageError(
        f"{where} cannot be had ({getattr(error, 'strerror', None) or error}); choose another with --osc PORT"
    )
