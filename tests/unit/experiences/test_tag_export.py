from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from fakes.photos import make_facts
from fakes.searchable import LISBON
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.experiences.search import describe_all, write_feed, write_sidecars
from photos_engine.experiences.search.export import as_xmp, is_ours
from photos_engine.ingest.xmp import read_xmp
from photos_engine.types import AnalysedPhoto, Photo, Place, QualitySignals, TagExport

TAGS = {"golden_retriever": 0.8, "dog": 0.9, "beach": 0.7, "cat": 0.3, "grass": 0.9}


def make_item(*paths: Path, place: Place | None = LISBON, tags: dict[str, float] | None = None) -> AnalysedPhoto:
    photo = Photo("0" * 32, 1, paths, False, "JPEG", 10, 40, 30, make_facts(), place)
    return AnalysedPhoto(photo, TAGS if tags is None else tags, {}, QualitySignals(0.8, 0.8, 0.8, 0.8), bytes(32))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a & b.jpg"
    path.write_bytes(b"pixels")
    return path


def export(*items: AnalysedPhoto, known: Sequence[Path] = ()) -> TagExport:
    return write_sidecars(describe_all(items, Taxonomy.load()), map(str, known))[0]


def test_a_sidecar_has_words_paths_and_the_place(photo: Path) -> None:
    report = export(make_item(photo))
    assert (report.written, report.unchanged, report.refused) == (1, 0, ())
    assert photo.read_bytes() == b"pixels"
    sidecar = photo.with_name("a & b.jpg.xmp")
    text = sidecar.read_text(encoding="utf-8")
    assert "<rdf:li>animal|pet|dog|golden retriever</rdf:li>" in text or "|dog|golden retriever</rdf:li>" in text
    assert "<rdf:li>places/Portugal/Lisbon/Lisbon</rdf:li>" in text
    assert "<photoshop:City>Lisbon</photoshop:City>" in text
    words = {item.text for item in fromstring(text).iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li")}
    assert {"golden retriever", "dog", "beach", "Lisbon", "Portugal"} <= words
    assert not {"cat", "grass"} & words  # unsure; hidden
    assert sidecar in set(photo.parent.iterdir())
    assert len(list(photo.parent.iterdir())) == 2


def test_what_other_programs_search_finds_the_words(photo: Path) -> None:
    (one,) = describe_all([make_item(photo)], Taxonomy.load())
    other = as_xmp(one).replace(b'x:xmptk="photos-engine"', b'x:xmptk="XMP Core 6"')
    assert {"dog", "Lisbon"} <= set(read_xmp(other).keywords)


def test_what_is_right_already_is_not_written_again_and_what_changed_is(photo: Path) -> None:
    export(make_item(photo))
    stamp = photo.with_name(f"{photo.name}.xmp").stat().st_mtime_ns
    again = export(make_item(photo))
    assert (again.written, again.unchanged) == (0, 1)
    assert photo.with_name(f"{photo.name}.xmp").stat().st_mtime_ns == stamp
    changed = export(make_item(photo, tags={"cat": 0.9}))
    assert changed.written == 1
    assert "cat" in photo.with_name(f"{photo.name}.xmp").read_text()


@pytest.mark.parametrize("edit", ["<x:xmpmeta/>", "", "stars"])
def test_the_sidecar_of_another_is_left_as_it_is(photo: Path, edit: str) -> None:
    sidecar = photo.with_name(f"{photo.name}.xmp")
    if edit == "stars":  # a person's stars in a sidecar of ours
        export(make_item(photo))
        edit = sidecar.read_text().replace("<dc:subject>", "<xmp:Rating>5</xmp:Rating><dc:subject>")
    sidecar.write_text(edit)
    report = export(make_item(photo, tags={"cat": 0.9}))
    assert [(failure.path, failure.error) for failure in report.refused] == [(sidecar, "foreign_sidecar")]
    assert (report.written, sidecar.read_text()) == (0, edit)


def test_every_file_of_a_photo_and_no_photo_without_tags(tmp_path: Path) -> None:
    items = [make_item(tmp_path / "a.jpg", tmp_path / "b.jpg"), make_item(tmp_path / "c.jpg", place=None, tags={})]
    export(*items)
    assert {p.name for p in tmp_path.iterdir()} == {"a.jpg.xmp", "b.jpg.xmp"}


def test_a_sidecar_of_ours_goes_with_its_photo_and_one_of_others_stays(tmp_path: Path) -> None:
    gone, untold, edited = (tmp_path / name for name in ("gone.jpg", "untold.jpg", "edited.jpg"))
    export(make_item(gone), make_item(untold), make_item(edited))
    theirs = edited.with_name("edited.jpg.xmp")
    theirs.write_text(theirs.read_text().replace("dog", "hound"))
    bare = make_item(untold, place=None, tags={})
    report = export(bare, known=[gone, untold, edited, tmp_path / "never.jpg"])
    assert (report.written, report.unchanged, report.removed, report.refused) == (0, 0, 2, ())
    assert list(tmp_path.iterdir()) == [theirs]


def test_it_tells_by_how_much_sidecars_are_newer(photo: Path) -> None:
    described = list(describe_all([make_item(photo)], Taxonomy.load()))
    _, shifts = write_sidecars(described)
    written = photo.with_name(f"{photo.name}.xmp").stat().st_mtime_ns
    assert shifts == {str(photo): written}
    assert write_sidecars(described)[1] == {}
    assert write_sidecars([], [str(photo)])[1] == {str(photo): -written}


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    report = export(make_item(tmp_path / "gone" / "a.jpg"))
    assert [failure.error for failure in report.refused] == ["unwritable"]


def test_a_feed_has_all_photos(tmp_path: Path, photo: Path) -> None:
    assert write_feed(describe_all([make_item(photo)], Taxonomy.load()), tmp_path / "feed.json").written == 1
    (row,) = json.loads((tmp_path / "feed.json").read_text(encoding="utf-8"))["photos"]
    assert row["paths"] == [str(photo)]
    assert row["probabilities"]["dog"] == 0.9
    assert ["places", "Portugal", "Lisbon", "Lisbon"] in row["hierarchy"]


@given(city=st.text(max_size=20), position=st.integers(0, 10**6))
def test_any_name_makes_a_sidecar_that_is_ours_until_it_is_touched(city: str, position: int) -> None:
    place = Place(city, "", "Portugal", "PT", 0.0, 0.0, 1)
    (one,) = describe_all([make_item(Path("a.jpg"), place=place)], Taxonomy.load())
    content = as_xmp(one)
    fromstring(content)
    assert is_ours(content)
    at = position % len(content)
    assert not is_ours(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
