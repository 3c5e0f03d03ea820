"""Step graphs drawn node by node, each with as few nodes as it can have: INT8 where a matrix is (or 4 bits), and a twin in fp32.

A node of ONNX Runtime costs 1 us in a hot loop and 2 to 4 at a hop's cadence, whatever it does. Exported from torch, nine
in ten were shapes, states and arithmetic around the matrices.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CONTRIB = "com.microsoft"
_TYPES = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int64): TensorProto.INT64}


def array(tensor) -> np.ndarray:
    """A torch tensor as float32 or int64."""
    value = tensor.detach().cpu().numpy()
    return value.astype(np.float32) if value.dtype.kind == "f" else value


def zeros(*shape) -> np.ndarray:
    """An edge's shape, as `write` takes it."""
    return np.zeros(shape, np.float32)


class Sketch:
    """A graph in the making. Edges are names; constants are numpy arrays, handed to `node` like edges.

    `bits` of a weight: 32, 8, or 4; `block`: how many of a column's 4-bit weights share a scale.
    """

    def __init__(self, bits: int, block: int = 32):
        self._bits, self._block, self._nodes, self._constants, self._count = bits, block, [], [], 0

    def _name(self, stem):
        self._count += 1
        return f"{stem}_{self._count}"

    def _edge(self, value):
        if isinstance(value, np.ndarray):
            name = self._name("constant")
            self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
            return name
        return value

    def node(self, kind, *inputs, to=None, domain="", **attributes):
        """Add a node; returns its edge, called `to` if given. A list of names as `to` makes as many outputs."""
        outputs = to if isinstance(to, list) else [to or self._name(kind)]
        self._nodes.append(helper.make_node(kind, [self._edge(x) for x in inputs], outputs, domain=domain, **attributes))
        return outputs if isinstance(to, list) else outputs[0]

    def split(self, edge, sizes, axis=-1):
        """Cut an edge into pieces."""
        return self.node("Split", edge, np.array(sizes, np.int64), to=[self._name("Split") for _ in sizes], axis=axis)

    def descending(self, edge, count):
        """The values of a row of `count`, the largest first."""
        return self.node("TopK", edge, np.array([count]), to=[self._name("TopK"), self._name("TopK")])[0]

    def again(self, node, inputs):
        """Add a node of a graph that was drawn before, of these inputs; returns its edges, named as if it were drawn now."""
        to = [self._name(node.op_type) if re.fullmatch(rf"{node.op_type}_\d+", name) else name for name in node.output]
        told = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        return self.node(node.op_type, *inputs, to=to, domain=node.domain, **told)

    def linear(self, edge, weight, bias, exact=False, to=None):
        """`edge [M, K] @ weight [K, N] + bias [N]`; INT8 is by column of weights, and quantises the edge as it comes.

        `exact` keeps fp32: for a last layer, whose error nothing behind it averages out. `bias` may be an edge.
        """
        if exact or self._bits == 32:
            return self.node("Gemm", edge, weight, bias, to=to)
        if self._bits == 4:
            into, out = weight.shape
            sizes = {"K": into, "N": out, "bits": 4, "block_size": self._block, "accuracy_level": 4}
            made = self.node("MatMulNBits", edge, *_four_bits(weight, self._block), domain=CONTRIB, **sizes)
            return self.node("Add", made, bias, to=to)  # its own bias is younger than the oldest ONNX Runtime supported
        scale = np.maximum(np.abs(weight).max(0), 1e-12).astype(np.float32) / 127
        rounded = np.round(weight / scale).astype(np.int8)
        return self.node("DynamicQuantizeMatMul", edge, rounded, scale, np.zeros(len(scale), np.int8), bias, to=to, domain=CONTRIB)

    def hardswish(self, edge):
        """Two nodes: ONNX Runtime takes its HardSwish apart."""
        return self.node("Mul", edge, self.node("HardSigmoid", edge, alpha=1 / 6, beta=0.5))

    def gelu(self, edge):
        """The tanh form, one node."""
        return self.node("FastGelu", edge, domain=CONTRIB)

    def normalised(self, edge, width):
        """Layer norm without scale and offset: those belong to the matrix behind it, see `behind_norm`."""
        return self.node("LayerNormalization", edge, np.ones(width, np.float32), axis=-1)

    def write(self, path, inputs, outputs):
        """Save and check. `inputs` and `outputs`: name -> array of that shape and type."""
        graph = helper.make_graph(self._nodes, Path(path).stem, _described(inputs), _described(outputs), self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid(CONTRIB, 1)])
        model.ir_version = 9
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, str(path))


def _four_bits(weight, block):
    """Weights `[K, N]` as MatMulNBits takes them: pairs of 0..15 `[N, blocks, block / 2]`, and what one step of each block is."""
    into, out = weight.shape
    columns = np.zeros((out, -(-into // block) * block), np.float32)
    columns[:, :into] = weight.T
    columns = columns.reshape(out, -1, block)
    largest = np.take_along_axis(columns, np.abs(columns).argmax(-1)[..., None], -1)
    step = np.where(largest == 0, 1, largest / -8).astype(np.float32)
    rounded = np.clip(np.round(columns / step) + 8, 0, 15).astype(np.uint8)
    return rounded[..., ::2] | rounded[..., 1::2] << 4, step[..., 0].reshape(-1)


def _described(arrays):
    return [helper.make_tensor_value_info(name, _TYPES[array.dtype], array.shape) for name, array in arrays.items()]


def edges(described):
    """What `Sketch.write` takes as inputs or outputs, of a graph that was written."""
    return {
        edge.name: np.zeros([size.dim_value for size in kind.shape.dim], helper.tensor_dtype_to_np_dtype(kind.elem_type))
        for edge in described for kind in [edge.type.tensor_type]
    }  # fmt: skip


def behind_norm(norm, linear):
    """Weight `[K, N]` and bias of a linear layer with the scale and offset of the norm before it folded in."""
    weight = array(linear.weight).T
    return weight * array(norm.weight)[:, None], array(linear.bias) + array(norm.bias) @ weight


def write_both(draw, path, inputs, outputs, bits=8, block=32):
    """Write the graph of few bits at `path` and `NAME_fp32.onnx` beside it; returns the latter's path.

    `draw(sketch)` makes the nodes.
    """
    path = Path(path)
    full = path.with_name(path.stem + "_fp32.onnx")
    for few, target in ((bits, path), (32, full)):
        sketch = Sketch(few, block)
        draw(sketch)
        sketch.write(target, inputs, outputs)
    return full
