"""The acoustic model's graphs are its network, and sample by the rule that they state."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from antiphon.model import gestures  # noqa: E402
from antiphon.model.graph import StepGraph  # noqa: E402
from antiphon.train import acoustic, export_acoustic  # noqa: E402

LEVELS, HOPS = 4, 12


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return acoustic.AcousticNet(torch.randn(LEVELS, 256, gestures.LATENT), width=32, memory=48).eval()


@pytest.fixture(scope="module")
def inputs():
    """A performance of random words, in the order of `AcousticNet.forward`."""
    rng = np.random.default_rng(0)
    plan = np.stack([rng.integers(0, count, (1, HOPS)) for count in gestures.PLAN[:5]], -1)
    loudness = rng.integers(0, gestures.LOUDNESS_CLASSES, (1, HOPS))
    latent, trace = rng.normal(0, 1, (1, HOPS, gestures.LATENT)), rng.normal(0, 1, (1, HOPS, gestures.TRACE))
    tokens = np.stack([rng.integers(0, count, (1, HOPS)) for count in (48, 96, *[256] * LEVELS)], -1)
    arrays = (plan, loudness, latent.astype(np.float32), trace.astype(np.float32), rng.normal(0, 1, (1, 1, gestures.TRAITS)).astype(np.float32), tokens)
    return [torch.from_numpy(array) for array in arrays]


def test_logits_hop_by_hop_are_the_networks(net, inputs, tmp_path):
    """fp32 graphs with forced choices give every logit of the taught network within 1e-3."""
    memory = export_acoustic.export_memory(net, tmp_path / "memory.onnx")
    tokens = export_acoustic.export_tokens(net, tmp_path / "tokens.onnx", logits=True)
    heard = export_acoustic.forced_logits(memory, tokens, inputs, clips=1)
    with torch.no_grad():
        taught = net(*inputs)
    assert len(heard) == 2 + LEVELS
    for a, b in zip(taught, heard, strict=False):
        assert (a - b).abs().max() < 1e-3 * a.abs().max()


def test_a_token_is_the_best_of_those_above_the_tail(net, tmp_path):
    """Each token is the largest of logit + leaning + noise among those whose logit + leaning is within its tail of the best."""
    graph = StepGraph(export_acoustic.export_tokens(net, tmp_path / "tokens.onnx", logits=True))
    rng, cut = np.random.default_rng(1), 0
    logits = [graph.outputs[f"logits_{index}"][0] for index in range(2 + LEVELS)]
    starts = np.cumsum([0] + [len(x) for x in logits])
    for _ in range(50):
        graph.inputs["context"][:] = rng.normal(0, 1, graph.inputs["context"].shape)
        graph.inputs["tail"][:] = rng.uniform(0.05, 1.0, 2 + LEVELS)
        graph.inputs["noise"][:] = rng.gumbel(size=starts[-1])
        graph.inputs["leaning"][:] = np.where(rng.random(starts[-1]) < 0.1, -1e9, rng.normal(0, 0.3, starts[-1]))
        graph.run()
        for index, wanted in enumerate(logits):  # leanings are in them
            score = wanted + graph.inputs["noise"][starts[index]:starts[index + 1]]
            above = wanted >= wanted.max() - graph.inputs["tail"][index]
            assert graph.outputs["tokens"][index] == np.where(above, score, -np.inf).argmax()
            cut += score.argmax() != graph.outputs["tokens"][index]
    assert cut > 50  # the tail was of consequence
