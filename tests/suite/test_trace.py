"""The trace says of every block and every step what was; whoever reads it or does not changes nothing that is heard."""

import time

import numpy as np
import pytest

from antiphon.events import Event
from antiphon.kernels import Ring, lib
from antiphon.latency import Timeline
from antiphon.layout import Segment, SegmentSpec
from antiphon.trace import STEP_FIELDS, STEP_TYPE, Trace, TraceLog, _Kept
from playing import freewheel, noise, phrase_then_silence, tone, two_processes, wait_for

HOP, BLOCK, LEAD = 960, 128, 288


def test_a_record_has_the_width_that_the_kernels_give_it():
    assert len(STEP_FIELDS) == lib.AP_TRACE_STEP_WORDS and STEP_TYPE.itemsize == 4 * lib.AP_TRACE_STEP_WORDS


def test_every_block_and_every_step_leaves_a_record():
    """On freewheel a step is made in the block that completes its hop: hop, slack and queue are known to the frame."""
    with freewheel(blocksize=BLOCK, lead_s=LEAD / 48_000) as engine:
        trace = Trace(engine.segment)
        engine.run(tone(50 * HOP))
        blocks, steps = trace.blocks(), trace.steps()
        assert blocks.shape == (50 * HOP // BLOCK, 2) and blocks.dtype == np.float32
        assert (blocks[:, 1] > 0).all()
        assert np.array_equal(steps["hop"], np.arange(len(steps)) + steps["hop"][0])
        hop = steps["hop"]
        clock = np.ceil((hop + 1) * HOP / BLOCK) * BLOCK
        due = hop * HOP + HOP + BLOCK + LEAD
        assert np.array_equal(steps["slack_frames"], due - clock)
        # Of what was written by now, what is due from this block on has not been played.
        assert np.array_equal(steps["queue_frames"], np.minimum(due + HOP - clock, (hop - hop[0] + 1) * HOP))
        assert (steps["whole_us"] >= steps["step_us"]).all() and (steps["wait_us"] >= 0).all()
        assert len(trace.blocks()) == 0 and len(trace.steps()) == 0


def test_a_step_says_whether_its_voice_sounded_and_what_it_had_read():
    """Silence in, silence out of "through"; each change of a step row is one publication, read by the next step."""
    with freewheel() as engine:
        trace = Trace(engine.segment)
        engine.run(np.zeros((4 * HOP, 1), np.float32))
        engine.apply(Event("temperature", 0.5))
        engine.run(noise(4 * HOP))
        steps = trace.steps()
        assert steps["sounding"].tolist() == [0.0] * 4 + [1.0] * 4
        assert np.diff(steps["params"]).tolist() == [0, 0, 0, 1, 0, 0, 0]
        assert steps["params"][-1] == lib.ap_mailbox_version(engine.segment.params)


def test_a_step_that_comes_too_late_has_less_than_no_slack():
    """Every tenth step is held until 30 ms beyond its hop and a block, of which the lead covers 6: each is late, and counted so."""
    with two_processes(sound=tone(48_000), lead_s=LEAD / 48_000, late="10:1440", driver={"loop": True}, gated=False) as engine:
        with TraceLog(engine) as log:
            wait_for(lambda: np.sum(log.steps["hop"] % 10 == 9) >= 3)
        steps, status = log.steps, engine.status()
        assert (steps["slack_frames"][steps["hop"] % 10 == 9] <= LEAD - 1440).all()
        late = steps[steps["slack_frames"] < 0]
        assert len(late) <= status.late and -late["slack_frames"].min() <= status.late_frames_max


def test_reading_the_trace_changes_no_bit():
    """The same input, the same seed: the same output with a reader, without one, and with the rings full."""
    heard, sound = [], phrase_then_silence()
    for read in (True, False):
        with freewheel(bundle="echo", seed=3) as engine:
            trace = Trace(engine.segment) if read else None
            parts = []
            for at in range(0, len(sound), 10 * HOP):
                parts.append(engine.run(sound[at : at + 10 * HOP]))
                if trace:
                    trace.blocks(), trace.steps()
                else:
                    Ring(pointer=engine.segment.trace_steps).write(np.zeros((2048, 8), np.float32))
            heard.append(np.concatenate(parts))
    assert heard[0].any() and np.array_equal(*heard)


def test_a_reader_begins_now():
    """What lay there before, even in a full ring, is not its."""
    with freewheel(blocksize=1) as engine:
        engine.run(noise(17_000))
        assert Ring(pointer=engine.segment.trace_blocks).writable == 0
        trace = Trace(engine.segment)
        engine.run(noise(HOP))
        assert (len(trace.blocks()), len(trace.steps())) == (HOP, 1)


class Swapped:
    """Stands for an engine whose device comes back as another one: another segment from one look to the next."""

    def __init__(self):
        self.segment = self.make()

    @staticmethod
    def make():
        return Segment.create(SegmentSpec(48_000, 1, 1, 4), Timeline(48_000, 128, 288))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.segment.unlink()

    def look(self, what):
        return None if self.segment is None else what(self.segment)

    def write(self, blocks, hops):
        Ring(pointer=self.segment.trace_blocks).write(np.array(blocks, np.float32))
        steps = np.zeros((len(hops), 8), np.float32)
        steps[:, 0], steps[:, 2], steps[:, 7] = hops, 2000.0, 18_000.0
        Ring(pointer=self.segment.trace_steps).write(steps)


def test_a_log_survives_a_device_that_comes_back_as_another_one():
    """It reads the old segment while it is there and goes on with the new one; no record is read twice or out of order."""
    with Swapped() as engine:
        engine.write([[0, 9]], [7])
        with TraceLog(engine) as log:
            engine.write([[100, 1], [200, 2]], [30, 31])
            wait_for(lambda: len(log.steps) == 2)
            old, engine.segment = engine.segment, None
            old.unlink()
            engine.segment = Swapped.make()
            wait_for(lambda: log._of == engine.segment.name)
            engine.write([[0, 3], [300, 4]], [0, 1, 2])
    assert log.blocks.tolist() == [[100, 1], [200, 2], [0, 3], [300, 4]]
    assert log.steps["hop"].tolist() == [30, 31, 0, 1, 2]
    times = log.step_times()
    assert np.allclose(np.diff(times)[[0, 2, 3]], 0.02)
    assert log.begun_s <= times[2] <= log.ended_s + 0.04


def test_a_log_of_nothing_is_empty():
    with Swapped() as engine, TraceLog(engine) as log:
        pass
    assert log.blocks.shape == (0, 2) and log.steps.shape == (0,)
    assert len(log.block_times()) == 0 and len(log.step_times()) == 0


@pytest.mark.parametrize("held_up_s", [0.0, 0.5])
def test_records_are_put_on_the_clock_by_what_was_there_at_each_look(held_up_s):
    """A record is there once it has ended: of many looks the nearest tell. One that was held up moves nothing."""
    kept, step_s, began = _Kept(np.zeros((0, 2), np.float32)), 0.01, 1000.0
    kept.begin()
    done, looks = 0, began + np.arange(0.25, 20.0, 0.2503)
    for number, look in enumerate(looks):
        there = int((look - began) / step_s)
        kept.add(look - (held_up_s if number == 5 else 0.0), np.zeros((there - done, 2), np.float32))
        done = there
    times = kept.placed(np.full(done, step_s), np.zeros(done, bool))
    assert np.allclose(np.diff(times), step_s)
    assert abs(times[0] - (began + step_s)) < step_s


def test_a_real_engine_is_logged_in_time():
    """Block by block and step by step the times increase, and they lie where the engine was looked at."""
    with two_processes(sound=tone(48_000), driver={"loop": True}, gated=False) as engine:
        with TraceLog(engine) as log:
            wait_for(lambda: len(log.steps) > 30)
        blocks, steps = log.block_times(), log.step_times()
        assert len(blocks) == len(log.blocks) and len(steps) == len(log.steps)
        assert (np.diff(blocks) > 0).all() and (np.diff(steps) > 0).all()
        assert log.begun_s - 0.1 < blocks[0] and steps[-1] < time.monotonic() and blocks[-1] < time.monotonic()


def test_look_hands_out_a_segment_only_while_there_is_one():
    with freewheel() as engine:
        seen = []
        engine.look(seen.append)
        assert seen == [engine.segment]
    engine.look(seen.append)
    assert len(seen) == 1
