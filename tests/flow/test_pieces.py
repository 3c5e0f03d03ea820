"""The small parts: choosing a device, percentiles, the clock of timetags, the hummed phrase."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from antiphon.audio.devices import Device, choose, list_devices
from antiphon.audio.phrase import hummed_phrase
from antiphon.clock import FrameClock
from antiphon.drivers import make_driver
from antiphon.engine import EngineConfig
from antiphon.errors import DeviceError, UsageError
from antiphon.stats import Histogram

DEVICES = [
    Device(0, "HDA Intel PCH: ALC257", "ALSA", 2, 2, 44_100, False, True),
    Device(1, "Scarlett 2i2 USB", "ALSA", 2, 2, 48_000, False, False),
    Device(2, "Scarlett 18i20 USB", "ALSA", 18, 20, 48_000, False, False),
    Device(3, "HDMI 0", "ALSA", 0, 8, 44_100, False, False),
    Device(4, "Scarlett 2i2 USB", "JACK Audio Connection Kit", 2, 2, 48_000, True, False),
]


@pytest.mark.parametrize(
    "wanted, kind, index",
    [
        (None, "input", 4),
        (None, "output", 0),
        (3, "output", 3),
        ("3", "output", 3),
        ("hda", "input", 0),
        ("Scarlett 18i20 USB", "input", 2),
        ("Scarlett 2i2 USB, ALSA", "input", 1),
        ("2i2 usb, jack", "output", 4),
    ],
)
def test_a_device_is_found(wanted, kind, index):
    assert choose(DEVICES, wanted, kind).index == index


@pytest.mark.parametrize(
    "wanted, kind, words",
    [
        ("Scarlett", "input", ("ambiguous", "1 'Scarlett 2i2 USB'", "2 'Scarlett 18i20 USB'", "4 '")),
        ("Scarlett 2i2 USB", "output", ("ambiguous", "ALSA", "JACK")),
        ("Scarlet 18i20", "input", ("no input device 'Scarlet 18i20'", "Scarlett 18i20 USB")),
        (3, "input", ("HDMI 0", "has no input", "--input none")),
        (9, "output", ("no device 9",)),
        ("", "output", ("ambiguous",)),
    ],
)
def test_a_device_that_is_not_clear_is_told_with_candidates(wanted, kind, words):
    with pytest.raises(DeviceError) as error:
        choose(DEVICES, wanted, kind)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_no_device_at_all_is_told():
    with pytest.raises(DeviceError, match="no sound device with an input.*--input none plays without a microphone"):
        choose([DEVICES[3]], None, "input")
    with pytest.raises(DeviceError, match="no sound device with an output.*--driver dummy plays without one"):
        choose([], None, "output")


def test_histogram_percentiles_are_right_to_a_bin():
    """Against numpy over a wide spread of durations; an empty one is all zeros."""
    values = np.random.default_rng(1).lognormal(14, 1.5, 20_000).astype(np.int64)
    histogram = Histogram()
    assert histogram.percentile(99) == 0.0
    for value in values.tolist():
        histogram.add(value)
    for percent in (1, 50, 99, 99.9):
        assert histogram.percentile(percent) == pytest.approx(np.percentile(values, percent), rel=0.05)
    assert (histogram.count, histogram.max_ns) == (20_000, values.max())
    assert histogram.percentile(100) == values.max()


def test_the_frame_clock_takes_the_upper_line():
    """Blocks are counted when they begin, so every look is late by up to a block; the clock is right to one block."""
    clock = FrameClock(48_000)
    assert clock.frame_at(0.0) is None
    random = np.random.default_rng(2)
    for look in range(60):
        seconds = 1000.0 + 0.02 * look + 0.005 * random.random()
        clock.observe(seconds, int((seconds - 990.0) * 48_000) // 128 * 128)
    assert clock.frame_at(1002.0) == pytest.approx(12.0 * 48_000, abs=128)


def test_the_hummed_phrase_is_always_the_same_and_hums():
    """It fits any rate, stays well below full scale, and leaves room for an answer."""
    for samplerate in (8_000, 44_100, 48_000):
        one, other = hummed_phrase(samplerate), hummed_phrase(samplerate)
        assert one.tobytes() == other.tobytes() and one.dtype == np.float32
        assert 0.1 < np.abs(one).max() < 0.5
        sung = 3.8 * samplerate
        assert np.abs(one[int(sung) + samplerate :]).max() < 1e-3 < np.abs(one[: int(sung)]).mean()


class _Broken:
    """An import hook under which `import sounddevice` fails as it does where something is missing."""

    def __init__(self, error: Exception):
        self.error = error

    def find_spec(self, name, path=None, target=None):
        if name == "sounddevice":
            raise self.error


@pytest.mark.parametrize(
    "error, words",
    [
        (OSError("PortAudio library not found"), "sudo apt install libportaudio2"),
        (ImportError("No module named 'sounddevice'"), "pip install sounddevice"),
    ],
)
def test_what_is_missing_is_named_with_its_command(monkeypatch, error, words):
    """Without PortAudio, or without sounddevice, one line says what to install."""
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Broken(error), *sys.meta_path])
    with pytest.raises(DeviceError, match=words):
        list_devices()


def test_a_driver_that_does_not_exist_is_told_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean portaudio"):
        make_driver(EngineConfig(driver="portaudo"))


@pytest.mark.parametrize("settings", [
    {"driver": "portaudio", "input": "song.wav"}, {"driver": "portaudio", "output": "song.wav"}, {"output": "song.flac"},
])  # fmt: skip
def test_a_file_is_no_device(settings):
    """Driver portaudio with a file says which driver takes files; it is not looked for among the devices."""
    with pytest.raises(UsageError, match=r"song.* is a file, .*--driver dummy"):
        make_driver(EngineConfig(**settings))


@pytest.mark.parametrize("settings, words", [
    ({"samplerate": 999_999_999}, "samplerate 999999999 Hz: expected 8000 .. 192000"),
    ({"samplerate": 1000}, "expected 8000"),
    ({"lead_s": 5.0}, "lead 5 s: expected 0 .. 1"),
    ({"lead_s": -0.1}, "lead -0.1 s"),
])  # fmt: skip
def test_a_time_that_nothing_runs_at_is_refused_before_memory_is_taken(settings, words):
    """A wrong --samplerate must not make minutes of sound at it; a lead beyond the voice ring would never be heard."""
    with pytest.raises(UsageError, match=words):
        make_driver(EngineConfig(driver="dummy", **settings))


@pytest.mark.parametrize("values, tail_s", [
    ({}, 0.6 + 8.0 + 1.0), ({"answer_s": 2.0, "phrase_gap_s": 1.0}, 4.0), ({"mode": "listen"}, 1.0),
])  # fmt: skip
def test_a_file_is_answered_before_its_clock_ends(values, tail_s):
    """A recording played in is followed by time for the whole answer, not by a second of it."""
    sound = np.zeros((4_800, 1), np.float32)
    driver, _, _ = make_driver(EngineConfig(driver="dummy", input=sound, values=values))
    assert not driver.finished
    driver._frames = round(4_800 + tail_s * 48_000) - 1
    assert not driver.finished
    driver._frames += 1
    assert driver.finished
