"""One hop of everything: heard in every mode, answered at the next hop, repeatable from its seed and its State."""

import numpy as np
import pytest

from antiphon.chain import Chain
from antiphon.model.bundle import Bundle
from antiphon.model.score import Note
from antiphon.model.tokens import HOP, MODEL_RATE
from antiphon.params import REGISTRY
from antiphon.perform import Performer

TUNE = (60, 62, 64, 65, 67, 65, 64, 62)


@pytest.fixture(scope="module")
def bundle():
    return Bundle.open("hum")


def hummed(notes=TUNE, note_s=0.3, gap_s=0.06, level=0.2):
    """A plain hum of a few notes in C major, (hops, 960) float32: five harmonics, soft attacks, the room's noise."""
    rng = np.random.default_rng(3)
    pieces = []
    for note in notes:
        time = np.arange(int(note_s * MODEL_RATE)) / MODEL_RATE
        tone = sum(np.sin(2 * np.pi * h * 440 * 2 ** ((note - 69) / 12) * time) / h**2 for h in range(1, 6))
        swell = np.minimum(1, np.minimum(time / 0.03, (note_s - time) / 0.05))
        pieces += [level * tone * swell, np.zeros(int(gap_s * MODEL_RATE))]
    sound = np.concatenate(pieces)
    sound = sound[: len(sound) // HOP * HOP] + 1e-4 * rng.standard_normal(len(sound) // HOP * HOP)
    return sound.astype(np.float32).reshape(-1, HOP)


def tapped(taps=8, wait_s=0.3, level=0.3):
    """Fingers on a table, two kinds by turns: damped knocks 30 ms long with silence between them."""
    rng = np.random.default_rng(5)
    sound = 1e-4 * rng.standard_normal(int((taps * wait_s + 0.2) * MODEL_RATE) // HOP * HOP)
    time = np.arange(int(0.15 * MODEL_RATE)) / MODEL_RATE
    for tap in range(taps):
        modes = ((180, 0.02), (410, 0.012), (950, 0.006)) if tap % 2 == 0 else ((620, 0.01), (1400, 0.006), (2600, 0.004))
        knock = sum(np.exp(-time / fall) * np.sin(2 * np.pi * hertz * time + hertz) for hertz, fall in modes)
        knock += rng.standard_normal(len(time)) * np.exp(-time / 0.003)
        begin = int((0.1 + tap * wait_s) * MODEL_RATE)
        sound[begin : begin + len(knock)] += level * knock / 3
    return sound.astype(np.float32).reshape(-1, HOP)


def quiet(hops):
    return (1e-4 * np.random.default_rng(4).standard_normal((hops, HOP))).astype(np.float32)


def values(**changes):
    params = np.array(REGISTRY.step_defaults())
    for path, value in changes.items():
        row = REGISTRY.resolve(path)
        at = REGISTRY.step_index(path)
        params[at : at + row.width] = value if row.kind == "trigger" else row.encode(value)
    return params


def run(chain, sound, params):
    return np.array([chain.step(hop, params).copy() for hop in sound])


def sounding(voice):
    """Per hop: whether anything sounds."""
    return np.abs(voice).max(axis=1) > 0


def test_silent_until_asked_then_at_the_very_next_hop(bundle):
    """The hop in which the trigger is seen is the first with voice; before it every frame is exactly zero."""
    chain = Chain(bundle, Performer())
    assert not run(chain, hummed(), values(mode="listen")).any()
    answer = run(chain, quiet(50), values(trigger=1))
    assert sounding(answer)[0] and sounding(answer).mean() > 0.5


def test_a_phrase_is_answered_by_itself(bundle):
    """In mode answer the voice begins when `phrase_gap_s` of silence has passed, and not before."""
    chain = Chain(bundle, Performer())
    params = values(phrase_gap_s=0.4)
    assert not run(chain, hummed(), params).any()
    heard = sounding(run(chain, quiet(60), params))
    first = int(np.argmax(heard))
    assert heard.any() and 12 <= first <= 25, f"began after {first} hops of silence, 20 were asked for"


def test_a_phrase_of_taps_is_answered(bundle):
    """Taps with silence between them are one phrase, and the voice begins when `phrase_gap_s` of silence has passed."""
    chain = Chain(bundle, Performer())
    params = values(phrase_gap_s=0.5)
    assert not run(chain, np.concatenate([quiet(50), tapped()]), params).any()
    heard = sounding(run(chain, quiet(60), params))
    assert heard.any() and int(np.argmax(heard)) <= 25


def test_one_knock_is_not_answered(bundle):
    chain = Chain(bundle, Performer())
    assert not run(chain, np.concatenate([quiet(50), tapped(taps=1), quiet(150)]), values(phrase_gap_s=0.5)).any()


def test_strokes_are_kept_from_the_note_model(bundle, monkeypatch):
    """What the segmenter gives without a pitch goes to the strokes, with the sound it had; notes go to the note model."""
    chain = Chain(bundle, Performer())
    given = {20: [Note(12, 0.0, 3, -20.0)], 35: [Note(27, 0.0, 3, -20.0)], 60: [Note(40, 62.0, 15, -20.0)]}
    monkeypatch.setattr(chain._segmenter, "step", lambda frame: given.get(chain._hop, []))
    run(chain, tapped()[:50], values(mode="listen"))
    chain.settle()
    assert chain._strokes.share() == 1.0 and not chain._notes.key.heard
    run(chain, tapped()[50:80], values(mode="listen"))
    chain.settle()
    assert chain._strokes.share() == pytest.approx(2 / 3) and chain._notes.key.heard
    assert chain.status["notes_heard"] == 3


def test_a_sung_scale_holds_no_strokes(bundle):
    """Nor do silence and a held tone."""
    chain = Chain(bundle, Performer())
    run(chain, np.concatenate([hummed(), quiet(50), hummed(notes=(60,), note_s=2.0), quiet(50)]), values(mode="listen"))
    chain.settle()
    assert not chain._strokes.heard and chain._notes.key.heard


def test_it_stops_when_time_is_up(bundle):
    chain = Chain(bundle, Performer())
    run(chain, hummed(), values(mode="listen"))
    answer = sounding(run(chain, quiet(150), values(trigger=1, answer_s=1.0)))
    assert not answer[50:].any()


def test_it_yields_within_one_hop(bundle):
    """The performer begins again: at most the hop in which that is heard still sounds, and it ends at zero."""
    chain = Chain(bundle, Performer())
    run(chain, hummed(), values(mode="listen"))
    run(chain, quiet(50), values(trigger=1, answer_s=8.0))
    assert chain.performer.answering
    again = run(chain, hummed(level=0.5), values(trigger=1, answer_s=8.0))
    heard = sounding(again)
    last = int(np.flatnonzero(heard)[-1]) if heard.any() else -1
    assert last <= 4, f"still sounding {last} hops after the performer began"
    assert last < 0 or abs(again[last, -1]) < 1e-6


def test_panic_is_silence_and_forgetting(bundle):
    chain = Chain(bundle, Performer())
    run(chain, hummed(), values(mode="listen"))
    run(chain, quiet(20), values(trigger=1))
    after = run(chain, quiet(30), values(trigger=1, panic=1))
    assert not after[1:].any() and chain.status["notes_heard"] == 0
    assert not run(chain, quiet(20), values(trigger=2, panic=1)).any(), "it answered what it had forgotten"


def test_same_seed_same_voice_other_seed_another(bundle):
    def answer(seed):
        chain = Chain(bundle, Performer(), seed)
        run(chain, hummed(), values(mode="listen", seed=seed))
        return run(chain, quiet(60), values(trigger=1, seed=seed))

    assert np.array_equal(answer(1), answer(1))
    assert not np.array_equal(answer(1), answer(2))


def test_state_is_a_value(bundle):
    """A chain put back to a saved State in the middle of an answer goes on with the same frames, bit for bit."""
    chain = Chain(bundle, Performer())
    run(chain, hummed(), values(mode="listen"))
    run(chain, quiet(20), values(trigger=1))
    saved = chain.state()
    first = run(chain, quiet(60), values(trigger=1))
    run(chain, hummed((48, 50)), values(trigger=1))
    chain.set_state(saved)
    assert np.array_equal(first, run(chain, quiet(60), values(trigger=1)))


def test_what_is_put_off_changes_nothing(bundle):
    """Settled after each step, as the worker does, or only by the next step: the same frames, bit for bit."""

    def answer(settled):
        chain = Chain(bundle, Performer())
        out = []
        for sound, params in ((hummed(), values(mode="listen")), (quiet(60), values(trigger=1))):
            for hop in sound:
                shared = hop.copy()  # a buffer that is written over before the put-off part runs
                out.append(chain.step(shared, params).copy())
                if settled:
                    chain.settle()
                shared[:] = 0
        return np.array(out)

    assert np.array_equal(answer(True), answer(False))


def test_notes_are_planned_after_the_voice_is_away(bundle, monkeypatch):
    """Only the first pitch of an answer is chosen within a step: the note model would make that step late."""
    chain = Chain(bundle, Performer())
    run(chain, hummed(), values(mode="listen"))
    calls = {"step": 0, "settle": 0}
    where = "step"
    plan = chain._notes.next
    monkeypatch.setattr(chain._notes, "next", lambda *a: (calls.update({where: calls[where] + 1}), plan(*a))[1])
    for hop in quiet(100):
        where = "step"
        chain.step(hop, values(trigger=1))
        where = "settle"
        chain.settle()
    assert calls["settle"] >= 3 and calls["step"] == 0


def test_priming_is_hearing(bundle):
    """A chain that re-hears the past answers like one that heard it live, in the same key and register."""
    primed, live = Chain(bundle, Performer()), Chain(bundle, Performer())
    primed.prime(hummed(), values(mode="listen"))
    run(live, hummed(), values(mode="listen"))
    waiting = values(mode="listen")
    run(primed, quiet(40), waiting), run(live, quiet(40), waiting)
    assert np.array_equal(run(primed, quiet(40), values(trigger=1)), run(live, quiet(40), values(trigger=1)))


@pytest.mark.parametrize("sound", ["zeros", "full scale noise", "clipped"])
def test_any_sound_gives_finite_voice(bundle, sound):
    """Whatever the callback passes on (it takes out what is not a number), the voice is finite and within ten times full scale."""
    rng = np.random.default_rng(0)
    hops = {
        "zeros": np.zeros((60, HOP)), "full scale noise": rng.uniform(-1, 1, (60, HOP)),
        "clipped": np.clip(50 * hummed()[:60], -1, 1),
    }[sound].astype(np.float32)
    chain = Chain(bundle, Performer())
    voice = np.concatenate([run(chain, hops, values()), run(chain, hummed(), values()), run(chain, quiet(60), values(trigger=1))])
    assert np.isfinite(voice).all() and np.abs(voice).max() < 10


@pytest.mark.parametrize("level", [0.2, 0.02, 0.002])
def test_the_answer_is_about_as_loud_as_the_performer(bundle, level):
    """A quiet microphone must not be answered at full scale: somebody may wear the headphones."""
    def loudest_db(hops):
        return 10 * np.log10((hops.reshape(-1, 10 * HOP) ** 2).mean(axis=1).max())

    prompt = hummed(level=level)
    for seed in (1, 2, 3):
        chain = Chain(bundle, Performer(), seed)
        run(chain, prompt, values(mode="listen", seed=seed))
        answer = run(chain, quiet(300) * 0.01, values(mode="hold", trigger=1, seed=seed))
        above = loudest_db(answer) - loudest_db(prompt[: len(prompt) // 10 * 10])
        assert -10 < above < 6, f"seed {seed}: {above:.1f} dB above the performer"


def test_panic_while_catching_up_is_heeded(bundle):
    """In the hops that are re-heard after a stall, panic forgets as it does in the others, and the next phrase is kept."""
    chain = Chain(bundle, Performer())
    run(chain, hummed(), values(mode="listen"))
    run(chain, quiet(20), values(trigger=1))
    chain.prime(quiet(5), values(trigger=1, panic=1))
    run(chain, quiet(5), values(mode="listen", trigger=1, panic=1))
    assert chain.status["notes_heard"] == 0
    run(chain, hummed(), values(mode="listen", trigger=1, panic=1))
    assert chain.status["notes_heard"] > 0


def hears_strokes(bundle):
    return bundle.manifest["graphs"]["tokenizer"]["outputs"]["heads"][-1] > 155


def test_taps_are_answered_by_taps(bundle):
    """After a phrase of taps the answer has no pitch, and strokes with gaps between them, about as many a second as were tapped."""
    if not hears_strokes(bundle):
        pytest.skip("the bundle hears no strokes")
    chain = Chain(bundle, Performer(), 1)
    run(chain, np.concatenate([quiet(50), tapped(12)]), values(mode="listen"))
    params, voice, pitches = values(mode="hold", trigger=1), [], []
    for hop in quiet(200):
        voice.append(chain.step(hop, params).copy())
        pitches.append(chain.status["pitch_played"])
    assert not any(pitches)
    level = np.abs(voice).max(axis=1)
    strokes = np.sum((level[1:] > 0.25 * level.max()) & (level[:-1] <= 0.25 * level.max()))
    assert 8 <= strokes <= 22  # 4 s of a tap every 0.3 s; 13 were tapped so fast
    assert np.mean(level < 0.03 * level.max()) > 0.3


def test_taps_of_before_a_restart_are_answered_by_taps(bundle):
    """A chain that has heard them as the past only strikes them too."""
    if not hears_strokes(bundle):
        pytest.skip("the bundle hears no strokes")
    chain = Chain(bundle, Performer(), 1)
    chain.prime(np.concatenate([quiet(50), tapped(12)]), values(mode="listen"))
    voice = run(chain, quiet(150), values(mode="hold", trigger=1))
    assert np.abs(voice).max() > 0.1 and np.mean(sounding(voice)) > 0.05


def test_a_hum_is_not_answered_by_taps(bundle):
    chain = Chain(bundle, Performer(), 1)
    run(chain, np.concatenate([quiet(50), hummed()]), values(mode="listen"))
    chain.step(quiet(1)[0], values(mode="hold", trigger=1))
    chain.settle()
    assert not chain._beats.playing and chain._line.playing
