"""Read the networks of a bundle back out of its step graphs, so that training goes on from any bundle, on any machine.

A graph's matrices are INT8 by column with a scale each; what was folded together for speed (a norm's scale into the matrix
behind it) stays folded: the network that comes back computes what the graph does. Needs the [train] extra.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from ..errors import BundleError
from ..model import score
from ..model.bundle import Bundle
from ..model.gestures import BENDS, PLAN, TRACE, TRAITS
from ..model.timbre import CODEBOOKS, HEARD, LATENT, LOUDNESS_CLASSES, PITCH_FEATURES, PLANNED
from ..model.tokens import NOTES, REST


class Constants:
    """The weights of a graph in the order in which its nodes use them."""

    def __init__(self, path: Path):
        graph = onnx.load(str(path)).graph
        self.path, self.inputs = path, [edge.name for edge in graph.input]
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
        if value.ndim != len(shape) or any(want not in (None, have) for want, have in zip(shape, value.shape, strict=True)):
            found = f"a constant is {list(value.shape)}, expected {list(shape)}"
            raise BundleError(f"graph {self.path.name!r}: {found}; it was exported by another version")
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
    found = Constants(bundle.path("notes"))
    return _notes_of_torch(found) if "norm.weight" in found.named else _notes_by_hand(found)


def _notes_by_hand(found: Constants):
    """The constants of `export_notes`, in its order."""
    from .export_notes import GROUPS, STARTS
    from .notes import NoteNet

    table = found.take(int(STARTS[-1]), None)
    found.take(2)
    pitch_bias = found.take(sum(GROUPS))[STARTS[-1] :]
    half = found.take(1, None).shape[1]
    found.take(1, half)
    width, layers = table.shape[1] - 2, []
    for _ in range(sum(name.startswith("keys_") for name in found.inputs)):
        found.take(width)
        attention = found.take(width, None), found.take(None), found.take(None, width)
        found.take(width)
        layers.append((*attention, found.take(width, None), found.take(None), found.take(None, width), found.take(width)))
    found.take(width)
    shared, bias, to_articulation = found.take(width, None), found.take(None), found.take(score.IOIS, None)
    ends = to_articulation.shape[1], shared.shape[1] - score.IOIS - to_articulation.shape[1]
    heads = layers[0][2].shape[0] // (2 * half)
    net = NoteNet(width=width, layers=len(layers), heads=heads, feeds=[len(layer[4]) for layer in layers], ends=ends, size=2 * half)
    for block, (qkv, qkv_bias, out, up, up_bias, down, down_bias) in zip(net.blocks, layers, strict=True):
        turned = heads * net.size
        qkv[:, :turned] *= net.size**0.5
        qkv_bias[:turned] *= net.size**0.5
        # Only a norm can hold the bias of a product that has none: the offset that gives it in the least squares.
        _set(block.norm_attention.bias, torch.linalg.lstsq(qkv.T, qkv_bias[:, None]).solution)
        for linear, weight in ((block.qkv, qkv), (block.out, out), (block.up, up), (block.down, down)):
            _set(linear.weight, weight.T)
        _set(block.up.bias, up_bias)
        _set(block.down.bias, down_bias)
    _tables(net, table[:, :width])
    nats = table[STARTS[7] :, width:]
    _set(net.match_ioi_nats, nats[:, 0])
    _set(net.match_pitch_nats, nats[:, 1])
    _set(net.shared.weight, shared.T)
    _set(net.shared.bias, bias)
    _set(net.ioi_to_articulation.weight, to_articulation)
    _linear(found, net.articulation_end)
    _set(net.ioi_to_pitch.weight, found.take(score.IOIS, ends[1]))
    _set(net.articulation_to_pitch.weight, found.take(score.ARTICULATIONS, ends[1]))
    _set(net.pitch_end.weight, found.take(ends[1], score.NOTES).T)
    _set(net.pitch_end.bias, pitch_bias)
    return net


def _tables(net, table: torch.Tensor) -> None:
    """The embeddings of a token's words, one behind the other."""
    parts = table.split([score.NOTES, *(len(t.weight) for t in net.told)])
    for known, value in zip((net.pitch, *net.told), parts, strict=True):
        _set(known.weight, value)
    _set(net.chroma.weight, torch.zeros_like(net.chroma.weight))


def _notes_of_torch(found: Constants):
    """The constants of a graph that torch exported: the bundle `hum` of version 0."""
    from .notes import NoteNet

    layers = sum(name.endswith("norm_feed.weight") for name in found.named)
    nets = [name.removesuffix("_scale") for name in found.named if name.startswith("onnx::MatMul") and name.endswith("_scale")]
    width = len(found.named["norm.weight"])
    net = NoteNet(width=width, layers=layers, feeds=[len(found.named[f"blocks.{n}.up.bias"]) for n in range(layers)])
    size = width // net.heads
    _tables(net, torch.from_numpy(np.array(found.named["table"])))
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


def _block(found: Constants, width: int, frames: int) -> tuple:
    """One block of `export_codec.Blocks`: its newest tap, and its two matrices with their biases."""
    now = found.take(1, width) if frames == 1 else found.take(frames, frames, width)[0, :1]
    found.take(width)
    up, up_bias = found.take(width, None), found.take(None)
    return now, up, up_bias, found.take(len(up_bias), width), found.take(width)


def _fill(blocks, past: torch.Tensor, biases: torch.Tensor, parts: list[tuple]) -> None:
    """Blocks from what the past adds, taken for all at once, and each one's own constants."""
    width = len(blocks[0].bias)
    for block, before, bias, part in zip(blocks, past.split(width, 1), biases.split(width), parts, strict=True):
        now, up, up_bias, down, down_bias = part
        for parameter, value in (
            (block.kernel, torch.cat([before, now])), (block.bias, bias), (block.scale, torch.ones(width)),
            (block.norm.weight, torch.ones(width)), (block.norm.bias, torch.zeros(width)),
            (block.up.weight, up.T), (block.up.bias, up_bias), (block.down.weight, down.T), (block.down.bias, down_bias),
        ):  # fmt: skip
            _set(parameter, value)


def codec(bundle: Bundle):
    """Encoder, codebooks and decoder as `network.Codec`. Levels of codes that the bundle does not have start at nothing."""
    from . import network

    books = torch.from_numpy(np.load(bundle.folder / CODEBOOKS).astype(np.float32))
    heard, made = Constants(bundle.path("encoder")), Constants(bundle.path("decoder"))
    past = heard.take(1, None, None)[0]
    biases, enter, enter_bias = heard.take(past.shape[1]), heard.take(HEARD, None), heard.take(None)
    width = len(enter_bias)
    parts = [_block(heard, width, 1) for _ in range(past.shape[1] // width)]

    begun = [(made.take(frames, None, None)[0], made.take(None)) for frames in (1, 2)]
    planned, planned_bias = made.take(PLANNED, width), made.take(width)
    slow = [_block(made, width, 1)]
    split, split_bias = made.take(width + 2 * PITCH_FEATURES, 2 * width), made.take(2 * width)
    fast = [_block(made, width, 2) for _ in range(begun[1][0].shape[1] // width)]

    net = network.Codec(width, encoder=[len(part[2]) for part in parts], decoder=[len(part[2]) for part in slow + fast])
    net.quantiser.begin_from(books)
    encoder, decoder = net.encoder, net.decoder
    _set(encoder.enter.weight, enter.T)
    _set(encoder.enter.bias, enter_bias)
    _fill(encoder.blocks, past, biases, parts)
    both = heard.take(width + HEARD, LATENT)
    _set(encoder.leave.weight, both[:width].T)
    _set(encoder.skip.weight, both[width:].T)
    _set(encoder.leave.bias, heard.take(LATENT))
    _set(encoder.skip.bias, torch.zeros(LATENT))

    _set(decoder.enter.weight, planned.T)
    _set(decoder.enter.bias, planned_bias)
    _fill(decoder.blocks[:1], *begun[0], slow)
    _set(decoder.split.weight, split[:width].T)
    _set(decoder.pitch_in.weight, split[width : width + PITCH_FEATURES, :width].T)
    _set(decoder.split.bias, split_bias)
    _set(decoder.pitch_in.bias, torch.zeros(width))
    _fill(decoder.blocks[1:], *begun[1], fast)
    made.take(width)
    _set(decoder.norm.weight, torch.ones(width))
    _set(decoder.norm.bias, torch.zeros(width))
    leave = made.take(width + 2 * LATENT, decoder.outputs)
    _set(decoder.leave.weight, leave[:width].T)
    _set(decoder.leave.bias, made.take(decoder.outputs))
    _set(decoder.skip.weight, torch.cat([leave[width : width + LATENT], leave[width + LATENT :]], 1).T)
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
        up, bias, head = tokens.take(width, None), tokens.take(None), tokens.take(None, None)
        parts.append((up, bias, head, tokens.take(None, width) if index <= levels else None))
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


def tokenizer(bundle: Bundle):
    """The tokenizer's network. Where a bundle knows no strokes, their class begins as the rest's, and less likely."""
    from .tokenizer import TokenizerNet

    found, net = Constants(bundle.path("tokenizer")), TokenizerNet()
    number = lambda name: int(name.removeprefix("onnx::MatMul_"))  # noqa: E731
    names = {name.removesuffix("_quantized") for name in found.named if re.fullmatch(r"onnx::MatMul_\d+(_quantized)?", name)}
    matrices = sorted(names, key=number)
    if len(matrices) != 4 or "first.weight" not in found.named:
        raise BundleError(f"graph {found.path.name!r}: {len(matrices)} matrices, expected 4; it was exported by another version")
    whole = any(name in found.named for name in matrices)  # not rounded: these lie the other way
    into, from_input, from_past, heads = (found.matrix(name).T if whole else found.matrix(name) for name in matrices)
    plain = {name: torch.from_numpy(np.array(value, np.float32)) for name, value in found.named.items() if value.dtype.kind == "f"}
    for conv in (net.first, net.second, net.third, net.reduce):
        name = next(name for name, module in net.named_children() if module is conv)
        weight = plain[f"{name}.weight"][:, :, 0]
        _set(conv.weight, torch.stack(weight.split(conv.in_channels, 1), 2))
        _set(conv.bias, plain[f"{name}.bias"])
    for conv, weight, bias in zip((net.fine, net.note_skip), plain["local.weight"].split(1), plain["local.bias"].split(1), strict=True):
        _set(conv.weight, weight)
        _set(conv.bias, bias)
    _set(net.into.weight, into)
    _set(net.into.bias, plain["into.bias"])
    for side, weight in (("ih", from_input), ("hh", from_past)):
        _set(net.gru.get_parameter(f"weight_{side}_l0"), weight)
        _set(net.gru.get_parameter(f"bias_{side}_l0"), plain[f"from_{'input' if side == 'ih' else 'past'}.bias"])
    bias, classes = plain["heads.bias"], len(heads) - NOTES - 2
    if classes == NOTES + 1:
        heads = torch.cat([heads[: NOTES + 1], heads[REST : REST + 1], heads[NOTES + 1 :]])
        bias = torch.cat([bias[: NOTES + 1], bias[REST : REST + 1] - 3.0, bias[NOTES + 1 :]])
    parts = [NOTES + 2, NOTES + 1, 1]
    for head, weight, value in zip((net.note, net.coarse, net.onset), heads.split(parts), bias.split(parts), strict=True):
        _set(head.weight, weight)
        _set(head.bias, value)
    return net
