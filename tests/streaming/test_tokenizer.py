"""The tokenizer hears the same live as offline, hears pitch where there is one, and nothing where there is none."""

import numpy as np
import pytest
from graphs import graph_or_skip

from antiphon.errors import BundleError
from antiphon.model.segment import Segmenter
from antiphon.model.tokenizer import EDGES, PITCHES, QUIET_DB, SPECTRA, FrontEnd, Tokenizer, read_pitch
from antiphon.model.tokens import HOP, MODEL_RATE, NOTES, REST, STROKE


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(graph_or_skip("tokenizer"))


def voice(pitch, seconds, level=0.1):
    """A sawtooth-like tone with a gentle spectrum."""
    time = np.arange(int(seconds * MODEL_RATE)) / MODEL_RATE
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    partials = [np.sin(2 * np.pi * f0 * k * time) / k**1.5 for k in range(1, 13) if f0 * k < 16_000]
    tone = level * np.sum(partials, axis=0)
    fade = np.minimum(1, np.minimum(np.arange(len(tone)), np.arange(len(tone))[::-1]) / 480)
    return (tone * fade).astype(np.float32)


def hear(tokenizer, sound):
    tokenizer.reset()
    return [tokenizer.step(hop) for hop in sound[: len(sound) // HOP * HOP].reshape(-1, HOP)]


def test_front_end_streams_bit_for_bit():
    """Spectra of a whole recording, as in training, equal those of its hops, as at play: every bit."""
    sound = np.random.default_rng(0).standard_normal(HOP * 40).astype(np.float32)
    front = FrontEnd()
    live = [front.step(hop).copy() for hop in sound.reshape(-1, HOP)]
    assert np.array_equal(front.spectra(sound), np.stack(live))


def test_front_end_looks_at_no_later_sound():
    """A changed hop changes its own spectra and later ones, never earlier ones."""
    sound = np.random.default_rng(1).standard_normal(HOP * 20).astype(np.float32)
    changed = sound.copy()
    changed[10 * HOP :] *= 0.5
    before, after = FrontEnd().spectra(sound), FrontEnd().spectra(changed)
    assert np.array_equal(before[:10], after[:10])
    assert not np.array_equal(before[10], after[10])


@pytest.mark.parametrize("pitch", [48.0, 55.3, 60.0, 67.45, 74.0, 81.2])
def test_pitch_of_a_steady_tone(tokenizer, pitch):
    """After 200 ms, nine tenths of the hops are voiced and within 30 cents of a steady tone."""
    frames = hear(tokenizer, voice(pitch, 1.5))[10:-5]
    near = [abs(frame.pitch - pitch) < 0.3 for frame in frames]
    assert np.mean(near) > 0.9


@pytest.mark.parametrize("level", [0.01, 0.1, 0.5])
def test_loudness_is_rms(tokenizer, level):
    """Loudness is the RMS of the hop in dB of full scale."""
    sound = np.full(HOP * 3, level, np.float32)
    assert hear(tokenizer, sound)[-1].loudness_db == pytest.approx(20 * np.log10(level), abs=0.01)


@pytest.mark.parametrize("kind", ["silence", "soft noise", "loud noise", "mains hum is quiet"])
def test_nothing_is_heard_where_nothing_is_sung(tokenizer, kind):
    """10 s of silence or noise give no note, and hardly a voiced hop."""
    rng = np.random.default_rng(2)
    noise = rng.standard_normal(10 * MODEL_RATE).astype(np.float32)
    time = np.arange(10 * MODEL_RATE) / MODEL_RATE
    sound = {
        "silence": np.zeros_like(noise),
        "soft noise": 0.001 * noise,
        "loud noise": 0.1 * noise,
        "mains hum is quiet": (1e-4 * np.sin(2 * np.pi * 50 * time)).astype(np.float32) + 1e-4 * noise,
    }[kind]
    frames = hear(tokenizer, sound)
    assert np.mean([frame.voiced for frame in frames]) < 0.02
    segmenter = Segmenter()
    notes = [note for frame in frames for note in segmenter.step(frame)] + segmenter.flush()
    assert notes == []


def test_notes_of_a_scale(tokenizer):
    """Eight tones with short gaps become eight notes: pitches within 30 cents, onsets within 60 ms."""
    steps = [60, 62, 64, 65, 67, 69, 71, 72]
    gap = np.zeros(HOP * 4, np.float32)
    parts = [np.zeros(HOP * 20, np.float32)]
    for pitch in steps:
        parts += [voice(pitch + 0.15, 0.4), gap]
    segmenter = Segmenter()
    notes = [n for f in hear(tokenizer, np.concatenate([*parts, *[gap] * 5])) for n in segmenter.step(f)] + segmenter.flush()
    assert [round(n.pitch - 0.15) for n in notes] == steps
    assert np.max(np.abs([n.onset_hop - (20 + 24 * i) for i, n in enumerate(notes)])) <= 3
    assert np.max(np.abs([n.pitch - 0.15 - s for n, s in zip(notes, steps, strict=True)])) < 0.3


def test_streams_from_any_state(tokenizer):
    """Set back to a saved state, the tokenizer hears the same again, bit for bit."""
    sound = voice(64, 1.0)
    hear(tokenizer, sound)
    saved = tokenizer.state()
    tail = voice(67, 0.4)[: 20 * HOP].reshape(-1, HOP)
    one = [(f.pitch, f.onset, f.note_post.tobytes()) for f in map(tokenizer.step, tail)]
    tokenizer.set_state(saved)
    assert [(f.pitch, f.onset, f.note_post.tobytes()) for f in map(tokenizer.step, tail)] == one


def counted(tokenizer, monkeypatch):
    """The list that grows by one with every run of the network."""
    runs, run = [], tokenizer._graph.run
    monkeypatch.setattr(tokenizer._graph, "run", lambda: (runs.append(1), run()))
    return runs


def test_it_sleeps_while_the_microphone_is_quiet(tokenizer, monkeypatch):
    """Below QUIET_DB the network runs only until the windows hold nothing else; then every hop is rest, without a computation.

    Just above QUIET_DB it runs at every hop.
    """
    runs = counted(tokenizer, monkeypatch)
    noise = np.random.default_rng(5).standard_normal(100 * HOP).astype(np.float32)
    hear(tokenizer, 10 ** ((QUIET_DB + 1) / 20) * noise)
    assert len(runs) == 100
    runs.clear()
    frames = hear(tokenizer, np.concatenate([voice(64, 0.4), 10 ** ((QUIET_DB - 2) / 20) * noise]))
    assert len(runs) == 20 + 4
    assert not any(frame.voiced or frame.onset > 0 for frame in frames[24:])
    assert all(frame.note_post[REST] == frame.pitch_post[PITCHES] == 1.0 for frame in frames[24:])
    assert frames[50].loudness_db == pytest.approx(QUIET_DB - 2, abs=0.3)


def test_it_wakes_with_the_first_sound(tokenizer, monkeypatch):
    """After a rest long or short, the hop with sound is heard, and its pitch as soon as without the rest."""
    runs = counted(tokenizer, monkeypatch)
    for rest in (6, 500):
        frames = hear(tokenizer, np.concatenate([voice(64, 0.4), np.zeros(rest * HOP, np.float32), voice(67, 0.4)]))
        voiced = [hop for hop, frame in enumerate(frames[20 + rest :]) if abs(frame.pitch - 67) < 0.3]
        assert voiced[0] <= 3 and len(voiced) >= 15
        assert len(runs) == 44
        runs.clear()


def test_asleep_its_state_is_a_value(tokenizer):
    """Saved asleep or on the way there, and set after other sound: what comes next is heard the same, bit for bit."""
    tail = np.concatenate([np.zeros(4 * HOP, np.float32), voice(67, 0.4)])[: 20 * HOP].reshape(-1, HOP)
    for quiet in (2, 20):
        hear(tokenizer, np.concatenate([voice(64, 0.4), np.zeros(quiet * HOP, np.float32)]))
        saved = tokenizer.state()
        one = [(f.pitch, f.onset, f.note_post.tobytes()) for f in map(tokenizer.step, tail)]
        hear(tokenizer, voice(70, 0.3))
        tokenizer.set_state(saved)
        assert [(f.pitch, f.onset, f.note_post.tobytes()) for f in map(tokenizer.step, tail)] == one


def test_read_pitch():
    """The mean of the bins around the best; unvoiced wins with more than half."""
    post = np.zeros(PITCHES + 1, np.float32)
    post[81], post[82] = 0.5, 0.5
    assert read_pitch(post) == pytest.approx(33 + 81.5 / 3)
    post[:] = 0
    post[PITCHES] = 0.9
    assert read_pitch(post) == 0.0


def test_another_graph_is_refused():
    """A graph with other inputs and outputs, as of an older bundle, is named, with what to do."""
    with pytest.raises(BundleError, match="nothing fills its input 'features'; re-export the bundle"):
        Tokenizer(graph_or_skip("encoder"))


def test_step_graph_equals_the_network(tmp_path):
    """The exported graph, hop by hop with its State, gives what the whole network gives offline."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    pytest.importorskip("scipy")
    from antiphon.train import export_tokenizer, tokenizer

    torch.manual_seed(0)
    net = tokenizer.TokenizerNet().eval()
    full = export_tokenizer.export(net, tmp_path / "tokenizer.onnx")
    sound = np.stack([voice(60, 1.0)])
    found = export_tokenizer.parity(net, full, sound)
    assert found["note_top1_agreement"] == 1.0 and found["pitch_top1_agreement"] == 1.0
    assert found["largest_difference"] < 1e-4


def test_the_network_comes_back_out_of_its_graph(tmp_path):
    """Exactly out of the fp32 graph, nearly out of the INT8 one; out of a graph that knows no strokes, with an unlikely one."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    pytest.importorskip("scipy")
    from antiphon.train import export_tokenizer, recover, tokenizer

    class Folder:
        def __init__(self, path):
            self.path = lambda name: path

    torch.manual_seed(0)
    net = tokenizer.TokenizerNet().eval()
    rounded = tmp_path / "tokenizer.onnx"
    full = export_tokenizer.export(net, rounded)
    for path, most in ((full, 0.0), (rounded, 0.01)):
        back = recover.tokenizer(Folder(path))
        for (name, one), two in zip(net.named_parameters(), back.parameters(), strict=True):
            assert (one - two).abs().max() <= most * one.abs().max(), name
    heard = torch.from_numpy(FrontEnd().spectra(voice(60, 1.0)[: 50 * HOP]))[None]
    old = recover.tokenizer(Folder(graph_or_skip("tokenizer"))).eval()
    with torch.no_grad():
        assert float(old(heard)[0].softmax(-1)[..., STROKE].max()) < 0.2


def test_a_graph_without_strokes_hears_none(tmp_path):
    """Probabilities are those of the classes it has, and the stroke's is 0; with strokes they sum to 1 too."""
    onnx = pytest.importorskip("onnx")
    for extra in (0, 1):
        shapes = {"heads": [1, 1, 1, 2 * NOTES + 3 + extra], "local": [1, 2, 1, PITCHES]}
        tables = {name: np.random.default_rng(1).normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
        weights = [onnx.numpy_helper.from_array(table, f"w_{name}") for name, table in tables.items()]
        nodes = [onnx.helper.make_node("Identity", [f"w_{name}"], [name]) for name in shapes]
        value = lambda name, shape: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(shape))  # noqa: E731
        inputs = [value(name, shape) for name, shape in EDGES.inputs.items()]
        graph = onnx.helper.make_graph(nodes, "some", inputs, [value(*edge) for edge in shapes.items()], weights)
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
        model.ir_version = 9
        onnx.save(model, tmp_path / "some.onnx")
        note, pitch, onset = Tokenizer(tmp_path / "some.onnx").posts(np.zeros(SPECTRA, np.float32))
        heads, local = tables.values()
        wanted = np.append(heads[0, 0, 0, :NOTES] + local[0, 1, 0, 1::3], heads[0, 0, 0, NOTES : NOTES + 1 + extra])
        assert note[: NOTES + 1 + extra] == pytest.approx(np.exp(wanted) / np.exp(wanted).sum(), rel=1e-4)
        assert (note[STROKE] > 0) == bool(extra) and pitch.sum() == pytest.approx(1, abs=1e-5)
        assert onset == pytest.approx(1 / (1 + np.exp(-heads[0, 0, 0, -1])))
