"""A device that is pulled out, comes back, or comes back as another one: told by a clock that can be pulled out."""

from __future__ import annotations

import resource
import threading

import numpy as np
import pytest
import soundfile

from antiphon.audio.driver import DeviceFrames
from antiphon.audio.dummy import DummyDriver
from antiphon.engine import Engine, EngineConfig
from antiphon.errors import DeviceError, UsageError
from antiphon.events import Event
from antiphon.history import carry_over
from antiphon.kernels import Resampler, ffi, lib
from antiphon.latency import Timeline
from antiphon.layout import STATUS_FIELDS, Segment, SegmentSpec
from antiphon.take import Take, verify
from playing import tone, wait_for


class Pluggable:
    """A driver whose device the test pulls out and plugs in again; a dummy clock runs while it is in."""

    name = "pluggable"
    input_name = output_name = "card"
    notices = ()
    finished = False

    def __init__(self, samplerate: int = 48_000, blocksize: int = 128):
        self.plugged, self.tries, self.fell_back = True, 0, False
        self.hangs, self.interrupted = False, threading.Event()
        self.plug(samplerate, blocksize)

    def plug(self, samplerate: int, blocksize: int) -> None:
        self.clock = DummyDriver(samplerate, blocksize, source=tone(samplerate, samplerate), loop=True, record=True)

    def open(self):
        return self.clock.open()

    def start(self, spec) -> None:
        self.clock.start(spec)

    def stop(self) -> None:
        self.clock.stop()

    def pull(self) -> None:
        self.plugged = False
        self.clock.stop()

    def lost(self, blocks: int, frames: int) -> str | None:
        return None if self.plugged else "device 'card' ended the stream"

    def reopen(self, fall_back: bool):
        self.tries += 1
        self.fell_back = self.fell_back or fall_back
        if self.hangs:
            self.interrupted.wait(60)
        if not self.plugged:
            raise DeviceError("no output device 'card'; there is: nothing")
        return self.clock.open()

    def interrupt(self) -> None:
        self.interrupted.set()

    def device_frames(self) -> DeviceFrames:
        return DeviceFrames(32, 64, "reported")


def _engine(driver, **settings):
    engine = Engine(EngineConfig(driver_instance=driver, bundle="through", **settings))
    engine.start()
    return engine


def test_the_same_device_comes_back():
    """Sound goes on in the same segment with the same model; the clock stood still meanwhile, so nothing was late."""
    driver = Pluggable()
    engine = _engine(driver, values={"dry": -80.0})
    try:
        wait_for(lambda: engine.status().voice_frames > 9600)
        driver.pull()
        wait_for(lambda: driver.tries > 4)
        lost = engine.status()
        assert (lost.device_lost, lost.device_losses, lost.device_reopens) == (True, 1, 0)
        assert driver.fell_back, "after some tries any device will do"
        name, frames = engine.segment.name, lost.frames
        driver.plugged = True
        wait_for(lambda: engine.status().device_reopens == 1)
        wait_for(lambda: engine.status().frames > frames + 9600)
        back = engine.status()
        assert (engine.segment.name, back.restarts, back.device_lost) == (name, 0, False)
        assert back.worker_pid == lost.worker_pid
        assert sum("looking for it" in line for line in back.messages) == 1
    finally:
        engine.stop()


def test_another_device_comes_instead():
    """Another rate and block: a new segment and a new model, the values kept, the counters going on."""
    driver = Pluggable()
    engine = _engine(driver, values={"dry": -80.0})
    try:
        engine.apply(Event("voice", -20.0))
        engine.apply(Event("temperature", 0.3))
        wait_for(lambda: engine.status().frames > 9600)
        lib.ap_segment_set_delay_frames(engine.segment.pointer, 960 + 128 + 528)  # the lead has grown to 11 ms
        engine.apply(Event("temperature", 1.9, time_frame=engine.segment.clock + 480_000))
        driver.pull()
        wait_for(lambda: engine.status().device_lost)
        before = engine.status()
        driver.plug(44_100, 256)
        driver.plugged = True
        wait_for(lambda: engine.status().device_reopens == 1)
        wait_for(
            lambda: engine.status().phase == "playing" and engine.status().voice_frames > before.voice_frames + 22_050
        )
        after = engine.status()
        assert (after.samplerate, after.blocksize) == (44_100, 256)
        assert after.blocks > before.blocks
        assert after.frames >= before.frames * 44_100 // 48_000, "seconds played would jump with the rate"
        assert after.frames - before.frames * 44_100 // 48_000 < engine.segment.clock
        assert after.primed_hops >= 9, "what was heard before is heard again, or there is nothing to answer"
        assert engine.latency().rows[0] == ("device in", 32, 1000 * 32 / 44_100)
        assert after.lead_ms >= 11.0 and after.lead_raised >= 1, "what was learnt about the model is true of any device"
        assert engine.values["temperature"] == 0.3
        assert not engine._later, "what waited for a frame of the clock that is gone would come hours late"
        heard = driver.clock.recording()[-2048:, 0]
        assert np.abs(heard).max() > 0.02 and np.abs(heard).max() < 0.04  # 0.3 at -20 dB
    finally:
        engine.stop()


def test_a_take_goes_on_in_another_when_another_device_comes(tmp_path):
    """The first ends where its device did, the next begins with the next device; each is whole, each with its own mark."""
    driver = Pluggable(48_000)
    engine = _engine(driver, take=tmp_path / "take")
    try:
        wait_for(lambda: engine.status().take_s > 0.5)
        driver.pull()
        wait_for(lambda: engine.lost)
        driver.plug(44_100, 128)
        driver.plugged = True
        wait_for(lambda: engine.status().take.endswith("take-2") and engine.status().take_s > 0.5)
    finally:
        engine.stop()
    takes = [Take(tmp_path / name) for name in ("take", "take-2")]
    assert [take.samplerate for take in takes] == [48_000, 44_100]
    assert takes[0].reason == "the device changed" and takes[0].id != takes[1].id
    assert all(verify(take.folder).ok for take in takes)


def test_a_device_with_fewer_channels_comes_instead():
    """The channel that was listened to is not there any more: all of what is there is heard, and said."""
    driver = Pluggable()
    driver.clock = DummyDriver(48_000, 128, source=np.repeat(tone(48_000), 2, axis=1), loop=True)
    engine = _engine(driver, mic_channel=1)
    try:
        wait_for(lambda: engine.status().voice_frames > 9600)
        driver.pull()
        wait_for(lambda: engine.status().device_lost)
        driver.plug(48_000, 128)
        driver.plugged = True
        wait_for(lambda: engine.status().device_reopens == 1)
        before = engine.status()
        wait_for(lambda: engine.status().phase == "playing" and engine.status().voice_frames > before.voice_frames + 9600)
        assert any("listening to all of it" in line for line in engine.status().messages)
        assert (engine.status().in_channels, engine.status().device_losses) == (1, 1)
    finally:
        engine.stop()


def test_stopping_while_the_device_is_gone():
    """Stop does not wait for a device that is not there, and leaves nothing."""
    driver = Pluggable()
    engine = _engine(driver)
    path = engine.segment.path
    driver.pull()
    wait_for(lambda: engine.status().device_lost)
    engine.stop()
    assert not path.exists()
    assert engine.status().device_lost
    engine.stop()


def test_a_sound_system_that_hangs_does_not_hold_up_the_end():
    """Stop lets a driver go that waits for a device, and stopping it a second time does no harm."""
    driver = Pluggable()
    engine = _engine(driver)
    path, worker = engine.segment.path, engine.keeper._process
    driver.hangs = True
    driver.pull()
    wait_for(lambda: driver.tries == 1)
    engine.stop()
    assert driver.interrupted.is_set() and driver.tries == 1
    assert not path.exists() and worker.poll() is not None
    engine.stop()


@pytest.mark.parametrize("rates", [(48_000, 44_100), (44_100, 96_000), (48_000, 48_000)])
def test_the_last_ten_seconds_are_taken_along(rates):
    """Resampled, in all channels of the new microphone; clock, counters and what the model said of itself go with them."""
    before, after = rates
    old = Segment.create(SegmentSpec(before, 2, 2, 15), Timeline(before, 128, 288), shared=False)
    new = Segment.create(SegmentSpec(after, 3, 2, 15), Timeline(after, 128, 288), shared=False)
    sung = np.zeros((12 * before, 2), np.float32)
    sung[:, 1:] = tone(12 * before, before)
    lib.ap_ring_write(old.mic, ffi.from_buffer("float *", sung), len(sung))
    old.publish_status(np.arange(float(len(STATUS_FIELDS))))
    frames = carry_over(old, new, mic_channel=1)
    assert abs(frames - 10 * after) < 100 and frames == new.clock == new.read_counters()["frames"]
    heard = np.empty((frames, 3), np.float32)
    lib.ap_ring_seek(new.mic, 0)
    assert lib.ap_ring_read(new.mic, ffi.from_buffer("float *", heard), frames) == frames
    assert (heard == heard[:, :1]).all()
    at = np.arange(after, frames) - Resampler(before, after).delay_frames  # 2 s before it are whole periods of 441 Hz
    assert np.abs(heard[after:, 0] - 0.3 * np.sin(2 * np.pi * 441.0 * at / after)).max() < 1e-3
    assert new.read_status() == old.read_status()


def test_an_answer_in_hold_goes_on_with_another_device():
    """What goes on until told goes on: the new model has heard the past, and takes the answer up."""
    driver = Pluggable()
    engine = Engine(EngineConfig(driver_instance=driver, bundle="echo", values={"mode": "hold"}))
    engine.start()
    try:
        wait_for(lambda: engine.status().frames > 60_000)
        engine.apply(Event("trigger", True))
        wait_for(lambda: engine.status().state == "answering")
        driver.pull()
        wait_for(lambda: engine.status().device_lost)
        driver.plug(44_100, 128)
        driver.plugged = True
        wait_for(lambda: engine.status().device_reopens == 1 and engine.status().state == "answering", why="to go on")
    finally:
        engine.stop()


def test_a_file_that_cannot_be_finished_leaves_no_segment():
    """The disk is full at the very end: that is told, and everything else is given back all the same."""

    def full():
        raise UsageError("out.wav: could not be finished; is the disk full?")

    engine = _engine(DummyDriver(source=tone(4_800), loop=True, sink=lambda frames: None, close_sink=full))
    path = engine.segment.path
    with pytest.raises(UsageError, match="disk full"):
        engine.stop()
    assert not path.exists()
    engine.stop()


def test_a_disk_that_fills_up_ends_the_recording_and_not_the_music(tmp_path):
    """The recording up to there is kept and can be read, the performer is told once, and blocks go on."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    engine = Engine(EngineConfig(driver="dummy", output=str(tmp_path / "out.wav"), bundle="through"))
    engine.start()
    try:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
            wait_for(lambda: any("is the disk full" in line for line in engine.status().messages), why="to be told")
            frames = engine.status().frames
            wait_for(lambda: engine.status().frames > frames + 4800, why="for the music")
            assert not engine.status().device_lost
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    finally:
        engine.stop()
    kept, _ = soundfile.read(tmp_path / "out.wav")
    assert 10_000 < len(kept) < 40_000
    assert sum("is the disk full" in line for line in engine.status().messages) == 1
