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
from ..model.tokenizer import PITCHES, SPECTRUM, FrontEnd
from . import tokenizer as trainer


class StepNet(nn.Module):
    """One hop of `TokenizerNet`. The GRU is spelled out so that its matrices can be INT8."""

    def __init__(self, net: trainer.TokenizerNet):
        super().__init__()
        self.net = net
        gru = net.gru
        self.from_input, self.from_past = (
            nn.Linear(trainer.HIDDEN, 3 * trainer.HIDDEN),
            nn.Linear(trainer.HIDDEN, 3 * trainer.HIDDEN),
        )
        self.from_input.weight.data, self.from_input.bias.data = gru.weight_ih_l0.data, gru.bias_ih_l0.data
        self.from_past.weight.data, self.from_past.bias.data = gru.weight_hh_l0.data, gru.bias_hh_l0.data

    def cell(self, x, past):
        """`nn.GRU` for one step, (1, 1, hidden) -> the same twice."""
        reset_x, update_x, new_x = self.from_input(x[0]).chunk(3, -1)
        reset_h, update_h, new_h = self.from_past(past[0]).chunk(3, -1)
        update = torch.sigmoid(update_x + update_h)
        new = torch.tanh(new_x + torch.sigmoid(reset_x + reset_h) * new_h)
        out = ((1 - update) * new + update * past[0])[None]
        return out, out

    def forward(self, long, short, x0, x1, x2, gru):
        spelled, self.net.gru = self.net.gru, None
        self.net.gru = _Cell(self.cell)
        note, onset, pitch, state = self.net(long[None], short[None], (x0, x1, x2, gru))
        self.net.gru = spelled
        return note[0].softmax(-1), torch.sigmoid(onset[0]), pitch[0].softmax(-1), *state


class _Cell(nn.Module):
    def __init__(self, function):
        super().__init__()
        self._function = [function]  # in a list, so that it isn't registered twice

    def forward(self, x, past):
        return self._function[0](x, past)


def export(net: trainer.TokenizerNet, path: Path) -> Path:
    """Write the fp32 graph beside ``path`` and the INT8 graph (dynamic, per channel) at ``path``."""
    inputs = {
        "long": torch.zeros(1, SPECTRUM), "short": torch.zeros(1, SPECTRUM),
        "s_x0": torch.zeros(1, trainer.STACK, 1, PITCHES), "s_x1": torch.zeros(1, trainer.CHANNELS, 1, PITCHES),
        "s_x2": torch.zeros(1, trainer.CHANNELS, 1, PITCHES), "s_gru": torch.zeros(1, 1, trainer.HIDDEN),
    }  # fmt: skip
    outputs = ["note_post", "onset", "pitch_post", "s_x0_next", "s_x1_next", "s_x2_next", "s_gru_next"]
    full = path.with_name(path.stem + "_fp32.onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        names = {"input_names": list(inputs), "output_names": outputs}
        torch.onnx.export(StepNet(net).eval(), tuple(inputs.values()), str(full), **names, opset_version=18, dynamo=False)
    quantize_dynamic(str(full), str(path), op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, weight_type=QuantType.QInt8)
    return full


def step_posts(path: Path, front: FrontEnd, sound: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run a step graph over (frames,) of sound: note (hops, 77), onset (hops,), pitch (hops, 229) probabilities."""
    graph = StepGraph(path)
    out = []
    for long, short in zip(*front.spectra(sound), strict=False):
        graph.inputs["long"][0], graph.inputs["short"][0] = long, short
        graph.run()
        out.append([graph.outputs[name][0].copy() for name in ("note_post", "onset", "pitch_post")])
    return tuple(np.stack(column) for column in zip(*out, strict=False))


@torch.no_grad()
def parity(net: trainer.TokenizerNet, path: Path, sounds: np.ndarray) -> dict[str, float]:
    """Compare the graph with the network over (rows, frames) of sound."""
    front, same_note, same_pitch, worst = FrontEnd(), [], [], 0.0
    for sound in sounds:
        note, onset, pitch, _ = net(*trainer.spectra(front, sound[None]))
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
