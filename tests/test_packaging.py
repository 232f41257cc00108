"""What is on disk is what gets installed: a missing package works in an editable install and fails in a wheel."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
ROOMS = {name: ROOT / folder for name, folder in SETUPTOOLS["package-dir"].items()}
GENERATED = {"__pycache__"}


def packages_on_disk() -> dict[str, Path]:
    found = {}
    for name, folder in ROOMS.items():
        for init in folder.rglob("__init__.py"):
            parts = init.parent.relative_to(folder).parts
            found[".".join((name, *parts))] = init.parent
    return found


def test_every_package_is_listed() -> None:
    assert sorted(packages_on_disk()) == sorted(SETUPTOOLS["packages"])


def test_every_module_lies_in_a_package() -> None:
    folders = set(packages_on_disk().values())
    for folder in ROOMS.values():
        assert {module.parent for module in folder.rglob("*.py")} <= folders


def test_every_data_file_is_listed() -> None:
    missing = []
    for name, folder in packages_on_disk().items():
        patterns = SETUPTOOLS["package-data"].get(name, [])
        for file in folder.iterdir():
            is_data = file.is_file() and file.suffix not in {".py", ".pyc"}
            if is_data and not any(fnmatch(file.name, pattern) for pattern in patterns):
                missing.append(str(file.relative_to(ROOT)))
    assert missing == []
