"""OSC over UDP: datagrams in, replies to whoever sent them. What is said is in dialogue.py."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import sys
from collections.abc import Callable, Mapping

from ..errors import UsageError
from ..params.spec import Value
from .desk import Desk
from .dialogue import Dialogue, OscCounters
from .subscriptions import Feeds

DEFAULT_PORT = 9000
LOOPBACK = "127.0.0.1"
# By family: the protocol and the option that let a socket tell to which address nobody listens any more (Linux, ip(7)).
_RECVERR = {socket.AF_INET: (0, 11), socket.AF_INET6: (41, 25)} if sys.platform == "linux" else {}
_STREAM_BYTES = 65_536
_MOST_ELSEWHERE = 64
_ERROR_HEAD = struct.Struct("=I")  # errno, the first field of sock_extended_err


class OscServer(asyncio.DatagramProtocol):
    """Listen on one UDP port; control thread only.

    Whatever is said goes to `dialogue`, which other transports may share: `desk` takes the events, `status` is read when
    /antiphon/status is asked for, `feeds` when a feed is due. Nothing that arrives makes it raise.
    """

    def __init__(
        self,
        desk: Desk,
        status: Callable[[], Mapping[str, Value]] = dict,
        feeds: Feeds = dict,
    ):
        self.dialogue = Dialogue(desk, status, feeds)
        self._log = desk.log
        self._elsewhere: dict[tuple, int] = {}  # of senders that listen on another port than they send from, which it is
        self._socket: socket.socket | None = None
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def counters(self) -> OscCounters:
        """What came in, over every transport of the dialogue."""
        return self.dialogue.counters

    async def start(self, host: str = LOOPBACK, port: int = DEFAULT_PORT) -> tuple[str, int]:
        """Bind and listen; give host and port as bound. Raises UsageError with one line where that cannot be."""
        self._socket = await bind(host, port, socket.SOCK_DGRAM)
        if self._socket.family in _RECVERR:
            self._socket.setsockopt(*_RECVERR[self._socket.family], 1)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, sock=self._socket)
        self.dialogue.subscriptions.start()
        if not is_loopback(host):
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
        assert self._socket is not None, "not started"
        return self._socket.getsockname()[:2]

    def close(self) -> None:
        """Stop listening, and telling whoever subscribed; harmless when called twice."""
        self.dialogue.subscriptions.close()
        if self._transport is not None:
            self._transport.close()
            self._transport = self._socket = None

    def connection_made(self, transport) -> None:
        """asyncio's; the socket is there."""
        self._transport = transport

    def error_received(self, error: OSError) -> None:
        """asyncio's; whoever was answered, or subscribed, is no longer there."""
        self._forget_the_gone()

    def datagram_received(self, data: bytes, sender: tuple) -> None:
        """asyncio's; take one datagram."""
        self.dialogue.take(data, _Sender(self, sender))

    def reply_to(self, sender: tuple, port: int) -> None:
        """Answer this sender on another port of its machine from now on. Of many such senders the newest are remembered."""
        self._elsewhere.pop(sender[:2], None)
        self._elsewhere[sender[:2]] = port
        while len(self._elsewhere) > _MOST_ELSEWHERE:
            del self._elsewhere[next(iter(self._elsewhere))]

    def send(self, packet: bytes, receiver: tuple) -> bool:
        """Send one datagram, or give it up where the system has no room for it.

        By the socket itself: what asyncio would keep for later is a queue that somebody else fills. An error that a
        socket holds from an earlier datagram to somebody who has gone is told at the next one, which is not sent then:
        so it is tried once more.
        """
        if self._socket is None or receiver[1] == 0:
            return False
        for _ in range(2):
            try:
                self._socket.sendto(packet, receiver)
                return True
            except ConnectionRefusedError:
                self._forget_the_gone()
            except OSError:
                return False
        return False

    def _forget_the_gone(self) -> None:
        """Read which addresses answered that nobody listens there, all of them: a socket that holds one is always ready."""
        while self._socket is not None and self._socket.family in _RECVERR:
            try:
                _, told, _, address = self._socket.recvmsg(0, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return
            if any(len(data) >= 4 and _ERROR_HEAD.unpack_from(data) == (errno.ECONNREFUSED,) for _, _, data in told):
                self.dialogue.subscriptions.forget(("udp", *address[:2]))


class _Sender:
    """Who sent a datagram."""

    __slots__ = ("_server", "_sender", "_address")
    lasting, ready = False, True

    def __init__(self, server: OscServer, address: tuple):
        port = server._elsewhere.get(address[:2])
        self._server, self._sender = server, address
        self._address = address if port is None else (address[0], port, *address[2:])

    @property
    def name(self) -> str:
        return f"osc:{self._sender[0]}:{self._sender[1]}"

    def reply_to(self, port: int) -> None:
        """Be answered on another port from now on."""
        self._server.reply_to(self._sender, port)

    @property
    def host(self) -> str:
        return self._address[0]

    @property
    def key(self) -> tuple:
        return ("udp", *self._address[:2])

    def send(self, packet: bytes) -> bool:
        return self._server.send(packet, self._address)


class PortTaken(UsageError):
    """Another program listens on the port."""


async def bind(host: str, port: int, kind: int, flag: str = "--osc", name: str = "OSC") -> socket.socket:
    """Give a bound socket that does not block; raises UsageError with one line where that cannot be."""
    try:
        if not 0 <= port < 65536:
            raise OverflowError
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)
        family, _, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setblocking(False)
            if kind == socket.SOCK_STREAM:  # a port is not taken for a minute by connections that have ended
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                # Connections inherit it. Left alone Linux keeps megabytes for a client that does not read: seconds of old news.
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _STREAM_BYTES)
            bound.bind(address)
        except BaseException:
            bound.close()
            raise
        return bound
    except (OSError, OverflowError, ValueError) as error:  # UnicodeError is one: a..b cannot even be asked for
        raise _unbound(host, port, error, flag, name) from None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what is bound to a host."""
    return host.startswith("127.") or host in ("localhost", "::1")


def _unbound(host: str, port: int, error: Exception, flag: str, name: str) -> UsageError:
    where = f"{name} port {port} on {host}"
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return PortTaken(f"{where} is taken, perhaps by another antiphon; choose another with {flag} PORT (0 for any)")
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM):
        return UsageError(f"{where} is reserved for root; choose one from 1024 to 65535 with {flag} PORT")
    if isinstance(error, OverflowError):
        return UsageError(f"{name} port {port} does not exist; choose one from 1024 to 65535 with {flag} PORT (0 for any)")
    if isinstance(error, socket.gaierror | ValueError) or getattr(error, "errno", None) == errno.EADDRNOTAVAIL:
        return UsageError(
            f"{host!r} is no address of this machine; --osc-bind takes one of its own, or 0.0.0.0 for all"
        )
    return UsageError(
        f"{where} cannot be had ({getattr(error, 'strerror', None) or error}); choose another with {flag} PORT"
    )
