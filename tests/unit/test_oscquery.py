"""OSCQuery over real sockets: the tree, its attributes, LISTEN, OSC over the WebSocket, and clients that behave badly."""

import asyncio
import json
import socket
import struct

import pytest
from osc_stage import TIMEOUT_S, a_desk, arguments, message, other_value, read_loosely

from antiphon.control import wire
from antiphon.control.dialogue import Dialogue
from antiphon.control.feedback import FEEDS
from antiphon.control.tree import ATTRIBUTES, Tree
from antiphon.events import Event
from antiphon.params import REGISTRY

aiohttp = pytest.importorskip("aiohttp")
from antiphon.control import oscquery  # noqa: E402
from antiphon.control.oscquery import OscQueryServer  # noqa: E402

FEED_VALUES = {feed.name: feed.fit([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) for feed in FEEDS}


class Stage:
    """A server, a desk and a browser."""

    def __init__(self):
        self.events, self.log = [], []
        self.desk = a_desk(self.events, self.log)
        self.feeds = dict(FEED_VALUES)
        self.talk = Dialogue(self.desk, feeds=lambda: self.feeds)
        self.server = OscQueryServer(self.talk, 9000)
        self.problems, self.streams = [], []

    def set(self, path, value):
        self.desk.emit(Event(path, value, None, "key"))

    async def get(self, path):
        """Status and JSON."""
        async with self.browser.get(self.url + path) as response:
            text = await response.text()
            assert response.content_type == "application/json" or not text
            return response.status, json.loads(text) if text else None

    async def listen(self, *addresses, **keywords):
        """A WebSocket that listens."""
        stream = await self.browser.ws_connect(self.url, **keywords)
        self.streams.append(stream)
        for address in addresses:
            await stream.send_str(json.dumps({"COMMAND": "LISTEN", "DATA": address}))
        await self.until(lambda: all(self._listens(address) for address in addresses))
        return stream

    def _listens(self, address):
        path = address.removeprefix("/antiphon/")
        wishes = [wish for of_peer in self.talk.subscriptions._peers.values() for wish in of_peer.values()]
        return any(wish.rows is not None and path in wish.rows or wish.feed and path == f"feed/{wish.feed}" for wish in wishes)

    async def until(self, what):
        """Wait until something is so."""
        for _ in range(int(TIMEOUT_S / 0.01)):
            if what():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("waited in vain")


def play(scene):
    """Run a scene of a stage on a free port; nothing may be left to the loop's handler of exceptions."""

    async def stage():
        made = Stage()
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: made.problems.append(context))
        made.talk.subscriptions.start()
        host, port = await made.server.start(port=0)
        made.url = f"http://{host}:{port}"
        async with aiohttp.ClientSession() as made.browser:
            await scene(made)
            for stream in made.streams:
                await stream.close()
        await made.server.close()
        await made.server.close()
        made.talk.subscriptions.close()
        await asyncio.sleep(0.01)
        assert made.problems == []

    asyncio.run(stage())


async def hear(stream):
    """The next OSC message of a WebSocket."""
    return read_loosely(await stream.receive_bytes(timeout=TIMEOUT_S))


def nodes(tree):
    """Every node of a description."""
    yield tree
    for inside in tree.get("CONTENTS", {}).values():
        yield from nodes(inside)


def test_the_tree_is_the_table():
    """Every row and feed, once, at its address; what has a value says it, and as many of everything as TYPE has letters."""
    desk = a_desk()
    desk.emit(Event("chord", (60.0, 64.0, 67.5)))
    found = {node["FULL_PATH"]: node for node in nodes(Tree(REGISTRY, desk.values, lambda: FEED_VALUES).describe("/"))}
    leaves = {path: node for path, node in found.items() if "CONTENTS" not in node}
    assert list(leaves) == sorted(leaves, key=list(leaves).index) and set(leaves) == (
        {f"/antiphon/{path}" for path in REGISTRY.paths} | {f"/antiphon/feed/{feed.name}" for feed in FEEDS})  # fmt: skip
    assert set(found) - set(leaves) == {"/", "/antiphon", "/antiphon/send", "/antiphon/take", "/antiphon/feed"}
    json.dumps(found, allow_nan=False)
    for path, node in leaves.items():
        assert set(node) <= set(ATTRIBUTES) and node["TYPE"] and node["DESCRIPTION"]
        for name in ("VALUE", "RANGE", "UNIT", "CLIPMODE", "EXTENDED_TYPE"):
            assert name not in node or len(node[name]) == len(node["TYPE"]), (path, name)
        assert ("VALUE" in node) == bool(node["ACCESS"] & 1), path
    assert leaves["/antiphon/chord"]["TYPE"] == "fff" and leaves["/antiphon/chord"]["UNIT"] == ["time.midinote"] * 3
    assert leaves["/antiphon/scale_cents"]["TYPE"] == "s" and leaves["/antiphon/scale_cents"]["VALUE"] == ["none"]


@pytest.mark.parametrize("path, expected", [
    ("dry", {"TYPE": "f", "ACCESS": 3, "RANGE": [{"MIN": -80.0, "MAX": 12.0}], "UNIT": ["gain.db"], "CLIPMODE": ["both"]}),
    ("seed", {"TYPE": "i", "ACCESS": 3, "RANGE": [{"MIN": 0, "MAX": 2**31 - 1}], "CLIPMODE": ["none"], "VALUE": [1]}),
    ("mute", {"TYPE": "F", "ACCESS": 3, "VALUE": [False]}),
    ("yield", {"TYPE": "T", "ACCESS": 3, "VALUE": [True]}),
    ("mode", {"TYPE": "s", "ACCESS": 3, "RANGE": [{"VALS": ["listen", "answer", "hold"]}], "VALUE": ["answer"]}),
    ("trigger", {"TYPE": "I", "ACCESS": 2, "CRITICAL": True}),
    ("keep", {"TYPE": "i", "ACCESS": 2, "CRITICAL": True, "RANGE": [{"MIN": 1, "MAX": 8}]}),
    ("preset", {"TYPE": "s", "ACCESS": 2}),
    ("tempo", {"TYPE": "f", "RANGE": [{"MIN": 0.0, "MAX": 300.0}], "UNIT": ["time.bpm"], "VALUE": [0.0]}),
    ("feed/pitch", {"TYPE": "ff", "ACCESS": 1, "VALUE": [1.0, 2.0], "EXTENDED_TYPE": ["heard", "played"]}),
])  # fmt: skip
def test_a_node_says_what_its_row_takes(path, expected):
    """Types, ranges, units in the proposal's words."""
    node = Tree(REGISTRY, a_desk().values, lambda: FEED_VALUES).describe("/antiphon/" + path)
    assert {name: node.get(name) for name in expected} == expected


def test_http_answers_as_the_proposal_says():
    """Nodes, attributes, HOST_INFO anywhere; 204, 400, 404 and 405."""

    async def scene(stage):
        status, root = await stage.get("/")
        assert status == 200 and root["FULL_PATH"] == "/" and set(root["CONTENTS"]) == {"antiphon"}
        assert (await stage.get("/antiphon"))[1] == root["CONTENTS"]["antiphon"] == (await stage.get("/antiphon/"))[1]
        assert await stage.get("/antiphon/dry?VALUE") == (200, {"VALUE": [0.0]})
        stage.set("dry", -6.0)
        assert await stage.get("/antiphon/dry?VALUE") == (200, {"VALUE": [-6.0]})
        assert await stage.get("/antiphon/dry?VALUE&UNIT") == (200, {"VALUE": [-6.0], "UNIT": ["gain.db"]})
        assert await stage.get("/antiphon/send?TYPE") == (200, {})
        assert await stage.get("/antiphon/trigger?VALUE") == (204, None)
        assert await stage.get("/antiphon/dry?OVERLOADS") == (204, None)
        status, said = await stage.get("/antiphon/dry?VALEU")
        assert status == 400 and "VALUE" in said["ERROR"]
        status, said = await stage.get("/antiphon/temprature?VALUE")
        assert status == 404 and "/antiphon/temperature" in said["ERROR"]
        for path in ("/?HOST_INFO", "/no/such/path?HOST_INFO"):
            status, info = await stage.get(path)
            assert status == 200 and info["OSC_PORT"] == 9000 and info["WS_PORT"] == stage.server.address[1]
            assert info["OSC_TRANSPORT"] == "UDP" and "Antiphon" in info["NAME"]
            assert info["EXTENSIONS"]["LISTEN"] and info["EXTENSIONS"]["VALUE"] and not info["EXTENSIONS"]["PATH_CHANGED"]
        async with stage.browser.post(stage.url + "/antiphon/dry", data=b"1") as response:
            assert response.status == 405
        async with stage.browser.head(stage.url + "/") as response:
            assert response.status == 200

    play(scene)


@pytest.mark.parametrize("row", REGISTRY.rows, ids=lambda row: row.path)
def test_every_row_goes_through_osc_and_oscquery_and_back(row):
    """Set over UDP, it is seen by HTTP, by who listens and by who subscribed; set over the WebSocket, likewise over UDP."""
    from osc_stage import a_client

    from antiphon.control.osc import OscServer

    value = other_value(row)
    said = list(arguments(value))
    address, echo = f"/antiphon/{row.path}", f"/antiphon/echo/{row.path}"

    async def scene():
        events = []
        server = OscServer(a_desk(events))
        osc = await server.start(port=0)
        query = OscQueryServer(server.dialogue, osc[1])
        host, port = await query.start(port=0)
        setter, watcher = await a_client(osc), await a_client(osc)
        watcher.transport.sendto(message("/antiphon/subscribe", row.path, 100))
        if row.access != "w":
            await watcher.hear_of(echo)
        async with aiohttp.ClientSession() as browser, browser.ws_connect(f"http://{host}:{port}") as stream:
            await stream.send_str(json.dumps({"COMMAND": "LISTEN", "DATA": address}))
            while not len(server.dialogue.subscriptions._peers) == 2:
                await asyncio.sleep(0.002)
            setter.transport.sendto(wire.encode(address, *said))
            assert await setter.hear_of(echo) == said
            assert await hear(stream) == (address, said)
            assert await watcher.hear_of(echo) == said
            async with browser.get(f"http://{host}:{port}{address}?VALUE") as response:
                assert response.status == (204 if row.access == "w" else 200)
                assert row.access == "w" or (await response.json())["VALUE"] == said
            again = row.default if row.access != "w" else value
            await stream.send_bytes(wire.encode(address, *wire.spoken(again)))
            told = await watcher.hear_of(echo)
            assert told == list(wire.spoken(again)) or told == pytest.approx([again])  # 0.9 is none of 32 bits
        assert [(e.path, e.source.split(":")[0]) for e in events] == [(row.path, "osc"), (row.path, "oscquery")]
        assert events[0].value == value
        await query.close()
        server.close()
        for client in (setter, watcher):
            client.transport.close()
        await asyncio.sleep(0)

    asyncio.run(scene())


def test_listening_begins_and_ends():
    """LISTEN to a row and to a feed, IGNORE; what is not listened to does not come."""

    async def scene(stage):
        stream = await stage.listen("/antiphon/dry", "/antiphon/feed/pitch")
        assert await hear(stream) == ("/antiphon/feed/pitch", [1.0, 2.0])
        stage.set("voice", -1.0)
        stage.set("dry", -3.0)
        assert await hear(stream) == ("/antiphon/dry", [-3.0])
        await stream.send_str(json.dumps({"COMMAND": "IGNORE", "DATA": "/antiphon/dry"}))
        await stage.until(lambda: not stage._listens("/antiphon/dry"))
        stage.set("dry", -4.0)
        stage.feeds["pitch"] = (3.0, 4.0)
        assert await hear(stream) == ("/antiphon/feed/pitch", [3.0, 4.0])
        await stream.close()
        await stage.until(lambda: not stage.server.clients and not stage.talk.subscriptions._peers)

    play(scene)


def test_osc_over_the_websocket_is_answered_like_a_datagram():
    """Echo, error, bundle, subscription; and who set a value hears of it only where it became another."""

    async def scene(stage):
        stream = await stage.listen("/antiphon/dry")
        await stream.send_bytes(message("/antiphon/dry", -6.0))
        assert await hear(stream) == ("/antiphon/echo/dry", [-6.0])
        await stream.send_bytes(message("/antiphon/dry", 99.0))
        assert sorted([await hear(stream), await hear(stream)]) == [("/antiphon/dry", [12.0]), ("/antiphon/echo/dry", [12.0])]
        await stream.send_bytes(message("/antiphon/temprature", 1.0))
        address, said = await hear(stream)
        assert address == "/antiphon/error" and "temperature" in said
        await stream.send_bytes(b"nonsense")
        assert (await hear(stream))[0] == "/antiphon/error" and stage.talk.counters.malformed == 1
        await stream.send_bytes(message("/antiphon/subscribe", "pitch", 50))
        assert await hear(stream) == ("/antiphon/feed/pitch", [1.0, 2.0])

    play(scene)


@pytest.mark.parametrize("text", [
    "", "LISTEN", "[]", "{}", "null", "[" * 10_000, '{"COMMAND": "LISTEN"}', '{"COMMAND": 7, "DATA": "/antiphon/dry"}',
    '{"COMMAND": "LISTEN", "DATA": 7}', '{"COMMAND": "LISTEN", "DATA": "/nowhere"}',
    '{"COMMAND": "START_OSC_STREAMING", "DATA": {}}',
])  # fmt: skip
def test_any_text_over_the_websocket_is_a_command_or_nothing(text):
    """The connection stays."""

    async def scene(stage):
        stream = await stage.listen()
        await stream.send_str(text)
        await stream.send_bytes(message("/antiphon/dry"))
        assert await hear(stream) == ("/antiphon/echo/dry", [0.0])
        assert stage.talk.subscriptions._peers == {}

    play(scene)


def test_what_is_too_long_for_the_websocket_ends_it():
    """Nothing of it is kept; the next client is served."""

    async def scene(stage):
        stream = await stage.listen()
        await stream.send_bytes(bytes(wire.MAX_BYTES + 1000))
        assert (await stream.receive(timeout=TIMEOUT_S)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        await stage.until(lambda: not stage.server.clients)
        assert (await stage.get("/antiphon/dry?VALUE"))[0] == 200

    play(scene)


def test_a_slow_websocket_is_told_the_newest_and_dropped_and_holds_up_nobody(monkeypatch):
    """It listens and never reads: what waits for it is bounded, another hears every last value, and then it is gone."""
    monkeypatch.setattr(oscquery, "_STUCK_S", 0.5)

    async def scene(stage):
        loop = asyncio.get_running_loop()
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(stage.server.address)
        slow.setblocking(False)
        upgrade = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        await loop.sock_sendall(slow, upgrade + b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
        await stage.until(lambda: len(stage.server.clients) == 1)
        (sluggard,) = stage.server.clients
        fast = await stage.listen("/antiphon/preset")
        for path in ("preset", "ask"):
            assert stage.talk.subscriptions.listen(sluggard, path)
        heard = given_up = 0
        for n in range(20_000):
            stage.set("preset", f"{n:05}" + "x" * 190)
            given_up += not sluggard.send(bytes(2000))
            assert len(sluggard._waiting) <= oscquery._MOST_WAITING
            await asyncio.sleep(0.001)
            if sluggard not in stage.server.clients:
                break
        assert sluggard not in stage.server.clients and stage.server.dropped == 1 and given_up
        stage.set("preset", "the last one")
        while (await hear(fast))[1] != ["the last one"]:
            heard += 1
        assert heard > 5
        slow.close()

    play(scene)


def test_sixteen_websockets_that_say_nothing_shut_nobody_out():
    """The seventeenth is served, and the one silent longest ends, which is a line; one that listens or has just spoken stays."""

    async def scene(stage):
        listens = await stage.listen("/antiphon/dry")
        speaks, silent, *others = [await stage.browser.ws_connect(stage.url) for _ in range(oscquery.MAX_CLIENTS - 1)]
        await speaks.send_bytes(message("/antiphon/dry"))
        await hear(speaks)
        newcomer = await stage.browser.ws_connect(stage.url)
        assert (await silent.receive(timeout=TIMEOUT_S)).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        await newcomer.send_bytes(message("/antiphon/dry", -6.0))
        assert await hear(newcomer) == ("/antiphon/echo/dry", [-6.0]) and await hear(listens) == ("/antiphon/dry", [-6.0])
        await speaks.send_bytes(message("/antiphon/dry"))
        assert await hear(speaks) == ("/antiphon/echo/dry", [-6.0])
        assert len(stage.server.clients) == oscquery.MAX_CLIENTS and len(stage.log) == 1 and "silent longest" in stage.log[0]
        for stream in (speaks, silent, newcomer, *others):
            await stream.close()

    play(scene)


def test_at_most_sixteen_websockets_that_listen_and_no_connection_that_says_nothing_keeps_others_out():
    """The seventeenth is told so; a hundred idle connections make room for one that asks."""

    async def scene(stage):
        streams = [await stage.browser.ws_connect(stage.url) for _ in range(oscquery.MAX_CLIENTS)]
        for stream in streams:
            await stream.send_str(json.dumps({"COMMAND": "LISTEN", "DATA": "/antiphon/dry"}))
        await stage.until(lambda: all(map(stage.talk.subscriptions.wants, stage.server.clients)))
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await stage.browser.ws_connect(stage.url)
        assert caught.value.status == 503
        idle = [await asyncio.open_connection(*stage.server.address) for _ in range(100)]
        assert (await stage.get("/antiphon/dry?VALUE"))[0] == 200
        assert len(stage.server._web.connections) <= oscquery.MAX_CONNECTIONS + 1
        assert len(stage.server.clients) == oscquery.MAX_CLIENTS
        for _, writer in idle:
            writer.close()
        for stream in streams:
            await stream.close()

    play(scene)


@pytest.mark.parametrize("origin, allowed", [
    (None, True), ("http://localhost:8080", True), ("http://127.0.0.1", True), ("http://192.168.1.7", True),
    ("http://[::1]:80", True), ("http://desk.local", True), ("https://example.com", False), ("null", False),
    ("http://8.8.8.8", False), ("http://[", False),
])  # fmt: skip
def test_a_page_of_the_web_may_not_play(origin, allowed):
    """A browser lets any page open a WebSocket to this machine; it says whose page it is."""

    async def scene(stage):
        headers = {} if origin is None else {"Origin": origin}
        async with stage.browser.get(stage.url + "/antiphon/dry", headers=headers) as response:
            assert response.status == (200 if allowed else 403)
            assert response.headers.get("Access-Control-Allow-Origin") == (origin if allowed and origin else None)
        if allowed:
            await (await stage.browser.ws_connect(stage.url, headers=headers)).close()
        else:
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await stage.browser.ws_connect(stage.url, headers=headers)

    play(scene)


def test_nonsense_instead_of_http_is_answered_or_closed_and_nothing_is_said(capfd):
    """Random bytes, half a request, a wrong handshake: no traceback, and it serves on."""

    async def scene(stage):
        for data in (b"\0\xff" * 300, b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000 + b"\r\n", struct.pack(">I", 20),
                     b"GET /%ff%00?%zz HTTP/1.1\r\nHost: x\r\n\r\n", b"GET " + b"/" * 20_000 + b" HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 99\r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\nxx"):  # fmt: skip
            reader, writer = await asyncio.open_connection(*stage.server.address)
            writer.write(data)
            try:
                await asyncio.wait_for(reader.read(100), 0.3)
            except (TimeoutError, ConnectionError):
                pass
            writer.close()
        assert (await stage.get("/antiphon/dry?VALUE"))[0] == 200 and stage.log == []

    play(scene)
    assert capfd.readouterr() == ("", "")


def test_the_next_free_port_is_taken():
    """Two instruments beside each other."""

    async def scene(stage):
        host, port = stage.server.address
        other = OscQueryServer(stage.talk, 9001)
        assert (await other.start_near(host, port))[1] > port
        await other.close()

    play(scene)


def test_closing_ends_whatever_is_open():
    """A WebSocket that listens, a connection that is idle: both hear of it, and nothing is left."""

    async def scene(stage):
        stream = await stage.listen("/antiphon/dry")
        reader, writer = await asyncio.open_connection(*stage.server.address)
        await asyncio.wait_for(stage.server.close(), TIMEOUT_S)
        assert (await stream.receive(timeout=TIMEOUT_S)).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        try:
            assert await asyncio.wait_for(reader.read(), TIMEOUT_S) == b""
        except ConnectionError:
            pass
        await stage.until(lambda: not stage.server.clients and not stage.talk.subscriptions._peers)
        writer.close()

    play(scene)
