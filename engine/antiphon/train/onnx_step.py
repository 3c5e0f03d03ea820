"""From a torch step module to an INT8 step graph in ONNX."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic


def export_step(module, inputs, outputs, path, full_precision=()):
    """Write `NAME_fp32.onnx` beside `path` and the INT8 graph (dynamic, per channel) at `path`; returns the fp32 path.

    `inputs` maps names to example tensors in the order of `module.forward`; states are called `s_NAME`, their outputs
    `s_NAME_next`. Matrix products with a constant whose name contains one of `full_precision` stay fp32.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    full = path.with_name(path.stem + "_fp32.onnx")
    with torch.no_grad():
        torch.onnx.export(module.eval(), tuple(inputs.values()), str(full), input_names=list(inputs), output_names=list(outputs), opset_version=20, dynamo=False)
    graph = onnx.load(str(full)).graph
    kept = [node.name for node in graph.node if node.op_type in ("MatMul", "Gemm") and any(part in name for part in full_precision for name in node.input)]
    quantize_dynamic(str(full), str(path), weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm"], per_channel=True,
                     nodes_to_exclude=kept, extra_options={"MatMulConstBOnly": True})
    return full
