"""Strokes are struck again as they sounded."""

import numpy as np
import pytest

from antiphon.model.strikes import KEPT, LENGTH_HOPS, Strikes


def beat(strikes, hop, level=35, mark=1.0, length=6):
    """Hear a stroke that falls by 4 classes a hop, then silence."""
    for n in range(20):
        loudness = max(0, level - 4 * n) if n < length else 0
        strikes.hear(hop + n, np.full(32, mark + n, np.float32), loudness)


def played(strikes, kind, number=0):
    hops = []
    while (hop := strikes.sound(kind, number, len(hops))) is not None:
        hops.append(hop)
    return hops


def test_a_stroke_sounds_as_it_was_heard_and_ends():
    strikes = Strikes()
    beat(strikes, 100)
    assert not strikes.knows(0)
    strikes.keep(0, 100)
    assert strikes.knows(0) and not strikes.knows(1)
    hops = played(strikes, 0)
    assert [loudness for _, loudness in hops] == [35, 31, 27, 23, 19, 15]
    assert [latent[0] for latent, _ in hops] == [1, 2, 3, 4, 5, 6]


def test_a_stroke_ends_where_the_next_one_begins():
    """What rises again is another stroke; what never falls is cut off."""
    strikes = Strikes()
    for n in range(20):
        strikes.hear(n, np.zeros(32, np.float32), 40 - 2 * (n % 4))
    strikes.keep(2, 0)
    assert len(played(strikes, 2)) == 4
    for n in range(40):
        strikes.hear(n, np.zeros(32, np.float32), 40)
    strikes.keep(3, 0)
    assert len(played(strikes, 3)) == LENGTH_HOPS


@pytest.mark.parametrize("hop", [5, 700])
def test_what_was_not_heard_is_not_kept(hop):
    """A stroke during an answer, or of long ago, has no hops here: nothing is kept of it."""
    strikes = Strikes()
    beat(strikes, 300)
    strikes.keep(1, hop)
    assert not strikes.knows(1)


def test_the_newest_are_kept_and_the_state_is_a_value():
    strikes = Strikes()
    for n in range(KEPT + 3):
        beat(strikes, 40 * n, mark=100.0 * n)
        strikes.keep(0, 40 * n)
    marks = {played(strikes, 0, n)[0][0][0] for n in range(20)}
    assert marks == {100.0 * n for n in range(3, KEPT + 3)}
    again = Strikes()
    again.set_state(strikes.state())
    assert [x[1] for x in played(again, 0)] == [x[1] for x in played(strikes, 0)]
    strikes.reset()
    assert not strikes.knows(0) and again.knows(0)
