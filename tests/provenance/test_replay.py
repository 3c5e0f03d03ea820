"""A take replayed is the take: every hop has the digest that was recorded, every frame is the same; what was changed is found."""

import json
import shutil

import numpy as np
import pytest
import soundfile
from sung import melody, sound

from antiphon.cli import main
from antiphon.engine import Engine
from antiphon.errors import UsageError
from antiphon.events import Event
from antiphon.params import REGISTRY
from antiphon.provenance import keys
from antiphon.replay import replay
from playing import freewheel

PROMPT = sound(melody(7.0, seed=2), 7.0).astype(np.float32)
CHANGES = [("density", 2.0), ("breath", 6.0), ("keep", 1), ("grid_grip", 1.0), ("tempo", 90.0), ("recall", 1), ("brightness", -3.0),
           ("freeze", True), ("freeze", False), ("regenerate", True), ("temperature", 1.4), ("store_voice", 2), ("timbre", 0.7)]


def resampled(rate):
    """The prompt at another rate, by straight lines: what it sounds like does not matter."""
    at = np.arange(round(len(PROMPT) * rate / 48_000)) * 48_000 / rate
    return np.interp(at, np.arange(len(PROMPT)), PROMPT).astype(np.float32)[:, None]


def performed(folder, rate=48_000, bundle="hum", channels=1, blocksize=128):
    """A take of a phrase and its answer with changes in it, on freewheel."""
    prompt = np.repeat(resampled(rate), channels, axis=1) * np.linspace(1.0, 0.3, channels, dtype=np.float32)
    values = {"phrase_gap_s": 0.3, "seed": 5}
    with freewheel(bundle, rate, blocksize, channels, take=folder, values=values, lead_s=0.006) as engine:
        engine.run(prompt)
        for path, value in CHANGES if bundle == "hum" else ():
            engine.run(np.zeros((rate // 3, channels), np.float32))
            engine.apply(Event(path, REGISTRY.accept(path, value)))
        engine.run(np.zeros((rate, channels), np.float32))
        return engine.status()


@pytest.fixture(scope="module")
def take(tmp_path_factory):
    folder = tmp_path_factory.mktemp("takes") / "take"
    assert performed(folder).answers >= 1
    return folder


@pytest.mark.parametrize("rate, channels, blocksize", [(48_000, 2, 64), (44_100, 1, 128), (96_000, 1, 1000), (22_050, 1, 17)])
def test_a_take_is_replayed_bit_for_bit(tmp_path, rate, channels, blocksize):
    """At any rate and block, with everything that was changed meanwhile."""
    performed(tmp_path / "take", rate, channels=channels, blocksize=blocksize)
    result = replay(tmp_path / "take")
    assert result.notes == () and result.first_difference_s is None
    assert (result.hops_same, result.frames_same) == (result.hops, result.frames) and result.hops > 500
    assert result.identical


def test_what_was_made_again_can_be_kept(take, tmp_path):
    """-o is voice.wav, sample by sample."""
    replay(take, tmp_path / "again.wav")
    again, recorded = (soundfile.read(path, dtype="int32")[0] for path in (tmp_path / "again.wav", take / "voice.wav"))
    assert np.array_equal(again, recorded) and recorded.any()


def test_a_take_is_not_written_over(take, tmp_path):
    """-o is refused where it is the take's own voice, or a new file in it, or another name of one of its files; nothing is touched."""
    shutil.copytree(take, tmp_path / "take")
    take = tmp_path / "take"
    (tmp_path / "soft.wav").symlink_to(take / "voice.wav")
    (tmp_path / "hard.wav").hardlink_to(take / "dry.wav")
    before = {path.name: path.read_bytes() for path in take.iterdir()}
    for out in (take / "voice.wav", take / "new.wav", tmp_path / "soft.wav", tmp_path / "hard.wav"):
        with pytest.raises(UsageError, match="never changed"):
            replay(take, out)
    assert before == {path.name: path.read_bytes() for path in take.iterdir()}


def test_voice_without_steps_is_not_called_the_same(take, tmp_path):
    """steps.bin is cut in the middle: what can be made again is the same, and the rest is said to be missing."""
    shutil.copytree(take, tmp_path / "take")
    steps = tmp_path / "take" / "steps.bin"
    steps.write_bytes(steps.read_bytes()[: steps.stat().st_size // 2])
    result = replay(tmp_path / "take")
    assert result.hops == result.hops_same and not result.identical and "no steps" in result.notes[0]


def test_another_sound_in_the_microphone_is_noticed(take, tmp_path):
    """One hop of dry.wav half as loud: other hops follow, and the command says so with exit code 1."""
    shutil.copytree(take, tmp_path / "take")
    at, written = 48_000, soundfile.read(take / "dry.wav", dtype="int32")[0]
    written[at : at + 960] //= 2
    soundfile.write(tmp_path / "take" / "dry.wav", written, 48_000, "PCM_24")
    result = replay(tmp_path / "take")
    assert not result.identical and result.hops_same < result.hops
    assert main(["replay", str(tmp_path / "take")]) == 1


def test_without_its_key_it_says_how_far_it_agrees(take, tmp_path, monkeypatch):
    """The mark's private half is missing: no hop of the voice is the same, and all of them nearly."""
    monkeypatch.setattr(keys, "mark_keys", list)
    result = replay(take)
    assert not result.identical and "keys import" in result.notes[0]
    assert result.snr_db > 25


def test_the_command_says_it_in_json(take, capsys):
    assert main(["replay", str(take), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["identical"] and document["hops"] == document["hops_same"]


def test_a_take_of_another_bundle_is_refused(take, tmp_path):
    """Not replayed with what happens to be here; the line names both."""
    shutil.copytree(take, tmp_path / "take")
    about = json.loads((take / "take.json").read_text())
    (tmp_path / "take" / "take.json").write_text(json.dumps(about | {"model_hash": "0" * 64}))
    with pytest.raises(UsageError, match="not here"):
        replay(tmp_path / "take")


def test_what_is_no_take_is_refused(tmp_path, capsys):
    assert main(["replay", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_was_heard_before_the_model_was_ready_is_heard_again(tmp_path, monkeypatch):
    """A model that is loaded late hears the past first, without a sound."""
    start = Engine._start_model_here

    def late(engine):
        engine.driver.run(resampled(44_100)[:15_000])
        start(engine)

    monkeypatch.setattr(Engine, "_start_model_here", late)
    with freewheel("hum", 44_100, take=tmp_path / "take", values={"phrase_gap_s": 0.3}) as engine:
        engine.run(resampled(44_100)[15_000:])
        engine.run(np.zeros((44_100, 1), np.float32))
        assert engine.status().answers
    assert replay(tmp_path / "take").identical
