"""MIDI clock, in and out, by simulated times."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from midi_stage import FakePorts, Stage

from antiphon.control.midiclock import CONTINUE, POSITION, START, STOP, TICK, ClockIn, ClockOut
from antiphon.control.midifollow import MidiOut
from antiphon.events import Event


class Song:
    """A clock that somebody sends to a ClockIn."""

    def __init__(self, **values):
        self.stage = Stage(inputs=(), values=values)
        self.pulse, self.values = self.stage.pulse, self.stage.values
        self.clock = ClockIn(self.pulse, self.stage.lines.append)
        self.now = 10.0

    def send(self, *data, port="DAW"):
        self.stage.now = self.now
        self.clock.take(port, bytes(data), self.now)

    def ticks(self, count, bpm=120.0, port="DAW"):
        for _ in range(count):
            self.now += 60 / bpm / 24
            self.send(TICK, port=port)


def test_start_makes_the_first_tick_the_first_beat():
    song = Song()
    song.send(START)
    song.ticks(1)
    first_s = song.now
    song.ticks(24 * 6)
    at_s, bpm = song.values["beat"]
    assert (song.values["tempo"], bpm) == (120.0, pytest.approx(120.0))
    assert at_s in (pytest.approx(first_s), pytest.approx(first_s + 2.0))  # a bar's first
    assert song.pulse.grid.at(song.now) == pytest.approx(6.0)


def test_a_clock_met_in_the_middle_gives_its_tempo():
    song = Song()
    song.ticks(100, 90)
    assert (song.values["tempo"], song.values["beat"]) == (90.0, ())
    assert song.stage.lines == ["MIDI clock from DAW"]


def test_stop_and_go_on():
    """Stop clears the beat; ticks meanwhile are no beats; Continue goes on where it stopped, in the bar."""
    song = Song()
    song.send(START)
    song.ticks(24 * 5 + 12)
    song.send(STOP)
    assert song.values["beat"] == ()
    song.ticks(31)
    assert song.values["beat"] == ()
    song.send(CONTINUE)
    song.ticks(2)
    assert song.pulse.grid.at(song.now) == pytest.approx(5 + 13 / 24, abs=1e-3)


def test_song_position_is_in_sixteenths():
    song = Song()
    song.ticks(48)
    song.send(STOP)
    song.send(POSITION, 5, 1)
    song.send(CONTINUE)
    song.ticks(1)
    song.ticks(2)
    assert song.pulse.grid.at(song.now) == pytest.approx(133 / 4 + 2 / 24, abs=1e-3)


def test_silence_is_the_end():
    song = Song()
    song.send(START)
    song.ticks(48)
    song.clock.look(song.now + 1.9)
    assert song.values["beat"] != ()
    song.clock.look(song.now + 2.1)
    assert (song.values["beat"], song.values["tempo"]) == ((), 120.0)


def test_one_clock_at_a_time():
    """A second port's ticks, between those of the first, change nothing; when the first is gone it is the one."""
    song = Song()
    song.send(START)
    song.send(START, port="Drums")
    for _ in range(96):
        song.ticks(1)
        song.send(TICK, port="Drums")
    assert song.values["tempo"] == 120.0
    song.clock.gone("DAW")
    assert song.values["beat"] == ()
    song.ticks(96, 80, port="Drums")
    assert song.values["tempo"] == 80.0


def test_sync_off_is_said():
    song = Song(sync="off")
    song.send(START)
    song.ticks(96)
    assert (song.values["tempo"], song.values["beat"]) == (0.0, ())
    assert song.stage.lines == ["MIDI clock from DAW; it is followed with sync midi"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([TICK, START, CONTINUE, STOP, POSITION]), st.integers(0, 30), st.sampled_from("ab")),
                max_size=30))
def test_any_clock(messages):
    """Nothing raises, whatever comes and however long it ticks; what is gone leaves no beat."""
    song = Song()
    for status, count, port in messages:
        if status == TICK:
            song.ticks(count, port=port)
        else:
            song.send(status, *((count, 1) if status == POSITION else ()), port=port)
    song.clock.gone("a")
    song.clock.gone("b")
    assert song.values["beat"] == ()


class Sender:
    """A ClockOut that is driven by hand; `sent` are (time, status)."""

    def __init__(self, **values):
        self.stage = Stage(inputs=(), values=values)
        ports = FakePorts(outputs=["Drums"])
        out = MidiOut(ports, "drums")
        out.look()
        self.clock, self.sent, self.now = ClockOut(out, self.stage.pulse), [], 5.0
        self._ports = ports

    def run(self, seconds, step_s=0.001):
        end = self.now + seconds
        while self.now < end:
            self.stage.now = self.now
            self.clock.step(self.now)
            self.sent += [(self.now, data[0]) for _, data in self._ports.sent]
            self._ports.sent.clear()
            self.now += step_s

    def emit(self, path, value):
        self.stage.now = self.now
        self.stage.desk.emit(Event(path, value, None, "test"))

    def take(self, status):
        """Times of one kind of message, and forget all."""
        sent, self.sent = self.sent, []
        return [time_s for time_s, kind in sent if kind == status]


def test_no_tempo_no_clock():
    sender = Sender()
    sender.run(2.0)
    assert sender.sent == []


def test_a_tempo_ticks_and_goes_on_smoothly():
    """24 a beat, no Start without a beat; another tempo goes on from where it was."""
    sender = Sender(tempo=120.0)
    sender.run(2.0)
    assert len(sender.sent) == pytest.approx(96, abs=1)
    assert {status for _, status in sender.sent} == {TICK}
    sender.sent.clear()
    sender.emit("tempo", 60.0)
    sender.run(2.0)
    ticks = sender.take(TICK)
    assert len(ticks) == pytest.approx(48, abs=1)
    assert max(late - early for early, late in zip(ticks, ticks[1:], strict=False)) < 0.044
    sender.emit("tempo", 0.0)
    sender.run(1.0)
    assert sender.take(TICK) == []


def test_ticks_fall_on_the_beat():
    """Start before a beat, every 24th tick on one; a tap 10 ms early moves them, without a new Start; Stop when it is gone."""
    sender = Sender()
    sender.emit("beat", (5.2, 100.0))
    sender.run(3.0)
    starts = [time_s for time_s, status in sender.sent if status == START]
    ticks = sender.take(TICK)
    assert starts == [pytest.approx(5.2, abs=0.002)]
    at = ticks.index(next(time_s for time_s in ticks if time_s >= starts[0]))
    for beat, time_s in enumerate(ticks[at::24]):
        assert time_s == pytest.approx(5.2 + beat * 0.6, abs=0.002)
    sender.emit("beat", (8.19, 100.0))
    sender.run(1.0)
    assert sender.take(START) == []
    sender.emit("beat", ())
    sender.run(0.1)
    assert len(sender.take(STOP)) == 1


def test_close_says_stop():
    sender = Sender()
    sender.emit("beat", (5.1, 100.0))
    sender.run(0.5)
    sender.clock.close()
    sender.clock.close()
    sender.run(0.0)
    assert [data for _, data in sender._ports.sent] == [(STOP,)]


def test_the_thread_ends():
    sender = Sender(tempo=300.0)
    sender.clock.start()
    sender.clock.close()
