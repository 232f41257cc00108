from __future__ import annotations

import json
import os
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from strategies import ORIENTATIONS, boxes, encoded, exif_block, gps_tags, moments, points, quadrants, xmp_packet

from photos_engine.ingest import decode_photo
from photos_engine.ingest.findings import as_rating_from_percent, upright_box
from photos_engine.ingest.pixels import turn_upright
from photos_engine.ingest.takeout import read_takeout
from photos_engine.ingest.text import clean_text, clean_words
from photos_engine.ingest.xmp import read_xmp
from photos_engine.types import Box, CaptureFacts, DateSource, GeoPoint, ZoneSource

BERLIN = ZoneInfo("Europe/Berlin")
LYON = GeoPoint(45.764, 4.8357)
MTIME = datetime(2024, 3, 2, 10, 0, tzinfo=UTC)
TAKEN = "2019:07:14 18:30:15"


def facts(
    folder: Path,
    *,
    name: str = "a.jpg",
    main: dict[int, Any] | None = None,
    photo: dict[int, Any] | None = None,
    gps: dict[int, Any] | None = None,
    sidecars: dict[str, bytes] | None = None,
    **options: Any,
) -> CaptureFacts:
    """The facts of a small JPEG with the given metadata."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(quadrants(32, 24), exif=exif_block(main, photo, gps), **options))
    os.utime(path, (MTIME.timestamp(), MTIME.timestamp()))
    paths = []
    for sidecar, content in (sidecars or {}).items():
        paths.append(folder / sidecar)
        paths[-1].write_bytes(content)
    return decode_photo(path, paths, default_zone=BERLIN).facts


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(f"{text}{zone}")


def test_a_recorded_zone(tmp_path: Path) -> None:
    found = facts(tmp_path, photo={0x9003: TAKEN, 0x9291: "25", 0x9011: "+05:30"})
    assert found.taken == local("2019-07-14T18:30:15.250000", "+05:30")
    assert found.taken.utcoffset() == timedelta(hours=5.5)
    assert (found.date_source, found.zone_source) == (DateSource.EXIF, ZoneSource.RECORDED)


def test_a_zone_by_satellite_time_beats_the_place(tmp_path: Path) -> None:
    """A camera left on Tokyo's time in Lyon: the satellites know what it was set to."""
    gps = gps_tags(LYON) | {7: (9.0, 30.0, 40.0), 29: "2019:07:14"}
    found = facts(tmp_path, photo={0x9003: TAKEN}, gps=gps)
    assert found.taken == local("2019-07-14T18:30:15", "+09:00")
    assert found.zone_source is ZoneSource.GPS_TIME


@pytest.mark.parametrize("clock", [(9.0, 41.0, 0.0), (2.0, 30.0, 15.0)])
def test_a_stale_satellite_time_is_not_believed(tmp_path: Path, clock: tuple[float, float, float]) -> None:
    """11 minutes off, and an offset of +16:00, which no place has."""
    found = facts(tmp_path, photo={0x9003: TAKEN}, gps=gps_tags(LYON) | {7: clock, 29: "2019:07:14"})
    assert found.taken == local("2019-07-14T18:30:15", "+02:00")
    assert found.zone_source is ZoneSource.GPS_PLACE


@pytest.mark.parametrize(
    ("point", "offset"),
    [(LYON, 2), (GeoPoint(27.7172, 85.324), 5.75), (GeoPoint(64.1466, -21.9426), 0), (GeoPoint(-33.9249, 18.4241), 2)],
)
def test_a_zone_by_place_knows_summer_time(tmp_path: Path, point: GeoPoint, offset: float) -> None:
    found = facts(tmp_path, photo={0x9003: TAKEN}, gps=gps_tags(point))
    assert found.taken.utcoffset() == timedelta(hours=offset)
    assert found.taken.replace(tzinfo=None) == datetime(2019, 7, 14, 18, 30, 15)
    assert found.zone_source is ZoneSource.GPS_PLACE


def test_without_any_clue_the_default_zone_is_assumed(tmp_path: Path) -> None:
    found = facts(tmp_path, photo={0x9003: TAKEN})
    assert found.taken == local("2019-07-14T18:30:15", "+02:00")
    assert found.zone_source is ZoneSource.ASSUMED


def test_the_zone_that_xmp_gives_the_same_moment(tmp_path: Path) -> None:
    packet = xmp_packet('photoshop:DateCreated="2019-07-14T18:30:15-03:00"')
    found = facts(tmp_path, photo={0x9003: TAKEN}, xmp=packet)
    assert found.taken == local("2019-07-14T18:30:15", "-03:00")
    assert (found.date_source, found.zone_source) == (DateSource.EXIF, ZoneSource.RECORDED)


TAKEOUT = {"photoTakenTime": {"timestamp": "1563121815"}}  # 2019-07-14T16:30:15Z


@pytest.mark.parametrize(
    ("arguments", "source", "taken"),
    [
        ({"photo": {0x9003: TAKEN, 0x9004: "2020:01:01 01:01:01"}}, DateSource.EXIF, "2019-07-14T18:30:15"),
        ({"photo": {0x9003: "0000:00:00 00:00:00", 0x9004: TAKEN}}, DateSource.EXIF, "2019-07-14T18:30:15"),
        ({"photo": {0x9003: "1970:01:01 00:00:00"}}, DateSource.FILE_TIME, "2024-03-02T11:00:00"),
        ({"main": {0x0132: TAKEN}}, DateSource.FILE_TIME, "2019-07-14T18:30:15"),
        ({"gps": {7: (16.0, 30.0, 15.0), 29: "2019:07:14"}}, DateSource.EXIF, "2019-07-14T18:30:15"),
        ({"xmp": xmp_packet('xmp:CreateDate="2018-02-03T04:05:06"')}, DateSource.XMP, "2018-02-03T04:05:06"),
        ({"sidecars": {"a.jpg.json": json.dumps(TAKEOUT).encode()}}, DateSource.TAKEOUT, "2019-07-14T18:30:15"),
        ({"name": "IMG_20170102_030405.jpg"}, DateSource.FILE_NAME, "2017-01-02T03:04:05"),
        ({"name": "PXL_20170102_030405000.jpg"}, DateSource.FILE_NAME, "2017-01-02T04:04:05"),
        ({"name": "2016/08/a.jpg"}, DateSource.FOLDER, "2016-08-01T12:00:00"),
        ({"name": "2024-03 Ski/a.jpg"}, DateSource.FOLDER, "2024-03-02T11:00:00"),
        ({}, DateSource.FILE_TIME, "2024-03-02T11:00:00"),
    ],
)
def test_the_order_of_dates(tmp_path: Path, arguments: dict[str, Any], source: DateSource, taken: str) -> None:
    found = facts(tmp_path / "x", **arguments) if "sidecars" not in arguments else facts(tmp_path, **arguments)
    assert (found.date_source, found.taken.replace(tzinfo=None).isoformat()) == (source, taken)


def test_a_sidecar_corrects_the_cameras_clock(tmp_path: Path) -> None:
    sidecar = xmp_packet('exif:DateTimeOriginal="2019-08-01T10:00:00+02:00"')
    found = facts(tmp_path, photo={0x9003: TAKEN}, sidecars={"a.jpg.xmp": sidecar})
    assert found.taken == local("2019-08-01T10:00:00", "+02:00")
    assert found.date_source is DateSource.XMP


@given(points, moments)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_exif_round_trip(tmp_path: Path, point: GeoPoint, moment: datetime) -> None:
    photo = {0x9003: moment.strftime("%Y:%m:%d %H:%M:%S"), 0x9011: "-07:00", 0x829A: 0.01, 0x8827: 400, 0x829D: 2.8}
    main = {0x010F: "Maker", 0x0110: "Model 5", 0x4746: 4}
    found = facts(tmp_path, main=main, photo=photo, gps=gps_tags(point))
    assert found.gps is not None
    assert found.gps.latitude == pytest.approx(point.latitude, abs=1e-6)
    assert found.gps.longitude == pytest.approx(point.longitude, abs=1e-6)
    if point.altitude_m is not None:
        assert found.gps.altitude_m == pytest.approx(point.altitude_m, abs=0.01)
    assert found.taken.replace(tzinfo=None) == moment.replace(microsecond=0)
    assert (found.camera_make, found.camera_model, found.rating, found.iso) == ("Maker", "Model 5", 4, 400)
    assert (found.exposure_s, found.f_number) == (pytest.approx(0.01), pytest.approx(2.8))


@pytest.mark.parametrize(
    "gps",
    [
        {},
        gps_tags(GeoPoint(0.0, 0.0)),
        gps_tags(GeoPoint(45.0, 4.0)) | {1: "X"},
        {key: value for key, value in gps_tags(GeoPoint(45.0, 4.0)).items() if key != 3},
        gps_tags(GeoPoint(45.0, 4.0)) | {2: (95.0, 0.0, 0.0)},
        gps_tags(GeoPoint(45.0, 4.0)) | {4: (181.0, 0.0, 0.0)},
    ],
)
def test_what_is_no_position(tmp_path: Path, gps: dict[int, Any]) -> None:
    assert facts(tmp_path, gps=gps).gps is None


FACES = """<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag>
<rdf:li><rdf:Description mwg-rs:Name="Ada" mwg-rs:Type="Face">
<mwg-rs:Area stArea:x="0.25" stArea:y="0.5" stArea:w="0.1" stArea:h="0.2"/></rdf:Description></rdf:li>
<rdf:li rdf:parseType="Resource"><mwg-rs:Name>Bo</mwg-rs:Name><mwg-rs:Type>Face</mwg-rs:Type>
<mwg-rs:Area rdf:parseType="Resource"><stArea:x>0.9</stArea:x><stArea:y>0.1</stArea:y><stArea:w>0.4</stArea:w>
<stArea:h>0.1</stArea:h></mwg-rs:Area></rdf:li>
<rdf:li rdf:parseType="Resource"><mwg-rs:Name>Rex</mwg-rs:Name><mwg-rs:Type>Pet</mwg-rs:Type></rdf:li>
</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>
<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag>
<rdf:li MPReg:PersonDisplayName="Cleo" MPReg:Rectangle="0.1, 0.2, 0.3, 0.4"/>
<rdf:li MPReg:PersonDisplayName="Ada" MPReg:Rectangle="0, 0, 1, 1"/></rdf:Bag></MPRI:Regions></MP:RegionInfo>"""


def test_faces_of_every_dialect() -> None:
    people = {person.name: person.box for person in read_xmp(xmp_packet(elements=FACES)).people}
    assert people == {
        "Ada": pytest.approx((0.2, 0.4, 0.3, 0.6)),
        "Bo": pytest.approx((0.7, 0.05, 1.0, 0.15)),
        "Cleo": pytest.approx((0.1, 0.2, 0.4, 0.6)),
    }


def test_a_named_pet_is_a_keyword_and_nobody() -> None:
    assert read_xmp(xmp_packet(elements=FACES)).keywords == ("Rex", "Pets/Rex")


@given(boxes(), st.sampled_from(ORIENTATIONS))
def test_boxes_turn_with_their_picture(box: Box, orientation: int) -> None:
    width, height = 40, 30
    left, top, right, bottom = (round(value * size) for value, size in zip(box, (width, height) * 2, strict=True))
    if left == right or top == bottom:
        return
    pixels = np.zeros((height, width), np.uint8)
    pixels[top:bottom, left:right] = 255
    turned = turn_upright(Image.fromarray(pixels), orientation)
    moved = upright_box((left / width, top / height, right / width, bottom / height), orientation)
    scaled = [value * size for value, size in zip(moved, turned.size * 2, strict=True)]
    assert turned.getbbox() == tuple(pytest.approx(value) for value in scaled)


def bag(name: str, *words: str) -> str:
    return f"<{name}><rdf:Bag>{''.join(f'<rdf:li>{word}</rdf:li>' for word in words)}</rdf:Bag></{name}>"


def test_keywords_keep_leaf_and_path() -> None:
    packet = xmp_packet(
        elements=bag("dc:subject", "Lyon", "bridge")
        + bag("lr:hierarchicalSubject", "Places|France|Lyon", "bridge")
        + bag("digiKam:TagsList", "People/Ada")
    )
    assert read_xmp(packet).keywords == ("Lyon", "bridge", "Ada", "Places/France/Lyon", "People/Ada")


def test_a_sidecars_words_win_over_the_embedded_ones(tmp_path: Path) -> None:
    embedded = xmp_packet('xmp:Rating="2"', bag("dc:subject", "old") + bag("dc:title", "Old title"))
    sidecar = xmp_packet('xmp:Rating="5"', bag("dc:subject", "new"))
    found = facts(tmp_path, main={0x010E: "from EXIF"}, xmp=embedded, sidecars={"a.jpg.xmp": sidecar})
    assert (found.rating, found.keywords, found.title, found.caption) == (5, ("new",), "Old title", "from EXIF")


def test_what_cameras_write_is_no_caption(tmp_path: Path) -> None:
    assert facts(tmp_path, main={0x010E: "OLYMPUS DIGITAL CAMERA         "}).caption is None


@pytest.mark.parametrize(
    ("percent", "stars"), [(0, 0), (1, 1), (25, 2), (50, 3), (75, 4), (99, 5), (100, 5), (-1, None)]
)
def test_windows_rates_in_percent(percent: int, stars: int | None) -> None:
    assert as_rating_from_percent(percent) == stars


def test_takeout() -> None:
    entry = TAKEOUT | {
        "description": "On the bridge",
        "favorited": True,
        "geoData": {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0},
        "geoDataExif": {"latitude": 45.5, "longitude": 4.5, "altitude": 170.0},
        "people": [{"name": "Ada"}, {"name": "ada"}, "rubbish"],
    }
    found = read_takeout(json.dumps(entry).encode())
    assert found.gps == GeoPoint(45.5, 4.5, 170.0)
    assert (found.caption, found.rating, [person.name for person in found.people]) == ("On the bridge", 5, ["Ada"])


def apple_note(strings: dict[int, bytes]) -> bytes:
    """A maker note of Apple's: header, directory, strings."""
    start = 14 + 2 + 12 * len(strings) + 4
    directory, heap = struct.pack(">H", len(strings)), b""
    for tag, text in strings.items():
        directory += struct.pack(">HHII", tag, 2, len(text) + 1, start + len(heap))
        heap += text + b"\0"
    return b"Apple iOS\0\0\x01MM" + directory + bytes(4) + heap


def test_apples_bursts_and_live_photos(tmp_path: Path) -> None:
    note = apple_note({0x000B: b"BURST-UUID", 0x0011: b"CONTENT-UUID"})
    found = facts(tmp_path, photo={0x927C: note})
    assert (found.burst_id, found.content_identifier) == ("BURST-UUID", "CONTENT-UUID")
    cut = facts(tmp_path, photo={0x927C: note[:30]})
    assert cut.content_identifier is None


def test_motion_photos_need_their_video(tmp_path: Path) -> None:
    packet = xmp_packet('GCamera:MotionPhoto="1"')
    content = encoded(quadrants(32, 24), xmp=packet)
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert not decode_photo(path).facts.has_embedded_video
    path.write_bytes(content + b"\0\0\0\x18ftypmp42 and so on")
    assert decode_photo(path).facts.has_embedded_video


@pytest.mark.parametrize("bomb", ['<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "<a", "\0\0", "<a>" * 5000])
def test_hostile_xmp_says_nothing(bomb: str) -> None:
    assert read_xmp(bomb.encode()) == read_xmp(b"")


@given(st.binary(max_size=300))
def test_any_bytes_are_borne(content: bytes) -> None:
    read_xmp(content)
    read_takeout(content)
    read_xmp(xmp_packet('xmp:Rating="3"').replace(b"xmp:Rating", content))
    text = clean_text(content)
    assert text is None or (text.strip() and "\0" not in text)


ATOMS = st.none() | st.booleans() | st.floats() | st.text(max_size=9)


@given(st.recursive(ATOMS, lambda some: st.lists(some) | st.dictionaries(st.text(max_size=9), some), max_leaves=6))
def test_any_json_is_borne(value: Any) -> None:
    fields = ("geoData", "people", "description", "favorited", "geoDataExif")
    read_takeout(json.dumps({"photoTakenTime": {"timestamp": value}} | dict.fromkeys(fields, value)).encode())
    read_takeout(json.dumps({"photoTakenTime": value}).encode())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"Caf\xc3\xa9", "Café"),
        (b"Caf\xe9", "Café"),
        ("CafÃ©", "Café"),
        ("a\0b", "a"),
        ("  two   words \r\n next ", "two words\nnext"),
        (b"\xff\xfea\0b\0", "ab"),
        ((67, 97, 102), "Caf"),
        ("\x01\x02", None),
        (None, None),
        (12, None),
    ],
)
def test_strings_of_any_encoding(value: Any, text: str | None) -> None:
    assert clean_text(value) == text


def test_words_are_counted_once() -> None:
    assert clean_words(["Dog", "dog ", "", None, "cat"]) == ("Dog", "cat")
    assert len(clean_words(str(number) for number in range(1000))) == 256
