"""A network goes into step graphs and comes back out of them: training goes on from any bundle."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from antiphon.errors import BundleError  # noqa: E402
from antiphon.model import gestures, score  # noqa: E402
from antiphon.model.timbre import HEARD, LATENT, LOUDNESS_CLASSES  # noqa: E402
from antiphon.train import acoustic, export_acoustic, export_codec, export_notes, network, notes, recover  # noqa: E402

LEVELS = 4


@dataclasses.dataclass
class Folder:
    """The graphs of one kind in a folder, in place of a bundle."""

    folder: Path
    ending: str

    def path(self, name):
        return self.folder / f"{name}{self.ending}.onnx"


@pytest.fixture(params=[("_fp32", 1e-4), ("", 0.05)], ids=["fp32", "int8"])
def kind(request, tmp_path):
    """A folder for graphs, and how far what comes back may be off, relative to the largest number."""
    ending, limit = request.param
    return Folder(tmp_path, ending), limit


def unsettled(net):
    """Every parameter away from where it begins: a norm's scale, a match's nats."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.1 * parameter.std().nan_to_num(0.1).clamp(min=0.1) * torch.randn_like(parameter)
    return net.eval()


def near(wanted, found, limit):
    return (wanted - found).abs().max() <= limit * wanted.abs().max()


@torch.no_grad()
def test_the_note_model_returns(kind):
    """Logits of the network that was exported, pruned sizes and all."""
    folder, limit = kind
    rng, shape = np.random.default_rng(0), (2, 40)
    net = unsettled(notes.NoteNet(width=64, layers=2, heads=2, feeds=[96, 48], ends=(32, 80), size=16))
    export_notes.export(net, folder.path("notes").with_name("notes.onnx"))
    classes = {
        "pitch": score.NOTES, "ioi": score.IOIS, "articulation": score.ARTICULATIONS, "register": 2 * score.LEAP + 1, "hops": 90,
        "match_interval": score.INTERVALS, "match_ioi": score.IOIS + 1, "match_length": score.LONGEST_MATCH + 1,
    }  # fmt: skip
    batch = notes.as_tensors({name: rng.integers(0, count, shape) for name, count in classes.items()})
    found = recover.notes(folder)
    assert {**found.shape, "layers": 2} == net.shape
    for wanted, logits in zip(net(batch), found(batch), strict=True):
        assert near(wanted, logits, limit)


@torch.no_grad()
def test_the_codec_returns(kind):
    """Latents of the encoder and raw outputs of the decoder that were exported, and their codebooks."""
    folder, limit = kind
    codec = unsettled(network.Codec(width=32, levels=LEVELS, encoder=[48, 24], decoder=[64, 32, 40, 16]))
    export_codec.export_codebooks(codec, folder.folder, LEVELS)
    export_codec.export_encoder(codec, folder.folder / "encoder.onnx")
    export_codec.export_decoder(codec, folder.folder / "decoder.onnx")
    found = recover.codec(folder)
    assert found.shape == {**codec.shape, "levels": network.LEVELS}
    assert (found.quantiser.codebooks[:LEVELS] == codec.quantiser.codebooks).all()
    features, latent = torch.randn(1, 9, HEARD), torch.randn(1, 9, LATENT)
    pitch, loudness = 50 + 20 * torch.rand(1, 18), torch.randint(1, LOUDNESS_CLASSES, (1, 9))
    for wanted, value in zip(*(net.encoder(features, network.zero_state(1, 2, 32))[:1] for net in (codec, found)), strict=True):
        assert near(wanted, value, limit)
    told = latent, pitch, loudness, torch.zeros(1, 1), network.zero_state(1, 4, 32)
    assert near(codec.decoder.trunk(*told)[0], found.decoder.trunk(*told)[0], limit)


@torch.no_grad()
def test_the_acoustic_model_returns(kind):
    """Logits of every token of the network that was exported."""
    folder, limit = kind
    net = unsettled(acoustic.AcousticNet(torch.randn(LEVELS, 256, LATENT), width=32, memory=48, units=[24, 32, 40, 16, 24, 32]))
    np.save(folder.folder / "codebooks.npy", net.codebooks.numpy())
    export_acoustic.export_memory(net, folder.folder / "memory.onnx")
    export_acoustic.export_tokens(net, folder.folder / "tokens.onnx")
    found = recover.acoustic(folder).eval()
    assert found.shape == net.shape
    plan = torch.stack([torch.randint(count, (1, 12)) for count in gestures.PLAN[:-1]], -1)
    told = [torch.randn(1, 12, size) for size in (LATENT, gestures.TRACE)]
    tokens = torch.stack([torch.randint(size, (1, 12)) for size in net.sizes], -1)
    inputs = plan, torch.randint(LOUDNESS_CLASSES, (1, 12)), *told, torch.randn(1, 1, gestures.TRAITS), tokens
    for wanted, logits in zip(net(*inputs), found(*inputs), strict=True):
        assert near(wanted, logits, limit)


def test_another_graph_is_refused(tmp_path):
    """A graph of another kind in a network's place is a BundleError that names it."""
    net = acoustic.AcousticNet(torch.randn(LEVELS, 256, LATENT), width=32, memory=48)
    export_acoustic.export_memory(net, tmp_path / "notes.onnx")
    with pytest.raises(BundleError, match="notes.onnx"):
        recover.notes(Folder(tmp_path, ""))
