"""Codec and acoustic model in a stream: exact State, silence, joins, repeatability."""

import numpy as np
import pytest
from graphs import graph_or_skip

from antiphon.model import gestures
from antiphon.model.acoustic import RELEASE_HOPS, AcousticModel
from antiphon.model.codec import Decoder, Encoder
from antiphon.model.timbre import LATENT
from antiphon.model.tokens import HOP, MODEL_RATE
from antiphon.model.traits import MEMORY_HOPS, Traits


def sung(seconds=1.0, pitch=60.0):
    """A harmonic tone with vibrato, and its pitch per 10 ms."""
    time = np.arange(int(seconds * MODEL_RATE)) / MODEL_RATE
    moving = pitch + 0.3 * np.sin(2 * np.pi * 5.5 * time)
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((moving - 69) / 12)) / MODEL_RATE
    sound = sum(0.2 / h * np.sin(h * phase) for h in range(1, 12))
    return sound.astype(np.float32), moving[HOP // 4 :: HOP // 2].astype(np.float32)


def encode(encoder, sound, pitch):
    """Codes, classes, latents and what the codes say of them, of all hops."""
    hops = []
    for k in range(len(sound) // HOP):
        codes, loudness = encoder.step(sound[k * HOP : (k + 1) * HOP], pitch[2 * k : 2 * k + 2])
        hops.append((codes.copy(), loudness, encoder.latent.copy(), encoder.coded.copy()))
    return hops


def test_encoder_state_is_a_value():
    """After set_state the encoder gives the same codes again, exactly."""
    encoder = Encoder(graph_or_skip("encoder"))
    sound, pitch = sung()
    half = len(sound) // 2 // HOP
    encode(encoder, sound[: half * HOP], pitch)
    kept = encoder.state()
    first = encode(encoder, sound[half * HOP :], pitch[2 * half :])
    encode(encoder, -sound[::-1], pitch)
    encoder.set_state(kept)
    again = encode(encoder, sound[half * HOP :], pitch[2 * half :])
    assert all((a[0] == b[0]).all() and a[1] == b[1] and (a[2] == b[2]).all() for a, b in zip(first, again))


def test_loudness_classes_are_steps_of_a_decibel_and_a_half():
    """Halving the amplitude four times lowers the class by 16; digital silence is class 0."""
    encoder = Encoder(graph_or_skip("encoder"))
    sound, pitch = sung()
    loud = encode(encoder, sound, pitch)[-1][1]
    encoder.reset()
    assert loud - encode(encoder, sound / 16, pitch)[-1][1] == 16
    encoder.reset()
    assert encode(encoder, np.zeros(HOP, np.float32), np.zeros(2))[-1][1] == 0


def test_resynthesis_keeps_pitch_and_level():
    """A sung tone comes back within 10 cents (strongest partial near the fundamental) and 2 dB."""
    encoder, decoder = Encoder(graph_or_skip("encoder")), Decoder(graph_or_skip("decoder"))
    sound, pitch = sung(pitch=69.0)
    heard = enumerate(encode(encoder, sound, pitch))
    made = np.concatenate([decoder.step(coded, loudness, pitch[2 * k : 2 * k + 2]).copy() for k, (_, loudness, _, coded) in heard])
    body = slice(MODEL_RATE // 4, MODEL_RATE // 4 + MODEL_RATE // 2)
    assert abs(20 * np.log10(made[body].std() / sound[body].std())) < 2
    peaks = []
    for y in (sound[body], made[body]):
        spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)), 8 * len(y)))
        hertz = np.arange(len(spectrum)) * MODEL_RATE / (8 * len(y))
        near = (hertz > 400) & (hertz < 480)
        peaks.append((hertz[near] * spectrum[near] ** 2).sum() / (spectrum[near] ** 2).sum())
    assert abs(1200 * np.log2(peaks[1] / peaks[0])) < 10


def test_decoder_state_is_a_value():
    """After set_state the decoder sounds the same frames again, bit for bit, noise included."""
    decoder = Decoder(graph_or_skip("decoder"), seed=4)
    latent = np.linspace(-1, 1, LATENT, dtype=np.float32)
    for _ in range(10):
        decoder.step(latent, 30, np.array([57.0, 57.1]))
    kept = decoder.state()
    first = [decoder.step(latent, 30, np.array([57.0, 57.1])).copy() for _ in range(5)]
    decoder.reset(9)
    decoder.set_state(kept)
    assert all((a == decoder.step(latent, 30, np.array([57.0, 57.1]))).all() for a in first)


def test_silence_is_exactly_silent_and_entered_without_a_click():
    """Class 0 fades within a hop and is zero from the next on; no frame jumps more than the tone itself does."""
    decoder = Decoder(graph_or_skip("decoder"))
    encoder = Encoder(graph_or_skip("encoder"))
    sound, pitch = sung()
    heard, nothing = enumerate(encode(encoder, sound, pitch)), np.zeros(LATENT, np.float32)
    steady = np.concatenate([decoder.step(coded, level, pitch[2 * k : 2 * k + 2]).copy() for k, (_, level, _, coded) in heard])
    fade = decoder.step(nothing, 0, np.zeros(2)).copy()
    assert not decoder.step(nothing, 0, np.zeros(2)).any()
    joined = np.concatenate([steady[-HOP:], fade])
    assert np.abs(np.diff(joined)).max() <= 1.05 * np.abs(np.diff(steady[-10 * HOP :])).max()


def test_bend_classes_return():
    """Every class of bend is the class of its own offset, and offsets within 60 cents are off by at most 2 cents."""
    assert (gestures.bend_class(gestures.BEND_OFFSETS[1:]) == np.arange(1, gestures.BENDS)).all()
    offsets = np.linspace(-0.6, 0.6, 101)
    assert np.abs(gestures.BEND_OFFSETS[gestures.bend_class(offsets)] - offsets).max() <= 0.0201


def test_words_in_plain_python_are_the_trainers_words():
    """plan_rows and trace_of give what the vector functions give, for every note and for ages and remains up to 300 hops."""
    starts = np.cumsum([0, *gestures.PLAN[:-1]])
    for hops in range(300):
        note, remain = (0.0, 30.0, 69.5, 70.5, 120.0)[hops % 5], hops - 1
        wanted = [gestures.note_class(note), hops % 2, gestures.age_class(hops), gestures.remain_class(remain), 5, 7] + starts
        assert (gestures.plan_rows(note, hops % 2 == 1, hops, remain, 5, 7) == wanted).all()
    for now, before, centre in np.random.default_rng(1).choice([0.0, 58.0, 60.0, 60.3, 61.1, 75.0], (200, 3)):
        assert np.allclose(gestures.trace_of(now, before, centre), gestures.trace(now, before, centre), atol=1e-6)


def test_running_traits_are_the_traits_of_the_last_ten_seconds():
    """Sums kept hop by hop equal `gestures.traits` of the kept hops within 1e-4, before and after the oldest fall out; so do uses and loudness."""
    rng, traits, kept, out = np.random.default_rng(0), Traits(), [], np.zeros(gestures.TRAITS, np.float32)
    assert not traits.write(out)
    for hop in range(2 * MEMORY_HOPS + 77):
        bend = np.nan if rng.random() < 0.2 else rng.normal(0, 0.6)
        kept.append((rng.normal(2, 1, LATENT).astype(np.float32), int(rng.integers(1, 48)), bend, rng.integers(0, 256, 4)))
        traits.add(*kept[-1])
        if hop in (5, 40, MEMORY_HOPS - 1, MEMORY_HOPS, MEMORY_HOPS + 1, 2 * MEMORY_HOPS + 76):
            latents, loudness, bends, codes = (np.array(x) for x in zip(*kept[-MEMORY_HOPS:], strict=True))
            assert traits.write(out)
            assert np.abs(out - gestures.traits(latents, loudness, bends)).max() < 1e-4
            assert np.allclose(traits.loudness(), (loudness.mean(), loudness.std()))
            assert np.allclose(traits.use()[2], np.bincount(codes[:, 2], minlength=256) / len(codes))


def heard(model):
    """Let a model listen to a second of a sung tone."""
    encoder = Encoder(graph_or_skip("encoder"))
    sound, pitch = sung()
    for k, (codes, loudness, latent, _) in enumerate(encode(encoder, sound, pitch)):
        model.listen(pitch[2 * k : 2 * k + 2], loudness, latent, codes)
    return model


def answer(model, seed, hops=40):
    """Latents, pitches and levels of one planned note."""
    model.begin(seed)
    played = [model.play(62.25, k == 0, hops - k) for k in range(hops)]
    return np.array([h.latent for h in played]), np.array([h.pitch for h in played]), [h.loudness for h in played]


def test_an_answer_is_repeatable_and_hangs_on_its_seed():
    """The same State and seed give the same hops; another seed gives others."""
    model = heard(AcousticModel(graph_or_skip("memory"), graph_or_skip("tokens")))
    kept = model.state()
    first = answer(model, 5)
    model.set_state(kept)
    again = answer(model, 5)
    model.set_state(kept)
    other = answer(model, 6)
    assert all((np.asarray(a) == np.asarray(b)).all() for a, b in zip(first, again))
    # Timbre may well be the same moments of one short prompt; levels and bends of the onset are chances.
    assert not all((np.asarray(a) == np.asarray(b)).all() for a, b in zip(first, other))


def test_a_planned_note_is_voiced_near_its_pitch_and_a_rest_is_not():
    """From its third hop on, a planned note is voiced within the bends' 7.1 semitones, and settles to 1.5; a rest is not voiced once the note is released."""
    model = heard(AcousticModel(graph_or_skip("memory"), graph_or_skip("tokens")))
    _, pitch, loudness = answer(model, 1)
    assert (np.abs(pitch[3:, 1] - 62.25) < 7.1).all()
    assert (np.abs(pitch[9:30, 1] - 62.25) < 1.51).all()
    assert min(loudness[3:]) > 0
    rest = [model.play(0.0, False, 20 - k) for k in range(20)]
    assert not np.array([h.pitch[1] for h in rest[RELEASE_HOPS:]]).any()


def test_streaming_equals_offline(tmp_path):
    """fp32 graphs hop by hop equal the networks over the whole clip: all codes, and sound at -60 dB or better."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from antiphon.train import export_codec, network

    torch.manual_seed(0)
    codec = network.Codec(width=32).eval()
    export_codec.export_codebooks(codec, tmp_path, network.LEVELS)
    encoder_path = export_codec.export_encoder(codec, tmp_path / "encoder.onnx")
    decoder_path = export_codec.export_decoder(codec, tmp_path / "decoder.onnx")
    sound, pitch = sung()
    pitch[40:50] = 0
    noise = np.random.default_rng(0).standard_normal((len(pitch), HOP)).astype(np.float32)
    made, codes, classes = export_codec.stream(encoder_path, decoder_path, sound, pitch, noise)
    with torch.no_grad():
        latent, loudness = codec.latent(torch.tensor(sound)[None], torch.tensor(pitch)[None])
        wanted, total = codec.quantiser.encode(latent)
        whole, _ = codec.decoder(total, torch.tensor(pitch)[None], loudness, torch.tensor(noise)[None])
    assert (codes == wanted[0].numpy()).mean() > 0.999
    assert (classes == loudness[0].numpy()).all()
    assert 20 * np.log10((made - whole[0].numpy()).std() / made.std()) < -60


def test_a_rest_falls_silent():
    """After any note a rest is exactly silent within 0.6 s, and stays so; it gets there by steps of 3 dB or more, never up."""
    model = heard(AcousticModel(graph_or_skip("memory"), graph_or_skip("tokens")))
    answer(model, 1)
    rest = [model.play(0.0, False, 100 - k).loudness for k in range(100)]
    assert all(b <= max(0, a - 2) for a, b in zip(rest, rest[1:]))
    assert not any(rest[30:])
