"""Which pitches may be taken: scales of any tuning laid over twelve semitones, chords, bounds, and nothing forbidden."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.model import score
from antiphon.model.key import Key
from antiphon.model.pitches import FORBIDDEN, Pitches, PitchWishes, grip_nats, places
from antiphon.params.scales import SCALES
from antiphon.params.table import KEYS

CENTS = st.lists(st.floats(0, 1199.5), max_size=12).map(tuple)
WISHES = st.builds(
    PitchWishes, key=st.sampled_from(KEYS), scale=st.sampled_from(("performer", *SCALES, "cents")), scale_cents=CENTS,
    scale_grip=st.sampled_from((0.0, 0.5, 1.0)), chord=st.lists(st.integers(0, 127), max_size=5).map(tuple),
    chord_grip=st.sampled_from((0.0, 0.5, 1.0)), register_low=st.floats(0, 127), register_high=st.floats(0, 127),
    transpose=st.integers(-24, 24), tune_to=st.sampled_from(("performer", "440", "off")),
)  # fmt: skip


def heard(notes=(60, 62, 64, 65, 67, 69, 71, 72), tuning=0.0):
    key = Key()
    for note in notes:
        key.hear(note + tuning, 15)
    return key


@pytest.mark.parametrize("scale", SCALES)
def test_every_step_of_a_scale_has_a_semitone_of_its_own(scale):
    """In order, within an octave, the tonic on the first, none more than 65 cents from its place (five equal steps reach 60)."""
    placed = places(tuple(float(step) for step in SCALES[scale]))
    assert list(placed) == sorted(placed) and len(placed) == len(SCALES[scale]) and 0 <= min(placed) and max(placed) < 12
    assert max(abs(100 * place - cents) for place, cents in placed.items()) <= 65


@given(CENTS)
def test_twelve_steps_fit_wherever_they_are(cents):
    wishes = PitchWishes(scale="cents", scale_cents=cents)
    placed = places(wishes.steps())
    assert len(placed) == len(wishes.steps()) and list(placed) == sorted(placed) and set(placed) <= set(range(12))


@settings(max_examples=200, deadline=None)
@given(WISHES, st.booleans())
def test_there_is_always_a_note_to_take(wishes, known):
    """Whatever is wished for together: something is allowed, everything else forbidden, pitches rise with their class."""
    pitches = Pitches(heard() if known else Key())
    pitches.ask(wishes)
    assert pitches.allowed.any() and np.isfinite(pitches.pitch).all()
    assert (pitches.nats[~pitches.allowed] == FORBIDDEN).all() and (pitches.nats[pitches.allowed] > -1000).all()
    assert (np.diff(pitches.pitch) > -1e-9).all()
    assert pitches.allowed[pitches.nearest(60.0)]


def test_a_scale_is_found_where_the_performer_is():
    """Asked for rast without a key: on the tonic that the notes heard make likeliest, in their tuning."""
    pitches = Pitches(heard(notes=(62, 64, 66, 67, 69, 71, 73, 74, 62, 69, 62), tuning=0.2))
    pitches.ask(PitchWishes(scale="rast", scale_grip=1))
    assert pitches.tonic == 2
    cents = {round(100 * (pitch - 2 - pitches_tuning(pitches)) % 1200) for pitch in pitches.pitch[pitches.allowed]}
    assert cents == set(SCALES["rast"])


def pitches_tuning(pitches):
    return pitches._key.tuning


def test_at_full_grip_in_the_performers_own_key_only_its_scale_may_be_taken():
    pitches = Pitches(heard())
    pitches.ask(PitchWishes(scale_grip=1))
    classes = {int(score.NOTE_LO + c) % 12 for c in np.flatnonzero(pitches.allowed)}
    assert classes == {0, 2, 4, 5, 7, 9, 11}


def test_a_key_alone_takes_the_performers_mode_to_another_tonic():
    pitches = Pitches(heard())
    pitches.ask(PitchWishes(key="eb", scale_grip=1))
    classes = {round(pitch) % 12 for pitch in pitches.pitch[pitches.allowed]}
    assert 3 in classes and 10 in classes and len(classes) < 12


@pytest.mark.parametrize("low, high, octaves", [(0, 127, 0), (72, 127, 1), (0, 50, -2), (66, 70, 0), (40, 52, -1), (79, 80, 1), (65, 127, 0), (30, 40, -2)])
def test_a_register_elsewhere_is_reached_by_the_fewest_octaves(low, high, octaves):
    """Heard: 62 .. 70, and a few semitones of it between the bounds will do."""
    pitches = Pitches(heard(notes=(62, 64, 66, 68, 70)))
    pitches.ask(PitchWishes(register_low=low, register_high=high))
    assert pitches.shift == 12 * octaves


def test_wishes_that_do_not_change_cost_nothing():
    """The version stays, and what was worked out with it."""
    pitches = Pitches(heard())
    pitches.ask(PitchWishes(key="d"))
    version, table = pitches.version, pitches.pitch
    pitches.ask(PitchWishes(key="d"))
    assert pitches.version == version and pitches.pitch is table


def test_a_grip_is_even_at_first_and_firm_at_the_end():
    assert grip_nats(0) == 0 and grip_nats(0.25) == 2.5 and grip_nats(0.5) == 5 and grip_nats(1) == pytest.approx(120)
