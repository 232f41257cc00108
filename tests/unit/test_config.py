"""Settings: defaults, then file, then environment, then arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from photos_engine.config import Settings, default_library, load_settings
from photos_engine.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return file


def test_later_sources_win(tmp_path: Path) -> None:
    file = write(tmp_path, 'library = "/from/file"\nbatch_size = 8\ndecode_workers = 3\n')
    environment = {"PHOTOS_ENGINE_BATCH_SIZE": "16", "PHOTOS_ENGINE_DECODE_WORKERS": "5"}
    settings = load_settings(file=file, environment=environment, decode_workers=7)
    assert (settings.library, settings.batch_size, settings.decode_workers) == (Path("/from/file"), 16, 7)


def test_arguments_that_are_none_count_as_not_given() -> None:
    assert load_settings(environment={}, library=None).library == default_library()


def test_the_settings_file_can_be_named_in_the_environment(tmp_path: Path) -> None:
    file = write(tmp_path, "batch_size = 4\n")
    assert load_settings(environment={"PHOTOS_ENGINE_CONFIG": str(file)}).batch_size == 4


def test_home_is_expanded() -> None:
    assert load_settings(environment={}, library="~/x").library == Path.home() / "x"


@pytest.mark.parametrize(
    "text",
    [
        "batch_size = 0",
        "batch_size = 1.5",
        "batch_size = true",
        'batch_size = "many"',
        "decode_timeout_s = -1",
        "decode_timeout_s = nan",
        "max_megapixels = inf",
        f"max_megapixels = 1{'0' * 400}",
        "decode_memory_mb = 1_048_577",
        'library = ""',
        'time_zone = "Mars/Olympus"',
        'time_zone = "../etc/passwd"',
        "no_such_setting = 1",
        "this is no TOML",
    ],
)
def test_nonsense_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        load_settings(file=write(tmp_path, text), environment={})


@pytest.mark.parametrize("setting", ["decode_timeout_s=nan", "max_megapixels=inf", "decode_memory_mb=99999999999999"])
def test_a_number_out_of_range_is_named(setting: str) -> None:
    name, _, text = setting.partition("=")
    with pytest.raises(ConfigError, match=f"^{name} must be .* 1,048,576, not {text}"):
        load_settings(environment={f"PHOTOS_ENGINE_{name.upper()}": text})


def test_empty_variables_count_as_not_given() -> None:
    environment = {"PHOTOS_ENGINE_LIBRARY": "", "PHOTOS_ENGINE_CONFIG": "", "PHOTOS_ENGINE_BATCH_SIZE": ""}
    assert load_settings(environment=environment) == load_settings(environment={})


def test_an_empty_name_is_no_library() -> None:
    with pytest.raises(ConfigError, match="library must name a folder"):
        load_settings(environment={}, library="")


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent"):
        load_settings(file=tmp_path / "absent.toml", environment={})


def test_defaults_are_valid() -> None:
    assert Settings().batch_size >= 1
