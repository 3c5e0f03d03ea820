"""Strokes are struck again as they sounded."""

import numpy as np
import pytest

from antiphon.model.strikes import KEPT, LENGTH_HOPS, Strikes
from antiphon.model.tokens import HOP


def knock(level=0.3, fall_s=0.02, late=0, hertz=300):
    """A damped knock that begins `late` frames into its first hop, (8, 960)."""
    time = np.arange(8 * HOP - late) / 48_000
    sound = level * np.exp(-time / fall_s) * np.cos(2 * np.pi * hertz * time)
    return np.concatenate([np.zeros(late), sound]).astype(np.float32).reshape(8, HOP)


def beat(strikes, hop, sound):
    """Hear it from a hop on, and silence behind it."""
    for n in range(24):
        strikes.hear(hop + n, sound[n] if n < len(sound) else np.zeros(HOP, np.float32))


def played(strikes, kind, number=0):
    hops = []
    while (hop := strikes.sound(kind, number, len(hops))) is not None:
        hops.append(hop)
    return np.concatenate(hops)


@pytest.mark.parametrize("late", [0, 500, 950])
@pytest.mark.parametrize("off", [0, 1])
def test_a_stroke_sounds_as_it_was_heard_at_once(late, off):
    """Wherever in its hop it began, and if its onset was said one hop late: all of it is there, and begins within 3 ms."""
    strikes, sound = Strikes(), knock(late=late)
    beat(strikes, 100, sound)
    assert not strikes.knows(0)
    strikes.keep(0, 100 + off)
    assert strikes.knows(0) and not strikes.knows(1)
    again = played(strikes, 0)
    assert np.square(again).sum() > 0.8 * np.square(sound).sum()
    assert np.abs(again[:150]).max() > 0.5 * np.abs(sound).max()
    assert abs(again[0]) < 1e-6 and abs(again[-1]) < 1e-6


def test_a_stroke_ends_where_the_next_one_begins():
    """What rises again is another stroke; what never dies away is cut off."""
    strikes = Strikes()
    beat(strikes, 100, np.concatenate([knock()[:4], knock()[:4]]))
    strikes.keep(2, 100)
    assert np.abs(played(strikes, 2)[4 * HOP + 96 :]).max() == 0
    for n in range(200, 240):
        strikes.hear(n, np.full(HOP, 0.1, np.float32))
    strikes.keep(3, 201)
    assert LENGTH_HOPS * HOP <= len(played(strikes, 3)) <= (LENGTH_HOPS + 1) * HOP


@pytest.mark.parametrize("hop", [5, 700])
def test_what_was_not_heard_is_not_kept(hop):
    """A stroke during an answer, or of long ago, has no sound here: nothing is kept of it. Nor of silence."""
    strikes = Strikes()
    beat(strikes, 300, knock())
    strikes.keep(1, hop)
    strikes.keep(2, 312)
    assert not strikes.knows(1) and not strikes.knows(2)


def test_the_newest_are_kept_and_the_state_is_a_value():
    strikes = Strikes()
    for n in range(KEPT + 3):
        beat(strikes, 40 * n, knock(level=0.1 * (n + 1)))
        strikes.keep(0, 40 * n)
    peaks = {round(float(np.abs(played(strikes, 0, n)).max()), 1) for n in range(20)}
    assert len(peaks) == KEPT and min(peaks) >= 0.3
    again = Strikes()
    again.set_state(strikes.state())
    assert np.array_equal(played(again, 0), played(strikes, 0))
    strikes.reset()
    assert not strikes.knows(0) and again.knows(0)
