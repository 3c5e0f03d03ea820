"""Export the note model as one step graph, and say how far INT8 is from the network that was trained.

    python -m antiphon.train.export_notes --weights .work/notes/notes.pt --data MELODIES --out .work/export
    python -m antiphon.train.export_notes --redraw BUNDLE --out FOLDER

The second copies a bundle whose weights were exported by an earlier version, with the choosing in its note model as it is now.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
from pathlib import Path

import numpy as np
import onnx
import tomli_w
import torch
import torch.nn.functional as F
from onnx import numpy_helper

from ..errors import AntiphonError, BundleError, UsageError
from ..model import score
from ..model.bundle import CARD, MANIFEST, Bundle
from ..model.graph import StepGraph
from . import melodies
from . import notes as trainer
from .export import graph_entry
from .sketch import CONTRIB, Sketch, array, behind_norm, edges, write_both, zeros

SILENT = -1e9
STEEP = 1e6
"""How far what lies below the floor is pushed down, times its distance."""
ROUNDING = 1e-5
"""Of a probability of 1: what sums of float32 may be off. No class is left out of a nucleus for so little."""
CHOICES = {"ioi": score.IOIS, "articulation": score.ARTICULATIONS, "pitch": score.NOTES}
"""What is chosen of a note, in that order, and out of how many classes."""
REDRAWN = (
    "how notes.onnx chooses was drawn anew by export_notes --redraw, for top_p; all before a choice is as it was, bit for bit, "
    "and where top_p is 1 so are the choices: it was evaluated before"
)
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
    """Sample by Gumbel noise among the likeliest classes, (1, classes) -> (1,).

    Those are no more than ``tail`` nats below the best, and in the nucleus: the smallest set of the likeliest whose
    probabilities, of ``wanted`` and before the noise, add up to ``top_p`` (Holtzman et al. 2020, "The curious case of neural
    text degeneration"). A ``top_p`` of 1 leaves none out, one of 0 all but the likeliest.
    """
    falling = sketch.descending(wanted, CHOICES[to])
    # A class's probability and all that is less likely, summed from the least: at a top_p of 1 rounding leaves none out.
    rest = sketch.node("CumSum", sketch.node("Softmax", falling, axis=1), np.array([1]), reverse=1)
    # Clipped at 1, which it is in the nucleus, as what is likelier than a class is 1 - rest; behind it, it is less.
    inside = sketch.node("HardSigmoid", sketch.node("Add", rest, "top_p"), alpha=1.0, beta=ROUNDING)
    last = sketch.node("ArgMax", inside, axis=1, keepdims=0, select_last_index=1)
    floor = sketch.node("Sub", sketch.node("ReduceMax", wanted, np.array([1]), keepdims=1), "tail")
    floor = sketch.node("Max", floor, sketch.node("Gather", falling, last, axis=1))
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
    ends, cuts = net.shape["ends"], list(CHOICES.values())
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
        "sharpness": zeros(2), "tail": zeros(1), "top_p": zeros(1), "match_nats": zeros(2),
    }  # fmt: skip
    outputs = {name: np.zeros(1, np.int64) for name in ("ioi", "articulation", "pitch")} | {"logits": zeros(1, classes)}
    for layer in range(net.layers):
        inputs |= {f"keys_{layer}": zeros(heads, size, score.WINDOW), f"values_{layer}": zeros(heads, score.WINDOW, size)}
        outputs |= {f"{kind}_{layer}_new": zeros(heads, 1, size) for kind in ("keys", "values")}
    return write_both(lambda sketch: _draw(net, sketch), path, inputs, outputs, **few)


def redraw(old: Path, path: Path) -> None:
    """Write a note graph at `path` that chooses as `_choose` does now; all that comes before a choice stays, bit for bit.

    For weights of which there is only the graph. `export` of the same network writes this very file, byte for byte. Raises
    BundleError where the graph is another stage's.
    """
    graph = onnx.load(str(old)).graph
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    makers = {edge: node for node in graph.node for edge in node.output}
    found, gone = {}, set()
    for name in CHOICES:
        try:
            above, noise = makers[makers[name].input[0]].input
            wanted = makers[makers[above].input[0]].input[0]
        except (KeyError, IndexError, ValueError):
            raise BundleError(f"graph {old.name!r} chooses no {name!r} that is known; it was exported by another version") from None
        found[name] = wanted, noise
        gone |= _makers_of(name, makers) - _makers_of(wanted, makers) - _makers_of(noise, makers)
    sketch, now = Sketch(8), {}
    for node in graph.node:
        first = node.output[0]
        if first in found:
            _choose(sketch, *(now[edge] for edge in found[first]), first)
        elif first not in gone:
            fresh = sketch.again(node, [constants[edge] if edge in constants else now.get(edge, edge) for edge in node.input])
            now.update(zip(node.output, fresh, strict=True))
    inputs = {}
    for name, shape in edges(graph.input).items():
        inputs |= {name: shape, "top_p": zeros(1)} if name == "tail" else {name: shape}
    sketch.write(path, inputs, edges(graph.output))


def _makers_of(edge: str, makers: dict) -> set[str]:
    """The first edges of all nodes that an edge hangs on, its own among them."""
    found, ahead = set(), [edge]
    while ahead:
        node = makers.get(ahead.pop())
        if node is not None and node.output[0] not in found:
            found.add(node.output[0])
            ahead += node.input
    return found


def redraw_bundle(bundle: Bundle, folder: Path) -> Path:
    """Copy a bundle to a new `folder` with its note graph redrawn; manifest and card say so, all else stays. Returns the folder.

    What the card says of an evaluation stays as well: it holds where `top_p` is 1. Raises BundleError where what comes of it is
    not sound, and leaves no folder then; UsageError where there is one already.
    """
    if folder.exists():
        raise UsageError(f"{folder}: is there already; choose another place with --out")
    shutil.copytree(bundle.folder, folder)
    try:
        fresh = _redrawn(bundle, folder)
        fresh.require_sound()
    except BundleError:
        shutil.rmtree(folder)
        raise
    if (folder / CARD).is_file():
        (folder / CARD).write_text(_revised(bundle.card(), bundle, fresh), encoding="utf-8")
    return folder


def _redrawn(bundle: Bundle, folder: Path) -> Bundle:
    """In a copy of a bundle, its note graph redrawn and the manifest as it is then."""
    manifest, old = json.loads(json.dumps(bundle.manifest)), bundle.path("notes")
    path = folder / old.name
    redraw(old, path)
    manifest["graphs"]["notes"] = graph_entry(path)
    for told in (manifest, manifest.get("figures", {}).get("notes", {})):
        if "bytes" in told:
            told["bytes"] += path.stat().st_size - old.stat().st_size
    for stage in manifest.get("stages", []):
        if any(line.startswith("export_notes ") for line in stage["run"]) and REDRAWN not in stage.get("note", ""):
            stage["note"] = "; ".join(filter(None, [stage.get("note"), REDRAWN]))
    (folder / MANIFEST).write_bytes(tomli_w.dumps(manifest).encode())
    return Bundle.open(folder)


def _revised(text: str, old: Bundle, new: Bundle) -> str:
    """A card with what `redraw_bundle` changed of the manifest."""
    before, after = old.manifest, new.manifest
    pairs = [(old.digest(), new.digest())]
    if "bytes" in before:
        pairs.append((f"{before['bytes']:,} bytes.", f"{after['bytes']:,} bytes."))
    if "bytes" in before.get("figures", {}).get("notes", {}):
        pairs.append(tuple(f"| bytes | {one['figures']['notes']['bytes']:,} |" for one in (before, after)))
    pairs += [(_said(one), _said(two)) for one, two in zip(before.get("stages", []), after.get("stages", []), strict=True)]
    for one, two in pairs:
        text = text.replace(one, two)
    return text


def _said(stage: dict) -> str:
    """A stage's lines and its note, as `card` writes them."""
    return "\n".join(stage["run"]) + "\n```" + (f"\n\n{stage['note']}" if stage.get("note") else "")


def step_logits(path: Path, batch: dict[str, np.ndarray], rows: int) -> np.ndarray:
    """Teacher-force a step graph over performances: (rows, notes, all classes)."""
    graph = StepGraph(path)
    heads, size = graph.inputs["keys_0"].shape[:2]
    layers = sum(name.startswith("keys_") for name in graph.inputs)
    notes = batch["pitch"].shape[1]
    out = np.zeros((rows, notes, score.IOIS + score.ARTICULATIONS + score.NOTES), np.float32)
    graph.inputs["sharpness"][:] = 1
    graph.inputs["tail"][:] = 1  # and top_p is 0: what is forced is the likeliest
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
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--redraw", metavar="BUNDLE", help="name or folder; instead of weights and data")
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    if args.redraw:
        try:
            print(redraw_bundle(Bundle.open(args.redraw), args.out))
        except AntiphonError as error:
            parser.error(str(error))
        return
    if not args.weights or not args.data:
        parser.error("--weights and --data, or --redraw")
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
