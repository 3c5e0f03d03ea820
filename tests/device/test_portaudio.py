"""The portaudio driver against a real sound server: frames are counted, not milliseconds."""

from __future__ import annotations

import contextlib
import os
import signal

import numpy as np
import pytest

from antiphon.engine import Engine, EngineConfig
from antiphon.errors import DeviceError
from antiphon.events import Event
from playing import wait_for

pytestmark = pytest.mark.device


@contextlib.contextmanager
def _playing(server, **settings):
    """A started engine on the server's loopback device, and the name of its JACK client."""
    before = server.clients()
    settings = {"driver": "portaudio", "input": "loopback", "output": "loopback", "bundle": "through", **settings}
    engine = Engine(EngineConfig(**settings))
    try:
        engine.start()
        yield engine, (server.clients() - before).pop()
    finally:
        engine.stop()


@pytest.mark.parametrize("samplerate, period", [(48_000, 128), (48_000, 64), (44_100, 128)])
def test_round_trip_is_the_latency_sum(jack, tmp_path, samplerate, period):
    """Dry sound comes back after device in + device out, voice after the whole printed sum, to the frame.

    The server may lose a period now and then (it runs beside everything else here), so the delay that nine in ten
    frames had is taken.
    """
    from jackrig import Probe, delays, marked

    sound = marked(samplerate)
    with jack(samplerate, period) as server:
        probe = Probe(server)
        try:
            with _playing(server, values={"dry": 0.0, "voice": -80.0}) as (engine, client):
                table = engine.latency()
                assert (engine.format.samplerate, engine.format.blocksize) == (samplerate, period)
                probe.wire(client)
                dry, share = delays(probe.play(sound, tmp_path)[0])
                assert (dry, share > 0.9) == (table.dry_frames, True)
                if samplerate == 48_000:  # elsewhere the voice is resampled, and a frame no longer has a number
                    engine.apply(Event("dry", -80.0))
                    engine.apply(Event("voice", 0.0))
                    voice, share = delays(probe.play(sound, tmp_path)[0])
                    assert (voice, share > 0.9) == (table.total_frames, True)
                assert engine.status().overflows == 0
        finally:
            probe.close()


def test_voice_at_44100_is_late_by_the_sum(jack, tmp_path):
    """Through both resamplers a chirp comes back where the sum says, within half a frame."""
    from jackrig import Probe, lag

    chirp = 0.4 * np.sin(2 * np.pi * (200.0 + 3000.0 * np.arange(44_100) / 44_100) * np.arange(44_100) / 44_100)
    with jack(44_100, 128) as server:
        probe = Probe(server)
        try:
            with _playing(server, values={"dry": -80.0, "voice": 0.0}) as (engine, client):
                probe.wire(client)
                heard, _ = probe.play(chirp.astype(np.float32), tmp_path)
                assert lag(chirp, heard) == pytest.approx(engine.latency().total_frames, abs=0.5)
        finally:
            probe.close()


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_server_that_goes_and_comes_back(jack, how):
    """The sound server ends while playing: the loss is counted and told, and sound runs again when it is back."""
    with jack(48_000, 128) as server, _playing(server) as (engine, _):
        wait_for(lambda: engine.status().blocks > 50)
        worker = engine.status().worker_pid
        getattr(server, how)()
        wait_for(lambda: engine.status().device_lost)
        server.start()
        wait_for(lambda: engine.status().device_reopens == 1)
        blocks, heard = engine.status().blocks, engine.status().voice_frames
        wait_for(lambda: engine.status().blocks > blocks + 50 and engine.status().voice_frames > heard + 4800)
        status = engine.status()
        assert (status.device_losses, status.restarts, status.worker_pid) == (1, 0, worker)
        assert any("looking for it" in line for line in status.messages)
        assert any("sound again" in line for line in status.messages)


def test_another_rate_after_the_loss(jack):
    """The server comes back at another rate: segment and model are made anew, counters go on."""
    with jack(48_000, 128) as server, _playing(server) as (engine, _):
        wait_for(lambda: engine.status().blocks > 50)
        server.stop()
        server.samplerate, server.period = 44_100, 256
        server.start()
        wait_for(lambda: engine.status().device_reopens == 1)
        wait_for(lambda: engine.status().phase == "playing" and engine.status().voice_frames > 4410)
        status = engine.status()
        assert (status.samplerate, status.blocksize) == (44_100, 256)
        assert status.blocks > 50 and engine.latency().samplerate == 44_100


def test_a_device_process_that_dies_is_replaced(jack):
    """SIGKILL of the process that holds PortAudio: another takes its place, the model stays."""
    with jack(48_000, 128) as server, _playing(server) as (engine, _):
        os.kill(engine.driver._process.pid, signal.SIGKILL)
        wait_for(lambda: engine.status().device_reopens == 1)
        blocks = engine.status().blocks
        wait_for(lambda: engine.status().blocks > blocks + 50)
        assert engine.status().restarts == 0


def test_devices_are_chosen_by_name_part_or_index(jack):
    """An index, an exact name or a part that only one device has; else one line with the candidates."""
    with jack(48_000, 128):
        for wanted in (1, "1", "loopback", "LOOP"):
            engine = Engine(EngineConfig(driver="portaudio", input=wanted, output=wanted, bundle="through"))
            engine.start()
            assert engine.status().output_name == "loopback"
            engine.stop()
        for wanted, word in (("nothing", "there is"), (7, "no device 7")):
            with pytest.raises(DeviceError, match=word):
                Engine(EngineConfig(driver="portaudio", output=wanted, bundle="through")).start()


def test_no_server_is_one_line(monkeypatch):
    """Without any device, portaudio says so in one line, and auto hums through the dummy driver."""
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "antiphon-none")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    try:
        engine = Engine(EngineConfig(driver="portaudio", bundle="through"))
        engine.start()
    except DeviceError as error:
        assert "\n" not in str(error)
    else:
        engine.stop()
        pytest.skip("this machine has a sound device")
    engine = Engine(EngineConfig(bundle="through"))
    engine.start()
    try:
        assert engine.status().driver == "dummy"
        assert "hummed phrase" in engine.status().messages[0]
        wait_for(lambda: engine.status().rms_in_db > -40)
    finally:
        engine.stop()
