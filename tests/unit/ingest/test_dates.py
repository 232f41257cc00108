from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import fixed_zones, moments

from photos_engine.ingest.dates import date_in_name, parse_offset, parse_timestamp
from photos_engine.periods import is_plausible, period_in_folders


@given(moments, st.none() | fixed_zones)
def test_timestamps_survive_being_written_in_any_dialect(moment: datetime, offset: timedelta | None) -> None:
    zone = None if offset is None else timezone(offset)
    aware = moment.replace(tzinfo=zone)
    exif = parse_timestamp(moment.strftime("%Y:%m:%d %H:%M:%S"), f"{moment.microsecond:06}")
    assert exif is not None
    assert exif.local == moment
    iso = parse_timestamp(aware.isoformat())
    assert iso is not None
    assert (iso.local, iso.zone) == (moment, zone)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "1970:01:01 00:00:00",
        "1601:06:06 16:39:33",
        "2020:13:01 00:00:00",
        "2020:02:30 10:00:00",
        "9999:12:31 23:59:59",
        "1904:01:01 00:00:00",
        "2023:06:07 24:00:61",
        "yesterday",
        "2020",
    ],
)
def test_rubbish_is_no_date(text: str) -> None:
    assert parse_timestamp(text) is None


def test_tomorrow_is_a_clock_that_runs_ahead_and_next_week_is_rubbish() -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    assert is_plausible(now + timedelta(hours=20))
    assert not is_plausible(now + timedelta(days=7))


@given(fixed_zones, st.booleans())
def test_offsets(offset: timedelta, has_colon: bool) -> None:
    text = datetime(2020, 1, 1, tzinfo=timezone(offset)).strftime("%z")
    zone = parse_offset(text[:3] + ":" + text[3:5] if has_colon else text)
    assert zone == timezone(offset)


@pytest.mark.parametrize("text", [None, "", "Z", "+25:00", "2", "+1:2:3", "\x00\x00"])
def test_no_offsets(text: str | None) -> None:
    assert parse_offset(text) is None


DAY, NOON = datetime(2023, 5, 14), datetime(2023, 5, 14, 12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("IMG_20230514_123456.jpg", DAY.replace(hour=12, minute=34, second=56)),
        ("IMG_20230514_123456_789.jpg", DAY.replace(hour=12, minute=34, second=56, microsecond=789_000)),
        ("20230514_123456.jpg", DAY.replace(hour=12, minute=34, second=56)),
        ("20230514_123456(0).jpg", DAY.replace(hour=12, minute=34, second=56)),
        ("2023-05-14 12.34.56.jpg", DAY.replace(hour=12, minute=34, second=56)),
        ("2023-05-14 12.34.56-1.jpg", DAY.replace(hour=12, minute=34, second=56)),
        ("Screenshot_20230514-123456_Maps.png", DAY.replace(hour=12, minute=34, second=56)),
        ("Screenshot 2023-05-14 at 12.34.56.png", DAY.replace(hour=12, minute=34, second=56)),
        ("Screenshot 2023-05-14 at 1.34.56 PM.png", DAY.replace(hour=13, minute=34, second=56)),
        ("Screenshot 2023-05-14 at 12.34.56\u202fAM.png", DAY.replace(hour=0, minute=34, second=56)),
        ("Screenshot_2023-05-14-12-34-56.png", DAY.replace(hour=12, minute=34, second=56)),
        ("signal-2023-05-14-123456.jpg", DAY.replace(hour=12, minute=34, second=56)),
        ("signal-2023-05-14-12-34-56-789.jpg", DAY.replace(hour=12, minute=34, second=56, microsecond=789_000)),
        ("WIN_20230514_12_34_56_Pro.jpg", DAY.replace(hour=12, minute=34, second=56)),
        ("photo_2023-05-14_12-34-56.jpg", DAY.replace(hour=12, minute=34, second=56)),
        ("2023-05-14T12:34:56.jpg", DAY.replace(hour=12, minute=34, second=56)),
        ("IMG-20230514-WA0001.jpg", NOON),
        ("WhatsApp Image 2023-05-14 at 12.34.56.jpeg", DAY.replace(hour=12, minute=34, second=56)),
        ("2023-05-14.jpg", NOON),
        ("Photo 14-05-2023.jpg", NOON),
        ("14.05.2023 Garten.jpg", NOON),
        ("IMG_0001.jpg", None),
        ("DSC_20231.jpg", None),
        ("received_1234567890123456.jpeg", None),
        ("99999999_999999.jpg", None),
        ("20231345_123456.jpg", None),
        ("c20230514123456789012345.jpg", None),
    ],
)
def test_names_of_cameras_and_programs(name: str, expected: datetime | None) -> None:
    found = date_in_name(name)
    assert (found and found.local) == expected
    assert found is None or not found.is_utc


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("PXL_20230514_123456789.jpg", DAY.replace(hour=12, minute=34, second=56, microsecond=789_000)),
        ("FB_IMG_1684067696000.jpg", DAY.replace(hour=12, minute=34, second=56)),
        ("mmexport1684067696000.jpg", DAY.replace(hour=12, minute=34, second=56)),
        ("1684067696000.jpg", DAY.replace(hour=12, minute=34, second=56)),
    ],
)
def test_names_that_speak_utc(name: str, expected: datetime) -> None:
    found = date_in_name(name)
    assert found is not None
    assert (found.local, found.is_utc) == (expected, True)


@given(st.text(max_size=60))
def test_any_name_is_borne(name: str) -> None:
    date_in_name(name)
    period_in_folders(PurePath("a") / name.replace("/", "") / "b.jpg")


@pytest.mark.parametrize(
    ("folder", "first", "days"),
    [
        ("2023/05/14", DAY, 1),
        ("2023-05-14 Birthday", DAY, 1),
        ("20230514", DAY, 1),
        ("2023/2023-05/2023-05-14", DAY, 1),
        ("2023/05", datetime(2023, 5, 1), 31),
        ("2023-05 Holiday", datetime(2023, 5, 1), 31),
        ("2023_05", datetime(2023, 5, 1), 31),
        ("2023/05 May/14", DAY, 1),
        ("Photos from 2023", datetime(2023, 1, 1), 365),
        ("Summer 2023/best", datetime(2023, 1, 1), 365),
    ],
)
def test_folders(folder: str, first: datetime, days: int) -> None:
    period = period_in_folders(PurePath("/home/me/Pictures") / folder / "a.jpg")
    assert period is not None
    assert (period.first, period.end - period.first) == (first, timedelta(days=days))


@pytest.mark.parametrize("folder", ["Holiday", "100CANON", "2023/13", "IMG_12345678", "3021"])
def test_folders_without_a_date(folder: str) -> None:
    period = period_in_folders(PurePath("/pictures") / folder / "a.jpg")
    assert period is None or folder == "2023/13"
