"""Every error that the engine raises, on one page.

A bad photo is data (`PhotoError`): it is recorded against that photo and the run goes on. A bad store
(`StoreError`) or a missing model (`ModelError`) stops the run. Foreign errors (Pillow, SQLAlchemy,
onnxruntime) are translated where they enter; only the faces turn errors into exit codes.
"""

from __future__ import annotations

import os


class PhotosEngineError(Exception):
    """The root: catch this to catch everything that the engine raises on purpose."""


class ConfigError(PhotosEngineError):
    """A setting is unknown, malformed or out of range."""


class UsageError(PhotosEngineError, ValueError):
    """An argument of a public call makes no sense (an aspect of 0:1, a negative limit)."""


class PhotoError(PhotosEngineError):
    """One photo can't be used; `path` says which, `reason` why, in words for a person."""

    code = "photo_error"

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(f"{os.fspath(path)}: {reason}")
        self.path = os.fspath(path)
        self.reason = reason


class UnsupportedFormat(PhotoError):
    """The file is no image that the engine reads."""

    code = "unsupported_format"


class DecodeError(PhotoError):
    """The file claims to be an image, but its content is broken or its decoder failed."""

    code = "decode_error"


class ImageTooLarge(PhotoError):
    """The image has more pixels or bytes than the limits allow."""

    code = "image_too_large"


class Unreadable(PhotoError):
    """The file can't be opened: permissions, a vanished drive, no regular file."""

    code = "unreadable"


class ModelError(PhotosEngineError):
    """A model artefact can't be used; the message says what to do."""


class ModelNotFound(ModelError):
    """An artefact is missing."""


class ChecksumMismatch(ModelError):
    """An artefact is not the one that its manifest describes."""


class OutputMismatch(ModelError):
    """A model's inputs or outputs differ from its manifest's contract."""


class StoreError(PhotosEngineError):
    """The library's database can't be used as it is."""


class SchemaTooNew(StoreError):
    """The library was written by a newer version of the engine; nothing was touched."""


class StoreLocked(StoreError):
    """Another process holds the library."""


class IntegrityFailure(StoreError):
    """The database is damaged or contradicts itself."""


class VectorIndexError(PhotosEngineError):
    """The vector index can't be used; it can always be rebuilt from the store."""


class WrongDimension(VectorIndexError):
    """Vectors of another dimension than the index's."""


class WrongModel(VectorIndexError):
    """The index was made from another model's embeddings."""


class NotFound(PhotosEngineError, LookupError):
    """Nothing in the library answers to that name."""


class PhotoNotFound(NotFound):
    """No photo with that path or id."""


class MemoryNotFound(NotFound):
    """No memory with that id."""
