"""The quality head learns what is left of each quality, and how level a picture is, from different inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from photos_engine.models.training.config import QualityConfig, load_config  # noqa: E402
from photos_engine.models.training.features import MEANS, ROW  # noqa: E402
from photos_engine.models.training.quality import SCORES, Level, train  # noqa: E402

START = sum(list(MEANS.values())[: list(MEANS).index("stage3")])


def test_scores_follow_their_causes() -> None:
    random = np.random.default_rng(0)
    statistics = random.normal(size=(600, 9)).astype(np.float32)
    targets = (1 / (1 + np.exp(-2 * statistics[:, : len(SCORES)]))).astype(np.float32)
    rows = 0.1 * random.normal(size=(600, ROW)).astype(np.float32)
    rows[:, START] *= 10  # what counts stands out, so that 600 rows are enough to find it
    level = Level(rows, (1 / (1 + np.exp(-2 * rows[:, START]))).astype(np.float32))
    config = replace(load_config(QualityConfig, "quality"), epochs=60, hidden=24, dropout=0.0)
    head = train(statistics, targets, level, config)
    with torch.inference_mode():
        found = head(torch.from_numpy(statistics), torch.from_numpy(rows)).numpy()
    assert found.shape == (600, 6)
    for column, name in enumerate(SCORES):
        wanted = level.targets if name == "level" else targets[:, column]
        assert np.corrcoef(found[:, column], wanted)[0, 1] > 0.9, name
