"""Ableton Link's beat by way of Carabiner: a server that speaks its protocol, and one that does not."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from midi_stage import Stage

from antiphon.control import link
from antiphon.control.link import LinkClient, parse
from antiphon.events import Event


class Carabiner:
    """Answers `status` as the program does; the beat runs from when it was made."""

    def __init__(self, bpm=120.0, peers=1):
        self.bpm, self.peers, self.begin_s, self.asked, self.writers = bpm, peers, time.monotonic(), 0, []
        self.mute = False

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error):
        await self.end()

    async def end(self):
        self._server.close()
        for writer in self.writers:
            writer.close()

    @property
    def beat(self):
        return (time.monotonic() - self.begin_s) * self.bpm / 60.0

    def line(self):
        start = round(self.begin_s * 1e6)
        return f"status {{ :peers {self.peers} :bpm {self.bpm:f} :start {start} :beat {self.beat:f} }}\n".encode()

    async def _serve(self, reader, writer):
        self.writers.append(writer)
        writer.write(self.line())
        while line := await reader.readline():
            assert line == b"status\n"
            self.asked += 1
            if not self.mute:
                writer.write(b"version \"1.1.2\"\n" + self.line())


def scene(play, **server):
    """Run `play(stage, carabiner, task)` with a client that follows."""

    async def stage_it():
        stage = Stage(inputs=(), values={"sync": "link"})
        stage.pulse._now_s = time.monotonic
        async with Carabiner(**server) as carabiner:
            client = LinkClient(stage.desk, stage.pulse, port=carabiner.port)
            task = asyncio.create_task(client.run())
            try:
                await play(stage, carabiner, client)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    asyncio.run(stage_it())


async def until(condition, seconds=5.0):
    for _ in range(round(seconds / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("did not happen")


def test_tempo_and_beat_are_links(monkeypatch):
    """Within 5 ms on loopback, in the bar; a tempo that others set is followed; the source is link."""
    monkeypatch.setattr(link, "_ASK_S", 0.02)

    async def play(stage, carabiner, client):
        await until(lambda: stage.values["beat"])
        assert stage.values["tempo"] == 120.0
        await until(lambda: carabiner.asked > 5)
        off = stage.pulse.grid.at(time.monotonic()) - carabiner.beat
        assert abs(off - 4 * round(off / 4)) < 0.02
        assert {event.source for event in stage.events} == {"link"}
        carabiner.bpm = 90.0
        await until(lambda: stage.values["tempo"] == 90.0)
        assert client.connected
        assert stage.lines == ["Link: 1 other peers, 120.0 bpm"]

    scene(play)


def test_alone_it_is_not_followed(monkeypatch):
    monkeypatch.setattr(link, "_ASK_S", 0.02)

    async def play(stage, carabiner, client):
        await until(lambda: carabiner.asked > 5)
        assert (stage.values["tempo"], stage.values["beat"]) == (0.0, ())
        carabiner.peers = 2
        await until(lambda: stage.values["tempo"] == 120.0)

    scene(play, peers=0)


def test_when_it_goes_the_beat_goes_and_it_is_found_again(monkeypatch):
    monkeypatch.setattr(link, "_ASK_S", 0.02)
    monkeypatch.setattr(link, "_AGAIN_S", (0.02, 0.1))

    async def play(stage, carabiner, client):
        await until(lambda: stage.values["beat"])
        await carabiner.end()
        await until(lambda: stage.values["beat"] == ())
        assert (stage.values["tempo"], client.connected) == (120.0, False)
        assert stage.lines[-1] == "Link: Carabiner is gone; looking for it"
        carabiner._server = await asyncio.start_server(carabiner._serve, "127.0.0.1", carabiner.port)
        await until(lambda: stage.values["beat"])

    scene(play)


def test_a_host_that_cannot_be_one_is_a_carabiner_that_is_not_there(monkeypatch):
    """`--link a..b:17000` cannot even be looked up: it is told as for any other, and looked for again."""
    monkeypatch.setattr(link, "_AGAIN_S", (0.02, 0.02))

    async def play(stage, carabiner, client):
        lost = LinkClient(stage.desk, stage.pulse, "a..b")
        task = asyncio.create_task(lost.run())
        await until(lambda: "Link: no Carabiner on a..b:17000 yet; start it beside the instrument" in stage.lines)
        await asyncio.sleep(0.1)
        assert not task.done() and not lost.connected
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    scene(play)


def test_one_that_is_silent_is_left(monkeypatch):
    monkeypatch.setattr(link, "_ASK_S", 0.02)
    monkeypatch.setattr(link, "_SILENT_S", 0.2)

    async def play(stage, carabiner, client):
        await until(lambda: stage.values["beat"])
        carabiner.mute = True
        await until(lambda: stage.values["beat"] == ())

    scene(play)


def test_it_costs_nothing_while_it_is_not_wanted(monkeypatch):
    """With sync elsewhere there is no connection; switched over it is there, switched back it goes."""
    monkeypatch.setattr(link, "_ASK_S", 0.02)

    async def play(stage, carabiner, client):
        await until(lambda: stage.values["beat"])
        stage.desk.emit(Event("sync", "off"))
        assert stage.values["beat"] == ()
        await until(lambda: not client.connected)
        asked = carabiner.asked
        await asyncio.sleep(0.1)
        assert carabiner.asked == asked
        assert len(stage.lines) == 1
        stage.desk.emit(Event("sync", "link"))
        await until(lambda: stage.values["beat"])

    scene(play)


def test_no_carabiner_is_one_line(monkeypatch):
    monkeypatch.setattr(link, "_AGAIN_S", (0.01, 0.02))

    async def play():
        stage = Stage(inputs=(), values={"sync": "link"})
        task = asyncio.create_task(LinkClient(stage.desk, stage.pulse, port=1).run())
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert stage.lines == ["Link: no Carabiner on 127.0.0.1:1 yet; start it beside the instrument"]

    asyncio.run(play())


def test_something_else_on_its_port_is_left(monkeypatch):
    """Bytes without end, or lines that mean nothing: no tempo, no growth, no exception."""
    monkeypatch.setattr(link, "_AGAIN_S", (0.01, 0.02))

    async def play():
        async def serve(reader, writer):
            writer.write(b"x" * 100_000)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        stage = Stage(inputs=(), values={"sync": "link"})
        task = asyncio.create_task(LinkClient(stage.desk, stage.pulse, port=server.sockets[0].getsockname()[1]).run())
        await asyncio.sleep(0.3)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        server.close()
        assert stage.values["tempo"] == 0.0

    asyncio.run(play())


def test_a_status_is_read():
    """As the README shows it, with and without :playing."""
    line = b"status { :peers 0 :bpm 120.000000 :start 73743731220 :beat 597.737570 :playing true }\n"
    assert parse(line) == {"peers": 0, "bpm": 120.0, "start": 73743731220.0, "beat": 597.73757}


@pytest.mark.parametrize("line", [
    b"", b"status", b"status { }", b"version \"1.1.2\"", b"status { :bpm 120.0 }", b"status { :bpm 0.0 :beat 1 }",
    b"status { :bpm nan :beat 1 }",
    b"status { :bpm 1e9 :beat 1 }", b"status { :bpm 120 :beat 1e300 }", b"status { :bpm 1-2 :beat 1 }",
])
def test_what_is_no_status_is_passed_over(line):
    assert parse(line) is None


@given(st.binary(max_size=80))
def test_any_bytes_are_a_status_or_none(data):
    found = parse(b"status " + data)
    assert found is None or 10 <= found["bpm"] <= 1000
