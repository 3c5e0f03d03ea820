"""An engine with the echo chain: performer in, answer out, the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from antiphon.errors import AntiphonError, UsageError
from antiphon.events import Event
from playing import freewheel, noise, phrase_then_silence, tone


def _play(sound, **settings):
    with freewheel("echo", **settings) as engine:
        return engine.run(sound), engine.status()


def test_a_phrase_is_answered_after_the_gap():
    """An answer begins when the silence has lasted phrase_gap_s, and repeats what was sung."""
    sound = phrase_then_silence()
    heard, status = _play(sound, values={"phrase_gap_s": 0.4})
    assert status.answers == 1
    first = int(np.flatnonzero(np.abs(heard[:, 0]) > 0.01)[0])
    ended = 0.5 * 48_000 + 48_000
    assert ended + 0.4 * 48_000 <= first <= ended + 0.4 * 48_000 + 4 * 960 + 1376
    assert np.abs(heard).max() == pytest.approx(0.3, abs=0.05)  # and the mark


def test_silence_is_not_answered():
    """A room without a performer gives a voice of exact zeros."""
    heard, status = _play(noise(96_000, level=1e-4))
    assert status.answers == 0 and not heard.any()


def test_same_seed_same_bytes():
    """Freewheel is deterministic: two runs give the same bytes."""
    sound = phrase_then_silence(silent_s=1.5)
    assert _play(sound)[0].tobytes() == _play(sound)[0].tobytes()


@pytest.mark.parametrize("blocksize", [1, 17, 64, 960, 961])
def test_same_answer_at_any_blocksize(blocksize):
    """The answer is the same frames, moved by the difference of the blocks."""
    sound = phrase_then_silence(sung_s=0.6, silent_s=1.2)
    reference, counted = _play(sound, blocksize=128)
    heard, status = _play(sound, blocksize=blocksize)
    shift = blocksize - 128
    a, b = (reference[-shift:], heard[:shift]) if shift < 0 else (reference[: len(reference) - shift], heard[shift:])
    assert len(a) == len(b) > 48_000 and np.array_equal(a, b)
    assert (status.answers, status.hops, status.underflows) == (counted.answers, counted.hops, 0)


def test_the_voice_begins_at_the_hop_after_the_trigger():
    """A trigger given in hop k is heard at the first frame of that hop's voice: block + lead after the hop's end."""
    sung = tone(48_000)
    with freewheel("echo", values={"mode": "answer"}) as engine:
        engine.run(sung[: 50 * 960 - 500])
        engine.apply(Event("trigger", True))
        heard = engine.run(np.concatenate((sung[50 * 960 - 500 :], noise(9600, level=1e-4))))
        table = engine.latency()
    first = 50 * 960 - 500 + int(np.flatnonzero(np.abs(heard[:, 0]) > 0)[0])
    least, most = table.trigger_frames
    assert 49 * 960 + table.total_frames <= first <= 49 * 960 + table.total_frames + 4  # a sine may begin at zero
    assert first - (50 * 960) == pytest.approx(least, abs=4)
    assert most == least + 960


def test_panic_is_silent_at_once():
    """Panic fades the voice within 5 ms of the next block, long before the model hears of it."""
    sound = phrase_then_silence(silent_s=2.0)
    with freewheel("echo", values={"phrase_gap_s": 0.2}) as engine:
        engine.run(sound[: 2 * 48_000])
        assert engine.status().state == "answering"
        engine.apply(Event("panic", True))
        heard = engine.run(sound[2 * 48_000 :])
        after = engine.status()
    assert np.abs(heard[:64]).max() > 0.01
    assert not heard[128 + 240 :].any()
    assert after.state != "answering"


def test_dry_sound_is_untouched():
    """At unity gain with the voice off the output is the input, bit for bit, at any number of channels."""
    for channels in (1, 2, 8):
        sound = np.repeat(noise(5000), channels, axis=1) * np.linspace(0.5, 1.0, channels, dtype=np.float32)
        with freewheel("through", channels=channels, values={"dry": 0.0, "voice": -80.0}) as engine:
            assert np.array_equal(engine.run(sound), sound)


def test_gains_are_ramped_from_the_frame_they_name():
    """A block row with a time takes effect at that frame, in the middle of a block, and not before."""
    sound = np.full((4000, 1), 0.25, np.float32)
    with freewheel("through", values={"dry": 0.0, "voice": -80.0}) as engine:
        engine.run(sound[:1000])
        engine.apply(Event("mute", True, time_frame=2077))
        heard = engine.run(sound)[:, 0]
        assert engine.status().commands_late == 0
    assert (heard[: 2077 - 1000] == 0.25).all()
    fall = heard[2077 - 1000 : 2077 - 1000 + 480]
    assert (np.diff(fall) < 0).all() and fall[0] < 0.25
    assert not heard[2077 - 1000 + 480 :].any()


def test_what_is_due_now_does_not_wait_behind_what_is_due_later():
    """With more gains announced than the callback holds, mute acts in the next block; the gains come in their time."""
    sound = np.full((48_000, 1), 0.25, np.float32)
    with freewheel("through", values={"dry": 0.0, "voice": -80.0}) as engine:
        for n in range(600):
            engine.apply(Event("dry", -6.0 if n == 599 else -20.0, time_frame=60_000 + 20 * n))
        engine.run(sound[:256])
        engine.apply(Event("mute", True))
        assert not engine.run(sound[:1024])[-1].any()
        engine.apply(Event("mute", False))
        assert engine.run(sound)[-1, 0] == 0.25
        assert engine.run(sound)[-1, 0] == pytest.approx(0.25 * 10 ** (-6 / 20), rel=1e-5)
        assert engine.status().commands_dropped == 0


def test_of_more_gains_than_the_callback_holds_the_last_ones_win():
    """What is passed over is counted and said, once; what was asked for last is what is heard."""
    sound = np.full((48_000, 1), 0.25, np.float32)
    with freewheel("through", values={"dry": 0.0, "voice": -80.0}) as engine:
        for n in range(3000):
            engine.apply(Event("dry", -6.0 if n == 2999 else -20.0, time_frame=24_000))
            engine.apply(Event("master", -12.0 if n == 2999 else 0.0)) if n > 2990 else None
        heard = [engine.run(sound)[:, 0] for _ in range(2)]
        status = engine.status()
    assert (heard[0][1000:24_000] == pytest.approx(0.25 * 10 ** (-12 / 20), rel=1e-5)), "the gain came too soon"
    assert heard[1][-1] == pytest.approx(0.25 * 10 ** (-18 / 20), rel=1e-5)
    assert status.commands_dropped > 0 and sum("passed over" in line for line in status.messages) == 1


def test_the_supervisor_looks_when_an_event_is_due():
    """A look every 20 ms would bring every other time-tagged trigger to the step after the one it was meant for."""
    with freewheel("through") as engine:
        assert engine._next_look_s() == 0.02
        for frame, expected in ((48_000, 0.02), (480, 0.01), (24, 0.001)):
            engine.apply(Event("temperature", 0.5, time_frame=frame))
            assert engine._next_look_s() == pytest.approx(expected)


def test_events_for_later_are_bounded():
    """A flood of time tags is refused, not kept."""
    with freewheel("through") as engine:
        with pytest.raises(UsageError, match="send it when it is due"):
            for _ in range(10_000):
                engine.apply(Event("temperature", 0.5, time_frame=1_000_000))
        engine.apply(Event("temperature", 0.7))
        assert engine.values["temperature"] == 0.7


def test_a_step_row_waits_for_its_frame():
    """A trigger timed for a frame acts in the step of the hop that holds this frame."""
    sung = tone(96_000)
    with freewheel("echo", values={"mode": "answer"}) as engine:
        engine.run(sung[:20_000])
        engine.apply(Event("trigger", True, time_frame=48_100))
        heard = engine.run(sung[20_000:])[:, 0]
    first = 20_000 + int(np.flatnonzero(heard)[0])
    assert first == pytest.approx(50 * 960 + 1376, abs=4)


def test_mute_keeps_master():
    """Unmuting comes back to the master gain that was set meanwhile."""
    sound = np.full((9600, 1), 0.25, np.float32)
    with freewheel("through", values={"dry": 0.0, "voice": -80.0}) as engine:
        engine.apply(Event("mute", True))
        engine.run(sound)
        engine.apply(Event("master", -6.0))
        assert not engine.run(sound)[-1].any()
        engine.apply(Event("mute", False))
        assert engine.run(sound)[-1, 0] == pytest.approx(0.25 * 10 ** (-6 / 20), rel=1e-5)


def test_wrong_use_is_told_in_one_line():
    """Bad blocks, channels and drivers are UsageErrors with the value in them."""
    wrong_channel = ({"mic_channel": 4}, "mic channel 5, counted from 1: the input has 1 channel")
    for settings, word in (({"blocksize": 0}, "blocksize 0"), wrong_channel):
        with pytest.raises(UsageError, match=word), freewheel(**settings):
            pass
    with freewheel() as engine, pytest.raises(UsageError, match="2 input channels"):
        engine.run(np.zeros((10, 2), np.float32))
    with pytest.raises(AntiphonError, match="nothing"), freewheel("nothing-of-that-name"):
        pass
