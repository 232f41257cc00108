"""Finds pictures worth labelling: by words, by likeness, by nearness to where a model can't decide.

    python -m photos_engine.models.mine --data DIR (--text QUERY | --like PICTURE | --boundary TAG)
        [--limit N] [--cache FILE.npz] [--contact-sheet FILE.jpg]

The boundary is a tag's threshold, or even odds of a kind of utility content (`--boundary utility:receipt`).
Prints a score and a path a line, the best first. With `--cache` what was seen is kept: another question
about the same pictures then takes no second look. Nothing is written into the folder of pictures.
"""

from __future__ import annotations

import argparse
import logging
import math
import sys
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from photos_engine.analyzers import TextEncoder
from photos_engine.errors import ConfigError, PhotoError, PhotosEngineError
from photos_engine.models.corpus import SUFFIXES
from photos_engine.models.sight import Seen, Sight, read_upright
from photos_engine.types import UTILITY_KINDS, FloatArray

log = logging.getLogger(__name__)

EVEN = 0.5
NEVER = 1.0  # a threshold from which on a tag is never said; its boundary is taken to be at even odds
_EPSILON = 1e-6
CELL_PX, COLUMNS, LINE_PX = 200, 6, 14


@dataclass(frozen=True, slots=True)
class Views:
    """What a model saw in pictures, row by row."""

    paths: NDArray[np.str_]
    stamps: NDArray[np.int64]  # sizes and times of the files, (n, 2): a changed file is looked at again
    embeddings: FloatArray  # (n, 512)
    tags: FloatArray  # (n, tags) in the taxonomy's order
    utility: FloatArray  # (n, kinds of UTILITY_KINDS), 0 where the model lacks the kind

    @classmethod
    def none(cls, tags: int) -> Views:
        """No pictures yet."""
        empty = np.zeros((0, 0), np.float32)
        return cls(np.zeros(0, np.str_), np.zeros((0, 2), np.int64), empty.reshape(0, 512), empty.reshape(0, tags),
                   empty.reshape(0, len(UTILITY_KINDS)))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Find:
    """A picture that was found; the higher the score, the better it answers."""

    path: Path
    score: float


def look(paths: Sequence[Path], sight: Sight, cache: Path | None = None, threads: int = 2) -> Views:
    """Look at every picture, or remember it from the cache; unreadable ones are told of and left out.

    Raises: ConfigError for a cache that is none, ModelError.
    """
    known = _load(cache, sight)
    row_of = {
        (path, *stamp): row for row, (path, stamp) in enumerate(zip(known.paths, known.stamps.tolist(), strict=True))
    }
    stamped = [(path, stat.st_size, stat.st_mtime_ns) for path in paths if (stat := path.stat())]
    remembered = [row_of[key] for path, *stamp in stamped if (key := (str(path), *stamp)) in row_of]
    missing = [item for item in stamped if (str(item[0]), *item[1:]) not in row_of]
    with ThreadPoolExecutor(threads) as pool:
        looked = pool.map(lambda item: _see(sight, item[0]), missing)
        found = [(item, seen) for item, seen in zip(missing, looked, strict=True) if seen is not None]
    views = _join(known, remembered, found)
    if cache and found:
        np.savez_compressed(cache, model=_model_of(sight), **{name: getattr(views, name) for name in Views.__slots__})
    log.info("%d pictures: %d seen now, %d remembered", len(views.paths), len(found), len(remembered))
    return views


def by_likeness(views: Views, embedding: FloatArray) -> list[Find]:
    """Rank pictures by the cosine with an embedding, a picture's or a text's."""
    return _ranked(views, views.embeddings @ embedding)


def by_boundary(views: Views, chances: FloatArray, threshold: float) -> list[Find]:
    """Rank pictures by how near their chance lies to a threshold: 0 on it, less the farther off, in log-odds."""
    return _ranked(views, -np.abs(_log_odds(chances) - _log_odds(np.array(threshold))))


def boundary_of(name: str, views: Views, sight: Sight) -> tuple[FloatArray, float]:
    """The chances (n,) of a tag or `utility:KIND`, and the threshold that decides. Raises: NotFound, ConfigError."""
    prefix, _, kind = name.rpartition(":")
    if prefix == "utility":
        if kind not in UTILITY_KINDS:
            raise ConfigError(f"{kind!r} is no kind of utility content; there are {', '.join(UTILITY_KINDS)}")
        return views.utility[:, UTILITY_KINDS.index(kind)], EVEN
    column = [tag.id for tag in sight.taxonomy.tags].index(sight.taxonomy.tag(name).id)
    threshold = float(sight.thresholds[column])
    return views.tags[:, column], threshold if threshold < NEVER else EVEN


def draw_sheet(finds: Sequence[Find]) -> Image.Image:
    """Pictures in their order, each with its score and name, as one picture to look at."""
    rows = math.ceil(len(finds) / COLUMNS)
    height = CELL_PX + 2 * LINE_PX
    sheet = Image.new("RGB", (COLUMNS * CELL_PX, max(rows, 1) * height), "white")
    pen = ImageDraw.Draw(sheet)
    for number, find in enumerate(finds):
        x, y = number % COLUMNS * CELL_PX, number // COLUMNS * height
        picture = read_upright(find.path)
        picture.thumbnail((CELL_PX - 6, CELL_PX - 6))
        sheet.paste(picture, (x + 3, y + 3))
        pen.text((x + 3, y + CELL_PX), f"{find.score:.3f} {find.path.parent.name}", fill="black")
        pen.text((x + 3, y + CELL_PX + LINE_PX), find.path.name[:30], fill="black")
    return sheet


def main() -> None:
    """Find and print."""
    options = _parse()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        finds = _find(options)[: options.limit]
        sys.stdout.writelines(f"{find.score:.4f}\t{find.path}\n" for find in finds)
        if options.contact_sheet:
            draw_sheet(finds).save(options.contact_sheet)
    except (PhotosEngineError, OSError) as error:
        sys.exit(f"mine: {error}")


def _find(options: argparse.Namespace) -> list[Find]:
    paths = sorted(path for path in options.data.rglob("*") if path.suffix.lower() in SUFFIXES)
    sight = Sight.open(options.models)
    views = look(paths, sight, options.cache, options.threads)
    if options.text:
        return by_likeness(views, TextEncoder.open(options.models).encode([options.text])[0])
    if options.like:
        return by_likeness(views, sight.see(read_upright(options.like)).signals.embedding)
    return by_boundary(views, *boundary_of(options.boundary, views, sight))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m photos_engine.models.mine", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures, with all folders in it")
    question = parser.add_mutually_exclusive_group(required=True)
    question.add_argument("--text", help="pictures that show this")
    question.add_argument("--like", type=Path, help="pictures like this one")
    question.add_argument("--boundary", help="pictures at the threshold of a tag, or of utility:KIND")
    parser.add_argument("--limit", type=int, default=30)
    parser.add_argument("--cache", type=Path, help="keep what was seen in this .npz")
    parser.add_argument("--contact-sheet", type=Path, help="draw what was found into this picture")
    parser.add_argument("--models", type=Path, help="folder of another model than the installed one")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def _see(sight: Sight, path: Path) -> Seen | None:
    try:
        return sight.see(read_upright(path))
    except PhotoError as error:  # one bad picture is no reason to stop
        log.warning("left out: %s", error)
        return None


def _load(cache: Path | None, sight: Sight) -> Views:
    if cache is None or not cache.is_file():
        return Views.none(len(sight.taxonomy))
    try:
        with cache.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            if str(saved["model"]) == _model_of(sight):
                return Views(**{name: saved[name] for name in Views.__slots__})
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{cache} is no cache of mine: {error}") from error
    log.info("%s is another model's: everything is looked at again", cache)
    return Views.none(len(sight.taxonomy))


def _model_of(sight: Sight) -> str:
    return " ".join(artefact.sha256 for artefact in sight.manifest.artefacts.values())


def _join(known: Views, remembered: Sequence[int], found: Sequence[tuple[tuple[Path, int, int], Seen]]) -> Views:
    def rows(kept: NDArray[Any], new: Sequence[object], kind: type) -> NDArray[Any]:
        return np.concatenate([kept[list(remembered)], np.array(new, kind).reshape(len(new), *kept.shape[1:])])

    return Views(
        rows(known.paths, [str(item[0]) for item, _ in found], np.str_),
        rows(known.stamps, [item[1:] for item, _ in found], np.int64),
        rows(known.embeddings, [seen.signals.embedding for _, seen in found], np.float32),
        rows(known.tags, [seen.chances for _, seen in found], np.float32),
        rows(
            known.utility, [[seen.signals.utility.get(k, 0.0) for k in UTILITY_KINDS] for _, seen in found], np.float32
        ),
    )


def _ranked(views: Views, scores: FloatArray) -> list[Find]:
    return [Find(Path(views.paths[row]), float(scores[row])) for row in np.argsort(-scores, kind="stable")]


def _log_odds(chances: FloatArray) -> FloatArray:
    chances = np.clip(chances, _EPSILON, 1 - _EPSILON)
    result: FloatArray = np.log(chances / (1 - chances))
    return result


if __name__ == "__main__":
    main()
