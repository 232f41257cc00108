"""Text in pictures, by an engine that is packaged with its weights: `pip install photos-engine[ocr]`.

RapidOCR runs PaddleOCR's small models (both Apache-2.0; 30 MB in its wheel, Latin and Chinese script and Japanese)
in ONNX Runtime. It is told where each of them lies: left to itself it would fetch what it misses from the network.
A picture takes a second or so, which is why only those are read that serve for reading.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import threading
from pathlib import Path
from typing import Any, Protocol

from photos_engine.types import ByteArray

logger = logging.getLogger(__name__)

_PACKAGE = "rapidocr"
_PARTS = ("Det", "Cls", "Rec")  # where lines are, whether one is upside down, what it says
_SURE = 0.6
"""Of a line: below, every other one is made up of texture."""

READ_SHORTER_PX = 960
"""Pixels of the shorter side at which print on a page and on a screen can still be read."""


class TextReader(Protocol):
    """Whoever reads pictures."""

    @property
    def name(self) -> str:
        """The engine and its version: what another one has read is read again."""

    def read(self, pixels: ByteArray) -> str:
        """The words in an upright RGB picture, (h, w, 3), a line of them for each that stands there."""


class PackagedReader:
    """RapidOCR as it is installed. Safe to use from several threads, which it serves in turn."""

    def __init__(self, models: Path, threads: int) -> None:
        self.name = f"{_PACKAGE} {importlib.metadata.version(_PACKAGE)}"
        self._models, self._threads = models, threads
        self._lock = threading.Lock()
        self._engine: Any = None

    def read(self, pixels: ByteArray) -> str:
        """The words in a picture."""
        with self._lock:
            if self._engine is None:
                self._engine = self._open()
            found = self._engine(pixels[..., ::-1])  # it expects BGR
        lines = zip(found.txts or (), found.scores or (), strict=True)
        return "\n".join(line for line, sureness in lines if sureness >= _SURE)

    def _open(self) -> Any:
        from rapidocr import RapidOCR

        paths = {f"{part}.model_path": str(_model_of(part, self._models)) for part in _PARTS}
        threads = {"EngineConfig.onnxruntime.intra_op_num_threads": self._threads}
        return RapidOCR(params={"Global.log_level": "error", **paths, **threads})


def open_reader(threads: int = 1) -> TextReader | None:
    """The installed reader, which loads when it first reads; None without the extra `ocr`."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    models = Path(spec.origin).with_name("models")
    if missing := [part for part in _PARTS if _model_of(part, models) is None]:
        logger.warning("text in pictures can't be read: %s has no model for %s", models, ", ".join(missing))
        return None
    return PackagedReader(models, threads)


def _model_of(part: str, models: Path) -> Path | None:
    return next(iter(sorted(models.glob(f"*_{part.lower()}_*.onnx"))), None)
