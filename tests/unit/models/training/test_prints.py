"""The print ignores what edits do and tells pictures apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from photos_engine.models.training.config import PrintConfig, load_config  # noqa: E402
from photos_engine.models.training.prints import BITS, train  # noqa: E402


def test_edits_fall_together_and_pictures_apart() -> None:
    random = np.random.default_rng(0)
    pictures = random.normal(size=(400, 1, 300))
    pictures[..., 280:] = 0
    edits = np.zeros((400, 5, 300))
    edits[..., 280:] = random.normal(size=(400, 5, 20)) * 4  # edits move what pictures don't differ by
    layouts = (pictures + edits + 0.05 * random.normal(size=edits.shape)).astype(np.float32)
    config = replace(load_config(PrintConfig, "print"), components=290, rotations=4)
    head = train(layouts[:300], config)
    with torch.inference_mode():
        prints = head(torch.from_numpy(layouts[300:].reshape(-1, 300))).numpy()
    bits = np.unpackbits(prints, axis=1).reshape(100, 5, BITS).astype(int)
    same = np.abs(bits[:, 0] - bits[:, 1]).sum(1)
    other = np.abs(bits[:50, 0] - bits[50:, 0]).sum(1)
    assert same.max() < other.min()
    assert abs(other.mean() - BITS / 2) < 16
