"""The musical state machine: when it answers, for how long, and what makes it stop."""

import numpy as np
import pytest
from perform_stage import HOPS, QUIET, begins, ends, note, params, rest, sing

from antiphon.perform import REFUSALS, Performer
from antiphon.perform.machine import ANSWERING, HEARING, WAITING


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
    told = performer.status()
    assert told["refused"] == 1 and REFUSALS[int(told["refusal"])] == "nothing heard yet"
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


def test_the_shaped_voice_has_no_jump(performer):
    """Full-scale sound through every gain of an answer that begins, yields to a performer and begins again."""
    actions = sing(performer, 1) + rest(performer, 2) + sing(performer, 1) + rest(performer, 12)
    ones = np.ones(960, np.float32)
    voice = np.concatenate([action.shape(ones) if action.answering else 0 * ones for action in actions])
    assert np.abs(np.diff(voice, prepend=0.0)).max() <= 1.001 / 240
    assert voice.max() == 1.0 and voice[-1] == 0.0 and voice.dtype == np.float32
    assert [why for why, _ in ends(actions)] == ["yield", "time"]


def test_hold_goes_on_after_the_model_was_replaced():
    """A performer that takes over from one that was answering in hold begins as soon as it plays; in answer it does not."""
    for mode, begun in (("hold", [0]), ("answer", [])):
        left = answering(Performer(), mode=mode).status()
        fresh = Performer()
        fresh.resume(left)
        sing(fresh, 2, params(mode=mode), priming=True)
        assert begins(rest(fresh, 0.2, params(mode=mode))) == begun
