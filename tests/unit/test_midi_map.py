"""Which controller steers what: the notation, the table's defaults, and how far a knob is turned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.control.midimap import Binding, MidiMap, parse, turn, turned
from antiphon.errors import AntiphonError, UsageError
from antiphon.params import REGISTRY

FADERS = [row for row in REGISTRY.rows if row.kind in ("float", "int", "bool", "enum")]


def test_every_default_of_the_table_is_one_binding():
    """Each parses, none is two rows', and none is a half of another's pair or of what MIDI keeps for itself."""
    bindings = [parse(row.midi) for row in REGISTRY.rows if row.midi]
    assert len(set(bindings)) == len(bindings)
    controllers = [binding.number for binding in bindings if binding.kind in ("cc", "pair")]
    controllers += [binding.fine for binding in bindings if binding.kind == "pair"]
    assert len(set(controllers)) == len(controllers)
    assert not {0, 6, 32, 38, 96, 97, 98, 99, 100, 101, 121, 122, 123, 124, 125, 126, 127} & set(controllers)


def test_every_default_can_steer_its_row():
    table = MidiMap(REGISTRY)
    for row in REGISTRY.rows:
        if row.midi:
            assert str(table.read(parse(row.midi), row.path)) == row.path
            assert table.mapping[row.midi] == row.path
    assert table.table == {}


@pytest.mark.parametrize("text, binding", [
    ("cc74", Binding("cc", 74)),
    (" 1:CC74 ", Binding("cc", 74, channel=1)),
    ("cc1+33", Binding("pair", 1, 33)),
    ("16:nrpn16383", Binding("nrpn", 16383, channel=16)),
    ("bend", Binding("bend")),
    ("2:pressure", Binding("pressure", channel=2)),
    ("note60", Binding("note", 60)),
    ("pc", Binding("pc")),
    ("pc0", Binding("program", 0)),
])
def test_a_binding_is_read_and_written(text, binding):
    assert parse(text) == binding
    assert str(binding) == text.strip().lower()
    assert parse(str(binding)) == binding


@pytest.mark.parametrize("text", [
    "", "cc", "cc128", "17:cc1", "0:cc1", "cc1+1", "cc1+120", "note128", "nrpn16384", "knob", "cc-1", "cc７4", "bend1",
])
def test_what_is_no_binding_is_refused(text):
    with pytest.raises(UsageError):
        parse(text)


@given(st.text(max_size=12))
def test_any_text_is_a_binding_or_refused(text):
    try:
        assert parse(str(parse(text))) == parse(text)
    except UsageError:
        pass


@pytest.mark.parametrize("most", [127, 16_383])
def test_a_knob_has_its_middle_and_both_ends(most):
    assert [turn(raw, most) for raw in (0, (most + 1) // 2, most)] == [0.0, 0.5, 1.0]
    places = [turn(raw, most) for raw in range(most + 1)]
    assert places == sorted(places)
    assert [turned(place, most) for place in places] == list(range(most + 1))


@pytest.mark.parametrize("row", FADERS, ids=lambda row: row.path)
def test_a_fader_reaches_every_end_and_comes_back(row):
    """Along the whole way values rise, the ends are the row's, and a fader that is told the value comes to its place, to a step."""
    values = [row.at(turn(raw, 127)) for raw in range(128)]
    assert [row.accept(value) for value in values] == values
    if row.kind in ("float", "int"):
        assert values == sorted(values)
        assert values[0] == (0 if row.zero else pytest.approx(row.minimum))
        assert values[-1] == pytest.approx(row.maximum)
    if row.kind == "enum":
        assert list(dict.fromkeys(values)) == list(row.choices)
    for value in values:
        assert row.at(row.position(value)) == (pytest.approx(value) if row.kind == "float" else value)


def test_newest_wins_and_says_so():
    table = MidiMap(REGISTRY)
    assert table.bind("cc74", "dry") == "MIDI cc74 steers dry now, not brightness"
    assert table.bind("cc74", "dry") == "MIDI cc74 steers dry now"
    assert table.bind("cc64", "") == "MIDI cc64 steers nothing now, not trigger"
    assert table.bind("2:note36", "recall = 3") == "MIDI 2:note36 steers recall=3 now"
    assert table.table == {"cc74": "dry", "cc64": "", "2:note36": "recall=3"}
    again = MidiMap(REGISTRY)
    again.load(table.table)
    assert again.mapping == table.mapping
    again.load({})
    assert again.table == {}
    assert sorted(table.forget("dry")) == ["cc74"]
    assert "cc74" not in table.mapping


def test_a_controller_leaves_its_pair():
    """One that is bound alone is no half any more, on the channels of the pair; a note of that number is something else."""
    table = MidiMap(REGISTRY)
    table.load({"cc1+33": "brightness", "2:cc1+33": "resonance", "3:cc1+34": "mute"})
    table.bind("note1", "trigger")
    assert {"cc1+33", "2:cc1+33", "3:cc1+34"} <= set(table.mapping)
    assert table.bind("3:cc34", "dry") == "MIDI 3:cc34 steers dry now, not mute"
    assert table.bind("cc33", "dry") == "MIDI cc33 steers dry now, not brightness, resonance"
    assert [name for name in table.mapping if "+" in name] == []


def test_a_channels_own_comes_before_any():
    table = MidiMap(REGISTRY)
    table.bind("3:cc74", "dry")
    assert [str(table.of("cc", 74, channel)[1]) for channel in (2, 3)] == ["brightness", "dry"]
    assert table.of("cc", 90, 1) is None


@pytest.mark.parametrize("table, word", [
    ({"cc740": "dry"}, "127"),
    ({"cc74": "dri"}, "dry"),
    ({"cc74": "chord"}, "chord=VALUE"),
    ({"cc74": "recall=9"}, "1 .. 8"),
    ({"note3": "keep"}, "keep=1"),
    ({"pc": "dry"}, "pc5"),
    ({"cc74": "ask"}, "ask=VALUE"),
    ({"cc74": 3}, "path"),
    ({f"nrpn{n}": "dry" for n in range(1001)}, "1000"),
])
def test_a_wrong_table_is_refused_whole(table, word):
    """One line that says what is wrong, and nothing changed."""
    map_ = MidiMap(REGISTRY)
    before = map_.mapping
    with pytest.raises(UsageError, match=word):
        map_.load({"cc1": "dry", **table})
    with pytest.raises(AntiphonError):
        map_.bind(*list(table.items())[0]) if len(table) == 1 and table != {"cc74": 3} else map_.check(table)
    assert map_.mapping == before
