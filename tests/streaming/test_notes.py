"""The note model at play: prompt, in key, in register, never stuck, the same each time, at constant cost."""

import numpy as np
import pytest
from graphs import graph_or_skip

from antiphon.model import score
from antiphon.model.notes import NoteModel
from antiphon.model.pitches import PitchWishes
from antiphon.model.sampling import LONGEST_LOOP_S, Leanings
from antiphon.model.score import Note

PHRASE = [0, 2, 4, 5, 7, 4, 2, 0, 4, 7, 9, 7, 5, 4, 2, 0]  # a phrase in major
SCALE = {0, 2, 4, 5, 7, 9, 11}


@pytest.fixture(scope="module")
def model():
    return NoteModel(graph_or_skip("notes"))


def sing(model, seed=1, tonic=60, tuning=0.0, phrase=PHRASE, start=0, wait=18):
    """Reset, hum the phrase to it, and return the hop at which an answer may begin."""
    model.reset(seed)
    for n, step in enumerate(phrase):
        model.push(Note(start + n * wait, tonic + step + tuning, wait - 4, -20.0))
    return start + len(phrase) * wait + 20


def answer(model, begin, notes, leanings=None):
    leanings = leanings or Leanings()
    out = [model.begin(begin, leanings)]
    while len(out) < notes:
        out.append(model.next(leanings))
    return out


def test_first_note_sounds_at_once(model):
    """`begin` answers at the very hop it is asked for, near where the performer stopped, in key."""
    for seed in range(12):
        now = sing(model, seed)
        first = model.begin(now)
        assert first.onset_hop == now
        assert first.sounding_hops >= 2 and first.wait_hops >= first.sounding_hops
        assert abs(first.pitch - 60) <= 12


def test_plan_is_one_line(model):
    """Each planned note begins when the one before it said; times and pitches are within the model's range."""
    notes = answer(model, sing(model), 200)
    for one, two in zip(notes, notes[1:], strict=False):
        assert two.onset_hop == one.onset_hop + one.wait_hops
        assert 2 <= one.sounding_hops <= one.wait_hops < score.LONGEST_IOI
        assert score.NOTE_LO - 1 <= one.pitch <= score.NOTE_LO + score.NOTES


@pytest.mark.parametrize("tonic", [50, 57, 60, 67])
def test_answers_keep_to_the_key(model, tonic):
    """By default at least nine tenths of the notes are in the performer's scale; with full grip, every one."""
    inside = lambda notes: np.mean([round(n.pitch - tonic) % 12 in SCALE for n in notes])  # noqa: E731
    soft = [n for seed in range(4) for n in answer(model, sing(model, seed, tonic), 40)]
    assert inside(soft) >= 0.9
    begin = sing(model, 5, tonic)
    model.ask(PitchWishes(scale_grip=1.0))
    try:
        assert inside(answer(model, begin, 120)) == 1.0
    finally:
        model.ask(PitchWishes())


@pytest.mark.parametrize("tuning", [-0.4, 0.35])
def test_answers_are_in_the_performers_tuning(model, tuning):
    """Every planned pitch lies within 3 cents of the performer's own semitones."""
    off = [(n.pitch - tuning + 0.5) % 1 - 0.5 for n in answer(model, sing(model, tuning=tuning), 60)]
    assert np.max(np.abs(off)) < 0.03


@pytest.mark.parametrize("tonic", [45, 60, 84])
def test_register_does_not_sink_or_climb(model, tonic):
    """Over 5 minutes every minute's median stays within 5 semitones of the prompt's."""
    begin = sing(model, 2, tonic)
    notes = [model.begin(begin)]
    while notes[-1].onset_hop < begin + 300 * 50:
        notes.append(model.next())
    middle = tonic + np.median(PHRASE)
    for minute in range(5):
        part = [n.pitch for n in notes if minute * 3000 <= n.onset_hop - begin < (minute + 1) * 3000]
        assert abs(np.median(part) - middle) <= 5


def longest_loop_s(notes):
    """Longest time for which pitch and rhythm repeat exactly at one lag."""
    pitch = np.array([round(n.pitch) for n in notes])
    wait = np.diff([n.onset_hop for n in notes], prepend=notes[0].onset_hop)
    bins, longest = score.ioi_bin(wait), 0
    for lag in range(1, 65):
        run = 0
        for n in range(lag + 1, len(notes)):
            run = run + wait[n] if pitch[n] == pitch[n - lag] and abs(bins[n] - bins[n - lag]) <= 1 else 0
            longest = max(longest, run)
    return longest * score.HOP_S


@pytest.mark.parametrize("leanings", [Leanings(), Leanings(novelty=0.0, temperature=0.3)], ids=["default", "begging to loop"])
def test_never_loops_for_more_than_four_seconds(model, leanings):
    """5 minutes of free running: no exact repetition at any lag lasts 4 s, even when asked to repeat itself."""
    begin = sing(model, 3)
    notes = [model.begin(begin, leanings)]
    while notes[-1].onset_hop < begin + 300 * 50:
        notes.append(model.next(leanings))
    assert longest_loop_s(notes) < 4.0
    assert LONGEST_LOOP_S < 4.0


def test_it_breathes(model):
    """Within every 15 s there is a rest of a quarter second, and the sound is silent for 3 to 45 % of 2 minutes."""
    begin = sing(model, 4)
    notes = [model.begin(begin)]
    while notes[-1].onset_hop < begin + 120 * 50:
        notes.append(model.next())
    rests = [n.onset_hop for n in notes if n.wait_hops - n.sounding_hops >= 12]
    assert np.max(np.diff([begin, *rests, notes[-1].onset_hop])) < 15 * 50
    silent = 1 - sum(n.sounding_hops for n in notes) / sum(n.wait_hops for n in notes)
    assert 0.03 < silent < 0.45


def test_same_seed_same_answer(model):
    """The same prompt and seed give the same notes, another seed gives others."""
    one, two, other = (answer(model, sing(model, seed), 30) for seed in (7, 7, 8))
    assert one == two
    assert one != other


def test_state_is_a_value(model):
    """Set back to a saved state, also in another instance, the model plans the very same notes."""
    answer(model, sing(model, 9), 150)
    saved = model.state()
    first = [model.next() for _ in range(30)]
    model.set_state(saved)
    assert [model.next() for _ in range(30)] == first
    other = NoteModel(graph_or_skip("notes"))
    other.set_state(saved)
    assert [other.next() for _ in range(30)] == first


def test_moved_in_time_it_plays_the_same(model):
    """An hour of silence before the prompt changes nothing but the hour."""
    hour = 3600 * 50
    early, late = answer(model, sing(model, 6), 30), answer(model, sing(model, 6, start=hour), 30)
    assert [(n.onset_hop + hour, n.pitch, n.wait_hops) for n in early] == [(n.onset_hop, n.pitch, n.wait_hops) for n in late]


def test_performer_returns_and_is_followed(model):
    """After yielding, the plan that never sounded is forgotten and the answer takes the new key."""
    begin = sing(model, 1, tonic=60)
    answer(model, begin, 6)
    for n, step in enumerate(PHRASE * 3):
        model.push(Note(begin + 200 + 18 * n, 66 + step, 14, -20.0))
    notes = answer(model, begin + 200 + 18 * 48 + 20, 60)
    assert np.mean([round(n.pitch - 66) % 12 in SCALE for n in notes]) > 0.85


def test_trigger_in_an_answer_moves_the_next_note_to_now(model):
    """`begin` in the middle of an answer: something new sounds at once."""
    notes = answer(model, sing(model, 2), 5)
    now = notes[-1].onset_hop + 1
    assert model.begin(now).onset_hop == now


def test_begins_even_if_nothing_was_heard(model):
    """With no note heard it still makes a line, in a singer's range."""
    model.reset(1)
    notes = answer(model, 100, 40)
    assert notes[0].onset_hop == 100
    assert 45 < np.median([n.pitch for n in notes]) < 80


def test_cost_and_state_are_constant(model):
    """After the window is full, no remembered array or list grows."""

    def size():
        state = model.state()
        memory = state["memory"]
        return [len(memory.pitches), len(memory.iois), len(memory.own), *(v.size for v in state["ring"].values())]

    answer(model, sing(model), 200)
    before = size()
    for _ in range(600):
        model.next()
    assert size() == before


def test_wild_input_is_survived(model):
    """Pitches below and above the range, notes of no length, notes out of order: still a line of valid notes."""
    model.reset(1)
    for hop, pitch in [(0, 20.0), (1, 125.0), (1, 60.0), (0, 60.5), (500, 33.1), (90_000, 108.4)]:
        model.push(Note(hop, pitch, 0, -90.0))
    for note in answer(model, 90_000, 50):
        assert np.isfinite(note.pitch) and note.wait_hops >= 2
