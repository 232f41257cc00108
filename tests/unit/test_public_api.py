"""The public API is one explicit list, and importing it is cheap."""

from __future__ import annotations

import subprocess
import sys

import photos_engine
from photos_engine import errors, types


def test_every_public_name_exists() -> None:
    assert sorted(photos_engine.__all__) == photos_engine.__all__
    for name in photos_engine.__all__:
        assert getattr(photos_engine, name) is not None


def test_every_error_is_public() -> None:
    defined = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert defined <= set(photos_engine.__all__)


def test_every_public_type_is_documented() -> None:
    for name in photos_engine.__all__:
        value = getattr(photos_engine, name)
        if isinstance(value, type) and value.__module__ == types.__name__:
            assert value.__doc__, name


def test_importing_the_package_loads_no_heavy_library() -> None:
    code = (
        "import photos_engine, sys; "
        "print({'sqlalchemy', 'faiss', 'onnxruntime', 'networkx', 'sklearn', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
