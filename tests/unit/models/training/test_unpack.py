from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="building artefacts needs the extra `training`")

import onnx
import torch
from tokenizers import Tokenizer
from torch.nn import functional as F  # noqa: N812

from photos_engine.analyzers import TextEncoder
from photos_engine.models.registry import installed_folder
from photos_engine.models.training import backbone, quantise, text
from photos_engine.models.training.unpack import Values, unpack_backbone, unpack_joint, unpack_text

MODELS = installed_folder()

# What torch says of its own exporter.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning"),
    pytest.mark.filterwarnings("ignore:Constant folding:UserWarning"),
]


@pytest.fixture(scope="module")
def values() -> Values:
    return Values(onnx.load(str(MODELS / "ansa.onnx")).graph)


@pytest.fixture(scope="module")
def tower() -> Values:
    return Values(onnx.load(str(MODELS / "text.onnx")).graph)


def test_the_backbone_rounds_to_the_levels_that_it_came_from(values: Values, tmp_path: Path) -> None:
    network, stages = unpack_backbone(values)
    backbone.export_float(network, tmp_path / "float.onnx")
    overrides = quantise.overrides(stages, onnx.load(str(tmp_path / "float.onnx")).graph)
    images = np.random.default_rng(0).integers(0, 256, (2, backbone.SIDE_PX, backbone.SIDE_PX, 3)).astype(np.uint8)
    backbone.quantise(tmp_path / "float.onnx", tmp_path / "int8.onnx", images, overrides)
    again = Values(onnx.load(str(tmp_path / "int8.onnx")).graph)
    for name, weight in network.state_dict().items():
        # A channel without weights has a scale of 1 instead of next to nothing, and its bias is rounded to 1/128.
        near = 1 / 256 if name.endswith("bias") else 1e-7
        torch.testing.assert_close(again.read(name), weight.view_as(again.read(name)), rtol=1e-5, atol=near)
    scales = [name for name in again if name.endswith("_scale") and "weight" not in name and "bias" not in name]
    assert len(scales) > 60
    for name in scales:
        if not name.startswith(("logits", "/ReduceMean")):  # measured anew, on other pictures
            np.testing.assert_allclose(again.stored(name), values.stored(name), rtol=1e-5, err_msg=name)


def test_the_stem_reads_single_pixels_again(values: Values) -> None:
    network, _ = unpack_backbone(values)
    assert tuple(network.net._conv_stem.weight.shape) == (32, 3, 3, 3)
    x = torch.randn(1, 3, 8, 8)
    cells = F.pad(x, (0, 2, 0, 2)).unflatten(3, (5, 2)).unflatten(2, (5, 2))  # (1, colour, rows, 2, columns, 2)
    cells = cells.permute(0, 3, 5, 1, 2, 4).reshape(1, 12, 5, 5)
    wide = values.read("net._conv_stem.weight")
    narrow = F.conv2d(F.pad(x, (0, 1, 0, 1)), network.net._conv_stem.weight, stride=2)
    torch.testing.assert_close(F.conv2d(cells, wide)[:, :, :4, :4], narrow, rtol=1e-4, atol=1e-4)


def test_the_text_tower_says_what_the_shipped_one_says(tower: Values) -> None:
    texts = ["two dogs playing on the beach", "a red car", "grandmother's birthday cake with candles"]
    net, projection = unpack_text(tower)
    ids, mask = text.tokenise(Tokenizer.from_file(str(MODELS / "tokenizer.json")), texts)
    with torch.inference_mode():
        vectors = F.normalize(projection(net(torch.from_numpy(ids), torch.from_numpy(mask)))).numpy()
    assert ((vectors * TextEncoder.open().encode(texts)).sum(1) > 0.999).all()


def test_the_joint_space_is_whole(values: Values, tower: Values) -> None:
    joint = unpack_joint(values, unpack_text(tower)[1])
    assert tuple(joint.image.weight.shape) == (512, 3048)
    assert bool((joint.standardise.deviation > 0).all())
