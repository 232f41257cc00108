"""What a confined process still can do: read, think, and write to what it holds open."""

from __future__ import annotations

import errno
import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from photos_engine.ingest import confinement

# Tries everything on a picture and a folder, and tells what was refused, by the number of the error.
ATTEMPTS = """
import json, os, signal, socket, subprocess, sys, threading
from pathlib import Path
from photos_engine.ingest import confinement

picture, parent = Path(sys.argv[1]), os.getppid()
for lacking in sys.argv[2:]:
    setattr(confinement, lacking, lambda _: False)
attempts = {
    "read": lambda: picture.read_bytes(),
    "list": lambda: os.listdir(picture.parent),
    "thread": lambda: threading.Thread(target=print, args=("",)).start(),
    "write": lambda: picture.open("r+b"),
    "empty": lambda: os.open(picture, os.O_RDONLY | os.O_TRUNC),
    "truncate": lambda: os.truncate(picture, 0),
    "make": lambda: picture.with_name("new").touch(),
    "make a folder": lambda: picture.with_name("folder").mkdir(),
    "make a pipe": lambda: os.mkfifo(picture.with_name("pipe")),
    "rename": lambda: picture.rename(picture.with_name("other.jpg")),
    "link": lambda: os.link(picture, picture.with_name("other.jpg")),
    "point": lambda: os.symlink(picture, picture.with_name("other.jpg")),
    "remove": lambda: picture.unlink(),
    "change rights": lambda: picture.chmod(0o777),
    "change times": lambda: os.utime(picture, (0, 0)),
    "talk": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "talk here": lambda: socket.socket(socket.AF_UNIX),
    "start a program": lambda: os.execv("/bin/true", ["true"]),
    "signal": lambda: os.kill(parent, 0),
}
mechanisms, refused = confinement.confine(), {}
for name, attempt in attempts.items():
    try:
        attempt()
    except OSError as error:
        refused[name] = error.errno
os.write(1, json.dumps([mechanisms, sorted(refused)]).encode())
"""
OF_PATHS = {
    "write", "empty", "truncate", "make", "make a folder", "make a pipe", "rename", "link", "point", "remove",
    "start a program",
}  # fmt: skip
OF_CALLS = {"change rights", "change times", "talk", "talk here", "signal"}


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")
@pytest.mark.parametrize(
    ("lacking", "holding", "refused"),
    [
        ((), {"landlock", "seccomp"}, OF_PATHS | OF_CALLS),
        (("_restrict_paths",), {"seccomp"}, OF_PATHS | OF_CALLS),
        (("_filter_calls",), {"landlock"}, OF_PATHS),
    ],
    ids=["both", "no Landlock", "no seccomp"],
)
def test_a_confined_process_can_read_and_nothing_else(
    tmp_path: Path, lacking: tuple[str, ...], holding: set[str], refused: set[str]
) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"picture")
    before = picture.stat()
    done = subprocess.run([sys.executable, "-c", ATTEMPTS, str(picture), *lacking], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    mechanisms, told = json.loads(done.stdout)
    if set(mechanisms) != holding:
        pytest.skip(f"this kernel offers {mechanisms or 'neither'}")
    assert set(told) >= refused
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]
    if "seccomp" in holding:
        assert set(told) == refused
        assert picture.read_bytes() == b"picture"
        assert (picture.stat().st_mode, picture.stat().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


# --- the filter of each processor, run as the kernel runs it (linux/filter.h) ---

X86, ARM, READ_ONLY = "x86_64", "aarch64", os.O_RDONLY | os.O_CLOEXEC


def verdict(processor: str, number: int, *arguments: int, architecture: int | None = None) -> bool:
    """Whether the filter lets a system call through."""
    own, refused, opening = confinement._CALLS[processor]
    program = [struct.unpack("=HBBI", line) for line in confinement._instructions(own, refused, opening)]
    data = struct.pack("<IIQ6Q", number, architecture or own, 0, *arguments, *(0,) * (6 - len(arguments)))
    at, word = 0, 0
    while True:
        code, if_true, if_false, value = program[at]
        if code == 0x06:
            assert value in (0x7FFF_0000, 0x0005_0000 | errno.EPERM)
            return bool(value == 0x7FFF_0000)
        if code == 0x20:
            (word,) = struct.unpack_from("<I", data, value)
            at += 1
        else:
            holds = {0x15: word == value, 0x35: word >= value, 0x45: bool(word & value)}[code]
            at += 1 + (if_true if holds else if_false)


@pytest.mark.parametrize("processor", [X86, ARM])
def test_just_what_is_listed_is_refused(processor: str) -> None:
    own, refused, opening = confinement._CALLS[processor]
    assert {n for n in range(600) if not verdict(processor, n)} == set(refused.values())
    for number, place in opening.values():
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC, 0x400000):
            assert not verdict(processor, number, *(0,) * place, flags | os.O_CLOEXEC)
        assert verdict(processor, number, *(0,) * place, READ_ONLY)
        assert verdict(processor, number, *(os.O_RDWR,) * place, READ_ONLY), "another argument is no flag"
    assert not verdict(processor, 0, architecture=own ^ 1), "another architecture's calls have other numbers"
    assert not verdict(processor, 0x4000_0000)


@pytest.mark.parametrize(
    ("processor", "header"),
    [(X86, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), (ARM, "/usr/include/asm-generic/unistd.h")],
)
def test_the_numbers_are_the_kernel_s(processor: str, header: str) -> None:
    if not Path(header).exists():
        pytest.skip(f"no {header}")
    text = Path(header).read_text()
    numbers = {name: int(number) for name, number in re.findall(r"#define __NR3?\w*?_(\w+)\s+(\d+)$", text, re.M)}
    _, refused, opening = confinement._CALLS[processor]
    wanted = refused | {name: number for name, (number, _) in opening.items()}
    newer = {"fchmodat2"} - numbers.keys()  # than the headers of some systems
    assert {name: number for name, number in wanted.items() if name not in newer} == {
        name: numbers[name] for name in wanted if name not in newer
    }
