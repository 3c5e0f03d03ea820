"""All of it together: opened, side by side with another, with parts missing, and closed."""

import asyncio
import json
import shutil
import socket
import subprocess
import sys

import pytest
from osc_stage import TIMEOUT_S, a_client, a_desk, message

from antiphon.control import network
from antiphon.control.network import Network
from antiphon.errors import UsageError


def play(scene, **keywords):
    """Run a scene of (network, log, events) on free ports."""

    async def stage():
        log, events = [], []
        made = Network(a_desk(events, log), **keywords)
        try:
            await scene(made, log, events)
        finally:
            await made.close()
            await made.close()
            await asyncio.sleep(0.01)

    asyncio.run(stage())


def test_all_of_it_opens_on_one_address():
    """TCP on UDP's number, OSCQuery beside it knowing it, a line to show for each."""
    aiohttp = pytest.importorskip("aiohttp")

    async def scene(made, log, events):
        await made.open(port=0, oscquery=0, announce=False)
        host, port = made.address
        assert log == made.lines and made.lines == [f"OSC on {host}:{port}", f"OSCQuery on http://{host}:{made.query.address[1]}"]
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        async with aiohttp.ClientSession() as browser, browser.get(f"http://{host}:{made.query.address[1]}/?HOST_INFO") as response:
            assert (await response.json())["OSC_PORT"] == port

    play(scene)


def test_two_beside_each_other_take_the_next_free_ports():
    """Nobody asked for 9000 and 9100: the second instrument says where it is."""
    pytest.importorskip("aiohttp")

    async def scene(made, log, events):
        await made.open(announce=False)
        other = Network(a_desk(log=log))
        await other.open(announce=False)
        assert other.address[1] > made.address[1] and other.query.address[1] > made.query.address[1]
        assert any(f"OSC is on {other.address[1]} here" in line for line in log)
        await other.close()

    play(scene)


def test_a_port_that_was_asked_for_is_taken_or_refused():
    """OSC's, and OSCQuery's."""

    async def scene(made, log, events):
        await made.open(port=0, oscquery=False, announce=False)
        with pytest.raises(UsageError, match="--osc PORT"):
            await Network(a_desk()).open(port=made.address[1])
        if pytest.importorskip("aiohttp"):
            other = Network(a_desk())
            with pytest.raises(UsageError, match="--oscquery PORT"):
                await other.open(port=0, oscquery=made.address[1], announce=False)
            await other.close()

    play(scene)


def test_a_host_that_cannot_be_one_is_refused_in_one_line():
    """`--osc-bind a..b`, with a port or without; for OSCQuery too."""

    async def scene(made, log, events):
        for port in (None, 0):
            with pytest.raises(UsageError, match="'a..b' is no address of this machine"):
                await made.open("a..b", port=port, announce=False)
        if pytest.importorskip("aiohttp"):
            from antiphon.control.oscquery import OscQueryServer

            with pytest.raises(UsageError, match="'a..b' is no address of this machine"):
                await OscQueryServer(made.osc.dialogue, 9000).start("a..b", 0)

    play(scene)


def test_a_tcp_port_that_is_taken_is_a_line_and_udp_plays():
    async def scene(made, log, events):
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            await made.open(port=busy.getsockname()[1], oscquery=False, announce=False)
            assert made.tcp is None and len(log) == 2 and log[1].startswith("OSC over UDP only: OSC TCP port")
            client = await a_client(made.address)
            assert await client.ask(message("/antiphon/dry")) == [("/antiphon/echo/dry", [0.0])]
            client.transport.close()

    play(scene)


def test_without_aiohttp_and_zeroconf_it_plays_on(monkeypatch):
    """One line for each says what to install."""
    for name in ("aiohttp", "zeroconf"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "antiphon.control.oscquery", raising=False)
    import antiphon.control as package

    monkeypatch.delattr(package, "oscquery", raising=False)

    async def scene(made, log, events):
        await made.open(port=0)
        client = await a_client(made.address)
        assert await client.ask(message("/antiphon/dry")) == [("/antiphon/echo/dry", [0.0])]
        client.transport.close()
        await asyncio.to_thread(made._announcement.told.wait, TIMEOUT_S)
        await asyncio.sleep(0.05)
        assert len(log) == 3 and all("pip install 'antiphon[oscquery]'" in line for line in log[1:]), log

    play(scene)


def test_what_is_open_to_this_machine_only_is_announced_to_this_machine_only(monkeypatch):
    """And what is announced has the ports as they are bound."""
    made_of = []

    class Noted(network.Announcement):
        def start(self):
            made_of.append((self.name, self.host, self.services))

    monkeypatch.setattr(network, "Announcement", Noted)

    async def scene(made, log, events):
        await made.open(port=0, oscquery=False)
        ((name, host, services),) = made_of
        assert host == "127.0.0.1" and services == {network.OSC: made.address[1]} and name.endswith(f" {made.address[1]}")

    play(scene)


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="liblo-tools are not installed")
@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_liblo_speaks_with_it(protocol):
    """`oscsend osc.udp://... /antiphon/dry f -6` and the same over TCP."""

    async def scene(made, log, events):
        await made.open(port=0, oscquery=False, announce=False)
        url = f"osc.{protocol}://127.0.0.1:{made.address[1]}"
        done = await asyncio.to_thread(
            subprocess.run, ["oscsend", url, "/antiphon/chord", "fff", "60", "64", "67"], capture_output=True, timeout=TIMEOUT_S
        )
        for _ in range(200):
            if events:
                break
            await asyncio.sleep(0.01)
        assert done.returncode == 0 and [e.value for e in events] == [(60.0, 64.0, 67.0)], (done, log)

    play(scene)


def test_values_as_json_are_what_the_table_says():
    """`json` of the tree never fails on a value of the table."""
    from antiphon.control.tree import Tree
    from antiphon.params import REGISTRY

    assert json.loads(json.dumps(Tree(REGISTRY, {}, dict).describe("/"), allow_nan=False))["CONTENTS"]
