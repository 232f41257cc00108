"""ONNX Runtime behind `ModelSession`; the only module that imports it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    RuntimeException,
)
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NotSupported

from photos_engine.errors import ModelError

_FOREIGN = (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotSupported,
    RuntimeException,
    ValueError,
)
_ERRORS_ONLY = 3


class OnnxSession:
    """One ONNX graph, opened for the CPU."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]

    @classmethod
    def open(cls, path: Path, *, threads: int = 1) -> OnnxSession:
        """Open a graph. `threads` work inside one forward pass; parallel photos profit more from one.

        Raises: ModelError.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # The arena would keep the largest batch's memory for good, and patterns another copy of it.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        # Idle threads must sleep: the decoder beside them needs the core.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            return cls(onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))
        except _FOREIGN as error:
            raise ModelError(f"{path} can't be opened: {error}") from error

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run one forward pass. Raises: ModelError."""
        try:
            values = self._session.run(self._outputs, dict(inputs))
        except _FOREIGN as error:
            raise ModelError(f"the model failed: {error}") from error
        return dict(zip(self._outputs, values, strict=True))
