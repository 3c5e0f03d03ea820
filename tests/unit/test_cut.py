"""Pruning takes what others can stand in for, and leaves networks of the sizes asked for."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from antiphon.model import gestures, score  # noqa: E402
from antiphon.model.graph import StepGraph  # noqa: E402
from antiphon.model.timbre import HEARD, LATENT, LOUDNESS_CLASSES  # noqa: E402
from antiphon.train import acoustic, cut, network, notes, sketch  # noqa: E402


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@torch.no_grad()
def doubled(up, down, first=0):
    """Make the second half of a layer's units copies of the first, as `first` inputs of the layer behind are no units of it."""
    half = len(up.bias) // 2
    up.weight[half:], up.bias[half:] = up.weight[:half], up.bias[:half]
    assert down.in_features == first + 2 * half


def melody():
    rng = np.random.default_rng(0)
    sizes = {
        "pitch": score.NOTES, "ioi": score.IOIS, "articulation": score.ARTICULATIONS, "register": 2 * score.LEAP + 1, "hops": 90,
        "match_interval": score.INTERVALS, "match_ioi": score.IOIS + 1, "match_length": score.LONGEST_MATCH + 1,
        "next_pitch": score.NOTES,
    }  # fmt: skip
    return notes.as_tensors({name: rng.integers(0, size, (4, 64)) for name, size in sizes.items()})


def performance(net, hops=100):
    plan = torch.stack([torch.randint(count, (4, hops)) for count in gestures.PLAN[:-1]], -1)
    told = [torch.randn(4, hops, size) for size in (LATENT, gestures.TRACE)]
    tokens = torch.stack([torch.randint(size, (4, hops)) for size in net.sizes], -1)
    return plan, torch.randint(LOUDNESS_CLASSES, (4, hops)), *told, torch.randn(4, 1, gestures.TRAITS), tokens


@torch.no_grad()
def test_units_that_others_stand_in_for_go_unheard():
    """A network half of whose units are copies computes the same without them, within 1 % of its largest number."""
    net, batch = notes.NoteNet(width=32, layers=1, heads=2, feeds=[64], ends=(16, 16)).eval(), melody()
    doubled(net.blocks[0].up, net.blocks[0].down)
    small = cut.note_net(net, [batch], 0.5, 2, 1)
    assert small.shape["feeds"] == [32] and small.shape["ends"] == [16, 16]
    assert all((a - b).abs().max() < 0.01 * a.abs().max() for a, b in zip(net(batch), small(batch), strict=True))

    net = acoustic.AcousticNet(torch.randn(3, 256, LATENT), width=16, memory=32, units=[64] * 5).eval()
    inputs = performance(net)
    for up, head in zip(net.ups, net.heads, strict=True):
        doubled(up, head, first=16)
    small = cut.acoustic_net(net, [inputs], 0.5, 32)
    assert small.shape == {"width": 16, "memory": 32, "units": [32] * 5}
    assert all((a - b).abs().max() < 0.01 * a.abs().max() for a, b in zip(net(*inputs), small(*inputs), strict=True))


@torch.no_grad()
def test_a_cut_codec_keeps_its_latents():
    """The same of encoder and decoder."""
    codec = network.Codec(width=16, levels=3, encoder=[64, 64], decoder=[64, 64, 64]).eval()
    for block in [*codec.encoder.blocks, *codec.decoder.blocks]:
        doubled(block.up, block.down)
    features, latent = torch.randn(4, 100, HEARD), torch.randn(4, 100, LATENT)
    told = latent, 50 + 20 * torch.rand(4, 200), torch.randint(1, LOUDNESS_CLASSES, (4, 100)), torch.zeros(4, 1)
    small = cut.codec_net(codec, [(features, told)], {"encoder": 0.5, "decoder": 0.5}, {"encoder": 2, "decoder": 3})
    assert small.shape == {"width": 16, "levels": 3, "encoder": [32, 32], "decoder": [32] * 3}
    for run in (lambda net: net.encoder(features, network.zero_state(4, 2, 16))[0],
                lambda net: net.decoder.trunk(*told, network.zero_state(4, 3, 16))[0]):  # fmt: skip
        assert (run(codec) - run(small)).abs().max() < 0.01 * run(codec).abs().max()


@torch.no_grad()
def test_a_memory_unit_that_never_moves_goes_first():
    """GRU units that nobody reads are the ones cut; the rest goes on as before."""
    net = acoustic.AcousticNet(torch.randn(3, 256, LATENT), width=16, memory=32).eval()
    idle = torch.arange(5, 21)
    net.gru.weight_hh_l0[:, idle] = 0
    net.leave.weight[:, idle] = 0
    small = cut.acoustic_net(net, [inputs := performance(net)], 1.0, 16)
    stays = [n for n in range(32) if n not in idle.tolist()]
    assert torch.equal(small.gru.weight_ih_l0, net.gru.weight_ih_l0.view(3, 32, -1)[:, stays].flatten(0, 1))
    assert all(torch.isfinite(logits).all() for logits in small(*inputs))


@torch.no_grad()
def test_heads_go_in_pairs_and_the_idle_layer_first():
    """As many heads turn by note as by time after a cut; a layer that adds nothing is the one that goes."""
    net, batch = notes.NoteNet(width=32, layers=3, heads=4, feeds=[32] * 3, ends=(16, 16)).eval(), melody()
    for linear in (net.blocks[1].out, net.blocks[1].down):
        linear.weight.zero_()
    net.blocks[1].down.bias.zero_()
    net.blocks[0].out.weight[:, 8:24] = 0  # its second and third head: one that turns by note, one by time
    net.blocks[2].out.weight[:, 8:24] = 0
    small = cut.note_net(net, [batch, batch], 1.0, 2, 2)
    assert small.shape == net.shape | {"layers": 2, "heads": 2, "feeds": [32] * 2}
    assert all((a - b).abs().max() < 0.01 * a.abs().max() for a, b in zip(net(batch), small(batch), strict=True))


def test_divergence_is_zero_of_the_same_odds_only():
    """Nats are 0 for logits that differ by a constant, and positive for others."""
    logits = torch.randn(5, 7)
    assert cut.divergence(logits, logits + 3).abs() < 1e-6
    assert cut.divergence(logits, -logits) > 0.1


@pytest.mark.parametrize("block", [32, 64])
def test_four_bits_are_sixteen_steps_of_a_block(block, tmp_path):
    """A product with 4-bit weights is that of the weights rounded to an eighth of their block's largest."""
    rng = np.random.default_rng(0)
    weight, x = rng.normal(size=(96, 24)).astype(np.float32), rng.normal(size=(1, 96)).astype(np.float32)
    made = sketch.Sketch(4, block)
    made.linear("x", weight, np.zeros(24, np.float32), to="y")
    made.write(tmp_path / "four.onnx", {"x": x}, {"y": sketch.zeros(1, 24)})
    graph = StepGraph(tmp_path / "four.onnx")
    graph.inputs["x"][:] = x
    graph.run()
    largest = np.abs(weight).max(0)
    assert np.abs(graph.outputs["y"] - x @ weight).max() < np.abs(x).sum() * largest.max() / 8
    assert np.corrcoef(graph.outputs["y"][0], (x @ weight)[0])[0, 1] > 0.98
