"""A bundle as small as the code allows: graphs of zeros with the edges that its stages declare, and a table of codes."""

import hashlib

import numpy as np
import pytest

from antiphon.model.bundle import FORMAT, needs
from antiphon.model.edges import Size

onnx = pytest.importorskip("onnx", reason="pip install 'antiphon[dev]'")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

CHOSEN = {"strokes": 1, "levels": 4, "context": 8, "heads": 2, "half of a head": 3}
LAYERS = 2
GRAPHS = ("tokenizer", "notes", "encoder", "memory", "tokens", "decoder")


def edges_of(graph):
    """Inputs and outputs of a graph, name: (shape, integers)."""
    needed = needs()[graph]
    sides = []
    for side in (needed.inputs, needed.outputs):
        found = {}
        for name, shape in side.items():
            numbers = [size.plus + size.times * CHOSEN[size.name] if isinstance(size, Size) else size for size in shape]
            for layer in range(LAYERS if "*" in name else 1):
                found[name.replace("*", str(layer))] = numbers, name in needed.integers
        sides.append(found)
    return sides


def write_graph(path, inputs, outputs, value=0.0):
    """Write a graph whose outputs are constants, all `value`, whatever its inputs are."""
    def info(name, shape, integer):
        return helper.make_tensor_value_info(name, TensorProto.INT64 if integer else TensorProto.FLOAT, shape)

    tables = {name: np.full(shape, value, np.int64 if integer else np.float32) for name, (shape, integer) in outputs.items()}
    weights = [numpy_helper.from_array(table, f"w_{name}") for name, table in tables.items()]
    nodes = [helper.make_node("Identity", [f"w_{name}"], [name]) for name in outputs]
    graph = helper.make_graph(nodes, "zeros", [info(n, *e) for n, e in inputs.items()], [info(n, *e) for n, e in outputs.items()], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    onnx.save(model, path)


def write_manifest(folder, described, constants=("codebooks",), head=None):
    """Write bundle.toml with the true hashes. `described`: of each graph its inputs and outputs."""
    head = {"format": FORMAT, "name": "small", "samplerate": 48000, "hop_frames": 960} | (head or {})
    digest = lambda file: hashlib.sha256((folder / file).read_bytes()).hexdigest()  # noqa: E731
    lines = [f"{key} = {value!r}" for key, value in head.items()]
    for graph, sides in described.items():
        lines += [f"[graphs.{graph}]", f'file = "{graph}.onnx"', f'sha256 = "{digest(f"{graph}.onnx")}"']
        for side, edges in zip(("inputs", "outputs"), sides, strict=True):
            lines += [f"[graphs.{graph}.{side}]", *(f"{name} = {list(shape)}" for name, (shape, _) in edges.items() if name[:2] != "s_")]
    for name in constants:
        lines += [f"[constants.{name}]", f'file = "{name}.npy"', f'sha256 = "{digest(f"{name}.npy")}"']
    (folder / "bundle.toml").write_text("\n".join(lines) + "\n")


def write_bundle(folder, spoil=None, table=None, **manifest):
    """Write the bundle; `spoil` = {graph: function} gets the graph's (inputs, outputs) to change before it is written."""
    folder.mkdir()
    described = {graph: edges_of(graph) for graph in GRAPHS}
    for graph, sides in described.items():
        for change in [(spoil or {}).get(graph)]:
            if change:
                change(*sides)
        write_graph(folder / f"{graph}.onnx", *sides)
    np.save(folder / "codebooks.npy", np.zeros((CHOSEN["levels"], 256, 32), np.float32) if table is None else table)
    write_manifest(folder, described, **manifest)
    return folder
