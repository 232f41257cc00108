"""The objects head: everyday things with their boxes, as centre points on a fine grid.

What lies where is read from five maps of the backbone, joined from the coarsest to the finest; which it is, also
from the last map, where ImageNet's rows and the joint space are the starting point. Of every cell the likeliest
label counts, of every 3 x 3 cells the likeliest one: so a thing is found once, and the graph needs no loop.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

from photos_engine.models.training.backbone import SIDE_PX, STRIDES_PX, map_side
from photos_engine.models.training.config import LoopConfig

TAPS = ("stage2", "stage3", "stage4", "stage5", "stage6", "features")
CHANNELS = {"stage2": 48, "stage3": 88, "stage4": 120, "stage5": 208, "stage6": 352, "features": 1280}
SIDES = {name: map_side(name) for name in TAPS}
SIDE, MOST = SIDES["stage2"], 24  # of the grid; things that are given of a picture
FIRST = 2 / SIDE_PX  # where the grid's first cell has its middle
STEP = STRIDES_PX["stage2"] / SIDE_PX  # from one to the next
_TYPICAL = 0.15  # of the frame, from a thing's middle to its edge
_SMALLEST = 1e-3  # area that counts as such, of the picture
_REACH = 3.0  # largest logarithm of an edge's distance, in typical ones


@dataclass(frozen=True, slots=True)
class ObjectsConfig:
    """The objects head: which pictures and labels it learns, from which views, and how."""

    loop: LoopConfig
    sets: tuple[str, ...]  # that the teacher's boxes are learned from
    views: int  # of a picture: the first shows all of it, the others a part of it, mirrored or not
    rare: int  # a label with fewer things has more views of its pictures:
    rare_views: int
    smallest_part: float  # of the picture's width and height that a view shows
    light: float  # largest change of brightness, as a share
    visible: float  # share of a thing that a view must show
    judged: float  # share of the pictures that scores are calibrated on, and that nothing is learned from
    least_things: float  # of a label, for it to be learned
    named: float  # log-odds that a caption's word adds to a thing
    unnamed: float  # and that it takes from people and animals that no caption speaks of
    width: int  # channels of the coarse grid
    fine: int  # channels of the fine grid
    spread: float  # of a thing's heat, as a share of its width and height
    box_weight: float  # of the boxes' loss beside the heat's
    learning_rate: float
    context_rate: float  # of the many weights on the last map, as a share of the others'
    weight_decay: float
    precision: float  # that a label's threshold must reach by the teacher, who sees less than there is
    enough: float  # rightly found things of a label, for it to have a threshold of its own
    lowest: float  # threshold


class ObjectHead(nn.Module):
    """The maps of `TAPS` -> (n, 24, 6): left, top, right, bottom of 1, score, label's number; highest peaks first."""

    def __init__(self, labels: int, width: int, fine: int) -> None:
        super().__init__()
        self.deep = nn.ModuleList(_convolution(CHANNELS[name], width) for name in ("stage5", "stage6"))
        self.middle = nn.ModuleList(_convolution(CHANNELS[name], width) for name in ("stage3", "stage4"))
        self.near = _convolution(CHANNELS["stage2"], fine)
        self.coarse = _block(width, width)
        self.narrow = _convolution(width, fine)
        self.joined = _block(fine, fine)
        self.context = nn.Conv2d(CHANNELS["features"], labels + 4, 1, bias=False)
        self.out = nn.Conv2d(fine, labels + 4, 1)  # heat of every label, distances of the four edges
        self.register_buffer(
            "calibration", torch.tensor([1.0, 0.0, 0.0])
        )  # of log-odds and logarithm of the area, offset
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.zeros_(self.context.weight)
        with torch.no_grad():
            self.out.bias[:-4], self.out.bias[-4:] = -4.0, 0.0  # things are rare

    def grids(
        self, stage2: Tensor, stage3: Tensor, stage4: Tensor, stage5: Tensor, stage6: Tensor, features: Tensor
    ) -> Tensor:
        """(n, labels + 4, 29, 29): log-odds that a thing of a label has its middle there, then its edges' distances."""
        deep = F.relu(self.deep[0](stage5) + self.deep[1](stage6))
        x = F.relu(self.middle[0](stage3) + self.middle[1](stage4) + _enlarge(deep, 2))
        x = F.relu(self.near(stage2) + _enlarge(self.narrow(self.coarse(x)), 2))
        grids: Tensor = self.out(self.joined(x)) + _enlarge(self.context(features), 4)
        return grids

    def forward(self, *maps: Tensor) -> Tensor:
        """(n, 24, 6)."""
        grids = self.grids(*maps)
        best = grids[:, :-4].amax(1, keepdim=True)  # (n, 1, 29, 29)
        is_peak = best >= F.max_pool2d(best, 3, 1, 1)
        ranked = torch.where(is_peak, best, best - 100).flatten(1)
        logits, cells = ranked.topk(MOST, 1)  # (n, 24)
        here = grids.flatten(2).gather(2, cells[:, None].expand(-1, grids.shape[1], -1)).transpose(1, 2)
        number = here[:, :, :-4].argmax(2, keepdim=True).to(torch.float32)
        middle = cell_middles().to(grids.device).flatten(0, 1)[cells]  # (n, 24, 2)
        boxes = boxes_at(middle, here[:, :, -4:])
        evidence = logits[:, :, None] * self.calibration[0] + log_area(boxes) * self.calibration[1]
        score = (evidence + self.calibration[2]).sigmoid()
        return torch.cat([boxes, score, number], 2)

    def groups(self, config: ObjectsConfig) -> list[dict[str, Any]]:
        """The weights as an optimiser takes them."""
        context = list(self.context.parameters())
        others = [item for name, item in self.named_parameters() if not name.startswith("context.")]
        rates = (config.learning_rate, config.learning_rate * config.context_rate)
        return [
            {"params": part, "lr": rate, "weight_decay": config.weight_decay}
            for part, rate in zip((others, context), rates, strict=True)
        ]

    def fold(self) -> None:
        """Merge the batch norms into their convolutions; for evaluation only from then on."""
        self.eval()
        for owner in list(self.modules()):
            if isinstance(owner, nn.Sequential) and isinstance(owner[1], nn.BatchNorm2d):
                owner[0], owner[1] = fuse_conv_bn_eval(owner[0], owner[1]), nn.Identity()


def boxes_at(middle: Tensor, edges: Tensor) -> Tensor:
    """Middles (..., 2) and raw distances (..., 4) of left, top, right, bottom edges -> boxes (..., 4)."""
    distance = edges.clamp(-_REACH, _REACH).exp() * _TYPICAL
    return torch.cat([middle - distance[..., :2], middle + distance[..., 2:]], -1).clamp(0, 1)


def log_area(boxes: Tensor) -> Tensor:
    """Boxes (..., 4) -> (..., 1), the logarithm of the share of the picture, kept finite."""
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0)
    return (sides[..., :1] * sides[..., 1:]).clamp(min=_SMALLEST).log()


def cell_middles() -> Tensor:
    """(29, 29, 2): x and y of every cell's middle, 0 to 1."""
    place = torch.arange(SIDE) * STEP + FIRST
    return torch.stack(torch.meshgrid(place, place, indexing="xy"), 2)


def _convolution(channels: int, width: int, kernel: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel, padding=kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(width)
    )


def _block(channels: int, width: int) -> nn.Sequential:
    """A wide look at each channel, then all channels at each place."""
    return nn.Sequential(
        _convolution(channels, channels, 5, channels), nn.ReLU(), _convolution(channels, width), nn.ReLU()
    )


def _enlarge(x: Tensor, factor: int) -> Tensor:
    """To the next finer grid, of whose cells every `factor`-th lies where one of x's does: the nearest one's values.

    Sides of 33, 17 and 9 lie like that, or of 29, 15 and 8: of pictures with 257 to 264 px, or 225 to 232.
    A bilinear one would take the runtime a fourth of the head's time.
    """
    side = factor * (x.shape[-1] - 1) + 1
    first = factor // 2
    return F.interpolate(x, scale_factor=float(factor))[:, :, first : first + side, first : first + side]


# --- learning -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Targets:
    """The things of a batch of pictures, m in all."""

    picture: Tensor  # (m,) row in the batch
    label: Tensor  # (m,)
    box: Tensor  # (m, 4)
    chance: Tensor  # (m,) that it is really there
    weight: Tensor  # (n, labels): 0 where it is known that a thing is there, and not where

    def to(self, device: torch.device) -> Targets:
        """The same on a device."""
        return Targets(*(getattr(self, item.name).to(device) for item in fields(self)))


def loss(grids: Tensor, targets: Targets, config: ObjectsConfig) -> Tensor:
    """How far the grids are from the things: quality focal loss of the heat, generalised overlap of the boxes."""
    heat, edges = grids[:, :-4], grids[:, -4:]
    near = _nearness(targets.box, config.spread)  # (m, 29, 29)
    wanted = torch.zeros_like(heat).flatten(0, 1)
    place = (targets.picture * heat.shape[1] + targets.label)[:, None, None].expand_as(near)
    wanted = wanted.scatter_reduce(0, place, near * targets.chance[:, None, None], "amax").view_as(heat)
    miss = (wanted - heat.sigmoid()).square() * F.binary_cross_entropy_with_logits(heat, wanted, reduction="none")
    things = targets.chance.sum().clamp(min=1)
    heat_loss = (miss * targets.weight[:, :, None, None]).sum() / things
    thing, row, column = (near > 0.4).nonzero(as_tuple=True)  # cells whose heat is this thing's own
    middles = cell_middles().to(grids.device)[row, column]
    found = boxes_at(middles, edges.permute(0, 2, 3, 1)[targets.picture[thing], row, column])
    share = near[thing, row, column] * targets.chance[thing]
    gap = 1 - generalised_overlap(found, targets.box[thing])
    return heat_loss + config.box_weight * (gap * share).sum() / share.sum().clamp(min=1)


def _nearness(boxes: Tensor, spread: float) -> Tensor:
    """(m, 29, 29): 1 at the cell that is nearest to a box's middle, falling off within the box."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    middle = ((middle - FIRST) / STEP).round().clamp(0, SIDE - 1) * STEP + FIRST
    deviation = ((boxes[:, 2:] - boxes[:, :2]) * spread).clamp(min=0.6 * STEP)
    away = (cell_middles().to(boxes.device)[None] - middle[:, None, None]) / deviation[:, None, None]
    return (-0.5 * away.square().sum(-1)).exp()


def generalised_overlap(one: Tensor, other: Tensor) -> Tensor:
    """Generalised intersection over union of boxes (m, 4), pair by pair (Rezatofighi et al., CVPR 2019)."""
    common = (torch.minimum(one[:, 2:], other[:, 2:]) - torch.maximum(one[:, :2], other[:, :2])).clamp(min=0).prod(1)
    union = (one[:, 2:] - one[:, :2]).prod(1) + (other[:, 2:] - other[:, :2]).prod(1) - common
    hull = (torch.maximum(one[:, 2:], other[:, 2:]) - torch.minimum(one[:, :2], other[:, :2])).prod(1)
    return common / union.clamp(min=1e-9) - (hull - union) / hull.clamp(min=1e-9)
