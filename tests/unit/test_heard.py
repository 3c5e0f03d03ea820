"""What bench/heard.py hears by: it finds what a listener just hears, and nothing where there is nothing to be heard."""

from __future__ import annotations

import random
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))
pytest.importorskip("soxr")
import audible  # noqa: E402
from changes import AWAY, Before, before, draw, rows  # noqa: E402
from onsets import heard_onsets, nearest, tried  # noqa: E402

RATE, THRESHOLDS_DB = 48_000, (audible.LEAST_DB,) * len(audible.LOOKS)
CODED = ("MP3, 320 kb/s", "Opus, 256 kb/s")
coded = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")


def tune(seed: int, seconds: float = 2.4) -> np.ndarray:
    """A line of sung notes, (frames,) float32, over a soft room."""
    chance = np.random.default_rng(seed)
    t = np.arange(round(0.4 * RATE)) / RATE
    notes = []
    for _ in range(round(seconds / 0.4)):
        hertz = 85 * 2 ** (chance.integers(0, 6) / 12) * (1 + 0.004 * np.sin(2 * np.pi * 5 * t))
        phase = 2 * np.pi * np.cumsum(hertz) / RATE
        tone = sum(np.sin(k * phase) / k for k in range(1, 40))
        notes.append(tone * np.minimum(1, np.minimum(t, t[::-1]) / 0.03))
    sound = np.concatenate(notes)
    return (0.1 * sound + 1e-4 * chance.standard_normal(len(sound))).astype(np.float32)


@pytest.mark.parametrize("name", [name for name in audible.NO_CHANGE if name not in CODED])
@pytest.mark.parametrize("seed", [1, 2])
def test_what_nobody_hears_is_no_difference(name, seed):
    sound = tune(seed)
    assert audible.first_audible(sound, audible.NO_CHANGE[name](sound), THRESHOLDS_DB) is None


@coded
@pytest.mark.parametrize("name", CODED)
def test_a_good_codec_is_no_difference(name):
    sound = tune(3)
    assert audible.first_audible(sound, audible.NO_CHANGE[name](sound), THRESHOLDS_DB) is None


def test_the_same_frames_are_no_difference():
    sound = tune(4)
    assert audible.first_audible(sound, sound.copy(), THRESHOLDS_DB) is None


@pytest.mark.parametrize("name", audible.CHANGE)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_a_listener_just_hears_is_found_and_not_before_it_is_there(name, seed):
    """A change in the middle of a note; it is dated where it shows, at most 150 ms after (a small detuning needs so long)."""
    sound = tune(seed)
    at = round(0.9 * RATE)
    other = np.concatenate([sound[:at], audible.CHANGE[name](sound[at:])])
    frame = audible.first_audible(sound, other, THRESHOLDS_DB)
    assert frame is not None
    assert at < frame <= at + round(0.15 * RATE)


def test_a_difference_is_found_in_the_channel_where_it_is():
    sound = np.stack([tune(5), tune(6)], axis=1)
    other = sound.copy()
    other[RATE:, 1] *= 2
    frame = audible.first_audible(sound, other, THRESHOLDS_DB)
    assert RATE < frame <= RATE + audible.WINDOW


def test_what_is_softer_than_a_room_is_not_heard():
    """Noise at -95 dB full scale, where there was silence."""
    silence = np.zeros(RATE, np.float32)
    hiss = (10 ** (-95 / 20) * np.random.default_rng(1).standard_normal(RATE)).astype(np.float32)
    assert audible.first_audible(silence, hiss, THRESHOLDS_DB) is None


def test_the_calibration_is_the_same_each_time_and_its_threshold_holds_on_other_sounds():
    changes = {name: change for name, change in audible.NO_CHANGE.items() if name not in CODED}
    one, two = (audible.calibrate([tune(seed) for seed in range(6)], changes) for _ in range(2))
    assert one == two
    assert min(one.thresholds_db) >= audible.LEAST_DB
    assert one.false_alarms <= audible.FALSE_ALARMS
    assert min(one.found.values()) > 0.9


def test_a_threshold_is_never_below_what_the_no_change_runs_of_its_half_ask_for():
    """A "no change" of 4 dB: hardly any threshold would call it none, so it must rise above."""
    found = audible.calibrate([tune(seed) for seed in range(4)], {"4 dB louder": lambda sound: sound * np.float32(10 ** (4 / 20))})
    assert min(found.thresholds_db) > 3.5


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.path)
def test_a_random_change_is_another_value_that_the_row_takes(row):
    """And, of a fader, at least a tenth of its way from where it was."""
    old = before(row.path).values.get(row.path, row.default)
    for seed in range(20):
        value = draw(row, random.Random(seed))
        accepted = row.accept(value)
        assert row.kind == "trigger" or accepted != old
        if row.kind == "float" and row.curve == "linear":
            assert abs(value - old) >= AWAY * (row.maximum - row.minimum) - 1e-9


def test_what_must_be_so_before_a_change_is_what_the_table_takes():
    for row in rows():
        needed: Before = before(row.path)
        for path, value in (*needed.values.items(), *needed.events):
            row_of = next(one for one in rows_by_path() if one.path == path)
            row_of.accept(value)


def rows_by_path():
    from antiphon.params import TABLE

    return TABLE


@pytest.mark.parametrize("attack_s", [0.001, 0.02, 0.05])
@pytest.mark.parametrize("gap_s", [0.05, 0.0])
def test_onsets_are_found_alike_however_soft_they_are(attack_s, gap_s):
    """All of them, within 13 ms and, beside each other, within 4 ms."""
    found = tried(attack_s, gap_s, count=30)
    assert found["found"] == 1.0
    assert 0 <= found["late_ms"] < 13
    assert found["uneven_ms_p95"] < 4


def test_no_onset_is_found_in_a_held_note():
    t = np.arange(RATE) / RATE
    held = 0.1 * sum(np.sin(2 * np.pi * 220 * k * t) / k for k in range(1, 10))
    held *= np.minimum(1, np.minimum(t, t[::-1]) / 0.02)
    assert len(heard_onsets(held)[1:]) == 0
    assert np.isnan(nearest(np.zeros(0), np.array([0.5]), 0.06)).all()
