"""ONNX Runtime behind `ModelSession`; the only module that imports it.

A graph is read from its file by the runtime itself, so that its bytes are held once, and its matrices stay int8
in memory (see `models/training/packing.py`).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    EPFail,
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    RuntimeException,
)
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NotSupported

from photos_engine.analyzers.sessions.providers import AUTO, Requested, open_with_best, runs_one_at_a_time
from photos_engine.errors import ModelError

_FOREIGN = (
    EPFail,
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
    """One ONNX graph, opened for the processor or a better device."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]
        self._turn = threading.Lock() if runs_one_at_a_time(session) else contextlib.nullcontext()

    @classmethod
    def open(cls, path: Path, *, threads: int = 1, provider: str = AUTO) -> OnnxSession:
        """Open a graph. `threads` work inside one forward pass; parallel photos profit more from one.

        provider: a key of `providers.PROVIDERS`, or the best that is installed and starts.
        Raises: ModelError; ConfigError for an unknown provider.
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

        def create(providers: Requested) -> onnxruntime.InferenceSession:
            return onnxruntime.InferenceSession(str(path), options, providers=list(providers), enable_fallback=False)

        try:
            return cls(open_with_best(create, onnxruntime.get_available_providers(), provider, _FOREIGN))
        except _FOREIGN as error:
            raise ModelError(f"{path} can't be opened: {error}") from error

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run one forward pass. Raises: ModelError."""
        try:
            with self._turn:
                values = self._session.run(self._outputs, dict(inputs))
        except _FOREIGN as error:
            raise ModelError(f"the model failed: {error}") from error
        return dict(zip(self._outputs, values, strict=True))
