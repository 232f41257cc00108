"""The vector index: nearest embeddings, behind one Protocol. Derived: it can be made again from the store.

`ExactIndex` is plain numpy and the measure of the other; `CompactIndex` holds vectors at eight bits on disk
and answers in a fraction of the time. Both pass one suite of contract tests.
"""

from photos_engine.index.compact import CompactIndex
from photos_engine.index.exact import ExactIndex
from photos_engine.index.protocol import VectorIndex

__all__ = ["CompactIndex", "ExactIndex", "VectorIndex"]
