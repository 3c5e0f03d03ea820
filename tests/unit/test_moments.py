"""An answer's timbre and gestures are the performer's own: moments found are ones that were heard, and go on as they did."""

import numpy as np
import pytest

from antiphon.model.moments import JOIN, LEAST, MOMENTS, Moments


def heard(count=100, seed=0, pitch=60.0):
    """Moments of one long note whose latent turns slowly."""
    rng, moments = np.random.default_rng(seed), Moments()
    way = np.cumsum(rng.normal(0, 0.1, (count, 32)), 0).astype(np.float32)
    for age, latent in enumerate(way):
        moments.add(latent, 30, pitch, age, 0.01 * age)
    moments.begin()
    return moments, way


def test_before_a_voice_was_heard_the_wanted_timbre_sounds():
    """With fewer than LEAST moments there is nothing to choose from, and no gesture."""
    moments, _ = heard(LEAST - 1)
    wanted = np.ones(32, np.float32)
    assert moments.find(wanted, 30, 60.0, 5) is wanted
    assert moments.gesture is None


def test_what_is_found_was_heard():
    """Asked for a moment it heard, it gives that very one; asked for another, still one it heard."""
    moments, way = heard()
    found = moments.find(way[40], 30, 60.0, 40)
    assert np.array_equal(found, way[40]) and moments.gesture == (30, pytest.approx(0.4))
    moments.begin()
    far = moments.find(way[40] + 5, 30, 60.0, 40)
    assert any(np.array_equal(far, latent) for latent in way)


def test_it_goes_on_as_the_performer_went_on():
    """Near enough to what is wanted the next moment is the one that followed; no leap, no blend."""
    moments, way = heard()
    moments.find(way[40], 30, 60.0, 40)
    rng = np.random.default_rng(1)
    for n in range(41, 60):
        near = way[n] + rng.normal(0, 0.05, 32).astype(np.float32)
        assert np.array_equal(moments.find(near, 30, 60.0, n), way[n])


def test_a_leap_keeps_some_of_what_sounded():
    """Where it must go elsewhere, what sounds lies between the two moments."""
    moments, way = heard(seed=3)
    moments.find(way[10], 30, 60.0, 10)
    found = moments.find(way[80], 30, 60.0, 80)
    assert np.allclose(found, JOIN * way[10] + (1 - JOIN) * way[80], atol=1e-6)


def test_moments_on_both_sides_of_a_rest_do_not_follow_one_another():
    moments, way = heard(50)
    moments.rest()
    moments.add(way[0] + 9, 30, 60.0, 50, 0.0)
    assert not moments._goes_on[49] and moments._goes_on[48]


def test_a_pitch_is_sung_with_moments_of_that_pitch():
    """Of two timbres equally far, the one heard near the wanted pitch is taken."""
    moments = Moments()
    for n in range(60):
        moments.add(np.full(32, -1.0 if n % 2 else 1.0, np.float32), 30, 50.0 if n % 2 else 70.0, 10, 0.0)
        moments.rest()
    moments.begin()
    assert moments.find(np.zeros(32, np.float32), 30, 69.0, 10)[0] == 1.0
    moments.begin()
    assert moments.find(np.zeros(32, np.float32), 30, 51.0, 10)[0] == -1.0


def test_the_memory_is_bounded_and_its_state_a_value():
    """More than MOMENTS leave MOMENTS; set from a state, two go on alike."""
    one, way = heard(MOMENTS + 300)
    assert one.hops == MOMENTS
    one.find(way[-1], 30, 60.0, 5)
    two = Moments()
    two.set_state(one.state())
    for n in range(20):
        assert np.array_equal(one.find(way[n], 28, 61.0, n), two.find(way[n], 28, 61.0, n))
