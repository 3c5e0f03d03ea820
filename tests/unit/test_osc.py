"""OSC over a real loopback socket: every row is set, asked for and echoed; nothing that arrives makes it raise."""

import asyncio
import random
import struct
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pythonosc import osc_bundle_builder, osc_message_builder
from pythonosc.osc_message import OscMessage

from antiphon.control import osc, wire
from antiphon.control.osc import OscServer, PortTaken
from antiphon.errors import UsageError
from antiphon.params import REGISTRY


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


class Client(asyncio.DatagramProtocol):
    """Somebody with a Pd patch."""

    def __init__(self):
        self.replies = asyncio.Queue()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, sender):
        self.replies.put_nowait((OscMessage(data).address, list(OscMessage(data))))

    async def ask(self, *datagrams):
        """Send, and wait for as many replies."""
        for datagram in datagrams:
            self.transport.sendto(datagram)
        return [await asyncio.wait_for(self.replies.get(), 2) for _ in datagrams]


def play(scene, **keywords):
    """Run a scene of (server, client, events, log) on a free port."""

    async def stage():
        events, log = [], []
        server = OscServer(REGISTRY, events.append, REGISTRY.defaults(), log=log.append, **keywords)
        address = await server.start(port=0)
        _, client = await asyncio.get_running_loop().create_datagram_endpoint(Client, remote_addr=address)
        try:
            return await scene(server, client, events, log)
        finally:
            server.close()
            server.close()
            client.transport.close()

    return asyncio.run(stage())


def test_a_value_is_set_and_echoed_and_asked_for():
    """An event with its source, and two replies to the sender alone."""

    async def scene(server, client, events, log):
        assert await client.ask(message("/antiphon/dry", -6.0)) == [("/antiphon/echo/dry", [-6.0])]
        assert [(e.path, e.value, e.time_frame) for e in events] == [("dry", -6.0, None)]
        assert events[0].source.startswith("osc:127.0.0.1:")
        assert await client.ask(message("/antiphon/answer_s")) == [("/antiphon/echo/answer_s", [8.0])]
        assert len(events) == 1 and log == []

    play(scene)


def test_a_trigger_fires_without_a_value_and_a_button_let_go_is_nothing():
    """Bang, 1 and 0."""

    async def scene(server, client, events, log):
        await client.ask(message("/antiphon/trigger"), message("/antiphon/trigger", 1), message("/antiphon/trigger", 0))
        assert [(e.path, e.value) for e in events] == [("trigger", True)] * 2

    play(scene)


def test_an_unknown_path_is_answered_with_the_nearest():
    """The text, then the paths as arguments of their own, for a client that wants to offer them."""

    async def scene(server, client, events, log):
        ((address, arguments),) = await client.ask(message("/antiphon/temprature", 1.0))
        assert address == "/antiphon/error" and arguments[1] == "temperature" and "temprature" in arguments[0]
        ((address, arguments),) = await client.ask(message("/synth/freq", 1.0))
        assert address == "/antiphon/error" and "/antiphon/" in arguments[0]
        assert events == [] and server.counters.refused == 2

    play(scene)


@pytest.mark.parametrize("arguments", [(float("nan"),), (float("inf"),), ("loud",), (b"blob",), (1.0, 2.0), (True,)])
def test_a_wrong_value_is_refused_with_one_line(arguments):
    """NaN, words, blobs, too many values."""

    async def scene(server, client, events, log):
        ((address, reply),) = await client.ask(message("/antiphon/temperature", *arguments))
        assert address == "/antiphon/error" and "temperature" in reply[0] and "\n" not in reply[0] and events == []

    play(scene)


def test_status_comes_as_names_and_values():
    """What the engine hands in, flat."""

    async def scene(server, client, events, log):
        assert await client.ask(message("/antiphon/status")) == [("/antiphon/status", ["mode", "hold", "late", 3])]

    play(scene, status=lambda: {"mode": "hold", "late": 3})


def test_status_is_not_sent_to_one_address_as_often_as_it_is_asked_for_in_its_name(monkeypatch):
    """A question of 28 bytes is answered with two thousand: 50 a second to one host, and to 20 hosts at most."""
    clock = [1000.0]
    monkeypatch.setattr(osc.time, "monotonic", lambda: clock[0])
    sent = []

    class Transport:
        def get_write_buffer_size(self):
            return 0

        def sendto(self, data, sender):
            sent.append(sender[0])

    server = OscServer(REGISTRY, lambda event: None, REGISTRY.defaults(), status=lambda: {"state": "listening"})
    server.connection_made(Transport())
    asked = message("/antiphon/status")
    for n in range(200):
        server.datagram_received(asked, ("10.0.0.1", 4000 + n))
    assert len(sent) == 50 and server.counters.silenced == 150
    for n in range(300):
        server.datagram_received(asked, (f"10.0.1.{n % 256}", 4000))
    assert len(set(sent)) == 20
    clock[0] += 1.0
    server.datagram_received(asked, ("10.0.0.1", 4000))
    assert sent[-1] == "10.0.0.1" and server.counters.asked == 501


def test_time_tags_become_frames_and_clocks_that_are_wrong_are_told():
    """Ahead: the clock's frame. At once or past: none. Ten minutes ahead: refused."""

    async def scene(server, client, events, log):
        now = time.time()
        await client.ask(
            bundle(now + 1.0, message("/antiphon/dry", -3.0)).dgram,
            bundle(now - 5.0, message("/antiphon/dry", -4.0)).dgram,
            bundle(osc_bundle_builder.IMMEDIATELY, message("/antiphon/dry", -5.0)).dgram,
        )
        assert events[0].time_frame == pytest.approx((now + 1.0 - start) * 48000, abs=2)
        assert [e.time_frame for e in events[1:]] == [None, None]
        ((address, reply),) = await client.ask(bundle(now + 600, message("/antiphon/dry", -3.0)).dgram)
        assert address == "/antiphon/error" and "clocks" in reply[0] and len(events) == 3

    start = time.time()
    play(scene, frame_at=lambda unix_s: round((unix_s - start) * 48000))


def test_a_bundle_is_taken_in_order_and_a_bad_row_in_it_spoils_no_other():
    """Each message has its own reply."""

    async def scene(server, client, events, log):
        inner = bundle(
            osc_bundle_builder.IMMEDIATELY, message("/antiphon/voice", -1.0), message("/antiphon/vioce", 0.0)
        )
        outer = bundle(
            osc_bundle_builder.IMMEDIATELY, message("/antiphon/mode", "hold"), inner, message("/antiphon/mute", 1)
        )
        client.transport.sendto(outer.dgram)
        replies = [await asyncio.wait_for(client.replies.get(), 2) for _ in range(4)]
        assert [a for a, _ in replies] == [
            "/antiphon/echo/mode",
            "/antiphon/echo/voice",
            "/antiphon/error",
            "/antiphon/echo/mute",
        ]
        assert [(e.path, e.value) for e in events] == [("mode", "hold"), ("voice", -1.0), ("mute", True)]

    play(scene)


def test_replies_are_never_answered():
    """Two instruments that are pointed at each other fall silent."""

    async def scene(server, client, events, log):
        for address in ("/antiphon/error", "/antiphon/echo/dry", "/antiphon/echo/nothing"):
            client.transport.sendto(message(address, "x"))
        assert (await client.ask(message("/antiphon/dry")))[0][0] == "/antiphon/echo/dry"
        assert client.replies.empty() and log == []

    play(scene)


def test_a_flood_of_nonsense_is_counted_and_hardly_logged():
    """3,000 random, cut and oversized datagrams: no exception, a few lines of log, bounded replies; it still plays."""

    async def scene(server, client, events, log):
        rng = random.Random(1)
        good = bundle(
            osc_bundle_builder.IMMEDIATELY, message("/antiphon/dry", -6.0), message("/antiphon/mode", "answer")
        ).dgram
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: problems.append(context))
        for k in range(3000):
            data = bytearray(good)
            for _ in range(rng.randint(1, 8)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            if k % 3 == 0:
                data = bytearray(rng.randbytes(rng.randrange(0, 60)))
            if k % 50 == 0:
                data = bytearray(rng.randbytes(wire.MAX_BYTES + 1))
            server.datagram_received(
                bytes(data[: rng.randint(0, len(data))]) if k % 2 else bytes(data), ("127.0.0.1", 9)
            )
        assert server.counters.datagrams == 3000 and server.counters.malformed > 1000
        assert len(log) <= 2 + 3 and server.counters.silenced > 1000
        assert all(e.path in REGISTRY.paths for e in events)
        while not client.replies.empty():
            client.replies.get_nowait()
        assert (await client.ask(message("/antiphon/dry")))[0][0] == "/antiphon/echo/dry"
        assert problems == []

    problems = []
    play(scene)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=100).map(lambda b: b"#bundle\0" + b),
        st.binary(max_size=60).map(lambda b: b"/antiphon/dry\0\0\0" + b),
        st.text(max_size=8).map(lambda t: b"/a\0\0" + ("," + t).encode() + b"\0\0\0\0" * 3),
    )
)
def test_any_bytes_are_messages_or_malformed(data):
    """The decoder has two outcomes."""
    try:
        for found in wire.decode(data):
            assert found.address.startswith("/")
    except wire.Malformed as error:
        assert "\n" not in str(error)


def test_bundles_that_nest_or_go_backwards_are_malformed():
    """Deep nesting, elements of negative or zero size, and too many messages end at once."""
    head = b"#bundle\0" + struct.pack(">Q", 1)
    deep = message("/antiphon/dry", 0.0)
    for _ in range(wire.MAX_NESTING):
        deep = head + struct.pack(">i", len(deep)) + deep
    assert len(wire.decode(deep)) == 1
    for bad in (
        head + struct.pack(">i", len(deep)) + deep,
        head + struct.pack(">i", -4) + b"....",
        head + struct.pack(">i", 0) * 4,
        head + (struct.pack(">i", 8) + b"/a\0\0,\0\0\0") * (wire.MAX_MESSAGES + 1),
        bytes(wire.MAX_BYTES + 4),
    ):
        with pytest.raises(wire.Malformed):
            wire.decode(bad)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.booleans(),
            st.none(),
            st.integers(-(2**31), 2**31 - 1),
            st.floats(width=32, allow_nan=False, allow_infinity=False),
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
        ),
        max_size=8,
    )
)
@example([3.4028234663852886e38, -3.4028234663852886e38])
def test_what_is_written_is_read_alike_here_and_by_python_osc(arguments):
    """Our writer, python-osc's reader, our reader."""
    data = wire.encode("/antiphon/x", *arguments)
    assert len(data) % 4 == 0
    assert (
        list(OscMessage(data)) == pytest.approx(arguments)
        if all(isinstance(a, float) for a in arguments)
        else list(OscMessage(data)) == arguments
    )
    (found,) = wire.decode(data)
    assert found.address == "/antiphon/x" and list(found.arguments) == list(OscMessage(data))
    (theirs,) = wire.decode(message("/antiphon/x", *[a for a in arguments if a is not None]))
    assert list(theirs.arguments) == [a for a in arguments if a is not None]


def test_a_taken_port_gets_one_line_and_the_default_moves_on():
    """Asked for: an error that says what to do. Not asked for: the next free port."""

    async def scene(server, client, events, log):
        host, port = server.address
        other = OscServer(REGISTRY, events.append, {})
        with pytest.raises(PortTaken, match=f"OSC port {port} on 127.0.0.1 is taken.*--osc PORT"):
            await other.start(host, port)
        assert (await other.start_near(host, port))[1] > port
        other.close()
        for host, port, words in [
            ("127.0.0.1", 70000, "does not exist"),
            ("203.0.113.7", 9000, "no address of this machine"),
            ("nowhere.invalid", 9000, "no address|cannot be had"),
        ]:
            with pytest.raises(UsageError, match=words):
                await OscServer(REGISTRY, events.append, {}).start(host, port)

    play(scene)


def test_a_port_open_to_the_network_is_said_in_the_log():
    """Default is the loopback interface, without a word."""

    async def scene():
        log = []
        server = OscServer(REGISTRY, lambda event: None, {}, log=log.append)
        await server.start("0.0.0.0", 0)
        server.close()
        assert len(log) == 1 and "open to the network" in log[0]

    asyncio.run(scene())
    play(lambda server, client, events, log: _nothing(log))


async def _nothing(log):
    assert log == []


def test_timetags_are_ntp():
    """1 January 1970 is 2208988800 s after the NTP epoch (RFC 5905); the lower word is a binary fraction; 1 is at once."""
    inner = wire.encode("/antiphon/panic")
    for tag, expected in (((2_208_988_800 << 32) + (1 << 31), 0.5), (1, None)):
        bundle = b"#bundle\0" + struct.pack(">Qi", tag, len(inner)) + inner
        assert [found.time_s for found in wire.decode(bundle)] == [expected]
