"""A device that is pulled out, comes back, or comes back as another one: told by a clock that can be pulled out."""

from __future__ import annotations

import resource

import numpy as np
import pytest
import soundfile

from antiphon.audio.driver import DeviceFrames
from antiphon.audio.dummy import DummyDriver
from antiphon.engine import Engine, EngineConfig
from antiphon.errors import DeviceError, UsageError
from antiphon.events import Event
from antiphon.kernels import lib
from playing import tone, wait_for


class Pluggable:
    """A driver whose device the test pulls out and plugs in again; a dummy clock runs while it is in."""

    name = "pluggable"
    input_name = output_name = "card"
    notices = ()
    finished = False

    def __init__(self, samplerate: int = 48_000, blocksize: int = 128):
        self.plugged, self.tries, self.fell_back = True, 0, False
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
        if not self.plugged:
            raise DeviceError("no output device 'card'; there is: nothing")
        return self.clock.open()

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
        assert engine._carried["frames"] == before.frames * 44_100 // 48_000, "seconds played would jump with the rate"
        assert engine.latency().rows[0] == ("device in", 32, 1000 * 32 / 44_100)
        assert after.lead_ms >= 11.0 and after.lead_raised >= 1, "what was learnt about the model is true of any device"
        assert engine.values["temperature"] == 0.3
        assert not engine._later, "what waited for a frame of the clock that is gone would come hours late"
        heard = driver.clock.recording()[-2048:, 0]
        assert np.abs(heard).max() > 0.02 and np.abs(heard).max() < 0.04  # 0.3 at -20 dB
    finally:
        engine.stop()


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
