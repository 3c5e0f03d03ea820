"""Export the tokenizer as one step graph, and say how far INT8 is from the network that was trained.

python -m antiphon.train.export_tokenizer --weights .work/notes/tokenizer.pt --renders .work/render --out .work/export
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

from ..model.graph import StepGraph
from ..model.tokenizer import BINS_PER_NOTE, COLOURS, PITCHES, STACK, FrontEnd, feed
from ..model.tokens import NOTES
from . import tokenizer as trainer


class StepNet(nn.Module):
    """One hop of `TokenizerNet`: the same numbers from the fewest nodes, because at one hop a run most nodes cost more than
    their sums do.

    The hop before comes in as further channels, so no convolution reaches back in time. What reads the same values is one
    product; a note's row of ``coarse`` stands there three times, for its three bins. The GRU is spelled out so that its
    matrices can be INT8.
    """

    def __init__(self, net: trainer.TokenizerNet):
        super().__init__()
        self.first, self.second, self.third = (
            _conv(torch.cat(conv.weight.unbind(2), 1), conv.bias) for conv in (net.first, net.second, net.third)
        )
        weight, bias = zip(*((conv.weight, conv.bias) for conv in (net.reduce, net.note_skip)), strict=True)
        self.notes = _conv(torch.cat(weight), torch.cat(bias), BINS_PER_NOTE)
        self.fine = _conv(net.fine.weight, net.fine.bias)
        self.into = net.into
        self.from_input = _linear(net.gru.weight_ih_l0, net.gru.bias_ih_l0)
        self.from_past = _linear(net.gru.weight_hh_l0, net.gru.bias_hh_l0)
        coarse = torch.arange(PITCHES + 1) // BINS_PER_NOTE
        self.heads = _linear(
            torch.cat([net.note.weight, net.coarse.weight[coarse], net.onset.weight]),
            torch.cat([net.note.bias, net.coarse.bias[coarse], net.onset.bias]),
        )
        self.rest, self.unvoiced_and_onset = torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, 2)

    def cell(self, x, past):
        """`nn.GRU` for one step."""
        sides = 2 * trainer.HIDDEN, trainer.HIDDEN
        gates_x, new_x = self.from_input(x).split(sides, -1)
        gates_h, new_h = self.from_past(past).split(sides, -1)
        reset, update = torch.sigmoid(gates_x + gates_h).chunk(2, -1)
        new = torch.tanh(new_x + reset * new_h)
        return new + update * (past - new)

    def forward(self, stack, colour, x1, x2, gru):
        """(1, 2 STACK, 1, PITCHES), (1, 1, 1, COLOURS) and State -> note, pitch, onset and State; all of four axes."""
        gelu = trainer.gelu
        y1 = gelu(self.first(stack))
        y2 = y1 + gelu(self.second(torch.cat([x1, y1], 1)))
        y3 = gelu(self.third(torch.cat([x2, y2], 1)))
        reduced, note_skip = self.notes(y3).split((6, 1), 1)
        h = gelu(self.into(torch.cat([gelu(reduced).reshape(1, 1, 1, -1), colour], -1)))
        g = self.cell(h, gru)
        logits = self.heads(g + h) + torch.cat([note_skip, self.rest, self.fine(y3), self.unvoiced_and_onset], -1)
        note, pitch, onset = logits.split((NOTES + 1, PITCHES + 1, 1), -1)
        return note.softmax(-1), pitch.softmax(-1), torch.sigmoid(onset), y1, y2, g


def _conv(weight: torch.Tensor, bias: torch.Tensor, stride: int = 1) -> nn.Conv2d:
    """Convolution by weight (out, in, width) along the last axis: as wide as the input, or a ``stride``-th of it.

    Of two axes though one would do: ONNX Runtime has a faster one of that kind.
    """
    out, into, width = weight.shape
    conv = nn.Conv2d(into, out, (1, width), stride=(1, stride), padding=(0, width // 2 if stride == 1 else 0))
    conv.weight.data, conv.bias.data = weight.detach()[:, :, None], bias.detach()
    return conv


def _linear(weight: torch.Tensor, bias: torch.Tensor) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0])
    linear.weight.data, linear.bias.data = weight.detach(), bias.detach()
    return linear


def export(net: trainer.TokenizerNet, path: Path) -> Path:
    """Write the fp32 graph beside ``path`` and the INT8 graph (dynamic, per channel) at ``path``."""
    row = lambda channels: torch.zeros(1, channels, 1, PITCHES)  # noqa: E731
    inputs = {
        "stack": row(2 * STACK), "colour": torch.zeros(1, 1, 1, COLOURS),
        "s_x1": row(trainer.CHANNELS), "s_x2": row(trainer.CHANNELS), "s_gru": torch.zeros(1, 1, 1, trainer.HIDDEN),
    }  # fmt: skip
    outputs = ["note_post", "pitch_post", "onset", "s_x1_next", "s_x2_next", "s_gru_next"]
    full = path.with_name(path.stem + "_fp32.onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        names = {"input_names": list(inputs), "output_names": outputs}
        torch.onnx.export(StepNet(net).eval(), tuple(inputs.values()), str(full), **names, opset_version=20, dynamo=False)
    quantize_dynamic(str(full), str(path), op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, weight_type=QuantType.QInt8)
    return full


def step_posts(path: Path, front: FrontEnd, sound: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run a step graph over (frames,) of sound: note (hops, 77), onset (hops,), pitch (hops, 229) probabilities."""
    graph = StepGraph(path)
    out = []
    for spectra in front.spectra(sound):
        feed(graph.inputs, spectra)
        graph.run()
        out.append([graph.outputs[name].squeeze().copy() for name in ("note_post", "onset", "pitch_post")])
    return tuple(np.stack(column) for column in zip(*out, strict=True))


@torch.no_grad()
def parity(net: trainer.TokenizerNet, path: Path, sounds: np.ndarray) -> dict[str, float]:
    """Compare the graph with the network over (rows, frames) of sound."""
    front, same_note, same_pitch, worst = FrontEnd(), [], [], 0.0
    for sound in sounds:
        note, onset, pitch, _ = net(trainer.spectra(front, sound[None]))
        heard = step_posts(path, front, sound)
        taught = note[0].softmax(-1).numpy(), torch.sigmoid(onset[0]).numpy(), pitch[0].softmax(-1).numpy()
        same_note.append((taught[0].argmax(-1) == heard[0].argmax(-1)).mean())
        same_pitch.append((taught[2].argmax(-1) == heard[2].argmax(-1)).mean())
        worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(taught, heard, strict=False)))
    return {
        "note_top1_agreement": float(np.mean(same_note)),
        "pitch_top1_agreement": float(np.mean(same_pitch)),
        "largest_difference": worst,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", required=True, type=Path)
    parser.add_argument("--renders", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    net = trainer.load(args.weights)
    path = args.out / "tokenizer.onnx"
    full = export(net, path)
    held = trainer.Shards(args.renders, "held").batch(8, 250, np.random.default_rng(1))
    with torch.no_grad():
        loss, within = trainer.losses(net, FrontEnd(), held)
    figures = {
        "bytes": path.stat().st_size,
        "held_out_loss": dict(zip(("note", "onset", "pitch"), map(float, loss), strict=False)),
        "held_out_within_50_cents": within,
        "fp32_graph": parity(net, full, held["sound"][:4]),
        "int8_graph": parity(net, path, held["sound"][:4]),
    }
    (args.out / "tokenizer.json").write_text(json.dumps(figures, indent=1))
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
