"""Export the note model as one step graph, and say how far INT8 is from the network that was trained.

python -m antiphon.train.export_notes --weights .work/notes/notes.pt --data MELODIES --out .work/export
"""

from __future__ import annotations

import argparse
import copy
import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..model import score
from ..model.graph import StepGraph
from . import melodies
from . import notes as trainer
from .onnx_step import export_step

SILENT = -1e9


class StepNet(nn.Module):
    """One note of `NoteNet` for the live instrument: emits only the new keys and values, the host keeps the ring.

    The runtime's cost is by the node, so the same sums are written with as few as can be: one table for all embeddings of
    a token, one product for what all heads want of the trunk, choices told through tables already multiplied.
    """

    def __init__(self, net: trainer.NoteNet):
        super().__init__()
        self.blocks, self.norm, heads = net.blocks, net.norm, net.blocks[0].heads
        size = net.width // heads
        pitch = net.pitch.weight + net.chroma.weight[(torch.arange(score.NOTES) + score.NOTE_LO) % 12]
        tables = [pitch, *(table.weight for table in net.told)]
        self.register_buffer("table", torch.cat(tables).detach())
        self.register_buffer("starts", torch.tensor(np.cumsum([0, *(len(table) for table in tables[:-1])])))
        self.register_buffer("other_half", torch.arange(size).roll(size // 2))
        self.register_buffer("opinion_ioi", torch.eye(score.IOIS + 1, score.IOIS))
        self.register_buffer("opinion_pitch", torch.eye(score.NOTES + 1, score.NOTES))
        self.register_buffer("opinion_nats", torch.stack([net.match_ioi_nats, net.match_pitch_nats], -1).detach())
        for block in self.blocks:  # queries are divided by the root of their size here, once for all
            block.qkv.weight.data[: net.width] *= size**-0.5
        self.shared, self.articulation_end, self.pitch_end = net.shared, net.articulation_end, net.pitch_end
        self.cuts = [score.IOIS, *net.shape["ends"]]
        for name in ("ioi_to_articulation", "ioi_to_pitch", "articulation_to_pitch"):
            self.register_buffer(name, getattr(net, name).weight.detach())

    def forward(self, token, cos, sin, mask, noise, ioi_bias, articulation_bias, pitch_bias, sharpness, tail, match_nats, *ring):
        x = self.table[token[:8] + self.starts].sum(0, keepdim=True)
        fresh = []
        for layer, block in enumerate(self.blocks):
            keys, values = ring[2 * layer], ring[2 * layer + 1]  # (heads, d, window), (heads, window, d)
            qkv = block.qkv(block.norm_attention(x)).view(3 * block.heads, 1, -1)
            qk, v = qkv.split([2 * block.heads, block.heads])
            q, k = (qk * cos + qk[:, :, self.other_half] * sin).split(block.heads)
            logits = torch.cat([q @ keys + mask, (q * k).sum(-1, keepdim=True)], -1)
            past, now = logits.softmax(-1).split([score.WINDOW, 1], -1)
            x = x + block.out((past @ values + now * v).reshape(1, -1))
            x = x + block.down(F.gelu(block.up(block.norm_feed(x)), approximate="tanh"))
            fresh += [k, v]
        of_ioi, of_articulation, of_pitch = self.shared(self.norm(x)).split(self.cuts, -1)
        ioi_noise, articulation_noise, pitch_noise = noise.split([score.IOIS, score.ARTICULATIONS, score.NOTES])
        nats_ioi, nats_pitch = (self.opinion_nats[token[7]] + match_nats).split(1)
        cold, warm = sharpness.split(1)

        ioi_logits = of_ioi + self.opinion_ioi[token[6]] * nats_ioi
        ioi = choose(ioi_logits * cold + ioi_bias, ioi_noise, tail)
        articulation_logits = self.articulation_end(F.gelu(of_articulation + self.ioi_to_articulation[ioi]))
        articulation = choose(articulation_logits * cold + articulation_bias[ioi], articulation_noise, tail)
        told = self.ioi_to_pitch[ioi] + self.articulation_to_pitch[articulation]
        pitch_logits = self.pitch_end(F.gelu(of_pitch + told)) + self.opinion_pitch[token[8]] * nats_pitch
        following = choose(pitch_logits * warm + pitch_bias, pitch_noise, tail)
        return ioi, articulation, following, torch.cat([ioi_logits, articulation_logits, pitch_logits], -1), *fresh


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
        "token": torch.zeros(9, dtype=torch.int64),
        "cos": torch.zeros(2 * net.heads, 1, size), "sin": torch.zeros(2 * net.heads, 1, size),
        "mask": torch.zeros(score.WINDOW), "noise": noise, "ioi_bias": torch.zeros(score.IOIS),
        "articulation_bias": torch.zeros(score.IOIS, score.ARTICULATIONS), "pitch_bias": torch.zeros(score.NOTES),
        "sharpness": torch.ones(2), "tail": torch.ones(1), "match_nats": torch.zeros(2),
    }  # fmt: skip
    for layer in range(net.layers):
        inputs[f"keys_{layer}"] = torch.zeros(net.heads, size, score.WINDOW)
        inputs[f"values_{layer}"] = torch.zeros(net.heads, score.WINDOW, size)
    fresh = [f"{kind}_{layer}_new" for layer in range(net.layers) for kind in ("keys", "values")]
    return export_step(StepNet(copy.deepcopy(net)), inputs, ["ioi", "articulation", "pitch", "logits", *fresh], path)


def step_logits(path: Path, batch: dict[str, np.ndarray], rows: int) -> np.ndarray:
    """Teacher-force a step graph over performances: (rows, notes, all classes)."""
    graph = StepGraph(path)
    heads, size = graph.inputs["keys_0"].shape[:2]
    layers = sum(name.startswith("keys_") for name in graph.inputs)
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
            found = [pick[name][n] for name in ("match_interval", "match_ioi", "match_length")]
            graph.inputs["token"][:] = score.token(pick["pitch"][n], interval, pick["register"][n], ioi, articulation, found)
            graph.inputs["ioi_bias"][:] = 0  # the later heads hang on the timing, so the true one is forced
            graph.inputs["ioi_bias"][pick["ioi"][n]] = -SILENT
            graph.inputs["articulation_bias"][:] = 0
            graph.inputs["articulation_bias"][:, pick["articulation"][n]] = -SILENT
            graph.inputs["cos"][:], graph.inputs["sin"][:] = score.turns(n, onset[n], heads, size)
            graph.run()
            out[row, n] = graph.outputs["logits"]
            slot = n % score.WINDOW
            for layer in range(layers):
                graph.inputs[f"keys_{layer}"][:, :, slot] = graph.outputs[f"keys_{layer}_new"][:, 0]
                graph.inputs[f"values_{layer}"][:, slot] = graph.outputs[f"values_{layer}_new"][:, 0]
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
