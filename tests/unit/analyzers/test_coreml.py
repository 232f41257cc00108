"""The Core ML session's promises, on a predictor that needs no Mac; `test_export_coreml` has the real program."""

from __future__ import annotations

import json
import platform
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photos_engine.analyzers.sessions.coreml import (
    META_MODEL,
    META_TYPES,
    META_VERSION,
    PACKAGE,
    CoreMLSession,
    open_package,
)
from photos_engine.errors import ModelError

TYPES = {"mean": "float32", "print": "uint8"}


class _Predictor:
    """Sees a picture's mean colour, and the first bytes of its top row; can't be in two places at once."""

    def __init__(self, metadata: Mapping[str, str] | None = None) -> None:
        self.metadata = metadata or {META_MODEL: "ansa-9", META_VERSION: "9.1", META_TYPES: json.dumps(TYPES)}
        self._inside = threading.Lock()

    def get_spec(self) -> Any:
        picture = SimpleNamespace(name="image", type=SimpleNamespace(imageType=SimpleNamespace(height=6, width=8)))
        metadata = SimpleNamespace(userDefined={META_TYPES: "", **self.metadata})
        return SimpleNamespace(description=SimpleNamespace(input=[picture], metadata=metadata))

    def predict(self, data: Sequence[Mapping[str, Image.Image]]) -> Sequence[Mapping[str, NDArray[Any]]]:
        if not self._inside.acquire(blocking=False):
            raise RuntimeError("two at once")
        try:
            return [self._see(np.asarray(item["image"])) for item in data]
        finally:
            self._inside.release()

    def _see(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        if (pixels == 13).all():
            raise Exception("compute unit lost")  # as coremltools raises it
        return {"mean": pixels.mean((0, 1), dtype=np.float32)[None], "print": pixels[:1, :4, 0].astype(np.int32)}


def test_a_batch_goes_in_as_bytes_and_comes_out_with_the_contract_s_types() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 6, 8, 3), dtype=np.uint8)
    outputs = CoreMLSession(_Predictor()).run({"image": pictures})
    assert {name: (value.shape, str(value.dtype)) for name, value in outputs.items()} == {
        "mean": ((3, 3), "float32"),
        "print": ((3, 4), "uint8"),
    }
    np.testing.assert_allclose(outputs["mean"], pictures.mean((1, 2)), rtol=1e-5)
    np.testing.assert_array_equal(outputs["print"], pictures[:, 0, :4, 0])


def test_a_session_knows_whose_weights_it_has() -> None:
    session = CoreMLSession(_Predictor())
    assert (session.model, session.version) == ("ansa-9", "9.1")


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"picture": np.zeros((1, 6, 8, 3), np.uint8)},
        {"image": np.zeros((1, 6, 8, 3), np.uint8), "more": np.zeros(1)},
        {"image": np.zeros((1, 8, 6, 3), np.uint8)},
        {"image": np.zeros((1, 6, 8, 3), np.float32)},
        {"image": np.zeros((0, 6, 8, 3), np.uint8)},
        {"image": np.full((1, 6, 8, 3), 13, np.uint8)},
    ],
)
def test_wrong_inputs_and_failures_are_a_model_error(inputs: dict[str, NDArray[Any]]) -> None:
    with pytest.raises(ModelError):
        CoreMLSession(_Predictor()).run(inputs)


def test_threads_take_turns() -> None:
    session = CoreMLSession(_Predictor())
    pictures = [np.full((2, 6, 8, 3), value, np.uint8) for value in range(20, 60)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda batch: session.run({"image": batch})["mean"], pictures))
    assert [float(result[0, 0]) for result in results] == list(range(20, 60))


def test_somebody_else_s_package_is_a_model_error() -> None:
    with pytest.raises(ModelError, match="export"):
        CoreMLSession(_Predictor({"author": "somebody"}))


@pytest.mark.skipif(platform.system() == "Darwin", reason="has Core ML")
def test_without_a_mac_one_line_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="needs Core ML") as caught:
        CoreMLSession.open(tmp_path / "ansa.mlpackage")
    assert "\n" not in str(caught.value)


def test_a_mac_without_coremltools_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setitem(sys.modules, "coremltools.models", None)
    with pytest.raises(ModelError, match="pip install coremltools"):
        CoreMLSession.open(tmp_path / "ansa.mlpackage")


def test_a_package_is_used_where_it_fits_and_its_absence_is_no_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    package = tmp_path / PACKAGE
    monkeypatch.setattr(CoreMLSession, "open", lambda path: CoreMLSession(_Predictor()))
    assert open_package(package, "ansa-9", "9.1") is None
    assert not caplog.records
    package.mkdir()
    session = open_package(package, "ansa-9", "9.1")
    assert session is not None
    assert session.model == "ansa-9"
    assert open_package(package, "ansa-9", "9.2") is None
    assert "export it again" in caplog.text


def test_a_package_that_can_not_be_opened_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / PACKAGE).mkdir()  # empty: no Mac can open it, and no other machine any
    assert open_package(tmp_path / PACKAGE, "ansa-9", "9.1") is None
    assert "ONNX model is used instead" in caplog.text
