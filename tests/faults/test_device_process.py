"""The process that holds the sound device: what it says and how it ends, without a device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from antiphon.audio import portaudio
from antiphon.audio.portaudio import PortAudioDriver
from antiphon.audio.stream import Wanted
from antiphon.errors import DeviceError

ENGINE = str(Path(__file__).resolve().parents[2] / "engine")
_BROKEN = """
import os, sys
from antiphon.audio import device_main
class Broken:
    def __init__(self, wanted):
        os.write(1, b"a library of C says something\\n")
        raise RuntimeError("server went away")
device_main.DeviceStream = Broken
sys.argv = ["device_main", "{}"]
sys.exit(device_main.main())
"""


def test_what_goes_wrong_in_the_sound_system_reaches_the_engine():
    """An error that is not ours is one line of JSON, and nothing that libraries print comes between."""
    done = subprocess.run(
        [sys.executable, "-c", _BROKEN],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": ENGINE},
    )
    assert done.returncode == 2
    assert "server went away" in json.loads(done.stdout)["error"]
    assert "a library of C" in done.stderr


def test_a_device_process_that_ended_before_sound_is_a_device_error():
    """Not a broken pipe, which the command line takes for a reader that has had enough, and exit code 0."""

    class Spec:
        def as_json(self):
            return "{}"

    driver = PortAudioDriver(Wanted())
    driver.output_name = "card"
    driver._process = subprocess.Popen(
        [sys.executable, "-c", ""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    driver._process.wait()
    with pytest.raises(DeviceError, match="'card' went away"):
        driver.start(Spec())
    assert driver.lost(0, 0) == "the device is closed"


def test_an_interrupted_driver_waits_for_no_answer(monkeypatch):
    """A device process that says nothing and does not listen is killed, and asked for nothing more."""
    hangs = [sys.executable, "-c", "import time; time.sleep(600)"]
    real = subprocess.Popen
    started = []

    def popen(command, **keywords):
        started.append(real(hangs, **keywords))
        return started[-1]

    monkeypatch.setattr(portaudio.subprocess, "Popen", popen)
    driver = PortAudioDriver(Wanted())
    failed = []

    def reopen():
        try:
            driver.reopen(fall_back=True)
        except DeviceError as error:
            failed.append(error)

    waiting = threading.Thread(target=reopen)
    waiting.start()
    while not started:
        time.sleep(0.01)
    driver.interrupt()
    waiting.join(portaudio._OPEN_S / 2)
    assert not waiting.is_alive() and failed
    assert all(process.poll() is not None for process in started)


@pytest.mark.parametrize("wanted, then", [
    (Wanted("card", "card", 96_000, in_channels=4), Wanted()),
    (Wanted(samplerate=96_000), Wanted()),
    (Wanted("none", "card"), Wanted("none")),
    (Wanted(), None),
])  # fmt: skip
def test_falling_back_takes_any_device_as_it_is(monkeypatch, wanted, then):
    """A rate or channels asked of the device that is gone are not asked of the one that comes instead."""
    tried = []

    def launch(self, wanted):
        tried.append(wanted)
        raise DeviceError("not there")

    monkeypatch.setattr(PortAudioDriver, "_launch", launch)
    driver = PortAudioDriver(wanted)
    for fall_back in (False, True):
        with pytest.raises(DeviceError):
            driver.reopen(fall_back)
    assert tried == [wanted, wanted] + ([then] if then else [])
