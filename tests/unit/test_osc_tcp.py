"""OSC over TCP, by a real socket: both framings, bounded buffers, few clients, none that holds up the others."""

import asyncio
import random
import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from osc_stage import TIMEOUT_S, Peer, a_desk, message, read
from pythonosc import slip

from antiphon.control import tcp, wire
from antiphon.control.dialogue import Dialogue
from antiphon.control.framing import Sized, Slip, framing_of
from antiphon.control.osc import PortTaken
from antiphon.control.peers import who_makes_room
from antiphon.control.tcp import TcpServer

FRAMINGS = {"slip": Slip.frame, "sized": Sized.frame}


def play(scene):
    """Run a scene of (server, connect, events), where connect gives a reader and a writer."""

    async def stage():
        events, log = [], []
        talk = Dialogue(a_desk(events, log), feeds=lambda: {"pitch": (60.0, 62.0)})
        talk.subscriptions.start()
        server = TcpServer(talk)
        server._log = log
        address = await server.start()
        try:
            return await scene(server, lambda: asyncio.open_connection(*address), events)
        finally:
            server.close()
            server.close()
            talk.subscriptions.close()
            await asyncio.sleep(0.01)

    return asyncio.run(stage())


async def hear(reader, how):
    """Read one packet, unframed."""
    if how == "sized":
        (size,) = struct.unpack(">I", await asyncio.wait_for(reader.readexactly(4), TIMEOUT_S))
        return read(await asyncio.wait_for(reader.readexactly(size), TIMEOUT_S))
    frame = b""
    while not frame.strip(slip.END):
        frame = await asyncio.wait_for(reader.readuntil(slip.END), TIMEOUT_S)
    return read(slip.decode(frame))


@pytest.mark.parametrize("how", FRAMINGS)
def test_a_message_is_taken_and_answered_in_the_framing_it_came_in(how):
    """Set, echo, subscription; a frame that comes byte by byte."""

    async def scene(server, connect, events):
        reader, writer = await connect()
        for byte in FRAMINGS[how](message("/antiphon/dry", -6.0)):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        assert await hear(reader, how) == ("/antiphon/echo/dry", [-6.0])
        more = message("/antiphon/voice", -192.0 / 219), message("/antiphon/subscribe", "pitch", 50)
        writer.write(b"".join(map(FRAMINGS[how], more)))
        assert (await hear(reader, how))[0] == "/antiphon/echo/voice"
        assert [await hear(reader, how) for _ in range(3)] == [("/antiphon/feed/pitch", [60.0, 62.0])] * 3
        assert events[0].source.startswith("tcp:127.0.0.1:") and [e.path for e in events] == ["dry", "voice"]
        writer.close()
        while server.clients or len(server._dialogue.subscriptions):
            await asyncio.sleep(0.01)

    play(scene)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([Slip, Sized]), st.lists(st.binary(min_size=1, max_size=60), max_size=6), st.randoms())
def test_packets_come_out_as_they_went_in_however_the_stream_is_cut(kind, packets, rng):
    stream = b"".join(kind.frame(packet) for packet in packets)
    framing, found = kind(), []
    while stream:
        cut = rng.randint(1, len(stream))
        found += framing.feed(stream[:cut])
        stream = stream[cut:]
    assert found == packets


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([Slip, Sized]), st.lists(st.binary(max_size=200), max_size=20))
def test_any_bytes_are_packets_or_malformed_and_little_is_kept(kind, parts):
    framing = kind()
    for part in parts:
        for found in framing.feed(part):
            assert isinstance(found, bytes | wire.Malformed)
    assert sum(len(kept) for kept in vars(framing).values() if isinstance(kept, bytearray)) <= 2 * wire.MAX_BYTES


@pytest.mark.parametrize("kind", [Slip, Sized])
def test_a_frame_that_is_too_long_is_malformed_once_and_the_next_is_read(kind):
    """However many reads it takes; nothing of it is kept."""
    framing, found = kind(), []
    stream = kind.frame(bytes(100_000)) + kind.frame(b"after")
    for at in range(0, len(stream), 1000):
        found += framing.feed(stream[at : at + 1000])
        assert sum(len(kept) for kept in vars(framing).values() if isinstance(kept, bytearray)) <= 2 * wire.MAX_BYTES
    assert [type(part) for part in found] == [wire.Malformed, bytes] and found[1] == b"after"


def test_the_framing_is_told_by_the_first_byte():
    """A length below 16 MB begins with 0, a SLIP frame with 0xC0 or with the packet."""
    assert isinstance(framing_of(0), Sized)
    assert all(isinstance(framing_of(first), Slip) for first in b"\xc0/#x")


def test_nonsense_is_counted_and_the_connection_stays():
    """Wrong escapes, frames of noise; a good one after them is obeyed."""

    async def scene(server, connect, events):
        reader, writer = await connect()
        rng = random.Random(2)
        for _ in range(50):
            writer.write(b"\xc0" + rng.randbytes(40).replace(b"\xc0", b"") + b"\xc0")
        writer.write(b"\xdb\x01\xc0" + Slip.frame(message("/antiphon/dry", -6.0)))
        found = ""
        while found != "/antiphon/echo/dry":
            found, _ = await hear(reader, "slip")
        assert server._dialogue.counters.malformed == 51 and len(events) == 1
        writer.close()

    play(scene)


async def ended(reader):
    """Wait until a connection is ended from the other side."""
    try:
        while await asyncio.wait_for(reader.read(4096), TIMEOUT_S):
            pass
    except ConnectionResetError:
        pass


async def heard(server, count):
    """Wait until so many subscribe."""
    while len(server._dialogue.subscriptions) < count:
        await asyncio.sleep(0.01)


def test_eight_that_say_nothing_shut_nobody_out(monkeypatch):
    """The ninth is obeyed at once; a moment later the one silent longest makes room, which is a line. A display stays."""
    monkeypatch.setattr(tcp, "_MOMENT_S", 0.1)

    async def scene(server, connect, events):
        display, _ = one = await connect()
        one[1].write(Slip.frame(message("/antiphon/subscribe", "pitch")))
        await heard(server, 1)
        idle = [await connect() for _ in range(tcp.MAX_CLIENTS - 1)]
        while len(server.clients) < tcp.MAX_CLIENTS:
            await asyncio.sleep(0.01)
        reader, writer = await connect()
        writer.write(Slip.frame(message("/antiphon/dry", -6.0)))
        assert await hear(reader, "slip") == ("/antiphon/echo/dry", [-6.0])
        await ended(idle[0][0])
        writer.write(Slip.frame(message("/antiphon/dry")))
        assert await hear(reader, "slip") == ("/antiphon/echo/dry", [-6.0])
        assert (await hear(display, "slip"))[0] == "/antiphon/feed/pitch"
        assert len(server.clients) == tcp.MAX_CLIENTS and server.turned_away == 0
        assert len(log := server._log) == 1 and "silent longest" in log[0]
        for _, each in [one, *idle, (reader, writer)]:
            each.close()

    play(scene)


def test_nothing_ends_a_connection_that_has_spoken_while_there_is_room(monkeypatch):
    """One over which nothing came is ended after a while. Both are asked for by the system: a cable that was pulled is noticed."""
    monkeypatch.setattr(tcp, "_UNHEARD_S", 0.1)

    async def scene(server, connect, events):
        reader, writer = await connect()
        writer.write(Slip.frame(message("/antiphon/dry")))
        await hear(reader, "slip")
        silent, other = await connect()
        await ended(silent)
        (client,) = server.clients
        assert client._transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        writer.write(Slip.frame(message("/antiphon/dry")))
        assert await hear(reader, "slip") == ("/antiphon/echo/dry", [0.0])
        writer.close()
        other.close()

    play(scene)


def test_a_burst_of_connections_is_taken_whole():
    """Forty that each connect, send and close before any is looked at, as a script of oscsends does: none waits, none is lost."""

    async def scene(server, connect, events):
        for n in range(40):
            with socket.create_connection(server._server.sockets[0].getsockname(), timeout=0.5) as one:
                one.sendall(Slip.frame(message("/antiphon/dry", -float(n))))
        while len(events) < 40:
            await asyncio.sleep(0.01)
        assert sorted(e.value for e in events) == [-float(n) for n in range(39, -1, -1)]

    play(scene)


def test_however_many_come_at_once_there_is_a_most(monkeypatch):
    monkeypatch.setattr(tcp, "_MOST_AT_ONCE", 12)
    monkeypatch.setattr(tcp, "_MOMENT_S", 60.0)

    async def scene(server, connect, events):
        there = [await connect() for _ in range(30)]
        for reader, _ in there[:18]:
            await ended(reader)
        assert len(server.clients) == 12 and len(server._log) == 1
        for _, writer in there:
            writer.close()

    play(scene)


def test_at_most_eight_are_served(monkeypatch):
    """Where eight of one machine listen its ninth is closed; when one goes there is room again."""
    monkeypatch.setattr(tcp, "_MOMENT_S", 0.1)

    async def scene(server, connect, events):
        there = [await connect() for _ in range(tcp.MAX_CLIENTS)]
        for _, writer in there:
            writer.write(Slip.frame(message("/antiphon/subscribe", "pitch", 1)))
        await heard(server, tcp.MAX_CLIENTS)
        reader, writer = await connect()
        await ended(reader)
        writer.close()
        assert server.turned_away == 1 and len(server.clients) == tcp.MAX_CLIENTS
        there[0][1].close()
        while len(server.clients) == tcp.MAX_CLIENTS:
            await asyncio.sleep(0.01)
        reader, writer = await connect()
        writer.write(Slip.frame(message("/antiphon/dry")))
        assert await hear(reader, "slip") == ("/antiphon/echo/dry", [0.0])
        for _, one in [*there, (reader, writer)]:
            one.close()

    play(scene)


def test_a_client_that_does_not_read_gets_no_more_than_its_share_and_is_dropped(monkeypatch):
    """Its answers are given up, memory stays, and it is gone after a while; others do not notice."""
    monkeypatch.setattr(tcp, "_STUCK_S", 0.3)

    async def scene(server, connect, events):
        reader, writer = await connect()
        writer.transport.pause_reading()
        asked = Slip.frame(message("/antiphon/preset", "x" * 180)) * 80
        while server._dialogue.counters.accepted < 1 or server.clients:
            writer.write(asked)
            for client in server.clients:
                if client._transport is not None:
                    assert client._transport.get_write_buffer_size() <= tcp._MOST_WAITING_BYTES + 1000
            await asyncio.sleep(0.001)
            if writer.transport.is_closing():
                break
        other_reader, other = await connect()
        other.write(Slip.frame(message("/antiphon/dry")))
        assert await hear(other_reader, "slip") == ("/antiphon/echo/dry", [0.0])
        other.close()
        writer.transport.abort()

    play(scene)


@pytest.mark.parametrize("hosts, wanting, comes_from, leaves", [
    ("abc", "", "d", 0),  # whoever has been silent longest
    ("abc", "a", "d", 1),  # but a display that only listens stays
    ("aabb", "aabb", "c", None),  # where all listen, and no machine has more than its share, there is no room
    ("aaab", "aaab", "c", 0),  # one that has more gives one up
    ("aaab", "aaab", "a", None),  # to another, not to itself
])  # fmt: skip
def test_who_makes_room(hosts, wanting, comes_from, leaves):
    peers = []
    for at, host in enumerate(hosts):
        peers.append(Peer(f"tcp:{host}:{at}", lasting=True))
        peers[-1].heard_s = float(at)
    chosen = who_makes_room(peers[::-1], lambda peer: peer.host in wanting, comes_from, 2)
    assert chosen is (None if leaves is None else peers[leaves])


def test_a_taken_port_is_one_line():
    async def scene(server, connect, events):
        host, port = server._server.sockets[0].getsockname()
        with pytest.raises(PortTaken, match=f"OSC TCP port {port} on 127.0.0.1 is taken"):
            await TcpServer(server._dialogue).start(host, port)

    play(scene)
