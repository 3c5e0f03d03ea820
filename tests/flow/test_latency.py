"""Latency is one sum: its terms, and that sound is delayed by it and by nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from antiphon.kernels import Resampler
from antiphon.latency import HOP, MODEL_RATE, Timeline, hop_device_frames, latency
from playing import freewheel, noise, tone

BLOCKS = (1, 17, 64, 128, 959, 960, 961, 2048)


@pytest.mark.parametrize(
    "samplerate, blocksize, lead, hop, delay",
    [
        (48_000, 128, 288, 960, 1376),
        (48_000, 64, 0, 960, 1024),
        (44_100, 128, 265, 882, 1275),
        (96_000, 256, 576, 1920, 2752),
        (22_050, 32, 132, 441, 605),
        (11_025, 128, 66, 221, 415),  # half a frame over 220: a hop needs 221
        (8_000, 1, 48, 160, 209),
        (192_000, 8192, 0, 3840, 12032),
    ],
)
def test_the_timeline_is_hop_block_and_lead(samplerate, blocksize, lead, hop, delay):
    timeline = Timeline(samplerate, blocksize, lead)
    assert (timeline.hop_frames, timeline.delay_frames) == (hop, delay)


def test_the_table_adds_up():
    """Every term is in the voice's sum; dry sound passes the device and nothing else."""
    table = latency(Timeline(44_100, 128, 265), device_in=128, device_out=256, resampler_in=32.5, resampler_out=36)
    assert [(name, frames) for name, frames, _ in table.rows] == [
        ("device in", 128),
        ("resampler in", 32.5),
        ("hop", 882),
        ("block", 128),
        ("lead", 265),
        ("resampler out", 36),
        ("device out", 256),
    ]
    assert table.total_frames == 128 + 32.5 + 882 + 128 + 265 + 36 + 256
    assert table.dry_frames == 384
    assert table.trigger_frames == (128 + 265 + 36 + 256, 882 + 128 + 265 + 36 + 256)
    assert table.total_ms == pytest.approx(1000 * table.total_frames / 44_100)


@pytest.mark.parametrize("blocksize", BLOCKS)
def test_voice_is_late_by_the_sum_exactly(blocksize):
    """At the model's rate the voice of a chain that gives back the microphone is the input, delay_frames later."""
    sound = noise(6 * 4096)
    with freewheel(blocksize=blocksize, lead_s=0.006) as engine:
        heard = engine.run(sound)[:, 0]
        delay = int(engine.latency().total_frames)
        status = engine.status()
    assert delay == 960 + blocksize + 288
    settled = delay + 480  # the voice fades in when it is first opened
    assert np.array_equal(heard[settled:], sound[settled - delay : len(sound) - delay, 0])
    assert not heard[:delay].any()
    assert (status.underflows, status.skipped_frames, status.late, status.overflows) == (0, 0, 0, 0)
    assert status.hops == len(sound) // 960


@pytest.mark.parametrize("samplerate", [44_100, 32_000, 22_050, 11_025, 96_000, 192_000, 44_101])
@pytest.mark.parametrize("blocksize", [64, 961])
def test_voice_is_late_by_the_sum_at_any_rate(samplerate, blocksize):
    """At other rates it is the input delayed by the same sum with the resamplers' terms in it, within -60 dB."""
    sound = tone(samplerate, samplerate, hz=700.0)
    with freewheel(samplerate=samplerate, blocksize=blocksize) as engine:
        heard = engine.run(sound)[:, 0]
        table = engine.latency()
        status = engine.status()
    names = [name for name, _, _ in table.rows]
    into = dict(zip(names, (frames for _, frames, _ in table.rows), strict=True))
    assert into["resampler in"] == Resampler(samplerate, MODEL_RATE).delay_frames * samplerate / MODEL_RATE
    at = np.arange(samplerate // 2, samplerate)
    expected = 0.3 * np.sin(2 * np.pi * 700.0 * (at - table.total_frames) / samplerate)
    # A hop is not a whole number of frames at every rate: it is rounded up once, by less than a frame.
    rounding = hop_device_frames(samplerate) - HOP * samplerate / MODEL_RATE
    assert 0 <= rounding < 1
    assert np.abs(heard[at] - expected).max() < 0.3 * (0.001 + 2 * np.pi * 700.0 / samplerate * 1e-3)
    assert (status.underflows, status.skipped_frames, status.late) == (0, 0, 0)


@pytest.mark.parametrize("blocksize", BLOCKS)
def test_the_answer_does_not_depend_on_the_block(blocksize):
    """What the voice says is a matter of hops; the block only decides how much later it is heard."""
    sound = noise(5 * 4096)
    with freewheel(blocksize=128) as engine:
        reference = engine.run(sound)[1376 + 480 :, 0]
    with freewheel(blocksize=blocksize) as engine:
        heard = engine.run(sound)[960 + blocksize + 288 + 480 :, 0]
    common = min(len(reference), len(heard))
    assert common > 8000 and np.array_equal(heard[:common], reference[:common])


def test_one_input_frame_is_heard_where_the_sum_says():
    """Change one frame of a hop: the only output frame that differs is the one beside it."""
    sound = noise(9600)
    with freewheel() as engine:
        before = engine.run(sound)[:, 0]
    for frame in (4800, 4801, 5279, 5759):
        changed = sound.copy()
        changed[frame] += 0.1
        with freewheel() as engine:
            after = engine.run(changed)[:, 0]
        different = np.flatnonzero(before != after)
        assert list(different) == [frame + 960 + 128 + 288]
