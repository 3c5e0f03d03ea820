"""The musical state machine: when it answers, for how long, and what makes it stop.

A stage is simulated hop by hop (20 ms): a performer, a room, a loudspeaker that leaks into the microphone.
"""

import math
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.params import REGISTRY
from antiphon.perform import Performer
from antiphon.perform.machine import ANSWERING, HEARING, WAITING

HOPS = 50
QUIET = (-70.0, False, False)


def params(**values):
    """Step rows' doubles, with some of them changed; counts by their names."""
    doubles = REGISTRY.step_defaults()
    for path, value in values.items():
        row = REGISTRY.resolve(path.rstrip("_"))  # `yield` is a word of the language
        doubles[REGISTRY.step_index(row.path)] = float(value) if row.kind == "trigger" else row.encode(value)
    return doubles


def note(k, level_db=-20.0):
    """Hop k of a sung phrase."""
    return (level_db + math.sin(k * 0.7), True, k % 15 == 0)


def sing(performer, seconds, values=None, **keywords):
    """Let somebody sing; give the actions."""
    values = values or params()
    return [performer.step(*note(k), values, **keywords) for k in range(int(seconds * HOPS))]


def rest(performer, seconds, values=None, voice_db=-120.0):
    """Let nobody sing."""
    values = values or params()
    return [performer.step(*QUIET, values, voice_db) for _ in range(int(seconds * HOPS))]


def begins(actions):
    """At which hops an answer begins."""
    return [k for k, action in enumerate(actions) if action.begin]


def ends(actions):
    """Why and when answers ended."""
    return [(action.end, k) for k, action in enumerate(actions) if action.end]


@pytest.fixture
def performer():
    """One that has heard the room for a second."""
    fresh = Performer()
    rest(fresh, 1)
    return fresh


def answering(performer, **values):
    """Bring it to the middle of an answer."""
    sing(performer, 1, params(**values))
    rest(performer, 2, params(**values))
    assert performer.answering
    return performer


def test_a_phrase_is_answered_a_gap_after_it_ends_for_answer_s(performer):
    """answer: phrase_gap_s of silence, then answer_s of voice, then silence again until the next phrase."""
    values = params(answer_s=3.0, phrase_gap_s=0.4)
    assert begins(sing(performer, 2, values)) == []
    assert performer.stage == HEARING
    actions = rest(performer, 10, values, voice_db=-120.0)
    assert begins(actions) == [0.4 * HOPS - 1]
    first = begins(actions)[0]
    assert [a.answering for a in actions] == [first <= k < first + 3 * HOPS for k in range(len(actions))]
    assert ends(actions) == [("time", first + 3 * HOPS - 1)]
    assert performer.answers == 1 and performer.stage == WAITING


def test_every_gain_begins_where_the_last_one_ended_and_starts_and_ends_at_nothing(performer):
    """No jump in gain anywhere: that is what free of clicks means here."""
    values = params(answer_s=2.0)
    actions = sing(performer, 1, values) + rest(performer, 4, values)
    gain = 0.0
    for action in actions:
        assert action.gain_from == gain
        assert action.gain_from == action.gain_to or 0 < action.ramp_frames <= 960
        gain = action.gain_to
    assert gain == 0.0 and max(a.gain_to for a in actions) == 1.0


def test_listen_never_answers_and_goes_on_listening(performer):
    """Neither a phrase nor a pedal makes a sound; and a phrase heard in listen can be answered afterwards."""
    values = params(mode="listen")
    assert not any(a.answering for a in sing(performer, 2, values) + rest(performer, 3, values))
    pressed = performer.step(*QUIET, params(mode="listen", trigger=1))
    assert pressed.refused == "mode listen" and not pressed.answering
    assert performer.step(*QUIET, params(mode="answer", trigger=1)).refused == ""  # let the bounce pass
    rest(performer, 0.2, params(trigger=1))
    assert performer.step(*QUIET, params(trigger=2)).begin


def test_a_trigger_begins_at_the_next_hop(performer):
    """No waiting for the gap."""
    sing(performer, 1)
    action = performer.step(*QUIET, params(trigger=1))
    assert action.begin and action.answering and action.gain_to == 1.0
    assert performer.stage == ANSWERING


def test_a_trigger_before_anything_was_heard_is_refused(performer):
    """There is no voice or key to answer in yet; the refusal says so, and the press is not kept for later."""
    assert performer.step(*QUIET, params(trigger=1)).refused == "nothing heard yet"
    assert not any(a.answering for a in rest(performer, 2, params(trigger=1)))
    sing(performer, 1, params(trigger=1))
    assert performer.step(*QUIET, params(trigger=2)).begin


def test_something_very_quiet_can_be_answered_by_hand():
    """A phrase below floor + margin ends nothing by itself, but a trigger answers it."""
    performer = Performer()
    for k in range(100):
        assert not performer.step(-58.0, True, k == 0, params()).answering
    assert rest(performer, 2)[-1].answering is False
    assert performer.step(*QUIET, params(trigger=1)).begin


def test_a_second_trigger_during_an_answer_begins_it_anew_with_a_full_length(performer):
    """The next answer takes the place of this one without a gap in the sound."""
    sing(performer, 1)
    assert performer.step(*QUIET, params(trigger=1)).begin
    rest(performer, 6, params(trigger=1))
    again = performer.step(*QUIET, params(trigger=2))
    assert again.begin and again.gain_from == again.gain_to == 1.0 and again.end == ""
    actions = rest(performer, 10, params(trigger=2))
    assert ends(actions) == [("time", 8 * HOPS - 2)]
    assert performer.answers == 2


def test_a_bouncing_pedal_is_one_press(performer):
    """Two counts within 100 ms, or in one hop, begin one answer."""
    sing(performer, 1)
    first = performer.step(*QUIET, params(trigger=2))
    bounce = [performer.step(*QUIET, params(trigger=n)) for n in (3, 4, 4)]
    assert first.begin and begins(bounce) == []


def test_counts_that_were_there_before_the_first_step_are_history():
    """A restarted worker finds old presses in the mailbox and does not act on them."""
    performer = Performer()
    for k in range(50):
        assert not performer.step(*note(k), params(trigger=5, panic=3)).begin
    assert performer.heard


def test_it_yields_within_one_hop_when_the_performer_begins_again(performer):
    """The hop that holds the performer's first sound is followed by the fade, and that by silence."""
    answering(performer)
    rest(performer, 1, voice_db=-30.0)
    action = performer.step(-25.0, True, True, params(), -30.0)
    assert action.end == "yield" and action.gain_to == 0.0 and action.ramp_frames == 960
    assert not performer.step(-22.0, True, False, params(), -30.0).answering
    assert performer.stage == HEARING


def test_after_yielding_it_answers_the_new_phrase(performer):
    """The phrase that interrupted is a phrase like any other."""
    answering(performer)
    values = params()
    actions = sing(performer, 1, values, voice_db=-120.0) + rest(performer, 2, values)
    assert ends(actions)[0] == ("yield", 0) and begins(actions) == [HOPS + 29]


def test_yielding_can_be_switched_off(performer):
    """Then an answer lasts its time whatever the performer does."""
    values = params(answer_s=4.0, yield_=False)
    answering(performer, answer_s=4.0, yield_=False)
    actions = sing(performer, 5, values)
    assert [why for why, _ in ends(actions)] == ["time"]


def test_a_trigger_in_the_middle_of_a_phrase_answers_over_it_until_a_new_beginning(performer):
    """Going on with the same phrase is not a new beginning; stopping for 100 ms and coming back is."""
    sing(performer, 1)
    values = params(trigger=1)
    actions = sing(performer, 2, values)
    assert begins(actions) == [0] and ends(actions) == []
    rest(performer, 0.2, values)
    assert sing(performer, 0.1, values)[0].end == "yield"


def test_hold_goes_on_until_told_and_does_not_yield(performer):
    """Ten minutes of hold with a performer playing over it, then mode listen ends it in one hop."""
    values = params(mode="hold", answer_s=0.5)
    actions = sing(performer, 1, values) + rest(performer, 1, values)
    for _ in range(20):
        actions += sing(performer, 10, values, voice_db=-30.0) + rest(performer, 20, values, voice_db=-30.0)
    assert begins(actions) == [HOPS + 29] and ends(actions) == []
    told = performer.step(*QUIET, params(mode="listen"))
    assert told.end == "told" and not performer.step(*QUIET, params(mode="listen")).answering


def test_leaving_hold_for_answer_plays_what_is_left_of_answer_s(performer):
    """Less than answer_s gone: the rest is played. More: it ends in the next hop."""
    sing(performer, 1, params(mode="hold"))
    rest(performer, 3.6, params(mode="hold"))
    actions = rest(performer, 8, params())
    assert ends(actions) == [("time", 5 * HOPS - 2)]
    sing(performer, 1, params(mode="hold"))
    rest(performer, 30, params(mode="hold"))
    assert performer.step(*QUIET, params()).end == "time"


def test_answer_turned_to_hold_goes_on(performer):
    """A mode that changes in the middle counts from the next hop on."""
    answering(performer)
    assert ends(rest(performer, 60, params(mode="hold"))) == []


def test_answer_s_shortened_in_the_middle_ends_it_with_a_fade(performer):
    """One hop of fade, never a jump."""
    answering(performer, answer_s=60.0)
    action = performer.step(*QUIET, params(answer_s=0.5))
    assert action.end == "time" and action.gain_from == 1.0 and action.ramp_frames == 960


def test_panic_is_silence_and_forgetting(performer):
    """The voice falls within the hop, nothing of the performance is left, and the room is still known."""
    answering(performer)
    floor_db = performer.detector.floor_db
    action = performer.step(*QUIET, params(panic=1, trigger=1))
    assert action.reset and action.end == "panic" and action.gain_to == 0.0 and not action.begin
    assert not performer.answering and not performer.heard and performer.detector.floor_db == floor_db
    rest(performer, 0.2, params(panic=1, trigger=1))
    assert performer.step(*QUIET, params(panic=1, trigger=2)).refused == "nothing heard yet"


def test_panic_while_silent_only_forgets(performer):
    """It makes no sound of its own."""
    sing(performer, 1)
    action = performer.step(*QUIET, params(panic=1))
    assert action.reset and not action.answering and action.end == ""
    assert begins(rest(performer, 3, params(panic=1))) == []


def test_history_heard_again_after_a_restart_begins_nothing_but_is_remembered():
    """Priming: phrases in it are over; a trigger afterwards answers at once."""
    performer = Performer()
    values = params()
    for k in range(100):
        assert not performer.step(*note(k), values, priming=True).answering
    for _ in range(100):
        assert not performer.step(*QUIET, values, priming=True).answering
    assert begins(rest(performer, 2)) == []
    assert performer.step(*QUIET, params(trigger=1)).begin


class Stage:
    """A loudspeaker `coupling_db` before the microphone, `delay_hops` away, in a room that rings."""

    def __init__(self, performer, coupling_db, delay_hops=3, tail_db_per_hop=2.0, seed=0):
        self.performer, self.coupling_db, self.tail = performer, coupling_db, tail_db_per_hop
        self.rng = np.random.default_rng(seed)
        self.way = deque([-120.0] * delay_hops, delay_hops)
        self.leak_db, self.voice_db, self.k = -120.0, -120.0, 0
        self.actions = []

    def go(self, seconds, singing_db=None, values=None):
        """Play for a time; the voice is a melody of notes with rests between."""
        values = values or params()
        for _ in range(int(seconds * HOPS)):
            self.k += 1
            self.leak_db = max(self.way[0] + self.coupling_db + self.rng.normal(0, 1.5), self.leak_db - self.tail)
            self.way.append(self.voice_db)
            sources = [-70.0, self.leak_db] + ([note(self.k, singing_db)[0]] if singing_db is not None else [])
            mic_db = 10 * math.log10(sum(10 ** (db / 10) for db in sources))
            tonal = mic_db > -60
            action = self.performer.step(mic_db, tonal, tonal and self.k % 15 == 0, values, self.voice_db)
            self.actions.append(action)
            sounding = self.k % 25 < 20
            self.voice_db = -22.0 + 2 * math.sin(self.k * 0.3) if action.answering and sounding else -120.0
        return self.actions[-int(seconds * HOPS):]


@pytest.mark.parametrize("coupling_db", [-60, -35, -25, -15, -8, 0])
@pytest.mark.parametrize("delay_hops", [1, 4, 8])
def test_its_own_voice_in_the_microphone_is_not_a_performer(coupling_db, delay_hops):
    """Ten answers before an open microphone: it neither yields to itself nor answers itself."""
    stage = Stage(Performer(), coupling_db, delay_hops)
    stage.go(1)
    for _ in range(10):
        stage.go(1.5, singing_db=-20)
        actions = stage.go(12)
        assert [why for why, _ in ends(actions)] == ["time"] and len(begins(actions)) == 1


@pytest.mark.parametrize("coupling_db", [-60, -35, -25, -15])
def test_a_performer_is_heard_through_the_voice_that_leaks(coupling_db):
    """From the second answer on, a performer as loud as the voice is yielded to at the first hop that is loud enough."""
    stage = Stage(Performer(), coupling_db)
    stage.go(1)
    stage.go(1.5, singing_db=-20)
    stage.go(12)
    stage.go(1.5, singing_db=-20)
    stage.go(3)
    assert stage.performer.answering
    actions = stage.go(0.2, singing_db=-20)
    assert ends(actions) and ends(actions)[0] == ("yield", 0)


def test_a_louder_loudspeaker_is_mistaken_once_and_learned():
    """Somebody turns the volume up by 20 dB between answers: at most two false yields, then none in ten answers."""
    stage = Stage(Performer(), -40)
    stage.go(1)
    stage.go(1.5, singing_db=-20)
    stage.go(12)
    stage.coupling_db = -15
    reasons = []
    for _ in range(12):
        stage.go(1.5, singing_db=-20)
        reasons += [why for why, _ in ends(stage.go(12))]
    assert reasons.count("yield") <= 2 and set(reasons[-8:]) == {"time"}


EVENTS = st.lists(
    st.tuples(
        st.integers(1, 120),  # hops
        st.sampled_from(["sing", "rest", "breath", "noise"]),
        st.sampled_from(["listen", "answer", "hold"]),
        st.booleans(), st.integers(0, 19).map(lambda n: n == 0),  # trigger, panic
        st.floats(0.5, 4.0), st.booleans(),  # answer_s, yield
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
    kinds = {"rest": lambda: QUIET, "sing": lambda: note(k),
             "breath": lambda: (-50.0, False, False), "noise": lambda: (float(rng.normal(-40, 3)), False, False)}
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
    assert [action for action, *_ in walked] == both[cut + 1:]


def test_the_same_stage_gives_the_same_actions():
    """Nothing in it is left to chance, and reset forgets all of it."""
    events = [(80, "sing", "answer", False, False, 2.0, True, -30.0), (90, "rest", "answer", True, False, 2.0, True, -30.0),
              (50, "noise", "hold", False, False, 2.0, True, -30.0)] * 3
    performer = Performer()
    first = [action for action, *_ in walk(events, performer)]
    performer.reset()
    assert [action for action, *_ in walk(events, performer)] == first
    assert any(action.begin for action in first)
