"""OSC over TCP: OSC 1.1's SLIP or OSC 1.0's length before each packet, told apart by a connection's first byte.

What liblo's oscsend, QLab, Max and others call OSC over TCP is either of the two, and each is answered in its own.

Nobody shuts others out by opening connections and saying nothing. Eight stay; who comes then is heard for half a second, so
that a burst of senders that each open, send and close is taken whole, and after that the one silent longest goes. Whoever
has spoken once may be silent as long as it likes while there is room: what a cue list says after an hour must not be lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

from .dialogue import Dialogue
from .framing import framing_of
from .osc import LOOPBACK, bind
from .peers import who_makes_room
from .wire import Malformed

MAX_CLIENTS = 8
_MOST_AT_ONCE = 64  # for a moment; a connection that finds no place in the system's queue waits a second for its next try
_MOMENT_S = 0.5
_UNHEARD_S = 60.0  # a connection over which nothing ever came is ended
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPALIVE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
"""Seconds of silence before the system asks whether a machine is still there (Linux's and macOS's name), seconds between two
such questions, how many without an answer: a display whose cable was pulled is forgotten after a minute."""
_READ_BYTES = 16_384  # at a time, so that one who sends much does not hold up the others
_READY_BYTES = 16_384  # a client with more than this waiting for it is not ready for feedback
_MOST_WAITING_BYTES = 65_536  # and with more than this gets no answer
_STUCK_S = 5.0  # and is dropped when it has not read for this long


class TcpServer:
    """Listen on one TCP port, for MAX_CLIENTS; control thread only. Packets go to a dialogue that UDP shares.

    `turned_away` counts connections that were ended because nobody else's could be.
    """

    def __init__(self, dialogue: Dialogue):
        self._dialogue = dialogue
        self._server: asyncio.Server | None = None
        self.clients: set[_Client] = set()
        self.turned_away = 0

    async def start(self, host: str = LOOPBACK, port: int = 0) -> tuple[str, int]:
        """Bind and listen; give host and port as bound. Raises UsageError with one line where that cannot be."""
        bound = await bind(host, port, socket.SOCK_STREAM, name="OSC TCP")
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Client(self._dialogue, self), sock=bound, backlog=_MOST_AT_ONCE
        )
        return bound.getsockname()[:2]

    def close(self) -> None:
        """Stop listening and end every connection; harmless when called twice."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for client in list(self.clients):
            client.drop()

    def admit(self, client: _Client) -> None:
        """Take a new connection, and let another one make room for it, a moment later, where it is one too many."""
        self.clients.add(client)
        if len(self.clients) > _MOST_AT_ONCE:
            self._make_room(client)
        elif len(self.clients) > MAX_CLIENTS:
            asyncio.get_running_loop().call_later(_MOMENT_S, self._make_room, client)

    def _make_room(self, client: _Client) -> None:
        if client not in self.clients or len(self.clients) <= MAX_CLIENTS:
            return
        wants = self._dialogue.subscriptions.wants
        leaves = who_makes_room(self.clients - {client}, wants, client.host, MAX_CLIENTS // 2)
        if leaves is None:
            self.turned_away += 1
            self._dialogue.note(f"OSC over TCP has {MAX_CLIENTS} connections at most, and all listen: {client.name} was closed")
        else:
            self._dialogue.note(
                f"OSC over TCP has {MAX_CLIENTS} connections at most: {leaves.name}, silent longest, made room for {client.name}"
            )
        (leaves or client).drop()


class _Client(asyncio.BufferedProtocol):
    """One connection, and who speaks over it."""

    lasting = True

    def __init__(self, dialogue: Dialogue, server: TcpServer):
        self._dialogue, self._server = dialogue, server
        self._transport: asyncio.Transport | None = None
        self._framing = None
        self._buffer = bytearray(_READ_BYTES)
        self._stuck: asyncio.TimerHandle | None = None
        self._unheard: asyncio.TimerHandle | None = None
        self.heard_s = time.monotonic()
        self.name = self.host = ""

    @property
    def key(self) -> object:
        return self

    @property
    def ready(self) -> bool:
        return self._transport is not None and self._transport.get_write_buffer_size() <= _READY_BYTES

    def send(self, packet: bytes) -> bool:
        transport, framing = self._transport, self._framing
        if transport is None or framing is None or transport.is_closing():
            return False
        if transport.get_write_buffer_size() > _MOST_WAITING_BYTES:
            return False
        transport.write(framing.frame(packet))
        return True

    def drop(self) -> None:
        """End the connection at once."""
        self._server.clients.discard(self)
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport) -> None:
        """asyncio's."""
        self._transport = transport
        peer = transport.get_extra_info("peername") or ("?", 0)
        self.name, self.host = f"tcp:{peer[0]}:{peer[1]}", peer[0]
        transport.set_write_buffer_limits(high=_READY_BYTES)
        _keep_asking(transport.get_extra_info("socket"))
        self._unheard = asyncio.get_running_loop().call_later(_UNHEARD_S, self.drop)
        self._server.admit(self)

    def connection_lost(self, error) -> None:
        """asyncio's."""
        self._transport = None
        self.resume_writing()
        self._unheard.cancel()
        self._server.clients.discard(self)
        self._dialogue.gone(self)

    def pause_writing(self) -> None:
        """asyncio's; the client does not read."""
        self._stuck = asyncio.get_running_loop().call_later(_STUCK_S, self.drop)

    def resume_writing(self) -> None:
        """asyncio's; it does."""
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def get_buffer(self, sizehint: int) -> bytearray:
        """asyncio's."""
        return self._buffer

    def buffer_updated(self, count: int) -> None:
        """asyncio's; bytes came."""
        if self not in self._server.clients:
            return
        self.heard_s = time.monotonic()
        self._unheard.cancel()
        if self._framing is None:
            self._framing = framing_of(self._buffer[0])
        for packet in self._framing.feed(bytes(self._buffer[:count])):
            if isinstance(packet, Malformed):
                self._dialogue.counters.datagrams += 1
                self._dialogue.refuse(packet, self)
            else:
                self._dialogue.take(packet, self)


def _keep_asking(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # macOS refuses on a connection that has gone already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
