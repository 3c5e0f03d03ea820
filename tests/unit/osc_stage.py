"""What the tests of OSC share: a desk without an engine, messages as python-osc writes them, somebody with a Pd patch."""

import asyncio
from collections import Counter

from pythonosc import osc_bundle_builder, osc_message_builder
from pythonosc.osc_message import OscMessage

from antiphon.control.desk import Desk
from antiphon.control.osc import OscServer
from antiphon.params import REGISTRY

TIMEOUT_S = 10  # for what comes in milliseconds, on a machine that does other things too


def a_desk(events=None, log=None, **keywords):
    """A desk on the whole table whose engine keeps values and does nothing else; every control row has a taker."""
    events = [] if events is None else events
    values = REGISTRY.defaults()

    def apply(event):
        events.append(event)
        if event.path in values:
            values[event.path] = event.value

    desk = Desk(REGISTRY, apply, values, log=(log if log is not None else []).append, **keywords)
    for row in REGISTRY.control_rows:
        if row.access == "w":
            desk.handle(row.path, lambda event: None)
    return desk


def other_value(row):
    """A value of the row that is not its default, and that 32 bits hold exactly; for what happens, what makes it happen."""
    if row.kind == "trigger":
        return 3 if row.numbered else True
    if row.kind == "text":
        return "dark and slow"
    if row.kind == "bool":
        return not row.default
    if row.kind == "enum":
        return next(choice for choice in row.choices if choice != row.default)
    if row.kind == "int":
        return row.default + 1
    if row.kind == "list":
        return tuple(float(row.minimum + k + 1) for k in range(min(row.most, 3)))
    return next(v for v in (row.maximum, row.minimum, 0.5) if v != row.default and (v * 2**20).is_integer())


def arguments(value):
    """A value as the arguments of a message."""
    return value if isinstance(value, tuple) else (value,)


def message(address, *arguments):
    """Bytes as python-osc writes them."""
    builder = osc_message_builder.OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build().dgram


def bundle(time_s, *parts):
    """A bundle as python-osc writes it; time 0 is at once."""
    builder = osc_bundle_builder.OscBundleBuilder(time_s)
    for part in parts:
        builder.add_content(part if not isinstance(part, bytes) else OscMessage(part))
    return builder.build()


def read(data):
    """A packet as python-osc reads it: address and arguments."""
    found = OscMessage(data)
    return found.address, list(found)


class Client(asyncio.DatagramProtocol):
    """Somebody with a Pd patch."""

    def __init__(self):
        self.replies = asyncio.Queue()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, sender):
        self.replies.put_nowait(read(data))

    async def hear(self, count=1):
        """Wait for so many replies."""
        return [await asyncio.wait_for(self.replies.get(), TIMEOUT_S) for _ in range(count)]

    async def hear_of(self, address):
        """Wait for a reply with this address, and give its arguments."""
        while True:
            found, arguments = (await self.hear())[0]
            if found == address:
                return arguments

    async def ask(self, *datagrams):
        """Send, and wait for as many replies."""
        for datagram in datagrams:
            self.transport.sendto(datagram)
        return await self.hear(len(datagrams))


async def a_client(address):
    """Somebody new, who speaks to this address."""
    _, client = await asyncio.get_running_loop().create_datagram_endpoint(Client, remote_addr=address)
    return client


class Peer:
    """One who is told things without a network; `got` is what, as address and arguments. `ready` may be taken away."""

    def __init__(self, name="osc:10.0.0.1:5000", lasting=False):
        self.name, self.host, self.lasting, self.ready, self.got = name, name.split(":")[1], lasting, True, []

    @property
    def key(self):
        return self.name

    def send(self, packet):
        self.got.append(read_loosely(packet))
        return True

    def heard(self):
        """What came since it was looked at last."""
        got, self.got = self.got, []
        return got

    def count(self):
        return Counter(address for address, _ in self.got)


def read_loosely(packet):
    """A packet as our own decoder reads it: python-osc does not know I."""
    from antiphon.control import wire

    (found,) = wire.decode(packet)
    return found.address, list(found.arguments)


def play(scene, status=dict, feeds=dict, **keywords):
    """Run a scene of (server, client, events, log) on a free port; gives back what the scene does."""

    async def stage():
        events, log = [], []
        server = OscServer(a_desk(events, log, **keywords), status, feeds)
        client = await a_client(await server.start(port=0))
        try:
            return await scene(server, client, events, log)
        finally:
            server.close()
            server.close()
            client.transport.close()
            await asyncio.sleep(0)

    return asyncio.run(stage())
