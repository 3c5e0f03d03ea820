"""Read the networks of a bundle back out of its step graphs, so that training goes on from any bundle, on any machine.

A graph's matrices are INT8 by column with a scale each; what was folded together for speed (a norm's scale into the matrix
behind it) stays folded: the network that comes back computes what the graph does. Needs the [train] extra.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from ..errors import BundleError
from ..model import score
from ..model.bundle import Bundle
from ..model.gestures import BENDS, PLAN, TRACE, TRAITS
from ..model.timbre import CODEBOOKS, LATENT, LOUDNESS_CLASSES, PITCH_FEATURES


class Constants:
    """The weights of a graph in the order in which its nodes use them."""

    def __init__(self, path: Path):
        graph = onnx.load(str(path)).graph
        self.path = path
        self.named = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
        self._rows = []
        for node in graph.node:
            found = [self.named[name] for name in node.input if name in self.named]
            if node.op_type == "DynamicQuantizeMatMul":
                rounded, scale, zero, *bias = found
                found = [(rounded.astype(np.float32) - zero) * scale, *bias]
            self._rows += [x for x in found if x.dtype.kind == "f"]
        self._next = 0

    def take(self, *shape: int | None) -> torch.Tensor:
        """The next constant, which must have this shape (None: any size). Raises BundleError."""
        if self._next == len(self._rows):
            raise BundleError(f"graph {self.path.name!r} ends before its network does; it was exported by another version")
        value = self._rows[self._next]
        self._next += 1
        if value.ndim != len(shape) or any(want is not None and want != have for want, have in zip(shape, value.shape, strict=True)):
            raise BundleError(f"graph {self.path.name!r}: a constant is {list(value.shape)}, expected {list(shape)}; it was exported by another version")
        return torch.from_numpy(np.array(value, np.float32))

    def matrix(self, name: str) -> torch.Tensor:
        """A matrix of a graph exported by torch, `[out, in]`, by its name without ending."""
        if f"{name}_quantized" in self.named:
            rounded, scale, zero = (self.named[f"{name}_{part}"] for part in ("quantized", "scale", "zero_point"))
            return torch.from_numpy(((rounded.astype(np.float32) - zero) * scale).T.copy())
        return torch.from_numpy(np.array(self.named[name], np.float32))


def _set(parameter: torch.Tensor, value: torch.Tensor) -> None:
    with torch.no_grad():
        parameter.copy_(value.reshape(parameter.shape))


def notes(bundle: Bundle):
    """The note model's network. A bundle exported by torch (its matrices have torch's names) or by hand."""
    from .notes import NoteNet

    found = Constants(bundle.path("notes"))
    layers = sum(name.endswith("norm_feed.weight") for name in found.named)
    nets = [name.removesuffix("_scale") for name in found.named if name.startswith("onnx::MatMul") and name.endswith("_scale")]
    width = len(found.named["norm.weight"])
    net = NoteNet(width=width, layers=layers, feeds=[len(found.named[f"blocks.{n}.up.bias"]) for n in range(layers)])
    size = width // net.heads
    tables = torch.from_numpy(np.array(found.named["table"])).split([score.NOTES, *(len(t.weight) for t in net.told)])
    for table, value in zip((net.pitch, *net.told), tables, strict=True):
        _set(table.weight, value)
    _set(net.chroma.weight, torch.zeros_like(net.chroma.weight))
    for layer, block in enumerate(net.blocks):
        qkv = found.matrix(nets[2 * layer])
        qkv[:width] *= size**0.5
        _set(block.qkv.weight, qkv)
        _set(block.out.weight, found.matrix(nets[2 * layer + 1]))
        for name in ("up", "down"):
            _set(getattr(block, name).weight, found.matrix(f"blocks.{layer}.{name}.weight"))
            _set(getattr(block, name).bias, torch.from_numpy(found.named[f"blocks.{layer}.{name}.bias"].copy()))
        for name in ("norm_attention", "norm_feed"):
            _set(getattr(block, name).weight, torch.from_numpy(found.named[f"blocks.{layer}.{name}.weight"].copy()))
            _set(getattr(block, name).bias, torch.from_numpy(found.named[f"blocks.{layer}.{name}.bias"].copy()))
    for name in ("norm.weight", "norm.bias", "shared.bias", "articulation_end.bias", "pitch_end.bias"):
        _set(net.get_parameter(name), torch.from_numpy(found.named[name].copy()))
    for name in ("shared", "articulation_end", "pitch_end"):
        _set(getattr(net, name).weight, found.matrix(f"{name}.weight"))
    for name in ("ioi_to_articulation", "ioi_to_pitch", "articulation_to_pitch"):
        _set(getattr(net, name).weight, torch.from_numpy(found.named[name].copy()))
    nats = found.named["opinion_nats"]
    _set(net.match_ioi_nats, torch.from_numpy(nats[:, 0].copy()))
    _set(net.match_pitch_nats, torch.from_numpy(nats[:, 1].copy()))
    return net


def _blocks(found: Constants, blocks, width: int, frames: int):
    """The constants of `export_codec.Blocks`: what the past adds for all at once; returns a function that reads one block."""
    past = found.take(frames, None, len(blocks) * width)[0].split(width, 1)
    bias = found.take(len(blocks) * width).split(width)

    def read(number: int) -> None:
        block = blocks[number]
        now = found.take(1, width) if frames == 1 else found.take(frames, frames, width)[0, :1]
        _set(block.kernel, torch.cat([past[number], now]))
        _set(block.bias, bias[number])
        _norm(found, block.norm, width)
        for linear in (block.up, block.down):
            _set(linear.weight, found.take(linear.in_features, linear.out_features).T)
            _set(linear.bias, found.take(linear.out_features))
        _set(block.scale, torch.ones(width))

    return read


def _norm(found: Constants, norm, width: int) -> None:
    found.take(width)
    _set(norm.weight, torch.ones(width))
    _set(norm.bias, torch.zeros(width))


def codec(bundle: Bundle):
    """Encoder, codebooks and decoder as `network.Codec`. Levels of codes that the bundle does not have start at nothing."""
    from . import network

    net = network.Codec()
    encoder, found = net.encoder, Constants(bundle.path("encoder"))
    read = _blocks(found, encoder.blocks, encoder.width, 1)
    _linear(found, encoder.enter)
    for number in range(encoder.count):
        read(number)
    both = found.take(encoder.width + encoder.enter.in_features, LATENT)
    _set(encoder.leave.weight, both[: encoder.width].T)
    _set(encoder.skip.weight, both[encoder.width :].T)
    _set(encoder.leave.bias, found.take(LATENT))
    _set(encoder.skip.bias, torch.zeros(LATENT))

    books = torch.from_numpy(np.load(bundle.folder / CODEBOOKS).astype(np.float32))
    net.quantiser.begin_from(books)

    decoder, found = net.decoder, Constants(bundle.path("decoder"))
    slow = _blocks(found, decoder.blocks[:1], decoder.width, 1)
    fast = _blocks(found, decoder.blocks[1:], decoder.width, 2)
    _linear(found, decoder.enter)
    slow(0)
    split = found.take(decoder.width + 2 * PITCH_FEATURES, 2 * decoder.width)
    _set(decoder.split.weight, split[: decoder.width].T)
    _set(decoder.pitch_in.weight, split[decoder.width : decoder.width + PITCH_FEATURES, : decoder.width].T)
    _set(decoder.split.bias, found.take(2 * decoder.width))
    _set(decoder.pitch_in.bias, torch.zeros(decoder.width))
    for number in range(decoder.count - 1):
        fast(number)
    _norm(found, decoder.norm, decoder.width)
    leave = found.take(decoder.width + 2 * LATENT, decoder.outputs)
    _set(decoder.leave.weight, leave[: decoder.width].T)
    _set(decoder.leave.bias, found.take(decoder.outputs))
    _set(decoder.skip.weight, torch.cat([leave[decoder.width : decoder.width + LATENT], leave[decoder.width + LATENT :]], 1).T)
    return net


def acoustic(bundle: Bundle):
    """The acoustic model's network."""
    from .acoustic import AcousticNet

    memory, tokens = Constants(bundle.path("memory")), Constants(bundle.path("tokens"))
    books = torch.from_numpy(np.load(bundle.folder / CODEBOOKS).astype(np.float32))
    rows, told = memory.take(sum(PLAN), None), memory.take(LATENT + TRACE + TRAITS, None)
    enters, biases = memory.take(rows.shape[1], None), tokens.take(None)
    width, size = rows.shape[1], enters.shape[1] // 3
    levels = next(n for n in range(1, len(books) + 1) if LOUDNESS_CLASSES + BENDS + n * books.shape[1] == len(biases))
    parts = []
    for index in range(levels + 2):
        tokens.take(width)
        parts.append((tokens.take(width, None), tokens.take(None), tokens.take(None, None), tokens.take(None, width) if index <= levels else None))
    net = AcousticNet(books[:levels], width=width, memory=size, units=[len(bias) for _, bias, _, _ in parts])
    _set(net.words.weight, rows)
    _set(net.told.weight, told.T)
    _set(net.told.bias, torch.zeros(width))
    _set(net.gru.weight_ih_l0, enters.T)
    _set(net.gru.bias_ih_l0, memory.take(3 * size))
    _set(net.gru.weight_hh_l0, memory.take(size, 3 * size).T)
    _set(net.gru.bias_hh_l0, memory.take(3 * size))
    memory.take(size)
    _linear(memory, net.leave)
    for index, ((up, bias, head, chosen), own) in enumerate(zip(parts, biases.split(net.sizes), strict=True)):
        _set(net.ups[index].weight, up.T)
        _set(net.ups[index].bias, bias)
        _set(net.heads[index].weight, head.T)
        _set(net.heads[index].bias, own)
        if chosen is not None:  # told through the codebook's entries, of which it is a linear function
            _set(net.chosen[index].weight, chosen if index < 2 else torch.linalg.lstsq(books[index - 2], chosen).solution.T)
    return net


def _linear(found: Constants, linear) -> None:
    _set(linear.weight, found.take(linear.in_features, linear.out_features).T)
    _set(linear.bias, found.take(linear.out_features))
