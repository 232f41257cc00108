"""The installed models at work: analyzers, text towers and concepts by the name of their model.

A library may be read from one model while it is being seen by the next. Pictures and words only meet in
the space of one model, so whoever asks names the model; what was opened last is kept.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from photos_engine.analyzers import SceneAnalyzer, Taxonomy, TextEncoder
from photos_engine.analyzers.sessions.providers import AUTO, PROVIDERS
from photos_engine.arrays import UNREADABLE, read_arrays, write_arrays
from photos_engine.errors import ConfigError, ModelNotFound
from photos_engine.experiences.search import Concepts
from photos_engine.models import registry
from photos_engine.models.registry import Manifest
from photos_engine.store import Store
from photos_engine.types import EMBEDDING_DIMENSIONS, ByteArray, FloatArray, ModelInfo, SceneSignals

logger = logging.getLogger(__name__)

_FORMAT = 3  # of the file that concepts are kept in


class InstalledModels:
    """The models that can be asked, opened when first needed. Safe to call from several threads."""

    def __init__(
        self,
        folder: Path,
        taxonomy: Taxonomy,
        *,
        threads: int,
        concepts_path: Callable[[str], Path],
        provider: str = AUTO,
    ) -> None:
        if provider not in (AUTO, *PROVIDERS):
            raise ConfigError(f"provider must be one of {', '.join((AUTO, *PROVIDERS))}, not {provider!r}")
        self._folder, self._taxonomy, self._threads, self._provider = folder, taxonomy, threads, provider
        self._concepts_path = concepts_path  # of a model: where its concepts are kept from run to run
        self._lock = threading.RLock()
        self._analyzer: SceneAnalyzer | None = None
        self._words: ModelWords | None = None
        self.shipped = registry.load_manifest().name

    def all(self) -> list[Manifest]:
        """Every installed model, the one that ships with the engine first. Raises: ModelError."""
        return registry.list_models(self._folder)

    def find(self, name: str) -> Manifest:
        """An installed model. Raises: ModelNotFound, ModelError."""
        return registry.find_model(name, self._folder)

    def __contains__(self, name: str) -> bool:
        try:
            return name == self.shipped or bool(self.find(name))
        except ModelNotFound:
            return False

    def analyzer(self, name: str) -> SceneAnalyzer:
        """What sees pictures. Raises: ModelNotFound, ChecksumMismatch, ModelError."""
        with self._lock:
            if self._analyzer is None or self._analyzer.model_name != name:
                folder = self.find(name).folder
                self._analyzer = SceneAnalyzer.open(folder, threads=self._threads, provider=self._provider)
            return self._analyzer

    def analyzer_on_demand(self, name: str) -> AnalyzerOnDemand:
        """What sees pictures, opened for the first of them: a run over unchanged photos needs none."""
        return AnalyzerOnDemand(self, name)

    def words(self, name: str) -> ModelWords:
        """What reads words; nothing is opened yet. Raises: ModelNotFound, ModelError."""
        with self._lock:
            if self._words is None or self._words.model != name:
                self._words = ModelWords(self.find(name), self._taxonomy, self._concepts_path(name))
            return self._words

    def close(self) -> None:
        """Let go of what was opened."""
        self._analyzer = self._words = None


@dataclass(frozen=True, slots=True)
class AnalyzerOnDemand:
    """The analyzer of one of the models, which is opened when there is something to see."""

    models: InstalledModels
    model_name: str

    def analyze(self, images: Sequence[ByteArray]) -> list[SceneSignals]:
        """As `SceneAnalyzer.analyze`. Raises: ModelNotFound, ChecksumMismatch, ModelError besides."""
        return self.models.analyzer(self.model_name).analyze(images)


@dataclass(frozen=True, slots=True, eq=False)
class LastingVectors:
    """Texts as vectors, (n, 512) float32. stamp: which texts, and what read them."""

    stamp: str
    vectors: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class LastingConcepts(LastingVectors):
    """The taxonomy's tags as `Concepts` has them."""

    middle: FloatArray
    axes: FloatArray


L = TypeVar("L", bound=LastingVectors)


class ModelWords:
    """Words, and the taxonomy's concepts, in the space of one model; the text tower is opened when it is asked."""

    def __init__(self, manifest: Manifest, taxonomy: Taxonomy, concepts_path: Path) -> None:
        self.model = manifest.name
        self._folder, self._taxonomy = manifest.folder, taxonomy
        self._concepts_path = concepts_path
        tower = [file.sha256 for name, file in sorted(manifest.artefacts.items())]
        self._stamp = json.dumps([_FORMAT, self.model, tower, [tag.label for tag in taxonomy.tags]])
        self._lock = threading.RLock()
        self._encoder: TextEncoder | None = None
        self._concepts: Concepts | None = None

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Texts as (n, 512) float32, L2-normalised. Raises: ModelNotFound, ChecksumMismatch, ModelError."""
        return self._tower().encode(texts)

    def encode_lasting(self, texts: Sequence[str]) -> FloatArray:
        """As `encode`, and kept on disk: for the one list of texts that ships with the engine."""
        path = self._concepts_path.with_name(f"{self.model}.vectors.prompts")
        stamp = json.dumps([self._stamp, list(texts)])
        kept = _read_kept(path, LastingVectors, stamp, "prompts")
        if kept is None:
            kept = LastingVectors(stamp, self.encode(texts))
            _keep(path, kept, "prompts")
        return kept.vectors

    def count_pieces(self, word: str) -> int:
        """Of how many pieces the text tower makes up a word; 0 for one that it can't read. Raises: as `encode`."""
        return self._tower().count_pieces(word)

    def concepts(self) -> Concepts:
        """The taxonomy's tags, encoded in some seconds and kept for this model and taxonomy. Raises: as `encode`."""
        with self._lock:
            if self._concepts is None:
                kept = _read_kept(self._concepts_path, LastingConcepts, self._stamp, "the concepts")
                if kept is not None:
                    self._concepts = Concepts(self._taxonomy.tags, kept.vectors, kept.middle, kept.axes)
                else:
                    self._concepts = found = Concepts.of(self._taxonomy, self.encode)
                    lasting = LastingConcepts(self._stamp, found.vectors, found.middle, found.axes)
                    _keep(self._concepts_path, lasting, "the concepts")
            return self._concepts

    def _tower(self) -> TextEncoder:
        with self._lock:
            if self._encoder is None:
                self._encoder = TextEncoder.open(self._folder)
            return self._encoder


def _read_kept(path: Path, kind: type[L], stamp: str, what: str) -> L | None:
    """What was encoded before, if it is there and still right."""
    try:
        kept = read_arrays(path, kind)
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        logger.warning("%s are encoded again: %s", what, error)
        return None
    return kept if kept.stamp == stamp else None


def _keep(path: Path, kept: LastingVectors, what: str) -> None:
    try:
        write_arrays(path, kept)
    except OSError as error:  # a library on a full disk can still be searched
        logger.warning("%s can't be kept: %s", what, error)


class AbsentWords:
    """Stands in for the words of a model that isn't installed any more: to it nothing is like anything.

    It remembers that it was asked, which is when an answer lacks something.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self.was_asked = False

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Zeros, (n, 512): their cosine to every embedding is 0."""
        self.was_asked = True
        return np.zeros((len(texts), EMBEDDING_DIMENSIONS), np.float32)

    def count_pieces(self, word: str) -> int:
        """Every word is taken as it stands."""
        return min(len(word), 1)

    def concepts(self) -> Concepts:
        """The taxonomy's tags, none of them near to anything."""
        return Concepts.of(self._taxonomy, self.encode)


def settle(store: Store, models: InstalledModels) -> tuple[str, str | None]:
    """Let models whose files are gone make way; returns the active model and the next.

    After an upgrade of the engine, the library's model may not be there any more: then the shipped one is to
    take over. A next model that was taken away is called off. One of the two that are returned is installed.
    """
    with store.read() as unit:
        active, following = unit.models.active, unit.models.next
    is_lost = following is not None and following not in models
    if active in models and not is_lost:
        return active, following
    with store.begin() as unit:
        if is_lost:
            logger.warning("%s is not installed any more: it won't take over", following)
            unit.models.call_off()
        if active not in models and unit.models.next is None:
            logger.warning("%s is not installed any more: %s is to take over", active, models.shipped)
            unit.models.choose(models.shipped)
        return unit.models.active, unit.models.next


def describe(store: Store, models: InstalledModels) -> tuple[ModelInfo, ...]:
    """Every model that is installed or that has seen the library, the shipped one first. Raises: ModelError."""
    installed = {manifest.name: manifest for manifest in models.all()}
    with store.read() as unit:
        active, following, seen = unit.models.active, unit.models.next, unit.models.analysed()
    found = []
    for name in (*installed, *sorted(seen.keys() - installed)):
        manifest = installed.get(name)
        artefacts = manifest.artefacts.items() if manifest else ()
        found.append(
            ModelInfo(
                name=name,
                version=manifest.version if manifest else "",
                is_active=name == active,
                files={n: {"sha256": f.sha256, "bytes": f.size_bytes} for n, f in artefacts},
                metrics=manifest.metrics if manifest else {},
                is_installed=manifest is not None,
                is_next=name == following,
                analysed=seen.get(name, 0),
            )
        )
    return tuple(found)
