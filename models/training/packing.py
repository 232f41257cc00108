"""Smaller and faster graphs that compute the same."""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

_SMALLEST_PACKED = 16_384  # weights with fewer elements stay float32
_ZERO = "packing/zero"


def pack_weights(model: ModelProto) -> None:
    """Keep large float weights as int8 with one scale per output channel.

    A matrix is widened by DequantizeLinear, which the runtime leaves in the graph when it opens it and
    joins with the product behind (ONNX Runtime from 1.22: MatMulNBits with 8 bits): the weights stay
    int8 in memory, and each row of the input gets scales of its own, for 32 numbers at a time, so that a
    picture's result doesn't depend on its neighbours in the batch. Any other weight is widened by Cast
    and Mul, which the runtime folds away, small on disk only: convolutions are laid out for the
    processor only where their weights are constants, and a table of 0 and 1 adds up shares of which the
    small ones would be lost beside the large ones.
    """
    graph, packed = model.graph, []
    _untranspose(graph)
    _free_products(graph)
    for item in list(graph.initializer):
        if item.data_type != TensorProto.FLOAT or int(np.prod(item.dims)) < _SMALLEST_PACKED or len(item.dims) < 2:
            continue
        weight, is_matrix = numpy_helper.to_array(item), _is_matrix_operand(graph, item.name)
        is_joined = is_matrix and not np.isin(weight, (0, 1)).all()
        axes = tuple(range(weight.ndim - 1)) if is_matrix else tuple(range(1, weight.ndim))
        scale = np.maximum(np.abs(weight).max(axes, keepdims=True) / 127, 1e-12).astype(np.float32)
        small = np.clip(np.rint(weight / scale), -127, 127).astype(np.int8)
        names = [f"{item.name}/int8", f"{item.name}/scale"]
        graph.initializer.remove(item)
        graph.initializer.extend([
            numpy_helper.from_array(small, names[0]),
            numpy_helper.from_array(scale.ravel() if is_joined else scale, names[1]),
        ])  # fmt: skip
        if is_joined:
            packed.append(helper.make_node("DequantizeLinear", names, [item.name], axis=weight.ndim - 1))
        else:
            wide = f"{item.name}/wide"
            packed += [
                helper.make_node("Cast", names[:1], [wide], to=TensorProto.FLOAT),
                helper.make_node("Mul", [wide, names[1]], [item.name]),
            ]
    for node in reversed(packed):
        graph.node.insert(0, node)


def _untranspose(graph: GraphProto) -> None:
    """Turn the weights of every Gemm so that output channels lie on the last axis, as in MatMul."""
    weights = {item.name: item for item in graph.initializer if item.data_type == TensorProto.FLOAT}
    for node in graph.node:
        turned = next((item for item in node.attribute if item.name == "transB" and item.i == 1), None)
        if node.op_type != "Gemm" or turned is None or node.input[1] not in weights:
            continue
        if len(_readers(graph, node.input[1])) > 1:
            raise ValueError(f"{node.input[1]} has several readers")
        weight = weights[node.input[1]]
        weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).T.copy(), weight.name))
        node.attribute.remove(turned)


def _free_products(graph: GraphProto) -> None:
    """Write Relu as Max(x, 0) behind products: the runtime joins no product with its weights that Relu follows."""
    products = {node.output[0] for node in graph.node if node.op_type in ("MatMul", "Gemm")}
    sums = {node.output[0] for node in graph.node if node.op_type == "Add" and products & set(node.input)}
    behind = [node for node in graph.node if node.op_type == "Relu" and node.input[0] in products | sums]
    for node in behind:
        node.op_type = "Max"
        node.input.append(_ZERO)
    if behind:
        graph.initializer.append(numpy_helper.from_array(np.zeros((), np.float32), _ZERO))


def _is_matrix_operand(graph: GraphProto, name: str) -> bool:
    """Whether a weight is the right side of products only."""
    return all(node.op_type in ("MatMul", "Gemm") and node.input[1] == name for node in _readers(graph, name))


def _readers(graph: GraphProto, name: str) -> list[NodeProto]:
    return [node for node in graph.node if name in node.input]


def gather_pixels(model: ModelProto, image: str, side: int) -> None:
    """Let a graph's first convolution read 2 x 2 pixels as one of 12 channels.

    image: the input, (n, side, side, 3) uint8, that a transposition and a 3 x 3 convolution of stride 2, padded at
    the right and the bottom, read. The sums are the same to the last bit. The runtime copies three bytes at a time
    into a buffer for three channels, and needs no buffer for twelve: 0.65 ms instead of 0.85, and instead of
    2.3 where the buffer's memory has been given back since the last picture.
    """
    graph, half = model.graph, side // 2
    entry = next(node for node in graph.node if node.op_type == "Transpose" and node.input[0] == image)
    (levels,) = _readers(graph, entry.output[0])
    (first,) = _readers(graph, levels.output[0])
    shape = {item.name: item for item in first.attribute}
    if [list(shape[name].ints) for name in ("kernel_shape", "strides", "pads")] != [[3, 3], [2, 2], [0, 0, 1, 1]]:
        raise ValueError(f"{first.name} is no 3 x 3 convolution of stride 2, padded at the right and the bottom")
    names = [first.input[1], *(node.input[0] for node in graph.node if first.input[1] in node.output)]
    weight = next(item for item in graph.initializer if item.name in names)
    wide = np.pad(numpy_helper.to_array(weight), ((0, 0), (0, 0), (0, 1), (0, 1)))  # (c, 3, 4, 4)
    cells = wide.reshape(len(wide), 3, 2, 2, 2, 2).transpose(0, 3, 5, 1, 2, 4)  # (c, row, column, colour, 2, 2)
    weight.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(cells).reshape(-1, 12, 2, 2), weight.name))
    shape["kernel_shape"].ints[:], shape["strides"].ints[:] = [2, 2], [1, 1]
    # Two rows of pixels one behind the other, as pairs.
    for name, value in {"rows": [-1, half, side, 6], "halves": [half, half]}.items():
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), f"{image}/{name}"))
    steps = [
        helper.make_node("Reshape", [image, f"{image}/rows"], [f"{image}/pairs"]),
        helper.make_node("Split", [f"{image}/pairs", f"{image}/halves"], [f"{image}/upper", f"{image}/lower"], axis=2),
        helper.make_node("Concat", [f"{image}/upper", f"{image}/lower"], [f"{image}/cells"], axis=3),
    ]
    entry.input[0] = f"{image}/cells"
    for node in reversed(steps):
        graph.node.insert(0, node)


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
