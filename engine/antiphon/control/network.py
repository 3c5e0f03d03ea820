"""Everything that is reached over the network, opened and closed together: OSC over UDP and TCP, OSCQuery, mDNS.

    UDP -------.
    TCP -------+--> Dialogue --> Desk     one dialogue: what is said and counted is the same whichever way it came
    WebSocket -'         `-----> Subscriptions --> whoever subscribed, or listens
    HTTP <--------- Tree <------ values, feeds
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from ..errors import UsageError
from ..params.spec import Value
from .announce import OSC, OSCQUERY, Announcement, service_name
from .desk import Desk
from .osc import DEFAULT_PORT, LOOPBACK, OscServer
from .subscriptions import Feeds
from .tcp import TcpServer

_MISSING = "playing without OSCQuery: {} is missing; pip install 'antiphon[oscquery]'"


class Network:
    """What is open of them; control thread only.

    The desk's log gets a line for each ("OSC on 127.0.0.1:9000"), and one for what cannot be had and was not asked for.
    `lines` are those of what is open, `address` is OSC's, None where it is not.
    """

    def __init__(self, desk: Desk, status: Callable[[], Mapping[str, Value]] = dict, feeds: Feeds = dict):
        self._desk = desk
        self.osc = OscServer(desk, status, feeds)
        self.tcp: TcpServer | None = None
        self.query = None
        self._announcement: Announcement | None = None
        self.address: tuple[str, int] | None = None
        self.lines: list[str] = []

    async def open(
        self,
        host: str = LOOPBACK,
        port: int | None = None,
        tcp: bool = True,
        oscquery: int | None | bool = None,
        announce: bool = True,
    ) -> None:
        """Open all of it on one address of this machine.

        `port` None takes 9000 or the next that is free, and without any plays on without OSC; a number is taken or
        refused. TCP has the same number. `oscquery` is None for 9100 or the next that is free, a port, or False for none.
        Raises UsageError with one line where a port that was asked for, or the host, cannot be had.
        """
        self.address = await self._open_osc(host, port)
        if self.address is None:
            return
        if tcp:
            await self._open_tcp(host)
        query = None if oscquery is False else await self._open_query(host, oscquery)
        if announce:
            services = {OSC: self.address[1]} | ({} if query is None else {OSCQUERY: query[1]})
            loop = asyncio.get_running_loop()
            self._announcement = Announcement(service_name(self.address[1]), host, services, _in(loop, self._desk.log))
            self._announcement.start()

    async def close(self) -> None:
        """Close all of it; takes no more than about a second. Harmless when called twice."""
        if self._announcement is not None:
            self._announcement.end()
        if self.query is not None:
            await self.query.close()
        if self.tcp is not None:
            self.tcp.close()
        self.osc.close()
        if self._announcement is not None:
            self._announcement.close()

    async def _open_osc(self, host: str, port: int | None) -> tuple[str, int] | None:
        if port is not None:
            address = await self.osc.start(host, port)
        else:
            try:
                address = await self.osc.start_near(host, DEFAULT_PORT)
            except UsageError as error:
                if host != LOOPBACK:
                    raise
                self._desk.log(f"playing without OSC: {error}")
                return None
            if address[1] != DEFAULT_PORT:
                self._desk.log(f"OSC port {DEFAULT_PORT} is taken, perhaps by another antiphon: OSC is on {address[1]} here")
        self._say(f"OSC on {address[0]}:{address[1]}")
        return address

    async def _open_tcp(self, host: str) -> None:
        self.tcp = TcpServer(self.osc.dialogue)
        try:
            await self.tcp.start(host, self.address[1])
        except UsageError as error:
            self.tcp = None
            self._desk.log(f"OSC over UDP only: {error.args[0].partition(';')[0]}")

    async def _open_query(self, host: str, port: int | None) -> tuple[str, int] | None:
        try:
            from .oscquery import DEFAULT_PORT as QUERY_PORT
            from .oscquery import OscQueryServer
        except ImportError as error:
            self._desk.log(_MISSING.format(error.name or "aiohttp"))
            return None
        query = OscQueryServer(self.osc.dialogue, self.address[1])
        if port is not None and port is not True:
            address = await query.start(host, port)
        else:
            try:
                address = await query.start_near(host, QUERY_PORT)
            except UsageError as error:
                self._desk.log(f"playing without OSCQuery: {error}")
                return None
        self.query = query
        self._say(f"OSCQuery on http://{address[0]}:{address[1]}")
        return address

    def _say(self, line: str) -> None:
        self.lines.append(line)
        self._desk.log(line)


def _in(loop: asyncio.AbstractEventLoop, log: Callable[[str], None]) -> Callable[[str], None]:
    """Give a log that other threads may call."""

    def say(line: str) -> None:
        try:
            loop.call_soon_threadsafe(log, line)
        except RuntimeError:
            pass  # the loop is closed: the performance is over

    return say
