"""Commands are called often, by desktops too: what one of them doesn't need is not loaded for it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"faiss", "holidays", "networkx", "onnxruntime", "rawpy", "scipy", "sklearn", "sqlalchemy", "tokenizers"}
LOADED = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


@pytest.mark.parametrize(
    ("room", "needed"),
    [
        ("photos_engine", set()),
        ("photos_engine.cli", set()),
        ("photos_engine.overview", {"sqlalchemy"}),  # all that `status` asks
        ("photos_engine.engine", {"sqlalchemy"}),
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(room: str, needed: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import {room}; {LOADED}"], capture_output=True, text=True, check=True
    )
    assert set(json.loads(done.stdout)) & HEAVY == needed
