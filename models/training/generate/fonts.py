"""Which typefaces there are to draw with, by what they are for; a few families are kept for the test side.

Debian's packages with these families (none of them is shipped, only pictures are drawn with them):
fonts-dejavu-core fonts-liberation2 fonts-roboto-unhinted fonts-open-sans fonts-lato fonts-inconsolata
fonts-ebgaramond fonts-ocr-b fonts-yanone-kaffeesatz fonts-league-spartan fonts-comic-neue fonts-humor-sans
fonts-breip fonts-dkg-handwriting fonts-femkeklaver fonts-rufscript fonts-sjfonts fonts-bwht fonts-kristi
fonts-dancingscript fonts-ecolier-court
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ImageFont

log = logging.getLogger(__name__)

FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# Role -> families by the beginnings of their files' names: for training, for the test side.
ROLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "serif": (("LiberationSerif", "DejaVuSerif"), ("EBGaramond12",)),
    "sans": (
        ("LiberationSans", "DejaVuSans-", "DejaVuSansCondensed", "Roboto-", "RobotoCondensed", "Lato"),
        ("OpenSans", "YanoneKaffeesatz"),
    ),
    "mono": (("LiberationMono", "DejaVuSansMono", "OCRB."), ("Inconsolata",)),
    "heavy": (
        ("Roboto-Black", "Lato-Black", "Lato-Heavy", "DejaVuSansCondensed-Bold", "RobotoCondensed-Bold"),
        ("LeagueSpartan-Black", "LeagueSpartan-ExtraBold", "YanoneKaffeesatz-Bold"),
    ),
    "hand": (
        ("dkg", "Breip", "Rufscript", "Kristi", "BecauseWe", "DancingScript", "ComicNeue-Italic"),
        ("femkeklaver", "SteveHand", "Delphine", "Ecolier", "Humor"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Typefaces:
    """files: of every role, in a stable order; a role without files is drawn with Pillow's own typeface."""

    files: Mapping[str, tuple[Path, ...]]

    @classmethod
    def find(cls, *, test: bool = False, folders: Sequence[Path] = FONT_FOLDERS) -> Typefaces:
        """Look for every role's families."""
        there = sorted(
            (path for folder in folders if folder.is_dir() for path in folder.rglob("*.[ot]tf")),
            key=lambda path: (path.name, str(path)),
        )
        files = {
            role: tuple(path for path in there if path.name.startswith(families[test]))
            for role, families in ROLES.items()
        }
        missing = [role for role, found in files.items() if not found]
        if missing:
            log.warning("no typefaces for %s: Pillow's own stands in, and pictures vary less", ", ".join(missing))
        return cls(files)

    def pick(self, random: np.random.Generator, role: str) -> Typeface:
        """One face of a role."""
        files = self.files[role]
        return Typeface(files[int(random.integers(len(files)))] if files else None)


@dataclass(frozen=True, slots=True)
class Typeface:
    """One file, in any size."""

    file: Path | None

    def at(self, size_px: float) -> Font:
        """The face at a height of so many pixels."""
        size = max(4, round(size_px))
        return (
            ImageFont.truetype(str(self.file), size, layout_engine=ImageFont.Layout.BASIC)
            if self.file
            else ImageFont.load_default(size)
        )
