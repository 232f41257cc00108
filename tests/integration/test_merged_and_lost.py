"""What a copy gave its keeper is kept when the copy, and then the database, is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import skimage
from PIL import Image

from photos_engine import Decision, PhotosEngine
from photos_engine.salvage import salvage_library
from photos_engine.store.store import DATABASE_NAME

PICTURES = Path(skimage.__file__).parent / "data"
COPY_FACTS = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Sunday breakfast</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>espresso</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.fixture
def keeper(tmp_path: Path) -> Path:
    """A picture whose copy had a rating, a title and a keyword, was a favourite, and is gone since the merge."""
    pictures, copy = tmp_path / "pictures", tmp_path / "pictures" / "copy.jpg"
    pictures.mkdir()
    with Image.open(PICTURES / "coffee.png") as picture:
        picture.save(pictures / "coffee.png")
        picture.convert("RGB").resize((400, 267)).save(copy, quality=80, xmp=COPY_FACTS)
    with PhotosEngine.open(tmp_path / "library") as engine:
        engine.index([pictures])
        engine.decide(copy, Decision.FAVOURITE)
        engine.merge_duplicates()
        copy.unlink()
        engine.index([pictures])
    return pictures / "coffee.png"


def has_everything(engine: PhotosEngine, keeper: Path) -> bool:
    photo = engine.photo(keeper)
    facts = (photo.facts.rating, photo.facts.title, photo.facts.keywords, photo.is_favourite)
    found = [hit.photo.path for hit in engine.search("espresso").results]
    return facts == (4, "Sunday breakfast", ("espresso",), True) and found == [keeper]


def group_of(engine: PhotosEngine, keeper: Path) -> str:
    return f"copy-{engine.photo(keeper).id[:16]}"


def lose_the_database(library: Path) -> None:
    for path in library.glob(f"{DATABASE_NAME}*"):
        path.unlink()


def damage_photos(library: Path) -> None:
    _damage(library, "photo")


def damage_what_was_gathered(library: Path) -> None:
    _damage(library, "gathered")


def _damage(library: Path, table: str) -> None:
    with closing(sqlite3.connect(library / DATABASE_NAME)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table]).fetchone()
    content = bytearray((library / DATABASE_NAME).read_bytes())
    content[(root - 1) * 4096 : (root - 1) * 4096 + 64] = b"\xff" * 64
    (library / DATABASE_NAME).write_bytes(content)


@pytest.mark.parametrize("lose", [lose_the_database, damage_photos, damage_what_was_gathered])
def test_what_a_copy_gave_outlives_the_database(keeper: Path, tmp_path: Path, lose: Callable[[Path], None]) -> None:
    library = tmp_path / "library"
    with PhotosEngine.open(library) as engine:
        assert has_everything(engine, keeper)
        assert engine.back_up_decisions() == 3  # of the copy, of the keeper, and what was gathered
        engine._store.compact()
    lose(library)
    salvage_library(library)
    with PhotosEngine.open(library) as engine:
        engine.index([keeper.parent])
        assert has_everything(engine, keeper)


def test_taste_that_was_reset_stays_so(keeper: Path, tmp_path: Path) -> None:
    with PhotosEngine.open(tmp_path / "library") as engine:
        assert engine.reset_taste() == 1
        engine._store.compact()
    damage_photos(tmp_path / "library")
    salvage_library(tmp_path / "library")
    with PhotosEngine.open(tmp_path / "library") as engine:
        engine.rescan()
        assert engine.photo(keeper).is_favourite
        assert engine.taste().signs == 0


def test_what_was_taken_back_does_not_return(keeper: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    with PhotosEngine.open(library) as engine:
        engine.back_up_decisions()
        engine.decide(group_of(engine, keeper), Decision.UNDO)
        engine._store.compact()
    damage_photos(library)
    salvage_library(library)
    with PhotosEngine.open(library) as engine:
        engine.index([keeper.parent])
        photo = engine.photo(keeper)
        assert (photo.facts.rating, photo.facts.title, photo.is_favourite) == (None, None, False)


def test_it_can_be_taken_to_another_library_and_taken_back_there(keeper: Path, tmp_path: Path) -> None:
    with PhotosEngine.open(tmp_path / "library") as engine:
        assert engine.export_decisions(tmp_path / "decisions.json") == 3
    with PhotosEngine.open(tmp_path / "other") as engine:
        engine.index([keeper.parent])
        assert engine.import_decisions(tmp_path / "decisions.json") == 3
        assert has_everything(engine, keeper)
        assert engine.import_decisions(tmp_path / "decisions.json") == 0
        engine.decide(group_of(engine, keeper), Decision.UNDO)
        assert engine.photo(keeper).facts.title is None
        assert not engine.photo(keeper).is_favourite
