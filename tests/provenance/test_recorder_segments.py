"""A recorder has let go of a segment before it is unmapped, whoever begins or ends a take at that moment."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from antiphon import takes as taking
from antiphon.errors import UsageError
from antiphon.take import Take, verify
from antiphon.take import writer as writing
from playing import freewheel, noise, wait_for


class Held:
    """A function that waits in its first call until it is let go on."""

    def __init__(self, real):
        self.real, self.begun, self.on = real, threading.Event(), threading.Event()

    def __call__(self, *args):
        self.begun.set()
        assert self.on.wait(20)
        return self.real(*args)


def test_a_take_that_is_begun_while_the_performance_ends_is_none(tmp_path, monkeypatch):
    """The folder takes long to be made; meanwhile the segment goes. Nothing reads it, and the line says so."""
    made = Held(taking.Recorder)
    monkeypatch.setattr(taking, "Recorder", made)
    with ThreadPoolExecutor(1) as pool:
        with freewheel(bundle="through") as engine:
            begun = pool.submit(engine.proof.takes.begin, tmp_path / "take")
            assert made.begun.wait(10)
        made.on.set()
        with pytest.raises(UsageError, match="nothing was recorded"):
            begun.result(20)
    assert engine.proof.takes._recorder is None and verify(tmp_path / "take").ok


def test_a_take_that_is_being_ended_lets_go_when_the_device_changes(tmp_path, monkeypatch):
    """Whoever ends it waits for a disk; the segment does not."""
    with freewheel(bundle="through", take=tmp_path / "take") as engine, ThreadPoolExecutor(1) as pool:
        takes = engine.proof.takes
        engine.run(noise(48_000))
        recorder = takes._recorder
        wait_for(lambda: recorder.seconds >= 1.0)
        sync = Held(writing.sync)
        monkeypatch.setattr(writing, "sync", sync)
        ended = pool.submit(takes.end, "told")
        assert sync.begun.wait(10)
        takes.leave("the device changed")
        assert recorder._gone and not takes._goes_on
        sync.on.set()
        ended.result(20)
    assert verify(tmp_path / "take").ok


def test_no_take_begins_after_the_performance(tmp_path):
    """A device that comes back while everything ends is no reason to go on."""
    with freewheel(bundle="through", take=tmp_path / "take") as engine:
        takes, segment = engine.proof.takes, engine.segment
        takes.leave("the device changed")
        takes.close("stopped")
        takes.bind(segment, None)
        assert takes._segment is None and not takes.running
        with pytest.raises(UsageError, match="no sound"):
            takes.begin(tmp_path / "other")


def test_a_take_after_one_that_hangs_begins_with_its_own_first_frame(tmp_path, monkeypatch):
    """What the hanging one left on the tape is not in it."""
    sync = Held(writing.sync)
    with freewheel(bundle="through", take=tmp_path / "take") as engine:
        takes = engine.proof.takes
        engine.run(noise(48_000, seed=1))
        wait_for(lambda: takes.seconds >= 1.0)
        monkeypatch.setattr(writing, "sync", sync)
        monkeypatch.setattr(taking, "_END_S", 0.2)
        engine.run(noise(96_000, seed=2))
        assert sync.begun.wait(10)
        takes.end("told")
        assert any("the disk hangs" in line for line in engine.status().messages)
        engine.run(noise(24_000, seed=3))
        sync.on.set()
        monkeypatch.setattr(taking, "_END_S", 10.0)
        takes.begin(tmp_path / "next")
        engine.run(noise(24_000, seed=4))
    dry = soundfile.read(tmp_path / "next" / "dry.wav", dtype="float32")[0]
    assert np.array_equal(dry, noise(24_000, seed=4)[:, 0])
    assert verify(tmp_path / "next").ok and Take(tmp_path / "next").seconds == 0.5


def test_a_state_that_came_too_late_for_its_take_is_thrown_away(tmp_path):
    """It is megabytes, in memory."""
    (tmp_path / "states").mkdir()
    late = tmp_path / "states" / "left-1-960.state"
    late.write_bytes(bytes(1000))
    with freewheel(bundle="through") as engine:
        engine.proof.takes._states = tmp_path / "states"
        engine.proof.takes.begin(tmp_path / "take")
        engine.run(noise(4800))
    assert not late.exists() and verify(tmp_path / "take").ok
