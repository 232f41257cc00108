"""Search: from words to photographs through tags, synonyms, nearest concepts, likeness and metadata, with reasons.

`understand` reads the words, `facts` and `phrases` find what each part asks for, `answer` joins them.
"""

from photos_engine.experiences.search.answer import search
from photos_engine.experiences.search.sources import Concepts, SearchSources

__all__ = ["Concepts", "SearchSources", "search"]
