"""Perceptual prints: comparing them, and how near is near."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# From the distributions in models/MODEL_CARD.md: 99 of 100 re-encoded, resized, slightly cropped or
# brightened copies, and frames of a burst, lie within COPY_DISTANCE; different pictures, also of one
# place, lie beyond SAME_SCENE_DISTANCE. Between the two it takes more evidence. A copy and the next
# frame of a burst are no farther apart than each other: time and size must tell these two.
COPY_DISTANCE = 48
SAME_SCENE_DISTANCE = 70


def hamming(one: bytes, other: bytes) -> int:
    """Count the bits in which two prints of equal length differ; 0 for the same pixels."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def as_print(row: NDArray[np.uint8]) -> bytes:
    """Turn the print head's (32,) output into bytes."""
    return row.astype(np.uint8).tobytes()
