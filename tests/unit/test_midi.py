"""MIDI in, on ports that are not there: knobs, pedals, keys, ports that go, and whatever bytes there may be."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from midi_stage import Stage

from antiphon.control import midi
from antiphon.control.midikeys import Keys
from antiphon.control.midimap import turn
from antiphon.errors import UsageError
from antiphon.events import Event
from antiphon.params import REGISTRY

DARK, BRIGHT = REGISTRY.resolve("brightness").minimum, REGISTRY.resolve("brightness").maximum


@pytest.mark.parametrize("data, path, value", [
    ((0xB0, 74, 127), "brightness", BRIGHT),
    ((0xB0, 74, 64), "brightness", None),  # where it was: nothing to say
    ((0xB5, 74, 0), "brightness", DARK),
    ((0xB0, 7, 0), "master", -80.0),
    ((0xB0, 75, 64), "lowpass", pytest.approx(632.456, rel=1e-4)),
    ((0xB0, 27, 64), "density", None),
    ((0xB0, 66, 100), "hold", True),
    ((0xB0, 66, 63), "hold", None),
    ((0xB0, 64, 100), "trigger", True),
    ((0xB0, 64, 63), "trigger", None),
    ((0xB0, 119, 127), "panic", True),
    ((0xB0, 99, 5), "brightness", None),
    ((0xC0, 1), "preset", "quiet"),
])
def test_a_message_moves_its_row(data, path, value):
    stage = Stage()
    stage.play(*data)
    assert stage.said(path) == ([] if value is None else [value])


def test_events_say_who_spoke():
    stage = Stage()
    stage.play(0xB0, 74, 1)
    assert stage.events[0].source == "midi:Keys"
    assert stage.events[0].time_frame is None


def test_a_tap_says_when():
    """The beat is when the pedal went down, not when we heard of it."""
    stage = Stage()
    stage.midi.take("Keys", bytes((0xB0, 80, 127)), 99.5)
    stage.midi.take("Keys", bytes((0xB0, 80, 0)), 99.6)
    stage.midi.take("Keys", bytes((0xB0, 80, 127)), 100.0)
    assert [event.time_frame for event in stage.events if event.path == "tap"] == [99.5 * 48_000, 100 * 48_000]
    assert stage.values["tempo"] == 120.0


def test_a_pedal_is_one_press():
    """What bounces within 40 ms of the press is the same one; let go it is nothing; a pedal of many values presses at 64."""
    stage = Stage()
    for raw, wait_s in ((127, 0.005), (0, 0.005), (127, 0.3), (0, 0.5), (40, 0.05), (80, 0.05), (127, 0.05), (70, 0.05), (10, 0.1)):
        stage.play(0xB0, 64, raw)
        stage.wait(wait_s)
    assert stage.said("trigger") == [True, True]


def test_a_chord_is_told_once():
    """Three keys within 20 ms are one event; going to the next chord, fingers one by one, is one more; all up is none."""
    stage = Stage()
    for note in (64, 60, 67):
        stage.play(0x90, note, 90)
        stage.wait(0.01)
    stage.wait(0.03)
    assert stage.said("chord") == [(60.0, 64.0, 67.0)]
    for note in (60, 64, 67):
        stage.play(0x80, note, 0)
        stage.wait(0.02)
    for note in (65, 69, 60):
        stage.play(0x90, note, 90)
        stage.wait(0.005)
    stage.wait(0.1)
    assert stage.said("chord") == [(60.0, 65.0, 69.0)]
    for note in (65, 69, 60):
        stage.play(0x90, note, 0)
        stage.wait(0.01)
    assert stage.said("chord") == []
    stage.wait(0.1)
    assert stage.said("chord") == [()]


def test_a_chord_waits_30_ms_at_most():
    """A run of notes without end does not put it off."""
    stage = Stage()
    for note in range(40, 50):
        stage.play(0x90, note, 90)
        stage.wait(0.01)
    assert stage.said("chord")[0] == (40.0, 41.0, 42.0)


def test_a_chord_is_of_all_ports_and_of_the_latest_twelve():
    stage = Stage(inputs=("Keys", "Pads"))
    for note in range(40, 55):
        stage.play(0x90, note, 90, port="Keys" if note % 2 else "Pads")
    stage.wait(0.05)
    assert stage.said("chord") == [tuple(float(note) for note in range(43, 55))]


def test_notes_as_notes_and_off():
    stage = Stage(values={"midi_notes": "note"})
    stage.play(0x90, 61, 90)
    stage.play(0x80, 61, 0)
    stage.play(0x90, 0, 90)  # no row takes note 0
    stage.wait(0.2)
    assert stage.said() == [("play_note", 61)]
    stage.values["midi_notes"] = "off"
    stage.play(0x90, 61, 90)
    stage.wait(0.2)
    assert stage.said() == []


def test_a_chord_ends_when_notes_mean_something_else():
    stage = Stage()
    stage.play(0x90, 61, 90)
    stage.wait(0.1)
    stage.desk.emit(Event("midi_notes", "note"))
    stage.play(0x80, 61, 0)
    stage.wait(0.2)
    assert stage.said("chord") == [(61.0,), ()]


@pytest.mark.parametrize("number", [120, 123, 125])
def test_notes_off_lifts_all_keys_of_a_channel(number):
    stage = Stage()
    stage.play(0x90, 61, 90)
    stage.play(0x91, 62, 90)
    stage.wait(0.1)
    stage.play(0xB0, number, 0)
    assert stage.said("chord") == [(61.0, 62.0), (62.0,)]


def test_a_port_that_goes_takes_its_keys_and_pedals_along():
    """Unplugged with a key and a pedal down: the chord is the other keyboard's, the hold is let go; it is said, and found again."""
    stage = Stage(inputs=("Keys 20:0", "Pads"))
    stage.play(0x90, 61, 90)
    stage.play(0x90, 70, 90, port="Pads")
    stage.play(0xB0, 66, 127)
    stage.wait(0.1)
    stage.said()
    stage.ports.in_names.remove("Keys 20:0")
    stage.midi.look()
    assert stage.said() == [("hold", False), ("chord", (70.0,))]
    assert stage.lines[-1] == "MIDI in: Keys is gone; it is listened to again when it is back"
    stage.ports.in_names.append("Keys 24:0")
    stage.midi.look()
    stage.midi.look()
    assert stage.lines[-1] == "MIDI in: Keys is back"
    assert stage.midi.port_names == ["Pads", "Keys"]


def test_a_hold_that_others_set_is_left():
    """A port that goes lets go of what its pedals hold, nothing else; a mute from a knob is no pedal."""
    stage = Stage()
    stage.midi.map.bind("cc90", "mute")
    stage.desk.emit(Event("hold", True, source="osc"))
    stage.play(0xB0, 90, 127)
    stage.said()
    stage.midi.close()
    stage.midi.close()
    assert stage.said() == []


@pytest.mark.parametrize("wanted, opened", [
    (("all",), ["Keys", "Pads", "Pads #2"]),
    (("pad",), ["Pads", "Pads #2"]),
    (("keys", "through"), ["Midi Through", "Keys"]),
    (("organ",), []),
    ((), []),
])
def test_ports_are_chosen_by_parts_of_names(wanted, opened):
    """"all" leaves out our own, and what only sends back."""
    stage = Stage(inputs=("Midi Through 14:0", "Antiphon:out", "Keys 20:0", "Pads 24:0", "Pads 28:0"), wanted=wanted)
    assert stage.midi.port_names == opened
    assert stage.ports.heard.keys() >= {None}
    if wanted == ("organ",):
        assert stage.lines == ["MIDI in: no port like organ yet; there is: Keys, Pads, Pads #2"]


def test_a_port_that_is_refused_is_told_once():
    stage = Stage(inputs=())
    stage.ports.open_input = lambda name, heard: (_ for _ in ()).throw(OSError("MIDI port 'Keys' cannot be opened (busy)"))
    stage.ports.in_names.append("Keys")
    for _ in range(3):
        stage.midi.look()
    assert stage.lines == ["MIDI in: MIDI port 'Keys' cannot be opened (busy)"]


def test_our_own_port_comes_back_with_its_server():
    """So does another's that is listed again at once; keys and the hold pedal that were down are up, and it is said."""
    stage = Stage()
    for port in ("Antiphon", "Keys"):
        stage.play(0x90, 61 if port == "Keys" else 62, 90, port=port)
    stage.play(0xB0, 66, 127, port="Antiphon")
    stage.wait(0.1)
    stage.said()
    stage.ports.die()
    stage.midi.look()
    assert stage.ports.opened == [None, "Keys"] * 2
    assert stage.said() == [("hold", False), ("chord", (61.0,)), ("chord", ())]
    assert stage.lines[1:] == [
        "MIDI in: Antiphon is gone; it is opened again when it is back",
        "MIDI in: Keys is gone; it is listened to again when it is back",
        "MIDI in: Antiphon is back",
        "MIDI in: Keys is back",
    ]


def test_pairs_and_nrpn():
    """A pair's coarse half counts at once, the fine one completes it; an NRPN likewise; both ends are reached."""
    stage = Stage()
    stage.midi.map.load({"cc1+33": "brightness", "nrpn300": "resonance", "bend": "transpose", "cc1": ""})
    for data in ((0xB0, 1, 127), (0xB0, 33, 127)):
        stage.play(*data)
    assert stage.said("brightness") == [pytest.approx(0.985 * BRIGHT, rel=2e-3), BRIGHT]
    for data in ((0xB0, 99, 2), (0xB0, 98, 44), (0xB0, 6, 64), (0xB0, 38, 0), (0xB0, 6, 127), (0xB0, 38, 127)):
        stage.play(*data)
    assert stage.said("resonance") == [0.5, pytest.approx(0.992, abs=1e-3), 1.0]
    stage.play(0xB0, 101, 0)
    stage.play(0xB0, 6, 2)  # of a registered parameter: not ours
    for data in ((0xE0, 127, 127), (0xE0, 0, 64), (0xE0, 0, 0)):
        stage.play(*data)
    assert stage.said() == [("transpose", 24), ("transpose", 0), ("transpose", -24)]


def test_pads():
    """A pad fires a trigger or one value, turns a switch over, goes through choices; its keys are no chord."""
    stage = Stage()
    stage.midi.map.load({"note36": "recall=3", "10:note37": "mute", "note38": "mode", "pc5": "keep=2", "cc20": "preset=bells"})
    pads = ((0x90, 36, 9), (0x80, 36, 0), (0x99, 37, 9), (0x89, 37, 0), (0x99, 37, 9), (0x90, 38, 9), (0xC3, 5), (0xB0, 20, 127))
    for data in pads:
        stage.play(*data)
    stage.wait(0.2)
    assert stage.said() == [("recall", 3), ("mute", True), ("mute", False), ("mode", "hold"), ("keep", 2), ("preset", "bells")]


def test_a_key_that_is_bound_while_it_is_down_does_not_stay():
    stage = Stage()
    stage.play(0x90, 36, 9)
    stage.wait(0.1)
    stage.midi.map.bind("note36", "trigger")
    stage.play(0x80, 36, 9)
    stage.wait(0.1)
    assert stage.said("chord") == [(36.0,), ()]


def test_numbers_of_programs():
    stage = Stage()
    stage.play(0xC0, 2)
    assert (stage.said(), stage.lines) == ([], ["MIDI in: Keys", "MIDI program 2 from Keys: there are 2 presets, the first is 0"])
    stage.midi.map.load({"pc": "recall"})
    stage.play(0xC0, 2)
    assert stage.said() == [("recall", 3)]


def test_learning():
    """The next thing that moves is bound; newest wins, and it is said; a controller that stands still does not count."""
    stage = Stage()
    stage.play(0xB0, 50, 17)
    stage.midi.learn("dry")
    stage.play(0xB0, 50, 17)
    assert stage.midi.learning == "dry"
    stage.play(0xB0, 74, 20)
    assert stage.lines[-1] == "MIDI cc74 steers dry now, not brightness"
    assert (stage.midi.learning, stage.said()) == ("", [])
    stage.play(0xB0, 74, 0)
    assert stage.said() == [("dry", -80.0)]
    assert stage.midi.map.table == {"cc74": "dry"}
    stage.midi.learn("recall=2")
    stage.play(0x90, 36, 100)
    stage.play(0x90, 36, 100)
    assert (stage.said(), stage.midi.mapping["note36"]) == ([("recall", 2)], "recall=2")
    stage.midi.learn("transpose")
    stage.play(0xE0, 0, 65)  # hardly moved
    stage.play(0xE0, 0, 90)
    assert stage.midi.mapping["bend"] == "transpose"
    stage.midi.learn("voice")
    for data in ((0xB0, 99, 2), (0xB0, 98, 44), (0xB0, 6, 64)):
        stage.play(*data)
    assert stage.midi.mapping["nrpn300"] == "voice"


def test_learning_hears_half_of_a_pair():
    """A coarse half that moves is its pair, and goes on from there; so is a fine half once the coarse was heard."""
    stage = Stage()
    stage.midi.map.load({"cc1+33": "brightness", "cc2+34": "mute"})
    stage.midi.learn("dry")
    stage.play(0xB0, 1, 100)
    assert stage.lines[-1] == "MIDI cc1+33 steers dry now, not brightness"
    stage.play(0xB0, 33, 5)
    assert stage.said() == [("dry", pytest.approx(REGISTRY.resolve("dry").at(turn(100 << 7 | 5, 16_383))))]
    stage.midi.learn("resonance")
    stage.play(0xB0, 33, 6)
    assert stage.midi.mapping["cc1+33"] == "resonance"
    stage.midi.learn("dry")
    stage.play(0xB0, 34, 6)  # a fader of seven bits that has this number
    assert "cc34" in stage.midi.mapping and "cc2+34" not in stage.midi.mapping


@pytest.mark.parametrize("target, word", [("brightnes", "brightness"), ("chord", "list"), ("mode=loud", "listen")])
def test_what_cannot_be_learnt_is_refused(target, word):
    with pytest.raises(UsageError, match=word):
        Stage().midi.learn(target)


def test_what_one_thing_cannot_steer_another_may():
    """keep wants a number: a pad's velocity is none, a knob's place is."""
    stage = Stage()
    stage.midi.learn("keep")
    stage.play(0x90, 36, 100)
    assert (stage.midi.learning, "keep=1" in stage.lines[-1]) == ("keep", True)
    stage.play(0xB0, 51, 3)
    stage.play(0xB0, 51, 4)
    assert stage.said() == [("keep", 4)]


def test_takeover():
    """A knob far from the row's value moves nothing until it comes there or passes it; then it does, until others move the row."""
    stage = Stage(takeover=True)
    for raw in (0, 20, 40):
        stage.play(0xB0, 74, raw)
    assert stage.said() == []
    stage.play(0xB0, 74, 80)  # passed 64
    stage.play(0xB0, 74, 90)
    assert len(stage.said("brightness")) == 2
    stage.desk.emit(Event("brightness", DARK, source="osc"))
    stage.said()
    stage.play(0xB0, 74, 92)
    assert stage.said() == []
    stage.play(0xB0, 74, 2)
    assert len(stage.said("brightness")) == 1


def test_what_the_desk_refuses_is_a_line():
    """A trigger before the model plays: said, not raised; a flood of them is two lines at most."""
    stage = Stage()

    def refuse(event):
        raise UsageError("trigger: the model is not ready yet")

    stage.refuse = refuse
    for _ in range(50):
        for raw in (127, 0):
            stage.play(0xB0, 64, raw)
            stage.now += 0.1
    assert stage.lines[1:] == ["MIDI: trigger: the model is not ready yet"]


def test_clock_through_a_port():
    """Start and 24 ticks a beat: tempo and beat are set; Stop clears the beat."""
    stage = Stage()
    stage.play(0xFA)
    for _ in range(24 * 4):
        stage.now += 60 / 97 / 24
        stage.play(0xF8)
    assert stage.values["tempo"] == 97.0
    assert stage.values["beat"][1] == pytest.approx(97.0, abs=0.01)
    stage.play(0xFC)
    assert stage.values["beat"] == ()
    assert "MIDI clock from Keys" in stage.lines


def test_a_loop_is_told_from_the_ports_threads():
    """Messages handed over by another thread are taken in order, in the loop's; the chord is told by the loop's clock."""

    async def scene():
        stage = Stage()
        stage.midi._clock = __import__("time").time
        task = asyncio.create_task(stage.midi.run())
        await asyncio.sleep(0.05)
        heard = stage.ports.heard["Keys"]
        await asyncio.to_thread(lambda: [heard([0xB0, 74, raw], 0.001) for raw in range(100, 104)])
        await asyncio.to_thread(heard, [0x90, 60, 100], 0.001)
        for _ in range(100):
            await asyncio.sleep(0.01)
            if any(event.path == "chord" for event in stage.events):
                break
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        heard([0x90, 60, 100], 0.0)  # a late one, after the end
        return stage

    stage = asyncio.run(scene())
    assert [path for path, _ in stage.said()] == ["brightness"] * 4 + ["chord", "chord"]
    assert stage.values["chord"] == ()


def test_a_flood_is_bounded_and_leaves_no_key_down(monkeypatch):
    """More than can wait: what is lost is counted, and the port's keys are taken for up."""
    monkeypatch.setattr(midi, "_MOST_WAITING", 10)
    stage = Stage()
    stage.play(0x90, 61, 90)
    stage.wait(0.1)
    for raw in range(50):
        stage.ports.heard["Keys"]([0xB0, 74, raw], 0.0)
    stage.midi.look()
    assert (stage.midi.dropped, stage.values["chord"]) == (40, ())
    assert "more than can be taken" in stage.lines[-1]


_message = st.one_of(
    st.binary(max_size=4),
    st.tuples(st.integers(0x80, 0xEF), st.integers(0, 127), st.integers(0, 127)).map(bytes),
    st.tuples(st.sampled_from([0x80, 0x90, 0xB0]), st.sampled_from([36, 60, 61, 64, 66, 98, 99, 6, 38, 120, 121, 123]),
              st.sampled_from([0, 1, 64, 127])).map(bytes),
    st.sampled_from([b"\xf8", b"\xfa", b"\xfb", b"\xfc", b"\xf2\x04\x00", b"\xf2"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["Keys", "Pads"]), _message, st.sampled_from([0, 0.001, 0.03, 0.2])), max_size=60),
       st.sampled_from(["chord", "note", "off"]), st.booleans())
def test_whatever_arrives(stream, means, takeover):
    """Nothing raises, every event is one that the rows take, and when the ports are closed no key, pedal or beat is left."""
    stage = Stage(inputs=("Keys", "Pads"), values={"midi_notes": means}, takeover=takeover)
    stage.midi.map.load({"cc1+33": "brightness", "nrpn300": "resonance", "note36": "recall=3", "bend": "transpose", "pc3": "hold"})
    for port, data, wait_s in stream:
        stage.play(*data, port=port)
        stage.now += wait_s
        stage.midi.due()
    chords = stage.said("chord")
    assert all(one != two for one, two in zip(chords, chords[1:], strict=False))
    held = stage.values["hold"]
    stage.midi.close()
    assert (stage.values["chord"], stage.values["beat"]) == ((), ())
    assert held or not stage.values["hold"]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.floats(0, 0.1)), max_size=40))
def test_keys_tell_in_time(moves):
    """A chord is due within 30 ms of a key that went down, and within 80 ms of one that went up; never while none moved."""
    keys, now_s = Keys(12), 0.0
    for down, note, wait_s in moves:
        (keys.press if down else keys.release)("p", 1, note, now_s)
        assert keys.due_s is None or now_s <= keys.due_s + 1e-9 and keys.due_s <= now_s + (0.03 if down else 0.08) + 1e-9
        now_s += wait_s
        if keys.due_s is not None and now_s >= keys.due_s:
            keys.chord()
            assert keys.due_s is None


def test_every_row_that_midi_steers_reaches_both_ends():
    """Each default controller, at 0 and 127, gives its row's lowest and highest value."""
    stage = Stage()
    for row in REGISTRY.rows:
        if not row.midi.startswith("cc") or row.kind not in ("float", "int"):
            continue
        number = int(row.midi[2:])
        for raw, value in ((0, row.accept(0) if row.zero else row.minimum), (127, row.maximum)):
            stage.play(0xB0, number, raw)
            assert stage.values[row.path] == pytest.approx(value)
