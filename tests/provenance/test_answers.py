"""Every answer is told what it is nearest to: collected while it is played, left for the engine, shares that sum to 1."""

import json
import time

import numpy as np
import pytest
from sung import melody, sound

from antiphon.answers import Answered, Attributing, Telling, attributed, leave, pick_up
from antiphon.frozen import freeze, thaw
from antiphon.take import Take
from playing import freewheel

PROMPT = sound(melody(6.0, seed=2), 6.0).astype(np.float32)[:, None]
NOTES = Answered((60.0, 62.0, 64.0, 65.0, 67.0), (60.0, 62.0), (0.25, 0.75, 0.0, 0.0, 0.0))


def test_an_answer_is_attributed_when_it_has_ended(tmp_path):
    """In the status, in the log of the take, and not before."""
    with freewheel("hum", values={"phrase_gap_s": 0.8, "answer_s": 3.0, "timbre": 0.5}, take=tmp_path / "take") as engine:
        engine.run(PROMPT[: 48_000 * 4])
        assert (engine.status().answers, engine.status().attributed) == (1, 0)
        engine.run(np.zeros((48_000 * 4, 1), np.float32))
        status = engine.status()
    assert status.attributed == status.answers >= 1
    assert sum(share for _, share in status.attribution) == pytest.approx(1.0, abs=0.01)
    told = [answer for record in Take(tmp_path / "take").records() for answer in record.get("state", {}).get("answered", ())]
    assert len(told) == status.answers
    kinds = {share["kind"]: share["share"] for share in told[0]["shares"]}
    assert kinds["own sound"] == pytest.approx(0.25, abs=0.01) and told[0]["notes"] > 2
    voices = [share for share in told[0]["shares"] if share["kind"] == "stored voice"]
    assert voices and all(voice["source"] and voice["licence"] for voice in voices)


def test_what_is_left_is_picked_up_once_in_order(tmp_path):
    for number in (1, 2):
        leave(tmp_path, number, NOTES._replace(stored=(number,)))
    (tmp_path / "answer-3.json").write_text("[1, 2")  # written by a process that died
    assert [answered.stored for answered in pick_up(tmp_path)] == [(1,), (2,)]
    assert pick_up(tmp_path) == []


def test_a_folder_that_is_gone_costs_nothing(tmp_path):
    leave(tmp_path / "gone", 1, NOTES)
    assert pick_up(tmp_path / "gone") == []


def test_answers_are_attributed_as_they_come(tmp_path):
    """By a thread of its own, which says what was left to the end."""
    told = []
    thread = Attributing("hum", tmp_path, told.append)
    leave(tmp_path, 1, NOTES)
    until = time.monotonic() + 20
    while not told and time.monotonic() < until:
        time.sleep(0.05)
    leave(tmp_path, 2, NOTES)
    thread.stop()
    assert len(told) == 2 and told[0] == attributed("hum", NOTES)
    assert sum(share.share for share in told[0].shares) == pytest.approx(1.0)
    json.dumps(told[0].as_json())


def test_a_voice_that_the_player_stored_is_theirs():
    """Not the recording that the bundle came with."""
    names = {share.name for share in attributed("hum", NOTES._replace(stored=(0,))).shares if share.kind == "stored voice"}
    assert names == {"voice 1, stored by the player"}


def test_state_is_a_value():
    """What was heard and played so far goes on where it was."""
    one, other = Telling(), Telling()
    one.hear(60.0)
    one.begin()
    one.play(62.0)
    one.sound((0.5, 0.5))
    other.set_state(thaw(freeze(one.state())))
    for telling in (one, other):
        telling.play(64.0)
        telling.end()
    assert one.ended == other.ended == [Answered((62.0, 64.0), (60.0,), (0.5, 0.5, 0.0, 0.0, 0.0))]
