"""Perceptual prints: comparing them, and how near is near."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Distances of 256 bits, from the distributions in models/MODEL_CARD.md.
COPY_DISTANCE = 40
SAME_SCENE_DISTANCE = 60


def hamming(one: bytes, other: bytes) -> int:
    """Count the bits in which two prints of equal length differ; 0 for the same pixels."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def as_print(row: NDArray[np.uint8]) -> bytes:
    """Turn the print head's (32,) output into bytes."""
    return row.astype(np.uint8).tobytes()
