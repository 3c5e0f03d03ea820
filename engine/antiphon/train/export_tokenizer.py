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

from ..model.bundle import Bundle
from ..model.tokenizer import BINS_PER_NOTE, COLOURS, PITCHES, STACK, FrontEnd, Tokenizer
from . import recover
from . import tokenizer as trainer


class StepNet(nn.Module):
    """One hop of `TokenizerNet`: the same numbers from the fewest nodes, because at one hop a run most nodes cost more than
    their sums do.

    The hop before comes in as further channels, so no convolution reaches back in time; what reads the same values is one
    product; what follows the logits is in C. ``note_skip`` is made at every bin and read at every third. The GRU is spelled
    out so that its matrices can be INT8.
    """

    def __init__(self, net: trainer.TokenizerNet):
        super().__init__()
        self.first, self.second, self.third = (
            _conv(torch.cat(conv.weight.unbind(2), 1), conv.bias) for conv in (net.first, net.second, net.third)
        )
        self.reduce = _conv(net.reduce.weight, net.reduce.bias, BINS_PER_NOTE)
        self.local = _conv(torch.cat([net.fine.weight, net.note_skip.weight]), torch.cat([net.fine.bias, net.note_skip.bias]))
        self.into = net.into
        self.from_input = _linear(net.gru.weight_ih_l0, net.gru.bias_ih_l0)
        self.from_past = _linear(net.gru.weight_hh_l0, net.gru.bias_hh_l0)
        heads = net.note, net.coarse, net.onset
        self.heads = _linear(torch.cat([head.weight for head in heads]), torch.cat([head.bias for head in heads]))

    def cell(self, x, past):
        """`nn.GRU` for one step."""
        sides = 2 * trainer.HIDDEN, trainer.HIDDEN
        gates_x, new_x = self.from_input(x).split(sides, -1)
        gates_h, new_h = self.from_past(past).split(sides, -1)
        reset, update = torch.sigmoid(gates_x + gates_h).chunk(2, -1)
        new = torch.tanh(new_x + reset * new_h)
        return new + update * (past - new)

    def forward(self, stack, colour, x1, x2, gru):
        """(1, 2 STACK, 1, PITCHES), (1, 1, 1, COLOURS) and State -> heads, local (see ap_hearing.h) and State; all of four axes."""
        gelu = trainer.gelu
        y1 = gelu(self.first(stack))
        y2 = y1 + gelu(self.second(torch.cat([x1, y1], 1)))
        y3 = gelu(self.third(torch.cat([x2, y2], 1)))
        h = gelu(self.into(torch.cat([gelu(self.reduce(y3)).reshape(1, 1, 1, -1), colour], -1)))
        g = self.cell(h, gru)
        return self.heads(g + h), self.local(y3), y1, y2, g


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
    outputs = ["heads", "local", "s_x1_next", "s_x2_next", "s_gru_next"]
    full = path.with_name(path.stem + "_fp32.onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        names = {"input_names": list(inputs), "output_names": outputs}
        torch.onnx.export(StepNet(net).eval(), tuple(inputs.values()), str(full), **names, opset_version=20, dynamo=False)
    quantize_dynamic(str(full), str(path), op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, weight_type=QuantType.QInt8)
    return full


def step_posts(path: Path, front: FrontEnd, sound: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run a step graph over (frames,) of sound: note (hops, 78), onset (hops,), pitch (hops, 229) probabilities."""
    tokenizer = Tokenizer(path)
    note, pitch, onset = zip(*map(tokenizer.posts, front.spectra(sound)), strict=True)
    return np.stack(note), np.array(onset), np.stack(pitch)


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


@torch.no_grad()
def blend(net: trainer.TokenizerNet, start: trainer.TokenizerNet, share: float) -> None:
    """Take `share` of the way from the weights it was trained on from to those of `net`, in place (Wortsman et al. 2022).

    What it has learned from renders is nearly all there; what it knew of singers before, and of renders never heard, is kept.
    """
    for now, before in zip(net.parameters(), start.parameters(), strict=True):
        now.copy_(share * now + (1 - share) * before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", required=True, type=Path)
    parser.add_argument("--renders", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--blend", metavar="BUNDLE", help="take its weights, which training began with, into account")
    parser.add_argument("--share", type=float, default=0.75, help="how much of the way from those to these (0 to 1)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    net = trainer.load(args.weights)
    if args.blend:
        blend(net, recover.tokenizer(Bundle.open(args.blend)), args.share)
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
