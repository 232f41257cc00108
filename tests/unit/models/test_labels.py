"""What captions and folders are taken to say about pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.analyzers import Taxonomy
from photos_engine.models.corpus import Picture, generated_picture
from photos_engine.models.labels import LIKELY, SURE, share_unsaid, sure_labels, tag_labels

TAXONOMY = Taxonomy.load()
COLUMN = {tag.id: number for number, tag in enumerate(TAXONOMY.tags)}


def _captioned(*captions: str) -> Picture:
    return Picture(Path("a.jpg"), "flickr8k", "", False, captions)


def _in_folder(source: str, label: str) -> Picture:
    return Picture(Path(label, "a.jpg"), source, label, False)


def test_two_captions_are_sure_and_one_is_likely() -> None:
    labels = tag_labels([_captioned("a dog on a beach", "a dog runs", "something moves")], TAXONOMY, 0.1)
    assert labels.targets[0, [COLUMN["dog"], COLUMN["animal"]]].tolist() == [SURE, SURE]
    assert labels.targets[0, COLUMN["beach"]] == np.float32(LIKELY)
    assert labels.targets[0, COLUMN["cat"]] == 0
    assert (labels.weights == 1).all()
    assert labels.captioned.all()


def test_a_folder_says_its_tag_what_it_implies_and_that_its_siblings_are_not_there() -> None:
    labels = tag_labels([_in_folder("scenes", "forest")], TAXONOMY, 0.1)
    for tag in ("forest", *TAXONOMY.ancestors("forest")):
        assert (labels.targets[0, COLUMN[tag]], labels.weights[0, COLUMN[tag]]) == (1, 1)
    assert (labels.targets[0, COLUMN["street"]], labels.weights[0, COLUMN["street"]]) == (0, 1)
    assert (labels.targets[0, COLUMN["birthday"]], labels.weights[0, COLUMN["birthday"]]) == (0, np.float32(0.1))
    assert not labels.captioned.any()


def test_what_shows_together_is_left_open() -> None:
    weights = tag_labels([_in_folder("scenes", "glacier")], TAXONOMY, 0.0).weights
    assert weights[0, COLUMN["sea"]] == 0  # glaciers end in the sea


def test_boxes_tell_what_is_there_and_which_of_their_classes_are_not(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("16 0.5 0.5 0.5 0.5\n")  # COCO's 16: a dog
    picture = Picture(tmp_path / "images" / "a.jpg", "coco128", "", False)
    labels = tag_labels([picture], TAXONOMY, 0.1)
    assert labels.targets[0, [COLUMN["dog"], COLUMN["animal"]]].tolist() == [1, 1]
    assert (labels.targets[0, COLUMN["person"]], labels.weights[0, COLUMN["person"]]) == (0, 1)
    assert labels.weights[0, COLUMN["sign"]] == np.float32(0.1)  # COCO knows stop signs only
    assert labels.weights[0, COLUMN["beach"]] == np.float32(0.1)


def test_generated_pictures_of_nothing_show_nothing_and_others_tell_of_nothing_else() -> None:
    gravel, page, stars = (generated_picture(label, 1, False) for label in ("gravel", "document", "starry_sky"))
    labels = tag_labels([gravel, page, stars], TAXONOMY, 0.1)
    person, sand = COLUMN["person"], COLUMN["sand"]
    assert labels.weights[:, person].tolist() == [1, 0, 1]
    assert labels.weights[:, sand].tolist() == [0, 0, 1]
    assert not labels.targets[:, person].any()
    assert labels.targets[:, COLUMN["document"]].tolist() == [0, 1, 0]
    assert labels.targets[:, COLUMN["night"]].tolist() == [0, 0, 1]  # implied by the starry sky


def test_only_what_can_be_relied_on_is_measured() -> None:
    truth, known = sure_labels([_captioned("a dog on a beach", "a dog runs"), _in_folder("rooms", "kitchen")], TAXONOMY)
    assert truth[0, COLUMN["dog"]]
    assert known[0, COLUMN["dog"]]
    assert known[0, COLUMN["cat"]]
    assert not known[0, COLUMN["beach"]]
    assert truth[1, COLUMN["kitchen"]]
    assert not known[1, COLUMN["birthday"]]


@given(st.floats(0.2, 0.95), st.integers(0, 2**32 - 1))
def test_what_stays_unsaid_is_told_by_how_captions_agree(chance: float, seed: int) -> None:
    counts = np.random.default_rng(seed).binomial(5, chance, (4000, 1))
    seen = counts[counts[:, 0] > 0]  # of pictures where nobody names it nothing is known
    assert share_unsaid(seen, 5)[0] == pytest.approx((1 - chance) ** 5, abs=0.06)


def test_what_nobody_names_is_not_guessed_at() -> None:
    assert share_unsaid(np.zeros((3, 2), np.int64), 5).tolist() == [0, 0]
