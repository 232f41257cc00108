"""Words into the space that the pictures' embeddings live in."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from photos_engine.analyzers.sessions import ModelSession
from photos_engine.errors import ModelError, OutputMismatch
from photos_engine.models.registry import load_manifest
from photos_engine.types import EMBEDDING_DIMENSIONS, FloatArray

if TYPE_CHECKING:  # run times are loaded with a model: most of what a library is asked needs none
    from tokenizers import Tokenizer

GRAPH, TOKENIZER = "text.onnx", "tokenizer.json"
_BATCH = 32
_UNKNOWN = "[UNK]"


class TextEncoder:
    """Encodes English sentences; safe to call from several threads.

    The last `cache_size` texts are remembered: a search is typed, corrected and asked again.
    """

    def __init__(self, session: ModelSession, tokenizer: Tokenizer, model_name: str, *, cache_size: int = 1024) -> None:
        self.model_name = model_name
        self._session, self._tokenizer, self._cache_size = session, tokenizer, cache_size
        self._cache: OrderedDict[str, FloatArray] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path | None = None, *, threads: int = 1) -> TextEncoder:
        """Open the text tower of a model; by default of the one that ships with the engine.

        Raises: ModelNotFound, ChecksumMismatch, ModelError.
        """
        from tokenizers import Tokenizer

        from photos_engine.analyzers.sessions.onnx import OnnxSession

        manifest = load_manifest(folder)
        path = manifest.path(TOKENIZER)
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the tokenizers library raises nothing narrower
            raise ModelError(f"{path} can't be opened: {error}") from error
        return cls(OnnxSession.open(manifest.path(GRAPH), threads=threads), tokenizer, manifest.name)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Encode texts: (n, 512) float32, L2-normalised, comparable with `SceneSignals.embedding` by dot product.

        Whatever lies beyond 64 tokens of a text is not read. Raises: ModelError.
        """
        if not texts:
            return np.zeros((0, EMBEDDING_DIMENSIONS), np.float32)
        known = self._recall(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        for start in range(0, len(missing), _BATCH):
            batch = missing[start : start + _BATCH]
            known.update(zip(batch, self._run(batch), strict=True))
        self._remember({text: known[text] for text in missing})
        return np.stack([known[text] for text in texts])

    def count_pieces(self, word: str) -> int:
        """Of how many pieces a word is made up: 1 for one that the encoder knows, 0 for one that it can't read."""
        pieces = self._tokenizer.encode(word, add_special_tokens=False).tokens
        return 0 if _UNKNOWN in pieces else len(pieces)

    def encode_prompts(self, prompts: Sequence[str]) -> FloatArray:
        """Encode several ways to say one thing as their common direction: (512,) float32, L2-normalised.

        Raises: ModelError.
        """
        mean = self.encode(prompts).mean(0)
        normalised: FloatArray = (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)
        return normalised

    def _run(self, texts: Sequence[str]) -> FloatArray:
        # A batch goes to threads of its own, and one text, as a search has it, waits for them in vain.
        one = self._tokenizer.encode(texts[0]) if len(texts) == 1 else None
        encoded = self._tokenizer.encode_batch(list(texts)) if one is None else [one]
        ids = np.array([item.ids for item in encoded], np.int64)
        mask = np.array([item.attention_mask for item in encoded], np.int64)
        vectors: FloatArray = self._session.run({"ids": ids, "mask": mask})["embedding"]
        if vectors.shape != (len(texts), EMBEDDING_DIMENSIONS):
            raise OutputMismatch(f"the text tower gave {vectors.shape} for {len(texts)} texts")
        return vectors

    def _recall(self, texts: Sequence[str]) -> dict[str, FloatArray]:
        with self._lock:
            found = {text: self._cache[text] for text in texts if text in self._cache}
            for text in found:
                self._cache.move_to_end(text)
            return found

    def _remember(self, vectors: dict[str, FloatArray]) -> None:
        with self._lock:
            self._cache.update(vectors)
            while len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)
