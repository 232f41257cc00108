"""Smaller graphs that compute the same."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper

_SMALLEST_PACKED = 16_384  # weights with fewer elements stay float32


def pack_weights(model: ModelProto) -> None:
    """Keep large float weights as int8 with one scale per output channel.

    They are widened by Cast and Mul, which the runtime folds away when it opens the graph: small on
    disk, float32 in the sums, so that nothing but the weights' last bits is lost.
    """
    graph, packed = model.graph, []
    for item in list(graph.initializer):
        if item.data_type != TensorProto.FLOAT or int(np.prod(item.dims)) < _SMALLEST_PACKED or len(item.dims) < 2:
            continue
        weight = numpy_helper.to_array(item)
        axes = tuple(range(weight.ndim - 1)) if _is_matrix_operand(graph, item.name) else tuple(range(1, weight.ndim))
        scale = np.maximum(np.abs(weight).max(axes, keepdims=True) / 127, 1e-12).astype(np.float32)
        small = np.clip(np.rint(weight / scale), -127, 127).astype(np.int8)
        graph.initializer.remove(item)
        graph.initializer.extend([
            numpy_helper.from_array(small, f"{item.name}/int8"), numpy_helper.from_array(scale, f"{item.name}/scale"),
        ])  # fmt: skip
        packed += [
            helper.make_node("Cast", [f"{item.name}/int8"], [f"{item.name}/wide"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{item.name}/wide", f"{item.name}/scale"], [item.name]),
        ]
    for node in reversed(packed):
        graph.node.insert(0, node)


def _is_matrix_operand(graph: onnx.GraphProto, name: str) -> bool:
    """Whether output channels lie on the weight's last axis: the right side of a MatMul, or an untransposed Gemm."""
    node = next(node for node in graph.node if name in node.input)
    transposed = any(item.name == "transB" and item.i == 1 for item in node.attribute)
    return node.op_type == "MatMul" or (node.op_type == "Gemm" and not transposed)


def drop_unused(model: ModelProto) -> None:
    """Remove the nodes and initialisers that no output needs any more."""
    graph = model.graph
    needed, kept = {output.name for output in graph.output}, []
    for node in reversed(graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    initialisers = [item for item in graph.initializer if item.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(initialisers)
    del graph.value_info[:]
