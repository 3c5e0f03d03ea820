"""The gain brings the performer's loud hops home, whatever the microphone, and is moved by nothing else."""

import math

import pytest

from antiphon.model.level import HOME_DB, MOST_DOWN_DB, MOST_UP_DB, InputGain


def after(hops):
    level = InputGain()
    for loudness_db, voiced in hops:
        level.step(loudness_db, voiced)
    return 20 * math.log10(level.gain)


@pytest.mark.parametrize("loud_db", [-10.0, -18.0, -30.0, -50.0])
def test_loud_hops_come_home_whatever_the_softer_ones(loud_db):
    assert abs(loud_db + after([(loud_db - (hop % 3) * 8, True) for hop in range(100)]) - HOME_DB) < 0.2


def test_it_moves_no_faster_than_a_class_of_loudness_a_hop():
    level, before = InputGain(), 0.0
    for _ in range(40):
        level.step(-60.0, True)
        now = 20 * math.log10(level.gain)
        assert abs(now - before) <= 1.5 + 1e-9
        before = now


def test_noise_and_what_is_not_a_number_move_nothing():
    tune = [(-30.0, True)] * 50
    assert after(tune + [(-5.0, False)] * 50 + [(math.nan, True), (-math.inf, True)] * 10) == after(tune)


def test_it_has_limits():
    assert after([(-74.0, True)] * 200) == pytest.approx(MOST_UP_DB)
    assert after([(0.0, True)] * 200) == pytest.approx(-MOST_DOWN_DB)


def test_a_soft_verse_stays_softer():
    """Ten seconds at 12 dB less lift the gain by no more than 5 dB."""
    assert after([(-20.0, True)] * 100 + [(-32.0, True)] * 500) - after([(-20.0, True)] * 100) <= 5.01


def test_state_is_a_value():
    one, other = InputGain(), InputGain()
    one.step(-40.0, True)
    other.set_state(one.state())
    one.step(-30.0, True), other.step(-30.0, True)
    assert one.gain == other.gain
