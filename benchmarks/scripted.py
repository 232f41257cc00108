"""What the benches on scripted lives share: the truth that the script wrote, and ways to come by a life."""

from __future__ import annotations

import argparse
import itertools
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from photos_engine.types import AnalysedPhoto, FloatArray, Photo, Snapshot

Pair = tuple[str, str]

# Pictures that the script's folders misname, by a part of their source's name: what they are; None for no kind at all.
_MISNAMED: Mapping[str, str | None] = {
    "docscan__sample_images__receipt": "receipt",  # filed among documents
    "falsepositives": None,  # carpets and shoes on which a reader of barcodes shall find none
    "christmas_train__img025": None,  # a shop's name on blue
}


class Truth:
    """What the script knows of its pictures, by path inside the library."""

    def __init__(self, life: Path) -> None:
        self.life = life.resolve()
        content: dict[str, Any] = json.loads((life / "truth.json").read_text(encoding="utf-8"))
        self.home: tuple[float, float] = tuple(content["home"]["gps"])
        self.trips: list[dict[str, Any]] = content["trips"]
        self.celebrations: list[dict[str, Any]] = content["celebrations"]
        self.facts: dict[str, dict[str, Any]] = content["photos"]
        families: dict[str, list[str]] = {}
        for path, facts in self.facts.items():
            families.setdefault(facts.get("burst") or path, []).append(path)
        self.frames = {pair for family in families.values() for pair in pairs_of(family)}
        self.copies = {kind: set(self._copies(kind)) for kind in ("exact", "messenger")}

    def name(self, path: Path) -> str:
        """Call a file as the truth does."""
        return path.resolve().relative_to(self.life).as_posix()

    def of(self, photo: Photo) -> dict[str, Any]:
        """Give the facts of a photo by whichever of its files the truth calls an original."""
        return self.facts[min(map(self.name, photo.paths), key=lambda name: "duplicate_of" in self.facts[name])]

    def kind_of(self, photo: Photo) -> str | None:
        """What kind of content a photo is; None where that can't be said, as the script's folder misnames it."""
        facts = self.of(photo)
        return next((kind for part, kind in _MISNAMED.items() if part in facts["source"]), facts["kind"])

    def taken(self, photo: Photo) -> datetime:
        """When a photo was truly taken, in its zone."""
        facts = self.of(photo)
        return datetime.fromisoformat(facts["taken"]).replace(tzinfo=timezone(timedelta(hours=facts["offset_h"])))

    def last_day(self) -> date:
        """The day of the life's last photo."""
        return max(datetime.fromisoformat(facts["taken"]).date() for facts in self.facts.values())

    def shutter_press(self, photo: Photo) -> str:
        """What copies, frames and failed twins of one press of the shutter have in common."""
        facts = self.of(photo)
        return str(facts.get("duplicate_of") or facts.get("burst") or facts.get("spoils") or self.name(photo.path))

    def trip_days(self) -> dict[date, str]:
        """Each day of each trip, and the place."""
        return {
            day: trip["place"]
            for trip in self.trips
            for day in days_between(date.fromisoformat(trip["start"]), date.fromisoformat(trip["end"]))
        }

    def counts_for_nothing(self, pair: Pair) -> bool:
        """Whether a pair shows one source, but neither copies nor frames: another day's use of it, a failed twin."""
        if pair in self.frames or any(pair in copies for copies in self.copies.values()):
            return False
        one, other = pair
        return self.facts[one]["source"] == self.facts[other]["source"] or self.have_same_pixels(one, other)

    def have_same_pixels(self, one: str, other: str) -> bool:
        """Whether two files differ in nothing that can be seen: by a 255th of full scale at most, on average."""
        with Image.open(self.life / one) as a, Image.open(self.life / other) as b:
            if a.size != b.size:
                return False
            one_px, other_px = (np.asarray(image.convert("RGB"), np.int16) for image in (a, b))
            return float(np.abs(one_px - other_px).mean()) <= 1.0

    def _copies(self, kind: str) -> Iterator[Pair]:
        for path, facts in self.facts.items():
            if facts.get("copy") == kind:
                yield from pairs_of([path, facts["duplicate_of"]])


def pairs_of(names: Iterable[str]) -> Iterator[Pair]:
    yield from itertools.combinations(sorted(set(names)), 2)


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(n) for n in range((last - first).days + 1)]


def share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def add_life_options(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--life", type=Path, action="append", help="a folder that scripted_life.py has written")
    source.add_argument("--data", type=Path, help="the folder with the pictures; the script lies in ../tools")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--photos", type=int, default=1500)
    parser.add_argument("--json", action="store_true", help="one JSON object a life")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep lives and libraries there, and go on with those there"
    )


@contextmanager
def workplace(options: argparse.Namespace) -> Iterator[Path]:
    """The folder for lives and libraries: one that is kept, or one that goes away."""
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        yield options.keep
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)


def library_of(life: Path, folder: Path) -> Path:
    """Where a life's library lies in a workplace."""
    return folder / f"{life.resolve().name}.library"


def lives(options: argparse.Namespace, folder: Path) -> Iterator[Path]:
    """The lives that were named, or else played into `folder` by the script beside the data."""
    if options.life:
        yield from options.life
        return
    script = options.data.resolve().parent / "tools" / "scripted_life.py"
    for seed in options.seeds:
        out = folder / f"seed{seed}-{options.photos}"
        if (out / "truth.json").is_file():
            yield out
            continue
        arguments = ["--data", options.data, "--out", out, "--seed", seed, "--photos", options.photos]
        subprocess.run([sys.executable, str(script), *map(str, arguments)], check=True, stdout=sys.stderr)
        yield out


def enlarge(snapshot: Snapshot, count: int) -> Snapshot:
    """A library of `count` photos: the same life again and again, each time earlier and another one.

    Weekdays stay; prints and embeddings are mirrored along random axes, so that lives are unlike each
    other as far as they are alike within.
    """
    rng = np.random.default_rng(1)
    span = snapshot.photos[-1].photo.taken - snapshot.photos[0].photo.taken
    weeks = math.ceil(span.days / 7) + 1
    photos: list[AnalysedPhoto] = []
    vectors: list[FloatArray] = []
    for n in range(-(-count // len(snapshot.photos)) - 1, -1, -1):
        mask = int.from_bytes(rng.bytes(32), "big")
        for item in snapshot.photos:
            facts = replace(item.photo.facts, taken=item.photo.taken - timedelta(weeks=weeks * n))
            photo = replace(item.photo, id=f"{n:06d}{item.photo.id[6:]}", key=len(photos), facts=facts)
            stack = item.stack and replace(
                item.stack, keeper_id=f"{n:06d}{item.stack.keeper_id[6:]}", group_id=f"{item.stack.group_id}-{n}"
            )
            mirrored = (int.from_bytes(item.print, "big") ^ mask).to_bytes(32, "big")
            photos.append(replace(item, photo=photo, print=mirrored, stack=stack))
        vectors.append(snapshot.embeddings * rng.choice(np.array([-1, 1], np.float32), snapshot.embeddings.shape[1]))
    return replace(snapshot, photos=tuple(photos[-count:]), embeddings=np.concatenate(vectors)[-count:])


def print_figures(figures: dict[str, Any], *, as_json: bool) -> None:
    """One JSON object, or sections of aligned lines."""
    if as_json:
        print(json.dumps(figures, default=str), flush=True)
        return
    for section, rows in figures.items():
        print(section)
        for name, value in rows.items():
            print(f"  {name:28} {value}")
    print(flush=True)
