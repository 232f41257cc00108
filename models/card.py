"""The model card: what a manifest promises and what an evaluation found, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from photos_engine.models.registry import Manifest
from photos_engine.types import UTILITY_KINDS

_LIMITS = """
## Intended use, and limits

Made for sorting and searching a person's own photos on their own machine. Not for identifying people, and not for
decisions about them: the tags of persons are what captions call them, with all the captions' habits.

- The joint space was learned from 6,000 captioned photos, most of people and dogs outdoors. It is weak on what they
  don't show: interiors, food, documents, night, cities of other continents. Tags help there; a low score means little.
- English only.
- `scene` is to say nothing rather than something wrong, and still errs on pictures unlike all that it learned from:
  patterns, drawings, things seen through a microscope. A tag without labelled pictures has no measured precision; its
  threshold lies above what nearly all of 10,000 ordinary photos reach.
- Captions leave out much that is there. Precision against captions is therefore a lower bound; how often a thing stays
  unsaid is estimated from how seldom captions of one picture agree, and thresholds allow for it.
- `quality` knows technical harm, and only as far as it survives at 232 pixels. White pages count as overexposed; that
  is why utility content is to be judged by `utility`.
- `aesthetics` was taught by rules and by pictures spoiled on purpose, not by people's scores, which were not to be had.
- `objects` and `saliency` were learned from few human boxes and another detector's; `saliency` finds things and people,
  not what matters among them.
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
        f"{_LIMITS}{_missing_kinds(manifest)}{_drawn_kinds(manifest)}"
        f"\n## Trained on\n\n{data}\n## Licences\n\n{licences}\n# Measured\n\n{as_markdown(figures)}"
    )


def _missing_kinds(manifest: Manifest) -> str:
    """A further limit, where the model lacks kinds of utility content."""
    known = manifest.outputs.get("utility", {}).get("kinds", ())
    missing = [kind.replace("_", " ") for kind in UTILITY_KINDS if kind not in known]
    return f"- Kinds of utility content that it can't tell: {', '.join(missing)}.\n" if missing else ""


def _drawn_kinds(manifest: Manifest) -> str:
    """What was measured on generated pictures, when the head was trained."""
    drawn = manifest.outputs.get("utility", {}).get("drawn", {})
    told = (
        "\n## Utility content on generated pictures\n\nOf other layouts, typefaces and photos behind them than those "
        "learned from; shares above each kind's threshold, of its own pictures and of generated ordinary ones.\n\n"
    )
    return f"{told}{as_markdown(drawn)}" if drawn else ""


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
