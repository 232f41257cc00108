"""The model being measured: every picture is seen once, whatever number of tables need it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photos_engine.analyzers import TextEncoder
from photos_engine.models.corpus import Picture
from photos_engine.models.degrade import degrade
from photos_engine.models.sight import Seen, Sight, read_upright
from photos_engine.types import DetectedObject, FloatArray, SceneSignals

ORDINARY_SETS = ("flickr8k", "coco128", "subjects", "scenes", "scenes_grey", "weather", "rooms", "events")


@dataclass(frozen=True, slots=True)
class Edit:
    """A change to a picture, made alike in every run: its chances are drawn from the picture's own name."""

    name: str
    apply: Callable[[Image.Image, np.random.Generator], Image.Image] = field(compare=False)


AS_IT_IS = Edit("", lambda image, _: image)


@dataclass(frozen=True, slots=True)
class Graded:
    """A spoiled picture: kind and grade of the harm (0: none), and what the model made of it."""

    kind: str
    grade: int
    signals: SceneSignals


class Subject:
    """A model, the pictures it is measured with, and all that it has seen so far."""

    def __init__(self, folder: Path | None, pictures: Sequence[Picture], threads: int) -> None:
        self._sight = Sight.open(folder)
        self.encoder = TextEncoder.open(folder)
        self.taxonomy, self.manifest = self._sight.taxonomy, self._sight.manifest
        self.pictures = pictures
        self._column = {tag.id: number for number, tag in enumerate(self.taxonomy.tags)}
        self._threads = threads
        self._seen: dict[tuple[Path, Edit], Seen] = {}
        self._graded: dict[Path, list[Graded]] = {}

    def of(self, pictures: Sequence[Picture], edit: Edit = AS_IT_IS) -> list[SceneSignals]:
        """Signals of pictures, in their order."""
        return [seen.signals for seen in self._see_all(pictures, edit)]

    def tag_chances(self, pictures: Sequence[Picture], edit: Edit = AS_IT_IS) -> FloatArray:
        """What the scene head gave for pictures, (n, tags): see `sight.Seen`."""
        return np.stack([seen.chances for seen in self._see_all(pictures, edit)])

    def things(self, pictures: Sequence[Picture]) -> list[tuple[DetectedObject, ...]]:
        """All that the objects head found in pictures, however unsure."""
        return [seen.things for seen in self._see_all(pictures, AS_IT_IS)]

    def tags_said(self, pictures: Sequence[Picture], edit: Edit = AS_IT_IS) -> NDArray[np.bool_]:
        """Which tags pictures got, (n, tags) in the taxonomy's order."""
        said = np.zeros((len(pictures), len(self.taxonomy)), bool)
        for row, signals in zip(said, self.of(pictures, edit), strict=True):
            row[[self._column[tag] for tag in signals.tags]] = True
        return said

    def graded(self, pictures: Sequence[Picture]) -> list[list[Graded]]:
        """Each picture as it is and in every kind and grade of harm."""
        missing = [picture.path for picture in pictures if picture.path not in self._graded]
        with ThreadPoolExecutor(self._threads) as pool:
            self._graded.update(zip(missing, pool.map(self._spoil, missing), strict=True))
        return [self._graded[picture.path] for picture in pictures]

    def see(self, image: Image.Image) -> SceneSignals:
        """Signals of a picture that no other table needs."""
        return self._sight.see(image).signals

    def held_out(self, *sources: str) -> list[Picture]:
        """The pictures of sets that no training has seen."""
        return [picture for picture in self.pictures if picture.held_out and picture.source in sources]

    def sample(self, count: int, seed: int, sources: Sequence[str] = ORDINARY_SETS) -> list[Picture]:
        """Held-out pictures, spread evenly over the sets."""
        random, chosen = np.random.default_rng(seed), []
        for source in sources:
            pictures = self.held_out(source)
            rows = random.permutation(len(pictures))[: count // len(sources)]
            chosen += [pictures[row] for row in rows]
        return chosen

    def _see_all(self, pictures: Sequence[Picture], edit: Edit) -> list[Seen]:
        keys = [(picture.path, edit) for picture in pictures]
        missing = [key for key in dict.fromkeys(keys) if key not in self._seen]
        with ThreadPoolExecutor(self._threads) as pool:
            found = pool.map(lambda key: self._sight.see(key[1].apply(read_upright(key[0]), chance(key[0]))), missing)
            self._seen.update(zip(missing, found, strict=True))
        return [self._seen[key] for key in keys]

    def _spoil(self, path: Path) -> list[Graded]:
        made = degrade(read_upright(path), chance(path))
        return [Graded(item.kind, item.grade, self._sight.see(item.image).signals) for item in made]


def chance(path: Path) -> np.random.Generator:
    """Random numbers that belong to a file's name, so that neither order nor threads change a figure."""
    digest = hashlib.blake2b(path.name.encode(), digest_size=8, person=b"evaluate").digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
