"""Readers of what strangers wrote never raise: on what is saved, on any bytes, and for ten minutes of searching."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz.targets import TARGETS
from hypothesis import given, settings
from hypothesis import strategies as st

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
SECONDS = int(os.environ.get("PHOTOS_ENGINE_FUZZ_S", "600"))  # for each target


def test_every_target_has_saved_inputs() -> None:
    assert {folder.name for folder in CORPUS.iterdir() if any(folder.iterdir())} == set(TARGETS)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_is_saved_is_read(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("target", ["metadata", "sidecar", "takeout"])
@given(st.data())
@settings(max_examples=30)
def test_damaged_inputs_are_read(target: str, data: st.DataObject) -> None:
    """Saved inputs with some bytes changed, cut off anywhere."""
    content = bytearray(data.draw(st.sampled_from(sorted(CORPUS.glob(f"{target}/*")))).read_bytes())
    for _ in range(data.draw(st.integers(0, 8))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    TARGETS[target](bytes(content[: data.draw(st.integers(0, len(content)))]))


@given(st.text(max_size=80))
@settings(max_examples=30)
def test_any_query_is_answered(query: str) -> None:
    TARGETS["query"](query.encode("utf-8", "surrogatepass"))


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris isn't installed")
@pytest.mark.parametrize("target", TARGETS)
def test_ten_minutes_of_searching_find_nothing(target: str, tmp_path: Path) -> None:
    (tmp_path / "found").mkdir()
    command = [sys.executable, str(HERE / "targets.py"), target, f"-max_total_time={SECONDS}", "-timeout=60"]
    command += ["-rss_limit_mb=2048", f"-artifact_prefix={tmp_path}/", str(tmp_path / "found"), str(CORPUS / target)]
    path = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH", ""))))
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
