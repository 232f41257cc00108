"""What lower layers tell: statistics for the quality head, a coarse layout for the print.

Everything here depends on the first third of the backbone only, so it is learned from a graph that is
cut off after `stage2`. The stem isn't read: to widen its half a million numbers alone takes as long as
all of this, and edges of the picture itself tell the same.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.models.training.backbone import SIDE_PX

LOW_TAPS = ("stage1", "stage2")
STATISTICS_CHANNELS = 3 * (4 + 48) + 24 + 48 + 2 * 12
_LEVELS = (2, 5, 12, 25, 50, 90, 150, 200, 230, 245, 251, 254)  # of 255, closer where clipping begins
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_WIDTH, _APART = 5, 4  # of the layout: places of `stage2` along a cell's side, and from one cell to the next
_STEP = 4  # of every four rows, two are looked at
# Over three neighbouring pixels of a row and of the one below: slopes to the right and downwards, and how both change.
_EDGES = (
    ((0, -1, 1), (0, 0, 0)),
    ((0, 0, -1), (0, 0, 1)),
    ((1, -2, 1), (0, 0, 0)),
    ((0, 1, -1), (0, -1, 1)),
)


class LowStatistics(nn.Module):
    """(n, 232, 232, 3) bytes and the low maps -> (n, 252): where the picture is how sharp, flat, bright.

    The picture is cut into 7 x 7 cells. Per kind of edge and channel of `stage2`, the deviation inside
    each cell is a measure of detail; its mean, greatest and smallest over the cells tell apart a blurred
    picture (no cell is sharp) from a shallow depth of field (one is), and noise (no cell is calm) from
    texture. Shares of pixels whose brightest, and whose darkest, colour reaches twelve levels tell a
    spoiled exposure from a night.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("levels", torch.tensor(_LEVELS, dtype=torch.float32)[None, :, None, None])
        edges, luma = torch.tensor(_EDGES, dtype=torch.float32), torch.tensor(_LUMA) / 255
        self.register_buffer("edges", (edges[..., None] * luma).flatten(2)[:, :, None])  # (4, 2, 1, 9)

    def forward(self, image: Tensor, stage1: Tensor, stage2: Tensor) -> Tensor:
        """(n, 252)."""
        rows = image.reshape(-1, SIDE_PX // _STEP, _STEP, 3 * SIDE_PX)[:, :, :2].transpose(1, 2).to(torch.float32)
        edges = F.conv2d(rows, self.edges, stride=(1, 3))  # (n, 4, 58, 230)
        mean = F.avg_pool2d(stage2, 4)  # (n, 48, 7, 7)
        detail = (F.avg_pool2d(edges * edges, (8, 32)), F.avg_pool2d(stage2 * stage2, 4) - mean * mean)
        upper = rows[:, :1]
        extremes = (_brightest(upper), -_brightest(-upper))
        shares = [torch.log((x >= self.levels).to(torch.float32).mean((2, 3)) + 1e-3) for x in extremes]  # (n, 12) each
        means = (stage1.mean((2, 3)), mean.mean((2, 3)))
        return torch.cat([*map(_deviation, detail), *means, *shares], 1)


def _brightest(rows: Tensor) -> Tensor:
    """(n, 1, 58, 696) -> (n, 1, 58, 58): the greatest of every fourth pixel's three numbers."""
    return F.max_pool2d(rows, (1, 3), (1, 3 * _STEP))


def _deviation(variance: Tensor) -> Tensor:
    """Variances (n, c, 7, 7) -> (n, 3 c): mean, greatest and smallest logarithm of the deviation."""
    deviation = 0.5 * torch.log(variance.clamp(min=0) + 1e-5)
    return torch.cat([deviation.mean((2, 3)), deviation.amax((2, 3)), deviation.amin((2, 3))], 1)


def layout(stage2: Tensor) -> Tensor:
    """(n, 48, 29, 29) -> (n, 2352): the map's means in 7 x 7 cells of 40 px, wider than a small crop's shift.

    Neighbours share a row of places. To fill the edge with copies of itself instead would let a narrow frame, or a
    shadow along the edge, have cells to itself.
    """
    return F.avg_pool2d(stage2, _WIDTH, _APART).flatten(1)


def low_features(image: np.ndarray, maps: list[np.ndarray], statistics: LowStatistics) -> tuple[np.ndarray, np.ndarray]:
    """Bytes and maps of `LOW_TAPS` -> statistics (n, 252), layout (n, 2352)."""
    with torch.inference_mode():
        tensors = [torch.from_numpy(item) for item in maps]
        return statistics(torch.from_numpy(image), *tensors).numpy(), layout(tensors[1]).numpy()
