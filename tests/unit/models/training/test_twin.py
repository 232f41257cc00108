"""The classification-only twin learns from what it may know, and is measured as the full head is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite_pytorch")  # which the recipe's steps import

import torch

from photos_engine.analyzers import Taxonomy
from photos_engine.models.corpus import Picture
from photos_engine.models.training import twin
from photos_engine.models.training.config import ProbeConfig, load_config
from photos_engine.models.training.embedding import JointSpace
from photos_engine.models.training.features import CLASSES, MEANS, ROW
from photos_engine.models.training.scene import SceneHead, class_matrix

COUNT, LABELS = 240, ("bathroom", "bedroom", "kitchen", "frontal")


def _bench(work: Path) -> SimpleNamespace:
    """Rows in which the last features tell rooms apart, and nothing else does."""
    random = np.random.default_rng(0)
    pictures = [Picture(Path(f"{n}.jpg"), "rooms", LABELS[n % 4], n % 5 == 0) for n in range(COUNT)]
    rows = random.normal(0, 1, (COUNT, ROW)).astype(np.float32)
    rows[:, : MEANS["features"]] += random.normal(0, 1, (4, MEANS["features"]))[np.arange(COUNT) % 4]
    (work / "twin").mkdir()
    np.save(work / "twin" / "rooms.npy", np.concatenate([rows[:, : MEANS["features"]], rows[:, -CLASSES:]], 1))
    held = np.array([picture.held_out for picture in pictures])
    return SimpleNamespace(
        work=work, threads=1, sets={"rooms": pictures}, features=lambda _: rows,
        rows=lambda _, held_out: np.flatnonzero(held == held_out),
    )  # fmt: skip


def test_both_heads_are_measured_on_the_same_held_out_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taxonomy, joint, bench = Taxonomy.load(), JointSpace.blank(), _bench(tmp_path)
    blank = torch.zeros(3, len(taxonomy))
    probe = torch.nn.Linear(ROW, len(taxonomy)).requires_grad_(False)
    head = SceneHead(torch.from_numpy(class_matrix(taxonomy)), torch.zeros(512, len(taxonomy)), probe, blank, blank[0])
    torch.save({"head": head, "thresholds": np.full(len(taxonomy), 0.9, np.float32)}, tmp_path / "scene.pt")
    monkeypatch.setattr(twin.steps, "load_joint", lambda _: joint)
    small = replace(load_config(ProbeConfig, "probe"), components=8, batch=32, epochs=10, learning_rate=0.05)
    monkeypatch.setattr(
        twin, "load_config", lambda kind, name: small if kind is ProbeConfig else load_config(kind, name)
    )
    table = twin.compare(bench)
    full, bare = table[f"rooms: {twin.FULL}"], table[f"rooms: {twin.TWIN}"]
    assert full["pictures"] == bare["pictures"] == COUNT // 5
    assert full["said"] == 0  # this one has learned nothing
    assert bare["precision"] > 90
    assert bare["recall"] > 50
    assert table[f"mean of the sets: {twin.TWIN}"]["precision"] == bare["precision"]
