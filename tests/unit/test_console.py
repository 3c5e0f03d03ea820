"""All surfaces on one desk, with an engine that keeps values and does nothing else: what one surface's answer does to another."""

import asyncio
from types import SimpleNamespace

from osc_stage import a_client, message

from antiphon.console import Console
from antiphon.params import REGISTRY


def test_an_instrument_that_is_told_to_answer_itself_hears_nothing_of_it():
    """`ask` is answered on /antiphon/asked; pointed at its own port by reply_to, the instrument obeys it once and falls silent."""
    assert "asked" not in REGISTRY.paths

    async def stage():
        events, log, values = [], [], REGISTRY.defaults()

        def apply(event):
            events.append(event)
            if event.path in values:
                values[event.path] = event.value

        console = Console(SimpleNamespace(apply=apply, values=values, samplerate=48000, frame_clock=None), log.append)
        try:
            await console.network.open(port=0, tcp=False, oscquery=False, announce=False)
            here, there = await a_client(console.network.address), await a_client(console.network.address)
            ((address, lines),) = await here.ask(message("/antiphon/ask", "tempo 100"))
            assert address == "/antiphon/asked" and "tempo 100" in lines[0]
            assert await here.hear() == [("/antiphon/echo/ask", ["tempo 100"])]
            events.clear()
            here.transport.sendto(message("/antiphon/reply_to", console.network.address[1]))
            here.transport.sendto(message("/antiphon/ask", "faster"))
            here.transport.sendto(message("/antiphon/subscribe", "echo", 100))
            for _ in range(50):  # each a turn in which it could hear itself
                await there.ask(message("/antiphon/dry"))
            assert [event.path for event in events] == ["ask", "tempo"] and 100 < values["tempo"] < 200
            assert console.network.osc.counters.refused == console.network.osc.counters.malformed == 0
            assert here.replies.empty() and not [line for line in log if "from" in line and "OSC" in line]
            here.transport.close()
            there.transport.close()
        finally:
            await console.close()

    asyncio.run(stage())
