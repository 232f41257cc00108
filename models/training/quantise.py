"""Block-wise reconstruction: 8-bit weights and activations that lose next to nothing.

Rounding each weight to its nearest level leaves a few per cent of noise after every block, and by the
last one a seventh of the signal. Here each block in turn learns weights and biases with which its
rounded self gives what the block gave before rounding, from the inputs that the rounded blocks before it
really give (as in BRECQ, Li et al. 2021, with straight-through rounding, Bengio et al. 2013).
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.models.training.backbone import TAPS, TappedBackbone
from photos_engine.models.training.features import MEANS

log = logging.getLogger(__name__)

# Levels on each side of zero. Products of 8-bit activations with weights of more than 7 bits overflow the
# 16-bit sums of processors without VNNI where channels are mixed (decision 0008).
_DENSE_LEVELS, _DEPTHWISE_LEVELS = 64, 127
_ACTIVATION_LEVELS = 255
_LAST = 2 + TAPS["stage4"]  # the first stage of the tail; the stem is a stage too
_CLIPS = np.linspace(0.3, 1.0, 29)  # shares of a tensor's range that are tried
_SAMPLED = 20_000  # numbers of a batch that a range is judged by


@dataclass
class Range:
    """What an 8-bit activation can hold."""

    low: float
    high: float

    @classmethod
    def fit(cls, x: Tensor) -> Range:
        """The share of the values' range that leaves the least squared error; outliers are cut."""
        low, high = min(0.0, float(x.min())), max(1e-6, float(x.max()))
        sample = x.flatten()[:: max(1, x.numel() // _SAMPLED)]
        ranges = [cls(low * share, high * share) for share in _CLIPS]
        return min(ranges, key=lambda item: float((item(sample) - sample).square().mean()))

    def __call__(self, x: Tensor) -> Tensor:
        """Round to the levels of this range; gradients pass as if nothing had been rounded, if inside."""
        scale = (self.high - self.low) / _ACTIVATION_LEVELS
        zero = round(-self.low / scale)
        inside = x.clamp(-zero * scale, (_ACTIVATION_LEVELS - zero) * scale)
        return inside + ((inside / scale).round() * scale - inside).detach()


def round_weight(conv: nn.Conv2d) -> Tensor:
    """A convolution's weight on its levels, per output channel; gradients pass as if nothing had been rounded."""
    levels = _DEPTHWISE_LEVELS if conv.groups > 1 else _DENSE_LEVELS
    weight = conv.weight
    scale = weight.detach().abs().flatten(1).amax(1).clamp(min=1e-8).view(-1, 1, 1, 1) / levels
    return weight + ((weight / scale).round() * scale - weight).detach()


class Stage(nn.Module):
    """The convolutions between two places where the picture could be cut: stem, one block, or the last one.

    ranges: of the activation after each convolution, then of the sum with the input where there is one.
    """

    def __init__(self, convs: list[nn.Conv2d], clipped: list[bool], *, has_skip: bool) -> None:
        super().__init__()
        self.convs = nn.ModuleList(convs)
        self.clipped, self.has_skip = clipped, has_skip
        self.ranges: list[Range] = []

    def forward(self, x: Tensor, *, rounded: bool = True) -> Tensor:
        """(n, c, h, w) -> the stage's map, with or without rounding."""
        inputs, ranges = x, iter(self.ranges)
        for conv, clip in zip(self.convs, self.clipped, strict=True):
            assert isinstance(conv, nn.Conv2d)
            x = conv._conv_forward(conv_pad(conv, x), round_weight(conv) if rounded else conv.weight, conv.bias)
            x = F.relu6(x) if clip else x
            x = next(ranges)(x) if rounded else x
        if self.has_skip:
            x = next(ranges)(x + inputs) if rounded else x + inputs
        return x

    def get_extra_state(self) -> list[tuple[float, float]]:
        """The ranges, for checkpoints."""
        return [(float(item.low), float(item.high)) for item in self.ranges]

    def set_extra_state(self, state: list[tuple[float, float]]) -> None:
        """Take the ranges of a checkpoint."""
        self.ranges = [Range(*bounds) for bounds in state]

    def fit_ranges(self, x: Tensor) -> None:
        """Choose the ranges by the float stage's own activations on (n, c, h, w)."""
        inputs, self.ranges = x, []
        for conv, clip in zip(self.convs, self.clipped, strict=True):
            assert isinstance(conv, nn.Conv2d)
            x = conv._conv_forward(conv_pad(conv, x), conv.weight, conv.bias)
            x = F.relu6(x) if clip else x
            self.ranges.append(Range(0.0, 6.0) if clip else Range.fit(x))
        if self.has_skip:
            self.ranges.append(Range.fit(x + inputs))


def conv_pad(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Pad as the package's convolutions do for themselves before they call torch's."""
    padding = getattr(conv, "static_padding", None)
    return padding(x) if padding is not None else x


def as_stages(backbone: TappedBackbone) -> list[Stage]:
    """The backbone's own convolutions, cut into stages: stem, every block, the last convolution."""
    net = backbone.net
    stages = [Stage([net._conv_stem], [True], has_skip=False)]
    for block in net._blocks:
        args = block._block_args
        named = [("_expand_conv", True), ("_depthwise_conv", True), ("_project_conv", False)]
        parts = [(getattr(block, name), clip) for name, clip in named if hasattr(block, name)]
        stride = args.stride[0] if isinstance(args.stride, list | tuple) else args.stride
        has_skip = bool(block.id_skip and stride == 1 and args.input_filters == args.output_filters)
        stages.append(Stage([conv for conv, _ in parts], [clip for _, clip in parts], has_skip=has_skip))
    return [*stages, Stage([net._conv_head], [True], has_skip=False)]


def last_stages(backbone: TappedBackbone) -> list[Stage]:
    """The stages after `stage4`."""
    return as_stages(backbone)[_LAST:]


@dataclass(frozen=True, slots=True)
class ReconstructionConfig:
    """How the backbone learns to be rounded."""

    seed: int
    pictures: int
    steps: int  # of every stage
    batch: int
    learning_rate: float


def reconstruct(stages: Sequence[Stage], inputs: Tensor, config: ReconstructionConfig) -> None:
    """Choose the ranges of stages and tune their weights, one after the other, so that rounding them is harmless.

    inputs: (n, c, h, w), what enters the first one.
    """
    random, batch = np.random.default_rng(config.seed), config.batch
    originals = copy.deepcopy(stages)
    float_maps = maps = inputs.to(memory_format=torch.channels_last)
    for number, (stage, original) in enumerate(zip(stages, originals, strict=True)):
        with torch.inference_mode():
            targets = torch.cat([original(part, rounded=False) for part in float_maps.split(batch)])
            stage.fit_ranges(maps[random.permutation(len(maps))[: 4 * batch]])
            before = _error(stage, maps, targets, batch)
        untuned = copy.deepcopy(stage.state_dict())
        _tune(stage, maps.clone(), targets.clone(), config, random)
        with torch.inference_mode():
            after = _error(stage, maps, targets, batch)
            if after > before:
                stage.load_state_dict(untuned)
            maps = torch.cat([stage(part) for part in maps.split(batch)])
        float_maps = targets
        log.info("stage %d: noise %.1f dB, reconstructed %.1f dB", number, before, after)


def _tune(
    stage: Stage, maps: Tensor, targets: Tensor, config: ReconstructionConfig, random: np.random.Generator
) -> None:
    stage.requires_grad_(True)
    optimiser = torch.optim.Adam(stage.parameters(), lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    power = targets.square().mean()
    for _ in range(config.steps):
        rows = torch.from_numpy(random.integers(len(maps), size=config.batch))
        loss = (stage(maps[rows]) - targets[rows]).square().mean() / power
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    stage.requires_grad_(False)


def _error(stage: Stage, maps: Tensor, targets: Tensor, batch: int) -> float:
    """The rounded stage's noise below its signal, in dB."""
    parts = zip(maps.split(batch), targets.split(batch), strict=True)
    noise = sum(float((stage(part) - target).square().sum()) for part, target in parts)
    return 10 * float(np.log10(noise / float(targets.square().sum())))


class Tail(nn.Module):
    """The stages after `stage4`, rounded as at run time, up to a row of features.

    stage4 (n, 120, h, w) and the means of stage3 (n, 88) -> (n, 3048), in the order of `features.MEANS`,
    then ImageNet's logits.
    """

    def __init__(self, backbone: TappedBackbone, stages: Sequence[Stage]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages[_LAST:])
        self.classes = copy.deepcopy(backbone.net._fc).requires_grad_(False)
        self.rounded = True
        self._taken = {TAPS[name] + 1 - _LAST: name for name in ("stage5", "stage6")}

    def forward(self, stage4: Tensor, stage3: Tensor) -> Tensor:
        """(n, 3048)."""
        x, means = stage4, {"stage3": stage3, "stage4": stage4.mean((2, 3))}
        for number, stage in enumerate(self.stages):
            x = stage(x, rounded=self.rounded)
            if number in self._taken:
                means[self._taken[number]] = x.mean((2, 3))
        means["features"] = x.mean((2, 3))
        return torch.cat([*(means[name] for name in MEANS), self.classes(means["features"])], 1)

    def fit_ranges(self, stage4: Tensor) -> None:
        """Choose every stage's ranges anew, on (n, 120, h, w)."""
        with torch.no_grad():
            x = stage4
            for stage in self.stages:
                assert isinstance(stage, Stage)
                stage.fit_ranges(x)
                x = stage(x)


def overrides(stages: list[Stage], graph: Any) -> dict[str, list[dict[str, Any]]]:
    """The ranges and the weights' widths, by the names of an exported graph's tensors, for ONNX Runtime's quantiser."""
    result: dict[str, list[dict[str, Any]]] = {}
    nodes: Iterator[Any] = iter([node for node in graph.node if node.op_type in ("Conv", "Add")])
    readers = {name: node for node in graph.node for name in node.input}
    for stage in stages:
        ranges = iter(stage.ranges)
        for conv in stage.convs:
            node = next(nodes)
            assert node.op_type == "Conv"
            if conv.groups == 1:
                result[node.input[1]] = [{"axis": 0, "reduce_range": True}]
            clip = readers.get(node.output[0])
            item = next(ranges)
            for name in (node.output[0], *(clip.output if clip is not None and clip.op_type == "Clip" else ())):
                result[name] = [_bounds(item)]
        if stage.has_skip:
            node = next(nodes)
            assert node.op_type == "Add"
            result[node.output[0]] = [_bounds(next(ranges))]
    return result


def _bounds(item: Range) -> dict[str, Any]:
    return {"rmin": np.float32(item.low), "rmax": np.float32(item.high)}
