"""A bundle's networks in fp32: the very weights that are shipped in INT8, as fp32 numbers, in graphs that are otherwise the same.

What a product of whole numbers costs against one of fp32 is then told apart from everything else. The weights are the rounded
ones, so nothing is more exact than shipped but the numbers that go into each product: those are rounded no more.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from antiphon.model.graph import StepGraph

INSTALL = "pip install 'antiphon[bench]', or onnx alone"


def as_fp32(path: Path) -> bytes:
    """Read a graph with weights in INT8 and give it with the same weights in fp32, as the bytes of an ONNX file.

    DynamicQuantizeMatMul becomes Gemm; DynamicQuantizeLinear, MatMulInteger, Cast and Mul become MatMul. Raises ImportError
    without the package onnx, and ValueError for a graph that has such products in another form.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(str(path))
    graph = model.graph
    constants = {item.name: item for item in graph.initializer}

    def weights(name: str, scale: str, zero: str) -> np.ndarray:
        whole, step, off = (numpy_helper.to_array(constants[one]) for one in (name, scale, zero))
        return ((whole.astype(np.float32) - off.astype(np.float32)) * step.astype(np.float32)).astype(np.float32)

    def kept(name: str, array: np.ndarray) -> str:
        graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    made_by = {edge: node for node in graph.node for edge in node.output}
    readers: dict[str, list] = {}
    for node in graph.node:
        for edge in node.input:
            readers.setdefault(edge, []).append(node)

    instead = {}
    for node in graph.node:
        if node.op_type == "DynamicQuantizeMatMul":
            edge, whole, scale, zero, *bias = node.input
            weight = kept(f"{whole}_fp32", weights(whole, scale, zero))
            instead[node.output[0]] = helper.make_node("Gemm", [edge, weight, *bias], list(node.output))
        elif node.op_type == "MatMulInteger":
            # The product, made a float, times both scales: the weights' and the one that was found for what came in.
            cast = _only(readers, node.output[0], "Cast", path)
            last = _only(readers, cast.output[0], "Mul", path)
            both = made_by[next(edge for edge in last.input if edge != cast.output[0])]
            rounded = made_by[node.input[0]]
            if both.op_type != "Mul" or rounded.op_type != "DynamicQuantizeLinear":
                raise ValueError(f"graph {path.name!r}: {node.output[0]!r} is a product of a form that is not known")
            scale = next(edge for edge in both.input if edge in constants)
            weight = kept(f"{node.input[1]}_fp32", weights(node.input[1], scale, node.input[3]))
            instead[last.output[0]] = helper.make_node("MatMul", [rounded.input[0], weight], list(last.output))
    nodes = [instead.get(node.output[0], node) for node in graph.node]
    _write(graph, _needed(nodes, {edge.name for edge in graph.output}))
    return model.SerializeToString()


def _only(readers: dict, edge: str, kind: str, path: Path):
    """The one node that reads an edge."""
    found = readers.get(edge, [])
    if len(found) != 1 or found[0].op_type != kind:
        raise ValueError(f"graph {path.name!r}: behind {edge!r} comes no {kind} alone")
    return found[0]


def _needed(nodes: list, wanted: set[str]) -> list:
    """The nodes that something wanted hangs on, in their order."""
    kept = []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]


def _write(graph, nodes: list) -> None:
    read = {edge for node in nodes for edge in node.input}
    constants = [item for item in graph.initializer if item.name in read]
    kept = [type(node).FromString(node.SerializeToString()) for node in nodes]  # a graph that is cleared clears its nodes
    del graph.node[:]
    graph.node.extend(kept)
    kept = [type(item).FromString(item.SerializeToString()) for item in constants]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def difference_db(one: StepGraph, two: StepGraph, steps: int = 50, seed: int = 1) -> dict[str, float]:
    """How far two graphs are apart that should say the same, in dB of the first's own power, for each output in fp32.

    Both take the same random steps, and the State of the first at each: what differs is the step's, not the memory's. Of an
    integer output (which code is chosen) it is the share of steps, in %, in which they differ.
    """
    rng = np.random.default_rng(seed)
    whole = {name for name, array in one.inputs.items() if array.dtype.kind == "i"}
    told: dict[str, list] = {name: [] for name in [*one.outputs, *(f"s_{name}" for name in one.state_names)]}
    for _ in range(steps):
        for name, array in one.inputs.items():
            array[...] = 0 if name in whole else rng.standard_normal(array.shape)
            two.inputs[name][...] = array
        two.set_state(one.state())
        one.run(), two.run()
        states = one.state(), two.state()
        for name in one.outputs:
            told[name].append((one.outputs[name].copy(), two.outputs[name].copy()))
        for name in one.state_names:
            told[f"s_{name}"].append((states[0][name], states[1][name]))
    found = {}
    for name, pairs in told.items():
        first, second = (np.stack(side) for side in zip(*pairs, strict=True))
        if first.dtype.kind == "i":
            found[name] = 100.0 * float(np.mean(first != second))
        else:
            first, second = first.astype(np.float64), second.astype(np.float64)
            found[name] = float(10 * np.log10((np.mean((first - second) ** 2) + 1e-20) / (np.mean(first**2) + 1e-20)))
    one.reset(), two.reset()
    return found
