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

from ..model import score
from ..model.graph import StepGraph
from . import melodies
from . import notes as trainer
from .sketch import CONTRIB, Sketch, array, behind_norm, write_both, zeros

SILENT = -1e9
STEEP = 1e6
"""How far what lies below the tail is pushed down, times its distance."""
GROUPS = (score.NOTES, *trainer.TOLD, score.NOTES)
"""Rows of the table for each word of a token; of its last word, the pitch the match model names, the table has none."""
STARTS = np.cumsum([0, *GROUPS[:-1]])


def token_table(net: trainer.NoteNet) -> np.ndarray:
    """One row for each class of a token's first eight words: its embedding, and the nats by which a match of that length
    raises the match model's inter-onset and pitch, `(classes, width + 2)`."""
    chroma = array(net.chroma.weight)[(np.arange(score.NOTES) + score.NOTE_LO) % 12]
    table = np.concatenate([array(net.pitch.weight) + chroma, *(array(table.weight) for table in net.told)])
    nats = np.zeros((len(table), 2), np.float32)
    nats[STARTS[7] :] = np.stack([array(net.match_ioi_nats), array(net.match_pitch_nats)], -1)
    return np.concatenate([table, nats], 1)


def _choose(sketch: Sketch, wanted: str, noise: str, to: str) -> str:
    """Sample by Gumbel noise among the classes no more than ``tail`` nats below the best, (1, classes) -> (1,)."""
    floor = sketch.node("Sub", sketch.node("ReduceMax", wanted, np.array([1]), keepdims=1), "tail")
    above = sketch.node("LeakyRelu", sketch.node("Sub", wanted, floor), alpha=STEEP)
    return sketch.node("ArgMax", sketch.node("Add", above, noise), axis=1, keepdims=0, to=to)


def _attend(sketch: Sketch, block: trainer.Block, x: str, turned: list, layer: int) -> str:
    """Attention over the ring and the note itself, added to ``x``; its key and value are outputs."""
    heads, size = block.heads, block.size
    weight = array(block.qkv.weight).T
    weight[:, : heads * size] *= size**-0.5  # queries are divided by the root of their size here, once for all
    bias = array(block.norm_attention.bias) @ weight
    weight = weight * array(block.norm_attention.weight)[:, None]
    qkv = sketch.linear(sketch.normalised(x, weight.shape[0]), weight, bias)
    qkv = sketch.node("Reshape", qkv, np.array([3 * heads, 1, size]))
    turned = sketch.node("RotaryEmbedding", qkv, *turned, domain=CONTRIB)
    parts = [f"queries_{layer}", f"keys_{layer}_new", f"values_{layer}_new"]
    q, k, v = sketch.node("Split", turned, np.array([heads] * 3), axis=0, to=parts)
    past = sketch.node("Add", sketch.node("MatMul", q, f"keys_{layer}"), "mask")
    now = sketch.node("FusedMatMul", q, k, domain=CONTRIB, transB=1)
    past, now = sketch.split(sketch.node("Softmax", sketch.node("Concat", past, now, axis=-1), axis=-1), [score.WINDOW, 1])
    attended = sketch.node("Add", sketch.node("MatMul", past, f"values_{layer}"), sketch.node("Mul", now, v))
    return sketch.linear(sketch.node("Reshape", attended, np.array([1, heads * size])), array(block.out.weight).T, x)


def _feed(sketch: Sketch, block: trainer.Block, x: str) -> str:
    up = sketch.linear(sketch.normalised(x, block.up.in_features), *behind_norm(block.norm_feed, block.up))
    return sketch.node("Add", x, sketch.linear(sketch.gelu(up), array(block.down.weight).T, array(block.down.bias)))


def _draw(net: trainer.NoteNet, sketch: Sketch) -> None:
    """One note of the network; a node costs more than its sums do, so there are few."""
    ends, cuts = net.shape["ends"], [score.IOIS, score.ARTICULATIONS, score.NOTES]
    rows = sketch.node("Add", "token", STARTS)
    told = sketch.node("Gather", token_table(net), sketch.node("Gather", rows, np.arange(8)))
    x, nats = sketch.split(sketch.node("ReduceSum", told, np.array([0]), keepdims=1), [net.width, 2])
    # The match model's inter-onset and pitch, each raised by its nats; "none" is a class that nobody reads.
    named = sketch.node("Gather", rows, np.array([6, 8]))
    named = sketch.node("OneHot", named, np.array(sum(GROUPS)), np.array([0, 1], np.float32))
    bias = np.zeros(sum(GROUPS), np.float32)
    bias[STARTS[8] :] = array(net.pitch_end.bias)
    named = sketch.node("Gemm", sketch.node("Add", nats, "match_nats"), named, bias)
    _, named_ioi, _, named_pitch = sketch.split(named, [STARTS[6], score.IOIS, STARTS[8] - STARTS[6] - score.IOIS, score.NOTES])

    # Halves of equal cosines and of signed sines: of each pair of rows the second is the one wanted. Values are not turned.
    heads, half = net.heads, net.size // 2
    turned = [np.append(np.arange(1, 4 * heads, 2), [4 * heads] * heads)[:, None]]
    for name, still in (("cos", 1), ("sin", 0)):
        flat = sketch.node("Reshape", name, np.array([4 * heads, half]))
        turned.append(sketch.node("Concat", flat, np.full((1, half), still, np.float32), axis=0))
    for layer, block in enumerate(net.blocks):
        x = _feed(sketch, block, _attend(sketch, block, x, turned, layer))

    shared = sketch.linear(sketch.normalised(x, net.width), *behind_norm(net.norm, net.shared))
    of_ioi, of_articulation, of_pitch = sketch.split(shared, [score.IOIS, *ends])
    noise_ioi, noise_articulation, noise_pitch = sketch.split("noise", cuts)
    cold, warm = sketch.split("sharpness", [1, 1])

    def wanted(logits, sharpness, leaning):
        return sketch.node("Add", sketch.node("Mul", logits, sharpness), leaning)

    ioi_logits = sketch.node("Add", of_ioi, named_ioi)
    ioi = _choose(sketch, wanted(ioi_logits, cold, "ioi_bias"), noise_ioi, "ioi")
    hidden = sketch.gelu(sketch.node("Add", of_articulation, sketch.node("Gather", array(net.ioi_to_articulation.weight), ioi)))
    articulation_logits = sketch.linear(hidden, array(net.articulation_end.weight).T, array(net.articulation_end.bias), exact=True)
    leaning = sketch.node("Gather", "articulation_bias", ioi)
    articulation = _choose(sketch, wanted(articulation_logits, cold, leaning), noise_articulation, "articulation")
    by_ioi = sketch.node("Gather", array(net.ioi_to_pitch.weight), ioi)
    by_articulation = sketch.node("Gather", array(net.articulation_to_pitch.weight), articulation)
    hidden = sketch.gelu(sketch.node("Sum", of_pitch, by_ioi, by_articulation))
    pitch_logits = sketch.linear(hidden, array(net.pitch_end.weight).T, named_pitch, exact=True)
    _choose(sketch, wanted(pitch_logits, warm, "pitch_bias"), noise_pitch, "pitch")
    sketch.node("Concat", ioi_logits, articulation_logits, pitch_logits, axis=-1, to="logits")


def export(net: trainer.NoteNet, path: Path, **few) -> Path:
    """Write the INT8 graph at ``path`` (or one of `few` bits) and the fp32 graph beside it; returns the latter's path."""
    heads, size, classes = net.heads, net.size, score.IOIS + score.ARTICULATIONS + score.NOTES
    inputs = {
        "token": np.zeros(9, np.int64), "cos": zeros(2 * heads, 1, size), "sin": zeros(2 * heads, 1, size),
        "mask": zeros(score.WINDOW), "noise": zeros(classes), "ioi_bias": zeros(score.IOIS),
        "articulation_bias": zeros(score.IOIS, score.ARTICULATIONS), "pitch_bias": zeros(score.NOTES),
        "sharpness": zeros(2), "tail": zeros(1), "match_nats": zeros(2),
    }  # fmt: skip
    outputs = {name: np.zeros(1, np.int64) for name in ("ioi", "articulation", "pitch")} | {"logits": zeros(1, classes)}
    for layer in range(net.layers):
        inputs |= {f"keys_{layer}": zeros(heads, size, score.WINDOW), f"values_{layer}": zeros(heads, score.WINDOW, size)}
        outputs |= {f"{kind}_{layer}_new": zeros(heads, 1, size) for kind in ("keys", "values")}
    return write_both(lambda sketch: _draw(net, sketch), path, inputs, outputs, **few)


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
