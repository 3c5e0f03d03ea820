"""The journal is whole records, whatever happens to who writes it, to who reads it and to the tape; a replay knows what is missing."""

import os
import shutil
import signal
import struct
import threading
import time

import numpy as np
import pytest

from antiphon import journal
from antiphon.audio.dummy import DummyDriver
from antiphon.audiofile import to_pcm
from antiphon.engine import Engine, EngineConfig
from antiphon.errors import UsageError
from antiphon.events import Event
from antiphon.kernels import Ring, lib
from antiphon.latency import Timeline
from antiphon.layout import Segment, SegmentSpec
from antiphon.model.worker import as_kept
from antiphon.replay import replay
from antiphon.take import Take, verify
from antiphon.take import writer as writing
from antiphon.tape import Tape
from playing import freewheel, noise, phrase_then_silence, tone, wait_for

PARAMS = np.arange(40.0)
VOICE = np.zeros(960, np.float32)


class Stage:
    """A segment whose tape a callback has begun, with a journal that is written by hand."""

    def __init__(self):
        self.segment = Segment.create(SegmentSpec(48_000, 1, 1, 40), Timeline(48_000, 128, 0), shared=False)
        self.tape, self.journal = Tape(self.segment), journal.Journal(self.segment)
        self.ring = Ring(pointer=lib.ap_segment_journal(self.segment.pointer))
        self.begin()

    def begin(self):
        self.tape.close()
        self.tape.open()
        self.epoch = int(lib.ap_segment_tape_epoch(self.segment.pointer))
        lib.ap_segment_tape_begin(self.segment.pointer, self.epoch, 0, 0)

    def step(self, position=960, params=PARAMS):
        if there := self.journal.due(position):
            self.journal.begin(there.epoch, position=position, state=None, fresh=False)
        self.journal.stepped(position, 960, 0.5, params, VOICE)

    def read(self):
        return self.ring.read(self.ring.readable).tobytes()


def kinds(data):
    assert journal.whole(data) == len(data), "a piece of a record"
    return [kind for kind, _ in journal.records(data)]


@pytest.mark.parametrize("extra", range(4))
def test_a_full_journal_holds_whole_records_and_begins_anew_when_it_was_read(extra):
    """However few words are left: a break is told once, and no state is put down at each step until there is room again."""
    stage = Stage()
    stage.journal.begin(stage.epoch, pad="x" * (4 * extra))
    for n in range(20_000):
        stage.step(params=PARAMS + n)
    found = kinds(stage.read())
    assert found.count(journal.BREAK) == 1 and found[-1] == journal.BREAK and found.count(journal.BEGIN) == 1
    stage.step()
    assert kinds(stage.read()) == [journal.BEGIN, journal.PARAMS, journal.STEP]


def test_what_is_heard_after_the_tape_was_broken_off_is_not_told():
    """It is on no tape; from the next one on it is."""
    stage = Stage()
    stage.step()
    lib.ap_segment_tape_break(stage.segment.pointer, stage.epoch)
    stage.step()
    stage.journal.note("voice", 0, 10, 60.0, -20.0)
    assert kinds(stage.read()) == [journal.BEGIN, journal.PARAMS, journal.STEP]
    stage.begin()
    stage.step()
    assert kinds(stage.read()) == [journal.BEGIN, journal.PARAMS, journal.STEP]


def test_states_of_one_epoch_have_names_of_their_own():
    """A model that is started anew twice in a take begins twice from a state."""
    assert journal.state_name({"epoch": 3, "position": 10}) != journal.state_name({"epoch": 3, "position": 20})


def test_what_the_model_hears_is_what_the_file_holds():
    """To the bit, at the ends of the scale, between two steps, beyond full scale, and of the two zeros."""
    edge = 2.0**-23 * np.array([-0.5, 0.5, 1.5, -1.5, 2.5, 0.49999, -0.49999, 1, -1, 8388606.5, 8388607, 8388607.5, -8388608, -9e6, 9e6])
    sound = np.concatenate([edge, [0.0, -0.0, 1e-30, -1e-30, 1.0, -1.0, 999.0, -999.0], np.random.default_rng(1).uniform(-1.1, 1.1, 5000)])
    sound = sound.astype(np.float32)
    again = to_pcm(sound).astype(np.float32) * np.float32(2.0**-31)
    assert as_kept(sound).tobytes() == again.tobytes()


def killed_twice(engine):
    for restarts in (1, 2):
        os.kill(engine.status().worker_pid, signal.SIGKILL)
        wait_for(lambda: engine.status().restarts == restarts and engine.model_plays)  # noqa: B023
        hops = engine.status().steps
        wait_for(lambda: engine.status().steps > hops + 30)  # noqa: B023


def held_up(engine):
    """Suspended for less than it is taken for stuck, and more than steps could make up for: it hears the past without a sound."""
    for missed in (1, 2):
        os.kill(engine.status().worker_pid, signal.SIGSTOP)
        time.sleep(0.8)
        os.kill(engine.status().worker_pid, signal.SIGCONT)
        wait_for(lambda: engine.status().catch_ups == missed or engine.status().restarts)  # noqa: B023
        hops = engine.status().steps
        wait_for(lambda: engine.status().steps > hops + 30)  # noqa: B023


@pytest.mark.parametrize("happens, rate", [(killed_twice, 48_000), (held_up, 44_100)])
def test_a_take_in_which_the_model_was_ill_is_replayed_bit_for_bit(tmp_path, happens, rate):
    """Begun in the midst of a performance, while rows change all the time and the mark says something else."""
    engine = Engine(EngineConfig(bundle="hum", driver_instance=DummyDriver(rate, source=tone(10 * rate, rate), loop=True),
                                 values={"mode": "hold", "phrase_gap_s": 0.2}, realtime=False))  # fmt: skip
    engine.start()
    over = threading.Event()

    def turn():
        while not over.wait(0.03):
            engine.apply(Event("brightness", float(np.sin(time.monotonic()))))

    turning = threading.Thread(target=turn)
    try:
        engine.apply(Event("trigger", True))
        time.sleep(0.7)
        turning.start()
        engine.proof.takes.begin(tmp_path / "take")
        wait_for(lambda: engine.status().take_s > 1.0)
        happens(engine)
        assert engine.status().take
        engine.proof.takes.end("told")
    finally:
        over.set()
        turning.join()
        engine.stop()
    assert verify(tmp_path / "take").ok
    result = replay(tmp_path / "take")
    assert result.notes == () and result.hops > 100 and result.hops_same == result.hops
    assert Take(tmp_path / "take").reason == "told"


def test_a_replay_says_that_the_tape_had_a_gap(tmp_path, monkeypatch):
    """What was heard in the gap is not replayed from its silence."""
    stuck, stands = threading.Event(), threading.Event()
    real = writing.sync

    def sync(file):
        stands.set()
        assert stuck.wait(20)
        real(file)

    with freewheel(bundle="echo", take=tmp_path / "take") as engine:
        recorder = engine.proof.takes._recorder
        engine.run(phrase_then_silence())
        monkeypatch.setattr(writing, "sync", sync)
        engine.run(noise(96_000, level=0.01))
        assert stands.wait(10)
        for at in range(0, recorder._tape._mix.capacity + 96_000, 48_000):
            engine.run(noise(48_000, seed=at))
        stuck.set()
        wait_for(lambda: recorder._tape._mix.readable == 0 and recorder._tape.begun() is None)
        engine.run(noise(48_000))
        wait_for(lambda: recorder.gap_frames > 0)
    result = replay(tmp_path / "take")
    assert result.hops == result.hops_same > 100 and not result.identical
    assert any("too slow" in note for note in result.notes)


@pytest.fixture(scope="module")
def take(tmp_path_factory):
    folder = tmp_path_factory.mktemp("takes") / "take"
    with freewheel(bundle="echo", take=folder) as engine:
        engine.run(phrase_then_silence())
    return folder


def further(take, folder, *records):
    """The take, with these records after its own."""
    shutil.copytree(take, folder)
    with open(folder / "steps.bin", "ab") as file:
        for record in records:
            file.write(struct.pack("<I", len(record)) + record)
    return folder


def test_a_past_that_reaches_beyond_the_take_is_left_out(take, tmp_path):
    """A model that caught up when the disk was full."""
    longer = further(take, tmp_path / "take", journal.record(journal.PRIME, struct.pack("<QII", Take(take).frames - 960, 25, 0)))
    assert replay(longer).identical


def test_steps_of_a_tape_that_nobody_has_told_of_are_left_out(take, tmp_path):
    begin = (b'{"epoch": 99, "position": 0, "hop": 0, "taken": 0, "seed": 1, "mic_channel": null, "bundle": "echo", "state": null, '
             b'"fresh": true}')
    assert replay(further(take, tmp_path / "take", journal.record(journal.BEGIN, begin))).identical


@pytest.mark.parametrize("begin", [b'{"epoch": 1}', b"{}", b'{"epoch": 1, "position": -5, "hop": 0, "taken": 0, "seed": 1, "bundle": "hum"}',
                                   b'{"epoch": 1, "position": 0, "hop": 0, "taken": 0, "seed": 1, "bundle": "../x", "state": null, "fresh": true}'])
def test_a_beginning_that_is_none_is_refused(take, tmp_path, begin):
    """A take may be a stranger's: nothing of it is believed, and no other bundle is loaded than the one whose hash was compared."""
    with pytest.raises(UsageError, match="does not say"):
        replay(further(take, tmp_path / "take", journal.record(journal.BEGIN, begin)))


def test_parameters_of_another_version_are_refused(take, tmp_path):
    """Not read as if they were this one's."""
    other = further(take, tmp_path / "take", journal.record(journal.PARAMS, np.zeros(7).tobytes()))
    with pytest.raises(UsageError, match="parameters"):
        replay(other)


def test_a_replay_does_not_write_into_the_take(take):
    """Its own voice least of all."""
    before = (take / "voice.wav").read_bytes()
    for name in ("voice.wav", "again.wav"):
        with pytest.raises(UsageError, match="in the take itself"):
            replay(take, take / name)
    assert (take / "voice.wav").read_bytes() == before and not (take / "again.wav").exists()


def test_a_step_that_was_told_before_the_tape_was_is_replayed(take, tmp_path):
    """A recorder that is held up between two looks writes them down in this order."""
    shutil.copytree(take, tmp_path / "take")
    tape, *steps = Take(take).steps()
    assert next(journal.records(tape))[0] == journal.TAPE
    with open(tmp_path / "take" / "steps.bin", "wb") as file:
        for step in (*steps, tape):
            file.write(struct.pack("<I", len(step)) + step)
    assert replay(tmp_path / "take").identical
