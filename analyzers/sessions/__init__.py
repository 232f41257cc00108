"""Runtimes behind one small seam, so that what interprets a model knows no runtime.

`onnx` is the only module that imports onnxruntime, `coreml` the only one that imports coremltools, and then on a Mac
alone; `providers` says what of a machine the former uses. A fake for tests is a class with one method.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray


class ModelSession(Protocol):
    """An opened model. Safe to call from several threads."""

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run one forward pass: every input by name -> every output by name. Raises: ModelError."""
        ...
