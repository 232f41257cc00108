"""Core ML behind `ModelSession`, where a Mac is; the only module that imports coremltools at run time.

The package is `ansa.onnx` again with Core ML's habits: it takes one picture, not a batch of bytes, and gives
bytes as int32. Both are put right here, so that nothing behind a session can tell which one it has. What the
numbers stand for is written in the package's metadata by `models/training/export_coreml.py`.
"""

from __future__ import annotations

import json
import logging
import platform
import threading
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photos_engine.errors import ModelError

log = logging.getLogger(__name__)

PACKAGE = "ansa.mlpackage"
META_MODEL, META_VERSION, META_TYPES = (f"photos_engine.{key}" for key in ("model", "version", "types"))


class Predictor(Protocol):
    """As much of `coremltools.models.MLModel` as a session needs."""

    def get_spec(self) -> Any:
        """The model's description, as Core ML's protobuf message."""
        ...

    def predict(self, data: Sequence[Mapping[str, Image.Image]]) -> Sequence[Mapping[str, NDArray[Any]]]:
        """Every output by name, of each picture."""
        ...


class CoreMLSession:
    """One Core ML package.

    model, version: of the manifest whose graph it was converted from. A package of other weights gives vectors
    of another space: compare before use.
    """

    def __init__(self, predictor: Predictor) -> None:
        """Raises: ModelError for a package that `export_coreml` didn't write."""
        description = predictor.get_spec().description
        metadata = description.metadata.userDefined
        try:
            self._types: dict[str, str] = json.loads(metadata[META_TYPES])
            (picture,) = description.input
        except ValueError as error:
            raise ModelError("the Core ML package is none of photos-engine's: export it again") from error
        self.model, self.version = str(metadata[META_MODEL]), str(metadata[META_VERSION])
        self._input = str(picture.name)
        self._shape = (picture.type.imageType.height, picture.type.imageType.width, 3)
        self._predictor, self._turn = predictor, threading.Lock()

    @classmethod
    def open(cls, path: Path) -> CoreMLSession:
        """Open a package for the CPU, GPU and neural engine, as Core ML sees fit.

        Core ML compiles it first, which takes seconds. Raises: ModelError, also where there is no Mac or no
        coremltools.
        """
        if platform.system() != "Darwin":
            raise ModelError(f"{path} needs Core ML, which {platform.system()} doesn't have: use the ONNX model")
        try:
            from coremltools.models import MLModel
        except ImportError as error:
            raise ModelError(f"{path} needs coremltools: pip install coremltools") from error
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)  # how a model that can't be loaded is announced
                model = MLModel(str(path))
        except Exception as error:  # coremltools raises the base class, protobuf a kind of its own
            raise ModelError(f"{path} can't be opened: {error}") from error
        return cls(model)

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run one forward pass a picture. Raises: ModelError."""
        pictures = inputs.get(self._input)
        if len(inputs) != 1 or pictures is None:
            raise ModelError(f"the model takes {self._input!r}, not {', '.join(map(repr, inputs)) or 'nothing'}")
        if pictures.dtype != np.uint8 or pictures.shape[1:] != self._shape or not len(pictures):
            raise ModelError(f"the model takes (n, *{self._shape}) uint8, not {pictures.shape} {pictures.dtype}")
        data = [{self._input: Image.fromarray(picture)} for picture in pictures]
        try:
            with self._turn:  # Core ML wants calls of one model one after another
                rows = self._predictor.predict(data)
        except Exception as error:  # as above
            raise ModelError(f"the model failed: {error}") from error
        return {name: np.concatenate([row[name] for row in rows]).astype(kind) for name, kind in self._types.items()}


def open_package(path: Path, model: str, version: str) -> CoreMLSession | None:
    """Open the package of a model where there is one that fits and can be run; else None, and why is logged."""
    if not path.is_dir():
        return None
    try:
        session = CoreMLSession.open(path)
    except ModelError as error:
        log.warning("the ONNX model is used instead: %s", error)
        return None
    if (session.model, session.version) != (model, version):
        log.warning("%s is of %s %s and not used: export it again", path, session.model, session.version)
        return None
    return session
