"""Say what pruning and quantising a stage cost and gave, against its unpruned fp32 teacher.

    python -m antiphon.train.quantise notes --teacher T.pt --pupil S.pt --data MELODIES --out OUT
    python -m antiphon.train.quantise acoustic --teacher T.pt --pupil S.pt --codec C.pt --render DIR --out OUT
    python -m antiphon.train.quantise codec --teacher T.pt --pupil S.pt --render DIR --levels 4 --out OUT

Teacher-forced on held-out data: bytes, nats and their change, how often the likeliest class is the teacher's, mel distance and
its change, and what a step takes every 20 ms, on one thread, all of them in turn. Goes into OUT/STAGE.json, as
`against_teacher`, and from there into the bundle's manifest. Quantises nothing that plays: the exporters do.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from ..model.graph import StepGraph
from . import acoustic, codec, export_acoustic, export_codec, export_notes, melodies, notes
from .shards import Shards

FEW = {"fp32": {}, "int8": {}, "4 bits, blocks of 32": {"bits": 4, "block": 32}, "4 bits, blocks of 64": {"bits": 4, "block": 64}}
"""How a matrix may be written. The fp32 graph lies beside each of the others."""


def take_turns(steps: dict[str, list[StepGraph]], count: int = 300, period: float = 0.02) -> dict[str, dict[str, float]]:
    """Milliseconds of a step of each, a step every `period` seconds, in turn: every one finds the caches full of others."""
    spent = {name: [] for name in steps}
    due = time.perf_counter()
    for turn in range(count * len(steps)):
        name = list(steps)[turn % len(steps)]
        due = max(due + period, time.perf_counter())
        time.sleep(max(0.0, due - time.perf_counter()))
        began = time.perf_counter()
        for graph in steps[name]:
            graph.run()
        spent[name].append(1e3 * (time.perf_counter() - began))
    return {name: {"p50_ms": float(np.median(took)), "p99_ms": float(np.quantile(took, 0.99))} for name, took in spent.items()}


class Notes:
    """The note model; a step is a note."""

    def __init__(self, options):
        _, held = melodies.split(melodies.read_lines(options.data))
        self.batch = melodies.performances(held, options.clips, 128, seed=5, plain=True)
        self.load, self.clips = notes.load, options.clips

    def export(self, net, folder, few):
        return [(export_notes.export(net, folder / "notes.onnx", **few), folder / "notes.onnx")]

    def judge(self, teacher, paths):
        return export_notes.parity(teacher, paths[0], self.batch, self.clips)


class Acoustic:
    """The acoustic model: a step is a hop that is played, memory and tokens."""

    def __init__(self, options):
        rows = Shards(options.render, "held", limit=1).rows
        performances = acoustic.performances(codec.load(options.codec), rows)
        self.inputs = acoustic.batch(np.random.default_rng(3), performances, options.clips, 240, corrupt=False)
        self.load, self.clips, self.checked = acoustic.load, options.clips, {}

    def export(self, net, folder, few):
        memory, tokens, checked = (folder / f"{name}.onnx" for name in ("memory", "tokens", "checked"))
        full = export_acoustic.export_memory(net, memory, **few), export_acoustic.export_tokens(net, tokens, **few)
        full_checked = export_acoustic.export_tokens(net, checked, logits=True, **few)
        self.checked |= {full[1]: full_checked, tokens: checked}
        return [(full[0], memory), (full[1], tokens)]

    def judge(self, teacher, paths):
        return export_acoustic.parity(teacher, paths[0], self.checked[paths[1]], self.inputs, self.clips)


class Codec:
    """Encoder and decoder; a step is a hop that is heard and one that is sounded."""

    def __init__(self, options):
        self.rows = Shards(options.render, "held", limit=1).rows[: options.clips]
        self.load, self.levels = codec.load, options.levels

    def export(self, net, folder, few):
        export_codec.export_codebooks(net, folder, self.levels)
        made = (export_codec.export_encoder, "encoder.onnx"), (export_codec.export_decoder, "decoder.onnx")
        return [(export(net, folder / name, **few), folder / name) for export, name in made]

    def judge(self, teacher, paths):
        return export_codec.parity(teacher, *paths, self.rows)


def report(subject, teacher, pupil, count: int) -> dict[str, dict]:
    """Figures of teacher and pupil in every kind of number."""
    figures, steps, first = {}, {}, None
    with tempfile.TemporaryDirectory() as place:
        for who, net in (("teacher", teacher), ("pruned", pupil)):
            for kind, few in FEW.items():
                if who == "teacher" and few:
                    continue
                name = f"{who} {kind}"
                folder = Path(place) / name.replace(" ", "-")
                paths = [pair[kind != "fp32"] for pair in subject.export(net, folder, few)]
                found = subject.judge(teacher, paths)
                first = first or found
                sizes = {path.stem.removesuffix("_fp32"): path.stat().st_size for path in paths}
                figures[name] = {"bytes": sizes, **_change(found, first)}
                steps[name] = [StepGraph(path) for path in paths]
                print(name, json.dumps(figures[name]), flush=True)
        alone = {name: take_turns({who: [graphs[n]] for who, graphs in steps.items()}, count)
                 for n, name in enumerate(figures["teacher fp32"]["bytes"])}  # fmt: skip
    for name, figure in figures.items():
        figure["step"] = {graph: took[name] for graph, took in alone.items()}
        figure["faster"] = {graph: took["teacher fp32"]["p50_ms"] / took[name]["p50_ms"] for graph, took in alone.items()}
        print(name, json.dumps({key: figure[key] for key in ("step", "faster")}), flush=True)
    return figures


def _change(found: dict[str, float], first: dict[str, float]) -> dict[str, float]:
    """What `parity` of an exporter found, and how far that is from what it found of the teacher's fp32 graphs."""
    if "graph_nats" in found:
        nats = {"nats": found["graph_nats"], "nats_change_percent": 100 * (found["graph_nats"] / first["graph_nats"] - 1)}
        return nats | {"top1_agreement": found["top1_agreement"]}
    mel = {"mel_db": found["graph_mel_db"], "mel_change_db": found["graph_mel_db"] - first["graph_mel_db"]}
    return mel | {name: found[name] for name in ("codes_equal", "first_code_equal", "decoder_difference_db")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind, clips in ((Notes, 12), (Acoustic, 8), (Codec, 8)):
        one = kinds.add_parser(kind.__name__.lower())
        one.set_defaults(subject=kind)
        one.add_argument("--teacher", required=True, help="checkpoint of the network before it was pruned")
        one.add_argument("--pupil", required=True, help="checkpoint of the pruned one")
        one.add_argument("--out", required=True, type=Path, help="folder of exports, with STAGE.json")
        one.add_argument("--clips", type=int, default=clips, help="held-out clips or melodies")
        one.add_argument("--steps", type=int, default=300, help="timed steps of each graph")
        if kind is Notes:
            one.add_argument("--data", required=True, type=Path, help="folder of *.jsonl.gz")
        else:
            one.add_argument("--render", required=True, help="folder of the shards that antiphon.train.render made")
        if kind is Acoustic:
            one.add_argument("--codec", required=True)
        if kind is Codec:
            one.add_argument("--levels", type=int, default=4, help="levels of codes that are played")
    options = parser.parse_args()
    torch.set_num_threads(1)
    subject = options.subject(options)
    figures = report(subject, subject.load(options.teacher), subject.load(options.pupil), options.steps)
    sidecar = options.out / f"{options.kind}.json"
    known = json.loads(sidecar.read_text()) if sidecar.is_file() else {}
    options.out.mkdir(parents=True, exist_ok=True)
    sidecar.write_text(json.dumps({**known, "against_teacher": figures}, indent=1))


if __name__ == "__main__":
    main()
