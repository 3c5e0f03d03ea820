"""Rendered training sound is what its labels say."""

import numpy as np
import pytest

pytest.importorskip("numba")
soundfile = pytest.importorskip("soundfile")
pytest.importorskip("tinysoundfont")
pytest.importorskip("scipy")

from antiphon.train import consonants, percussion, score, seeds, voices  # noqa: E402

MELODY = np.array([[60 + step, beat, 1.0] for beat, step in enumerate([0, 2, 4, 5, 7, 5, 4, 2] * 3)], float)


def performed(seed, low=55, high=75, seconds=10.0):
    return score.perform(np.random.default_rng(seed), [MELODY], low, high, seconds)


@pytest.mark.parametrize("seed", range(20))
def test_notes_follow_one_another_inside_the_register(seed):
    """Onsets rise, no note outlasts the next one's onset by more than a frame's rounding, pitches stay within a semitone and a half of the register."""
    notes = performed(seed)
    onsets = np.array([n.onset_s for n in notes])
    assert (np.diff(onsets) > 0.05).all() and onsets[-1] < 10
    assert all(a.onset_s + a.sounding_s <= b.onset_s + 1e-6 for a, b in zip(notes, notes[1:]))
    assert all(53.5 <= n.pitch <= 76.5 for n in notes)


def test_a_seed_repeats_a_performance():
    """The same seed gives the same notes, another seed others."""
    assert performed(3) == performed(3)
    assert performed(3) != performed(4)


def test_held_out_is_a_small_fixed_share():
    """About 8 in 100 names are held out, and the choice does not change from call to call."""
    names = [f"tune {i}" for i in range(4000)]
    share = np.mean([score.held_out(n) for n in names])
    assert 0.06 < share < 0.10
    assert [score.held_out(n) for n in names[:50]] == [score.held_out(n) for n in names[:50]]


def pitch_of(sound):
    """Pitch of a sine in MIDI semitones, from its spectral peak."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 16 * len(sound)))
    return 69 + 12 * np.log2(spectrum.argmax() * seeds.RATE / (16 * len(sound)) / 440)


@pytest.mark.parametrize("semitones", [-5.0, -0.37, 0.0, 1.5, 7.0])
def test_reading_faster_is_higher(semitones):
    """Reading at a speed of 2^(n/12) shifts by n semitones, within 1 cent, through the loop's crossfade too."""
    sine = np.sin(2 * np.pi * 440 * np.arange(48000) / 48000).astype(np.float32)
    speed = np.full(40000, 2 ** (semitones / 12))
    read, _ = seeds.read_at_speed(sine, 0.0, speed, 12000.0, 36000.0, 2000.0)
    assert abs(pitch_of(read) - 69 - semitones) < 0.01


def test_a_sung_clip_has_the_pitch_of_its_labels(tmp_path):
    """In the middle of detached notes, sound and label agree within 5 cents; where the label is silent, so is the sound."""
    bank = []
    for note in range(52, 80, 2):
        path = tmp_path / f"tone-{note}.wav"
        time = np.arange(2 * seeds.RATE) / seeds.RATE
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * time), seeds.RATE, subtype="FLOAT")
        bank.append(seeds.Seed(str(path), "tone", float(note), 0, 2000, 2 * seeds.RATE, 0.2, np.full(125, note, np.float32)))
    choir = seeds.SeedChoir(bank, held=False)
    notes = [score.Note(0.5 + 1.0 * i, 0.7, 60.3 + 2 * i, 0.0, False) for i in range(5)]
    audio, pitch, onset, name = choir.sing(np.random.default_rng(0), notes, "tone", 6.0)
    assert onset.sum() == len(notes)
    for index, note in enumerate(notes):
        begin = int((note.onset_s + 0.35) * 100)
        frames = slice(begin, begin + 20)
        assert (name[frames] == round(note.pitch)).all()
        measured = pitch_of(audio[begin * seeds.FRAME : (begin + 20) * seeds.FRAME])
        assert abs(measured - pitch[frames].mean()) < 0.05 + 0.5 * np.ptp(pitch[frames])
    assert not audio[: int(0.45 * seeds.RATE)].any()


def sung_note(onset_s, sounding_s, slurred=False):
    return score.Note(onset_s, sounding_s, 60.0, 0.0, slurred)


@pytest.mark.parametrize("seed", range(8))
def test_a_rhythm_repeats_with_variations(seed):
    """Strokes come in order, not closer than 50 ms, inside the clip, of the kinds asked for, and one bar is like another."""
    strokes = percussion.rhythm(np.random.default_rng(seed), 20.0, 3)
    onsets = np.array([s.onset_s for s in strokes])
    assert len(strokes) > 8 and (np.diff(onsets) > 0.05).all() and 0 < onsets[0] and onsets[-1] < 20
    assert {s.kind for s in strokes} <= {0, 1, 2} and len({s.kind for s in strokes}) > 1
    grid = np.zeros(2000)
    grid[(onsets * 100).astype(int)] = 1
    grid = np.convolve(grid, np.hanning(7), "same")
    like = [np.corrcoef(grid[lag:], grid[:-lag])[0, 1] for lag in range(40, 600)]
    assert max(like) > 0.25


@pytest.mark.parametrize("make", sorted({make.__name__ for make in percussion._FORMULAS}))
def test_strokes_by_formula_are_short_and_never_twice_the_same(make):
    """Every kind begins at once, is finite, sinks by 30 dB, and its label covers what sounds: 40 to 250 ms."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        take = getattr(percussion, make)(rng)
        one, two = take(rng), take(rng)
        assert np.isfinite(one).all() and not np.array_equal(one[:500], two[:500])
        assert np.abs(one[: int(0.03 * seeds.RATE)]).max() > 0.3 * np.abs(one).max()
        frames = percussion.label(one)
        assert 4 <= frames <= 25
        later = one[frames * seeds.FRAME : len(one) // seeds.FRAME * seeds.FRAME].reshape(-1, seeds.FRAME)
        assert frames == 25 or np.sqrt((later**2).mean(1)).max() <= 0.04 * np.abs(one).max()


def test_a_stroke_is_labelled_where_it_sounds():
    """Onset, and the name STROKE from there until it has died away; nothing before it, and no pitch."""
    audio, onset, name = np.zeros(seeds.RATE), np.zeros(100, np.uint8), np.full(100, -1, np.int16)
    sound = np.random.default_rng(0).standard_normal(seeds.RATE // 2) * np.exp(-np.arange(seeds.RATE // 2) / 480)
    percussion.strike(audio, onset, name, percussion.Stroke(0.303, 0, -6.0), sound)
    assert np.flatnonzero(onset).tolist() == [30]
    struck = np.flatnonzero(name == percussion.STROKE)
    assert struck[0] == 30 and (np.diff(struck) == 1).all() and 4 <= len(struck) <= 6
    assert not audio[: int(0.303 * seeds.RATE)].any() and audio[int(0.303 * seeds.RATE)] == pytest.approx(sound[0] * 10 ** (-6 / 20))


def test_consonants_sit_between_the_notes():
    """They come before onsets and behind ends, not in the middle of a note, and softer than the voice."""
    notes = [sung_note(0.5 + i, 0.5) for i in range(5)]
    clear = np.zeros(6 * seeds.RATE)
    for seed in range(10):
        spoken = consonants.articulate(np.random.default_rng(seed), clear, notes)
        assert not clear.any()
        for note in notes:
            assert not spoken[int((note.onset_s + 0.02) * seeds.RATE) : int((note.onset_s + 0.45) * seeds.RATE)].any()
        assert np.abs(spoken).max() < 0.5
    many = [consonants.articulate(np.random.default_rng(seed), clear, notes).any() for seed in range(10)]
    assert np.mean(many) > 0.8


def test_speech_has_the_pitch_of_its_labels_though_it_never_holds_it():
    """Within a quarter tone of the label at every voiced frame whose pitch moves by less than a semitone in 60 ms."""
    notes = [sung_note(0.3 + 0.25 * i, 0.25, slurred=i > 0) for i in range(10)]
    audio, pitch, onset, name = voices.voice(np.random.default_rng(2), notes, "spoken", 3.0)
    assert onset.sum() == 10 and np.ptp(pitch[pitch > 0]) > 1.0
    far = []
    for frame in range(40, 270):
        around = pitch[frame - 3 : frame + 4]
        if (around > 0).all() and np.ptp(around) < 1.0:
            part = audio[(frame - 2) * seeds.FRAME : (frame + 3) * seeds.FRAME]
            hertz = 440 * 2 ** ((pitch[frame] - 69) / 12)
            lags = np.arange(int(seeds.RATE / hertz / 1.3), int(seeds.RATE / hertz * 1.3))
            alike = [np.corrcoef(part[lag:], part[:-lag])[0, 1] for lag in lags]
            far.append(abs(12 * np.log2(seeds.RATE / lags[int(np.argmax(alike))] / hertz)))
    assert len(far) > 60 and np.mean(np.array(far) < 0.5) > 0.9


def test_a_slide_is_half_way_where_the_next_note_begins():
    """Slow, and the onset in its middle: a note that is slid to begins nowhere in particular."""
    notes = [score.Note(0.2, 0.8, 60.0, 0.0, False), score.Note(1.0, 0.8, 64.0, 0.0, True)]
    for seed in range(8):
        curve = seeds.pitch_curve(np.random.default_rng(seed), notes, 200, expressive=0.01, slides=True)
        line = np.concatenate([curve[0][:100], curve[1][100:]])
        assert abs(line[99:101].mean() - 62) < 0.2 and abs(line[80] - 60) < 0.2 and abs(line[120] - 64) < 0.2
        assert ((line > 60.5) & (line < 63.5)).sum() >= 4
