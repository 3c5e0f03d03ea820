"""All of MIDI opened together, on ports that are not there."""

import argparse
import asyncio

import pytest
from midi_stage import FakePorts, Stage

from antiphon.control import midisurface
from antiphon.control.midiports import MidiMissing
from antiphon.control.midisurface import MidiSurface
from antiphon.control.midivoice import Sung
from antiphon.errors import UsageError
from antiphon.events import Event


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    """No preset of one's own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def opened(scene, monkeypatch, missing=False, **options):
    """Run `scene(surface, stage, ports)` with these options; the stage is a desk without MIDI."""
    ports = FakePorts(outputs=["Faders"])

    def made(api):
        if missing:
            raise MidiMissing("MIDI needs two more packages")
        return ports

    async def play():
        stage = Stage(inputs=())
        surface = MidiSurface(stage.desk, stage.pulse, lambda: Sung(False))
        defaults = {"midi": None, "midi_api": None, "midi_takeover": False, "midi_out": "off", "midi_mpe": False,
                    "midi_bend": None, "midi_clock_out": "off", "midi_feedback": "off"}
        surface.open(argparse.Namespace(**defaults | options))
        try:
            await scene(surface, stage, ports)
        finally:
            await surface.close()

    monkeypatch.setattr(midisurface, "RtMidiPorts", made)
    asyncio.run(play())


@pytest.mark.parametrize("options", [{"midi": ["off"]}, {"missing": True}, {}], ids=["off", "missing", "on"])
def test_bindings_of_a_preset_are_kept(monkeypatch, options):
    """Without MIDI too: a preset's [midi] is checked, taken, and there to be saved again. The table's own are nothing to save."""

    async def scene(surface, stage, ports):
        assert surface.bindings() == {}
        surface.bind({"cc74": "dry", "2:note36": "recall=1"})
        assert surface.bindings() == {"cc74": "dry", "2:note36": "recall=1"}
        with pytest.raises(UsageError, match="recall=9|1 .. 8"):
            surface.bind({"cc1": "recall=9"})
        assert surface.bindings() == {"cc74": "dry", "2:note36": "recall=1"}
        if surface.midi:
            assert surface.midi.mapping["cc74"] == "dry"

    opened(scene, monkeypatch, **options)


def test_nothing_is_learnt_without_an_input(monkeypatch):
    async def scene(surface, stage, ports):
        with pytest.raises(UsageError, match="--midi all"):
            stage.desk.emit(Event("midi_learn", "dry"))

    opened(scene, monkeypatch, midi=["off"])


@pytest.mark.parametrize("midi", [["off"], None], ids=["off", "on"])
def test_feedback_needs_no_input(monkeypatch, midi):
    """Faders are told by what a preset binds, though nothing is listened to."""

    async def scene(surface, stage, ports):
        surface.bind({"cc20": "hold"})
        await until(lambda: ports.sent)
        ports.sent.clear()
        stage.desk.emit(Event("hold", True, source="osc"))
        await until(lambda: ("Faders", (0xB0, 20, 127)) in ports.sent)

    opened(scene, monkeypatch, midi=midi, midi_feedback="faders")


def test_ports_of_our_own_have_names_that_tell(monkeypatch):
    async def scene(surface, stage, ports):
        await until(lambda: len(ports.clients) == 2)
        await until(lambda: len(stage.lines) == 2)
        assert sorted(ports.clients) == ["Antiphon", "Antiphon feedback"]
        assert sorted(stage.lines) == ["MIDI out: Antiphon", "MIDI out: Antiphon feedback"]

    opened(scene, monkeypatch, midi_out="own", midi_feedback="own", midi_clock_out="on")


async def until(condition, seconds=10.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
