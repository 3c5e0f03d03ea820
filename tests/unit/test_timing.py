"""Where planned notes fall: tempo, beat, grid, swing; and voice later by less than a hop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.model.placement import Placement
from antiphon.model.timing import LINES, Timing, TimeWishes
from antiphon.model.tokens import HOP

HOP_S = 0.02


def timing(heard=(), **wishes):
    made = Timing()
    for hop in heard:
        made.hear(hop)
    made.begin(1000, TimeWishes(**wishes), 20.0)
    return made


@given(st.floats(1000, 1e6), st.floats(20, 300), st.sampled_from(list(LINES)), st.floats(0.5, 0.75), st.floats(0, 100))
def test_at_full_grip_an_onset_lies_on_a_line(at, bpm, grid, swing, beat_s):
    """Within a millionth of a hop, never before the note before it, and no farther than a line away."""
    made = timing(tempo=bpm, beat=(beat_s, bpm), grid=grid, grid_grip=1.0, swing=swing)
    placed = made.place(at, at - 3.0)
    line_s = 60 / bpm * LINES[grid]
    split = swing if not grid.endswith("t") else 0.5
    phase = (placed * HOP_S - beat_s) % (2 * line_s)
    off = min(abs(phase - line) for line in (0, 2 * line_s * split, 2 * line_s))
    assert off < 1e-6 * HOP_S * max(1.0, at / 1000)
    assert placed >= at - 3.0 + 2.0 - 1e-6
    assert abs(placed - at) <= 2 * line_s / HOP_S + 2


@given(st.floats(1000, 1e6), st.floats(0, 1))
def test_without_a_grip_nothing_is_moved_and_half_of_one_moves_half_way(at, bpm_share):
    free, half, full = (timing(tempo=100, grid_grip=grip).place(at, at - 50) for grip in (0.0, 0.5, 1.0))
    assert free == at and half == pytest.approx((at + full) / 2)


def test_the_performers_pulse_is_found():
    """Eighths at 100 bpm, with rests among them: a beat of theirs within 3 %; nothing heard gives the usual tempo."""
    onsets = [round(15 * n) for n in (0, 1, 2, 4, 5, 6, 7, 8, 10, 12, 13, 14)]
    assert timing(onsets).heard_bpm == pytest.approx(100, rel=0.03)
    assert timing().heard_bpm == 100.0


def test_another_tempo_than_theirs_stretches_time():
    onsets = [15 * n for n in range(12)]
    assert timing(onsets).stretch == 1.0
    assert timing(onsets, tempo=50).stretch == pytest.approx(2, rel=0.03)
    assert timing(onsets, tempo=200).stretch == pytest.approx(0.5, rel=0.03)
    assert timing(onsets, tempo=20).stretch == 4.0


@pytest.mark.parametrize("delay", [0, 1, 480, 959])
def test_placed_voice_is_the_voice_that_many_frames_later(delay):
    """Sample for sample, but for 3 ms where the delay changes; none at all hands on the very array."""
    sound = np.random.default_rng(2).standard_normal(20 * HOP).astype(np.float32)
    placement = Placement()
    out = [placement.step(hop, delay).copy() for hop in sound.reshape(-1, HOP)]
    out = np.concatenate(out)
    assert np.array_equal(out[HOP:], sound[HOP - delay : len(sound) - delay])
    if not delay:
        hop = sound[:HOP]
        assert Placement().step(hop, 0) is hop


def test_a_change_of_delay_does_not_click():
    """A sine of 200 Hz with the delay jumping about: no step larger than twice that of the sine itself plus the fade."""
    sine = np.sin(2 * np.pi * 200 * np.arange(60 * HOP) / 48_000).astype(np.float32)
    placement, rng = Placement(), np.random.default_rng(3)
    out = np.concatenate([placement.step(hop, int(rng.integers(0, HOP))).copy() for hop in sine.reshape(-1, HOP)])
    assert np.abs(np.diff(out[HOP:])).max() < 2 * np.abs(np.diff(sine)).max() + 2 / 144
