"""Decibels, pitches, names."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon import units
from antiphon.errors import did_you_mean, nearest


@given(st.floats(-79.9, 24.0))
def test_db_and_gain_are_inverse(gain_db):
    """A gain survives the way there and back within a thousandth of a dB."""
    assert units.gain_to_db(units.db_to_gain(gain_db)) == pytest.approx(gain_db, abs=1e-3)


def test_the_lowest_point_of_a_fader_is_off():
    """At OFF_DB the factor is zero, not a ten-thousandth."""
    assert units.db_to_gain(units.OFF_DB) == 0.0
    assert units.gain_to_db(0.0) == -120.0


@given(st.floats(20.0, 20000.0))
def test_frequency_and_pitch_are_inverse(frequency_hz):
    """A pitch survives the way there and back within a hundredth of a cent."""
    assert (
        abs(units.hz_to_pitch(units.pitch_to_hz(units.hz_to_pitch(frequency_hz))) - units.hz_to_pitch(frequency_hz))
        < 1e-4
    )


@pytest.mark.parametrize(
    "pitch, name",
    [
        (69.0, "A4 +0"),
        (69.12, "A4 +12"),
        (60.0, "C4 +0"),
        (59.51, "C4 -49"),
        (33.0, "A1 +0"),
        (0.0, "-"),
        (math.nan, "-"),
    ],
)
def test_pitches_are_named_with_their_cents(pitch, name):
    """Cents are told, never rounded away; unvoiced is a dash."""
    assert units.pitch_name(pitch) == name


def test_unvoiced_has_no_frequency():
    """0.0 is unvoiced both ways."""
    assert units.pitch_to_hz(0.0) == 0.0 and units.hz_to_pitch(0.0) == 0.0


def test_nearest_finds_what_was_meant_and_nothing_when_nothing_is_near():
    """Beginnings and parts come before mere likeness; a far word gets no suggestion."""
    names = ["render", "play", "devices", "doctor", "params"]
    assert nearest("rendr", names)[0] == "render"
    assert nearest("dev", names)[0] == "devices"
    assert nearest("zzzzqq", names) == []
    assert did_you_mean("pram", names) == "; did you mean params?"
    assert did_you_mean("zzzzqq", names) == ""
