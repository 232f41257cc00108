"""The frozen backbone's activations, computed once per picture and kept on disk.

Nothing below the heads is trained, so that every head's training starts from these files and takes
seconds to minutes.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions

from photos_engine.models.training.backbone import INPUT

log = logging.getLogger(__name__)

# A row: the means of these maps, deepest first, then ImageNet's logits.
MEANS = {"features": 1280, "stage3": 88, "stage4": 120, "stage5": 208, "stage6": 352}
CLASSES = 1000
ROW = sum(MEANS.values()) + CLASSES  # 3,048
BATCH = 8


def open_session(path: Path, threads: int = 1) -> InferenceSession:
    """Open a graph of the recipe."""
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def open_features(
    work: Path, name: str, images: NDArray[np.uint8], *, mirrored: bool = False, threads: int = 1
) -> NDArray[np.float32]:
    """Open the rows of a shard, (n, 3048); `mirrored`: of its mirror images. Computed where they aren't there yet."""
    path = work / "features" / f"{name}{'-mirrored' if mirrored else ''}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        session = open_session(work / "backbone_int8.onnx", threads)
        rows = np.empty((len(images), ROW), np.float32)
        for start in range(0, len(images), BATCH):
            part = images[start : start + BATCH, :, ::-1] if mirrored else images[start : start + BATCH]
            *maps, logits = session.run([*MEANS, "logits"], {INPUT: np.ascontiguousarray(part)})
            rows[start : start + BATCH] = np.concatenate([*(item.mean((2, 3)) for item in maps), logits], 1)
        np.save(path, rows)
        log.info("features %s: %d pictures", path.stem, len(rows))
    result: NDArray[np.float32] = np.load(path)
    return result
