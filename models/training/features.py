"""The frozen backbone's activations, computed once per picture and kept on disk.

Nothing below the heads is trained, so that every head's training starts from these files and takes
seconds to minutes.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions
from torch import Tensor

from photos_engine.models.training.backbone import INPUT

log = logging.getLogger(__name__)

# A row: the means of these maps, deepest first, then ImageNet's logits.
MEANS = {"features": 1280, "stage3": 88, "stage4": 120, "stage5": 208, "stage6": 352}
CLASSES = 1000
ROW = sum(MEANS.values()) + CLASSES  # 3,048
BATCH = 8


@dataclass(frozen=True, slots=True)
class TailInputs:
    """What enters the backbone's last blocks, of n pictures: computed once, since nothing before is trained.

    maps: (n, 15, 15, 120) uint8, `stage4` on its own levels; stage3: (n, 88) means of that map.
    """

    maps: NDArray[np.uint8]
    scale: float
    zero: int
    stage3: NDArray[np.float32]

    def read(self, rows: NDArray[np.int64], cut: tuple[slice, slice] = (slice(None), slice(None))) -> Tensor:
        """Maps of some pictures, (k, 120, 15, 15) float, or of a part of each."""
        part = torch.from_numpy(self.maps[rows][:, cut[0], cut[1]])
        return ((part.to(torch.float32) - self.zero) * self.scale).permute(0, 3, 1, 2)


def open_session(path: Path, threads: int = 1) -> InferenceSession:
    """Open a graph of the recipe."""
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def kept(work: Path, stem: str, suffix: str, *sources: str | Path) -> Path:
    """A file in the work folder, named after the files that it is made from: what another backbone made isn't found."""
    key = hashlib.sha256(b"".join((work / source).read_bytes() for source in sources)).hexdigest()[:12]
    path = work / "features" / f"{stem}-{key}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def open_features(
    work: Path, name: str, images: NDArray[np.uint8], *, mirrored: bool = False, threads: int = 1
) -> NDArray[np.float32]:
    """Open the rows of a shard, (n, 3048); `mirrored`: of its mirror images. Computed where they aren't there yet."""
    path = kept(work, f"{name}{'-mirrored' if mirrored else ''}", ".npy", "backbone_int8.onnx", f"shards/{name}.json")
    if not path.is_file():
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


def open_tail_inputs(
    work: Path, name: str, images: NDArray[np.uint8], *, mirrored: bool = False, threads: int = 1
) -> TailInputs:
    """Open what enters the tail for a shard's pictures, or their mirror images. Computed where it isn't there yet."""
    stem = f"{name}{'-mirrored' if mirrored else ''}-tail"
    path = kept(work, stem, ".npz", "reconstructed_int8.onnx", f"shards/{name}.json")
    if not path.is_file():
        front = work / "front_int8.onnx"
        scale, zero, levels = _cut_front(work / "reconstructed_int8.onnx", front)
        session = open_session(front, threads)
        maps, stage3 = [], []
        for start in range(0, len(images), BATCH):
            part = images[start : start + BATCH, :, ::-1] if mirrored else images[start : start + BATCH]
            third, fourth = session.run(["stage3", levels], {INPUT: np.ascontiguousarray(part)})
            maps.append(fourth.transpose(0, 2, 3, 1))
            stage3.append(third.mean((2, 3)))
        np.savez(path, maps=np.concatenate(maps), stage3=np.concatenate(stage3), scale=scale, zero=zero)
        log.info("tail inputs %s: %d pictures", path.stem, len(images))
    with np.load(path) as saved:
        return TailInputs(saved["maps"], float(saved["scale"]), int(saved["zero"]), saved["stage3"])


def open_rows_behind(work: Path, name: str, inputs: TailInputs, threads: int = 1) -> NDArray[np.float32]:
    """Open the rows (n, 3048) that the reconstructed int8 backbone makes of what enters its tail."""
    path = kept(work, f"{name}-{len(inputs.maps)}-reconstructed", ".npy", "reconstructed_int8.onnx")
    if not path.is_file():
        np.save(path, _run_back(work, inputs, threads))
        log.info("rows %s: %d pictures", path.stem, len(inputs.maps))
    result: NDArray[np.float32] = np.load(path)
    return result


def _run_back(work: Path, inputs: TailInputs, threads: int) -> NDArray[np.float32]:
    whole, back = work / "reconstructed_int8.onnx", work / "back_int8.onnx"
    levels = next(node for node in onnx.load(str(whole)).graph.node if "stage4" in node.output).input[0]
    outputs = [name for name in MEANS if name not in ("stage3", "stage4")]
    onnx.utils.extract_model(str(whole), str(back), [levels], [*outputs, "logits"], check_model=False)
    session, rows = open_session(back, threads), np.empty((len(inputs.maps), ROW), np.float32)
    for start in range(0, len(rows), BATCH):
        part = slice(start, start + BATCH)
        *maps, logits = session.run([*outputs, "logits"], {levels: inputs.maps[part].transpose(0, 3, 1, 2)})
        means = {name: item.mean((2, 3)) for name, item in zip(outputs, maps, strict=True)}
        means["stage3"] = inputs.stage3[part]
        means["stage4"] = (inputs.maps[part].mean((1, 2), dtype=np.float32) - inputs.zero) * inputs.scale
        rows[part] = np.concatenate([*(means[name] for name in MEANS), logits], 1)
    return rows


def _cut_front(whole: Path, path: Path) -> tuple[float, int, str]:
    """Write the graph up to `stage4`'s levels; gives their scale, zero and the name of the tensor."""
    model = onnx.load(str(whole))
    reader = next(node for node in model.graph.node if "stage4" in node.output)
    scale, zero = (
        next(onnx.numpy_helper.to_array(item) for item in model.graph.initializer if item.name == name)
        for name in reader.input[1:3]
    )
    levels = onnx.helper.make_tensor_value_info(reader.input[0], onnx.TensorProto.UINT8, ["n", 120, "h", "w"])
    model.graph.output.append(levels)
    onnx.save(model, str(path))
    onnx.utils.extract_model(str(path), str(path), [INPUT], ["stage3", reader.input[0]], check_model=False)
    return float(scale), int(zero), str(reader.input[0])
