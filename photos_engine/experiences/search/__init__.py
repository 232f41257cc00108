"""Search: from words to photographs through tags, synonyms, nearest concepts, likeness and metadata, with reasons.

`understand` reads the words, `facts` and `phrases` find what each part asks for, `answer` joins them.
"""

from photos_engine.experiences.search.alike import Example
from photos_engine.experiences.search.answer import search
from photos_engine.experiences.search.called import write_pets
from photos_engine.experiences.search.columns import Columns
from photos_engine.experiences.search.completion import Completions
from photos_engine.experiences.search.export import describe_all, write_feed, write_sidecars
from photos_engine.experiences.search.sources import Basis, Concepts, SearchSources

__all__ = [
    "Basis",
    "Columns",
    "Completions",
    "Concepts",
    "Example",
    "SearchSources",
    "describe_all",
    "search",
    "write_feed",
    "write_pets",
    "write_sidecars",
]
