"""What tells a page from a drawing: a linear layer on the finished analyzer's embeddings.

    python -m photos_engine.models.training.pages --model models/ --data DATA --art DIR [--art DIR ...]

The utility head was taught ink on paper without drawings. This is added to a finished model, whose graph stays as it
is: `pages.json` beside it, and its line in the manifest. DIR holds clip art as PNG (Debian's openclipart-png, public
domain); see `generate/fonts.py` for the typefaces.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression

from photos_engine.analyzers.heads.pages import WRITTEN_KINDS
from photos_engine.analyzers.preprocess import as_input
from photos_engine.analyzers.scene import PAGES, SceneAnalyzer
from photos_engine.models import corpus
from photos_engine.models.registry import MANIFEST, describe_file
from photos_engine.models.training.generate.drawings import drawing
from photos_engine.models.training.generate.fonts import Typefaces
from photos_engine.models.training.generate.scenes import ORDINARY
from photos_engine.models.training.generate.shard import KINDS
from photos_engine.models.training.generate.studio import Studio
from photos_engine.types import ByteArray, FloatArray

log = logging.getLogger(__name__)

SEED = 21
DRAWINGS, PAGES_A_KIND, ORDINARY_A_LABEL, PHOTOS, RECEIPTS = 800, 160, 10, 600, 100
SOFTNESS = 30.0
"""Inverse strength of the penalty: of 3 to 100, all keep every page; the softer, the more drawings are found."""
_AT_ONCE = 16
_PLACES = 4


class Sitting:
    """Draws the pictures of the training side, or of the test side, one after the other."""

    def __init__(self, data: Path, art: Sequence[Path], *, test: bool) -> None:
        self.art, self.test = sorted(path for folder in art for path in folder.rglob("*.png")), test
        mine = [picture for picture in corpus.list_pictures(data) if picture.held_out == test]
        self.photos = [p.path for p in mine if p.source not in ("utility", "scenes_grey")]
        self.receipts = [p.path for p in mine if p.label == "receipt"]
        self.real_pages = [p.path for p in mine if p.source == "utility" and p.label in WRITTEN_KINDS]
        self.faces = Typefaces.find(test=test)

    def studio(self, number: int) -> Studio:
        """A studio with a chance of its own."""
        random = np.random.default_rng([SEED, self.test, number])
        return Studio(random, self.faces, self.photos, self.receipts, self.test)

    def drawings(self, count: int) -> list[ByteArray]:
        """Drawings of all sorts."""
        return [_as_array(drawing(self.studio(number), self.art)) for number in range(count)]

    def pages(self, each: int) -> list[ByteArray]:
        """Pages, notes and boards, generated and real; receipts, which are pages as well."""
        numbers = range(10_000, 10_000 + each)
        made = [_as_array(KINDS[kind][0](self.studio(number))) for kind in WRITTEN_KINDS for number in numbers]
        return [*made, *map(_open, self.real_pages)]

    def ordinary(self, each: int, photos: int) -> list[ByteArray]:
        """Photos, and text where ordinary photos have it: signs, menus, posters, shirts."""
        numbers = range(20_000, 20_000 + each)
        made = [_as_array(maker(self.studio(number))) for maker, _ in ORDINARY.values() for number in numbers]
        chosen = np.random.default_rng(SEED).permutation(len(self.photos))[:photos]
        return [*made, *(_open(self.photos[index]) for index in chosen.tolist())]


def fit(pages: FloatArray, others: FloatArray) -> tuple[FloatArray, float]:
    """Weights (512,) and bias of the log-odds that an embedding is no page's, both sides counting the same."""
    is_other = np.repeat((False, True), (len(pages), len(others)))
    model = LogisticRegression(C=SOFTNESS, class_weight="balanced", max_iter=5000)
    model.fit(np.concatenate([pages, others]), is_other)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def embed(analyzer: SceneAnalyzer, pictures: Sequence[ByteArray]) -> FloatArray:
    """Embeddings, (n, 512)."""
    starts = range(0, len(pictures), _AT_ONCE)
    return np.array(
        [signals.embedding for start in starts for signals in analyzer.analyze(pictures[start : start + _AT_ONCE])],
        np.float32,
    )


def train(model: Path, data: Path, art: Sequence[Path]) -> None:
    """Write `pages.json` beside a model and into its manifest; say what it does to pictures of the test side."""
    analyzer, sitting = SceneAnalyzer.open(model), Sitting(data, art, test=False)
    pages = [*sitting.pages(PAGES_A_KIND), *map(_open, sitting.receipts[:RECEIPTS])]
    drawn, ordinary = sitting.drawings(DRAWINGS), sitting.ordinary(ORDINARY_A_LABEL, PHOTOS)
    log.info("drawn: %d pages, %d drawings, %d others", len(pages), len(drawn), len(ordinary))
    weights, bias = fit(embed(analyzer, pages), embed(analyzer, [*drawn, *ordinary]))
    document = {"weights": [round(value, _PLACES) for value in weights.tolist()], "bias": round(bias, _PLACES)}
    (model / PAGES).write_text(json.dumps(document) + "\n", encoding="utf-8")
    _enter(model / PAGES)
    test = Sitting(data, art, test=True)
    for name, pictures in {"pages": test.pages(40), "drawings": test.drawings(200)}.items():
        odds = embed(analyzer, pictures) @ weights + bias
        log.info("%d held-out %s: %.1f %% called no pages", len(odds), name, 100 * float((odds > 0).mean()))


def _enter(path: Path) -> None:
    """Put a file into the manifest beside it, or put it there anew."""
    manifest = path.with_name(MANIFEST)
    document = json.loads(manifest.read_text(encoding="utf-8"))
    meaning = "log-odds that an embedding is no page's: 512 weights and a bias"
    document["files"][path.name] = describe_file(path) | {"meaning": meaning}
    manifest.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _as_array(image: Image.Image) -> ByteArray:
    return as_input(np.asarray(image.convert("RGB")))


def _open(path: Path) -> ByteArray:
    with Image.open(path) as image:
        return _as_array(image)


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--art", type=Path, required=True, action="append")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    train(options.model, options.data, options.art)


if __name__ == "__main__":
    main()
