"""Tags and places for other programs: an XMP sidecar beside each photo, or one JSON feed of all.

Originals are never touched, and a sidecar that another program wrote, or that anyone has changed since,
is left exactly as it is: it may hold edits that nothing else has, and no XML library gives back every
byte, prefix and order of what it read. Such photos are named, and the feed has them too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain
from pathlib import Path
from xml.sax.saxutils import escape

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.files import write_atomically
from photos_engine.ingest import OWN_TOOLKIT
from photos_engine.types import AnalysedPhoto, Failure, TagExport

LEAST = 0.5
"""Probability from which on a tag is written: what leaves the engine should be right more often than not."""
_SEAL = re.compile(rb"<!-- photos-engine ([0-9a-f]{32}) -->\n\Z")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Described:
    """What is told about one photo. paths: the words from the broadest to its own, for each tag and the place."""

    photo: AnalysedPhoto
    paths: tuple[tuple[str, ...], ...]
    chances: Mapping[str, float]  # by label

    @property
    def words(self) -> tuple[str, ...]:
        """Every word once."""
        return tuple(dict.fromkeys(word for path in self.paths for word in path[len(path) > 1 :]))


def describe_all(photos: Iterable[AnalysedPhoto], taxonomy: Taxonomy) -> Iterator[Described]:
    """What is told about each photo that there is anything to tell about."""
    for item in photos:
        tags = [taxonomy.tag(tag_id) for tag_id, p in item.tags.items() if p >= LEAST and tag_id in taxonomy]
        shown = [tag for tag in tags if not tag.is_hidden]
        paths = [_path(tag.id, taxonomy) for tag in shown]
        if (place := item.photo.place) is not None:
            paths.append(("places", *filter(None, (place.country, place.region, place.city))))
        if paths:
            yield Described(item, tuple(paths), {tag.label: item.tags[tag.id] for tag in shown})


def _path(tag_id: str, taxonomy: Taxonomy) -> tuple[str, ...]:
    """From a tag's category down to the tag, by its first parents."""
    tag = taxonomy.tag(tag_id)
    path = [tag.label]
    while tag.parents:
        tag = taxonomy.tag(tag.parents[0])
        path.append(tag.label)
    if tag.category.replace("_", " ") != path[-1]:
        path.append(tag.category.replace("_", " "))
    return tuple(reversed(path))


def write_sidecars(described: Iterable[Described], known: Iterable[str] = ()) -> tuple[TagExport, dict[str, int]]:
    """Write `NAME.EXT.xmp` beside every file of the photos; what is as it should be is not written again.

    known: other paths of images, be they moved, deleted or no longer of anything: a sidecar of ours beside one of
    them is taken away. Returns too by how many nanoseconds the sidecar of each path is newer than it was (one that
    wasn't there counts as 0), so that whoever scans can tell our own writing from a change.
    """
    counts = dict.fromkeys(_Step, 0)
    refused: list[Failure] = []
    shifts: dict[str, int] = {}
    told: set[str] = set()
    wanted = ((path, as_xmp(one)) for one in described for path in one.photo.photo.paths)
    bare = ((Path(path), None) for path in known if path not in told)
    for path, content in chain(wanted, bare):
        told.add(os.fspath(path))
        sidecar = path.with_name(f"{path.name}.xmp")
        try:
            before = _mtime_ns(sidecar)
            step = _put(sidecar, content)
            if step is not _Step.NOTHING:
                counts[step] += 1
            if step in (_Step.WRITTEN, _Step.REMOVED):
                shifts[os.fspath(path)] = _mtime_ns(sidecar) - before
            elif step is _Step.REFUSED:
                refused.append(Failure(sidecar, "foreign_sidecar", "another program or a person wrote it"))
        except OSError as error:
            refused.append(Failure(sidecar, "unwritable", error.strerror or str(error)))
    report = TagExport(counts[_Step.WRITTEN], counts[_Step.UNCHANGED], tuple(refused), counts[_Step.REMOVED])
    return report, shifts


class _Step(Enum):
    """What was done about one sidecar."""

    NOTHING = auto()
    WRITTEN = auto()
    UNCHANGED = auto()
    REMOVED = auto()
    REFUSED = auto()


def _put(sidecar: Path, content: bytes | None) -> _Step:
    """Make a sidecar say this, or not be there, unless it is another's. Raises: OSError."""
    there = sidecar.read_bytes() if sidecar.is_file() else None
    if there == content:
        return _Step.NOTHING if content is None else _Step.UNCHANGED
    if there is not None and not is_ours(there):
        return _Step.NOTHING if content is None else _Step.REFUSED
    if content is None:
        sidecar.unlink()
        return _Step.REMOVED
    write_atomically(sidecar, content, durable=False)
    return _Step.WRITTEN


def _mtime_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def write_feed(described: Iterable[Described], target: Path) -> TagExport:
    """Write one JSON file about all photos. Raises: OSError."""
    rows = [
        {
            "paths": [str(path) for path in one.photo.photo.paths],
            "id": one.photo.photo.id,
            "words": list(one.words),
            "hierarchy": [list(path) for path in one.paths],
            "probabilities": {label: round(p, 4) for label, p in one.chances.items()},
        }
        for one in described
    ]
    document = json.dumps({"format": "photos-engine tags 1", "photos": rows}, ensure_ascii=False, indent=1)
    write_atomically(target, document.encode("utf-8", "backslashreplace"))
    return TagExport(len(rows), 0, ())


def is_ours(content: bytes) -> bool:
    """Whether we wrote a sidecar, and nobody has changed it since."""
    seal = _SEAL.search(content)
    return seal is not None and _digest(content[: seal.start()]) == seal[1].decode()


def as_xmp(one: Described) -> bytes:
    """A sidecar: flat words for whoever searches, paths for digiKam and Lightroom, the place in words."""
    place = one.photo.photo.place
    named = {} if place is None else {"City": place.city, "State": place.region, "Country": place.country}
    shown = "".join(
        f"   <photoshop:{name}>{_text(value)}</photoshop:{name}>\n" for name, value in named.items() if value
    )
    body = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="{OWN_TOOLKIT}">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about=""\n'
        '    xmlns:dc="http://purl.org/dc/elements/1.1/"\n'
        '    xmlns:digiKam="http://www.digikam.org/ns/1.0/"\n'
        '    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"\n'
        '    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/">\n'
        f"{shown}"
        f"{_list('dc:subject', 'Bag', one.words)}"
        f"{_list('digiKam:TagsList', 'Seq', (_joined(path, '/') for path in one.paths))}"
        f"{_list('lr:hierarchicalSubject', 'Bag', (_joined(path, '|') for path in one.paths))}"
        "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n"
    ).encode()
    return body + f"<!-- photos-engine {_digest(body)} -->\n".encode()


def _list(name: str, kind: str, values: Iterable[str]) -> str:
    items = "".join(f"     <rdf:li>{_text(value)}</rdf:li>\n" for value in values)
    return f"   <{name}>\n    <rdf:{kind}>\n{items}    </rdf:{kind}>\n   </{name}>\n"


def _joined(path: Iterable[str], separator: str) -> str:
    return separator.join(re.sub(r"[/|]", "-", part) for part in path)


def _text(value: str) -> str:
    return escape(_NO_XML.sub("", value))


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()
