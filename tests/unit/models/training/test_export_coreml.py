"""The Core ML packages say and compute what the torch program does; proven on any machine by `fakes.core_ml`."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

torch = pytest.importorskip("torch")
coremltools = pytest.importorskip("coremltools")

from coremltools.converters.mil.mil import types  # noqa: E402
from fakes.core_ml import MilModel  # noqa: E402 -- needs both
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from photos_engine.analyzers import SceneAnalyzer, Taxonomy  # noqa: E402
from photos_engine.analyzers.heads.prints import COPY_DISTANCE, hamming  # noqa: E402
from photos_engine.analyzers.heads.tags import TagReader  # noqa: E402
from photos_engine.analyzers.preprocess import INPUT_SIDE_PX  # noqa: E402
from photos_engine.analyzers.scene import SCENE_LABELS  # noqa: E402
from photos_engine.analyzers.sessions.coreml import META_TYPES, CoreMLSession  # noqa: E402
from photos_engine.errors import ModelError  # noqa: E402
from photos_engine.models.registry import load_manifest  # noqa: E402
from photos_engine.models.training import export_coreml  # noqa: E402
from photos_engine.models.training.aesthetics import AestheticsConfig, AestheticsHead  # noqa: E402
from photos_engine.models.training.backbone import TappedBackbone, normalise  # noqa: E402
from photos_engine.models.training.config import QualityConfig, load_config  # noqa: E402
from photos_engine.models.training.describe import NAME, VERSION  # noqa: E402
from photos_engine.models.training.embedding import JointSpace  # noqa: E402
from photos_engine.models.training.features import CLASSES, MEANS, ROW  # noqa: E402
from photos_engine.models.training.fuse import HEADS, Heads  # noqa: E402
from photos_engine.models.training.low import LOW_TAPS, STATISTICS_CHANNELS  # noqa: E402
from photos_engine.models.training.objects import ObjectHead  # noqa: E402
from photos_engine.models.training.prints import PrintHead  # noqa: E402
from photos_engine.models.training.quality import QualityHead  # noqa: E402
from photos_engine.models.training.quantise import as_stages, round_weight  # noqa: E402
from photos_engine.models.training.saliency import SaliencyHead  # noqa: E402
from photos_engine.models.training.scene import SceneHead  # noqa: E402

# What torch says of tracing, which coremltools reads best, and coremltools of itself.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.jit"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:coremltools"),
    pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning"),
]

WORK_VARIABLE = "PHOTOS_ENGINE_WORK"
Outputs = dict[str, NDArray[np.generic]]
SHAPES = {
    "embedding": (512,), "scene": (24,), "objects": (24, 6), "utility": (9,), "aesthetics": (1,), "quality": (6,),
    "saliency": (15, 15), "print": (32,),
}  # fmt: skip
CERTAIN = ("scene", "utility", "aesthetics", "saliency")
MAPS = {  # channels, kernel, step, edges
    "stem": (32, 3, 2, (0, 1, 0, 1)), "stage1": (24, 3, 2, (0, 1, 0, 1)), "stage2": (48, 3, 2, (1, 1, 1, 1)),
    "stage3": (88, 1, 2, None), "stage4": (120, 1, 1, None), "stage5": (208, 1, 2, None), "stage6": (352, 1, 1, None),
    "features": (1280, 1, 1, None),
}  # fmt: skip


class _Block(nn.Module):
    """A smaller map with other channels, then depthwise weights around a skip, as in the backbone."""

    def __init__(self, before: int, after: int, kernel: int, step: int, edges: tuple[int, ...] | None) -> None:
        super().__init__()
        self.dense, self.edges = nn.Conv2d(before, after, kernel, step), edges
        self.depthwise = nn.Conv2d(after, after, 3, padding=1, groups=after)
        for conv in (self.dense, self.depthwise):
            nn.init.kaiming_normal_(conv.weight)  # so that the last map still shows the picture

    def forward(self, x: Tensor) -> Tensor:
        x = self.dense(x if self.edges is None else F.pad(x, self.edges))
        return x + F.relu6(self.depthwise(x))


class _Backbone(nn.Module):
    """Random weights, a block a map: an eighth of the real one's, and all its arithmetic."""

    def __init__(self) -> None:
        super().__init__()
        before = (3, *(channels for channels, *_ in MAPS.values()))
        self.blocks = nn.ModuleList(map(_Block, before, *zip(*MAPS.values(), strict=True)))
        self.classes = nn.Linear(1280, 1000)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        maps = []
        for block in self.blocks:
            x = block(x)
            maps.append(x)
        return (*maps, self.classes(x.mean((2, 3))))


def _untrained() -> Heads:
    """The real heads, with weights that don't hide what half precision does to them."""
    shown = (torch.rand(CLASSES, 24) < 0.1).float()
    shown[:, 0] = 1  # a tag that all classes show: its share is 1, its odds beyond measure
    prompts = F.normalize(torch.randn(512, 24), dim=0)
    objects = ObjectHead(8, 16, 16)
    nn.init.normal_(objects.out.weight)  # so that no two places are equally likely
    prints = np.random.default_rng(0).standard_normal((2352, 256), np.float32)
    return Heads(
        JointSpace.blank(),
        scene=SceneHead(shown, prompts, nn.Linear(ROW, 24), torch.rand(3, 24), torch.zeros(24)),
        objects=objects,
        utility=nn.Linear(ROW, 9),
        aesthetics=AestheticsHead(ROW, STATISTICS_CHANNELS, 15 * 15, load_config(AestheticsConfig, "aesthetics")),
        quality=QualityHead(STATISTICS_CHANNELS, load_config(QualityConfig, "quality")),
        saliency=SaliencyHead(16, 0.0),
        prints=PrintHead(prints, np.zeros(256, np.float32)),
    )


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    """Photographs, and what is hard on half precision: one colour, black, white, noise."""
    photos = [
        np.asarray(Image.fromarray(photo).resize((INPUT_SIDE_PX, INPUT_SIDE_PX)))
        for photo in (data.astronaut(), data.coffee())
    ]
    flat = [np.full((INPUT_SIDE_PX, INPUT_SIDE_PX, 3), level, np.uint8) for level in (0, 97, 255)]
    noise = np.random.default_rng(0).integers(0, 256, (INPUT_SIDE_PX, INPUT_SIDE_PX, 3), dtype=np.uint8)
    return np.stack([*photos, *flat, noise])


@pytest.fixture(scope="module")
def program(pictures: NDArray[np.uint8]) -> nn.Module:
    torch.manual_seed(0)
    backbone, heads = _Backbone(), _untrained()
    with torch.inference_mode():
        *maps, logits = backbone(torch.from_numpy(normalise(pictures)))
        named = dict(zip(MAPS, maps, strict=True))
        rows = torch.cat([*(named[name].mean((2, 3)) for name in MEANS), logits], 1)
        statistics = heads.statistics(torch.from_numpy(pictures), *(named[name] for name in LOW_TAPS))
    heads.standardise.fit(rows.numpy())
    for standardise in (heads.quality.standardise, heads.aesthetics.statistics):
        standardise.fit(statistics.numpy())  # of what hardly varies, much is made
    return export_coreml.OnePass(backbone, heads).eval()


@pytest.fixture(scope="module")
def packages(program: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return export_coreml.write_packages(program, HEADS, tmp_path_factory.mktemp("packages"))


def _by_torch(program: nn.Module, pictures: NDArray[np.uint8]) -> Outputs:
    with torch.inference_mode():
        rows = [program(torch.from_numpy(picture).permute(2, 0, 1)[None].float()) for picture in pictures]
    return {name: torch.cat([row[place] for row in rows]).numpy() for place, name in enumerate(HEADS)}


def _by_package(package: Path, pictures: NDArray[np.uint8]) -> Outputs:
    return CoreMLSession(MilModel(package)).run({"image": pictures})


def _bits_apart(one: NDArray[np.generic], other: NDArray[np.generic]) -> NDArray[np.int64]:
    return np.unpackbits(one ^ other, axis=1).sum(1, dtype=np.int64)


def _agree_on_objects(found: NDArray[np.generic], expected: NDArray[np.generic]) -> None:
    """The surest things of pictures that show any are the same, in whatever order of the equally sure."""
    for row in (0, 1, -1):
        for thing in expected[row, :8]:
            apart = np.abs(found[row, :, :5] - thing[:5]).max(1)
            assert apart.min() < 0.02
            assert found[row, apart.argmin(), 5] == thing[5]


@pytest.mark.parametrize("name", [export_coreml.HALF, export_coreml.INT8])
def test_a_package_says_what_it_takes_and_gives(packages: dict[str, Path], name: str) -> None:
    spec = MilModel(packages[name]).get_spec()
    assert spec.specificationVersion == 7  # macOS 13, iOS 16
    assert spec.WhichOneof("Type") == "mlProgram"
    assert spec.mlProgram.functions["main"].opset == "CoreML6"
    (picture,) = spec.description.input
    size = picture.type.imageType
    assert (picture.name, size.width, size.height) == ("image", INPUT_SIDE_PX, INPUT_SIDE_PX)
    assert size.colorSpace == coremltools.proto.FeatureTypes_pb2.ImageFeatureType.ColorSpace.Value("RGB")
    kinds = coremltools.proto.FeatureTypes_pb2.ArrayFeatureType.ArrayDataType
    shapes = {item.name: tuple(item.type.multiArrayType.shape) for item in spec.description.output}
    types = {item.name: kinds.Name(item.type.multiArrayType.dataType) for item in spec.description.output}
    assert shapes == {name: (1, *shape) for name, shape in SHAPES.items()}
    assert types == {name: "INT32" if name == "print" else "FLOAT32" for name in SHAPES}
    stands_for = json.loads(spec.description.metadata.userDefined[META_TYPES])
    assert stands_for == {name: "uint8" if name == "print" else "float32" for name in SHAPES}


def test_half_precision_agrees_with_torch(
    program: nn.Module, packages: dict[str, Path], pictures: NDArray[np.uint8]
) -> None:
    expected, found = _by_torch(program, pictures), _by_package(packages[export_coreml.HALF], pictures)
    np.testing.assert_allclose(found["embedding"], expected["embedding"], atol=1e-3, rtol=0)
    for head in CERTAIN:
        np.testing.assert_allclose(found[head], expected[head], atol=1e-2, rtol=0, err_msg=head)
    np.testing.assert_allclose(found["quality"], expected["quality"], atol=3e-2, rtol=0)
    _agree_on_objects(found["objects"], expected["objects"])
    assert found["print"].dtype == np.uint8
    assert _bits_apart(found["print"], expected["print"]).max() <= 4


def test_int8_weights_agree_with_torch_and_are_half_the_size(
    program: nn.Module, packages: dict[str, Path], pictures: NDArray[np.uint8]
) -> None:
    expected, found = _by_torch(program, pictures), _by_package(packages[export_coreml.INT8], pictures)
    assert ((found["embedding"] * expected["embedding"]).sum(1) > 0.99).all()
    for head in (*CERTAIN, "quality"):
        np.testing.assert_allclose(found[head], expected[head], atol=0.1, rtol=0, err_msg=head)
    assert _bits_apart(found["print"], expected["print"]).max() <= 8
    half, small = (export_coreml.size_bytes(packages[name]) for name in (export_coreml.HALF, export_coreml.INT8))
    assert small < 0.6 * half


def test_what_half_precision_would_spoil_stays_in_float32(packages: dict[str, Path]) -> None:
    operations = MilModel(packages[export_coreml.HALF]).function.operations
    long, short = types.fp32, types.fp16
    wanted = {"reduce_l2_norm": long, "softmax": long, "relu6": short, "topk": short}
    for kind, dtype in wanted.items():
        assert {item.outputs[0].dtype for item in operations if item.op_type == kind} == {dtype}, kind
    logarithms = [item.outputs[0] for item in operations if item.op_type == "log"]
    of_areas = (1, 24, 1)  # the objects head's, which halves suffice for
    assert {item.dtype for item in logarithms if item.shape != of_areas} == {long}


def test_the_backbone_gives_what_its_rounded_self_gives(pictures: NDArray[np.uint8]) -> None:
    network = TappedBackbone().requires_grad_(False)
    stages = as_stages(network)
    for conv in (module for module in network.modules() if isinstance(module, nn.Conv2d)):
        weight = round_weight(conv)
        largest = weight.abs().amax((1, 2, 3), keepdim=True)
        off = (torch.rand_like(weight) - 0.5) * largest / 160  # within half a step of 64 levels
        conv.weight.copy_(torch.where(weight.abs() < largest, weight + off, weight))
    maps = [torch.from_numpy(normalise(pictures[:1]))]
    with torch.inference_mode():
        for stage in stages:
            stage.fit_ranges(maps[-1])
            maps.append(stage(maps[-1]))  # weights and activations rounded
        found = export_coreml.RoundedBackbone(network, stages)(maps[0])
        plain = network(maps[0])
    assert [item.shape for item in found] == [item.shape for item in plain]
    near, far = (float(F.cosine_similarity(x[-2].flatten(1), maps[-1].flatten(1))) for x in (found, plain))
    assert near > 0.99
    assert far < near


def test_what_core_ml_can_not_open_or_run_is_a_model_error(
    packages: dict[str, Path], tmp_path: Path, pictures: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    broken = Path(shutil.copytree(packages[export_coreml.INT8], tmp_path / export_coreml.INT8))
    (program,) = broken.rglob("*.mlmodel")
    program.write_bytes(program.read_bytes()[:1000])
    with pytest.raises(ModelError, match="can't be opened"):
        CoreMLSession.open(broken)
    if sys.platform != "darwin":  # coremltools opens it, and has no framework to run it with
        session = CoreMLSession.open(packages[export_coreml.INT8])
        assert (session.model, session.version) == (NAME, VERSION)
        with pytest.raises(ModelError, match="the model failed"):
            session.run({"image": pictures[:1]})


@pytest.mark.macos
@pytest.mark.skipif(platform.system() != "Darwin", reason="Core ML predicts on Macs alone")
@pytest.mark.parametrize("name", [export_coreml.HALF, export_coreml.INT8])
def test_core_ml_computes_what_the_package_says(
    packages: dict[str, Path], name: str, pictures: NDArray[np.uint8]
) -> None:
    expected, found = _by_package(packages[name], pictures), CoreMLSession.open(packages[name]).run({"image": pictures})
    for head in CERTAIN:
        np.testing.assert_allclose(found[head], expected[head], atol=5e-2, rtol=0, err_msg=head)
    assert _bits_apart(found["print"], expected["print"]).max() <= 8


@pytest.fixture(scope="module")
def ansa(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, dict[str, Path]]:
    """The program and the packages of a finished build."""
    work = Path(os.environ.get(WORK_VARIABLE, "none"))
    if not work.is_dir():
        pytest.skip(f"no work folder of a finished build: set {WORK_VARIABLE}")
    program = export_coreml.load_program(work).eval()
    return program, export_coreml.write_packages(program, HEADS, tmp_path_factory.mktemp("ansa"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "megabytes", "cosine", "loosest", "bits"),
    [(export_coreml.HALF, 25, 0.9995, 0.02, 4), (export_coreml.INT8, 16.4, 0.99, 0.15, 16)],
)
def test_ansa_agrees_with_torch_and_stays_small(
    ansa: tuple[nn.Module, dict[str, Path]], pictures: NDArray[np.uint8],
    name: str, megabytes: float, cosine: float, loosest: float, bits: int,
) -> None:  # fmt: skip
    program, packages = ansa
    assert export_coreml.size_bytes(packages[name]) < megabytes * 1e6
    expected, found = _by_torch(program, pictures), _by_package(packages[name], pictures)
    assert found.keys() == set(HEADS)
    assert ((found["embedding"] * expected["embedding"]).sum(1) > cosine).all()
    for head in (*CERTAIN, "quality"):
        # The quality head sees how calm a picture is, down to the rounding of the maps that it is shown.
        tolerance = max(loosest, 0.08) if head == "quality" else loosest
        np.testing.assert_allclose(found[head], expected[head], atol=tolerance, rtol=0, err_msg=head)
    assert _bits_apart(found["print"], expected["print"]).max() <= bits


@pytest.mark.slow
def test_the_analyzer_reads_either_session(ansa: tuple[nn.Module, dict[str, Path]]) -> None:
    manifest = load_manifest()
    tags = TagReader.open(manifest.path(SCENE_LABELS), Taxonomy.load())
    core_ml = SceneAnalyzer(CoreMLSession(MilModel(ansa[1][export_coreml.INT8])), manifest, tags)
    for picture in (data.chelsea(), data.coffee()):
        one, other = core_ml.analyze_one(picture), SceneAnalyzer.open().analyze_one(picture)
        assert float(one.embedding @ other.embedding) > 0.98
        assert hamming(one.print, other.print) <= COPY_DISTANCE // 3
        assert one.tags.keys() & other.tags.keys()
