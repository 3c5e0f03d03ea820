"""The model process dies, stalls or is late: dry sound goes on, the voice fades and comes back in time."""

from __future__ import annotations

import gc
import os
import random
import signal
import time
import weakref

import numpy as np
import pytest

from antiphon import worker_main, workers
from antiphon.audio.dummy import DummyDriver
from antiphon.audio.phrase import hummed_phrase
from antiphon.audio.portaudio import PortAudioDriver
from antiphon.audio.stream import Wanted
from antiphon.engine import Engine, EngineConfig
from antiphon.errors import AntiphonError, DeviceError, UsageError
from antiphon.events import Event
from antiphon.latency import Timeline
from antiphon.layout import Segment, SegmentSpec
from antiphon.workers import WorkerKeeper, WorkerSpec
from playing import Gate, noise, tone, two_processes, wait_for

DRY_ONLY = {"dry": 0.0, "voice": -80.0}
VOICE_ONLY = {"dry": -80.0, "voice": 0.0}


def _put_out(engine) -> np.ndarray:
    return engine.driver.recording()[:, 0]


def _steepest(sound: np.ndarray) -> float:
    return float(np.abs(np.diff(sound)).max())


def test_a_killed_model_is_back_and_primed():
    """SIGKILL: a new worker has heard the past and plays; the counters tell of it."""
    with two_processes(sound=tone(48_000), driver={"loop": True}) as engine:
        wait_for(lambda: engine.status().frames > 60_000)
        before = engine.status()
        os.kill(before.worker_pid, signal.SIGKILL)
        wait_for(lambda: engine.status().restarts == 1 and engine.status().phase == "playing")
        after = engine.status()
        assert after.worker_pid != before.worker_pid
        assert after.primed_hops >= 60_000 // 960 - 1
        assert any("signal 9" in line for line in after.messages)
        heard = after.voice_frames
        wait_for(lambda: engine.status().voice_frames > heard + 4800, why="for the voice")


def test_what_is_kept_outlives_a_killed_model_and_ends_with_the_engine():
    """keep 3, SIGKILL, recall 3: the slot plays in the new process; `stop` leaves nothing of it behind."""
    sound = np.concatenate([hummed_phrase(48_000, 0.0), noise(10 * 48_000, level=1e-4)])
    with two_processes("hum", sound=sound, values={**VOICE_ONLY, "phrase_gap_s": 5.0}, driver={"loop": True}) as engine:
        wait_for(lambda: engine.status().phrase, why="for the phrase")
        wait_for(lambda: not engine.status().phrase, why="for its end")
        engine.apply(Event("keep", 3))
        cupboard = engine._cupboard.path
        wait_for(lambda: (cupboard / "keep-2.npz").exists(), why="for the slot")
        os.kill(engine.status().worker_pid, signal.SIGKILL)
        wait_for(lambda: engine.status().restarts == 1 and engine.status().phase == "playing")
        refused = engine.status().refused
        engine.apply(Event("recall", 3))
        wait_for(lambda: engine.status().loudness_played_db > -60, why="for the slot to sound")
        assert engine.status().refused == refused
    assert not cupboard.exists()


def test_the_performer_hears_nothing_of_it():
    """Through two kills at random moments the dry sound is the input, sample for sample."""
    sound = noise(48_000)
    random.seed(11)
    with two_processes(sound=sound, values=DRY_ONLY, driver={"loop": True}) as engine:
        for restarts in (1, 2):
            until = engine.status().frames + random.randrange(10_000, 30_000)
            wait_for(lambda until=until: engine.status().frames > until)
            os.kill(engine.status().worker_pid, signal.SIGKILL)
            wait_for(lambda n=restarts: engine.status().restarts == n and engine.status().phase == "playing")
        status = engine.status()
        out = _put_out(engine)
    assert np.array_equal(out, np.resize(sound[:, 0], len(out)))
    assert (status.xruns, status.overflows, status.limited_frames) == (0, 0, 0)


def test_the_voice_fades_without_a_click_and_returns_in_time():
    """No step between two frames is steeper than the sound's own plus a 5 ms fade's, and afterwards time was kept."""
    sound = tone(48_000, hz=440.0)
    with two_processes(sound=sound, values=VOICE_ONLY, driver={"loop": True}) as engine:
        wait_for(lambda: engine.status().voice_frames > 30_000)
        os.kill(engine.status().worker_pid, signal.SIGKILL)
        wait_for(lambda: engine.status().restarts == 1 and engine.status().phase == "playing")
        heard = engine.status().voice_frames
        wait_for(lambda: engine.status().voice_frames > heard + 9600)
        out, delay = _put_out(engine), int(engine.latency().total_frames)
    silent = np.abs(out).reshape(-1, 128).max(axis=1) == 0
    gap = np.flatnonzero(silent[20:]) + 20
    assert len(gap), "the voice never fell silent"
    assert _steepest(out) <= _steepest(sound[:, 0]) + 2 * 0.3 / 240
    expected = np.resize(sound[:, 0], len(out))[: len(out) - delay]
    resumed = (gap[-1] + 1) * 128 + 480
    assert len(out) - resumed > 4000
    assert np.array_equal(out[resumed:], expected[resumed - delay :])


def test_a_late_step_fades_and_time_is_kept():
    """Every fifth hop is written 300 frames after it was due: these are skipped, all others are in place."""
    sound = tone(48_000, hz=440.0)
    with two_processes(sound=sound, values=VOICE_ONLY, late="5:588", lead_s=0.006, driver={"loop": True}) as engine:
        wait_for(lambda: engine.status().steps >= 40)
        status = engine.status()
        out, delay = _put_out(engine), int(engine.latency().total_frames)
    assert status.late >= status.steps // 5 - 1
    assert status.underflows >= status.late - 1
    assert 300 * (status.late - 1) <= status.skipped_frames <= (300 + 2 * 128 + 960) * (status.late + 1)
    assert _steepest(out) <= _steepest(sound[:, 0]) + 2 * 0.3 / 240
    expected = np.resize(sound[:, 0], len(out))
    right = out[delay:] == expected[: len(out) - delay]
    assert right.mean() > 0.4, "the frames that were in time are not in their place"
    assert status.restarts == 0


def test_a_stuck_model_is_replaced():
    """A worker that is stopped (SIGSTOP) makes no step while hops wait: it is killed and another takes over."""
    with two_processes(sound=tone(48_000), driver={"loop": True}, gated=False) as engine:
        os.kill(engine.status().worker_pid, signal.SIGSTOP)
        wait_for(lambda: engine.status().killed_stuck == 1)
        wait_for(lambda: engine.status().phase == "playing" and engine.status().restarts == 1)


def test_a_trigger_while_no_model_plays_is_refused():
    """Loading or being replaced: it would go off seconds later, or never. Everything else is taken meanwhile."""
    driver = DummyDriver(source=tone(48_000), loop=True)
    engine = Engine(EngineConfig(driver_instance=driver, bundle="echo"))
    with pytest.raises(AntiphonError, match="not running"):
        engine.apply(Event("trigger", True))
    engine.apply(Event("voice", -6.0))
    looks = []

    def meanwhile(seconds):
        if not looks:
            engine.apply(Event("mode", "hold"))
            engine.apply(Event("panic", True))
            with pytest.raises(UsageError, match="try again"):
                engine.apply(Event("trigger", True))
            engine.apply(Event("trigger", True, time_frame=engine.segment.clock + 128))
        looks.append(time.sleep(seconds))

    try:
        engine.start(sleep=meanwhile)
        wait_for(lambda: engine.status().steps > 25)
        status = engine.status()
        assert (status.mode, status.answers, status.refused) == ("hold", 0, 0)
        assert sum("try again" in line for line in status.messages) == 1
        assert engine.segment.read_counters()["voice_gain"] == pytest.approx(10 ** (-6 / 20))
        engine.apply(Event("trigger", True))
        wait_for(lambda: engine.status().answers == 1)
    finally:
        engine.stop()
    with pytest.raises(AntiphonError, match="not running"):
        engine.apply(Event("mode", "answer"))


def test_a_model_that_cannot_start_is_told_before_anything_else():
    """No such bundle: one line, and nothing is left running."""
    with pytest.raises(AntiphonError, match="nothing-of-that-name"), two_processes(bundle="nothing-of-that-name"):
        pass


def test_a_model_that_keeps_dying_does_not_stop_the_sound():
    """Three kills in a row, each as soon as the worker is there: the dry sound is whole, restarts are counted."""
    sound = noise(48_000)
    with two_processes(sound=sound, values=DRY_ONLY, driver={"loop": True}, gated=False) as engine:
        for restarts in (1, 2, 3):
            wait_for(lambda: engine.status().worker_pid is not None)
            os.kill(engine.status().worker_pid, signal.SIGKILL)
            wait_for(lambda n=restarts: engine.status().restarts == n)
        out = _put_out(engine)
    assert np.array_equal(out, np.resize(sound[:, 0], len(out)))


def test_the_gate_opens_where_there_is_nobody():
    """The tests' own gate must never hold a clock that has no model."""
    Gate()()


@pytest.fixture
def keeper():
    """A keeper on a segment of its own, with no worker yet."""
    segment = Segment.create(SegmentSpec(48_000, 1, 1, 13), Timeline(48_000, 128, 288))
    yield WorkerKeeper(segment, WorkerSpec("through", 1, 128, 960, 48_000))
    segment.unlink()


def test_whoever_asks_while_the_worker_is_buried_gets_an_answer(keeper):
    """The supervisor may bury the worker between any two instructions of a thread that asks for it."""

    class Dying:
        pid, returncode = 4711, None

        def poll(self):
            keeper._process = None  # the other thread

    for ask in ("alive", "pid", "speaks"):
        keeper._process = Dying()
        getattr(keeper, ask)


def test_a_model_process_that_cannot_be_started_is_tried_again_and_said_once(keeper, monkeypatch):
    """No memory for a process: one notice, then a pause, and no file is left open; later it starts."""
    tries = []

    def refuse(*arguments, **keywords):
        tries.append(keywords["stderr"])
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(workers.subprocess, "Popen", refuse)
    for _ in range(5):
        keeper.watch({})
    assert len(tries) == len(keeper.notices) == 1 and "Cannot allocate memory" in keeper.notices[0]
    assert tries[0].closed and not keeper.alive
    keeper._next_at = 0.0
    keeper.watch({})
    assert len(tries) == 2


def test_a_model_that_cannot_be_loaded_is_told_in_one_line(keeper, monkeypatch, capsys):
    """Whatever is raised, the end is the one after which nobody starts it anew."""

    def stumble(*arguments):
        raise KeyError("a name of another layout\nand more")

    monkeypatch.setattr(worker_main, "build_chain", stumble)
    monkeypatch.setattr(worker_main, "_die_with_parent", lambda: None)
    before = signal.getsignal(signal.SIGINT)
    try:
        options = ["--engine", str(os.getppid()), "--generation", "1", "--bundle", "odd", "--blocksize", "128", "--history", "1"]
        assert worker_main.main([keeper.segment.name, *options]) == workers.ERROR_EXIT
    finally:
        signal.signal(signal.SIGINT, before)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bundle 'odd' does not load (KeyError")


def test_old_cycles_are_collected_too():
    """A cycle that outlived a few collections is gone after a minute of hops: an installation runs for months."""

    class Node:
        pass

    node = Node()
    node.itself = node
    gone = weakref.ref(node)
    gc.disable()
    try:
        gc.collect(1)
        gc.collect(1)  # it is old now
        del node
        worker_main._collect(50)
        assert gone() is not None
        worker_main._collect(3000)
        assert gone() is None
    finally:
        gc.enable()


def test_what_was_counted_outlives_the_model_process():
    """Steps, late ones, the worst of them and answers of a killed model are in every look after it, and in the last."""
    counts = ("steps", "hops", "late", "late_heard", "late_frames_max", "step_ns_max", "answers")
    with two_processes("echo", sound=tone(48_000), values={"mode": "hold"}, late="5:588", driver={"loop": True}) as engine:
        wait_for(lambda: engine.status().frames > 30_000)
        engine.apply(Event("trigger", True, source="test"))
        wait_for(lambda: engine.status().late_heard >= 2)
        before, lost = engine.status(), []
        assert before.answers == 1
        os.kill(before.worker_pid, signal.SIGKILL)

        def back() -> bool:
            status = engine.status()
            lost.extend(name for name in counts if getattr(status, name) < getattr(before, name))
            return status.restarts == 1 and status.steps > before.steps + 25

        wait_for(back)
    after = engine.status()
    assert not lost and after.answers >= 2
    assert after.late <= after.steps // 5 + 2, "something was counted twice"
    assert after.steps <= after.frames // 960 + 1


def test_nothing_is_taken_from_the_folder_one_is_in(tmp_path, monkeypatch):
    """A performer's own numpy.py or random.py beside the recordings is no part of the instrument."""
    for name in ("numpy", "random", "argparse", "antiphon"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'taken')!r}, 'w')\nraise SystemExit('mine')\n")
    monkeypatch.chdir(tmp_path)
    with two_processes() as engine:
        wait_for(lambda: engine.status().steps > 3)
        assert engine.status().restarts == 0
    try:
        PortAudioDriver(Wanted("no such device")).open()
    except DeviceError as error:
        assert "does not answer" not in str(error)
    assert not (tmp_path / "taken").exists()


def test_hold_goes_on_through_a_kill():
    """Mode hold goes on until told, also when the model dies under it: the new one takes the answer up again."""
    with two_processes("echo", sound=tone(48_000), values={**VOICE_ONLY, "mode": "hold"}, driver={"loop": True}) as engine:
        wait_for(lambda: engine.status().frames > 60_000)
        engine.apply(Event("trigger", True, source="test"))
        wait_for(lambda: engine.status().state == "answering")
        os.kill(engine.status().worker_pid, signal.SIGKILL)
        wait_for(lambda: engine.status().restarts == 1 and engine.status().state == "answering", why="to go on")
