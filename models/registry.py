"""Finds the models that are installed and vouches that they are the ones their manifests describe.

One model ships with the engine. Others lie in a folder of the person's, each in a sub-folder with its
`manifest.json`; what is wrong with one of those is no reason to do without the rest.

A graph that is half-written, edited or of another version would give plausible nonsense for years, so
every file is checked against its manifest's hash before it is opened: once per process and file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from photos_engine.errors import ChecksumMismatch, ModelError, ModelNotFound
from photos_engine.types import EMBEDDING_DIMENSIONS

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # it becomes a part of file names
_REMEDY = "reinstall photos-engine, or rebuild the models as models/training/README.md says"


@dataclass(frozen=True, slots=True)
class Artefact:
    """One file of a model."""

    path: Path
    sha256: str
    size_bytes: int
    meaning: str

    def verified(self) -> Path:
        """Give the path once its content has been found to be what the manifest says.

        Raises: ModelNotFound, ChecksumMismatch.
        """
        try:
            state = self.path.stat()
        except OSError as error:
            raise ModelNotFound(f"{self.path} is missing or unreadable ({error.strerror}): {_REMEDY}") from error
        if state.st_size != self.size_bytes or _sha256(self.path, state.st_size, state.st_mtime_ns) != self.sha256:
            raise ChecksumMismatch(f"{self.path} is not the file that its manifest describes: {_REMEDY}")
        return self.path


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model is and promises.

    outputs: name of a head -> its contract ("shape", "type", "meaning", and what else the head needs,
        such as the kinds in the order of its outputs).
    metrics: what `photos_engine.models.evaluate` measured when it was made.
    """

    name: str
    version: str
    folder: Path
    artefacts: Mapping[str, Artefact]
    input: Mapping[str, Any]
    outputs: Mapping[str, Mapping[str, Any]]
    licences: Mapping[str, str]
    training_data: Mapping[str, str]
    metrics: Mapping[str, Any] = field(repr=False)

    def path(self, name: str) -> Path:
        """The verified file of that name. Raises: ModelNotFound, ChecksumMismatch."""
        if name not in self.artefacts:
            raise ModelNotFound(f"the model {self.name} has no file {name!r}: {_REMEDY}")
        return self.artefacts[name].verified()


def installed_folder() -> Path:
    """The folder in which the models that ship with the engine lie."""
    return Path(str(resources.files("photos_engine.models")))


def load_manifest(folder: Path | None = None) -> Manifest:
    """Read a model's manifest; by default the one that ships with the engine. No file is hashed yet.

    Raises: ModelNotFound where there is none, ModelError where it is broken.
    """
    folder = folder or installed_folder()
    try:
        document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelNotFound(f"there is no model in {folder} ({error.strerror}): {_REMEDY}") from error
    except ValueError as error:
        raise ModelError(f"{folder / MANIFEST} is no JSON ({error}): {_REMEDY}") from error
    try:
        return _as_manifest(folder, document)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ModelError(f"{folder / MANIFEST} is malformed ({error!r}): {_REMEDY}") from error


def list_models(folder: Path | None = None) -> list[Manifest]:
    """List the models that can be used: the one that ships with the engine, then those below `folder`, by name.

    Of two with one name the first counts. A broken manifest below `folder` is passed over with a warning.
    Raises: ModelError where the shipped one is broken.
    """
    found: dict[str, Manifest] = {}
    for manifest in _installed(folder):
        found.setdefault(manifest.name, manifest)
    shipped, *others = found.values()
    return [shipped, *sorted(others, key=lambda m: m.name)]


def find_model(name: str, folder: Path | None = None) -> Manifest:
    """Find an installed model by its name, as `list_models` lists them. Raises: ModelNotFound, ModelError."""
    names = []
    for manifest in _installed(folder):
        if manifest.name == name:
            return manifest
        names.append(manifest.name)
    raise ModelNotFound(f"no model is called {name}; installed: {', '.join(sorted(set(names)))}")


def _installed(folder: Path | None) -> Iterator[Manifest]:
    yield load_manifest()
    for path in sorted(folder.glob(f"*/{MANIFEST}")) if folder is not None else ():
        try:
            yield load_manifest(path.parent)
        except ModelError as error:
            logger.warning("a model is passed over: %s", error)


def verify(manifest: Manifest) -> None:
    """Check every file of a model. Raises: ModelNotFound, ChecksumMismatch, for the first that is wrong."""
    for artefact in manifest.artefacts.values():
        artefact.verified()


def _as_manifest(folder: Path, document: Mapping[str, Any]) -> Manifest:
    if not _NAME.fullmatch(str(document["name"])):
        raise ValueError(f"{document['name']!r} is no name for a model")
    if (shape := document["outputs"]["embedding"]["shape"])[1:] != [EMBEDDING_DIMENSIONS]:
        raise ValueError(f"its embedding has the shape {shape}, not (n, {EMBEDDING_DIMENSIONS})")
    artefacts = {
        name: Artefact(folder / name, entry["sha256"], int(entry["bytes"]), entry["meaning"])
        for name, entry in document["files"].items()
    }
    return Manifest(
        name=str(document["name"]),
        version=str(document["version"]),
        folder=folder,
        artefacts=artefacts,
        input=dict(document["input"]),
        outputs={name: dict(contract) for name, contract in document["outputs"].items()},
        licences=dict(document["licences"]),
        training_data=dict(document["training_data"]),
        metrics=dict(document["metrics"]),
    )


@lru_cache(maxsize=64)
def describe_file(path: Path) -> dict[str, Any]:
    """What a manifest says of a file besides its meaning."""
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _sha256(path: Path, size_bytes: int, modified_ns: int) -> str:
    """Hash a file; size and time are in the key, so that a file changed meanwhile is hashed again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
