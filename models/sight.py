"""A model looking at pictures for those who measure or mine: its signals, and the chances behind the tags.

Signals leave out what stays unsaid; ranking, calibration and decision boundaries need every chance.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from photos_engine.analyzers.heads.objects import ObjectReader
from photos_engine.analyzers.heads.tags import TagReader
from photos_engine.analyzers.scene import GRAPH, SCENE_LABELS, SceneAnalyzer
from photos_engine.analyzers.sessions import ModelSession
from photos_engine.analyzers.sessions.onnx import OnnxSession
from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.errors import DecodeError, Unreadable
from photos_engine.models.registry import Manifest, load_manifest
from photos_engine.types import DetectedObject, FloatArray, SceneSignals


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model made of one picture.

    chances: (tags,) float32 in the taxonomy's order, as the scene head gave them, without thresholds or
        ancestors; 0 for a tag that the model doesn't know.
    things: all that the objects head found, however unsure; none of a model without that head.
    """

    signals: SceneSignals
    chances: FloatArray
    things: tuple[DetectedObject, ...]


class Sight:
    """Sees pictures; safe to call from several threads. `thresholds`: (tags,) in the taxonomy's order, 1 if unknown."""

    def __init__(self, session: ModelSession, manifest: Manifest, tags: TagReader) -> None:
        self.manifest, self.taxonomy = manifest, tags.taxonomy
        self._session = _Listener(session)
        self._analyzer = SceneAnalyzer(self._session, manifest, tags)
        column = {tag.id: number for number, tag in enumerate(self.taxonomy.tags)}
        self._columns = [column[tag_id] for tag_id in tags.ids]
        self.thresholds = self._in_order(tags.thresholds, missing=1.0)
        contract = manifest.outputs.get("objects")
        unsure = None if contract is None else {**contract, "thresholds": [0.0] * len(contract["labels"])}
        self._things = None if unsure is None else ObjectReader.from_contract(unsure, self.taxonomy)

    @classmethod
    def open(cls, folder: Path | None = None) -> Sight:
        """Open a model; by default the one that ships with the engine. Raises: as `SceneAnalyzer.open`."""
        manifest = load_manifest(folder)
        tags = TagReader.open(manifest.path(SCENE_LABELS), Taxonomy.load())
        return cls(OnnxSession.open(manifest.path(GRAPH)), manifest, tags)

    def see(self, image: Image.Image) -> Seen:
        """Look at one picture. Raises: PhotoError, ModelError."""
        signals = self._analyzer.analyze_one(np.asarray(image))
        outputs = self._session.last
        things = () if self._things is None else self._things.read(outputs["objects"][0])
        return Seen(signals, self._in_order(outputs["scene"][0], missing=0.0), things)

    def _in_order(self, values: FloatArray, missing: float) -> FloatArray:
        ordered = np.full(len(self.taxonomy), missing, np.float32)
        ordered[self._columns] = values
        return ordered


class _Listener:
    """A session that remembers what it gave last in each thread."""

    def __init__(self, session: ModelSession) -> None:
        self._session, self._local = session, threading.local()

    @property
    def last(self) -> Mapping[str, NDArray[Any]]:
        outputs: Mapping[str, NDArray[Any]] = self._local.outputs
        return outputs

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        outputs = self._session.run(inputs)
        self._local.outputs = outputs
        return outputs


def read_upright(path: Path) -> Image.Image:
    """Read a picture as RGB, upright. Raises: Unreadable, DecodeError."""
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise DecodeError(str(path), "no picture that Pillow knows") from error
    except Image.DecompressionBombError as error:
        raise DecodeError(str(path), str(error)) from error
    except OSError as error:
        raise Unreadable(str(path), error.strerror or str(error)) from error
