"""Every session, real or fake, keeps the promises of `ModelSession`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from photos_engine.analyzers.preprocess import INPUT_SIDE_PX
from photos_engine.analyzers.scene import GRAPH
from photos_engine.analyzers.sessions import ModelSession
from photos_engine.analyzers.sessions.onnx import OnnxSession
from photos_engine.errors import ModelError
from photos_engine.models.registry import load_manifest


@pytest.fixture(scope="module", params=[1, 2], ids=["one thread", "two threads"])
def session(request: pytest.FixtureRequest) -> ModelSession:
    return OnnxSession.open(load_manifest().path(GRAPH), threads=request.param)


def test_outputs_come_by_name_with_the_batch_in_front(session: ModelSession) -> None:
    manifest = load_manifest()
    for count in (1, 3):
        outputs = session.run({"image": np.zeros((count, INPUT_SIDE_PX, INPUT_SIDE_PX, 3), np.uint8)})
        for name, contract in manifest.outputs.items():
            assert outputs[name].shape == (count, *contract["shape"][1:])
            assert outputs[name].dtype == contract["type"]


@pytest.mark.parametrize("inputs", [{}, {"picture": np.zeros(3)}, {"image": np.zeros((1, 9, 9, 3), np.uint8)}])
def test_wrong_inputs_are_a_model_error(session: ModelSession, inputs: dict[str, np.ndarray]) -> None:
    with pytest.raises(ModelError):
        session.run(inputs)


def test_a_missing_graph_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        OnnxSession.open(tmp_path / "none.onnx")
