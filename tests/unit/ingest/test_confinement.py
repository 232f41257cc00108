"""What a confined process still can do: read, think, and write to what it holds open."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")

# Tries everything on a picture and a folder, and tells what was refused, by the number of the error.
ATTEMPTS = """
import json, os, signal, socket, subprocess, sys, threading
from pathlib import Path
from photos_engine.ingest.confinement import confine

picture, parent = Path(sys.argv[1]), os.getppid()
attempts = {
    "read": lambda: picture.read_bytes(),
    "list": lambda: os.listdir(picture.parent),
    "thread": lambda: threading.Thread(target=print, args=("",)).start(),
    "write": lambda: picture.open("r+b"),
    "truncate": lambda: os.truncate(picture, 0),
    "make": lambda: picture.with_name("new").touch(),
    "make a folder": lambda: picture.with_name("folder").mkdir(),
    "rename": lambda: picture.rename(picture.with_name("other.jpg")),
    "link": lambda: os.link(picture, picture.with_name("other.jpg")),
    "remove": lambda: picture.unlink(),
    "change rights": lambda: picture.chmod(0o777),
    "change times": lambda: os.utime(picture, (0, 0)),
    "talk": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "talk here": lambda: socket.socket(socket.AF_UNIX),
    "start a program": lambda: os.execv("/bin/true", ["true"]),
    "signal": lambda: os.kill(parent, 0),
}
mechanisms, refused = confine(), {}
for name, attempt in attempts.items():
    try:
        attempt()
    except OSError as error:
        refused[name] = error.errno
os.write(1, json.dumps([mechanisms, sorted(refused)]).encode())
"""


def test_a_confined_process_can_read_and_nothing_else(tmp_path: Path) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"picture")
    before = picture.stat()
    done = subprocess.run([sys.executable, "-c", ATTEMPTS, str(picture)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    mechanisms, refused = json.loads(done.stdout)
    of_paths = {"write", "truncate", "make", "make a folder", "rename", "link", "remove", "start a program"}
    of_calls = {"change rights", "change times", "talk", "talk here", "signal", "start a program"}
    if set(mechanisms) != {"landlock", "seccomp"}:
        pytest.skip(f"this kernel offers {mechanisms or 'neither'}")
    assert set(refused) == of_paths | of_calls
    assert picture.read_bytes() == b"picture"
    assert (picture.stat().st_mode, picture.stat().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
