"""Rings that run full and clocks that misbehave, on freewheel where every count is exact."""

from __future__ import annotations

import numpy as np

from antiphon.audio.dummy import IN_XRUN, OUT_XRUN, DummyDriver, Faults
from antiphon.events import Event
from playing import freewheel, noise, tone, wait_for


def test_a_full_mic_ring_is_counted_and_mended():
    """Nobody reads for longer than the ring holds: dry sound is untouched, overflow is counted, the model mends."""
    sound = np.resize(noise(48_000), (30 * 48_000, 1)).astype(np.float32)
    with freewheel(values={"dry": 0.0, "voice": -80.0}) as engine:
        step, engine.driver.after_block = engine.driver.after_block, lambda: None
        assert np.array_equal(engine.run(sound), sound)
        full = engine.status()
        assert full.overflows > 0
        assert full.overflow_frames == full.frames - engine.segment.clock
        engine.driver.after_block = step
        before = engine.status().voice_frames
        engine.run(sound[:48_000])
        mended = engine.status()
    assert mended.overflows <= full.overflows + 1  # the block that comes before the model has read anything
    assert mended.catch_ups == 1
    assert mended.voice_frames - before > 40_000


def test_a_late_hop_costs_its_own_frames_and_no_others():
    """One hop is held back 400 frames beyond its due time, exactly: one underflow, and the rest in its place."""
    sound = tone(20 * 960)
    with freewheel() as engine:
        step = engine.driver.after_block
        due = 10 * 960 + engine.timeline.delay_frames
        engine.driver.after_block = lambda: (
            step() if engine.worker._hop != 10 or engine.segment.clock >= due + 400 else None
        )
        out = engine.run(sound)[:, 0]
        delay, status = engine.timeline.delay_frames, engine.status()
    assert (status.late, status.underflows) == (1, 1)
    assert 400 <= status.skipped_frames <= 400 + 2 * 128
    same = out[delay:] == sound[: len(out) - delay, 0]
    wrong = np.flatnonzero(~same[480:]) + 480
    assert wrong.min() >= 10 * 960 - 240 and wrong.max() < 10 * 960 + 400 + 2 * 128 + 240
    assert np.abs(np.diff(out)).max() <= np.abs(np.diff(sound[:, 0])).max() + 2 * 0.3 / 240


def test_time_is_the_same_for_events_after_the_mic_ring_was_full():
    """Frames that found no room are no time: a gain named for a frame of the clock still begins at that frame."""
    with freewheel(samplerate=8_000, values={"dry": 0.0, "voice": -80.0}) as engine:
        step, engine.driver.after_block = engine.driver.after_block, lambda: None
        for _ in range(30):  # nobody reads
            engine.run(np.zeros((8_000, 1), np.float32))
        engine.driver.after_block = step
        engine.run(np.zeros((8_000, 1), np.float32))
        status, clock = engine.status(), engine.segment.clock
        assert status.overflow_frames > 50_000 and clock == status.frames - status.overflow_frames
        engine.apply(Event("mute", True, time_frame=clock + 777))
        heard = engine.run(np.full((2_000, 1), 0.25, np.float32))[:, 0]
    assert (heard[:777] == 0.25).all() and heard[777] < 0.25 and not heard[900:].any()


def test_xruns_are_counted_in_both_directions():
    """The device's flags end up in the counters."""
    with freewheel() as engine:
        engine.run(noise(1280), flags=IN_XRUN | OUT_XRUN)
        engine.run(noise(1280))
        status = engine.status()
    assert (status.xruns, status.input_xruns) == (20, 10)


def test_wild_input_is_scrubbed():
    """NaN and infinity from a broken driver never reach the model, the mix or the meters."""
    sound = tone(9600)
    sound[100], sound[200], sound[300] = np.nan, np.inf, 1e30
    with freewheel(values={"dry": 0.0}) as engine:
        out = engine.run(sound)
        status = engine.status()
    assert np.isfinite(out).all() and np.abs(out).max() <= 1.0
    assert status.scrubbed == 3


class _Counting:
    """A block that remembers what it was called with, and the spec that makes it."""

    def __init__(self, driver_blocks: int):
        self.seen: list[tuple[bytes, int]] = []
        self.most = driver_blocks

    def make(self):
        return self

    def run(self, indata, outdata, flags=0):
        if len(self.seen) < self.most:
            self.seen.append((indata.tobytes(), flags))


def test_injected_faults_are_the_same_for_the_same_seed():
    """Jitter, stalls and xruns are drawn from the seed: two clocks give the same blocks with the same flags."""
    runs = []
    for seed in (4, 4, 5):
        driver = DummyDriver(
            48_000,
            64,
            source=noise(48_000),
            loop=True,
            faults=Faults(seed=seed, jitter_s=0.0005, stall=0.05, stall_s=0.004, xrun=0.05),
        )
        block = _Counting(100)
        driver.open()
        driver.start(block)
        wait_for(lambda block=block: len(block.seen) == 100)
        driver.stop()
        runs.append(block.seen)
    assert runs[0] == runs[1] != runs[2]
    assert any(flags for _, flags in runs[0])
