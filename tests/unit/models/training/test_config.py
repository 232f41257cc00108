"""A configuration file says everything that its dataclass asks for, and nothing else."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from photos_engine.errors import ConfigError
from photos_engine.models.training.config import FOLDER, load_config


@dataclass(frozen=True)
class Inner:
    rate: float


@dataclass(frozen=True)
class Outer:
    seed: int
    name: str
    flip: bool
    sizes: tuple[int, ...]
    inner: Inner


GOOD = 'seed = 7\nname = "a"\nflip = true\nsizes = [1, 2]\n[inner]\nrate = 1\n'


def load(folder: Path, text: str) -> Outer:
    (folder / "head.toml").write_text(text, encoding="utf-8")
    return load_config(Outer, "head", folder)


def test_every_field_is_read_in_its_type(tmp_path: Path) -> None:
    outer = load(tmp_path, GOOD)
    assert outer == Outer(7, "a", True, (1, 2), Inner(1.0))
    assert type(outer.inner.rate) is float


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("seed = 7\n", "", "seed is missing"),
        ("rate", "rat", "inner.rat is unknown; inner.rate is missing"),
        ("seed = 7", "seed = 7.5", "seed must be int, not 7.5"),
        ("seed = 7", "seed = true", "seed must be int, not True"),
        ("[1, 2]", '[1, "2"]', r"sizes\[1\] must be int, not '2'"),
        ("seed = 7", "seed = ", "head.toml"),
    ],
)
def test_what_is_wrong_is_said_with_the_file_and_the_key(tmp_path: Path, old: str, new: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=rf"head\.toml.*{fault}|{fault}"):
        load(tmp_path, GOOD.replace(old, new))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml"):
        load_config(Outer, "nothing", tmp_path)


def test_every_shipped_file_is_read_as_a_dataclass_without_values_of_its_own() -> None:
    for package in ("torch", "efficientnet_lite_pytorch", "all_minilm_l6_v2"):
        pytest.importorskip(package)
    from photos_engine.models.training import (
        aesthetics,
        embedding,
        further,
        objects,
        prints,
        probes,
        pruning,
        quality,
        quantise,
        saliency,
        scene,
        utility,
    )

    readers: dict[str, type[Any]] = {
        "aesthetics": aesthetics.AestheticsConfig,
        "backbone": quantise.ReconstructionConfig,
        "embedding": embedding.EmbeddingConfig,
        "refit": embedding.EmbeddingConfig,
        "fine_tuning": embedding.FineTuningConfig,
        "further": further.TuningConfig,
        "objects": objects.ObjectsConfig,
        "print": prints.PrintConfig,
        "probe": probes.ProbeConfig,
        "quality": quality.QualityConfig,
        "saliency": saliency.SaliencyConfig,
        "scene": scene.SceneConfig,
        "text": pruning.TextConfig,
        "utility": utility.UtilityConfig,
    }
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.toml" for name in readers}
    for name, reader in readers.items():
        load_config(reader, name)
        assert all(field.default is field.default_factory is MISSING for field in fields(reader)), name
