"""The pictures that the models are trained on and measured with, and who belongs to which side.

Training and evaluation must agree on what was held out, so the one rule for it stands here. The
folder is laid out as `models/training/README.md` says; a missing set is simply empty.
"""

from __future__ import annotations

import csv
import hashlib
import json
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

# The pictures that the recipe draws itself: labels -> kinds of `types.UTILITY_KINDS`. All other labels of them are
# ordinary contents. The kinds are tags, too, but for the one that the taxonomy doesn't have.
GENERATED = "generated"
GENERATED_KINDS = {
    "document": "document", "handwriting": "handwriting", "whiteboard": "whiteboard", "screenshot": "screenshot",
    "receipt": "receipt", "receipt_laid": "receipt", "barcode": "barcode", "meme": "meme",
    "repair_reference": "repair_reference",
}  # fmt: skip
GENERATED_TAGS: dict[str, tuple[str, ...]] = {
    label: () if kind == "repair_reference" else (kind,) for label, kind in GENERATED_KINDS.items()
}

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
    GENERATED: (
        frozenset({"receipt", "receipt_laid", "document", "handwriting", "whiteboard"}),
        frozenset({"receipt", "receipt_laid", "barcode", "repair_reference"}),
        frozenset({"document", "menu"}),  # whose words are a document's, too
    ),
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

# Pictures of ordinary sets that are none: a screenshot of a desktop, found under "family".
MISFILED = frozenset({"B_events4__family_train__img616.jpg"})

# Kinds that one picture can well be both of: being the one says little against the other.
AKIN = (
    frozenset({"receipt", "document"}), frozenset({"document", "handwriting"}),
    frozenset({"handwriting", "whiteboard"}), frozenset({"barcode", "repair_reference"}),
    frozenset({"barcode", "product"}), frozenset({"barcode", "receipt"}), frozenset({"screenshot", "meme"}),
)  # fmt: skip


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


def generated_picture(label: str, number: int, held_out: bool) -> Picture:
    """Name one of the pictures that the recipe draws; there is no file at its path, only a row of the shard."""
    return Picture(Path(GENERATED, "test" if held_out else "train", label, f"{number:04}"), GENERATED, label, held_out)


def list_generated(work: Path) -> list[Picture]:
    """List the pictures that the recipe has drawn, in the shard's order; none before that step has run."""
    index = work / "shards" / f"{GENERATED}.json"
    if not index.is_file():
        return []
    paths = [Path(name) for name in json.loads(index.read_text(encoding="utf-8"))]
    return [Picture(path, GENERATED, path.parent.name, path.parts[1] == "test") for path in paths]


def folder_tags(source: str) -> dict[str, tuple[str, ...]]:
    """What the labels of a set say, as tags; empty for sets whose folders say nothing."""
    return GENERATED_TAGS if source == GENERATED else FOLDER_TAGS.get(source, {})


def utility_kind(picture: Picture) -> str | None:
    """The kind of utility content that a picture was put down as; None of an ordinary one."""
    kinds = {"utility": UTILITY_LABELS, GENERATED: GENERATED_KINDS}.get(picture.source, {})
    return kinds.get(picture.label)


def _image_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def excluded_labels(source: str, label: str) -> set[str]:
    """The sibling folders whose subjects a picture of this folder doesn't show."""
    together = frozenset({label}).union(*(group for group in TOGETHER.get(source, ()) if label in group))
    return set(folder_tags(source)) - together


def read_boxes(picture: Path) -> list[tuple[float, float, float, float]]:
    """Read the boxes of a picture of coco128, normalised left, top, right, bottom; none where none are told."""
    label = picture.parent.parent / "labels" / f"{picture.stem}.txt"
    boxes = []
    for line in label.read_text(encoding="utf-8").splitlines() if label.is_file() else ():
        _, x, y, width, height = map(float, line.split()[:5])
        boxes.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    return boxes
