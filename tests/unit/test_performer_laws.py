"""What holds for the performer on every stage, whatever is sung, pressed and set."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from perform_stage import HOPS, QUIET, note, params, rest

from antiphon.perform import Performer

EVENTS = st.lists(
    st.tuples(
        st.integers(1, 120),  # hops
        st.sampled_from(["sing", "rest", "breath", "noise"]),
        st.sampled_from(["listen", "answer", "hold"]),
        st.booleans(),
        st.integers(0, 19).map(lambda n: n == 0),  # trigger, panic
        st.floats(0.5, 4.0),
        st.booleans(),  # answer_s, yield
        st.floats(-120, 0),  # the voice's level
    ),
    max_size=25,
)


def walk(events, performer=None):
    """Play a random stage; yield (action, mode, answer_s, panicked, hop kind) for every hop."""
    performer = performer or Performer()
    rng = np.random.default_rng(0)
    triggers = panics = k = 0
    performer.step(*QUIET, params())  # the counts of the first step are history
    kinds = {
        "rest": lambda: QUIET,
        "sing": lambda: note(k),
        "breath": lambda: (-50.0, False, False),
        "noise": lambda: (float(rng.normal(-40, 3)), False, False),
    }
    for hops, kind, mode, trigger, panic, answer_s, yields, voice_db in events:
        for h in range(hops):
            k += 1
            triggers += trigger and h == 0
            panics += panic and h == 0
            values = params(mode=mode, trigger=triggers, panic=panics, answer_s=answer_s, yield_=yields)
            action = performer.step(*kinds[kind](), values, voice_db if performer.answering else -120.0)
            yield action, mode, answer_s, panic and h == 0, kind, performer


@settings(max_examples=80, deadline=None)
@given(EVENTS)
def test_the_laws_of_the_machine_hold_on_every_stage(events):
    """Never a voice in listen beyond one hop of fade; never longer than answer_s + one hop in answer
    (or, where a change of row cut it short, at its end); gains continuous;
    a begin only at a begin; panic silences; state and action agree."""
    gain, length, listening, before = 0.0, 0, 0, False
    for action, mode, answer_s, panicked, _, performer in walk(events):
        listening = listening + 1 if mode == "listen" else 0
        assert not (action.answering and listening > 1)
        assert not (action.begin and mode == "listen")
        assert action.gain_from == gain and 0 <= action.gain_to <= 1
        gain = action.gain_to
        length = 1 if action.begin else length + 1 if action.answering else 0
        assert mode != "answer" or length <= math.ceil(answer_s * HOPS) + 1 or action.end
        assert not action.answering or action.begin or before
        if panicked:
            assert action.reset and action.gain_to == 0.0 and not performer.answering
        assert performer.answering == (action.answering and not action.end)
        assert (gain > 0) == performer.answering or not action.answering
        before = performer.answering


@settings(max_examples=30, deadline=None)
@given(EVENTS)
def test_in_mode_answer_a_new_beginning_ends_the_voice_within_one_hop(events):
    """Half a second of silence under an answer, then a performer 6 dB and more above the voice: fading, then silent."""
    performer = Performer()
    for _ in walk(events, performer):
        pass
    count = (0.0, 0.0) if performer._counts is None else performer._counts
    values = params(trigger=count[0], panic=count[1], answer_s=600.0)
    rest(performer, 3, values)
    for k in range(100):
        performer.step(*note(k), values)
    rest(performer, 2, values)
    assert performer.answering
    rest(performer, 1, values, voice_db=-30.0)
    assert performer.step(-5.0, True, True, values, -30.0).end == "yield"
    assert not performer.step(-5.0, True, False, values, -30.0).answering


@settings(max_examples=30, deadline=None)
@given(EVENTS, st.integers(0, 400))
def test_the_state_is_a_value(events, cut):
    """Copied at any hop and put into another performer, it goes on to exactly the same actions."""
    one, other = Performer(), Performer()
    both = []
    for k, (action, *_) in enumerate(walk(events, one)):
        both.append(action)
        if k == cut:
            saved = one.state()
    if len(both) <= cut:
        return
    walked = walk(events, other)
    for _ in range(cut + 1):
        next(walked)
    other.reset()
    other.set_state(saved)
    assert [action for action, *_ in walked] == both[cut + 1 :]


def test_the_same_stage_gives_the_same_actions():
    """Nothing in it is left to chance, and reset forgets all of it."""
    events = [
        (80, "sing", "answer", False, False, 2.0, True, -30.0),
        (90, "rest", "answer", True, False, 2.0, True, -30.0),
        (50, "noise", "hold", False, False, 2.0, True, -30.0),
    ] * 3
    performer = Performer()
    first = [action for action, *_ in walk(events, performer)]
    performer.reset()
    assert [action for action, *_ in walk(events, performer)] == first
    assert any(action.begin for action in first)
