"""What doctor makes of a machine: which block it recommends, when it calls a machine unfit, and that all of it fits one screen."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from antiphon import doctor
from antiphon.cli import parse
from antiphon.errors import DeviceError
from antiphon.latency import Timeline, latency
from antiphon.suite.machine import machine, may_be_realtime
from antiphon.suite.trial import Trial, device_trial, model_trial
from antiphon.trace import STEP_TYPE

ALSA = Path("/usr/share/alsa/alsa.conf")


def seen(blocksize=128, *, xruns=0, far=1.0, took_us=20.0, host="ALSA", share=0.2, late=0, lead_ms=6.0, count=500):
    """A trial of blocks that were `far` blocks apart at worst, and of steps that took `share` of a hop at worst."""
    status = SimpleNamespace(
        driver="portaudio", input_name="card", output_name="card", samplerate=48000, blocksize=blocksize,
        in_channels=2, out_channels=2,
        hop_ns=20_000_000, lead_ms=lead_ms, lead_raised=0, late_frames_max=100 * late, phase="playing",
    )  # fmt: skip
    period_us = 1e6 * blocksize / 48000
    blocks = np.tile(np.array([period_us, took_us], np.float32), (count, 1))
    blocks[count // 2, 0] = far * period_us
    steps = np.zeros(100, STEP_TYPE)
    steps["step_us"], steps["sounding"], steps["slack_frames"] = 1000.0, 1.0, 200.0
    steps["step_us"][50:] = 20_000.0 * share
    steps["slack_frames"][:late] = -100.0
    counts = {"xruns": xruns, "late": late, "late_heard": late, "steps": 100}
    total = latency(Timeline(48000, blocksize, 288), 64.0, 128.0)
    return Trial(status, total, 0.7, blocks, steps, counts, host, True)


@pytest.fixture
def examined(monkeypatch, tmp_path):
    """Runs doctor with made-up trials on a machine without files: `device` by block size, `model`."""

    def run(device, model=None, arguments=()):
        tried = []

        def device_run(seconds, *, blocksize, **config):
            tried.append(blocksize)
            found = device(blocksize)
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(doctor, "device_trial", device_run)
        monkeypatch.setattr(doctor, "model_trial", lambda *_, **__: model or seen())
        options = parse(["doctor", "--bundle", "echo", *arguments])
        report = doctor.examine(options, lambda line: None, tmp_path)
        return report, tried

    return run


def only(report, name):
    (found,) = [check for check in report.checks if check.name == name]
    return found


def test_the_smallest_block_that_came_cleanly_is_recommended(examined):
    """Xruns, blocks too far apart and callbacks that took long each send it on; the search ends at the first clean one."""
    unclean = {64: dict(xruns=1), 128: dict(far=2.5), 256: {}}
    report, tried = examined(lambda size: seen(size, **unclean[size]))
    assert tried == [64, 128, 256] and report.recommended.status.blocksize == 256
    assert "256 frames" in only(report, "block size").found and "not clean at 64, 128" in only(report, "block size").found
    assert report.fit and report.latency.total_frames == 960 + 256 + 288 + 64 + 128
    report, tried = examined(lambda size: seen(size, took_us=400.0))
    assert tried == [64, 128], "a quarter of 64 frames is 333 us, of 128 it is 667"


def test_a_block_that_was_asked_for_is_the_only_one_tried(examined):
    report, tried = examined(lambda size: seen(size, far=3.0), arguments=["--blocksize", "32", "--output", "my card"])
    assert tried == [32] and only(report, "block size").verdict == "note"
    assert only(report, "block size").command == "antiphon doctor --blocksize 64 --output 'my card'"


def test_a_server_decides_about_its_own_block(examined):
    """JACK hands over what it likes: one run, and the server's command."""
    report, tried = examined(lambda size: seen(256, host="JACK Audio Connection Kit"))
    assert tried == [64] and "jack_bufsize 128" in only(report, "block size").found
    report, tried = examined(lambda size: seen(256, xruns=3, host="JACK Audio Connection Kit"))
    assert tried == [64] and only(report, "block size").command == "jack_bufsize 512" and not report.fit


def test_a_thread_that_waits_its_turn_is_told_where_it_need_not(examined, monkeypatch):
    """A server without realtime scheduling on a machine that allows it; where nothing is allowed the rights are what is told."""
    slow = replace(seen(host="JACK Audio Connection Kit"), goes_first=False)
    for allowed in (True, False):
        monkeypatch.setattr(doctor, "machine", lambda root, allowed=allowed: replace(machine(root), realtime=allowed))
        told = [check.name for check in examined(lambda size: slow)[0].checks if check.verdict == "note"]
        assert ("sound's thread" in told) is allowed


def test_a_device_that_is_never_clean_is_not_fit(examined):
    """Xruns at every size; blocks that only come unevenly are a note."""
    assert not examined(lambda size: seen(size, xruns=2))[0].fit
    assert examined(lambda size: seen(size, far=3.0))[0].fit


def test_a_device_that_refuses_small_blocks_is_tried_with_larger_ones(examined):
    report, tried = examined(lambda size: DeviceError("no") if size < 128 else seen(size))
    assert tried == [64, 128] and report.recommended.status.blocksize == 128
    report, tried = examined(lambda size: DeviceError("device 'card' does not open"))
    assert tried == [64, 128] and not report.fit and only(report, "sound device").verdict == "bad"
    assert report.steps is not None, "the model is judged all the same"


@pytest.mark.parametrize("share, verdict", [(0.2, "good"), (0.6, "note"), (0.95, "bad")])
def test_a_step_is_judged_by_its_share_of_the_hop(examined, share, verdict):
    report, _ = examined(seen, seen(share=share))
    assert only(report, "model step").verdict == verdict and f"{share:.0%}" in only(report, "model step").found
    assert report.fit is (verdict != "bad")


def test_late_steps_are_counted_and_mended_by_a_lead(examined):
    report, _ = examined(seen, seen(late=2, lead_ms=6.0))
    assert "98 of 100 on time (ISR 0.980)" in only(report, "model step").found
    assert only(report, "late steps").command == "antiphon play --lead 11"


def test_it_fits_one_screen_and_commands_are_in_one_piece(examined):
    """24 lines of 80 columns, for a machine that could be better in a few ways; a command is never broken: it is to be copied."""
    report, _ = examined(lambda size: seen(size, far=3.0), seen(late=1))
    lines = report.lines()
    assert len(lines) <= 24
    assert all(len(line) <= 80 or line.startswith("   $  ") for line in lines)
    commands = [line.removeprefix("   $  ") for line in lines if line.startswith("   $  ")]
    assert set(commands) == {check.command for check in report.checks if check.command}
    assert lines[-1] == "fit to play"


def test_its_document_only_grows(examined):
    """What was there is there, under the same names; what is not good says what to do, command and all."""
    document = examined(lambda size: seen(size, xruns=1))[0].as_json()
    assert {"fit", "checks", "latency"} <= document.keys() and document["blocksize"] is None
    assert [one["blocksize"] for one in document["blocks"]] == [64, 128, 256, 512]
    for check in document["checks"]:
        assert {"name", "verdict", "found", "mend"} <= check.keys()
        assert check["mend"] if check["verdict"] != "good" else not check["mend"]
        assert check.get("command", "") in check["mend"]


def test_a_trial_tells_of_the_engine_as_it_ran():
    """Blocks and steps of the time looked at, of a real engine; a model that answers has steps with a voice."""
    through = device_trial(0.3, driver="dummy", blocksize=256)
    assert len(through.blocks) == pytest.approx(0.3 * 48000 / 256, rel=0.5) and through.period_us == pytest.approx(5333.3, rel=1e-4)
    assert (through.took_us > 0).all() and through.counts["blocks"] > 0 and through.goes_first is None
    answered = model_trial("echo", hear_s=0.6, answer_s=0.4)
    assert answered.steps["sounding"].any() and len(answered.step_share) < len(answered.steps)


@pytest.mark.skipif(
    not ALSA.exists() or not may_be_realtime(), reason="needs ALSA's configuration and the right to realtime scheduling"
)
def test_the_thread_of_a_sound_card_goes_first(tmp_path):
    """PortAudio gives ALSA's callback an ordinary thread; it must go before the model's process. The caller stays as it was."""
    (tmp_path / "asound.conf").write_text(f"<{ALSA}>\npcm.fake {{ type null }}\n")
    program = (
        "import os, time\n"
        "from antiphon.audio.stream import DeviceStream, Wanted\n"
        "from antiphon.kernels import ffi, lib\n"
        "stream = DeviceStream(Wanted(input='none', output='fake'))\n"
        "counts = ffi.new('ap_portaudio_counts *', {'out_channels': stream.format.out_channels})\n"
        "stream.start(lib.ap_portaudio_empty, counts)\n"
        "print([os.sched_getscheduler(int(t)) == os.SCHED_FIFO for t in os.listdir('/proc/self/task')].count(True))\n"
        "print(os.sched_getscheduler(0) == os.SCHED_OTHER)\n"
        "stream.stop()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | {"ALSA_CONFIG_PATH": str(tmp_path / "asound.conf")},
                          capture_output=True, text=True, timeout=30)  # fmt: skip
    if "no sound device" in done.stderr or "PortAudio" in done.stderr:
        pytest.skip("PortAudio or its ALSA part is not here")
    assert done.stdout.split() == ["1", "True"], done.stderr
