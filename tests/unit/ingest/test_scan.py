from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import encoded, quadrants

from photos_engine.ingest import Change, ScanResult, scan
from photos_engine.ingest.formats import extension_of, weigh
from photos_engine.ingest.scan import ENGINE_FILES
from photos_engine.ingest.sidecars import Companions
from photos_engine.library import LOCK_NAME
from photos_engine.store.store import DATABASE_NAME
from photos_engine.types import FileStamp

JPEG = encoded(quadrants(16, 16))
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX file system")


def put(path: Path, content: bytes = JPEG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def known_from(result: ScanResult) -> dict[str, FileStamp]:
    return {str(photo.path): photo.stamp for photo in result.photos}


def names(result: ScanResult) -> list[str]:
    return [photo.path.name for photo in result.photos]


def test_finds_photos_and_passes_over_the_rest(tmp_path: Path) -> None:
    for name in ("b.JPG", "a/x.heic", "notes.txt", "a/.hidden.jpg", ".cache/t.jpg", "@eaDir/t.jpg", "film.mp4"):
        put(tmp_path / name)
    result = scan([tmp_path], {})
    assert names(result) == ["b.JPG", "x.heic"]
    assert result.videos == (tmp_path / "film.mp4",)
    assert not result.problems
    assert not result.gone


def test_scanning_twice_finds_nothing_new(tmp_path: Path) -> None:
    for number in range(5):
        put(tmp_path / f"{number % 2}" / f"{number}.jpg")
    known = known_from(scan([tmp_path], {}))
    again = scan([tmp_path], known)
    assert {photo.change for photo in again.photos} == {Change.UNCHANGED}
    assert known_from(again) == known
    assert not again.gone


def test_tells_new_changed_unchanged_and_gone(tmp_path: Path) -> None:
    kept, edited, removed = (put(tmp_path / name) for name in ("kept.jpg", "edited.jpg", "removed.jpg"))
    known = known_from(scan([tmp_path], {}))
    edited.write_bytes(JPEG + b"more")
    removed.unlink()
    put(tmp_path / "new.jpg")
    result = scan([tmp_path], known)
    assert {photo.path.name: photo.change for photo in result.photos} == {
        kept.name: Change.UNCHANGED,
        edited.name: Change.CHANGED,
        "new.jpg": Change.NEW,
    }
    assert result.gone == (str(removed),)


@pytest.mark.parametrize("name", ["a.jpg.xmp", "a.xmp", "a.jpg.json", "a.XMP"])
def test_a_sidecar_that_comes_or_changes_or_goes_changes_the_photo(tmp_path: Path, name: str) -> None:
    put(tmp_path / "a.jpg")
    before = known_from(scan([tmp_path], {}))
    sidecar = put(tmp_path / name, b"{}")
    (with_it,) = scan([tmp_path], before).photos
    assert with_it.change is Change.CHANGED
    assert with_it.sidecars == (sidecar,)
    os.utime(sidecar, ns=(1, 1))
    (edited,) = scan([tmp_path], {str(with_it.path): with_it.stamp}).photos
    assert edited.change is Change.CHANGED
    sidecar.unlink()
    (without,) = scan([tmp_path], {str(edited.path): edited.stamp}).photos
    assert without.change is Change.CHANGED
    assert without.stamp == before[str(tmp_path / "a.jpg")]


def test_a_missing_root_is_a_problem_and_nothing_is_gone(tmp_path: Path) -> None:
    photo = put(tmp_path / "drive" / "a.jpg")
    known = known_from(scan([tmp_path / "drive"], {}))
    photo.unlink()
    photo.parent.rmdir()
    result = scan([tmp_path / "drive"], known)
    assert result.gone == ()
    assert [(Path(problem.path), problem.code) for problem in result.problems] == [(tmp_path / "drive", "unreadable")]


def test_a_root_that_is_suddenly_empty_is_an_unmounted_drive(tmp_path: Path) -> None:
    photo = put(tmp_path / "a.jpg")
    known = known_from(scan([tmp_path], {}))
    photo.unlink()
    result = scan([tmp_path], known)
    assert result.gone == ()
    assert "drive" in result.problems[0].reason
    put(tmp_path / "b.jpg")
    assert scan([tmp_path], known).gone == (str(photo),)


def test_an_empty_root_that_never_had_photos_is_no_problem(tmp_path: Path) -> None:
    assert scan([tmp_path], {"/elsewhere/a.jpg": FileStamp(1, 2, 3)}) == ScanResult((), (), (), ())


def test_nothing_is_gone_below_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "open.jpg")
    put(tmp_path / "closed" / "deep" / "a.jpg")
    known = known_from(scan([tmp_path], {}))
    list_folder = os.scandir

    def list_unless_closed(path: str) -> object:
        if path == str(tmp_path / "closed"):
            raise PermissionError(13, "Permission denied")
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", list_unless_closed)
    result = scan([tmp_path], known)
    assert result.gone == ()
    assert names(result) == ["open.jpg"]
    assert [problem.path for problem in result.problems] == [str(tmp_path / "closed")]
    assert result.problems[0].reason == "the folder can't be listed: permission denied"


def test_gone_is_only_said_of_the_roots_that_were_scanned(tmp_path: Path) -> None:
    put(tmp_path / "a" / "1.jpg")
    put(tmp_path / "ab" / "2.jpg").unlink()
    known = {str(tmp_path / "ab" / "2.jpg"): FileStamp(1, 1), str(tmp_path / "a" / "0.jpg"): FileStamp(1, 1)}
    assert scan([tmp_path / "a"], known).gone == (str(tmp_path / "a" / "0.jpg"),)


def test_overlapping_roots_count_once(tmp_path: Path) -> None:
    photo = put(tmp_path / "in" / "a.jpg")
    assert names(scan([tmp_path, photo.parent, photo, tmp_path], {})) == ["a.jpg"]
    assert not scan([tmp_path, tmp_path], known_from(scan([tmp_path], {}))).problems


def test_a_single_file_can_be_a_root_and_brings_its_sidecar(tmp_path: Path) -> None:
    photo, sidecar = put(tmp_path / "a.jpg"), put(tmp_path / "a.jpg.xmp")
    put(tmp_path / "b.jpg")
    (found,) = scan([photo], {}).photos
    assert found.path == photo
    assert found.sidecars == (sidecar,)


def test_files_as_roots_list_their_folder_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = [put(tmp_path / folder / f"{number}.jpg") for folder in "ab" for number in range(20)]
    put(tmp_path / "a" / "unwanted.jpg")
    list_folder, listed = os.scandir, []

    def list_and_count(path: str) -> object:
        listed.append(path)
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", list_and_count)
    assert sorted(photo.path for photo in scan(photos, {}).photos) == sorted(photos)
    assert listed == [str(tmp_path / "a"), str(tmp_path / "b")]


def test_a_missing_file_is_gone_if_its_folder_can_be_listed(tmp_path: Path) -> None:
    kept, removed = put(tmp_path / "in" / "kept.jpg"), put(tmp_path / "in" / "removed.jpg")
    known = known_from(scan([kept, removed], {}))
    removed.unlink()
    result = scan([kept, removed], known)
    assert result.gone == (str(removed),)
    assert not result.problems
    assert [problem.path for problem in scan([removed], {}).problems] == [str(removed)]
    kept.unlink()
    kept.parent.rmdir()
    unplugged = scan([kept, removed], known)
    assert unplugged.gone == ()
    assert [problem.path for problem in unplugged.problems] == [str(kept.parent)]


@posix
def test_a_library_is_passed_over_by_whatever_link_it_is_reached(tmp_path: Path) -> None:
    put(tmp_path / "real" / "a.jpg")
    put(tmp_path / "real" / "library" / "thumbnails" / "t.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    own = [tmp_path / "real" / "library", tmp_path / "not made yet"]
    assert names(scan([tmp_path / "link"], {}, passed_over=own)) == ["a.jpg"]
    assert names(scan([tmp_path / "real"], {}, passed_over=[tmp_path / "link" / "library"])) == ["a.jpg"]


def test_libraries_of_other_engines_are_passed_over(tmp_path: Path) -> None:
    assert {DATABASE_NAME, LOCK_NAME} == ENGINE_FILES
    put(tmp_path / "a.jpg")
    put(tmp_path / "locked" / "b.jpg")
    put(tmp_path / "locked" / LOCK_NAME, b"")
    put(tmp_path / "other" / "thumbnails" / "t.jpg")
    for name in ENGINE_FILES:
        put(tmp_path / "other" / name, b"")
    assert names(scan([tmp_path], {})) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("is_own", [True, False])
def test_a_root_that_is_a_library_is_a_problem_and_nothing_is_gone(tmp_path: Path, *, is_own: bool) -> None:
    photo = put(tmp_path / "a.jpg")
    known = known_from(scan([tmp_path], {}))
    for name in ENGINE_FILES:
        put(tmp_path / name, b"")
    photo.unlink()
    result = scan([tmp_path, tmp_path], known, passed_over=[tmp_path] if is_own else [])
    assert (result.photos, result.gone) == ((), ())
    assert "library" in result.problems[0].reason


@posix
def test_links_pipes_and_sockets_neither_hang_nor_loop(tmp_path: Path) -> None:
    target = put(tmp_path / "real" / "a.jpg")
    (tmp_path / "real" / "loop").symlink_to(tmp_path)
    (tmp_path / "link.jpg").symlink_to(target)
    (tmp_path / "dead.jpg").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tmp_path)  # a socket's path must be short
        try:
            server.bind("s.jpg")
        finally:
            os.chdir(here)
        result = scan([tmp_path], {})
    assert sorted(names(result)) == ["a.jpg", "link.jpg"]
    assert sorted(Path(problem.path).name for problem in result.problems) == ["dead.jpg", "pipe.jpg", "s.jpg"]


@posix
def test_names_of_any_bytes(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9 \xff.jpg"
    try:
        Path(os.fsdecode(raw)).write_bytes(JPEG)
    except OSError:
        pytest.skip("the file system insists on UTF-8")
    (found,) = scan([tmp_path], {}).photos
    assert os.fsencode(found.path) == raw


def test_files_without_extension_are_looked_into(tmp_path: Path) -> None:
    put(tmp_path / "IMG_1")
    put(tmp_path / "2023.05.14 at the beach")
    put(tmp_path / "README", b"words")
    put(tmp_path / "a.jpg_original")
    assert names(scan([tmp_path], {})) == ["2023.05.14 at the beach", "IMG_1"]


def test_only_the_originals_of_a_photo_library_are_photos(tmp_path: Path) -> None:
    library = tmp_path / "Photos Library.photoslibrary"
    put(library / "originals" / "A" / "1.heic")
    put(library / "resources" / "derivatives" / "1_small.jpg")
    assert names(scan([tmp_path], {})) == ["1.heic"]


@pytest.mark.parametrize(
    ("photo", "video"),
    [
        ("IMG_1.HEIC", "IMG_1.MOV"),
        ("IMG_1.jpg", "img_1.mp4"),
        ("IMG_7943.HEIC", "IMG_7943_HEVC.MOV"),
        ("PXL_1.MP.jpg", "PXL_1.MP"),
        ("IMG_1.HEIC", "IMG_1.HEIC.MOV"),
    ],
)
def test_live_photos_are_joined_with_their_video(tmp_path: Path, photo: str, video: str) -> None:
    put(tmp_path / photo)
    put(tmp_path / video)
    put(tmp_path / "other.mov")
    result = scan([tmp_path], {})
    assert [found.video for found in result.photos] == [tmp_path / video]
    assert result.videos == (tmp_path / "other.mov",)


@pytest.mark.parametrize(
    ("photo", "sidecar"),
    [
        ("IMG_1.jpg", "IMG_1.jpg.json"),
        ("IMG_1.jpg", "IMG_1.jpg.supplemental-metadata.json"),
        ("IMG_1.jpg", "IMG_1.jpg.supplemental-me.json"),
        ("IMG_1.jpg", "IMG_1.jpg.s.json"),
        ("IMG_1(2).jpg", "IMG_1.jpg(2).json"),
        ("IMG_1(2).jpg", "IMG_1.jpg.supplemental-metadata(2).json"),
        ("IMG_1-edited.jpg", "IMG_1.jpg.supplemental-metadata.json"),
        ("IMG_1-bearbeitet(1).jpg", "IMG_1.jpg(1).json"),
        (f"A_long_name{'_and_on' * 6}.jpg", f"A_long_name{'_and_on' * 5}.json"),
        ("IMG_1.jpg", "IMG_1.json"),
    ],
)
def test_takeout_names(photo: str, sidecar: str) -> None:
    assert Companions([photo, sidecar, "other.jpg.json"]).sidecars_of(photo) == (sidecar,)


@pytest.mark.parametrize(
    ("photo", "sidecar"), [("IMG_1.jpg", "IMG_1.jpg(1).json"), ("IMG_1.jpg", "IMG_10.jpg.json"), ("a.jpg", "b.xmp")]
)
def test_strangers_are_no_sidecars(photo: str, sidecar: str) -> None:
    assert Companions([photo, sidecar]).sidecars_of(photo) == ()


def test_the_most_specific_sidecar_comes_first() -> None:
    present = ["a.jpg.json", "a.xmp", "a.jpg.xmp", "a.jpg"]
    assert Companions(present).sidecars_of("a.jpg") == ("a.jpg.xmp", "a.xmp", "a.jpg.json")


@given(st.text(max_size=40))
def test_any_name_has_an_extension_or_none(name: str) -> None:
    extension = extension_of(name)
    assert extension == "" or name.lower().endswith("." + extension)
    Companions([name, name + ".json", name + ".xmp"]).sidecars_of(name)


def test_files_weigh_as_their_decoding_takes() -> None:
    jpeg, large, heic = weigh("a.JPG", 2_000_000), weigh("a.jpg", 8_000_000), weigh("a.HEIC", 2_000_000)
    assert 10 * jpeg < heic < 30 * jpeg  # measured: 53 ms against 700 to 840
    assert 2 * jpeg < large < 4 * jpeg  # what every photo takes, the model's look, is in it
    assert weigh("a.dng", 25_000_000) < 3 * jpeg
