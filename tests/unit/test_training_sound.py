"""Rendered training sound is what its labels say."""

import numpy as np
import pytest

pytest.importorskip("numba")
soundfile = pytest.importorskip("soundfile")

from antiphon.train import score, seeds  # noqa: E402

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
