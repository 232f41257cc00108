"""The pictures that the models are trained on and measured with, and who belongs to which side.

Training and evaluation must agree on what was held out, so the one rule for it stands here. The
folder is laid out as `models/training/README.md` says; a missing set is simply empty.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
LABELLED_SETS = ("scenes", "scenes_grey", "weather", "rooms", "events", "utility")
HELD_OUT_PERCENT = 30

# What the folders of a set say about a picture, as tags of the taxonomy.
FOLDER_TAGS: dict[str, dict[str, tuple[str, ...]]] = {
    "scenes": {
        "buildings": ("building",), "forest": ("forest",), "glacier": ("glacier",), "mountain": ("mountain",),
        "sea": ("sea",), "street": ("street",),
    },
    "scenes_grey": {
        "coast": ("coast",), "forest": ("forest",), "highway": ("highway",), "insidecity": ("city",),
        "mountain": ("mountain",), "office": ("office",), "opencountry": ("open_country",), "street": ("street",),
        "suburb": ("suburb",), "tallbuilding": ("tall_building",), "bedroom": ("bedroom",),
        "industrial": ("industrial",), "kitchen": ("kitchen",), "livingroom": ("living_room",), "store": ("store",),
    },
    "weather": {"cloudy": ("cloudy",), "rain": ("rain",), "shine": ("sunny",), "sunrise": ("sunrise",)},
    "rooms": {
        "bathroom": ("bathroom",), "bedroom": ("bedroom",), "kitchen": ("kitchen",), "frontal": ("house_front",),
    },
    "events": {
        "beach": ("beach",), "christmas": ("christmas",), "family": ("family",), "halloween": ("halloween",),
    },
    "utility": {
        "receipt": ("receipt",), "screenshot": ("screenshot",), "screenshot_phone": ("screenshot",),
        "document": ("document",), "handwriting": ("handwriting",), "barcode": ("barcode",), "meme": ("meme",),
        "product": ("product",),
    },
}  # fmt: skip

# Folders of one set whose subjects show together often: one says nothing about the others.
TOGETHER: dict[str, tuple[frozenset[str], ...]] = {
    "scenes": (frozenset({"buildings", "street"}), frozenset({"glacier", "mountain", "sea"})),
    "scenes_grey": (
        frozenset({"highway", "insidecity", "street", "suburb", "tallbuilding"}),
        frozenset({"coast", "forest", "mountain", "opencountry"}),
        frozenset({"bedroom", "livingroom", "office", "kitchen"}),
    ),
    "weather": (frozenset({"cloudy", "rain", "sunrise"}),),
    "events": (frozenset({"christmas", "family"}), frozenset({"beach", "family"}), frozenset({"halloween", "family"})),
    "utility": (frozenset({"receipt", "document", "handwriting", "barcode", "product"}),),
}

# What practically never shows in a set's pictures; a caption's silence says this elsewhere.
ABSENT_TAGS: dict[str, tuple[str, ...]] = {
    "rooms": ("person", "animal", "food"),
    "weather": ("person", "animal", "indoors"),
    "scenes": ("animal", "indoors"),
    "scenes_grey": ("animal", "food"),
    "utility": ("animal", "sport"),
}

# Folders of the set `utility` -> kinds of `types.UTILITY_KINDS`.
UTILITY_LABELS = {
    "receipt": "receipt", "screenshot": "screenshot", "screenshot_phone": "screenshot", "document": "document",
    "handwriting": "handwriting", "barcode": "barcode", "meme": "meme", "product": "product",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the corpus. `label` is its folder's name in lower case, empty where there is none."""

    path: Path
    source: str  # the set: "flickr8k", "coco128", "scenes", ...
    label: str
    held_out: bool  # never trained on, only measured with
    captions: tuple[str, ...] = field(default=(), repr=False)


def is_held_out(path: Path) -> bool:
    """Whether a labelled picture is kept for measuring: three in ten, by a hash of its file's name."""
    digest = hashlib.blake2b(path.name.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % 100 < HELD_OUT_PERCENT


def list_pictures(data: Path) -> list[Picture]:
    """List every picture of the corpus in a stable order."""
    pictures = list_captioned(data)
    for source in LABELLED_SETS:
        pictures += [
            Picture(path, source, path.parent.name.lower(), is_held_out(path)) for path in _image_files(data / source)
        ]
    pictures += [Picture(path, "coco128", "", is_held_out(path)) for path in _image_files(data / "coco128")]
    pictures += [Picture(path, "subjects", "", is_held_out(path)) for path in _image_files(data / "subjects")]
    return pictures


def list_captioned(data: Path) -> list[Picture]:
    """List the captioned pictures; `held_out` are those of the split `dev`."""
    table = data / "flickr8k" / "captions.tsv"
    if not table.is_file():
        return []
    captions: dict[tuple[str, str], list[str]] = {}
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            captions.setdefault((row["image"], row["split"]), []).append(row["caption"])
    folder = data / "flickr8k" / "images"
    return [
        Picture(folder / image, "flickr8k", "", split == "dev", tuple(texts))
        for (image, split), texts in sorted(captions.items())
    ]


def _image_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def excluded_labels(source: str, label: str) -> set[str]:
    """The sibling folders whose subjects a picture of this folder doesn't show."""
    together = frozenset({label}).union(*(group for group in TOGETHER.get(source, ()) if label in group))
    return set(FOLDER_TAGS.get(source, {})) - together


def read_boxes(picture: Path) -> list[tuple[float, float, float, float]]:
    """Read the boxes of a picture of coco128, normalised left, top, right, bottom; none where none are told."""
    label = picture.parent.parent / "labels" / f"{picture.stem}.txt"
    boxes = []
    for line in label.read_text(encoding="utf-8").splitlines() if label.is_file() else ():
        _, x, y, width, height = map(float, line.split()[:5])
        boxes.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    return boxes
