"""Pixels in, everything that the model sees out: one session, one forward pass for all heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photos_engine.analyzers.heads.objects import ObjectReader
from photos_engine.analyzers.heads.pages import PageReader
from photos_engine.analyzers.heads.prints import as_print
from photos_engine.analyzers.heads.tags import TagReader
from photos_engine.analyzers.preprocess import as_input
from photos_engine.analyzers.sessions import ModelSession
from photos_engine.analyzers.sessions.coreml import PACKAGE, open_package
from photos_engine.analyzers.sessions.providers import AUTO
from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.errors import ModelError, OutputMismatch
from photos_engine.models.registry import Manifest, load_manifest
from photos_engine.types import ByteArray, QualitySignals, SceneSignals

GRAPH, SCENE_LABELS, PAGES = "ansa.onnx", "scene.json", "pages.json"
_LIT = 0.7
"""Of full scale: how bright the brightest parts of a picture are at least that some light fell on. Of 26 pictures of
night, dark and candles all reach it; of pictures taken three stops too dark none comes near."""
_BATCH = 4  # larger ones gain nothing on a CPU and cost memory


class SceneAnalyzer:
    """Analyses pictures; safe to call from several threads.

    Raises: OutputMismatch, ModelError where the manifest's heads don't fit the taxonomy or are malformed.
    """

    def __init__(
        self, session: ModelSession, manifest: Manifest, tags: TagReader, pages: PageReader | None = None
    ) -> None:
        self.model_name = manifest.name
        self.taxonomy = tags.taxonomy
        self._session, self._tags, self._pages = session, tags, pages
        self._contracts = manifest.outputs
        self._input = str(manifest.input["name"])
        self._utility_kinds = tuple(manifest.outputs["utility"]["kinds"])
        self._scores = _quality_scores(manifest.outputs["quality"])
        objects = manifest.outputs.get("objects")  # older models have no such head
        self._objects = None if objects is None else ObjectReader.from_contract(objects, tags.taxonomy)

    @classmethod
    def open(cls, folder: Path | None = None, *, threads: int = 1, provider: str = AUTO) -> SceneAnalyzer:
        """Open a model; by default the one that ships with the engine.

        `threads` work inside one forward pass. Several photos at once, each in its own thread, use a
        processor better than several threads inside one pass. By default the best run time at hand is used:
        the model's Core ML package where a Mac has one, else ONNX Runtime's best provider; `provider` names another.

        Raises: ModelNotFound, ChecksumMismatch, ModelError, ConfigError for an unknown provider.
        """
        manifest = load_manifest(folder)
        tags = TagReader.open(manifest.path(SCENE_LABELS), Taxonomy.load())
        graph = manifest.path(GRAPH)
        package = open_package(manifest.folder / PACKAGE, manifest.name, manifest.version) if provider == AUTO else None
        pages = PageReader.open(manifest.path(PAGES)) if PAGES in manifest.artefacts else None  # older models lack it
        return cls(package or _open_graph(graph, threads, provider), manifest, tags, pages)

    def analyze(self, images: Sequence[ByteArray]) -> list[SceneSignals]:
        """Analyse pictures, in their order.

        images: upright pictures of any size, RGB (height, width, 3) uint8 best; see
        `preprocess.as_rgb` for what else is understood. Raises: PhotoError for an array that is no
        picture, ModelError.
        """
        signals: list[SceneSignals] = []
        for start in range(0, len(images), _BATCH):
            batch = np.stack([as_input(image) for image in images[start : start + _BATCH]])
            outputs = self._session.run({self._input: batch})
            self._check(outputs, len(batch))
            signals += [self._interpret(outputs, row, _brightest(batch[row])) for row in range(len(batch))]
        return signals

    def analyze_one(self, image: ByteArray) -> SceneSignals:
        """Analyse one picture. Raises: as `analyze`."""
        return self.analyze([image])[0]

    def _check(self, outputs: Mapping[str, NDArray[Any]], count: int) -> None:
        for name, contract in self._contracts.items():
            expected = (count, *contract["shape"][1:])
            if name not in outputs or outputs[name].shape != expected:
                found = outputs[name].shape if name in outputs else "nothing"
                raise OutputMismatch(f"the head {name!r} gave {found} instead of {expected}")
            if not np.isfinite(outputs[name]).all():
                raise ModelError(f"the head {name!r} gave numbers that are not finite")

    def _interpret(self, outputs: Mapping[str, NDArray[Any]], row: int, brightest: float) -> SceneSignals:
        embedding = outputs["embedding"][row].copy()
        utility = dict(zip(self._utility_kinds, map(float, outputs["utility"][row]), strict=True))
        scores = dict(zip(self._scores, map(float, outputs["quality"][row]), strict=True))
        scores["exposure"] = min(scores["exposure"], brightest / _LIT)  # the head knows dark by its noise
        return SceneSignals(
            embedding=embedding,
            tags=self._tags.read(outputs["scene"][row]),
            utility=utility if self._pages is None else self._pages.read(embedding, utility),
            quality=QualitySignals(**scores),
            print=as_print(outputs["print"][row]),
            saliency=outputs["saliency"][row].copy(),
            objects=() if self._objects is None else self._objects.read(outputs["objects"][row]),
            aesthetics=float(outputs["aesthetics"][row, 0]) if "aesthetics" in self._contracts else None,
        )


def _open_graph(graph: Path, threads: int, provider: str) -> ModelSession:
    from photos_engine.analyzers.sessions.onnx import OnnxSession  # loads the run time: not before a model is wanted

    return OnnxSession.open(graph, threads=threads, provider=provider)


def _brightest(image: ByteArray) -> float:
    """What every two hundredth pixel of (height, width, 3) uint8 is brighter than, 0 to 1; a lamp is enough."""
    red, green, blue = np.moveaxis(image[::4, ::4], 2, 0)
    pixels = np.maximum(np.maximum(red, green), blue).ravel()
    count = len(pixels) - 1 - len(pixels) // 200
    return float(np.partition(pixels, count)[count]) / 255


def _quality_scores(contract: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the quality head's outputs, in their order."""
    names = tuple(contract["scores"])
    known = {item.name: item.default is MISSING for item in fields(QualitySignals)}
    if not set(names) <= known.keys() or not {name for name, is_needed in known.items() if is_needed} <= set(names):
        raise ModelError(f"the quality head scores {', '.join(names)}, which is not what the engine knows")
    return names
