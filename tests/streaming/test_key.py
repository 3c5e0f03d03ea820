"""Tuning, scale and register are the performer's own."""

import numpy as np
import pytest

from antiphon.model.key import Key

MAJOR = [0, 2, 4, 5, 7, 9, 11]


def sing(key, pitches, hops=20):
    for pitch in pitches:
        key.hear(pitch, hops)
    return key


@pytest.mark.parametrize("tuning", [-0.45, -0.2, 0.0, 0.3, 0.49])
def test_answers_in_the_performers_tuning(tuning):
    """A scale sung at any offset from the piano comes back at that offset, within 2 cents."""
    key = sing(Key(), [60 + step + tuning for step in MAJOR * 2])
    for step in MAJOR:
        want = 60 + step + tuning
        semitone = round(want - key.tuning)
        assert key.sound(semitone) == pytest.approx(want, abs=0.02)


def test_a_neutral_third_stays_neutral():
    """A step sung a third of a semitone flat again and again is answered more than half as flat as it was sung."""
    key = sing(Key(), [60, 62, 63.67, 65, 67, 63.67, 62, 60, 63.67, 65, 63.67, 62, 60, 67, 63.67, 60])
    assert key.sound(64) - key.sound(60) == pytest.approx(3.67, abs=0.17)


def test_tuning_drifts_without_jumping():
    """A singer who sinks slowly by a semitone is followed; the estimate never jumps by more than 20 cents."""
    key, last = Key(), 0.0
    sing(key, [60.0, 62.0, 64.0])
    for n in range(200):
        key.hear(60 + MAJOR[n % 7] - n / 200, 20)
        assert abs(key.tuning - last) < 0.2
        last = key.tuning
    assert -1.1 < key.tuning < -0.7


@pytest.mark.parametrize("tonic", range(12))
def test_major_scale_is_found_in_every_key(tonic):
    """Eight notes of a major tune: its seven steps belong, the five others hardly."""
    key = sing(Key(), [60 + tonic + step for step in (0, 4, 7, 5, 4, 2, 11, 0)])
    member = key.membership()
    inside = {(tonic + step) % 12 for step in (0, 2, 4, 5, 7, 11)}
    assert min(member[list(inside)]) > 0.8
    assert max(member[[c for c in range(12) if (c - tonic) % 12 in (1, 3, 8)]]) < 0.4


def test_nothing_heard_means_no_scale_and_a_singable_middle():
    """Before the first note no pitch class is preferred."""
    key = Key()
    assert np.array_equal(key.membership(), np.ones(12))
    assert 55 <= key.anchor() <= 72


def test_state_is_a_value():
    """A key set from a state goes on exactly as the one it was taken from."""
    key = sing(Key(), [60.1, 62.2, 64.0, 67.3])
    state, other = key.state(), Key()
    other.set_state(state)
    assert [key.hear(65.2, 9), key.tuning, key.sound(65)] == [other.hear(65.2, 9), other.tuning, other.sound(65)]
    assert np.array_equal(other.membership(), key.membership())
