"""Who is held out, which folder excludes which, and what the shipped model reaches on the corpus."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photos_engine.analyzers import SceneAnalyzer, Taxonomy, TextEncoder
from photos_engine.models import measures
from photos_engine.models.corpus import (
    ABSENT_TAGS,
    FOLDER_TAGS,
    excluded_labels,
    folder_tags,
    generated_picture,
    is_held_out,
    list_captioned,
    list_generated,
    list_pictures,
    read_boxes,
    utility_kind,
)


def test_every_folders_tag_is_in_the_taxonomy() -> None:
    taxonomy = Taxonomy.load()
    tags = {tag for siblings in FOLDER_TAGS.values() for names in siblings.values() for tag in names}
    assert not [tag for tag in tags | {t for names in ABSENT_TAGS.values() for t in names} if tag not in taxonomy]


def test_holding_out_depends_on_the_name_alone_and_takes_three_in_ten() -> None:
    names = [f"picture{number}.jpg" for number in range(2000)]
    held = [is_held_out(Path("a") / name) for name in names]
    assert held == [is_held_out(Path("b") / name) for name in names]
    assert 0.25 < np.mean(held) < 0.35


def test_a_folder_excludes_its_siblings_but_not_itself_or_its_like() -> None:
    assert "street" not in excluded_labels("scenes", "buildings")
    assert "forest" in excluded_labels("scenes", "buildings")
    assert not any(label in excluded_labels("scenes", label) for label in FOLDER_TAGS["scenes"])


def test_boxes_are_read_as_left_top_right_bottom(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.4\n", encoding="utf-8")
    assert read_boxes(tmp_path / "images" / "a.jpg") == [pytest.approx((0.4, 0.3, 0.6, 0.7))]
    assert read_boxes(tmp_path / "images" / "b.jpg") == []


def test_a_generated_picture_tells_its_kind_and_what_it_excludes(tmp_path: Path) -> None:
    pictures = [generated_picture(label, 7, held_out=True) for label in ("receipt_laid", "repair_reference", "sign")]
    assert [utility_kind(picture) for picture in pictures] == ["receipt", "repair_reference", None]
    taxonomy = Taxonomy.load()
    assert all(tag in taxonomy for tags in folder_tags("generated").values() for tag in tags)
    assert "document" in excluded_labels("generated", "sign")
    assert "document" not in excluded_labels("generated", "menu") | excluded_labels("generated", "receipt")
    (tmp_path / "shards").mkdir()
    names = [str(picture.path) for picture in pictures]
    (tmp_path / "shards" / "generated.json").write_text(json.dumps(names), encoding="utf-8")
    assert list_generated(tmp_path) == pictures


def test_a_folder_without_sets_is_empty(tmp_path: Path) -> None:
    assert list_pictures(tmp_path) == []


@pytest.mark.corpus
def test_text_finds_its_picture_among_the_held_out(corpus: Path) -> None:
    pictures = [picture for picture in list_captioned(corpus) if picture.held_out]
    assert len(pictures) == 1091
    analyzer, random = SceneAnalyzer.open(threads=2), np.random.default_rng(0)
    pixels = [np.asarray(Image.open(picture.path).convert("RGB")) for picture in pictures]
    images = np.stack([signals.embedding for signals in analyzer.analyze(pixels)])
    texts = [picture.captions[random.integers(len(picture.captions))] for picture in pictures]
    found = measures.retrieval(images, TextEncoder.open(threads=2).encode(texts), np.arange(len(pictures)))
    assert found["text to image"]["R@5"] >= 49  # one caption in five: a point or two of chance below the whole's 51
