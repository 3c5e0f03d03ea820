"""A model that needs longer than its lead: the lead grows, the voice is in its place after it, and nothing is late any more."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from antiphon.events import Event
from antiphon.kernels import CommandQueue, lib
from antiphon.model.lead import GrowingLead
from playing import freewheel, noise, tone, two_processes, wait_for

SLOW = "5:560"  # each fifth step takes 272 frames more than a lead of 6 ms gives it


class Stepped:
    """An engine on freewheel whose steps take as long as the test says: blocks go by meanwhile, and nothing is left to chance."""

    def __init__(self, engine, sound: np.ndarray, takes):
        self.engine, self.sound, self.heard = engine, sound, []
        engine.driver.after_block = lambda: None  # the model is stepped below, not after every block
        self.worker = engine.worker
        self.worker._delay_writing, self.worker._wait_for_frame = takes, self._until

    def play(self, frames: int) -> None:
        until = self.engine.segment.clock + frames
        while self.engine.segment.clock < until:
            self._until(self.engine.segment.clock + 1)
            while self.worker.advance():
                pass

    def _until(self, frame: int) -> None:
        while self.engine.segment.clock < frame:
            at = self.engine.segment.clock
            self.heard.append(self.engine.run(self.sound[at : at + self.engine.format.blocksize])[:, 0])


def _steepest(sound: np.ndarray) -> float:
    return float(np.abs(np.diff(sound)).max())


@pytest.mark.parametrize(
    "samplerate, blocksize, long", [(48_000, 128, 560), (48_000, 64, 560), (48_000, 480, 450), (44_100, 128, 560)]
)
def test_the_lead_grows_until_steps_are_in_time(samplerate, blocksize, long):
    """Then none is late, the sum says so, and the voice is late by the new sum exactly, with no click on the way.

    A step that takes `long` is late by that and up to a block, as the hop lies in it: twice it may have to grow.
    """
    sound = tone(samplerate * 3, samplerate, hz=440.0)
    with freewheel(samplerate=samplerate, blocksize=blocksize) as engine:
        stage = Stepped(engine, sound, lambda hop: long if hop % 5 == 4 else 0)
        stage.worker._growing_lead = GrowingLead(samplerate)
        before = engine.latency()
        stage.play(60 * 960)
        grown, after = engine.status(), engine.latency()
        stage.play(len(sound) - engine.segment.clock - 960 - blocksize)
        status, out = engine.status(), np.concatenate(stage.heard)
    assert 3 <= grown.late == status.late <= 6, "late again"
    assert status.underflows == status.late == status.late_heard, "the voice broke where the step was in time"
    assert long - before.rows[4][1] <= after.total_frames - before.total_frames == after.rows[4][1] - before.rows[4][1]
    assert status.lead_ms == pytest.approx(after.rows[4][2], abs=0.01)
    assert engine.latency().rows == after.rows, "what is told after the end is not what it was"
    settled = grown.frames + 960
    at = np.arange(settled, len(out))
    expected = 0.3 * np.sin(2 * np.pi * 440.0 * (at - after.total_frames) / samplerate)
    assert len(at) > samplerate and np.abs(out[settled:] - expected).max() < 1e-3
    assert _steepest(out) <= _steepest(sound[:, 0]) + 2 * 0.3 / (0.005 * samplerate)


def test_nothing_is_lost_where_the_lead_covers_the_late_step_itself():
    """The step that made it grow is heard whole, later: frames of the worse one before it were skipped."""
    sound = noise(96_000)
    takes = {10: 700, 15: 500, 20: 500}
    with freewheel() as engine:
        stage = Stepped(engine, sound, lambda hop: takes.get(hop, 0))
        stage.worker._growing_lead = GrowingLead(48_000)
        stage.play(19 * 960)
        skipped = engine.status().skipped_frames
        stage.play(20 * 960)
        assert (engine.status().late, engine.status().skipped_frames) == (3, skipped)
        delay, out = engine.timeline.delay_frames, np.concatenate(stage.heard)
    first = 20 * 960 + delay  # of the voice of hop 20
    assert not out[first - 100 : first].any(), "the voice was not waited for"
    assert np.array_equal(out[first + 240 : first + 4800], sound[20 * 960 + 240 : 20 * 960 + 4800, 0])


def test_the_player_is_told_and_sees_the_lead_as_it_is():
    """One line that says what it was, what it is and how to begin there; status and sum have the new lead."""
    with two_processes(sound=tone(48_000), late=SLOW, driver={"loop": True}) as engine:
        assert engine.latency().rows[4] == ("lead", 288, 6.0)
        wait_for(lambda: engine.status().lead_raised, why="for a longer lead")
        status, table = engine.status(), engine.latency()
    ms = round(status.lead_ms)
    assert 12 <= ms <= 20 and table.rows[4] == ("lead", 48 * ms, ms)
    line = f"lead raised from 6 to {ms} ms: 3 steps were late in 10 s; --lead {ms} begins there"
    assert status.messages.count(line) == 1


def test_a_lead_that_was_asked_for_stays():
    """--lead 8 is 8, however late the steps are."""
    with two_processes(sound=tone(48_000), late="3:900", lead_s=0.008, driver={"loop": True}) as engine:
        wait_for(lambda: engine.status().late >= 6)
        status = engine.status()
    assert (status.lead_ms, status.lead_raised) == (8.0, 0)


def test_what_was_learnt_outlives_the_model_process():
    """The worker after one that was killed goes by the lead it finds: steps that it covers are not late."""
    with two_processes(sound=tone(48_000), late=SLOW, driver={"loop": True}) as engine:
        lib.ap_segment_set_delay_frames(engine.segment.pointer, 960 + 128 + 4800)
        pid = engine.status().worker_pid
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: engine.segment.read_status()["steps"] >= 30 and engine.status().worker_pid not in (pid, None))
        assert engine.segment.read_status()["late"] == 0
        assert engine.status().lead_ms == 100.0


@pytest.mark.parametrize("lead_s, room", [(None, 672), (0.006, 0)])
def test_panic_counts_on_a_lead_that_may_still_grow(lead_s, room):
    """Frames from before it that wait in the ring wait longer if the next step makes the lead grow."""
    with two_processes(lead_s=lead_s) as engine:
        engine.driver.stop()  # nobody else takes the command
        engine.apply(Event("panic", True))
        command = CommandQueue(pointer=engine.segment.commands).pop()
    assert command.target == lib.AP_TARGET_SILENCE
    assert command.value == 1376 + room + 960 + 240


def test_one_hold_up_is_one_late_step_to_the_lead():
    """Hops that wait because the one before them was late say nothing more, the last of them 12 ms late neither."""
    with freewheel() as engine:
        stage = Stepped(engine, noise(96_000), lambda hop: 4700 if hop in (10, 30) else 0)
        stage.worker._growing_lead = GrowingLead(48_000)
        stage.play(70 * 960)
        status = engine.status()
    assert status.late >= 8 and status.lead_ms == 6.0


def test_silence_that_comes_late_teaches_nothing():
    """While the instrument only listens nobody hears that a step is late: all are counted, the lead stays."""
    with freewheel("echo", values={"mode": "listen"}) as engine:
        stage = Stepped(engine, tone(120_000), lambda hop: 560 if hop % 5 == 4 else 0)
        stage.worker._growing_lead = GrowingLead(48_000)
        stage.play(70 * 960)
        status = engine.status()
        assert status.late >= 10 and (status.late_heard, status.lead_ms) == (0, 6.0)
        engine.apply(Event("mode", "hold"))
        engine.apply(Event("trigger", True))
        stage.play(30 * 960)
        after = engine.status()
    assert after.answers == 1 and after.lead_ms > 6.0
    assert 3 <= after.late_heard <= after.late - status.late


def test_panic_lets_nothing_from_before_it_through_a_grown_lead():
    """What is heard first after a panic was sung after it."""
    sound = noise(24_000)
    with freewheel() as engine:
        engine.run(sound[:9600])
        longer = engine.timeline.delay_frames + 672
        lib.ap_segment_set_delay_frames(engine.segment.pointer, longer)
        engine.worker.timeline = engine.timeline
        engine.run(sound[9600:12_000])
        engine.apply(Event("panic", True))
        heard = engine.run(sound[12_000:])[:, 0]
    silent = np.flatnonzero(heard[480:] != 0)[0] + 480
    assert silent >= longer
    back = slice(silent + 480, len(heard))
    assert np.array_equal(heard[back], sound[12_000 - longer + back.start : len(sound) - longer, 0])
