"""Put exported step graphs together into a bundle that can be verified.

    python -m antiphon.train.export --recipe engine/antiphon/train/hum.toml --graphs .work/export --data DATA --out patches/bundles

Reads GRAPH.onnx, the constants and the figures that each stage's export wrote beside it, the recipe (name, licence, stages
with the commands that trained them), and the manifests of the data; writes NAME/bundle.toml and copies graphs and constants.
With --fp32 it takes GRAPH_fp32.onnx instead and calls the bundle NAME-fp32: the teacher that bench/step.py --teacher plays beside it.
"""
from __future__ import annotations

import argparse
import collections
import csv
import gzip
import hashlib
import json
import shutil
import sys
import tomllib
from pathlib import Path

import numpy as np
import tomli_w

from ..model.bundle import CARD, CONSTANTS, FORMAT, MANIFEST, QUOTES, VOICE_NAMES, Bundle
from ..model.graph import StepGraph
from ..model.tokens import HOP, MODEL_RATE

GRAPHS = ("tokenizer", "notes", "encoder", "memory", "tokens", "decoder")


def file_entry(path: Path) -> dict:
    """Describe a file: name, bytes, SHA-256."""
    data = path.read_bytes()
    return {"file": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def constant_entry(path: Path) -> dict:
    """Describe a table: file, bytes, SHA-256, shape."""
    return {**file_entry(path), "shape": list(np.load(path).shape)}


def graph_entry(path: Path) -> dict:
    """Describe one graph: file, bytes, SHA-256, shapes of inputs and outputs, number of State values."""
    step = StepGraph(path)
    return {
        **file_entry(path),
        "state_values": int(sum(array.size for array in step.state().values())),
        "inputs": {name: list(array.shape) for name, array in step.inputs.items()},
        "outputs": {name: list(array.shape) for name, array in step.outputs.items()},
    }


def seed_sources(folder: Path) -> list[dict]:
    """Sum up ``manifest.tsv`` of the recordings: one entry per source and licence, with files, minutes and a hash."""
    with open(folder / "manifest.tsv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    groups = collections.defaultdict(list)
    for row in rows:
        groups[row["source_repo"], row["commit"], row["licence"]].append(row)
    return [
        {
            "kind": "recordings", "source": source, "commit": commit, "licence": licence, "files": len(group),
            "minutes": round(sum(float(row["seconds"]) for row in group) / 60, 2),
            "sha256": _digest(folder / row["file"] for row in group),
        }
        for (source, commit, licence), group in sorted(groups.items())
    ]


def melody_sources(folder: Path) -> list[dict]:
    """Sum up the melody files: one entry per collection, with lines, notes and a hash of the file."""
    entries = []
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        for source, group in sorted(collections.Counter(line["source"] for line in lines).items()):
            name, _, licence = source.rpartition(", ")
            notes = sum(len(line["notes"]) for line in lines if line["source"] == source)
            entries.append({"kind": "melodies", "source": name, "licence": licence, "lines": group, "notes": notes, "sha256": _digest([path])})
    return entries


def _digest(paths) -> str:
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def build(recipe: dict, graphs: Path, data: Path, out: Path, fp32: bool = False) -> Path:
    """Write the bundle and return its folder. Raises FileNotFoundError for a graph that was not exported."""
    if fp32:
        recipe = {**recipe, "name": f"{recipe['name']}-fp32"}
    folder = out / recipe["name"]
    folder.mkdir(parents=True, exist_ok=True)
    voices = json.loads((graphs / "voices.json").read_text()) if (graphs / "voices.json").is_file() else []
    quotes = [QUOTES] if (graphs / f"{QUOTES}.npy").is_file() else []
    constants = [*CONSTANTS, *VOICE_NAMES[: len(voices)], *quotes]
    files = [f"{name}.onnx" for name in GRAPHS] + [f"{name}.npy" for name in constants]
    for old in [*folder.glob("*.onnx"), *folder.glob("*.npy"), *folder.glob(CARD)]:  # a card is of what was exported before
        old.unlink()
    figures = {}
    for file in files:
        shutil.copyfile(graphs / (file.replace(".onnx", "_fp32.onnx") if fp32 else file), folder / file)
    for stage in recipe["stages"]:
        sidecar = graphs / f"{stage['name']}.json"
        if sidecar.is_file():
            figures[stage["name"]] = json.loads(sidecar.read_text())
    manifest = {
        "format": FORMAT,
        "name": recipe["name"],
        "version": recipe["version"],
        "about": recipe["about"],
        "licence": recipe["licence"],
        "samplerate": MODEL_RATE,
        "hop_frames": HOP,
        "channels": 1,
        "latency": recipe["latency"],
        "bytes": sum((folder / file).stat().st_size for file in files),
        "stages": recipe["stages"],
        "card": recipe.get("card", {}),
        "figures": figures,
        "data": seed_sources(data / "seeds") + melody_sources(data / "melodies") + recipe.get("data", []),
        "graphs": {name: graph_entry(folder / f"{name}.onnx") for name in GRAPHS},
        "constants": {name: constant_entry(folder / f"{name}.npy") for name in constants},
    }
    for name, told in zip(VOICE_NAMES, voices, strict=False):
        manifest["constants"][name] |= told
    (folder / MANIFEST).write_bytes(tomli_w.dumps(manifest).encode())
    Bundle.open(folder).require_sound()
    return folder


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="antiphon.train.export", description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--graphs", type=Path, required=True, help="folder of exported step graphs")
    parser.add_argument("--data", type=Path, required=True, help="folder with seeds/ and melodies/")
    parser.add_argument("--out", type=Path, required=True, help="folder of bundles")
    parser.add_argument("--fp32", action="store_true", help="of the fp32 graphs")
    options = parser.parse_args(arguments)
    recipe = tomllib.loads(options.recipe.read_text(encoding="utf-8"))
    folder = build(recipe, options.graphs, options.data, options.out, options.fp32)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
