"""MIDI out: what is sung as notes, values back to controllers, and a port that comes and goes."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from midi_stage import FakePorts, Stage

from antiphon.control.midifeedback import MidiFeedback
from antiphon.control.midifollow import MidiOut
from antiphon.control.midivoice import MidiVoice, Sung
from antiphon.events import Event

SILENT = Sung(False)


class Synth:
    """What a synthesizer makes of what it is sent: keys that are down by channel, bends in semitones."""

    def __init__(self, name="own", outputs=("Synth",), **options):
        self.ports, self.lines, self.now = FakePorts(outputs=list(outputs)), [], 0.0
        self.out = MidiOut(self.ports, name, self.lines.append)
        self.voice = MidiVoice(self.out, clock=lambda: self.now, **options)
        self.out.look()

    def messages(self, *kinds):
        """What was sent since, of these kinds of status."""
        sent, self.ports.sent[:] = [data for _, data in self.ports.sent], []
        return [data for data in sent if not kinds or data[0] & 0xF0 in kinds]

    def sing(self, *looks):
        for look in looks:
            self.now += 0.005
            self.voice.look(look)


def pitches(messages, range_semitones):
    """Pitch at each message, by key and bend."""
    key, bend, heard = {}, Counter(), []
    for data in messages:
        kind, channel = data[0] & 0xF0, data[0] & 15
        if kind == 0x90:
            key[channel] = data[1]
        if kind == 0x80:
            del key[channel]
        if kind == 0xE0:
            bend[channel] = ((data[1] | data[2] << 7) - 8192) / 8192 * range_semitones
        heard += [key[channel] + bend[channel]] if channel in key and kind in (0x90, 0xE0) else []
    return heard


def test_a_port_is_told_how_far_bends_go():
    """RPN 0 is 2 semitones, and none is left selected; notes that may still sound there are ended."""
    told = [data[1:] for data in Synth().messages(0xB0)]
    assert told == [(123, 0), (101, 0), (100, 0), (6, 2), (38, 0), (101, 127), (100, 127)]


def test_a_note_is_a_key_and_a_bend():
    """A4 and 25 cents, at -20 dB: the bend before the key, the key let go when it is silent."""
    synth = Synth()
    synth.messages()
    synth.sing(Sung(True, 1, 69.25, -20.0), Sung(True, 1, 69.25, -20.0), SILENT, SILENT)
    assert synth.messages() == [(0xE0, 0, 72), (0xB0, 11, 87), (0x90, 69, 87), (0x80, 69, 64)]


def test_a_new_note_is_struck_though_its_pitch_is_the_same():
    synth = Synth()
    synth.sing(Sung(True, 1, 60.0, -20.0), Sung(True, 2, 60.0, -20.0))
    assert [data[:2] for data in synth.messages(0x80, 0x90)] == [(0x90, 60), (0x80, 60), (0x90, 60)]


@pytest.mark.parametrize("bend_range, strikes", [(None, 3), (12.0, 1), (48.0, 1)])
def test_a_glide_is_followed(bend_range, strikes):
    """An octave up in 300 ms: within 2 cents at each look, struck anew only where the bend does not reach."""
    synth = Synth(bend_range=bend_range)
    synth.messages()
    glide = [60.0 + 5.9 * step / 60 for step in range(61)]
    for pitch in glide:
        synth.sing(Sung(True, 1, pitch, -12.0))
    sent = synth.messages(0x80, 0x90, 0xE0)
    assert len([data for data in sent if data[0] == 0x90]) == strikes
    heard = pitches(sent, bend_range or 2.0)
    assert heard[-1] == pytest.approx(65.9, abs=0.02)
    assert all(min(abs(pitch - one) for one in glide) < 0.02 for pitch in heard)


def test_dynamics_follow_fifty_times_a_second():
    synth = Synth(dynamics="pressure")
    synth.messages()
    for step in range(100):
        synth.sing(Sung(True, 1, 60.0, -40.0 + step * 0.3))
    levels = [data[1] for data in synth.messages(0xD0)]
    assert 20 <= len(levels) <= 27
    assert levels == sorted(levels)
    synth = Synth(dynamics="off")
    synth.messages()
    synth.sing(Sung(True, 1, 60.0, -40.0), Sung(True, 1, 60.0, -30.0))
    assert synth.messages(0xB0, 0xD0) == []


def test_mpe_gives_each_note_a_channel():
    """A lower zone of 15 members, bends of 48 semitones on each, notes in turn on 2 to 16."""
    synth = Synth(mpe=True)
    begin = synth.messages()
    assert begin[:4] == [(0xB0, 101, 0), (0xB0, 100, 6), (0xB0, 6, 15), (0xB0, 38, 0)]
    assert [data[0] & 15 for data in begin if data[1:] == (6, 48)] == list(range(1, 16))
    synth.sing(*(Sung(True, note, 60.0 + note, -20.0) for note in range(1, 18)))
    assert [data[0] & 15 for data in synth.messages(0x90)] == [*range(1, 16), 1, 2]


def test_panic_and_close_end_everything():
    synth = Synth()
    synth.sing(Sung(True, 1, 60.0, -20.0))
    synth.messages()
    synth.voice.silence()
    assert synth.messages() == [(0x80, 60, 64), (0xB0, 123, 0), (0xB0, 120, 0)]
    synth.sing(Sung(True, 2, 60.0, -20.0))
    synth.voice.close()
    synth.voice.close()
    synth.sing(Sung(True, 3, 60.0, -20.0))
    assert len(synth.messages(0x90)) == 1


@pytest.mark.parametrize("after", [(Sung(True, 2, 60.0, -20.0),), (SILENT, Sung(True, 1, 60.0, -20.0))], ids=["another", "silence"])
def test_panic_does_not_strike_again(after):
    """The model sings on for a few looks: its note is left, though it glides far; another one, or one after silence, is struck."""
    synth = Synth()
    synth.sing(Sung(True, 1, 60.0, -20.0))
    synth.voice.silence()
    synth.sing(*[Sung(True, 1, 60.0 + look, -20.0) for look in range(5)])
    synth.voice.silence()
    synth.sing(Sung(True, 1, 64.0, -20.0))
    assert len(synth.messages(0x90)) == 1
    synth.sing(*after)
    assert len(synth.messages(0x90)) == 1


def test_a_port_that_comes_back_begins_anew():
    """Unplugged in a note: said once; plugged in again, old notes are ended there and the note that sounds is struck."""
    synth = Synth("synth", outputs=("Synth 20:0",))
    synth.sing(Sung(True, 1, 60.0, -20.0))
    synth.ports.out_names.clear()
    synth.sing(Sung(True, 1, 61.0, -20.0))
    synth.out.look()
    synth.out.look()
    synth.sing(Sung(True, 1, 60.5, -20.0))
    synth.messages()
    synth.ports.out_names.append("Synth 28:0")
    synth.out.look()
    synth.sing(Sung(True, 1, 60.5, -20.0))
    sent = synth.messages()
    assert sent[0] == (0xB0, 123, 0)
    assert sent[-1][0] == 0x90
    assert synth.lines == ["MIDI out: Synth", "MIDI out: Synth is gone; it is opened again when it is back",
                           "MIDI out: no port like synth yet; there is: none", "MIDI out: Synth"]


def test_our_own_port_comes_back_with_its_server():
    """Said once and opened again, under its name; nothing is sent in between; what cannot be opened meanwhile is no news."""
    ports, lines = FakePorts(), []
    out = MidiOut(ports, log=lines.append, client="Antiphon feedback")
    out.look()
    ports.die()
    assert not out.send(0xF8)
    ports.open_output, opens = lambda *port: (_ for _ in ()).throw(OSError("no server")), ports.open_output
    out.look()
    out.look()
    ports.open_output = opens
    out.look()
    out.look()
    assert out.send(0xF8)
    gone = "MIDI out: Antiphon feedback is gone; it is opened again when it is back"
    assert lines == ["MIDI out: Antiphon feedback", gone, "MIDI out: Antiphon feedback"]
    assert ports.clients == ["Antiphon feedback"] * 2
    ports.die()
    out.look()
    assert lines[3:] == [gone, "MIDI out: Antiphon feedback"]


_nan = st.just(float("nan"))
_look = st.builds(Sung, st.booleans(), st.integers(0, 3), st.floats(-5, 140) | _nan, st.floats(-200, 50) | _nan)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(_look, st.sampled_from(["panic", "unplug", "plug"])), max_size=50), st.booleans())
def test_no_note_stays(looks, mpe):
    """After any looks, panics and pulled cables, and the end: on the port as many notes off as on, for each key; one at a time."""
    synth = Synth("synth", mpe=mpe)
    down, on, off = Counter(), Counter(), Counter()
    for look in [*looks, "plug", "end"]:
        if look == "panic":
            synth.voice.silence()
        elif look == "unplug":
            synth.ports.out_names.clear()
            synth.out.look()
            down.clear()
            on.clear()
            off.clear()  # whatever is heard there is another's now
        elif look == "plug":
            synth.ports.out_names[:] = ["Synth"]
            synth.out.look()
        elif look == "end":
            synth.voice.close()
        else:
            synth.sing(look)
        for data in synth.messages(0x80, 0x90):
            if data[0] & 0xF0 == 0x90:
                assert data[2] > 0
                on[data[0] & 15, data[1]] += 1
            else:
                off[data[0] & 15, data[1]] += 1
            down = on - off
            assert sum(down.values()) <= 1
    assert on == off


class Surface:
    """A controller with motors: MIDI in and the way back to it."""

    def __init__(self):
        self.stage = Stage()
        self.ports = FakePorts(outputs=["Faders"])
        self.out = MidiOut(self.ports, "faders")
        midi = self.stage.midi
        self.back = MidiFeedback(self.stage.desk, midi.map, self.out, midi.moved, clock=lambda: self.stage.now)
        self.out.look()
        self.back.flush()

    def sent(self):
        self.back.flush()
        sent, self.ports.sent[:] = [data for _, data in self.ports.sent], []
        return sent


def test_a_surface_is_told_all_and_then_what_changes():
    surface = Surface()
    first = surface.sent()
    assert (0xB0, 74, 64) in first
    assert (0xB0, 66, 0) in first
    assert surface.sent() == []
    surface.stage.desk.emit(Event("hold", True, source="osc"))
    surface.stage.desk.emit(Event("brightness", surface.stage.desk.registry.resolve("brightness").maximum, source="osc"))
    assert sorted(surface.sent()) == [(0xB0, 66, 127), (0xB0, 74, 127)]


def test_a_hand_is_left_alone():
    """What a knob did is not sent back to it; what others do to its row is, half a second later."""
    surface = Surface()
    surface.sent()
    surface.stage.play(0xB0, 74, 100)
    assert surface.sent() == []
    surface.stage.now += 1.0
    assert surface.sent() == []
    surface.stage.play(0xB0, 74, 101)
    surface.stage.desk.emit(Event("brightness", 0.0, source="osc"))
    assert surface.sent() == []
    surface.stage.now += 0.6
    assert surface.sent() == [(0xB0, 74, 64)]


def test_a_surface_that_echoes_does_not_go_round():
    """It sends back what it gets: no message follows."""
    surface = Surface()
    surface.sent()
    surface.stage.desk.emit(Event("brightness", 1.1, source="osc"))
    for _ in range(5):
        for data in surface.sent():
            surface.stage.play(*data)
        surface.stage.now += 1.0
    assert surface.sent() == []
    surface.back.close()
    surface.stage.desk.emit(Event("brightness", 0.0, source="osc"))
    assert surface.sent() == []


def test_pairs_and_pads_are_shown():
    surface = Surface()
    surface.stage.midi.map.load({"2:cc1+33": "resonance", "10:note37": "mute", "bend": "transpose", "note38": "mode"})
    surface.sent()
    for path, value in (("resonance", 1.0), ("mute", True), ("transpose", -24), ("mode", "listen")):
        surface.stage.desk.emit(Event(path, value, source="osc"))
    sent = [data for data in surface.sent() if data[1] not in (71, 10)]
    assert sorted(sent) == [(0x99, 37, 127), (0xB1, 1, 127), (0xB1, 33, 127), (0xE0, 0, 0)]


def test_out_is_followed_in_a_loop():
    async def scene():
        ports = FakePorts(outputs=["Synth"])
        out = MidiOut(ports, "synth")
        seen = asyncio.Event()
        out.opened.append(seen.set)
        task = asyncio.create_task(out.run())
        await asyncio.wait_for(seen.wait(), 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert out.send(0xF8)
        out.close()
        out.close()
        out.look()
        assert not out.send(0xF8)

    asyncio.run(scene())
