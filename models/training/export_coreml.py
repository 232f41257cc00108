"""ANSA for Apple's devices: the graph of `ansa.onnx` as two Core ML packages, half precision and int8 weights.

    python -m photos_engine.models.training.export_coreml --work DIR --out DIR

Conversion works on any machine, prediction on Macs alone; `docs/decisions/0009-core-ml.md` says how the packages'
numbers are proven without one.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import coremltools
import numpy as np
import torch
from coremltools.converters.mil.mil import Operation
from coremltools.converters.mil.mil.scope import ScopeSource
from coremltools.models import MLModel
from coremltools.optimize.coreml import OpLinearQuantizerConfig, OptimizationConfig, linear_quantize_weights
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.analyzers.sessions.coreml import META_MODEL, META_TYPES, META_VERSION, PACKAGE
from photos_engine.models.training import steps
from photos_engine.models.training.backbone import INPUT, SIDE_PX, TAPS, TappedBackbone
from photos_engine.models.training.describe import NAME, VERSION
from photos_engine.models.training.embedding import Standardise
from photos_engine.models.training.fuse import HEADS, Heads
from photos_engine.models.training.low import LowStatistics
from photos_engine.models.training.quantise import Stage, conv_pad, round_weight
from photos_engine.models.training.scene import SceneHead

log = logging.getLogger(__name__)

HALF, INT8 = "ansa-fp16.mlpackage", PACKAGE
# A half has 11 bits. A mean of squares less the mean's square, the difference to the mean of what hardly varies, the
# log-odds of a share near 1, and a vector's length need more of them: in halves the quality scores were up to 0.6 off.
# So what these modules do themselves is done in float32; the backbone, and the layers within heads, do well with 11.
_FLOAT32_MODULES = {module.__name__ for module in (Heads, LowStatistics, SceneHead, Standardise)}


class RoundedBackbone(nn.Module):
    """The backbone as its heads know it: weights on their levels, activations within their ranges.

    Weights that have learned to be rounded are nothing by themselves: before rounding, the last features have a
    cosine of 0.956 with the int8 graph's; on their levels and within their ranges, 0.997. Only the activations'
    own levels are left out, halves having more of them.
    """

    def __init__(self, backbone: TappedBackbone, stages: Sequence[Stage]) -> None:
        super().__init__()
        self.stages, self.classes = nn.ModuleList(copy.deepcopy(list(stages))), backbone.net._fc
        for module in self.stages.modules():
            if isinstance(module, nn.Conv2d):
                module.weight = nn.Parameter(round_weight(module).detach(), requires_grad=False)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(n, 3, 232, 232) normalised -> the maps of `backbone.OUTPUTS`, in their order."""
        outputs = []
        for number, stage in enumerate(self.stages, start=-1):  # as `TAPS` counts blocks
            assert isinstance(stage, Stage)
            x = _within_ranges(stage, x)
            if number in TAPS.values():
                outputs.append(x)
        return (*outputs, x, self.classes(x.mean((2, 3))))


def _within_ranges(stage: Stage, x: Tensor) -> Tensor:
    inputs, ranges = x, iter(stage.ranges)
    for conv, clipped in zip(stage.convs, stage.clipped, strict=True):
        bounds = next(ranges)
        x = conv._conv_forward(conv_pad(conv, x), conv.weight, conv.bias)
        x = F.relu6(x) if clipped else x.clamp(bounds.low, bounds.high)
    if stage.has_skip:
        bounds = next(ranges)
        x = (x + inputs).clamp(bounds.low, bounds.high)
    return x


class OnePass(nn.Module):
    """A picture (1, 3, 232, 232), 0 to 255 -> every head's output, in the order of `HEADS`."""

    def __init__(self, backbone: nn.Module, heads: nn.Module) -> None:
        super().__init__()
        self.backbone, self.heads = backbone, heads

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Whole numbers up to 255 less 127, over 128: exact in half precision too."""
        maps = self.backbone((pixels - 127) / 128)
        outputs: tuple[Tensor, ...] = self.heads(pixels.permute(0, 2, 3, 1), *maps)
        return outputs


def convert(program: nn.Module, names: tuple[str, ...]) -> MLModel:
    """Convert a program as `OnePass` is one, in half precision where that suffices; macOS 13 or iOS 16 on.

    Takes an RGB picture of 232 x 232. Numbers leave as float32, bytes as int32, Core ML having no bytes there;
    the package's metadata names the types that they stand for.
    """
    example = torch.zeros(1, 3, SIDE_PX, SIDE_PX)
    with torch.no_grad():
        traced = torch.jit.trace(program.eval(), example, check_trace=False)
        kinds = [str(output.dtype).removeprefix("torch.") for output in program(example)]
    model = coremltools.convert(
        traced,
        convert_to="mlprogram",
        inputs=[coremltools.ImageType(INPUT, example.shape, color_layout=coremltools.colorlayout.RGB)],
        outputs=[
            coremltools.TensorType(name, dtype=np.float32 if kind == "float32" else np.int32)
            for name, kind in zip(names, kinds, strict=True)
        ],
        compute_precision=coremltools.transform.FP16ComputePrecision(op_selector=_suits_half),
        minimum_deployment_target=coremltools.target.macOS13,
        skip_model_load=True,
    )
    model.short_description = "Scene analysis in one pass: upright RGB, the whole picture squashed into the square."
    model.license, model.version = "Apache-2.0", VERSION
    model.user_defined_metadata[META_VERSION] = VERSION
    model.user_defined_metadata[META_MODEL] = NAME
    model.user_defined_metadata[META_TYPES] = json.dumps(dict(zip(names, kinds, strict=True)))
    return model


def quantise(model: MLModel) -> MLModel:
    """Keep the weights as int8 with one scale per output channel; activations stay halves."""
    config = OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int8", granularity="per_channel")
    with np.errstate(invalid="ignore"):  # a channel of zeros has the scale 0, and stays 0 whatever 0 / 0 becomes
        return linear_quantize_weights(model, OptimizationConfig(global_config=config))


def _suits_half(operation: Operation) -> bool:
    path = operation.scopes.get(ScopeSource.TORCHSCRIPT_MODULE_TYPE, [])  # modules, then torch's own operation
    return _FLOAT32_MODULES.isdisjoint(path[-2:-1])


def write_packages(program: nn.Module, names: tuple[str, ...], out: Path) -> dict[str, Path]:
    """Write `HALF` and `INT8`; gives their paths by these names."""
    out.mkdir(parents=True, exist_ok=True)
    half = convert(program, names)
    for name, model in ((HALF, half), (INT8, quantise(half))):
        model.save(str(out / name))
        log.info("%s: %.1f MB", name, size_bytes(out / name) / 1e6)
    return {name: out / name for name in (HALF, INT8)}


def size_bytes(package: Path) -> int:
    """What a package takes on disk."""
    return sum(file.stat().st_size for file in package.rglob("*") if file.is_file())


def load_program(work: Path) -> OnePass:
    """Put together what the recipe's steps left in the work folder."""
    bench = steps.Bench(data=Path(), work=work, out=Path(), threads=1)  # nothing but the work folder is read
    return OnePass(RoundedBackbone(*steps.load_backbone(bench, "backbone")), steps.load_heads(bench))


def main() -> None:
    """Write both packages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="work folder of a finished build")
    parser.add_argument("--out", type=Path, required=True, help="folder that the packages go to")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    write_packages(load_program(options.work), HEADS, options.out)


if __name__ == "__main__":
    main()
