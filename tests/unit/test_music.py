"""The judges of an evaluation must hear what was put there: notes, loops, vibrato, breath, seams, and who it was."""

import numpy as np
import pytest

from antiphon.train import music

RATE = 48_000
STEP = 0.016


def line(*notes, gap_s=0.1, wobble=None):
    """A track of (pitch, seconds) with silences between; `wobble(seconds)` is added in semitones."""
    pitch, voiced = [], []
    for note, seconds in notes:
        at = np.arange(round(seconds / STEP)) * STEP
        pitch += (note + (wobble(at) if wobble else 0 * at)).tolist() + [0.0] * round(gap_s / STEP)
        voiced += [True] * len(at) + [False] * round(gap_s / STEP)
    return music.Track(np.arange(len(pitch)) * STEP, np.array(pitch), np.array(voiced))


def tone(hertz, seconds, harmonics=12, noise=0.0, slope=1.0):
    at = np.arange(round(seconds * RATE)) / RATE
    sound = sum(np.sin(2 * np.pi * hertz * h * at) / h**slope for h in range(1, harmonics + 1))
    return 0.1 * sound + noise * np.random.default_rng(1).standard_normal(len(at))


def steady(hertz, seconds):
    at = np.arange(0.05, seconds - 0.05, STEP)
    return music.Track(at, np.full(len(at), 69 + 12 * np.log2(hertz / 440)), np.ones(len(at), bool))


def test_notes_are_those_that_were_played():
    found = music.notes(line((60.2, 0.4), (62.1, 0.3), (64.0, 0.5)))
    assert [round(n.pitch, 1) for n in found] == [60.2, 62.1, 64.0]
    assert [round(n.onset_s, 1) for n in found] == [0.0, 0.5, 0.9]


def test_legato_notes_are_parted_and_vibrato_is_not():
    assert [round(n.pitch) for n in music.notes(line((60, 0.4), (63, 0.4), gap_s=0.0))] == [60, 63]
    assert len(music.notes(line((60, 1.5), wobble=lambda s: 0.4 * np.sin(2 * np.pi * 5.5 * s)))) == 1


def test_a_slip_of_the_tracker_is_no_note():
    broken = line((60, 1.0))
    broken.pitch[30:32] = 72
    assert len(music.notes(broken)) == 1


def test_key_of_a_scale_and_none_of_a_single_note():
    scale = music.notes(line(*[(n, 0.4) for n in (60, 62, 64, 65, 67, 69, 71, 72)]))
    assert music.key(scale, 0.0) in (frozenset({0, 2, 4, 5, 7, 9, 11}),)
    assert music.key(music.notes(line((60, 1.0), (60, 1.0))), 0.0) is None


def test_reuse_is_one_for_a_transposed_copy_and_zero_for_another_tune():
    tune = music.notes(line(*[(n, 0.3) for n in (60, 62, 64, 60, 65, 67)]))
    same = music.notes(line(*[(n + 5, 0.3) for n in (60, 62, 64, 60, 65, 67)]))
    other = music.notes(line(*[(n, 0.3) for n in (60, 61, 68, 55, 54, 66)]))
    assert music.reuse(tune, same) == 1.0
    assert music.reuse(tune, other) == 0.0


def test_who_sings_between_semitones_repeats_himself_all_the_same():
    """Intervals are rounded, not pitches: half a semitone above the piano every other note would fall to another side."""
    tune = music.notes(line(*[(n + 0.47 + 0.06 * (k % 2), 0.3) for k, n in enumerate((60, 62, 64, 60, 65, 67))]))
    assert music.reuse(tune, tune) == 1.0
    plain = music.notes(line(*[(n, 0.3) for n in (60, 62, 64, 60, 65, 67)]))
    assert music.reuse(plain, tune) == 1.0


@pytest.mark.parametrize(
    ("notes", "family"),
    [((60, 62, 64, 65, 67, 69, 71), "major-like"), ((62, 64, 66, 67, 69, 71, 72, 62, 66, 69), "major-like"),
     ((57, 59, 60, 62, 64, 65, 68, 57, 60, 64), "minor-like"), ((60, 62, 64, 67, 69), "pentatonic"),
     (tuple(range(60, 72)), "other"), ((60, 64, 67), "fewer than five classes"), ((), "fewer than five classes"),
     ((60, 61.5, 63.4, 64.6, 66.5, 67.4, 69.6), "microtonal")],
)  # fmt: skip
def test_scales_are_told_apart(notes, family):
    found = music.notes(line(*[(n, 0.4) for n in notes]))
    assert music.family(found, 0.0) == family


def test_a_scale_in_another_tuning_is_that_scale():
    found = music.notes(line(*[(n + 0.4, 0.4) for n in (60, 62, 64, 65, 67, 69, 71)]))
    assert music.family(found, 0.4) == "major-like"


def test_entropy_counts_pitch_classes_in_bits():
    four = music.notes(line(*[(n, 0.4) for n in (60, 62, 64, 65)]))
    assert music.entropy_bits(four, 0.0) == pytest.approx(2.0, abs=0.01)
    assert music.entropy_bits(music.notes(line((60, 0.4), (72, 0.4))), 0.0) == 0.0
    assert np.isnan(music.entropy_bits([], 0.0))


def test_a_loop_is_timed():
    looping = music.notes(line(*[(n, 0.4) for n in (60, 64, 67) * 6]))
    free = music.notes(line(*[(n, 0.4) for n in (60, 64, 67, 61, 66, 70, 59, 68, 63, 71, 58, 65)]))
    assert 6.0 < music.longest_loop_s(looping) < 8.5
    assert music.longest_loop_s(free) == 0.0


@pytest.mark.parametrize(("hertz", "cents"), [(5.0, 40.0), (6.5, 25.0)])
def test_vibrato_has_its_rate_and_depth(hertz, cents):
    track = line((60, 1.2), (64, 1.2), wobble=lambda s: cents / 100 * np.sin(2 * np.pi * hertz * s))
    rate, depth = music.vibrato(track, music.notes(track))
    assert abs(rate - hertz) < 0.4 and abs(depth - cents) < 0.25 * cents
    still = line((60, 1.2))
    assert music.vibrato(still, music.notes(still))[1] == 0.0
    short = line((60, 0.2), (62, 0.2), wobble=lambda s: 0.3 * np.sin(2 * np.pi * hertz * s))
    assert np.isnan(music.vibrato(short, music.notes(short))).all(), "a short note can show none"


def test_glides_are_moving_pitch():
    at = np.arange(100) * STEP
    assert music.glide_share(music.Track(at, 60 + 10 * at, np.ones(100, bool))) > 0.9
    assert music.glide_share(music.Track(at, np.full(100, 60.0), np.ones(100, bool))) == 0.0


def test_breath_is_heard_in_decibels():
    quiet, breathy = (music.noise_db(tone(220, 1.0, noise=n), RATE, steady(220, 1.0)) for n in (0.001, 0.01))
    assert breathy - quiet > 10


def test_timbres_are_told_apart():
    track = steady(220, 1.0)
    dark, darker, bright = (music.timbre(tone(220, 1.0, slope=s), RATE, track) for s in (1.5, 1.6, 0.6))
    assert np.linalg.norm(dark - darker) < 0.4 * np.linalg.norm(dark - bright)


def test_a_click_at_the_seam_stands_out():
    smooth = tone(220, 3.0)
    clicked = smooth.copy()
    clicked[RATE * 2 :] *= -1
    assert music.seam(smooth, RATE, 2 * RATE)[0] <= 1.0
    at = 2 * RATE + 50  # not where the tone crosses zero
    clicked = np.concatenate([smooth[:at], -smooth[at:]])
    assert music.seam(clicked, RATE, at)[0] > 3.0


def test_what_a_line_dwells_on_is_in_its_key():
    """A to G sharp in A minor: the leading note, held long, counts though the natural minor leaves it out; a passing one does not."""
    steps = [(57, 1.0), (59, 0.5), (60, 0.5), (62, 0.5), (64, 1.0), (65, 0.5), (68, 0.8), (69, 1.0)]
    line, at = [], 0.0
    for pitch, seconds in steps:
        line.append(music.Heard(at, at + seconds, float(pitch)))
        at += seconds
    assert {9, 11, 0, 2, 4, 5, 8} <= music.key(line, 0.0)
    passing = [*line[:6], music.Heard(at, at + 0.1, 66.0), line[7]]
    assert 6 not in music.key(passing, 0.0)
