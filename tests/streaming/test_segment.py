"""Frames become notes, at a stated lag, and silence or noise becomes none."""

import numpy as np
import pytest

from antiphon.model.segment import ATTACK_HOPS, LAG_HOPS, SHORTEST_HOPS, STROKE_HOPS, Segmenter, settle_pitch
from antiphon.model.tokenizer import LOOK_AHEAD_HOPS, Frame
from antiphon.model.tokens import NOTE_LO, NOTES, REST, STROKE


def frames_of(notes, hops, sure=0.9, detune=0.0, rng=None):
    """Frames as a good tokenizer would give them for [(onset, pitch class, length)]; the note head one hop late."""
    said, onset = np.full(hops, REST), np.full(hops, 0.01)
    for begin, note, length in notes:
        said[begin : begin + length], onset[begin] = note, 0.9
    frames = []
    for hop in range(hops):
        late = hop - LOOK_AHEAD_HOPS
        post = np.full(NOTES + 2, (1 - sure) / (NOTES + 1))
        post[said[late] if late >= 0 else REST] = sure
        if rng is not None:
            post = post * rng.uniform(0.3, 1.0, NOTES + 2)
            post /= post.sum()
        pitch = float(said[hop] + NOTE_LO + detune) if said[hop] < REST else 0.0
        level_db = -20.0 if said[hop] != REST else -80.0
        frames.append(Frame(pitch, pitch > 0, onset[late] if late >= 0 else 0.0, level_db, post, None))
    return frames


def hear(frames):
    segmenter, heard = Segmenter(), []
    for hop, frame in enumerate(frames):
        heard += [(hop, note) for note in segmenter.step(frame)]
    return heard, segmenter.flush()


TUNE = [(20, 30, 15), (35, 32, 12), (47, 32, 12), (70, 40, 9), (79, 35, 30)]


def test_tune_is_heard_exactly():
    """Onset, length, pitch with cents and loudness of every note; legato, repeated, after a rest."""
    heard, rest = hear(frames_of(TUNE, 140, detune=0.23))
    assert rest == []
    assert [(note.onset_hop, note.sounding_hops) for _, note in heard] == [(begin, length) for begin, _, length in TUNE]
    assert [note.pitch for _, note in heard] == pytest.approx([NOTE_LO + pitch + 0.23 for _, pitch, _ in TUNE])
    assert all(note.loudness_db == -20.0 for _, note in heard)


def test_lag_is_as_stated():
    """A note before a rest is given exactly LAG_HOPS after it ended; a tied-to one when the next has ended."""
    heard, _ = hear(frames_of(TUNE, 140))
    ends = [note.onset_hop + note.sounding_hops for _, note in heard]
    known = [ends[1], ends[2], ends[2], ends[4], ends[4]]  # 0-1-2 are legato, then a rest, then 3-4
    assert [hop for hop, _ in heard] == [end + LAG_HOPS for end in known]
    assert LAG_HOPS <= 6


def test_a_pitch_between_two_semitones_is_one_note():
    """A steady pitch on the boundary of two semitones, cut by the tokenizer with no onset there, is one note."""
    frames = frames_of([(10, 30, 12), (22, 31, 12)], 60)
    for hop in range(10, 34):
        frames[hop].pitch = NOTE_LO + 30.5
    frames[22 + LOOK_AHEAD_HOPS].onset = 0.05
    heard, _ = hear(frames)
    assert [(n.onset_hop, n.sounding_hops, n.pitch) for _, n in heard] == [(10, 24, NOTE_LO + 30.5)]


def softened(tune, hops, first, last):
    """Frames of a tune that is 6 dB and more softer from hop `first` up to `last`."""
    frames = frames_of(tune, hops)
    for frame in frames[first:last]:
        frame.loudness_db = -26.0
    return frames


def test_the_end_of_a_note_is_no_note():
    """Let go of with a drop that begins like a note, softer, a semitone below, then a rest; as loud, or going on, it is a note."""
    tune = [(10, 30, 25), (35, 29, 6)]
    heard, _ = hear(softened(tune, 80, 35, 41))
    assert [(n.onset_hop, n.sounding_hops, n.pitch) for _, n in heard] == [(10, 31, NOTE_LO + 30.0)]
    assert len(hear(frames_of(tune, 80))[0]) == 2
    heard, _ = hear(softened([*tune, (41, 34, 20)], 100, 35, 41))
    assert [n.onset_hop for _, n in heard] == [10, 35, 41]


def test_a_scoop_is_no_note():
    """Slid into from a semitone below while the voice comes in, after a rest, it is how the note begins; as loud, a note."""
    tune = [(10, 29, 5), (15, 30, 25)]
    heard, _ = hear(softened(tune, 80, 10, 15))
    assert [(n.onset_hop, n.sounding_hops, n.pitch) for _, n in heard] == [(10, 30, NOTE_LO + 30.0)]
    assert len(hear(frames_of(tune, 80))[0]) == 2
    middle = softened([(10, 35, 20), (30, 29, 5), (35, 30, 25)], 90, 30, 35)  # in a line it is a note, however soft
    assert [n.onset_hop for _, n in hear(middle)[0]] == [10, 30, 35]


def test_a_semitone_step_is_two_notes():
    """A legato step of a whole semitone stays a step, also without an onset."""
    frames = frames_of([(10, 30, 12), (22, 31, 12)], 60)
    frames[22 + LOOK_AHEAD_HOPS].onset = 0.05
    heard, _ = hear(frames)
    assert [(n.onset_hop, n.sounding_hops) for _, n in heard] == [(10, 12), (22, 12)]


def test_flush_gives_the_note_that_sounds():
    """An answer that begins in the middle of a note knows that note, up to the newest hop the search has."""
    heard, rest = hear(frames_of(TUNE, 100))
    assert len(heard) == 3  # the fourth is tied to the one that sounds
    assert [(n.onset_hop, n.sounding_hops) for n in rest] == [(70, 9), (79, 100 - LOOK_AHEAD_HOPS - 79)]


def test_nothing_is_heard_in_silence_or_noise():
    """Silence and undecided frames give no notes at all."""
    assert hear(frames_of([], 300)) == ([], [])
    rng = np.random.default_rng(0)
    undecided = [Frame(0.0, False, float(rng.uniform(0, 0.3)), -30.0, _mostly_rest(rng), None) for _ in range(500)]
    assert hear(undecided) == ([], [])


def _mostly_rest(rng):
    post = rng.dirichlet(np.full(NOTES + 2, 0.3)) * 0.5
    post[REST] += 0.5
    return post


BEAT = [(10, STROKE, 2), (22, STROKE, 6), (34, STROKE, 5), (39, STROKE, 12), (60, 30, 15), (80, STROKE, 3)]


def test_strokes_are_heard_beside_notes():
    """Each stroke is given with onset, length, loudness and no pitch, LAG_HOPS after it ended: short ones, rolls, beside notes."""
    assert STROKE_HOPS == 2
    heard, rest = hear(frames_of(BEAT, 120))
    assert rest == [] and [(n.onset_hop, n.sounding_hops) for _, n in heard] == [(begin, length) for begin, _, length in BEAT]
    assert [n.pitch for _, n in heard] == [0.0, 0.0, 0.0, 0.0, NOTE_LO + 30.0, 0.0]
    assert all(n.loudness_db == -20.0 for _, n in heard)
    assert all(hop == n.onset_hop + n.sounding_hops + LAG_HOPS for hop, n in heard)


def test_a_stroke_without_an_onset_is_none():
    """Breath that is more like a stroke than like a rest, but never begins, is none; nor is a single hop that does."""
    frames = frames_of([(40, STROKE, 1)], 80)
    for hop in range(10, 22):
        frames[hop].note_post[[REST, STROKE]] = 0.3, 0.6
    assert hear(frames) == ([], [])


def test_the_attack_of_a_note_is_no_stroke():
    """A consonant or a key's click that runs into a note is that note's; with a rest between, or longer, it is a stroke."""
    heard, _ = hear(frames_of([(10, STROKE, ATTACK_HOPS), (10 + ATTACK_HOPS, 30, 20)], 80))
    assert [n.pitch for _, n in heard] == [NOTE_LO + 30.0]
    heard, _ = hear(frames_of([(10, STROKE, ATTACK_HOPS), (14 + ATTACK_HOPS, 30, 20)], 80))
    assert [n.pitch for _, n in heard] == [0.0, NOTE_LO + 30.0]
    heard, _ = hear(frames_of([(10, STROKE, ATTACK_HOPS + 2), (12 + ATTACK_HOPS, 30, 20)], 80))
    assert [n.pitch for _, n in heard] == [0.0, NOTE_LO + 30.0]


def test_a_rustle_is_no_stroke():
    """What is far softer than the performer was a moment ago is clothes or lips; alone, as soft, it is how somebody taps."""
    frames = frames_of([(10, STROKE, 4), (40, STROKE, 4)], 80)
    for hop in range(40, 44):
        frames[hop].loudness_db = -50.0
    heard, _ = hear(frames)
    assert [n.onset_hop for _, n in heard] == [10]
    for frame in frames:
        frame.loudness_db -= 30.0 if frame.loudness_db == -20.0 else 0.0
    heard, _ = hear(frames)
    assert [n.onset_hop for _, n in heard] == [10, 40]


def test_a_tune_holds_no_strokes():
    """Notes with hard onsets, repeated, legato and detached, are notes and nothing else, clean or in doubt."""
    for rng in (None, np.random.default_rng(5)):
        heard, rest = hear(frames_of(TUNE, 140, sure=0.8, rng=rng))
        assert all(n.pitch > 0 for _, n in heard) and all(n.pitch > 0 for n in rest) and len(heard) == len(TUNE)


def test_a_blip_is_no_note():
    """Three hops of another pitch inside a note do not break it; nor do they make a note out of silence."""
    heard, _ = hear(frames_of([(10, 30, 15), (25, 33, 3), (28, 30, 15)], 70)[:70])
    assert all(note.sounding_hops >= SHORTEST_HOPS - 1 for _, note in heard)
    assert not any(round(note.pitch) == NOTE_LO + 33 for _, note in heard)


def test_small_doubt_changes_nothing():
    """Noisy posteriors give the same notes as clean ones."""
    noisy, _ = hear(frames_of(TUNE, 140, sure=0.7, rng=np.random.default_rng(4)))
    assert [(note.onset_hop, note.sounding_hops) for _, note in noisy] == [(b, length) for b, _, length in TUNE]


def test_octave_slips_of_the_fine_pitch_are_folded_back():
    """Hops an octave above or below the decided note count in its octave; a glide at the ends does not count."""
    hops = np.array([58.0, 60.2, 72.2, 60.2, 48.2, 60.2, 60.2, 62.0])
    assert settle_pitch(hops, 60) == pytest.approx(60.2)
    assert settle_pitch(np.zeros(6), 60) == 60.0


def test_state_is_a_value_and_stays_small():
    """Set from a state in mid-note, a segmenter goes on as the first did; an endless note stays small."""
    frames = frames_of(TUNE, 140)
    one, two = Segmenter(), Segmenter()
    for frame in frames[:75]:
        one.step(frame)
    two.set_state(one.state())
    assert [one.step(f) for f in frames[75:]] == [two.step(f) for f in frames[75:]]
    endless = frames_of([(0, 30, 10_000)], 10_000)
    for frame in endless:
        one.step(frame)
    assert len(one._pitches) < 3100 and one._searched <= LAG_HOPS
