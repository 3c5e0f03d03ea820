"""OSC over TCP: OSC 1.1's SLIP or OSC 1.0's length before each packet, told apart by a connection's first byte.

What liblo's oscsend, QLab, Max and others call OSC over TCP is either of the two, and each is answered in its own.
"""

from __future__ import annotations

import asyncio
import socket

from .dialogue import Dialogue
from .framing import framing_of
from .osc import LOOPBACK, bind
from .wire import Malformed

MAX_CLIENTS = 8
_READ_BYTES = 16_384  # at a time, so that one who sends much does not hold up the others
_READY_BYTES = 16_384  # a client with more than this waiting for it is not ready for feedback
_MOST_WAITING_BYTES = 65_536  # and with more than this gets no answer
_STUCK_S = 5.0  # and is dropped when it has not read for this long


class TcpServer:
    """Listen on one TCP port, for at most MAX_CLIENTS; control thread only. Packets go to a dialogue that UDP shares."""

    def __init__(self, dialogue: Dialogue):
        self._dialogue = dialogue
        self._server: asyncio.Server | None = None
        self.clients: set[_Client] = set()
        self.turned_away = 0

    async def start(self, host: str = LOOPBACK, port: int = 0) -> tuple[str, int]:
        """Bind and listen; give host and port as bound. Raises UsageError with one line where that cannot be."""
        bound = await bind(host, port, socket.SOCK_STREAM, name="OSC TCP")
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Client(self._dialogue, self), sock=bound, backlog=MAX_CLIENTS
        )
        return bound.getsockname()[:2]

    def close(self) -> None:
        """Stop listening and end every connection; harmless when called twice."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for client in list(self.clients):
            client.drop()


class _Client(asyncio.BufferedProtocol):
    """One connection, and who speaks over it."""

    lasting = True

    def __init__(self, dialogue: Dialogue, server: TcpServer):
        self._dialogue, self._server = dialogue, server
        self._transport: asyncio.Transport | None = None
        self._framing = None
        self._buffer = bytearray(_READ_BYTES)
        self._stuck: asyncio.TimerHandle | None = None
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
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport) -> None:
        """asyncio's."""
        self._transport = transport
        if len(self._server.clients) >= MAX_CLIENTS:
            self._server.turned_away += 1
            transport.abort()
            return
        peer = transport.get_extra_info("peername") or ("?", 0)
        self.name, self.host = f"tcp:{peer[0]}:{peer[1]}", peer[0]
        transport.set_write_buffer_limits(high=_READY_BYTES)
        self._server.clients.add(self)

    def connection_lost(self, error) -> None:
        """asyncio's."""
        self._transport = None
        self.resume_writing()
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
        if self._framing is None:
            self._framing = framing_of(self._buffer[0])
        for packet in self._framing.feed(bytes(self._buffer[:count])):
            if isinstance(packet, Malformed):
                self._dialogue.counters.datagrams += 1
                self._dialogue.refuse(packet, self)
            else:
                self._dialogue.take(packet, self)
