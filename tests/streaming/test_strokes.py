"""Strokes are sorted by their sound and carried on in their own pulse and pattern; notes are none of it."""

import numpy as np
import pytest

from antiphon.model.sampling import Leanings
from antiphon.model.strokes import KINDS, LONGEST_HOPS, Strokes
from antiphon.model.tokenizer import BEYOND, COLOURS

SURE = Leanings(temperature=0.1, novelty=0.0)
BAR = ((0, 0), (10, 1), (20, 2), (25, 1), (30, 0), (40, 1))  # (hop in a bar of 60, sound)


def sounds(seed=0):
    """Colours of three drums, (3, COLOURS): dark, middle, bright."""
    bands = np.arange(COLOURS)
    return np.stack([1.5 - 2.5 * np.abs(bands - centre) / COLOURS for centre in (15, 50, 95)]).astype(np.float32)


def beat(strokes, rows, until, quieter=0.0, jitter=None):
    """Play (onset hop, sound) to `strokes` hop by hop, each given six hops after its onset; returns their kinds."""
    due = {hop + 6: hop for hop, _ in rows}
    sounding = {hop + i: sound for hop, sound in rows for i in range(4)}
    kinds = []
    for hop in range(strokes.state()["_hop"], until):
        colour = sounds()[sounding[hop]] - quieter if hop in sounding else None
        strokes.step(colour if colour is None or jitter is None else colour + jitter.normal(0, 0.1, COLOURS))
        if hop in due:
            kinds.append(strokes.push(due[hop], -20.0))
    return kinds


def bars(count, first=10, jitter=None):
    at = lambda hop: hop if jitter is None else hop + int(jitter.integers(-1, 2))  # noqa: E731
    return [(at(first + 60 * bar + hop), sound) for bar in range(count) for hop, sound in BAR]


def plan(strokes, now, until, seed=1, leanings=SURE):
    planned = [strokes.begin(now, seed, leanings)]
    while planned[-1].onset_hop + planned[-1].wait_hops < until:
        planned.append(strokes.next(leanings))
    return planned


def test_a_pattern_goes_on_in_its_pulse_and_place():
    """Four bars heard, then the same bar is planned where it would have come, silence in between or not."""
    for now in (256, 285, 330):
        strokes = Strokes()
        kinds = beat(strokes, bars(4), now)
        names = {sound: kind for (_, sound), kind in zip(bars(4), kinds, strict=True)}
        wanted = [(hop, names[sound]) for hop, sound in bars(12) if hop >= now - 1][:12]
        assert [(s.onset_hop, s.kind) for s in plan(strokes, now, 600)][:12] == wanted


def test_an_unsteady_hand_is_understood():
    """A hop early or late at every stroke: the pattern goes on, every stroke within 50 ms of where it belongs."""
    rng = np.random.default_rng(3)
    strokes, rows = Strokes(), bars(5, jitter=rng)
    kinds = beat(strokes, rows, 330, jitter=rng)
    names = {sound: kind for (_, sound), kind in zip(rows, kinds, strict=True)}
    wanted = [(hop, names[sound]) for hop, sound in bars(9) if hop >= 330][:10]
    planned = [(s.onset_hop, s.kind) for s in plan(strokes, 330, 480)][:10]
    assert [kind for _, kind in planned] == [kind for _, kind in wanted]
    assert np.abs(np.array([hop for hop, _ in planned]) - [hop for hop, _ in wanted]).max() <= 2.5


def test_accents_are_kept():
    """A stroke is as loud as its like were."""
    strokes = Strokes()
    for hop in range(300):
        strokes.step(sounds()[0] if hop % 20 < 3 else None)
        if hop % 20 == 6:
            strokes.push(hop - 6, -12.0 if hop % 40 < 20 else -24.0)
    planned = [s.loudness_db for s in plan(strokes, 300, 460)][:6]
    assert np.abs(np.array(planned) - [-24, -12, -24, -12, -24, -12]).max() < 3


def test_sounds_are_sorted_whatever_their_loudness():
    """Three drums are three kinds, loud and soft; one drum is one kind; never more than KINDS."""
    strokes = Strokes()
    loud = beat(strokes, bars(2), 140)
    soft = beat(strokes, bars(2, first=150), 280, quieter=0.5)
    assert loud == soft and len(set(loud)) == 3
    strokes = Strokes()
    assert set(beat(strokes, [(10 * i, 1) for i in range(1, 20)], 220, jitter=np.random.default_rng(0))) == {0}
    rng, strokes = np.random.default_rng(1), Strokes()
    for _ in range(40):
        strokes.step(rng.normal(0, 1, COLOURS).astype(np.float32))
        assert 0 <= strokes.push(strokes.state()["_hop"] - 1, -20.0) < KINDS


def test_share_counts_the_last_strokes_and_notes():
    """Nothing heard is no strokes; a tune is none; taps are all; by turns, half. The last sixteen count."""
    strokes = Strokes()
    assert strokes.share() == 0.0
    for _ in range(20):
        strokes.note()
    assert strokes.share() == 0.0 and not strokes.heard
    for hop in range(8):
        strokes.push(10 * hop, -20.0)
    assert strokes.share() == 0.5
    for hop in range(8, 30):
        strokes.push(10 * hop, -20.0)
    assert strokes.share() == 1.0


@pytest.mark.parametrize("rows", [[], [(10, 0)], [(10, 0), (12, 1)], [(10, 0), (400, 1)], [(i * i, i % 3) for i in range(3, 30)]])
def test_plans_are_sane_whatever_was_heard(rows):
    """Of no stroke, one, a roll, a pause, a rhythm that slows down: onsets rise, from now on, and no wait is long."""
    strokes = Strokes()
    beat(strokes, rows, 1000)
    planned = plan(strokes, 1000, 2500, leanings=Leanings())
    assert planned[0].onset_hop >= 999 and planned[0].onset_hop <= 1000 + LONGEST_HOPS
    for one, two in zip(planned, planned[1:], strict=False):
        assert 1 <= one.wait_hops <= 1.3 * LONGEST_HOPS and two.onset_hop == one.onset_hop + one.wait_hops
    assert all(0 <= s.kind < KINDS and s.loudness_db <= 0 for s in planned)


def test_same_seed_same_plan_other_seed_another():
    """The chances are the seed's; performing again drops the plan."""
    strokes = Strokes()
    beat(strokes, bars(4), 260)
    saved = strokes.state()
    free = Leanings(temperature=1.5, novelty=1.0)
    one = plan(strokes, 260, 900, seed=1, leanings=free)
    strokes.set_state(saved)
    assert plan(strokes, 260, 900, seed=1, leanings=free) == one
    assert plan(strokes, 260, 900, seed=2, leanings=free) != one
    strokes.push(1000, -20.0)
    with pytest.raises(AssertionError):
        strokes.next()


def test_state_is_a_value():
    """Set back in the middle of an answer, it plans the same; and it hears the same afterwards."""
    strokes = Strokes()
    beat(strokes, bars(4), 260)
    plan(strokes, 260, 400)
    saved = strokes.state()
    one = [strokes.next() for _ in range(20)]
    kinds = beat(strokes, [(470, 0), (480, 2)], 500)
    strokes.set_state(saved)
    assert [strokes.next() for _ in range(20)] == one
    assert beat(strokes, [(470, 0), (480, 2)], 500) == kinds


def test_an_endless_answer_stays_small_and_in_time():
    """Ten minutes of plans: what is remembered is bounded, and the pulse has not moved."""
    strokes = Strokes()
    beat(strokes, bars(6), 375)
    planned = plan(strokes, 375, 30_000)
    assert len(strokes.state()["_steps"]) <= 610
    assert {(s.onset_hop - 10) % 5 for s in planned} == {0}


def test_silence_has_the_colour_of_nothing():
    """A stroke in hops of which no colour is known, as after a restart, still has a kind."""
    strokes = Strokes()
    assert strokes.push(0, -20.0) == 0
    for _ in range(100):
        strokes.step(None)
    assert strokes.push(3, -20.0) == 0 and (strokes.state()["_ring"] == BEYOND).all()
