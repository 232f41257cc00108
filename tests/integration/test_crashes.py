"""Killed at any moment, a library is whole, and comes to the same end as one that never was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL and fork are POSIX")
@pytest.mark.parametrize("kills", [6, pytest.param(200, marks=pytest.mark.slow)], ids=["a few", "two hundred"])
def test_a_library_that_is_killed_again_and_again_loses_nothing(tmp_path: Path, kills: int) -> None:
    program = [sys.executable, str(TESTS / "fakes" / "crashing.py"), str(tmp_path / "lives"), str(kills), "7"]
    path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH", ""))))
    done = subprocess.run(program, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert sum(told["kills"].values()) >= kills
    assert min(told["kills"].values()) >= kills // 6
    assert told["problems"] == []
    undisturbed, *others = told["states"]
    assert undisturbed["counts"] == [32, 32, 1, 0, "shades-2"]
    assert undisturbed["groups"]
    assert undisturbed["memories"]
    for state in others:
        assert state == undisturbed
