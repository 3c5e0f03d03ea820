"""Recording a take disturbs nothing and loses nothing; a disk that is slow or full costs the take, never the music."""

import os
import signal
import threading
import time

import numpy as np
import pytest
import soundfile

from antiphon.audio.dummy import DummyDriver
from antiphon.engine import Engine, EngineConfig
from antiphon.errors import UsageError
from antiphon.events import Event
from antiphon.provenance.person import Person
from antiphon.recorder import free_folder
from antiphon.replay import replay
from antiphon.take import Take, verify
from antiphon.take import writer as writing
from playing import freewheel, noise, phrase_then_silence, tone, wait_for


def live(take=None, seconds=3.0, **settings):
    """A started engine in real time on the dummy clock, with a model process."""
    sound = np.concatenate([phrase_then_silence(silent_s=0.5), tone(48_000, hz=330.0), noise(int(60 * 48_000), level=1e-4)])
    driver = DummyDriver(source=sound, seconds=seconds, record=True)
    engine = Engine(EngineConfig(bundle="echo", take=take, driver_instance=driver, values={"phrase_gap_s": 0.2}, realtime=False, **settings))
    engine.start()
    return engine, driver


def read(take, stem):
    return soundfile.read(take / f"{stem}.wav", dtype="int32", always_2d=True)[0]


def test_a_take_is_what_went_in_and_what_came_out(tmp_path):
    """Stems of one length, frame for frame what the driver gave and took; the chain verifies; performer and consent are told."""
    sound = phrase_then_silence()
    person = {"performer": "Ann Example", "consent": "I agree"}
    with freewheel(bundle="echo", take=tmp_path / "take", lead_s=0.006, person=person) as engine:
        out = engine.run(sound)
        assert engine.status().take == str(tmp_path / "take")
    dry, mix = read(tmp_path / "take", "dry"), read(tmp_path / "take", "mix")
    assert np.array_equal(dry, np.rint(sound.astype(np.float64) * 2**23).astype(np.int32) << 8)
    assert np.abs(mix * 2.0**-31 - out).max() <= 2**-24 and len(mix) == len(dry) == len(sound)
    report = verify(tmp_path / "take")
    assert report.ok, report.problems
    take = Take(tmp_path / "take")
    assert (take.about["performer"], take.about["consent"], take.about["bundle"]) == ("Ann Example", "I agree", "echo")
    assert take.reason == "stopped" and take.frames == len(sound)


def test_every_event_is_there_with_its_frame(tmp_path):
    """At once, or at the frame it was due."""
    with freewheel(bundle="echo", take=tmp_path / "take") as engine:
        engine.run(noise(4800))
        engine.apply(Event("answer_s", 3.0, source="osc:somebody"))
        engine.apply(Event("dry", -6.0, time_frame=7200))
        engine.run(noise(9600))
    events = [(event.path, event.value, event.time_frame, event.source) for event in Take(tmp_path / "take").events()]
    assert events == [("answer_s", 3.0, 4800, "osc:somebody"), ("dry", -6.0, 7200, "")]


def test_a_take_begins_and_ends_while_it_plays(tmp_path):
    """Twice in one performance, in folders of their own; a pedal pressed twice is told and does nothing."""
    engine, _ = live(seconds=60.0)
    try:
        engine.proof.takes.place = tmp_path
        engine.proof.takes.call("set")
        for _ in range(2):
            engine.proof.takes.press(start=True)
            wait_for(lambda: engine.status().take_s > 0.5)
            with pytest.raises(UsageError, match="runs already"):
                engine.proof.takes.press(start=True)
            engine.proof.takes.press(start=False)
            wait_for(lambda: not engine.status().take)
            wait_for(lambda: not engine.proof.takes._busy.locked())
        with pytest.raises(UsageError, match="no take runs"):
            engine.proof.takes.press(start=False)
    finally:
        engine.stop()
    for name in ("set", "set-2"):
        assert verify(tmp_path / name).ok and Take(tmp_path / name).seconds >= 0.5
    marked = {Take(tmp_path / name).id for name in ("set", "set-2")}
    assert len(marked) == 2  # each take has a mark of its own


def test_nothing_but_a_plain_name_may_be_chosen_from_outside():
    """Over OSC no path can be named."""
    with freewheel(bundle="echo") as engine:
        for name in ("../up", "/etc/x", ".hidden", "a/b", "x" * 80, "new\nline"):
            with pytest.raises(UsageError, match="plain name"):
                engine.proof.takes.call(name)
        engine.proof.takes.call("Evening 2")
        engine.proof.takes.call("")


def test_a_live_take_is_replayed_bit_for_bit(tmp_path):
    """Through the model process and the real clock; begun in the midst of a performance it begins with the state it found."""
    engine = Engine(EngineConfig(bundle="hum", driver_instance=DummyDriver(source=tone(10 * 48_000), loop=True),
                                 values={"mode": "hold", "phrase_gap_s": 0.2}, realtime=False))  # fmt: skip
    engine.start()
    try:
        engine.apply(Event("trigger", True))
        time.sleep(1.0)
        engine.proof.takes.begin(tmp_path / "take")
        engine.apply(Event("density", 3.0))
        wait_for(lambda: engine.status().take_s > 2.5)
        engine.proof.takes.end("told")
    finally:
        engine.stop()
    assert verify(tmp_path / "take").ok
    result = replay(tmp_path / "take")
    assert result.notes == () and result.hops > 80 and result.hops_same == result.hops


def test_a_full_disk_ends_the_take_and_not_the_music(tmp_path, monkeypatch):
    """What was written is whole, the performer is told in a line, sound goes on."""
    engine, driver = live(tmp_path / "take", seconds=60.0)
    real, room = writing.write_at, [400_000]

    def write_at(file, content, at):
        room[0] -= len(content)
        if room[0] < 0 and len(content) > 1000:
            raise OSError(28, os.strerror(28))
        real(file, content, at)

    try:
        wait_for(lambda: engine.status().take_s > 0.3)
        monkeypatch.setattr(writing, "write_at", write_at)
        wait_for(lambda: any("disk full" in line for line in engine.status().messages))
        frames = engine.status().frames
        wait_for(lambda: engine.status().frames > frames + 9600)
        assert not engine.status().take
    finally:
        engine.stop()
    assert verify(tmp_path / "take").ok and engine.status().xruns == 0


def test_a_slow_disk_leaves_a_gap_that_is_told(tmp_path, monkeypatch):
    """Where the tape was full, silence of exactly the frames that are missing, then sound again at its place."""
    engine, driver = live(tmp_path / "take", seconds=60.0)
    capacity_s = engine.proof.takes._recorder._tape._mix.capacity / 48_000
    real, until = writing.sync, [0.0]

    def sync(file):
        while time.monotonic() < until[0]:
            time.sleep(0.05)
        real(file)

    monkeypatch.setattr(writing, "sync", sync)
    try:
        wait_for(lambda: engine.status().take_s > 0.5)
        until[0] = time.monotonic() + 2.0
        time.sleep(2.2)
        wait_for(lambda: engine.status().take_s > 3.0)
        assert engine.status().take_gap_frames == 0  # the tape holds this long
    finally:
        engine.stop()
    assert capacity_s > 5
    mix = read(tmp_path / "take", "mix")
    assert np.abs(mix[:, 0] * 2.0**-31 - driver.recording()[: len(mix), 0]).max() <= 2**-24


def test_a_tape_that_was_full_goes_on_after_a_gap(tmp_path, monkeypatch):
    """Frames that found no room are silent in all stems, counted, and in the log; what comes after lies where it belongs."""
    stuck, stands = threading.Event(), threading.Event()
    real = writing.sync

    def sync(file):
        stands.set()
        assert stuck.wait(20)
        real(file)

    with freewheel(bundle="through", take=tmp_path / "take") as engine:
        recorder = engine.proof.takes._recorder
        monkeypatch.setattr(writing, "sync", sync)
        engine.run(noise(48_000, seed=1))
        assert stands.wait(10)
        lost = noise(recorder._tape._mix.capacity + 96_000, seed=2)
        for at in range(0, len(lost), 48_000):
            engine.run(lost[at : at + 48_000])
        stuck.set()
        wait_for(lambda: recorder._tape._mix.readable == 0 and recorder._tape.begun() is None)
        engine.run(noise(48_000, seed=3))
        wait_for(lambda: recorder.gap_frames > 0 and recorder._tape._mix.readable == 0)
        gap = recorder.gap_frames
    dry = read(tmp_path / "take", "dry")[:, 0] * 2.0**-31
    fed = np.concatenate([noise(48_000, seed=1), lost, noise(48_000, seed=3)])[:, 0]
    assert len(dry) == len(fed) and 0 < gap <= 96_000 + 48_000
    kept = 48_000 + len(lost) - gap
    assert np.array_equal(dry[:kept], fed[:kept]) and not dry[kept : kept + gap].any()
    assert np.array_equal(dry[kept + gap :], fed[kept + gap :])
    report = verify(tmp_path / "take")
    assert report.ok and report.gaps


def test_a_folder_that_is_taken_is_refused_with_a_free_one(tmp_path):
    """Before any sound, and what is in it stays."""
    (tmp_path / "take").mkdir()
    (tmp_path / "take" / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="take-2 is free"):
        Engine(EngineConfig(driver="freewheel", bundle="echo", take=tmp_path / "take"))
    assert free_folder(tmp_path / "new") == tmp_path / "new"


@pytest.mark.parametrize("name", ["/", "..", "a" * 300, "a\nb", "\x1b[2J"])
def test_what_can_be_no_folder_of_a_take_is_refused_in_one_line(tmp_path, name):
    """The root, a folder above, a name that is too long, one that would break the line that tells of it."""
    with pytest.raises(UsageError) as refused:
        free_folder(tmp_path / name)
    assert "\n" not in str(refused.value) and str(refused.value).isprintable()


def test_recording_changes_nothing_that_is_heard(tmp_path):
    """The same frames with a take and without, but for what the mark says."""
    heard = []
    for take in (None, tmp_path / "take"):
        with freewheel(bundle="echo", take=take) as engine:
            heard.append(engine.run(phrase_then_silence()))
    difference = np.abs(heard[0] - heard[1])
    assert difference.max() < 0.06 and not difference[np.abs(heard[0]) == 0].any()


def test_who_performs_is_asked_nobody_where_there_is_no_terminal():
    """And then it is said that nobody told."""
    assert Person().name == "not told"


def test_a_take_survives_the_model(tmp_path):
    """Killed in the midst: the take goes on, and what the next model made is replayed from the state it began with."""
    engine = Engine(EngineConfig(bundle="hum", driver_instance=DummyDriver(source=tone(10 * 48_000), loop=True), take=tmp_path / "take",
                                 values={"mode": "hold", "phrase_gap_s": 0.2}, realtime=False))  # fmt: skip
    engine.start()
    try:
        engine.apply(Event("trigger", True))
        wait_for(lambda: engine.status().take_s > 2.0)
        os.kill(engine.status().worker_pid, signal.SIGKILL)
        wait_for(lambda: engine.status().restarts == 1 and engine.model_plays)
        hops = engine.status().steps
        wait_for(lambda: engine.status().steps > hops + 60)
    finally:
        engine.stop()
    assert verify(tmp_path / "take").ok
    result = replay(tmp_path / "take")
    assert result.notes == () and result.hops > 100 and result.hops_same == result.hops


def test_a_performance_that_ends_while_a_take_is_being_ended(tmp_path):
    """The pedal that ends the take, and Ctrl-C right after it: the take is whole."""
    engine, _ = live(tmp_path / "take", seconds=60.0)
    wait_for(lambda: engine.status().take_s > 0.5)
    engine.proof.takes.press(start=False)
    engine.stop()
    assert verify(tmp_path / "take").ok and Take(tmp_path / "take").closed
