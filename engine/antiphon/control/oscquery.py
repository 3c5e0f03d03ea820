"""OSCQuery (github.com/Vidvox/OSCQueryProposal): the table as a tree over HTTP, changes and OSC over a WebSocket.

    GET /antiphon/dry            the node, with all that is in it
    GET /antiphon/dry?VALUE      one attribute of it; ?HOST_INFO says what is supported
    WebSocket, text              {"COMMAND": "LISTEN", "DATA": "/antiphon/dry"}, and IGNORE
    WebSocket, binary            OSC packets: taken like a datagram; what is listened to comes the same way

Everything runs in the control thread and waits for nobody: a client that does not read is told the newest values when
it reads again (subscriptions.py), and is dropped when it has not for five seconds. Where all WebSockets are taken, one that
listens to nothing makes room for the next: the one silent longest.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import socket
import time
from collections import deque
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from ..errors import UsageError, nearest
from ..params.surfaces import OSC_ROOT
from . import wire
from .announce import service_name
from .dialogue import Dialogue
from .osc import LOOPBACK, PortTaken, bind
from .peers import who_makes_room
from .tree import ATTRIBUTES, NOT_SUPPORTED, Tree

DEFAULT_PORT = 9100
MAX_CLIENTS = 16  # of the WebSocket
MAX_CONNECTIONS = 48  # those among them
_READY = 64  # packets; a client with as many waiting is not ready for feedback
_MOST_WAITING = 256  # and one with as many gets no answer
_STUCK_S = 5.0
_PING_S = 30.0
_SUPPORTED = {name: True for name in ATTRIBUTES[3:]} | {"LISTEN": True, "PATH_CHANGED": False} | dict.fromkeys(NOT_SUPPORTED, False)

_silent = logging.getLogger("antiphon.oscquery")  # whatever a client gets wrong is no news for a stage
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class OscQueryServer:
    """Serve the tree of a dialogue's desk on one TCP port; control thread only. `osc_port` is that of the UDP server."""

    def __init__(self, dialogue: Dialogue, osc_port: int):
        self._dialogue, self._osc_port = dialogue, osc_port
        desk = dialogue.desk
        self._tree = Tree(desk.registry, desk.values, dialogue.feeds)
        self._web: web.Server | None = None
        self._server: asyncio.Server | None = None
        self._watch: asyncio.Task | None = None
        self._address = (LOOPBACK, 0)
        self.clients: set[_Client] = set()
        self.dropped = 0

    async def start(self, host: str = LOOPBACK, port: int = DEFAULT_PORT) -> tuple[str, int]:
        """Bind and listen; give host and port as bound. Raises UsageError with one line where that cannot be."""
        bound = await bind(host, port, socket.SOCK_STREAM, "--oscquery", "OSCQuery")
        self._address = bound.getsockname()[:2]
        self._web = web.Server(self._answer, access_log=None, logger=_silent, keepalive_timeout=30.0)
        self._server = await asyncio.get_running_loop().create_server(self._connection, sock=bound, backlog=MAX_CONNECTIONS)
        self._watch = asyncio.get_running_loop().create_task(self._drop_who_does_not_read(), name="antiphon-oscquery")
        return self._address

    async def start_near(self, host: str, port: int = DEFAULT_PORT, tries: int = 10) -> tuple[str, int]:
        """Like `start`, but take the next free port where this one is taken, since nobody asked for this one."""
        for candidate in range(port, port + tries):
            try:
                return await self.start(host, candidate)
            except PortTaken:
                continue
        raise UsageError(f"OSCQuery ports {port} to {port + tries - 1} on {host} are all taken; choose one with --oscquery PORT")

    @property
    def address(self) -> tuple[str, int]:
        """Host and port as bound."""
        return self._address

    async def close(self) -> None:
        """Stop serving and end every connection; harmless when called twice."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        self._watch.cancel()
        for connection in self._web.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)  # what served them hears of it
        await self._web.shutdown(0.2)

    def _connection(self) -> asyncio.Protocol:
        """Give what serves a new connection. Where there are too many, the oldest that is no WebSocket makes room: nobody
        shuts others out by opening connections and saying nothing."""
        connections = self._web.connections
        if len(connections) >= MAX_CONNECTIONS:
            busy = {client.transport for client in self.clients}
            for connection in connections:
                if connection.transport is not None and connection.transport not in busy:
                    connection.transport.abort()
                    break
        return self._web()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if not _is_local(origin):
            return _said(403, f"pages from {origin[:80]!r} may not play here; open one from this machine or its network")
        allowed = {"Access-Control-Allow-Origin": origin} if origin else {}
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._converse(request)
        if request.method not in ("GET", "HEAD"):
            return _said(405, "this is read with GET; values are set over OSC or the WebSocket", Allow="GET, HEAD")
        return self._look_up(request.path, request.query_string, allowed)

    def _look_up(self, path: str, query: str, headers: dict[str, str]) -> web.Response:
        names = [name.partition("=")[0] for name in query.split("&") if name]
        if "HOST_INFO" in names:
            return _json(self._host_info(), headers)
        address = "/" + path.strip("/")
        node = self._tree.describe(address)
        if node is None:
            near = nearest(address.removeprefix(OSC_ROOT)[:80], [known.removeprefix(OSC_ROOT) for known in self._tree])
            hint = f"; did you mean {' or '.join(OSC_ROOT + name for name in near)}?" if near else ""
            return _said(404, f"there is no {address[:80]}{hint}", **headers)
        if not names:
            return _json(node, headers)
        for name in names:
            if name in NOT_SUPPORTED:
                return web.Response(status=204, headers=headers)
            if name not in ATTRIBUTES:
                return _said(400, f"unknown attribute {name[:40]!r}; there is: {', '.join(ATTRIBUTES)}, HOST_INFO", **headers)
        if "VALUE" in names and not node["ACCESS"] & 1:
            return web.Response(status=204, headers=headers)  # as the proposal says of a value that cannot be read
        return _json({name: node[name] for name in names if name in node}, headers)

    def _host_info(self) -> dict:
        return {
            "NAME": service_name(self._osc_port),
            "EXTENSIONS": _SUPPORTED,
            "OSC_PORT": self._osc_port,
            "OSC_TRANSPORT": "UDP",
            "WS_PORT": self._address[1],
        }

    async def _converse(self, request: web.BaseRequest) -> web.StreamResponse:
        stream = web.WebSocketResponse(max_msg_size=wire.MAX_BYTES, compress=False, heartbeat=_PING_S, timeout=1.0)
        client = _Client(stream, request)
        if len(self.clients) >= MAX_CLIENTS:
            leaves = who_makes_room(self.clients, self._dialogue.subscriptions.wants, client.host, MAX_CLIENTS // 2)
            if leaves is None:
                return _said(503, f"{MAX_CLIENTS} WebSockets are open already")
            self._dialogue.note(f"OSCQuery has {MAX_CLIENTS} WebSockets at most: {leaves.name}, silent longest, made room")
            self.clients.discard(leaves)
            leaves.drop()
        self.clients.add(client)
        try:
            await stream.prepare(request)
            writing = asyncio.get_running_loop().create_task(client.write(), name="antiphon-oscquery-client")
            try:
                async for message in stream:
                    client.heard_s = time.monotonic()
                    if message.type == WSMsgType.BINARY:
                        self._dialogue.take(message.data, client)
                    elif message.type == WSMsgType.TEXT:
                        self._command(message.data, client)
                    await asyncio.sleep(0)  # one who sends much does not hold up the others
            finally:
                writing.cancel()
        except (ConnectionError, web.HTTPException, ValueError):
            pass  # it has gone, or it spoke no WebSocket
        finally:
            self.clients.discard(client)
            self._dialogue.gone(client)
        return stream

    def _command(self, text: str, client: _Client) -> None:
        """Take a LISTEN or an IGNORE; whatever else a client may say is passed over, as by others who serve OSCQuery."""
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict) or not isinstance(said.get("DATA"), str):
            self._dialogue.counters.refused += 1
            return
        path = said["DATA"].removeprefix(OSC_ROOT)
        if said.get("COMMAND") == "LISTEN":
            if not self._dialogue.subscriptions.listen(client, path):
                self._dialogue.counters.refused += 1
        elif said.get("COMMAND") == "IGNORE":
            self._dialogue.subscriptions.ignore(client, path)

    async def _drop_who_does_not_read(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            for client in list(self.clients):
                if client.stuck_since is not None and time.monotonic() - client.stuck_since > _STUCK_S:
                    self.dropped += 1
                    client.drop()


class _Client:
    """One WebSocket, and who speaks over it."""

    lasting = True

    def __init__(self, stream: web.WebSocketResponse, request: web.BaseRequest):
        self._stream, self.transport = stream, request.transport
        peer = (self.transport.get_extra_info("peername") if self.transport else None) or ("?", 0)
        self.name, self.host = f"oscquery:{peer[0]}:{peer[1]}", str(peer[0])
        self._waiting: deque[bytes] = deque()
        self._more = asyncio.Event()
        self.stuck_since: float | None = None
        self.heard_s = time.monotonic()

    @property
    def key(self) -> object:
        return self

    @property
    def ready(self) -> bool:
        return len(self._waiting) < _READY

    def send(self, packet: bytes) -> bool:
        if len(self._waiting) >= _MOST_WAITING:
            return False
        self._waiting.append(packet)
        self._more.set()
        return True

    def drop(self) -> None:
        """End the connection at once."""
        if self.transport is not None:
            self.transport.abort()

    async def write(self) -> None:
        """Write what waits, for as long as the connection lasts."""
        try:
            while True:
                await self._more.wait()
                self._more.clear()
                while self._waiting:
                    self.stuck_since = time.monotonic()
                    await self._stream.send_bytes(self._waiting.popleft())
                    self.stuck_since = None
        except (ConnectionError, RuntimeError):  # it has gone
            self.drop()


def _is_local(origin: str | None) -> bool:
    """Whether a page that a browser has open may speak with us: one from this machine or a private network, or none at all.

    Any page of the Web may open a WebSocket to 127.0.0.1. What is not a browser sends no Origin.
    """
    if origin is None:
        return True
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in ("localhost", socket.gethostname()) or host.endswith(".local")
    return address.is_private or address.is_loopback or address.is_link_local


def _json(node: dict, headers: dict[str, str]) -> web.Response:
    return web.Response(text=json.dumps(node), content_type="application/json", headers=headers)


def _said(status: int, line: str, **headers: str) -> web.Response:
    return web.Response(status=status, text=json.dumps({"ERROR": line}), content_type="application/json", headers=headers)
