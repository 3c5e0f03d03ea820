"""A recording's labels are what the instrument hears, at the level it hears it, and what is no single line is not learned from."""

import numpy as np
import pytest
import sung

from antiphon.model.bundle import Bundle
from antiphon.model.level import HOME_DB

pytest.importorskip("scipy")
from antiphon.train.ears import Ears  # noqa: E402


@pytest.fixture(scope="module")
def ears():
    return Ears(Bundle.open("hum"))


def test_a_sung_line_is_labelled_by_its_pitch(ears):
    """Where a note is named, its pitch is within a semitone of the label, and nine in ten named 10 ms are right within 60 cents."""
    notes = sung.melody(12)
    heard = ears.hear(sung.sound(notes, 12))
    at = (np.arange(len(heard.note)) + 0.5) / 100
    true = np.zeros(len(at))
    for onset, length, pitch in notes:
        true[(at >= onset) & (at < onset + length)] = pitch
    both = (heard.note >= 0) & (true > 0)
    assert both.sum() > 0.8 * (true > 0).sum()
    assert (np.abs(heard.note - true)[both] < 0.6).mean() > 0.9
    assert (np.abs(heard.pitch - true)[both] < 0.6).mean() > 0.9
    assert heard.trusted.mean() > 0.95 and heard.line_s > 5


@pytest.mark.parametrize("level", [0.02, 0.2, 0.9])
def test_a_recording_is_as_loud_as_the_instrument_would_make_it(ears, level):
    """Loud sung hops come home within 3 dB, whatever the microphone's gain was."""
    heard = ears.hear(sung.sound(sung.melody(8), 8, level))
    levels = 10 * np.log10(np.square(heard.sound).reshape(-1, 960).mean(1) + 1e-12)
    assert abs(np.percentile(levels[heard.note[::2] >= 0], 95) - HOME_DB) < 3


def test_chords_are_no_line(ears):
    line = [(0.6 * number, 0.55, root) for number, root in enumerate([60, 57, 53, 55] * 4)]
    chords = sum(sung.sound([(onset, length, root + third) for onset, length, root in line], 10) for third in (0, 4, 7))
    heard = ears.hear(chords)
    assert heard.line_s < 0.25 * heard.loud_s and heard.lost_s > 0.5 * heard.loud_s


@pytest.mark.parametrize("sound", [np.zeros(96_000), 0.1 * np.random.default_rng(0).standard_normal(96_000)])
def test_silence_and_noise_hold_no_line(ears, sound):
    heard = ears.hear(sound)
    assert heard.line_s == 0 and (heard.note < 0).all()
