"""OSC over a real loopback socket: every row is set, asked for and echoed; nothing that arrives makes it raise."""

import asyncio
import dataclasses
import gc
import random
import struct
import time
import tracemalloc

import osc_stage
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from osc_stage import Client, Peer, a_client, a_desk, bundle, message, other_value, play, read
from pythonosc import osc_bundle_builder
from pythonosc.osc_message import OscMessage

from antiphon.control import dialogue, wire
from antiphon.control.dialogue import Dialogue
from antiphon.control.feedback import FEED_NAMES
from antiphon.control.osc import OscServer, PortTaken
from antiphon.errors import UsageError
from antiphon.events import Event
from antiphon.params import REGISTRY


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
        client.transport.sendto(message("/antiphon/status", "mode", "hold"))  # another instrument's answer is none of ours
        assert await client.ask(message("/antiphon/dry")) == [("/antiphon/echo/dry", [0.0])]

    play(scene, status=lambda: {"mode": "hold", "late": 3})


def test_status_is_not_sent_to_one_address_as_often_as_it_is_asked_for_in_its_name(monkeypatch):
    """A question of 28 bytes is answered with two thousand: 50 a second to one host, and to 20 hosts at most."""
    clock = [1000.0]
    monkeypatch.setattr(dialogue.time, "monotonic", lambda: clock[0])
    sent = []
    talk = Dialogue(a_desk(), status=lambda: {"state": "listening"})

    def ask(host, port=4000):
        peer = Peer(f"osc:{host}:{port}")
        talk.take(message("/antiphon/status"), peer)
        sent.extend([host] * len(peer.got))

    for n in range(200):
        ask("10.0.0.1", 4000 + n)
    assert len(sent) == 50 and talk.counters.silenced == 150
    for n in range(300):
        ask(f"10.0.1.{n % 256}")
    assert len(set(sent)) == 20
    clock[0] += 1.0
    ask("10.0.0.1")
    assert sent[-1] == "10.0.0.1" and talk.counters.asked == 501


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
        for address in ("/antiphon/error", "/antiphon/asked", "/antiphon/echo/dry", "/antiphon/echo/nothing"):
            client.transport.sendto(message(address, "x"))
        assert (await client.ask(message("/antiphon/dry")))[0][0] == "/antiphon/echo/dry"
        assert client.replies.empty() and log == []

    play(scene)


def test_whatever_is_answered_says_nothing_to_whoever_answered_it():
    """Every answer there is, taken as if it were a question: no event, no answer, no count but that it came."""
    status = {"state": "listening", "fits": True, "bundle": None} | {f"field_{n}": n for n in range(75)}
    desk = a_desk(events := [], log := [])
    talk = Dialogue(desk, lambda: status, lambda: {name: (1.0, 2.0) for name in FEED_NAMES})
    desk.handle("ask", lambda event: talk.answer("asked", "tempo 200 bpm, from 100 bpm", "chord none"))

    class Raw(Peer):
        def send(self, packet):
            self.got.append(packet)
            return True

    peer = Raw()
    talk.subscriptions.subscribe(peer, "echo", 100)
    for feed in FEED_NAMES:
        talk.subscriptions.subscribe(peer, feed, 100)
    desk.emit(Event("trigger", True, None, "key"))
    talk.subscriptions.turn(time.monotonic() + 1.0)
    for row in REGISTRY.rows:
        talk.take(message("/antiphon/" + row.path, *osc_stage.arguments(other_value(row))), peer)
    for path, *said in (("ask", "faster"), ("nothing",), ("reply_to", "x")):
        talk.take(message("/antiphon/" + path, *said), peer)
    for path in ("status", *(f"feed/{name}" for name in FEED_NAMES)):
        talk.take(message("/antiphon/" + path), peer)
    talk.take(b"nonsense", peer)
    answers = peer.heard()
    found = {wire.decode(answer)[0].address for answer in answers}
    assert {"/antiphon/asked", "/antiphon/error", "/antiphon/status", "/antiphon/feed/pitch", "/antiphon/echo/dry"} <= found
    told = len(log)
    events.clear()
    before = dataclasses.asdict(talk.counters)
    for answer in answers:
        talk.take(answer, peer)
    assert events == [] and peer.got == [] and len(log) == told
    assert dataclasses.asdict(talk.counters) == before | {"datagrams": before["datagrams"] + len(answers)}


def test_a_status_without_a_word_is_not_told():
    """It would be the question."""
    peer = Peer()
    Dialogue(a_desk()).take(message("/antiphon/status"), peer)
    assert peer.got == []


def test_status_says_switches_as_numbers_and_what_is_not_there_as_none():
    """Pd 0.53's [oscparse] drops T, F and N, and names and values would go out of step. A row's echo stays T or F."""
    sent = []

    class Raw(Peer):
        def send(self, packet):
            sent.append(packet)
            return True

    talk = Dialogue(a_desk(), lambda: {"lost": False, "fits": True, "bundle": None, "late": 3, "lead_ms": 6.5})
    talk.take(message("/antiphon/status"), Raw())
    talk.take(message("/antiphon/mute"), Raw())
    assert b",sisisssisf\0" in sent[0]
    assert read(sent[0]) == ("/antiphon/status", ["lost", 0, "fits", 1, "bundle", "none", "late", 3, "lead_ms", 6.5])
    assert b",F\0\0" in sent[1]


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
        other = OscServer(a_desk())
        with pytest.raises(PortTaken, match=f"OSC port {port} on 127.0.0.1 is taken.*--osc PORT"):
            await other.start(host, port)
        assert (await other.start_near(host, port))[1] > port
        other.close()
        for host, port, words in [
            ("127.0.0.1", 70000, "does not exist"),
            ("203.0.113.7", 9000, "no address of this machine"),
            ("nowhere.invalid", 9000, "no address|cannot be had"),
            ("a..b", 9000, "no address of this machine"),
            ("x" * 64, 9000, "no address of this machine"),
        ]:
            with pytest.raises(UsageError, match=words):
                await OscServer(a_desk()).start(host, port)

    play(scene)


def test_a_port_open_to_the_network_is_said_in_the_log():
    """Default is the loopback interface, without a word."""

    async def scene():
        log = []
        server = OscServer(a_desk(log=log))
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


def test_a_list_takes_its_numbers_as_arguments_an_array_or_the_word_none():
    """As many as it holds; note names where it is of notes; the echo has what was taken. No argument asks."""

    async def scene(server, client, events, log):
        array = b"/antiphon/chord\0,[iif]\0\0" + struct.pack(">iif", 60, 64, 67.5)
        replies = await client.ask(
            message("/antiphon/chord", 60, 64.5, 67),
            array,
            message("/antiphon/chord", "c4", "eb4"),
            message("/antiphon/chord", "none"),
            message("/antiphon/chord"),
            message("/antiphon/chord", *range(13)),
            message("/antiphon/chord", 60, 128),
        )
        assert [e.value for e in events] == [(60.0, 64.5, 67.0), (60.0, 64.0, 67.5), (60.0, 63.0), ()]
        assert replies[0] == ("/antiphon/echo/chord", [60.0, 64.5, 67.0])
        assert replies[3] == replies[4] == ("/antiphon/echo/chord", ["none"])
        assert [address for address, _ in replies[5:]] == ["/antiphon/error"] * 2

    play(scene)


@pytest.mark.parametrize("datagram, value", [
    (message("/antiphon/keep", 3), 3),
    (message("/antiphon/keep", 3.0), 3),
    (message("/antiphon/keep/3"), 3),
    (message("/antiphon/keep/3", 1.0), 3),
    (message("/antiphon/keep/3", True), 3),
    (message("/antiphon/keep/3", 0.0), None),
    (message("/antiphon/keep/3", False), None),
    (message("/antiphon/keep", 0), None),
    (message("/antiphon/play_note", "a4"), 69),
])  # fmt: skip
def test_a_numbered_trigger_says_which_as_a_value_or_in_its_address(datagram, value):
    """`keep 3`, and `keep/3` for buttons, whose 0 is nothing."""

    async def scene(server, client, events, log):
        ((address, _),) = await client.ask(datagram)
        assert address.startswith("/antiphon/echo/")
        assert [e.value for e in events] == ([] if value is None else [value])

    play(scene)


@pytest.mark.parametrize("address, arguments", [
    ("/antiphon/keep", ()), ("/antiphon/keep", (9,)), ("/antiphon/keep/9", ()), ("/antiphon/keep/9", (0,)),
    ("/antiphon/keep/x", ()), ("/antiphon/keep/1", (1, 2)), ("/antiphon/keep/" + "1" * 50, ()), ("/antiphon/trigger/1", ()),
    ("/antiphon/keep/-1", ()), ("/antiphon/keep/٣", ()), ("/antiphon/ask", ()), ("/antiphon/ask", (b"dark",)),
    ("/antiphon/ask", ("x" * 501,)), ("/antiphon/", ()), ("/antiphon/send", (0.0,)), ("/antiphon/feed/nothing", ()),
    ("/antiphon/subscribe", ()), ("/antiphon/subscribe", (1.0,)), ("/antiphon/subscribe", ("dry", "often")),
    ("/antiphon/subscribe", ("dry", float("nan"))), ("/antiphon/subscribe", ("nothing",)), ("/antiphon/subscribe", ("[",)),
    ("/antiphon/unsubscribe", (1,)),
])  # fmt: skip
def test_what_is_meant_but_wrong_gets_one_line_and_no_event(address, arguments):
    """Numbers there are not, texts without words, feeds and subscriptions that are none."""

    async def scene(server, client, events, log):
        ((found, reply),) = await client.ask(wire.encode(address, *arguments) if b"dark" not in arguments else
                                             b"/antiphon/ask\0\0\0,b\0\0\0\0\0\4dark")  # fmt: skip
        assert found == "/antiphon/error" and "\n" not in reply[0] and events == [] and server.counters.refused == 1

    play(scene)


def test_a_text_may_come_as_one_string_or_as_words():
    """Pd sends a message's words one by one."""

    async def scene(server, client, events, log):
        await client.ask(message("/antiphon/ask", "dark and slow"), message("/antiphon/ask", "at", 80, 2.5, "bpm"))
        assert [e.value for e in events] == ["dark and slow", "at 80 2.5 bpm"]

    play(scene)


def test_a_pattern_sets_every_row_that_takes_the_value():
    """Those that do not are left as they are; an error only where none takes it, or none is meant."""

    async def scene(server, client, events, log):
        client.transport.sendto(message("/antiphon/send/[1-3]", -6.0))
        assert await client.hear(3) == [(f"/antiphon/echo/send/{n}", [-6.0]) for n in (1, 2, 3)]
        client.transport.sendto(message("/antiphon/{dry,mode,voice}", "off"))
        assert [a for a, _ in await client.hear(2)] == ["/antiphon/echo/dry", "/antiphon/echo/voice"]
        client.transport.sendto(message("/*/m?te"))
        assert await client.hear() == [("/antiphon/echo/mute", [False])]
        assert len(events) == 5
        for wrong in (message("/antiphon/{dry,mode}", "loud"), message("/antiphon/nothing*", 1.0), message("/antiphon/[a", 1.0),
                      message("/antiphon/" + "*a" * 100, 1.0), message("/antiphon/d*y", 1.0, 2.0)):  # fmt: skip
            ((address, _),) = await client.ask(wrong)
            assert address == "/antiphon/error"
        assert len(events) == 5 and client.replies.empty()

    play(scene)


def test_a_pattern_never_makes_something_happen():
    """/antiphon/* with a 1 is no panic, no trigger and no text; nor may patterns come without end."""

    async def scene(server, client, events, log):
        client.transport.sendto(message("/antiphon/*", 1))
        await client.hear(10)
        assert events and all(REGISTRY.resolve(e.path).access == "rw" for e in events)
        for address in ("/antiphon/pani[c]", "/antiphon/?rigger", "/antiphon/keep/[12]", "/antiphon/as{k,}"):
            server.datagram_received(message(address, 1), ("127.0.0.1", 0))
        assert server.counters.refused == 4
        before = len(events)
        for _ in range(300):
            server.datagram_received(message("/antiphon/send/*", -6.0), ("127.0.0.1", 0))
        assert len(events) - before <= 8 * 200 and server.counters.refused > 50

    play(scene)


def test_what_is_inside_a_bundle_is_due_no_earlier_than_the_bundle(monkeypatch):
    """A nested bundle's own time where it is later, its bundle's where it is earlier or at once; past ones are at once."""
    now = time.time()
    events = []
    talk = Dialogue(a_desk(events, frame_at=lambda unix_s: round((unix_s - now) * 1000)))
    inner = [bundle(t, message("/antiphon/dry", -1.0)) for t in (now + 2, now + 0.5, osc_bundle_builder.IMMEDIATELY)]
    talk.take(bundle(now + 1, message("/antiphon/dry", -2.0), *inner).dgram, Peer())
    assert [e.time_frame for e in events] == [pytest.approx(ms, abs=1) for ms in (1000, 2000, 1000, 1000)]
    events.clear()
    talk.take(bundle(now - 9, message("/antiphon/dry", -2.0), bundle(now + 2, message("/antiphon/voice", -1.0))).dgram, Peer())
    assert [e.time_frame for e in events] == [None, pytest.approx(2000, abs=1)]


def test_what_goes_wrong_behind_the_desk_is_told_and_goes_on():
    """A handler with a bug is one line to the sender and the log."""

    async def scene(server, client, events, log):
        def broken(event):
            raise ZeroDivisionError("division by zero")

        server.dialogue.desk.handle("sync", broken)
        ((address, reply),) = await client.ask(message("/antiphon/sync", "off"))
        assert address == "/antiphon/error" and "ZeroDivisionError" in reply[0] and len(log) == 1
        assert await client.ask(message("/antiphon/dry")) == [("/antiphon/echo/dry", [0.0])]

    play(scene)


def test_a_feed_is_told_when_asked_for():
    """By its address; another instrument's feed is not answered."""

    async def scene(server, client, events, log):
        client.transport.sendto(message("/antiphon/feed/pitch", 1.0))
        assert await client.ask(message("/antiphon/feed/pitch")) == [("/antiphon/feed/pitch", [69.5, 0.0])]

    play(scene, feeds=lambda: {"pitch": (69.5, 0.0)})


def test_a_subscriber_over_udp_hears_of_others_and_of_a_feed_until_it_has_enough():
    """The value as it is now, then what another sender sets; the feed again and again."""

    async def scene(server, client, events, log):
        other = await a_client(server.address)
        client.transport.sendto(message("/antiphon/subscribe", "dry"))
        assert await client.hear() == [("/antiphon/echo/dry", [0.0])]
        await other.ask(message("/antiphon/dry", -3.0))
        assert await client.hear() == [("/antiphon/echo/dry", [-3.0])]
        client.transport.sendto(message("/antiphon/subscribe", "/antiphon/feed/pitch", 100))
        assert await client.hear(3) == [("/antiphon/feed/pitch", [60.0, 62.0])] * 3
        client.transport.sendto(message("/antiphon/unsubscribe"))
        while len(server.dialogue.subscriptions):
            await asyncio.sleep(0.01)
        other.transport.close()

    play(scene, feeds=lambda: {"pitch": (60.0, 62.0)})


def test_a_subscriber_whose_port_has_closed_is_forgotten_and_nobody_loses_a_word_by_it():
    """The system says which port answers no more (Linux); everybody else's replies all arrive."""

    async def scene(server, client, events, log):
        gone = await a_client(server.address)
        gone.transport.sendto(message("/antiphon/subscribe", "pitch", 100))
        await gone.hear()
        gone.transport.close()
        for n in range(300):
            ((address, _),) = await client.ask(message("/antiphon/dry", -float(n % 50)))
            assert address == "/antiphon/echo/dry"
            if not len(server.dialogue.subscriptions) and n > 100:
                return
            await asyncio.sleep(0.005)
        raise AssertionError("it is still told things")

    play(scene, feeds=lambda: {"pitch": (60.0, 62.0)})


def test_a_flood_of_everything_keeps_memory_and_counts():
    """20,000 packets, a third each good, malformed and too long, half of them subscribing: every one counted, nothing kept."""
    rng = random.Random(4)
    log, events = [], []
    desk = a_desk(events, log)
    talk = Dialogue(desk, feeds=lambda: {"pitch": (60.0, 62.0)})
    good = [message("/antiphon/" + path, *said) for path, *said in (
        ("dry", -6.0), ("subscribe", "dry", 10), ("chord", 1, 2, 3),
        ("subscribe", "echo"), ("send/*", -3.0), ("unsubscribe", "pitch"),
    )]  # fmt: skip

    def packet(k):
        if k % 3 == 0:
            return good[k // 3 % len(good)]
        return rng.randbytes(rng.randrange(40)) if k % 3 == 1 else b"/" * (wire.MAX_BYTES + 1)

    class Deaf(Peer):
        def send(self, packet):
            return True

    def flood(count):
        for k in range(count):
            talk.take(packet(k), Deaf(f"osc:10.{k % 7}.{k % 250}.{k % 90}:{k % 60000}"))
            events.clear()
        talk.subscriptions.turn(time.monotonic() + 1.0)
        gc.collect()

    flood(3000)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        flood(20_000)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    counters = talk.counters
    assert counters.datagrams == 23_000 and grown < 500_000
    assert counters.malformed >= 23_000 * 2 // 3 - 200
    assert counters.malformed + counters.refused + counters.asked < 23_000 and len(talk.subscriptions) <= 32 and len(log) < 30


ADDRESSES = st.one_of(
    st.sampled_from(["status", "subscribe", "unsubscribe", "feed/pitch", "feed/", "error", "keep/3", "send/*", "[", "*"]),
    st.sampled_from(REGISTRY.paths),
    st.text(max_size=12),
).map(lambda path: "/antiphon/" + path)
ARGUMENTS = st.lists(
    st.one_of(
        st.sampled_from(["dry", "meters", "echo", "send/*", "none", "c4", "off", "[!"]),
        st.booleans(), st.none(), st.integers(-(2**33), 2**33), st.floats(), st.text(max_size=20),
    ),
    max_size=14,
)  # fmt: skip
TALK = Dialogue(a_desk(), status=lambda: {"mode": "hold"}, feeds=lambda: {"pitch": (60.0, 62.0), "meters": (1.0,)})


@settings(max_examples=500, deadline=None)
@given(ADDRESSES, ARGUMENTS, st.sampled_from(["10.0.0.1", "10.0.0.2"]))
def test_any_message_is_taken_or_answered_with_one_line(address, said, host):
    """Whatever is said of whatever: an answer that is OSC, and no exception, not even one that was caught."""
    peer = Peer(f"osc:{host}:5000")
    TALK.take(wire.encode(address, *said), peer)
    TALK.subscriptions.turn(time.monotonic())
    for found, arguments in peer.got:
        assert found.startswith("/antiphon/")
        assert found != "/antiphon/error" or "\n" not in arguments[0] and "Error:" not in arguments[0]
    assert set(TALK.desk.values) == set(REGISTRY.defaults())


def test_somebody_who_listens_on_another_port_is_answered_there():
    """reply_to: echoes, errors and subscriptions go to that port from then on; a port that is none is refused."""

    async def stage():
        server = OscServer(a_desk())
        address = await server.start(port=0)
        sender, (_, listener) = await a_client(address), await asyncio.get_running_loop().create_datagram_endpoint(
            Client, local_addr=("127.0.0.1", 0)
        )
        port = listener.transport.get_extra_info("sockname")[1]
        refused = await sender.ask(message("/antiphon/reply_to", 70_000))
        sender.transport.sendto(message("/antiphon/reply_to", float(port)))
        sender.transport.sendto(message("/antiphon/temperature", 0.5))
        echoed = await listener.hear_of("/antiphon/echo/temperature")
        sender.transport.sendto(message("/antiphon/subscribe", "novelty", 50))
        told = await listener.hear_of("/antiphon/echo/novelty")
        server.close()
        return refused, echoed, told, sender.replies.empty()

    refused, echoed, told, quiet = asyncio.run(stage())
    assert refused[0][0] == "/antiphon/error" and "reply_to" in refused[0][1][0]
    assert echoed == [0.5] and told == [0.5] and quiet
