"""Export the note model as one step graph, and say how far INT8 is from the network that was trained.

python -m antiphon.train.export_notes --weights .work/notes/notes.pt --data MELODIES --out .work/export
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

from ..model import score
from ..model.graph import StepGraph
from . import melodies
from . import notes as trainer

SILENT = -1e9


class StepNet(nn.Module):
    """One note of `NoteNet` for the live instrument: emits only the new keys and values, the host keeps the ring."""

    def __init__(self, net: trainer.NoteNet):
        super().__init__()
        self.net = net

    def forward(self, token, cos, sin, mask, noise, ioi_bias, articulation_bias, pitch_bias, sharpness, tail, match_nats, *ring):
        net = self.net
        pitch, interval, register, ioi_before, articulation_before = (
            token[0:1],
            token[1:2],
            token[2:3],
            token[3:4],
            token[4:5],
        )
        match = (token[5:6], token[6:7], token[7:8])
        x = net.tokens(pitch, interval, ioi_before, articulation_before, register, match)
        keys_new, values_new = [], []
        for layer, block in enumerate(net.blocks):
            keys, values = ring[2 * layer], ring[2 * layer + 1]  # (heads, d, window), (heads, window, d)
            q, k, v = block.qkv(block.norm_attention(x)).view(3, block.heads, 1, -1).unbind(0)
            q, k = turn(q, cos, sin), turn(k, cos, sin)
            logits = torch.cat([q @ keys + mask, (q * k).sum(-1, keepdim=True)], -1) * q.shape[-1] ** -0.5
            weights = logits.softmax(-1)
            attended = weights[..., : score.WINDOW] @ values + weights[..., score.WINDOW :] * v
            x = x + block.out(attended.reshape(1, -1))
            x = x + block.down(F.gelu(block.up(block.norm_feed(x)), approximate="tanh"))
            keys_new.append(k[:, 0])
            values_new.append(v[:, 0])
        h = net.norm(x)
        longer = (match[2] > 1).to(h.dtype)
        ioi_noise = noise[: score.IOIS]
        articulation_noise = noise[score.IOIS : score.IOIS + score.ARTICULATIONS]
        pitch_noise = noise[score.IOIS + score.ARTICULATIONS :]

        known = F.one_hot(match[1], score.IOIS + 1)[:, : score.IOIS].to(h.dtype)
        ioi_logits = net.ioi_logits(h, match) + known * longer * match_nats[0]
        ioi = choose(ioi_logits * sharpness[0] + ioi_bias, ioi_noise, tail)
        articulation_logits = net.articulation_head(torch.cat([h, net.ioi_chosen(ioi)], -1))
        articulation = choose(articulation_logits * sharpness[0] + articulation_bias[ioi], articulation_noise, tail)
        target = pitch + match[0] - score.LEAP
        valid = (match[0] < score.NO_INTERVAL) & (target >= 0) & (target < score.NOTES)
        wanted = F.one_hot(target.clamp(0, score.NOTES - 1), score.NOTES).to(h.dtype) * valid.to(h.dtype)[:, None]
        pitch_logits = net.pitch_logits(h, ioi, articulation, pitch, match) + wanted * longer * match_nats[1]
        following = choose(pitch_logits * sharpness[1] + pitch_bias, pitch_noise, tail)
        logits = torch.cat([ioi_logits[0], articulation_logits[0], pitch_logits[0]])
        return ioi, articulation, following, logits, torch.stack(keys_new), torch.stack(values_new)


def turn(x, cos, sin):
    """`rotate` for (heads, 1, d) with angles (heads, d / 2)."""
    a, b = x.chunk(2, -1)
    cos, sin = cos[:, None], sin[:, None]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


def choose(logits, noise, tail):
    """Sample by Gumbel noise among the classes no more than ``tail`` nats below the best, (1, classes) -> (1,)."""
    floor = logits.max(-1, keepdim=True)[0] - tail
    kept = torch.where(logits >= floor, logits + noise, torch.full_like(logits, SILENT))
    return kept.argmax(-1)


def export(net: trainer.NoteNet, path: Path) -> Path:
    """Write the fp32 graph beside ``path`` and the INT8 graph (dynamic, per channel) at ``path``."""
    size = net.width // net.heads
    noise = torch.zeros(score.IOIS + score.ARTICULATIONS + score.NOTES)
    inputs = {
        "token": torch.zeros(8, dtype=torch.int64),
        "cos": torch.zeros(net.heads, size // 2), "sin": torch.zeros(net.heads, size // 2),
        "mask": torch.zeros(score.WINDOW), "noise": noise, "ioi_bias": torch.zeros(score.IOIS),
        "articulation_bias": torch.zeros(score.IOIS, score.ARTICULATIONS), "pitch_bias": torch.zeros(score.NOTES),
        "sharpness": torch.ones(2), "tail": torch.ones(1), "match_nats": torch.zeros(2),
    }  # fmt: skip
    for layer in range(net.layers):
        inputs[f"keys_{layer}"] = torch.zeros(net.heads, size, score.WINDOW)
        inputs[f"values_{layer}"] = torch.zeros(net.heads, score.WINDOW, size)
    full = path.with_name(path.stem + "_fp32.onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        outputs = ["ioi", "articulation", "pitch", "logits", "keys_new", "values_new"]
        names = {"input_names": list(inputs), "output_names": outputs}
        torch.onnx.export(StepNet(net).eval(), tuple(inputs.values()), str(full), **names, opset_version=18, dynamo=False)
    quantize_dynamic(str(full), str(path), op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, weight_type=QuantType.QInt8)
    return full


def step_logits(path: Path, batch: dict[str, np.ndarray], rows: int) -> np.ndarray:
    """Teacher-force a step graph over performances: (rows, notes, all classes)."""
    graph = StepGraph(path)
    heads, size = graph.inputs["keys_0"].shape[:2]
    layers = sum(name.startswith("keys_") for name in graph.inputs)
    by_note, by_time = score.angle_rates(size // 2)
    notes = batch["pitch"].shape[1]
    out = np.zeros((rows, notes, score.IOIS + score.ARTICULATIONS + score.NOTES), np.float32)
    graph.inputs["sharpness"][:] = 1
    graph.inputs["tail"][:] = 1
    for row in range(rows):
        pick = {name: array[row] for name, array in batch.items()}
        graph.inputs["mask"][:] = SILENT
        onset = np.concatenate([[0], np.cumsum(pick["hops"])[:-1]])
        for n in range(notes):
            interval = score.interval_index(pick["pitch"][n] - pick["pitch"][n - 1]) if n else score.NO_INTERVAL
            ioi, articulation = (pick["ioi"][n - 1], pick["articulation"][n - 1]) if n else (score.NO_IOI, score.NO_ARTICULATION)
            match = [pick[name][n] for name in ("match_interval", "match_ioi", "match_length")]
            graph.inputs["token"][:] = [pick["pitch"][n], interval, pick["register"][n], ioi, articulation, *match]
            angle = np.stack([n * by_note] * (heads // 2) + [onset[n] * by_time] * (heads - heads // 2))
            graph.inputs["ioi_bias"][:] = 0  # the later heads hang on the timing, so the true one is forced
            graph.inputs["ioi_bias"][pick["ioi"][n]] = -SILENT
            graph.inputs["articulation_bias"][:] = 0
            graph.inputs["articulation_bias"][:, pick["articulation"][n]] = -SILENT
            graph.inputs["cos"][:], graph.inputs["sin"][:] = np.cos(angle), np.sin(angle)
            graph.run()
            out[row, n] = graph.outputs["logits"]
            slot = n % score.WINDOW
            for layer in range(layers):
                graph.inputs[f"keys_{layer}"][:, :, slot] = graph.outputs["keys_new"][layer]
                graph.inputs[f"values_{layer}"][:, slot] = graph.outputs["values_new"][layer]
            graph.inputs["mask"][slot] = 0
    return out


def parity(net: trainer.NoteNet, path: Path, batch: dict[str, np.ndarray], rows: int = 12) -> dict[str, float]:
    """Compare the graph at ``path`` with the network: nats per note over all three heads, top-1 agreement."""
    batch = {name: array[:rows] for name, array in batch.items()}
    tensors = trainer.as_tensors(batch)
    with torch.no_grad():
        taught = torch.cat(net(tensors), -1)
    heard = torch.from_numpy(step_logits(path, batch, rows))
    cuts = [score.IOIS, score.ARTICULATIONS, score.NOTES]
    nats = {"torch": 0.0, "graph": 0.0}
    agree = []
    targets = [tensors[name] for name in ("ioi", "articulation", "next_pitch")]
    for a, b, target in zip(taught.split(cuts, -1), heard.split(cuts, -1), targets, strict=False):
        for name, logits in (("torch", a), ("graph", b)):
            nats[name] += F.cross_entropy(logits.transpose(1, 2), target).item()
        agree.append((a.argmax(-1) == b.argmax(-1)).float().mean().item())
    return {"torch_nats": nats["torch"], "graph_nats": nats["graph"], "top1_agreement": float(np.mean(agree)),
            "largest_logit_difference": (taught - heard).abs().max().item()}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", required=True, type=Path)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    net = trainer.load(args.weights)
    path = args.out / "notes.onnx"
    full = export(net, path)
    _, held = melodies.split(melodies.read_lines(args.data))
    batch = melodies.performances(held, 96, 128, seed=5, plain=True)
    tensors = trainer.as_tensors(batch)
    told, alone = trainer.measure(net, tensors), trainer.measure(net, trainer.without_match(tensors))
    figures = {
        "bytes": path.stat().st_size,
        "held_out_nats": dict(zip(("inter_onset", "articulation", "pitch"), map(float, told), strict=False)),
        "onset_and_pitch_nats": float(told[0] + told[2]),
        "onset_and_pitch_nats_without_match": float(alone[0] + alone[2]),
        "fp32_graph": parity(net, full, batch),
        "int8_graph": parity(net, path, batch),
    }
    assert math.isfinite(figures["int8_graph"]["graph_nats"])
    (args.out / "notes.json").write_text(json.dumps(figures, indent=1))
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
