"""All heads behind the int8 backbone, as one ONNX graph."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import compose
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.models.training import objects
from photos_engine.models.training.aesthetics import AestheticsHead
from photos_engine.models.training.backbone import INPUT, OUTPUTS, SIDE_PX
from photos_engine.models.training.embedding import JointSpace
from photos_engine.models.training.features import MEANS, open_session
from photos_engine.models.training.low import LOW_TAPS, LowStatistics, layout
from photos_engine.models.training.packing import drop_unused, gather_pixels, pack_weights
from photos_engine.models.training.prints import PrintHead
from photos_engine.models.training.quality import QualityHead
from photos_engine.models.training.saliency import SaliencyHead
from photos_engine.models.training.scene import SceneHead

log = logging.getLogger(__name__)

HEADS = ("embedding", "scene", "objects", "utility", "aesthetics", "quality", "saliency", "print")


class Heads(nn.Module):
    """The picture's bytes and the backbone's maps -> every head's output, in the order of `HEADS`."""

    def __init__(
        self, joint: JointSpace, *, scene: SceneHead, objects: objects.ObjectHead, utility: nn.Linear,
        aesthetics: AestheticsHead, quality: QualityHead, saliency: SaliencyHead, prints: PrintHead,
    ) -> None:  # fmt: skip
        super().__init__()
        self.standardise, self.embedding, self.statistics = joint.standardise, joint.image, LowStatistics()
        self.scene, self.objects, self.utility, self.aesthetics = scene, objects, utility, aesthetics
        self.quality, self.saliency, self.prints = quality, saliency, prints

    def forward(self, image: Tensor, *maps: Tensor) -> tuple[Tensor, ...]:
        """(n, 232, 232, 3) bytes and maps in the order of `backbone.OUTPUTS`."""
        named = dict(zip(OUTPUTS, maps, strict=True))
        logits = named["logits"]
        rows = self.standardise(torch.cat([*(named[name].mean((2, 3)) for name in MEANS), logits], 1))  # (n, 3048)
        statistics = self.statistics(image, *(named[name] for name in LOW_TAPS))
        embedding = F.normalize(self.embedding(rows))
        heat = self.saliency(named["stage4"], named["stage6"])
        found = {
            "embedding": embedding,
            "scene": self.scene(rows, logits, embedding),
            "objects": self.objects(*(named[name] for name in objects.TAPS)),
            "utility": self.utility(rows).sigmoid(),
            "aesthetics": self.aesthetics(rows, statistics, heat),
            "quality": self.quality(statistics, rows),
            "saliency": heat,
            "print": self.prints(layout(named["stage2"])),
        }
        return tuple(found[name] for name in HEADS)


def fuse(backbone: Path, heads: nn.Module, path: Path, work: Path, *, is_packed: bool = True) -> None:
    """Write one graph: (n, 232, 232, 3) uint8 in, `HEADS` out; its large float weights in int8 if `is_packed`."""
    body = onnx.load(str(backbone))
    shapes = _map_shapes(backbone)
    example = (torch.zeros(2, SIDE_PX, SIDE_PX, 3, dtype=torch.uint8), *(torch.zeros(2, *shape) for shape in shapes))
    names = [INPUT, *OUTPUTS]
    loose = work / "heads.onnx"
    torch.onnx.export(
        heads.eval(), example, loose, dynamo=False, opset_version=17, input_names=names, output_names=list(HEADS),
        dynamic_axes={name: {0: "n"} for name in (*names, *HEADS)},
    )  # fmt: skip
    top = compose.add_prefix(onnx.load(str(loose)), "heads/", rename_inputs=False, rename_outputs=False)
    graph = body.graph
    graph.node.extend(top.graph.node)
    graph.initializer.extend(top.graph.initializer)
    del graph.output[:]
    graph.output.extend(top.graph.output)
    if is_packed:
        gather_pixels(body, INPUT, SIDE_PX)
        pack_weights(body)
    drop_unused(body)
    onnx.checker.check_model(body)
    onnx.save(body, str(path))
    log.info("%s: %.1f MB", path.name, path.stat().st_size / 1e6)


def _map_shapes(backbone: Path) -> list[tuple[int, ...]]:
    values = open_session(backbone).run(list(OUTPUTS), {INPUT: np.zeros((1, SIDE_PX, SIDE_PX, 3), np.uint8)})
    return [value.shape[1:] for value in values]
