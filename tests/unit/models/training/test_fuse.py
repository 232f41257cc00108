"""The one graph says what its heads say in float32, of every picture for itself, and keeps its weights small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions
from PIL import Image
from skimage import data

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from photos_engine.analyzers.preprocess import INPUT_SIDE_PX  # noqa: E402
from photos_engine.models.training.aesthetics import AestheticsConfig, AestheticsHead  # noqa: E402
from photos_engine.models.training.backbone import INPUT, OUTPUTS  # noqa: E402
from photos_engine.models.training.config import QualityConfig, load_config  # noqa: E402
from photos_engine.models.training.embedding import JointSpace  # noqa: E402
from photos_engine.models.training.features import CLASSES, ROW  # noqa: E402
from photos_engine.models.training.fuse import HEADS, Heads, fuse  # noqa: E402
from photos_engine.models.training.low import STATISTICS_CHANNELS  # noqa: E402
from photos_engine.models.training.objects import ObjectHead  # noqa: E402
from photos_engine.models.training.prints import PrintHead  # noqa: E402
from photos_engine.models.training.quality import QualityHead  # noqa: E402
from photos_engine.models.training.saliency import SaliencyHead  # noqa: E402
from photos_engine.models.training.scene import SceneHead  # noqa: E402

# What torch says of its own exporter.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning"),
    pytest.mark.filterwarnings("ignore:Constant folding:UserWarning"),
]

TAGS = 40
MAPS = {"stage1": (24, 2), "stage2": (48, 4), "stage3": (88, 8), "stage4": (120, 8), "stage5": (208, 16),
        "stage6": (352, 16), "features": (1280, 16)}  # fmt: skip  # channels, side of a cell on the stem
Outputs = dict[str, NDArray[np.generic]]


class _Backbone(nn.Module):
    """A real stem, then random mixes of each cell's mean: maps of the real shapes for next to nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2)
        self.mixes = nn.ModuleList(nn.Conv2d(32, channels, 1) for channels, _ in MAPS.values())
        self.classes = nn.Linear(1280, CLASSES)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        x = F.pad(image.permute(0, 3, 1, 2).to(torch.float32), (0, 1, 0, 1), value=0.0)
        maps = [F.relu6(self.stem(x) / 32)]
        for mix, (_, cell) in zip(self.mixes, MAPS.values(), strict=True):
            maps.append(F.relu6(mix(F.avg_pool2d(maps[0], cell, cell, cell // 2 - 1))))
        return (*maps, self.classes(maps[-1].mean((2, 3))) * 3)


def _heads() -> Heads:
    """The real ones, untrained; the tags' classes are few, so that shares are small."""
    prompts = F.normalize(torch.randn(512, TAGS), dim=0)
    prints = np.random.default_rng(0).standard_normal((2352, 256), np.float32)
    return Heads(
        JointSpace.blank(),
        scene=SceneHead(
            (torch.rand(CLASSES, TAGS) < 0.01).float(), prompts, nn.Linear(ROW, TAGS), torch.rand(3, TAGS),
            torch.zeros(TAGS),
        ),
        objects=ObjectHead(20, 96, 48),
        utility=nn.Linear(ROW, 9),
        aesthetics=AestheticsHead(ROW, STATISTICS_CHANNELS, 15 * 15, load_config(AestheticsConfig, "aesthetics")),
        quality=QualityHead(STATISTICS_CHANNELS, load_config(QualityConfig, "quality")),
        saliency=SaliencyHead(16, 0.0),
        prints=PrintHead(prints, np.zeros(256, np.float32)),
    ).eval()  # fmt: skip


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    photos = [
        np.asarray(Image.fromarray(photo).resize((INPUT_SIDE_PX, INPUT_SIDE_PX)))
        for photo in (data.astronaut(), data.coffee())
    ]
    flat = [np.full((INPUT_SIDE_PX, INPUT_SIDE_PX, 3), level, np.uint8) for level in (0, 255)]
    noise = np.random.default_rng(0).integers(0, 256, (INPUT_SIDE_PX, INPUT_SIDE_PX, 3), dtype=np.uint8)
    return np.stack([*photos, *flat, noise])


@pytest.fixture(scope="module")
def parts() -> tuple[_Backbone, Heads]:
    torch.manual_seed(0)
    return _Backbone().eval(), _heads()


@pytest.fixture(scope="module")
def graph(parts: tuple[_Backbone, Heads], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fused")
    torch.onnx.export(
        parts[0], (torch.zeros(2, INPUT_SIDE_PX, INPUT_SIDE_PX, 3, dtype=torch.uint8),), folder / "padded.onnx",
        dynamo=False,
        opset_version=17, input_names=[INPUT], output_names=list(OUTPUTS),
        dynamic_axes={name: {0: "n"} for name in (INPUT, *OUTPUTS)},
    )  # fmt: skip
    options = SessionOptions()  # as the real one's, its paddings are folded into the convolutions
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folder / "backbone.onnx")
    InferenceSession(str(folder / "padded.onnx"), options, providers=["CPUExecutionProvider"])
    fuse(folder / "backbone.onnx", parts[1], folder / "whole.onnx", folder)
    return folder / "whole.onnx"


@pytest.fixture(scope="module")
def found(graph: Path, pictures: NDArray[np.uint8]) -> Outputs:
    return _run(graph, pictures)


def _run(graph: Path, pictures: NDArray[np.uint8], optimised: Path | None = None) -> Outputs:
    options = SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    if optimised is not None:
        options.optimized_model_filepath = str(optimised)
    session = InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    return dict(zip(HEADS, session.run(list(HEADS), {INPUT: pictures}), strict=True))


def test_int8_heads_say_what_float_heads_say(
    parts: tuple[_Backbone, Heads], pictures: NDArray[np.uint8], found: Outputs
) -> None:
    backbone, heads = parts
    with torch.inference_mode():
        image = torch.from_numpy(pictures)
        wanted = {name: value.numpy() for name, value in zip(HEADS, heads(image, *backbone(image)), strict=True)}
    assert {name: value.shape for name, value in found.items()} == {n: value.shape for n, value in wanted.items()}
    assert (wanted["embedding"] * found["embedding"]).sum(1).min() > 0.9999
    for name, farthest in {
        "scene": 0.01,
        "utility": 0.01,
        "aesthetics": 0.01,
        "quality": 0.01,
        "saliency": 1e-4,
    }.items():
        assert np.abs(wanted[name] - found[name]).max() < farthest, name
    assert np.abs(wanted["objects"][..., 4] - found["objects"][..., 4]).max() < 0.01
    bits = np.unpackbits(wanted["print"] ^ found["print"], axis=1)
    assert bits.mean() < 0.02


def test_a_picture_is_judged_for_itself(graph: Path, pictures: NDArray[np.uint8], found: Outputs) -> None:
    for row in range(len(pictures)):
        alone = _run(graph, pictures[row : row + 1])
        for name in HEADS:
            np.testing.assert_allclose(alone[name][0], found[name][row], atol=1e-5, err_msg=name)


def test_large_matrices_stay_int8_in_memory(graph: Path, pictures: NDArray[np.uint8], tmp_path: Path) -> None:
    _run(graph, pictures[:1], tmp_path / "optimised.onnx")
    opened = onnx.load(str(tmp_path / "optimised.onnx")).graph
    kinds = [node.op_type for node in opened.node]
    # Embedding, the scene's probe and prompts, utility, aesthetics, print; the classes of this backbone.
    assert kinds.count("MatMulNBits") == 7
    assert "DequantizeLinear" not in kinds
    sizes = {
        item.name: int(np.prod(item.dims)) for item in opened.initializer if item.data_type == onnx.TensorProto.FLOAT
    }
    scales = {node.input[2] for node in opened.node if node.op_type == "MatMulNBits"}
    assert all(size <= 80_000 for name, size in sizes.items() if name not in scales)
