"""Ports by name, the times messages came, and a machine without MIDI."""

import random
import sys

import pytest

from antiphon.control.midiports import MidiMissing, RtMidiPorts, Stamps, chosen, plain
from antiphon.errors import UsageError


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    with pytest.raises(MidiMissing, match=r"pip install 'antiphon\[midi\]'"):
        RtMidiPorts()


def test_an_unknown_system_is_refused():
    pytest.importorskip("rtmidi")
    with pytest.raises(UsageError, match="there is"):
        RtMidiPorts(api="tape")


def test_a_machine_without_midi_has_no_ports(monkeypatch, capfd):
    """No server, no sequencer: no ports, one OSError for who wants one, and not a word on the terminal."""
    rtmidi = pytest.importorskip("rtmidi")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "antiphon-none")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    try:
        if rtmidi.API_UNIX_JACK not in rtmidi.get_compiled_api():
            pytest.skip("this rtmidi has no JACK")
        ports = RtMidiPorts(api="jack")
    except UsageError:
        pytest.skip("this rtmidi has no JACK")
    assert (ports.inputs(), ports.outputs()) == ([], [])
    with pytest.raises(OSError, match="cannot be opened"):
        ports.open_output(None)
    with pytest.raises(OSError):
        ports.open_input("Keys", print)
    ports.close()
    assert capfd.readouterr().err == ""


def test_names_stay_when_a_cable_is_plugged_again():
    assert plain("Launchkey:Launchkey MIDI 1 20:0") == "Launchkey:Launchkey MIDI 1"
    assert chosen(["launch"], ["Launchkey:MIDI 20:0", "Other 1:0"]) == {"Launchkey:MIDI": "Launchkey:MIDI 20:0"}


def test_times_are_the_drivers():
    """Ticks each 20 ms, heard 0 to 10 ms late: after the first ten they are right within 1 ms. A driver that counts otherwise
    is not believed."""
    rng, stamps = random.Random(2), Stamps()
    lates = [0.0 if rng.random() < 0.2 else rng.uniform(0, 0.01) for _ in range(300)]
    at = [stamps.at(1000.0 + 0.02 * tick + late, 0.02 if tick else 0.0) for tick, late in enumerate(lates)]
    assert all(abs(time_s - 1000.0 - 0.02 * tick) < 0.001 for tick, time_s in enumerate(at) if tick > 20)
    stamps = Stamps()
    for tick in range(50):
        unix_s = 1000.0 + 0.5 * tick
        assert abs(stamps.at(unix_s, 0.0) - unix_s) <= 0.05
