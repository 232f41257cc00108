"""The utility head: what it is taught, that its odds are those of a library, and that its step runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

for package in ("torch", "onnx", "segno", "safetensors"):
    pytest.importorskip(package)

import torch  # noqa: E402

from photos_engine.models import corpus  # noqa: E402
from photos_engine.models.corpus import Picture  # noqa: E402
from photos_engine.models.training import utility  # noqa: E402
from photos_engine.models.training.config import ProbeConfig  # noqa: E402

PROBE = ProbeConfig(7, components=24, epochs=12, batch=64, learning_rate=6e-2, weight_decay=0.01, dropout=0.1)
CONFIG = utility.UtilityConfig(
    pictures=4,
    generated=0.5,
    akin=0.1,
    templates=0.5,
    folds=3,
    prior=0.02,
    ridge=1.0,
    false_positives=0.01,
    probe=PROBE,
)


def photographed(label: str, count: int) -> list[Picture]:
    return [Picture(Path(label, str(number)), "utility", label, held_out=False) for number in range(count)]


def generated(label: str, count: int) -> list[Picture]:
    return [corpus.generated_picture(label, number, held_out=False) for number in range(count)]


def ordinary(count: int) -> list[Picture]:
    return [Picture(Path("coco", str(number)), "coco128", "", held_out=False) for number in range(count)]


@pytest.fixture(scope="module")
def sample() -> tuple[list[Picture], np.ndarray]:
    """Pictures of two kinds and ordinary ones, and rows in which a direction of its own tells each kind."""
    random = np.random.default_rng(0)
    pictures = [*ordinary(500), *photographed("receipt", 40), *generated("whiteboard", 60), *generated("sign", 60)]
    rows = random.normal(0, 1, (len(pictures), 48)).astype(np.float32)
    rows[500:540, 0] += 5
    rows[540:600, 1] += 5
    return pictures, rows


def test_a_picture_weighs_by_where_it_comes_from_and_by_what_else_it_may_be() -> None:
    pictures = [*ordinary(1), *photographed("receipt", 1), *generated("receipt_laid", 1), *generated("document", 1)]
    taught = utility.lessons([*pictures, *photographed("meme", 1), *generated("sign", 1)], CONFIG)
    assert taught.kinds == ("receipt", "document", "meme")
    assert taught.targets.argmax(1)[1:5].tolist() == [0, 0, 1, 2]
    assert taught.ordinary.tolist() == [True, False, False, False, False, True]
    assert taught.weights[:, 0].tolist() == pytest.approx([1, 1, 0.5, 0.05, 0.5, 0.5])
    assert taught.weights[1].tolist() == pytest.approx([1, 0.1, 1])


def test_training_finds_the_kinds_and_leaves_ordinary_pictures(sample: tuple[list[Picture], np.ndarray]) -> None:
    pictures, rows = sample
    taught = utility.lessons(pictures, CONFIG)
    made = utility.train(rows, taught, CONFIG)
    odds = made.head(torch.from_numpy(rows)).numpy()
    for column, first, last in ((0, 500, 540), (1, 540, 600)):
        threshold = np.log(made.thresholds[column] / (1 - made.thresholds[column]))
        assert (odds[first:last, column] > threshold).mean() > 0.9
        assert (odds[:500, column] > threshold).mean() < 0.03


def test_calibrated_odds_are_those_of_a_library_with_the_given_prior() -> None:
    random = np.random.default_rng(1)
    taught = utility.lessons([*ordinary(3000), *photographed("receipt", 1000)], CONFIG)
    # Two normal distributions two apart: the true log-odds are 2 x - 2 plus the prior's.
    scores = (random.normal(0, 1, (4000, 1)) + 2 * taught.targets).astype(np.float32)
    slopes, offsets = utility.calibrate(scores, taught, dataclasses.replace(CONFIG, ridge=0.0))
    assert slopes[0] == pytest.approx(2, abs=0.2)
    assert offsets[0] == pytest.approx(-2 + np.log(0.02 / 0.98), abs=0.3)


def test_the_step_keeps_head_kinds_and_thresholds(
    sample: tuple[list[Picture], np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, rows = sample
    kept = [dataclasses.replace(picture, held_out=True) for picture in pictures if picture.source == "generated"]
    bench = SimpleNamespace(
        work=tmp_path,
        sets={"generated": kept},
        rows=lambda _, held_out: np.arange(len(kept)),
        features=lambda _: rows[-len(kept) :],
    )
    monkeypatch.setattr(utility, "load_config", lambda *_: CONFIG)
    monkeypatch.setattr(utility, "load_joint", lambda _: SimpleNamespace(standardise=lambda array: array))
    monkeypatch.setattr(utility, "gather", lambda *_: (pictures, rows, rows))
    utility.train_utility(bench)  # type: ignore[arg-type]
    saved = torch.load(tmp_path / "utility.pt", weights_only=False)
    assert saved["kinds"] == ("receipt", "whiteboard")
    assert saved["head"](torch.from_numpy(rows)).shape == (len(rows), 2)
    assert saved["thresholds"].shape == (2,)
    assert saved["generated"]["whiteboard"]["pictures"] == 60
    assert saved["generated"]["whiteboard"]["recall"] > 0.9
    assert saved["generated"]["whiteboard"]["of ordinary ones"] < 0.1
