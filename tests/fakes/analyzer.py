"""A small real analyzer for tests: sees colours, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from photos_engine.types import (
    EMBEDDING_DIMENSIONS,
    ByteArray,
    QualitySignals,
    SceneSignals,
)


class ColourAnalyzer:
    """Embeds a picture as its 13 by 13 colours; counts the pictures that it was shown."""

    model_name = "colours-1"

    def __init__(self) -> None:
        self.seen = 0

    def analyze(self, images: Sequence[ByteArray]) -> list[SceneSignals]:
        self.seen += len(images)
        return [self._see(image) for image in images]

    def _see(self, image: ByteArray) -> SceneSignals:
        small = np.asarray(Image.fromarray(image).resize((13, 13)), np.float32)
        embedding = np.zeros(EMBEDDING_DIMENSIONS, np.float32)
        embedding[: small.size] = (small - 127.5).ravel()
        embedding /= max(float(np.linalg.norm(embedding)), 1e-6)
        return SceneSignals(
            embedding=embedding,
            tags={"red": 0.9} if small[..., 0].mean() > small[..., 2].mean() else {"blue": 0.9},
            utility={},
            quality=QualitySignals(0.9, 0.9, 0.9, 0.9),
            print=np.packbits(embedding[:256] > 0).tobytes(),
            saliency=np.ones((9, 9), np.float32),
        )
