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
import trigger_to_voice  # noqa: E402
from antiphon.events import Event  # noqa: E402
from antiphon.latency import HOP  # noqa: E402
from antiphon.suite import Goal  # noqa: E402
from antiphon.suite.run import Run, add_flags  # noqa: E402
from collected import Collected  # noqa: E402
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
    with live, Stage(live.engine, midi="") as opened, pytest.MonkeyPatch.context() as patch:
        patch.setattr(control_to_sound, "REST_S", 0.25)
        time.sleep(0.3 + control_to_sound.LONG_LEAD_S)
        yield live, opened


def _run(tmp_path, *flags: str, bench: str = "control_to_sound") -> tuple[Run, io.StringIO]:
    parser, out = argparse.ArgumentParser(), io.StringIO()
    add_flags(parser)
    return Run(bench, parser.parse_args(flags), tmp_path, out), out


def _lines(out: io.StringIO) -> dict[str, dict]:
    """What was told, by name."""
    return {line["name"]: line for line in map(json.loads, out.getvalue().splitlines()) if "name" in line}


def _met(line: dict) -> list[bool]:
    return [goal["met"] for goal in line["goals"]]


@pytest.mark.parametrize("lose", [0, 3])
def test_a_message_that_is_lost_on_its_way_is_counted_as_lost(stage, tmp_path, lose):
    """Of nine messages two are never sent (--inject drop:3): as many have no echo and no effect, and both goals are missed. All
    sent: none, and met."""
    live, opened = stage
    run, out = _run(tmp_path, *([f"--inject=drop:{lose}"] if lose else []))
    control_to_sound.put_back(live)
    told = controls.block_messages(9, random.Random(lose + 1))
    plan = controls.planned(told, 0.08, 0.1, random.Random(1), lose=control_to_sound.lost_of(run))
    dropped = sum(one.lost for one in plan)
    assert dropped == (2 if lose else 0)  # mutes are spared: what came after one that stays would be lost too
    with Sender("--udp", str(opened.port)) as sender:
        sent = sender.play(plan)
    found, collected = controls.Block(live, DEAF), Collected(run)
    delays = found.delays(found.effects(sent.at_s), sent.at_s)
    collected.of_block("rows", delays, "until ", ())
    collected.echoed("rows", controls.echoes(told, sent))
    told_of = _lines(out)
    assert told_of["rows: no echo"]["happened"] == dropped
    assert told_of["rows: no effect"]["happened"] == dropped or delays.stood
    assert _met(told_of["rows: no echo"]) == _met(told_of["rows: no effect"]) == [not lose] or delays.stood


def test_what_is_lost_by_midi_is_counted_and_no_more(stage, tmp_path):
    """Every third controller is not sent: as many have no effect, though the mute was on when they began."""
    live, opened = stage
    live.engine.apply(Event("mute", True))
    control_to_sound.put_back(live)
    plan = controls.planned(controls.midi_messages(9, random.Random(2)), 0.08, 0.1, random.Random(1), lose=3)
    sent, _ = opened.play_midi(plan)
    found = controls.Block(live, DEAF)
    delays = found.delays(found.effects(sent.at_s), sent.at_s)
    assert delays.stood or len(delays.without) == sum(one.lost for one in plan) == 3


def test_what_the_engine_loses_after_its_echo_is_counted(stage, tmp_path, monkeypatch):
    """Commands that are echoed and then go nowhere: none is without an echo, all are without an effect, and no figure is made of
    the next one's."""
    live, opened = stage
    control_to_sound.put_back(live)
    run, out = _run(tmp_path)
    monkeypatch.setattr(opened, "_apply", lambda event: None)
    told = controls.block_messages(4, random.Random(3))
    with Sender("--udp", str(opened.port)) as sender:
        sent = sender.play(controls.planned(told, 0.08, 0.1, random.Random(1)))
    found, collected = controls.Block(live, DEAF), Collected(run)
    delays = found.delays(found.effects(sent.at_s), sent.at_s)
    collected.of_block("rows", delays, "until ", Goal("p99", "<=", 5.0))
    collected.echoed("rows", controls.echoes(told, sent))
    told_of = _lines(out)
    assert _met(told_of["rows: no echo"]) == [True]
    assert told_of["rows: no effect"]["happened"] == 4 - delays.stood and _met(told_of["rows: no effect"]) == [False]
    assert told_of["rows"]["kind"] == "skip" and _met(told_of["rows"]) == [False]


def _way(told: list, plan: list, applied: list, name: str) -> control_to_sound.Way:
    sent = controls.Sent([float(n) for n in range(len(told))], [None] * len(told))
    echoed = [None if one.lost else at + 0.001 for one, at in zip(plan, sent.at_s, strict=True)]
    return control_to_sound.Way(name, "sent", told, sent, echoed)


@pytest.mark.parametrize("name", ["OSC", "MIDI"])
def test_of_the_models_rows_what_is_lost_is_counted_and_no_more(tmp_path, monkeypatch, name):
    """Every third message is not sent, and one that is sent never reaches the mailbox: as many are read by no step."""
    chance, modulus = random.Random(4), control_to_sound.TRACE_MODULUS
    cycles = [one for _ in range(3) for one in controls.step_cycle(chance)]
    told = cycles if name == "OSC" else controls.step_midi(20, chance)
    plan = controls.planned(told, 0.05, 0.08, chance, lose=3)
    of_class = [n for n, one in enumerate(told) if one.kind]
    swallowed = next(n for n in of_class if not plan[n].lost and told[n].path != "trigger")
    applied = [
        (one.path, one.value, None, None if n == swallowed else n, n + 0.01)
        for n, one in enumerate(told)
        if one.kind and not plan[n].lost
    ]
    steps = np.zeros(len(told), [("hop", "f4"), ("slack_frames", "f4"), ("params", "f4")])
    steps["hop"] = steps["params"] = np.arange(len(told))
    monkeypatch.setattr(control_to_sound, "stood_still", lambda *moments: False)
    live = type("OnTime", (), {"at_s": lambda self, frame: frame / RATE})()
    run, out = _run(tmp_path)
    assert len(told) < modulus
    control_to_sound.tell_way(run, Collected(run), _way(told, plan, applied, name), live, steps, applied, np.zeros(RATE))
    told_of = _lines(out)
    dropped = sum(one.lost for one in plan)
    assert dropped >= 3 and told_of[f"model's rows, {name}: not read"]["happened"] == dropped + 1
    assert name == "MIDI" or told_of["model's rows, OSC: no echo"]["happened"] == dropped


def test_bare_echoes_are_known_by_what_they_say():
    """Of three packets the first is lost: the others are not taken for the ones before them."""
    sent = controls.Sent([1.0, 2.0, 3.0], [None] * 3, [(2.1, b"b"), (3.1, b"a")])
    assert controls.returned([b"a", b"b", b"a"], sent) == [None, 2.1, 3.1]


def _pairs(later: int, n: int = 20) -> list[mic_to_reply.Pair]:
    """Pairs as live ones are, the answers of all so many frames later than they should be."""
    expected = 48_000 + HOP + 416
    begins = expected + later
    places = [None if k % 6 == 2 else 48_000 + 48 * k for k in range(n)]
    return [mic_to_reply.Pair(place, (begins, begins + HOP * (place is not None)), expected, False) for place in places]


@pytest.mark.parametrize("later", [0, HOP])
def test_live_answers_that_come_a_hop_later_miss_the_goal(tmp_path, later):
    """Nothing of them is left out: the figure, that of those in time, and the hop they begin from."""
    run, out = _run(tmp_path, bench="mic_to_reply")
    mic_to_reply.tell_live(run, _pairs(later), [1376] * 8, 1376)
    told = _lines(out)
    for name in ("live", "live, in time", "live, begun from another hop"):
        assert _met(told[name]) == [not later], name
    changed = sum(pair.place is not None for pair in _pairs(later))
    assert told["live"]["count"] == told["live, begun from another hop"]["chances"] == changed


@pytest.mark.parametrize("later", [0, HOP])
def test_renders_in_which_answers_come_a_hop_later_miss_the_goal(tmp_path, monkeypatch, later):
    """The instrument as it is meets it; the same with its output held back by a hop does not, and shows nothing at once."""
    as_it_is = Exact.run

    def held_back(self, sound):
        played = np.concatenate([getattr(self, "held", np.zeros(later, np.float32)), as_it_is(self, sound)])
        out, self.held = np.split(played, [len(sound)])
        return out

    monkeypatch.setattr(Exact, "run", held_back)
    run, out = _run(tmp_path, "--quick", "--bundle=echo", bench="mic_to_reply")
    mic_to_reply.by_renders(run, 0.1, [0, 480, 959])
    told = _lines(out)
    at_once = told["shown at once: one frame, the phrase is over"]
    assert told["exact"]["count"] >= 3 and _met(told["exact"]) == [not later]
    assert at_once["chances"] == 3 and at_once["happened"] == (0 if later else 3) and _met(at_once) == [not later]
    assert _met(told["through, off the sum"]) == [not later]


def test_where_it_was_not_silent_before_nothing_is_said_of_a_trigger():
    """A voice that rings on is no answer to the trigger that comes into it."""
    out = np.zeros(2 * RATE, np.float32)
    out[1000:3000], out[40_000:41_000] = 0.1, 0.1
    assert trigger_to_voice.answers(out, [500, 2000, 39_000, 60_000]) == [500, trigger_to_voice.SOUNDS, 1000, None]


def test_nothing_is_found_where_nothing_was_changed(stage):
    """A tone that nobody touches repeats itself to the bit: the detector finds no difference in it."""
    live, _ = stage
    time.sleep(0.5)
    moments = [live.began_s[-1] - ago for ago in np.linspace(0.1, 0.3, 9)]
    assert [controls.Block(live, DEAF).effects([at])[0].differs for at in moments] == [None] * len(moments)
