"""Small real values for tests: decoded photos and signals with everything but a picture worth seeing."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import numpy as np

from photos_engine.types import (
    EMBEDDING_DIMENSIONS,
    CaptureFacts,
    DateSource,
    DecodedPhoto,
    QualitySignals,
    SceneSignals,
    ZoneSource,
)

TAKEN = datetime(2023, 7, 14, 12, 30, tzinfo=UTC)


def make_facts(**changes: Any) -> CaptureFacts:
    return CaptureFacts(
        **{"taken": TAKEN, "date_source": DateSource.EXIF, "zone_source": ZoneSource.RECORDED, **changes}
    )


def make_decoded(name: str = "a", *, facts: CaptureFacts | None = None, **changes: Any) -> DecodedPhoto:
    """A decoded photo whose content is its name."""
    values: dict[str, Any] = {
        "content_hash": hashlib.blake2b(name.encode(), digest_size=16).hexdigest(),
        "size_bytes": 1000 + len(name),
        "format": "JPEG",
        "width_px": 400,
        "height_px": 300,
        "facts": facts or make_facts(),
        "pixels": np.zeros((300, 400, 3), np.uint8),
        "thumbnail": b"jpeg",
    }
    return DecodedPhoto(**{**values, **changes})


def make_signals(seed: int = 0, **changes: Any) -> SceneSignals:
    """Signals with a random unit embedding and print."""
    rng = np.random.default_rng(seed)
    embedding = rng.standard_normal(EMBEDDING_DIMENSIONS).astype(np.float32)
    values: dict[str, Any] = {
        "embedding": embedding / np.linalg.norm(embedding),
        "tags": {"dog": 0.9, "animal": 0.95},
        "utility": {"receipt": 0.01},
        "quality": QualitySignals(0.8, 0.7, 0.9, 0.8),
        "print": rng.bytes(32),
        "saliency": rng.random((9, 9), dtype=np.float32),
    }
    return SceneSignals(**{**values, **changes})
