"""ANSA at run time: arrays in, `SceneSignals` out; words in, embeddings out.

It knows no files, no database and no library.
"""

from photos_engine.analyzers.scene import SceneAnalyzer
from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.analyzers.text import TextEncoder

__all__ = ["SceneAnalyzer", "Taxonomy", "TextEncoder"]
