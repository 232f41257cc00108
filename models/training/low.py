"""What lower layers tell: statistics for the quality head, a coarse layout for the print.

Everything here depends on the first third of the backbone only, so it is learned from a graph that is
cut off after `stage2`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

LOW_TAPS = ("stem", "stage1", "stage2")
STATISTICS_CHANNELS = 3 * (32 + 24 + 48 + 2) + 32 + 24 + 48 + 12
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_LEVELS = (4, 10, 20, 35, 60, 100, 155, 195, 220, 235, 245, 251)  # of 255, closer where clipping begins


class LowStatistics(nn.Module):
    """(n, 260, 260, 3) bytes and the low maps -> (n, 434): where the picture is how sharp, flat, bright.

    The picture is cut into 8 x 8 cells. Per channel, the deviation inside each cell is a measure of
    detail; its mean, greatest and smallest over the cells tell apart a blurred picture (no cell is
    sharp) from a shallow depth of field (one is), and noise (no cell is calm) from texture. Shares of
    pixels above twelve levels of brightness tell a spoiled exposure from a night.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("luma", torch.tensor(_LUMA)[None, :, None, None] / 255)
        laplace = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
        slope = torch.tensor([[0.0, 0, 0], [-1, 0, 1], [0, 0, 0]])
        self.register_buffer("edges", torch.stack([laplace, slope])[:, None])
        self.register_buffer("levels", torch.tensor(_LEVELS)[None, :, None] / 255)

    def forward(self, image: Tensor, stem: Tensor, stage1: Tensor, stage2: Tensor) -> Tensor:
        """(n, 434)."""
        # A convolution, since the runtime takes 18 ms for the same as a product with a vector.
        luma = F.conv2d(image.permute(0, 3, 1, 2).to(torch.float32), self.luma)  # (n, 1, 260, 260)
        edges = F.conv2d(luma, self.edges)  # (n, 2, 258, 258)
        detail, means = [], []
        for maps, cell in ((stem, 16), (stage1, 8), (stage2, 4), (edges, 32)):
            mean = F.avg_pool2d(maps, cell)  # (n, c, 8, 8)
            square = F.avg_pool2d(maps * maps, cell)
            deviation = (0.5 * torch.log((square - mean * mean).clamp(min=0) + 1e-5)).flatten(2)
            detail += [deviation.mean(2), deviation.amax(2), deviation.amin(2)]
            if maps is not edges:
                means.append(mean.mean((2, 3)))
        small = F.avg_pool2d(luma, 4).flatten(2)  # (n, 1, 4225)
        shares = ((small - self.levels) * 64).sigmoid().mean(2)  # (n, 12)
        return torch.cat([*detail, *means, shares], 1)


def layout(stage2: Tensor) -> Tensor:
    """(n, 48, 33, 33) -> (n, 2352): the map's means in 7 x 7 cells of 40 px, wider than a small crop's shift."""
    return F.avg_pool2d(F.pad(stage2, (1, 1, 1, 1), mode="replicate"), 5).flatten(1)


def low_features(image: np.ndarray, maps: list[np.ndarray], statistics: LowStatistics) -> tuple[np.ndarray, np.ndarray]:
    """Bytes and maps of `LOW_TAPS` -> statistics (n, 434), layout (n, 2352)."""
    with torch.inference_mode():
        tensors = [torch.from_numpy(item) for item in maps]
        return statistics(torch.from_numpy(image), *tensors).numpy(), layout(tensors[2]).numpy()
