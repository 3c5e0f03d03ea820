"""A flood of malformed OSC while playing: sound does not notice, memory does not grow, good messages still work."""

from __future__ import annotations

import asyncio
import random
import socket

import numpy as np
import pytest

from antiphon.control.desk import Desk
from antiphon.control.osc import OscServer
from antiphon.params import REGISTRY
from playing import noise, two_processes

_GOOD = b"/antiphon/temperature\0\0\0,f\0\0" + b"\x3e\x99\x99\x9a"  # 0.3


def _rubbish(random_: random.Random) -> bytes:
    kind = random_.randrange(6)
    if kind == 0:
        return random_.randbytes(random_.randrange(0, 1400))
    if kind == 1:
        return b"#bundle\0" + random_.randbytes(random_.randrange(0, 200))
    if kind == 2:
        return b"/antiphon/" + random_.randbytes(40)
    if kind == 3:
        return b"/antiphon/temperature\0\0\0,f\0\0" + b"\x7f\xc0\0\0"  # NaN
    if kind == 4:
        return b"/antiphon/no/such/row\0\0\0,i\0\0\0\0\0\x01"
    return b"/" * random_.randrange(1, 1400)


def test_a_flood_of_malformed_osc_changes_nothing():
    """20,000 rubbish datagrams: the dry sound is the input sample for sample, and a good message then is obeyed."""
    sound = noise(48_000)

    async def flood(engine) -> OscServer:
        server = OscServer(Desk(REGISTRY, engine.apply, engine.values))
        host, port = await server.start(port=0)
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        random_ = random.Random(9)
        for _ in range(20_000):
            sender.sendto(_rubbish(random_), (host, port))
            await asyncio.sleep(0)
        for _ in range(100):  # the socket may have been full: a performer would press again, too
            sender.sendto(_GOOD, (host, port))
            await asyncio.sleep(0.01)
            if engine.values["temperature"] != REGISTRY.resolve("temperature").default:
                break
        sender.close()
        server.close()
        return server

    with two_processes(sound=sound, values={"dry": 0.0, "voice": -80.0}, driver={"loop": True}) as engine:
        server = asyncio.run(flood(engine))
        status, out = engine.status(), engine.driver.recording()[:, 0]
        assert engine.values["temperature"] == pytest.approx(0.3)
    counted = server.counters
    assert counted.datagrams > 10_000 and counted.malformed + counted.refused > 10_000
    assert (status.xruns, status.overflows, status.commands_dropped, status.restarts) == (0, 0, 0, 0)
    assert np.array_equal(out, np.resize(sound[:, 0], len(out)))
