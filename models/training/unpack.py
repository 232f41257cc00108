"""What was shipped, as a build's work folder holds it: the recipe goes on from there instead of from the packages.

Backbone, text tower and projections are the dearest to train, and the finished graphs hold all of them. Their
weights come back as the levels that they were rounded to, with the ranges of every activation: rounded again
they are the same. So heads can be changed in a third of the time, and fine-tuning can go on, at another size of
the pictures for one. What rounding costs can't be measured from there on: the weights before it are gone.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, numpy_helper
from torch import Tensor, nn

from photos_engine.errors import ModelError
from photos_engine.models.training import backbone, describe, quantise
from photos_engine.models.training.embedding import JointSpace
from photos_engine.models.training.features import ROW
from photos_engine.models.training.further import STARTED
from photos_engine.models.training.quantise import Range, Stage
from photos_engine.models.training.steps import Bench, cut_low, save_backbone
from photos_engine.models.training.text import MAX_TOKENS, MiniLM

_PRODUCTS = ("query", "key", "value", "joined", "wide", "narrow")  # of a layer of the text tower
_CUBE = 64  # levels of a 6-bit number


class Values:
    """A graph's weights in float32, by the names that the modules they were exported from gave them."""

    def __init__(self, graph: GraphProto) -> None:
        self.graph = graph
        self._stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output}
        self._readers: dict[str, list[NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def stored(self, name: str) -> NDArray[np.generic]:
        """An initialiser as it lies in the file. Raises: ModelError."""
        if name not in self._stored:
            raise ModelError(f"the graph has no weights called {name}")
        return self._stored[name]

    def read(self, name: str) -> Tensor:
        """A weight, widened where it is kept in 8 bits. Raises: ModelError."""
        if name in self._stored:
            return torch.from_numpy(self._stored[name].astype(np.float32))
        maker = self._makers.get(name) or self._makers.get(f"{name}_DequantizeLinear_Output")
        if maker is None or maker.op_type not in ("DequantizeLinear", "Mul", "Cast"):
            raise ModelError(f"the graph has no weights called {name}")
        levels = self.read(maker.input[0])
        if maker.op_type == "Cast":
            return levels
        scale = torch.from_numpy(np.array(self.stored(maker.input[1]), np.float32))
        if maker.op_type == "DequantizeLinear" and scale.numel() > 1:
            axis = next((item.i for item in maker.attribute if item.name == "axis"), 1)
            scale = scale.view([-1 if place == axis % levels.ndim else 1 for place in range(levels.ndim)])
        return levels * scale

    def product_before(self, bias: str) -> Tensor:
        """The matrix (inputs, outputs) of the product that a bias is added to. Raises: ModelError."""
        for node in self._readers.get(bias, []):
            if node.op_type == "Gemm":
                return self.read(node.input[1])
            for name in node.input:
                maker = self._makers.get(name)
                if maker is not None and maker.op_type == "MatMul":
                    return self.read(maker.input[1])
        raise ModelError(f"no product comes before {bias}")

    def range_after(self, output: str) -> Range:
        """What the 8 bits of an activation hold. Raises: ModelError."""
        reader = next((node for node in self._readers.get(output, []) if node.op_type == "QuantizeLinear"), None)
        if reader is None:
            raise ModelError(f"{output} isn't kept in 8 bits")
        scale, zero = (float(self.stored(name)) for name in reader.input[1:3])
        return Range(-zero * scale, (255 - zero) * scale)


def unpack_backbone(values: Values) -> tuple[backbone.TappedBackbone, list[Stage]]:
    """The backbone with the weights of the fused graph, rounded as they are, and the ranges of its stages."""
    network = backbone.TappedBackbone().requires_grad_(False)
    state = {name: values.read(name) for name in network.state_dict() if name != "net._conv_stem.weight"}
    state["net._conv_stem.weight"] = _ungather(values.read("net._conv_stem.weight"))
    network.load_state_dict({name: value.view_as(network.state_dict()[name]) for name, value in state.items()})
    stages = quantise.as_stages(network)
    nodes = iter([n for n in values.graph.node if n.op_type in ("Conv", "Add") and not n.name.startswith("heads/")])
    for stage in stages:
        wanted = ["Conv"] * len(stage.convs) + ["Add"] * stage.has_skip
        ranges = []
        for kind in wanted:
            node = next(nodes)
            if node.op_type != kind:
                raise ModelError(f"{node.name} stands where a {kind} was expected")
            ranges.append(values.range_after(node.output[0]))
        stage.ranges = ranges
    return network, stages


def _ungather(wide: Tensor) -> Tensor:
    """(c, 12, 2, 2) of `packing.gather_pixels` -> the (c, 3, 3, 3) that it was made from."""
    cells = wide.view(-1, 2, 2, 3, 2, 2)  # (c, row, column, colour, 2, 2)
    return cells.permute(0, 3, 4, 1, 5, 2).reshape(len(wide), 3, 4, 4)[:, :, :3, :3].contiguous()


def unpack_text(values: Values) -> tuple[MiniLM, nn.Linear]:
    """The text tower with its words' table in full, and its projection into the joint space."""
    words, layers = _unpack_words(values), sum(name.endswith(".query.bias") for name in values)
    net = MiniLM(len(words), layers, len(values.stored("net.layers.0.wide.bias")))
    state = {"words.weight": words, "positions.weight": values.read("net.positions.weight")[:MAX_TOKENS]}
    for name, now in net.state_dict().items():
        if name in state:
            continue
        part = name.split(".")
        if part[0] == "layers" and part[2] in _PRODUCTS and part[3] == "weight":
            state[name] = values.product_before(f"net.{'.'.join(part[:3])}.bias").T.contiguous()
        else:
            state[name] = values.read(f"net.{name}").view_as(now)
    net.load_state_dict(state)
    return net.eval().requires_grad_(False), _linear(values.read("projection.weight"), values.read("projection.bias"))


def _unpack_words(values: Values) -> Tensor:
    """The (v, 384) that `text.PackedWords` keeps four numbers in three bytes of."""
    parts = torch.from_numpy(np.asarray(values.stored("net.words.packed"), np.int64)).unflatten(1, (-1, 3))
    whole = parts @ torch.tensor([1, 256, 65536])  # (v, 96)
    levels = torch.stack([whole // _CUBE**place % _CUBE for place in range(4)], 2).flatten(1)
    return (levels.to(torch.float32) - 31.5) * values.read("net.words.scale")


def unpack_joint(values: Values, text: nn.Linear) -> JointSpace:
    """Standardisation and both projections."""
    joint = JointSpace.blank()
    joint.standardise.mean, joint.standardise.deviation = (
        values.read(f"heads/standardise.{name}").view(ROW) for name in ("mean", "deviation")
    )
    image = _linear(values.read("heads/embedding.weight"), values.read("heads/embedding.bias"))
    return JointSpace(joint.standardise, image, text)


def _linear(matrix: Tensor, bias: Tensor) -> nn.Linear:
    """The layer that multiplies by an (inputs, outputs) matrix."""
    layer = nn.Linear(*matrix.shape)
    layer.weight.data, layer.bias.data = matrix.T.contiguous(), bias.flatten()
    return layer.requires_grad_(False)


def adopt(bench: Bench, models: Path) -> None:
    """Leave in the work folder what the steps up to `fine_tune` leave there. Raises: ModelError."""
    net, projection = unpack_text(Values(onnx.load(str(models / describe.TEXT_MODEL)).graph))
    values = Values(onnx.load(str(models / describe.IMAGE_MODEL)).graph)
    network, stages = unpack_backbone(values)
    for name in ("text_pruned", "text_tuned"):
        torch.save(net.state_dict(), bench.work / f"{name}.pt")
    for name in ("joint_started", "joint_tuned"):
        torch.save(unpack_joint(values, projection), bench.work / f"{name}.pt")
    shutil.copyfile(models / describe.IMAGE_MODEL, bench.work / STARTED)
    for name in (describe.TEXT_MODEL, describe.TOKENIZER):
        shutil.copyfile(models / name, bench.work / f"started_{name}")
    shutil.copyfile(models / describe.TOKENIZER, bench.work / "tokenizer.json")
    save_backbone(bench, "backbone", network, stages)
    for suffix in (".pt", "_fp32.onnx", "_int8.onnx"):
        shutil.copyfile(bench.work / f"backbone{suffix}", bench.work / f"reconstructed{suffix}")
    cut_low(bench)
