"""The benchmarks of control and reply measure what they say: a lost message is counted, nothing is found where nothing was changed,
and a chain that gives back the microphone shows exactly the printed sum."""

import argparse
import io
import json
import random
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))
import control_to_sound  # noqa: E402
import controls  # noqa: E402
import mic_to_reply  # noqa: E402
from antiphon.latency import HOP  # noqa: E402
from antiphon.suite.run import Run, add_flags  # noqa: E402
from instrument import Exact, Live, first, humming  # noqa: E402
from packets import Sender, Stage  # noqa: E402

BLOCK, RATE = 128, 48_000
DEAF = (1e3, 1e3)
"""Thresholds at which nothing is heard: these tests look at what differs."""


def test_a_change_is_found_at_its_frame():
    """In a sound that repeats itself the effect is the first frame that does not, and what was not settled before says so."""
    sound = np.tile(controls.tone(), 90)
    changed = sound.copy()
    changed[4000:] *= np.float32(0.5)
    found = controls.effect(changed, 3900, 9000, (1.0, 1.0))
    assert found.differs == 4000 and found.settled and 0 < found.audible - 4000 <= 960
    assert controls.effect(sound, 3900, 9000, (1.0, 1.0)).differs is None
    assert not controls.effect(changed, 4050, 9000, None).settled


@pytest.mark.parametrize("blocksize", [128, 64])
def test_through_a_chain_that_gives_back_the_microphone_the_sum_is_exact(blocksize):
    """Wherever in a hop one frame is changed, the first output frame that differs comes hop + block + lead later."""
    changes, delay = mic_to_reply.through(blocksize, [0, 1, 480, 958, 959])
    assert delay == HOP + blocksize + 288
    assert [change.frames for change in changes] == [delay] * 5


def test_a_trigger_is_heard_when_the_sum_says():
    """A chain that answers, by a trigger at some places of a hop: the voice begins hop + block + lead after that hop did."""
    with Exact("echo", BLOCK, {"dry": -80.0, "phrase_gap_s": 5.0}) as instrument:
        instrument.run(humming(50 * HOP))

        def played(place: int) -> int | None:
            instrument.run(humming(place))
            instrument.apply("trigger")
            return first(instrument.run(np.zeros(4 * HOP, np.float32)))

        places = [0, 300, 959]
        assert instrument.tried([lambda place=place: played(place) for place in places]) == [1376 - place for place in places]


def test_what_ends_in_an_error_in_a_copy_of_the_process_is_no_result(capfd):
    """A split that fails must not be taken for a performance in which nothing was found."""
    with Exact("through", BLOCK, {}) as instrument, pytest.raises(RuntimeError):
        instrument.tried([lambda: 1 / 0])
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_echoes_are_told_apart_by_row_value_and_order():
    """The answer to a message that was not sent cannot be that to another: three triggers, the second lost, have two echoes."""
    told = [controls.osc("trigger", True, "triggers")] * 3 + [controls.osc("loudness", -3.0, "sound rows")]
    echo = [controls.encode("/antiphon/echo/trigger", True), controls.encode("/antiphon/echo/loudness", -3.0)]
    sent = controls.Sent([1.0, 2.0, 3.0, 4.0], [None] * 4, [(1.1, echo[0]), (3.1, echo[0]), (4.1, echo[1])])
    assert controls.echoes(told, sent) == [1.1, None, 3.1, 4.1]


@pytest.fixture(scope="module")
def stage():
    """A live instrument that gives back a tone, its OSC port open."""
    live = Live("through", BLOCK, controls.SETTLED, 60, lead_s=control_to_sound.LONG_LEAD_S)
    live.put(0, np.tile(controls.tone(), 60 * RATE // controls.PERIOD))
    with live, Stage(live.engine) as opened:
        time.sleep(0.3 + control_to_sound.LONG_LEAD_S)
        yield live, opened


@pytest.mark.parametrize("lose", [0, 3])
def test_a_message_that_is_lost_on_its_way_is_counted_as_lost(stage, tmp_path, lose):
    """Of six messages, two never sent (--inject drop:3): the tally has two, and its goal is missed. All sent: none, and met."""
    live, opened = stage
    parser, out = argparse.ArgumentParser(), io.StringIO()
    add_flags(parser)
    run = Run("control_to_sound", parser.parse_args([f"--inject=drop:{lose}"] if lose else []), tmp_path, out)
    assert control_to_sound.lost_of(run) == lose
    told = controls.block_messages(6, random.Random(lose + 1))
    with Sender("--udp", str(opened.port), lose=control_to_sound.lost_of(run)) as sender:
        sent = sender.play(controls.planned(told, 0.08, 0.1, random.Random(1)))
    effects = controls.Block(live, DEAF).effects(sent.at_s)
    control_to_sound.Collected(run).lost("block rows", controls.told_found(told, sent, effects), "until the next")
    tally = json.loads(out.getvalue())
    assert tally["happened"] == (2 if lose else 0)
    assert [goal["met"] for goal in tally["goals"]] == [not lose]


def test_nothing_is_found_where_nothing_was_changed(stage):
    """A tone that nobody touches repeats itself to the bit: the detector finds no difference in it."""
    live, _ = stage
    time.sleep(0.5)
    moments = [live.began_s[-1] - ago for ago in np.linspace(0.1, 0.3, 9)]
    assert [controls.Block(live, DEAF).effects([at])[0].differs for at in moments] == [None] * len(moments)
