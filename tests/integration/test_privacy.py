"""Nothing leaves the machine, nobody else reads the library, and nothing is written among the photos."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from photos_engine.library import Library

# Loaded by every Python process that finds it first: the engine's, and its decoding processes.
NO_NETWORK = """
import sys
def forbid(event, arguments):
    if event.startswith("socket.") or event in ("urllib.Request", "http.client.connect", "ftplib.connect"):
        with open({told!r}, "a") as file:
            file.write(event + "\\n")
        raise RuntimeError(event)
sys.addaudithook(forbid)
with open({started!r}, "a") as file:
    file.write(" ".join(sys.argv) + "\\n")
"""
LIFE = """
import sys
from datetime import date
from photos_engine import PhotosEngine
with PhotosEngine.open(sys.argv[1], decode_workers=1) as engine:
    report = engine.index([sys.argv[2]])
    assert report.analysed == 4, report
    engine.search("a flower on the table")
    engine.memories(on=date.today())
    engine.featured(), engine.duplicates(), engine.wallpapers(), engine.check(repair=True), engine.graph
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, pixels in enumerate(load_sample_images().images):
        for part, columns in enumerate(np.array_split(pixels, 2, axis=1)):
            exif = Image.Exif()
            exif.get_ifd(0x8769).update({0x9003: f"2023:07:0{number + 1} 1{part}:00:00"})
            exif.get_ifd(0x8825).update({1: "N", 2: (38.0, 43.0, 0.0), 3: "W", 4: (9.0, 8.0, 0.0)})
            Image.fromarray(columns).save(folder / f"IMG_{number}{part}.jpg", exif=exif)
    return folder


def test_a_whole_life_needs_no_socket_and_touches_no_photo(photos: Path, tmp_path: Path) -> None:
    told, started, forbidding = tmp_path / "told", tmp_path / "started", tmp_path / "forbidding"
    forbidding.mkdir()
    (forbidding / "sitecustomize.py").write_text(NO_NETWORK.format(told=str(told), started=str(started)))
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in photos.iterdir()}
    path = os.pathsep.join(filter(None, (str(forbidding), os.environ.get("PYTHONPATH", ""))))
    done = subprocess.run(
        [sys.executable, "-c", LIFE, str(tmp_path / "library"), str(photos)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    assert not told.exists()
    assert len(started.read_text().splitlines()) >= 2  # the decoding process was watched as well
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in photos.iterdir()} == before


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize("is_there", [False, True])
def test_a_new_library_is_its_owner_s_alone(tmp_path: Path, *, is_there: bool) -> None:
    folder = tmp_path / "above" / "library"
    if is_there:
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    Library.open(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_folder_with_other_things_in_it_keeps_its_rights(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "letter.txt").touch()
    Library.open(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


@pytest.mark.parametrize("kind", ["text", "json"])
@pytest.mark.parametrize("may", ["yes", "no"])
def test_a_log_can_leave_out_paths(tmp_path: Path, may: str, kind: str) -> None:
    """By a warning that names the library's folder: a backup that can't be read."""
    library = tmp_path / "very private"
    library.mkdir()
    (library / "decisions.json").write_bytes(b"damaged")
    environment = {**os.environ, "PHOTOS_ENGINE_LOG_PATHS": may, "PHOTOS_ENGINE_LOG_FORMAT": kind}
    command = [sys.executable, "-m", "photos_engine", "--library", str(library), "status", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert json.loads(done.stdout)["library"] == str(library)  # the answer is no log
    message = json.loads(done.stderr)["message"] if kind == "json" else done.stderr
    assert "the backup" in message
    assert ("very private" in done.stderr) is (may == "yes")
