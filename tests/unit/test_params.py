"""The parameter table accepts what a row says and nothing else, with one line that helps."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import UsageError
from antiphon.params import REGISTRY, TABLE, Param
from antiphon.params.spec import RefusedValue, UnknownParam
from antiphon.units import OFF_DB

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.binary(max_size=12),
    st.lists(st.integers(), max_size=3),
    st.tuples(st.integers(), st.text(max_size=3)),
)


WITH_VALUE = [row for row in TABLE if row.access == "rw"]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.path)
def test_every_row_says_what_it_is_for(row):
    """Its help is a phrase; what only happens, and words, cannot be read; nothing else is so."""
    assert row.help and not row.help.endswith(".")
    assert (row.access == "w") == (row.kind in ("trigger", "text"))


@pytest.mark.parametrize("row", WITH_VALUE, ids=lambda row: row.path)
def test_every_row_accepts_its_own_default_and_says_it_back(row):
    """A default is accepted, survives shared memory, and the text shown for it is read back as the same value."""
    assert row.accept(row.default) == row.default
    assert len(row.encode(row.default)) == row.width
    assert row.decode(row.encode(row.default)) == row.default
    assert row.parse(row.show(row.default)) == row.default


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.path)
@given(value=ANYTHING)
def test_any_value_is_accepted_in_range_or_refused_in_one_line(row, value):
    """Whatever arrives, the answer is a value inside the row's range or one printable line."""
    try:
        accepted = row.accept(value)
    except RefusedValue as error:
        assert "\n" not in str(error) and len(str(error)) < 480 and row.path in str(error)
        return
    if row.kind in ("float", "int"):
        assert math.isfinite(accepted)
        assert row.minimum <= accepted <= row.maximum or (row.zero and accepted == 0)
    if row.kind == "enum":
        assert accepted in row.choices
    if row.kind == "list":
        assert len(accepted) <= row.most and all(row.minimum <= number <= row.maximum for number in accepted)
    if row.kind == "text":
        assert len(accepted) <= row.most and accepted.isprintable()
    if row.kind == "trigger":
        assert accepted in (range(row.most + 1) if row.numbered else (True, False))
    assert row.accept(accepted) == accepted
    if row.access == "rw":
        assert row.decode(row.encode(accepted)) == accepted


@given(st.lists(st.floats(0.0, 127.0), max_size=12))
def test_a_list_survives_shared_memory_and_its_own_text(numbers):
    """Whatever its length, none included; its place in shared memory has the same width always."""
    row = REGISTRY.resolve("chord")
    value = row.accept(numbers)
    assert row.decode(row.encode(value)) == value and len(row.encode(value)) == row.width
    written = row.parse(row.show(value))
    assert len(written) == len(value) and written == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("row", [row for row in TABLE if row.kind in ("float", "int", "bool")], ids=lambda r: r.path)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_nan_and_infinities_are_refused_by_every_row(row, value):
    """A number that is no number never reaches the sound; neither does one no float can hold."""
    with pytest.raises(RefusedValue):
        row.accept(value)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.path)
@pytest.mark.parametrize("value", [10**400, -(10**400), 16**5000, [16**5000], "9" * 5000], ids=range(5))
def test_a_number_larger_than_any_float_is_refused_in_one_line(row, value):
    """And one that Python itself will not write out; only a trigger that has no number takes anything."""
    for take in (row.accept, row.parse) if isinstance(value, str) else (row.accept,):
        if row.kind == "trigger" and not row.numbered:
            assert take(value) is True or isinstance(value, str)
            continue
        with pytest.raises(RefusedValue) as refused:
            take(value)
        assert len(str(refused.value)) < 480 and "\n" not in str(refused.value)


def test_what_presets_keep_is_a_column_of_the_table():
    """Levels, margins and wiring are the room's; what happens just now is not saved; all else is music."""
    kept = {kept: {row.path for row in WITH_VALUE if row.kept == kept} for kept in ("music", "room", "moment")}
    assert kept["moment"] == {"beat", "hold", "freeze", "mute"}
    assert kept["room"] == {"phrase_margin", "yield_margin", "guard_notes", "guard_intervals", "dry", "voice", "master", "sync",
                            "morph_s", "midi_notes", *(f"send/{n}" for n in range(1, 9))}  # fmt: skip
    assert all(row.saved == (row.kept != "moment") and row.of_the_music == (row.kept == "music") for row in WITH_VALUE)
    assert not any(row.saved or row.of_the_music for row in TABLE if row.access == "w")


def test_out_of_range_is_clipped_or_refused_as_the_row_says():
    """A fader is clipped; a seed outside its range is refused, since another seed would be another answer."""
    assert REGISTRY.accept("answer_s", 1e9) == 600.0
    assert REGISTRY.accept("dry", -200) == -80.0
    with pytest.raises(RefusedValue):
        REGISTRY.accept("seed", -1)


def test_an_unknown_path_names_the_nearest():
    """A misspelt path is answered with what was probably meant."""
    with pytest.raises(UnknownParam) as caught:
        REGISTRY.resolve("temprature")
    assert caught.value.nearest[0] == "temperature"
    assert isinstance(caught.value, UsageError)


@pytest.mark.parametrize(
    "path, text, value",
    [
        ("dry", "off", -80.0),
        ("dry", "-6 dB", -6.0),
        ("answer_s", "12s", 12.0),
        ("mode", "HOLD", "hold"),
        ("mute", "on", True),
        ("yield", "no", False),
        ("seed", "7", 7),
        ("trigger", "on", True),
        ("trigger", "0", False),
        ("keep", "3", 3),
        ("chord", "c4, e4 67.5", (60.0, 64.0, 67.5)),
        ("chord", "none", ()),
        ("scale_cents", "0 150 350", (0.0, 150.0, 350.0)),
        ("tempo", "performer", 0),
        ("tempo", "90 bpm", 90.0),
        ("register_low", "C3", 48.0),
        ("key", "Bb", "bb"),
        ("preset", " duet over 4 s ", "duet over 4 s"),
    ],
)
def test_written_values_are_read_as_people_write_them(path, text, value):
    """Units, on/off and upper case are understood."""
    assert REGISTRY.parse(path, text) == value


@pytest.mark.parametrize("path, text", [
    ("dry", "loud"), ("dry", ""), ("seed", "1.5"), ("mode", "hodl"), ("mute", "2"), ("keep", "9"), ("keep", ""), ("chord", "c4 h"),
    ("chord", "128"), ("scale_cents", " ".join("1" * 13)),
])  # fmt: skip
def test_written_nonsense_is_refused(path, text):
    """What cannot be read is refused, not guessed."""
    with pytest.raises(RefusedValue):
        REGISTRY.parse(path, text)


def test_a_gain_may_be_off_and_its_refusal_says_so():
    """Written, over OSC and in a preset; a margin has no off."""
    for path in ("dry", "voice", "master"):
        assert REGISTRY.accept(path, "off") == REGISTRY.parse(path, "off") == OFF_DB
        with pytest.raises(RefusedValue, match="12 dB, or off"):
            REGISTRY.parse(path, "loud")
    for take in (REGISTRY.accept, REGISTRY.parse):
        with pytest.raises(RefusedValue) as refused:
            take("phrase_margin", "off")
        assert "or off" not in str(refused.value)


def test_numbers_stand_for_words_since_pd_sends_only_floats():
    """An enum takes its index, a bool any number, a trigger's 0 is the button let go."""
    assert REGISTRY.accept("mode", 2.0) == REGISTRY.resolve("mode").choices[2]
    assert REGISTRY.accept("mute", 1.0) is True
    assert REGISTRY.accept("trigger", 0.0) is False
    assert REGISTRY.accept("trigger", None) is True
    with pytest.raises(RefusedValue):
        REGISTRY.accept("mode", 3.0)
    with pytest.raises(RefusedValue):
        REGISTRY.accept("mode", 0.5)


def test_the_mailbox_has_a_place_for_every_step_row_in_table_order():
    """Both processes find a row at the same place: none overlaps the next, and no room is left between them."""
    doubles = REGISTRY.step_defaults()
    assert len(doubles) == REGISTRY.step_width
    place = 0
    for row in REGISTRY.step_rows:
        assert REGISTRY.step_index(row.path) == place
        assert REGISTRY.get(doubles, row.path) == (0 if row.kind == "trigger" else row.default)
        place += row.width
    assert place == REGISTRY.step_width
    assert [REGISTRY.block_index(row.path) for row in REGISTRY.block_rows] == list(range(len(REGISTRY.block_rows)))
    targets = {"step": REGISTRY.step_rows, "block": REGISTRY.block_rows, "control": REGISTRY.control_rows}
    assert all(row in targets[row.target] for row in TABLE)


def test_what_is_put_into_the_mailbox_is_got_from_it_and_touches_nothing_else():
    """A list that grew shorter leaves nothing behind; a trigger is counted, a numbered one says which besides."""
    doubles = REGISTRY.step_defaults()
    REGISTRY.put(doubles, "chord", (60.0, 64.0, 67.0))
    REGISTRY.put(doubles, "chord", (50.0,))
    assert REGISTRY.get(doubles, "chord") == (50.0,)
    REGISTRY.put(doubles, "keep", 3)
    REGISTRY.put(doubles, "keep", 5)
    REGISTRY.put(doubles, "trigger", True)
    at = REGISTRY.step_index("keep")
    assert REGISTRY.get(doubles, "keep") == 2 and doubles[at + 1] == 5 and REGISTRY.get(doubles, "trigger") == 1
    others = [row.path for row in REGISTRY.step_rows if row.path not in ("chord", "keep", "trigger")]
    assert all(REGISTRY.get(doubles, path) == REGISTRY.get(REGISTRY.step_defaults(), path) for path in others)


def test_only_what_has_a_value_has_a_default():
    """What only happens, and words, are not among the values that an engine keeps."""
    assert set(REGISTRY.defaults()) == {row.path for row in WITH_VALUE}


def test_a_row_is_immutable():
    """Nobody changes the table at run time."""
    with pytest.raises(AttributeError):
        REGISTRY.resolve("dry").maximum = 100.0  # type: ignore[misc]
    assert isinstance(TABLE[0], Param)


@pytest.mark.parametrize("row", [row for row in REGISTRY.rows if row.kind in ("bool", "enum")], ids=lambda row: row.path)
def test_the_words_a_refusal_names_are_taken(row):
    """What a message says a row takes is taken from OSC and presets too, not only on the command line."""
    for word in row.span().split(" | "):
        assert row.show(row.accept(word)) == word


@pytest.mark.parametrize("row", [row for row in TABLE if row.zero], ids=lambda row: row.path)
def test_a_row_whose_0_is_a_word_takes_both_and_says_the_word(row):
    """0 is not moved into the range, where it would be a number; what lies between them is, and that is said."""
    for zero in (0, 0.0, row.zero):
        assert row.accept(zero) == 0
    assert row.show(0) == row.zero and row.zero in row.span() and not row.clipped(0)
    assert row.accept(row.minimum / 2) == row.minimum and row.clipped(row.minimum / 2)
