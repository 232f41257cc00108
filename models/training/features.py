"""The frozen backbone's activations, computed once per picture and kept on disk.

Nothing below the heads is trained, so that every head's training starts from these files and takes
seconds to minutes.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions

from photos_engine.models.training.backbone import INPUT

log = logging.getLogger(__name__)

POOLED_STAGES = ("stage3", "stage4", "stage5", "stage6")  # 88 + 120 + 208 + 352 channels
POOLED_CHANNELS = 768
CELLS, CHANNELS, CLASSES = 81, 1280, 1000
BATCH = 8


@dataclass(frozen=True, slots=True)
class Features:
    """What the heads on deep features learn from; arrays are memory-mapped.

    cells: (n, 81, 1280) uint8, the last feature map; times `scale` gives its values.
    pooled: (n, 768) float32, means of the maps of `POOLED_STAGES`.
    logits: (n, 1000) float32.
    means: (n, 1280) float32, the cells' means.
    """

    cells: NDArray[np.uint8]
    pooled: NDArray[np.float32]
    logits: NDArray[np.float32]
    means: NDArray[np.float32]
    scale: float


def open_session(path: Path, threads: int = 2) -> InferenceSession:
    """Open a graph of the recipe."""
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def feature_scale(path: Path) -> float:
    """The quantisation step of the graph's output `features`, whose zero point is 0."""
    graph = onnx.load(str(path)).graph
    constants = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    node = next(node for node in graph.node if "features" in node.output)
    if node.op_type != "DequantizeLinear" or int(constants[node.input[2]]) != 0:
        raise ValueError("the output `features` is not quantised from zero upwards")
    return float(constants[node.input[1]])


def open_features(work: Path, name: str, images: NDArray[np.uint8], *, mirrored: bool = False) -> Features:
    """Open the features of a shard, computed where they aren't there yet; `mirrored`: of its mirror images."""
    folder = work / "features" / (f"{name}-mirrored" if mirrored else name)
    backbone = work / "backbone_int8.onnx"
    scale = feature_scale(backbone)
    done = folder / "done"
    if not done.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _compute(folder, backbone, images, scale, mirrored)
        done.touch()
    cells, pooled, logits = (np.load(folder / f"{part}.npy", mmap_mode="r") for part in ("cells", "pooled", "logits"))
    if not (folder / "means.npy").is_file():
        parts = [cells[row : row + 256].mean(1, dtype=np.float32) for row in range(0, len(cells), 256)]
        np.save(folder / "means.npy", np.concatenate(parts) * np.float32(scale))
    return Features(cells, pooled, logits, np.load(folder / "means.npy", mmap_mode="r"), scale)


def _compute(folder: Path, backbone: Path, images: NDArray[np.uint8], scale: float, mirrored: bool) -> None:
    session, count = open_session(backbone), len(images)
    create = np.lib.format.open_memmap
    cells = create(folder / "cells.npy", mode="w+", dtype=np.uint8, shape=(count, CELLS, CHANNELS))
    pooled = create(folder / "pooled.npy", mode="w+", dtype=np.float32, shape=(count, POOLED_CHANNELS))
    logits = create(folder / "logits.npy", mode="w+", dtype=np.float32, shape=(count, CLASSES))
    for start in range(0, count, BATCH):
        rows = slice(start, min(start + BATCH, count))
        batch = np.ascontiguousarray(images[rows, :, ::-1] if mirrored else images[rows])
        *maps, features, scores = session.run([*POOLED_STAGES, "features", "logits"], {INPUT: batch})
        cells[rows] = np.rint(features / scale).reshape(len(batch), CHANNELS, CELLS).transpose(0, 2, 1)
        pooled[rows] = np.concatenate([item.mean((2, 3)) for item in maps], axis=1)
        logits[rows] = scores
    for array in (cells, pooled, logits):
        array.flush()
    log.info("features %s: %d pictures", folder.name, count)
