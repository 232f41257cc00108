"""Pictures that are dark or soft on purpose pass, and failed ones don't: on real ones that nothing was trained on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from fakes.library import Life
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from skimage import data

from photos_engine.analyzers import SceneAnalyzer
from photos_engine.curation import assess_quality
from photos_engine.models.corpus import list_captioned

NIGHT = r"\bnight|\bdark|firework|concert|candle|silhouette|sparkler"
BLUR = r"\bblur|out of focus|speeding|\brac(?:es|ing)\b"
Judge = Callable[[Image.Image], set[str]]


@pytest.fixture(scope="module")
def judge() -> Judge:
    """What is wrong with a picture, as codes."""
    analyzer = SceneAnalyzer.open()

    def see(image: Image.Image) -> set[str]:
        seen = analyzer.analyze_one(np.asarray(image.convert("RGB")))
        item = Life().shoot(datetime(2024, 5, 1, 12), quality=seen.quality, aesthetics=seen.aesthetics)
        item = replace(item, tags=seen.tags, utility=seen.utility, objects=seen.objects)
        return {reason.code for reason in assess_quality(item).reasons}

    return see


def told_by(corpus: Path, words: str, *, least: int) -> list[Path]:
    """The held-out pictures of whose five captions so many have one of some words."""
    return [
        picture.path
        for picture in list_captioned(corpus)
        if picture.held_out and sum(bool(re.search(words, text.lower())) for text in picture.captions) >= least
    ]


@pytest.mark.corpus
@pytest.mark.slow
@pytest.mark.parametrize(("words", "least", "code"), [(NIGHT, 2, "dark"), (BLUR, 1, "blurred")])
def test_what_is_dark_or_soft_on_purpose_passes(corpus: Path, judge: Judge, words: str, least: int, code: str) -> None:
    pictures = told_by(corpus, words, least=least)
    assert len(pictures) >= 10
    thrown_out = [path.name for path in pictures if code in judge(Image.open(path))]
    assert len(thrown_out) <= 0.03 * len(pictures), thrown_out


@pytest.mark.corpus
@pytest.mark.slow
def test_the_same_pictures_taken_wrongly_do_not(corpus: Path, judge: Judge) -> None:
    pictures = told_by(corpus, NIGHT, least=1)[:40]
    dark = [path.name for path in pictures if "dark" in judge(ImageEnhance.Brightness(Image.open(path)).enhance(0.12))]
    assert len(dark) >= 0.95 * len(pictures)
    soft = [path for path in pictures if "blurred" in judge(Image.open(path).filter(ImageFilter.GaussianBlur(4)))]
    assert len(soft) >= 0.8 * len(pictures)


def test_a_dark_picture_without_noise_is_dark_and_one_with_a_lamp_is_not(judge: Judge) -> None:
    dark = ImageEnhance.Brightness(Image.fromarray(data.astronaut())).enhance(0.12)
    assert "dark" in judge(dark)
    lit = dark.copy()
    ImageDraw.Draw(lit).ellipse((60, 40, 110, 90), fill=(255, 230, 160))
    analyzer = SceneAnalyzer.open()
    without, with_lamp = (analyzer.analyze_one(np.asarray(image)).quality.exposure for image in (dark, lit))
    assert without < 0.25
    assert with_lamp > without


def test_a_shallow_depth_of_field_is_no_blur(judge: Judge) -> None:
    """The cup is sharp, and so is the cat's face; the rest is soft."""
    assert not judge(Image.fromarray(data.coffee()))
    assert not judge(Image.fromarray(data.chelsea()))
