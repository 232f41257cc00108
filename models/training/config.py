"""Every number that the recipe may vary: what it means stands here, its value in `configs/NAME.toml`.

One file per head, so that a change of the recipe is a change of one small file. A dataclass has no
defaults: a value stands in exactly one place. Heads may bring dataclasses of their own; `load_config`
serves them too.
"""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from photos_engine.errors import ConfigError

FOLDER = Path(__file__).with_name("configs")
T = TypeVar("T")


def config_path(name: str, folder: Path = FOLDER) -> Path:
    """The file that `load_config` reads."""
    return folder / f"{name}.toml"


def load_config(cls: type[T], name: str, folder: Path = FOLDER) -> T:
    """Read `configs/NAME.toml` as the dataclass `cls`.

    Fields may be bool, int, float (which takes whole numbers too), str, tuple[X, ...] and dataclasses,
    which are tables of the file. Raises: ConfigError, which names the file and every key that is
    missing, unknown or of another type.
    """
    path = config_path(name, folder)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # unreadable; neither TOML nor UTF-8
        raise ConfigError(f"{path}: {error}") from error
    faults: list[str] = []
    result: T = _read(cls, table, "", faults)
    if faults:
        raise ConfigError(f"{path}: {'; '.join(sorted(faults))}")
    return result


def _read(kind: Any, value: Any, key: str, faults: list[str]) -> Any:
    """Turn a value of a TOML file into `kind`; what doesn't fit is told in `faults`."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, dict):
        hints, prefix = get_type_hints(kind), f"{key}." if key else ""
        faults += [f"{prefix}{name} is missing" for name in hints.keys() - value.keys()]
        faults += [f"{prefix}{name} is unknown" for name in value.keys() - hints.keys()]
        fields = {name: _read(hints[name], value[name], prefix + name, faults) for name in hints.keys() & value.keys()}
        return kind(**fields) if not faults else None
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_read(get_args(kind)[0], item, f"{key}[{place}]", faults) for place, item in enumerate(value))
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:  # a bool is no int
        faults.append(f"{key} must be {getattr(kind, '__name__', kind)}, not {value!r}")
    return value


@dataclass(frozen=True, slots=True)
class LoopConfig:
    """How `loop.Loop` walks; the table `[loop]` of a head that is trained by it."""

    seed: int
    epochs: int
    batch: int  # rows of a step, over all processes together; all rows where there are fewer
    chunk: int  # rows that `in_chunks` encodes at a time; 0: all at once
    warm_up: float  # share of the steps in which the learning rates rise
    clip: float  # largest norm of the gradient; 0: whatever it is
    average: float  # weight of the past in the moving average of the weights, such as 0.999; 0: none is kept
    precision: str  # of products: "automatic" (16 bits where there is a GPU), "float32", "bfloat16", "float16"
    recompute: bool  # on GPUs, compute blocks again in the backward pass instead of keeping their activations


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """How `pictures.augment` varies pictures; the table `[augment]` of a head that is trained on them."""

    mirrored: float  # share of the pictures
    smallest_part: float  # of the picture's area that is shown
    stretch: float  # largest logarithm of width by height
    brightness: float  # largest change, as a share
    contrast: float
    saturation: float


@dataclass(frozen=True, slots=True)
class QualityConfig:
    """The small net on statistics of lower layers."""

    seed: int
    pictures: int  # each in 24 gradings
    hidden: int
    dropout: float
    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float


@dataclass(frozen=True, slots=True)
class PrintConfig:
    """The discriminant and the quantising rotation behind the print."""

    seed: int
    pictures: int  # each in 8 edits
    components: int  # of the layout, before the discriminant
    ridge: float  # of the mean variance that edits cause
    equalise: float  # 0 keeps the spread of directions, 1 makes all alike
    rotations: int  # rounds of iterative quantisation


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """Linear probes: the utility head and the supervised part of the scene head."""

    seed: int
    components: int  # directions of the standardised rows that are kept
    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    dropout: float
