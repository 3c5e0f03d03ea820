"""Nobody is answered in a protected voice: the answer is in the stored ones, the player is told why, others are left alone."""

import json
import math
import stat

import numpy as np
import pytest
import soundfile

from antiphon import cli
from antiphon.chain import Chain
from antiphon.errors import UsageError
from antiphon.frozen import freeze, thaw
from antiphon.model.bundle import Bundle
from antiphon.model.codec import Encoder
from antiphon.model.tokens import HOP, MODEL_RATE
from antiphon.params import REGISTRY
from antiphon.perform import REFUSALS, Performer
from antiphon.provenance import voices, works
from antiphon.provenance.voices import LEAST, MOST, NUMBERS, Recogniser, Voice

ADA, GRACE = (1.0, 6.0, 130.0), (0.82, 13.0, 210.0)  # size of the throat, fall of the source in dB an octave, middle pitch in Hz
VOWELS = ((730, 1090, 2440), (500, 850, 2500), (480, 1900, 2500), (280, 2200, 2900))
SEED = 1


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(scope="module")
def bundle():
    return Bundle.open("hum")


def sung(who, seconds=9.0, seed=0):
    """Vowels sung by somebody, (hops, 960) float32: harmonics of moving pitch through three formants, in a quiet room."""
    size, fall_db, hertz = who
    rng = np.random.default_rng(seed)
    pieces = []
    while sum(map(len, pieces)) < seconds * MODEL_RATE:
        time = np.arange(int(rng.uniform(0.35, 0.6) * MODEL_RATE)) / MODEL_RATE
        pitch = hertz * 2 ** (rng.choice([0, 2, 4, 5, 7]) / 12) * (1 + 0.006 * np.sin(2 * np.pi * 5.5 * time))
        phase = 2 * np.pi * np.cumsum(pitch) / MODEL_RATE
        formants = VOWELS[rng.integers(len(VOWELS))]
        tone = np.zeros(len(time))
        for harmonic in range(1, int(7500 / hertz)):
            at = harmonic * hertz
            gain = sum(10 ** (-n / 3) / (1 + ((at - size * formant) / (60 + 40 * n)) ** 2) for n, formant in enumerate(formants))
            tone += (gain + 0.02) * harmonic ** (-fall_db / 6) * np.sin(harmonic * phase + harmonic)
        swell = np.minimum(1, np.minimum(time / 0.03, (time[-1] - time) / 0.05))
        pieces += [0.2 * tone * swell / np.abs(tone).max(), np.zeros(int(0.08 * MODEL_RATE))]
    sound = np.concatenate(pieces)
    sound = sound[: len(sound) // HOP * HOP]
    return (sound + 1e-4 * rng.standard_normal(len(sound))).astype(np.float32).reshape(-1, HOP)


def quiet(hops):
    return (1e-4 * np.random.default_rng(4).standard_normal((hops, HOP))).astype(np.float32)


def tapped(taps=8):
    rng = np.random.default_rng(5)
    sound = 1e-4 * rng.standard_normal(int((taps * 0.3 + 0.2) * MODEL_RATE) // HOP * HOP)
    time = np.arange(int(0.15 * MODEL_RATE)) / MODEL_RATE
    for tap in range(taps):
        knock = sum(np.exp(-time / 0.02) * np.sin(2 * np.pi * hertz * time) for hertz in ((180, 410), (620, 1400))[tap % 2])
        begin = int((0.1 + tap * 0.3) * MODEL_RATE)
        sound[begin : begin + len(knock)] += 0.1 * knock + 0.1 * rng.standard_normal(len(knock)) * np.exp(-time / 0.003)
    return sound.astype(np.float32).reshape(-1, HOP)


def values(**changes):
    params = np.array(REGISTRY.step_defaults())
    for path, value in changes.items():
        row = REGISTRY.resolve(path)
        at = REGISTRY.step_index(path)
        params[at : at + row.width] = value if row.kind == "trigger" else row.encode(value)
    return params


def run(chain, sound, params):
    return np.array([chain.step(hop, params).copy() for hop in sound])


@pytest.fixture(scope="module")
def heard():
    """The coefficients of both, as a clip gives them."""
    from antiphon.commands.guard import voiced_in

    return {who: voiced_in(sung(who, seed=9).ravel(), MODEL_RATE) for who in (ADA, GRACE)}


def voice_of(heard, name="ada", owner="Ada"):
    return Voice(name, owner, "", "2026-11-01", len(heard) * 0.02, voices.print_of(heard))


def fed(recogniser, shapes, hops):
    for at in range(hops):
        recogniser.hear(shapes[at % len(shapes)])
    return recogniser


def test_likeness_does_not_ask_who_came_first(heard):
    one, other = (voices.print_of(heard[who]) for who in (ADA, GRACE))
    assert voices.likeness(one[None], other)[0] == pytest.approx(voices.likeness(other[None], one)[0], abs=1e-3)
    assert voices.likeness(one[None], one)[0] > voices.THRESHOLD > voices.likeness(one[None], other)[0]


def test_the_encoder_shows_the_bands_that_a_clip_is_printed_of(bundle):
    """What the chain hears live and what `guard voice add` hears of a clip are the same numbers."""
    from antiphon.model.timbre import HEARD, Heard, bands

    encoder, features = Encoder(bundle.graph("encoder")), np.zeros(HEARD, np.float32)
    ear = Heard(features)
    for hop in sung(ADA, 0.5):
        encoder.step(hop, np.zeros(2, np.float32))
        ear.step(hop, np.full(2, 50.0, np.float32))
        assert np.array_equal(encoder.bands, bands(features))


@pytest.fixture
def shapes():
    return spectra(-2.0)


def spectra(tilt):
    """Hops of somebody whose spectrum falls like this."""
    rng = np.random.default_rng(0)
    fall = tilt * np.linspace(0, 1, 80) + 0.5 * np.cos(np.linspace(0, 3 * tilt, 80))
    return [(fall + 0.3 * rng.standard_normal((2, 80))).astype(np.float32) for _ in range(40)]


@pytest.fixture
def registered(shapes):
    return Voice("ada", "Ada", "", "", 20.0, voices.print_of(np.array([voices.cepstra(one) for one in shapes])))


def test_nothing_is_said_before_five_seconds(shapes, registered):
    recogniser = fed(Recogniser([registered]), shapes, LEAST - 1)
    assert recogniser.match is None and recogniser.key == 0
    recogniser.hear(shapes[0])
    assert recogniser.match is registered and recogniser.key == registered.key != 0


def test_who_performs_may_have_their_own_voice(shapes, registered):
    assert fed(Recogniser([registered], "ADA"), shapes, LEAST).match is None
    assert fed(Recogniser([registered], "Ada Lovelace"), shapes, LEAST).match is registered
    assert fed(Recogniser([registered], ""), shapes, LEAST).match is registered


def test_without_a_register_it_hears_nothing_and_keeps_nothing(shapes):
    recogniser = fed(Recogniser(), shapes, LEAST)
    assert recogniser.match is None and recogniser.state()["heard"].size == 0


def test_the_last_twenty_seconds_count(shapes, registered):
    other = spectra(-0.5)
    recogniser = fed(Recogniser([registered]), shapes, MOST)
    assert recogniser.match
    assert fed(recogniser, other, MOST).match is None


def test_its_state_is_a_value(shapes, registered):
    one, other = fed(Recogniser([registered]), shapes, 300), Recogniser([registered])
    other.set_state(thaw(freeze(one.state())))
    for recogniser in (one, other):
        fed(recogniser, shapes[::-1], 60)
    assert freeze(one.state()) == freeze(other.state()) and one.match is other.match
    one.reset()
    assert freeze(one.state()) == freeze(Recogniser([registered]).state())


def test_a_process_after_it_goes_on_from_what_it_said(registered):
    recogniser = Recogniser([registered])
    recogniser.take_over(registered.key)
    assert recogniser.match is registered
    recogniser.take_over(12345)
    assert recogniser.match is None


def test_a_protected_voice_is_answered_in_the_stored_voices_bit_for_bit(bundle, heard):
    """The answer is the one that timbre 1 gives, and the status says whose voice it was; without the register it is another one."""
    prompt, answer = sung(ADA, seed=1), quiet(60)
    made = {}
    for name, protected, timbre in (("protected", [voice_of(heard[ADA])], 0.0), ("stored", [], 1.0), ("own", [], 0.0)):
        chain = Chain(bundle, Performer(), SEED, protected=Recogniser(protected))
        run(chain, prompt, values(mode="listen", timbre=timbre))
        made[name] = run(chain, answer, values(trigger=1, timbre=timbre))
        assert chain.status["voice_match"] == (protected[0].key if protected else 0)
    assert np.array_equal(made["protected"], made["stored"])
    assert not np.array_equal(made["protected"], made["own"])


def test_somebody_else_is_answered_as_ever(bundle, heard):
    """With another one's voice in the register the answer is bit for bit what it is with none."""
    prompt, made = sung(GRACE, seed=1), []
    for protected in ([voice_of(heard[ADA])], []):
        chain = Chain(bundle, Performer(), SEED, protected=Recogniser(protected))
        run(chain, prompt, values(mode="listen"))
        made.append(run(chain, quiet(60), values(trigger=1)))
        assert chain.status["voice_match"] == 0
    assert np.array_equal(*made)


def test_a_protected_voice_is_not_stored_nor_its_strokes_played(bundle, heard):
    """Strokes are pieces of the performer's own recorded sound: of a protected voice none are played. Panic forgets who it was."""
    chain = Chain(bundle, Performer(), SEED, protected=Recogniser([voice_of(heard[ADA])]))
    run(chain, np.concatenate([sung(ADA, seed=1), tapped(16)]), values(mode="listen"))
    run(chain, quiet(1), values(mode="listen", store_voice=[1, 2]))
    assert REFUSALS[int(chain.status["refusal"])] == "a protected voice"
    run(chain, quiet(20), values(trigger=1, store_voice=[1, 2]))
    assert chain.status["voice_match"] and not chain._beats.playing and chain._line.playing
    run(chain, quiet(2), values(trigger=1, panic=1, store_voice=[1, 2]))
    assert chain.status["voice_match"] == 0 and chain._protected.match is None


def test_an_empty_place_does_not_sound_like_a_protected_voice(bundle):
    """Where no voice is stored the model's own timbre sounds, not the performer's moments."""
    from dataclasses import replace

    from antiphon.model.acoustic import PLAIN

    chain = Chain(bundle, Performer(), SEED)
    run(chain, sung(ADA, 3.0), values(mode="listen"))
    acoustic = chain._acoustic
    acoustic._stored = [None] * 4
    acoustic.begin(1)
    wanted = acoustic._codebooks.latent.copy()
    assert np.array_equal(acoustic._voice(20, 50.0, 10, replace(PLAIN, timbre=1.0, apart=True)), wanted)
    assert not np.array_equal(acoustic._voice(20, 50.0, 10, replace(PLAIN, timbre=1.0)), wanted)


def test_the_register_keeps_a_print_and_no_sound(heard):
    voice = voices.add("Ada Lovelace", heard[ADA], "her agent said no, 2026-11-01")
    path = voices.folder() / "ada-lovelace.json"
    told = json.loads(path.read_text())
    assert set(told) == {"format", "owner", "note", "added", "seconds", "print"} and len(told["print"]) == NUMBERS
    assert path.stat().st_size < 2000 and stat.S_IMODE(path.stat().st_mode) == 0o600
    (found,), problems = voices.read()
    assert (found.owner, found.note, found.key, problems) == (voice.owner, voice.note, voice.key, [])
    assert found.print == pytest.approx(voice.print, abs=1e-4)
    assert voices.name_of(voice.key) == "Ada Lovelace" and voices.name_of(0) == "" == voices.name_of(5)


def test_several_clips_of_one_owner_are_several_prints(heard):
    names = [voices.add(owner, heard[ADA]).name for owner in ("Ada", "Ada", "ada", "愛", "../../x", "...")]
    assert names == ["ada", "ada-2", "ada-3", "愛", "x", "voice"]
    assert {path.parent for path in voices.folder().iterdir()} == {voices.folder()}


def test_too_little_of_a_voice_is_refused(heard):
    with pytest.raises(UsageError, match="sound with a pitch"):
        voices.add("Ada", heard[ADA][: LEAST - 1])
    with pytest.raises(UsageError, match="--owner"):
        voices.add("  ", heard[ADA])
    assert not voices.folder().exists()


def entry(numbers):
    return json.dumps({"format": 1, "owner": "A", "note": "", "added": "", "seconds": 1, "print": numbers})


NONE = ("", "[]", "{}", '{"format": 2}', "\xff", entry([1]), entry("x"), entry([math.nan] * NUMBERS), "[" * 100_000)


@pytest.mark.parametrize("text", NONE)
def test_a_damaged_file_is_left_out_and_told(heard, text):
    voices.add("Ada", heard[ADA])
    (voices.folder() / "bad.json").write_bytes(text.encode("latin-1"))
    found, (problem,) = voices.read()
    assert [voice.name for voice in found] == ["ada"] and "bad.json" in problem and "\n" not in problem


@pytest.mark.parametrize("register", [voices, works])
def test_a_register_that_cannot_be_read_is_told_of(register):
    """Whoever is in it counts on it: empty is something else."""
    assert register.read() == ([], [])
    register.folder().parent.mkdir(parents=True)
    register.folder().write_text("")
    found, problems = register.read()
    assert not found and len(problems) == 1 and "protected" in problems[0]


def test_the_command_adds_lists_tests_and_removes(tmp_path, capsys):
    for who, name in ((ADA, "ada.wav"), (GRACE, "grace.wav")):
        soundfile.write(tmp_path / name, sung(who, seed=3).ravel(), MODEL_RATE)
    soundfile.write(tmp_path / "again.flac", sung(ADA, seed=4).ravel()[::2], MODEL_RATE // 2)
    soundfile.write(tmp_path / "short.wav", sung(ADA, 2.0).ravel(), MODEL_RATE)
    assert cli.main(["guard", "voice", "add", str(tmp_path / "ada.wav"), "--owner", "Ada", "--note", "said no"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("ada: Ada; ") and "no sound" in told.err
    assert cli.main(["guard", "voice", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["name"], row["owner"], row["note"]) == ("ada", "Ada", "said no") and "print" not in row
    assert cli.main(["guard", "voice", "test", str(tmp_path / "again.flac")]) == 0
    assert "a match" in capsys.readouterr().out
    assert cli.main(["guard", "voice", "test", str(tmp_path / "grace.wav"), "--json"]) == 1
    assert not json.loads(capsys.readouterr().out)["voices"][0]["match"]
    for wrong in (["add", str(tmp_path / "short.wav"), "--owner", "Ada"], ["add", str(tmp_path / "no.wav"), "--owner", "Ada"],
                  ["remove", "adda"], ["test", str(tmp_path / "short.wav")]):  # fmt: skip
        assert cli.main(["guard", "voice", *wrong]) == 2
        assert capsys.readouterr().err.strip().count("\n") == 0
    assert cli.main(["guard", "voice", "remove", "ada"]) == 0
    assert cli.main(["guard", "voice", "test", str(tmp_path / "ada.wav")]) == 1
    assert voices.read() == ([], [])


def test_the_engine_tells_whose_voice_it_was(heard, monkeypatch):
    """Owner in the status; a line when it is taken for one, and not again while it stays so; who performs is told to the model."""
    from antiphon.engine import Engine, EngineConfig

    voices.add("Ada", heard[ADA])
    sound = np.concatenate([sung(ADA, seed=1).ravel(), np.zeros(HOP, np.float32)])[:, None]
    for performer, expected in (("Grace", "Ada"), ("Ada", ""), ("not told", "Ada")):
        engine = Engine(EngineConfig(driver="freewheel", samplerate=MODEL_RATE, in_channels=1, out_channels=1, seed=SEED,
                                     values={"mode": "hold", "phrase_gap_s": 0.1},
                                     person={"performer": performer, "consent": "yes"}))  # fmt: skip
        engine.start()
        try:
            engine.run(sound)
            engine.run(np.zeros((MODEL_RATE, 1), np.float32))
            assert engine.status().answers and engine.status().voice_match == expected
            for _ in range(2):
                engine.proof.watch(engine.segment.read_status())
            told = [line for line in engine.status().messages if "protected" in line]
            line = f"this sounds like the voice of {expected}, which is protected: answering in a stored voice"
            assert told == ([line] if expected else [])
        finally:
            engine.stop()


def test_likeness_is_a_number_whatever_is_compared():
    """A print of silence or of a pure tone is no reason for not-a-number."""
    assert voices.likeness(np.full((1, NUMBERS), 9, np.float32), np.full(NUMBERS, 9, np.float32))[0] == voices.UNLIKE
    flat = np.concatenate([np.zeros(24), np.full(24, math.log(0.05))]).astype(np.float32)
    assert np.isfinite(voices.likeness(np.stack([flat, 100 * flat]), flat)).all()
