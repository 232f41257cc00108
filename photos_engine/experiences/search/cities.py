"""Cities of the world, for those that the library has no photo of: who asks for one wants no photo that looks like it.

Only large ones, and none whose name says something else as well: who asks for "reading" means no town, and
"Florence" may be anybody. What is left out is looked for as any other words are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.analyzers.taxonomy import words as bare_words
from photos_engine.experiences.search.names import Words, split
from photos_engine.experiences.search.query import Where
from photos_engine.ingest.places import large_cities

_LEAST_PEOPLE = 100_000
_SHORTEST = 4
"""Letters: shorter ones are syllables and given names of some language."""
_THINGS = (
    "americana archway barking batman buffalo centennial chinatown commonwealth concord cork cypress delta derby "
    "enterprise garland independence jersey limerick mage mesa midland mobile nice oral orange pali paradise pest "
    "phoenix providence pueblo queens reading saga sale serra shaping split spring surprise tours toyota bath banda "
    "liberty union victory crown temple normal hope eagle mercer mission magic bend march may sandy holland opera "
    "flower mound hill hills springs bay point coast rapids heights grove station arrow land view oaks valley plains "
    "pleasant long little round high gold golden grand green palm old new north south east west upper lower great big "
    "white black red blue broken thousand cape coral silver sugar sunshine sun santa mount lake city town village the "
    "of island harbor harbour fort royal rock shore college garden virginia cedar elk apple moss "
    "kawasaki oceanside perm sari"
)
"""Everyday words, of which some cities have their whole names."""
_PEOPLE = (
    "adelaide alexandra allen amelia angela ann antonio arthur austin aurora beatrice brandon brent brooklyn "
    "camilla carmen carolina carson carter cary chandler charlotte clara clinton columbia constantine cruz daniel "
    "dayton diego dudley elizabeth eugene everett fatima fernando florence francisco franklin gabriel gary george "
    "gilbert guadalupe hamilton hassan helena henderson irving isabel jackson jefferson jordan jose juan kara "
    "katharine katherine kennedy kent kira kumar laura lawrence leon lincoln lorenzo lowell lucia luis madison "
    "malik maria marina mario marion mary mercedes milton miranda monica montgomery nancy natalia newton nigel "
    "norman orlando pablo paula pedro preston raymond regina richardson rodriguez rosario ruiz salvador samara sara "
    "savannah selma shelby sofia spencer stanley stella stirling sutton teresa theodore thornton tyler valentina "
    "valeria vaughan victoria vincent vladimir warren wayne xavier"
)
"""What people are called, too; a name of the library's own people is known before."""
_ELSEWHERE = frozenset((_THINGS + " " + _PEOPLE).split())


@cache
def city_names(taxonomy: Taxonomy) -> Mapping[Words, Where]:
    """What large cities are called -> the city, none of whose photos are in the library; read at the first question."""
    known = {word for name in taxonomy.names() for word in name.split()}

    def is_other(words: Words) -> bool:
        return all(word in _ELSEWHERE or bare_words(word) in known for word in words) or len("".join(words)) < _SHORTEST

    found: dict[Words, Where] = {}
    for name, country in large_cities(_LEAST_PEOPLE).items():
        words = split(name)
        without = words[:-1] if len(words) > 2 and words[-1] == "city" else words  # New York City
        for form in {words, without}:
            if not is_other(form):
                found[form] = Where(name, (), country)
    return found
