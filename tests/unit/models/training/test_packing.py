"""Packed graphs are a quarter in size, also when opened, and compute the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions

onnx = pytest.importorskip("onnx")

from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper  # noqa: E402

from photos_engine.models.training.packing import drop_unused, gather_pixels, pack_weights  # noqa: E402

WIDTH, OUT = 300, 70  # no multiple of any block


def _model(nodes: list[NodeProto], constants: dict[str, NDArray[np.float32]], shape: list[int]) -> ModelProto:
    graph = helper.make_graph(
        nodes, "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", *("wh" if len(shape) == 3 else ""), "c"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _run(model: ModelProto, x: NDArray[np.float32], optimised: Path | None = None) -> NDArray[np.float32]:
    options = SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    if optimised is not None:
        options.optimized_model_filepath = str(optimised)
    session = InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    (result,) = session.run(["y"], {"x": x})
    return np.asarray(result, np.float32)


def _weights(seed: int = 0) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    return {"w": random.normal(size=(WIDTH, OUT)).astype(np.float32), "b": random.normal(size=OUT).astype(np.float32)}


PRODUCTS: dict[str, list[NodeProto]] = {
    "linear": [helper.make_node("Gemm", ["x", "w", "b"], ["y"])],
    "turned": [helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1)],
    "product": [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Add", ["p", "b"], ["y"])],
    "cut off": [helper.make_node("Gemm", ["x", "w", "b"], ["s"], transB=1), helper.make_node("Relu", ["s"], ["r"]),
                helper.make_node("Neg", ["r"], ["y"])],
}  # fmt: skip


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_keep_int8_weights_when_opened(name: str, tmp_path: Path) -> None:
    constants, x = _weights(), np.random.default_rng(1).normal(size=(3, WIDTH)).astype(np.float32)
    plain = x @ constants["w"] + constants["b"]
    wanted = -np.maximum(plain, 0) if name == "cut off" else plain
    if name in ("turned", "cut off"):
        constants["w"] = constants["w"].T.copy()
    model = _model(PRODUCTS[name], constants, [WIDTH])
    before = model.ByteSize()
    pack_weights(model)
    onnx.checker.check_model(model)
    assert model.ByteSize() < before / 3
    found = _run(model, x, tmp_path / "optimised.onnx")
    assert np.linalg.norm(found - wanted) < 0.02 * np.linalg.norm(wanted)
    kinds = {node.op_type for node in onnx.load(str(tmp_path / "optimised.onnx")).graph.node}
    assert "MatMulNBits" in kinds
    assert not kinds & {"DequantizeLinear", "Gemm", "FusedGemm"}


@given(st.integers(1, 6), st.integers(0, 2**16), st.floats(1e-3, 1e3))
@settings(max_examples=15, deadline=None)
def test_rows_know_nothing_of_one_another(rows: int, seed: int, louder: float) -> None:
    model = _model(PRODUCTS["linear"], _weights(), [WIDTH])
    pack_weights(model)
    x = np.random.default_rng(seed).normal(size=(rows, WIDTH)).astype(np.float32)
    x[1:] *= np.float32(louder)
    np.testing.assert_allclose(_run(model, x)[:1], _run(model, x[:1]), rtol=1e-5, atol=1e-5)


def test_small_shares_are_not_lost_beside_large_ones() -> None:
    members = (np.random.default_rng(0).random((1000, OUT)) < 0.02).astype(np.float32)
    model = _model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": members}, [1000])
    pack_weights(model)
    shares = np.full((1, 1000), 1e-5, np.float32)
    shares[0, 500] = 0.99
    np.testing.assert_allclose(_run(model, shares), shares @ members, rtol=1e-5)


def test_convolutions_are_small_on_disk_and_constant_when_opened(tmp_path: Path) -> None:
    weight = np.random.default_rng(0).normal(size=(64, 32, 3, 3)).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    x = np.random.default_rng(1).normal(size=(2, 32, 5, 5)).astype(np.float32)
    wanted = _run(_model([node], {"w": weight}, [32, 5, 5]), x)
    model = _model([node], {"w": weight}, [32, 5, 5])
    before = model.ByteSize()
    pack_weights(model)
    assert model.ByteSize() < before / 3
    found = _run(model, x, tmp_path / "optimised.onnx")
    assert np.linalg.norm(found - wanted) < 0.01 * np.linalg.norm(wanted)
    assert not {"Cast", "Mul"} & {node.op_type for node in onnx.load(str(tmp_path / "optimised.onnx")).graph.node}


def test_what_no_output_needs_goes() -> None:
    nodes = [*PRODUCTS["linear"], helper.make_node("Gemm", ["x", "unused", "b"], ["z"])]
    model = _model(nodes, _weights() | {"unused": np.ones((WIDTH, OUT), np.float32)}, [WIDTH])
    drop_unused(model)
    assert [node.output[0] for node in model.graph.node] == ["y"]
    assert {item.name for item in model.graph.initializer} == {"w", "b"}


@given(st.integers(0, 2**16), st.integers(2, 9))
@settings(max_examples=15, deadline=None)
def test_gathered_pixels_give_the_same_sums(seed: int, half: int) -> None:
    random, side = np.random.default_rng(seed), 2 * half
    constants = {
        "scale": np.float32(1 / 128), "zero": np.uint8(127), "step": np.full(32, 0.01, np.float32),
        "w": random.integers(-64, 65, (32, 3, 3, 3)).astype(np.int8), "none": np.zeros(32, np.int8),
    }  # fmt: skip
    nodes = [
        helper.make_node("Transpose", ["image"], ["bytes"], perm=[0, 3, 1, 2]),
        helper.make_node("DequantizeLinear", ["bytes", "scale", "zero"], ["x"]),
        helper.make_node("DequantizeLinear", ["w", "step", "none"], ["wide"], axis=0),
        helper.make_node("Conv", ["x", "wide"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1]),
    ]
    graph = helper.make_graph(
        nodes, "graph",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", side, side, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 32, half, half])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    image = random.integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    wanted = InferenceSession(model.SerializeToString()).run(["y"], {"image": image})[0]
    gather_pixels(model, "image", side)
    onnx.checker.check_model(model)
    found = InferenceSession(model.SerializeToString()).run(["y"], {"image": image})[0]
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_only_the_known_first_convolution_is_rewritten() -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["bytes"], perm=[0, 3, 1, 2]),
        helper.make_node("Neg", ["bytes"], ["levels"]),
        helper.make_node("Conv", ["levels", "w"], ["y"], kernel_shape=[3, 3], strides=[1, 1], pads=[0, 0, 1, 1]),
    ]
    model = _model(nodes, {"w": np.ones((32, 3, 3, 3), np.float32)}, [8, 8, 3])
    with pytest.raises(ValueError, match="stride 2"):
        gather_pixels(model, "x", 8)
