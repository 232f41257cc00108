"""Which files of a folder belong to which photo: XMP and Takeout sidecars, the video of a live photo.

Names are all there is to go by, and every program has its own: `a.jpg.xmp` (digiKam, darktable),
`a.xmp` (Lightroom), `a.jpg.json`, `a.jpg.supplemental-metadata.json` cut anywhere, `a.jpg(1).json` for
`a(1).jpg` (Google Takeout), `IMG_1_HEVC.MOV` beside `IMG_1.HEIC` (iCloud).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from photos_engine.ingest.formats import LIVE_VIDEO_EXTENSIONS, extension_of

_COUNTER = re.compile(r"^(?P<rest>.+)\((?P<n>\d{1,4})\)$", re.DOTALL)
_EDITED = re.compile(
    r"-(edited|bearbeitet|modifié|modifie|editado|editada|modificato|bewerkt|redigerad|redigeret|edytowane|編集済み)$",
    re.IGNORECASE,
)
_TAKEOUT_SUFFIX = ".supplemental-metadata"
# Takeout cuts the name before ".json" to 46 characters.
_TAKEOUT_CUT = 46
_LIVE_PHOTO_EXTENSIONS = frozenset(("heic", "heif", "jpg", "jpeg"))


class Companions:
    """The sidecars and videos of one folder, asked by photo name."""

    def __init__(self, names: Iterable[str]) -> None:
        self._xmp: dict[str, str] = {}
        self._takeout: dict[tuple[str, int], str] = {}
        self._videos: dict[str, str] = {}
        for name in names:
            extension = extension_of(name)
            stem = name[: -len(extension) - 1].lower() if extension else name.lower()
            if extension == "xmp":
                self._xmp[stem] = name
            elif extension == "json":
                self._takeout[_split_counter(stem)] = name
            elif extension in LIVE_VIDEO_EXTENSIONS:
                self._videos[stem] = name
                if extension == "mp":  # PXL_1.MP is the moving part of PXL_1.MP.jpg
                    self._videos[name.lower()] = name

    def sidecars_of(self, photo: str) -> tuple[str, ...]:
        """The photo's sidecars, the most specific first: full-name XMP, stem XMP, Takeout JSON."""
        if not self._xmp and not self._takeout:
            return ()
        lowered = photo.lower()
        stem, _ = _split_extension(lowered)
        found = [self._xmp.get(lowered), self._xmp.get(stem) if stem != lowered else None]
        if self._takeout:
            found.append(self._takeout_of(lowered))
        return tuple(name for name in found if name is not None)

    def video_of(self, photo: str) -> str | None:
        """The moving part of a live or motion photo: a short video of the same stem."""
        lowered = photo.lower()
        if not self._videos or extension_of(lowered) not in _LIVE_PHOTO_EXTENSIONS:
            return None
        stem, _ = _split_extension(lowered)
        candidates = (stem, f"{stem}_hevc", lowered)
        return next((self._videos[name] for name in candidates if name in self._videos), None)

    def _takeout_of(self, photo: str) -> str | None:
        stem, extension = _split_extension(photo)
        stem, counter = _split_counter(stem)
        title = stem + extension
        full = title + _TAKEOUT_SUFFIX
        for length in range(len(full), min(len(title), _TAKEOUT_CUT) - 1, -1):
            if (found := self._takeout.get((full[:length], counter))) is not None:
                return found
        if (original := _EDITED.sub("", stem)) != stem:
            name = f"{original}({counter}){extension}" if counter else original + extension
            return self._takeout_of(name)
        return self._takeout.get((stem, counter))


def _split_extension(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    return (stem, dot + extension) if stem else (name, "")


def _split_counter(stem: str) -> tuple[str, int]:
    match = _COUNTER.match(stem)
    return (match["rest"], int(match["n"])) if match else (stem, 0)
