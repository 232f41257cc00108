"""Files to pixels and facts. Pure: knows no database and no model.

`scan` finds what is new, changed and gone; a `DecodePool` turns files into `DecodedPhoto`s in processes of
its own; a `Gazetteer` names the places.
"""

from photos_engine.ingest.decode import decode_photo, read_content_hash
from photos_engine.ingest.decoders import describe_decoders
from photos_engine.ingest.formats import weigh
from photos_engine.ingest.isolation import DecodePool, DecodeRequest
from photos_engine.ingest.metadata import read_metadata
from photos_engine.ingest.places import Gazetteer
from photos_engine.ingest.readers import DecodeLimits
from photos_engine.ingest.scan import Change, FoundPhoto, ScanResult, scan
from photos_engine.ingest.xmp import OWN_TOOLKIT

__all__ = [
    "OWN_TOOLKIT",
    "Change",
    "DecodeLimits",
    "DecodePool",
    "DecodeRequest",
    "FoundPhoto",
    "Gazetteer",
    "ScanResult",
    "decode_photo",
    "describe_decoders",
    "read_content_hash",
    "read_metadata",
    "scan",
    "weigh",
]
