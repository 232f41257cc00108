"""Settings: defaults, then a TOML file, then the environment, then arguments; the later wins.

One frozen value is handed to the engine. Nothing else reads the environment.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import platformdirs

from photos_engine.errors import ConfigError

APP_NAME = "photos-engine"
ENVIRONMENT_PREFIX = "PHOTOS_ENGINE_"
MEBIBYTE = 1024 * 1024
LARGEST = 1024 * 1024
"""No number is above this: a tebibyte in MiB, twelve days in seconds. Far larger ones don't fit the system's calls."""


_CHOICES = {
    "log_paths": ("yes", "no"),
    "log_format": ("text", "json"),
    "log_level": ("debug", "info", "warning", "error"),
}


def default_library() -> Path:
    """The library that is used when none is named: in the platform's user data folder."""
    return Path(platformdirs.user_data_dir(APP_NAME, appauthor=False)) / "main"


def default_models_folder() -> Path:
    """Where models lie that don't ship with the engine, each in a folder of its own."""
    return Path(platformdirs.user_data_dir(APP_NAME, appauthor=False)) / "models"


def default_config_file() -> Path:
    """The settings file that is read when it exists."""
    return Path(platformdirs.user_config_dir(APP_NAME, appauthor=False)) / "config.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Names are those of the TOML keys and, in capitals, of the environment."""

    library: Path = dataclasses.field(default_factory=default_library)
    models_folder: Path = dataclasses.field(default_factory=default_models_folder)
    batch_size: int = 32  # photos in one transaction
    decode_workers: int = dataclasses.field(default_factory=lambda: max(1, min(4, os.cpu_count() or 1)))
    decode_timeout_s: float = 30.0
    decode_memory_mb: int = 1024  # address space of one decoding process beyond its start
    inference_threads: int = 1
    provider: str = "auto"  # what runs the analyzer: auto, cpu, cuda, directml, openvino, coreml
    max_file_mb: int = 256  # a file is held beside its picture: with larger ones memory is no longer bounded
    max_megapixels: float = 250.0
    time_zone: str = ""  # IANA name assumed for photos that record no zone; empty: the machine's
    daemon_waits_for: str = "on battery, hot, low memory, machine busy, person active"  # the rest it works through
    quiet_hours: str = ""  # when the daemon does nothing, such as 22:00-07:30
    metrics_file: str = ""  # where the daemon writes its figures for Prometheus; empty: nowhere
    log_paths: str = "yes"  # whether the log may name files and folders: yes or no
    log_format: str = "text"  # of what the program tells on stderr: text or json
    log_level: str = "warning"  # from where on: debug, info, warning or error

    def __post_init__(self) -> None:
        for name in ("batch_size", "decode_workers", "inference_threads", "max_file_mb", "decode_memory_mb"):
            if not 1 <= getattr(self, name) <= LARGEST:
                raise ConfigError(f"{name} must be from 1 to {LARGEST:,}, not {getattr(self, name)}")
        for name in ("decode_timeout_s", "max_megapixels"):
            if not 0 < getattr(self, name) <= LARGEST:  # nor NaN
                raise ConfigError(f"{name} must be above 0 and at most {LARGEST:,}, not {getattr(self, name)}")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise ConfigError(f"{name} must be {' or '.join(known)}, not {getattr(self, name)!r}")
        if self.time_zone:
            try:
                ZoneInfo(self.time_zone)
            except (OSError, ValueError, KeyError) as error:
                raise ConfigError(
                    f"time_zone {self.time_zone!r} is no IANA time zone, such as Europe/Lisbon"
                ) from error


def load_settings(
    *, file: Path | None = None, environment: Mapping[str, str] | None = None, **arguments: Any
) -> Settings:
    """Settings from all their sources; arguments that are None and empty variables count as not given.

    `file` must exist when it is named; without a name the default file is read where it exists.
    Raises: ConfigError for an unknown key, a malformed file or a value out of range.
    """
    environment = os.environ if environment is None else environment
    named_there = environment.get(f"{ENVIRONMENT_PREFIX}CONFIG", "")
    named = file or (Path(named_there) if named_there else None)
    values: dict[str, Any] = _read_file(named) if named else {}
    if named is None and default_config_file().is_file():
        values = _read_file(default_config_file())
    fields = {f.name for f in dataclasses.fields(Settings)}
    for name in fields:
        if text := environment.get(ENVIRONMENT_PREFIX + name.upper(), ""):
            values[name] = text
    values |= {name: value for name, value in arguments.items() if value is not None}
    if unknown := values.keys() - fields:
        raise ConfigError(f"unknown setting: {', '.join(sorted(unknown))}")
    return Settings(**{name: _convert(name, value) for name, value in values.items()})


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"settings file {path}: {error}") from error


_TYPES: dict[str, type] = {
    "library": Path,
    "models_folder": Path,
    "provider": str,
    "time_zone": str,
    "daemon_waits_for": str,
    "quiet_hours": str,
    "metrics_file": str,
    **dict.fromkeys(_CHOICES, str),
    "decode_timeout_s": float,
    "max_megapixels": float,
}


def _convert(name: str, value: Any) -> Any:
    kind = _TYPES.get(name, int)
    if isinstance(value, bool) or (kind is int and isinstance(value, float)):
        raise ConfigError(f"{name} must be {kind.__name__}, not {value!r}")
    if kind is Path and value == "":  # as a path it would mean the folder one happens to stand in
        raise ConfigError(f"{name} must name a folder")
    try:
        return Path(value).expanduser().absolute() if kind is Path else kind(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(f"{name} must be {kind.__name__}, not {value!r}") from error
