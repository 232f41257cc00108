"""Core ML's run time for tests on any machine: reads an `.mlpackage` from disk and computes it with torch.

Stands where `coremltools.models.MLModel` stands on a Mac. Every operation is computed in float32 and what it hands
on is rounded to the type that the program declares, so that overflow and loss in half precision show up; numbers
too small for a normal half become zero, as they may on a neural engine. Weights are read from the package's own
file and unpacked here, not by coremltools.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from coremltools.converters.mil.frontend.milproto.load import load
from coremltools.converters.mil.mil import Var, types
from coremltools.models import MLModel
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

_SMALLEST_NORMAL_HALF = 2.0**-14
_TYPES = {types.fp16: torch.float16, types.fp32: torch.float32, types.int32: torch.int32, types.bool: torch.bool}


class MilModel:
    """An opened package with two of `MLModel`'s methods."""

    def __init__(self, package: Path) -> None:
        model = MLModel(str(package), skip_model_load=True)
        self._spec = model.get_spec()
        program = load(self._spec, self._spec.specificationVersion, model.weights_dir)
        self.function = program.functions["main"]

    def get_spec(self) -> Any:
        return self._spec

    def predict(self, data: Sequence[Mapping[str, Image.Image]]) -> list[dict[str, NDArray[Any]]]:
        """Run pictures one by one."""
        return [self._run(item) for item in data]

    @torch.inference_mode()
    def _run(self, inputs: Mapping[str, Image.Image]) -> dict[str, NDArray[Any]]:
        known: dict[str, Any] = {}
        for name, picture in inputs.items():
            pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
            known[name] = _round(pixels.to(torch.float32), self.function.inputs[name])
        for operation in self.function.operations:
            if operation.op_type == "const":
                known[operation.outputs[0].name] = _as_value(operation.outputs[0].val)
                continue
            given = {key: _take(value, known) for key, value in operation.inputs.items() if value is not None}
            results = OPERATIONS[operation.op_type](**given)
            results = results if isinstance(results, tuple) else (results,)
            for variable, result in zip(operation.outputs, results, strict=True):
                known[variable.name] = _round(result, variable)
        return {variable.name: known[variable.name].numpy() for variable in self.function.outputs}


def _take(value: Any, known: Mapping[str, Any]) -> Any:
    """An argument: a variable's value, or those of several."""
    return [known[item.name] for item in value] if isinstance(value, (list, tuple)) else known[value.name]


def _as_value(value: Any) -> Any:
    """A constant: arrays of numbers as tensors, halves widened; everything else as it is."""
    if isinstance(value, np.generic) and not isinstance(value, np.str_):
        value = np.asarray(value)
    if not isinstance(value, np.ndarray):
        return value
    return torch.from_numpy(value.astype(np.float32) if value.dtype == np.float16 else value.copy())


def _round(value: Tensor, variable: Var) -> Tensor:
    """What is left of a value in the type that the program gives it; halves are kept in float32 again."""
    if tuple(value.shape) != tuple(variable.shape):
        raise ValueError(f"{variable.name} is {tuple(value.shape)} and should be {tuple(variable.shape)}")
    value = value.to(_TYPES[variable.dtype])
    if variable.dtype != types.fp16:
        return value
    value = value.to(torch.float32)
    return torch.where(value.abs() < _SMALLEST_NORMAL_HALF, 0.0, value)


def _ints(value: Tensor) -> list[int]:
    return [int(item) for item in value.reshape(-1)]


def _value(x: Any) -> Any:
    """A number, a truth or a word, out of whatever holds it."""
    return x.item() if isinstance(x, Tensor) and x.numel() == 1 else x


def _pad(x: Tensor, pad: Tensor, mode: str, constant_val: Any) -> Tensor:
    # MIL begins with the first axis, torch with the last.
    widths = [width for pair in pad.reshape(-1, 2).flip(0) for width in _ints(pair)]
    while mode != "constant" and len(widths) > 4 and widths[-2:] == [0, 0]:
        widths = widths[:-2]  # torch pads two axes of a picture, and wants no others named
    return F.pad(x, widths, mode, _value(constant_val) if mode == "constant" else None)


def _conv(
    x: Tensor, weight: Tensor, strides: Tensor, pad_type: str, pad: Tensor, dilations: Tensor, groups: Any,
    bias: Tensor | None = None,
) -> Tensor:  # fmt: skip
    if pad_type == "custom":
        top, bottom, left, right = _ints(pad)
        x = F.pad(x, (left, right, top, bottom))
    elif pad_type != "valid":
        raise NotImplementedError(pad_type)
    return F.conv2d(x, weight, bias, _ints(strides), 0, _ints(dilations), int(_value(groups)))


def _pool(pool: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def run(x: Tensor, kernel_sizes: Tensor, strides: Tensor, pad: Tensor, ceil_mode: Any, **rest: Any) -> Tensor:
        top, bottom, left, right = _ints(pad)
        if (top, left) != (bottom, right) or _value(ceil_mode):
            raise NotImplementedError("pooling with uneven edges")
        more = {} if pool is F.max_pool2d else {"count_include_pad": not _value(rest["exclude_padding_from_average"])}
        return pool(x, _ints(kernel_sizes), _ints(strides), (top, left), **more)

    return run


def _reduce(reduce: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda x, axes, keep_dims: reduce(x, dim=_ints(axes), keepdim=bool(_value(keep_dims)))


def _slice(
    x: Tensor, begin: Tensor, end: Tensor, stride: Tensor | None = None, begin_mask: Tensor | None = None,
    end_mask: Tensor | None = None, squeeze_mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    def masked(mask: Tensor | None, axis: int) -> bool:
        return mask is not None and bool(mask[axis])

    def chosen(axis: int) -> int | slice:
        if masked(squeeze_mask, axis):
            return int(begin[axis])
        first = None if masked(begin_mask, axis) else int(begin[axis])
        last = None if masked(end_mask, axis) else int(end[axis])
        return slice(first, last, None if stride is None else int(stride[axis]))

    return x[tuple(chosen(axis) for axis in range(x.ndim))]


def _upsample(mode: str) -> Callable[..., Tensor]:
    def run(x: Tensor, scale_factor_height: Any, scale_factor_width: Any, align_corners: Any = None) -> Tensor:
        scale = (float(_value(scale_factor_height)), float(_value(scale_factor_width)))
        corners = None if align_corners is None else bool(_value(align_corners))
        return F.interpolate(x, scale_factor=scale, mode=mode, align_corners=corners)

    return run


def _topk(x: Tensor, k: Any, axis: Any, ascending: Any, **_: Any) -> tuple[Tensor, Tensor]:
    return tuple(x.topk(int(_value(k)), int(_value(axis)), largest=not _value(ascending)))


def _expand(x: Tensor, axes: Tensor) -> Tensor:
    for axis in _ints(axes):
        x = x.unsqueeze(axis)
    return x


def _dequantise(quantized_data: Tensor, zero_point: Tensor, scale: Tensor, axis: Any) -> Tensor:
    shape = [-1 if number == int(_value(axis)) else 1 for number in range(quantized_data.ndim)]
    zero, width = (item.to(torch.float32).reshape(shape) if item.ndim else item for item in (zero_point, scale))
    return (quantized_data.to(torch.float32) - zero) * width


OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "avg_pool": _pool(F.avg_pool2d),
    "cast": lambda x, dtype: x,  # `_round` does it
    "clip": lambda x, alpha, beta: x.clamp(float(_value(alpha)), float(_value(beta))),
    "concat": lambda values, axis, **_: torch.cat(values, int(_value(axis))),
    "constexpr_affine_dequantize": _dequantise,
    "conv": _conv,
    "exp": lambda x: x.exp(),
    "expand_dims": _expand,
    "floor_div": lambda x, y: x.div(y, rounding_mode="floor"),
    "gather": lambda x, indices, axis, **_: x[(slice(None),) * int(_value(axis)) + (indices.to(torch.int64),)],
    "gather_along_axis": lambda x, indices, axis, **_: x.gather(int(_value(axis)), indices.to(torch.int64)),
    "greater": lambda x, y: x > y,
    "greater_equal": lambda x, y: x >= y,
    "linear": F.linear,
    "log": lambda x, epsilon: (x + _value(epsilon)).log(),
    "max_pool": _pool(F.max_pool2d),
    "maximum": lambda x, y: torch.maximum(x, torch.as_tensor(y)),
    "mod": lambda x, y: x.remainder(y),
    "mul": lambda x, y: x * y,
    "pad": _pad,
    "real_div": lambda x, y: x / y,
    "reduce_argmax": lambda x, axis, keep_dims: x.argmax(int(_value(axis)), bool(_value(keep_dims))),
    "reduce_l2_norm": _reduce(torch.linalg.vector_norm),
    "reduce_max": _reduce(torch.amax),
    "reduce_mean": _reduce(torch.mean),
    "reduce_min": _reduce(torch.amin),
    "reduce_sum": _reduce(torch.sum),
    "relu": lambda x: x.relu(),
    "relu6": lambda x: F.relu6(x),
    "reshape": lambda x, shape: x.reshape(_ints(shape)),
    "select": lambda cond, a, b: torch.where(cond, a, b),
    "sigmoid": lambda x: x.sigmoid(),
    "slice_by_index": _slice,
    "softmax": lambda x, axis: x.softmax(int(_value(axis))),
    "square": lambda x: x.square(),
    "stack": lambda values, axis: torch.stack(values, int(_value(axis))),
    "sub": lambda x, y: x - y,
    "tile": lambda x, reps: x.tile(_ints(reps)),
    "topk": _topk,
    "transpose": lambda x, perm: x.permute(_ints(perm)),
    "upsample_bilinear": _upsample("bilinear"),
    "upsample_nearest_neighbor": _upsample("nearest"),
}
