"""The model card: what a manifest promises and what an evaluation found, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from photos_engine.models.registry import Manifest

_LIMITS = """
## Intended use, and limits

Made for sorting and searching a person's own photos on their own machine. Not for identifying people, and not for
decisions about them: the tags of persons are what captions call them, with all the captions' habits.

- The joint space was learned from 6,000 photos, most of people and dogs outdoors. It is weak on what they don't
  show: interiors, food, documents, night, cities of other continents. Tags help there, and a low score means little.
- English only.
- `quality` knows technical harm, and only as far as it survives at 260 pixels. It knows no taste. White pages count as
  overexposed; that is why utility content is to be judged by `utility`. Human scores were not to be had: graded
  degradations of good pictures stand in for them.
- `saliency` was learned from the boxes of 95 pictures; it finds things and people, not what matters among them.
- Kinds of utility content without pictures to learn from (whiteboard, repair reference) are not in the model's
  outputs. Documents and handwriting rest on a handful.
- A tag without labelled pictures has no measured precision. Its threshold lies above what nearly all of 10,000 ordinary
  photos reach.
- Training data is research data, some without a stated licence; no picture is contained in the weights or shipped.
"""


def render_card(manifest: Manifest, figures: Mapping[str, Any]) -> str:
    """Write the card as Markdown."""
    files = "".join(
        f"| `{name}` | {artefact.size_bytes / 1e6:.1f} MB | {artefact.meaning} |\n"
        for name, artefact in manifest.artefacts.items()
    )
    heads = "".join(
        f"| `{name}` | {' x '.join(map(str, contract['shape']))} {contract['type']} | {contract['meaning']} |\n"
        for name, contract in manifest.outputs.items()
    )
    data = "".join(f"- {part}: {source}\n" for part, source in manifest.training_data.items())
    licences = "".join(f"- {part}: {licence}\n" for part, licence in manifest.licences.items())
    shape = " x ".join(map(str, manifest.input["shape"]))
    return (
        f"# {manifest.name}, version {manifest.version}\n\n"
        "Written by `python -m photos_engine.models.evaluate --data DIR --card FILE`; every figure is of the shipped "
        "files, run as a user runs them, on pictures that were held out.\n\n"
        f"## Files\n\n| file | size | what it is |\n|---|---|---|\n{files}\n"
        f"## Input\n\n{shape} {manifest.input['type']}: {manifest.input['meaning']}.\n\n"
        f"## Heads\n\n| head | output | meaning |\n|---|---|---|\n{heads}"
        f"{_LIMITS}\n## Trained on\n\n{data}\n## Licences\n\n{licences}\n# Measured\n\n{as_markdown(figures)}"
    )


def as_markdown(value: Any, depth: int = 2) -> str:
    """Render nested tables of figures as Markdown."""
    if not isinstance(value, Mapping):
        return f"{value}\n"
    if value and all(_is_row(item) for item in value.values()):
        columns = list(dict.fromkeys(name for item in value.values() for name in item))
        lines = ["| |" + "|".join(columns) + "|", "|---|" + "---|" * len(columns)]
        for row, item in value.items():
            cells = ("" if item.get(column) is None else str(item[column]) for column in columns)
            lines.append(f"|{row}|" + "|".join(cells) + "|")
        return "\n".join(lines) + "\n"
    plain = {name: item for name, item in value.items() if not isinstance(item, Mapping)}
    tables = {name: item for name, item in value.items() if isinstance(item, Mapping)}
    text = "".join(f"- {name}: {item}\n" for name, item in plain.items())
    rows = {name: item for name, item in tables.items() if plain and _is_row(item)}
    if rows:
        text += f"\n{as_markdown(rows, depth)}"
    return text + "".join(
        f"\n{'#' * depth} {name}\n\n{as_markdown(item, depth + 1)}" for name, item in tables.items() if name not in rows
    )


def _is_row(value: Any) -> bool:
    return isinstance(value, Mapping) and not any(isinstance(item, Mapping) for item in value.values())
