"""The evaluation itself: a small folder measured whole, and the tables on cases whose answer is known."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from photos_engine.models import corpus
from photos_engine.models.evaluate import command, compare
from photos_engine.models.evaluate.aesthetics import measure_aesthetics
from photos_engine.models.evaluate.slices import SLICES
from photos_engine.models.evaluate.subject import AS_IT_IS, Edit, Subject, chance
from photos_engine.models.evaluate.tags import average_precisions, figures_of_set
from photos_engine.types import SceneSignals

CAPTIONS = {
    "cat.png": (data.chelsea, ("a cat looks up", "a brown cat", "a cat with whiskers", "a pet", "a cat")),
    "coffee.png": (data.coffee, ("a cup of coffee", "coffee in a cup", "a spoon", "a drink", "a cup on a table")),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of three held-out pictures."""
    root = tmp_path_factory.mktemp("corpus")
    (root / "flickr8k" / "images").mkdir(parents=True)
    with (root / "flickr8k" / "captions.tsv").open("w", newline="") as table:
        writer = csv.writer(table, delimiter="\t")
        writer.writerow(["split", "image", "caption"])
        for name, (picture, captions) in CAPTIONS.items():
            Image.fromarray(picture()).save(root / "flickr8k" / "images" / name)
            writer.writerows(["dev", name, caption] for caption in captions)
    (root / "rooms" / "kitchen").mkdir(parents=True)
    name = next(f"{n}.png" for n in range(100) if corpus.is_held_out(Path(f"{n}.png")))
    Image.fromarray(data.rocket()).save(root / "rooms" / "kitchen" / name)
    return root


@pytest.fixture(scope="module")
def subject(folder: Path) -> Subject:
    return Subject(None, corpus.list_pictures(folder), threads=2)


def test_the_command_writes_what_it_prints(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {name: tmp_path / name for name in ("json", "markdown", "card")}
    argv = ["evaluate", "--data", str(folder), "--only", "retrieval", "zero-shot", "tags"]
    argv += [part for name, path in paths.items() for part in (f"--{name}", str(path))]
    monkeypatch.setattr(sys, "argv", argv)
    command.main()
    figures = json.loads(paths["json"].read_text())
    assert figures["retrieval"]["text to image"]["R@5"] == 100.0
    assert figures["tags"]["by set"]["flickr8k"]["pictures"] == 2
    assert figures["zero-shot"]["rooms"]["classes"] == 4
    assert paths["markdown"].read_text() == capsys.readouterr().out
    assert "## retrieval" in paths["card"].read_text()


def test_a_model_against_itself_loses_nothing(subject: Subject) -> None:
    figures = command.measure(subject, ["retrieval", "tags"])
    table = compare.compare_figures(figures, figures)
    assert table["embedding: retrieval text to image R@5"]["relative loss, %"] == 0
    outputs = compare.compare_outputs(subject, subject)
    assert outputs["cosine of embeddings"] == pytest.approx(1)
    assert outputs["tags alike (of either's, %)"] == 100
    assert outputs["distance of prints, bits"] == outputs["distance of heat"] == 0


def test_losses_know_which_way_is_better() -> None:
    own = {"print": {"burst": {"95 %": 33.0}}, "zero-shot": {"a": {"ensemble": 40.0}, "b": {"ensemble": 50.0}}}
    other = {"print": {"burst": {"95 %": 30.0}}, "zero-shot": {"a": {"ensemble": 50.0}, "b": {"ensemble": 50.0}}}
    table = compare.compare_figures(own, other)
    assert table["print: print burst 95 %"]["relative loss, %"] == 10.0
    assert table["embedding: zero-shot ensemble"]["relative loss, %"] == 10.0
    assert compare.compare_figures(other, own)["print: print burst 95 %"]["relative loss, %"] < 0
    assert compare.compare_figures({}, other) == {}


def test_a_picture_is_seen_once(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    grey = Edit("grey, counted", lambda image, _: (calls.append("seen"), image.convert("L").convert("RGB"))[1])
    pictures = subject.held_out("flickr8k")
    first = subject.of(pictures, grey)
    assert subject.of(pictures[::-1], grey) == first[::-1]
    assert len(calls) == len(pictures)


def test_slices_spoil_alike_in_every_run() -> None:
    picture = Image.fromarray(data.chelsea())
    for edit in SLICES:
        one, again = (edit.apply(picture, chance(Path("a.jpg"))) for _ in range(2))
        np.testing.assert_array_equal(np.asarray(one), np.asarray(again))
        assert one.mode == "RGB"
        assert one.size != picture.size or not np.array_equal(np.asarray(one), np.asarray(picture))
    assert AS_IT_IS.apply(picture, chance(Path("a.jpg"))) is picture


def test_aesthetics_are_measured_by_what_spoiling_costs(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """With technical quality in the place of taste, since the shipped model may lack the head."""

    def liked(signals: SceneSignals) -> SceneSignals:
        return replace(signals, aesthetics=signals.quality.overall)

    of, see = subject.of, subject.see
    monkeypatch.setattr(subject, "of", lambda pictures: [liked(signals) for signals in of(pictures)])
    monkeypatch.setattr(subject, "see", lambda image: liked(see(image)))
    figures = measure_aesthetics(subject)
    order = figures["pairs in order by harm, %"]
    assert order["blur"] == order["motion"] == 100
    assert not set(order) & set(figures["mean change where nothing is lost"])
    assert set(figures["by set"]) == {"flickr8k", "rooms"}


def test_precision_of_ranking_counts_only_what_is_known() -> None:
    chances = np.array([[0.9], [0.8], [0.2], [0.1]], np.float32)
    truth = np.array([[True], [False], [True], [False]])
    known = np.array([[True], [False], [True], [True]])
    assert average_precisions(chances, truth, known, fewest=1) == [(0, 1.0, 2, 1)]
    assert average_precisions(chances, truth, known, fewest=2) == []
    figures = figures_of_set(chances, chances > 0.5, truth, known)
    assert (figures["precision"], figures["recall"], figures["tags a photo"]) == (100.0, 50.0, 0.5)
