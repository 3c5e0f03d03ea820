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


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.path)
def test_every_row_accepts_its_own_default_and_says_it_back(row):
    """A default is accepted, survives shared memory, and the text shown for it is read back as the same value."""
    if row.kind == "trigger":
        assert row.accept(True) is True and row.access == "w"
        return
    assert row.accept(row.default) == row.default
    assert row.decode(row.encode(row.default)) == row.default
    assert row.parse(row.show(row.default)) == row.default
    assert row.help and not row.help.endswith(".")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.path)
@given(value=ANYTHING)
def test_any_value_is_accepted_in_range_or_refused_in_one_line(row, value):
    """Whatever arrives, the answer is a value inside the row's range or one printable line."""
    try:
        accepted = row.accept(value)
    except RefusedValue as error:
        assert "\n" not in str(error) and len(str(error)) < 240 and row.path in str(error)
        return
    if row.kind in ("float", "int"):
        assert math.isfinite(accepted) and row.minimum <= accepted <= row.maximum
    if row.kind == "enum":
        assert accepted in row.choices
    if row.kind == "trigger":
        assert accepted in (True, False)
        return
    assert row.decode(row.encode(accepted)) == accepted
    assert row.accept(accepted) == accepted


@pytest.mark.parametrize("row", [row for row in TABLE if row.kind in ("float", "int", "bool")], ids=lambda r: r.path)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_nan_and_infinities_are_refused_by_every_row(row, value):
    """A number that is no number never reaches the sound; neither does one no float can hold."""
    with pytest.raises(RefusedValue):
        row.accept(value)


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
    ],
)
def test_written_values_are_read_as_people_write_them(path, text, value):
    """Units, on/off and upper case are understood."""
    assert REGISTRY.parse(path, text) == value


@pytest.mark.parametrize("path, text", [("dry", "loud"), ("seed", "1.5"), ("mode", "hodl"), ("mute", "2"), ("dry", "")])
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


def test_the_mailbox_has_one_double_per_step_row_in_table_order():
    """Both processes find a row at the same place."""
    doubles = REGISTRY.step_defaults()
    assert len(doubles) == len(REGISTRY.step_rows)
    for row in REGISTRY.step_rows:
        expected = 0.0 if row.kind == "trigger" else row.encode(row.default)
        assert doubles[REGISTRY.step_index(row.path)] == expected
    assert [REGISTRY.block_index(row.path) for row in REGISTRY.block_rows] == list(range(len(REGISTRY.block_rows)))
    targets = {"step": REGISTRY.step_rows, "block": REGISTRY.block_rows, "control": REGISTRY.control_rows}
    assert all(row in targets[row.target] for row in TABLE)


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
